/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_LOOK_H
#define CMD_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/bind-conflict.h"
#include "analysis/probe-verdict.h"
#include "cmd/options.h"
#include "model/bind-bucket.h"
#include "model/finding.h"
#include "model/snapshot.h"

/* One look at a port with a bind in mind: what probe shows, and wait does again and again. */

enum look_way { /* besides the model */
	LOOK_LIVE = 1U << 0, /* real binds that harm nobody */
	LOOK_HARMFUL = 1U << 1, /* and the others */
	LOOK_REPLICA = 1U << 2,
};

struct look {
	struct snapshot *snapshot;
	struct finding_list findings;
	struct bind_bucket_index index;
	struct probe_report report;
	struct probe_verdict verdict;
};

/*
 * Collect what shares the candidate's port, ask in these ways (enum look_way; a snapshot from a
 * file can be asked in none), and conclude. Returns false after saying on stderr what is wrong.
 * Free with look_done().
 */
bool look_at(const struct options *options, const struct bind_candidate *candidate, uint32_t ways,
	     struct look *ret_look);
void look_done(struct look *look);

#endif

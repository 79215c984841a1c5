/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_CHECK_H
#define ANALYSIS_CHECK_H

#include "analysis/selector.h"
#include "model/bind-bucket.h"
#include "model/finding.h"
#include "model/snapshot.h"

/* What the user said besides. */
struct check_options {
	const struct selector *selectors; /* ports that were named: somebody wants them */
	uint32_t n_selectors;
	enum severity least; /* nothing below this is wanted */
	const struct bind_bucket_index *buckets; /* of the snapshot; NULL: to be made */
};

/*
 * Run all detectors over a snapshot, whole (a filtered one would hide who shares a port). The list
 * is sorted; free it with finding_list_done(). Nearly linear in the number of sockets.
 */
void check_snapshot(const struct snapshot *snapshot, const struct check_options *options,
		    struct finding_list *ret_list);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_FRAME_H
#define TUI_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/history.h"
#include "analysis/port-view.h"
#include "model/bind-bucket.h"
#include "model/finding.h"
#include "model/snapshot.h"

/* For so long what has come or gone is marked. */
#define FRAME_KEEP_GONE_NS (5 * INT64_C(1000000000))

/* One reading with all that is derived from it: made by who collects, then only read. */

/* The sparkline: four minutes, a value for each ten seconds; for each reading if they are rarer. */
#define FRAME_TREND 24
#define FRAME_TREND_NS (10 * INT64_C(1000000000))

/* What a namespace has of its own, and what that is for. */
struct frame_netns {
	uint32_t time_wait; /* buckets, those in FIN-WAIT-2 too */
	int64_t time_wait_limit; /* tcp_max_tw_buckets; 0: not known */
	uint32_t local_ports, local_ports_used; /* of the range for connections, not reserved */
};

/* Of all namespaces. */
struct frame_totals {
	/* With MPTCP, by state, as sock_diag has it: time_wait in two of them, too. */
	uint32_t tcp[N_STATES];
	uint32_t closing; /* TCP between ESTAB and TIME-WAIT, without what time_wait counts */
	uint32_t udp;
	uint32_t time_wait; /* buckets, those in FIN-WAIT-2 too */
	uint32_t findings[N_SEVERITIES];
	uint32_t undecided;
};

struct frame {
	struct snapshot *snapshot; /* owned, as all the rest */
	struct finding_list findings;
	struct bind_bucket_index index;
	struct port_view ports;
	uint32_t *notes; /* of each socket 1 + the index of its worst finding, 0 = none */
	bool *unjudged; /* of each socket whether it cannot be told if it has one */
	bool *is_new; /* of each socket */
	bool *is_new_finding; /* of each finding */
	struct history history; /* as it was then, for history_find() and what has gone */
	struct frame_totals totals;
	struct frame_netns *netns; /* as those of the snapshot */
	uint32_t most_time_wait, most_ports; /* where they are nearest to their limit; else 0 */
	uint32_t trend[FRAME_TREND]; /* of TIME-WAIT, up to now */
	uint32_t n_trend;
};

/* What is carried from one frame to the next. */
struct frame_maker {
	struct history history;
	uint32_t trend[FRAME_TREND];
	uint32_t n_trend;
	int64_t trend_ns; /* when its last value began */
};

void frame_maker_init(struct frame_maker *maker);
void frame_maker_done(struct frame_maker *maker);

/*
 * A frame of a snapshot and the findings in it, which it owns from now on. before is that of the
 * frame before, or NULL: see history_take(). notes is as column_notes_of() makes it, and may be
 * NULL.
 */
struct frame *frame_new(struct frame_maker *maker, const struct snapshot *before,
			struct snapshot *snapshot, const struct finding_list *findings,
			uint32_t *notes);
void frame_free(struct frame *frame);

#endif

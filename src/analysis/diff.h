/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DIFF_H
#define ANALYSIS_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/selector.h"
#include "model/bind-bucket.h"
#include "model/snapshot.h"

/*
 * What has changed from snapshot to snapshot: which sockets are new, and for each port since when
 * the same processes serve it. Carried from one to the next; time is that of the snapshots.
 */

/* Of a bind bucket that is served: something listens or is bound. */
struct port_history {
	uint64_t netns; /* id of the namespace */
	uint16_t port;
	uint8_t protocol; /* bind_bucket_protocol() */
	bool gone; /* was there before, and is no more */
	bool changed; /* others serve it than when it was first seen */
	uint64_t holders, first_holders; /* digest of the pids: now, and then */
	int64_t since_ns; /* when that began; 0: before the first snapshot */
	char *who, *before; /* in words: those that served it last, and those before them or NULL */
};

struct history {
	struct port_history *ports; /* by namespace, protocol, port */
	uint32_t n_ports, capacity;
	struct seen_socket *seen; /* of the last snapshot, by cookie */
	uint32_t n_seen;
	bool has_snapshot;
	const struct selector *chosen; /* of history_choose() */
	uint32_t n_chosen;
};

void history_init(struct history *history);
void history_done(struct history *history);

/*
 * Ports that somebody waits for: those that a selector names alone, not in a range. They stay when
 * they have gone, until they are served again. The selectors stay the caller's, and stay.
 */
void history_choose(struct history *history, const struct selector *selectors, uint32_t count);

/*
 * Take the next snapshot. is_new, with an element for each socket, receives which were first seen
 * less than keep_ns ago; none in the first. Other ports that have gone stay for keep_ns.
 */
void history_take(struct history *history, const struct snapshot *snapshot,
		  const struct bind_bucket_index *index, int64_t keep_ns, bool *is_new);

/*
 * A copy of what is known of ports, without the sockets, and without who serves them but where they
 * have gone: to be looked at, not carried on.
 */
void history_copy(const struct history *history, struct history *ret_copy);

/* Of a bucket; NULL: it is not served. */
const struct port_history *history_find(const struct history *history,
					const struct snapshot *snapshot,
					const struct bind_bucket *bucket);

#endif

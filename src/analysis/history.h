/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_HISTORY_H
#define ANALYSIS_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/selector.h"
#include "model/bind-bucket.h"
#include "model/finding.h"
#include "model/snapshot.h"

/*
 * What has changed from snapshot to snapshot: which sockets and findings are new, which have gone,
 * and for each port since when the same processes serve it. Carried from one to the next; time is
 * that of the snapshots.
 */

/* Of sockets that have gone so many at most are kept, those that went first. */
#define HISTORY_GONE_MAX 10000

/* Of a bind bucket that is served: something listens or is bound. */
struct port_history {
	uint64_t netns; /* id of the namespace */
	uint16_t port;
	uint8_t protocol; /* bind_bucket_protocol() */
	bool gone; /* was there before, and is no more */
	bool changed; /* others serve it than when it was first seen */
	uint64_t holders, first_holders; /* digest of the pids: now, and then */
	int64_t since_ns; /* when that was first seen; 0: in the first snapshot */
	int64_t after_ns; /* and when it was not so yet; 0: not known */
	int64_t holders_ns; /* when the holders were read last; 0: not known */
	char *who, *before; /* in words: those that served it last, and those before them or NULL */
};

/* A finding that is there, or was there a moment ago. */
struct finding_history {
	uint64_t key; /* identity_of_finding() */
	int64_t since_ns; /* when it came or went; 0: before the first snapshot */
	bool gone, undecided;
	uint8_t id, severity, protocol; /* as those of struct finding */
	uint16_t port;
	uint64_t netns; /* id of the namespace */
	char *title;
};

struct history {
	struct port_history *ports; /* by namespace, protocol, port */
	uint32_t n_ports, capacity;
	struct seen_socket *seen; /* of the last snapshot, by cookie */
	uint32_t n_seen;
	bool has_snapshot;
	int64_t start_ns; /* when the reading of the last snapshot began */
	struct snapshot *gone; /* the sockets that have gone a moment ago; NULL: none */
	int64_t *gone_ns; /* of each of them, when */
	struct finding_history *findings; /* by key */
	uint32_t n_findings, findings_capacity;
	bool has_findings;
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
 * less than keep_ns ago; none in the first. Other ports and sockets that have gone stay for
 * keep_ns. before is the snapshot that was taken last, or one with the same sockets in the same
 * order; NULL: it is not there any more, and neither is what has gone since.
 */
void history_take(struct history *history, const struct snapshot *before,
		  const struct snapshot *snapshot, const struct bind_bucket_index *index,
		  int64_t keep_ns, bool *is_new);

/* Then the findings in it, likewise. */
void history_take_findings(struct history *history, const struct snapshot *snapshot,
			   const struct finding_list *findings, int64_t keep_ns, bool *is_new);

/*
 * A copy of what is known of ports, without who serves them but where they have gone, and of what
 * has gone: to be looked at, not carried on.
 */
void history_copy(const struct history *history, struct history *ret_copy);

/* Whether the port of a socket is served, or was a moment ago. */
bool history_was_served(const struct history *history, const struct snapshot *snapshot,
			const struct inet_socket *socket);

/* Of a bucket; NULL: it is not served. */
const struct port_history *history_find(const struct history *history,
					const struct snapshot *snapshot,
					const struct bind_bucket *bucket);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_VERDICT_H
#define ANALYSIS_PROBE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/direction.h"
#include "analysis/probe.h"

/* What a probe comes to, in words: who is in the way and why, until when, and what must change. */

enum probe_cause {
	CAUSE_LISTENER,
	CAUSE_INHERITED_LISTENER, /* held, at least too, by a process that is not the server */
	CAUSE_TIME_WAIT,
	CAUSE_CONNECTION, /* of a server, or of nobody knows which end, open or closing */
	CAUSE_OUTGOING, /* the same of a client, which has the port as its local one */
	CAUSE_BOUND, /* TCP, bound and not listening */
	CAUSE_DATAGRAMS, /* another UDP socket */
	N_PROBE_CAUSES,
};

/* "time-wait", as in JSON. */
const char *probe_cause_name(enum probe_cause cause);

struct probe_blocker {
	uint32_t socket; /* index into snapshot.sockets */
	enum probe_cause cause;
	enum direction direction; /* of a connection, or what is left of one */
	bool certain; /* false: it blocks if a fact, or a socket, that is unknown is so */
	char *why;
	/*
	 * From the time of the snapshot; -1: nothing tells. In FIN-WAIT-2 at the earliest: if its
	 * peer closes before, TIME-WAIT begins then and lasts 60 s.
	 */
	int64_t frees_in_ms;
};

/* Sentences of the program, with names of others in them: to be escaped like those. */
struct probe_sentences {
	char **items;
	uint32_t count, capacity;
};

struct probe_verdict {
	enum tristate answer; /* can the set that was asked about be bound */
	int error; /* why not: the errno; 0 if the answer is yes or unknown */
	char *text; /* one sentence */
	int64_t frees_in_ms; /* when all that is in the way has gone; -1: nothing tells */
	bool at_the_earliest; /* some of it may stay for up to 60 s more */
	struct probe_blocker *blockers; /* in the kernel's order */
	uint32_t n_blockers;
	struct probe_sentences remedies; /* what to do, and on which side */
	struct probe_sentences notes; /* what does not help, and what else is worth knowing */
	struct probe_sentences differences; /* where the ways do not agree */
};

/* index is of the whole snapshot. Freed with probe_verdict_done(). */
void probe_conclude(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		    const struct probe_report *report, struct probe_verdict *ret_verdict);
void probe_verdict_done(struct probe_verdict *verdict);

/* "SO_REUSEADDR", "both flags", "no reuse flag": one of the sets, as a heading and in sentences. */
const char *probe_set_name(uint32_t set);

/* "model", "replica", "live". */
const char *probe_way_name(enum probe_way way);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HELPERS_PROBE_BENCH_H
#define TESTS_HELPERS_PROBE_BENCH_H

#include <errno.h>

#include "analysis/probe-harm.h"
#include "analysis/probe-verdict.h"
#include "helpers/make-snapshot.h"

/* A snapshot, a candidate, and what is said of it; each test begins with bench_new(). */
struct bench {
	struct snapshot *snapshot;
	struct bind_candidate candidate;
	struct probe_facts facts;
	struct bind_bucket_index index;
	struct probe_report report;
	struct probe_live_plan plan;
	struct probe_verdict verdict;
};

static inline struct bench bench_new(enum protocol protocol, const char *address, uint16_t port)
{
	struct bench bench = {
		.snapshot = snapshot_new(),
		.candidate = { .protocol = (uint8_t)protocol, .port = port, .uid = 1000 },
		.facts = { .address_error = PROBE_UNKNOWN, .privileged = TRISTATE_NO },
	};
	int family;

	if (address_parse(address, strlen(address), &family, &bench.candidate.address))
		abort();
	bench.candidate.family = (uint8_t)family;
	snapshot_add_netns(bench.snapshot);
	bench.snapshot->kernel = snapshot_string(bench.snapshot, "6.18.44");
	return bench;
}

static inline void predict(struct bench *bench)
{
	bind_bucket_index_init(&bench->index, bench->snapshot);
	probe_report_init(&bench->report, &bench->candidate);
	probe_predict(bench->snapshot, &bench->index, &bench->facts, &bench->report);
	probe_plan_live(bench->snapshot, &bench->index, &bench->report, false, &bench->plan);
}

/* Of another candidate. */
static inline void predict_again(struct bench *bench)
{
	probe_report_done(&bench->report);
	bind_bucket_index_done(&bench->index);
	predict(bench);
}

static inline void conclude(struct bench *bench)
{
	probe_conclude(bench->snapshot, &bench->index, &bench->report, &bench->verdict);
}

static inline void done(struct bench *bench)
{
	probe_verdict_done(&bench->verdict);
	probe_report_done(&bench->report);
	bind_bucket_index_done(&bench->index);
	snapshot_free(bench->snapshot);
}

static inline bool says(const struct probe_sentences *sentences, const char *words)
{
	uint32_t i;

	for (i = 0; i < sentences->count; i++)
		if (strstr(sentences->items[i], words))
			return true;
	return false;
}

static inline struct inet_socket *add(struct bench *bench, enum socket_state state,
				      const char *address, enum tristate addr, enum tristate port,
				      uint32_t uid)
{
	struct inet_socket *socket = make_socket(bench->snapshot, bench->candidate.protocol, state,
						 address, bench->candidate.port);

	make_reuse(socket, addr, port, EVIDENCE_BPF);
	socket->uid = uid;
	socket->inode = 7;
	socket->known = SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_DEVICE;
	return socket;
}

static inline int model(const struct bench *bench, uint32_t set)
{
	return bench->report.attempts[set].ways[PROBE_MODEL].bind;
}

/* "ok use use ok" */
static inline const char *model_text(const struct bench *bench)
{
	static char text[64];
	uint32_t set;

	*text = '\0';
	for (set = 0; set < PROBE_SETS; set++) {
		int said = model(bench, set);

		strcat(text, set ? " " : "");
		strcat(text, said == 0		   ? "ok" :
			     said == EADDRINUSE	   ? "use" :
			     said == EACCES	   ? "access" :
			     said == EINVAL	   ? "invalid" :
			     said == EADDRNOTAVAIL ? "address" :
			     said == PROBE_UNKNOWN ? "?" :
						     "other");
	}
	return text;
}

static inline const char *plan_text(const struct bench *bench)
{
	static const char letters[] = {
		[LIVE_NOT] = '-', [LIVE_DIRECT] = 'd', [LIVE_MAPPED] = 'm'
	};
	static char text[PROBE_SETS + 1];
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++)
		text[set] = letters[bench->plan.how[set]];
	return text;
}

#endif

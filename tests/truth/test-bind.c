/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model of bind() against the kernel's own verdicts in bind.txt: every case must agree. */
#include "analysis/bind-conflict.h"

#include <sys/socket.h>

#include "helpers/tap.h"
#include "truth/truth-case.h"

static enum tristate answer(const char *word)
{
	return !strcmp(word, "-") ? TRISTATE_UNKNOWN : tristate_of(!strcmp(word, "ok"));
}

static bool agrees(char *line)
{
	struct truth_case truth;
	struct bind_verdict verdict;
	enum tristate got;
	bool same;

	truth_case_read(&truth, line);
	bind_conflict_judge(truth.snapshot, truth.members, truth.n_sockets, &truth.candidate,
			    &truth.memory, &verdict);
	got = verdict.can_bind;
	same = got == answer(truth.bind) && (got == TRISTATE_YES || verdict.n_blockers);
	bind_verdict_done(&verdict);
	if (same && strcmp(truth.listen, "-")) {
		truth_case_listen(&truth);
		bind_conflict_judge(truth.snapshot, truth.members, truth.n_sockets,
				    &truth.candidate, &truth.memory, &verdict);
		same = verdict.can_bind == answer(truth.listen);
		bind_verdict_done(&verdict);
	}
	truth_case_done(&truth);
	return same;
}

static enum tristate judge(const struct truth_case *truth)
{
	struct bind_verdict verdict;
	enum tristate can_bind;

	bind_conflict_judge(truth->snapshot, truth->members, truth->n_sockets, &truth->candidate,
			    &truth->memory, &verdict);
	can_bind = verdict.can_bind;
	bind_verdict_done(&verdict);
	return can_bind;
}

/* Judge with the flag as yes, as no and as unknown; the last must be what the first two agree on. */
static bool flag_is_exact(const struct truth_case *truth, uint8_t *flag)
{
	uint8_t before = *flag;
	enum tristate yes, no, unknown;

	*flag = TRISTATE_YES;
	yes = judge(truth);
	*flag = TRISTATE_NO;
	no = judge(truth);
	*flag = TRISTATE_UNKNOWN;
	unknown = judge(truth);
	*flag = before;
	return unknown == (yes == no ? yes : TRISTATE_UNKNOWN);
}

/* A missing fact makes the answer unknown if it decides, and only then. */
static bool is_exact(char *line)
{
	struct truth_case truth;
	bool exact = true;
	uint32_t i;

	truth_case_read(&truth, line);
	for (i = 0; i < truth.n_sockets; i++) {
		struct inet_socket *socket = &truth.snapshot->sockets[i];
		uint32_t known = socket->known;
		enum tristate before = judge(&truth), after;

		exact = exact && flag_is_exact(&truth, &socket->reuse_addr) &&
			flag_is_exact(&truth, &socket->reuse_port);
		/* One that is bound to a single address has it, whether that is known or not. */
		if (socket->family == AF_INET6 && !socket_is_bound(socket))
			exact = exact && flag_is_exact(&truth, &socket->v6only);
		socket->known &= ~(uint32_t)SOCKET_HAS_UID;
		after = judge(&truth);
		exact = exact && (after == before || after == TRISTATE_UNKNOWN);
		socket->known = known;
	}
	truth_case_done(&truth);
	return exact;
}

/* What may be missing of a socket. */
enum fact {
	FACT_REUSE_ADDR,
	FACT_REUSE_PORT,
	FACT_V6ONLY,
	FACT_UID,
	FACT_DEVICE,
	N_FACTS,
};
#define FACTS_MAX 3

struct missing {
	struct inet_socket *socket;
	enum fact fact;
};

/* Give a fact its first or second value, or take it away. */
static void set_fact(const struct truth_case *truth, const struct missing *missing,
		     enum tristate value)
{
	struct inet_socket *socket = missing->socket;
	uint32_t bit = missing->fact == FACT_UID ? SOCKET_HAS_UID : SOCKET_HAS_DEVICE;

	switch (missing->fact) {
	case FACT_REUSE_ADDR:
		socket->reuse_addr = (uint8_t)value;
		return;
	case FACT_REUSE_PORT:
		socket->reuse_port = (uint8_t)value;
		return;
	case FACT_V6ONLY:
		socket->v6only = (uint8_t)value;
		return;
	case FACT_UID:
		socket->uid = truth->candidate.uid + (value == TRISTATE_NO);
		break;
	case FACT_DEVICE:
		socket->device = value == TRISTATE_YES ? snapshot_string(truth->snapshot, "other") :
							 0;
		break;
	case N_FACTS:
		abort();
	}
	if (value == TRISTATE_UNKNOWN)
		socket->known &= ~bit;
	else
		socket->known |= bit;
}

/* Of several facts at once: the answer is unknown exactly when two ways to complete it differ. */
static bool is_jointly_exact(char *line, unsigned int *seed)
{
	struct missing missing[FACTS_MAX];
	unsigned int n_missing = 1 + (unsigned int)rand_r(seed) % FACTS_MAX, way, i;
	bool may_pass = false, may_fail = false;
	struct truth_case truth;
	enum tristate blank;

	truth_case_read(&truth, line);
	for (i = 0; i < n_missing; i++) {
		uint32_t at = (uint32_t)rand_r(seed) % truth.n_sockets;
		struct inet_socket *socket = &truth.snapshot->sockets[at];

		missing[i] = (struct missing){ socket, (enum fact)(rand_r(seed) % N_FACTS) };
		/* See is_exact(). */
		if (missing[i].fact == FACT_V6ONLY &&
		    (socket->family != AF_INET6 || socket_is_bound(socket)))
			missing[i].fact = FACT_REUSE_ADDR;
		/* One that is known to be bound to none is no different from one to another. */
		if (missing[i].fact == FACT_DEVICE && socket->device)
			missing[i].fact = FACT_REUSE_PORT;
	}
	for (way = 0; way < 1U << n_missing; way++) {
		enum tristate can_bind;

		for (i = 0; i < n_missing; i++)
			set_fact(&truth, &missing[i], tristate_of(way >> i & 1));
		can_bind = judge(&truth);
		may_pass = may_pass || can_bind == TRISTATE_YES;
		may_fail = may_fail || can_bind == TRISTATE_NO;
	}
	for (i = 0; i < n_missing; i++)
		set_fact(&truth, &missing[i], TRISTATE_UNKNOWN);
	blank = judge(&truth);
	truth_case_done(&truth);
	return blank == (may_pass && may_fail ? TRISTATE_UNKNOWN : tristate_of(may_pass));
}

int main(void)
{
	const char *source = getenv("top_srcdir");
	char path[4096], line[8192], copy[8192];
	unsigned int count = 0, wrong = 0, inexact = 0, jointly_inexact = 0, seed = 20261121;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/truth/bind.txt", source ? source : ".");
	file = fopen(path, "r");
	if (!ok(file, "%s can be read", path))
		return done_testing();
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		strcpy(copy, line);
		count++;
		if (!agrees(copy) && wrong++ < 20)
			diag("wrong: %s", line);
		strcpy(copy, line);
		if (!is_exact(copy) && inexact++ < 20)
			diag("not exact: %s", line);
		strcpy(copy, line);
		if (!is_jointly_exact(copy, &seed) && jointly_inexact++ < 20)
			diag("not exact with several: %s", line);
	}
	fclose(file);
	ok(count > 14000, "%u cases", count);
	is_int(wrong, 0, "the model answers each as the kernel did");
	is_int(inexact, 0, "a missing fact makes the answer unknown if, and only if, it decides");
	is_int(jointly_inexact, 0, "and so do several that are missing together");
	return done_testing();
}

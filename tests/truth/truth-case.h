/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_TRUTH_CASE_H
#define TESTS_TRUTH_CASE_H

#include <stdlib.h>
#include <string.h>

#include "analysis/bind-conflict.h"
#include "helpers/make-snapshot.h"

/* A line of bind.txt as a snapshot. */

#define TRUTH_SOCKETS_MAX 64
#define TRUTH_PORT 4242

struct truth_case {
	struct snapshot *snapshot;
	uint32_t members[TRUTH_SOCKETS_MAX]; /* in the kernel's order */
	uint32_t n_sockets;
	bool listens[TRUTH_SOCKETS_MAX]; /* by index of the socket, as are the next */
	struct bind_candidate bound[TRUTH_SOCKETS_MAX]; /* as it was bound */
	struct bind_candidate candidate;
	struct bind_memory memory; /* of the bucket, when the candidate comes */
	const char *bind, *listen; /* what the kernel said; parts of the line */
};

static inline void truth_address(const char *text, uint8_t *family, struct address *address)
{
	int value;

	if (address_parse(text, strlen(text), &value, address))
		abort();
	*family = (uint8_t)value;
}

static inline void truth_state(struct inet_socket *socket, const char *name)
{
	static const struct {
		const char *name;
		enum socket_state state;
		bool is_bucket;
	} states[] = {
		{ "unconn", STATE_BOUND, false },
		{ "connected", STATE_ESTAB, false },
		{ "bound", STATE_BOUND, false },
		{ "dead_bound", STATE_BOUND, false },
		{ "listen", STATE_LISTEN, false },
		{ "established", STATE_ESTAB, false },
		{ "client_established", STATE_ESTAB, false },
		{ "client_auto", STATE_ESTAB, false },
		{ "close_wait", STATE_CLOSE_WAIT, false },
		{ "fin_wait2", STATE_FIN_WAIT_2, false },
		{ "fin_wait2_orphan", STATE_FIN_WAIT_2, true },
		{ "fin_wait1", STATE_FIN_WAIT_1, false },
		{ "fin_wait1_orphan", STATE_FIN_WAIT_1, false },
		{ "closing", STATE_CLOSING, false },
		{ "last_ack", STATE_LAST_ACK, false },
		{ "last_ack_orphan", STATE_LAST_ACK, false },
		{ "syn_sent", STATE_SYN_SENT, false },
		{ "time_wait", STATE_TIME_WAIT, true },
		{ "client_time_wait", STATE_TIME_WAIT, true },
	};
	size_t i;

	for (i = 0; strcmp(states[i].name, name); i++)
		if (i + 1 == sizeof(states) / sizeof(states[0]))
			abort();
	socket->state = (uint8_t)states[i].state;
	socket->known |= SOCKET_HAS_INODE;
	socket->inode = states[i].is_bucket ? 0 : 1;
	if (states[i].is_bucket)
		socket->timer = TIMER_TIME_WAIT;
}

/* Read the socket or candidate in word; ret_bound is it as it was bound. */
static inline void truth_socket(struct truth_case *truth, char *word, struct inet_socket *socket,
				struct bind_candidate *ret_bound, bool *ret_listens)
{
	char *rest = word, *field = strsep(&rest, ",");
	struct bind_candidate *bound = ret_bound;
	const char *state = "";
	unsigned int n = 1;
	bool v6only;

	truth_address(field, &socket->family, &socket->local);
	*bound = (struct bind_candidate){ .family = socket->family, .address = socket->local };
	field = strsep(&rest, ",");
	bound->reuse_addr = strchr(field, 'a');
	bound->reuse_port = strchr(field, 'p');
	bound->v6only = strchr(field, '6');
	field = strsep(&rest, ",");
	socket->uid = bound->uid = (uint32_t)strtoul(field, NULL, 10);
	socket->known |= SOCKET_HAS_UID | SOCKET_HAS_DEVICE;
	for (; (field = strsep(&rest, ",")); n++) {
		if (!strncmp(field, "dev=", 4))
			socket->device = bound->device =
				snapshot_string(truth->snapshot, field + 4);
		else if (!strncmp(field, "bound=", 6))
			truth_address(field + 6, &bound->family, &bound->address);
		else if (!strncmp(field, "accepted=", 9))
			socket->uid = (uint32_t)strtoul(field + 9, NULL, 10);
		else if (!strcmp(field, "listens"))
			*ret_listens = true;
		else if (n == 1)
			truth_state(socket, state = field);
		else
			abort();
	}
	make_reuse(socket, tristate_of(bound->reuse_addr), tristate_of(bound->reuse_port),
		   EVIDENCE_BPF);
	/* To bind to one IPv6 address sets it, to connect from :: does not. */
	v6only = bound->v6only ||
		 (bound->family == AF_INET6 && !address_is_v4_mapped(AF_INET6, &bound->address) &&
		  !address_is_wildcard(AF_INET6, &bound->address) && strcmp(state, "client_auto"));
	if (socket->family == AF_INET6)
		socket->v6only = tristate_of(v6only);
}

static inline void truth_case_read(struct truth_case *truth, char *line)
{
	struct inet_socket scratch = { .cookie = 0 };
	enum protocol protocol;
	char *rest = line, *word;
	uint32_t i, n = 0;
	bool ignored = false;

	*truth = (struct truth_case){ .snapshot = snapshot_new() };
	truth->snapshot->kernel = snapshot_string(truth->snapshot, "6.18.44");
	snapshot_add_netns(truth->snapshot);
	strsep(&rest, " ");
	protocol = !strcmp(strsep(&rest, " "), "udp") ? PROTOCOL_UDP : PROTOCOL_TCP;
	truth->bind = strsep(&rest, " ");
	truth->listen = strsep(&rest, " ");
	truth_socket(truth, strsep(&rest, " "), &scratch, &truth->candidate, &ignored);
	truth->candidate.protocol = (uint8_t)protocol;
	truth->candidate.port = TRUTH_PORT;
	while ((word = strsep(&rest, " "))) {
		struct inet_socket *socket = snapshot_add_socket(truth->snapshot);
		bool automatic = strstr(word, ",client_auto");

		if (n == TRUTH_SOCKETS_MAX)
			abort();
		socket->protocol = (uint8_t)protocol;
		socket->local_port = TRUTH_PORT;
		truth_socket(truth, word, socket, &truth->bound[n], &truth->listens[n]);
		if (!automatic)
			bind_memory_update(&truth->memory, &truth->bound[n]);
		else if (!n)
			truth->memory.reuse_port = -1;
		/* Newest first; AF_INET6 with SO_REUSEPORT at the tail (sk_add_node_rcu()). */
		if (socket->family == AF_INET6 && socket->reuse_port == TRISTATE_YES) {
			truth->members[n] = n;
		} else {
			for (i = n; i > 0; i--)
				truth->members[i] = truth->members[i - 1];
			truth->members[0] = n;
		}
		n++;
	}
	truth->n_sockets = n;
}

/* Go on to the moment of listen(). */
static inline void truth_case_listen(struct truth_case *truth)
{
	uint32_t i;

	bind_memory_update(&truth->memory, &truth->candidate);
	/* Who listened before has left its mark in the bucket before. */
	for (i = 0; i < truth->n_sockets; i++) {
		if (!truth->listens[i])
			continue;
		truth->snapshot->sockets[i].state = STATE_LISTEN;
		bind_memory_update(&truth->memory, &truth->bound[i]);
	}
}

static inline void truth_case_done(struct truth_case *truth)
{
	snapshot_free(truth->snapshot);
}

#endif

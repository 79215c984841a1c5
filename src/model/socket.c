/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/socket.h"

#include <errno.h>
#include <stddef.h>
#include <strings.h>
#include <sys/socket.h>

#include "util/xalloc.h"

/* There may be 100,000 of them. */
_Static_assert(sizeof(struct inet_socket) <= 136, "a socket has not grown");

static const char *const protocol_names[N_PROTOCOLS] = {
	[PROTOCOL_TCP] = "tcp",	    [PROTOCOL_UDP] = "udp",   [PROTOCOL_UDPLITE] = "udplite",
	[PROTOCOL_MPTCP] = "mptcp", [PROTOCOL_SCTP] = "sctp",
};

static const char *const state_names[N_STATES] = {
	[STATE_LISTEN] = "LISTEN",	   [STATE_BOUND] = "BOUND",
	[STATE_ESTAB] = "ESTAB",	   [STATE_SYN_SENT] = "SYN-SENT",
	[STATE_SYN_RECV] = "SYN-RECV",	   [STATE_FIN_WAIT_1] = "FIN-WAIT-1",
	[STATE_FIN_WAIT_2] = "FIN-WAIT-2", [STATE_CLOSE_WAIT] = "CLOSE-WAIT",
	[STATE_LAST_ACK] = "LAST-ACK",	   [STATE_CLOSING] = "CLOSING",
	[STATE_TIME_WAIT] = "TIME-WAIT",
};

static const char *const evidence_names[N_EVIDENCES] = {
	[EVIDENCE_UNKNOWN] = "unknown",
	[EVIDENCE_BPF] = "bpf",
	[EVIDENCE_GETSOCKOPT] = "getsockopt",
	[EVIDENCE_INFERRED] = "inferred",
};

static const char *const owner_status_names[N_OWNER_STATUSES] = {
	[OWNER_UNKNOWN] = "unknown",	 [OWNER_OWNED] = "owned",   [OWNER_KERNEL] = "kernel",
	[OWNER_NONE] = "none",		 [OWNER_HIDDEN] = "hidden", [OWNER_ORPHAN] = "orphan",
	[OWNER_IN_FLIGHT] = "in-flight",
};

static const char *const timer_names[N_TIMERS] = {
	[TIMER_UNKNOWN] = "unknown",	   [TIMER_NONE] = "none",
	[TIMER_RETRANSMIT] = "retransmit", [TIMER_KEEPALIVE] = "keepalive",
	[TIMER_TIME_WAIT] = "time-wait",   [TIMER_PROBE] = "probe",
};

/* By bit of enum socket_option. */
static const char *const option_names[N_SOCKET_OPTIONS] = {
	"recverr",	  "freebind",	   "transparent",
	"multicast_loop", "multicast_all", "bind_address_no_port",
	"defer_connect",
};

static const struct {
	const char *name;
	enum socket_state state;
} state_aliases[] = {
	{ "LISTENING", STATE_LISTEN },	   { "ESTABLISHED", STATE_ESTAB },
	{ "CONNECTED", STATE_ESTAB },	   { "UNCONN", STATE_BOUND },
	{ "UNCONNECTED", STATE_BOUND },	   { "CLOSED", STATE_BOUND },
	{ "FIN-WAIT1", STATE_FIN_WAIT_1 }, { "FIN-WAIT2", STATE_FIN_WAIT_2 },
};

const char *protocol_name(enum protocol protocol)
{
	return protocol_names[protocol];
}

const char *socket_state_name(enum socket_state state)
{
	return state_names[state];
}

const char *evidence_name(enum evidence evidence)
{
	return evidence_names[evidence];
}

const char *owner_status_name(enum owner_status status)
{
	return owner_status_names[status];
}

const char *timer_kind_name(enum timer_kind timer)
{
	return timer_names[timer];
}

const char *socket_option_name(unsigned int bit)
{
	return option_names[bit];
}

static int find_name(const char *const *names, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!strcasecmp(names[i], name))
			return (int)i;
	}
	return -EINVAL;
}

int protocol_parse(const char *name)
{
	return find_name(protocol_names, N_PROTOCOLS, name);
}

int evidence_parse(const char *name)
{
	return find_name(evidence_names, N_EVIDENCES, name);
}

int owner_status_parse(const char *name)
{
	return find_name(owner_status_names, N_OWNER_STATUSES, name);
}

int timer_kind_parse(const char *name)
{
	return find_name(timer_names, N_TIMERS, name);
}

int socket_option_parse(const char *name)
{
	return find_name(option_names, N_SOCKET_OPTIONS, name);
}

int socket_state_parse(const char *name)
{
	char spelled[16];
	size_t i;
	int state;

	for (i = 0; name[i] && i < sizeof(spelled) - 1; i++)
		spelled[i] = (char)(name[i] == '_' ? '-' : name[i]);
	if (name[i])
		return -EINVAL;
	spelled[i] = '\0';
	state = find_name(state_names, N_STATES, spelled);
	if (state >= 0)
		return state;
	for (i = 0; i < ARRAY_SIZE(state_aliases); i++) {
		if (!strcasecmp(state_aliases[i].name, spelled))
			return state_aliases[i].state;
	}
	return -EINVAL;
}

void socket_keep_old_peer(struct inet_socket *socket)
{
	if (socket->family == AF_INET6 && !protocol_is_stream((enum protocol)socket->protocol) &&
	    !address_equal(&socket->peer, &(struct address){ .bytes = { 0 } }))
		socket->known |= SOCKET_HAS_OLD_PEER;
	else
		socket->peer = (struct address){ .bytes = { 0 } };
}

bool socket_is_held_by_unknown(const struct inet_socket *socket)
{
	return !socket->n_owners &&
	       (socket->owner_status == OWNER_HIDDEN || socket->owner_status == OWNER_UNKNOWN);
}

bool socket_is_bound(const struct inet_socket *socket)
{
	return socket->state == STATE_LISTEN || socket->state == STATE_BOUND;
}

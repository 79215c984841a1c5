/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SOCKET_H
#define MODEL_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "model/address.h"
#include "model/tristate.h"
#include "util/string-pool.h"

enum protocol {
	PROTOCOL_TCP,
	PROTOCOL_UDP,
	PROTOCOL_UDPLITE,
	PROTOCOL_MPTCP,
	PROTOCOL_SCTP,
	N_PROTOCOLS,
};

/*
 * Socket states under the names that ss(8) prints. BOUND is an unconnected UDP socket, and a TCP
 * socket that is bound but neither listening nor connected (the kernel's bound-inactive CLOSE). A
 * connected UDP socket is ESTAB. A TIME-WAIT bucket in its FIN-WAIT-2 substate is FIN-WAIT-2 with
 * inode 0 and a time-wait timer, see socket_is_time_wait().
 */
enum socket_state {
	STATE_LISTEN,
	STATE_BOUND,
	STATE_ESTAB,
	STATE_SYN_SENT,
	STATE_SYN_RECV,
	STATE_FIN_WAIT_1,
	STATE_FIN_WAIT_2,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_CLOSING,
	STATE_TIME_WAIT,
	N_STATES,
};

/* How a fact is known, the strongest first. */
enum evidence {
	EVIDENCE_UNKNOWN,
	EVIDENCE_BPF,
	EVIDENCE_GETSOCKOPT,
	EVIDENCE_INFERRED,
	N_EVIDENCES,
};

/*
 * Why a socket has the owners that it has. NONE: no process can hold it (TIME-WAIT, a request, a
 * connection not accepted yet). ORPHAN: closed by its owner, the kernel finishes it. HIDDEN: owned,
 * but the caller may not see by whom. IN_FLIGHT: passed over a Unix socket and not yet received.
 */
enum owner_status {
	OWNER_UNKNOWN,
	OWNER_OWNED,
	OWNER_KERNEL,
	OWNER_NONE,
	OWNER_HIDDEN,
	OWNER_ORPHAN,
	OWNER_IN_FLIGHT,
	N_OWNER_STATUSES,
};

/* The kernel's idiag_timer. */
enum timer_kind {
	TIMER_UNKNOWN,
	TIMER_NONE,
	TIMER_RETRANSMIT,
	TIMER_KEEPALIVE,
	TIMER_TIME_WAIT,
	TIMER_PROBE,
	N_TIMERS,
};

/* Which of the numbers of a socket are known; a bit that is not set means "unknown". */
enum socket_known {
	SOCKET_HAS_UID = 1U << 0,
	SOCKET_HAS_INODE = 1U << 1,
	SOCKET_HAS_COOKIE = 1U << 2,
	SOCKET_HAS_QUEUE = 1U << 3, /* queue_recv and queue_send */
	SOCKET_HAS_LIMIT = 1U << 4, /* queue_limit: a listener's backlog, else SO_RCVBUF's bytes */
	SOCKET_HAS_DROPS = 1U << 5,
	SOCKET_HAS_EXPIRES = 1U << 6, /* timer_expires_ms */
	SOCKET_HAS_CGROUP = 1U << 7,
	SOCKET_HAS_MARK = 1U << 8,
	SOCKET_HAS_PEER = 1U << 9, /* peer and peer_port; without it there is no peer */
	SOCKET_HAS_OPTIONS = 1U << 10,
	SOCKET_HAS_MULTICAST = 1U << 11, /* the list of groups is complete, it may be empty */
	SOCKET_HAS_DEVICE = 1U << 12, /* device is known; device 0 then means: not bound to one */
	/*
	 * UDP over IPv6, not connected, but it was: peer is still the address from which alone it
	 * gets datagrams of IPv6, as connect() to AF_UNSPEC leaves it (__udp_disconnect()).
	 */
	SOCKET_HAS_OLD_PEER = 1U << 13,
};

/* Options that sock_diag reports (INET_DIAG_SOCKOPT), as bits of inet_socket.options. */
enum socket_option {
	SOCKET_OPTION_RECVERR = 1U << 0,
	SOCKET_OPTION_FREEBIND = 1U << 1,
	SOCKET_OPTION_TRANSPARENT = 1U << 2,
	SOCKET_OPTION_MULTICAST_LOOP = 1U << 3,
	SOCKET_OPTION_MULTICAST_ALL = 1U << 4,
	SOCKET_OPTION_BIND_ADDRESS_NO_PORT = 1U << 5,
	SOCKET_OPTION_DEFER_CONNECT = 1U << 6,
};
#define N_SOCKET_OPTIONS 7

/* One socket, TIME-WAIT bucket or connection request, as it was when the snapshot was taken. */
struct inet_socket {
	uint64_t cookie;
	uint64_t inode;
	uint64_t cgroup_id; /* cgroup at the socket's creation: inode of its directory */
	struct address local;
	struct address peer;
	uint32_t netns; /* index into snapshot.netns */
	uint32_t known; /* enum socket_known */
	uint32_t uid;
	uint32_t queue_recv; /* LISTEN: connections waiting; else bytes */
	uint32_t queue_send;
	uint32_t queue_limit;
	uint32_t drops;
	uint32_t timer_expires_ms;
	uint32_t mark;
	string_id device; /* name of the interface it is bound to */
	string_id unit; /* systemd unit of the cgroup, 0 if none or unknown */
	string_id container; /* container id of the cgroup */
	uint32_t first_owner, n_owners; /* range of snapshot.owners, by process, then descriptor */
	uint32_t first_group, n_groups; /* range of snapshot.groups: multicast memberships */
	uint16_t local_port; /* host byte order */
	uint16_t peer_port;
	/*
	 * UDP: where the kernel's look-up meets it among those of its address and port; 0: unknown.
	 * Only which of two is lower means anything. The snapshot has them in the order of bind().
	 */
	uint16_t lookup_order;
	uint8_t options; /* enum socket_option */
	uint8_t family; /* AF_INET, AF_INET6 */
	uint8_t protocol; /* enum protocol */
	uint8_t state; /* enum socket_state */
	uint8_t v6only; /* enum tristate */
	uint8_t timer : 4; /* enum timer_kind */
	uint8_t reuse_program : 2; /* enum tristate: BPF chooses within its SO_REUSEPORT group */
	uint8_t reuse_group : 2; /* enum tristate: whether it is in such a group, if it receives */
	uint8_t reuse_addr; /* enum tristate */
	uint8_t reuse_port; /* enum tristate */
	uint8_t reuse_evidence; /* enum evidence */
	uint8_t owner_status; /* enum owner_status */
};

/* A multicast group that a socket has joined. */
struct multicast_group {
	struct address address;
	uint8_t family;
};

/* Names as they stand in JSON and in output ("tcp", "TIME-WAIT", "bpf", "in-flight", …). */
const char *protocol_name(enum protocol protocol);
const char *socket_state_name(enum socket_state state);
const char *evidence_name(enum evidence evidence);
const char *owner_status_name(enum owner_status status);
const char *timer_kind_name(enum timer_kind timer);
const char *socket_option_name(unsigned int bit); /* of the option 1U << bit */

/*
 * The value of a name, without regard to case. socket_state_parse() also takes the underscore
 * spelling (time_wait) and ss's and netstat's aliases (listening, established, estab, closed).
 * Return the value, or -EINVAL.
 */
int protocol_parse(const char *name);
int socket_state_parse(const char *name);
int evidence_parse(const char *name);
int owner_status_parse(const char *name);
int timer_kind_parse(const char *name);
int socket_option_parse(const char *name); /* the bit, see above */

/* TCP and MPTCP and SCTP, which listen and connect; the others carry datagrams. */
static inline bool protocol_is_stream(enum protocol protocol)
{
	return protocol == PROTOCOL_TCP || protocol == PROTOCOL_MPTCP || protocol == PROTOCOL_SCTP;
}

/* TIME-WAIT, or a TIME-WAIT bucket in its FIN-WAIT-2 substate (inet_timewait_sock). */
static inline bool socket_is_time_wait(const struct inet_socket *socket)
{
	return socket->state == STATE_TIME_WAIT ||
	       (socket->state == STATE_FIN_WAIT_2 && socket->timer == TIMER_TIME_WAIT &&
		(socket->known & SOCKET_HAS_INODE) && !socket->inode);
}

/* Whether either flag is known to be set, by which others may be let in. */
static inline bool socket_has_reuse(const struct inet_socket *socket)
{
	return socket->reuse_addr == TRISTATE_YES || socket->reuse_port == TRISTATE_YES;
}

/* Whether both are known not to be. */
static inline bool socket_lacks_reuse(const struct inet_socket *socket)
{
	return socket->reuse_addr == TRISTATE_NO && socket->reuse_port == TRISTATE_NO;
}

/* Whether there is a struct socket of it, which a process can hold: the kernel tells its inode. */
static inline bool socket_has_inode(const struct inet_socket *socket)
{
	return (socket->known & SOCKET_HAS_INODE) && socket->inode;
}

/*
 * A socket that is not connected has got what the kernel says is its peer's address: take it for
 * the one that it had before (SOCKET_HAS_OLD_PEER), or forget it where that is of no account.
 */
void socket_keep_old_peer(struct inet_socket *socket);

/* Whether it has holders, or may have them, of whom none can be seen. */
bool socket_is_held_by_unknown(const struct inet_socket *socket);

/* LISTEN or BOUND: somebody's server, or what may become one. */
bool socket_is_bound(const struct inet_socket *socket);

#endif

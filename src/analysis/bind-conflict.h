/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_BIND_CONFLICT_H
#define ANALYSIS_BIND_CONFLICT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/bind-bucket.h"
#include "model/bind-memory.h"
#include "model/snapshot.h"
#include "model/tristate.h"

/*
 * Would bind() succeed? The rules of inet_csk_get_port() with inet_csk_bind_conflict() for TCP, and
 * of udp_lib_get_port() with udp_lib_lport_inuse() for UDP, as of Linux 6.18, which give the same
 * verdicts as those of 6.1 and 6.12 but for one: before 6.17 a socket that no process holds counted
 * as root's. Which holds is said by the snapshot's kernel. Pure; in three values: a fact that is
 * not known makes the answer unknown if, and only if, the answer depends on it.
 *
 * Only EADDRINUSE is judged. What is refused for other reasons (EACCES, EADDRNOTAVAIL, EINVAL)
 * comes before it in the kernel, and is the caller's to see.
 */

/* The bind that somebody wants. */
struct bind_candidate {
	struct address address;
	uint32_t netns; /* index into snapshot.netns */
	uint32_t uid; /* fsuid of the process that makes the socket */
	string_id device; /* bound to this one, 0 to none */
	uint16_t port;
	uint8_t protocol; /* enum protocol */
	uint8_t family;
	bool v6only; /* as asked; an address that is no wildcard forces it, as in the kernel */
	bool reuse_addr, reuse_port;
};

/* The bucket as it is after this socket was bound, or began to listen; from a zeroed one on. */
void bind_memory_update(struct bind_memory *memory, const struct bind_candidate *socket);

enum bind_unknown { /* the facts of a socket that are missing and would decide */
	BIND_UNKNOWN_REUSE_ADDR = 1U << 0,
	BIND_UNKNOWN_REUSE_PORT = 1U << 1,
	BIND_UNKNOWN_UID = 1U << 2,
	BIND_UNKNOWN_V6ONLY = 1U << 3,
	BIND_UNKNOWN_DEVICE = 1U << 4,
	BIND_UNKNOWN_INODE = 1U << 5, /* whether it is in the bucket, or a mere request */
	BIND_UNKNOWN_MEMORY = 1U << 6, /* of the bucket: whether that lets the candidate in */
};

struct bind_blocker {
	uint32_t socket; /* index into snapshot.sockets */
	uint32_t unknown; /* enum bind_unknown; 0: it blocks for certain */
};

struct bind_verdict {
	enum tristate can_bind;
	/*
	 * The sockets that conflict; with can_bind unknown, those that may. For UDP, where the
	 * first that overlaps decides, that one and those that decide when it has gone, up to one
	 * that lets the candidate in. In the order of the bucket.
	 */
	struct bind_blocker *blockers;
	uint32_t n_blockers, capacity;
};

/*
 * Judge a candidate against the members of its bind bucket, in the kernel's own order (for UDP that
 * decides; newest first). memory may be NULL: then every socket is looked at, which is right but in
 * rare histories. With one that is unread the verdict is unknown where it might change it: not
 * where what is in the way shows that the last bind was none that the candidate would fit. Freed
 * with bind_verdict_done().
 *
 * listen() asks the same again, with the candidate among the bound: judge it against the sockets as
 * they are by then. It can fail only if something has begun to listen in between.
 */
void bind_conflict_judge(const struct snapshot *snapshot, const uint32_t *members,
			 uint32_t n_members, const struct bind_candidate *candidate,
			 const struct bind_memory *memory, struct bind_verdict *ret_verdict);

void bind_verdict_done(struct bind_verdict *verdict);

/* Whether a bind to the one address also concerns the other: inet_rcv_saddr_equal() and devices. */
enum tristate bind_overlaps(const struct bind_candidate *candidate,
			    const struct inet_socket *socket);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_REPLICA_SOCKET_H
#define PROBE_REPLICA_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/*
 * One socket of a snapshot rebuilt in a namespace that has nothing else: its address, family,
 * v6only, device, flags, uid, and as what the bind rules see it: listening, bound, connected,
 * closing, TIME-WAIT. What is not known of it is taken as: not set, not bound to a device.
 */
struct replica_socket {
	int fd; /* -1: there is none, as for TIME-WAIT */
	int peer; /* the other end of a connection, or -1 */
};

/*
 * others: uids can be played, else all sockets are the caller's. peer_port is a port that no other
 * call has got. Returns 0, or -errno with *ret_step, what failed. The namespace's devices and
 * addresses are there already.
 */
int replica_socket_make(const struct snapshot *snapshot, uint32_t socket, bool others,
			uint32_t candidate_uid, uint16_t peer_port,
			struct replica_socket *ret_socket, const char **ret_step);

/* Connect a socket of UDP to loopback and disconnect it, as was done to the original. */
int replica_socket_move(const struct inet_socket *socket, const struct replica_socket *made);

/*
 * To be called when all are made: flags go that a UDP socket was given for its bind only, and
 * without others SO_REUSEPORT of sockets of other users, which do not share by it with the
 * candidate.
 */
int replica_socket_finish(const struct inet_socket *socket, bool others, uint32_t candidate_uid,
			  const struct replica_socket *made);

/* Whether it is of another user, as far as that counts: not for TIME-WAIT. */
bool replica_socket_foreign(const struct inet_socket *socket, uint32_t candidate_uid);

/*
 * Make the TCP bucket of a port, which has sockets, remember this, as it does in the original: by a
 * bind, closed at once. Returns 0 or -errno.
 */
int replica_socket_remember(const struct bind_memory *memory, uint16_t port, bool others);

/* Whether the bind rules see the two as one: many dead connections are rebuilt as one. */
bool replica_socket_alike(const struct inet_socket *a, const struct inet_socket *b);

#endif

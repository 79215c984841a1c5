/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HELPERS_MAKE_SNAPSHOT_H
#define TESTS_HELPERS_MAKE_SNAPSHOT_H

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "model/snapshot.h"

/* Rows for tests of what works on snapshots. Pointers are good until the next of their kind. */

static inline struct inet_socket *make_socket(struct snapshot *snapshot, enum protocol protocol,
					      enum socket_state state, const char *local,
					      uint16_t port)
{
	struct inet_socket *socket = snapshot_add_socket(snapshot);
	int family = AF_INET;

	if (address_parse(local, strlen(local), &family, &socket->local) < 0)
		abort();
	socket->family = (uint8_t)family;
	socket->protocol = (uint8_t)protocol;
	socket->state = (uint8_t)state;
	socket->local_port = port;
	return socket;
}

static inline void make_peer(struct inet_socket *socket, const char *peer, uint16_t port)
{
	int family;

	if (address_parse(peer, strlen(peer), &family, &socket->peer) < 0 ||
	    family != socket->family)
		abort();
	socket->peer_port = port;
	socket->known |= SOCKET_HAS_PEER;
}

static inline struct inet_socket *make_connection(struct snapshot *snapshot,
						  enum socket_state state, uint16_t port,
						  const char *peer, uint16_t peer_port)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, state, "10.0.0.7", port);

	make_peer(socket, peer, peer_port);
	if (state != STATE_TIME_WAIT)
		return socket;
	socket->timer = TIMER_TIME_WAIT;
	socket->owner_status = OWNER_NONE;
	return socket;
}

static inline void make_expiry(struct inet_socket *socket, uint32_t milliseconds)
{
	socket->timer_expires_ms = milliseconds;
	socket->known |= SOCKET_HAS_EXPIRES;
}

/* Returns the index of the process. pids must ascend. */
static inline uint32_t make_process(struct snapshot *snapshot, uint32_t pid, const char *comm)
{
	struct process *process = snapshot_add_process(snapshot);

	process->pid = pid;
	process->comm = snapshot_string(snapshot, comm);
	return snapshot->n_processes - 1;
}

/* All owners of a socket are made one after the other. */
static inline void make_owner(struct snapshot *snapshot, struct inet_socket *socket,
			      uint32_t process, int32_t fd)
{
	struct owner *owner = snapshot_add_owner(snapshot);

	owner->process = process;
	owner->fd = fd;
	if (!socket->n_owners++)
		socket->first_owner = snapshot->n_owners - 1;
	socket->owner_status = OWNER_OWNED;
}

static inline void make_reuse(struct inet_socket *socket, enum tristate addr, enum tristate port,
			      enum evidence evidence)
{
	socket->reuse_addr = (uint8_t)addr;
	socket->reuse_port = (uint8_t)port;
	socket->reuse_evidence = (uint8_t)evidence;
}

#endif

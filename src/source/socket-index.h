/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCKET_INDEX_H
#define SOURCE_SOCKET_INDEX_H

#include <stdint.h>

#include "model/snapshot.h"

enum socket_key {
	SOCKET_KEY_COOKIE,
	SOCKET_KEY_INODE,
};

/* Sockets by cookie or by inode, without those that lack it (inode 0 is a lack too). */
struct socket_index {
	const struct inet_socket *sockets;
	struct socket_slot {
		uint32_t low; /* of the key */
		uint32_t socket; /* its index plus 1; 0: a free slot */
	} * slots;
	uint32_t mask;
	enum socket_key key;
};

/* An empty index with room for capacity sockets. Freed with socket_index_done(). */
void socket_index_init(struct socket_index *index, const struct snapshot *snapshot,
		       enum socket_key key, uint32_t capacity);
void socket_index_add(struct socket_index *index, uint32_t socket);
void socket_index_done(struct socket_index *index);

/*
 * The first, and the next, socket with this key; SNAPSHOT_NONE after the last. Two sockets can
 * share an inode: a listener of MPTCP and the TCP socket inside.
 */
#define SOCKET_INDEX_START UINT32_MAX
uint32_t socket_index_find(const struct socket_index *index, uint64_t key, uint32_t *cursor);

/*
 * Have the cache lines ready that socket_index_find() will want for this key: the slot, and some
 * steps later the socket.
 */
void socket_index_prefetch_slot(const struct socket_index *index, uint64_t key);
void socket_index_prefetch_socket(const struct socket_index *index, uint64_t key);

#endif

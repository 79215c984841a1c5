/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/socket-index.h"

#include <stdlib.h>

#include "util/xalloc.h"

void socket_index_init(struct socket_index *index, const struct snapshot *snapshot,
		       enum socket_key key, uint32_t capacity)
{
	uint32_t n_slots = 16;

	while (n_slots / 4 * 3 < capacity && n_slots < 1U << 31)
		n_slots *= 2;
	index->sockets = snapshot->sockets;
	index->slots = xcalloc(n_slots, sizeof(*index->slots));
	index->mask = n_slots - 1;
	index->key = key;
}

void socket_index_done(struct socket_index *index)
{
	free(index->slots);
	index->slots = NULL;
}

/*
 * Keys come in runs, since a dump hands out cookies one after the other: eight neighbours share a
 * cache line, the runs are scattered.
 */
static uint32_t first_slot(const struct socket_index *index, uint64_t key)
{
	uint64_t run = (key >> 3) * 0x9e3779b97f4a7c15ULL;

	return ((uint32_t)(run >> 32) << 3 | (uint32_t)(key & 7)) & index->mask;
}

static uint64_t key_of(const struct socket_index *index, uint32_t socket)
{
	const struct inet_socket *row = &index->sockets[socket];

	if (index->key == SOCKET_KEY_COOKIE)
		return row->known & SOCKET_HAS_COOKIE ? row->cookie : 0;
	return row->known & SOCKET_HAS_INODE ? row->inode : 0;
}

void socket_index_add(struct socket_index *index, uint32_t socket)
{
	uint64_t key = key_of(index, socket);
	uint32_t slot;

	if (!key)
		return;
	slot = first_slot(index, key);
	while (index->slots[slot].socket)
		slot = (slot + 1) & index->mask;
	index->slots[slot] = (struct socket_slot){ .low = (uint32_t)key, .socket = socket + 1 };
}

uint32_t socket_index_find(const struct socket_index *index, uint64_t key, uint32_t *cursor)
{
	uint32_t slot;

	if (!key)
		return SNAPSHOT_NONE;
	slot = *cursor == SOCKET_INDEX_START ? first_slot(index, key) : (*cursor + 1) & index->mask;
	for (; index->slots[slot].socket; slot = (slot + 1) & index->mask) {
		uint32_t socket = index->slots[slot].socket - 1;

		if (index->slots[slot].low != (uint32_t)key || key_of(index, socket) != key)
			continue;
		*cursor = slot;
		return socket;
	}
	return SNAPSHOT_NONE;
}

void socket_index_prefetch_slot(const struct socket_index *index, uint64_t key)
{
	__builtin_prefetch(&index->slots[first_slot(index, key)]);
}

void socket_index_prefetch_socket(const struct socket_index *index, uint64_t key)
{
	uint32_t socket = index->slots[first_slot(index, key)].socket;

	if (socket)
		__builtin_prefetch(&index->sockets[socket - 1], 1);
}

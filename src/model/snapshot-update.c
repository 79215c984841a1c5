/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-update.h"

#include <string.h>

#include "util/xalloc.h"

static void *copy(const void *items, size_t count, size_t size)
{
	void *copied = xcalloc(count, size);

	if (count)
		memcpy(copied, items, count * size);
	return copied;
}

#define COPY_TABLE(to, from, table)                                                                \
	do {                                                                                       \
		(to)->table = copy((from)->table, (from)->n_##table, sizeof(*(from)->table));      \
		(to)->n_##table = (from)->n_##table;                                               \
		(to)->table##_capacity = (from)->n_##table;                                        \
	} while (0)

struct snapshot *snapshot_clone(const struct snapshot *snapshot)
{
	struct snapshot *clone = snapshot_new();

	string_pool_done(&clone->strings);
	clone->strings = snapshot->strings;
	clone->strings.bytes = copy(snapshot->strings.bytes, snapshot->strings.used, 1);
	clone->strings.capacity = snapshot->strings.used;
	clone->strings.slots = copy(snapshot->strings.slots, snapshot->strings.n_slots,
				    sizeof(*snapshot->strings.slots));
	clone->version = snapshot->version;
	clone->host = snapshot->host;
	clone->kernel = snapshot->kernel;
	clone->start_ns = snapshot->start_ns;
	clone->end_ns = snapshot->end_ns;
	COPY_TABLE(clone, snapshot, netns);
	COPY_TABLE(clone, snapshot, sockets);
	COPY_TABLE(clone, snapshot, processes);
	COPY_TABLE(clone, snapshot, owners);
	COPY_TABLE(clone, snapshot, memories);
	COPY_TABLE(clone, snapshot, groups);
	COPY_TABLE(clone, snapshot, users);
	COPY_TABLE(clone, snapshot, limits);
	return clone;
}

static bool is_same(const struct inet_socket *a, const struct inet_socket *b)
{
	return a->cookie == b->cookie && a->inode == b->inode && a->state == b->state &&
	       a->local_port == b->local_port && a->netns == b->netns && a->protocol == b->protocol;
}

bool snapshot_update(struct snapshot *snapshot, const struct snapshot *later)
{
	const uint32_t numbers = SOCKET_HAS_QUEUE | SOCKET_HAS_LIMIT | SOCKET_HAS_DROPS |
				 SOCKET_HAS_EXPIRES;
	uint32_t i;

	if (snapshot->n_sockets != later->n_sockets || snapshot->n_netns != later->n_netns)
		return false;
	for (i = 0; i < snapshot->n_sockets; i++)
		if (!is_same(&snapshot->sockets[i], &later->sockets[i]))
			return false;
	for (i = 0; i < snapshot->n_sockets; i++) {
		struct inet_socket *to = &snapshot->sockets[i];
		const struct inet_socket *from = &later->sockets[i];

		to->known = (to->known & ~numbers) | (from->known & numbers);
		to->queue_recv = from->queue_recv;
		to->queue_send = from->queue_send;
		to->queue_limit = from->queue_limit;
		to->drops = from->drops;
		to->timer = from->timer;
		to->timer_expires_ms = from->timer_expires_ms;
	}
	for (i = 0; i < snapshot->n_netns; i++) {
		memcpy(snapshot->netns[i].counters, later->netns[i].counters,
		       sizeof(later->netns[i].counters));
		snapshot->netns[i].counters_known = later->netns[i].counters_known;
	}
	snapshot->start_ns = later->start_ns;
	snapshot->end_ns = later->end_ns;
	return true;
}

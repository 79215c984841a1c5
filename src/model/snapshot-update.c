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
	clone->from_file = snapshot->from_file;
	clone->owners_ns = snapshot->owners_ns;
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

static bool same_text(const struct snapshot *a, string_id in_a, const struct snapshot *b,
		      string_id in_b)
{
	const char *left = snapshot_text(a, in_a), *right = snapshot_text(b, in_b);

	return left && right ? !strcmp(left, right) : left == right;
}

/* Without a cookie a socket cannot be known again. */
static bool is_same(const struct snapshot *in_a, const struct inet_socket *a,
		    const struct snapshot *in_b, const struct inet_socket *b)
{
	return (a->known & b->known & SOCKET_HAS_COOKIE) && a->cookie == b->cookie &&
	       a->inode == b->inode && a->state == b->state && a->netns == b->netns &&
	       a->protocol == b->protocol && a->family == b->family && a->uid == b->uid &&
	       a->local_port == b->local_port && a->peer_port == b->peer_port &&
	       address_equal(&a->local, &b->local) && address_equal(&a->peer, &b->peer) &&
	       same_text(in_a, a->device, in_b, b->device);
}

/* Whether all is as it was but for what snapshot_update() copies. */
static bool are_same(const struct snapshot *snapshot, const struct snapshot *later)
{
	uint32_t i, k;

	if (snapshot->n_sockets != later->n_sockets || snapshot->n_netns != later->n_netns)
		return false;
	for (i = 0; i < snapshot->n_sockets; i++)
		if (!is_same(snapshot, &snapshot->sockets[i], later, &later->sockets[i]))
			return false;
	for (i = 0; i < snapshot->n_netns; i++)
		if (snapshot->netns[i].id != later->netns[i].id ||
		    !same_text(snapshot, snapshot->netns[i].reserved_ports, later,
			       later->netns[i].reserved_ports))
			return false;
	/* What could not be seen this time may be what matters. */
	for (i = 0; i < later->n_limits; i++) {
		for (k = 0; k < snapshot->n_limits; k++)
			if (same_text(snapshot, snapshot->limits[k].text, later,
				      later->limits[i].text))
				break;
		if (k == snapshot->n_limits)
			return false;
	}
	return true;
}

static void update_netns(struct netns *to, const struct netns *from)
{
	memcpy(to->counters, from->counters, sizeof(to->counters));
	to->counters_known = from->counters_known;
	memcpy(to->sysctls, from->sysctls, sizeof(to->sysctls));
	to->sysctls_known = from->sysctls_known;
	to->port_range_first = from->port_range_first;
	to->port_range_last = from->port_range_last;
}

bool snapshot_update(struct snapshot *snapshot, const struct snapshot *later)
{
	const uint32_t numbers = SOCKET_HAS_QUEUE | SOCKET_HAS_LIMIT | SOCKET_HAS_DROPS |
				 SOCKET_HAS_EXPIRES;
	uint32_t i;

	if (!are_same(snapshot, later))
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
	for (i = 0; i < snapshot->n_netns; i++)
		update_netns(&snapshot->netns[i], &later->netns[i]);
	snapshot->start_ns = later->start_ns;
	snapshot->end_ns = later->end_ns;
	return true;
}

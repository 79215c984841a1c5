/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/diff.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/words.h"
#include "util/xalloc.h"

void history_init(struct history *history)
{
	*history = (struct history){ .ports = NULL };
}

void history_choose(struct history *history, const struct selector *selectors, uint32_t count)
{
	history->chosen = selectors;
	history->n_chosen = count;
}

static bool is_chosen(const struct history *history, const struct port_history *port)
{
	uint32_t i;

	for (i = 0; i < history->n_chosen; i++) {
		const struct selector *selector = &history->chosen[i];

		if ((selector->protocols & 1U << port->protocol) &&
		    selector->first_port == port->port && selector->last_port == port->port)
			return true;
	}
	return false;
}

static void port_done(struct port_history *port)
{
	free(port->who);
	free(port->before);
}

void history_done(struct history *history)
{
	uint32_t i;

	for (i = 0; i < history->n_ports; i++)
		port_done(&history->ports[i]);
	free(history->ports);
	free(history->seen);
	history_init(history);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* A socket of the last snapshot. */
struct seen_socket {
	uint64_t cookie;
	int64_t since_ns; /* when it was first seen; 0: in the first snapshot */
};

static int compare_seen(const void *a, const void *b)
{
	const struct seen_socket *x = a, *y = b;

	return compare_numbers(&x->cookie, &y->cookie);
}

static void compare_sockets(struct history *history, const struct snapshot *snapshot,
			    int64_t keep_ns, bool *is_new)
{
	struct seen_socket *seen = xcalloc(snapshot->n_sockets, sizeof(*seen));
	const struct seen_socket *before;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		seen[i].cookie = snapshot->sockets[i].cookie;
		before = history->n_seen ? bsearch(&seen[i], history->seen, history->n_seen,
						   sizeof(*seen), compare_seen) :
					   NULL;
		if (before)
			seen[i].since_ns = before->since_ns;
		else if (history->has_snapshot)
			seen[i].since_ns = snapshot->end_ns;
		is_new[i] = seen[i].since_ns && snapshot->end_ns - seen[i].since_ns < keep_ns &&
			    (snapshot->sockets[i].known & SOCKET_HAS_COOKIE);
	}
	if (snapshot->n_sockets)
		qsort(seen, snapshot->n_sockets, sizeof(*seen), compare_seen);
	free(history->seen);
	history->seen = seen;
	history->n_seen = snapshot->n_sockets;
}

static uint64_t mix(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15;
	return value ^ value >> 31;
}

/* The processes that serve a bucket, each once. */
struct holder_set {
	uint64_t *items;
	uint32_t count, capacity;
};

static void add_holders(struct holder_set *set, const struct snapshot *snapshot,
			const struct inet_socket *socket)
{
	uint32_t i;

	/* Nobody, and nobody who can be seen, are told apart too. */
	ARRAY_RESERVE(set->items, set->count, set->capacity);
	set->items[set->count++] = mix(socket->owner_status);
	for (i = 0; i < socket->n_owners; i++) {
		uint32_t row = snapshot->owners[socket->first_owner + i].process;

		ARRAY_RESERVE(set->items, set->count, set->capacity);
		set->items[set->count++] = mix(UINT64_C(1000) + snapshot->processes[row].pid);
	}
}

/* In a number, whatever and how many sockets they have. Empties the set. */
static uint64_t digest(struct holder_set *set)
{
	uint64_t sum = 0;
	uint32_t i;

	if (set->count)
		qsort(set->items, set->count, sizeof(*set->items), compare_numbers);
	for (i = 0; i < set->count; i++)
		if (!i || set->items[i] != set->items[i - 1])
			sum += set->items[i];
	free(set->items);
	*set = (struct holder_set){ .items = NULL };
	return sum;
}

static int compare_ports(const void *a, const void *b)
{
	const struct port_history *x = a, *y = b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	return (x->port > y->port) - (x->port < y->port);
}

static uint64_t netns_id(const struct snapshot *snapshot, uint32_t netns)
{
	return netns < snapshot->n_netns ? snapshot->netns[netns].id : 0;
}

/* Among the first n ports, which are sorted. */
static struct port_history *find(const struct history *history, uint32_t n,
				 const struct port_history *key)
{
	if (!n)
		return NULL;
	return bsearch(key, history->ports, n, sizeof(*key), compare_ports);
}

static struct port_history key_of(const struct snapshot *snapshot, const struct bind_bucket *bucket)
{
	return (struct port_history){
		.netns = netns_id(snapshot, bucket->netns),
		.port = bucket->port,
		.protocol = bucket->protocol,
	};
}

/* The bucket as it is now. Returns false if nobody serves it. */
static bool look(const struct snapshot *snapshot, const struct bind_bucket *bucket,
		 const uint32_t *members, struct port_history *ret_port, uint32_t *ret_first)
{
	struct holder_set holders = { .items = NULL };
	bool served = false;
	uint32_t i;

	*ret_port = key_of(snapshot, bucket);
	for (i = 0; i < bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (!bucket->port || !socket_is_bound(socket))
			continue;
		if (!served)
			*ret_first = members[i];
		served = true;
		add_holders(&holders, snapshot, socket);
	}
	ret_port->holders = digest(&holders);
	return served;
}

static void add(struct history *history, const struct port_history *port)
{
	ARRAY_RESERVE(history->ports, history->n_ports, history->capacity);
	history->ports[history->n_ports++] = *port;
}

/* Go on with what was known of the port before, and take its strings. */
static void continue_from(struct port_history *old, int64_t now_ns, struct port_history *port)
{
	bool as_before = !old->gone && old->holders == port->holders;

	port->first_holders = old->first_holders;
	port->changed = port->holders != port->first_holders;
	port->since_ns = as_before ? old->since_ns : now_ns;
	if (as_before) {
		port->who = old->who;
		port->before = old->before;
		old->before = NULL;
	} else {
		port->before = old->who;
	}
	old->who = NULL;
}

void history_take(struct history *history, const struct snapshot *snapshot,
		  const struct bind_bucket_index *index, int64_t keep_ns, bool *is_new)
{
	struct history next = { .ports = NULL };
	uint32_t i, n_live, first = 0;

	compare_sockets(history, snapshot, keep_ns, is_new);
	for (i = 0; i < index->n_buckets; i++) {
		const struct bind_bucket *bucket = &index->buckets[i];
		struct port_history port;
		struct port_history *old;

		if (!look(snapshot, bucket, index->members + bucket->first, &port, &first))
			continue;
		old = find(history, history->n_ports, &port);
		port.first_holders = port.holders;
		if (old)
			continue_from(old, snapshot->end_ns, &port);
		else if (history->has_snapshot)
			port.since_ns = snapshot->end_ns;
		if (!port.who)
			port.who = words_holders(snapshot, first);
		add(&next, &port);
	}
	if (next.n_ports)
		qsort(next.ports, next.n_ports, sizeof(*next.ports), compare_ports);
	/* What has gone since, for a while; and no longer if the clock has been set. */
	n_live = next.n_ports;
	for (i = 0; i < history->n_ports; i++) {
		struct port_history *old = &history->ports[i];
		struct port_history gone = *old;

		if (find(&next, n_live, old))
			continue;
		if (!gone.gone)
			gone.since_ns = snapshot->end_ns;
		gone.gone = true;
		if (!is_chosen(history, old) && (snapshot->end_ns < gone.since_ns ||
						 snapshot->end_ns - gone.since_ns > keep_ns))
			continue;
		old->who = NULL;
		old->before = NULL;
		add(&next, &gone);
	}
	if (next.n_ports)
		qsort(next.ports, next.n_ports, sizeof(*next.ports), compare_ports);
	next.seen = history->seen;
	next.n_seen = history->n_seen;
	next.has_snapshot = true;
	history_choose(&next, history->chosen, history->n_chosen);
	history->seen = NULL;
	history_done(history);
	*history = next;
}

void history_copy(const struct history *history, struct history *ret_copy)
{
	uint32_t i;

	history_init(ret_copy);
	for (i = 0; i < history->n_ports; i++) {
		struct port_history port = history->ports[i];

		port.who = port.gone && port.who ? xstrdup(port.who) : NULL;
		port.before = port.before ? xstrdup(port.before) : NULL;
		add(ret_copy, &port);
	}
}

const struct port_history *history_find(const struct history *history,
					const struct snapshot *snapshot,
					const struct bind_bucket *bucket)
{
	const struct port_history key = key_of(snapshot, bucket);
	const struct port_history *port = find(history, history->n_ports, &key);

	return port && !port->gone ? port : NULL;
}

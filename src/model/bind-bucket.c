/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/bind-bucket.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

enum sort_key {
	SORT_PROTOCOL,
	SORT_PORT,
	SORT_NETNS,
};

enum protocol bind_bucket_protocol(enum protocol protocol)
{
	return protocol == PROTOCOL_MPTCP ? PROTOCOL_TCP : protocol;
}

static uint32_t key_of(const struct inet_socket *socket, enum sort_key key)
{
	switch (key) {
	case SORT_PROTOCOL:
		return bind_bucket_protocol(socket->protocol);
	case SORT_PORT:
		return socket->local_port;
	case SORT_NETNS:
		break;
	}
	return socket->netns;
}

/* A stable counting sort of from[] into to[]. */
static void sort_by(const struct snapshot *snapshot, enum sort_key key, uint32_t n_keys,
		    const uint32_t *from, uint32_t *to)
{
	uint32_t *starts = xcalloc((size_t)n_keys + 1, sizeof(*starts));
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++)
		starts[key_of(&snapshot->sockets[i], key) + 1]++;
	for (i = 0; i < n_keys; i++)
		starts[i + 1] += starts[i];
	for (i = 0; i < snapshot->n_sockets; i++)
		to[starts[key_of(&snapshot->sockets[from[i]], key)]++] = from[i];
	free(starts);
}

static void find_buckets(struct bind_bucket_index *index, const struct snapshot *snapshot)
{
	struct bind_bucket *bucket = NULL;
	uint32_t i, capacity = 0, listeners_capacity = 0;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[index->members[i]];
		enum protocol protocol = bind_bucket_protocol(socket->protocol);

		if (!bucket || bucket->netns != socket->netns ||
		    bucket->port != socket->local_port || bucket->protocol != protocol) {
			ARRAY_RESERVE(index->buckets, index->n_buckets, capacity);
			bucket = &index->buckets[index->n_buckets++];
			*bucket = (struct bind_bucket){
				.netns = socket->netns,
				.port = socket->local_port,
				.protocol = (uint8_t)protocol,
				.first = i,
				.first_listener = index->n_listeners,
			};
		}
		bucket->count++;
		if (socket->state != STATE_LISTEN)
			continue;
		ARRAY_RESERVE(index->listeners, index->n_listeners, listeners_capacity);
		index->listeners[index->n_listeners++] = index->members[i];
		bucket->n_listeners++;
	}
}

void bind_bucket_index_init(struct bind_bucket_index *index, const struct snapshot *snapshot)
{
	uint32_t *members = xcalloc(snapshot->n_sockets, sizeof(*members));
	uint32_t *sorted = xcalloc(snapshot->n_sockets, sizeof(*sorted));
	uint32_t *swap;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++)
		members[i] = i;
	sort_by(snapshot, SORT_PROTOCOL, N_PROTOCOLS, members, sorted);
	sort_by(snapshot, SORT_PORT, UINT16_MAX + 1, sorted, members);
	if (snapshot->n_netns > 1) {
		sort_by(snapshot, SORT_NETNS, snapshot->n_netns, members, sorted);
		swap = members;
		members = sorted;
		sorted = swap;
	}
	free(sorted);
	*index = (struct bind_bucket_index){ .members = members };
	find_buckets(index, snapshot);
}

static int compare_buckets(const void *a, const void *b)
{
	const struct bind_bucket *left = a, *right = b;

	if (left->netns != right->netns)
		return left->netns < right->netns ? -1 : 1;
	if (left->port != right->port)
		return left->port < right->port ? -1 : 1;
	return (left->protocol > right->protocol) - (left->protocol < right->protocol);
}

const struct bind_bucket *bind_bucket_find(const struct bind_bucket_index *index, uint32_t netns,
					   uint16_t port, enum protocol protocol)
{
	const struct bind_bucket wanted = {
		.netns = netns,
		.port = port,
		.protocol = (uint8_t)bind_bucket_protocol(protocol),
	};

	if (!index->n_buckets)
		return NULL;
	return bsearch(&wanted, index->buckets, index->n_buckets, sizeof(wanted), compare_buckets);
}

void bind_bucket_index_done(struct bind_bucket_index *index)
{
	free(index->buckets);
	free(index->members);
	free(index->listeners);
	*index = (struct bind_bucket_index){ 0 };
}

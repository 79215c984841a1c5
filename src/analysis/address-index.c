/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/address-index.h"

#include <stdlib.h>

#include "util/xalloc.h"

struct located_socket {
	struct address address;
	uint32_t socket;
};

static const struct address any;

static struct address key_of(const struct inet_socket *socket)
{
	return address_is_wildcard(socket->family, &socket->local) ?
		       any :
		       address_as_mapped(socket->family, &socket->local);
}

static int compare_located(const void *left, const void *right)
{
	const struct located_socket *a = left, *b = right;
	int order = address_compare(&a->address, &b->address);

	return order ? order : (a->socket > b->socket) - (a->socket < b->socket);
}

void address_index_init(struct address_index *index, const struct snapshot *snapshot,
			const uint32_t *sockets, uint32_t n_sockets)
{
	uint32_t i;

	*index = (struct address_index){
		.items = xcalloc(n_sockets, sizeof(*index->items)),
		.sockets = xcalloc(n_sockets, sizeof(*index->sockets)),
		.count = n_sockets,
	};
	for (i = 0; i < n_sockets; i++)
		index->items[i] = (struct located_socket){
			.address = key_of(&snapshot->sockets[sockets[i]]),
			.socket = sockets[i],
		};
	if (n_sockets > 1)
		qsort(index->items, n_sockets, sizeof(*index->items), compare_located);
	for (i = 0; i < n_sockets; i++)
		index->sockets[i] = index->items[i].socket;
}

void address_index_done(struct address_index *index)
{
	free(index->items);
	free(index->sockets);
	*index = (struct address_index){ .items = NULL };
}

/* Where those at an address begin, or would. */
static uint32_t begin_of(const struct address_index *index, const struct address *address)
{
	uint32_t low = 0, high = index->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (address_compare(&index->items[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static uint32_t find(const struct address_index *index, const struct address *address,
		     const uint32_t **ret_sockets)
{
	uint32_t begin = begin_of(index, address), end;

	for (end = begin; end < index->count; end++)
		if (address_compare(&index->items[end].address, address))
			break;
	*ret_sockets = index->sockets + begin;
	return end - begin;
}

uint32_t address_index_find(const struct address_index *index, const struct inet_socket *at,
			    const uint32_t **ret_sockets)
{
	const struct address address = key_of(at);

	return find(index, &address, ret_sockets);
}

bool address_index_has(const struct address_index *index, const struct inet_socket *at)
{
	const struct address address = key_of(at);
	uint32_t begin = begin_of(index, &address);

	return begin < index->count && !address_compare(&index->items[begin].address, &address);
}

uint32_t address_index_wildcards(const struct address_index *index, const uint32_t **ret_sockets)
{
	return find(index, &any, ret_sockets);
}

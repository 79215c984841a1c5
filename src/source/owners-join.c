/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/owners-join.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "source/process.h"
#include "source/socket-index.h"
#include "util/xalloc.h"

/* How many sockets that have gone since the dump are passed over at once. */
#define JOIN_AHEAD 4

void table_join(const struct snapshot *snapshot, const uint32_t *wanted, uint32_t n_wanted,
		const struct bpf_table_record *records, uint32_t n_records, uint32_t *ret_sockets)
{
	const struct inet_socket *sockets = snapshot->sockets;
	/* A dump may have one family after the other, the table has them mixed. */
	struct {
		uint32_t *items;
		uint32_t count, at;
	} order[2] = { { .count = 0 } };
	uint32_t i, k, n_found = 0;

	for (k = 0; k < 2; k++)
		order[k].items = xcalloc(n_wanted, sizeof(*order[k].items));
	for (i = 0; i < n_wanted; i++) {
		k = sockets[wanted[i]].family == AF_INET6;
		order[k].items[order[k].count++] = wanted[i];
	}
	for (i = 0; i < n_records; i++) {
		uint32_t family = records[i].family == AF_INET6, at = order[family].at;

		ret_sockets[i] = SNAPSHOT_NONE;
		for (k = 0; k < JOIN_AHEAD && at + k < order[family].count; k++) {
			uint32_t socket = order[family].items[at + k];

			if (sockets[socket].cookie != records[i].cookie)
				continue;
			ret_sockets[i] = socket;
			order[family].at = at + k + 1;
			n_found++;
			break;
		}
	}
	if (n_found < n_wanted && n_found < n_records) {
		struct socket_index index;

		socket_index_init(&index, snapshot, SOCKET_KEY_COOKIE, n_wanted);
		for (i = 0; i < n_wanted; i++)
			socket_index_add(&index, wanted[i]);
		for (i = 0; i < n_records; i++) {
			uint32_t cursor = SOCKET_INDEX_START;

			if (ret_sockets[i] == SNAPSHOT_NONE)
				ret_sockets[i] =
					socket_index_find(&index, records[i].cookie, &cursor);
		}
		socket_index_done(&index);
	}
	for (k = 0; k < 2; k++)
		free(order[k].items);
}

void hold_list_init(struct hold_list *list, const struct snapshot *snapshot)
{
	*list = (struct hold_list){
		.of_socket = xcalloc(snapshot->n_sockets, sizeof(*list->of_socket)),
	};
}

void hold_list_done(struct hold_list *list)
{
	free(list->items);
	free(list->of_socket);
	*list = (struct hold_list){ .items = NULL };
}

void hold_list_clear(struct hold_list *list, const struct snapshot *snapshot)
{
	memset(list->of_socket, 0, snapshot->n_sockets * sizeof(*list->of_socket));
	list->count = 0;
}

void hold_list_add(struct hold_list *list, uint32_t socket, uint32_t process, int32_t fd)
{
	ARRAY_RESERVE(list->items, list->count, list->capacity);
	list->items[list->count++] = (struct hold){
		.socket = socket,
		.process = process,
		.fd = fd,
	};
	list->of_socket[socket]++;
}

void hold_list_assign(struct hold_list *list, struct snapshot *snapshot)
{
	uint32_t i, position = 0, n_owners = 0;
	uint32_t *next = list->of_socket, *moved;
	struct owner *owners;

	if (!list->count)
		return;
	moved = process_sort(snapshot);
	for (i = 0; moved && i < list->count; i++)
		list->items[i].process = moved[list->items[i].process];
	free(moved);
	owners = xmalloc(list->count * sizeof(*owners));
	for (i = 0; i < snapshot->n_sockets; i++) {
		uint32_t n = next[i];

		next[i] = position;
		position += n;
	}
	for (i = 0; i < list->count; i++) {
		const struct hold *hold = &list->items[i];

		owners[next[hold->socket]++] = (struct owner){
			.process = hold->process,
			.fd = hold->fd,
		};
	}
	/* next[i] is now where the owners of the socket i end. */
	position = 0;
	for (i = 0; i < snapshot->n_sockets; i++) {
		struct inet_socket *socket = &snapshot->sockets[i];
		uint32_t n = next[i] - position;

		if (!n)
			continue;
		n = snapshot_sort_owners(owners + position, n);
		if (n_owners != position)
			memmove(owners + n_owners, owners + position, n * sizeof(*owners));
		socket->first_owner = n_owners;
		socket->n_owners = n;
		socket->owner_status = OWNER_OWNED;
		n_owners += n;
		position = next[i];
	}
	free(snapshot->owners);
	snapshot->owners = owners;
	snapshot->n_owners = n_owners;
	snapshot->owners_capacity = list->count;
	list->count = 0;
}

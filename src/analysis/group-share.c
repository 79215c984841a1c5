/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/group-share.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

/* That a process holds a member, or a listener of the port that is in no group. */
struct held {
	uint32_t process;
	uint32_t member; /* index into group_shares.members, or OUTSIDE */
};

#define OUTSIDE UINT32_MAX

/* What is held, by process; of one process the members first. */
struct held_table {
	struct held *items;
	uint32_t count, capacity;
};

static void add_held(struct held_table *table, const struct snapshot *snapshot,
		     const struct inet_socket *listener, uint32_t member)
{
	uint32_t i;

	for (i = 0; i < listener->n_owners; i++) {
		ARRAY_RESERVE(table->items, table->count, table->capacity);
		table->items[table->count++] = (struct held){
			.process = snapshot->owners[listener->first_owner + i].process,
			.member = member,
		};
	}
}

static int compare_held(const void *left, const void *right)
{
	const struct held *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->member < b->member ? -1 : a->member > b->member;
}

/* Once, whatever the number of descriptors. */
static void sort_held(struct held_table *table)
{
	uint32_t i, kept = 0;

	if (!table->count)
		return;
	qsort(table->items, table->count, sizeof(*table->items), compare_held);
	for (i = 1; i < table->count; i++)
		if (compare_held(&table->items[kept], &table->items[i]))
			table->items[++kept] = table->items[i];
	table->count = kept + 1;
}

/* The first of a process; NULL if it holds none. */
static const struct held *find_held(const struct held_table *table, uint32_t process)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table->items[middle].process < process)
			low = middle + 1;
		else
			high = middle;
	}
	return low < table->count && table->items[low].process == process ? &table->items[low] :
									    NULL;
}

/* Whether a process holds more than one member: a master holds those of all its workers. */
static bool has_several(const struct held_table *table, const struct held *first)
{
	const struct held *next = first + 1;

	return next < table->items + table->count && next->process == first->process &&
	       next->member != OUTSIDE;
}

static void add_connection(struct group_shares *shares, const struct snapshot *snapshot,
			   const struct held_table *table, const struct inet_socket *socket)
{
	const struct held *held = NULL;

	if (socket->n_owners)
		held = find_held(table, snapshot->owners[socket->first_owner].process);
	if (!held || has_several(table, held)) {
		shares->unattributed++;
	} else if (held->member != OUTSIDE) {
		shares->members[held->member].connections++;
		shares->connections++;
	}
}

void group_shares_init(struct group_shares *shares, const struct snapshot *snapshot,
		       const struct bind_bucket_index *index, const struct bind_bucket *bucket)
{
	struct held_table table = { .items = NULL };
	uint32_t i;

	memset(shares, 0, sizeof(*shares));
	shares->members = xcalloc(bucket->count, sizeof(*shares->members));
	for (i = 0; i < bucket->count; i++) {
		uint32_t member = index->members[bucket->first + i];
		const struct inet_socket *socket = &snapshot->sockets[member];

		if (socket->state != STATE_LISTEN)
			continue;
		if (socket->reuse_port == TRISTATE_NO)
			add_held(&table, snapshot, socket, OUTSIDE);
		if (socket->reuse_port != TRISTATE_YES)
			continue;
		add_held(&table, snapshot, socket, shares->count);
		shares->members[shares->count++].socket = member;
	}
	sort_held(&table);
	for (i = 0; i < bucket->count && shares->count; i++) {
		const struct inet_socket *socket =
			&snapshot->sockets[index->members[bucket->first + i]];

		if (socket->state == STATE_ESTAB)
			add_connection(shares, snapshot, &table, socket);
	}
	free(table.items);
}

void group_shares_done(struct group_shares *shares)
{
	free(shares->members);
	memset(shares, 0, sizeof(*shares));
}

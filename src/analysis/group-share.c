/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/group-share.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static bool holds(const struct snapshot *snapshot, uint32_t process, uint32_t socket)
{
	const struct inet_socket *held = &snapshot->sockets[socket];
	uint32_t i;

	for (i = 0; i < held->n_owners; i++)
		if (snapshot->owners[held->first_owner + i].process == process)
			return true;
	return false;
}

/* The one member that the process holds, or NULL: a master holds those of all its workers. */
static struct group_share *member_of(const struct group_shares *shares,
				     const struct snapshot *snapshot, uint32_t process)
{
	struct group_share *found = NULL;
	uint32_t i;

	for (i = 0; i < shares->count; i++) {
		if (!holds(snapshot, process, shares->members[i].socket))
			continue;
		if (found)
			return NULL;
		found = &shares->members[i];
	}
	return found;
}

static bool holds_any(const struct snapshot *snapshot, uint32_t process, const uint32_t *sockets,
		      uint32_t count)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (holds(snapshot, process, sockets[i]))
			return true;
	return false;
}

static bool holds_member(const struct group_shares *shares, const struct snapshot *snapshot,
			 uint32_t process)
{
	uint32_t i;

	for (i = 0; i < shares->count; i++)
		if (holds(snapshot, process, shares->members[i].socket))
			return true;
	return false;
}

/* outside: the listeners of the port that are in no group. */
static void add_connection(struct group_shares *shares, const struct snapshot *snapshot,
			   const uint32_t *outside, uint32_t n_outside,
			   const struct inet_socket *socket)
{
	struct group_share *member;
	uint32_t holder;

	if (!socket->n_owners) {
		shares->unattributed++;
		return;
	}
	holder = snapshot->owners[socket->first_owner].process;
	member = member_of(shares, snapshot, holder);
	if (member) {
		member->connections++;
		shares->connections++;
	} else if (holds_member(shares, snapshot, holder) ||
		   !holds_any(snapshot, holder, outside, n_outside)) {
		shares->unattributed++;
	}
}

void group_shares_init(struct group_shares *shares, const struct snapshot *snapshot,
		       const struct bind_bucket_index *index, const struct bind_bucket *bucket)
{
	uint32_t *outside = xcalloc(bucket->count, sizeof(*outside)), n_outside = 0, i;

	memset(shares, 0, sizeof(*shares));
	shares->members = xcalloc(bucket->count, sizeof(*shares->members));
	for (i = 0; i < bucket->count; i++) {
		uint32_t member = index->members[bucket->first + i];
		const struct inet_socket *socket = &snapshot->sockets[member];

		if (socket->state != STATE_LISTEN)
			continue;
		if (socket->reuse_port == TRISTATE_YES)
			shares->members[shares->count++].socket = member;
		else if (socket->reuse_port == TRISTATE_NO)
			outside[n_outside++] = member;
	}
	for (i = 0; i < bucket->count && shares->count; i++) {
		const struct inet_socket *socket =
			&snapshot->sockets[index->members[bucket->first + i]];

		if (socket->state == STATE_ESTAB)
			add_connection(shares, snapshot, outside, n_outside, socket);
	}
	free(outside);
}

void group_shares_done(struct group_shares *shares)
{
	free(shares->members);
	memset(shares, 0, sizeof(*shares));
}

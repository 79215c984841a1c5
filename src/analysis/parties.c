/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/parties.h"

#include <stdlib.h>

#include "analysis/relate.h"
#include "util/xalloc.h"

/* Of a socket with more holders, workers that inherited it, these stand for all. */
#define HOLDERS_MAX 16

static uint32_t n_holders(const struct inet_socket *socket)
{
	return socket->n_owners < HOLDERS_MAX ? socket->n_owners : HOLDERS_MAX;
}

/* One process under several descriptors is one holder: its first is enough. */
static bool is_repeated(const struct snapshot *snapshot, const struct inet_socket *socket,
			uint32_t holder)
{
	const struct owner *owners = snapshot->owners + socket->first_owner;

	return holder && owners[holder].process == owners[holder - 1].process;
}

/* Of two sockets of which one has no holders that are seen. */
static enum tristate related_unseen(const struct inet_socket *x, const struct inet_socket *y)
{
	/* The kernel's own belong together, and to nobody else. */
	if (x->owner_status == OWNER_KERNEL || y->owner_status == OWNER_KERNEL)
		return tristate_of(x->owner_status == y->owner_status);
	return TRISTATE_UNKNOWN;
}

/* What the relations of all holders to all holders, taken together, say of their sockets. */
static enum tristate related_by(uint32_t relations, uint32_t related)
{
	if (relations & related)
		return TRISTATE_YES;
	/* Different programs are strangers, whatever else is not known of them. */
	if ((relations & RELATED_OTHERS_UNKNOWN) &&
	    (relations & (RELATED_PROGRAM | RELATED_PROGRAM_UNKNOWN)))
		return TRISTATE_UNKNOWN;
	return TRISTATE_NO;
}

/* The relations of the holders of a socket to a process, as far as to the first that is wanted. */
static uint32_t relations_to(const struct snapshot *snapshot, const struct inet_socket *socket,
			     uint32_t process, uint32_t related)
{
	uint32_t i, relations = 0;

	for (i = 0; i < n_holders(socket) && !(relations & related); i++)
		if (!is_repeated(snapshot, socket, i))
			relations |= relate_processes(
				snapshot, snapshot->owners[socket->first_owner + i].process,
				process);
	return relations;
}

enum tristate parties_related(const struct snapshot *snapshot, uint32_t a, uint32_t b,
			      uint32_t related)
{
	const struct inet_socket *x = &snapshot->sockets[a], *y = &snapshot->sockets[b];
	uint32_t i, relations = 0;

	if (!x->n_owners || !y->n_owners)
		return related_unseen(x, y);
	for (i = 0; i < n_holders(y) && !(relations & related); i++)
		if (!is_repeated(snapshot, y, i))
			relations |= relations_to(
				snapshot, x, snapshot->owners[y->first_owner + i].process, related);
	return related_by(relations, related);
}

enum tristate parties_same_program(const struct snapshot *snapshot, uint32_t a, uint32_t b)
{
	const struct inet_socket *x = &snapshot->sockets[a], *y = &snapshot->sockets[b];

	if (!x->n_owners || !y->n_owners)
		return x->owner_status == OWNER_KERNEL || y->owner_status == OWNER_KERNEL ?
			       tristate_of(x->owner_status == y->owner_status) :
			       TRISTATE_UNKNOWN;
	return relate_program(&snapshot->processes[snapshot->owners[x->first_owner].process],
			      &snapshot->processes[snapshot->owners[y->first_owner].process],
			      snapshot);
}

/* The holders of all sockets, each once, and what each of them is to each party, found out once. */
struct holder_table {
	uint32_t *processes; /* ascending */
	uint32_t count;
	uint16_t *relations[PARTIES_MAX]; /* of each party to each of them; or NOT_RELATED_YET */
};

#define NOT_RELATED_YET UINT16_MAX

static int compare_processes(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void holder_table_init(struct holder_table *table, const struct snapshot *snapshot,
			      const uint32_t *sockets, uint32_t n_sockets)
{
	uint32_t i, k, n = 0, kept = 0;

	for (i = 0; i < n_sockets; i++)
		n += n_holders(&snapshot->sockets[sockets[i]]);
	*table = (struct holder_table){ .processes = xcalloc(n, sizeof(*table->processes)) };
	for (n = 0, i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[sockets[i]];

		for (k = 0; k < n_holders(socket); k++)
			table->processes[n++] = snapshot->owners[socket->first_owner + k].process;
	}
	if (!n)
		return;
	qsort(table->processes, n, sizeof(*table->processes), compare_processes);
	for (i = 1; i < n; i++)
		if (table->processes[i] != table->processes[kept])
			table->processes[++kept] = table->processes[i];
	table->count = kept + 1;
}

static void holder_table_add_party(struct holder_table *table, uint32_t party)
{
	uint32_t i;

	table->relations[party] = xcalloc(table->count, sizeof(**table->relations));
	for (i = 0; i < table->count; i++)
		table->relations[party][i] = NOT_RELATED_YET;
}

static void holder_table_done(struct holder_table *table, uint32_t n_parties)
{
	uint32_t i;

	for (i = 0; i < n_parties; i++)
		free(table->relations[i]);
	free(table->processes);
}

/* Whether a socket is of a party, which begins with the socket first. */
static enum tristate is_of_party(struct holder_table *table, const struct snapshot *snapshot,
				 const struct inet_socket *socket, uint32_t party,
				 const struct inet_socket *first, uint32_t related)
{
	uint32_t i, relations = 0;

	if (!socket->n_owners || !first->n_owners)
		return related_unseen(socket, first);
	for (i = 0; i < n_holders(socket) && !(relations & related); i++) {
		const uint32_t *process = &snapshot->owners[socket->first_owner + i].process;
		const uint32_t *at = bsearch(process, table->processes, table->count,
					     sizeof(*table->processes), compare_processes);
		uint16_t *known = &table->relations[party][at - table->processes];

		if (*known == NOT_RELATED_YET)
			*known = (uint16_t)relations_to(snapshot, first, *process, related);
		relations |= *known;
	}
	return related_by(relations, related);
}

void parties_init(struct parties *parties, const struct snapshot *snapshot, const uint32_t *sockets,
		  uint32_t n_sockets, uint32_t related)
{
	struct holder_table holders;
	uint32_t i, k;

	*parties = (struct parties){
		.first = xcalloc(PARTIES_MAX, sizeof(*parties->first)),
		.one_program = TRISTATE_YES,
	};
	holder_table_init(&holders, snapshot, sockets, n_sockets);
	for (i = 0; i < n_sockets && parties->count < PARTIES_MAX; i++) {
		const struct inet_socket *socket = &snapshot->sockets[sockets[i]];
		enum tristate same = TRISTATE_NO;
		bool doubtful = false;

		for (k = 0; k < parties->count && same != TRISTATE_YES; k++) {
			same = is_of_party(&holders, snapshot, socket, k,
					   &snapshot->sockets[sockets[parties->first[k]]], related);
			doubtful = doubtful || same == TRISTATE_UNKNOWN;
		}
		if (same == TRISTATE_YES)
			continue;
		if (k)
			parties->one_program = tristate_and(
				parties->one_program,
				parties_same_program(snapshot, sockets[parties->first[0]],
						     sockets[i]));
		holder_table_add_party(&holders, k);
		parties->first[parties->count++] = i;
		parties->undecided = parties->undecided || doubtful;
	}
	holder_table_done(&holders, parties->count);
}

uint32_t *parties_of(const struct parties *parties, const struct snapshot *snapshot,
		     const uint32_t *sockets, uint32_t n_sockets, uint32_t related)
{
	uint32_t *of = xcalloc(n_sockets, sizeof(*of)), i, k;
	struct holder_table holders;

	holder_table_init(&holders, snapshot, sockets, n_sockets);
	for (k = 0; k < parties->count; k++)
		holder_table_add_party(&holders, k);
	for (i = 0; i < n_sockets; i++) {
		for (k = 0; k + 1 < parties->count; k++)
			if (parties->first[k] == i ||
			    is_of_party(&holders, snapshot, &snapshot->sockets[sockets[i]], k,
					&snapshot->sockets[sockets[parties->first[k]]],
					related) == TRISTATE_YES)
				break;
		of[i] = k;
	}
	holder_table_done(&holders, parties->count);
	return of;
}

void parties_done(struct parties *parties)
{
	free(parties->first);
	*parties = (struct parties){ .first = NULL };
}

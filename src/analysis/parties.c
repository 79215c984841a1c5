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

enum tristate parties_related(const struct snapshot *snapshot, uint32_t a, uint32_t b,
			      uint32_t related)
{
	const struct inet_socket *x = &snapshot->sockets[a], *y = &snapshot->sockets[b];
	uint32_t i, k, relation, all = 0;

	if (!x->n_owners || !y->n_owners) {
		/* The kernel's own belong together, and to nobody else. */
		if (x->owner_status == OWNER_KERNEL || y->owner_status == OWNER_KERNEL)
			return tristate_of(x->owner_status == y->owner_status);
		return TRISTATE_UNKNOWN;
	}
	for (i = 0; i < n_holders(x); i++) {
		if (is_repeated(snapshot, x, i))
			continue;
		for (k = 0; k < n_holders(y); k++) {
			if (is_repeated(snapshot, y, k))
				continue;
			relation = relate_processes(snapshot,
						    snapshot->owners[x->first_owner + i].process,
						    snapshot->owners[y->first_owner + k].process);
			if (relation & related)
				return TRISTATE_YES;
			all |= relation;
		}
	}
	/* Different programs are strangers, whatever else is not known of them. */
	if ((all & RELATED_OTHERS_UNKNOWN) && (all & (RELATED_PROGRAM | RELATED_PROGRAM_UNKNOWN)))
		return TRISTATE_UNKNOWN;
	return TRISTATE_NO;
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

/* Of answers about parts that about the whole: one no is a no. */
static enum tristate least(enum tristate a, enum tristate b)
{
	if (a == TRISTATE_NO || b == TRISTATE_NO)
		return TRISTATE_NO;
	return a == TRISTATE_YES && b == TRISTATE_YES ? TRISTATE_YES : TRISTATE_UNKNOWN;
}

void parties_init(struct parties *parties, const struct snapshot *snapshot, const uint32_t *sockets,
		  uint32_t n_sockets, uint32_t related)
{
	uint32_t i, k;

	*parties = (struct parties){
		.of = xcalloc(n_sockets, sizeof(*parties->of)),
		.first = xcalloc(PARTIES_MAX, sizeof(*parties->first)),
		.one_program = TRISTATE_YES,
	};
	for (i = 0; i < n_sockets; i++) {
		bool doubtful = false;

		for (k = 0; k < parties->count; k++) {
			enum tristate same = parties_related(snapshot, sockets[parties->first[k]],
							     sockets[i], related);

			if (same == TRISTATE_YES)
				break;
			doubtful = doubtful || same == TRISTATE_UNKNOWN;
		}
		if (k == PARTIES_MAX)
			k--;
		parties->of[i] = k;
		if (k < parties->count)
			continue;
		parties->first[parties->count++] = i;
		parties->undecided = parties->undecided || doubtful;
		if (k)
			parties->one_program =
				least(parties->one_program,
				      parties_same_program(snapshot, sockets[parties->first[0]],
							   sockets[i]));
	}
}

void parties_done(struct parties *parties)
{
	free(parties->of);
	free(parties->first);
	*parties = (struct parties){ .of = NULL };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PARTIES_H
#define ANALYSIS_PARTIES_H

#include "model/snapshot.h"
#include "model/tristate.h"

/*
 * Sockets gathered by who stands behind them: two are of one party if a holder of the one belongs
 * together with a holder of the other.
 */
struct parties {
	uint32_t *first; /* of each party the first socket, an index into those given */
	uint32_t count;
	bool undecided; /* two parties may be one: holders, or facts about them, are hidden */
	enum tristate one_program; /* whether, of several parties, all run the same program */
};

/* More parties than these are not told apart: the rest is counted to the last. */
#define PARTIES_MAX 64

/* related: what makes one party, bits of enum relation. Freed with parties_done(). */
void parties_init(struct parties *parties, const struct snapshot *snapshot, const uint32_t *sockets,
		  uint32_t n_sockets, uint32_t related);
void parties_done(struct parties *parties);

/* Of each of the sockets its party, counted from 0; all as it was given. Freed with free(). */
uint32_t *parties_of(const struct parties *parties, const struct snapshot *snapshot,
		     const uint32_t *sockets, uint32_t n_sockets, uint32_t related);

/* Whether the holders of two sockets belong together by these relations. */
enum tristate parties_related(const struct snapshot *snapshot, uint32_t a, uint32_t b,
			      uint32_t related);

/* Whether the holders of two sockets run the same program. */
enum tristate parties_same_program(const struct snapshot *snapshot, uint32_t a, uint32_t b);

#endif

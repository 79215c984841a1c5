/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_ADDRESS_INDEX_H
#define ANALYSIS_ADDRESS_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/*
 * Some sockets by address, all wildcards as of one, and IPv4 as its mapped form: for who asks again
 * and again for those at an address, which must not cost a walk along all of them.
 */
struct address_index {
	struct located_socket *items; /* by address, then as they were given */
	uint32_t *sockets; /* as items, for who takes sockets alone */
	uint32_t count;
};

/* sockets: ascending. Freed with address_index_done(). */
void address_index_init(struct address_index *index, const struct snapshot *snapshot,
			const uint32_t *sockets, uint32_t n_sockets);
void address_index_done(struct address_index *index);

/* Those at the address of a socket, ascending, in *ret_sockets. Returns how many. */
uint32_t address_index_find(const struct address_index *index, const struct inet_socket *at,
			    const uint32_t **ret_sockets);

/* Whether there are any, however many. */
bool address_index_has(const struct address_index *index, const struct inet_socket *at);

/* Those at a wildcard. */
uint32_t address_index_wildcards(const struct address_index *index, const uint32_t **ret_sockets);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_OWNERS_JOIN_H
#define SOURCE_OWNERS_JOIN_H

#include <linux/types.h>
#include <stdint.h>

#include "bpf/records.h"
#include "model/snapshot.h"

/*
 * Bringing together what was found in two places: the sockets of a dump and the descriptors or
 * kernel tables that speak of the same sockets. Pure.
 */

/*
 * For each record of a kernel table the one of the wanted sockets (indexes, in the order of the
 * dump) that has its cookie, or SNAPSHOT_NONE, in ret_sockets[n_records]. Fast where dump and table
 * are in one order within a family, and right where they are not.
 */
void table_join(const struct snapshot *snapshot, const uint32_t *wanted, uint32_t n_wanted,
		const struct bpf_table_record *records, uint32_t n_records, uint32_t *ret_sockets);

/* That a process holds a socket, on its way to becoming a struct owner. */
struct hold {
	uint32_t socket;
	uint32_t process; /* index into snapshot.processes */
	int32_t fd; /* -1: without a descriptor */
};

struct hold_list {
	struct hold *items;
	uint32_t count, capacity;
	uint32_t *of_socket; /* how many holds each socket has */
};

void hold_list_init(struct hold_list *list, const struct snapshot *snapshot);
void hold_list_done(struct hold_list *list);
void hold_list_clear(struct hold_list *list, const struct snapshot *snapshot);
void hold_list_add(struct hold_list *list, uint32_t socket, uint32_t process, int32_t fd);

/*
 * Turn holds into snapshot.owners, in the order of the sockets, of a socket's by pid, then
 * descriptor, each once; set the sockets' ranges and OWNER_OWNED. Sorts the processes by pid: no
 * pid may be there twice. The table of owners must be empty.
 */
void hold_list_assign(struct hold_list *list, struct snapshot *snapshot);

#endif

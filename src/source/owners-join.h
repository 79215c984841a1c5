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

enum socket_key {
	SOCKET_KEY_COOKIE,
	SOCKET_KEY_INODE,
};

/* Sockets by cookie or by inode, without those that lack it (inode 0 is a lack too). */
struct socket_index {
	const struct inet_socket *sockets;
	struct socket_slot {
		uint32_t low; /* of the key */
		uint32_t socket; /* its index plus 1; 0: a free slot */
	} *slots;
	uint32_t mask;
	enum socket_key key;
};

/* An empty index with room for capacity sockets. Freed with socket_index_done(). */
void socket_index_init(struct socket_index *index, const struct snapshot *snapshot,
		       enum socket_key key, uint32_t capacity);
void socket_index_add(struct socket_index *index, uint32_t socket);
void socket_index_done(struct socket_index *index);

/*
 * The first, and the next, socket with this key; SNAPSHOT_NONE after the last. Two sockets can
 * share an inode: a listener of MPTCP and the TCP socket inside.
 */
#define SOCKET_INDEX_START UINT32_MAX
uint32_t socket_index_find(const struct socket_index *index, uint64_t key, uint32_t *cursor);

/*
 * Have the cache lines ready that socket_index_find() will want for this key: the slot, and some
 * steps later the socket.
 */
void socket_index_prefetch_slot(const struct socket_index *index, uint64_t key);
void socket_index_prefetch_socket(const struct socket_index *index, uint64_t key);

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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_OWNERS_PROC_H
#define SOURCE_OWNERS_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"
#include "source/owners-join.h"
#include "source/socket-index.h"

/*
 * Owners by what /proc shows. One pass reads the links in /proc/PID/fd. The rest is costly and
 * finds little, so it is looked for only when sockets are left that nobody seems to hold: threads
 * with descriptor tables of their own, rings of io_uring, descriptors in flight.
 */
struct proc_scan {
	struct snapshot *snapshot;
	struct hold_list *holds;
	const struct socket_index *inodes; /* of all sockets */
	const struct socket_index *wanted; /* of those whose holders are added */

	int proc; /* descriptor of /proc */
	uint32_t n_hidden; /* processes and threads whose descriptors may not be read */
	uint32_t n_unread; /* that could not be read, for want of descriptors or memory here */
	int unread_error; /* the last -errno of those */

	/* The snapshot's processes that were there, by pid, before the scan began. */
	uint32_t n_known_processes;

	/* Processes that could be read, those without a descriptor included. */
	struct visited_process {
		uint32_t pid;
		uint32_t process; /* index into snapshot.processes or SNAPSHOT_NONE */
	} * visited;
	uint32_t n_visited, visited_capacity;

	/* Descriptors of an io_uring, and of sockets that are none of the snapshot's. */
	struct noted_descriptor {
		uint64_t inode; /* of a socket */
		uint32_t visited;
		int32_t fd;
	} * rings, *others;
	uint32_t n_rings, rings_capacity;
	uint32_t n_others, others_capacity;
};

/*
 * Read every process's descriptors. The processes of the snapshot must be sorted by pid; new ones
 * are appended. Returns 0, and the scan is freed with proc_scan_done(); or -errno if /proc cannot
 * be read, or not to its end: then it is freed already, and what was found until then stays.
 */
int proc_scan_init(struct proc_scan *scan, struct snapshot *snapshot, struct hold_list *holds,
		   const struct socket_index *inodes, const struct socket_index *wanted);
void proc_scan_done(struct proc_scan *scan);

/*
 * Read the tables of threads that do not share that of their process, which includes all threads
 * of a process whose leader has exited. scan->wanted says for which sockets.
 */
void proc_scan_threads(struct proc_scan *scan);

/* Add, with descriptor -1, the processes that have a ring with a socket among its fixed files. */
void proc_scan_rings(struct proc_scan *scan);

/*
 * How many descriptors of whatever kind are on their way through Unix sockets; UINT64_MAX when
 * there are too many sockets to ask.
 */
uint64_t proc_scan_in_flight(struct proc_scan *scan);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOURCE_H
#define SOURCE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/*
 * Reading the world into a snapshot. What may not be seen is no error but a limit in the snapshot;
 * only what makes every answer worthless (no such namespace, no way to list sockets at all) fails.
 */

/* Details that cost one or more reads of /proc for each process that owns a socket. */
enum collect_want {
	WANT_OWNERS = 1U << 0,
	WANT_REUSE = 1U << 1, /* SO_REUSEADDR, SO_REUSEPORT, with evidence */
	WANT_CMDLINE = 1U << 2,
	WANT_EXE = 1U << 3,
	WANT_START_TIME = 1U << 4,
	WANT_CGROUP = 1U << 5, /* cgroup, unit and container, of processes and sockets */
	WANT_USERS = 1U << 6, /* names of uids */
	WANT_ANCESTORS = 1U << 7, /* the parents of owners too */
	WANT_SYSCTLS = 1U << 8, /* sysctls and counters of the namespaces */
	WANT_MULTICAST = 1U << 9, /* multicast memberships */
	/* pid, ppid and uid of each owner: with /proc one read, with BPF none. */
	WANT_PID = 1U << 10,
	/* Of the TCP port, where one alone is asked for. */
	WANT_BIND_MEMORY = 1U << 11,
	/* Flags of TCP connections even where each costs a copy of its owner's descriptor. */
	WANT_CONNECTIONS_REUSE = 1U << 12,
};

/*
 * All but the last two, which are for the one port of probe and wait: one is read of one port
 * alone, the other would copy a descriptor of every connection of the host.
 */
#define WANT_EVERYTHING ((1U << 11) - 1)

struct netns_choice; /* source/netns.h */

struct port_range {
	uint16_t first, last; /* both included */
};

struct collect_request {
	uint32_t want; /* enum collect_want */
	uint32_t protocols; /* 1U << enum protocol */
	uint32_t states; /* 1U << enum socket_state */
	bool inet, inet6; /* families */
	bool no_bpf; /* leave BPF alone even where it would work */
	bool all_netns; /* every namespace that can be found */
	struct netns_choice *netns; /* NULL: the caller's own */

	/* Local ports wanted, or-ed; the kernel filters by them. 0 ranges: every port. */
	const struct port_range *ports;
	uint32_t n_ports;
};

/*
 * Take a snapshot. On success returns 0 and a snapshot that the caller frees. On failure -errno,
 * and *ret_failed_what (static or valid as long as request) names what failed, e.g. the namespace.
 */
int snapshot_collect(const struct collect_request *request, struct snapshot **ret_snapshot,
		     const char **ret_failed_what);

/*
 * Read more (enum collect_want, of processes) about some of the processes of a snapshot just taken:
 * those whose element of processes is true, and with WANT_ANCESTORS their parents. Rows may move.
 */
void snapshot_enrich(struct snapshot *snapshot, uint32_t want, const bool *processes);

#endif

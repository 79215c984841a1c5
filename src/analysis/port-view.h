/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PORT_VIEW_H
#define ANALYSIS_PORT_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/*
 * The grouped view: what people look at. Each port that is served has a row for each listening or
 * bound socket, and one for all its other sockets of one state. What only outgoing connections
 * hold has a row for each program and destination.
 */

/* Outgoing connections: rows shown for each namespace; the others are one row together. */
#define PORT_VIEW_CLIENTS 10

/*
 * So many neighbours in one bucket that are alike in all that the view shows (address, state,
 * flags, owners, empty queue) become one row.
 */
#define PORT_VIEW_ALIKE 5

enum port_row_kind {
	PORT_ROW_BOUND, /* a listening or bound socket, or several alike */
	PORT_ROW_STATE, /* the sockets of a port in one state */
	PORT_ROW_CLIENT, /* the outgoing connections of one program to one destination */
	PORT_ROW_REST, /* all further outgoing connections */
};

struct port_row {
	uint32_t first, count; /* range of port_view.sockets, at least one */
	uint32_t n_destinations; /* PORT_ROW_REST: how many rows it stands for */
	uint8_t kind; /* enum port_row_kind */
	bool leads; /* the first row of its port */
};

/* The rows of one network namespace: ports in order, then outgoing connections, largest first. */
struct port_section {
	uint32_t netns; /* index into snapshot.netns */
	uint32_t first_row, n_rows;
	uint32_t first_client, n_clients; /* rows too */
};

struct port_view {
	const struct snapshot *snapshot; /* not owned */
	uint32_t *sockets; /* indexes of all sockets, in the order of the rows */
	struct port_row *rows;
	uint32_t n_rows, rows_capacity;
	struct port_section *sections; /* only those with rows */
	uint32_t n_sections, sections_capacity;
	uint32_t *process_marks; /* of port_view_sum() */
	uint32_t *processes;
	uint32_t mark;
};

/* In what the sockets of a row are not all the same. */
enum port_differs {
	DIFFERS_LOCAL = 1U << 0,
	DIFFERS_DEVICE = 1U << 1,
	DIFFERS_V6ONLY = 1U << 2,
	DIFFERS_REUSE = 1U << 3,
	DIFFERS_EVIDENCE = 1U << 4,
	DIFFERS_UID = 1U << 5,
	DIFFERS_UNIT = 1U << 6, /* unit, container or cgroup of the socket */
	DIFFERS_PEER = 1U << 7,
	DIFFERS_TIMER = 1U << 8, /* its kind */
	DIFFERS_MARK = 1U << 9,
	DIFFERS_OPTIONS = 1U << 10,
	DIFFERS_LIMIT = 1U << 11,
	DIFFERS_PORT = 1U << 12,
	DIFFERS_PROTOCOL = 1U << 13,
	DIFFERS_IDENTITY = 1U << 14, /* inode, cookie, multicast groups: taken to differ always */
};

/* All sockets of a row, added up. */
struct port_summary {
	const struct port_row *row;
	const struct inet_socket *socket; /* the first; of clients, the first that lives */
	uint32_t states[N_STATES];
	uint32_t owner_statuses[N_OWNER_STATUSES];
	uint32_t differs; /* enum port_differs; of clients, TIME-WAIT left aside */
	uint32_t known; /* what is known of every one: enum socket_known */
	uint64_t queue_recv, queue_send, drops; /* of those of which it is known */
	uint32_t n_time_wait; /* socket_is_time_wait() */
	uint32_t n_expires; /* TIME-WAIT of which the end is known */
	uint32_t first_expires_ms, last_expires_ms;
	const uint32_t *processes; /* distinct owners, ascending; valid until the next sum */
	uint32_t n_processes;
};

/*
 * Arrange the sockets. Ports that nobody serves and that only outgoing connections hold - the port
 * is in ip_local_port_range, or each live socket on it is the connecting side - go to the clients,
 * unless clients_in_full, when they are ports like all others. TIME-WAIT alone on a port outside
 * the range is a server that is gone and keeps its port.
 *
 * TIME-WAIT sockets and orphans have lost their owner: if exactly one program still has
 * connections to the same destination, they are counted with it.
 */
void port_view_init(struct port_view *view, const struct snapshot *snapshot, bool clients_in_full);
void port_view_done(struct port_view *view);

void port_view_sum(struct port_view *view, const struct port_row *row,
		   struct port_summary *ret_summary);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/still-there.h"

#include <stdlib.h>
#include <string.h>

#include "source/sock-diag.h"
#include "source/socket-index.h"
#include "util/xalloc.h"

/* The kernel compares each of its sockets with each of these. */
#define PORTS_MAX 64

#define BOUND_STATES (1U << STATE_LISTEN | 1U << STATE_BOUND)

/* What the sockets that are asked for have in common. */
struct wanted {
	struct port_range ports[PORTS_MAX];
	uint32_t n_ports;
	uint32_t protocols;
	bool too_many; /* they are on more ports than fit */
};

static void add_wanted(struct wanted *wanted, const struct inet_socket *socket)
{
	uint32_t i;

	wanted->protocols |= 1U << socket->protocol;
	for (i = 0; i < wanted->n_ports; i++)
		if (wanted->ports[i].first == socket->local_port)
			return;
	if (wanted->n_ports == PORTS_MAX)
		wanted->too_many = true;
	else
		wanted->ports[wanted->n_ports++] =
			(struct port_range){ socket->local_port, socket->local_port };
}

/*
 * Whether a list lacks nothing: it was not cut, refused, or read from /proc/net, which has no
 * cookies. What the kernel is too old to list was not in the first list either.
 */
static bool is_complete(const struct snapshot *now)
{
	uint32_t i;

	for (i = 0; i < now->n_limits; i++)
		if (strcmp(snapshot_text(now, now->limits[i].reason), "old-kernel"))
			return false;
	return true;
}

/* Put aside those that are in the list. */
static void remove_found(const struct snapshot *now, const struct snapshot *snapshot,
			 uint32_t netns, bool *missing)
{
	struct socket_index index;
	uint32_t i;

	socket_index_init(&index, now, SOCKET_KEY_COOKIE, now->n_sockets);
	for (i = 0; i < now->n_sockets; i++)
		socket_index_add(&index, i);
	for (i = 0; i < snapshot->n_sockets; i++) {
		uint32_t cursor = SOCKET_INDEX_START;

		if (missing[i] && snapshot->sockets[i].netns == netns &&
		    socket_index_find(&index, snapshot->sockets[i].cookie, &cursor) !=
			    SNAPSHOT_NONE)
			missing[i] = false;
	}
	socket_index_done(&index);
}

/* Returns whether those that are missing still are not there. */
static bool ask(const struct collect_request *request, const struct netns_handle *namespace,
		uint32_t netns, const struct snapshot *snapshot, bool *missing)
{
	struct snapshot *now;
	bool complete;
	int home;

	if (netns_enter(namespace, &home))
		return false;
	now = snapshot_new();
	snapshot_add_netns(now);
	complete = !sock_diag_collect(request, 0, now) && is_complete(now);
	netns_leave(home);
	remove_found(now, snapshot, netns, missing);
	snapshot_free(now);
	return complete;
}

/*
 * Of what is bound most is there, in hiding, and to list that alone is cheap however many
 * connections there are. Only those that are not in that list, and connections, are looked for
 * among all: they may be in another state by now.
 */
static void ask_namespace(const struct collect_request *request,
			  const struct netns_handle *namespace, uint32_t netns,
			  const struct snapshot *snapshot, bool *missing, bool *sockets)
{
	struct collect_request again = *request;
	struct wanted bound = { .n_ports = 0 }, left = { .n_ports = 0 };
	uint32_t i;

	again.inet = again.inet6 = true;
	for (i = 0; i < snapshot->n_sockets; i++)
		if (missing[i] && snapshot->sockets[i].netns == netns &&
		    socket_is_bound(&snapshot->sockets[i]))
			add_wanted(&bound, &snapshot->sockets[i]);
	if (bound.n_ports) {
		again.states = BOUND_STATES;
		again.protocols = bound.protocols;
		again.ports = bound.ports;
		again.n_ports = bound.too_many ? 0 : bound.n_ports;
		ask(&again, namespace, netns, snapshot, missing);
	}
	for (i = 0; i < snapshot->n_sockets; i++)
		if (missing[i] && snapshot->sockets[i].netns == netns)
			add_wanted(&left, &snapshot->sockets[i]);
	if (!left.n_ports || left.too_many)
		return;
	again.states = (1U << N_STATES) - 1;
	again.protocols = left.protocols;
	again.ports = left.ports;
	again.n_ports = left.n_ports;
	if (!ask(&again, namespace, netns, snapshot, missing))
		return;
	for (i = 0; i < snapshot->n_sockets; i++)
		if (missing[i] && snapshot->sockets[i].netns == netns)
			sockets[i] = false;
}

void still_there(const struct collect_request *request, const struct netns_list *namespaces,
		 const struct snapshot *snapshot, bool *sockets)
{
	bool *missing = xcalloc(snapshot->n_sockets, sizeof(*missing));
	uint32_t i;

	if (snapshot->n_sockets)
		memcpy(missing, sockets, snapshot->n_sockets * sizeof(*missing));
	for (i = 0; i < namespaces->count; i++)
		ask_namespace(request, &namespaces->items[i], i, snapshot, missing, sockets);
	free(missing);
}

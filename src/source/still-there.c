/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/still-there.h"

#include <string.h>

#include "source/sock-diag.h"
#include "source/socket-index.h"

#define PORTS_MAX 64

struct wanted {
	struct port_range ports[PORTS_MAX];
	uint32_t n_ports;
	uint32_t protocols;
};

/* Returns false if there are too many. */
static bool add_wanted(struct wanted *wanted, const struct inet_socket *socket)
{
	uint32_t i;

	wanted->protocols |= 1U << socket->protocol;
	for (i = 0; i < wanted->n_ports; i++)
		if (wanted->ports[i].first == socket->local_port)
			return true;
	if (wanted->n_ports == PORTS_MAX)
		return false;
	wanted->ports[wanted->n_ports++] =
		(struct port_range){ socket->local_port, socket->local_port };
	return true;
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

static void compare(const struct snapshot *now, const struct snapshot *snapshot, uint32_t netns,
		    bool *sockets)
{
	struct socket_index index;
	uint32_t i;

	socket_index_init(&index, now, SOCKET_KEY_COOKIE, now->n_sockets);
	for (i = 0; i < now->n_sockets; i++)
		socket_index_add(&index, i);
	for (i = 0; i < snapshot->n_sockets; i++) {
		uint32_t cursor = SOCKET_INDEX_START;

		if (sockets[i] && snapshot->sockets[i].netns == netns &&
		    socket_index_find(&index, snapshot->sockets[i].cookie, &cursor) ==
			    SNAPSHOT_NONE)
			sockets[i] = false;
	}
	socket_index_done(&index);
}

static void ask(const struct collect_request *request, const struct netns_handle *namespace,
		uint32_t netns, const struct snapshot *snapshot, bool *sockets)
{
	struct collect_request again = *request;
	struct wanted wanted = { .n_ports = 0 };
	struct snapshot *now;
	int home, error;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++)
		if (sockets[i] && snapshot->sockets[i].netns == netns &&
		    !add_wanted(&wanted, &snapshot->sockets[i]))
			return;
	if (!wanted.n_ports || netns_enter(namespace, &home))
		return;
	again.ports = wanted.ports;
	again.n_ports = wanted.n_ports;
	again.protocols &= wanted.protocols;
	now = snapshot_new();
	snapshot_add_netns(now);
	error = sock_diag_collect(&again, 0, now);
	netns_leave(home);
	if (!error && is_complete(now))
		compare(now, snapshot, netns, sockets);
	snapshot_free(now);
}

void still_there(const struct collect_request *request, const struct netns_list *namespaces,
		 const struct snapshot *snapshot, bool *sockets)
{
	uint32_t i;

	for (i = 0; i < namespaces->count; i++)
		ask(request, &namespaces->items[i], i, snapshot, sockets);
}

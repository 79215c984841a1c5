/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/lookup-order.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "util/xalloc.h"

bool lookup_order_is_seen(const char *kernel)
{
	unsigned int major, minor;

	return kernel && sscanf(kernel, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 5));
}

static bool may_move(const struct inet_socket *socket, uint32_t netns)
{
	return socket->protocol == PROTOCOL_UDP && socket->netns == netns &&
	       socket->state == STATE_BOUND && address_is_wildcard(socket->family, &socket->local);
}

void lookup_order_find_shared(const struct snapshot *snapshot, uint32_t netns, bool *shared)
{
	/* By port: there is one of IPv4, one of IPv6, two of a family. */
	enum {
		HAS_V4 = 1U << 0,
		HAS_V6 = 1U << 1,
		HAS_TWO = 1U << 2
	};
	uint8_t *ports = xcalloc(UINT16_MAX + 1, sizeof(*ports));
	bool any = false;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];
		uint8_t family = socket->family == AF_INET ? HAS_V4 : HAS_V6;

		if (!may_move(socket, netns))
			continue;
		if (ports[socket->local_port] & family)
			ports[socket->local_port] |= HAS_TWO;
		any = any || (ports[socket->local_port] & HAS_TWO);
		ports[socket->local_port] |= family;
	}
	for (i = 0; any && i < snapshot->n_sockets; i++)
		if (may_move(&snapshot->sockets[i], netns) &&
		    (ports[snapshot->sockets[i].local_port] & HAS_TWO))
			shared[i] = true;
	free(ports);
}

void lookup_order_set(struct snapshot *snapshot, const bool *shared,
		      const struct bpf_table_record *records, uint32_t n_records,
		      const uint32_t *sockets)
{
	uint16_t *counts = xcalloc(UINT16_MAX + 1, sizeof(*counts));
	uint32_t i;

	for (i = 0; i < n_records; i++) {
		uint16_t *count = &counts[records[i].local_port];

		/* One that has been connected since the dump is in another chain. */
		if (sockets[i] == SNAPSHOT_NONE || !shared[sockets[i]] ||
		    records[i].state != TCP_CLOSE || *count == UINT16_MAX)
			continue;
		snapshot->sockets[sockets[i]].lookup_order = ++*count;
	}
	free(counts);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/port-range.h"

#include <stdlib.h>

/* What the kernel begins with, for a snapshot that does not tell. */
#define PORT_RANGE_FIRST 32768
#define PORT_RANGE_LAST 60999
#define UNPRIVILEGED_PORT_START 1024

/* Call take for each range of "1-5,7,9-10"; stops at what cannot be read. */
static void each_range(const char *text, void (*take)(uint32_t first, uint32_t last, void *user),
		       void *user)
{
	while (text && *text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (end == text)
			return;
		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		take((uint32_t)first, (uint32_t)last, user);
		text = *end == ',' ? end + 1 : NULL;
	}
}

struct port_question {
	uint32_t port;
	bool found;
};

static void look_for_port(uint32_t first, uint32_t last, void *user)
{
	struct port_question *question = user;

	question->found = question->found || (question->port >= first && question->port <= last);
}

enum tristate port_is_reserved(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	struct port_question question = { .port = port };

	if (netns >= snapshot->n_netns || !snapshot->netns[netns].reserved_ports)
		return TRISTATE_UNKNOWN;
	each_range(snapshot_text(snapshot, snapshot->netns[netns].reserved_ports), look_for_port,
		   &question);
	return tristate_of(question.found);
}

void port_range(const struct snapshot *snapshot, uint32_t netns, uint16_t *ret_first,
		uint16_t *ret_last)
{
	*ret_first = PORT_RANGE_FIRST;
	*ret_last = PORT_RANGE_LAST;
	if (netns < snapshot->n_netns && snapshot->netns[netns].port_range_last) {
		*ret_first = snapshot->netns[netns].port_range_first;
		*ret_last = snapshot->netns[netns].port_range_last;
	}
}

bool port_is_ephemeral(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	uint16_t first, last;

	port_range(snapshot, netns, &first, &last);
	if (port < first || port > last)
		return false;
	return port_is_reserved(snapshot, netns, port) != TRISTATE_YES;
}

bool port_is_of_client(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	return port_is_ephemeral(snapshot, socket->netns, socket->local_port) ||
	       !port_is_ephemeral(snapshot, socket->netns, socket->peer_port);
}

bool port_is_privileged(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	if (netns < snapshot->n_netns &&
	    (snapshot->netns[netns].sysctls_known & 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START))
		return port < snapshot->netns[netns].sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START];
	return port < UNPRIVILEGED_PORT_START;
}

static void mark_range(uint32_t first, uint32_t last, void *user)
{
	uint8_t *set = user;
	uint32_t port;

	for (port = first; port <= last && port <= UINT16_MAX; port++)
		set[port / 8] |= (uint8_t)(1U << port % 8);
}

void port_mark_reserved(const struct snapshot *snapshot, uint32_t netns, uint8_t set[PORT_SET_SIZE])
{
	if (netns < snapshot->n_netns)
		each_range(snapshot_text(snapshot, snapshot->netns[netns].reserved_ports),
			   mark_range, set);
}

uint32_t port_n_reserved(const struct snapshot *snapshot, uint32_t netns)
{
	uint8_t set[PORT_SET_SIZE] = { 0 };
	uint16_t first, last;
	uint32_t port, n = 0;

	port_mark_reserved(snapshot, netns, set);
	port_range(snapshot, netns, &first, &last);
	for (port = first; port <= last; port++)
		n += set[port / 8] >> port % 8 & 1;
	return n;
}

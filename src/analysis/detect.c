/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/detect.h"

#include <stdlib.h>

#include "util/xalloc.h"

/* What the kernel begins with, for a snapshot that does not tell. */
#define PORT_RANGE_FIRST 32768
#define PORT_RANGE_LAST 60999
#define UNPRIVILEGED_PORT_START 1024

bool detect_is_wanted(const struct detection *detection, enum severity severity)
{
	return severity >= detection->options->least;
}

struct finding *detect_report(struct detection *detection, enum finding_id id,
			      enum severity severity, const uint32_t *sockets, uint32_t n_sockets)
{
	struct finding *finding =
		finding_list_add(detection->list, id, severity, sockets, n_sockets);

	finding->netns = detection->bucket->netns;
	finding->protocol = detection->bucket->protocol;
	finding->port = detection->bucket->port;
	return finding;
}

/* A socket on its way into a place. */
struct placed {
	const struct inet_socket *socket;
	uint32_t index, order;
};

static int compare_places(const struct inet_socket *a, const struct inet_socket *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->v6only != b->v6only && address_is_wildcard(a->family, &a->local))
		return a->v6only < b->v6only ? -1 : 1;
	return address_compare(&a->local, &b->local);
}

static int compare_placed(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;
	int order = compare_places(a->socket, b->socket);

	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

struct detect_place *detect_places(const struct detection *detection, enum socket_state state)
{
	uint32_t i, n = 0, n_places = 0, n_members = detection->bucket->count, *sockets;
	struct placed *placed = xcalloc(n_members, sizeof(*placed));
	struct detect_place *places;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket =
			&detection->snapshot->sockets[detection->members[i]];

		if (socket->state == state)
			placed[n++] = (struct placed){ socket, detection->members[i], i };
	}
	if (n > 1)
		qsort(placed, n, sizeof(*placed), compare_placed);
	places = xcalloc(1, (n + 1) * sizeof(*places) + n * sizeof(*sockets));
	sockets = (uint32_t *)(places + n + 1);
	for (i = 0; i < n; i++) {
		sockets[i] = placed[i].index;
		if (!i || compare_places(placed[i - 1].socket, placed[i].socket))
			places[n_places++].sockets = sockets + i;
		places[n_places - 1].count++;
	}
	free(placed);
	return places;
}

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

enum tristate detect_is_reserved(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	struct port_question question = { .port = port };

	if (netns >= snapshot->n_netns || !snapshot->netns[netns].reserved_ports)
		return TRISTATE_UNKNOWN;
	each_range(snapshot_text(snapshot, snapshot->netns[netns].reserved_ports), look_for_port,
		   &question);
	return tristate_of(question.found);
}

bool detect_is_ephemeral(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	uint16_t first = PORT_RANGE_FIRST, last = PORT_RANGE_LAST;

	if (netns < snapshot->n_netns && snapshot->netns[netns].port_range_last) {
		first = snapshot->netns[netns].port_range_first;
		last = snapshot->netns[netns].port_range_last;
	}
	if (port < first || port > last)
		return false;
	return detect_is_reserved(snapshot, netns, port) != TRISTATE_YES;
}

bool detect_is_privileged(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	if (netns < snapshot->n_netns &&
	    (snapshot->netns[netns].sysctls_known & 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START))
		return port < snapshot->netns[netns].sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START];
	return port < UNPRIVILEGED_PORT_START;
}

struct reserved_count {
	uint32_t first, last, count;
};

static void count_range(uint32_t first, uint32_t last, void *user)
{
	struct reserved_count *count = user;

	first = first > count->first ? first : count->first;
	last = last < count->last ? last : count->last;
	if (first <= last)
		count->count += last - first + 1;
}

uint32_t detect_n_reserved(const struct netns *netns, const struct snapshot *snapshot)
{
	struct reserved_count count = {
		.first = netns->port_range_first,
		.last = netns->port_range_last,
	};

	each_range(snapshot_text(snapshot, netns->reserved_ports), count_range, &count);
	return count.count;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/port-range.h"

#include <ctype.h>
#include <stdlib.h>

#include "util/xalloc.h"

/* What the kernel begins with, for a snapshot that does not tell. */
#define PORT_RANGE_FIRST 32768
#define PORT_RANGE_LAST 60999
#define UNPRIVILEGED_PORT_START 1024

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

bool port_is_privileged(const struct snapshot *snapshot, uint32_t netns, uint16_t port)
{
	if (netns < snapshot->n_netns &&
	    (snapshot->netns[netns].sysctls_known & 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START))
		return port < snapshot->netns[netns].sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START];
	return port < UNPRIVILEGED_PORT_START;
}

/* Ports that follow each other. */
struct port_span {
	uint16_t first, last;
};

struct span_list {
	struct port_span *items;
	uint32_t count, capacity;
};

static bool read_port(const char **text, unsigned long *ret_port)
{
	char *end;

	if (!isdigit((unsigned char)**text))
		return false;
	*ret_port = strtoul(*text, &end, 10);
	*text = end;
	return true;
}

/* Add the spans of "1-5,7,9-10"; stops at what cannot be read. */
static void read_spans(const char *text, struct span_list *list)
{
	unsigned long first, last;

	while (text && read_port(&text, &first)) {
		last = first;
		if (*text == '-') {
			text++;
			if (!read_port(&text, &last))
				return;
		}
		if (last > UINT16_MAX)
			last = UINT16_MAX;
		if (first <= last) {
			ARRAY_RESERVE(list->items, list->count, list->capacity);
			list->items[list->count++] =
				(struct port_span){ (uint16_t)first, (uint16_t)last };
		}
		text = *text == ',' ? text + 1 : NULL;
	}
}

static int compare_spans(const void *left, const void *right)
{
	const struct port_span *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

/* Sort the spans from begin on, and make one of those that overlap or touch. */
static void join_spans(struct span_list *list, uint32_t begin)
{
	uint32_t i, kept = begin;

	if (list->count == begin)
		return;
	qsort(list->items + begin, list->count - begin, sizeof(*list->items), compare_spans);
	for (i = begin + 1; i < list->count; i++) {
		struct port_span *before = &list->items[kept], *next = &list->items[i];

		if (next->first > (uint32_t)before->last + 1)
			list->items[++kept] = *next;
		else if (next->last > before->last)
			before->last = next->last;
	}
	list->count = kept + 1;
}

void port_rules_init(struct port_rules *rules, const struct snapshot *snapshot)
{
	struct span_list list = { .items = NULL };
	uint32_t i;

	rules->snapshot = snapshot;
	rules->starts = xcalloc((size_t)snapshot->n_netns + 1, sizeof(*rules->starts));
	for (i = 0; i < snapshot->n_netns; i++) {
		rules->starts[i] = list.count;
		read_spans(snapshot_text(snapshot, snapshot->netns[i].reserved_ports), &list);
		join_spans(&list, rules->starts[i]);
	}
	rules->starts[i] = list.count;
	rules->reserved = list.items;
}

void port_rules_done(struct port_rules *rules)
{
	free(rules->reserved);
	free(rules->starts);
	*rules = (struct port_rules){ .snapshot = NULL };
}

static int find_port(const void *key, const void *element)
{
	const struct port_span *span = element;
	uint16_t port = *(const uint16_t *)key;

	return port < span->first ? -1 : port > span->last;
}

enum tristate port_is_reserved(const struct port_rules *rules, uint32_t netns, uint16_t port)
{
	const struct snapshot *snapshot = rules->snapshot;
	uint32_t start;

	if (netns >= snapshot->n_netns || !snapshot->netns[netns].reserved_ports)
		return TRISTATE_UNKNOWN;
	start = rules->starts[netns];
	if (start == rules->starts[netns + 1])
		return TRISTATE_NO;
	return tristate_of(bsearch(&port, rules->reserved + start, rules->starts[netns + 1] - start,
				   sizeof(*rules->reserved), find_port));
}

bool port_is_ephemeral(const struct port_rules *rules, uint32_t netns, uint16_t port)
{
	uint16_t first, last;

	port_range(rules->snapshot, netns, &first, &last);
	if (port < first || port > last)
		return false;
	return port_is_reserved(rules, netns, port) != TRISTATE_YES;
}

uint32_t port_n_ephemeral(const struct port_rules *rules, uint32_t netns)
{
	uint16_t first, last;
	uint32_t i, n;

	port_range(rules->snapshot, netns, &first, &last);
	n = (uint32_t)last - first + 1;
	if (netns >= rules->snapshot->n_netns)
		return n;
	for (i = rules->starts[netns]; i < rules->starts[netns + 1]; i++) {
		const struct port_span *span = &rules->reserved[i];
		uint32_t from = span->first > first ? span->first : first;
		uint32_t to = span->last < last ? span->last : last;

		if (from <= to)
			n -= to - from + 1;
	}
	return n;
}

bool port_is_of_client(const struct port_rules *rules, const struct inet_socket *socket)
{
	return port_is_ephemeral(rules, socket->netns, socket->local_port) ||
	       !port_is_ephemeral(rules, socket->netns, socket->peer_port);
}

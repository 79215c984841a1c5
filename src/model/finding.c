/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/xalloc.h"

static const char *const finding_names[N_FINDINGS] = {
	[FINDING_UDP_ACCIDENTAL_SHARE] = "udp-accidental-share",
	[FINDING_UDP_SHADOWED] = "udp-shadowed",
	[FINDING_UDP_HIJACKABLE] = "udp-hijackable",
	[FINDING_REUSEPORT_STRANGERS] = "reuseport-strangers",
	[FINDING_REUSEPORT_STALE_MEMBER] = "reuseport-stale-member",
	[FINDING_REUSEPORT_STUCK_MEMBER] = "reuseport-stuck-member",
	[FINDING_INHERITED_LISTENER] = "inherited-listener",
	[FINDING_TIME_WAIT_BLOCKS_BIND] = "time-wait-blocks-bind",
	[FINDING_RESTART_BLOCKED_LATER] = "restart-blocked-later",
	[FINDING_PORT_TAKEN_BY_CLIENT] = "port-taken-by-client",
	[FINDING_BOUND_NOT_LISTENING] = "bound-not-listening",
	[FINDING_DUAL_STACK_OVERLAP] = "dual-stack-overlap",
	[FINDING_EPHEMERAL_EXHAUSTION] = "ephemeral-exhaustion",
	[FINDING_TIME_WAIT_OVERFLOW] = "time-wait-overflow",
};

static const char *const severity_names[N_SEVERITIES] = {
	[SEVERITY_NOTE] = "note",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_CRITICAL] = "critical",
};

const char *finding_name(enum finding_id id)
{
	return finding_names[id];
}

const char *severity_name(enum severity severity)
{
	return severity_names[severity];
}

static int parse(const char *const *names, int count, const char *name)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcasecmp(names[i], name))
			return i;
	return -EINVAL;
}

int finding_parse(const char *name)
{
	return parse(finding_names, N_FINDINGS, name);
}

int severity_parse(const char *name)
{
	return parse(severity_names, N_SEVERITIES, name);
}

struct finding *finding_list_add(struct finding_list *list, enum finding_id id,
				 enum severity severity, const uint32_t *sockets,
				 uint32_t n_sockets)
{
	struct finding *finding;
	uint32_t i;

	ARRAY_RESERVE(list->items, list->count, list->capacity);
	finding = &list->items[list->count++];
	*finding = (struct finding){
		.id = (uint8_t)id,
		.severity = (uint8_t)severity,
		.first_socket = list->n_sockets,
		.n_sockets = n_sockets,
	};
	for (i = 0; i < n_sockets; i++) {
		ARRAY_RESERVE(list->sockets, list->n_sockets, list->sockets_capacity);
		list->sockets[list->n_sockets++] = sockets[i];
	}
	return finding;
}

/* What is about no one port may sum up others, and comes after them. */
static uint32_t rank_of_port(const struct finding *finding)
{
	return finding->port ? finding->port : UINT16_MAX + 1U;
}

static int compare(const void *left, const void *right)
{
	const struct finding *a = left, *b = right;

	if (a->undecided != b->undecided)
		return a->undecided ? 1 : -1;
	if (a->severity != b->severity)
		return a->severity > b->severity ? -1 : 1;
	if (a->id != b->id)
		return a->id < b->id ? -1 : 1;
	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	if (a->port != b->port)
		return rank_of_port(a) < rank_of_port(b) ? -1 : 1;
	/* As they were added. */
	return a->first_socket < b->first_socket ? -1 : a->first_socket > b->first_socket;
}

void finding_list_sort(struct finding_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

static void free_words(struct finding *finding)
{
	free(finding->title);
	free(finding->evidence);
	free(finding->text);
	free(finding->remedy);
}

void finding_list_retain(struct finding_list *list,
			 bool (*keep)(const struct finding_list *list,
				      const struct finding *finding, void *user),
			 void *user)
{
	uint32_t i, kept = 0;

	for (i = 0; i < list->count; i++) {
		if (keep(list, &list->items[i], user))
			list->items[kept++] = list->items[i];
		else
			free_words(&list->items[i]);
	}
	list->count = kept;
}

void finding_list_renumber(struct finding_list *list, const uint32_t *new_index)
{
	uint32_t i, k, kept = 0;

	for (i = 0; i < list->count; i++) {
		struct finding *finding = &list->items[i];
		uint32_t *sockets = list->sockets + finding->first_socket, n = 0;

		for (k = 0; k < finding->n_sockets; k++)
			if (new_index[sockets[k]] != SNAPSHOT_NONE)
				sockets[n++] = new_index[sockets[k]];
		if (finding->n_sockets && !n) {
			free_words(finding);
			continue;
		}
		finding->n_sockets = n;
		list->items[kept++] = *finding;
	}
	list->count = kept;
}

void finding_list_done(struct finding_list *list)
{
	uint32_t i;

	for (i = 0; i < list->count; i++)
		free_words(&list->items[i]);
	free(list->items);
	free(list->sockets);
	*list = (struct finding_list){ .items = NULL };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-copy.h"

#include <stdlib.h>

#include "util/xalloc.h"

void snapshot_copier_init(struct snapshot_copier *copier, const struct snapshot *from,
			  struct snapshot *to)
{
	*copier = (struct snapshot_copier){
		.from = from,
		.to = to,
		.processes = xcalloc(from->n_processes, sizeof(*copier->processes)),
		.netns = xcalloc(from->n_netns, sizeof(*copier->netns)),
	};
}

static string_id copy_text(struct snapshot_copier *copier, string_id id)
{
	size_t length;
	const char *text = string_pool_get(&copier->from->strings, id, &length);

	return string_pool_add_bytes(&copier->to->strings, text, length);
}

static void copy_user(struct snapshot_copier *copier, uint32_t uid)
{
	string_id name;

	if (snapshot_find_user(copier->from, uid, &name))
		snapshot_set_user(copier->to, uid, copy_text(copier, name));
}

/*
 * Its name and number, and whose it is: its counters and limits are not those of the other
 * snapshot's moment.
 */
static uint32_t copy_netns(struct snapshot_copier *copier, uint32_t index)
{
	const struct netns *netns = &copier->from->netns[index];
	string_id name;
	uint32_t i;

	if (copier->netns[index])
		return copier->netns[index] - 1;
	name = copy_text(copier, netns->name);
	for (i = 0; i < copier->to->n_netns; i++)
		if (copier->to->netns[i].id == netns->id && copier->to->netns[i].name == name)
			break;
	if (i == copier->to->n_netns)
		*snapshot_add_netns(copier->to) = (struct netns){
			.id = netns->id,
			.name = name,
			.own = netns->own,
		};
	copier->netns[index] = i + 1;
	return i;
}

static uint32_t copy_process(struct snapshot_copier *copier, uint32_t index)
{
	const struct process *process = &copier->from->processes[index];
	struct process copy = *process;

	if (copier->processes[index])
		return copier->processes[index] - 1;
	copy.comm = copy_text(copier, process->comm);
	copy.cmdline = copy_text(copier, process->cmdline);
	copy.exe = copy_text(copier, process->exe);
	copy.cwd = copy_text(copier, process->cwd);
	copy.cgroup = copy_text(copier, process->cgroup);
	copy.unit = copy_text(copier, process->unit);
	copy.container = copy_text(copier, process->container);
	copy_user(copier, process->uid);
	*snapshot_add_process(copier->to) = copy;
	copier->processes[index] = copier->to->n_processes;
	return copier->to->n_processes - 1;
}

void snapshot_copier_add(struct snapshot_copier *copier, uint32_t index)
{
	const struct inet_socket *socket = &copier->from->sockets[index];
	struct inet_socket copy = *socket;
	uint32_t i;

	copy.netns = socket->netns < copier->from->n_netns ? copy_netns(copier, socket->netns) :
							     SNAPSHOT_NONE;
	copy.device = copy_text(copier, socket->device);
	copy.unit = copy_text(copier, socket->unit);
	copy.container = copy_text(copier, socket->container);
	copy.first_group = copy.n_groups = 0;
	copy.first_owner = copier->to->n_owners;
	for (i = 0; i < socket->n_owners; i++) {
		const struct owner *owner = &copier->from->owners[socket->first_owner + i];
		uint32_t process = copy_process(copier, owner->process);

		*snapshot_add_owner(copier->to) =
			(struct owner){ .process = process, .fd = owner->fd };
	}
	copy_user(copier, socket->uid);
	*snapshot_add_socket(copier->to) = copy;
}

struct moved_process {
	struct process process;
	uint32_t from;
};

static int compare_pids(const void *left, const void *right)
{
	const struct moved_process *a = left, *b = right;

	if (a->process.pid != b->process.pid)
		return a->process.pid < b->process.pid ? -1 : 1;
	return (a->from > b->from) - (a->from < b->from);
}

void snapshot_copier_done(struct snapshot_copier *copier)
{
	struct snapshot *to = copier->to;
	struct moved_process *moved = xcalloc(to->n_processes, sizeof(*moved));
	uint32_t *places = xcalloc(to->n_processes, sizeof(*places)), i;

	for (i = 0; i < to->n_processes; i++)
		moved[i] = (struct moved_process){ to->processes[i], i };
	if (to->n_processes)
		qsort(moved, to->n_processes, sizeof(*moved), compare_pids);
	for (i = 0; i < to->n_processes; i++) {
		to->processes[i] = moved[i].process;
		places[moved[i].from] = i;
	}
	for (i = 0; i < to->n_owners; i++)
		to->owners[i].process = places[to->owners[i].process];
	free(moved);
	free(places);
	free(copier->processes);
	free(copier->netns);
	*copier = (struct snapshot_copier){ .from = NULL };
}

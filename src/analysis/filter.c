/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/filter.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/relate.h"
#include "model/bind-bucket.h"

void filter_init(struct filter *filter)
{
	*filter = (struct filter){
		.protocols = (1U << N_PROTOCOLS) - 1,
		.states = (1U << N_STATES) - 1,
		.inet = true,
		.inet6 = true,
	};
}

static bool selected(const struct filter *filter, const struct inet_socket *socket)
{
	uint32_t i;

	for (i = 0; i < filter->n_selectors; i++) {
		if (selector_match(&filter->selectors[i], socket))
			return true;
	}
	return !filter->n_selectors;
}

static bool has_owner_filter(const struct filter *filter)
{
	return filter->n_pids || filter->process || filter->unit || filter->user;
}

static bool unit_matches(const char *pattern, const char *unit)
{
	size_t length = strlen(pattern);

	if (!unit)
		return false;
	if (!fnmatch(pattern, unit, 0))
		return true;
	return !strncmp(pattern, unit, length) && !strcmp(unit + length, ".service");
}

static bool user_matches(const char *wanted, const struct snapshot *snapshot, uint32_t uid)
{
	string_id name = 0;
	char *end;
	unsigned long number = strtoul(wanted, &end, 10);

	if (isdigit((unsigned char)*wanted) && !*end)
		return number == uid;
	return snapshot_find_user(snapshot, uid, &name) && name &&
	       !strcmp(snapshot_text(snapshot, name), wanted);
}

static bool pid_listed(const struct filter *filter, uint32_t pid)
{
	uint32_t i;

	for (i = 0; i < filter->n_pids; i++) {
		if (filter->pids[i] == pid)
			return true;
	}
	return !filter->n_pids;
}

static bool comm_matches(const char *pattern, const struct snapshot *snapshot,
			 const struct process *process)
{
	const char *comm = snapshot_text(snapshot, process->comm);

	return comm && !fnmatch(pattern, comm, 0);
}

/* By either name that is printed of it. */
static bool name_matches(const char *pattern, const struct snapshot *snapshot,
			 const struct process *process)
{
	return comm_matches(pattern, snapshot, process) ||
	       !fnmatch(pattern, relate_program_name(snapshot, process), 0);
}

/* Everything that is asked of an owner must hold of one and the same owner. */
static bool process_matches(const struct filter *filter, const struct snapshot *snapshot,
			    const struct inet_socket *socket, const struct process *process)
{
	if (!pid_listed(filter, process->pid))
		return false;
	if (filter->process && !name_matches(filter->process, snapshot, process))
		return false;
	if (filter->unit && !unit_matches(filter->unit, snapshot_text(snapshot, process->unit)) &&
	    !unit_matches(filter->unit, snapshot_text(snapshot, socket->unit)))
		return false;
	return !filter->user ||
	       ((process->known & PROCESS_HAS_UID) &&
		user_matches(filter->user, snapshot, process->uid)) ||
	       ((socket->known & SOCKET_HAS_UID) &&
		user_matches(filter->user, snapshot, socket->uid));
}

static bool owner_matches(const struct filter *filter, const struct snapshot *snapshot,
			  const struct inet_socket *socket)
{
	uint32_t i;

	for (i = 0; i < socket->n_owners; i++) {
		const struct owner *owner = &snapshot->owners[socket->first_owner + i];

		if (process_matches(filter, snapshot, socket, &snapshot->processes[owner->process]))
			return true;
	}
	if (filter->n_pids || filter->process)
		return false;
	if (filter->unit && !unit_matches(filter->unit, snapshot_text(snapshot, socket->unit)))
		return false;
	return !filter->user || ((socket->known & SOCKET_HAS_UID) &&
				 user_matches(filter->user, snapshot, socket->uid));
}

static bool matches(const struct filter *filter, const struct snapshot *snapshot,
		    const struct inet_socket *socket)
{
	if (!(filter->protocols & 1U << socket->protocol) ||
	    !(filter->states & 1U << socket->state))
		return false;
	if (!(socket->family == AF_INET ? filter->inet : filter->inet6))
		return false;
	if (filter->listening && socket->state != STATE_LISTEN &&
	    !(socket->state == STATE_BOUND && !protocol_is_stream(socket->protocol)))
		return false;
	return selected(filter, socket) &&
	       (!has_owner_filter(filter) || owner_matches(filter, snapshot, socket));
}

/*
 * Connections share their listener's port without taking part in anything: only sockets that
 * serve it count, and the processes that hold these.
 */
static bool bucket_is_shared(const struct snapshot *snapshot, const uint32_t *members,
			     uint32_t n_members)
{
	uint32_t i, j, first_process = SNAPSHOT_NONE, n_serving = 0;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (protocol_is_stream(socket->protocol) && !socket_is_bound(socket))
			continue;
		if (++n_serving > 1)
			return true;
		for (j = 0; j < socket->n_owners; j++) {
			uint32_t process = snapshot->owners[socket->first_owner + j].process;

			if (first_process == SNAPSHOT_NONE)
				first_process = process;
			else if (first_process != process)
				return true;
		}
	}
	return false;
}

static uint32_t keep_shared(const struct snapshot *snapshot, bool *keep)
{
	struct bind_bucket_index index;
	uint32_t i, j, n_kept = 0;

	bind_bucket_index_init(&index, snapshot);
	for (i = 0; i < index.n_buckets; i++) {
		const struct bind_bucket *bucket = &index.buckets[i];
		const uint32_t *members = index.members + bucket->first;
		bool shared = bucket_is_shared(snapshot, members, bucket->count);

		for (j = 0; j < bucket->count; j++) {
			keep[members[j]] = keep[members[j]] && shared;
			n_kept += keep[members[j]];
		}
	}
	bind_bucket_index_done(&index);
	return n_kept;
}

uint32_t filter_unnamed_processes(const struct filter *filter, const struct snapshot *snapshot,
				  bool *processes)
{
	uint32_t i, n = 0;

	for (i = 0; filter->process && i < snapshot->n_processes; i++) {
		const struct process *process = &snapshot->processes[i];

		processes[i] = pid_listed(filter, process->pid) &&
			       !comm_matches(filter->process, snapshot, process);
		n += processes[i];
	}
	return n;
}

uint32_t filter_apply(const struct filter *filter, const struct snapshot *snapshot, bool *keep)
{
	uint32_t i, n_kept = 0;

	for (i = 0; i < snapshot->n_sockets; i++) {
		keep[i] = matches(filter, snapshot, &snapshot->sockets[i]);
		n_kept += keep[i];
	}
	return filter->shared ? keep_shared(snapshot, keep) : n_kept;
}

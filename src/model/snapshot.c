/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

static const char *const sysctl_names[N_SYSCTLS] = {
	[SYSCTL_TCP_TW_REUSE] = "tcp_tw_reuse",
	[SYSCTL_TCP_FIN_TIMEOUT] = "tcp_fin_timeout",
	[SYSCTL_TCP_MAX_TW_BUCKETS] = "tcp_max_tw_buckets",
	[SYSCTL_TCP_MIGRATE_REQ] = "tcp_migrate_req",
	[SYSCTL_TCP_ABORT_ON_OVERFLOW] = "tcp_abort_on_overflow",
	[SYSCTL_SOMAXCONN] = "somaxconn",
	[SYSCTL_IP_UNPRIVILEGED_PORT_START] = "ip_unprivileged_port_start",
	[SYSCTL_IP_NONLOCAL_BIND] = "ip_nonlocal_bind",
	[SYSCTL_IPV6_NONLOCAL_BIND] = "ipv6_nonlocal_bind",
	[SYSCTL_IP_AUTOBIND_REUSE] = "ip_autobind_reuse",
	[SYSCTL_BINDV6ONLY] = "bindv6only",
};

static const char *const counter_names[N_COUNTERS] = {
	[COUNTER_TIME_WAIT_OVERFLOW] = "TCPTimeWaitOverflow",
	[COUNTER_LISTEN_OVERFLOWS] = "ListenOverflows",
	[COUNTER_LISTEN_DROPS] = "ListenDrops",
	[COUNTER_UDP_IN_ERRORS] = "UdpInErrors",
	[COUNTER_UDP_RCVBUF_ERRORS] = "UdpRcvbufErrors",
};

const char *sysctl_name(enum sysctl_id id)
{
	return sysctl_names[id];
}

const char *counter_name(enum counter_id id)
{
	return counter_names[id];
}

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = xcalloc(1, sizeof(*snapshot));

	string_pool_init(&snapshot->strings);
	return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return;
	string_pool_done(&snapshot->strings);
	free(snapshot->netns);
	free(snapshot->sockets);
	free(snapshot->processes);
	free(snapshot->owners);
	free(snapshot->groups);
	free(snapshot->memories);
	free(snapshot->users);
	free(snapshot->limits);
	free(snapshot);
}

#define ADD_ROW(snapshot, table)                                                                   \
	({                                                                                         \
		ARRAY_RESERVE((snapshot)->table, (snapshot)->n_##table,                            \
			      (snapshot)->table##_capacity);                                       \
		memset(&(snapshot)->table[(snapshot)->n_##table], 0, sizeof(*(snapshot)->table));  \
		&(snapshot)->table[(snapshot)->n_##table++];                                       \
	})

struct inet_socket *snapshot_add_socket(struct snapshot *snapshot)
{
	return ADD_ROW(snapshot, sockets);
}

struct netns *snapshot_add_netns(struct snapshot *snapshot)
{
	return ADD_ROW(snapshot, netns);
}

bool snapshot_is_other_netns(const struct snapshot *snapshot, uint32_t index)
{
	if (index >= snapshot->n_netns)
		return false;
	return snapshot->netns[index].own == TRISTATE_NO ||
	       (snapshot->netns[index].own == TRISTATE_UNKNOWN && index);
}

struct process *snapshot_add_process(struct snapshot *snapshot)
{
	return ADD_ROW(snapshot, processes);
}

struct owner *snapshot_add_owner(struct snapshot *snapshot)
{
	return ADD_ROW(snapshot, owners);
}

struct multicast_group *snapshot_add_group(struct snapshot *snapshot)
{
	return ADD_ROW(snapshot, groups);
}

struct bucket_memory *snapshot_add_memory(struct snapshot *snapshot)
{
	return ADD_ROW(snapshot, memories);
}

void snapshot_add_limit(struct snapshot *snapshot, const char *what, const char *reason,
			uint64_t count, const char *text, ...)
{
	struct limit added = { .count = count };
	char sentence[512];
	va_list arguments;
	uint32_t i;

	va_start(arguments, text);
	vsnprintf(sentence, sizeof(sentence), text, arguments);
	va_end(arguments);
	added.what = snapshot_string(snapshot, what);
	added.reason = snapshot_string(snapshot, reason);
	added.text = snapshot_string(snapshot, sentence);
	for (i = 0; i < snapshot->n_limits; i++) {
		struct limit *limit = &snapshot->limits[i];

		if (limit->what == added.what && limit->reason == added.reason &&
		    limit->text == added.text) {
			limit->count += count;
			return;
		}
	}
	*ADD_ROW(snapshot, limits) = added;
}

static int compare_owners(const void *left, const void *right)
{
	const struct owner *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->fd < b->fd ? -1 : a->fd > b->fd;
}

uint32_t snapshot_sort_owners(struct owner *owners, uint32_t count)
{
	uint32_t i, n = 1;

	for (i = 1; i < count; i++)
		if (compare_owners(&owners[i - 1], &owners[i]) >= 0)
			break;
	if (i >= count)
		return count;
	qsort(owners, count, sizeof(*owners), compare_owners);
	for (i = 1; i < count; i++)
		if (compare_owners(&owners[n - 1], &owners[i]))
			owners[n++] = owners[i];
	return n;
}

/* The first row whose uid is not below the one given. */
static uint32_t user_position(const struct snapshot *snapshot, uint32_t uid)
{
	uint32_t low = 0, high = snapshot->n_users;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot->users[middle].uid < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool snapshot_sees_all(const struct snapshot *snapshot, uint32_t *ret_flags, uint32_t *ret_holders)
{
	uint32_t i;

	*ret_flags = 0;
	*ret_holders = 0;
	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (!socket_is_bound(socket) || socket->owner_status == OWNER_KERNEL)
			continue;
		*ret_flags += socket->reuse_addr == TRISTATE_UNKNOWN ||
			      socket->reuse_port == TRISTATE_UNKNOWN;
		*ret_holders += socket_is_held_by_unknown(socket);
	}
	return !snapshot->n_limits && !*ret_flags && !*ret_holders;
}

static const char *const part_reasons[] = {
	[PART_WHOLE] = "",
	[PART_PORTS] = "ports-left-out",
	[PART_SOCKETS] = "sockets-left-out",
};

void snapshot_set_part(struct snapshot *snapshot, enum snapshot_part part)
{
	static const char *const words[] = {
		[PART_PORTS] = "the snapshot holds only the ports that were asked for when it was "
			       "written",
		[PART_SOCKETS] = "the snapshot holds only the sockets that were asked for when it "
				 "was written",
	};

	if (part != PART_WHOLE && snapshot_part(snapshot) < part)
		snapshot_add_limit(snapshot, "sockets", part_reasons[part], 0, "%s", words[part]);
}

bool snapshot_has_limit(const struct snapshot *snapshot, const char *what, const char *reason)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_limits; i++) {
		const char *its_what = snapshot_text(snapshot, snapshot->limits[i].what);
		const char *its_reason = snapshot_text(snapshot, snapshot->limits[i].reason);

		if (its_what && its_reason && !strcmp(its_what, what) &&
		    !strcmp(its_reason, reason))
			return true;
	}
	return false;
}

enum snapshot_part snapshot_part(const struct snapshot *snapshot)
{
	if (snapshot_has_limit(snapshot, "sockets", part_reasons[PART_SOCKETS]))
		return PART_SOCKETS;
	return snapshot_has_limit(snapshot, "sockets", part_reasons[PART_PORTS]) ? PART_PORTS :
										   PART_WHOLE;
}

void snapshot_set_user(struct snapshot *snapshot, uint32_t uid, string_id name)
{
	uint32_t position = user_position(snapshot, uid);
	struct user *user;

	if (position < snapshot->n_users && snapshot->users[position].uid == uid)
		return;
	ADD_ROW(snapshot, users);
	user = &snapshot->users[position];
	memmove(user + 1, user, (snapshot->n_users - 1 - position) * sizeof(*user));
	*user = (struct user){ .uid = uid, .name = name };
}

bool snapshot_find_user(const struct snapshot *snapshot, uint32_t uid, string_id *ret_name)
{
	uint32_t position = user_position(snapshot, uid);

	if (position == snapshot->n_users || snapshot->users[position].uid != uid)
		return false;
	if (ret_name)
		*ret_name = snapshot->users[position].name;
	return true;
}

uint32_t snapshot_find_process(const struct snapshot *snapshot, uint32_t pid)
{
	uint32_t low = 0, high = snapshot->n_processes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot->processes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < snapshot->n_processes && snapshot->processes[low].pid == pid)
		return low;
	return SNAPSHOT_NONE;
}

string_id snapshot_string(struct snapshot *snapshot, const char *string)
{
	return string_pool_add(&snapshot->strings, string);
}

const char *snapshot_text(const struct snapshot *snapshot, string_id id)
{
	return string_pool_get(&snapshot->strings, id, NULL);
}

/*
 * Close the gaps in sockets, owners and groups. Two sockets never share a range, so each range is
 * moved down with its socket. Ranges need not lie in the order of the sockets: they are copied.
 */
static void retain_sockets(struct snapshot *snapshot, const bool *keep)
{
	struct owner *owners = xcalloc(snapshot->n_owners, sizeof(*owners));
	struct multicast_group *groups = xcalloc(snapshot->n_groups, sizeof(*groups));
	uint32_t i, n_sockets = 0, n_owners = 0, n_groups = 0;

	for (i = 0; i < snapshot->n_sockets; i++) {
		struct inet_socket socket = snapshot->sockets[i];

		if (!keep[i])
			continue;
		if (socket.n_owners)
			memcpy(owners + n_owners, snapshot->owners + socket.first_owner,
			       socket.n_owners * sizeof(*owners));
		if (socket.n_groups)
			memcpy(groups + n_groups, snapshot->groups + socket.first_group,
			       socket.n_groups * sizeof(*groups));
		socket.first_owner = n_owners;
		socket.first_group = n_groups;
		n_owners += socket.n_owners;
		n_groups += socket.n_groups;
		snapshot->sockets[n_sockets++] = socket;
	}
	free(snapshot->owners);
	free(snapshot->groups);
	snapshot->owners = owners;
	snapshot->owners_capacity = snapshot->n_owners;
	snapshot->n_owners = n_owners;
	snapshot->groups = groups;
	snapshot->groups_capacity = snapshot->n_groups;
	snapshot->n_groups = n_groups;
	snapshot->n_sockets = n_sockets;
}

static void retain_processes(struct snapshot *snapshot)
{
	bool *needed = xcalloc(snapshot->n_processes, sizeof(*needed));
	uint32_t *moved = xcalloc(snapshot->n_processes, sizeof(*moved));
	uint32_t i, process, n_processes = 0;

	for (i = 0; i < snapshot->n_owners; i++) {
		process = snapshot->owners[i].process;
		while (process != SNAPSHOT_NONE && !needed[process]) {
			needed[process] = true;
			if (!(snapshot->processes[process].known & PROCESS_HAS_PPID))
				break;
			process =
				snapshot_find_process(snapshot, snapshot->processes[process].ppid);
		}
	}
	for (i = 0; i < snapshot->n_processes; i++) {
		if (!needed[i])
			continue;
		moved[i] = n_processes;
		snapshot->processes[n_processes++] = snapshot->processes[i];
	}
	snapshot->n_processes = n_processes;
	for (i = 0; i < snapshot->n_owners; i++)
		snapshot->owners[i].process = moved[snapshot->owners[i].process];
	free(needed);
	free(moved);
}

void snapshot_retain(struct snapshot *snapshot, const bool *keep)
{
	retain_sockets(snapshot, keep);
	retain_processes(snapshot);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/owners-bpf.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "source/boot-time.h"
#include "source/lookup-order.h"
#include "source/process.h"
#include "util/xalloc.h"

#define PREFETCH_SLOT 16
#define PREFETCH_SOCKET 8

/* skc_reuse is 2 for a socket in TCP_REPAIR, which may do even more than SO_REUSEADDR allows. */
static void set_flags(struct inet_socket *socket, uint8_t reuse, uint8_t flags)
{
	socket->reuse_addr = tristate_of(reuse != 0);
	socket->reuse_port = tristate_of(flags & BPF_SOCKET_REUSE_PORT);
	socket->reuse_evidence = EVIDENCE_BPF;
	if (socket->family == AF_INET6 && socket->v6only == TRISTATE_UNKNOWN)
		socket->v6only = tristate_of(flags & BPF_SOCKET_V6ONLY);
}

struct join {
	struct snapshot *snapshot;
	const struct collect_request *request;
	struct hold_list *holds;
	uint8_t *traits;
	struct socket_index cookies; /* of the sockets that a process can hold */
	uint32_t *rows; /* of the tasks in snapshot.processes, or SNAPSHOT_NONE */
	uint32_t n_rows, rows_capacity;
	struct socket_index mptcp; /* TCP sockets by inode, once that is wanted */
	uint32_t *others; /* namespaces of sockets that are not in the snapshot; many times, too */
	uint32_t n_others, others_capacity;
	int64_t boot_ns; /* when the host booted, since the epoch; 0 = unknown */
};

static uint32_t add_process(struct join *join, const struct bpf_task_record *task)
{
	struct process *process = snapshot_add_process(join->snapshot);
	size_t length = strnlen(task->comm, sizeof(task->comm));

	process->pid = task->pid;
	process->ppid = task->ppid;
	process->uid = task->uid;
	process->known = PROCESS_HAS_PPID | PROCESS_HAS_UID;
	if (join->boot_ns) {
		process->start_time_ns = join->boot_ns + (int64_t)task->start_boottime_ns;
		process->known |= PROCESS_HAS_START_TIME;
	}
	if (task->cgroup_id) {
		process->cgroup_id = task->cgroup_id;
		process->known |= PROCESS_HAS_CGROUP_ID;
	}
	process->cgroup_set = task->cgroup_set;
	process->comm = string_pool_add_bytes(&join->snapshot->strings, task->comm, length);
	return join->snapshot->n_processes - 1;
}

/* Tasks come by pid, but for a thread with a table of its own. */
static uint32_t find_process(const struct snapshot *snapshot, uint32_t pid)
{
	uint32_t i = snapshot->n_processes;

	if (!i || snapshot->processes[i - 1].pid < pid)
		return SNAPSHOT_NONE;
	while (i--)
		if (snapshot->processes[i].pid == pid)
			return i;
	return SNAPSHOT_NONE;
}

static void take_record(struct join *join, const struct bpf_task_record *task,
			const struct bpf_owned_record *record, uint32_t index)
{
	struct inet_socket *socket = &join->snapshot->sockets[index];
	uint32_t *row = &join->rows[record->task];

	/* The record was read without locks: it is believed if cookie and inode agree. */
	if ((uint32_t)socket->inode != record->inode || !task->pid)
		return;
	if (*row == SNAPSHOT_NONE)
		*row = find_process(join->snapshot, task->pid);
	if (*row == SNAPSHOT_NONE)
		*row = add_process(join, task);
	hold_list_add(join->holds, index, *row, (int32_t)record->fd);
	set_flags(socket, record->reuse, record->flags);
	socket->reuse_program = tristate_of(record->flags & BPF_SOCKET_PROGRAM);
	/* That of MPTCP is in the socket inside. */
	if (record->protocol == IPPROTO_UDP || record->protocol == IPPROTO_UDPLITE ||
	    (record->protocol == IPPROTO_TCP && socket->state == STATE_LISTEN))
		socket->reuse_group = tristate_of(record->flags & BPF_SOCKET_GROUP);
	if (!(join->request->want & WANT_MULTICAST) || protocol_is_stream(socket->protocol))
		return;
	if (record->flags & BPF_SOCKET_MULTICAST)
		join->traits[index] |= SOCKET_TRAIT_MULTICAST;
	else
		socket->known |= SOCKET_HAS_MULTICAST;
}

/*
 * A listener of MPTCP is in the dump of TCP as well, as the socket inside, which has a cookie of
 * its own and the inode of the whole.
 */
static void take_mptcp(struct join *join, const struct bpf_task_record *task,
		       const struct bpf_owned_record *record)
{
	const struct snapshot *snapshot = join->snapshot;
	uint32_t i, socket, cursor = SOCKET_INDEX_START;

	if (!join->mptcp.slots) {
		socket_index_init(&join->mptcp, snapshot, SOCKET_KEY_INODE, snapshot->n_sockets);
		for (i = 0; i < snapshot->n_sockets; i++)
			if (snapshot->sockets[i].protocol == PROTOCOL_TCP)
				socket_index_add(&join->mptcp, i);
	}
	while ((socket = socket_index_find(&join->mptcp, record->inode, &cursor)) != SNAPSHOT_NONE)
		take_record(join, task, record, socket);
}

/* The protocols as one of which a socket is listed: the one of TCP in one of MPTCP is, too. */
static uint32_t listed_as(uint16_t protocol)
{
	switch (protocol) {
	case IPPROTO_UDP:
		return 1U << PROTOCOL_UDP;
	case IPPROTO_UDPLITE:
		return 1U << PROTOCOL_UDPLITE;
	case IPPROTO_SCTP:
		return 1U << PROTOCOL_SCTP;
	case IPPROTO_MPTCP:
		return 1U << PROTOCOL_MPTCP | 1U << PROTOCOL_TCP;
	default:
		return 1U << PROTOCOL_TCP;
	}
}

static bool is_asked_for(const struct collect_request *request,
			 const struct bpf_owned_record *record)
{
	uint32_t i, port = record->local_port;

	if (!(request->protocols & listed_as(record->protocol)))
		return false;
	for (i = 0; i < request->n_ports; i++)
		if (port >= request->ports[i].first && port <= request->ports[i].last)
			return true;
	return !request->n_ports && port;
}

/* A socket alone may keep a namespace, to which then neither a process nor a name leads. */
static void note_netns(struct join *join, const struct bpf_owned_record *record)
{
	if (!join->request->all_netns || !is_asked_for(join->request, record) ||
	    (join->n_others && join->others[join->n_others - 1] == record->netns))
		return;
	ARRAY_RESERVE(join->others, join->n_others, join->others_capacity);
	join->others[join->n_others++] = record->netns;
}

static int compare_numbers(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* How many of those that were noted are not in the snapshot. */
static uint32_t count_unlisted(const struct join *join)
{
	const struct snapshot *snapshot = join->snapshot;
	uint32_t i, n = 0, *listed;

	if (!join->n_others)
		return 0;
	listed = xcalloc(snapshot->n_netns, sizeof(*listed));
	for (i = 0; i < snapshot->n_netns; i++)
		listed[i] = (uint32_t)snapshot->netns[i].id;
	qsort(listed, snapshot->n_netns, sizeof(*listed), compare_numbers);
	qsort(join->others, join->n_others, sizeof(*join->others), compare_numbers);
	for (i = 0; i < join->n_others; i++)
		n += (!i || join->others[i] != join->others[i - 1]) &&
		     !bsearch(&join->others[i], listed, snapshot->n_netns, sizeof(*listed),
			      compare_numbers);
	/* Which one the own is cannot be told without /proc. */
	if (!listed[0])
		n = 0;
	free(listed);
	return n;
}

static void take_batch(void *user, const struct bpf_owner_batch *batch)
{
	struct join *join = user;
	uint32_t i;

	while (join->n_rows < batch->n_tasks) {
		ARRAY_RESERVE(join->rows, join->n_rows, join->rows_capacity);
		join->rows[join->n_rows++] = SNAPSHOT_NONE;
	}
	for (i = 0; i < batch->n_sockets; i++) {
		const struct bpf_owned_record *record = &batch->sockets[i];
		const struct bpf_task_record *task = &batch->tasks[record->task];
		uint32_t socket, cursor = SOCKET_INDEX_START;

		if (i + PREFETCH_SLOT < batch->n_sockets)
			socket_index_prefetch_slot(&join->cookies, record[PREFETCH_SLOT].cookie);
		if (i + PREFETCH_SOCKET < batch->n_sockets)
			socket_index_prefetch_socket(&join->cookies,
						     record[PREFETCH_SOCKET].cookie);
		socket = record->cookie ?
				 socket_index_find(&join->cookies, record->cookie, &cursor) :
				 SNAPSHOT_NONE;
		if (socket != SNAPSHOT_NONE)
			take_record(join, task, record, socket);
		else
			note_netns(join, record);
		if (record->protocol == IPPROTO_MPTCP)
			take_mptcp(join, task, record);
	}
}

int owners_bpf_join(struct socket_bpf *bpf, const struct collect_request *request,
		    struct snapshot *snapshot, struct hold_list *holds, uint8_t *traits,
		    struct owners_missed *ret_missed)
{
	struct join join = {
		.snapshot = snapshot,
		.request = request,
		.holds = holds,
		.traits = traits,
	};
	uint32_t i, n = 0, *moved;
	int error;

	for (i = 0; i < snapshot->n_sockets; i++)
		n += socket_has_inode(&snapshot->sockets[i]);
	socket_index_init(&join.cookies, snapshot, SOCKET_KEY_COOKIE, n);
	for (i = 0; i < snapshot->n_sockets; i++)
		if (socket_has_inode(&snapshot->sockets[i]))
			socket_index_add(&join.cookies, i);
	join.boot_ns = boot_time_of_kernel();
	error = socket_bpf_owners(bpf, request->all_netns, take_batch, &join,
				  &ret_missed->too_large);
	ret_missed->netns = error ? 0 : count_unlisted(&join);
	if (error) {
		hold_list_clear(holds, snapshot);
		snapshot->n_processes = 0;
	} else {
		/* A thread's table may have come after processes of higher numbers. */
		moved = process_sort(snapshot);
		for (i = 0; moved && i < holds->count; i++)
			holds->items[i].process = moved[holds->items[i].process];
		free(moved);
	}
	socket_index_done(&join.cookies);
	socket_index_done(&join.mptcp);
	free(join.rows);
	free(join.others);
	return error;
}

/* Whether the pass over a protocol's table has something to tell of a socket. */
static bool wants_table(const struct collect_request *request, const struct inet_socket *socket,
			bool is_held, uint8_t traits)
{
	if (!(socket->known & SOCKET_HAS_COOKIE))
		return false;
	if (socket->protocol == PROTOCOL_UDP && (traits & SOCKET_TRAIT_MULTICAST))
		return true;
	/* Connection requests have no flags, and sockets that are only bound are in no table. */
	if (is_held || socket->state == STATE_SYN_RECV ||
	    (socket->protocol == PROTOCOL_TCP && socket->state == STATE_BOUND))
		return false;
	return socket_has_inode(socket) || (request->want & WANT_REUSE);
}

static void add_groups(struct snapshot *snapshot, struct inet_socket *socket,
		       const struct bpf_group_record *records, uint32_t n_records)
{
	uint32_t i, k;

	socket->first_group = snapshot->n_groups;
	socket->n_groups = 0;
	for (i = 0; i < n_records; i++) {
		struct multicast_group group = { .family = (uint8_t)records[i].family };

		memcpy(group.address.bytes, records[i].address,
		       records[i].family == AF_INET ? 4 : sizeof(group.address.bytes));
		/* Joined on several interfaces it is still one group. */
		for (k = socket->first_group; k < snapshot->n_groups; k++)
			if (snapshot->groups[k].family == group.family &&
			    address_equal(&snapshot->groups[k].address, &group.address))
				break;
		if (k == snapshot->n_groups)
			*snapshot_add_group(snapshot) = group;
	}
	socket->n_groups = snapshot->n_groups - socket->first_group;
}

static void take_table(const struct collect_request *request, struct snapshot *snapshot,
		       const struct bpf_socket_table *table, const uint32_t *sockets,
		       uint8_t *traits)
{
	uint32_t i, first = 0, end;

	for (i = 0; i < table->n_sockets; i++, first = end) {
		const struct bpf_table_record *record = &table->sockets[i];
		struct inet_socket *socket;

		end = first;
		while (end < table->n_groups && table->groups[end].socket <= i)
			end++;
		if (sockets[i] == SNAPSHOT_NONE)
			continue;
		socket = &snapshot->sockets[sockets[i]];
		if (record->flags & BPF_SOCKET_HAS_FILE)
			traits[sockets[i]] |= SOCKET_TRAIT_HAS_FILE;
		else if ((record->flags & BPF_SOCKET_KERNEL) && socket_has_inode(socket))
			socket->owner_status = OWNER_KERNEL;
		set_flags(socket, record->reuse, record->flags);
		if (socket->protocol != PROTOCOL_UDP || !(request->want & WANT_MULTICAST))
			continue;
		add_groups(snapshot, socket, table->groups + first, end - first);
		if (!(record->flags & BPF_SOCKET_GROUPS_CUT))
			socket->known |= SOCKET_HAS_MULTICAST;
	}
}

static int read_table(struct socket_bpf *bpf, const struct netns_handle *namespace,
		      enum protocol protocol, bool ownerless_only,
		      struct bpf_socket_table *ret_table)
{
	int home, error;

	error = netns_enter(namespace, &home);
	if (error)
		return error;
	if (protocol == PROTOCOL_TCP)
		error = socket_bpf_tcp(bpf, ownerless_only, ret_table);
	else
		error = socket_bpf_udp(bpf, ret_table);
	netns_leave(home);
	return error;
}

/* One protocol in one namespace; wanted has room for all sockets. */
static int join_table(struct socket_bpf *bpf, const struct collect_request *request,
		      const struct netns_handle *namespace, uint32_t netns, enum protocol protocol,
		      struct snapshot *snapshot, const struct hold_list *holds, uint8_t *traits,
		      uint32_t *wanted, bool *shared)
{
	struct bpf_socket_table table;
	uint32_t i, n_wanted = 0, *sockets;
	bool ownerless_only = true;
	int error;

	if (protocol == PROTOCOL_UDP && (request->want & WANT_REUSE) &&
	    lookup_order_is_seen(snapshot_text(snapshot, snapshot->kernel)))
		lookup_order_find_shared(snapshot, netns, shared);
	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (socket->netns != netns || socket->protocol != protocol ||
		    (!shared[i] && !wants_table(request, socket, holds->of_socket[i], traits[i])))
			continue;
		wanted[n_wanted++] = i;
		if (socket_has_inode(socket))
			ownerless_only = false;
	}
	if (!n_wanted)
		return 0;
	error = read_table(bpf, namespace, protocol, ownerless_only, &table);
	if (error)
		return error;
	sockets = xmalloc(table.n_sockets * sizeof(*sockets));
	table_join(snapshot, wanted, n_wanted, table.sockets, table.n_sockets, sockets);
	take_table(request, snapshot, &table, sockets, traits);
	lookup_order_set(snapshot, shared, table.sockets, table.n_sockets, sockets);
	free(sockets);
	bpf_socket_table_done(&table);
	return 0;
}

static void add_memory(struct snapshot *snapshot, uint32_t netns, uint16_t port,
		       const struct bucket_buffer *bucket)
{
	struct bucket_memory *row = snapshot_add_memory(snapshot);

	row->netns = netns;
	row->port = port;
	row->memory.reuse_port = (int8_t)bucket->reuse_port;
	row->memory.family = (uint8_t)(bucket->family == AF_INET6 ? AF_INET6 : AF_INET);
	row->memory.v6only = bucket->v6only;
	row->memory.uid = bucket->uid;
	if (bucket->family == AF_INET6)
		memcpy(row->memory.address.bytes, bucket->address6, sizeof(bucket->address6));
	else
		memcpy(row->memory.address.bytes, &bucket->address4, sizeof(bucket->address4));
}

void owners_bpf_memory(struct socket_bpf *bpf, const struct collect_request *request,
		       const struct netns_list *namespaces, struct snapshot *snapshot)
{
	struct bucket_buffer bucket;
	uint32_t netns;
	int home, error;

	if (!(request->want & WANT_BIND_MEMORY) || request->n_ports != 1 ||
	    request->ports->first != request->ports->last ||
	    !(request->protocols & 1U << PROTOCOL_TCP))
		return;
	for (netns = 0; netns < namespaces->count; netns++) {
		if (netns_enter(&namespaces->items[netns], &home))
			continue;
		error = socket_bpf_bucket(bpf, request->ports->first, &bucket);
		netns_leave(home);
		if (!error && bucket.found)
			add_memory(snapshot, netns, request->ports->first, &bucket);
	}
}

int owners_bpf_tables(struct socket_bpf *bpf, const struct collect_request *request,
		      const struct netns_list *namespaces, struct snapshot *snapshot,
		      const struct hold_list *holds, uint8_t *traits)
{
	uint32_t netns, *wanted = xmalloc(snapshot->n_sockets * sizeof(*wanted));
	/* Of UDP, beside others where the order of bind() does not tell who receives. */
	bool *shared = xcalloc(snapshot->n_sockets, sizeof(*shared));
	int error = 0, failed;

	for (netns = 0; netns < namespaces->count; netns++) {
		failed = join_table(bpf, request, &namespaces->items[netns], netns, PROTOCOL_TCP,
				    snapshot, holds, traits, wanted, shared);
		error = error ? error : failed;
		failed = join_table(bpf, request, &namespaces->items[netns], netns, PROTOCOL_UDP,
				    snapshot, holds, traits, wanted, shared);
		error = error ? error : failed;
	}
	free(wanted);
	free(shared);
	return error;
}

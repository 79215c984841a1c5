/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json-rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "model/snapshot-json.h"
#include "util/xalloc.h"

void json_rows_init(struct json_rows *rows, struct snapshot *snapshot, char *error,
		    size_t error_size)
{
	*rows = (struct json_rows){ .snapshot = snapshot };
	json_field_init(&rows->reader, error, error_size);
}

void json_rows_done(struct json_rows *rows)
{
	free(rows->netns_ids);
	free(rows->users);
}

static string_id read_string(struct json_rows *rows, const json_t *object, const char *name)
{
	return json_field_string(&rows->reader, object, name, &rows->snapshot->strings);
}

static bool is_object(struct json_rows *rows, const json_t *element)
{
	if (json_is_object(element))
		return true;
	json_field_fail(&rows->reader, NULL, "expected an object");
	return false;
}

/* A name without a uid says nothing that could be kept. */
static void read_user(struct json_rows *rows, const json_t *object, bool has_uid, uint32_t uid)
{
	string_id name = read_string(rows, object, "user");

	if (!has_uid || !name)
		return;
	if (rows->n_users && rows->users[rows->n_users - 1].uid == uid)
		return;
	ARRAY_RESERVE(rows->users, rows->n_users, rows->users_capacity);
	rows->users[rows->n_users++] = (struct user){ .uid = uid, .name = name };
}

/* ---- namespaces, processes, limits ---- */

static void read_port_range(struct json_rows *rows, struct netns *netns, const json_t *sysctl)
{
	struct json_field_reader *reader = &rows->reader;
	const json_t *range = json_field_array(reader, sysctl, "ip_local_port_range");
	uint64_t first = 0, last = 0;

	if (!range)
		return;
	json_field_enter(reader, "ip_local_port_range");
	if (json_array_size(range) != 2 ||
	    !json_value_unsigned(reader, json_array_get(range, 0), UINT16_MAX, &first) ||
	    !json_value_unsigned(reader, json_array_get(range, 1), UINT16_MAX, &last) ||
	    first > last)
		json_field_fail(reader, NULL, "expected two ports, the lower one first");
	json_field_leave(reader);
	netns->port_range_first = (uint16_t)first;
	netns->port_range_last = (uint16_t)last;
}

static void read_sysctls(struct json_rows *rows, struct netns *netns, const json_t *element)
{
	const json_t *sysctl = json_field_object(&rows->reader, element, "sysctl");
	int i;

	if (!sysctl)
		return;
	json_field_enter(&rows->reader, "sysctl");
	read_port_range(rows, netns, sysctl);
	netns->reserved_ports = read_string(rows, sysctl, "ip_local_reserved_ports");
	for (i = 0; i < N_SYSCTLS; i++) {
		if (json_field_signed(&rows->reader, sysctl, sysctl_name(i), &netns->sysctls[i]))
			netns->sysctls_known |= 1U << i;
	}
	json_field_leave(&rows->reader);
}

static void read_counters(struct json_rows *rows, struct netns *netns, const json_t *element)
{
	const json_t *counters = json_field_object(&rows->reader, element, "counters");
	int i;

	if (!counters)
		return;
	json_field_enter(&rows->reader, "counters");
	for (i = 0; i < N_COUNTERS; i++) {
		if (json_field_unsigned(&rows->reader, counters, counter_name(i), UINT64_MAX,
					&netns->counters[i]))
			netns->counters_known |= 1U << i;
	}
	json_field_leave(&rows->reader);
}

/* The address that is remembered. Returns whether it is known in full: v6only is a part of "::". */
static bool read_memory_address(struct json_rows *rows, const json_t *element,
				struct bind_memory *memory)
{
	static const struct address any = { 0 };
	const json_t *text = json_object_get(element, "address");
	enum tristate v6only = json_field_tristate(&rows->reader, element, "v6only");
	int family = 0;

	if (!json_is_string(text) ||
	    address_parse(json_string_value(text), json_string_length(text), &family,
			  &memory->address))
		json_field_fail(&rows->reader, "address", "expected an address");
	memory->family = (uint8_t)family;
	memory->v6only = v6only == TRISTATE_YES;
	return v6only != TRISTATE_UNKNOWN || family != AF_INET6 ||
	       !address_equal(&memory->address, &any);
}

static void read_memory(struct json_rows *rows, const json_t *element)
{
	struct json_field_reader *reader = &rows->reader;
	struct bind_memory memory = { .reuse_port = 0 };
	int64_t reuse_port = 0;
	uint32_t port = 0;
	bool has_address;

	if (!is_object(rows, element))
		return;
	if (!json_field_u32(reader, element, "port", UINT16_MAX, &port))
		json_field_fail(reader, "port", "expected a number from 0 to %d", UINT16_MAX);
	if (!json_field_signed(reader, element, "fastreuseport", &reuse_port) || reuse_port < -1 ||
	    reuse_port > 2)
		json_field_fail(reader, "fastreuseport", "expected a number from -1 to 2");
	if (!json_field_u32(reader, element, "uid", UINT32_MAX, &memory.uid))
		json_field_fail(reader, "uid", "expected a number");
	has_address = read_memory_address(rows, element, &memory);
	memory.reuse_port = (int8_t)reuse_port;
	/* Where it counts and is not known in full it is as if it had not been read. */
	if (reuse_port > 0 && !has_address)
		return;
	*snapshot_add_memory(rows->snapshot) = (struct bucket_memory){
		.netns = rows->snapshot->n_netns - 1,
		.port = (uint16_t)port,
		.memory = memory,
	};
}

static void read_memories(struct json_rows *rows, const json_t *element)
{
	const json_t *list = json_field_array(&rows->reader, element, "bind_memory");
	size_t i;

	if (!list)
		return;
	json_field_enter(&rows->reader, "bind_memory");
	for (i = 0; i < json_array_size(list); i++) {
		json_field_enter_index(&rows->reader, i);
		read_memory(rows, json_array_get(list, i));
		json_field_leave(&rows->reader);
	}
	json_field_leave(&rows->reader);
}

struct netns *json_rows_new_netns(struct json_rows *rows)
{
	if (rows->snapshot->n_netns < SNAPSHOT_JSON_MAX_NETNS)
		return snapshot_add_netns(rows->snapshot);
	json_field_fail(&rows->reader, NULL, "more than %d network namespaces",
			SNAPSHOT_JSON_MAX_NETNS);
	return NULL;
}

void json_rows_add_netns(struct json_rows *rows, const json_t *element)
{
	struct netns *netns = json_rows_new_netns(rows);

	if (!netns || !is_object(rows, element))
		return;
	json_field_unsigned(&rows->reader, element, "id", UINT64_MAX, &netns->id);
	netns->name = read_string(rows, element, "name");
	netns->own = json_field_tristate(&rows->reader, element, "own");
	read_sysctls(rows, netns, element);
	read_counters(rows, netns, element);
	read_memories(rows, element);
}

/* The arguments, each ended by NUL, as the kernel has them. */
static void read_cmdline(struct json_rows *rows, struct process *process, const json_t *element)
{
	const json_t *list = json_field_array(&rows->reader, element, "cmdline");
	size_t i, length = 0, used = 0;
	char *text;

	if (!list)
		return;
	for (i = 0; i < json_array_size(list); i++) {
		if (!json_is_string(json_array_get(list, i))) {
			json_field_enter(&rows->reader, "cmdline");
			json_field_enter_index(&rows->reader, i);
			json_field_fail(&rows->reader, NULL, "expected text");
			json_field_leave(&rows->reader);
			json_field_leave(&rows->reader);
			return;
		}
		length += json_string_length(json_array_get(list, i)) + 1;
	}
	text = xmalloc(length ? length : 1);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *argument = json_array_get(list, i);

		memcpy(text + used, json_string_value(argument), json_string_length(argument));
		used += json_string_length(argument);
		text[used++] = '\0';
	}
	process->cmdline = string_pool_add_bytes(&rows->snapshot->strings, text, length);
	process->known |= PROCESS_HAS_CMDLINE;
	free(text);
}

static void read_process_numbers(struct json_rows *rows, struct process *process,
				 const json_t *element)
{
	struct json_field_reader *reader = &rows->reader;

	if (!json_field_u32(reader, element, "pid", INT32_MAX, &process->pid))
		json_field_fail(reader, "pid", "expected a number from 0 to %d", INT32_MAX);
	if (json_field_u32(reader, element, "ppid", INT32_MAX, &process->ppid))
		process->known |= PROCESS_HAS_PPID;
	if (json_field_u32(reader, element, "uid", UINT32_MAX, &process->uid))
		process->known |= PROCESS_HAS_UID;
	if (json_field_time(reader, element, "start_time", &process->start_time_ns))
		process->known |= PROCESS_HAS_START_TIME;
	if (json_field_unsigned(reader, element, "cgroup_id", UINT64_MAX, &process->cgroup_id))
		process->known |= PROCESS_HAS_CGROUP_ID;
	if (json_field_unsigned(reader, element, "exe_device", UINT64_MAX, &process->exe_device) &&
	    json_field_unsigned(reader, element, "exe_inode", UINT64_MAX, &process->exe_inode))
		process->known |= PROCESS_HAS_EXE_FILE;
}

void json_rows_add_process(struct json_rows *rows, const json_t *element)
{
	struct process *process = snapshot_add_process(rows->snapshot);

	if (!is_object(rows, element))
		return;
	read_process_numbers(rows, process, element);
	read_user(rows, element, process->known & PROCESS_HAS_UID, process->uid);
	read_cmdline(rows, process, element);
	process->comm = read_string(rows, element, "comm");
	process->exe = read_string(rows, element, "exe");
	process->exe_deleted = json_field_tristate(&rows->reader, element, "exe_deleted");
	process->cwd = read_string(rows, element, "cwd");
	process->cgroup = read_string(rows, element, "cgroup");
	process->unit = read_string(rows, element, "unit");
	process->container = read_string(rows, element, "container");
}

void json_rows_add_limit(struct json_rows *rows, const json_t *element)
{
	struct snapshot *snapshot = rows->snapshot;
	struct limit limit = { .count = 0 };

	if (!is_object(rows, element))
		return;
	limit.what = read_string(rows, element, "what");
	limit.reason = read_string(rows, element, "reason");
	limit.text = read_string(rows, element, "text");
	json_field_unsigned(&rows->reader, element, "count", UINT64_MAX, &limit.count);
	ARRAY_RESERVE(snapshot->limits, snapshot->n_limits, snapshot->limits_capacity);
	snapshot->limits[snapshot->n_limits++] = limit;
}

/* ---- sockets ---- */

static int family_parse(const char *name)
{
	if (!strcasecmp(name, "inet"))
		return AF_INET;
	return strcasecmp(name, "inet6") ? -EINVAL : AF_INET6;
}

/* A word that must be there. Returns 0 where it fails. */
static uint8_t read_required(struct json_rows *rows, const json_t *element, const char *name,
			     int (*parse)(const char *), const char *expected)
{
	int value = 0;

	if (!json_field_word(&rows->reader, element, name, parse, expected, &value))
		json_field_fail(&rows->reader, name, "expected %s", expected);
	return (uint8_t)value;
}

static uint8_t read_word(struct json_rows *rows, const json_t *object, const char *name,
			 int (*parse)(const char *), const char *expected, int unknown)
{
	int value = unknown;

	json_field_word(&rows->reader, object, name, parse, expected, &value);
	return (uint8_t)value;
}

/* The members address and port of local and peer; both must be there. */
static void read_endpoint(struct json_rows *rows, const json_t *endpoint, int family,
			  struct address *address, uint16_t *port)
{
	const json_t *text = json_object_get(endpoint, "address");
	uint32_t number = 0;
	int found;

	if (!json_is_string(text) ||
	    address_parse(json_string_value(text), json_string_length(text), &found, address) ||
	    found != family)
		json_field_fail(&rows->reader, "address", "expected an %s address",
				family == AF_INET6 ? "IPv6" : "IPv4");
	if (!json_field_u32(&rows->reader, endpoint, "port", UINT16_MAX, &number))
		json_field_fail(&rows->reader, "port", "expected a number from 0 to %d",
				UINT16_MAX);
	*port = (uint16_t)number;
}

static void read_old_peer(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	const json_t *text = json_field_get(element, "old_peer");
	struct address peer;
	int family;

	if (!text)
		return;
	if (socket->family != AF_INET6 || !json_is_string(text) ||
	    address_parse(json_string_value(text), json_string_length(text), &family, &peer) ||
	    family != AF_INET6) {
		json_field_fail(&rows->reader, "old_peer", "expected an IPv6 address");
		return;
	}
	if (socket->state != STATE_BOUND)
		return;
	socket->peer = peer;
	socket_keep_old_peer(socket);
}

static void read_endpoints(struct json_rows *rows, struct inet_socket *socket,
			   const json_t *element)
{
	struct json_field_reader *reader = &rows->reader;
	const json_t *local = json_field_object(reader, element, "local");
	const json_t *peer = json_field_object(reader, element, "peer");

	if (!local)
		json_field_fail(reader, "local", "expected an object with address and port");
	json_field_enter(reader, "local");
	read_endpoint(rows, local, socket->family, &socket->local, &socket->local_port);
	/* Here null is an answer: not bound to a device. */
	if (json_object_get(local, "device")) {
		socket->device = read_string(rows, local, "device");
		socket->known |= SOCKET_HAS_DEVICE;
	}
	json_field_leave(reader);
	if (!peer) {
		read_old_peer(rows, socket, element);
		return;
	}
	json_field_enter(reader, "peer");
	read_endpoint(rows, peer, socket->family, &socket->peer, &socket->peer_port);
	socket->known |= SOCKET_HAS_PEER;
	json_field_leave(reader);
}

static void read_numbers(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	struct json_field_reader *reader = &rows->reader;
	uint32_t order;

	if (json_field_u32(reader, element, "uid", UINT32_MAX, &socket->uid))
		socket->known |= SOCKET_HAS_UID;
	if (json_field_unsigned(reader, element, "inode", UINT64_MAX, &socket->inode))
		socket->known |= SOCKET_HAS_INODE;
	if (json_field_unsigned(reader, element, "cookie", UINT64_MAX, &socket->cookie))
		socket->known |= SOCKET_HAS_COOKIE;
	if (json_field_u32(reader, element, "mark", UINT32_MAX, &socket->mark))
		socket->known |= SOCKET_HAS_MARK;
	if (json_field_unsigned(reader, element, "cgroup_id", UINT64_MAX, &socket->cgroup_id))
		socket->known |= SOCKET_HAS_CGROUP;
	if (json_field_u32(reader, element, "lookup_order", UINT16_MAX, &order))
		socket->lookup_order = (uint16_t)order;
}

static void read_reuse(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	const json_t *reuse = json_field_object(&rows->reader, element, "reuse");

	if (!reuse)
		return;
	json_field_enter(&rows->reader, "reuse");
	socket->reuse_addr = json_field_tristate(&rows->reader, reuse, "addr");
	socket->reuse_port = json_field_tristate(&rows->reader, reuse, "port");
	socket->reuse_evidence = read_word(rows, reuse, "evidence", evidence_parse,
					   "bpf, getsockopt, inferred or unknown",
					   EVIDENCE_UNKNOWN);
	/* Without the flag there is no group of which these could tell. */
	if (socket->reuse_port == TRISTATE_YES) {
		socket->reuse_program = json_field_tristate(&rows->reader, reuse, "program");
		socket->reuse_group = json_field_tristate(&rows->reader, reuse, "group");
	}
	json_field_leave(&rows->reader);
}

static void read_timer(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	const json_t *timer = json_field_object(&rows->reader, element, "timer");

	if (!timer)
		return;
	json_field_enter(&rows->reader, "timer");
	socket->timer = read_word(rows, timer, "kind", timer_kind_parse,
				  "none, retransmit, keepalive, time-wait, probe or unknown",
				  TIMER_UNKNOWN);
	if (json_field_u32(&rows->reader, timer, "expires_ms", UINT32_MAX,
			   &socket->timer_expires_ms))
		socket->known |= SOCKET_HAS_EXPIRES;
	json_field_leave(&rows->reader);
}

static void read_queue(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	struct json_field_reader *reader = &rows->reader;
	const json_t *queue = json_field_object(reader, element, "queue");
	bool has_recv, has_send;

	if (!queue)
		return;
	json_field_enter(reader, "queue");
	has_recv = json_field_u32(reader, queue, "recv", UINT32_MAX, &socket->queue_recv);
	has_send = json_field_u32(reader, queue, "send", UINT32_MAX, &socket->queue_send);
	/* One bit is for both, and a listener sends nothing. */
	if (has_recv && (has_send || socket->state == STATE_LISTEN))
		socket->known |= SOCKET_HAS_QUEUE;
	if (json_field_u32(reader, queue, "limit", UINT32_MAX, &socket->queue_limit))
		socket->known |= SOCKET_HAS_LIMIT;
	if (json_field_u32(reader, queue, "drops", UINT32_MAX, &socket->drops))
		socket->known |= SOCKET_HAS_DROPS;
	json_field_leave(reader);
}

static void read_options(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	const json_t *list = json_field_array(&rows->reader, element, "options");
	size_t i;
	int bit;

	if (!list)
		return;
	json_field_enter(&rows->reader, "options");
	for (i = 0; i < json_array_size(list); i++) {
		json_field_enter_index(&rows->reader, i);
		if (json_value_word(
			    &rows->reader, json_array_get(list, i), socket_option_parse,
			    "recverr, freebind, transparent, multicast_loop, multicast_all, "
			    "bind_address_no_port or defer_connect",
			    &bit))
			socket->options |= (uint8_t)(1U << bit);
		json_field_leave(&rows->reader);
	}
	json_field_leave(&rows->reader);
	socket->known |= SOCKET_HAS_OPTIONS;
}

static void read_groups(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	struct snapshot *snapshot = rows->snapshot;
	const json_t *list = json_field_array(&rows->reader, element, "multicast");
	struct address address;
	size_t i;
	int family;

	socket->first_group = snapshot->n_groups;
	if (!list)
		return;
	json_field_enter(&rows->reader, "multicast");
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *text = json_array_get(list, i);
		struct multicast_group *group;

		if (!json_is_string(text) ||
		    address_parse(json_string_value(text), json_string_length(text), &family,
				  &address)) {
			json_field_enter_index(&rows->reader, i);
			json_field_fail(&rows->reader, NULL, "expected an IP address");
			json_field_leave(&rows->reader);
			break;
		}
		group = snapshot_add_group(snapshot);
		group->address = address;
		group->family = (uint8_t)family;
	}
	json_field_leave(&rows->reader);
	socket->n_groups = snapshot->n_groups - socket->first_group;
	socket->known |= SOCKET_HAS_MULTICAST;
}

static void add_owner(struct snapshot *snapshot, uint32_t pid, int32_t fd)
{
	struct owner *owner = snapshot_add_owner(snapshot);

	owner->process = pid;
	owner->fd = fd;
}

/* {"pid": 900, "fds": [3, 4]}, {"pid": 900, "fds": [], "fixed_file": true}, {"pid": 900} */
static void read_owner(struct json_rows *rows, const json_t *element)
{
	struct json_field_reader *reader = &rows->reader;
	const json_t *list;
	enum tristate fixed_file;
	uint32_t pid = 0;
	uint64_t fd = 0;
	size_t i;

	if (!is_object(rows, element))
		return;
	if (!json_field_u32(reader, element, "pid", INT32_MAX, &pid))
		json_field_fail(reader, "pid", "expected a number from 0 to %d", INT32_MAX);
	list = json_field_array(reader, element, "fds");
	fixed_file = json_field_tristate(reader, element, "fixed_file");
	if (fixed_file == TRISTATE_YES)
		add_owner(rows->snapshot, pid, OWNER_FD_NONE);
	if (!list || (!json_array_size(list) && fixed_file != TRISTATE_YES))
		add_owner(rows->snapshot, pid, OWNER_FD_UNKNOWN);
	json_field_enter(reader, "fds");
	for (i = 0; i < json_array_size(list) && !reader->failed; i++) {
		json_field_enter_index(reader, i);
		if (json_value_unsigned(reader, json_array_get(list, i), INT32_MAX, &fd))
			add_owner(rows->snapshot, pid, (int32_t)fd);
		json_field_leave(reader);
	}
	json_field_leave(reader);
}

static void read_owners(struct json_rows *rows, struct inet_socket *socket, const json_t *element)
{
	struct snapshot *snapshot = rows->snapshot;
	const json_t *list = json_field_array(&rows->reader, element, "owners");
	uint32_t i;

	socket->first_owner = snapshot->n_owners;
	json_field_enter(&rows->reader, "owners");
	for (i = 0; i < json_array_size(list); i++) {
		json_field_enter_index(&rows->reader, i);
		read_owner(rows, json_array_get(list, i));
		json_field_leave(&rows->reader);
	}
	json_field_leave(&rows->reader);
	socket->n_owners = snapshot->n_owners - socket->first_owner;
	/* The table of processes is by pid, so this is the order of indexes too. */
	if (socket->n_owners)
		socket->n_owners = snapshot_sort_owners(snapshot->owners + socket->first_owner,
							socket->n_owners);
	snapshot->n_owners = socket->first_owner + socket->n_owners;
	socket->owner_status = read_word(
		rows, element, "owner_status", owner_status_parse,
		"owned, kernel, none, hidden, orphan, in-flight or unknown", OWNER_UNKNOWN);
	/* Where the word and the list differ, what is there counts. */
	if (socket->n_owners)
		socket->owner_status = OWNER_OWNED;
	else if (socket->owner_status == OWNER_OWNED)
		socket->owner_status = OWNER_UNKNOWN;
	/* Who writes a snapshot by hand leaves it out where nothing is to be said. */
	if (socket->owner_status == OWNER_UNKNOWN && socket_is_time_wait(socket))
		socket->owner_status = OWNER_NONE;
}

void json_rows_add_socket(struct json_rows *rows, const json_t *element)
{
	struct inet_socket *socket = snapshot_add_socket(rows->snapshot);
	uint64_t netns = 0;

	if (!is_object(rows, element))
		return;
	json_field_unsigned(&rows->reader, element, "netns", UINT64_MAX, &netns);
	ARRAY_RESERVE(rows->netns_ids, rows->n_netns_ids, rows->netns_ids_capacity);
	rows->netns_ids[rows->n_netns_ids++] = netns;
	socket->protocol = read_required(rows, element, "protocol", protocol_parse,
					 "tcp, udp, udplite, mptcp or sctp");
	socket->family = read_required(rows, element, "family", family_parse, "inet or inet6");
	socket->state = read_required(rows, element, "state", socket_state_parse,
				      "LISTEN, ESTAB, SYN-SENT, SYN-RECV, FIN-WAIT-1, FIN-WAIT-2, "
				      "TIME-WAIT, CLOSE-WAIT, LAST-ACK, CLOSING or BOUND");
	if (rows->reader.failed)
		return;
	read_endpoints(rows, socket, element);
	read_numbers(rows, socket, element);
	read_user(rows, element, socket->known & SOCKET_HAS_UID, socket->uid);
	socket->v6only = json_field_tristate(&rows->reader, element, "v6only");
	read_reuse(rows, socket, element);
	read_options(rows, socket, element);
	read_timer(rows, socket, element);
	read_queue(rows, socket, element);
	socket->unit = read_string(rows, element, "unit");
	socket->container = read_string(rows, element, "container");
	read_groups(rows, socket, element);
	read_owners(rows, socket, element);
}

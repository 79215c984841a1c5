/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json.h"

#include <sys/socket.h>
#include <time.h>
struct save {
	const struct snapshot *snapshot;
	struct json_writer *writer;
	/* The user asked for last: neighbours mostly have the same. */
	bool has_user;
	uint32_t uid;
	string_id user;
};

static void write_id(struct save *save, string_id id)
{
	size_t length;
	const char *text = string_pool_get(&save->snapshot->strings, id, &length);

	if (text)
		json_write_bytes(save->writer, text, length);
	else
		json_write_null(save->writer);
}

static void write_word(struct save *save, const char *word)
{
	json_write_word(save->writer, word, strlen(word));
}

static void write_known(struct save *save, bool known, uint64_t value)
{
	if (known)
		json_write_unsigned(save->writer, value);
	else
		json_write_null(save->writer);
}

static void write_tristate(struct save *save, enum tristate value)
{
	if (value == TRISTATE_UNKNOWN)
		json_write_null(save->writer);
	else
		json_write_bool(save->writer, value == TRISTATE_YES);
}

static void write_user(struct save *save, bool known, uint32_t uid)
{
	if (known && (!save->has_user || save->uid != uid)) {
		save->user = 0;
		snapshot_find_user(save->snapshot, uid, &save->user);
		save->uid = uid;
		save->has_user = true;
	}
	write_id(save, known ? save->user : 0);
}

static char *put_digits(char *end, uint32_t value, int count)
{
	while (count--) {
		*--end = (char)('0' + value % 10);
		value /= 10;
	}
	return end;
}

/* RFC 3339 in UTC, with microseconds. */
static void write_time(struct save *save, bool known, int64_t ns)
{
	char text[] = "YYYY-MM-DDThh:mm:ss.uuuuuuZ";
	time_t seconds = (time_t)(ns / 1000000000);
	int64_t rest = ns % 1000000000;
	struct tm tm;

	if (rest < 0) {
		rest += 1000000000;
		seconds--;
	}
	if (!known || !gmtime_r(&seconds, &tm)) {
		json_write_null(save->writer);
		return;
	}
	put_digits(text + 4, (uint32_t)(tm.tm_year + 1900), 4);
	put_digits(text + 7, (uint32_t)(tm.tm_mon + 1), 2);
	put_digits(text + 10, (uint32_t)tm.tm_mday, 2);
	put_digits(text + 13, (uint32_t)tm.tm_hour, 2);
	put_digits(text + 16, (uint32_t)tm.tm_min, 2);
	put_digits(text + 19, (uint32_t)tm.tm_sec, 2);
	put_digits(text + 26, (uint32_t)(rest / 1000), 6);
	json_write_word(save->writer, text, sizeof(text) - 1);
}

/* ---- namespaces, processes, limits ---- */

static void save_netns(struct save *save, const struct netns *netns)
{
	struct json_writer *writer = save->writer;
	int i;

	json_begin_object(writer);
	json_name(writer, "id");
	write_known(save, netns->id, netns->id);
	json_name(writer, "name");
	write_id(save, netns->name);
	json_name(writer, "sysctl");
	json_begin_object(writer);
	json_name(writer, "ip_local_port_range");
	if (netns->port_range_first || netns->port_range_last) {
		json_begin_array(writer);
		json_write_unsigned(writer, netns->port_range_first);
		json_write_unsigned(writer, netns->port_range_last);
		json_end(writer);
	} else {
		json_write_null(writer);
	}
	json_name(writer, "ip_local_reserved_ports");
	write_id(save, netns->reserved_ports);
	for (i = 0; i < N_SYSCTLS; i++) {
		json_name(writer, sysctl_name(i));
		if (netns->sysctls_known & 1U << i)
			json_write_signed(writer, netns->sysctls[i]);
		else
			json_write_null(writer);
	}
	json_end(writer);
	json_name(writer, "counters");
	json_begin_object(writer);
	for (i = 0; i < N_COUNTERS; i++) {
		json_name(writer, counter_name(i));
		write_known(save, netns->counters_known & 1U << i, netns->counters[i]);
	}
	json_end(writer);
	json_end(writer);
}

static void save_cmdline(struct save *save, const struct process *process)
{
	size_t length, start = 0, end;
	const char *text = string_pool_get(&save->snapshot->strings, process->cmdline, &length);

	if (!(process->known & PROCESS_HAS_CMDLINE)) {
		json_write_null(save->writer);
		return;
	}
	json_begin_array(save->writer);
	for (; start < length; start = end + 1) {
		end = start + strlen(text + start);
		json_write_bytes(save->writer, text + start, end - start);
	}
	json_end(save->writer);
}

static void save_process(struct save *save, const struct process *process)
{
	struct json_writer *writer = save->writer;
	bool has_uid = process->known & PROCESS_HAS_UID;
	bool has_file = process->known & PROCESS_HAS_EXE_FILE;

	json_begin_object(writer);
	json_name(writer, "pid");
	json_write_unsigned(writer, process->pid);
	json_name(writer, "ppid");
	write_known(save, process->known & PROCESS_HAS_PPID, process->ppid);
	json_name(writer, "comm");
	write_id(save, process->comm);
	json_name(writer, "cmdline");
	save_cmdline(save, process);
	json_name(writer, "exe");
	write_id(save, process->exe);
	json_name(writer, "exe_deleted");
	write_tristate(save, process->exe_deleted);
	json_name(writer, "exe_device");
	write_known(save, has_file, process->exe_device);
	json_name(writer, "exe_inode");
	write_known(save, has_file, process->exe_inode);
	json_name(writer, "uid");
	write_known(save, has_uid, process->uid);
	json_name(writer, "user");
	write_user(save, has_uid, process->uid);
	json_name(writer, "start_time");
	write_time(save, process->known & PROCESS_HAS_START_TIME, process->start_time_ns);
	json_name(writer, "cgroup");
	write_id(save, process->cgroup);
	json_name(writer, "cgroup_id");
	write_known(save, process->known & PROCESS_HAS_CGROUP_ID, process->cgroup_id);
	json_name(writer, "unit");
	write_id(save, process->unit);
	json_name(writer, "container");
	write_id(save, process->container);
	json_end(writer);
}

static void save_limit(struct save *save, const struct limit *limit)
{
	json_begin_object(save->writer);
	json_name(save->writer, "what");
	write_id(save, limit->what);
	json_name(save->writer, "reason");
	write_id(save, limit->reason);
	json_name(save->writer, "count");
	write_known(save, limit->count, limit->count);
	json_name(save->writer, "text");
	write_id(save, limit->text);
	json_end(save->writer);
}

/* ---- sockets ---- */

static void save_address(struct save *save, int family, const struct address *address)
{
	char text[ADDRESS_TEXT_MAX];

	json_name(save->writer, "address");
	write_word(save, address_format(family, address, text));
}

static void save_local(struct save *save, const struct inet_socket *socket)
{
	struct json_writer *writer = save->writer;

	json_name(writer, "local");
	json_begin_object(writer);
	save_address(save, socket->family, &socket->local);
	json_name(writer, "port");
	json_write_unsigned(writer, socket->local_port);
	if (socket->known & SOCKET_HAS_DEVICE) {
		json_name(writer, "device");
		write_id(save, socket->device);
	}
	json_end(writer);
}

static void save_peer(struct save *save, const struct inet_socket *socket)
{
	struct json_writer *writer = save->writer;

	json_name(writer, "peer");
	if (!(socket->known & SOCKET_HAS_PEER)) {
		json_write_null(writer);
		return;
	}
	json_begin_object(writer);
	save_address(save, socket->family, &socket->peer);
	json_name(writer, "port");
	json_write_unsigned(writer, socket->peer_port);
	json_end(writer);
}

static void save_reuse(struct save *save, const struct inet_socket *socket)
{
	struct json_writer *writer = save->writer;

	json_name(writer, "reuse");
	json_begin_object(writer);
	json_name(writer, "addr");
	write_tristate(save, socket->reuse_addr);
	json_name(writer, "port");
	write_tristate(save, socket->reuse_port);
	json_name(writer, "evidence");
	write_word(save, evidence_name(socket->reuse_evidence));
	json_end(writer);
}

static void save_options(struct save *save, const struct inet_socket *socket)
{
	unsigned int i;

	json_name(save->writer, "options");
	if (!(socket->known & SOCKET_HAS_OPTIONS)) {
		json_write_null(save->writer);
		return;
	}
	json_begin_array(save->writer);
	for (i = 0; i < N_SOCKET_OPTIONS; i++) {
		if (socket->options & 1U << i)
			write_word(save, socket_option_name(i));
	}
	json_end(save->writer);
}

static void save_timer(struct save *save, const struct inet_socket *socket)
{
	struct json_writer *writer = save->writer;

	json_name(writer, "timer");
	if (socket->timer == TIMER_UNKNOWN && !(socket->known & SOCKET_HAS_EXPIRES)) {
		json_write_null(writer);
		return;
	}
	json_begin_object(writer);
	json_name(writer, "kind");
	write_word(save, timer_kind_name(socket->timer));
	json_name(writer, "expires_ms");
	write_known(save, socket->known & SOCKET_HAS_EXPIRES, socket->timer_expires_ms);
	json_end(writer);
}

static void save_queue(struct save *save, const struct inet_socket *socket)
{
	struct json_writer *writer = save->writer;

	json_name(writer, "queue");
	json_begin_object(writer);
	json_name(writer, "recv");
	write_known(save, socket->known & SOCKET_HAS_QUEUE, socket->queue_recv);
	json_name(writer, "send");
	write_known(save, socket->known & SOCKET_HAS_QUEUE, socket->queue_send);
	json_name(writer, "limit");
	write_known(save, socket->known & SOCKET_HAS_LIMIT, socket->queue_limit);
	json_name(writer, "drops");
	write_known(save, socket->known & SOCKET_HAS_DROPS, socket->drops);
	json_end(writer);
}

static void save_groups(struct save *save, const struct inet_socket *socket)
{
	const struct multicast_group *groups = save->snapshot->groups + socket->first_group;
	char text[ADDRESS_TEXT_MAX];
	uint32_t i;

	json_name(save->writer, "multicast");
	if (!(socket->known & SOCKET_HAS_MULTICAST)) {
		json_write_null(save->writer);
		return;
	}
	json_begin_array(save->writer);
	for (i = 0; i < socket->n_groups; i++)
		write_word(save, address_format(groups[i].family, &groups[i].address, text));
	json_end(save->writer);
}

/* One process of a socket, with its rows [first, end) of the table of owners. */
static void save_owner(struct save *save, const struct owner *first, const struct owner *end,
		       bool with_comm)
{
	const struct process *process = &save->snapshot->processes[first->process];
	struct json_writer *writer = save->writer;
	bool fixed_file = false, unknown = false;
	const struct owner *owner;

	for (owner = first; owner < end; owner++) {
		fixed_file = fixed_file || owner->fd == OWNER_FD_NONE;
		unknown = unknown || owner->fd == OWNER_FD_UNKNOWN;
	}
	json_begin_object(writer);
	json_name(writer, "pid");
	json_write_unsigned(writer, process->pid);
	if (with_comm) {
		json_name(writer, "comm");
		write_id(save, process->comm);
	}
	json_name(writer, "fds");
	if (unknown) {
		json_write_null(writer);
	} else {
		json_begin_array(writer);
		for (owner = first; owner < end; owner++) {
			if (owner->fd >= 0)
				json_write_unsigned(writer, (uint64_t)owner->fd);
		}
		json_end(writer);
	}
	if (fixed_file) {
		json_name(writer, "fixed_file");
		json_write_bool(writer, true);
	}
	json_end(writer);
}

static void save_owners(struct save *save, const struct inet_socket *socket, bool with_comm)
{
	const struct owner *owner = save->snapshot->owners + socket->first_owner, *next;
	const struct owner *end = owner + socket->n_owners;

	json_name(save->writer, "owners");
	json_begin_array(save->writer);
	for (; owner < end; owner = next) {
		for (next = owner + 1; next < end && next->process == owner->process;)
			next++;
		save_owner(save, owner, next, with_comm);
	}
	json_end(save->writer);
}

static void save_socket(struct save *save, const struct inet_socket *socket, bool with_comm)
{
	struct json_writer *writer = save->writer;
	uint64_t netns = save->snapshot->netns[socket->netns].id;
	bool has_uid = socket->known & SOCKET_HAS_UID;

	json_begin_object(writer);
	json_name(writer, "netns");
	write_known(save, netns, netns);
	json_name(writer, "protocol");
	write_word(save, protocol_name(socket->protocol));
	json_name(writer, "family");
	write_word(save, socket->family == AF_INET ? "inet" : "inet6");
	json_name(writer, "state");
	write_word(save, socket_state_name(socket->state));
	save_local(save, socket);
	save_peer(save, socket);
	json_name(writer, "v6only");
	write_tristate(save, socket->v6only);
	save_reuse(save, socket);
	json_name(writer, "uid");
	write_known(save, has_uid, socket->uid);
	json_name(writer, "user");
	write_user(save, has_uid, socket->uid);
	json_name(writer, "inode");
	write_known(save, socket->known & SOCKET_HAS_INODE, socket->inode);
	json_name(writer, "cookie");
	write_known(save, socket->known & SOCKET_HAS_COOKIE, socket->cookie);
	json_name(writer, "mark");
	write_known(save, socket->known & SOCKET_HAS_MARK, socket->mark);
	save_options(save, socket);
	save_timer(save, socket);
	save_queue(save, socket);
	json_name(writer, "cgroup_id");
	write_known(save, socket->known & SOCKET_HAS_CGROUP, socket->cgroup_id);
	json_name(writer, "unit");
	write_id(save, socket->unit);
	json_name(writer, "container");
	write_id(save, socket->container);
	save_groups(save, socket);
	save_owners(save, socket, with_comm);
	json_name(writer, "owner_status");
	write_word(save, owner_status_name(socket->owner_status));
	json_end(writer);
}

void snapshot_json_save_socket(const struct snapshot *snapshot, uint32_t socket,
			       struct json_writer *writer)
{
	struct save save = { .snapshot = snapshot, .writer = writer };

	save_socket(&save, &snapshot->sockets[socket], true);
}

void snapshot_json_save(const struct snapshot *snapshot, struct json_writer *writer)
{
	struct save save = { .snapshot = snapshot, .writer = writer };
	uint32_t i;

	json_begin_object(writer);
	json_name(writer, "schema_version");
	json_write_unsigned(writer, SNAPSHOT_SCHEMA_VERSION);
	json_name(writer, "portshare");
	write_id(&save, snapshot->version);
	json_name(writer, "host");
	write_id(&save, snapshot->host);
	json_name(writer, "kernel");
	write_id(&save, snapshot->kernel);
	json_name(writer, "taken");
	json_begin_object(writer);
	json_name(writer, "start");
	write_time(&save, snapshot->start_ns, snapshot->start_ns);
	json_name(writer, "end");
	write_time(&save, snapshot->end_ns, snapshot->end_ns);
	json_end(writer);

	json_name(writer, "netns");
	json_begin_array(writer);
	for (i = 0; i < snapshot->n_netns; i++)
		save_netns(&save, &snapshot->netns[i]);
	json_end(writer);
	json_name(writer, "processes");
	json_begin_array(writer);
	for (i = 0; i < snapshot->n_processes; i++)
		save_process(&save, &snapshot->processes[i]);
	json_end(writer);
	json_name(writer, "sockets");
	json_begin_array(writer);
	for (i = 0; i < snapshot->n_sockets; i++)
		save_socket(&save, &snapshot->sockets[i], false);
	json_end(writer);
	json_name(writer, "limits");
	json_begin_array(writer);
	for (i = 0; i < snapshot->n_limits; i++)
		save_limit(&save, &snapshot->limits[i]);
	json_end(writer);
	json_end(writer);
	out_char(writer->out, '\n');
}

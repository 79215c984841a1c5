/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/columns.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "util/xalloc.h"

#define MULTIPLY(writer) ((writer)->ascii ? "x" : "×")
#define ELLIPSIS(writer) ((writer)->ascii ? "..." : "…")

/* In one cell for people: more are counted only. The columns pid and owner of --raw have all. */
#define PID_RANGES_MAX 6
#define FDS_MAX 8

/* ---- pieces ---- */

static bool for_people(const struct column_writer *writer)
{
	return writer->style == ESCAPE_TERMINAL;
}

/*
 * A name from outside. One that reads "-" or "?" would pass for none or unknown, an empty one for a
 * hole in the table.
 */
static void write_name(struct column_writer *writer, const char *text, size_t length,
		       struct out *out)
{
	if (!length) {
		out_string(out, "\"\"");
		return;
	}
	if (length == 1 && (*text == '-' || *text == '?')) {
		out_string(out, *text == '-' ? "\\x2d" : "\\x3f");
		return;
	}
	escape_append(out, writer->style, text, length);
}

static void write_string(struct column_writer *writer, string_id id, struct out *out)
{
	size_t length;
	const char *text = string_pool_get(&writer->snapshot->strings, id, &length);

	if (text)
		write_name(writer, text, length, out);
	else
		out_char(out, '?');
}

static void write_known(bool known, uint64_t value, struct out *out)
{
	if (known)
		out_unsigned(out, value);
	else
		out_char(out, '?');
}

static void write_tristate(enum tristate value, struct out *out)
{
	static const char *const words[] = {
		[TRISTATE_UNKNOWN] = "?",
		[TRISTATE_NO] = "no",
		[TRISTATE_YES] = "yes",
	};

	out_string(out, words[value]);
}

static void write_byte(struct out *out, uint8_t byte)
{
	if (byte >= 100)
		out_char(out, (char)('0' + byte / 100));
	if (byte >= 10)
		out_char(out, (char)('0' + byte / 10 % 10));
	out_char(out, (char)('0' + byte % 10));
}

static void write_address(int family, const struct address *address, struct out *out)
{
	char text[ADDRESS_TEXT_MAX];
	int i;

	if (family == AF_INET) { /* inet_ntop(3) goes through printf(3) */
		for (i = 0; i < 4; i++) {
			if (i)
				out_char(out, '.');
			write_byte(out, address->bytes[i]);
		}
		return;
	}
	out_char(out, '[');
	out_string(out, address_format(family, address, text));
	out_char(out, ']');
}

void column_write_count(struct out *out, uint64_t count)
{
	if (count >= 1000) {
		column_write_count(out, count / 1000);
		out_char(out, ',');
		count %= 1000;
		if (count < 100)
			out_char(out, '0');
		if (count < 10)
			out_char(out, '0');
	}
	out_unsigned(out, count);
}

/* A moment is not reached before its last millisecond: round up. */
static uint32_t seconds_of(uint32_t milliseconds)
{
	return milliseconds / 1000 + (milliseconds % 1000 != 0);
}

static void write_time_left(uint32_t first_ms, uint32_t last_ms, struct out *out)
{
	uint32_t first = seconds_of(first_ms), last = seconds_of(last_ms);

	out_unsigned(out, first);
	if (last != first) {
		out_char(out, '-');
		out_unsigned(out, last);
	}
	out_string(out, " s");
}

/* ---- the processes that hold a socket, or the sockets of a row ---- */

struct holders {
	const struct owner *owners; /* of one socket; NULL for a row */
	const uint32_t *processes;
	uint32_t count;
	bool more_unknown; /* sockets of the row have owners that cannot be seen */
};

static struct holders holders_of(const struct column_writer *writer,
				 const struct inet_socket *socket)
{
	return (struct holders){
		.owners = socket->n_owners ? &writer->snapshot->owners[socket->first_owner] : NULL,
		.count = socket->n_owners,
		.more_unknown = socket->owner_status == OWNER_HIDDEN ||
				socket->owner_status == OWNER_UNKNOWN ||
				(socket->owner_status == OWNER_OWNED && !socket->n_owners),
	};
}

static struct holders holders_of_row(const struct port_summary *summary)
{
	return (struct holders){
		.processes = summary->processes,
		.count = summary->n_processes,
		.more_unknown = summary->owner_statuses[OWNER_HIDDEN] ||
				summary->owner_statuses[OWNER_UNKNOWN] ||
				(summary->owner_statuses[OWNER_OWNED] && !summary->n_processes),
	};
}

static uint32_t holder_at(const struct holders *holders, uint32_t i)
{
	return holders->owners ? holders->owners[i].process : holders->processes[i];
}

static const struct process *process_at(const struct column_writer *writer,
					const struct holders *holders, uint32_t i)
{
	return &writer->snapshot->processes[holder_at(holders, i)];
}

static bool is_same_holder(const struct holders *holders, uint32_t i)
{
	return i && holder_at(holders, i) == holder_at(holders, i - 1);
}

static void write_separator(const struct column_writer *writer, struct out *out)
{
	out_string(out, for_people(writer) ? ", " : ",");
}

/* "-" where nobody holds it, "?" where somebody may. */
static void write_no_holder(const struct holders *holders, struct out *out)
{
	out_char(out, holders->more_unknown ? '?' : '-');
}

static void write_more_unknown(struct column_writer *writer, const struct holders *holders,
			       struct out *out)
{
	if (!holders->more_unknown)
		return;
	write_separator(writer, out);
	out_char(out, '?');
}

/* One of a list. What could be taken for the punctuation around it stands in quotes. */
static void write_element(struct column_writer *writer, string_id id, struct out *out)
{
	size_t i, length, start = 0;
	const char *text = string_pool_get(&writer->snapshot->strings, id, &length);
	bool quoted = false;

	for (i = 0; i < length && !quoted; i++)
		quoted = text[i] && strchr("[],;\"", text[i]);
	if (!quoted) {
		write_string(writer, id, out);
		return;
	}
	out_char(out, '"');
	for (i = 0; i <= length; i++) {
		if (i < length && text[i] != '"')
			continue;
		if (i > start)
			escape_append(out, writer->style, text + start, i - start);
		if (i < length)
			out_string(out, "\\x22");
		start = i + 1;
	}
	out_char(out, '"');
}

/* One string of each process; neighbours that have the same say it once. */
static void write_process_strings(struct column_writer *writer, const struct holders *holders,
				  size_t field, struct out *out)
{
	string_id last = 0;
	uint32_t i;

	if (!holders->count) {
		write_no_holder(holders, out);
		return;
	}
	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);
		string_id id = *(const string_id *)((const char *)process + field);

		if (i && id == last)
			continue;
		if (i)
			write_separator(writer, out);
		write_element(writer, id, out);
		last = id;
	}
	write_more_unknown(writer, holders, out);
}

/* "comm[pid]". Kept for each process, since one may have 100,000 sockets. */
static void write_owner_text(struct column_writer *writer, uint32_t index, struct out *out)
{
	const struct process *process = &writer->snapshot->processes[index];
	struct out *texts = &writer->owner_texts;

	if (!writer->owner_starts[index]) {
		writer->owner_starts[index] = (uint32_t)texts->used + 1;
		write_element(writer, process->comm, texts);
		out_char(texts, '[');
		out_unsigned(texts, process->pid);
		out_char(texts, ']');
		writer->owner_lengths[index] =
			(uint32_t)texts->used + 1 - writer->owner_starts[index];
	}
	out_bytes(out, texts->buffer + writer->owner_starts[index] - 1,
		  writer->owner_lengths[index]);
}

/* "900-903,910" for the holders [first, end). */
static void write_pids(struct column_writer *writer, const struct holders *holders, uint32_t first,
		       uint32_t end, uint32_t ranges_max, struct out *out)
{
	uint32_t i, start, last, n_ranges = 0;

	for (i = first; i < end; n_ranges++) {
		if (n_ranges)
			out_char(out, ',');
		if (n_ranges == ranges_max) {
			out_string(out, ELLIPSIS(writer));
			return;
		}
		start = last = process_at(writer, holders, i)->pid;
		for (i++; i < end && process_at(writer, holders, i)->pid - last <= 1; i++)
			last = process_at(writer, holders, i)->pid;
		out_unsigned(out, start);
		if (last != start) {
			out_char(out, last == start + 1 ? ',' : '-');
			out_unsigned(out, last);
		}
	}
}

static void write_fds(struct column_writer *writer, const struct holders *holders, uint32_t first,
		      uint32_t end, struct out *out)
{
	uint32_t i;

	for (i = first; i < end; i++) {
		out_char(out, i == first ? ':' : ',');
		if (for_people(writer) && i - first == FDS_MAX) {
			out_string(out, ELLIPSIS(writer));
			out_char(out, ' ');
			column_write_count(out, end - first);
			out_string(out, " fds");
			return;
		}
		if (holders->owners[i].fd == OWNER_FD_NONE)
			out_string(out, "io_uring");
		else if (holders->owners[i].fd < 0)
			out_char(out, '?');
		else
			out_unsigned(out, (uint64_t)holders->owners[i].fd);
	}
}

/*
 * For people neighbours of one name become "nginx ×4 [900-903]"; a single process has its
 * descriptors, "nginx[900]:3,4". For programs every process has them.
 */
static void write_holders(struct column_writer *writer, const struct holders *holders,
			  struct out *out)
{
	uint32_t i, same, end, n_processes;
	string_id comm;

	for (i = 0; i < holders->count; i = end) {
		if (i)
			out_string(out, for_people(writer) ? ", " : ";");
		comm = process_at(writer, holders, i)->comm;
		n_processes = 1;
		for (same = i + 1; same < holders->count && is_same_holder(holders, same);)
			same++;
		for (end = same; for_people(writer) && end < holders->count &&
				 process_at(writer, holders, end)->comm == comm;
		     end++)
			n_processes += !is_same_holder(holders, end);
		if (n_processes == 1) {
			write_owner_text(writer, holder_at(holders, i), out);
			if (holders->owners)
				write_fds(writer, holders, i, same, out);
			end = same;
			continue;
		}
		write_element(writer, comm, out);
		out_char(out, ' ');
		out_string(out, MULTIPLY(writer));
		column_write_count(out, n_processes);
		out_string(out, " [");
		write_pids(writer, holders, i, end, PID_RANGES_MAX, out);
		out_char(out, ']');
	}
}

static const char *status_text(enum owner_status status, bool is_time_wait)
{
	switch (status) {
	case OWNER_KERNEL:
		return "kernel";
	case OWNER_NONE:
		return is_time_wait ? "none (TIME-WAIT)" : "none (not accepted)";
	case OWNER_HIDDEN:
		return "hidden (need privilege)";
	case OWNER_ORPHAN:
		return "orphan";
	case OWNER_IN_FLIGHT:
		return "in flight";
	case OWNER_UNKNOWN:
	case OWNER_OWNED: /* by nobody that is named */
	case N_OWNER_STATUSES:
		break;
	}
	return "unknown";
}

/* ---- columns of one socket ---- */

static void get_netns(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	const struct netns *netns;

	if (socket->netns >= writer->snapshot->n_netns) {
		out_char(out, '?');
		return;
	}
	netns = &writer->snapshot->netns[socket->netns];
	if (netns->name)
		write_string(writer, netns->name, out);
	else
		write_known(netns->id, netns->id, out);
}

static void get_proto(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	out_string(out, protocol_name(socket->protocol));
}

static void get_port(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	if (writer->grouped) {
		out_string(out, protocol_name(socket->protocol));
		out_char(out, ':');
	}
	out_unsigned(out, socket->local_port);
}

/* v6only matters where IPv4 could come in, else the mark would only be noise. */
static void get_local(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	write_address(socket->family, &socket->local, out);
	if (socket->device) {
		out_char(out, '%');
		write_string(writer, socket->device, out);
	}
	if (socket->family != AF_INET6 || !socket_is_bound(socket) ||
	    address_is_v4_mapped(socket->family, &socket->local) ||
	    !address_is_wildcard(socket->family, &socket->local))
		return;
	if (socket->v6only != TRISTATE_NO)
		out_string(out, for_people(writer) ? " v6only" : ",v6only");
	if (socket->v6only == TRISTATE_UNKNOWN)
		out_char(out, '?');
}

static void get_device(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	if (socket->device)
		write_string(writer, socket->device, out);
	else
		out_char(out, socket->known & SOCKET_HAS_DEVICE ? '-' : '?');
}

static void get_v6only(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	(void)writer;
	if (socket->family == AF_INET)
		out_char(out, '-');
	else
		write_tristate(socket->v6only, out);
}

static void get_state(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	out_string(out, socket_state_name(socket->state));
}

/*
 * A flag that is set is named, one that is not is not, one that is not known is named with "?":
 * "addr,port", "-", "port,addr?" - and "?" where neither is known.
 */
static void get_reuse(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	bool addr = socket->reuse_addr != TRISTATE_NO, port = socket->reuse_port != TRISTATE_NO;

	(void)writer;
	if (socket->reuse_addr == TRISTATE_UNKNOWN && socket->reuse_port == TRISTATE_UNKNOWN) {
		out_char(out, '?');
		return;
	}
	if (socket->reuse_evidence == EVIDENCE_INFERRED)
		out_char(out, '~');
	if (addr)
		out_string(out, socket->reuse_addr == TRISTATE_YES ? "addr" : "addr?");
	if (addr && port)
		out_char(out, ',');
	if (port)
		out_string(out, socket->reuse_port == TRISTATE_YES ? "port" : "port?");
	if (!addr && !port)
		out_char(out, '-');
}

static void get_evidence(struct column_writer *writer, const struct inet_socket *socket,
			 struct out *out)
{
	(void)writer;
	if (socket->reuse_evidence == EVIDENCE_UNKNOWN)
		out_char(out, '?');
	else
		out_string(out, evidence_name(socket->reuse_evidence));
}

/* What the queues of one socket or of several together hold. */
struct queue {
	const struct inet_socket *socket;
	uint32_t known;
	uint64_t recv, send, drops;
};

/* As the kernel's sk_acceptq_is_full(): one more than the limit fits in. */
static bool queue_is_full(const struct inet_socket *socket)
{
	return socket->state == STATE_LISTEN &&
	       (socket->known & SOCKET_HAS_LIMIT) && socket->queue_recv > socket->queue_limit;
}

/* "9999", "1.2M": what a glance needs; recv and send have every digit. */
static void write_size(uint64_t bytes, struct out *out)
{
	static const char units[] = "KMGTPE";
	const char *unit = units;

	if (bytes < 10000) {
		out_unsigned(out, bytes);
		return;
	}
	for (; bytes >= 1024 * 1000; unit++)
		bytes /= 1024;
	out_unsigned(out, bytes / 1024);
	if (bytes < 10 * 1024) {
		out_char(out, '.');
		out_unsigned(out, bytes % 1024 * 10 / 1024);
	}
	out_char(out, *unit);
}

static void write_queue_bytes(const struct queue *queue, struct out *out)
{
	if (!queue->recv && !queue->send) {
		out_char(out, '0');
		return;
	}
	if (queue->recv) {
		write_size(queue->recv, out);
		out_string(out, queue->send ? " in, " : " in");
	}
	if (queue->send) {
		write_size(queue->send, out);
		out_string(out, " out");
	}
}

static void write_queue_plain(const struct queue *queue, struct out *out)
{
	out_unsigned(out, queue->recv);
	out_char(out, '/');
	if (queue->socket->state == STATE_LISTEN)
		write_known(queue->known & SOCKET_HAS_LIMIT, queue->socket->queue_limit, out);
	else
		out_unsigned(out, queue->send);
}

static void write_drops(const struct queue *queue, struct out *out)
{
	if ((queue->known & SOCKET_HAS_DROPS) && !queue->drops)
		return;
	if (queue->known & SOCKET_HAS_DROPS)
		column_write_count(out, queue->drops);
	else
		out_char(out, '?');
	out_string(out, " lost, ");
}

static void write_queue(struct column_writer *writer, const struct queue *queue, struct out *out)
{
	const struct inet_socket *socket = queue->socket;
	bool stream = protocol_is_stream(socket->protocol);

	if (socket_is_time_wait(socket) || (stream && socket->state == STATE_BOUND)) {
		out_char(out, '-');
		return;
	}
	if (!(queue->known & SOCKET_HAS_QUEUE)) {
		out_char(out, '?');
		return;
	}
	if (!for_people(writer) || socket->state == STATE_LISTEN) {
		write_queue_plain(queue, out);
		if (for_people(writer) && queue_is_full(socket))
			out_string(out, " full");
		return;
	}
	if (!stream)
		write_drops(queue, out);
	write_queue_bytes(queue, out);
}

static void get_queue(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	struct queue queue = {
		.socket = socket,
		.known = socket->known,
		.recv = socket->queue_recv,
		.send = socket->queue_send,
		.drops = socket->drops,
	};

	write_queue(writer, &queue, out);
}

static void write_number(const struct inet_socket *socket, uint32_t known, uint64_t value,
			 struct out *out)
{
	if (socket_is_time_wait(socket))
		out_char(out, '-');
	else
		write_known(known, value, out);
}

static void get_recv(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_QUEUE, socket->queue_recv, out);
}

static void get_send(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_QUEUE, socket->queue_send, out);
}

static void get_limit(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_LIMIT, socket->queue_limit, out);
}

static void get_drops(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_DROPS, socket->drops, out);
}

static void get_peer(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	if (!(socket->known & SOCKET_HAS_PEER)) {
		out_char(out, socket_is_bound(socket) ? '-' : '?');
		return;
	}
	write_address(socket->family, &socket->peer, out);
	out_char(out, ':');
	out_unsigned(out, socket->peer_port);
}

static void get_timer(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	if (socket->timer == TIMER_UNKNOWN || socket->timer == TIMER_NONE) {
		out_char(out, socket->timer == TIMER_NONE ? '-' : '?');
		return;
	}
	out_string(out, timer_kind_name(socket->timer));
	out_char(out, for_people(writer) ? ' ' : ':');
	if (!(socket->known & SOCKET_HAS_EXPIRES)) {
		out_char(out, '?');
	} else if (!for_people(writer)) {
		out_unsigned(out, socket->timer_expires_ms);
	} else {
		write_time_left(socket->timer_expires_ms, socket->timer_expires_ms, out);
	}
}

static void get_owner(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	struct holders holders = holders_of(writer, socket);
	enum owner_status status = socket->owner_status;

	if (holders.count) {
		write_holders(writer, &holders, out);
		return;
	}
	if (!for_people(writer)) {
		out_string(out, owner_status_name(status == OWNER_OWNED ? OWNER_UNKNOWN : status));
		return;
	}
	if (!socket_is_time_wait(socket)) {
		out_string(out, status_text(status, false));
		return;
	}
	out_string(out, "none (TIME-WAIT ");
	if (socket->known & SOCKET_HAS_EXPIRES)
		write_time_left(socket->timer_expires_ms, socket->timer_expires_ms, out);
	else
		out_string(out, "? s");
	out_char(out, ')');
}

static void get_process(struct column_writer *writer, const struct inet_socket *socket,
			struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_process_strings(writer, &holders, offsetof(struct process, comm), out);
}

static void write_all_pids(struct column_writer *writer, const struct holders *holders,
			   struct out *out)
{
	uint32_t i;

	if (!holders->count) {
		write_no_holder(holders, out);
		return;
	}
	if (for_people(writer)) {
		write_pids(writer, holders, 0, holders->count, UINT32_MAX, out);
		write_more_unknown(writer, holders, out);
		return;
	}
	for (i = 0; i < holders->count; i++) {
		if (is_same_holder(holders, i))
			continue;
		if (i)
			out_char(out, ',');
		out_unsigned(out, process_at(writer, holders, i)->pid);
	}
	write_more_unknown(writer, holders, out);
}

static void get_pid(struct column_writer *writer, const struct inet_socket *socket,
		    struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_all_pids(writer, &holders, out);
}

/*
 * The socket's uid is its creator's, and what the kernel compares at a bind; where it is not known
 * the owner's must do. TIME-WAIT has none.
 */
static bool find_uid(const struct column_writer *writer, const struct inet_socket *socket,
		     uint32_t *ret_uid)
{
	struct holders holders = holders_of(writer, socket);
	const struct process *process;

	if (socket->known & SOCKET_HAS_UID) {
		*ret_uid = socket->uid;
		return true;
	}
	if (!holders.count)
		return false;
	process = process_at(writer, &holders, 0);
	if (!(process->known & PROCESS_HAS_UID))
		return false;
	*ret_uid = process->uid;
	return true;
}

static void get_uid(struct column_writer *writer, const struct inet_socket *socket,
		    struct out *out)
{
	uint32_t uid;

	if (socket_is_time_wait(socket))
		out_char(out, '-');
	else if (find_uid(writer, socket, &uid))
		out_unsigned(out, uid);
	else
		out_char(out, '?');
}

static void get_user(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	string_id name = 0;
	uint32_t uid;

	if (writer->numeric || socket_is_time_wait(socket) || !find_uid(writer, socket, &uid)) {
		get_uid(writer, socket, out);
		return;
	}
	if (!writer->user_valid || writer->user_uid != uid) {
		snapshot_find_user(writer->snapshot, uid, &name);
		writer->user_uid = uid;
		writer->user_name = snapshot_text(writer->snapshot, name);
		writer->user_valid = true;
	}
	if (writer->user_name)
		write_name(writer, writer->user_name, strlen(writer->user_name), out);
	else
		out_unsigned(out, uid);
}

/* People know a container by the first twelve digits of its id. */
static void write_container(struct column_writer *writer, string_id id, struct out *out)
{
	size_t length;
	const char *text = string_pool_get(&writer->snapshot->strings, id, &length);

	if (for_people(writer) && length == 64 && strspn(text, "0123456789abcdef") == 64)
		length = 12;
	write_name(writer, text, length, out);
}

/* A container's unit is made of its id, which says less in more letters. */
static bool write_place(struct column_writer *writer, string_id unit, string_id container,
			bool container_only, struct out *out)
{
	if (container && (container_only || for_people(writer) || !unit)) {
		if (!container_only)
			out_string(out, "container:");
		write_container(writer, container, out);
		return true;
	}
	if (!unit || container_only)
		return false;
	write_string(writer, unit, out);
	return true;
}

/*
 * Unit or container of the processes; where they tell nothing, of the cgroup in which the socket
 * was made (a unit that is started by its socket has systemd's).
 */
static void write_unit(struct column_writer *writer, const struct holders *holders,
		       const struct inet_socket *socket, bool container_only, struct out *out)
{
	string_id last_unit = 0, last_container = 0;
	bool unknown = holders->more_unknown, any = false;
	uint32_t i;

	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);
		string_id unit = container_only ? 0 : process->unit;

		if (!process->cgroup && !process->unit && !process->container)
			unknown = true;
		if (!unit && !process->container)
			continue;
		if (any && unit == last_unit && process->container == last_container)
			continue;
		if (any)
			write_separator(writer, out);
		write_place(writer, unit, process->container, container_only, out);
		last_unit = unit;
		last_container = process->container;
		any = true;
	}
	if (any || (socket && write_place(writer, socket->unit, socket->container, container_only,
					  out)))
		return;
	out_char(out, unknown ? '?' : '-');
}

static void get_unit(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_unit(writer, &holders, socket, false, out);
}

static void get_container(struct column_writer *writer, const struct inet_socket *socket,
			  struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_unit(writer, &holders, socket, true, out);
}

static void get_cgroup(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_process_strings(writer, &holders, offsetof(struct process, cgroup), out);
}

static void write_cmdline(struct column_writer *writer, const struct process *process,
			  struct out *out)
{
	size_t length, span;
	const char *text = string_pool_get(&writer->snapshot->strings, process->cmdline, &length);

	if (!text || !length) {
		out_char(out, process->known & PROCESS_HAS_CMDLINE ? '-' : '?');
		return;
	}
	if (!text[length - 1])
		length--;
	if (!for_people(writer)) {
		write_name(writer, text, length, out);
		return;
	}
	for (;;) {
		span = strnlen(text, length);
		write_name(writer, text, span, out);
		if (span == length)
			return;
		out_char(out, ' ');
		text += span + 1;
		length -= span + 1;
	}
}

static void write_cmdlines(struct column_writer *writer, const struct holders *holders,
			   struct out *out)
{
	string_id last = 0;
	uint32_t i;

	if (!holders->count) {
		write_no_holder(holders, out);
		return;
	}
	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);

		if (is_same_holder(holders, i) || (i && process->cmdline && process->cmdline == last))
			continue;
		if (i)
			out_string(out, for_people(writer) ? "; " : ";");
		write_cmdline(writer, process, out);
		last = process->cmdline;
	}
	write_more_unknown(writer, holders, out);
}

static void get_cmdline(struct column_writer *writer, const struct inet_socket *socket,
			struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_cmdlines(writer, &holders, out);
}

static void write_exes(struct column_writer *writer, const struct holders *holders,
		       struct out *out)
{
	const struct process *last = NULL;
	uint32_t i;

	if (!holders->count) {
		write_no_holder(holders, out);
		return;
	}
	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);

		if (last && last->exe == process->exe && last->exe_deleted == process->exe_deleted)
			continue;
		if (last)
			write_separator(writer, out);
		write_element(writer, process->exe, out);
		if (process->exe_deleted == TRISTATE_YES)
			out_string(out, for_people(writer) ? " (deleted)" : "(deleted)");
		last = process;
	}
	write_more_unknown(writer, holders, out);
}

static void get_exe(struct column_writer *writer, const struct inet_socket *socket,
		    struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_exes(writer, &holders, out);
}

/* In UTC, as in JSON: a snapshot may come from anywhere. */
static void write_time(int64_t time_ns, struct out *out)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm tm;
	char text[40];

	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm)) {
		out_char(out, '?');
		return;
	}
	out_string(out, text);
}

static void write_starts(struct column_writer *writer, const struct holders *holders,
			 struct out *out)
{
	uint32_t i;

	if (!holders->count) {
		write_no_holder(holders, out);
		return;
	}
	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);

		if (is_same_holder(holders, i))
			continue;
		if (i)
			write_separator(writer, out);
		if (process->known & PROCESS_HAS_START_TIME)
			write_time(process->start_time_ns, out);
		else
			out_char(out, '?');
	}
	write_more_unknown(writer, holders, out);
}

static void get_start(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	struct holders holders = holders_of(writer, socket);

	write_starts(writer, &holders, out);
}

static void get_inode(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	if ((socket->known & SOCKET_HAS_INODE) && !socket->inode)
		out_char(out, '-');
	else
		write_known(socket->known & SOCKET_HAS_INODE, socket->inode, out);
}

static void get_cookie(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	(void)writer;
	write_known(socket->known & SOCKET_HAS_COOKIE, socket->cookie, out);
}

static void get_mark(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	if (socket->known & SOCKET_HAS_MARK)
		out_printf(out, "0x%x", socket->mark);
	else
		out_char(out, '?');
}

static void get_options(struct column_writer *writer, const struct inet_socket *socket,
			struct out *out)
{
	bool any = false;
	unsigned int i;

	(void)writer;
	if (!(socket->known & SOCKET_HAS_OPTIONS)) {
		out_char(out, '?');
		return;
	}
	for (i = 0; i < N_SOCKET_OPTIONS; i++) {
		if (!(socket->options & 1U << i))
			continue;
		if (any)
			out_char(out, ',');
		out_string(out, socket_option_name(i));
		any = true;
	}
	if (!any)
		out_char(out, '-');
}

static void get_multicast(struct column_writer *writer, const struct inet_socket *socket,
			  struct out *out)
{
	const struct multicast_group *group = writer->snapshot->groups + socket->first_group;
	uint32_t i;

	if (!socket->n_groups) {
		/* A stream socket cannot join one. */
		out_char(out, (socket->known & SOCKET_HAS_MULTICAST) ||
				      protocol_is_stream(socket->protocol) ? '-' : '?');
		return;
	}
	for (i = 0; i < socket->n_groups; i++, group++) {
		if (i)
			write_separator(writer, out);
		write_address(group->family, &group->address, out);
	}
	if (!(socket->known & SOCKET_HAS_MULTICAST)) {
		write_separator(writer, out);
		out_char(out, '?');
	}
}

/* ---- columns of a row that stands for several sockets ---- */

static void row_state(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	out_string(out, socket_state_name(summary->socket->state));
	out_char(out, ' ');
	out_string(out, MULTIPLY(writer));
	column_write_count(out, summary->row->count);
}

static void write_time_wait_end(const struct port_summary *summary, struct out *out)
{
	if (summary->n_expires)
		write_time_left(summary->first_expires_ms, summary->last_expires_ms, out);
	else
		out_string(out, "? s");
	if (summary->n_expires && summary->n_expires < summary->n_time_wait)
		out_string(out, ", some ?");
}

void column_write_states(struct column_writer *writer, const struct port_summary *summary,
			 struct out *out)
{
	bool any = false;
	int state;

	(void)writer;
	for (state = 0; state < N_STATES; state++) {
		if (!summary->states[state])
			continue;
		if (any)
			out_string(out, ", ");
		column_write_count(out, summary->states[state]);
		out_char(out, ' ');
		out_string(out, socket_state_name(state));
		any = true;
	}
	if (summary->n_time_wait) {
		out_string(out, " (");
		write_time_wait_end(summary, out);
		out_char(out, ')');
	}
}

void column_write_program(struct column_writer *writer, const struct port_summary *summary,
			  struct out *out)
{
	if (summary->n_processes)
		write_element(writer, writer->snapshot->processes[summary->processes[0]].comm,
			      out);
	else
		out_string(out, status_text(summary->socket->owner_status,
					    socket_is_time_wait(summary->socket)));
}

static void row_queue(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	struct queue queue = {
		.socket = summary->socket,
		.known = summary->known,
		.recv = summary->queue_recv,
		.send = summary->queue_send,
		.drops = summary->drops,
	};

	write_queue(writer, &queue, out);
}

static void row_number(const struct port_summary *summary, uint32_t known, uint64_t value,
		       struct out *out)
{
	write_number(summary->socket, summary->known & known, value, out);
}

static void row_recv(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	(void)writer;
	row_number(summary, SOCKET_HAS_QUEUE, summary->queue_recv, out);
}

static void row_send(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	(void)writer;
	row_number(summary, SOCKET_HAS_QUEUE, summary->queue_send, out);
}

static void row_drops(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	(void)writer;
	row_number(summary, SOCKET_HAS_DROPS, summary->drops, out);
}

static void row_timer(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	enum timer_kind timer = summary->socket->timer;

	if (timer == TIMER_NONE || timer == TIMER_UNKNOWN) {
		get_timer(writer, summary->socket, out);
		return;
	}
	out_string(out, timer_kind_name(timer));
	if (summary->n_time_wait && summary->n_expires) {
		out_char(out, ' ');
		write_time_left(summary->first_expires_ms, summary->last_expires_ms, out);
	}
}

/* "nginx ×4 [900-903], 4 none (not accepted)" */
static void row_owner(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	struct holders holders = holders_of_row(summary);
	bool any = false;
	int status;

	if (summary->n_time_wait == summary->row->count) {
		out_string(out, "none (TIME-WAIT ");
		write_time_wait_end(summary, out);
		out_char(out, ')');
		return;
	}
	if (holders.count) {
		write_holders(writer, &holders, out);
		any = true;
	}
	for (status = 0; status < N_OWNER_STATUSES; status++) {
		uint32_t count = summary->owner_statuses[status];

		if (!count || (status == OWNER_OWNED && holders.count))
			continue;
		if (any)
			out_string(out, ", ");
		if (count < summary->row->count) {
			column_write_count(out, count);
			out_char(out, ' ');
		}
		out_string(out, status_text(status, summary->n_time_wait));
		any = true;
	}
}

static void row_process(struct column_writer *writer, const struct port_summary *summary,
			struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_process_strings(writer, &holders, offsetof(struct process, comm), out);
}

static void row_pid(struct column_writer *writer, const struct port_summary *summary,
		    struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_all_pids(writer, &holders, out);
}

static void row_unit(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_unit(writer, &holders, summary->differs & DIFFERS_UNIT ? NULL : summary->socket,
		   false, out);
}

static void row_container(struct column_writer *writer, const struct port_summary *summary,
			  struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_unit(writer, &holders, summary->differs & DIFFERS_UNIT ? NULL : summary->socket, true,
		   out);
}

static void row_cgroup(struct column_writer *writer, const struct port_summary *summary,
		       struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_process_strings(writer, &holders, offsetof(struct process, cgroup), out);
}

static void row_cmdline(struct column_writer *writer, const struct port_summary *summary,
			struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_cmdlines(writer, &holders, out);
}

static void row_exe(struct column_writer *writer, const struct port_summary *summary,
		    struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_exes(writer, &holders, out);
}

static void row_start(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	struct holders holders = holders_of_row(summary);

	write_starts(writer, &holders, out);
}

/* ---- the table ---- */

struct column {
	struct column_info info;
	void (*get)(struct column_writer *writer, const struct inet_socket *socket,
		    struct out *out);
	/* For several sockets; NULL: the first one's value, unless they differ in any of these. */
	void (*get_row)(struct column_writer *writer, const struct port_summary *summary,
			struct out *out);
	uint32_t differs; /* enum port_differs */
};

static const struct column columns[N_COLUMNS] = {
	[COLUMN_NETNS] = { { "netns", "network namespace: its name, else its number", COLUMN_TEXT,
			     0, 0 }, get_netns, NULL, 0 },
	[COLUMN_PROTO] = { { "proto", "tcp, udp, udplite, mptcp, sctp", COLUMN_TEXT, 0, 0 },
			   get_proto, NULL, DIFFERS_PROTOCOL },
	[COLUMN_PORT] = { { "port", "local port", COLUMN_NUMBER, 0, 0 }, get_port, NULL,
			  DIFFERS_PORT },
	[COLUMN_LOCAL] = { { "local", "local address; %DEVICE if bound to one; v6only if [::] takes no "
			     "IPv4", COLUMN_TEXT, 15, 0 }, get_local, NULL,
			   DIFFERS_LOCAL | DIFFERS_DEVICE | DIFFERS_V6ONLY },
	[COLUMN_DEVICE] = { { "device", "interface the socket is bound to", COLUMN_TEXT, 0, 0 },
			    get_device, NULL, DIFFERS_DEVICE },
	[COLUMN_V6ONLY] = { { "v6only", "IPV6_V6ONLY: yes, no, - for IPv4", COLUMN_TEXT, 0, 0 },
			    get_v6only, NULL, DIFFERS_V6ONLY },
	[COLUMN_STATE] = { { "state", "state, as ss(8) names it; BOUND: UDP, or TCP before listen",
			     COLUMN_TEXT, 0, 0 }, get_state, row_state, 0 },
	[COLUMN_REUSE] = { { "reuse", "SO_REUSEADDR, SO_REUSEPORT: addr, port, both, - none; ~ "
			     "inferred", COLUMN_TEXT, 0, 0 }, get_reuse, NULL, DIFFERS_REUSE },
	[COLUMN_EVIDENCE] = { { "evidence", "how reuse is known: bpf, getsockopt, inferred",
				COLUMN_TEXT, 0, 0 }, get_evidence, NULL, DIFFERS_EVIDENCE },
	[COLUMN_QUEUE] = { { "queue", "LISTEN: connections waiting/limit; else bytes, datagrams "
			     "lost", COLUMN_TEXT, 16, 0 }, get_queue, row_queue, 0 },
	[COLUMN_RECV] = { { "recv", "receive queue: bytes; LISTEN: connections waiting",
			    COLUMN_NUMBER, 0, 0 }, get_recv, row_recv, 0 },
	[COLUMN_SEND] = { { "send", "send queue: bytes", COLUMN_NUMBER, 0, 0 }, get_send, row_send,
			  0 },
	[COLUMN_LIMIT] = { { "limit", "limit of the receive queue: bytes; LISTEN: connections",
			     COLUMN_NUMBER, 0, 0 }, get_limit, NULL, DIFFERS_LIMIT },
	[COLUMN_DROPS] = { { "drops", "packets dropped for want of room or validity",
			     COLUMN_NUMBER, 0, 0 }, get_drops, row_drops, 0 },
	[COLUMN_PEER] = { { "peer", "address and port of the other end", COLUMN_TEXT, 15, 0 },
			  get_peer, NULL, DIFFERS_PEER },
	[COLUMN_TIMER] = { { "timer", "timer that runs, and when it expires (--raw: milliseconds)",
			     COLUMN_TEXT, 0, 0 }, get_timer, row_timer, DIFFERS_TIMER },
	[COLUMN_OWNER] = { { "owner", "processes that hold it: name[pid]:descriptors; or why none",
			     COLUMN_TEXT, 24, 0 }, get_owner, row_owner, 0 },
	[COLUMN_PROCESS] = { { "process", "names of these processes", COLUMN_TEXT, 8, 0 },
			     get_process, row_process, 0 },
	[COLUMN_PID] = { { "pid", "their process ids", COLUMN_TEXT, 8, 0 }, get_pid, row_pid, 0 },
	[COLUMN_USER] = { { "user", "user of the socket", COLUMN_TEXT, 8, NEED_USERS | NEED_PROCESS_UID },
			  get_user, NULL, DIFFERS_UID },
	[COLUMN_UID] = { { "uid", "user of the socket, as a number", COLUMN_NUMBER, 0,
			   NEED_PROCESS_UID }, get_uid, NULL, DIFFERS_UID },
	[COLUMN_UNIT] = { { "unit", "systemd unit, or container:ID", COLUMN_TEXT, 8, NEED_CGROUP },
			  get_unit, row_unit, 0 },
	[COLUMN_CONTAINER] = { { "container", "container id", COLUMN_TEXT, 8, NEED_CGROUP },
			       get_container, row_container, 0 },
	[COLUMN_CGROUP] = { { "cgroup", "cgroup of the processes", COLUMN_TEXT, 8, NEED_CGROUP },
			    get_cgroup, row_cgroup, 0 },
	[COLUMN_CMDLINE] = { { "cmdline", "their command lines", COLUMN_TEXT, 16, NEED_CMDLINE },
			     get_cmdline, row_cmdline, 0 },
	[COLUMN_EXE] = { { "exe", "their program files", COLUMN_TEXT, 8, NEED_EXE }, get_exe,
			 row_exe, 0 },
	[COLUMN_START] = { { "start", "when they were started (UTC)", COLUMN_TEXT, 8,
			     NEED_START_TIME }, get_start, row_start, 0 },
	[COLUMN_INODE] = { { "inode", "inode of the socket; - where it has no file", COLUMN_NUMBER, 0,
			     0 }, get_inode, NULL, DIFFERS_IDENTITY },
	[COLUMN_COOKIE] = { { "cookie", "the kernel's id of the socket", COLUMN_NUMBER, 0, 0 },
			    get_cookie, NULL, DIFFERS_IDENTITY },
	[COLUMN_MARK] = { { "mark", "SO_MARK", COLUMN_NUMBER, 0, 0 }, get_mark, NULL, DIFFERS_MARK },
	[COLUMN_OPTIONS] = { { "options", "further socket options that are set", COLUMN_TEXT, 8, 0 },
			     get_options, NULL, DIFFERS_OPTIONS },
	[COLUMN_MULTICAST] = { { "multicast", "multicast groups joined", COLUMN_TEXT, 9,
				 NEED_MULTICAST }, get_multicast, NULL, DIFFERS_IDENTITY },
};

static const struct {
	const char *columns;
	const char *help;
} defaults[N_LIST_MODES] = {
	[LIST_GROUPED] = { "port,local,state,reuse,queue,owner,user,unit", "default" },
	[LIST_ALL] = { "proto,port,local,state,reuse,queue,peer,owner,user,unit", "with --all" },
	[LIST_RAW] = { "proto,port,local,state,reuse,evidence,recv,send,limit,drops,peer,timer,"
		       "owner,user", "with --raw" },
};

const struct column_info *column_info(enum column_id id)
{
	return &columns[id].info;
}

void column_write(struct column_writer *writer, enum column_id id,
		  const struct inet_socket *socket, struct out *out)
{
	columns[id].get(writer, socket, out);
}

/* A port that nobody serves is told by where its connections go. */
static void write_destination(struct column_writer *writer, const struct port_summary *summary,
			      struct out *out)
{
	const struct inet_socket *socket = summary->socket;

	if (!summary->row->leads || summary->differs & DIFFERS_PEER ||
	    !(socket->known & SOCKET_HAS_PEER))
		return;
	out_string(out, writer->ascii ? " -> " : " → ");
	get_peer(writer, socket, out);
}

void column_write_row(struct column_writer *writer, enum column_id id,
		      const struct port_summary *summary, struct out *out)
{
	const struct column *column = &columns[id];

	if (summary->row->count == 1)
		column->get(writer, summary->socket, out);
	else if (summary->differs & column->differs)
		out_string(out, "mixed");
	else if (column->get_row)
		column->get_row(writer, summary, out);
	else
		column->get(writer, summary->socket, out);
	if (id == COLUMN_LOCAL)
		write_destination(writer, summary, out);
}

static enum color_role state_role(const struct inet_socket *socket)
{
	switch ((enum socket_state)socket->state) {
	case STATE_LISTEN:
		return COLOR_LISTEN;
	case STATE_TIME_WAIT:
		return COLOR_TIME_WAIT;
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSE_WAIT:
	case STATE_LAST_ACK:
	case STATE_CLOSING:
		return COLOR_CLOSING;
	default:
		return COLOR_PLAIN;
	}
}

static enum color_role reuse_role(const struct inet_socket *socket)
{
	if (socket->reuse_addr == TRISTATE_YES || socket->reuse_port == TRISTATE_YES)
		return COLOR_REUSE;
	return COLOR_DIM;
}

enum color_role column_role(enum column_id id, const struct inet_socket *socket)
{
	switch (id) {
	case COLUMN_STATE:
		return state_role(socket);
	case COLUMN_REUSE:
		return reuse_role(socket);
	case COLUMN_OWNER:
	case COLUMN_PROCESS:
		return socket->n_owners ? COLOR_PLAIN : COLOR_DIM;
	case COLUMN_QUEUE:
		return queue_is_full(socket) || socket->drops ? COLOR_ALARM : COLOR_PLAIN;
	default:
		return COLOR_PLAIN;
	}
}

enum color_role column_row_role(enum column_id id, const struct port_summary *summary)
{
	switch (id) {
	case COLUMN_REUSE:
		return summary->differs & DIFFERS_REUSE ? COLOR_PLAIN : reuse_role(summary->socket);
	case COLUMN_OWNER:
	case COLUMN_PROCESS:
		return summary->n_processes ? COLOR_PLAIN : COLOR_DIM;
	case COLUMN_QUEUE:
		return summary->drops ? COLOR_ALARM : column_role(id, summary->socket);
	default:
		return column_role(id, summary->socket);
	}
}

/* ---- -o ---- */

static int find_column(const char *name, size_t length)
{
	int id;

	for (id = 0; id < N_COLUMNS; id++) {
		if (strlen(columns[id].info.name) == length &&
		    !strncasecmp(columns[id].info.name, name, length))
			return id;
	}
	return -EINVAL;
}

static void add_column(struct column_list *list, enum column_id id)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (list->ids[i] == id)
			return;
	}
	list->ids[list->count++] = (uint8_t)id;
}

static char *unknown_column(const char *name, size_t length)
{
	struct out out;
	int id;

	out_init(&out, -1);
	out_string(&out, "no column is called \"");
	escape_append(&out, ESCAPE_TERMINAL, name, length);
	out_string(&out, "\"; there are ");
	for (id = 0; id < N_COLUMNS; id++) {
		out_string(&out, id ? ", " : "");
		out_string(&out, columns[id].info.name);
	}
	out_char(&out, '\0');
	return out.buffer;
}

static int add_columns(struct column_list *list, const char *text, char **ret_error)
{
	size_t length;
	int id;

	for (;;) {
		length = strcspn(text, ",");
		id = find_column(text, length);
		if (id < 0) {
			*ret_error = unknown_column(text, length);
			return -EINVAL;
		}
		add_column(list, id);
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

int columns_parse(const char *text, enum list_mode mode, struct column_list *ret_list,
		  char **ret_error)
{
	struct column_list list = { .is_default = !text };
	int r = 0;

	if (!text || *text == '+')
		add_columns(&list, defaults[mode].columns, NULL);
	if (text)
		r = add_columns(&list, text + (*text == '+'), ret_error);
	if (r < 0)
		return r;
	*ret_list = list;
	return 0;
}

uint32_t columns_needs(const struct column_list *list)
{
	uint32_t i, needs = 0;

	for (i = 0; i < list->count; i++)
		needs |= columns[list->ids[i]].info.needs;
	return needs;
}

void columns_print_help(void)
{
	int i;

	puts("Columns for --output; +NAME,... adds to the default. \"-\" is none, \"?\" unknown.\n");
	for (i = 0; i < N_COLUMNS; i++)
		printf("  %-10s %s\n", columns[i].info.name, columns[i].info.help);
	putchar('\n');
	for (i = 0; i < N_LIST_MODES; i++)
		printf("  %-10s %s\n", defaults[i].help, defaults[i].columns);
}

void column_writer_init(struct column_writer *writer, const struct snapshot *snapshot,
			enum escape_style style)
{
	*writer = (struct column_writer){ .snapshot = snapshot, .style = style };
	out_init(&writer->owner_texts, -1);
	writer->owner_starts = xcalloc(snapshot->n_processes, sizeof(*writer->owner_starts));
	writer->owner_lengths = xcalloc(snapshot->n_processes, sizeof(*writer->owner_lengths));
}

void column_writer_done(struct column_writer *writer)
{
	out_done(&writer->owner_texts);
	free(writer->owner_starts);
	free(writer->owner_lengths);
}

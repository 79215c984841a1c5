/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/column-owner.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#define ELLIPSIS(writer) ((writer)->ascii ? "..." : "…")

/* In one cell for people: more are counted only. The columns pid and owner of --raw have all. */
#define PID_RANGES_MAX 6
#define FDS_MAX 8

struct column_holders column_holders_of(const struct column_writer *writer,
					const struct inet_socket *socket)
{
	return (struct column_holders){
		.owners = socket->n_owners ? &writer->snapshot->owners[socket->first_owner] : NULL,
		.count = socket->n_owners,
		.more_unknown = socket->owner_status == OWNER_HIDDEN ||
				socket->owner_status == OWNER_UNKNOWN ||
				(socket->owner_status == OWNER_OWNED && !socket->n_owners),
		.socket = socket,
	};
}

struct column_holders column_holders_of_row(const struct port_summary *summary)
{
	return (struct column_holders){
		.processes = summary->processes,
		.count = summary->n_processes,
		.more_unknown = summary->owner_statuses[OWNER_HIDDEN] ||
				summary->owner_statuses[OWNER_UNKNOWN] ||
				(summary->owner_statuses[OWNER_OWNED] && !summary->n_processes),
		.socket = summary->differs & DIFFERS_UNIT ? NULL : summary->socket,
	};
}

static uint32_t holder_at(const struct column_holders *holders, uint32_t i)
{
	return holders->owners ? holders->owners[i].process : holders->processes[i];
}

static const struct process *process_at(const struct column_writer *writer,
					const struct column_holders *holders, uint32_t i)
{
	return &writer->snapshot->processes[holder_at(holders, i)];
}

static bool is_same_holder(const struct column_holders *holders, uint32_t i)
{
	return i && holder_at(holders, i) == holder_at(holders, i - 1);
}

/* After the last of them: "-" where nobody holds it, "?" where somebody (else) may. */
static void write_end(const struct column_writer *writer, const struct column_holders *holders,
		      struct out *out)
{
	if (holders->count && !holders->more_unknown)
		return;
	if (holders->count)
		column_write_separator(writer, out);
	out_char(out, holders->more_unknown ? '?' : '-');
}

/* "comm[pid]". Kept for each process, since one may have 100,000 sockets. */
static void write_owner_text(struct column_writer *writer, uint32_t index, struct out *out)
{
	const struct process *process = &writer->snapshot->processes[index];
	struct out *texts = &writer->owner_texts;

	if (!writer->owner_starts[index]) {
		writer->owner_starts[index] = (uint32_t)texts->used + 1;
		column_write_element(writer, process->comm, texts);
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
static void write_pids(struct column_writer *writer, const struct column_holders *holders,
		       uint32_t first, uint32_t end, uint32_t ranges_max, struct out *out)
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

static void write_fds(struct column_writer *writer, const struct column_holders *holders,
		      uint32_t first, uint32_t end, struct out *out)
{
	uint32_t i;

	for (i = first; i < end; i++) {
		out_char(out, i == first ? ':' : ',');
		if (column_for_people(writer) && i - first == FDS_MAX) {
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
void column_write_holders(struct column_writer *writer, const struct column_holders *holders,
			  struct out *out)
{
	uint32_t i, same, end, n_processes;
	string_id comm;

	for (i = 0; i < holders->count; i = end) {
		if (i)
			out_string(out, column_for_people(writer) ? ", " : ";");
		comm = process_at(writer, holders, i)->comm;
		n_processes = 1;
		for (same = i + 1; same < holders->count && is_same_holder(holders, same);)
			same++;
		for (end = same; column_for_people(writer) && end < holders->count &&
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
		column_write_element(writer, comm, out);
		out_char(out, ' ');
		out_string(out, column_multiply_sign(writer));
		column_write_count(out, n_processes);
		out_string(out, " [");
		write_pids(writer, holders, i, end, PID_RANGES_MAX, out);
		out_char(out, ']');
	}
}

const char *column_owner_status(const struct column_writer *writer, enum owner_status status,
				enum socket_state remains)
{
	switch (status) {
	case OWNER_KERNEL:
		return "kernel";
	case OWNER_NONE:
		return remains == STATE_TIME_WAIT  ? "none (TIME-WAIT)" :
		       remains == STATE_FIN_WAIT_2 ? "none (FIN-WAIT-2)" :
						     "none (not accepted)";
	case OWNER_HIDDEN:
		return writer->in_pid_namespace ? "hidden (other pid namespace?)" :
						  "hidden (need privilege)";
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

void column_write_remains(const struct inet_socket *socket, struct out *out)
{
	out_string(out, "none (");
	out_string(out, socket_state_name((enum socket_state)socket->state));
	out_char(out, ' ');
}

void column_get_owner(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	struct column_holders holders = column_holders_of(writer, socket);
	enum owner_status status = socket->owner_status;

	if (holders.count) {
		column_write_holders(writer, &holders, out);
		return;
	}
	if (!column_for_people(writer)) {
		out_string(out, owner_status_name(status == OWNER_OWNED ? OWNER_UNKNOWN : status));
		return;
	}
	if (!socket_is_time_wait(socket)) {
		out_string(out, column_owner_status(writer, status, N_STATES));
		return;
	}
	column_write_remains(socket, out);
	if (socket->known & SOCKET_HAS_EXPIRES)
		column_write_time_left(writer, socket->timer_expires_ms, socket->timer_expires_ms,
				       out);
	else
		out_string(out, "? s");
	out_char(out, ')');
}

void column_get_pid(struct column_writer *writer, const struct column_holders *holders,
		    struct out *out)
{
	uint32_t i;

	if (column_for_people(writer))
		write_pids(writer, holders, 0, holders->count, UINT32_MAX, out);
	for (i = 0; !column_for_people(writer) && i < holders->count; i++) {
		if (is_same_holder(holders, i))
			continue;
		if (i)
			out_char(out, ',');
		out_unsigned(out, process_at(writer, holders, i)->pid);
	}
	write_end(writer, holders, out);
}

/*
 * The socket's uid is its creator's, and what the kernel compares at a bind; where it is not known
 * the owner's must do. TIME-WAIT has none.
 */
static bool find_uid(const struct column_writer *writer, const struct inet_socket *socket,
		     uint32_t *ret_uid)
{
	struct column_holders holders = column_holders_of(writer, socket);
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

void column_get_uid(struct column_writer *writer, const struct inet_socket *socket, struct out *out)
{
	uint32_t uid;

	if (socket_is_time_wait(socket))
		out_char(out, '-');
	else if (find_uid(writer, socket, &uid))
		out_unsigned(out, uid);
	else
		out_char(out, '?');
}

void column_get_user(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	string_id name = 0;
	uint32_t uid;

	if (writer->numeric || socket_is_time_wait(socket) || !find_uid(writer, socket, &uid)) {
		column_get_uid(writer, socket, out);
		return;
	}
	if (!writer->user_valid || writer->user_uid != uid) {
		snapshot_find_user(writer->snapshot, uid, &name);
		writer->user_uid = uid;
		writer->user_name = snapshot_text(writer->snapshot, name);
		writer->user_valid = true;
	}
	if (writer->user_name)
		column_write_name(writer, writer->user_name, strlen(writer->user_name), out);
	else
		out_unsigned(out, uid);
}

/* One string of each process; neighbours that have the same say it once. */
static void write_process_strings(struct column_writer *writer,
				  const struct column_holders *holders, size_t field,
				  struct out *out)
{
	string_id last = 0;
	uint32_t i;

	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);
		string_id id = *(const string_id *)((const char *)process + field);

		if (i && id == last)
			continue;
		if (i)
			column_write_separator(writer, out);
		column_write_element(writer, id, out);
		last = id;
	}
	write_end(writer, holders, out);
}

void column_get_process(struct column_writer *writer, const struct column_holders *holders,
			struct out *out)
{
	write_process_strings(writer, holders, offsetof(struct process, comm), out);
}

void column_get_cgroup(struct column_writer *writer, const struct column_holders *holders,
		       struct out *out)
{
	write_process_strings(writer, holders, offsetof(struct process, cgroup), out);
}

/* People know a container by the first twelve digits of its id. */
static void write_container(struct column_writer *writer, string_id id, struct out *out)
{
	size_t length;
	const char *text = string_pool_get(&writer->snapshot->strings, id, &length);

	if (column_for_people(writer) && length == 64 && strspn(text, "0123456789abcdef") == 64)
		length = 12;
	column_write_name(writer, text, length, out);
}

/* A container's unit is made of its id, which says less in more letters. */
static bool write_place(struct column_writer *writer, string_id unit, string_id container,
			bool container_only, struct out *out)
{
	if (container && (container_only || column_for_people(writer) || !unit)) {
		if (!container_only)
			out_string(out, "container:");
		write_container(writer, container, out);
		return true;
	}
	if (!unit || container_only)
		return false;
	column_write_string(writer, unit, out);
	return true;
}

/*
 * Unit or container of the processes; where they tell nothing, of the cgroup in which the socket
 * was made (a unit that is started by its socket has systemd's).
 */
static void write_unit(struct column_writer *writer, const struct column_holders *holders,
		       bool container_only, struct out *out)
{
	const struct inet_socket *socket = holders->socket;
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
			column_write_separator(writer, out);
		write_place(writer, unit, process->container, container_only, out);
		last_unit = unit;
		last_container = process->container;
		any = true;
	}
	if (any ||
	    (socket && write_place(writer, socket->unit, socket->container, container_only, out)))
		return;
	out_char(out, unknown ? '?' : '-');
}

void column_get_unit(struct column_writer *writer, const struct column_holders *holders,
		     struct out *out)
{
	write_unit(writer, holders, false, out);
}

void column_get_container(struct column_writer *writer, const struct column_holders *holders,
			  struct out *out)
{
	write_unit(writer, holders, true, out);
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
	if (!column_for_people(writer)) {
		column_write_name(writer, text, length, out);
		return;
	}
	for (;;) {
		span = strnlen(text, length);
		column_write_name(writer, text, span, out);
		if (span == length)
			return;
		out_char(out, ' ');
		text += span + 1;
		length -= span + 1;
	}
}

void column_get_cmdline(struct column_writer *writer, const struct column_holders *holders,
			struct out *out)
{
	string_id last = 0;
	uint32_t i;

	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);

		if (is_same_holder(holders, i) ||
		    (i && process->cmdline && process->cmdline == last))
			continue;
		if (i)
			out_string(out, column_for_people(writer) ? "; " : ";");
		write_cmdline(writer, process, out);
		last = process->cmdline;
	}
	write_end(writer, holders, out);
}

void column_get_exe(struct column_writer *writer, const struct column_holders *holders,
		    struct out *out)
{
	const struct process *last = NULL;
	uint32_t i;

	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);

		if (last && last->exe == process->exe && last->exe_deleted == process->exe_deleted)
			continue;
		if (last)
			column_write_separator(writer, out);
		column_write_element(writer, process->exe, out);
		if (process->exe_deleted == TRISTATE_YES)
			out_string(out, column_for_people(writer) ? " (deleted)" : "(deleted)");
		last = process;
	}
	write_end(writer, holders, out);
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

void column_get_start(struct column_writer *writer, const struct column_holders *holders,
		      struct out *out)
{
	uint32_t i;

	for (i = 0; i < holders->count; i++) {
		const struct process *process = process_at(writer, holders, i);

		if (is_same_holder(holders, i))
			continue;
		if (i)
			column_write_separator(writer, out);
		if (process->known & PROCESS_HAS_START_TIME)
			write_time(process->start_time_ns, out);
		else
			out_char(out, '?');
	}
	write_end(writer, holders, out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json.h"

#include <string.h>
#include <time.h>

#include "model/snapshot-json-socket.h"

struct save {
	const struct snapshot *snapshot;
	struct json_writer *writer;
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
	string_id name = 0;

	if (known)
		snapshot_find_user(save->snapshot, uid, &name);
	write_id(save, name);
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

/* Seldom there, and then of one port. */
static void save_memories(struct save *save, uint32_t netns)
{
	struct json_writer *writer = save->writer;
	char address[ADDRESS_TEXT_MAX];
	bool first = true;
	uint32_t i;

	for (i = 0; i < save->snapshot->n_memories; i++) {
		const struct bucket_memory *row = &save->snapshot->memories[i];

		if (row->netns != netns)
			continue;
		if (first) {
			json_name(writer, "bind_memory");
			json_begin_array(writer);
			first = false;
		}
		json_begin_object(writer);
		json_name(writer, "port");
		json_write_unsigned(writer, row->port);
		json_name(writer, "fastreuseport");
		json_write_signed(writer, row->memory.reuse_port);
		json_name(writer, "uid");
		json_write_unsigned(writer, row->memory.uid);
		json_name(writer, "address");
		json_write_string(writer, address_format(row->memory.family, &row->memory.address,
							 address));
		json_name(writer, "v6only");
		json_write_bool(writer, row->memory.v6only);
		json_end(writer);
	}
	if (!first)
		json_end(writer);
}

static void save_netns(struct save *save, uint32_t index)
{
	const struct netns *netns = &save->snapshot->netns[index];
	struct json_writer *writer = save->writer;
	int i;

	json_begin_object(writer);
	json_name(writer, "id");
	write_known(save, netns->id, netns->id);
	json_name(writer, "name");
	write_id(save, netns->name);
	json_name(writer, "own");
	write_tristate(save, (enum tristate)netns->own);
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
	save_memories(save, index);
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
	json_name(writer, "cwd");
	write_id(save, process->cwd);
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

static void save_finding(struct save *save, const struct finding_list *list,
			 const struct finding *finding)
{
	struct json_writer *writer = save->writer;
	uint32_t i;

	json_begin_object(writer);
	json_name(writer, "id");
	json_write_string(writer, finding_name((enum finding_id)finding->id));
	json_name(writer, "severity");
	json_write_string(writer, severity_name((enum severity)finding->severity));
	json_name(writer, "netns");
	write_known(save,
		    finding->netns < save->snapshot->n_netns &&
			    save->snapshot->netns[finding->netns].id,
		    finding->netns < save->snapshot->n_netns ?
			    save->snapshot->netns[finding->netns].id :
			    0);
	json_name(writer, "protocol");
	json_write_string(writer, protocol_name((enum protocol)finding->protocol));
	json_name(writer, "port");
	write_known(save, finding->port, finding->port);
	json_name(writer, "sockets");
	json_begin_array(writer);
	for (i = 0; i < finding->n_sockets; i++)
		json_write_unsigned(writer, list->sockets[finding->first_socket + i]);
	json_end(writer);
	json_name(writer, "title");
	json_write_string(writer, finding->title);
	json_name(writer, "evidence");
	json_write_string(writer, finding->evidence);
	json_name(writer, "text");
	json_write_string(writer, finding->text);
	json_name(writer, "remedy");
	json_write_string(writer, finding->remedy);
	json_end(writer);
}

/* Those that are decided, or those that are not. */
static void save_findings(struct save *save, const char *name, const struct finding_list *list,
			  bool undecided)
{
	uint32_t i;

	json_name(save->writer, name);
	if (!list) {
		json_write_null(save->writer);
		return;
	}
	json_begin_array(save->writer);
	for (i = 0; i < list->count; i++)
		if (list->items[i].undecided == undecided)
			save_finding(save, list, &list->items[i]);
	json_end(save->writer);
}

void snapshot_json_save(const struct snapshot *snapshot, const struct finding_list *findings,
			struct json_writer *writer)
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
		save_netns(&save, i);
	json_end(writer);
	json_name(writer, "processes");
	json_begin_array(writer);
	for (i = 0; i < snapshot->n_processes; i++)
		save_process(&save, &snapshot->processes[i]);
	json_end(writer);
	json_name(writer, "sockets");
	json_begin_array(writer);
	json_save_sockets(snapshot, writer);
	json_end(writer);
	json_name(writer, "limits");
	json_begin_array(writer);
	for (i = 0; i < snapshot->n_limits; i++)
		save_limit(&save, &snapshot->limits[i]);
	json_end(writer);
	save_findings(&save, "findings", findings, false);
	save_findings(&save, "undecided", findings, true);
	json_end(writer);
	out_char(writer->out, '\n');
}

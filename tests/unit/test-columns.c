/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/columns.h"

#include <errno.h>
#include <locale.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "output/column-row.h"
#include "output/raw.h"

static struct snapshot *snapshot;
static struct out text;

static const char *taken(void)
{
	out_char(&text, '\0');
	text.used = 0;
	return text.buffer;
}

static const char *value_styled(enum column_id id, const struct inet_socket *socket,
				enum escape_style style)
{
	struct column_writer writer;

	column_writer_init(&writer, snapshot, style);
	column_write(&writer, id, socket, &text);
	column_writer_done(&writer);
	return taken();
}

static const char *value(enum column_id id, const struct inet_socket *socket)
{
	return value_styled(id, socket, ESCAPE_TERMINAL);
}

static const char *raw_value(enum column_id id, const struct inet_socket *socket)
{
	return value_styled(id, socket, ESCAPE_RAW);
}

static void test_unknown(void)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_UDP, STATE_ESTAB, "::1", 53);
	static const enum column_id ids[] = {
		COLUMN_DEVICE,	  COLUMN_V6ONLY,    COLUMN_REUSE,  COLUMN_EVIDENCE, COLUMN_QUEUE,
		COLUMN_RECV,	  COLUMN_SEND,	    COLUMN_LIMIT,  COLUMN_DROPS,    COLUMN_PEER,
		COLUMN_TIMER,	  COLUMN_PROCESS,   COLUMN_PID,	   COLUMN_USER,	    COLUMN_UID,
		COLUMN_UNIT,	  COLUMN_CONTAINER, COLUMN_CGROUP, COLUMN_CMDLINE,  COLUMN_EXE,
		COLUMN_START,	  COLUMN_INODE,	    COLUMN_COOKIE, COLUMN_MARK,	    COLUMN_OPTIONS,
		COLUMN_MULTICAST,
	};
	size_t i;
	int id;

	for (i = 0; i < sizeof(ids) / sizeof(*ids); i++)
		is_str(raw_value(ids[i], socket), "?", "unknown %s", column_info(ids[i])->name);
	is_str(value(COLUMN_OWNER, socket), "unknown", "unknown owner");
	for (id = 0; id < N_COLUMNS; id++) {
		ok(*value((enum column_id)id, socket), "%s is not empty",
		   column_info((enum column_id)id)->name);
		ok(!strpbrk(raw_value((enum column_id)id, socket), " \t\n"), "%s is one word",
		   column_info((enum column_id)id)->name);
	}
}

static void test_reuse(void)
{
	static const struct {
		enum tristate addr, port;
		enum evidence evidence;
		const char *expected;
	} cases[] = {
		{ TRISTATE_YES, TRISTATE_YES, EVIDENCE_BPF, "addr,port" },
		{ TRISTATE_YES, TRISTATE_NO, EVIDENCE_GETSOCKOPT, "addr" },
		{ TRISTATE_NO, TRISTATE_YES, EVIDENCE_BPF, "port" },
		{ TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF, "-" },
		{ TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, EVIDENCE_UNKNOWN, "?" },
		{ TRISTATE_UNKNOWN, TRISTATE_YES, EVIDENCE_INFERRED, "~addr?,port" },
		{ TRISTATE_YES, TRISTATE_UNKNOWN, EVIDENCE_INFERRED, "~addr,port?" },
		{ TRISTATE_UNKNOWN, TRISTATE_NO, EVIDENCE_BPF, "addr?" },
		{ TRISTATE_NO, TRISTATE_UNKNOWN, EVIDENCE_BPF, "port?" },
		{ TRISTATE_NO, TRISTATE_NO, EVIDENCE_INFERRED, "~-" },
	};
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 53);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_reuse(socket, cases[i].addr, cases[i].port, cases[i].evidence);
		is_str(value(COLUMN_REUSE, socket), cases[i].expected, "reuse %s",
		       cases[i].expected);
	}
}

static void test_addresses(void)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 53);

	is_str(value(COLUMN_LOCAL, socket), "[::] v6only?", "unknown v6only is not none");
	socket->v6only = TRISTATE_YES;
	is_str(value(COLUMN_LOCAL, socket), "[::] v6only", "v6only");
	is_str(raw_value(COLUMN_LOCAL, socket), "[::],v6only", "v6only, one word");
	socket->v6only = TRISTATE_NO;
	socket->device = snapshot_string(snapshot, "eth 0");
	is_str(value(COLUMN_LOCAL, socket), "[::]%eth 0", "device");
	is_str(raw_value(COLUMN_LOCAL, socket), "[::]%eth\\x200", "device, one word");
	is_str(value(COLUMN_PEER, socket), "-", "a listener has no peer");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_ESTAB, "255.10.0.100", 53);
	is_str(value(COLUMN_LOCAL, socket), "255.10.0.100", "IPv4");
	is_str(value(COLUMN_V6ONLY, socket), "-", "IPv4 has no v6only");
	make_peer(socket, "1.2.3.4", 65535);
	is_str(value(COLUMN_PEER, socket), "1.2.3.4:65535", "peer");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_ESTAB, "::ffff:1.2.3.4", 53);
	is_str(value(COLUMN_LOCAL, socket), "[::ffff:1.2.3.4]", "mapped");
}

static void test_owners(void)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	uint32_t processes[5], fake, i;

	for (i = 0; i < 4; i++)
		processes[i] = make_process(snapshot, 900 + i, "nginx");
	processes[4] = make_process(snapshot, 950, "sh");
	fake = make_process(snapshot, 960, "x[1]:3, \"sshd");

	make_owner(snapshot, socket, processes[0], 3);
	make_owner(snapshot, socket, processes[0], 4);
	is_str(value(COLUMN_OWNER, socket), "nginx[900]:3,4", "two descriptors of a process");
	for (i = 1; i < 4; i++)
		make_owner(snapshot, socket, processes[i], 3);
	is_str(value(COLUMN_OWNER, socket), "nginx ×4 [900-903]", "four processes of one name");
	make_owner(snapshot, socket, processes[4], OWNER_FD_NONE);
	is_str(value(COLUMN_OWNER, socket), "nginx ×4 [900-903], sh[950]:io_uring",
	       "and another that holds it without a descriptor");
	is_str(raw_value(COLUMN_OWNER, socket),
	       "nginx[900]:3,4;nginx[901]:3;nginx[902]:3;nginx[903]:3;sh[950]:io_uring",
	       "raw names all");
	is_str(value(COLUMN_PID, socket), "900-903,950", "pid");
	is_str(raw_value(COLUMN_PID, socket), "900,901,902,903,950", "pid, raw");
	is_str(value(COLUMN_PROCESS, socket), "nginx, sh", "process");

	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	make_owner(snapshot, socket, processes[4], OWNER_FD_UNKNOWN);
	is_str(value(COLUMN_OWNER, socket), "sh[950]:?", "a descriptor that is not known");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 81);
	make_owner(snapshot, socket, fake, 3);
	is_str(value(COLUMN_OWNER, socket), "\"x[1]:3, \\x22sshd\"[960]:3",
	       "a name cannot pass for another owner");
	is_str(raw_value(COLUMN_OWNER, socket), "\"x[1]:3,\\x20\\x22sshd\"[960]:3", "nor in raw");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 82);
	make_owner(snapshot, socket, make_process(snapshot, 961, "-"), 3);
	is_str(value(COLUMN_PROCESS, socket), "\\x2d", "a process called - is not none");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 83);
	make_owner(snapshot, socket, make_process(snapshot, 962, ""), 3);
	is_str(value(COLUMN_PROCESS, socket), "\"\"", "an empty name");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 84);
	make_owner(snapshot, socket, make_process(snapshot, 963, "a\033[2Jb"), 3);
	ok(!strchr(value(COLUMN_OWNER, socket), '\033'), "no escape sequence comes through");
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 85);
	for (i = 0; i < 1000; i++)
		make_owner(snapshot, socket, processes[0], (int32_t)i);
	is_str(value(COLUMN_OWNER, socket), "nginx[900]:0,1,2,3,4,5,6,7,… 1,000 fds",
	       "very many descriptors are counted");
}

static void test_no_owner(void)
{
	static const struct {
		enum socket_state state;
		enum owner_status status;
		const char *people, *raw, *pid;
	} cases[] = {
		{ STATE_LISTEN, OWNER_KERNEL, "kernel", "kernel", "-" },
		{ STATE_ESTAB, OWNER_NONE, "none (not accepted)", "none", "-" },
		{ STATE_TIME_WAIT, OWNER_NONE, "none (TIME-WAIT 41 s)", "none", "-" },
		{ STATE_LISTEN, OWNER_HIDDEN, "hidden (need privilege)", "hidden", "?" },
		{ STATE_LAST_ACK, OWNER_ORPHAN, "orphan", "orphan", "-" },
		{ STATE_LISTEN, OWNER_IN_FLIGHT, "in flight", "in-flight", "-" },
		{ STATE_LISTEN, OWNER_UNKNOWN, "unknown", "unknown", "?" },
		{ STATE_LISTEN, OWNER_OWNED, "unknown", "unknown", "?" },
	};
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	size_t i;

	make_expiry(socket, 40001);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		socket->state = (uint8_t)cases[i].state;
		socket->owner_status = (uint8_t)cases[i].status;
		is_str(value(COLUMN_OWNER, socket), cases[i].people, "%s", cases[i].people);
		is_str(raw_value(COLUMN_OWNER, socket), cases[i].raw, "%s, raw", cases[i].people);
		is_str(value(COLUMN_PID, socket), cases[i].pid, "%s, pid", cases[i].people);
	}
}

static void test_queue(void)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);

	socket->known |= SOCKET_HAS_QUEUE;
	is_str(value(COLUMN_QUEUE, socket), "0/?", "limit not known");
	socket->known |= SOCKET_HAS_LIMIT;
	socket->queue_limit = 128;
	is_str(value(COLUMN_QUEUE, socket), "0/128", "listener");
	socket->queue_recv = 128;
	is_str(value(COLUMN_QUEUE, socket), "128/128", "one more fits in");
	socket->queue_recv = 129;
	is_str(value(COLUMN_QUEUE, socket), "129/128 full", "full");
	is_int(column_role(COLUMN_QUEUE, socket), COLOR_ALARM, "and coloured");
	is_str(raw_value(COLUMN_QUEUE, socket), "129/128", "raw");
	socket->state = STATE_ESTAB;
	socket->queue_recv = 0;
	is_str(value(COLUMN_QUEUE, socket), "0", "connection");
	socket->queue_recv = 9999;
	socket->queue_send = 1234567;
	is_str(value(COLUMN_QUEUE, socket), "9999 in, 1.1M out", "both ways");
	socket->protocol = PROTOCOL_UDP;
	socket->queue_send = 0;
	is_str(value(COLUMN_QUEUE, socket), "? lost, 9999 in", "drops not known");
	socket->known |= SOCKET_HAS_DROPS;
	is_str(value(COLUMN_QUEUE, socket), "9999 in", "no drops");
	socket->drops = 1712;
	is_str(value(COLUMN_QUEUE, socket), "1,712 lost, 9999 in", "drops");
	socket->queue_recv = 10239;
	is_str(value(COLUMN_QUEUE, socket), "1,712 lost, 9.9K in", "kilobytes");
	socket->queue_recv = UINT32_MAX;
	is_str(value(COLUMN_QUEUE, socket), "1,712 lost, 3.9G in", "the most");
}

static void test_process_details(void)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	uint32_t index = make_process(snapshot, 1000, "python3");
	struct process *process = &snapshot->processes[index];

	process->cmdline = string_pool_add_bytes(&snapshot->strings, "python3\0my app.py\0", 18);
	process->known |= PROCESS_HAS_CMDLINE | PROCESS_HAS_START_TIME | PROCESS_HAS_UID;
	process->exe = snapshot_string(snapshot, "/usr/bin/python3");
	process->exe_deleted = TRISTATE_YES;
	process->start_time_ns = 1795202426000000000;
	process->cgroup = snapshot_string(snapshot, "/system.slice/a.service");
	process->uid = 1000;
	make_owner(snapshot, socket, index, 3);
	is_str(value(COLUMN_CMDLINE, socket), "python3 my app.py", "command line");
	is_str(raw_value(COLUMN_CMDLINE, socket), "python3\\x00my\\x20app.py", "command line, raw");
	is_str(value(COLUMN_EXE, socket), "/usr/bin/python3 (deleted)", "executable");
	is_str(raw_value(COLUMN_EXE, socket), "/usr/bin/python3(deleted)", "executable, raw");
	is_str(value(COLUMN_START, socket), "2026-11-20T19:20:26Z", "start");
	is_str(value(COLUMN_UNIT, socket), "-", "a cgroup without unit");
	is_str(value(COLUMN_USER, socket), "1000", "user by the process; no name");
	socket->uid = 33;
	socket->known |= SOCKET_HAS_UID;
	snapshot_set_user(snapshot, 33, snapshot_string(snapshot, "www-data"));
	is_str(value(COLUMN_USER, socket), "www-data", "user of the socket");
	is_str(value(COLUMN_UID, socket), "33", "uid");
	process = &snapshot->processes[index];
	process->unit = snapshot_string(snapshot, "a.service");
	socket->unit = snapshot_string(snapshot, "init.scope");
	is_str(value(COLUMN_UNIT, socket), "a.service", "the process's unit, not the socket's");
	snapshot->processes[index].container = snapshot_string(snapshot, id);
	is_str(value(COLUMN_UNIT, socket), "container:0123456789ab", "container");
	is_str(raw_value(COLUMN_UNIT, socket), "a.service", "raw has the unit");
	is_str(raw_value(COLUMN_CONTAINER, socket), id, "and the whole container id");
}

/* A name that reads like what stands for no name, or for several. */
static void test_names_like_words(void)
{
	static const struct {
		const char *name, *shown, *raw;
	} names[] = {
		{ "-", "\\x2d", "\\x2d" },	   { "?", "\\x3f", "\\x3f" },
		{ "mixed", "\\x6dixed", "mixed" }, { "mixed-up", "mixed-up", "mixed-up" },
		{ "\xff", "\\xff", "\\x5cxff" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct inet_socket *socket =
			make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);

		make_owner(snapshot, socket,
			   make_process(snapshot, 2000 + (uint32_t)i, names[i].name), 3);
		is_str(value(COLUMN_PROCESS, socket), names[i].shown, "%s", names[i].shown);
		is_str(raw_value(COLUMN_PROCESS, socket), names[i].raw, "%s, raw", names[i].shown);
	}
}

/* What is left of a client's connections is named as it is. */
static void test_client_remains(void)
{
	static const enum socket_state states[] = { STATE_TIME_WAIT, STATE_FIN_WAIT_2 };
	static const char *const shown[] = { "none (TIME-WAIT)", "none (FIN-WAIT-2)" };
	size_t i;
	int k;

	for (i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct snapshot *world = snapshot_new();
		struct column_writer writer;
		struct port_summary summary;
		struct port_view view;

		snapshot_add_netns(world);
		for (k = 0; k < 3; k++) {
			struct inet_socket *socket = make_connection(
				world, states[i], (uint16_t)(50000 + k), "10.1.1.1", 80);

			make_expiry(socket, 13000);
			socket->timer = TIMER_TIME_WAIT;
			socket->known |= SOCKET_HAS_INODE;
			socket->owner_status = OWNER_NONE;
		}
		port_view_init(&view, world, false);
		column_writer_init(&writer, world, ESCAPE_TERMINAL);
		port_view_sum(&view, &view.rows[0], &summary);
		is_int(view.rows[0].kind, PORT_ROW_CLIENT, "outgoing");
		column_write_program(&writer, &summary, &text);
		is_str(taken(), shown[i], "%s", shown[i]);
		column_writer_done(&writer);
		port_view_done(&view);
		snapshot_free(world);
	}
}

static void test_rows(void)
{
	struct snapshot *world = snapshot_new();
	struct column_writer writer;
	struct port_summary summary;
	struct port_view view;
	int i;

	snapshot_add_netns(world);
	for (i = 0; i < 3000; i++) {
		struct inet_socket *socket =
			make_connection(world, i < 2000 ? STATE_ESTAB : STATE_TIME_WAIT, 80,
					"10.1.1.1", (uint16_t)(i + 1));

		if (i >= 2000)
			make_expiry(socket, (uint32_t)(12002 + i));
		make_reuse(socket, TRISTATE_YES, i < 500 ? TRISTATE_NO : TRISTATE_YES,
			   EVIDENCE_BPF);
	}
	make_owner(world, &world->sockets[0], make_process(world, 7, "httpd"), 3);
	port_view_init(&view, world, false);
	column_writer_init(&writer, world, ESCAPE_TERMINAL);
	writer.ascii = true;
	writer.grouped = true;
	port_view_sum(&view, &view.rows[0], &summary);
	column_write_row(&writer, COLUMN_PORT, &summary, &text);
	is_str(taken(), "tcp:80", "port");
	column_write_row(&writer, COLUMN_STATE, &summary, &text);
	is_str(taken(), "ESTAB x2,000", "state with a count");
	column_write_row(&writer, COLUMN_REUSE, &summary, &text);
	is_str(taken(), "mixed", "flags that differ");
	column_write_row(&writer, COLUMN_LOCAL, &summary, &text);
	is_str(taken(), "10.0.0.7", "address that does not");
	summary.differs &= ~(uint32_t)DIFFERS_PEER;
	column_write_row(&writer, COLUMN_LOCAL, &summary, &text);
	is_str(taken(), "10.0.0.7 -> 10.1.1.1:1", "and where all of a port's connections go");
	column_write_row(&writer, COLUMN_OWNER, &summary, &text);
	is_str(taken(), "httpd[7], 1,999 unknown", "owners, and how many have none that is known");
	column_write_row(&writer, COLUMN_PID, &summary, &text);
	is_str(taken(), "7, ?", "pids, and that there may be more");
	port_view_sum(&view, &view.rows[1], &summary);
	column_write_row(&writer, COLUMN_REUSE, &summary, &text);
	is_str(taken(), "addr,port", "flags that are the same");
	column_write_row(&writer, COLUMN_OWNER, &summary, &text);
	is_str(taken(), "none (TIME-WAIT 15-16 s)", "when the first and the last end, rounded up");
	column_write_states(&writer, &summary, &text);
	is_str(taken(), "1,000 TIME-WAIT (15-16 s)", "states");
	column_writer_done(&writer);
	port_view_done(&view);
	snapshot_free(world);
}

static void test_parse(void)
{
	struct column_list list;
	char *error = NULL;
	int id;

	is_int(columns_parse("port,State,process", LIST_GROUPED, &list, &error), 0, "a list");
	is_int(list.count, 3, "its length");
	is_int(list.ids[1], COLUMN_STATE, "without regard to case");
	ok(!list.has_default, "is not the default");
	is_int(columns_needs(&list), 0, "and needs nothing further");
	is_int(columns_parse(NULL, LIST_RAW, &list, &error), 0, "the default");
	ok(list.has_default, "is known as such");
	is_int(columns_parse("+inode,cmdline,port", LIST_GROUPED, &list, &error), 0, "additions");
	is_int(list.ids[list.count - 1], COLUMN_CMDLINE, "come last, none comes twice");
	ok(list.has_default && list.named[COLUMN_PORT] && !list.named[COLUMN_OWNER],
	   "to the default, and those that were named are known");
	ok(columns_needs(&list) & NEED_CMDLINE, "and tell what they need");
	is_int(columns_parse("port,\033x", LIST_GROUPED, &list, &error), -EINVAL, "unknown");
	ok(strstr(error, "\"\\x1bx\"") && strstr(error, "multicast"),
	   "the error names it, safely, and the known ones");
	free(error);
	is_int(columns_parse("port,", LIST_GROUPED, &list, &error), -EINVAL, "an empty name");
	free(error);
	is_int(columns_parse("+", LIST_GROUPED, &list, &error), -EINVAL, "nothing to add");
	free(error);
	for (id = 0; id < N_COLUMNS; id++)
		ok(columns_parse(column_info((enum column_id)id)->name, LIST_RAW, &list, &error) ==
				   0 &&
			   list.ids[0] == id,
		   "%s is found by its name", column_info((enum column_id)id)->name);
}

static void test_raw(void)
{
	struct snapshot *world = snapshot_new();
	struct column_list list;
	char *error;

	columns_parse("proto,port,local,process", LIST_RAW, &list, &error);
	raw_write(world, &(struct list_view_options){ .columns = list, .header = true }, &text);
	is_str(taken(), "proto port local process\n", "nothing but the header");
	make_socket(world, PROTOCOL_UDP, STATE_BOUND, "127.0.0.1", 53);
	make_owner(world, make_socket(world, PROTOCOL_TCP, STATE_LISTEN, "::1", 80),
		   make_process(world, 1, "a b\n\\"), 3);
	raw_write(world, &(struct list_view_options){ .columns = list }, &text);
	is_str(taken(), "udp 53 127.0.0.1 ?\ntcp 80 [::1] a\\x20b\\x0a\\x5c\n", "two sockets");
	snapshot_free(world);
}

static void test_count(void)
{
	column_write_count(&text, 1002003);
	is_str(taken(), "1,002,003", "digits in groups");
	column_write_count(&text, 999);
	is_str(taken(), "999", "a single group");
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	snapshot = snapshot_new();
	snapshot_add_netns(snapshot);
	out_init(&text, -1);
	test_unknown();
	test_reuse();
	test_addresses();
	test_owners();
	test_no_owner();
	test_queue();
	test_process_details();
	test_names_like_words();
	test_client_remains();
	test_rows();
	test_parse();
	test_raw();
	test_count();
	out_done(&text);
	snapshot_free(snapshot);
	return done_testing();
}

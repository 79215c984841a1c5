/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/filter.h"

#include <sys/socket.h>

#include "helpers/tap.h"

/*
 * 0: tcp 80 LISTEN, nginx 100 and 101; 1: tcp 80 ESTAB, nginx 101; 2: udp 53 BOUND, no owner seen;
 * 3: tcp6 22 LISTEN, sshd 200; 4: tcp 80 TIME-WAIT; 5: udp 5060, 6: udp 5060, both python3 300, which runs
 * sipd.py.
 */
static struct snapshot *world(void)
{
	static const struct {
		enum protocol protocol;
		enum socket_state state;
		uint8_t family;
		uint16_t port;
		uint32_t pids[2];
	} rows[] = {
		{ PROTOCOL_TCP, STATE_LISTEN, AF_INET, 80, { 100, 101 } },
		{ PROTOCOL_TCP, STATE_ESTAB, AF_INET, 80, { 101 } },
		{ PROTOCOL_UDP, STATE_BOUND, AF_INET, 53, { 0 } },
		{ PROTOCOL_TCP, STATE_LISTEN, AF_INET6, 22, { 200 } },
		{ PROTOCOL_TCP, STATE_TIME_WAIT, AF_INET, 80, { 0 } },
		{ PROTOCOL_UDP, STATE_BOUND, AF_INET, 5060, { 300 } },
		{ PROTOCOL_UDP, STATE_BOUND, AF_INET, 5060, { 300 } },
	};
	static const struct {
		uint32_t pid, uid;
		const char *comm, *unit;
	} processes[] = {
		{ 100, 0, "nginx", "nginx.service" },
		{ 101, 33, "nginx", "nginx.service" },
		{ 200, 0, "sshd", "ssh.service" },
		{ 300, 1000, "python3", NULL },
	};
	static const char script[] = "python3\0/opt/sipd.py\0"
				     "5060";
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	struct process *process;
	size_t i, j;

	snapshot_add_netns(snapshot);
	for (i = 0; i < sizeof(processes) / sizeof(*processes); i++) {
		process = snapshot_add_process(snapshot);
		process->pid = processes[i].pid;
		process->uid = processes[i].uid;
		process->known = PROCESS_HAS_UID;
		process->comm = snapshot_string(snapshot, processes[i].comm);
		process->unit = snapshot_string(snapshot, processes[i].unit);
	}
	process->cmdline = string_pool_add_bytes(&snapshot->strings, script, sizeof(script));
	process->known |= PROCESS_HAS_CMDLINE;
	snapshot_set_user(snapshot, 33, snapshot_string(snapshot, "www-data"));
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		socket = snapshot_add_socket(snapshot);
		socket->protocol = (uint8_t)rows[i].protocol;
		socket->state = (uint8_t)rows[i].state;
		socket->family = rows[i].family;
		socket->local_port = rows[i].port;
		socket->first_owner = snapshot->n_owners;
		for (j = 0; j < 2 && rows[i].pids[j]; j++) {
			snapshot_add_owner(snapshot)->process =
				snapshot_find_process(snapshot, rows[i].pids[j]);
			socket->n_owners++;
		}
	}
	return snapshot;
}

/* The indexes that a filter keeps, as text. */
static void keeps(const struct filter *filter, const char *expected, const char *what)
{
	struct snapshot *snapshot = world();
	char text[32] = "";
	bool keep[16];
	uint32_t i, n;

	n = filter_apply(filter, snapshot, keep);
	for (i = 0; i < snapshot->n_sockets; i++) {
		if (keep[i])
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u", i);
	}
	is_str(text, expected, "%s", what);
	is_int(n, (long long)strlen(expected), "%s: the count", what);
	snapshot_free(snapshot);
}

#define FILTER(...)                                                                                \
	({                                                                                         \
		struct filter made;                                                                \
		filter_init(&made);                                                                \
		__VA_ARGS__;                                                                       \
		made;                                                                              \
	})

static void test_conditions(void)
{
	static const uint32_t pids[] = { 101, 300 };
	struct filter filter;

	filter = FILTER((void)0);
	keeps(&filter, "0123456", "nothing asked");
	filter = FILTER(made.states = 1U << STATE_TIME_WAIT);
	keeps(&filter, "4", "a state");
	filter = FILTER(made.protocols = 1U << PROTOCOL_UDP);
	keeps(&filter, "256", "a protocol");
	filter = FILTER(made.inet = false);
	keeps(&filter, "3", "IPv6 only");
	filter = FILTER(made.listening = true);
	keeps(&filter, "02356", "listening");
	filter = FILTER(made.pids = pids; made.n_pids = 2);
	keeps(&filter, "0156", "two processes, one of which shares");
	filter = FILTER(made.process = "nginx");
	keeps(&filter, "01", "a process name");
	filter = FILTER(made.process = "[ps]*");
	keeps(&filter, "356", "a pattern");
	filter = FILTER(made.process = "sipd.py");
	keeps(&filter, "56", "the script of an interpreter, as findings name it");
	filter = FILTER(made.process = "python3");
	keeps(&filter, "56", "and still the interpreter");
	filter = FILTER(made.process = "5060");
	keeps(&filter, "", "but no other argument");
	filter = FILTER(made.user = "www-data");
	keeps(&filter, "01", "a user by name");
	filter = FILTER(made.user = "1000");
	keeps(&filter, "56", "a user by number");
	filter = FILTER(made.unit = "ssh");
	keeps(&filter, "3", "a unit without its suffix");
	filter = FILTER(made.unit = "*.service");
	keeps(&filter, "013", "units by pattern");
	filter = FILTER(made.process = "nginx"; made.user = "1000");
	keeps(&filter, "", "conditions must hold of one owner");
	filter = FILTER(made.shared = true);
	keeps(&filter, "01456", "shared: two sockets, or two processes of one socket");
	filter = FILTER(made.shared = true; made.states = 1U << STATE_LISTEN);
	keeps(&filter, "0", "shared, and a state");
}

/* Whose command lines must be read to know. */
static void test_unnamed(void)
{
	static const uint32_t pids[] = { 200, 300 };
	struct snapshot *snapshot = world();
	struct filter filter = FILTER(made.process = "nginx");
	bool unnamed[16] = { false };

	is_int(filter_unnamed_processes(&filter, snapshot, unnamed), 2, "two have another comm");
	is_int(unnamed[0] || unnamed[1], false, "none that has the name already");
	is_int(unnamed[2] && unnamed[3], true, "and they are those");
	filter = FILTER(made.process = "python3"; made.pids = pids; made.n_pids = 2);
	is_int(filter_unnamed_processes(&filter, snapshot, unnamed), 1,
	       "none of a process that is not asked for");
	filter = FILTER(made.pids = pids; made.n_pids = 2);
	is_int(filter_unnamed_processes(&filter, snapshot, unnamed), 0, "none without a name");
	snapshot_free(snapshot);
}

static void test_retain(void)
{
	struct snapshot *snapshot = world();
	const bool keep[16] = { [1] = true, [6] = true };

	snapshot_retain(snapshot, keep);
	is_int(snapshot->n_sockets, 2, "two sockets are kept");
	is_int(snapshot->n_processes, 2, "with the two processes that own them");
	is_int(snapshot->sockets[1].local_port, 5060, "in order");
	is_int(snapshot->processes[snapshot->owners[snapshot->sockets[0].first_owner].process].pid,
	       101, "owners point to the moved rows");
	is_int(snapshot->processes[snapshot->owners[snapshot->sockets[1].first_owner].process].pid,
	       300, "of the second too");
	snapshot_free(snapshot);
}

int main(void)
{
	test_conditions();
	test_unnamed();
	test_retain();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot.h"

#include <errno.h>

#include "helpers/tap.h"

static void test_names(void)
{
	int i;

	for (i = 0; i < N_STATES; i++)
		is_int(socket_state_parse(socket_state_name(i)), i, "state %s",
		       socket_state_name(i));
	for (i = 0; i < N_PROTOCOLS; i++)
		is_int(protocol_parse(protocol_name(i)), i, "protocol %s", protocol_name(i));
	for (i = 0; i < N_EVIDENCES; i++)
		is_int(evidence_parse(evidence_name(i)), i, "evidence %s", evidence_name(i));
	for (i = 0; i < N_OWNER_STATUSES; i++)
		is_int(owner_status_parse(owner_status_name(i)), i, "owner status %s",
		       owner_status_name(i));
	for (i = 0; i < N_TIMERS; i++)
		is_int(timer_kind_parse(timer_kind_name(i)), i, "timer %s", timer_kind_name(i));
	is_int(socket_state_parse("time_wait"), STATE_TIME_WAIT, "state with an underscore");
	is_int(socket_state_parse("established"), STATE_ESTAB, "netstat's name of a state");
	is_int(socket_state_parse("fin-wait-2x"), -EINVAL, "no state");
	is_int(socket_state_parse("a-very-long-name-of-no-state"), -EINVAL, "no state, and long");
	is_int(socket_state_parse(""), -EINVAL, "no state, and empty");
	for (i = 0; i < N_SYSCTLS; i++)
		ok(sysctl_name(i) && *sysctl_name(i), "sysctl %d has a name", i);
	for (i = 0; i < N_COUNTERS; i++)
		ok(counter_name(i) && *counter_name(i), "counter %d has a name", i);
}

static void test_limits(void)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot_add_limit(snapshot, "owners", "EACCES", 2, "owners of %s are hidden", "others");
	snapshot_add_limit(snapshot, "owners", "EACCES", 3, "owners of others are hidden");
	snapshot_add_limit(snapshot, "owners", "EPERM", 1, "owners of others are hidden");
	is_int(snapshot->n_limits, 2, "equal limits are counted up");
	is_int(snapshot->limits[0].count, 5, "the count");
	is_str(snapshot_text(snapshot, snapshot->limits[0].text), "owners of others are hidden",
	       "the text");
	snapshot_free(snapshot);
}

static void test_users(void)
{
	struct snapshot *snapshot = snapshot_new();
	string_id name = 77;

	snapshot_set_user(snapshot, 0, snapshot_string(snapshot, "root"));
	snapshot_set_user(snapshot, 0, snapshot_string(snapshot, "toor"));
	snapshot_set_user(snapshot, 5, 0);
	ok(snapshot_find_user(snapshot, 0, &name), "a user that is there");
	is_str(snapshot_text(snapshot, name), "root", "keeps its first name");
	ok(snapshot_find_user(snapshot, 5, &name) && !name, "a uid without a name is remembered");
	ok(!snapshot_find_user(snapshot, 6, &name), "a uid that was never asked");
	snapshot_free(snapshot);
}

static void test_processes(void)
{
	static const uint32_t pids[] = { 1, 2, 30, 31, 4000000 };
	struct snapshot *snapshot = snapshot_new();
	size_t i;

	is_int(snapshot_find_process(snapshot, 1), SNAPSHOT_NONE, "none in an empty table");
	for (i = 0; i < 5; i++)
		snapshot_add_process(snapshot)->pid = pids[i];
	for (i = 0; i < 5; i++)
		is_int(snapshot_find_process(snapshot, pids[i]), (long long)i, "pid %u", pids[i]);
	is_int(snapshot_find_process(snapshot, 3), SNAPSHOT_NONE, "a pid between");
	is_int(snapshot_find_process(snapshot, UINT32_MAX), SNAPSHOT_NONE, "a pid behind");
	snapshot_free(snapshot);
}

static void test_time_wait(void)
{
	struct inet_socket socket = { .state = STATE_FIN_WAIT_2,
				      .timer = TIMER_TIME_WAIT,
				      .known = SOCKET_HAS_INODE };

	ok(socket_is_time_wait(&socket), "FIN-WAIT-2 with inode 0 and its timer");
	socket.inode = 5;
	ok(!socket_is_time_wait(&socket), "FIN-WAIT-2 with an inode");
	socket.inode = 0;
	socket.known = 0;
	ok(!socket_is_time_wait(&socket), "FIN-WAIT-2 whose inode is not known");
	socket.state = STATE_TIME_WAIT;
	ok(socket_is_time_wait(&socket), "TIME-WAIT");
}

int main(void)
{
	test_names();
	test_limits();
	test_users();
	test_processes();
	test_time_wait();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is concluded of what the three ways say, and what is advised. */
#include "helpers/probe-bench.h"
#include "helpers/tap.h"

static void test_ways(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);

	predict(&bench);
	bench.report.attempts[1].ways[PROBE_LIVE].bind = EADDRINUSE;
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_NO,
	       "what the kernel refuses with SO_REUSEADDR it refuses without");
	ok(strstr(bench.verdict.text, "cannot be seen") != NULL, "and then something is not seen");
	is_int(bench.verdict.differences.count, 1, "the difference is told");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_TIME_WAIT, "0.0.0.0", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 0);
	bench.candidate.reuse_addr = true;
	predict(&bench);
	is_str(model_text(&bench), "use ? ? ?", "unknown flags");
	bench.report.attempts[1].ways[PROBE_LIVE].bind = 0;
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_YES, "but the port itself answers");
	probe_verdict_done(&bench.verdict);
	bench.report.attempts[1].ways[PROBE_LIVE].bind = PROBE_NOT_TRIED;
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_UNKNOWN, "without it nobody can tell");
	is_int(bench.verdict.n_blockers, 1, "because of one");
	ok(!bench.verdict.blockers[0].certain, "that blocks perhaps");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	predict(&bench);
	bench.report.attempts[0].ways[PROBE_REPLICA] = (struct probe_outcome){ EADDRINUSE, -1 };
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_UNKNOWN,
	       "model and replica that differ decide nothing");
	done(&bench);

	/* By the model, which nobody asked for alone. */
	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	predict(&bench);
	conclude(&bench);
	ok(!strstr(bench.verdict.text, "model"), "the model is enough if it alone was asked for");
	probe_verdict_done(&bench.verdict);
	probe_add_limit(&bench.report, "model", "something about it");
	conclude(&bench);
	ok(!strstr(bench.verdict.text, "model"), "whatever is said about it");
	probe_verdict_done(&bench.verdict);
	probe_add_limit(&bench.report, "replica", "no replica could be made");
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_YES, "where the kernel could not be asked");
	ok(strstr(bench.verdict.text, ", by the model alone.") != NULL, "that is said");
	probe_verdict_done(&bench.verdict);
	bench.report.attempts[0].ways[PROBE_REPLICA] = (struct probe_outcome){ 0, 0 };
	conclude(&bench);
	ok(!strstr(bench.verdict.text, "model"), "not if the replica could be asked");
	probe_verdict_done(&bench.verdict);
	bench.report.attempts[0].ways[PROBE_REPLICA] = (struct probe_outcome){ -1, -1 };
	bench.report.attempts[0].ways[PROBE_LIVE].bind = 0;
	conclude(&bench);
	ok(!strstr(bench.verdict.text, "model"), "nor if the port itself could");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	predict(&bench);
	bench.report.attempts[0].ways[PROBE_LIVE].bind = 0;
	bench.report.attempts[0].places[PROBE_LIVE] =
		(struct probe_place){ .moved = true, .family = AF_INET, .port = 5399 };
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_NO, "another port is not what was asked for");
	ok(strstr(bench.verdict.text, "gave 0.0.0.0:5399") != NULL, "and is named");
	done(&bench);
}

static void test_moment(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	struct inet_socket *socket;

	socket = add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 0);
	make_expiry(socket, 41000);
	socket = add(&bench, STATE_TIME_WAIT, "127.0.0.2", TRISTATE_NO, TRISTATE_NO, 0);
	make_expiry(socket, 7000);
	predict(&bench);
	conclude(&bench);
	is_int(bench.verdict.frees_in_ms, 41000, "free when the last has ended");
	is_int(bench.verdict.blockers[1].frees_in_ms, 7000, "each has its own time");
	ok(strstr(bench.verdict.text, "for another 41.0 s") != NULL, "the sentence has it");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	make_expiry(add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 0), 41000);
	add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 0);
	predict(&bench);
	conclude(&bench);
	is_int(bench.verdict.frees_in_ms, -1, "nothing tells when a listener ends");
	done(&bench);

	/* The client has not closed: its TIME-WAIT is still to come. */
	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	make_expiry(add(&bench, STATE_FIN_WAIT_2, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 0), 41000);
	bench.snapshot->sockets[0].inode = 0;
	bench.snapshot->sockets[0].known |= SOCKET_HAS_INODE;
	bench.snapshot->sockets[0].timer = TIMER_TIME_WAIT;
	predict(&bench);
	conclude(&bench);
	is_int(bench.verdict.frees_in_ms, 41000, "FIN-WAIT-2: at the earliest");
	ok(bench.verdict.at_the_earliest, "which is said");
	ok(strstr(bench.verdict.text, "at least another 41.0 s") &&
		   strstr(bench.verdict.text, "up to 60 s more"),
	   "in words too");
	ok(says(&bench.verdict.remedies, "ss -K -t state fin-wait-2 'sport = :8080'"),
	   "what ends it");
	done(&bench);
}

/* What is said of dead connections with these flags to who asks without any. */
static void conclude_dead(struct bench *bench, enum tristate addr, enum tristate port,
			  enum tristate other_addr, enum tristate other_port)
{
	*bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(bench, STATE_TIME_WAIT, "127.0.0.1", addr, port, 0);
	add(bench, STATE_TIME_WAIT, "127.0.0.2", other_addr, other_port, 0);
	predict(bench);
	conclude(bench);
}

static void test_time_wait_advice(void)
{
	struct bench bench;

	conclude_dead(&bench, TRISTATE_YES, TRISTATE_NO, TRISTATE_YES, TRISTATE_YES);
	ok(says(&bench.verdict.remedies, "set SO_REUSEADDR before bind()"), "what all had");
	done(&bench);
	conclude_dead(&bench, TRISTATE_NO, TRISTATE_YES, TRISTATE_NO, TRISTATE_YES);
	ok(says(&bench.verdict.remedies, "set SO_REUSEPORT before bind()"), "SO_REUSEPORT, too");
	ok(!says(&bench.verdict.remedies, "nothing that the new socket sets"), "which does help");
	ok(strstr(bench.verdict.blockers[0].why, "a bind with it passes") != NULL,
	   "of whatever user");
	done(&bench);
	conclude_dead(&bench, TRISTATE_NO, TRISTATE_YES, TRISTATE_YES, TRISTATE_NO);
	ok(says(&bench.verdict.remedies, "set SO_REUSEADDR and SO_REUSEPORT"), "each one of them");
	done(&bench);
	conclude_dead(&bench, TRISTATE_NO, TRISTATE_NO, TRISTATE_YES, TRISTATE_NO);
	ok(says(&bench.verdict.remedies, "some of them lacked both"), "one that lacked both");
	done(&bench);
	conclude_dead(&bench, TRISTATE_NO, TRISTATE_UNKNOWN, TRISTATE_YES, TRISTATE_NO);
	ok(!says(&bench.verdict.remedies, "Wait: ") && says(&bench.verdict.remedies, "next time"),
	   "unknown flags are neither");
	done(&bench);
}

/* A socket of this process. */
static struct inet_socket *hold(struct bench *bench, struct inet_socket *socket, uint32_t process)
{
	make_owner(bench->snapshot, socket, process, 3);
	return socket;
}

static void test_several_in_the_way(void)
{
	struct bench bench = bench_new(PROTOCOL_UDP, "127.0.0.1", 5700);
	uint32_t first = make_process(bench.snapshot, 10, "pool");
	uint32_t second = make_process(bench.snapshot, 11, "pool");
	uint32_t other = make_process(bench.snapshot, 12, "other");

	hold(&bench, add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 1000), first);
	hold(&bench, add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 1000),
	     second);
	hold(&bench, add(&bench, STATE_BOUND, "127.0.0.2", TRISTATE_NO, TRISTATE_YES, 1000), other);
	predict(&bench);
	conclude(&bench);
	is_int(bench.verdict.n_blockers, 2, "UDP: all that would have to go are in the way");
	ok(bench.verdict.blockers[1].certain, "each for certain");
	ok(says(&bench.verdict.remedies,
		"Stop \"pool\" (pids 10, 11), or take another port or address."),
	   "and are told together");
	ok(says(&bench.verdict.remedies, "To join its pool set SO_REUSEPORT"), "or joined");
	done(&bench);

	/* The newest is of the same user and lets it in: who is behind is not asked. */
	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5700);
	bench.candidate.reuse_port = true;
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_YES, 1000);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	conclude(&bench);
	is_int(bench.verdict.n_blockers, 1, "UDP: up to one that lets it in");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "127.0.0.1", 8080);
	bench.candidate.reuse_port = true;
	bench.candidate.uid = 33;
	first = make_process(bench.snapshot, 10, "pool");
	other = make_process(bench.snapshot, 12, "other");
	hold(&bench, add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 1000),
	     other);
	hold(&bench, add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 1000),
	     first);
	add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 1000)->owner_status =
		OWNER_HIDDEN;
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.remedies,
		"Stop \"other\" (pid 12) and \"pool\" (pid 10). And it is held by a process of uid "
		"1000 that cannot be seen: "),
	   "listeners: one sentence for all");
	ok(says(&bench.verdict.remedies, "run as the same user, uid 1000: "), "whose user it is");
	is_int(bench.verdict.remedies.count, 2, "nothing twice");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 1000);
	make_expiry(add(&bench, STATE_TIME_WAIT, "127.0.0.2", TRISTATE_YES, TRISTATE_NO, 0), 9000);
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.remedies, "of several kinds, and has to go all of it"),
	   "different things are no alternatives");
	ok(!says(&bench.verdict.remedies, "passes at once"), "and one of them is not enough");
	done(&bench);

	/* Of an ordinary user, who sees no flags. */
	bench = bench_new(PROTOCOL_TCP, "127.0.0.1", 8080);
	bench.candidate.reuse_port = true;
	add(&bench, STATE_ESTAB, "127.0.0.1", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 0);
	predict(&bench);
	conclude(&bench);
	ok(strstr(bench.verdict.blockers[0].why, ". SO_REUSEPORT is shared within one user only"),
	   "a flag that is unknown is not said to be there");
	done(&bench);
}

/* What is said to who asks for this address beside a socket at that one. */
static void conclude_beside(struct bench *bench, const char *wanted, const char *there,
			    enum tristate v6only)
{
	*bench = bench_new(PROTOCOL_TCP, wanted, 8080);
	add(bench, STATE_LISTEN, there, TRISTATE_NO, TRISTATE_NO, 1000)->v6only = (uint8_t)v6only;
	predict(bench);
	conclude(bench);
}

static void test_elsewhere(void)
{
	struct bench bench;

	conclude_beside(&bench, "0.0.0.0", "127.0.0.1", TRISTATE_NO);
	ok(says(&bench.verdict.remedies, "another port or address"), "another address is free");
	ok(!says(&bench.verdict.remedies, "IPV6_V6ONLY"), "of IPv4 it is all");
	done(&bench);
	conclude_beside(&bench, "127.0.0.1", "0.0.0.0", TRISTATE_NO);
	ok(says(&bench.verdict.remedies, "another port."), "beside a wildcard none is");
	done(&bench);
	conclude_beside(&bench, "127.0.0.1", "::", TRISTATE_NO);
	ok(says(&bench.verdict.remedies, "another port."), "nor beside one of both families");
	ok(says(&bench.verdict.remedies, "what has [::] is to serve IPv6 only"),
	   "unless that yields");
	done(&bench);
	conclude_beside(&bench, "::", "127.0.0.1", TRISTATE_NO);
	ok(says(&bench.verdict.remedies, "the new socket is to serve IPv6 only"), "or this one");
	done(&bench);
	conclude_beside(&bench, "::", "::", TRISTATE_NO);
	ok(!says(&bench.verdict.remedies, "IPV6_V6ONLY"), "which does not help for IPv6");
	done(&bench);
}

int main(void)
{
	test_ways();
	test_moment();
	test_time_wait_advice();
	test_several_in_the_way();
	test_elsewhere();
	return done_testing();
}

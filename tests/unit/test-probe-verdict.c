/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is concluded of what the three ways say, and what is advised. */
#include "helpers/probe-bench.h"
#include "helpers/tap.h"
#include "util/xalloc.h"

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
		   strstr(bench.verdict.text, "up to 60 s more after the other end closes"),
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

/* The same of flags that are unknown, where the port itself said this to both flags or to one. */
static void conclude_hidden(struct bench *bench, bool asks_addr, int said_addr, int said_both)
{
	*bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	bench->candidate.reuse_addr = asks_addr;
	add(bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 0);
	predict(bench);
	bench->report.attempts[1].ways[PROBE_LIVE].bind = said_addr;
	bench->report.attempts[3].ways[PROBE_LIVE].bind = said_both;
	conclude(bench);
}

static void test_live_advice(void)
{
	struct bench bench;

	conclude_hidden(&bench, false, 0, PROBE_NOT_TRIED);
	is_str(bench.verdict.remedies.items[0],
	       "Let the new socket set SO_REUSEADDR before bind(): with it the bind has just passed "
	       "on the port itself.",
	       "what passed on the port itself is advised");
	is_int(bench.verdict.remedies.count, 1, "and is all that it takes");
	done(&bench);

	conclude_hidden(&bench, false, EADDRINUSE, 0);
	ok(says(&bench.verdict.remedies, "set SO_REUSEADDR and SO_REUSEPORT before bind(): with "),
	   "what passed with both flags only, with both");
	done(&bench);

	conclude_hidden(&bench, false, EADDRINUSE, PROBE_NOT_TRIED);
	ok(says(&bench.verdict.remedies, "Wait: with SO_REUSEADDR the bind has just failed") &&
		   says(&bench.verdict.remedies, "with SO_REUSEPORT is not known"),
	   "of a flag that was not asked about nothing is claimed");
	done(&bench);

	conclude_hidden(&bench, true, EADDRINUSE, EADDRINUSE);
	ok(says(&bench.verdict.remedies, "Wait: nothing that the new socket sets helps now"),
	   "what failed with both flags fails with each");
	ok(strstr(bench.verdict.blockers[0].why, "decide") == NULL,
	   "and flags that are unknown decide no more");
	done(&bench);

	/* Of several kinds: what passed needs none of them to go. */
	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 0);
	add(&bench, STATE_ESTAB, "127.0.0.2", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 1000);
	predict(&bench);
	bench.report.attempts[1].ways[PROBE_LIVE].bind = 0;
	conclude(&bench);
	is_int(bench.verdict.remedies.count, 1, "what passed is said once of all kinds");
	ok(!says(&bench.verdict.remedies, "has to go"), "and none of them has to go");
	done(&bench);

	/* By known flags it passes only for what the kernel remembers. */
	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 1000);
	predict(&bench);
	bench.report.attempts[3].ways[PROBE_LIVE].bind = 0;
	conclude(&bench);
	ok(!says(&bench.verdict.remedies, "on the port itself"),
	   "what passed against the flags is not advised");
	done(&bench);

	/* Another may be the one in the way. */
	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 0);
	add(&bench, STATE_LISTEN, "127.0.0.2", TRISTATE_NO, TRISTATE_NO, 1000);
	predict(&bench);
	bench.report.attempts[1].ways[PROBE_LIVE].bind = EADDRINUSE;
	conclude(&bench);
	ok(says(&bench.verdict.remedies, "so both sides have it then, and none of them is in"),
	   "a bind that fails tells nothing of one among several");
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

/* A connection of the bench's port with this one. */
static struct inet_socket *connect_to(struct bench *bench, enum socket_state state,
				      uint16_t peer_port)
{
	struct inet_socket *socket = add(bench, state, "10.0.0.1", TRISTATE_NO, TRISTATE_NO, 1000);

	make_peer(socket, "10.0.0.2", peer_port);
	return socket;
}

static void conclude_with(struct bench *bench, uint16_t port, enum socket_state state,
			  uint16_t peer_port)
{
	*bench = bench_new(PROTOCOL_TCP, "0.0.0.0", port);
	bench->candidate.reuse_addr = true;
	connect_to(bench, state, peer_port);
	predict(bench);
	conclude(bench);
}

static void test_direction(void)
{
	static const enum socket_state states[] = { STATE_ESTAB,    STATE_FIN_WAIT_1,
						    STATE_CLOSING,  STATE_CLOSE_WAIT,
						    STATE_LAST_ACK, STATE_TIME_WAIT };
	static const char server[] = "let the server set SO_REUSEADDR on its listening socket";
	static const char client[] = "put the port into net.ipv4.ip_local_reserved_ports";
	struct bench bench;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		const char *state = socket_state_name(states[i]);
		bool gone = states[i] == STATE_TIME_WAIT;

		conclude_with(&bench, 40000, states[i], 443);
		is_int(bench.verdict.blockers[0].cause, gone ? CAUSE_TIME_WAIT : CAUSE_OUTGOING,
		       "%s of a client: cause", state);
		ok(strstr(bench.verdict.blockers[0].why, "outgoing connection to 10.0.0.2") != NULL,
		   "%s of a client: is called so", state);
		ok(says(&bench.verdict.remedies, client) && !says(&bench.verdict.remedies, server),
		   "%s of a client: its port has to be kept", state);
		done(&bench);
		conclude_with(&bench, 8080, states[i], 40000);
		is_int(bench.verdict.blockers[0].cause, gone ? CAUSE_TIME_WAIT : CAUSE_CONNECTION,
		       "%s of a server: cause", state);
		ok(!says(&bench.verdict.remedies, client) && says(&bench.verdict.remedies, server),
		   "%s of a server: what that has to set", state);
		done(&bench);
		conclude_with(&bench, 40000, states[i], 40001);
		is_int(bench.verdict.blockers[0].cause, gone ? CAUSE_TIME_WAIT : CAUSE_CONNECTION,
		       "%s of either: cause", state);
		ok(!strstr(bench.verdict.blockers[0].why, "outgoing"),
		   "%s of either: nothing is claimed", state);
		ok(says(&bench.verdict.remedies, client) && says(&bench.verdict.remedies, server) &&
			   says(&bench.verdict.remedies, "which the ports do not tell"),
		   "%s of either: both are told", state);
		done(&bench);
	}

	conclude_with(&bench, 8080, STATE_CLOSE_WAIT, 443);
	ok(says(&bench.verdict.remedies, "if this end has connected: let the client take another"),
	   "a port that the kernel does not choose");
	done(&bench);
}

/* What one connection does not tell, two may: bind() gives a port without flags once. */
static void test_together(void)
{
	static const char server[] = "For the next time: let the server set SO_REUSEADDR";
	static const enum socket_state states[] = { STATE_TIME_WAIT, STATE_ESTAB };
	struct bench bench;
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		const char *state = socket_state_name(states[i]);

		bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 443);
		connect_to(&bench, states[i], 1023);
		predict(&bench);
		conclude(&bench);
		ok(says(&bench.verdict.remedies, "which the ports do not tell"),
		   "%s, one with a low port: either", state);
		done(&bench);

		bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 443);
		connect_to(&bench, states[i], 1023);
		connect_to(&bench, states[i], 700);
		predict(&bench);
		conclude(&bench);
		ok(says(&bench.verdict.remedies, server) &&
			   !says(&bench.verdict.remedies, "do not tell"),
		   "%s, two of them: a server", state);
		done(&bench);

		bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
		make_reuse(connect_to(&bench, states[i], 1023), TRISTATE_UNKNOWN, TRISTATE_UNKNOWN,
			   EVIDENCE_UNKNOWN);
		make_reuse(connect_to(&bench, states[i], 700), TRISTATE_UNKNOWN, TRISTATE_UNKNOWN,
			   EVIDENCE_UNKNOWN);
		predict(&bench);
		conclude(&bench);
		ok(says(&bench.verdict.remedies, "which the ports do not tell"),
		   "%s, two with unknown flags: either", state);
		done(&bench);

		bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
		connect_to(&bench, states[i], 700);
		connect_to(&bench, states[i], 40000);
		predict(&bench);
		conclude(&bench);
		ok(says(&bench.verdict.remedies, server) &&
			   !says(&bench.verdict.remedies, "do not tell"),
		   "%s, one that is a server's tells of the other", state);
		done(&bench);
	}
}

static void test_ending(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 40000);
	struct inet_socket *socket = connect_to(&bench, STATE_CLOSE_WAIT, 443);

	make_owner(bench.snapshot, socket, make_process(bench.snapshot, 10, "client"), 3);
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.remedies,
		"End the connection of \"client\" (pid 10), or wait for its end."),
	   "CLOSE-WAIT: who has to end it, and no TIME-WAIT follows");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 40000);
	socket = connect_to(&bench, STATE_ESTAB, 443);
	make_owner(bench.snapshot, socket, make_process(bench.snapshot, 10, "client"), 3);
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.remedies, "and 60 s more where this end closes first"),
	   "ESTAB: TIME-WAIT follows");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	connect_to(&bench, STATE_FIN_WAIT_1, 40000)->owner_status = OWNER_ORPHAN;
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.remedies, "No process holds what is closed already") &&
		   !says(&bench.verdict.remedies, "End the connection"),
	   "an orphan is nobody's to end");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	make_reuse(connect_to(&bench, STATE_ESTAB, 40000), TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	predict(&bench);
	conclude(&bench);
	is_str(bench.verdict.remedies.items[0],
	       "Let the new socket set SO_REUSEADDR before bind(): the connection has it, so both "
	       "sides have it then, and the bind passes at once.",
	       "a flag of the new socket is all that it takes");
	is_int(bench.verdict.remedies.count, 1, "and then nobody has to end");
	done(&bench);
}

static void test_bound_advice(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);

	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 33);
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.remedies, "set SO_REUSEADDR, which the new socket has"),
	   "bound: the other side has to set it");
	ok(!says(&bench.verdict.remedies, "SO_REUSEPORT"), "not SO_REUSEPORT, of another user");
	ok(!says(&bench.verdict.remedies, "listen on it"), "nor to listen");
	done(&bench);

	/* What else is in the way is told by itself. */
	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 33);
	add(&bench, STATE_LISTEN, "127.0.0.2", TRISTATE_NO, TRISTATE_NO, 33);
	predict(&bench);
	conclude(&bench);
	ok(!says(&bench.verdict.remedies, "the bind passes at once"),
	   "bound: beside a listener it is not enough");
	done(&bench);
}

int main(void)
{
	test_ways();
	test_moment();
	test_time_wait_advice();
	test_live_advice();
	test_several_in_the_way();
	test_elsewhere();
	test_direction();
	test_together();
	test_ending();
	test_bound_advice();
	return done_testing();
}

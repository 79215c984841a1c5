/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who receives before the candidate joins and after it, and who loses. */
#include "helpers/probe-bench.h"
#include "helpers/tap.h"

static void test_copies(void)
{
	struct bench bench = bench_new(PROTOCOL_UDP, "127.255.255.255", 5201);

	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 0);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 0);
	predict(&bench);
	ok(bench.report.before.copies && bench.report.before.n_shares == 2, "broadcast is copied");
	ok(bench.report.after.copies && bench.report.after.n_shares == 3, "to the new one as well");
	is_int(bench.report.n_losses, 0, "and nobody loses");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "10.0.0.255", 5201);
	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "10.0.0.255", TRISTATE_YES, TRISTATE_NO, 0);
	predict(&bench);
	is_int(bench.report.n_losses, 1, "what is no broadcast address goes to one");
	bench.facts.broadcast = true;
	predict_again(&bench);
	ok(bench.report.after.copies && !bench.report.n_losses, "by the interfaces it is");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "224.0.0.251", 5353);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 0)->known |=
		SOCKET_HAS_MULTICAST;
	bench.snapshot->sockets[0].n_groups = 1;
	*snapshot_add_group(bench.snapshot) = (struct multicast_group){
		.family = AF_INET,
		.address = bench.candidate.address,
	};
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 0)->known |=
		SOCKET_HAS_MULTICAST;
	predict(&bench);
	ok(!bench.report.before.known, "IP_MULTICAST_ALL of who has not joined is not known");
	bench.snapshot->sockets[1].known |= SOCKET_HAS_OPTIONS;
	predict_again(&bench);
	ok(bench.report.before.known && bench.report.before.n_shares == 1, "without it gets none");
	done(&bench);
}

/* What arrives from elsewhere may come in on any device. */
static void test_devices(void)
{
	struct bench bench = bench_new(PROTOCOL_UDP, "10.0.0.1", 8080);

	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "10.0.0.1", TRISTATE_YES, TRISTATE_NO, 0)->device =
		snapshot_string(bench.snapshot, "eth0");
	predict(&bench);
	ok(!bench.report.before.known && !bench.report.after.known,
	   "who receives depends on the device");
	is_int(bench.report.n_limits, 1, "which is said, once");
	ok(bench.report.n_limits && strstr(bench.report.limits[0].text, "sent to 10.0.0.1 depends"),
	   "of the address");
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	predict_again(&bench);
	ok(bench.report.before.known && bench.report.before.n_shares == 1, "which may be named");
	is_int(bench.report.n_limits, 0, "then nothing depends on it");
	done(&bench);

	/* The address is one of lo, or is not: from elsewhere it comes in on another device. */
	bench = bench_new(PROTOCOL_UDP, "fd00::2", 8080);
	bench.candidate.reuse_addr = bench.candidate.reuse_port = true;
	add(&bench, STATE_BOUND, "fd00::2", TRISTATE_YES, TRISTATE_YES, 1000)->device =
		snapshot_string(bench.snapshot, "lo");
	predict(&bench);
	ok(!bench.report.before.known && !bench.report.after.known, "lo is a device as others are");
	is_int(bench.report.n_limits, 1, "so it is said");
	bench.candidate.device = snapshot_string(bench.snapshot, "lo");
	predict_again(&bench);
	ok(bench.report.before.known && bench.report.before.n_shares == 1, "there it receives");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "127.0.0.2", 8080);
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_YES, TRISTATE_YES, 1000)->device =
		snapshot_string(bench.snapshot, "lo");
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_YES, TRISTATE_YES, 1000)->device =
		snapshot_string(bench.snapshot, "eth0");
	predict(&bench);
	ok(bench.report.before.known && bench.report.before.n_shares == 1 &&
		   bench.report.before.shares[0].socket == 0,
	   "what is sent to loopback arrives on lo alone");
	is_int(bench.report.n_limits, 0, "which depends on nothing");
	done(&bench);
}

static void test_delivery(void)
{
	struct bench bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	struct inet_socket *socket;

	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_int(bench.report.before.n_shares, 1, "one receives");
	is_int(bench.report.before.shares[0].socket, 0, "the newest");
	is_int(bench.report.after.shares[0].socket, SNAPSHOT_NONE,
	       "then the one that was asked about");
	conclude(&bench);
	is_int(bench.verdict.notes.count, 1, "which is worth a warning");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "127.0.0.1", 5060);
	bench.candidate.reuse_addr = bench.candidate.reuse_port = true;
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_YES, TRISTATE_YES, 1000);
	predict(&bench);
	conclude(&bench);
	is_int(bench.report.n_losses, 1, "a group takes over");
	ok(says(&bench.verdict.notes, "would get none any more of the unicast datagrams that it "
				      "gets now: the new socket and others would"),
	   "of which the new socket is only one");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	bench.candidate.reuse_addr = true;
	socket = add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	snapshot_add_group(bench.snapshot);
	socket->n_groups = 1;
	socket->known |= SOCKET_HAS_MULTICAST;
	add(&bench, STATE_BOUND, "::", TRISTATE_YES, TRISTATE_NO, 1000)->v6only = TRISTATE_YES;
	predict(&bench);
	conclude(&bench);
	is_int(bench.report.n_losses, 1, "who is of IPv6 only loses nothing");
	ok(says(&bench.verdict.notes, "gets now, without an error on either side; "
				      "what its multicast groups get it keeps."),
	   "multicast is copied");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	bench.candidate.reuse_addr = true;
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	conclude(&bench);
	ok(says(&bench.verdict.notes, "gets now over IPv4 on eth0, without an error on either "
				      "side; the rest it keeps."),
	   "only on its device");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	bench.candidate.reuse_addr = true;
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	conclude(&bench);
	is_int(bench.report.before.shares[0].socket, 0,
	       "told of an address that nobody has bound alone");
	is_int(bench.report.n_losses, 1, "who has an address keeps it");
	is_int(bench.report.losses[0].socket, 0, "who has the wildcard loses all");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "::", 5060);
	bench.candidate.reuse_port = true;
	add(&bench, STATE_BOUND, "::", TRISTATE_NO, TRISTATE_YES, 1000)->v6only = TRISTATE_NO;
	predict(&bench);
	is_int(bench.report.after.n_shares, 2, "a group shares");
	ok(bench.report.after.shares[0].share > 0.49 && bench.report.after.shares[0].share < 0.51,
	   "evenly");
	done(&bench);
}

int main(void)
{
	test_copies();
	test_devices();
	test_delivery();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is bound live unasked. */
#include "helpers/probe-bench.h"
#include "helpers/tap.h"

/* The unasked live binds. */
static void test_harm(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	struct bucket_memory *memory;

	predict(&bench);
	is_str(plan_text(&bench), "-d-d", "TCP: with SO_REUSEADDR");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_YES, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "-d--", "a pool: not what would pass");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "127.0.0.1", 8080);
	add(&bench, STATE_LISTEN, "127.0.0.2", TRISTATE_NO, TRISTATE_YES, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "----", "nor beside one at another address");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "127.0.0.2", 8080);
	add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_YES, TRISTATE_YES, 1000);
	memory = snapshot_add_memory(bench.snapshot);
	memory->port = 8080;
	predict(&bench);
	is_str(plan_text(&bench), "-d--", "where nothing is remembered of SO_REUSEPORT");
	memory->memory.reuse_port = 1;
	memory->memory.family = AF_INET;
	predict_again(&bench);
	is_str(plan_text(&bench), "----", "where the next of a group may be let in by that");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 0);
	predict(&bench);
	is_str(plan_text(&bench), "-d--", "flags that are unknown");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "-m-m", "UDP: mapped below what is as specific, or more");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "-m-m",
	       "no SO_REUSEPORT alone where nobody knows that it is a pool");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_NO, TRISTATE_YES, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "-m-m", "nor within one, which may have members with both flags");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "127.0.0.1", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "----", "not where it would be more specific");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	add(&bench, STATE_BOUND, "::", TRISTATE_YES, TRISTATE_NO, 1000)->v6only = TRISTATE_NO;
	predict(&bench);
	is_str(plan_text(&bench), "----", "nor beside an IPv6 socket, which is not preferred");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	predict(&bench);
	is_str(plan_text(&bench), "----", "nor bound to a device, which is preferred itself");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000)->device =
		snapshot_string(bench.snapshot, "eth1");
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	predict(&bench);
	is_str(plan_text(&bench), "----", "whatever is there: others may come");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "::", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "----", "IPv6 beside IPv4: an IPv6 socket may come");
	bench.candidate.v6only = true;
	predict_again(&bench);
	is_str(plan_text(&bench), "----", "so it is if IPv4 has nothing to do with it");
	bench.candidate.v6only = false;
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	predict_again(&bench);
	is_str(plan_text(&bench), "----", "or on a device");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "127.0.0.1", 5060);
	predict(&bench);
	is_str(plan_text(&bench), "-m-m", "mapped where nobody is yet, for somebody may come");
	bench.facts.broadcast = true;
	predict_again(&bench);
	is_str(plan_text(&bench), "-m-m", "so it is with broadcast: the address may be one's own");
	bench.facts.address_error = EADDRNOTAVAIL;
	predict_again(&bench);
	is_str(plan_text(&bench), "-m-m", "and with an address that may come any moment");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "192.0.2.1", 8080);
	bench.facts.address_error = EADDRNOTAVAIL;
	predict(&bench);
	is_str(plan_text(&bench), "-d-d", "of TCP as well");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "::", 5060);
	add(&bench, STATE_BOUND, "::1", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "----", "nor beside IPv6");
	probe_plan_live(bench.snapshot, &bench.index, &bench.report, true, &bench.plan);
	is_str(plan_text(&bench), "dddd", "all when that is asked for");
	done(&bench);
}

int main(void)
{
	test_harm();
	return done_testing();
}

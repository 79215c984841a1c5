/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is bound live unasked. */
#include "helpers/probe-bench.h"
#include "helpers/tap.h"

/* The unasked live binds. */
static void test_harm(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);

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
	is_str(plan_text(&bench), "-mmm", "but within one");
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
	is_str(plan_text(&bench), "-d-d", "as on another device than all that are there");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "::", 5060);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	add(&bench, STATE_BOUND, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(plan_text(&bench), "-d-d", "IPv6 beside IPv4, which is preferred");
	bench.candidate.v6only = true;
	predict_again(&bench);
	is_str(plan_text(&bench), "-d-d",
	       "or has nothing to do with it; but no bind that would bar servers");
	bench.candidate.v6only = false;
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	predict_again(&bench);
	is_str(plan_text(&bench), "----", "but on a device IPv6 is");
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the model says of each set of options. */
#include "helpers/probe-bench.h"
#include "helpers/tap.h"

static void test_refusals(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 80);

	predict(&bench);
	is_str(model_text(&bench), "? ? ? ?", "a low port of which the sysctl is not known");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 80);
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_NO, 0);
	predict(&bench);
	is_str(model_text(&bench), "use use use use", "but in use it is in any case");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 80);
	bench.snapshot->netns[0].sysctls_known = 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START;
	bench.snapshot->netns[0].sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START] = 1024;
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_NO, 0);
	predict(&bench);
	is_str(model_text(&bench), "access access access access", "EACCES comes before EADDRINUSE");
	conclude(&bench);
	is_int(bench.verdict.n_blockers, 0, "then nobody is in the way");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 80);
	bench.snapshot->netns[0].sysctls_known = 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START;
	bench.snapshot->netns[0].sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START] = 80;
	predict(&bench);
	is_str(model_text(&bench), "ok ok ok ok", "a sysctl that is lower");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "::ffff:127.0.0.1", 8080);
	bench.candidate.v6only = true;
	predict(&bench);
	is_str(model_text(&bench), "invalid invalid invalid invalid", "mapped and v6only");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "10.0.0.1", 80);
	bench.facts.address_error = EADDRNOTAVAIL;
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_NO, TRISTATE_NO, 0);
	predict(&bench);
	is_int(bench.report.before.n_shares, 0, "nobody receives at an address that is not there");
	is_str(model_text(&bench), "address address address address",
	       "the address comes first of all");
	done(&bench);
}

static void test_any_port(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "127.0.0.1", 0);
	uint16_t port;

	bench.snapshot->netns[0].port_range_first = 40000;
	bench.snapshot->netns[0].port_range_last = 40009;
	bench.snapshot->netns[0].reserved_ports = snapshot_string(bench.snapshot, "40003-40005");
	for (port = 40000; port < 40003; port++)
		make_reuse(make_socket(bench.snapshot, PROTOCOL_TCP, STATE_BOUND, "0.0.0.0", port),
			   TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	predict(&bench);
	is_str(model_text(&bench), "ok ok ok ok", "some are left");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "127.0.0.1", 0);
	bench.snapshot->netns[0].port_range_first = 40000;
	bench.snapshot->netns[0].port_range_last = 40002;
	for (port = 40000; port < 40003; port++)
		make_reuse(make_socket(bench.snapshot, PROTOCOL_TCP, STATE_BOUND, "0.0.0.0", port),
			   TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	predict(&bench);
	is_str(model_text(&bench), "use use use use", "none is left, and TCP shares none");
	probe_report_done(&bench.report);
	bench.snapshot->netns[0].reserved_ports =
		snapshot_string(bench.snapshot, "40001-40002,40000-40002");
	probe_report_init(&bench.report, &bench.candidate);
	probe_predict(bench.snapshot, &bench.index, &bench.facts, &bench.report);
	is_str(model_text(&bench), "use use use use", "nor where all are reserved, and some twice");
	probe_report_done(&bench.report);
	bench.snapshot->netns[0].reserved_ports = 0;
	bench.snapshot->netns[0].sysctls_known |= 1U << SYSCTL_IP_AUTOBIND_REUSE;
	bench.snapshot->netns[0].sysctls[SYSCTL_IP_AUTOBIND_REUSE] = 1;
	probe_report_init(&bench.report, &bench.candidate);
	probe_predict(bench.snapshot, &bench.index, &bench.facts, &bench.report);
	is_str(model_text(&bench), "use ok use ok", "but with ip_autobind_reuse");
	conclude(&bench);
	ok(strstr(bench.verdict.text, "40000-40002") != NULL, "the range is named");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "127.0.0.1", 0);
	bench.snapshot->netns[0].port_range_first = 40000;
	bench.snapshot->netns[0].port_range_last = 40000;
	make_reuse(make_socket(bench.snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 40000),
		   TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	predict(&bench);
	is_str(model_text(&bench), "use ok use ok", "UDP shares what the flags allow");
	is_str(plan_text(&bench), "----", "but takes no such port unasked");
	done(&bench);
}

/* What a filter has left of a snapshot: who is missing may be the one that decides. */
static void test_incomplete(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);

	snapshot_set_part(bench.snapshot, PART_PORTS);
	predict(&bench);
	is_str(model_text(&bench), "? ? ? ?", "a port that was left out, perhaps");
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_UNKNOWN, "nobody can tell");
	ok(strstr(bench.verdict.text, "written without some of the sockets") != NULL, "why");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	bench.snapshot->netns[0].id = 7;
	snapshot_add_netns(bench.snapshot);
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_NO, 0)->netns = 1;
	predict(&bench);
	is_str(model_text(&bench), "? ? ? ?", "a socket of a namespace that is not said");
	conclude(&bench);
	ok(strstr(bench.verdict.text, "does not say in which network namespace") != NULL, "why");
	bench.snapshot->netns[1].id = 8;
	predict_again(&bench);
	is_str(model_text(&bench), "ok ok ok ok", "of another one it is in nobody's way");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "127.0.0.1", 8080);
	snapshot_set_part(bench.snapshot, PART_PORTS);
	add(&bench, STATE_LISTEN, "127.0.0.2", TRISTATE_NO, TRISTATE_NO, 0);
	predict(&bench);
	is_str(model_text(&bench), "ok ok ok ok", "a port that is there is there whole");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	snapshot_set_part(bench.snapshot, PART_SOCKETS);
	add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 0);
	predict(&bench);
	is_str(model_text(&bench), "use use use use", "what is seen in the way is in the way");
	ok(!bench.report.before.known, "but who receives is not known");
	done(&bench);

	bench = bench_new(PROTOCOL_UDP, "0.0.0.0", 5060);
	bench.candidate.reuse_port = true;
	snapshot_set_part(bench.snapshot, PART_SOCKETS);
	add(&bench, STATE_BOUND, "0.0.0.0", TRISTATE_YES, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(model_text(&bench), "use ? ? ?",
	       "a newer one with SO_REUSEPORT would let UDP in past it");
	conclude(&bench);
	ok(!bench.verdict.blockers[0].certain, "so it is in the way perhaps");
	done(&bench);
}

/* A pool of root whose workers accept as another user. */
static void test_memory(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	struct bucket_memory *row;

	bench.candidate.uid = 0;
	bench.facts.privileged = TRISTATE_YES;
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_YES, 0);
	add(&bench, STATE_ESTAB, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 33);
	predict(&bench);
	is_str(model_text(&bench), "use use ? ?",
	       "it lets another of its own in, or has forgotten");
	bench.candidate.reuse_port = true;
	predict_again(&bench);
	conclude(&bench);
	is_int(bench.verdict.answer, TRISTATE_UNKNOWN, "so nobody can tell");
	ok(strstr(bench.verdict.blockers[0].why, "the kernel may remember a bind") != NULL, "why");
	ok(says(&bench.verdict.remedies, "probe reads there what the kernel remembers"),
	   "and who can");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 33);
	add(&bench, STATE_TIME_WAIT, "127.0.0.1", TRISTATE_YES, TRISTATE_NO, 0);
	predict(&bench);
	is_str(model_text(&bench), "use use use use", "but a listener of another was the last");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "::", 8080);
	add(&bench, STATE_LISTEN, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 1000);
	predict(&bench);
	is_str(model_text(&bench), "use use ? ?", "unless :: with v6only has come and gone");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	bench.candidate.uid = 0;
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_YES, 0);
	add(&bench, STATE_ESTAB, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 33);
	add(&bench, STATE_ESTAB, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 33);
	predict(&bench);
	is_str(model_text(&bench), "use use use use",
	       "not if something may have been bound without");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	bench.candidate.uid = 0;
	add(&bench, STATE_LISTEN, "0.0.0.0", TRISTATE_NO, TRISTATE_YES, 0);
	add(&bench, STATE_ESTAB, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 33);
	row = snapshot_add_memory(bench.snapshot);
	row->port = 8080;
	predict(&bench);
	is_str(model_text(&bench), "use use use use", "what was read counts more");
	done(&bench);
}

/* Facts of one socket that decide whose it is, or whether it is in the bucket. */
static void test_facts_of_kernel(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	struct inet_socket *socket;

	add(&bench, STATE_FIN_WAIT_1, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 1000)->inode = 0;
	predict(&bench);
	is_str(model_text(&bench), "use use ok ok", "an orphan is of its user");
	bench.snapshot->kernel = snapshot_string(bench.snapshot, "6.12.117-1");
	snapshot_add_memory(bench.snapshot)->port = 8080;
	predict_again(&bench);
	is_str(model_text(&bench), "use use use use", "to a kernel before 6.17 it is root's");
	bench.snapshot->kernel = 0;
	predict_again(&bench);
	is_str(model_text(&bench), "use use ? ?", "to one that is not known, who knows");
	bench.snapshot->kernel = snapshot_string(bench.snapshot, "next");
	predict_again(&bench);
	is_str(model_text(&bench), "use use ? ?", "nor if it has no number");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	socket = add(&bench, STATE_FIN_WAIT_2, "127.0.0.1", TRISTATE_NO, TRISTATE_YES, 0);
	socket->inode = 0;
	socket->timer = TIMER_TIME_WAIT;
	predict(&bench);
	is_str(model_text(&bench), "use use ok ok", "FIN-WAIT-2 that is a TIME-WAIT bucket");
	bench.snapshot->sockets[0].timer = TIMER_UNKNOWN;
	predict_again(&bench);
	is_str(model_text(&bench), "use use ? ?", "its timer would tell");
	bench.snapshot->sockets[0].timer = TIMER_TIME_WAIT;
	bench.snapshot->sockets[0].known &= ~(uint32_t)SOCKET_HAS_INODE;
	predict_again(&bench);
	is_str(model_text(&bench), "use use ? ?", "and its inode");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "0.0.0.0", 8080);
	add(&bench, STATE_SYN_RECV, "127.0.0.1", TRISTATE_NO, TRISTATE_NO, 0)->inode = 0;
	predict(&bench);
	is_str(model_text(&bench), "ok ok ok ok", "a request is not in the bucket");
	bench.snapshot->sockets[0].known &= ~(uint32_t)SOCKET_HAS_INODE;
	predict_again(&bench);
	is_str(model_text(&bench), "? ? ? ?", "if it is one");
	done(&bench);
}

static void know_unprivileged(struct bench *bench)
{
	struct netns *netns = &bench->snapshot->netns[0];

	netns->sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START] = 1024;
	netns->sysctls_known = 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START;
}

/* __inet_bind() looks at the address first, __inet6_bind() at the port. */
static void test_refused(void)
{
	struct bench bench = bench_new(PROTOCOL_TCP, "192.0.2.1", 80);

	bench.facts.address_error = EADDRNOTAVAIL;
	predict(&bench);
	is_int(bench.report.attempts[0].ways[PROBE_MODEL].bind, EADDRNOTAVAIL, "IPv4: the address");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "2001:db8::99", 80);
	bench.facts.address_error = EADDRNOTAVAIL;
	know_unprivileged(&bench);
	predict(&bench);
	is_int(bench.report.attempts[0].ways[PROBE_MODEL].bind, EACCES, "IPv6: the port");
	bench.facts.privileged = TRISTATE_YES;
	predict_again(&bench);
	is_int(bench.report.attempts[0].ways[PROBE_MODEL].bind, EADDRNOTAVAIL, "who may bind it");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "ff02::1", 80);
	bench.facts.address_error = EINVAL;
	know_unprivileged(&bench);
	predict(&bench);
	is_int(bench.report.attempts[0].ways[PROBE_MODEL].bind, EINVAL, "TCP to multicast");
	conclude(&bench);
	ok(strstr(bench.verdict.text, "TCP knows no multicast") != NULL, "and why");
	done(&bench);

	bench = bench_new(PROTOCOL_TCP, "::ffff:127.0.0.1", 80);
	bench.candidate.v6only = true;
	bench.facts.address_error = ENODEV;
	predict(&bench);
	is_int(bench.report.attempts[0].ways[PROBE_MODEL].bind, ENODEV, "the device before all");
	done(&bench);
}

int main(void)
{
	test_refusals();
	test_any_port();
	test_incomplete();
	test_memory();
	test_facts_of_kernel();
	test_refused();
	return done_testing();
}

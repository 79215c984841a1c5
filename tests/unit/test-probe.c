/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "analysis/probe-harm.h"
#include "analysis/probe-verdict.h"
#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

/* A snapshot, a candidate, and what is said of it; each test begins with bench_new(). */
struct bench {
	struct snapshot *snapshot;
	struct bind_candidate candidate;
	struct probe_facts facts;
	struct bind_bucket_index index;
	struct probe_report report;
	struct probe_live_plan plan;
	struct probe_verdict verdict;
};

static struct bench bench_new(enum protocol protocol, const char *address, uint16_t port)
{
	struct bench bench = {
		.snapshot = snapshot_new(),
		.candidate = { .protocol = (uint8_t)protocol, .port = port, .uid = 1000 },
		.facts = { .address_error = PROBE_UNKNOWN, .privileged = TRISTATE_NO },
	};
	int family;

	if (address_parse(address, strlen(address), &family, &bench.candidate.address))
		abort();
	bench.candidate.family = (uint8_t)family;
	snapshot_add_netns(bench.snapshot);
	bench.snapshot->kernel = snapshot_string(bench.snapshot, "6.18.44");
	return bench;
}

static void predict(struct bench *bench)
{
	bind_bucket_index_init(&bench->index, bench->snapshot);
	probe_report_init(&bench->report, &bench->candidate);
	probe_predict(bench->snapshot, &bench->index, &bench->facts, &bench->report);
	probe_plan_live(bench->snapshot, &bench->index, &bench->report, false, &bench->plan);
}

/* Of another candidate. */
static void predict_again(struct bench *bench)
{
	probe_report_done(&bench->report);
	bind_bucket_index_done(&bench->index);
	predict(bench);
}

static void conclude(struct bench *bench)
{
	probe_conclude(bench->snapshot, &bench->report, NULL, &bench->verdict);
}

static void done(struct bench *bench)
{
	probe_verdict_done(&bench->verdict);
	probe_report_done(&bench->report);
	bind_bucket_index_done(&bench->index);
	snapshot_free(bench->snapshot);
}

static bool says(const struct probe_sentences *sentences, const char *words)
{
	uint32_t i;

	for (i = 0; i < sentences->count; i++)
		if (strstr(sentences->items[i], words))
			return true;
	return false;
}

static struct inet_socket *add(struct bench *bench, enum socket_state state, const char *address,
			       enum tristate addr, enum tristate port, uint32_t uid)
{
	struct inet_socket *socket = make_socket(bench->snapshot, bench->candidate.protocol, state,
						 address, bench->candidate.port);

	make_reuse(socket, addr, port, EVIDENCE_BPF);
	socket->uid = uid;
	socket->inode = 7;
	socket->known = SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_DEVICE;
	return socket;
}

static int model(const struct bench *bench, uint32_t set)
{
	return bench->report.attempts[set].ways[PROBE_MODEL].bind;
}

/* "ok use use ok" */
static const char *model_text(const struct bench *bench)
{
	static char text[64];
	uint32_t set;

	*text = '\0';
	for (set = 0; set < PROBE_SETS; set++) {
		int said = model(bench, set);

		strcat(text, set ? " " : "");
		strcat(text, said == 0		   ? "ok" :
			     said == EADDRINUSE	   ? "use" :
			     said == EACCES	   ? "access" :
			     said == EINVAL	   ? "invalid" :
			     said == EADDRNOTAVAIL ? "address" :
			     said == PROBE_UNKNOWN ? "?" :
						     "other");
	}
	return text;
}

static const char *plan_text(const struct bench *bench)
{
	static const char letters[] = {
		[LIVE_NOT] = '-', [LIVE_DIRECT] = 'd', [LIVE_MAPPED] = 'm'
	};
	static char text[PROBE_SETS + 1];
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++)
		text[set] = letters[bench->plan.how[set]];
	return text;
}

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
	is_str(plan_text(&bench), "dddd", "what is refused for that is in nobody's way");
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

	bench = bench_new(PROTOCOL_UDP, "127.255.255.255", 5201);
	add(&bench, STATE_BOUND, "127.255.255.255", TRISTATE_YES, TRISTATE_NO, 0)->device =
		snapshot_string(bench.snapshot, "lo");
	bench.candidate.device = snapshot_string(bench.snapshot, "lo");
	predict(&bench);
	is_str(plan_text(&bench), "-d-d", "so it may be bound live");
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
	bench.candidate.device = snapshot_string(bench.snapshot, "eth0");
	predict_again(&bench);
	ok(bench.report.before.known && bench.report.before.n_shares == 1, "which may be named");
	done(&bench);
}

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
	test_refusals();
	test_any_port();
	test_incomplete();
	test_harm();
	test_memory();
	test_facts_of_kernel();
	test_refused();
	test_copies();
	test_devices();
	test_ways();
	test_moment();
	test_time_wait_advice();
	test_several_in_the_way();
	test_elsewhere();
	test_delivery();
	return done_testing();
}

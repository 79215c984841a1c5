/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/history.h"

#include "analysis/identity.h"
#include "analysis/words.h"
#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "model/snapshot-update.h"

#define SECOND INT64_C(1000000000)

static struct history history;
static bool second_is_new; /* of the last snapshot's sockets */

/* A listener on each port from first to last, of a process each; pids are 100 and the port. */
static struct snapshot *make_listeners(uint16_t first, uint16_t last, int64_t seconds)
{
	struct snapshot *snapshot = snapshot_new();
	uint32_t port;

	snapshot_add_netns(snapshot)->id = 4026531840;
	snapshot->end_ns = seconds * SECOND;
	for (port = first; port <= last; port++) {
		uint32_t process = make_process(snapshot, 100 + port, "server");
		struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN,
							 "0.0.0.0", (uint16_t)port);

		socket->cookie = port;
		socket->known |= SOCKET_HAS_COOKIE;
		make_owner(snapshot, socket, process, 3);
	}
	return snapshot;
}

static struct snapshot *last; /* that was taken */

static void take(struct snapshot *snapshot)
{
	bool *is_new = calloc(snapshot->n_sockets + 2, sizeof(*is_new));
	struct bind_bucket_index index;

	bind_bucket_index_init(&index, snapshot);
	history_take(&history, last, snapshot, &index, 10 * SECOND, is_new);
	second_is_new = is_new[1];
	bind_bucket_index_done(&index);
	snapshot_free(last);
	last = snapshot;
	free(is_new);
}

static uint32_t count_gone(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < history.n_ports; i++)
		n += history.ports[i].gone;
	return n;
}

static void test_new(void)
{
	history_init(&history);
	take(make_listeners(80, 81, 1));
	is_int(second_is_new, 0, "at first nothing is new");
	history_done(&history);
	history_init(&history);
	take(make_listeners(80, 80, 1));
	take(make_listeners(80, 81, 2));
	is_int(second_is_new, 1, "a new socket is");
	take(make_listeners(80, 81, 9));
	is_int(second_is_new, 1, "for some seconds");
	take(make_listeners(80, 81, 12));
	is_int(second_is_new, 0, "and then no more");
	history_done(&history);
}

static void test_gone(void)
{
	history_init(&history);
	take(make_listeners(1000, 1009, 1));
	is_int(history.n_ports, 10, "ports");
	take(make_listeners(1003, 1009, 2));
	is_int(history.n_ports, 10, "each is there once, gone or not");
	is_int(count_gone(), 3, "the first three have gone, no other");
	take(make_listeners(1003, 1009, 3));
	is_int(count_gone(), 3, "they stay for a while");
	take(make_listeners(1003, 1009, 20));
	is_int(history.n_ports, 7, "and then no more");
	take(make_listeners(1003, 1008, 21));
	take(make_listeners(1003, 1008, 5));
	is_int(history.n_ports, 6, "nor where the clock was set back");
	history_done(&history);
}

static uint32_t n_gone_sockets(void)
{
	return history.gone ? history.gone->n_sockets : 0;
}

/* With all that was known of them, in a snapshot of their own. */
static void test_gone_sockets(void)
{
	struct snapshot *snapshot;
	char *who;

	history_init(&history);
	take(make_listeners(1000, 1009, 1));
	is_int(n_gone_sockets(), 0, "at first none has gone");
	take(make_listeners(1003, 1009, 2));
	is_int(n_gone_sockets(), 3, "three sockets have gone");
	is_int(history.gone->sockets[1].local_port, 1001, "which they were");
	is_int(history.gone->netns[history.gone->sockets[1].netns].id, 4026531840, "and where");
	is_int(history.gone_ns[1], 2 * SECOND, "when they went");
	take(make_listeners(1005, 1010, 3));
	is_int(n_gone_sockets(), 5, "two more");
	is_int(history.gone->n_processes, 5, "of which only what they need is kept");
	who = words_holders(history.gone, 4);
	is_str(who, "\"server\" (pid 1104)", "and whose they were");
	free(who);
	take(make_listeners(1000, 1000, 4));
	is_int(n_gone_sockets(), 10, "one that is there again is not gone");
	take(make_listeners(1000, 1000, 13));
	is_int(n_gone_sockets(), 8, "they stay for a while");
	take(make_listeners(1000, 1000, 20));
	ok(!history.gone, "and then no more");
	take(make_listeners(1000, 1001, 21));
	take(make_listeners(1000, 1000, 22));
	take(make_listeners(1000, 1000, 5));
	is_int(n_gone_sockets(), 0, "nor where the clock was set back");
	snapshot = make_listeners(1000, 1001, 6);
	snapshot->sockets[1].known &= ~(uint32_t)SOCKET_HAS_COOKIE;
	take(snapshot);
	take(make_listeners(1000, 1000, 7));
	is_int(n_gone_sockets(), 0, "without a cookie it cannot be told");
	take(make_listeners(1, 20000, 8));
	take(make_listeners(1, 0, 9));
	is_int(n_gone_sockets(), HISTORY_GONE_MAX, "and of very many the first");
	history_done(&history);
}

static bool new_findings[3];

/* A finding about each of some ports. */
static void take_findings(uint16_t first, uint16_t last_port, int64_t seconds)
{
	struct snapshot *snapshot = make_listeners(1, 0, seconds);
	struct finding_list findings = { .items = NULL };
	uint16_t port;

	for (port = first; port <= last_port; port++) {
		struct finding *finding =
			finding_list_add(&findings, FINDING_UDP_HIJACKABLE, SEVERITY_NOTE, NULL, 0);

		finding->port = port;
		finding->title = strdup("title");
	}
	history_take_findings(&history, snapshot, &findings, 10 * SECOND, new_findings);
	finding_list_done(&findings);
	snapshot_free(snapshot);
}

static uint32_t n_gone_findings(void)
{
	uint32_t i, n = 0;

	for (i = 0; i < history.n_findings; i++)
		n += history.findings[i].gone;
	return n;
}

static void test_findings(void)
{
	history_init(&history);
	take_findings(80, 81, 1);
	is_int(new_findings[0] + new_findings[1] + n_gone_findings(), 0,
	       "at first no finding is new");
	take_findings(80, 82, 2);
	ok(!new_findings[1] && new_findings[2], "then one is");
	take_findings(81, 82, 8);
	ok(!new_findings[0] && new_findings[1], "for a while");
	is_int(n_gone_findings(), 1, "and one has gone");
	take_findings(81, 82, 17);
	is_int(new_findings[1] + n_gone_findings(), 1, "which is kept for a while, too");
	take_findings(81, 82, 19);
	is_int(history.n_findings, 2, "and then no more");
	take_findings(81, 81, 20);
	take_findings(81, 82, 21);
	ok(new_findings[1] && !n_gone_findings(), "one that is there again is new");
	history_done(&history);
}

/* What sums up the TIME-WAIT of several ports is the same one when its first socket has ended. */
static void test_findings_of_no_port(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct finding_list findings = { .items = NULL };
	const uint32_t sockets[] = { 0, 1 };

	snapshot_add_netns(snapshot);
	make_connection(snapshot, STATE_TIME_WAIT, 8080, "10.0.0.9", 2000);
	make_connection(snapshot, STATE_TIME_WAIT, 8081, "10.0.0.8", 2001);
	finding_list_add(&findings, FINDING_TIME_WAIT_BLOCKS_BIND, SEVERITY_NOTE, sockets, 2);
	finding_list_add(&findings, FINDING_TIME_WAIT_BLOCKS_BIND, SEVERITY_NOTE, sockets + 1, 1);
	finding_list_add(&findings, FINDING_EPHEMERAL_EXHAUSTION, SEVERITY_NOTE, sockets, 1);
	finding_list_add(&findings, FINDING_EPHEMERAL_EXHAUSTION, SEVERITY_NOTE, sockets + 1, 1);
	ok(identity_of_finding(snapshot, &findings, &findings.items[0]) ==
		   identity_of_finding(snapshot, &findings, &findings.items[1]),
	   "the rest of what is left on ports is one finding, whatever sockets it has");
	ok(identity_of_finding(snapshot, &findings, &findings.items[2]) !=
		   identity_of_finding(snapshot, &findings, &findings.items[3]),
	   "two destinations whose ports run out are two");
	finding_list_done(&findings);
	snapshot_free(snapshot);
}

/* Ports that were asked for by name are not forgotten. */
static void test_chosen(void)
{
	static const struct selector chosen[] = {
		{ .protocols = 1U << PROTOCOL_TCP, .first_port = 1000, .last_port = 1000 },
		{ .protocols = 1U << PROTOCOL_UDP, .first_port = 1001, .last_port = 1001 },
		{ .protocols = 1U << PROTOCOL_TCP, .first_port = 1002, .last_port = 1003 },
	};

	history_init(&history);
	history_choose(&history, chosen, 3);
	take(make_listeners(1000, 1009, 1));
	take(make_listeners(1005, 1009, 2));
	is_int(count_gone(), 5, "five have gone");
	take(make_listeners(1005, 1009, 100));
	is_int(count_gone(), 1, "one is waited for: not one of another protocol, nor of a range");
	is_int(history.ports[0].since_ns, 2 * SECOND, "since it went");
	take(make_listeners(1005, 1009, 1));
	is_int(count_gone(), 1, "also where the clock was set back");
	take(make_listeners(1000, 1009, 200));
	is_int(count_gone(), 0, "until it is there again");
	ok(history.ports[0].before && strstr(history.ports[0].before, "pid 1100"),
	   "with who had it before");
	history_done(&history);
}

/* Two processes and what they hold of one port, by bits. */
static struct snapshot *make_holders(uint32_t first, uint32_t second)
{
	struct snapshot *snapshot = make_listeners(1, 0, 1);
	uint32_t processes[] = { make_process(snapshot, 10, "a"), make_process(snapshot, 11, "b") };
	uint32_t held[] = { first, second }, i, k;

	for (i = 0; i < 2; i++) {
		struct inet_socket *socket;

		if (!held[i])
			continue;
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);
		for (k = 0; k < 2; k++)
			if (held[i] & 1U << k)
				make_owner(snapshot, socket, processes[k], (int32_t)(3 + i));
	}
	return snapshot;
}

static void test_holders(void)
{
	history_init(&history);
	take(make_holders(1, 0));
	is_int(history.ports[0].changed, 0, "at first it is as it is");
	take(make_holders(1, 1));
	is_int(history.ports[0].changed, 0, "a second socket of the same process is no change");
	take(make_holders(1, 3));
	is_int(history.ports[0].changed, 1, "a second process is one");
	ok(history.ports[0].before != NULL, "with who was there before");
	take(make_holders(1, 0));
	is_int(history.ports[0].changed, 0, "and back is as it was first");
	history_done(&history);
}

/* One port with one socket, read at a moment, and its holder at one that may be earlier. */
static void take_holder(uint64_t cookie, uint32_t pid, int64_t start, int64_t owners)
{
	struct snapshot *snapshot = make_listeners(1, 0, start + 1);
	uint32_t process = make_process(snapshot, pid, "server");
	struct inet_socket *socket;

	snapshot->start_ns = start * SECOND;
	snapshot->owners_ns = owners * SECOND;
	if (cookie) {
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);
		socket->cookie = cookie;
		socket->known |= SOCKET_HAS_COOKIE;
		make_owner(snapshot, socket, process, 3);
	}
	take(snapshot);
}

/* Holders are not read with each snapshot, so who has changed may have done so a while ago. */
static void test_since(void)
{
	history_init(&history);
	take_holder(1, 10, 100, 100);
	is_int(history.ports[0].since_ns, 0, "at first it is not known since when");
	take_holder(1, 10, 108, 100);
	take_holder(1, 11, 110, 110);
	is_int(history.ports[0].since_ns, 111 * SECOND, "another holder is seen");
	is_int(history.ports[0].after_ns, 100 * SECOND,
	       "which was not so yet when holders were read last");
	take_holder(1, 11, 114, 110);
	is_int(history.ports[0].after_ns, 100 * SECOND, "that stays");
	take_holder(2, 12, 116, 116);
	is_int(history.ports[0].since_ns, 117 * SECOND, "another holder of another socket");
	is_int(history.ports[0].after_ns, 114 * SECOND,
	       "which was not so yet when sockets were read last");
	take_holder(0, 12, 118, 118);
	is_int(history.ports[0].gone, 1, "the port goes");
	is_int(history.ports[0].after_ns, 116 * SECOND, "later than it was read last");
	take_holder(3, 12, 120, 120);
	is_int(history.ports[0].after_ns, 118 * SECOND, "and is there again, likewise");
	history_done(&history);
}

static void check_same(const char *what, void (*change)(struct snapshot *later), bool same)
{
	struct snapshot *snapshot = make_listeners(80, 81, 1), *later = make_listeners(80, 81, 2);

	change(later);
	is_int(snapshot_update(snapshot, later), same, "%s", what);
	snapshot_free(snapshot);
	snapshot_free(later);
}

static void change_nothing(struct snapshot *later)
{
	later->sockets[0].queue_recv = 7;
	later->netns[0].sysctls[0] = 1;
}

static void change_peer(struct snapshot *later)
{
	later->sockets[1].peer_port = 9;
}

static void change_local(struct snapshot *later)
{
	later->sockets[1].local.bytes[0] = 10;
}

static void change_device(struct snapshot *later)
{
	later->sockets[1].device = snapshot_string(later, "lo");
}

static void change_cookie(struct snapshot *later)
{
	later->sockets[0].known &= ~(uint32_t)SOCKET_HAS_COOKIE;
}

static void change_limits(struct snapshot *later)
{
	snapshot_add_limit(later, "sockets", "EIO", 0, "the sockets of UDP could not be read");
}

int main(void)
{
	test_new();
	test_gone();
	test_gone_sockets();
	test_findings();
	test_findings_of_no_port();
	test_chosen();
	test_holders();
	test_since();
	check_same("queues and sysctls are brought up to date", change_nothing, true);
	check_same("a peer of connected UDP is not", change_peer, false);
	check_same("nor a place", change_local, false);
	check_same("nor a device", change_device, false);
	check_same("without cookies nothing is known again", change_cookie, false);
	check_same("what was seen must still be seen", change_limits, false);
	snapshot_free(last);
	return done_testing();
}

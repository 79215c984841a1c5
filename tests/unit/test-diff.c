/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/diff.h"

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

static void take(struct snapshot *snapshot)
{
	bool *is_new = calloc(snapshot->n_sockets + 2, sizeof(*is_new));
	struct bind_bucket_index index;

	bind_bucket_index_init(&index, snapshot);
	history_take(&history, snapshot, &index, 10 * SECOND, is_new);
	second_is_new = is_new[1];
	bind_bucket_index_done(&index);
	snapshot_free(snapshot);
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
	test_chosen();
	test_holders();
	check_same("queues and sysctls are brought up to date", change_nothing, true);
	check_same("a peer of connected UDP is not", change_peer, false);
	check_same("nor a place", change_local, false);
	check_same("nor a device", change_device, false);
	check_same("without cookies nothing is known again", change_cookie, false);
	check_same("what was seen must still be seen", change_limits, false);
	return done_testing();
}

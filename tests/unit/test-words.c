/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/words.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

#define N_SOCKETS 8

/* Sockets of one port, of which the holders cannot be seen: of these uids. */
static void check_unseen(const uint32_t uids[N_SOCKETS], const char *expected)
{
	struct snapshot *snapshot = snapshot_new();
	uint32_t sockets[N_SOCKETS], i;
	char *text;

	snapshot_add_netns(snapshot);
	for (i = 0; i < N_SOCKETS; i++) {
		struct inet_socket *socket =
			make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 5060);

		socket->owner_status = OWNER_HIDDEN;
		socket->uid = uids[i];
		socket->known = SOCKET_HAS_UID;
		sockets[i] = i;
	}
	text = words_holders_together(snapshot, sockets, N_SOCKETS);
	is_str(text, expected, "%s", expected);
	free(text);
	snapshot_free(snapshot);
}

static void test_unseen(void)
{
	static const uint32_t one[N_SOCKETS] = { 7, 7, 7, 7, 7, 7, 7, 7 };
	static const uint32_t three[N_SOCKETS] = { 7, 8, 7, 8, 9, 9, 7, 8 };
	static const uint32_t all[N_SOCKETS] = { 11, 12, 13, 14, 15, 16, 17, 18 };

	check_unseen(one, "a process of uid 7 that cannot be seen");
	check_unseen(three, "a process of uid 7 that cannot be seen and a process of uid 8 that "
			    "cannot be seen and a process of uid 9 that cannot be seen");
	check_unseen(all, "a process of uid 11 that cannot be seen and a process of uid 12 that "
			  "cannot be seen and a process of uid 13 that cannot be seen and others");
}

/* What keeps a port from clients begins so, where it is known that this end is one, and if not. */
static void check_keep(const struct port_rules *rules, uint16_t port, const char *known,
		       const char *unknown)
{
	char *text = words_keep_if_connected(rules, 0, port);
	const char *keep = words_keep_from_clients(rules, 0, port);

	ok(!strncmp(keep, known, strlen(known)), "%u: %s", port, known);
	ok(!strncmp(text, unknown, strlen(unknown)), "%u: %s", port, unknown);
	is_str(text + strlen(unknown), keep + strlen(known), "%u: the rest is the same", port);
	free(text);
}

static void test_keep(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct port_rules rules;

	snapshot_add_netns(snapshot)->reserved_ports = snapshot_string(snapshot, "40001");
	port_rules_init(&rules, snapshot);
	check_keep(&rules, 40000, "For good: put the port",
		   "For good, if this end has connected: put the port");
	check_keep(&rules, 8080, "For good: let the client",
		   "For good, if this end has connected: let the client");
	check_keep(&rules, 40001, "It will hardly be back: the port",
		   "If this end has connected, it will hardly be back: the port");
	port_rules_done(&rules);
	snapshot_free(snapshot);
}

int main(void)
{
	test_unseen();
	test_keep();
	return done_testing();
}

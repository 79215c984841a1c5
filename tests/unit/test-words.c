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

/* The command that ends TIME-WAIT, and the option of portshare, of a namespace like this. */
static void check_way(uint32_t index, enum tristate own, const char *name, const char *path,
		      const char *command, const char *option)
{
	struct snapshot *snapshot = snapshot_new();
	struct netns *netns;
	char *text;

	while (snapshot->n_netns < index)
		snapshot_add_netns(snapshot);
	netns = snapshot_add_netns(snapshot);
	netns->own = (uint8_t)own;
	netns->name = snapshot_string(snapshot, name);
	netns->path = snapshot_string(snapshot, path);
	text = words_end_time_wait(snapshot, index, 2, 0, 80);
	is_str(text, command, "%s", command);
	free(text);
	text = words_netns_option(snapshot, index);
	is_str(text, option, "and the option is \"%s\"", option);
	free(text);
	snapshot_free(snapshot);
}

static void test_ways(void)
{
	check_way(0, TRISTATE_YES, "blue", NULL, "\"ss -K -t state time-wait 'sport = :80'\"", "");
	check_way(0, TRISTATE_UNKNOWN, NULL, NULL, "\"ss -K -t state time-wait 'sport = :80'\"",
		  "");
	check_way(0, TRISTATE_NO, "blue", "/proc/9/ns/net",
		  "\"ip netns exec blue ss -K -t state time-wait 'sport = :80'\"", " --netns blue");
	check_way(1, TRISTATE_UNKNOWN, NULL, "/proc/9/ns/net",
		  "\"nsenter --net=/proc/9/ns/net ss -K -t state time-wait 'sport = :80'\"",
		  " --netns /proc/9/ns/net");
	check_way(1, TRISTATE_NO, NULL, NULL,
		  "\"ss -K -t state time-wait 'sport = :80'\" in that network namespace",
		  " --all-netns");
	/* What is no plain word is never part of a command. */
	check_way(1, TRISTATE_NO, "$(reboot)", "/tmp/a b",
		  "\"ss -K -t state time-wait 'sport = :80'\" in that network namespace",
		  " --all-netns");
	check_way(1, TRISTATE_NO, "-all", NULL,
		  "\"ss -K -t state time-wait 'sport = :80'\" in that network namespace",
		  " --all-netns");
}

int main(void)
{
	test_unseen();
	test_keep();
	test_ways();
	return done_testing();
}

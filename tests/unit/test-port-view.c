/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/port-view.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

static struct snapshot *new_world(void)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot_add_netns(snapshot);
	return snapshot;
}

/* What must hold of every view: each socket is in exactly one row. */
static void check_complete(const struct port_view *view, const char *name)
{
	const struct snapshot *snapshot = view->snapshot;
	bool *seen = calloc(snapshot->n_sockets + 1, sizeof(*seen));
	uint32_t i, j, next = 0, n_seen = 0;
	bool adjacent = true;

	for (i = 0; i < view->n_rows; i++) {
		adjacent = adjacent && view->rows[i].first == next && view->rows[i].count;
		next = view->rows[i].first + view->rows[i].count;
	}
	for (j = 0; j < snapshot->n_sockets; j++) {
		n_seen += !seen[view->sockets[j]];
		seen[view->sockets[j]] = true;
	}
	ok(adjacent && next == snapshot->n_sockets && n_seen == snapshot->n_sockets,
	   "%s: every socket is in one row", name);
	free(seen);
}

static void test_served(void)
{
	struct snapshot *snapshot = new_world();
	struct port_view view;
	struct port_summary summary;
	uint32_t master = make_process(snapshot, 899, "nginx");
	uint32_t worker = make_process(snapshot, 900, "nginx");
	struct inet_socket *socket;
	int i;

	for (i = 0; i < 3; i++) {
		socket = make_connection(snapshot, STATE_TIME_WAIT, 80, "10.1.1.1",
					 (uint16_t)(50000 + i));
		make_expiry(socket, (uint32_t)(48000 - 12000 * i));
		make_reuse(socket, TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	}
	make_connection(snapshot, STATE_TIME_WAIT, 80, "10.1.1.1", 50009);
	socket = make_connection(snapshot, STATE_ESTAB, 80, "10.1.1.1", 50010);
	make_owner(snapshot, socket, worker, 9);
	socket->queue_recv = 5;
	socket->known |= SOCKET_HAS_QUEUE;
	socket = make_connection(snapshot, STATE_ESTAB, 80, "10.1.1.1", 50011);
	socket->owner_status = OWNER_NONE;
	socket->queue_recv = 7;
	socket->known |= SOCKET_HAS_QUEUE;
	socket = make_connection(snapshot, STATE_FIN_WAIT_2, 80, "10.1.1.1", 50012);
	socket = make_connection(snapshot, STATE_FIN_WAIT_2, 80, "10.1.1.1", 50013);
	socket->timer = TIMER_TIME_WAIT;
	socket->known |= SOCKET_HAS_INODE;
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);
	make_owner(snapshot, socket, master, 6);
	make_owner(snapshot, socket, master, 7);
	make_owner(snapshot, socket, worker, 6);

	port_view_init(&view, snapshot, false);
	check_complete(&view, "served port");
	is_int(view.n_rows, 5, "one listener, four folds");
	is_int(view.rows[0].kind, PORT_ROW_BOUND, "the listener comes first");
	ok(view.rows[0].leads && !view.rows[1].leads, "only the first row of a port leads");
	port_view_sum(&view, &view.rows[0], &summary);
	is_int(summary.n_processes, 2, "distinct processes of an inherited socket");
	port_view_sum(&view, &view.rows[1], &summary);
	is_int(summary.states[STATE_ESTAB], 2, "two connections folded");
	is_int(summary.n_processes, 1, "process of the connections");
	is_int(summary.owner_statuses[OWNER_NONE], 1, "one of them is not accepted");
	is_int(summary.queue_recv, 12, "queues are added up");
	ok(summary.known & SOCKET_HAS_QUEUE, "and known");
	ok(summary.differs & DIFFERS_PEER, "their peers differ");
	ok(!(summary.differs & (DIFFERS_LOCAL | DIFFERS_REUSE)), "address and flags do not");
	port_view_sum(&view, &view.rows[2], &summary);
	is_int(summary.states[STATE_FIN_WAIT_2], 1, "FIN-WAIT-2 that lives");
	is_int(summary.n_time_wait, 0, "is no TIME-WAIT");
	port_view_sum(&view, &view.rows[3], &summary);
	is_int(summary.states[STATE_TIME_WAIT], 4, "TIME-WAIT folded");
	is_int(summary.n_expires, 3, "of one the end is not known");
	is_int(summary.first_expires_ms, 24000, "the first ends");
	is_int(summary.last_expires_ms, 48000, "the last ends");
	ok(summary.differs & DIFFERS_REUSE, "an unknown flag is not the same as a known one");
	port_view_sum(&view, &view.rows[4], &summary);
	is_int(summary.n_time_wait, 1, "FIN-WAIT-2 as a TIME-WAIT bucket is a row of its own");
	port_view_done(&view);
	snapshot_free(snapshot);
}

static void test_alike(void)
{
	struct snapshot *snapshot = new_world();
	uint32_t process = make_process(snapshot, 10, "pool");
	struct inet_socket *socket;
	struct port_view view;
	int i;

	for (i = 0; i < PORT_VIEW_ALIKE + 2; i++) {
		socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 443);
		make_owner(snapshot, socket, process, i);
	}
	snapshot->sockets[PORT_VIEW_ALIKE].drops = 1;
	for (i = 0; i < PORT_VIEW_ALIKE - 1; i++)
		make_owner(snapshot,
			   make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 444),
			   process, i);
	port_view_init(&view, snapshot, false);
	check_complete(&view, "alike sockets");
	is_int(view.rows[0].count, PORT_VIEW_ALIKE, "neighbours that are alike share a row");
	is_int(view.rows[1].count, 1, "one that dropped packets has its own");
	is_int(view.n_rows, 3 + PORT_VIEW_ALIKE - 1, "few are not folded");
	port_view_done(&view);
	snapshot_free(snapshot);
}

/* Which ports belong to clients. */
static void test_client_ports(void)
{
	static const struct {
		const char *name;
		enum socket_state state;
		uint16_t port;
		const char *peer;
		uint16_t peer_port;
		bool client;
	} cases[] = {
		{ "ephemeral port", STATE_ESTAB, 40000, "10.0.0.5", 5432, true },
		{ "first ephemeral port", STATE_ESTAB, 32768, "10.0.0.5", 5432, true },
		{ "below the range", STATE_ESTAB, 32767, "10.0.0.5", 50000, false },
		{ "above the range", STATE_ESTAB, 61000, "10.0.0.5", 50000, false },
		{ "still connecting", STATE_SYN_SENT, 800, "10.0.0.5", 2049, true },
		{ "TIME-WAIT alone, ephemeral", STATE_TIME_WAIT, 40000, "10.0.0.5", 80, true },
		{ "TIME-WAIT alone, a server that is gone", STATE_TIME_WAIT, 8443, "10.0.0.5",
		  50000, false },
		{ "peer is served here", STATE_ESTAB, 700, "127.0.0.1", 5432, true },
		{ "peer is served here, by own address", STATE_ESTAB, 700, "10.0.0.7", 5432, true },
		{ "peer is not served here", STATE_ESTAB, 700, "127.0.0.1", 5433, false },
		{ "peer on another host", STATE_ESTAB, 700, "10.0.0.5", 5432, false },
	};
	struct port_view view;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct snapshot *snapshot = new_world();

		make_connection(snapshot, cases[i].state, cases[i].port, cases[i].peer,
				cases[i].peer_port);
		make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 5432);
		port_view_init(&view, snapshot, false);
		is_int(view.sections[0].n_clients, cases[i].client, "%s", cases[i].name);
		port_view_done(&view);
		port_view_init(&view, snapshot, true);
		is_int(view.sections[0].n_clients, 0, "%s: in full", cases[i].name);
		check_complete(&view, cases[i].name);
		port_view_done(&view);
		snapshot_free(snapshot);
	}
}

static void test_port_range(void)
{
	struct snapshot *snapshot = new_world();
	struct port_view view;

	snapshot->netns[0].port_range_first = 1024;
	snapshot->netns[0].port_range_last = 2047;
	make_connection(snapshot, STATE_ESTAB, 2047, "10.0.0.5", 50000);
	make_connection(snapshot, STATE_ESTAB, 40000, "10.0.0.5", 50000);
	port_view_init(&view, snapshot, false);
	is_int(view.sections[0].n_rows, 1, "outside the namespace's own range");
	is_int(view.sections[0].n_clients, 1, "inside it");
	port_view_done(&view);
	snapshot_free(snapshot);
}

static void test_clients(void)
{
	struct snapshot *snapshot = new_world();
	uint32_t nginx = make_process(snapshot, 900, "nginx");
	uint32_t other = make_process(snapshot, 901, "nginx");
	uint32_t curl = make_process(snapshot, 950, "curl");
	struct port_summary summary;
	struct port_view view;
	int i;

	make_connection(snapshot, STATE_TIME_WAIT, 39000, "10.0.0.5", 5432);
	make_connection(snapshot, STATE_TIME_WAIT, 39001, "10.0.0.6", 443);
	for (i = 0; i < 4; i++)
		make_owner(snapshot,
			   make_connection(snapshot, STATE_ESTAB, (uint16_t)(40000 + i), "10.0.0.5",
					   5432),
			   i % 2 ? nginx : other, i);
	make_owner(snapshot, make_connection(snapshot, STATE_ESTAB, 41000, "10.0.0.6", 443), curl,
		   3);
	make_owner(snapshot, make_connection(snapshot, STATE_ESTAB, 41001, "10.0.0.6", 443), nginx,
		   3);
	port_view_init(&view, snapshot, false);
	check_complete(&view, "clients");
	is_int(view.sections[0].n_clients, 4, "a row for each program and destination");
	port_view_sum(&view, &view.rows[0], &summary);
	is_int(summary.row->kind, PORT_ROW_CLIENT, "kind");
	is_int(summary.states[STATE_ESTAB], 4, "the largest comes first");
	is_int(summary.states[STATE_TIME_WAIT], 1, "with the TIME-WAIT to the same destination");
	is_int(summary.n_processes, 2, "two processes of one name are one program");
	is_int(summary.socket->state, STATE_ESTAB, "what lives speaks for the row");
	ok(!(summary.differs & DIFFERS_UID), "TIME-WAIT without a user does not make users differ");
	for (i = 1; i < 4; i++) {
		port_view_sum(&view, &view.rows[i], &summary);
		is_int(summary.row->count, 1, "two programs: TIME-WAIT is given to neither");
	}
	port_view_done(&view);
	snapshot_free(snapshot);
}

static void test_many_clients(void)
{
	struct snapshot *snapshot = new_world();
	uint32_t curl = make_process(snapshot, 950, "curl");
	struct port_summary summary;
	struct port_view view;
	const struct port_row *rest;
	int i, j;

	for (i = 0; i < 200; i++) {
		for (j = 0; j <= i % 7; j++)
			make_owner(snapshot,
				   make_connection(snapshot, STATE_ESTAB,
						   (uint16_t)(40000 + 10 * i + j), "10.0.0.5",
						   (uint16_t)(1 + i)),
				   curl, i);
	}
	port_view_init(&view, snapshot, false);
	check_complete(&view, "many clients");
	is_int(view.n_rows, PORT_VIEW_CLIENTS + 1, "ten rows and the rest");
	rest = &view.rows[PORT_VIEW_CLIENTS];
	is_int(rest->kind, PORT_ROW_REST, "kind of the last row");
	is_int(rest->n_destinations, 190, "how many it stands for");
	is_int(rest->count, snapshot->n_sockets - 10 * 7, "and how many sockets");
	port_view_sum(&view, &view.rows[9], &summary);
	is_int(summary.row->count, 7, "the ten largest are shown");
	is_int(summary.socket->peer_port, 70, "of equals those that were first");
	port_view_done(&view);
	snapshot_free(snapshot);
}

static void test_sections(void)
{
	struct snapshot *snapshot = new_world();
	struct port_view view;

	snapshot_add_netns(snapshot);
	snapshot_add_netns(snapshot);
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80)->netns = 2;
	make_connection(snapshot, STATE_ESTAB, 40000, "10.0.0.5", 80)->netns = 2;
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	port_view_init(&view, snapshot, false);
	check_complete(&view, "sections");
	is_int(view.n_sections, 2, "a section for each namespace that has sockets");
	is_int(view.sections[1].netns, 2, "its namespace");
	is_int(view.sections[1].n_rows, 1, "its ports");
	is_int(view.sections[1].n_clients, 1, "its clients");
	port_view_done(&view);
	snapshot_free(snapshot);

	snapshot = snapshot_new();
	port_view_init(&view, snapshot, false);
	is_int(view.n_sections, 0, "nothing gives nothing");
	port_view_done(&view);
	snapshot_free(snapshot);
}

/* Whatever the sockets are, each is counted once. */
static void test_random(void)
{
	static const enum socket_state states[] = { STATE_LISTEN, STATE_BOUND, STATE_ESTAB,
						    STATE_TIME_WAIT, STATE_SYN_RECV };
	static const char *const locals[] = { "127.0.0.1", "0.0.0.0", "::", "::1" };
	unsigned int seed = 7;
	uint32_t round, i, k;

	for (round = 0; round < 50; round++) {
		struct snapshot *snapshot = new_world();
		uint32_t n = rand_r(&seed) % 60, total = 0;
		struct port_summary summary;
		struct port_view view;

		snapshot_add_netns(snapshot);
		make_process(snapshot, 1000 + round, "a");
		make_process(snapshot, 2000 + round, "b");
		for (i = 0; i < n; i++) {
			struct inet_socket *socket = make_socket(
				snapshot, rand_r(&seed) % 4 ? PROTOCOL_TCP : PROTOCOL_UDP,
				states[rand_r(&seed) % 5], locals[rand_r(&seed) % 4],
				(uint16_t)(rand_r(&seed) % 2 ? 80 + rand_r(&seed) % 3 :
							       40000 + rand_r(&seed) % 9));

			socket->netns = rand_r(&seed) % 2;
			if (rand_r(&seed) % 2)
				make_owner(snapshot, socket, rand_r(&seed) % 2, 3);
			if (socket->state != STATE_LISTEN && socket->state != STATE_BOUND)
				make_peer(socket,
					  socket->family == AF_INET ? "10.0.0.9" : "fe80::9",
					  (uint16_t)(rand_r(&seed) % 3));
		}
		port_view_init(&view, snapshot, rand_r(&seed) % 2);
		check_complete(&view, "random sockets");
		for (i = 0; i < view.n_rows; i++) {
			port_view_sum(&view, &view.rows[i], &summary);
			for (k = 0; k < N_STATES; k++)
				total += summary.states[k];
		}
		is_int(total, n, "random sockets: the states add up");
		port_view_done(&view);
		snapshot_free(snapshot);
	}
}

int main(void)
{
	test_random();
	test_served();
	test_alike();
	test_client_ports();
	test_port_range();
	test_clients();
	test_many_clients();
	test_sections();
	return done_testing();
}

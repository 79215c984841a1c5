/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of the live view: what identifies them, their order, namespaces. */
#include "helpers/make-view.h"

static uint32_t same_keys(const struct view *view)
{
	uint32_t i, k, n = 0;

	for (i = 0; i < view->rows.count; i++)
		for (k = 0; k < i; k++)
			n += view->rows.rows[i].key == view->rows.rows[k].key;
	return n;
}

/* Sockets that differ in one thing each, without cookies. */
static struct snapshot *new_lookalikes(int64_t second, bool swapped)
{
	static const char *const peers[] = { "2001:db8::1", "2001:db8::2", "2001:db8:1::1" };
	static const char *const peers4[] = { "10.0.0.5", "10.1.0.5", "10.0.1.5" };
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	uint32_t curl, wget, i, k;

	snapshot->end_ns = second * 1000000000;
	for (i = 0; i < 2; i++)
		snapshot_add_netns(snapshot)->id = (i != swapped) + 1;
	curl = make_process(snapshot, 900, "curl");
	wget = make_process(snapshot, 901, "wget");
	for (k = 0; k < 2; k++) {
		for (i = 0; i < 3; i++) {
			socket = make_connection(snapshot, STATE_ESTAB, (uint16_t)(40000 + i),
						 peers4[i], 443);
			socket->netns = k ^ swapped;
			make_owner(snapshot, socket, curl, 3);
			socket = make_socket(snapshot, PROTOCOL_TCP, STATE_ESTAB, "2001:db8::7",
					     (uint16_t)(41000 + i));
			make_peer(socket, peers[i], 443);
			socket->netns = k ^ swapped;
			make_owner(snapshot, socket, curl, 3);
			socket = make_connection(snapshot, STATE_ESTAB, 8080, "10.0.0.9",
						 (uint16_t)(50000 + i));
			socket->netns = k ^ swapped;
			make_owner(snapshot, socket, wget, 3);
		}
		socket = make_connection(snapshot, STATE_ESTAB, 42000, "10.0.0.5", 443);
		socket->netns = k ^ swapped;
		make_owner(snapshot, socket, wget, 3);
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080);
		socket->netns = k ^ swapped;
		make_owner(snapshot, socket, wget, (int32_t)k);
	}
	for (i = 0; i < 2; i++) {
		snapshot->netns[i].port_range_first = 32768;
		snapshot->netns[i].port_range_last = 60999;
	}
	return snapshot;
}

static uint64_t netns_of_selected(const struct view *view)
{
	const struct snapshot *snapshot = view->frame->snapshot;
	uint32_t count;
	const uint32_t *sockets = row_sockets(view->frame, view->rows.rows + view->cursor, &count);

	return snapshot->netns[snapshot->sockets[*sockets].netns].id;
}

static void test_keys_of_rows(void)
{
	struct frame_maker maker;
	struct snapshot *snapshot;
	struct view view;
	bool none[40] = { false };
	uint64_t key;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_lookalikes(1000, false)));
	is_int(view.rows.count, 16, "two ports, seven destinations in each of two namespaces");
	is_int(same_keys(&view), 0, "of which no two are taken for one");
	view_key(&view, 'G');
	view_key(&view, 'k');
	is_int(view.rows.rows[view.cursor].kind, ROW_CLIENT, "what a client has");
	key = view.rows.rows[view.cursor].key;
	view_take(&view, new_frame(&maker, new_lookalikes(1001, true)));
	is_int(view.rows.rows[view.cursor].key, key, "is found again");
	view_key(&view, 'g');
	key = netns_of_selected(&view);
	view_take(&view, new_frame(&maker, new_lookalikes(1002, false)));
	is_int(netns_of_selected(&view), key,
	       "and a port, when its namespace comes elsewhere in the list");
	view_key(&view, TUI_KEY_TAB);
	is_int(view.rows.count, 22, "sockets");
	is_int(same_keys(&view), 0, "that differ in their peers alone");
	view_key(&view, TUI_KEY_BACKTAB);
	snapshot = new_lookalikes(1003, false);
	snapshot_retain(snapshot, none);
	view_take(&view, new_frame(&maker, snapshot));
	is_int(view.rows.count, 2, "ports that have gone");
	is_int(same_keys(&view), 0, "from two namespaces");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Zebra has a port, with TIME-WAIT; ant has one, with a connection of mole; nobody has the third. */
static void test_order(void)
{
	static const uint16_t expected[] = { 82, 81, 80 };
	struct snapshot *snapshot = new_snapshot(1000);
	bool none[6] = { false };
	struct frame_maker maker;
	struct view view;
	uint32_t zebra, ant, mole, i, count;

	snapshot_retain(snapshot, none);
	zebra = make_process(snapshot, 900, "zebra");
	ant = make_process(snapshot, 901, "ant");
	mole = make_process(snapshot, 902, "mole");
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);
	make_owner(snapshot, make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 81),
		   zebra, 3);
	make_connection(snapshot, STATE_TIME_WAIT, 81, "10.0.0.9", 50000);
	make_owner(snapshot, make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 82), ant,
		   3);
	make_owner(snapshot, make_connection(snapshot, STATE_ESTAB, 82, "10.0.0.9", 50001), mole,
		   3);
	make_connection(snapshot, STATE_TIME_WAIT, 82, "10.0.0.9", 50002);
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	while (view.sorts[VIEW_PORTS] != SORT_OWNER)
		view_key(&view, 's');
	for (i = 0; i < 3; i++)
		is_int(snapshot->sockets[*row_sockets(view.frame, &view.rows.rows[i], &count)]
			       .local_port,
		       expected[i], "by owner: %u", i);
	view_done(&view);
	frame_maker_done(&maker);
}

/* In each of two namespaces one port, in the second with a connection of MPTCP that is found. */
static void test_namespaces(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct finding_list findings = { .items = NULL };
	struct inet_socket *socket;
	struct finding *finding;
	struct frame_maker maker;
	struct view view;
	const uint32_t found = 3;
	uint32_t i;

	for (i = 0; i < 2; i++) {
		struct netns *netns = snapshot_add_netns(snapshot);

		netns->id = 4026531840 + i;
		netns->name = snapshot_string(snapshot, i ? "blue" : "green");
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080);
		socket->netns = i;
		socket = make_connection(snapshot, STATE_ESTAB, 8080, "10.0.0.9", 50000);
		socket->protocol = PROTOCOL_MPTCP;
		socket->netns = i;
	}
	finding = finding_list_add(&findings, FINDING_TIME_WAIT_BLOCKS_BIND, SEVERITY_WARNING,
				   &found, 1);
	finding->netns = 1;
	finding->port = 8080;
	finding->title = strdup("title");
	finding->text = strdup("text");
	finding->remedy = strdup("remedy");
	finding->evidence = strdup("evidence");
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, frame_new(&maker, NULL, snapshot, &findings, NULL));
	ok(shows(&view, "NETNS") && shows(&view, "green") && shows(&view, "blue"),
	   "several namespaces are named");
	view_key(&view, TUI_KEY_BACKTAB);
	ok(shows(&view, "tcp:8080  blue"), "with findings, too");
	view_key(&view, TUI_KEY_ENTER);
	is_int(netns_of_selected(&view), 4026531841, "a finding leads to its own namespace");
	view_key(&view, TUI_KEY_TAB);
	ok(shows(&view, "green") && shows(&view, "blue"), "and with sockets");

	snapshot = new_snapshot(1010);
	view_take(&view, new_frame(&maker, snapshot));
	ok(!strstr(drawn(&view, 30, 110), "NETNS"), "one namespace is not");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Nine outgoing connections to one place, and a listener of ten workers. */
/* Of three workers on a port the second does not accept. */
static void test_folded(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	char *error;
	uint32_t i;

	for (i = 0; i < 3; i++) {
		char name[] = { 'p', 'o', 'o', 'l', (char)('0' + i), '\0' };
		uint32_t process = make_process(snapshot, 920 + i, name);

		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "127.0.0.1", 9000);
		socket->known |= SOCKET_HAS_QUEUE | SOCKET_HAS_LIMIT;
		socket->queue_recv = i == 1 ? 129 : i == 2 ? 3 : 0;
		socket->queue_limit = 128;
		make_reuse(socket, TRISTATE_NO, TRISTATE_YES, EVIDENCE_BPF);
		make_owner(snapshot, socket, process, 3);
	}
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(view_filter(&view, "tcp:9000", &error), "a pool");
	ok(shows(&view, "reuseport-stuck-member  pool1[921]:3  129/128 full"),
	   "folded it is shown as the member that a finding is about");
	ok(shows(&view, "LISTEN +2"), "with the others counted");
	view_key(&view, 'p');
	is_int(probed, 9000, "and it can be probed");
	view_key(&view, TUI_KEY_ENTER);
	is_int(view.rows.count, 3, "open, all are there");
	view_key(&view, TUI_KEY_ENTER);
	ok(view_filter(&view, "process=pool2", &error), "a filter");
	ok(shows(&view, "pool2[922]:3"), "shows what it lets through");
	view_done(&view);
	frame_maker_done(&maker);

	snapshot = new_snapshot(1000);
	for (i = 0; i < 2; i++) {
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN,
				     i ? "127.0.0.2" : "127.0.0.1", 9000);
		socket->known |= SOCKET_HAS_QUEUE | SOCKET_HAS_LIMIT;
		socket->queue_recv = i;
		socket->queue_limit = 128;
	}
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "0/128"), "without a finding as the first");
	view_key(&view, 's');
	view_key(&view, 's');
	view_key(&view, 's');
	ok(shows(&view, "by queue") && shows(&view, "1/128"), "sorted by queue as the fullest");
	view_done(&view);
	frame_maker_done(&maker);
}

static uint32_t count_kind(const struct view *view, enum row_kind kind)
{
	uint32_t i, n = 0;

	for (i = 0; i < view->rows.count; i++)
		n += view->rows.rows[i].kind == kind;
	return n;
}

static void take(struct view *view, struct frame_maker *maker, int64_t second, const bool *keep)
{
	struct snapshot *snapshot = new_snapshot(second);

	if (keep)
		snapshot_retain(snapshot, keep);
	view_take(view, new_frame(maker, snapshot));
}

/* What goes is marked for some seconds where it was, in each view. */
static void test_gone(void)
{
	static const bool one_each[] = { true, false, true, true, false, false };
	static const bool only_time_wait[] = { false, false, false, true, true, true };
	static const bool nothing[6];
	static const bool no_time_wait[] = { true, true, true, false, false, false };
	struct frame_maker maker;
	struct view view;
	char *error;

	frame_maker_init(&maker);
	view_init(&view, &host);
	take(&view, &maker, 1000, NULL);
	view_key(&view, TUI_KEY_ENTER);
	view_key(&view, 'G');
	view_key(&view, TUI_KEY_ENTER);
	view_key(&view, 'G');
	view_key(&view, TUI_KEY_ENTER);
	is_int(view.rows.count, 7, "two open ports, and an open state");
	take(&view, &maker, 1001, one_each);
	is_int(count_kind(&view, ROW_GONE_SOCKET), 3, "what they have lost is there");
	ok(shows(&view,
		 "\n-     udp:5060    0.0.0.0   gone       addr   -               softphone[901]:3"),
	   "marked, with who had it");
	ok(shows(&view,
		 "\n-       tcp:8080  10.0.0.7  gone       ?      -               none (TIME-WAIT)  "),
	   "below the state, if that is open");
	is_int(same_keys(&view), 0, "each is itself");
	view_key(&view, 'k');
	view_key(&view, 'G');
	ok(shows(&view, "\ntcp 10.0.0.7:8080, TIME-WAIT, no process, unknown flags\nGone since") &&
		   shows(&view, "Gone since 1970-01-01 00:16:41 UTC."),
	   "with when");
	view_key(&view, 'p');
	ok(shows(&view, "no socket here"), "it cannot be probed");
	view_key(&view, 'e');
	view_key(&view, TUI_KEY_ENTER);
	view_key(&view, 'd');
	view_key(&view, 'q');
	view_key(&view, TUI_KEY_TAB);
	is_int(view.rows.count, 6, "the sockets");
	ok(view.rows.rows[1].kind == ROW_GONE_SOCKET && view.rows.rows[5].kind == ROW_GONE_SOCKET,
	   "where they were");
	view_filter(&view, "udp:5060", &error);
	is_int(view.rows.count, 2, "as far as they are asked for");
	view_filter(&view, "process=softphone", &error);
	is_int(view.rows.count, 1, "by whatever it was");
	view_filter(&view, "", &error);
	while (view.sorts[VIEW_SOCKETS] != SORT_OWNER)
		view_key(&view, 's');
	is_int(view.rows.rows[1].kind, ROW_GONE_SOCKET, "in every order");
	view_key(&view, TUI_KEY_TAB);
	ok(shows(&view, "\n- gone  ") && shows(&view, "udp-accidental-share"),
	   "a finding that has gone");
	view_key(&view, 'G');
	ok(shows(&view, "Found no more since 1970-01-01 00:16:41 UTC."), "since when");
	view_key(&view, TUI_KEY_ENTER);
	view_filter(&view, "tcp", &error);
	ok(!strstr(drawn(&view, 30, 110), "\n- gone"), "but not if it was not asked for");
	view_filter(&view, "", &error);

	take(&view, &maker, 1003, NULL);
	ok(shows(&view, "\n+ warning"), "one that is new");
	is_int(count_kind(&view, ROW_GONE_FINDING), 0, "is not gone");
	view_key(&view, TUI_KEY_TAB);
	is_int(count_kind(&view, ROW_GONE_SOCKET), 0, "nor are sockets that are there again");
	take(&view, &maker, 1004, no_time_wait);
	ok(shows(&view, "\n-     tcp:8080") && shows(&view, "  3 gone  "),
	   "of a state that has gone one row");
	ok(shows(&view, "tcp:8080") && count_kind(&view, ROW_GONE_SOCKET) == 1, "for all");
	view_key(&view, 'G');
	ok(shows(&view, "and 2 more of this port"), "with how many");
	take(&view, &maker, 1010, no_time_wait);
	is_int(count_kind(&view, ROW_GONE_SOCKET), 0, "until it is over");
	take(&view, &maker, 1020, only_time_wait);
	take(&view, &maker, 1030, only_time_wait);
	is_int(view.rows.count, 4, "a port that nobody serves, and that is open");
	view_key(&view, 'g');
	take(&view, &maker, 1031, nothing);
	is_int(view.rows.count, 1, "goes with its last connection");
	ok(shows(&view, "\n-   tcp:8080 ") && shows(&view, "  3 gone  "), "which is marked");
	view_key(&view, TUI_KEY_ENTER);
	take(&view, &maker, 1040, nothing);
	is_int(view.rows.count, 0, "for a while");
	view_done(&view);
	frame_maker_done(&maker);
}

/* A program that has two connections to one place, and opens and closes others. */
static void test_gone_clients(void)
{
	struct frame_maker maker;
	struct view view;
	uint32_t second, i;

	frame_maker_init(&maker);
	view_init(&view, &host);
	for (second = 0; second < 2; second++) {
		struct snapshot *snapshot = new_snapshot(1000 + second);
		bool none[6] = { false };
		uint32_t curl;

		snapshot_retain(snapshot, none);
		curl = make_process(snapshot, 900, "curl");
		for (i = 0; i < (second ? 2 : 4); i++) {
			struct inet_socket *socket =
				make_connection(snapshot, STATE_ESTAB, (uint16_t)(40000 + i),
						i == 3 ? "10.0.0.6" : "10.0.0.5", 443);

			make_owner(snapshot, socket, curl, 3);
			socket->cookie = 100 + i;
			socket->known |= SOCKET_HAS_COOKIE;
		}
		snapshot->netns[0].port_range_first = 32768;
		snapshot->netns[0].port_range_last = 60999;
		view_take(&view, new_frame(&maker, snapshot));
		if (!second)
			view_key(&view, TUI_KEY_ENTER);
	}
	is_int(count_kind(&view, ROW_GONE_SOCKET), 1, "one of those to this place");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Where there is little room, what says most stays, and what is cut is seen to be. */
static void test_columns(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	const char *text;
	uint32_t i;

	for (i = 0; i < 2; i++) {
		uint32_t process = make_process(snapshot, 910 + i, i ? "wget" : "curl-with-a-name");

		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_ESTAB,
				     i ? "2001:db8::7" : "10.0.0.7", (uint16_t)(40000 + i));
		make_peer(socket, i ? "2001:db8:1111:2222:3333:4444:5555:6666" : "203.0.113.99",
			  8443);
		make_owner(snapshot, socket, process, 3);
	}
	snapshot->netns[0].port_range_first = 32768;
	snapshot->netns[0].port_range_last = 60999;
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	text = drawn(&view, 16, 80);
	ok(strstr(text, " → 203.0.113.99:8443 ") != NULL, "a destination with its port");
	ok(strstr(text, "…:8443") != NULL, "if need be without all of its address");
	ok(strstr(text, "REUSE") && strstr(text, "OWNER"), "on 80 columns");
	view_resized(&view);
	text = drawn(&view, 16, 60);
	ok(strstr(text, "OWNER") && strstr(text, "curl-with-a…"), "the owner on 60");
	ok(strstr(text, "tcp:8080 ") && strstr(text, "udp-acci…"), "with port and finding");
	ok(!strstr(text, "REUSE"), "rather than flags, which are below");
	view_key(&view, TUI_KEY_TAB);
	view_key(&view, 'G');
	text = drawn(&view, 16, 60);
	ok(strstr(text, "OWNER") && strstr(text, "…:8443"), "also in the view of sockets");
	view.ascii = true;
	ok(strstr(drawn(&view, 16, 60), "...:8443") != NULL, "and in ASCII");
	view_done(&view);
	frame_maker_done(&maker);
}

/* A note about all ports of one process, and one about those of another. */
static void test_findings_of_processes(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	uint32_t i, k, process;

	snapshot_add_netns(snapshot)->id = 1;
	for (i = 0; i < 2; i++) {
		process = make_process(snapshot, 900 + i, i ? "wget" : "curl");
		for (k = 0; k < 4; k++) {
			socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0",
					     (uint16_t)(40000 + 10 * i + k));
			make_owner(snapshot, socket, process, (int32_t)k);
		}
	}
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	view_key(&view, TUI_KEY_BACKTAB);
	ok(shows(&view, "the ports of 4 listeners of \"curl\"") &&
		   shows(&view, "the ports of 4 listeners of \"wget\""),
	   "findings about the ports of two processes");
	is_int(same_keys(&view), 0, "are two");
	view_done(&view);
	frame_maker_done(&maker);
}

int main(void)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	test_keys_of_rows();
	test_order();
	test_namespaces();
	test_folded();
	test_columns();
	test_gone();
	test_gone_clients();
	test_findings_of_processes();
	return done_testing();
}

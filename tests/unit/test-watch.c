/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live view without a terminal: keys, time, and what is drawn. */
#include "helpers/make-view.h"

static void test_views(void)
{
	struct frame_maker maker;
	struct view view;
	char *error;

	frame_maker_init(&maker);
	view_init(&view, &host);
	ok(shows(&view, "reading the sockets"), "before the first frame");
	ok(view_key(&view, 'j') && view_key(&view, TUI_KEY_ENTER) && view_key(&view, 'p'),
	   "keys before the first frame");
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	ok(shows(&view, "udp:5060") && shows(&view, "tcp:8080"), "ports");
	ok(shows(&view, "web1") && shows(&view, "1 warning"), "host and findings");
	ok(strstr(drawn(&view, 30, 110), "udp:5060") < strstr(drawn(&view, 30, 110), "tcp:8080"),
	   "the worst is first");
	ok(shows(&view, "BOUND +1"), "what is folded is counted");
	ok(shows(&view, "we\\x1b[31mb\"[902]:3"), "names are escaped");
	ok(shows(&view, "udp-accidental-share: ") && shows(&view, "What to do: "),
	   "details of the finding");
	is_int(view.rows.count, 2, "two ports");
	view_key(&view, TUI_KEY_ENTER);
	is_int(view.rows.count, 3, "one is opened");
	view_key(&view, 'G');
	is_int(view.cursor, 2, "to the end");
	ok(shows(&view, "held by \"we\\x1b[31mb\" (pid 902)"), "details of a listener");
	ok(shows(&view, "64/128"), "its queue");
	view_key(&view, TUI_KEY_ENTER);
	ok(shows(&view, "TIME-WAIT ×3"), "its states");
	view_key(&view, TUI_KEY_ENTER);
	view_key(&view, TUI_KEY_TAB);
	is_int(view.rows.count, 6, "sockets");
	view_key(&view, TUI_KEY_TAB);
	ok(shows(&view, "warning") && shows(&view, "udp-accidental-share"), "findings");
	view_key(&view, 'd');
	ok(strstr(drawn(&view, 60, 110), "udp 0.0.0.0:5060, BOUND, \"softphone\" (pid 901)") &&
		   strstr(drawn(&view, 60, 110), "  held by \"softphone\" (pid 901)"),
	   "with the sockets, their flags and holders");
	view_key(&view, 'q');
	view_key(&view, 's');
	ok(shows(&view, "Findings are sorted by severity") && shows(&view, "by severity"),
	   "which have one order, and s says so");
	view_key(&view, TUI_KEY_ENTER);
	ok(view.id == VIEW_PORTS && view.cursor == 0, "from a finding to its port");
	view_key(&view, TUI_KEY_BACKTAB);
	is_int(view.id, VIEW_FINDINGS, "back a view");
	view_key(&view, TUI_KEY_TAB);

	view_key(&view, 'e');
	ok(shows(&view, "all about udp-accidental-share"), "explain");
	ok(view_key(&view, 'q') && !view.overlay_title, "q closes what lies above");
	view_key(&view, '?');
	ok(shows(&view, "PgUp ^B") && shows(&view, "this help"), "help is made of the keys");
	ok(strstr(drawn(&view, 60, 80), "▸ folded") && strstr(drawn(&view, 60, 80), "LISTEN +3") &&
		   strstr(drawn(&view, 60, 80), "FULL"),
	   "and explains the signs");
	drawn(&view, 12, 110);
	view_key(&view, 'G');
	ok(strstr(drawn(&view, 12, 110), "user=root") && strstr(drawn(&view, 12, 110), " of "),
	   "its end");
	view_key(&view, 'G');
	view_key(&view, 'j');
	ok(strstr(drawn(&view, 12, 110), "user=root"), "below which there is nothing");
	view_key(&view, 'k');
	ok(!strstr(drawn(&view, 12, 110), "user=root"), "but above it there is");
	view_key(&view, TUI_KEY_ESCAPE);
	view_key(&view, 'p');
	is_int(probed, 5060, "probe");

	view_key(&view, 't');
	is_int(view.rows.count, 1, "TCP only");
	view_key(&view, 'u');
	ok(view.rows.count >= 1 && !view.only_tcp, "UDP instead");
	view_key(&view, TUI_KEY_ESCAPE);
	ok(!view.only_udp, "Esc takes it back");
	view_key(&view, 'f');
	type(&view, "https");
	view_key(&view, TUI_KEY_ENTER);
	is_int(view.rows.count, 0, "a filter by a service");
	ok(shows(&view, "Nothing here") && shows(&view, "filter: https"), "which is shown");
	ok(!view_filter(&view, "udp:x!", &error), "a filter that cannot be read");
	ok(strstr(error, "\"udp:x!\"") != NULL, "is quoted");
	free(error);
	ok(view_filter(&view, "--process=sipd bound", &error), "words as of list");
	is_int(view.rows.count, 1, "leave one port");
	view_filter(&view, "listening", &error);
	ok(shows(&view, "tcp:8080") && !strstr(drawn(&view, 30, 110), "LISTEN +"),
	   "what is filtered out is not counted");
	view_filter(&view, "", &error);
	ok(shows(&view, "LISTEN +3"), "and without a filter it is");

	view_key(&view, 'f');
	type(&view, "ht");
	view_overlay(&view, "An answer", "it can\n", 7);
	type(&view, "tps");
	ok(shows(&view, "Filter: https") && !view.overlay_title, "a text does not cover a prompt");
	view_key(&view, TUI_KEY_ENTER);
	ok(shows(&view, "An answer") && shows(&view, "it can"), "it waits for its end");
	is_str(view.words.text, "https", "and keeps what was typed");
	view_key(&view, 'q');
	view_key(&view, 'f');
	view_key(&view, TUI_KEY_ESCAPE);
	ok(!view.overlay_title, "and is shown once");
	view_filter(&view, "", &error);
	view_key(&view, '?');
	view_overlay(&view, "An answer", "it can\n", 7);
	ok(shows(&view, "this help"), "nor does it take the place of another");
	view_click(&view, 3, 3, false);
	ok(shows(&view, "An answer") && shows(&view, "it can"), "but comes after it");
	view_key(&view, 'q');
	ok(!view.overlay_title, "once");

	view_key(&view, 'f');
	type(&view, "no:such:q");
	view_key(&view, TUI_KEY_ENTER);
	ok(shows(&view, "Filter: no:such:q") && shows(&view, "cannot read"),
	   "a filter that is wrong is said and stays");
	ok(strstr(drawn(&view, 24, 60), "[ADDRESS]:PORT") != NULL,
	   "to its end in a narrow terminal");
	view_key(&view, 'q');
	ok(shows(&view, "Filter: no:such:qq") && !shows(&view, "cannot read"), "to be typed on");
	view_key(&view, TUI_KEY_ESCAPE);
	is_str(view.words.text, "", "or left");

	view_key(&view, '/');
	type(&view, "SOFT");
	view_key(&view, 0x7f);
	view_key(&view, 0x7f);
	type(&view, "ftphone");
	view_key(&view, TUI_KEY_ENTER);
	ok(strstr(drawn(&view, 30, 110), "softphone") != NULL, "search");
	ok(shows(&view, "by alarm  search: SOftphone"), "which is shown");
	view_key(&view, TUI_KEY_ESCAPE);
	ok(!strstr(drawn(&view, 30, 110), "search:"), "until Esc");
	view_key(&view, 'n');
	ok(shows(&view, "nothing to search for"), "and then there is none");
	view_key(&view, 'w');
	ok(!strncmp(view.input, "portshare-19700101-", 19), "a name is proposed");
	view_key(&view, TUI_KEY_ESCAPE);
	view.frame->snapshot->end_ns = INT64_C(1763666426) * 1000000000;
	view_key(&view, 'w');
	is_str(view.input, "portshare-20251120-192026.json", "of the moment that is seen");
	view_key(&view, 'U' & 0x1f);
	type(&view, "x.json");
	view_key(&view, TUI_KEY_ENTER);
	is_str(written, "x.json", "a snapshot is written");
	ok(shows(&view, "done"), "and it is said");
	view_key(&view, '+');
	is_int(interval, 2000, "slower");
	view_key(&view, ' ');
	is_int(interval, -2000, "held");
	view_key(&view, 's');
	view_key(&view, 's');
	view_key(&view, 'S');
	ok(shows(&view, "by owner, reversed"), "sorted");
	ok(!view_key(&view, 'q'), "q ends it");
	view_done(&view);
	frame_maker_done(&maker);
}

static int64_t interval_after(struct view *view, int64_t ms, char key)
{
	view->interval_ms = ms;
	view_key(view, (unsigned char)key);
	return interval;
}

static void test_interval(void)
{
	struct frame_maker maker;
	struct view view;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	is_int(interval_after(&view, 1000, '-'), 500, "faster");
	is_int(interval_after(&view, 400, '-'), 250, "down to the least");
	is_int(interval_after(&view, 100, '-'), 100, "never slower than it is");
	is_int(interval_after(&view, 100, '+'), 200, "slower");
	is_int(interval_after(&view, 40000, '+'), 60000, "up to the most");
	is_int(interval_after(&view, 300000, '+'), 300000, "never faster than it is");
	ok(shows(&view, "every 300 s"), "which is said");
	is_int(interval_after(&view, 300000, '-'), 150000, "from far up");
	interval_after(&view, 3600000, '+');
	ok(shows(&view, "every 3600 s"), "hours are seconds, too");
	view.from_file = true;
	interval_after(&view, 1000, '+');
	is_int(view.interval_ms, 1000, "a file is not read again");
	ok(shows(&view, "nothing moves"), "which is said, too");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Below the border, from there to the end. */
static uint32_t lines_of_details(struct view *view, uint32_t rows)
{
	const char *text = strstr(drawn(view, rows, 60), "\n──");
	uint32_t n = 0;

	for (text += text ? 1 : 0; text && *text; text++)
		n += *text == '\n' && text[1] && text[1] != '\n';
	return n;
}

static void test_sizes(void)
{
	static const uint32_t sizes[][2] = { { 1, 1 },	 { 2, 200 }, { 9, 60 },	  { 10, 59 },
					     { 10, 60 }, { 24, 80 }, { 60, 200 }, { 300, 20 } };
	struct frame_maker maker;
	struct view view;
	size_t i;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		ok(*drawn(&view, sizes[i][0], sizes[i][1]), "%ux%u", sizes[i][1], sizes[i][0]);
	ok(strstr(drawn(&view, 9, 60), "60x9 is too small: 60x10 is needed") != NULL, "too small");
	ok(strstr(drawn(&view, 3, 34), "34x3 is too small: 60x10 is needed\n") != NULL,
	   "is said where there is room for it");
	ok(!strcmp(drawn(&view, 2, 33), "too small: 60x10 is needed\n\n"), "in fewer words");
	ok(!strcmp(drawn(&view, 2, 20), "60x10 is needed\n\n"), "and fewer");
	ok(!strcmp(drawn(&view, 1, 14), "60x10\n"), "down to the size alone");
	ok(strstr(drawn(&view, 10, 60), "udp:5060") != NULL, "small enough");
	ok(strstr(drawn(&view, 10, 60),
		  "?help  q quit  Tab view  Enter open  d details  p probe\n"),
	   "with the way out, and no key in half");
	ok(strstr(drawn(&view, 24, 96), "  f filter  /search  s sort\n") != NULL, "or all of them");
	view.keyless = true;
	ok(!strstr(drawn(&view, 10, 60), "quit") && lines_of_details(&view, 10) == 4,
	   "where nobody presses keys the line is for the details");
	view_done(&view);
	frame_maker_done(&maker);
}

static void test_time(void)
{
	struct frame_maker maker;
	struct snapshot *snapshot;
	struct view view;
	bool keep[6] = { true, true, false, true, true, true };
	struct filter base;
	char *error;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	ok(!strstr(drawn(&view, 30, 110), "\n+"), "at first nothing is new");
	view_tick(&view, 1003 * INT64_C(1000000000));
	view_filter(&view, "tcp:8080", &error);
	view_key(&view, TUI_KEY_ENTER);
	ok(shows(&view, "TIME-WAIT 37 s"), "TIME-WAIT counts down");
	is_int(view.frame->snapshot->sockets[3].timer_expires_ms, 40000,
	       "and what is written stays as it was read");
	view_key(&view, ' ');
	view_tick(&view, 1005 * INT64_C(1000000000));
	ok(shows(&view, "TIME-WAIT 37 s"), "but not while it is held");
	view_key(&view, ' ');
	view_tick(&view, 1099 * INT64_C(1000000000));
	ok(shows(&view, "TIME-WAIT 0 s"), "and never below nothing");
	view_key(&view, TUI_KEY_ENTER);
	view_filter(&view, "", &error);

	snapshot = new_snapshot(1001);
	snapshot->sockets[0].cookie = 99;
	snapshot->processes[0].pid = 899;
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "\n+ "), "a new socket is marked");
	snapshot = new_snapshot(1007);
	snapshot->start_ns = 1005 * INT64_C(1000000000);
	snapshot->sockets[0].cookie = 99;
	snapshot->processes[0].pid = 899;
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "\n! "), "and a port that others serve now");
	ok(shows(&view, "before by"), "with who did before");

	snapshot = new_snapshot(1008);
	snapshot_retain(snapshot, keep);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "\n- ") && shows(&view, "gone"), "a port that has gone");
	view_key(&view, 'G');
	ok(shows(&view, "tcp port 8080 is served by nobody since 1970-01-01 00:16:48 UTC (or up to "
			"3 s earlier), before by") &&
		   shows(&view, "\"we\\x1b[31mb\" (pid 902)."),
	   "with since when, as near as that is known, and who served it");
	view_key(&view, 'g');
	view_filter(&view, "udp:5060", &error);
	ok(!strstr(drawn(&view, 30, 110), "\n-   tcp:8080"), "but not if it was not asked for");
	view_filter(&view, "8000-8100 udp", &error);
	ok(!strstr(drawn(&view, 30, 110), "\n-   tcp:8080"), "nor if its protocol was not");
	view_filter(&view, "tcp tcp:8080", &error);
	ok(shows(&view, "\n-   tcp:8080"), "and again if it is");
	filter_init(&base);
	base.protocols = 1U << PROTOCOL_UDP;
	view_set_base(&view, &base);
	ok(!strstr(drawn(&view, 30, 110), "\n-   tcp:8080"),
	   "nor beyond what the command line asks for");
	base.protocols |= 1U << PROTOCOL_MPTCP;
	view_set_base(&view, &base);
	view_filter(&view, "", &error);
	snapshot = new_snapshot(1020);
	snapshot_retain(snapshot, keep);
	view_take(&view, new_frame(&maker, snapshot));
	snapshot = new_snapshot(1021);
	snapshot_retain(snapshot, keep);
	view_take(&view, new_frame(&maker, snapshot));
	ok(!strstr(drawn(&view, 30, 110), "gone"), "is forgotten");
	view_done(&view);
	frame_maker_done(&maker);
}

static void test_details(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	uint32_t i, worker;

	snapshot_add_netns(snapshot)->id = 1;
	for (i = 0; i < 10; i++)
		make_process(snapshot, 900 + i, "worker");
	for (i = 0; i < 9; i++) {
		socket = make_connection(snapshot, STATE_ESTAB, (uint16_t)(40000 + i), "10.0.0.9",
					 443);
		make_owner(snapshot, socket, 0, 3);
	}
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);
	for (worker = 0; worker < 10; worker++) {
		make_owner(snapshot, socket, worker, 3);
		make_owner(snapshot, socket, worker, 4);
	}
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(strstr(drawn(&view, 60, 110), "and by 2 more") != NULL,
	   "holders that there is no room for are counted");
	view_key(&view, 'd');
	ok(strstr(drawn(&view, 60, 110), "(pid 909)") && !strstr(drawn(&view, 60, 110), "and by"),
	   "d shows all of them");
	view_key(&view, 'q');
	view_key(&view, 'G');
	ok(strstr(drawn(&view, 80, 110), "and 1 more") != NULL, "so it is with sockets");
	view_key(&view, 'd');
	ok(strstr(drawn(&view, 60, 110), ":40008") && !strstr(drawn(&view, 60, 110), "more"),
	   "and all of these");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Who receives cannot be told, and the details say why. */
static void test_receivers(enum tristate port, enum tristate program, const char *old_peer,
			   const char *expected)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	uint32_t i;

	snapshot_add_netns(snapshot)->id = 1;
	for (i = 0; i < 2; i++) {
		make_process(snapshot, 900 + i, "quic");
		socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND,
				     old_peer ? "::" : "0.0.0.0", 443);
		make_reuse(socket, tristate_of(old_peer), port, EVIDENCE_BPF);
		if (old_peer) {
			make_peer(socket, old_peer, 0);
			socket->known ^= SOCKET_HAS_PEER | SOCKET_HAS_OLD_PEER;
		}
		socket->reuse_program = (uint8_t)program;
		make_owner(snapshot, socket, i, 3);
	}
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	view_key(&view, 'd');
	ok(strstr(drawn(&view, 60, 110), expected) != NULL, "who receives: %s", expected);
	view_done(&view);
	frame_maker_done(&maker);
}

/* What nobody reads to its end would keep the keys waiting. */
static void test_many_details(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	uint32_t i;

	snapshot_add_netns(snapshot)->id = 1;
	for (i = 0; i < 2500; i++)
		make_process(snapshot, 900 + i, "worker");
	for (i = 0; i < 2500; i++) {
		socket = make_connection(snapshot, STATE_ESTAB, (uint16_t)(40000 + i), "10.0.0.9",
					 443);
		make_owner(snapshot, socket, 0, 3);
	}
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);
	for (i = 0; i < 2500; i++)
		make_owner(snapshot, socket, i, 3);
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	view_key(&view, 'd');
	view_key(&view, 'G');
	ok(shows(&view, "  and by 500 more\n"), "of very many holders the first");
	view_key(&view, 'q');
	view_key(&view, 'G');
	view_key(&view, 'd');
	view_key(&view, 'G');
	ok(shows(&view, "\n  and 500 more\n"), "and of very many sockets");
	view_done(&view);
	frame_maker_done(&maker);
}

/* FIN-WAIT-2 that the kernel finishes alone is TIME-WAIT, that of a process is closing. */
static void test_totals(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	uint32_t i;

	for (i = 0; i < 4; i++) {
		socket = make_connection(snapshot, STATE_FIN_WAIT_2, 8080, "10.0.0.9",
					 (uint16_t)(51000 + i));
		socket->timer = i ? TIMER_TIME_WAIT : TIMER_KEEPALIVE;
		socket->known |= SOCKET_HAS_INODE;
		socket->inode = i ? 0 : 77;
	}
	make_socket(snapshot, PROTOCOL_MPTCP, STATE_LISTEN, "0.0.0.0", 8081);
	make_socket(snapshot, PROTOCOL_SCTP, STATE_LISTEN, "0.0.0.0", 8082);
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "TCP  LISTEN 2 ") && shows(&view, "UDP 2 "),
	   "MPTCP is of TCP, which SCTP is not");
	ok(shows(&view, "closing 1 ") && shows(&view, "TIME-WAIT 6"),
	   "each socket is counted once");
	is_int(view.frame->totals.tcp[STATE_FIN_WAIT_2], 4, "by state as it was read");
	view_done(&view);
	frame_maker_done(&maker);
}

/* The third line of a screen. */
static const char *limits(struct view *view, uint32_t columns)
{
	static char line[1024];
	const char *text = drawn(view, 24, columns);
	int i;

	for (i = 0; i < 2; i++)
		text = strchr(text, '\n') + 1;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	return line;
}

/* Each namespace has limits of its own: that of the one is nothing to the other. */
static void test_limits(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	struct frame_maker maker;
	struct view view;
	uint32_t i;

	for (i = 0; i < 3; i++) {
		struct netns *netns = snapshot_add_netns(snapshot);

		netns->id = 100 + i;
		netns->port_range_first = 50000;
		netns->port_range_last = i == 2 ? 50009 : 50099;
		netns->sysctls_known = 1U << SYSCTL_TCP_MAX_TW_BUCKETS;
		netns->sysctls[SYSCTL_TCP_MAX_TW_BUCKETS] = i == 1 ? 4 : 1000;
	}
	snapshot->netns[1].name = snapshot_string(snapshot, "bl\033[31mue");
	for (i = 0; i < 12; i++) {
		socket = make_connection(snapshot, STATE_TIME_WAIT, (uint16_t)(50000 + i),
					 "10.0.0.9", 443);
		socket->netns = i < 8 ? 0 : i < 11 ? 1 : 2;
		make_expiry(socket, 40000);
	}
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(!strncmp(limits(&view, 120), "TIME-WAIT 12 (3/4 in bl\\x1b[31mue) ", 34),
	   "the namespace that is nearest to its limit");
	ok(strstr(limits(&view, 120), "  local ports 8/100 in 100 ") != NULL,
	   "and the one whose ports are");
	ok(strstr(limits(&view, 80), "  local ports 8/100 in 100 ") != NULL, "on 80 columns, too");
	is_int(view.frame->netns[2].local_ports, 10, "each with its own range");
	view_done(&view);
	frame_maker_done(&maker);

	snapshot = new_snapshot(1000);
	snapshot->netns[0].sysctls_known = 1U << SYSCTL_TCP_MAX_TW_BUCKETS;
	snapshot->netns[0].sysctls[SYSCTL_TCP_MAX_TW_BUCKETS] = 4096;
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(!strncmp(limits(&view, 120), "TIME-WAIT 3/4096 █ ", 18),
	   "of one namespace there is nothing to name");
	ok(strstr(limits(&view, 120), "local ports 0/28232 ·") != NULL, "here neither");
	view_done(&view);
	frame_maker_done(&maker);
}

/* A connection may be bound to a reserved port: of those for connections it is none. */
static void test_reserved(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct frame_maker maker;
	struct frame *frame;
	uint32_t i;

	for (i = 0; i < 2; i++) {
		struct netns *netns = snapshot_add_netns(snapshot);

		netns->id = 100 + i;
		netns->port_range_first = 40000;
		netns->port_range_last = 40009;
		if (!i)
			netns->reserved_ports = snapshot_string(snapshot, "22,40000-40008,50000");
	}
	for (i = 0; i < 20; i++)
		make_connection(snapshot, STATE_ESTAB, (uint16_t)(39995 + i), "10.0.0.9", 443);
	for (i = 0; i < 20; i++)
		make_connection(snapshot, STATE_ESTAB, (uint16_t)(39995 + i), "10.0.0.9", 443)
			->netns = 1;
	frame_maker_init(&maker);
	frame = new_frame(&maker, snapshot);
	is_int(frame->netns[0].local_ports, 1, "reserved ports are none for connections");
	is_int(frame->netns[0].local_ports_used, 1, "nor are they counted as used");
	is_int(frame->netns[1].local_ports_used, 10, "which those of another namespace are");
	frame_free(frame);
	frame_maker_done(&maker);
}

/* The first line of a screen. */
static const char *title(struct view *view, uint32_t rows, uint32_t columns)
{
	static char line[1024];
	const char *text = drawn(view, rows, columns);

	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	return line;
}

static void test_title(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct frame_maker maker;
	struct view view;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	is_str(title(&view, 24, 80),
	       "portshare web1  00:16:40 UTC  every 1 s          0 critical   1 warning   1 note",
	       "host, time, interval, findings");
	is_str(title(&view, 10, 60), "web1  00:16:40 UTC           0 critical   1 warning   1 note",
	       "in little room");
	view_key(&view, ' ');
	is_str(title(&view, 10, 60), "web1  00:16:40 UTC  held     0 critical   1 warning   1 note",
	       "and that it is held");
	snapshot->host =
		snapshot_string(snapshot, "ip-10-0-0-12.eu-west-1.compute.example.internal");
	is_str(title(&view, 24, 80),
	       "ip-10-0-0-12.eu-west-1.com  00:16:40 UTC  held   0 critical   1 warning   1 note",
	       "a long name hides neither");
	view_key(&view, ' ');
	is_str(title(&view, 24, 80),
	       "ip-10-0-0-12.eu-west-1.compute.e  00:16:40 UTC   0 critical   1 warning   1 note",
	       "nor the time");
	view_done(&view);
	frame_maker_done(&maker);
}

/* What lies over the list can be read to its end where the screen is narrow. */
static void test_overlay_width(void)
{
	static const char text[] =
		"A sentence of which the end is behind the sixtieth column: here.\n"
		"  next\n";
	struct frame_maker maker;
	struct view view;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	view_overlay(&view, "Title", text, strlen(text));
	ok(strstr(drawn(&view, 12, 110), "\n  A sentence of which the end is behind the sixtieth "
					 "column: here.\n    next\n") != NULL,
	   "a line that there is room for");
	ok(strstr(drawn(&view, 12, 60), "\n  A sentence of which the end is behind the sixtieth\n"
					"      column: here.\n    next\n") != NULL,
	   "and in less room in two");
	view_key(&view, 'q');
	view_key(&view, '?');
	ok(strstr(drawn(&view, 60, 60), "process=nginx") != NULL, "help");
	view_key(&view, 'q');
	view_overlay(&view, "Title",
		     "0123456789012345678901234567890123456789012345678901234567890", 61);
	ok(strstr(drawn(&view, 12, 60), "\n      67890\n") != NULL, "one word that is too long");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Findings that cannot be told are no findings, and not nothing. */
/* What stands below NOTE in the line that has this; 0: there is none. */
static char note_of(struct view *view, const char *what)
{
	const char *text, *heading, *line;

	view->ascii = true;
	text = drawn(view, 30, 110);
	heading = strstr(text, "NOTE");
	line = strstr(text, what);
	if (!heading || !line)
		return 0;
	text = heading;
	while (text[-1] != '\n')
		text--;
	while (line[-1] != '\n')
		line--;
	return line[heading - text];
}

static void test_undecided(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct frame_maker maker;
	struct view view;
	struct frame *frame;

	frame_maker_init(&maker);
	view_init(&view, &host);
	frame = new_frame(&maker, snapshot);
	view_take(&view, frame);
	ok(!strstr(drawn(&view, 30, 110), "cannot tell"), "all can be told");
	frame->totals.undecided = 6;
	ok(shows(&view, " cannot tell: 6\n"), "what cannot be told is counted");
	frame->totals.tcp[STATE_ESTAB] = 1000000;
	ok(strstr(drawn(&view, 24, 68), "UDP 2  cann\n") != NULL, "and hides nothing else");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Of an ordinary user, who sees that others share a port and not why they can. */
static void test_unjudged(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct frame_maker maker;
	struct view view;
	uint32_t i;

	for (i = 0; i < 2; i++)
		make_reuse(&snapshot->sockets[i], TRISTATE_UNKNOWN, TRISTATE_UNKNOWN,
			   EVIDENCE_UNKNOWN);
	make_reuse(&snapshot->sockets[2], TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	is_int(note_of(&view, "udp:5060"), '?', "a port of which it cannot be told");
	is_int(note_of(&view, "tcp:8080"), '-', "one with which nothing is wrong");
	view_done(&view);
	frame_maker_done(&maker);
}

/* Of a snapshot that was written with filters. */
static void test_part(void)
{
	struct snapshot *snapshot = new_snapshot(1000);
	struct frame_maker maker;
	struct view view;

	make_reuse(&snapshot->sockets[2], TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	snapshot_set_part(snapshot, PART_PORTS);
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, " only a part"), "of whole ports: that it is a part is said");
	is_int(note_of(&view, "tcp:8080"), '-', "but of a port it can be told");

	snapshot = new_snapshot(1000);
	make_reuse(&snapshot->sockets[2], TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	snapshot_set_part(snapshot, PART_SOCKETS);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, " only a part"), "of some sockets of a port: too");
	is_int(note_of(&view, "tcp:8080"), '?', "and of none it can be told");
	view.frame->totals.undecided = 6;
	ok(shows(&view, " only a part, cannot tell: 6\n"), "beside what cannot be told");
	type(&view, "fudp:1\r\t\t");
	ok(shows(&view, "Nothing found in what could be seen."), "nor is nothing found at all");
	view_done(&view);
	frame_maker_done(&maker);
}

/* What the command line leaves out is said, in the words of a filter. */
static void test_base(void)
{
	static const char *const texts[] = {
		"",
		"tcp ipv6 listening",
		"shared state=LISTEN,TIME-WAIT",
		"udp:5060 8000-8100",
		"process=nginx user=root unit=a.service pid=7 pid=8 tcp:[::1]:443",
	};
	struct filter_words words;
	struct frame_maker maker;
	struct view view;
	char *text, *error;
	size_t i;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	filter_words_init(&words);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		ok(filter_words_read(&words, texts[i], fake_service, &error), "%s", texts[i]);
		text = filter_words_format(&words.filter);
		is_str(text, texts[i], "back in words");
		free(text);
	}
	filter_words_read(&words, "udp:5060", fake_service, &error);
	view_set_base(&view, &words.filter);
	ok(shows(&view, " 1 row, by alarm  only: udp:5060\n"), "a selector of the command line");
	view_done(&view);
	filter_words_done(&words);
	frame_maker_done(&maker);
}

/* On which line the lower part begins, from 0 on. */
static uint32_t border(struct view *view, uint32_t rows)
{
	const char *text = drawn(view, rows, 100), *at = strstr(text, "\n──");
	uint32_t line = 1;

	for (; at && text < at; text++)
		line += *text == '\n';
	return line;
}

/* A short list leaves its room to the details, and takes it back once. */
static void test_heights(void)
{
	struct frame_maker maker;
	struct view view;

	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, new_snapshot(1000)));
	is_int(border(&view, 40), 17, "two rows: half of what the list can have");
	ok(strstr(drawn(&view, 40, 100), "Evidence: ") != NULL, "the rest is for the details");
	is_int(border(&view, 10), 5, "also where there is little");
	view_key(&view, TUI_KEY_ENTER);
	view_key(&view, 'G');
	view_key(&view, TUI_KEY_ENTER);
	view_key(&view, 'G');
	view_key(&view, TUI_KEY_ENTER);
	is_int(border(&view, 16), 10, "more rows take what there is");
	view_key(&view, TUI_KEY_ESCAPE);
	is_int(border(&view, 16), 10, "and keep it");
	view_resized(&view);
	is_int(border(&view, 16), 7, "until the screen is another");
	view_done(&view);
	frame_maker_done(&maker);
}

/* The sparkline goes back for minutes, however often the sockets are read. */
static void test_trend(void)
{
	struct snapshot *snapshot;
	struct frame_maker maker;
	struct frame *frame;
	uint32_t i;

	frame_maker_init(&maker);
	for (i = 0; i < 35; i++) {
		snapshot = new_snapshot(1000 + i);
		if (i >= 30)
			snapshot->n_sockets--;
		frame = new_frame(&maker, snapshot);
		if (i == 9)
			is_int(frame->n_trend, 1, "ten seconds are one value");
		if (i == 34) {
			is_int(frame->n_trend, 4, "half a minute are four");
			is_int(frame->trend[0], 3, "the first");
			is_int(frame->trend[3], 2, "and the one of now");
		}
		frame_free(frame);
	}
	for (i = 0; i < 300; i++)
		frame_free(new_frame(&maker, new_snapshot(1035 + i)));
	is_int(maker.n_trend, FRAME_TREND, "and so on for four minutes");
	frame = new_frame(&maker, new_snapshot(500));
	is_int(maker.trend_ns, INT64_C(500) * 1000000000, "also when the clock has been set");
	frame_free(frame);
	frame_maker_done(&maker);
}

/* Ten thousand keys, with frames, resizes and clicks among them. */
static void test_random_keys(void)
{
	static const uint32_t special[] = {
		TUI_KEY_UP,    TUI_KEY_DOWN,   TUI_KEY_PAGE_UP, TUI_KEY_PAGE_DOWN,
		TUI_KEY_HOME,  TUI_KEY_END,    TUI_KEY_TAB,	TUI_KEY_BACKTAB,
		TUI_KEY_ENTER, TUI_KEY_ESCAPE, TUI_KEY_ERASE,	TUI_KEY_RESIZE,
		0x65e5,	       0x301,	       0x202e,		0x10ffff
	};
	const char *wanted = getenv("PORTSHARE_SEED");
	unsigned int seed = wanted ? (unsigned int)strtoul(wanted, NULL, 10) : 20261121;
	struct frame_maker maker;
	struct view view;
	uint32_t i, rows = 24, columns = 80, ends = 0;

	diag("PORTSHARE_SEED=%u", seed);
	frame_maker_init(&maker);
	view_init(&view, &host);
	for (i = 0; i < 10000; i++) {
		uint32_t random = (uint32_t)rand_r(&seed), key;

		key = random % 3 ? 32 + random / 7 % 95 :
				   special[random / 7 % (sizeof(special) / sizeof(special[0]))];
		ends += !view_key(&view, key);
		if (!(random / 1000 % 10))
			view_click(&view, random / 3 % 70, random / 5 % 200, random & 1);
		if (!(random / 1000 % 7))
			view_wheel(&view, random & 1 ? 1 : -1);
		if (!(random / 1000 % 20)) {
			rows = 1 + random / 11 % 60;
			columns = 1 + random / 13 % 200;
		}
		if (!(random / 1000 % 25)) {
			struct snapshot *snapshot = new_snapshot(2000 + i);
			bool keep[6];
			uint32_t k;

			for (k = 0; k < 6; k++)
				keep[k] = random >> k & 1;
			snapshot_retain(snapshot, keep);
			view_take(&view, new_frame(&maker, snapshot));
		}
		view_tick(&view, (2000 + (int64_t)i) * 1000000000 + 500000000);
		if (!(i % 5))
			drawn(&view, rows, columns);
	}
	ok(ends > 0, "10,000 keys, %u of them would have ended it", ends);
	view_done(&view);
	frame_maker_done(&maker);
}

int main(void)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	test_views();
	test_interval();
	test_sizes();
	test_time();
	test_details();
	test_receivers(TRISTATE_YES, TRISTATE_YES, NULL,
		       "whom a BPF program chooses, which cannot be seen");
	test_receivers(TRISTATE_NO, TRISTATE_NO, "2001:db8::1", "depends on the sender");
	test_receivers(TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, NULL,
		       "cannot be told, flags are unknown");
	test_many_details();
	test_totals();
	test_limits();
	test_reserved();
	test_title();
	test_overlay_width();
	test_undecided();
	test_unjudged();
	test_part();
	test_base();
	test_heights();
	test_trend();
	test_random_keys();
	return done_testing();
}

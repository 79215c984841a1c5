/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live view without a terminal: frames, rows, keys, filters, and what is drawn. */
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "model/snapshot-json.h"
#include "model/snapshot-update.h"
#include "output/column-note.h"
#include "analysis/check.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "tui/view.h"

static int probed = -1;
static char written[64];

static void fake_probe(void *user, const struct snapshot *snapshot, uint32_t socket)
{
	(void)user;
	probed = snapshot->sockets[socket].local_port;
}

static void fake_explain(void *user, enum finding_id id, uint32_t width, struct out *out)
{
	(void)user;
	(void)width;
	out_string(out, "all about ");
	out_string(out, finding_name(id));
	out_string(out, "\nsecond line\n");
}

static char *fake_write(void *user, const struct snapshot *snapshot,
			const struct finding_list *findings, const char *path)
{
	(void)user;
	(void)snapshot;
	(void)findings;
	snprintf(written, sizeof(written), "%s", path);
	return strdup("done");
}

static void fake_interval(void *user, int64_t ms, bool paused)
{
	*(int64_t *)user = paused ? -ms : ms;
}

static int fake_service(const char *name, uint32_t protocols)
{
	(void)protocols;
	return strcmp(name, "https") ? -1 : 443;
}

static int64_t interval;
static const struct view_host host = {
	.user = &interval,
	.probe = fake_probe,
	.explain = fake_explain,
	.write = fake_write,
	.service = fake_service,
	.set_interval = fake_interval,
};

/* Two programs on one UDP port, a server with connections, and what a client has. */
static struct snapshot *new_snapshot(int64_t second)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	uint32_t one, two, three, i;

	snapshot->end_ns = second * 1000000000;
	snapshot_add_netns(snapshot)->id = 1;
	snapshot->host = snapshot_string(snapshot, "web1");
	one = make_process(snapshot, 900, "sipd");
	two = make_process(snapshot, 901, "softphone");
	three = make_process(snapshot, 902, "we\033[31mb");
	for (i = 0; i < 2; i++) {
		socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 5060);
		socket->cookie = 10 + i;
		socket->known |= SOCKET_HAS_COOKIE;
		make_reuse(socket, TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
		make_owner(snapshot, socket, i ? two : one, 3);
	}
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080);
	socket->cookie = 20;
	socket->known |= SOCKET_HAS_COOKIE | SOCKET_HAS_QUEUE | SOCKET_HAS_LIMIT;
	socket->queue_recv = 64;
	socket->queue_limit = 128;
	make_owner(snapshot, socket, three, 3);
	for (i = 0; i < 3; i++) {
		socket = make_connection(snapshot, STATE_TIME_WAIT, 8080, "10.0.0.9",
					 (uint16_t)(50000 + i));
		socket->cookie = 30 + i;
		socket->known |= SOCKET_HAS_COOKIE;
		make_expiry(socket, 40000);
	}
	return snapshot;
}

static struct frame *new_frame(struct frame_maker *maker, struct snapshot *snapshot)
{
	const struct check_options options = { .selectors = NULL };
	struct finding_list findings;

	check_snapshot(snapshot, &options, &findings);
	return frame_new(maker, snapshot, &findings, column_notes_of(snapshot, &findings));
}

/* What the screen shows, as text; valid until the next call. */
static const char *drawn(struct view *view, uint32_t rows, uint32_t columns)
{
	static struct out text;
	struct screen screen;

	out_done(&text);
	out_init(&text, -1);
	screen_init(&screen);
	screen_resize(&screen, rows, columns);
	view_draw(view, &screen);
	screen_write(&screen, &text);
	out_char(&text, '\0');
	screen_done(&screen);
	return text.buffer;
}

static bool shows(struct view *view, const char *what)
{
	const char *text = drawn(view, 30, 110);

	if (strstr(text, what))
		return true;
	diag("not on the screen: %s", what);
	return false;
}

static void type(struct view *view, const char *text)
{
	for (; *text; text++)
		view_key(view, (unsigned char)*text);
}

static void test_screen(void)
{
	struct screen screen;
	struct out out;

	screen_init(&screen);
	screen_resize(&screen, 2, 10);
	is_int(screen_text(&screen, 0, 0, 10, 0, "日本語"), 6, "wide characters take two columns");
	screen_text(&screen, 0, 1, 1, 0, "x");
	is_int(screen_text(&screen, 1, 8, 10, 0, "日本"), 2,
	       "and are cut at the edge, not in the middle");
	is_int(screen_text(&screen, 1, 0, 10, 0, "e\xcc\x81g"), 2, "what combines takes none");
	is_int(screen_text(&screen, 5, 0, 10, 0, "x"), 0, "outside there is nothing");
	is_int(screen_printf(&screen, 1, 4, 10, 0, "%s", "\033["), 5, "escapes are text");
	out_init(&out, -1);
	screen_write(&screen, &out);
	out_char(&out, '\0');
	is_str(out.buffer, " x本語\ne\xcc\x81g  \\x1b[\n", "half of a wide one goes whole");
	out_done(&out);
	screen_done(&screen);
}

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

	view_key(&view, '/');
	type(&view, "SOFT");
	view_key(&view, 0x7f);
	view_key(&view, 0x7f);
	type(&view, "ftphone");
	view_key(&view, TUI_KEY_ENTER);
	ok(strstr(drawn(&view, 30, 110), "softphone") != NULL, "search");
	view_key(&view, 'w');
	ok(!strncmp(view.input, "portshare-19700101-", 19), "a name is proposed");
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
	view_done(&view);
	frame_maker_done(&maker);
}

/* The sentence about a filter that cannot be read, "" if it can; valid until the next call. */
static const char *refusal(const char *text)
{
	static char said[256];
	struct filter_words words;
	char *error;

	filter_words_init(&words);
	if (filter_words_read(&words, text, fake_service, &error)) {
		said[0] = '\0';
	} else {
		snprintf(said, sizeof(said), "%s", error);
		free(error);
	}
	filter_words_done(&words);
	return said;
}

static void test_filter_words(void)
{
	static const char *const good[] = {
		"",
		"tcp udp:5060 8000-8100",
		"--listening -l shared",
		"state=time-wait,estab",
		"time-wait",
		"--process=sip* user=root unit=sip pid=900 pid=901",
		"https",
	};
	static const char *const bad[][2] = {
		{ "tcp=80", "takes no value" },
		{ "shared=yes", "takes no value" },
		{ "estab=1", "takes no value" },
		{ "bogus=1", "process= user= unit= pid=" },
		{ "bogus", "process= user=" },
		{ "--bogus", "process= user=" },
		{ "--80", "process= user=" },
		{ "pid=x", "pid=NUMBER" },
		{ "pid", "pid=" },
		{ "state=", "state=NAME" },
		{ "state=bogus", "state=NAME" },
		{ "process=", "a name" },
		{ "70000", "65535" },
		{ "=", "process= user=" },
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		is_str(refusal(good[i]), "", "filter: %s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(strstr(refusal(bad[i][0]), bad[i][0]) && strstr(refusal(bad[i][0]), bad[i][1]),
		   "no filter: %s", bad[i][0]);
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
	ok(strstr(drawn(&view, 10, 60), "udp:5060") != NULL, "small enough");
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
	snapshot->sockets[0].cookie = 99;
	snapshot->processes[0].pid = 899;
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "\n! "), "and a port that others serve now");
	ok(shows(&view, "before by"), "with who did before");

	snapshot = new_snapshot(1008);
	snapshot_retain(snapshot, keep);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "\n- ") && shows(&view, "gone"), "a port that has gone");
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

static void test_update(void)
{
	struct snapshot *first = new_snapshot(1000), *clone = snapshot_clone(first);
	struct snapshot *later = new_snapshot(1001);

	is_str(snapshot_text(clone, clone->processes[0].comm), "sipd",
	       "a copy has its own strings");
	snapshot_free(first);
	later->sockets[2].queue_recv = 77;
	later->sockets[3].timer_expires_ms = 1;
	later->n_processes = 0;
	ok(snapshot_update(clone, later), "the same sockets");
	is_int(clone->sockets[2].queue_recv, 77, "have another queue");
	is_int(clone->n_processes, 3, "and the owners that they had");
	is_int(clone->end_ns, later->end_ns, "as of the later moment");
	later->sockets[2].state = STATE_BOUND;
	ok(!snapshot_update(clone, later), "another state is another socket");
	is_int(clone->sockets[2].state, STATE_LISTEN, "and changes nothing");
	snapshot_free(clone);
	snapshot_free(later);
}

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
	view_take(&view, frame_new(&maker, snapshot, &findings, NULL));
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
	frame_maker_init(&maker);
	view_init(&view, &host);
	view_take(&view, new_frame(&maker, snapshot));
	ok(shows(&view, "closing 1 ") && shows(&view, "TIME-WAIT 6"),
	   "each socket is counted once");
	is_int(view.frame->totals.tcp[STATE_FIN_WAIT_2], 4, "by state as it was read");
	view_done(&view);
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
	test_screen();
	test_views();
	test_interval();
	test_filter_words();
	test_sizes();
	test_time();
	test_update();
	test_keys_of_rows();
	test_order();
	test_namespaces();
	test_details();
	test_totals();
	test_random_keys();
	return done_testing();
}

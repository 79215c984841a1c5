/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_HELPERS_MAKE_VIEW_H
#define TESTS_HELPERS_MAKE_VIEW_H

/* A live view for tests: a host that only notes what it is asked for, frames, and the screen as text. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/check.h"
#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "model/snapshot-json.h"
#include "model/snapshot-update.h"
#include "output/column-note.h"
#include "tui/keys.h"
#include "tui/screen.h"
#include "tui/view.h"

static int probed = -1;
static char written[64];

static inline void fake_probe(void *user, const struct snapshot *snapshot, uint32_t socket,
			      uint32_t width)
{
	(void)user;
	(void)width;
	probed = snapshot->sockets[socket].local_port;
}

static inline void fake_explain(void *user, enum finding_id id, uint32_t width, struct out *out)
{
	(void)user;
	(void)width;
	out_string(out, "all about ");
	out_string(out, finding_name(id));
	out_string(out, "\nsecond line\n");
}

static inline char *fake_write(void *user, const struct snapshot *snapshot,
			       const struct finding_list *findings, const char *path)
{
	(void)user;
	(void)snapshot;
	(void)findings;
	snprintf(written, sizeof(written), "%s", path);
	return strdup("done");
}

static inline void fake_interval(void *user, int64_t ms, bool paused)
{
	*(int64_t *)user = paused ? -ms : ms;
}

static inline int fake_service(const char *name, uint32_t protocols)
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
static inline struct snapshot *new_snapshot(int64_t second)
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

static inline struct frame *new_frame(struct frame_maker *maker, struct snapshot *snapshot)
{
	const struct check_options options = { .selectors = NULL };
	static struct snapshot *before;
	struct finding_list findings;
	struct frame *frame;

	check_snapshot(snapshot, &options, &findings);
	frame = frame_new(maker, before, snapshot, &findings, column_notes_of(snapshot, &findings));
	snapshot_free(before);
	before = snapshot_clone(snapshot);
	return frame;
}

/* What the screen shows, as text; valid until the next call. */
static inline const char *drawn(struct view *view, uint32_t rows, uint32_t columns)
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

static inline bool shows(struct view *view, const char *what)
{
	const char *text = drawn(view, 30, 110);

	if (strstr(text, what))
		return true;
	diag("not on the screen: %s", what);
	return false;
}

static inline void type(struct view *view, const char *text)
{
	for (; *text; text++)
		view_key(view, (unsigned char)*text);
}

#endif

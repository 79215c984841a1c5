/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lower part: all about the selected row, in words; and texts that lie over everything. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/delivery.h"
#include "analysis/group-share.h"
#include "analysis/words.h"
#include "output/finding-text.h"
#include "tui/bar.h"
#include "tui/view.h"
#include "util/escape.h"
#include "util/xalloc.h"

/* Of what the lower part has no room for anyway; a text that lies over everything has more. */
#define SOCKETS_MAX 8
#define OWNERS_MAX 8
#define SHARE_WIDTH 10
#define BROKEN_INDENT 4 /* of what goes on from the line above */

static void say(struct out *out, uint32_t width, const char *label, char *text)
{
	finding_text_fill(label, text, width, out);
	free(text);
}

static void describe_finding(const struct finding *finding, uint32_t width, struct out *out)
{
	char *label = xasprintf("%s: ", finding_name((enum finding_id)finding->id));

	finding_text_fill(label, finding->title, width, out);
	free(label);
	if (*finding->text)
		finding_text_fill("What happens: ", finding->text, width, out);
	finding_text_fill("What to do: ", finding->remedy, width, out);
	finding_text_fill("Evidence: ", finding->evidence, width, out);
}

/* The arguments, as one types them. */
static char *command_line(const struct snapshot *snapshot, const struct process *process)
{
	size_t length, i;
	const char *text = string_pool_get(&snapshot->strings, process->cmdline, &length);
	char *line;

	if (!text || !length)
		return NULL;
	line = xcalloc(length + 1, 1);
	for (i = 0; i + 1 < length || (i < length && text[i]); i++)
		line[i] = text[i] ? text[i] : ' ';
	return line;
}

static void describe_owner(const struct snapshot *snapshot, uint32_t process, uint32_t width,
			   struct out *out)
{
	char *line = command_line(snapshot, &snapshot->processes[process]);
	char *who = words_process(snapshot, process), *origin = words_origin(snapshot, process);

	say(out, width, "  held by ",
	    xasprintf("%s%s%s: %s", who, line ? ", " : "", line ? line : "", origin));
	free(line);
	free(who);
	free(origin);
}

/* Returns how many it has described. */
static uint32_t describe_owners(const struct snapshot *snapshot, const struct inet_socket *socket,
				uint32_t most, uint32_t width, struct out *out)
{
	uint32_t i, last = SNAPSHOT_NONE, n = 0;

	for (i = 0; i < socket->n_owners; i++) {
		uint32_t row = snapshot->owners[socket->first_owner + i].process;

		if (row == last)
			continue;
		last = row;
		if (n++ < most)
			describe_owner(snapshot, row, width, out);
	}
	if (n > most)
		out_printf(out, "  and by %u more\n", n - most);
	return n < most ? n : most;
}

static const char *why_undecided(const struct delivery_socket *sockets, uint32_t n_sockets)
{
	const char *why = "cannot be told";
	uint32_t i;

	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = sockets[i].socket;

		if (socket->reuse_program == TRISTATE_YES)
			return "whom a BPF program chooses, which cannot be seen";
		if (socket->known & SOCKET_HAS_OLD_PEER)
			return "who it is depends on the sender: one was connected, and still "
			       "takes IPv6 from that peer alone";
		if (socket->reuse_addr == TRISTATE_UNKNOWN ||
		    socket->reuse_port == TRISTATE_UNKNOWN)
			why = "cannot be told, flags are unknown";
	}
	return why;
}

/* Who gets what is sent to a port of UDP, or connects to one of TCP. */
static void describe_delivery(const struct frame *frame, const struct inet_socket *socket,
			      uint32_t width, struct out *out)
{
	const struct snapshot *snapshot = frame->snapshot;
	struct delivery_query query = {
		.to = socket->local,
		.family = socket->family,
		.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
		.cpu = DELIVERY_ANY,
		.any_sender = true,
	};
	const struct bind_bucket *bucket = bind_bucket_find(
		&frame->index, socket->netns, socket->local_port, (enum protocol)socket->protocol);
	struct delivery_socket *sockets;
	struct delivery delivery;
	char *who, *text;
	uint32_t n;

	if (!bucket || !socket_is_bound(socket))
		return;
	if (address_is_wildcard(query.family, &query.to)) {
		memset(&query.to, 0, sizeof(query.to));
		if (query.family == AF_INET)
			memcpy(query.to.bytes, "\177\0\0\1", 4);
		else
			query.to.bytes[15] = 1;
	}
	n = delivery_sockets_of(snapshot, frame->index.members + bucket->first, bucket->count,
				&sockets);
	delivery_predict(snapshot, sockets, n, &query, &delivery);
	if (n > 1 && delivery.certain && delivery.n_receivers) {
		who = words_holders(snapshot, delivery.receivers[0]);
		if (delivery.mode == DELIVERY_SPREAD)
			text = xasprintf("one of %u, by a hash of the sender: %s and others",
					 delivery.n_receivers, who);
		else if (delivery.mode == DELIVERY_COPIES)
			text = xasprintf("a copy each: %s and others", who);
		else
			text = xasprintf("%s alone, of %u", who, n);
		say(out, width, "  receives: ", text);
		free(who);
	} else if (n > 1 && !delivery.certain) {
		finding_text_fill("  receives: ", why_undecided(sockets, n), width, out);
	}
	delivery_done(&delivery);
	free(sockets);
}

/* The members of a group: what each has of the port's connections, and what waits for it. */
static void describe_shares(const struct view *view, const struct inet_socket *first,
			    uint32_t width, struct out *out)
{
	const struct snapshot *snapshot = view->frame->snapshot;
	const struct bind_bucket_index *index = &view->frame->index;
	const struct bind_bucket *bucket = bind_bucket_find(index, first->netns, first->local_port,
							    (enum protocol)first->protocol);
	struct group_shares shares;
	uint32_t i;

	if (!bucket)
		return;
	group_shares_init(&shares, snapshot, index, bucket);
	for (i = 0; shares.count > 1 && i < shares.count; i++) {
		const struct group_share *member = &shares.members[i];
		const struct inet_socket *socket = &snapshot->sockets[member->socket];
		char *who = words_holders(snapshot, member->socket);
		struct out line;

		out_init(&line, -1);
		if (shares.connections) {
			bar_append(&line, SHARE_WIDTH, member->connections, shares.connections,
				   view->ascii);
			out_printf(&line, " %u of %u connections", member->connections,
				   shares.connections);
			if (shares.unattributed)
				out_printf(&line, " whose member is known (%u in all)",
					   shares.connections + shares.unattributed);
			out_string(&line, ", ");
		}
		if (socket->known & SOCKET_HAS_QUEUE)
			out_printf(&line, "%u waiting, ", socket->queue_recv);
		if (socket->known & SOCKET_HAS_DROPS)
			out_printf(&line, "%u lost, ", socket->drops);
		out_string(&line, who);
		out_char(&line, '\0');
		finding_text_fill("  ", line.buffer, width, out);
		out_done(&line);
		free(who);
	}
	if (shares.count > 1 && !shares.connections && shares.unattributed)
		say(out, width, "  ",
		    xasprintf("which of them has how many of the %u connections is not known",
			      shares.unattributed));
	group_shares_done(&shares);
}

/* The moment at which a change was seen, and how long before that it may have been. */
static char *words_since(const struct port_history *port)
{
	const int64_t second = 1000000000, before = port->since_ns - port->after_ns;
	char *moment = words_moment(port->since_ns), *words;

	if (!port->after_ns || before <= second)
		return moment;
	words = xasprintf("%s (or up to %" PRId64 " s earlier)", moment,
			  (before + second - 1) / second);
	free(moment);
	return words;
}

static void describe_since(const struct frame *frame, const struct inet_socket *socket,
			   uint32_t width, struct out *out)
{
	const struct bind_bucket bucket = {
		.netns = socket->netns,
		.port = socket->local_port,
		.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
	};
	const struct port_history *port = history_find(&frame->history, frame->snapshot, &bucket);
	char *moment;

	if (!port || !port->since_ns)
		return;
	moment = words_since(port);
	say(out, width, "",
	    port->before ?
		    xasprintf("Served by these since %s, before by %s.", moment, port->before) :
		    xasprintf("Served since %s.", moment));
	free(moment);
}

static void describe_gone(const struct port_history *port, uint32_t width, struct out *out)
{
	char *moment = words_since(port);

	say(out, width, "",
	    xasprintf("%s port %u is served by nobody since %s%s%s.",
		      protocol_name((enum protocol)port->protocol), port->port, moment,
		      port->who ? ", before by " : "", port->who ? port->who : ""));
	free(moment);
}

static void describe_gone_socket(const struct history *history, const struct row *row,
				 uint32_t width, struct out *out)
{
	char *moment = words_moment(history->gone_ns[row->index]);

	say(out, width, "", words_described(history->gone, row->index));
	if (row->n_folded)
		out_printf(out, "and %u more of this port\n", row->n_folded);
	say(out, width, "", xasprintf("Gone since %s.", moment));
	free(moment);
}

static void describe_gone_finding(const struct finding_history *finding, uint32_t width,
				  struct out *out)
{
	char *label = xasprintf("%s: ", finding_name((enum finding_id)finding->id));
	char *moment = words_moment(finding->since_ns);

	finding_text_fill(label, finding->title, width, out);
	say(out, width, "", xasprintf("Found no more since %s.", moment));
	free(label);
	free(moment);
}

/* "8 ESTAB, 5 TIME-WAIT" */
static void describe_states(const struct frame *frame, const uint32_t *sockets, uint32_t count,
			    struct out *out)
{
	uint32_t states[N_STATES] = { 0 }, i;
	bool first = true;

	for (i = 0; i < count; i++)
		states[frame->snapshot->sockets[sockets[i]].state]++;
	for (i = 0; i < N_STATES; i++) {
		if (!states[i])
			continue;
		out_printf(out, "%s%u %s", first ? "" : ", ", states[i],
			   socket_state_name((enum socket_state)i));
		first = false;
	}
	out_char(out, '\n');
}

static void describe_sockets(const struct view *view, const struct row *row, bool all,
			     uint32_t width, struct out *out)
{
	const uint32_t most = all ? ROWS_SOCKETS_MAX : SOCKETS_MAX;
	uint32_t owners = all ? ROWS_SOCKETS_MAX : OWNERS_MAX, described;
	const struct frame *frame = view->frame;
	uint32_t i, count, note = row->kind == ROW_FINDING ? row->index + 1 : row->note;
	const uint32_t *sockets = row_sockets(frame, row, &count);

	if (count && row->kind != ROW_FINDING)
		describe_since(frame, &frame->snapshot->sockets[sockets[0]], width, out);
	for (i = 0; i < count && !note; i++)
		note = frame->notes[sockets[i]];
	if (note)
		describe_finding(&frame->findings.items[note - 1], width, out);
	if (row->kind == ROW_CLIENT)
		describe_states(frame, sockets, count, out);
	for (i = 0; i < count && i < most; i++) {
		const struct inet_socket *socket = &frame->snapshot->sockets[sockets[i]];

		say(out, width, "", words_described(frame->snapshot, sockets[i]));
		described = describe_owners(frame->snapshot, socket, owners, width, out);
		/* So many in all, be it of many sockets. */
		owners -= all ? described : 0;
		if (i)
			continue;
		describe_delivery(frame, socket, width, out);
		if (row->kind == ROW_PORT)
			describe_shares(view, socket, width, out);
	}
	if (count > most)
		out_printf(out, "and %u more\n", count - most);
}

/* How much of a line there is room for: up to a blank, if there is one behind its indentation. */
static size_t fit_line(const char *line, size_t length, uint32_t columns)
{
	size_t most, end, indent = 0;

	/* No character has more columns than bytes. */
	if (length <= columns)
		return length;
	most = end = escape_fit(line, length, columns, NULL);
	if (most == length)
		return length;
	while (indent < most && line[indent] == ' ')
		indent++;
	while (end > indent && line[end] != ' ')
		end--;
	return end > indent ? end : most ? most : length;
}

/*
 * Lines of a text, from the one at top on, the long ones broken. Returns how many there are in all.
 */
static uint32_t draw_lines(struct screen *screen, uint32_t row, uint32_t column, uint32_t rows,
			   uint32_t columns, uint32_t top, const char *text, size_t length)
{
	uint32_t line = 0, indent = 0;

	while (length) {
		const char *end = memchr(text, '\n', length);
		size_t whole = end ? (size_t)(end - text) : length, size;

		size = fit_line(text, whole, columns - indent);
		if (line >= top && line - top < rows)
			screen_put(screen, row + line - top, column + indent, columns - indent, 0,
				   text, size);
		line++;
		while (size < whole && text[size] == ' ')
			size++;
		indent = size < whole ? BROKEN_INDENT : 0;
		size += size == whole && end;
		text += size;
		length -= size;
	}
	return line;
}

static void draw_rule(const struct view *view, struct screen *screen, uint32_t row)
{
	uint32_t i;

	for (i = 0; i < screen->columns; i++)
		screen_text(screen, row, i, 1, COLOR_DIM, view->ascii ? "-" : "─");
}

void view_details_text(const struct view *view, const struct row *row, bool all, uint32_t width,
		       struct out *out)
{
	const struct history *history = &view->frame->history;

	switch ((enum row_kind)row->kind) {
	case ROW_GONE:
		describe_gone(&history->ports[row->index], width, out);
		break;
	case ROW_GONE_SOCKET:
		describe_gone_socket(history, row, width, out);
		break;
	case ROW_GONE_FINDING:
		describe_gone_finding(&history->findings[row->index], width, out);
		break;
	default:
		describe_sockets(view, row, all, width, out);
	}
}

void view_draw_details(struct view *view, struct screen *screen, uint32_t row, uint32_t rows)
{
	struct out out;

	draw_rule(view, screen, row);
	if (!view->frame || !view->rows.count || rows < 2)
		return;
	out_init(&out, -1);
	view_details_text(view, &view->rows.rows[view->cursor], false, screen->columns, &out);
	draw_lines(screen, row + 1, 0, rows - 1, screen->columns, 0, out.buffer, out.used);
	out_done(&out);
}

void view_draw_overlay(struct view *view, struct screen *screen)
{
	uint32_t rows = screen->rows - 3, columns = screen->columns - 4, lines, last, i;
	struct screen nowhere = { .rows = 0 };

	lines = draw_lines(&nowhere, 0, 0, 0, columns, 0, view->overlay.buffer, view->overlay.used);
	last = lines > rows ? lines - rows : 0;
	if (view->overlay_top > last)
		view->overlay_top = last;
	screen_clear(screen);
	screen_printf(screen, 0, 0, screen->columns, SCREEN_BOLD, " %s", view->overlay_title);
	draw_rule(view, screen, 1);
	draw_lines(screen, 2, 2, rows, columns, view->overlay_top, view->overlay.buffer,
		   view->overlay.used);
	i = screen_text(screen, screen->rows - 1, 0, screen->columns, COLOR_DIM,
			"Esc back  Up Down PgUp PgDn scroll");
	if (lines > rows)
		screen_printf(screen, screen->rows - 1, i + 2, screen->columns, COLOR_DIM,
			      "%u-%u of %u", view->overlay_top + 1,
			      view->overlay_top + rows < lines ? view->overlay_top + rows : lines,
			      lines);
}

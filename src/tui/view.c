/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tui/keys.h"
#include "tui/line-edit.h"
#include "util/xalloc.h"

#define INTERVAL_LEAST_MS 250
#define INTERVAL_MOST_MS 60000
#define TEXT_WIDTH 72 /* of what lies over the list, where there is room for it */
#define TEXT_MARGIN 4
#define OVERLAY_END (UINT32_MAX / 2) /* drawing brings it back; until then nothing added wraps */

void view_init(struct view *view, const struct view_host *host)
{
	*view = (struct view){
		.host = host,
		.interval_ms = 1000,
		.columns = TEXT_WIDTH + TEXT_MARGIN,
	};
	filter_init(&view->base);
	filter_words_init(&view->words);
	out_init(&view->overlay, -1);
	out_init(&view->later, -1);
}

void view_done(struct view *view)
{
	frame_free(view->frame);
	rows_done(&view->rows);
	filter_words_done(&view->words);
	free(view->open.keys);
	free(view->base_text);
	free(view->search);
	free(view->message);
	free(view->overlay_title);
	free(view->later_title);
	out_done(&view->overlay);
	out_done(&view->later);
}

void view_say(struct view *view, const char *format, ...)
{
	va_list arguments;

	free(view->message);
	va_start(arguments, format);
	view->message = xvasprintf(format, arguments);
	va_end(arguments);
}

/* ---- what is shown ---- */

static struct filter current_filter(const struct view *view)
{
	struct filter filter = view->words.filter;

	if (view->only_tcp)
		filter.protocols &= 1U << PROTOCOL_TCP | 1U << PROTOCOL_MPTCP;
	if (view->only_udp)
		filter.protocols &= 1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE;
	if (view->only_listening)
		filter.listening = true;
	return filter;
}

/* Where the selected row is now; if it has gone, about where it was. */
static void find_cursor(struct view *view)
{
	uint64_t key = view->selected[view->id];
	uint32_t i;

	for (i = 0; key && i < view->rows.count; i++) {
		if (view->rows.rows[i].key == key) {
			view->cursor = i;
			return;
		}
	}
	if (!key)
		view->cursor = 0;
	if (view->cursor >= view->rows.count)
		view->cursor = view->rows.count ? view->rows.count - 1 : 0;
}

static void make_rows(struct view *view)
{
	struct filter filter = current_filter(view);
	const struct row_request request = {
		.view = view->id,
		.sort = view->sorts[view->id],
		.reverse = view->reverse[view->id],
		.base = &view->base,
		.filter = &filter,
		.open = &view->open,
	};

	if (!view->frame)
		return;
	rows_make(&view->rows, view->frame, &request);
	find_cursor(view);
}

void view_take(struct view *view, struct frame *frame)
{
	frame_free(view->frame);
	view->frame = frame;
	view->passed_ms = 0;
	make_rows(view);
}

void view_tick(struct view *view, int64_t now_ns)
{
	int64_t passed_ms;

	view->now_ns = now_ns;
	if (!view->frame || view->from_file || view->paused)
		return;
	passed_ms = (now_ns - view->frame->snapshot->end_ns) / 1000000;
	view->passed_ms = passed_ms < 0		 ? 0 :
			  passed_ms > UINT32_MAX ? UINT32_MAX :
						   (uint32_t)passed_ms;
}

void view_set_base(struct view *view, const struct filter *base)
{
	view->base = *base;
	free(view->base_text);
	view->base_text = filter_words_format(base);
	make_rows(view);
}

bool view_filter(struct view *view, const char *text, char **ret_error)
{
	if (!filter_words_read(&view->words, text, view->host->service, ret_error))
		return false;
	make_rows(view);
	return true;
}

/* ---- moving ---- */

static void select_row(struct view *view, uint32_t row)
{
	if (!view->rows.count)
		return;
	view->cursor = row < view->rows.count ? row : view->rows.count - 1;
	view->selected[view->id] = view->rows.rows[view->cursor].key;
}

static void move(struct view *view, int64_t by)
{
	int64_t row = (int64_t)view->cursor + by;

	select_row(view, row < 0 ? 0 : row > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)row);
}

static void change_view(struct view *view, int by)
{
	view->id = (enum view_id)((view->id + N_VIEWS + by) % N_VIEWS);
	view->top = 0;
	make_rows(view);
}

static bool same_port(const struct inet_socket *a, const struct inet_socket *b)
{
	return a->netns == b->netns && a->local_port == b->local_port &&
	       bind_bucket_protocol((enum protocol)a->protocol) ==
		       bind_bucket_protocol((enum protocol)b->protocol);
}

/* From a finding to its port. */
static void go_to_port(struct view *view, const struct row *row)
{
	const uint32_t *sockets;
	uint32_t i, k, count, wanted;

	sockets = row_sockets(view->frame, row, &count);
	if (!count)
		return;
	wanted = sockets[0];
	view->id = VIEW_PORTS;
	view->top = 0;
	make_rows(view);
	for (i = 0; i < view->rows.count; i++) {
		const struct row *other = &view->rows.rows[i];

		sockets = row_sockets(view->frame, other, &count);
		for (k = 0; k < count; k++) {
			const struct inet_socket *all = view->frame->snapshot->sockets;

			if (sockets[k] != wanted &&
			    (other->kind != ROW_PORT || !same_port(&all[sockets[k]], &all[wanted])))
				continue;
			select_row(view, i);
			return;
		}
	}
}

static void open_row(struct view *view)
{
	const struct row *row = view->rows.rows + view->cursor;

	if (!view->rows.count)
		return;
	if (row->kind == ROW_FINDING) {
		go_to_port(view, row);
		return;
	}
	if (!row->foldable)
		return;
	fold_toggle(&view->open, row->key);
	make_rows(view);
}

/* ---- search ---- */

static void search(struct view *view)
{
	uint32_t row;

	if (!view->search)
		view_say(view, "There is nothing to search for: / begins");
	else if (view_find_text(view, view->search, &row))
		select_row(view, row);
	else
		view_say(view, "\"%s\" is not here", view->search);
}

/* ---- overlays and prompts ---- */

void view_overlay(struct view *view, const char *title, const char *text, size_t length)
{
	/* What is typed must be seen, and what is read: it waits for their end. */
	bool later = view->prompt || view->overlay_title;
	char **place = later ? &view->later_title : &view->overlay_title;
	struct out *out = later ? &view->later : &view->overlay;

	free(*place);
	*place = xstrdup(title);
	out->used = 0;
	out_bytes(out, text, length);
	if (!later)
		view->overlay_top = 0;
}

static void show_later(struct view *view)
{
	char *title = view->later_title;

	if (!title)
		return;
	view->later_title = NULL;
	view_overlay(view, title, view->later.buffer, view->later.used);
	free(title);
}

static void close_overlay(struct view *view)
{
	free(view->overlay_title);
	view->overlay_title = NULL;
	show_later(view);
}

static void show_help(struct view *view)
{
	struct out text;

	out_init(&text, -1);
	view_help_text(view->ascii, &text);
	view_overlay(view, "Keys", text.buffer, text.used);
	out_done(&text);
}

static uint32_t text_width(const struct view *view)
{
	return view->columns < TEXT_WIDTH + TEXT_MARGIN ? view->columns - TEXT_MARGIN : TEXT_WIDTH;
}

static void show_details(struct view *view)
{
	struct out text;

	if (!view->rows.count)
		return;
	out_init(&text, -1);
	view_details_text(view, view->rows.rows + view->cursor, true, text_width(view), &text);
	view_overlay(view, "Details", text.buffer, text.used);
	out_done(&text);
}

/* The finding of a row, or -1. */
static int64_t finding_of(const struct view *view, const struct row *row)
{
	const uint32_t *sockets;
	uint32_t i, count;

	if (row->kind == ROW_FINDING)
		return row->index;
	if (row->note)
		return (int64_t)row->note - 1;
	sockets = row_sockets(view->frame, row, &count);
	for (i = 0; i < count; i++)
		if (view->frame->notes[sockets[i]])
			return (int64_t)view->frame->notes[sockets[i]] - 1;
	return -1;
}

static void explain(struct view *view)
{
	int64_t index = view->rows.count ? finding_of(view, view->rows.rows + view->cursor) : -1;
	enum finding_id id;
	struct out text;

	if (index < 0) {
		view_say(view, "There is no finding about this row");
		return;
	}
	id = (enum finding_id)view->frame->findings.items[index].id;
	out_init(&text, -1);
	view->host->explain(view->host->user, id, text_width(view), &text);
	view_overlay(view, finding_name(id), text.buffer, text.used);
	out_done(&text);
}

static void probe(struct view *view)
{
	const uint32_t *sockets = NULL;
	uint32_t count = 0;

	if (view->rows.count)
		sockets = row_sockets(view->frame, view->rows.rows + view->cursor, &count);
	if (!count) {
		view_say(view, "There is no socket here whose port could be probed");
		return;
	}
	view_say(view, "Probing the port ...");
	view->host->probe(view->host->user, view->frame->snapshot, sockets[0], text_width(view));
}

static void begin_prompt(struct view *view, enum view_prompt prompt, const char *text)
{
	view->prompt = prompt;
	snprintf(view->input, sizeof(view->input), "%s", text);
}

/* Named by when that was which is written: it is from a file, or paused. */
static void begin_write(struct view *view)
{
	const struct snapshot *snapshot = view->frame ? view->frame->snapshot : NULL;
	int64_t taken_ns = !snapshot ? 0 : snapshot->end_ns ? snapshot->end_ns : snapshot->start_ns;
	time_t seconds = (time_t)((taken_ns ? taken_ns : view->now_ns) / 1000000000);
	char name[64] = "portshare.json";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		strftime(name, sizeof(name), "portshare-%Y%m%d-%H%M%S.json", &utc);
	begin_prompt(view, PROMPT_WRITE, name);
}

static void end_prompt(struct view *view)
{
	enum view_prompt prompt = view->prompt;
	char *said = NULL;

	view->prompt = PROMPT_NONE;
	switch (prompt) {
	case PROMPT_SEARCH:
		free(view->search);
		view->search = *view->input ? xstrdup(view->input) : NULL;
		search(view);
		break;
	case PROMPT_FILTER:
		if (view_filter(view, view->input, &said))
			break;
		view_say(view, "%s", said);
		view->prompt = PROMPT_FILTER;
		break;
	case PROMPT_WRITE:
		if (*view->input && view->frame) {
			said = view->host->write(view->host->user, view->frame->snapshot,
						 &view->frame->findings, view->input);
			view_say(view, "%s", said);
		}
		break;
	default:
		break;
	}
	free(said);
}

static void prompt_key(struct view *view, uint32_t key)
{
	switch (line_edit_key(view->input, sizeof(view->input), key)) {
	case LINE_EDIT_DONE:
		end_prompt(view);
		break;
	case LINE_EDIT_LEFT:
		view->prompt = PROMPT_NONE;
		break;
	default:
		break;
	}
}

static bool overlay_key(struct view *view, enum tui_action action)
{
	switch (action) {
	case ACTION_UP:
		view->overlay_top -= view->overlay_top > 0;
		break;
	case ACTION_DOWN:
		view->overlay_top++;
		break;
	case ACTION_PAGE_UP:
		view->overlay_top -= view->overlay_top < 10 ? view->overlay_top : 10;
		break;
	case ACTION_PAGE_DOWN:
		view->overlay_top += 10;
		break;
	case ACTION_FIRST:
		view->overlay_top = 0;
		break;
	case ACTION_LAST:
		view->overlay_top = OVERLAY_END;
		break;
	case ACTION_NONE:
		break;
	default:
		close_overlay(view);
	}
	return true;
}

/* ---- keys ---- */

static void toggle(struct view *view, bool *what, bool *other)
{
	*what = !*what;
	if (other)
		*other = false;
	make_rows(view);
}

static void sort_by_next(struct view *view)
{
	if (view->id == VIEW_FINDINGS) {
		view_say(view, "Findings are sorted by severity; S reverses them");
		return;
	}
	view->sorts[view->id] = (enum sort_id)((view->sorts[view->id] + 1) % N_SORTS);
	make_rows(view);
	view_say(view, "sorted by %s", sort_name(view->sorts[view->id]));
}

static void back(struct view *view)
{
	char *ignored;

	if (view->search) {
		free(view->search);
		view->search = NULL;
	} else if (*view->words.text || view->only_tcp || view->only_udp || view->only_listening) {
		view->only_tcp = view->only_udp = view->only_listening = false;
		view_filter(view, "", &ignored);
	} else if (view->open.count) {
		view->open.count = 0;
		make_rows(view);
	}
}

/* Nothing is read again, so there is nothing to pause or to hurry. */
static bool is_still(struct view *view)
{
	if (view->from_file)
		view_say(view, "This is a snapshot from a file: nothing moves");
	return view->from_file;
}

static void set_interval(struct view *view, int64_t ms)
{
	if (is_still(view))
		return;
	/* An interval of the command line may be beyond the limits: no key goes the wrong way. */
	if (ms < view->interval_ms && ms < INTERVAL_LEAST_MS)
		ms = view->interval_ms < INTERVAL_LEAST_MS ? view->interval_ms : INTERVAL_LEAST_MS;
	if (ms > view->interval_ms && ms > INTERVAL_MOST_MS)
		ms = view->interval_ms > INTERVAL_MOST_MS ? view->interval_ms : INTERVAL_MOST_MS;
	view->interval_ms = ms;
	view->host->set_interval(view->host->user, ms, view->paused);
	view_say(view, "every %g s", (double)ms / 1000);
}

static void pause_or_go(struct view *view)
{
	if (is_still(view))
		return;
	view->paused = !view->paused;
	view->host->set_interval(view->host->user, view->interval_ms, view->paused);
}

/* ---- what each key does ---- */

static void row_up(struct view *view)
{
	move(view, -1);
}

static void row_down(struct view *view)
{
	move(view, 1);
}

static void page_up(struct view *view)
{
	move(view, -(int64_t)(view->page ? view->page : 1));
}

static void page_down(struct view *view)
{
	move(view, view->page ? view->page : 1);
}

static void first_row(struct view *view)
{
	select_row(view, 0);
}

static void last_row(struct view *view)
{
	select_row(view, UINT32_MAX);
}

static void next_view(struct view *view)
{
	change_view(view, 1);
}

static void previous_view(struct view *view)
{
	change_view(view, -1);
}

static void begin_search(struct view *view)
{
	begin_prompt(view, PROMPT_SEARCH, "");
}

static void begin_filter(struct view *view)
{
	begin_prompt(view, PROMPT_FILTER, view->words.text);
}

static void reverse(struct view *view)
{
	toggle(view, &view->reverse[view->id], NULL);
}

static void toggle_tcp(struct view *view)
{
	toggle(view, &view->only_tcp, &view->only_udp);
}

static void toggle_udp(struct view *view)
{
	toggle(view, &view->only_udp, &view->only_tcp);
}

static void toggle_listening(struct view *view)
{
	toggle(view, &view->only_listening, NULL);
}

static void slower(struct view *view)
{
	set_interval(view, view->interval_ms * 2);
}

static void faster(struct view *view)
{
	set_interval(view, view->interval_ms / 2);
}

/* ACTION_QUIT is for who calls. */
static void (*const reactions[])(struct view *view) = {
	[ACTION_UP] = row_up,
	[ACTION_DOWN] = row_down,
	[ACTION_PAGE_UP] = page_up,
	[ACTION_PAGE_DOWN] = page_down,
	[ACTION_FIRST] = first_row,
	[ACTION_LAST] = last_row,
	[ACTION_OPEN] = open_row,
	[ACTION_NEXT_VIEW] = next_view,
	[ACTION_PREVIOUS_VIEW] = previous_view,
	[ACTION_SEARCH] = begin_search,
	[ACTION_SEARCH_AGAIN] = search,
	[ACTION_FILTER] = begin_filter,
	[ACTION_SORT] = sort_by_next,
	[ACTION_REVERSE] = reverse,
	[ACTION_TCP] = toggle_tcp,
	[ACTION_UDP] = toggle_udp,
	[ACTION_LISTENING] = toggle_listening,
	[ACTION_PROBE] = probe,
	[ACTION_DETAILS] = show_details,
	[ACTION_EXPLAIN] = explain,
	[ACTION_WRITE] = begin_write,
	[ACTION_PAUSE] = pause_or_go,
	[ACTION_SLOWER] = slower,
	[ACTION_FASTER] = faster,
	[ACTION_HELP] = show_help,
	[ACTION_BACK] = back,
	[ACTION_QUIT] = NULL,
};

static void do_action(struct view *view, enum tui_action action)
{
	if (reactions[action])
		reactions[action](view);
}

bool view_key(struct view *view, uint32_t key)
{
	enum tui_action action = key_action(key);

	if (key == TUI_KEY_NONE || key == TUI_KEY_RESIZE)
		return true;
	free(view->message);
	view->message = NULL;
	if (view->prompt) {
		prompt_key(view, key);
		if (!view->prompt)
			show_later(view);
		return true;
	}
	if (view->overlay_title)
		return overlay_key(view, action);
	if (action == ACTION_QUIT)
		return false;
	if (view->frame || action == ACTION_HELP)
		do_action(view, action);
	return true;
}

void view_click(struct view *view, uint32_t row, uint32_t column, bool twice)
{
	(void)column;
	if (view->overlay_title) {
		close_overlay(view);
		return;
	}
	if (view->prompt || row < view->list_row || row >= view->list_row + view->page ||
	    view->top + row - view->list_row >= view->rows.count)
		return;
	select_row(view, view->top + row - view->list_row);
	if (twice)
		open_row(view);
}

void view_wheel(struct view *view, int direction)
{
	if (view->overlay_title)
		overlay_key(view, direction < 0 ? ACTION_UP : ACTION_DOWN);
	else if (!view->prompt)
		move(view, direction * 3);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the screen is divided, and its last line. */
#include <stdlib.h>
#include <string.h>

#include "output/finding-text.h"
#include "tui/keys.h"
#include "tui/view.h"
#include "util/escape.h"
#include "util/xalloc.h"

/* Rows of the parts, for screens from the least on. */
#define HEADER_ROWS 3
#define HEADER_ROWS_LOW 1
#define LOW_SCREEN 16
#define DETAILS_LEAST 5
#define MESSAGE_ROWS_MAX 4

void view_help_text(bool ascii, struct out *out)
{
	size_t i;

	for (i = 0; i < n_key_bindings; i++) {
		if (!key_bindings[i].name)
			continue;
		out_printf(out, "%-10s %s\n", key_bindings[i].name, key_bindings[i].help);
	}
	out_string(out, "\nThe mouse selects, a double click opens.\n"
			"Marks: + new, - gone, ! served by others than before.\n");
	out_printf(out, "Rows: %s folded, %s open, %s outgoing connections of one program.\n",
		   ascii ? ">" : "▸", ascii ? "v" : "▾", ascii ? "->" : "→");
	out_string(out,
		   "STATE: \"LISTEN +3\" is LISTEN, and 3 more sockets that are folded.\n"
		   "QUEUE: \"5/128\" connections wait, of a limit; \"23 in, 7 out\" bytes wait\n"
		   "       to be read, to be sent; \"9 lost\" datagrams. FULL is that as a bar.\n"
		   "Filter: udp:5060 8000-8100 listening shared state=time-wait process=nginx\n"
		   "        user=root unit=sip pid=900 tcp udp ipv4 ipv6\n");
}

static void draw_prompt(const struct view *view, struct screen *screen, uint32_t row)
{
	static const char *const labels[] = {
		[PROMPT_SEARCH] = "Search: ",
		[PROMPT_FILTER] = "Filter: ",
		[PROMPT_WRITE] = "Write to: ",
	};
	const char *label = labels[view->prompt];
	uint32_t column = screen_text(screen, row, 0, screen->columns, SCREEN_BOLD, label), room;
	size_t length = strlen(view->input), shown = length, skip = 0;

	/* Its end is what is typed at. */
	room = screen->columns > column + 1 ? screen->columns - column - 1 : 0;
	while (escape_width(view->input + skip, shown) > room && skip < length) {
		skip++;
		while (skip < length && ((unsigned char)view->input[skip] & 0xc0) == 0x80)
			skip++;
		shown = length - skip;
	}
	column += screen_put(screen, row, column, room, 0, view->input + skip, shown);
	screen_text(screen, row, column, 1, SCREEN_REVERSE, " ");
}

/* As many keys as there is room for, none in half. How to get out is always among them. */
static void draw_hints(struct screen *screen, uint32_t row)
{
	static const char *const hints[] = { "?help",	  "q quit",  "Tab view",  "Enter open",
					     "d details", "p probe", "e explain", "f filter",
					     "/search",	  "s sort" };
	uint32_t column = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hints); i++) {
		if (column + strlen(hints[i]) > screen->columns)
			break;
		column += screen_text(screen, row, column, screen->columns, COLOR_DIM, hints[i]);
		column += 2;
	}
}

/* In as many rows as it takes, the last of which is this; it lies over what is there. */
static void draw_message(const struct view *view, struct screen *screen, uint32_t row)
{
	uint32_t i, n = 0, column;
	const char *line, *end;
	struct out lines;

	out_init(&lines, -1);
	finding_text_fill("", view->message, screen->columns, &lines);
	for (i = 0; i < lines.used && n < MESSAGE_ROWS_MAX; i++)
		n += lines.buffer[i] == '\n';
	for (line = lines.buffer; n; line = end + 1, n--) {
		end = strchr(line, '\n');
		column = screen_put(screen, row + 1 - n, 0, screen->columns, SCREEN_BOLD, line,
				    (size_t)(end - line));
		while (column < screen->columns)
			column += screen_text(screen, row + 1 - n, column, 1, 0, " ");
	}
	out_done(&lines);
}

static void draw_bottom(const struct view *view, struct screen *screen, uint32_t row)
{
	if (view->prompt)
		draw_prompt(view, screen, row);
	if (view->message)
		draw_message(view, screen, row - (view->prompt != PROMPT_NONE));
	else if (!view->prompt)
		draw_hints(screen, row);
}

/*
 * What the list has no rows for is the lower part's, to say what to do; half is the list's in any
 * case. It does not give back what it once had: the border would go up and down with the rows.
 */
static uint32_t list_height(struct view *view, uint32_t room)
{
	uint32_t *most = &view->most_rows[view->id];

	if (view->rows.count > *most)
		*most = view->rows.count;
	return *most >= room ? room : *most > room / 2 ? *most : room / 2;
}

void view_resized(struct view *view)
{
	memset(view->widths, 0, sizeof(view->widths));
	view->destination_width = 0;
	memset(view->most_rows, 0, sizeof(view->most_rows));
}

/* In as many words as there is room for: what is needed is said in any case. */
static void draw_too_small(struct screen *screen)
{
	char *const texts[] = {
		xasprintf("%ux%u is too small: %dx%d is needed", screen->columns, screen->rows,
			  VIEW_COLUMNS_LEAST, VIEW_ROWS_LEAST),
		xasprintf("too small: %dx%d is needed", VIEW_COLUMNS_LEAST, VIEW_ROWS_LEAST),
		xasprintf("%dx%d is needed", VIEW_COLUMNS_LEAST, VIEW_ROWS_LEAST),
		xasprintf("%dx%d", VIEW_COLUMNS_LEAST, VIEW_ROWS_LEAST),
	};
	size_t i, best = 0;

	while (best + 1 < ARRAY_SIZE(texts) && strlen(texts[best]) > screen->columns)
		best++;
	screen_text(screen, 0, 0, screen->columns, 0, texts[best]);
	for (i = 0; i < ARRAY_SIZE(texts); i++)
		free(texts[i]);
}

void view_draw(struct view *view, struct screen *screen)
{
	bool low = screen->rows < LOW_SCREEN;
	uint32_t header = low ? HEADER_ROWS_LOW : HEADER_ROWS, details, list;
	uint32_t bottom = !view->keyless;

	screen_clear(screen);
	if (screen->rows < VIEW_ROWS_LEAST || screen->columns < VIEW_COLUMNS_LEAST) {
		draw_too_small(screen);
		return;
	}
	view->columns = screen->columns;
	details = screen->rows / 4;
	details = low ? screen->rows / 5 : details < DETAILS_LEAST ? DETAILS_LEAST : details;
	/* Two for the names of views and columns. */
	list = list_height(view, screen->rows - header - details - 2 - bottom);
	details = screen->rows - header - list - 2 - bottom;
	view_draw_header(view, screen, header);
	view_draw_list(view, screen, header, list + 2);
	view_draw_details(view, screen, header + list + 2, details);
	if (bottom)
		draw_bottom(view, screen, screen->rows - 1);
	if (view->overlay_title)
		view_draw_overlay(view, screen);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "output/columns.h"
#include "tui/filter-words.h"
#include "tui/frame.h"
#include "tui/rows.h"
#include "tui/screen.h"

/*
 * The state of the screen: what is shown, selected, open, typed. Keys change it, drawing shows it;
 * neither touches a terminal or reads the world, which is the host's work.
 */

#define VIEW_ROWS_LEAST 10
#define VIEW_COLUMNS_LEAST 60
#define VIEW_INPUT_MAX 256

/* What the view asks for and cannot do itself. user is handed back. */
struct view_host {
	void *user;
	/*
	 * The bind that a socket made: the answer, in lines of width columns, comes with
	 * view_overlay(), now or later.
	 */
	void (*probe)(void *user, const struct snapshot *snapshot, uint32_t socket, uint32_t width);
	/* The text about a finding, safe, appended to out. */
	void (*explain)(void *user, enum finding_id id, uint32_t width, struct out *out);
	/* Write the snapshot to a new file. Returns a sentence, malloc'ed. */
	char *(*write)(void *user, const struct snapshot *snapshot,
		       const struct finding_list *findings, const char *path);
	/* Names of services, for selectors. */
	selector_service service;
	void (*set_interval)(void *user, int64_t ms, bool paused);
};

enum view_prompt {
	PROMPT_NONE,
	PROMPT_SEARCH,
	PROMPT_FILTER,
	PROMPT_WRITE,
};

struct view {
	const struct view_host *host;
	struct frame *frame; /* owned; NULL: nothing has come yet */
	struct row_list rows;
	enum view_id id;
	enum sort_id sorts[N_VIEWS];
	bool reverse[N_VIEWS];
	uint64_t selected[N_VIEWS]; /* key of the row; 0: the first */
	uint32_t cursor, top; /* rows; top is the first that is seen */
	uint32_t page; /* rows that were seen when last drawn */
	uint32_t list_row; /* where on the screen they began */
	uint32_t columns; /* of the screen, then */
	struct fold_set open;
	struct filter base; /* what the command line asked for; not owned */
	char *base_text; /* in words; NULL: nothing */
	struct filter_words words;
	bool only_tcp, only_udp, only_listening;

	enum view_prompt prompt;
	char input[VIEW_INPUT_MAX]; /* UTF-8 */
	char *search;
	char *message; /* below, until the next key */
	char *overlay_title; /* NULL: there is none */
	struct out overlay; /* its text, safe UTF-8 in lines */
	uint32_t overlay_top;
	char *later_title; /* NULL: there is none; else a text for when prompt or text have ended */
	struct out later;

	bool from_file; /* nothing moves */
	bool paused;
	int64_t interval_ms;
	int64_t now_ns; /* since the epoch, as snapshots have it */
	uint32_t passed_ms; /* since the snapshot was taken, up to when it was held */
	bool ascii;
	bool keyless; /* nobody presses any: they need no explanation */
	uint32_t widths[N_VIEWS][N_COLUMNS]; /* the widest that was seen */
	uint32_t destination_width; /* likewise, of outgoing connections */
	uint32_t most_rows[N_VIEWS]; /* that were seen */
};

void view_init(struct view *view, const struct view_host *host);
void view_done(struct view *view);

/* Show another frame, which the view owns from now on. The selection stays. */
void view_take(struct view *view, struct frame *frame);

/* Let time pass: timers count down on the screen, unless it is held. The frame stays as it is. */
void view_tick(struct view *view, int64_t now_ns);

/* Sockets that are to be shown at all; what it points to stays the caller's. */
void view_set_base(struct view *view, const struct filter *base);

/* Set the filter, as typed. Returns false with a sentence that the caller frees. */
bool view_filter(struct view *view, const char *text, char **ret_error);

/* A key (enum tui_key, or a character). Returns false if it is time to go. */
bool view_key(struct view *view, uint32_t key);

/* A click on a place of the screen, or the wheel (-1 up, 1 down). */
void view_click(struct view *view, uint32_t row, uint32_t column, bool twice);
void view_wheel(struct view *view, int direction);

/*
 * Show a text (safe UTF-8, copied) over the list: now, or when an open prompt or the text that is
 * shown has ended. Lines that are longer than the screen is wide are broken.
 */
void view_overlay(struct view *view, const char *title, const char *text, size_t length);

/* Say something in the last line; printf-like, made safe when it is drawn. */
void view_say(struct view *view, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forget what was seen, for a screen of another size. */
void view_resized(struct view *view);

/* Draw everything. */
void view_draw(struct view *view, struct screen *screen);

/* Of the draw functions, one file each. */
void view_draw_header(struct view *view, struct screen *screen, uint32_t rows);
void view_draw_list(struct view *view, struct screen *screen, uint32_t row, uint32_t rows);
void view_draw_details(struct view *view, struct screen *screen, uint32_t row, uint32_t rows);
void view_draw_overlay(struct view *view, struct screen *screen);

/*
 * All about a row in lines of width columns: safe UTF-8, appended. Of many sockets and holders the
 * first, and how many more there are; unless it shall be all, of a few already.
 */
void view_details_text(const struct view *view, const struct row *row, bool all, uint32_t width,
		       struct out *out);

/*
 * The next row after the selected one, round the end, that has a text in its columns, whatever its
 * case. Returns false if there is none.
 */
bool view_find_text(struct view *view, const char *text, uint32_t *ret_row);

/* The text of the help, appended. */
void view_help_text(bool ascii, struct out *out);

#endif

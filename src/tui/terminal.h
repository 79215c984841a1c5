/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_TERMINAL_H
#define TUI_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/screen.h"

/*
 * The terminal through curses: the only file that knows it. However the program ends - by a key, a
 * signal, a crash - the terminal is left as it was.
 */

/*
 * Take the terminal that stdin and stdout are. What is written to stderr from now on would tear the
 * picture and is kept until the terminal is free again. Returns 0; -ENOTTY if they are none;
 * -ENOENT if nothing is known of terminals of its kind (TERM); -ENOTSUP if it cannot move its
 * cursor; or what pipe2() says. Once in a program, by the thread that calls the other functions.
 */
int terminal_open(bool color);

/* Give it back, and signals with it: from now on they do what they did before. */
void terminal_close(void);

/* What it is now, in characters. */
void terminal_size(uint32_t *ret_rows, uint32_t *ret_columns);

/* Show a screen of that size. */
void terminal_show(const struct screen *screen);

/* What happened. */
struct terminal_event {
	uint32_t key; /* enum tui_key, or a character; TUI_KEY_NONE: nothing more */
	/* Of TUI_KEY_MOUSE: */
	uint32_t row, column;
	bool twice;
	int wheel; /* -1 up, 1 down, 0: a click */
};

/* The next event, without waiting. Returns false when the terminal has gone. */
bool terminal_read(struct terminal_event *ret_event);

/* Readable when a signal has come that asks the program to end. */
int terminal_signal_fd(void);

/* The last line that was written to stderr since terminal_open(), "" if none was; malloc'ed. */
char *terminal_last_message(void);

/* Whether a signal has asked the program to end (SIGTERM, SIGHUP, SIGINT); its number, or 0. */
int terminal_signal(void);

#endif

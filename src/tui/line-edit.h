/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_LINE_EDIT_H
#define TUI_LINE_EDIT_H

#include <stddef.h>
#include <stdint.h>

/* A line that is typed. Pure. */
enum line_edit {
	LINE_EDIT_GOES_ON,
	LINE_EDIT_DONE, /* Enter */
	LINE_EDIT_LEFT, /* Esc */
};

/*
 * Apply a key (enum tui_key, or a character) to a line of UTF-8, which ends with a zero byte and
 * has room for size bytes: what is typed goes to its end. Characters that are not safe to show are
 * left out, and so is what there is no room for.
 */
enum line_edit line_edit_key(char *line, size_t size, uint32_t key);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/out.h"

/*
 * What shall be on the screen: a grid of cells. Views draw into it; a terminal, or plain text, is
 * made from it. Everything in it is safe UTF-8.
 */

/* enum color_role in the lower bits, and these. */
#define SCREEN_ROLE 0x1f
#define SCREEN_REVERSE 0x20
#define SCREEN_BOLD 0x40

#define SCREEN_CELL_MAX 20 /* bytes: a character and what combines with it */

struct screen_cell {
	char text[SCREEN_CELL_MAX];
	uint8_t length;
	uint8_t width; /* columns; 0: the cell before is wide */
	uint8_t style;
};

struct screen {
	struct screen_cell *cells; /* row by row */
	uint32_t rows, columns;
};

void screen_init(struct screen *screen);
void screen_done(struct screen *screen);

/* Give it another size; it is blank after that. */
void screen_resize(struct screen *screen, uint32_t rows, uint32_t columns);
void screen_clear(struct screen *screen);

/*
 * Put safe UTF-8 (escape_append()) at a place, cut to max columns and to the screen. Returns the
 * columns that it takes.
 */
uint32_t screen_put(struct screen *screen, uint32_t row, uint32_t column, uint32_t max,
		    uint8_t style, const char *text, size_t length);

/* The same for a string of the program's own. */
uint32_t screen_text(struct screen *screen, uint32_t row, uint32_t column, uint32_t max,
		     uint8_t style, const char *text);

/* printf-like; what it formats is made safe. */
uint32_t screen_printf(struct screen *screen, uint32_t row, uint32_t column, uint32_t max,
		       uint8_t style, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

/* Set bits of the style of a whole row. */
void screen_mark_row(struct screen *screen, uint32_t row, uint8_t style);

/* As lines of plain text, without blanks at their ends. */
void screen_write(const struct screen *screen, struct out *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/screen.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/escape.h"
#include "util/utf8.h"
#include "util/xalloc.h"

static const struct screen_cell blank = { .text = " ", .length = 1, .width = 1 };

void screen_init(struct screen *screen)
{
	*screen = (struct screen){ .cells = NULL };
}

void screen_done(struct screen *screen)
{
	free(screen->cells);
	screen_init(screen);
}

void screen_clear(struct screen *screen)
{
	size_t i;

	for (i = 0; i < (size_t)screen->rows * screen->columns; i++)
		screen->cells[i] = blank;
}

void screen_resize(struct screen *screen, uint32_t rows, uint32_t columns)
{
	free(screen->cells);
	screen->cells = xcalloc((size_t)rows * columns, sizeof(*screen->cells));
	screen->rows = rows;
	screen->columns = columns;
	screen_clear(screen);
}

/* What is overwritten in half goes whole. */
static void break_wide(struct screen_cell *row, uint32_t column, uint32_t columns)
{
	if (!row[column].width && column)
		row[column - 1] = blank;
	if (row[column].width == 2 && column + 1 < columns)
		row[column + 1] = blank;
}

uint32_t screen_put(struct screen *screen, uint32_t row, uint32_t column, uint32_t max,
		    uint8_t style, const char *text, size_t length)
{
	struct screen_cell *cells, *last = NULL;
	uint32_t used = 0;

	if (row >= screen->rows || column >= screen->columns)
		return 0;
	cells = screen->cells + (size_t)row * screen->columns;
	if (max > screen->columns - column)
		max = screen->columns - column;
	while (length) {
		size_t size = utf8_decode(text, length, NULL), width;

		if (!size)
			break;
		width = escape_width(text, size);
		if (!width) {
			if (last && last->length + size <= SCREEN_CELL_MAX) {
				memcpy(last->text + last->length, text, size);
				last->length = (uint8_t)(last->length + size);
			}
		} else if (used + width > max) {
			break;
		} else {
			last = &cells[column + used];
			break_wide(cells, column + used, screen->columns);
			if (width == 2) {
				break_wide(cells, column + used + 1, screen->columns);
				last[1] = (struct screen_cell){ .style = style };
			}
			memcpy(last->text, text, size);
			last->length = (uint8_t)size;
			last->width = (uint8_t)width;
			last->style = style;
			used += (uint32_t)width;
		}
		text += size;
		length -= size;
	}
	return used;
}

uint32_t screen_text(struct screen *screen, uint32_t row, uint32_t column, uint32_t max,
		     uint8_t style, const char *text)
{
	return screen_put(screen, row, column, max, style, text, strlen(text));
}

uint32_t screen_printf(struct screen *screen, uint32_t row, uint32_t column, uint32_t max,
		       uint8_t style, const char *format, ...)
{
	va_list arguments;
	struct out safe;
	uint32_t used;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	out_init(&safe, -1);
	escape_append(&safe, ESCAPE_TERMINAL, text, strlen(text));
	used = screen_put(screen, row, column, max, style, safe.buffer, safe.used);
	out_done(&safe);
	free(text);
	return used;
}

void screen_mark_row(struct screen *screen, uint32_t row, uint8_t style)
{
	uint32_t i;

	for (i = 0; row < screen->rows && i < screen->columns; i++)
		screen->cells[(size_t)row * screen->columns + i].style |= style;
}

void screen_write(const struct screen *screen, struct out *out)
{
	uint32_t row, column, end;

	for (row = 0; row < screen->rows; row++) {
		const struct screen_cell *cells = screen->cells + (size_t)row * screen->columns;

		for (end = screen->columns; end; end--)
			if (cells[end - 1].length != 1 || cells[end - 1].text[0] != ' ')
				break;
		for (column = 0; column < end; column++)
			out_bytes(out, cells[column].text, cells[column].length);
		out_char(out, '\n');
	}
}

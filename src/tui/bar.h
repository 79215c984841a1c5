/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_BAR_H
#define TUI_BAR_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/screen.h"

/* Bars and sparklines, of block characters or of ASCII. */

/* A bar of width columns, value of most. */
void bar_draw(struct screen *screen, uint32_t row, uint32_t column, uint32_t width, uint64_t value,
	      uint64_t most, uint8_t style, bool ascii);

/* The same as safe UTF-8 at the end of a text. */
void bar_append(struct out *out, uint32_t width, uint64_t value, uint64_t most, bool ascii);

/* The last width of n values, the largest of them as a whole block. */
void bar_sparkline(struct screen *screen, uint32_t row, uint32_t column, uint32_t width,
		   const uint32_t *values, uint32_t n, uint8_t style, bool ascii);

#endif

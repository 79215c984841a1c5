/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/bar.h"

/* Eighths of a column, filled from the left, and from below. */
static const char *const lefts[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
static const char *const belows[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
static const char *const belows_ascii[] = { "_", ".", ".", "-", "=", "+", "*", "#" };

void bar_append(struct out *out, uint32_t width, uint64_t value, uint64_t most, bool ascii)
{
	uint64_t eighths, i;

	if (value > most)
		value = most;
	eighths = most ? value * width * 8 / most : 0;
	/* What is there is seen. */
	if (value && !eighths)
		eighths = 1;
	for (i = 0; i<width; i++, eighths = eighths> 8 ? eighths - 8 : 0) {
		if (ascii)
			out_char(out, eighths >= 4 ? '#' : eighths ? ':' : '.');
		else
			out_string(out, eighths ? lefts[eighths > 8 ? 8 : eighths] : "·");
	}
}

void bar_draw(struct screen *screen, uint32_t row, uint32_t column, uint32_t width, uint64_t value,
	      uint64_t most, uint8_t style, bool ascii)
{
	struct out out;

	out_init(&out, -1);
	bar_append(&out, width, value, most, ascii);
	screen_put(screen, row, column, width, style, out.buffer, out.used);
	out_done(&out);
}

void bar_sparkline(struct screen *screen, uint32_t row, uint32_t column, uint32_t width,
		   const uint32_t *values, uint32_t n, uint8_t style, bool ascii)
{
	uint32_t i, most = 0, first = n > width ? n - width : 0;

	for (i = first; i < n; i++)
		if (values[i] > most)
			most = values[i];
	for (i = first; i < n; i++) {
		uint32_t step = most ? (uint32_t)((uint64_t)values[i] * 7 / most) : 0;

		screen_text(screen, row, column + i - first, 1, style,
			    ascii ? belows_ascii[step] : belows[step]);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/stdout-width.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT_WIDTH 80
#define TEXT_WIDTH_LEAST 40
#define TEXT_WIDTH_MOST 100

uint32_t stdout_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return 0;
	return size.ws_col;
}

uint32_t stdout_text_width(void)
{
	uint32_t width = stdout_width();

	if (!width)
		return TEXT_WIDTH;
	if (width < TEXT_WIDTH_LEAST)
		return TEXT_WIDTH_LEAST;
	return width > TEXT_WIDTH_MOST ? TEXT_WIDTH_MOST : width;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The eight colours that every terminal has, and none that vanishes on white or on black. */
static const char *const starts[N_COLOR_ROLES] = {
	[COLOR_PLAIN] = "",	     [COLOR_HEADING] = "\033[1m",    [COLOR_SECTION] = "\033[1;4m",
	[COLOR_LISTEN] = "\033[32m", [COLOR_TIME_WAIT] = "\033[33m", [COLOR_CLOSING] = "\033[35m",
	[COLOR_REUSE] = "\033[1m",   [COLOR_DIM] = "\033[2m",	     [COLOR_ALARM] = "\033[1;31m",
};

bool color_wanted(enum color_when when, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	if (when != COLOR_AUTO)
		return when == COLOR_ALWAYS;
	if (no_color && *no_color)
		return false;
	if (!terminal || !strcmp(terminal, "dumb"))
		return false;
	return isatty(fd);
}

enum color_role color_severity(enum severity severity)
{
	switch (severity) {
	case SEVERITY_CRITICAL:
		return COLOR_ALARM;
	case SEVERITY_WARNING:
		return COLOR_TIME_WAIT;
	default:
		return COLOR_DIM;
	}
}

const char *color_start(enum color_role role)
{
	return starts[role];
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLOR_H
#define OUTPUT_COLOR_H

#include <stdbool.h>

#include "model/finding.h"

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

/* What a piece of text is. Colour only repeats what the words say. */
enum color_role {
	COLOR_PLAIN,
	COLOR_HEADING,
	COLOR_SECTION,
	COLOR_LISTEN,
	COLOR_TIME_WAIT,
	COLOR_CLOSING, /* a state that should not last */
	COLOR_REUSE,
	COLOR_DIM, /* nothing there, or not to be seen */
	COLOR_ALARM, /* drops, a full queue */
	N_COLOR_ROLES,
};

/* What ends every colour. */
#define COLOR_END "\033[0m"

/*
 * Whether to colour what goes to fd: in COLOR_AUTO if it is a terminal that is not TERM=dumb, and
 * NO_COLOR is not set or empty (no-color.org).
 */
bool color_wanted(enum color_when when, int fd);

/* The colour of findings of a severity. */
enum color_role color_severity(enum severity severity);

/* The SGR sequence that begins a role, "" for COLOR_PLAIN. */
const char *color_start(enum color_role role);

#endif

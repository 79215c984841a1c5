/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_TRISTATE_H
#define MODEL_TRISTATE_H

#include <stdbool.h>

/*
 * A fact that may not be known. Unknown is the zero value, so what nobody filled in is unknown, and
 * never "no" by accident.
 */
enum tristate {
	TRISTATE_UNKNOWN,
	TRISTATE_NO,
	TRISTATE_YES,
};

static inline enum tristate tristate_of(bool value)
{
	return value ? TRISTATE_YES : TRISTATE_NO;
}

/* Unknown only where it depends on what is unknown. */
static inline enum tristate tristate_and(enum tristate a, enum tristate b)
{
	if (a == TRISTATE_NO || b == TRISTATE_NO)
		return TRISTATE_NO;
	return a == TRISTATE_YES && b == TRISTATE_YES ? TRISTATE_YES : TRISTATE_UNKNOWN;
}

static inline enum tristate tristate_or(enum tristate a, enum tristate b)
{
	if (a == TRISTATE_YES || b == TRISTATE_YES)
		return TRISTATE_YES;
	return a == TRISTATE_NO && b == TRISTATE_NO ? TRISTATE_NO : TRISTATE_UNKNOWN;
}

static inline enum tristate tristate_not(enum tristate a)
{
	return a == TRISTATE_UNKNOWN ? a : tristate_of(a == TRISTATE_NO);
}

#endif

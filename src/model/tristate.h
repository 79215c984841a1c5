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

#endif

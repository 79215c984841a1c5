/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_ESCAPE_H
#define UTIL_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/out.h"

/*
 * Strings of other processes made safe for a terminal or for a line-based format. ASCII letters
 * pass at the speed of memcpy().
 */
enum escape_style {
	/*
	 * For people: control characters (C0, DEL, C1), line and paragraph separators, characters
	 * that change the direction of writing or are invisible, and bytes that are not UTF-8, are
	 * written as \xHH (each byte). In a locale that is not UTF-8 every byte above 0x7e is too.
	 */
	ESCAPE_TERMINAL,
	/*
	 * For columns separated by blanks (--raw): in addition blank, backslash, and every byte
	 * above 0x7e, so that a value is one word of ASCII. An empty string is written as "", and
	 * one that consists of two quotes as \x22\x22.
	 */
	ESCAPE_RAW,
};

/*
 * Whether a terminal may act upon a code point or not show it: control characters, line and
 * paragraph separators, marks that change the direction of writing, invisible characters, tags.
 */
bool escape_is_unsafe(uint32_t code);

/* Append the escaped form. Returns how many columns of a terminal it takes. */
size_t escape_append(struct out *out, enum escape_style style, const char *bytes, size_t length);

/*
 * Append a text as one word of a shell's command line, in quotes where it needs any. Control
 * characters stay as they are.
 */
void escape_shell(struct out *out, const char *text);

/* Columns that length bytes of already safe UTF-8 take on a terminal (wcwidth(3)). */
size_t escape_width(const char *bytes, size_t length);

/*
 * How many of the length bytes of safe UTF-8 fit in columns; ret_width (may be NULL) receives the
 * columns that they take. Never cuts within a character or before a combining one.
 */
size_t escape_fit(const char *bytes, size_t length, size_t columns, size_t *ret_width);

#endif

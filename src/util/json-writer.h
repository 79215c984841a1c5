/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_JSON_WRITER_H
#define UTIL_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/out.h"

/*
 * Streams JSON (RFC 8259) into a struct out: commas, nesting and escapes are its work, so what is
 * written is always one valid document however hostile the strings are. Names of members and words
 * are given by the program and must need no escape.
 *
 * The values are called json_write_…, since json_null(), json_string() and others are functions of
 * jansson, which the linker would give to this file's instead.
 */
#define JSON_DEPTH_MAX 16

struct json_writer {
	struct out *out; /* not owned */
	unsigned int depth;
	bool pretty; /* a line a member of the outermost object, a line an element of its arrays */
	bool need_comma;
	bool after_name;
	char closer[JSON_DEPTH_MAX]; /* '}' or ']' of each open level */
};

/* Without pretty everything is on one line. */
void json_writer_init(struct json_writer *writer, struct out *out, bool pretty);

void json_begin_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end(struct json_writer *writer); /* the innermost object or array */

void json_write_null(struct json_writer *writer);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_unsigned(struct json_writer *writer, uint64_t value);
void json_write_signed(struct json_writer *writer, int64_t value);
void json_write_fraction(struct json_writer *writer, double value); /* finite; four decimals */

/*
 * NULL gives null. Control characters, and others that a terminal acts upon or does not show
 * (escape_is_unsafe()), are written as \uXXXX, which keeps them; a byte that is not UTF-8 as
 * U+FFFD.
 */
void json_write_string(struct json_writer *writer, const char *string);
void json_write_bytes(struct json_writer *writer, const char *bytes, size_t length);

/* A string with its quotes, as json_write_bytes() does, where the caller has placed it. */
void json_append_string(struct out *out, const char *bytes, size_t length);

/* For the functions below: comma, new line and indentation before a value or a name. */
void json_separate_slow(struct json_writer *writer);

static inline void json_separate(struct json_writer *writer)
{
	if (writer->after_name) {
		writer->after_name = false;
	} else if (!writer->pretty || writer->depth > 2) {
		if (writer->need_comma)
			out_bytes(writer->out, ", ", 2);
	} else {
		json_separate_slow(writer);
	}
	writer->need_comma = true;
}

/* The name of the next value, within an object. */
static inline void json_name(struct json_writer *writer, const char *name)
{
	json_separate(writer);
	out_char(writer->out, '"');
	out_bytes(writer->out, name, strlen(name));
	out_bytes(writer->out, "\": ", 3);
	writer->after_name = true;
}

/* A string of the program's own that needs no escape. */
static inline void json_write_word(struct json_writer *writer, const char *word, size_t length)
{
	json_separate(writer);
	out_char(writer->out, '"');
	out_bytes(writer->out, word, length);
	out_char(writer->out, '"');
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_JSON_WRITER_H
#define UTIL_JSON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/out.h"

/*
 * Streams JSON (RFC 8259) into a struct out: commas, nesting and escapes are its work, so what is
 * written is always one valid document however hostile the strings are. Names of members are given
 * by the program and must need no escape.
 */
#define JSON_DEPTH_MAX 16

struct json_writer {
	struct out *out; /* not owned */
	unsigned int depth;
	bool pretty; /* a line a member on the first two levels; objects in arrays stay on one line */
	bool need_comma;
	bool after_name;
	char closer[JSON_DEPTH_MAX]; /* '}' or ']' of each open level */
};

void json_writer_init(struct json_writer *writer, struct out *out, bool pretty);

void json_begin_object(struct json_writer *writer);
void json_begin_array(struct json_writer *writer);
void json_end(struct json_writer *writer); /* the innermost object or array */

/* The name of the next value, within an object. */
void json_name(struct json_writer *writer, const char *name);

void json_null(struct json_writer *writer);
void json_bool(struct json_writer *writer, bool value);
void json_unsigned(struct json_writer *writer, uint64_t value);
void json_signed(struct json_writer *writer, int64_t value);
void json_double(struct json_writer *writer, double value); /* not finite: null */

/* NULL gives null. Bytes that are not UTF-8 are written as U+FFFD, control characters as \uXXXX. */
void json_string(struct json_writer *writer, const char *string);
void json_bytes(struct json_writer *writer, const char *bytes, size_t length);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_JSON_FIELD_H
#define MODEL_JSON_FIELD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/tristate.h"
#include "util/string-pool.h"

/*
 * Members of parsed JSON, by type. What is not there or null is unknown. What is of another kind or
 * out of range is kept as an error, the first with its path ("sockets[3].local.port: expected a
 * number from 0 to 65535"), and reads as unknown: so a whole row is read without a check between,
 * and the caller looks at failed once.
 */
#define JSON_FIELD_DEPTH_MAX 8

struct json_field_reader {
	bool failed;
	char *error; /* of the caller; receives the sentence */
	size_t error_size;
	unsigned int depth;
	struct {
		const char *name; /* NULL: an index */
		size_t index;
	} path[JSON_FIELD_DEPTH_MAX];
};

void json_field_init(struct json_field_reader *reader, char *error, size_t error_size);

/* Where the following members are: one step down, one step up. */
void json_field_enter(struct json_field_reader *reader, const char *name);
void json_field_enter_index(struct json_field_reader *reader, size_t index);
void json_field_leave(struct json_field_reader *reader);

/* Fail at the current place, or at a member of it. format is printf-like. */
void json_field_fail(struct json_field_reader *reader, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A member that is neither missing nor null, or NULL. */
json_t *json_field_get(const json_t *object, const char *name);

/* The same, if it is an object or a list; else it fails, or returns NULL if there is none. */
json_t *json_field_object(struct json_field_reader *reader, const json_t *object, const char *name);
json_t *json_field_array(struct json_field_reader *reader, const json_t *object, const char *name);

/*
 * Return whether the value is known. Numbers of more than 32 bits may also be text of decimal
 * digits, since many programs cannot hold them as numbers.
 */
bool json_field_unsigned(struct json_field_reader *reader, const json_t *object, const char *name,
			 uint64_t max, uint64_t *ret_value);
bool json_field_u32(struct json_field_reader *reader, const json_t *object, const char *name,
		    uint32_t max, uint32_t *ret_value);
bool json_field_signed(struct json_field_reader *reader, const json_t *object, const char *name,
		       int64_t *ret_value);
/* RFC 3339, as nanoseconds since the epoch. */
bool json_field_time(struct json_field_reader *reader, const json_t *object, const char *name,
		     int64_t *ret_ns);
/* A word for which parse returns a value; expected lists the words for the message. */
bool json_field_word(struct json_field_reader *reader, const json_t *object, const char *name,
		     int (*parse)(const char *), const char *expected, int *ret_value);

enum tristate json_field_tristate(struct json_field_reader *reader, const json_t *object,
				  const char *name);
string_id json_field_string(struct json_field_reader *reader, const json_t *object,
			    const char *name, struct string_pool *pool);

/* The same of a value itself: an element of a list. The place is the current one. */
bool json_value_unsigned(struct json_field_reader *reader, const json_t *value, uint64_t max,
			 uint64_t *ret_value);
bool json_value_word(struct json_field_reader *reader, const json_t *value,
		     int (*parse)(const char *), const char *expected, int *ret_value);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/json-field.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void json_field_init(struct json_field_reader *reader, char *error, size_t error_size)
{
	*reader = (struct json_field_reader){ .error = error, .error_size = error_size };
}

void json_field_enter(struct json_field_reader *reader, const char *name)
{
	assert(reader->depth < JSON_FIELD_DEPTH_MAX);
	reader->path[reader->depth++].name = name;
}

void json_field_enter_index(struct json_field_reader *reader, size_t index)
{
	json_field_enter(reader, NULL);
	reader->path[reader->depth - 1].index = index;
}

void json_field_leave(struct json_field_reader *reader)
{
	assert(reader->depth > 0);
	reader->depth--;
}

/* snprintf(3) behind what is there already. */
static size_t append(struct json_field_reader *reader, size_t used, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static size_t append(struct json_field_reader *reader, size_t used, const char *format, ...)
{
	va_list arguments;
	int length;

	if (used >= reader->error_size)
		return used;
	va_start(arguments, format);
	length = vsnprintf(reader->error + used, reader->error_size - used, format, arguments);
	va_end(arguments);
	return length < 0 ? used : used + (size_t)length;
}

void json_field_fail(struct json_field_reader *reader, const char *name, const char *format, ...)
{
	size_t used = 0;
	va_list arguments;
	unsigned int i;

	if (reader->failed)
		return;
	reader->failed = true;
	for (i = 0; i < reader->depth; i++) {
		if (reader->path[i].name)
			used = append(reader, used, "%s%s", i ? "." : "", reader->path[i].name);
		else
			used = append(reader, used, "[%zu]", reader->path[i].index);
	}
	if (name)
		used = append(reader, used, "%s%s", i ? "." : "", name);
	used = append(reader, used, ": ");
	if (used >= reader->error_size)
		return;
	va_start(arguments, format);
	vsnprintf(reader->error + used, reader->error_size - used, format, arguments);
	va_end(arguments);
}

json_t *json_field_get(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

json_t *json_field_object(struct json_field_reader *reader, const json_t *object, const char *name)
{
	json_t *value = json_field_get(object, name);

	if (!value || json_is_object(value))
		return value;
	json_field_fail(reader, name, "expected an object");
	return NULL;
}

json_t *json_field_array(struct json_field_reader *reader, const json_t *object, const char *name)
{
	json_t *value = json_field_get(object, name);

	if (!value || json_is_array(value))
		return value;
	json_field_fail(reader, name, "expected a list");
	return NULL;
}

/* Decimal digits and nothing else. */
static bool parse_digits(const char *text, size_t length, uint64_t *ret_value)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9' ||
		    __builtin_mul_overflow(value, (uint64_t)10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return false;
	}
	*ret_value = value;
	return length > 0;
}

static bool unsigned_of(const json_t *value, uint64_t max, uint64_t *ret_value)
{
	uint64_t number;

	if (json_is_integer(value) && json_integer_value(value) >= 0)
		number = (uint64_t)json_integer_value(value);
	else if (!json_is_string(value) || max <= UINT32_MAX ||
		 !parse_digits(json_string_value(value), json_string_length(value), &number))
		return false;
	if (number > max)
		return false;
	*ret_value = number;
	return true;
}

static bool read_unsigned(struct json_field_reader *reader, const char *name, const json_t *value,
			  uint64_t max, uint64_t *ret_value)
{
	if (unsigned_of(value, max, ret_value))
		return true;
	json_field_fail(reader, name, "expected a number from 0 to %" PRIu64, max);
	return false;
}

bool json_value_unsigned(struct json_field_reader *reader, const json_t *value, uint64_t max,
			 uint64_t *ret_value)
{
	return read_unsigned(reader, NULL, value, max, ret_value);
}

bool json_field_unsigned(struct json_field_reader *reader, const json_t *object, const char *name,
			 uint64_t max, uint64_t *ret_value)
{
	const json_t *value = json_field_get(object, name);

	return value && read_unsigned(reader, name, value, max, ret_value);
}

bool json_field_u32(struct json_field_reader *reader, const json_t *object, const char *name,
		    uint32_t max, uint32_t *ret_value)
{
	uint64_t value;

	if (!json_field_unsigned(reader, object, name, max, &value))
		return false;
	*ret_value = (uint32_t)value;
	return true;
}

bool json_field_signed(struct json_field_reader *reader, const json_t *object, const char *name,
		       int64_t *ret_value)
{
	const json_t *value = json_field_get(object, name);

	if (!value)
		return false;
	if (!json_is_integer(value)) {
		json_field_fail(reader, name, "expected a whole number");
		return false;
	}
	*ret_value = json_integer_value(value);
	return true;
}

/* count digits at text as a number within [first, last]. */
static bool parse_part(const char **text, int count, int first, int last, int *ret_value)
{
	int value = 0, i;

	for (i = 0; i < count; i++) {
		if ((*text)[i] < '0' || (*text)[i] > '9')
			return false;
		value = value * 10 + ((*text)[i] - '0');
	}
	*text += count;
	*ret_value = value;
	return value >= first && value <= last;
}

static bool parse_char(const char **text, const char *allowed)
{
	if (!**text || !strchr(allowed, **text))
		return false;
	++*text;
	return true;
}

/* ".123" with one to nine digits; nothing is 0. */
static bool parse_fraction(const char **text, int64_t *ret_ns)
{
	int64_t unit = 100000000;

	*ret_ns = 0;
	if (**text != '.')
		return true;
	++*text;
	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; ++*text) {
		*ret_ns += (**text - '0') * unit;
		unit /= 10;
	}
	return true;
}

/* "Z", or "+01:00" as the seconds to subtract. */
static bool parse_offset(const char **text, int64_t *ret_seconds)
{
	int sign, hours, minutes;

	*ret_seconds = 0;
	if (parse_char(text, "Zz"))
		return true;
	sign = **text == '-' ? -1 : 1;
	if (!parse_char(text, "+-") || !parse_part(text, 2, 0, 23, &hours) ||
	    !parse_char(text, ":") || !parse_part(text, 2, 0, 59, &minutes))
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static bool parse_time(const char *text, int64_t *ret_ns)
{
	struct tm tm = { .tm_isdst = 0 }, normal;
	int64_t fraction, offset, seconds;
	time_t time;

	/* The years whose nanoseconds 64 bits can hold. */
	if (!parse_part(&text, 4, 1678, 2261, &tm.tm_year) || !parse_char(&text, "-") ||
	    !parse_part(&text, 2, 1, 12, &tm.tm_mon) || !parse_char(&text, "-") ||
	    !parse_part(&text, 2, 1, 31, &tm.tm_mday) || !parse_char(&text, "Tt ") ||
	    !parse_part(&text, 2, 0, 23, &tm.tm_hour) || !parse_char(&text, ":") ||
	    !parse_part(&text, 2, 0, 59, &tm.tm_min) || !parse_char(&text, ":") ||
	    !parse_part(&text, 2, 0, 60, &tm.tm_sec) || !parse_fraction(&text, &fraction) ||
	    !parse_offset(&text, &offset) || *text)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	normal = tm;
	normal.tm_sec = 0;
	time = timegm(&normal);
	if (normal.tm_mday != tm.tm_mday) /* there is no 31 February */
		return false;
	seconds = (int64_t)time + tm.tm_sec - offset;
	*ret_ns = seconds * 1000000000 + fraction;
	return true;
}

bool json_field_time(struct json_field_reader *reader, const json_t *object, const char *name,
		     int64_t *ret_ns)
{
	const json_t *value = json_field_get(object, name);

	if (!value)
		return false;
	if (json_is_string(value) &&
	    strlen(json_string_value(value)) == json_string_length(value) &&
	    parse_time(json_string_value(value), ret_ns))
		return true;
	json_field_fail(reader, name, "expected a time such as 2026-11-20T19:20:26.123456Z");
	return false;
}

static bool read_word(struct json_field_reader *reader, const char *name, const json_t *value,
		      int (*parse)(const char *), const char *expected, int *ret_value)
{
	int word = -1;

	if (json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value))
		word = parse(json_string_value(value));
	if (word < 0) {
		json_field_fail(reader, name, "expected %s", expected);
		return false;
	}
	*ret_value = word;
	return true;
}

bool json_value_word(struct json_field_reader *reader, const json_t *value,
		     int (*parse)(const char *), const char *expected, int *ret_value)
{
	return read_word(reader, NULL, value, parse, expected, ret_value);
}

bool json_field_word(struct json_field_reader *reader, const json_t *object, const char *name,
		     int (*parse)(const char *), const char *expected, int *ret_value)
{
	const json_t *value = json_field_get(object, name);

	return value && read_word(reader, name, value, parse, expected, ret_value);
}

enum tristate json_field_tristate(struct json_field_reader *reader, const json_t *object,
				  const char *name)
{
	const json_t *value = json_field_get(object, name);

	if (!value)
		return TRISTATE_UNKNOWN;
	if (!json_is_boolean(value)) {
		json_field_fail(reader, name, "expected true, false or null");
		return TRISTATE_UNKNOWN;
	}
	return tristate_of(json_is_true(value));
}

string_id json_field_string(struct json_field_reader *reader, const json_t *object,
			    const char *name, struct string_pool *pool)
{
	const json_t *value = json_field_get(object, name);

	if (!value)
		return 0;
	if (!json_is_string(value)) {
		json_field_fail(reader, name, "expected text");
		return 0;
	}
	return string_pool_add_bytes(pool, json_string_value(value), json_string_length(value));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/json-writer.h"

#include <fcntl.h>
#include <unistd.h>

#include "helpers/tap.h"

static struct out out;
static struct json_writer writer;

static void begin(bool pretty)
{
	out_init(&out, -1);
	json_writer_init(&writer, &out, pretty);
}

static void is_written(const char *wanted, const char *name)
{
	out_char(&out, '\0');
	is_str(out.buffer, wanted, "%s", name);
	out_done(&out);
}

static void test_nesting(void)
{
	begin(false);
	json_begin_object(&writer);
	json_name(&writer, "a");
	json_begin_array(&writer);
	json_write_unsigned(&writer, 1);
	json_write_signed(&writer, -2);
	json_write_null(&writer);
	json_begin_object(&writer);
	json_end(&writer);
	json_end(&writer);
	json_name(&writer, "b");
	json_write_bool(&writer, true);
	json_name(&writer, "c");
	json_write_bool(&writer, false);
	json_end(&writer);
	is_written("{\"a\": [1, -2, null, {}], \"b\": true, \"c\": false}", "nesting on one line");
}

static void test_pretty(void)
{
	begin(true);
	json_begin_object(&writer);
	json_name(&writer, "taken");
	json_begin_object(&writer);
	json_name(&writer, "start");
	json_write_null(&writer);
	json_name(&writer, "end");
	json_write_null(&writer);
	json_end(&writer);
	json_name(&writer, "empty");
	json_begin_array(&writer);
	json_end(&writer);
	json_name(&writer, "rows");
	json_begin_array(&writer);
	json_begin_object(&writer);
	json_name(&writer, "x");
	json_begin_array(&writer);
	json_write_unsigned(&writer, 1);
	json_write_unsigned(&writer, 2);
	json_end(&writer);
	json_end(&writer);
	json_write_word(&writer, "w", 1);
	json_end(&writer);
	json_end(&writer);
	is_written("{\n"
		   "  \"taken\": {\"start\": null, \"end\": null},\n"
		   "  \"empty\": [],\n"
		   "  \"rows\": [\n"
		   "    {\"x\": [1, 2]},\n"
		   "    \"w\"\n"
		   "  ]\n"
		   "}",
		   "a line a member and a line a row");
	begin(true);
	json_begin_object(&writer);
	json_end(&writer);
	is_written("{}", "an empty object stays on its line");
}

static void test_numbers(void)
{
	begin(false);
	json_begin_array(&writer);
	json_write_unsigned(&writer, 0);
	json_write_unsigned(&writer, 9);
	json_write_unsigned(&writer, 10);
	json_write_unsigned(&writer, UINT64_MAX);
	json_write_signed(&writer, INT64_MIN);
	json_write_signed(&writer, INT64_MAX);
	json_end(&writer);
	is_written("[0, 9, 10, 18446744073709551615, -9223372036854775808, 9223372036854775807]",
		   "the ends of the range of numbers");
}

static const struct {
	const char *name;
	const char *bytes;
	size_t length;
	const char *wanted;
} strings[] = {
	{ "plain", "nginx", 5, "\"nginx\"" },
	{ "empty", "", 0, "\"\"" },
	{ "quote and backslash", "a\"b\\c", 5, "\"a\\\"b\\\\c\"" },
	{ "short forms", "\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"" },
	{ "control characters, NUL too", "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\"" },
	{ "C1", "\xc2\x9b", 2, "\"\\u009b\"" },
	{ "UTF-8", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9,
	  "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	{ "line separator, direction", "\xe2\x80\xa8\xe2\x80\xae", 6, "\"\\u2028\\u202e\"" },
	{ "tag beyond the BMP", "\xf3\xa0\x81\x81", 4, "\"\\udb40\\udc41\"" },
	{ "not UTF-8", "a\xff\xc3(", 4, "\"a\xef\xbf\xbd\xef\xbf\xbd(\"" },
	{ "cut UTF-8", "\xe2\x82", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "a surrogate", "\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static void test_strings(void)
{
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		begin(false);
		json_write_bytes(&writer, strings[i].bytes, strings[i].length);
		is_written(strings[i].wanted, strings[i].name);
	}
	begin(false);
	json_begin_array(&writer);
	json_write_string(&writer, NULL);
	json_write_string(&writer, "x");
	json_end(&writer);
	is_written("[null, \"x\"]", "NULL is null");
}

/* The deepest level, and a write error that is kept. */
static void test_limits(void)
{
	int i, full;

	begin(false);
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		json_begin_array(&writer);
	for (i = 0; i < JSON_DEPTH_MAX; i++)
		json_end(&writer);
	is_written("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", "as deep as it goes");

	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	if (full < 0) {
		skip(1, "there is no /dev/full");
		return;
	}
	out_init(&out, full);
	json_writer_init(&writer, &out, true);
	json_begin_array(&writer);
	for (i = 0; i < 100000; i++)
		json_write_unsigned(&writer, 1);
	json_end(&writer);
	ok(out_flush(&out) < 0, "a full disk is told");
	out_done(&out);
	close(full);
}

int main(void)
{
	test_nesting();
	test_pretty();
	test_numbers();
	test_strings();
	test_limits();
	return done_testing();
}

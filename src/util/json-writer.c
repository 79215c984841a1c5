/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/json-writer.h"

#include <assert.h>

#include "util/escape.h"
#include "util/utf8.h"

void json_writer_init(struct json_writer *writer, struct out *out, bool pretty)
{
	*writer = (struct json_writer){ .out = out, .pretty = pretty };
}

static void new_line(struct json_writer *writer)
{
	out_char(writer->out, '\n');
	out_repeat(writer->out, ' ', writer->depth * 2);
}

void json_separate_slow(struct json_writer *writer)
{
	/* The second level is a line an element in arrays only. */
	bool breaks = writer->depth == 1 || (writer->depth == 2 && writer->closer[1] == ']');

	if (writer->need_comma) {
		out_char(writer->out, ',');
		if (!breaks)
			out_char(writer->out, ' ');
	}
	if (breaks)
		new_line(writer);
}

static void begin(struct json_writer *writer, char opener, char closer)
{
	json_separate(writer);
	assert(writer->depth < JSON_DEPTH_MAX);
	writer->closer[writer->depth++] = closer;
	writer->need_comma = false;
	out_char(writer->out, opener);
}

void json_begin_object(struct json_writer *writer)
{
	begin(writer, '{', '}');
}

void json_begin_array(struct json_writer *writer)
{
	begin(writer, '[', ']');
}

void json_end(struct json_writer *writer)
{
	bool had_elements = writer->need_comma;
	char closer;

	assert(writer->depth > 0);
	closer = writer->closer[--writer->depth];
	if (writer->pretty && had_elements &&
	    (writer->depth == 0 || (writer->depth == 1 && closer == ']')))
		new_line(writer);
	out_char(writer->out, closer);
	writer->need_comma = true;
}

void json_write_null(struct json_writer *writer)
{
	json_separate(writer);
	out_bytes(writer->out, "null", 4);
}

void json_write_bool(struct json_writer *writer, bool value)
{
	json_separate(writer);
	out_bytes(writer->out, value ? "true" : "false", value ? 4 : 5);
}

void json_write_unsigned(struct json_writer *writer, uint64_t value)
{
	json_separate(writer);
	if (value < 10)
		out_char(writer->out, (char)('0' + value));
	else
		out_unsigned(writer->out, value);
}

void json_write_fraction(struct json_writer *writer, double value)
{
	json_separate(writer);
	out_printf(writer->out, "%.4f", value);
}

void json_write_signed(struct json_writer *writer, int64_t value)
{
	json_separate(writer);
	out_signed(writer->out, value);
}

static void write_unit(struct out *out, uint32_t unit)
{
	static const char digits[] = "0123456789abcdef";
	char text[6] = { '\\',
			 'u',
			 digits[unit >> 12 & 15],
			 digits[unit >> 8 & 15],
			 digits[unit >> 4 & 15],
			 digits[unit & 15] };

	out_bytes(out, text, sizeof(text));
}

static void write_code(struct out *out, uint32_t code)
{
	if (code < 0x10000) {
		write_unit(out, code);
		return;
	}
	write_unit(out, 0xd800 + ((code - 0x10000) >> 10));
	write_unit(out, 0xdc00 + ((code - 0x10000) & 0x3ff));
}

static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* One character that is not plain; returns its length. */
static size_t write_special(struct out *out, const char *bytes, size_t length)
{
	static const char short_forms[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
	};
	uint32_t code;
	size_t step = utf8_decode(bytes, length, &code);

	if (!step) {
		out_bytes(out, "\xef\xbf\xbd", 3);
		return 1;
	}
	if (code == '"' || code == '\\') {
		out_char(out, '\\');
		out_char(out, (char)code);
	} else if (code < 0x20 && short_forms[code]) {
		out_char(out, '\\');
		out_char(out, short_forms[code]);
	} else if (escape_is_unsafe(code)) {
		write_code(out, code);
	} else {
		out_bytes(out, bytes, step);
	}
	return step;
}

void json_append_string(struct out *out, const char *bytes, size_t length)
{
	size_t i = 0, start = 0;

	out_char(out, '"');
	while (i < length) {
		if (is_plain((unsigned char)bytes[i])) {
			i++;
			continue;
		}
		out_bytes(out, bytes + start, i - start);
		i += write_special(out, bytes + i, length - i);
		start = i;
	}
	out_bytes(out, bytes + start, length - start);
	out_char(out, '"');
}

void json_write_bytes(struct json_writer *writer, const char *bytes, size_t length)
{
	json_separate(writer);
	json_append_string(writer->out, bytes, length);
}

void json_write_string(struct json_writer *writer, const char *string)
{
	if (string)
		json_write_bytes(writer, string, strlen(string));
	else
		json_write_null(writer);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/escape.h"

#include <langinfo.h>
#include <wchar.h>

#include "util/utf8.h"
#include "util/xalloc.h"

/* Sorted; the last of each range belongs to it. */
static const struct {
	uint32_t first, last;
} unsafe_ranges[] = {
	{ 0x0000, 0x001f }, /* C0 */
	{ 0x007f, 0x009f }, /* DEL, C1 */
	{ 0x00ad, 0x00ad }, /* soft hyphen */
	{ 0x034f, 0x034f }, /* combining grapheme joiner */
	{ 0x061c, 0x061c }, /* Arabic letter mark */
	{ 0x115f, 0x1160 }, /* Hangul fillers */
	{ 0x17b4, 0x17b5 }, /* Khmer inherent vowels */
	{ 0x180b, 0x180f }, /* Mongolian variation selectors, vowel separator */
	{ 0x200b, 0x200f }, /* zero width, direction marks */
	{ 0x2028, 0x202e }, /* line and paragraph separator, direction embedding and override */
	{ 0x2060, 0x206f }, /* word joiner, invisible operators, direction isolates */
	{ 0x3164, 0x3164 }, /* Hangul filler */
	{ 0xfeff, 0xfeff }, /* byte order mark */
	{ 0xffa0, 0xffa0 }, /* halfwidth Hangul filler */
	{ 0xfff0, 0xfffb }, /* interlinear annotation */
	{ 0xfffe, 0xffff }, /* no characters */
	{ 0x1bca0, 0x1bca3 }, /* shorthand format controls */
	{ 0x1d173, 0x1d17a }, /* musical format controls */
	{ 0xe0000, 0xe0fff }, /* tags, variation selectors */
};

bool escape_is_unsafe(uint32_t code)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unsafe_ranges) && code >= unsafe_ranges[i].first; i++) {
		if (code <= unsafe_ranges[i].last)
			return true;
	}
	return false;
}

static bool is_utf8_locale(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

static bool is_plain(enum escape_style style, unsigned char byte)
{
	if (style == ESCAPE_RAW)
		return byte > ' ' && byte < 0x7f && byte != '\\';
	return byte >= ' ' && byte < 0x7f;
}

static size_t append_hex(struct out *out, const char *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)bytes[i];
		char text[4] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };

		out_bytes(out, text, sizeof(text));
	}
	return length * 4;
}

/* One character that is not plain ASCII. Returns its columns, and its bytes in ret_step. */
static size_t append_special(struct out *out, enum escape_style style, const char *bytes,
			     size_t length, size_t *ret_step)
{
	uint32_t code;
	size_t step = utf8_decode(bytes, length, &code);
	int columns;

	*ret_step = step ? step : 1;
	if (style == ESCAPE_RAW || step < 2 || escape_is_unsafe(code) || !is_utf8_locale())
		return append_hex(out, bytes, *ret_step);
	columns = wcwidth((wchar_t)code);
	if (columns < 0) /* not printable, or newer than the C library */
		return append_hex(out, bytes, step);
	out_bytes(out, bytes, step);
	return (size_t)columns;
}

size_t escape_append(struct out *out, enum escape_style style, const char *bytes, size_t length)
{
	size_t i = 0, start, step, columns = 0;

	if (style == ESCAPE_RAW) {
		if (!length) {
			out_bytes(out, "\"\"", 2);
			return 2;
		}
		if (length == 2 && !memcmp(bytes, "\"\"", 2))
			return append_hex(out, bytes, length);
	}
	while (i < length) {
		for (start = i; i < length && is_plain(style, (unsigned char)bytes[i]);)
			i++;
		out_bytes(out, bytes + start, i - start);
		columns += i - start;
		if (i == length)
			break;
		columns += append_special(out, style, bytes + i, length - i, &step);
		i += step;
	}
	return columns;
}

size_t escape_width(const char *bytes, size_t length)
{
	size_t width;

	escape_fit(bytes, length, SIZE_MAX, &width);
	return width;
}

size_t escape_fit(const char *bytes, size_t length, size_t columns, size_t *ret_width)
{
	size_t i = 0, step, width = 0;
	uint32_t code;
	int wide;

	while (i < length) {
		step = 1;
		wide = 1;
		if ((unsigned char)bytes[i] >= 0x80) {
			step = utf8_decode(bytes + i, length - i, &code);
			wide = step ? wcwidth((wchar_t)code) : 1;
			step = step ? step : 1;
			wide = wide < 0 ? 1 : wide;
		}
		if ((size_t)wide > columns - width)
			break;
		width += (size_t)wide;
		i += step;
	}
	if (ret_width)
		*ret_width = width;
	return i;
}

void escape_shell(struct out *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789_-+=:,./@%";

	if (*text && !text[strspn(text, plain)]) {
		out_string(out, text);
		return;
	}
	out_char(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			out_string(out, "'\\''");
		else
			out_char(out, *text);
	}
	out_char(out, '\'');
}

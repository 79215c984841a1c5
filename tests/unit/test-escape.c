/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/escape.h"

#include <langinfo.h>
#include <locale.h>

#include "helpers/tap.h"

struct expectation {
	const char *name;
	const char *bytes;
	size_t length;
	const char *wanted;
	size_t columns;
};

static void check(enum escape_style style, const struct expectation *all, size_t count)
{
	struct out out;
	size_t i, columns;

	for (i = 0; i < count; i++) {
		out_init(&out, -1);
		columns = escape_append(&out, style, all[i].bytes, all[i].length);
		out_char(&out, '\0');
		is_str(out.buffer, all[i].wanted, "%s", all[i].name);
		is_int(columns, all[i].columns, "%s: columns", all[i].name);
		out_done(&out);
	}
}

/* What comes out the same in every locale. */
static const struct expectation anywhere[] = {
	{ "plain", "nginx: worker", 13, "nginx: worker", 13 },
	{ "empty", "", 0, "", 0 },
	{ "backslash stays", "a\\b", 3, "a\\b", 3 },
	{ "escape sequence", "\033[31mred", 8, "\\x1b[31mred", 11 },
	{ "new line, tab, NUL, DEL", "\n\t\0\x7f", 4, "\\x0a\\x09\\x00\\x7f", 16 },
	{ "C1 as UTF-8",
	  "\xc2\x9b"
	  "31m",
	  5,
	  "\\xc2\\x9b"
	  "31m",
	  11 },
	{ "C1 as a byte", "\x9b", 1, "\\x9b", 4 },
	{ "not UTF-8",
	  "a\xff"
	  "b",
	  3, "a\\xffb", 6 },
	{ "cut UTF-8", "\xe2\x82", 2, "\\xe2\\x82", 8 },
	{ "overlong", "\xc0\xaf", 2, "\\xc0\\xaf", 8 },
	{ "zero width space", "\xe2\x80\x8b", 3, "\\xe2\\x80\\x8b", 12 },
	{ "line separator", "\xe2\x80\xa8", 3, "\\xe2\\x80\\xa8", 12 },
	{ "right-to-left override", "\xe2\x80\xae", 3, "\\xe2\\x80\\xae", 12 },
	{ "direction isolate", "\xe2\x81\xa6", 3, "\\xe2\\x81\\xa6", 12 },
	{ "byte order mark", "\xef\xbb\xbf", 3, "\\xef\\xbb\\xbf", 12 },
	{ "soft hyphen", "\xc2\xad", 2, "\\xc2\\xad", 8 },
	{ "tag", "\xf3\xa0\x81\x81", 4, "\\xf3\\xa0\\x81\\x81", 16 },
};

static const struct expectation utf8[] = {
	{ "accent", "caf\xc3\xa9", 5, "caf\xc3\xa9", 4 },
	{ "wide", "\xe6\x97\xa5\xe6\x9c\xac", 6, "\xe6\x97\xa5\xe6\x9c\xac", 4 },
	{ "combining", "e\xcc\x81x", 4, "e\xcc\x81x", 2 },
	{ "mixed", "\xc3\xa9\033\xc3\xa9", 5, "\xc3\xa9\\x1b\xc3\xa9", 6 },
};

static const struct expectation c_locale[] = {
	{ "accent without UTF-8", "caf\xc3\xa9", 5, "caf\\xc3\\xa9", 11 },
};

static const struct expectation raw[] = {
	{ "raw: plain", "nginx", 5, "nginx", 5 },
	{ "raw: blank", "a b", 3, "a\\x20b", 6 },
	{ "raw: backslash", "a\\x20", 5, "a\\x5cx20", 8 },
	{ "raw: empty", "", 0, "\"\"", 2 },
	{ "raw: what looks like empty", "\"\"", 2, "\\x22\\x22", 8 },
	{ "raw: quotes in a word", "\"a\"", 3, "\"a\"", 3 },
	{ "raw: UTF-8", "\xc3\xa9", 2, "\\xc3\\xa9", 8 },
	{ "raw: DEL", "\x7f", 1, "\\x7f", 4 },
};

static void test_unsafe(void)
{
	static const uint32_t safe[] = {
		' ', 'a', '~', 0xa0, 0xe9, 0x300, 0x4e00, 0xfe0f, 0x1f600
	};
	static const uint32_t unsafe[] = { 0,	   0x1b,   0x7f,   0x85,    0x9f,   0xad,
					   0x200b, 0x200f, 0x2028, 0x2029,  0x202a, 0x202e,
					   0x2066, 0x2069, 0xfeff, 0xe0001, 0xe0fff };
	size_t i;

	for (i = 0; i < sizeof(safe) / sizeof(safe[0]); i++)
		ok(!escape_is_unsafe(safe[i]), "U+%04X is safe", safe[i]);
	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		ok(escape_is_unsafe(unsafe[i]), "U+%04X is not safe", unsafe[i]);
}

/* Every byte and pair of bytes: never a control character, never a byte that is not UTF-8. */
static void test_every_pair(enum escape_style style, const char *name)
{
	size_t i, j, columns, wrong = 0;
	struct out out;

	for (i = 0; i < 0x10000; i++) {
		char pair[2] = { (char)(i >> 8), (char)i };

		out_init(&out, -1);
		columns = escape_append(&out, style, pair, 2);
		for (j = 0; j < out.used; j++)
			wrong += (unsigned char)out.buffer[j] < 0x20 || out.buffer[j] == 0x7f;
		wrong += columns != escape_width(out.buffer, out.used);
		out_done(&out);
	}
	is_int(wrong, 0, "%s: every pair of bytes", name);
}

static void test_fit_ascii(void)
{
	size_t width;

	is_int(escape_fit("abcdef", 6, 4, &width), 4, "ASCII is cut at the column");
	is_int(width, 4, "and fills it");
	is_int(escape_fit("abc", 3, 10, &width), 3, "what fits is whole");
	is_int(width, 3, "and takes its own columns");
	is_int(escape_fit("abc", 3, 0, NULL), 0, "nothing fits in no column");
	is_int(escape_fit("", 0, 5, NULL), 0, "nothing is nothing");
}

static void test_fit_utf8(void)
{
	size_t width;

	is_int(escape_fit("\xe6\x97\xa5\xe6\x9c\xac", 6, 3, &width), 3,
	       "no half of a wide character");
	is_int(width, 2, "so a column is left");
	is_int(escape_fit("e\xcc\x81x", 4, 1, &width), 3, "a combining mark stays with its letter");
	is_int(width, 1, "in its column");
	is_int(escape_fit("caf\xc3\xa9", 5, 4, NULL), 5, "a character is not cut");
	is_int(escape_fit("caf\xc3\xa9", 5, 3, NULL), 3, "before it");
	is_int(escape_width("\xe6\x97\xa5"
			    "a\xcc\x81",
			    6),
	       3, "width");
}

/* What a shell reads as the text again, as one word. */
static void test_shell(void)
{
	static const char *const texts[][2] = {
		{ "/tmp/a-b_1.json", "/tmp/a-b_1.json" }, { "my file.json", "'my file.json'" },
		{ "it's; rm *", "'it'\\''s; rm *'" },	  { "~/x", "'~/x'" },
		{ "\xc3\xa4.json", "'\xc3\xa4.json'" },	  { "", "''" },
	};
	struct out out;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		out_init(&out, -1);
		escape_shell(&out, texts[i][0]);
		out_char(&out, '\0');
		is_str(out.buffer, texts[i][1], "for a shell: %s", texts[i][1]);
		out_done(&out);
	}
}

int main(void)
{
	test_shell();
	setlocale(LC_CTYPE, "C");
	check(ESCAPE_TERMINAL, anywhere, sizeof(anywhere) / sizeof(anywhere[0]));
	check(ESCAPE_RAW, raw, sizeof(raw) / sizeof(raw[0]));
	if (strcmp(nl_langinfo(CODESET), "UTF-8"))
		check(ESCAPE_TERMINAL, c_locale, 1);
	test_unsafe();
	test_every_pair(ESCAPE_TERMINAL, "C locale");
	test_every_pair(ESCAPE_RAW, "raw");
	test_fit_ascii();
	if (!setlocale(LC_CTYPE, "C.UTF-8") && !setlocale(LC_CTYPE, "en_US.UTF-8")) {
		skip(1, "there is no UTF-8 locale here");
		return done_testing();
	}
	check(ESCAPE_TERMINAL, anywhere, sizeof(anywhere) / sizeof(anywhere[0]));
	check(ESCAPE_TERMINAL, utf8, sizeof(utf8) / sizeof(utf8[0]));
	check(ESCAPE_RAW, raw, sizeof(raw) / sizeof(raw[0]));
	test_every_pair(ESCAPE_TERMINAL, "UTF-8 locale");
	test_fit_ascii();
	test_fit_utf8();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/utf8.h"

#include "helpers/tap.h"

static const struct {
	const char *name;
	const char *bytes;
	size_t length, wanted;
	uint32_t code;
} cases[] = {
	{ "NUL", "", 1, 1, 0 },
	{ "ASCII", "a", 1, 1, 'a' },
	{ "last of one byte", "\x7f", 1, 1, 0x7f },
	{ "first of two", "\xc2\x80", 2, 2, 0x80 },
	{ "last of two", "\xdf\xbf", 2, 2, 0x7ff },
	{ "first of three", "\xe0\xa0\x80", 3, 3, 0x800 },
	{ "before the surrogates", "\xed\x9f\xbf", 3, 3, 0xd7ff },
	{ "behind the surrogates", "\xee\x80\x80", 3, 3, 0xe000 },
	{ "last of three", "\xef\xbf\xbf", 3, 3, 0xffff },
	{ "first of four", "\xf0\x90\x80\x80", 4, 4, 0x10000 },
	{ "the last", "\xf4\x8f\xbf\xbf", 4, 4, 0x10ffff },
	{ "more behind it", "\xc3\xa9xyz", 5, 2, 0xe9 },
	{ "nothing", "", 0, 0, 0 },
	{ "continuation alone", "\x80", 1, 0, 0 },
	{ "overlong of two", "\xc1\xbf", 2, 0, 0 },
	{ "overlong of three", "\xe0\x9f\xbf", 3, 0, 0 },
	{ "overlong of four", "\xf0\x8f\xbf\xbf", 4, 0, 0 },
	{ "first surrogate", "\xed\xa0\x80", 3, 0, 0 },
	{ "last surrogate", "\xed\xbf\xbf", 3, 0, 0 },
	{ "above the last", "\xf4\x90\x80\x80", 4, 0, 0 },
	{ "five bytes", "\xf8\x88\x80\x80\x80", 5, 0, 0 },
	{ "0xfe", "\xfe", 1, 0, 0 },
	{ "0xff", "\xff", 1, 0, 0 },
	{ "two, cut", "\xc3", 1, 0, 0 },
	{ "three, cut", "\xe2\x82", 2, 0, 0 },
	{ "four, cut", "\xf0\x9f\x98", 3, 0, 0 },
	{ "two, broken", "\xc3(", 2, 0, 0 },
	{ "four, broken", "\xf0\x9f(\x80", 4, 0, 0 },
};

static size_t encode(uint32_t code, char bytes[4])
{
	if (code < 0x80) {
		bytes[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 63));
		return 2;
	}
	if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 63));
		bytes[2] = (char)(0x80 | (code & 63));
		return 3;
	}
	bytes[0] = (char)(0xf0 | code >> 18);
	bytes[1] = (char)(0x80 | (code >> 12 & 63));
	bytes[2] = (char)(0x80 | (code >> 6 & 63));
	bytes[3] = (char)(0x80 | (code & 63));
	return 4;
}

/* Every code point, and each cut at every byte. */
static void test_all(void)
{
	uint32_t code, decoded, wrong = 0;
	size_t length, cut, wanted;
	char bytes[4];

	for (code = 0; code <= 0x10ffff; code++) {
		length = encode(code, bytes);
		wanted = code >= 0xd800 && code <= 0xdfff ? 0 : length;
		decoded = code;
		wrong += utf8_decode(bytes, length, &decoded) != wanted || decoded != code;
		for (cut = 0; cut < length; cut++)
			wrong += utf8_decode(bytes, cut, NULL) != 0;
	}
	is_int(wrong, 0, "every code point");
}

int main(void)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t code = 0;

		is_int(utf8_decode(cases[i].bytes, cases[i].length, &code), cases[i].wanted, "%s",
		       cases[i].name);
		is_int(code, cases[i].code, "%s: code point", cases[i].name);
	}
	test_all();
	return done_testing();
}

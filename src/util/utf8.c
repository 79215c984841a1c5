/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/utf8.h"

size_t utf8_decode(const char *text, size_t length, uint32_t *ret_code)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t code;
	size_t need, i;

	if (!length)
		return 0;
	if (bytes[0] < 0x80) {
		need = 1;
		code = bytes[0];
	} else if ((bytes[0] & 0xe0) == 0xc0) {
		need = 2;
		code = bytes[0] & 0x1f;
	} else if ((bytes[0] & 0xf0) == 0xe0) {
		need = 3;
		code = bytes[0] & 0x0f;
	} else if ((bytes[0] & 0xf8) == 0xf0) {
		need = 4;
		code = bytes[0] & 0x07;
	} else {
		return 0;
	}
	if (need > length)
		return 0;
	for (i = 1; i < need; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < smallest[need] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (ret_code)
		*ret_code = code;
	return need;
}

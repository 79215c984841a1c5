/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/line-edit.h"

#include <string.h>

#include "tui/keys.h"
#include "util/escape.h"
#include "util/utf8.h"

/* UTF-8 of a character, as long as it is a harmless one. */
static size_t encode(uint32_t code, char bytes[5])
{
	size_t length;

	if (code < 0x20 || code == 0x7f || code > 0x10ffff || escape_is_unsafe(code))
		return 0;
	if (code < 0x80) {
		bytes[0] = (char)code;
		length = 1;
	} else if (code < 0x800) {
		bytes[0] = (char)(0xc0 | code >> 6);
		bytes[1] = (char)(0x80 | (code & 0x3f));
		length = 2;
	} else if (code < 0x10000) {
		bytes[0] = (char)(0xe0 | code >> 12);
		bytes[1] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[2] = (char)(0x80 | (code & 0x3f));
		length = 3;
	} else {
		bytes[0] = (char)(0xf0 | code >> 18);
		bytes[1] = (char)(0x80 | (code >> 12 & 0x3f));
		bytes[2] = (char)(0x80 | (code >> 6 & 0x3f));
		bytes[3] = (char)(0x80 | (code & 0x3f));
		length = 4;
	}
	bytes[length] = '\0';
	return utf8_decode(bytes, length, NULL) == length ? length : 0;
}

static void erase_character(char *input)
{
	size_t length = strlen(input);

	/* Back over what continues a character. */
	while (length && ((unsigned char)input[length - 1] & 0xc0) == 0x80)
		length--;
	input[length ? length - 1 : 0] = '\0';
}

enum line_edit line_edit_key(char *line, size_t size, uint32_t key)
{
	size_t length = strlen(line), more;
	char bytes[5];

	switch (key) {
	case TUI_KEY_ENTER:
	case '\r':
		return LINE_EDIT_DONE;
	case TUI_KEY_ESCAPE:
		return LINE_EDIT_LEFT;
	case TUI_KEY_ERASE:
	case '\b':
		erase_character(line);
		break;
	case 'U' & 0x1f:
		line[0] = '\0';
		break;
	default:
		more = encode(key, bytes);
		if (more && length + more < size)
			memcpy(line + length, bytes, more + 1);
	}
	return LINE_EDIT_GOES_ON;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_UTF8_H
#define UTIL_UTF8_H

#include <stddef.h>
#include <stdint.h>

/*
 * Length in bytes (1-4) of the well-formed UTF-8 sequence at text (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF), or 0 if there is none within length bytes. If ret_code is
 * not NULL it receives the code point.
 */
size_t utf8_decode(const char *text, size_t length, uint32_t *ret_code);

#endif

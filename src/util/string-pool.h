/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_STRING_POOL_H
#define UTIL_STRING_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "util/siphash.h"

/*
 * Interned strings. A string is named by a string_id, which stays valid while the pool grows (a
 * pointer does not). Equal strings have equal ids. 0 is "no string" (null, unknown).
 *
 * Everything in a pool is well-formed UTF-8: bytes that are not are stored as the four characters
 * \xHH when they enter. Control characters stay; who writes to a terminal or a file escapes them.
 * A string may hold NUL bytes (a command line does, between its arguments); it always has one more
 * behind its end.
 */
typedef uint32_t string_id;

struct string_pool {
	char *bytes;
	size_t used;
	size_t capacity;
	string_id *slots; /* open addressing; 0 = free */
	size_t n_slots; /* a power of two */
	size_t n_strings;
	struct siphash_key key; /* documents and processes choose the strings */
};

void string_pool_init(struct string_pool *pool);
void string_pool_done(struct string_pool *pool);

/* Intern length bytes. NULL gives 0. */
string_id string_pool_add_bytes(struct string_pool *pool, const char *bytes, size_t length);

/* Intern a C string. NULL gives 0. */
string_id string_pool_add(struct string_pool *pool, const char *string);

/*
 * The string of an id, NUL-terminated, valid until the next addition; NULL for 0. If ret_length is
 * not NULL it receives the length in bytes (0 for id 0).
 */
const char *string_pool_get(const struct string_pool *pool, string_id id, size_t *ret_length);

#endif

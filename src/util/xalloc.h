/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_XALLOC_H
#define UTIL_XALLOC_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Allocation that does not fail: when memory is exhausted the program ends with one sentence on
 * stderr and status 2. Input is bounded instead, so this is reached only on a host without memory.
 * The caller frees the result with free().
 */
void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *pointer, size_t count, size_t size);
void *xchecked(void *pointer); /* of a library's function that allocates: ends if it is NULL */
char *xstrdup(const char *string);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/*
 * Make room for one more element of an array that is kept as (items, count, capacity). Doubles,
 * so that adding is linear; realloc() of a large block moves page tables, not memory.
 */
#define ARRAY_RESERVE(items, count, capacity)                                                      \
	do {                                                                                       \
		if ((count) == (capacity)) {                                                       \
			(capacity) = (capacity) ? (capacity)*2 : 16;                               \
			(items) = xreallocarray((items), (capacity), sizeof(*(items)));            \
		}                                                                                  \
	} while (0)

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif

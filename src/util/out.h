/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_OUT_H
#define UTIL_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * A buffered writer to a file descriptor: what 100,000 rows go through, so adding is inline and
 * nothing is formatted by printf(3) where it matters. The first write error is kept and everything
 * after it dropped; out_flush() tells it.
 */
#define OUT_BUFFER_SIZE 65536

struct out {
	int fd; /* -1: keep everything in memory (grow) */
	int error; /* the errno of the first failed write(2), or 0 */
	size_t used;
	size_t capacity;
	char *buffer;
};

/* Write to fd, which stays the caller's; or with fd -1 collect in memory (buffer, used). */
void out_init(struct out *out, int fd);

/* Free the buffer. Does not flush. */
void out_done(struct out *out);

/* Write what is buffered. Returns 0 or -errno of the first error since out_init(). */
int out_flush(struct out *out);

/* Make room for size bytes more: flush, or grow. Not for callers but the inline functions. */
void out_make_room(struct out *out, size_t size);

/* Longer or rarer things. */
void out_bytes_slow(struct out *out, const char *bytes, size_t length);
void out_printf(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void out_unsigned(struct out *out, uint64_t value);
void out_signed(struct out *out, int64_t value);
void out_repeat(struct out *out, char c, size_t count);

static inline void out_char(struct out *out, char c)
{
	if (out->used == out->capacity)
		out_make_room(out, 1);
	out->buffer[out->used++] = c;
}

static inline void out_bytes(struct out *out, const char *bytes, size_t length)
{
	if (length > out->capacity - out->used) {
		out_bytes_slow(out, bytes, length);
		return;
	}
	memcpy(out->buffer + out->used, bytes, length);
	out->used += length;
}

static inline void out_string(struct out *out, const char *string)
{
	out_bytes(out, string, strlen(string));
}

#endif

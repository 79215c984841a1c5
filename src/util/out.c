/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/xalloc.h"

void out_init(struct out *out, int fd)
{
	*out = (struct out){ .fd = fd, .capacity = OUT_BUFFER_SIZE };
	out->buffer = xmalloc(out->capacity);
}

void out_done(struct out *out)
{
	free(out->buffer);
	out->buffer = NULL;
	out->used = 0;
}

static void write_all(struct out *out, const char *bytes, size_t length)
{
	ssize_t written;

	while (length && !out->error) {
		written = write(out->fd, bytes, length);
		if (written < 0) {
			if (errno != EINTR)
				out->error = errno;
			continue;
		}
		bytes += written;
		length -= (size_t)written;
	}
}

int out_flush(struct out *out)
{
	if (out->fd >= 0) {
		write_all(out, out->buffer, out->used);
		out->used = 0;
	}
	return -out->error;
}

void out_make_room(struct out *out, size_t size)
{
	if (out->fd >= 0)
		out_flush(out);
	while (out->capacity - out->used < size) {
		out->capacity *= 2;
		out->buffer = xreallocarray(out->buffer, out->capacity, 1);
	}
}

void out_bytes_slow(struct out *out, const char *bytes, size_t length)
{
	if (out->fd >= 0 && length >= out->capacity) {
		out_flush(out);
		write_all(out, bytes, length);
		return;
	}
	out_make_room(out, length);
	memcpy(out->buffer + out->used, bytes, length);
	out->used += length;
}

void out_printf(struct out *out, const char *format, ...)
{
	va_list arguments, again;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length >= 0) {
		if (out->capacity - out->used <= (size_t)length)
			out_make_room(out, (size_t)length + 1);
		vsnprintf(out->buffer + out->used, (size_t)length + 1, format, again);
		out->used += (size_t)length;
	}
	va_end(again);
}

void out_unsigned(struct out *out, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	out_bytes(out, digits + i, sizeof(digits) - i);
}

void out_signed(struct out *out, int64_t value)
{
	if (value < 0) {
		out_char(out, '-');
		out_unsigned(out, -(uint64_t)value);
	} else {
		out_unsigned(out, (uint64_t)value);
	}
}

void out_repeat(struct out *out, char c, size_t count)
{
	while (count--)
		out_char(out, c);
}

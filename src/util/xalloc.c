/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xchecked(void *pointer)
{
	if (pointer)
		return pointer;
	fputs("portshare: out of memory\n", stderr);
	exit(2);
}

void *xmalloc(size_t size)
{
	return xchecked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return xchecked(calloc(count ? count : 1, size ? size : 1));
}

void *xreallocarray(void *pointer, size_t count, size_t size)
{
	return xchecked(reallocarray(pointer, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *string)
{
	return xchecked(strdup(string));
}

char *xvasprintf(const char *format, va_list arguments)
{
	char *text;

	return xchecked(vasprintf(&text, format, arguments) < 0 ? NULL : text);
}

char *xasprintf(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	return text;
}

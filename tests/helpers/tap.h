/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tap.h - the Test Anything Protocol for tests in C.
 *
 *	int main(void)
 *	{
 *		ok(1 + 1 == 2, "addition of %d and %d", 1, 1);
 *		is_int(strlen("ab"), 2, "length");
 *		is_str(name, "abc", "name");
 *		return done_testing();
 *	}
 *
 * Each check prints one line and returns whether it held; a failed one tells the place, and what
 * was got and wanted, on stdout as a diagnostic. plan() is optional: done_testing() writes the
 * plan if nobody has, and returns the exit status for main(). skip_all() ends the program. One
 * translation unit a program includes this file; the state is in static variables.
 */
#ifndef PORTSHARE_TESTS_TAP_H
#define PORTSHARE_TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAP_UNUSED __attribute__((unused))
#define TAP_PRINTF(m, n) __attribute__((unused, format(printf, m, n)))

static unsigned int tap_run, tap_failed, tap_planned;
static bool tap_has_plan;

/* The rest of a line, with the bytes escaped that would end it or be read as a directive. */
static TAP_UNUSED void tap_put(const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '#' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			printf("\\x%02x", c);
		else
			putchar(c);
	}
}

static TAP_PRINTF(1, 0) void tap_vput(const char *fmt, va_list ap)
{
	char text[1024];

	vsnprintf(text, sizeof(text), fmt, ap);
	tap_put(text);
}

static TAP_PRINTF(1, 2) void diag(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("# ");
	tap_vput(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
}

static TAP_UNUSED void plan(unsigned int n)
{
	tap_planned = n;
	tap_has_plan = true;
	printf("1..%u\n", n);
	fflush(stdout);
}

static TAP_PRINTF(1, 2) void skip_all(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("1..0 # SKIP ");
	tap_vput(fmt, ap);
	putchar('\n');
	va_end(ap);
	fflush(stdout);
	exit(0);
}

/* Counts @n checks as skipped, for a reason. */
static TAP_PRINTF(2, 3) void skip(unsigned int n, const char *fmt, ...)
{
	while (n--) {
		va_list ap;

		va_start(ap, fmt);
		printf("ok %u # SKIP ", ++tap_run);
		tap_vput(fmt, ap);
		putchar('\n');
		va_end(ap);
	}
	fflush(stdout);
}

static TAP_PRINTF(4, 0) bool tap_result(bool held, const char *file, int line, const char *fmt,
					va_list ap)
{
	printf("%s %u - ", held ? "ok" : "not ok", ++tap_run);
	tap_vput(fmt, ap);
	putchar('\n');
	if (!held) {
		tap_failed++;
		diag("failed at %s:%d", file, line);
	}
	fflush(stdout);
	return held;
}

static __attribute__((unused, format(printf, 4, 5))) bool tap_ok(bool held, const char *file,
								 int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_result(held, file, line, fmt, ap);
	va_end(ap);
	return held;
}

static __attribute__((unused, format(printf, 5, 6))) bool
tap_is_int(long long got, long long want, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tap_result(got == want, file, line, fmt, ap);
	va_end(ap);
	if (got != want) {
		diag("     got: %lld", got);
		diag("expected: %lld", want);
	}
	return got == want;
}

static __attribute__((unused, format(printf, 5, 6))) bool
tap_is_str(const char *got, const char *want, const char *file, int line, const char *fmt, ...)
{
	bool held = got && want ? !strcmp(got, want) : got == want;
	va_list ap;

	va_start(ap, fmt);
	tap_result(held, file, line, fmt, ap);
	va_end(ap);
	if (!held) {
		diag("     got: %s%s%s", got ? "\"" : "", got ? got : "NULL", got ? "\"" : "");
		diag("expected: %s%s%s", want ? "\"" : "", want ? want : "NULL", want ? "\"" : "");
	}
	return held;
}

#define ok(cond, ...) tap_ok(!!(cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                                     \
	tap_is_int((long long)(got), (long long)(want), __FILE__, __LINE__, __VA_ARGS__)
#define is_str(got, want, ...) tap_is_str(got, want, __FILE__, __LINE__, __VA_ARGS__)

/* The exit status for main(): 0 when every check held and as many ran as were planned. */
static TAP_UNUSED int done_testing(void)
{
	if (!tap_has_plan)
		plan(tap_run);
	if (tap_failed)
		diag("%u of %u checks failed", tap_failed, tap_run);
	if (tap_planned != tap_run)
		diag("planned %u checks, ran %u", tap_planned, tap_run);
	return tap_failed || tap_planned != tap_run || !tap_run;
}

#endif

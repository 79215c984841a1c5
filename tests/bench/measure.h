/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stdio.h>

/* Running a command and what it took; middle and range of several runs. */

struct run {
	double cpu; /* seconds, user and system */
	double memory_mib; /* at the peak */
	long rows;
};

struct spread {
	double median;
	double lowest;
	double highest;
};

/* Say what went wrong, and end. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Seconds of the monotonic clock. */
double measure_now(void);

/* To be called once, before the first command. */
void measure_init(void);

/* Runs it to its end; a command that fails ends the program. */
void measure_run(const char *const *argv, struct run *ret_run);

/* Copies what the last command wrote to its standard error, each line behind the name. */
void measure_show_errors(FILE *to, const char *name);

/* Prints the first line of what the program says to -V. */
void measure_version(const char *program);

/* Sorts the values. */
struct spread measure_spread(double *values, int count);

#endif

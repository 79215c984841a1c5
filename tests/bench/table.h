/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/load.h"
#include "bench/measure.h"

/* What is printed of the runs: a line for each variant, and at the end the tables of all. */

#define RUNS_MAX 99
#define ARGUMENTS_MAX 12

/* One compared command line; variant 0 of a comparison is ss. */
struct variant {
	bool used;
	enum mode mode;
	enum bpf bpf;
	const char *argv[ARGUMENTS_MAX];
	struct run runs[RUNS_MAX];
};

void table_head(void);

/* The number is that of loads[]. */
void table_ss(size_t number, const struct variant *ss, int count);

/* Kept for the tables, too. ss is NULL where it took no part. */
void table_variant(size_t number, const struct variant *variant, const struct variant *ss,
		   int count);

/* The ratios against their targets. */
void table_summary(void);

/* The same kind of load in several sizes: near linear growth keeps the cost of a socket. */
void table_growth(void);

#endif

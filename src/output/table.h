/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_TABLE_H
#define OUTPUT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "output/color.h"
#include "util/out.h"

/*
 * A table for people: aligned columns, a tree of two levels, cut to the width of a terminal. Cells
 * are collected first, in one growing buffer, then written.
 */

#define TABLE_COLUMNS_MAX 40
#define TABLE_LEAST_WIDTH 6

/*
 * Up to so many lines are drawn by libsmartcols, which takes 7 µs a line; above it, lines go
 * through an own writer that takes a fraction of one. Both draw the same. At 256, the 214 lines of
 * a host with 1,000 sockets took as long as a fifth of reading them.
 */
#define TABLE_SMARTCOLS_LINES 128

struct table_column {
	const char *heading; /* static, ASCII */
	bool right; /* align to the right */
	bool tree; /* draws the branches; at most one column */
	/*
	 * Where the terminal is too narrow optional columns are left out and the column is cut to
	 * this; then columns move together, it is cut to hard_width, the last resorts are left out,
	 * and in the end it is cut to TABLE_LEAST_WIDTH. 0: is never cut.
	 */
	uint32_t min_width;
	uint32_t hard_width; /* 0: TABLE_LEAST_WIDTH */
	bool optional; /* left out where the terminal has no room for it; the last one first */
	bool last_resort; /* left out where all before did not help */
	bool has_pids; /* "name[pid]": the name is cut before the pid is */
};

struct table_options {
	uint32_t width; /* of the terminal; 0: nothing is cut */
	bool header;
	bool color;
	bool ascii;
};

struct table_cell {
	uint32_t length; /* bytes; cells lie one behind the other in table.text */
	uint32_t width : 24; /* columns of a terminal */
	uint32_t role : 8; /* enum color_role */
};

struct table {
	struct table_column columns[TABLE_COLUMNS_MAX];
	uint32_t n_columns;
	struct out text;
	struct table_cell *cells; /* line by line */
	size_t n_cells, cells_capacity;
	bool *child; /* for each line */
	uint32_t n_lines, lines_capacity;
	size_t cell_start;
};

void table_init(struct table *table);
void table_done(struct table *table);

/* All columns come before the first line. */
void table_add_column(struct table *table, struct table_column column);

/* A child is drawn as a branch of the nearest line above it that is none. */
void table_begin_line(struct table *table, bool child);

/* Where the next cell's text goes, safe for a terminal; table_end_cell() after each. */
struct out *table_begin_cell(struct table *table);
void table_end_cell(struct table *table, enum color_role role);

void table_write(const struct table *table, const struct table_options *options, struct out *out);

#endif

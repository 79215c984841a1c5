/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMN_ROW_H
#define OUTPUT_COLUMN_ROW_H

#include "output/column-writer.h"

/* What a row of the grouped view says that stands for several sockets, and no single one would. */

column_row_getter column_row_state, column_row_timer, column_row_owner;

/* " → 192.0.2.1:443": a port that nobody serves is told by where its connections go. */
column_row_getter column_write_destination;

/* The name of the (first) process of a row, or why there is none. */
column_row_getter column_write_program;

/* "1,204 ESTAB, 310 TIME-WAIT (12-48 s)" */
column_row_getter column_write_states;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/raw.h"

void raw_write(const struct snapshot *snapshot, const struct column_list *columns, bool header,
	       bool numeric, struct out *out)
{
	struct column_writer writer;
	uint32_t i, column;

	column_writer_init(&writer, snapshot, ESCAPE_RAW);
	writer.numeric = numeric;
	writer.ascii = true;
	for (column = 0; header && column < columns->count; column++) {
		out_string(out, column_info(columns->ids[column])->name);
		out_char(out, column + 1 < columns->count ? ' ' : '\n');
	}
	for (i = 0; i < snapshot->n_sockets; i++) {
		for (column = 0; column < columns->count; column++) {
			column_write(&writer, columns->ids[column], &snapshot->sockets[i], out);
			out_char(out, column + 1 < columns->count ? ' ' : '\n');
		}
	}
	column_writer_done(&writer);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/raw.h"

#include <stdlib.h>

#include "output/column-note.h"

void raw_write(const struct snapshot *snapshot, const struct list_view_options *options,
	       struct out *out)
{
	const struct column_list *columns = &options->columns;
	uint32_t *notes = column_notes_of(snapshot, options->findings);
	bool *unjudged = column_unjudged_of(snapshot, options->findings, options->all_notes);
	struct column_writer writer;
	uint32_t i, column;

	column_writer_init(&writer, snapshot, ESCAPE_RAW);
	writer.numeric = options->numeric;
	writer.ascii = true;
	writer.findings = options->findings;
	writer.notes = notes;
	writer.unjudged = unjudged;
	for (column = 0; options->header && column < columns->count; column++) {
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
	free(notes);
	free(unjudged);
}

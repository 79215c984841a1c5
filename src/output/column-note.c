/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/column-note.h"

#include "util/xalloc.h"

uint32_t *column_notes_of(const struct snapshot *snapshot, const struct finding_list *findings)
{
	uint32_t *notes, i, k;

	if (!findings)
		return NULL;
	notes = xcalloc(snapshot->n_sockets, sizeof(*notes));
	/* The list has the worst first. */
	for (i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		for (k = 0; k < finding->n_sockets && !finding->undecided; k++) {
			uint32_t socket = findings->sockets[finding->first_socket + k];

			if (!notes[socket])
				notes[socket] = i + 1;
		}
	}
	return notes;
}

static void write_note(const struct column_writer *writer, uint32_t note, struct out *out)
{
	if (!writer->notes)
		out_char(out, '?');
	else if (!note)
		out_char(out, '-');
	else
		out_string(out,
			   finding_name((enum finding_id)writer->findings->items[note - 1].id));
}

void column_get_note(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	size_t index = (size_t)(socket - writer->snapshot->sockets);

	write_note(writer, writer->notes ? writer->notes[index] : 0, out);
}

void column_row_note(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	uint32_t i, note, worst = 0;

	for (i = 0; writer->notes && i < summary->row->count; i++) {
		note = writer->notes[writer->row_sockets[summary->row->first + i]];
		if (note && (!worst || note < worst))
			worst = note;
	}
	write_note(writer, worst, out);
}

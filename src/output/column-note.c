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

/* Whether unknown flags hide a note: udp-hijackable, restart-blocked-later. */
static bool may_have_note(const struct inet_socket *socket)
{
	if (socket->owner_status == OWNER_KERNEL || !socket_is_bound(socket))
		return false;
	if (!protocol_is_stream((enum protocol)socket->protocol))
		return socket->reuse_addr == TRISTATE_UNKNOWN;
	return socket->state == STATE_LISTEN && socket->reuse_addr != TRISTATE_YES &&
	       socket->reuse_port != TRISTATE_YES &&
	       (socket->reuse_addr == TRISTATE_UNKNOWN || socket->reuse_port == TRISTATE_UNKNOWN);
}

bool *column_unjudged_of(const struct snapshot *snapshot, const struct finding_list *findings,
			 bool notes)
{
	uint32_t i, k;
	bool *unjudged;

	if (!findings)
		return NULL;
	unjudged = xcalloc(snapshot->n_sockets, sizeof(*unjudged));
	for (i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		for (k = 0; k < finding->n_sockets && finding->undecided; k++)
			unjudged[findings->sockets[finding->first_socket + k]] = true;
	}
	for (i = 0; notes && i < snapshot->n_sockets; i++)
		unjudged[i] = unjudged[i] || may_have_note(&snapshot->sockets[i]);
	return unjudged;
}

static void write_note(const struct column_writer *writer, uint32_t note, bool unjudged,
		       struct out *out)
{
	if (!writer->notes || (!note && unjudged))
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

	write_note(writer, writer->notes ? writer->notes[index] : 0,
		   writer->unjudged && writer->unjudged[index], out);
}

void column_row_note(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	uint32_t i, note, worst = 0;
	bool unjudged = false;

	for (i = 0; writer->notes && i < summary->row->count; i++) {
		uint32_t socket = writer->row_sockets[summary->row->first + i];

		note = writer->notes[socket];
		unjudged = unjudged || (writer->unjudged && writer->unjudged[socket]);
		if (note && (!worst || note < worst))
			worst = note;
	}
	write_note(writer, worst, unjudged, out);
}

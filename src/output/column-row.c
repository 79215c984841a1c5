/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/column-row.h"

#include "output/column-owner.h"
#include "output/column-socket.h"

void column_row_state(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	out_string(out, socket_state_name(summary->socket->state));
	out_char(out, ' ');
	out_string(out, column_multiply_sign(writer));
	column_write_count(out, summary->row->count);
}

static void write_time_wait_end(const struct column_writer *writer,
				const struct port_summary *summary, struct out *out)
{
	if (summary->n_expires)
		column_write_time_left(writer, summary->first_expires_ms, summary->last_expires_ms,
				       out);
	else
		out_string(out, "? s");
	if (summary->n_expires && summary->n_expires < summary->n_time_wait)
		out_string(out, ", some ?");
}

void column_write_states(struct column_writer *writer, const struct port_summary *summary,
			 struct out *out)
{
	bool any = false;
	int state;

	for (state = 0; state < N_STATES; state++) {
		if (!summary->states[state])
			continue;
		if (any)
			out_string(out, ", ");
		column_write_count(out, summary->states[state]);
		out_char(out, ' ');
		out_string(out, socket_state_name(state));
		any = true;
	}
	if (summary->n_time_wait) {
		out_string(out, " (");
		write_time_wait_end(writer, summary, out);
		out_char(out, ')');
	}
}

/* What is left of connections that were closed; if nothing is: N_STATES. */
static enum socket_state remains_of(const struct port_summary *summary)
{
	if (!summary->n_time_wait)
		return N_STATES;
	return summary->states[STATE_TIME_WAIT] ? STATE_TIME_WAIT : STATE_FIN_WAIT_2;
}

void column_write_program(struct column_writer *writer, const struct port_summary *summary,
			  struct out *out)
{
	if (summary->n_processes)
		column_write_element(writer,
				     writer->snapshot->processes[summary->processes[0]].comm, out);
	else
		out_string(out, column_owner_status(writer, summary->socket->owner_status,
						    remains_of(summary)));
}

void column_row_timer(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	enum timer_kind timer = summary->socket->timer;

	if (timer == TIMER_NONE || timer == TIMER_UNKNOWN) {
		column_get_timer(writer, summary->socket, out);
		return;
	}
	out_string(out, timer_kind_name(timer));
	if (summary->n_time_wait && summary->n_expires) {
		out_char(out, ' ');
		column_write_time_left(writer, summary->first_expires_ms, summary->last_expires_ms,
				       out);
	}
}

/* "nginx ×4 [900-903], 4 none (not accepted)" */
void column_row_owner(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	struct column_holders holders = column_holders_of_row(summary);
	bool any = false;
	int status;

	if (summary->n_time_wait == summary->row->count) {
		column_write_remains(summary->socket, out);
		write_time_wait_end(writer, summary, out);
		out_char(out, ')');
		return;
	}
	if (holders.count) {
		column_write_holders(writer, &holders, out);
		any = true;
	}
	for (status = 0; status < N_OWNER_STATUSES; status++) {
		uint32_t count = summary->owner_statuses[status];

		if (!count || (status == OWNER_OWNED && holders.count))
			continue;
		if (any)
			out_string(out, ", ");
		if (count < summary->row->count) {
			column_write_count(out, count);
			out_char(out, ' ');
		}
		out_string(out, column_owner_status(writer, status, remains_of(summary)));
		any = true;
	}
}

void column_write_destination(struct column_writer *writer, const struct port_summary *summary,
			      struct out *out)
{
	const struct inet_socket *socket = summary->socket;

	if (!summary->row->leads || summary->differs & DIFFERS_PEER ||
	    !(socket->known & SOCKET_HAS_PEER))
		return;
	out_string(out, writer->ascii ? " -> " : " → ");
	column_get_peer(writer, socket, out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/list-view.h"

#include <ctype.h>
#include <stdlib.h>

#include "model/bind-bucket.h"
#include "output/column-note.h"
#include "output/column-row.h"
#include "output/raw.h"
#include "output/table.h"

struct list_view {
	const struct snapshot *snapshot;
	const struct list_view_options *options;
	struct column_list columns; /* of the table that is written */
	struct table_options table_options;
	struct column_writer writer;
	struct out *out;
	char headings[N_COLUMNS][16];
};

/* The order in which a narrow terminal loses columns of the default: those it has elsewhere too. */
static bool is_optional(const struct list_view *view, enum column_id id)
{
	const struct column_list *list = &view->columns;

	return list->has_default && !list->named[id] && (id == COLUMN_USER || id == COLUMN_UNIT);
}

/* Where it gets tight: what is left of an IPv4 address, of "name[pid]", of a finding's id. */
static uint32_t hard_width(enum column_id id)
{
	switch (id) {
	case COLUMN_LOCAL:
		return 9;
	case COLUMN_QUEUE:
		return 10;
	case COLUMN_OWNER:
		return 15;
	case COLUMN_NOTE:
		return 22;
	default:
		return 0;
	}
}

static void add_columns(struct list_view *view, struct table *table)
{
	const struct column_list *list = &view->columns;
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		const struct column_info *info = column_info(list->ids[i]);
		bool tree = view->writer.grouped && list->ids[i] == COLUMN_PORT;
		size_t c;

		for (c = 0; info->name[c] && c < sizeof(view->headings[i]) - 1; c++)
			view->headings[i][c] = (char)toupper((unsigned char)info->name[c]);
		view->headings[i][c] = '\0';
		table_add_column(table, (struct table_column){
						.heading = view->headings[i],
						.right = info->type == COLUMN_NUMBER && !tree,
						.tree = tree,
						.min_width = info->min_width,
						.hard_width = hard_width(list->ids[i]),
						.has_pids = list->ids[i] == COLUMN_OWNER,
						.optional = is_optional(view, list->ids[i]),
						.last_resort = list->has_default &&
							       !list->named[COLUMN_QUEUE] &&
							       list->ids[i] == COLUMN_QUEUE,
					});
	}
}

static bool has_column(const struct column_list *columns, enum column_id id)
{
	uint32_t i;

	for (i = 0; i < columns->count; i++) {
		if (columns->ids[i] == id)
			return true;
	}
	return false;
}

static bool any_has_note(const struct list_view *view, const struct port_view *ports,
			 uint32_t first_row, uint32_t n_rows)
{
	uint32_t i, k;

	for (i = first_row; i < first_row + n_rows && view->writer.notes; i++)
		for (k = 0; k < ports->rows[i].count; k++)
			if (view->writer.notes[ports->sockets[ports->rows[i].first + k]])
				return true;
	return false;
}

/* A table in which nothing has a note has no column of them, unless it was asked for. */
static bool shows_notes(const struct list_view *view, const struct port_view *ports,
			uint32_t first_row, uint32_t n_rows)
{
	const struct column_list *wanted = &view->options->columns;

	return has_column(wanted, COLUMN_NOTE) &&
	       (wanted->named[COLUMN_NOTE] || any_has_note(view, ports, first_row, n_rows));
}

static void remove_column(struct column_list *columns, enum column_id id)
{
	uint32_t i, n = 0;

	for (i = 0; i < columns->count; i++)
		if (columns->ids[i] != id)
			columns->ids[n++] = columns->ids[i];
	columns->count = n;
}

/* ---- grouped ---- */

/* A row below its port's first one leaves the port to the tree. */
static void add_port_row(struct list_view *view, struct table *table,
			 const struct port_summary *summary, bool child)
{
	const struct column_list *list = &view->columns;
	uint32_t i;

	table_begin_line(table, child);
	for (i = 0; i < list->count; i++) {
		struct out *cell = table_begin_cell(table);

		if (!child || list->ids[i] != COLUMN_PORT)
			column_write_row(&view->writer, list->ids[i], summary, cell);
		table_end_cell(table, column_row_role(list->ids[i], summary));
	}
}

static void write_ports(struct list_view *view, struct port_view *ports,
			const struct port_section *section)
{
	bool tree = has_column(&view->options->columns, COLUMN_PORT);
	struct port_summary summary;
	struct table table;
	uint32_t i;

	view->columns = view->options->columns;
	if (!shows_notes(view, ports, section->first_row, section->n_rows))
		remove_column(&view->columns, COLUMN_NOTE);
	table_init(&table);
	add_columns(view, &table);
	for (i = 0; i < section->n_rows; i++) {
		const struct port_row *row = &ports->rows[section->first_row + i];

		port_view_sum(ports, row, &summary);
		add_port_row(view, &table, &summary, tree && !row->leads);
	}
	table_write(&table, &view->table_options, view->out);
	table_done(&table);
}

/* "tcp nginx → 10.0.0.5:5432" */
static void write_client_name(struct list_view *view, const struct port_summary *summary,
			      struct out *out)
{
	column_write(&view->writer, COLUMN_PROTO, summary->socket, out);
	out_char(out, ' ');
	column_write_program(&view->writer, summary, out);
	out_string(out, view->options->ascii ? " -> " : " → ");
	column_write(&view->writer, COLUMN_PEER, summary->socket, out);
}

static void add_client_row(struct list_view *view, struct table *table,
			   const struct port_summary *summary, bool note)
{
	bool rest = summary->row->kind == PORT_ROW_REST;
	struct out *cell;

	table_begin_line(table, false);
	cell = table_begin_cell(table);
	if (rest) {
		column_write_count(cell, summary->row->n_destinations);
		out_string(cell, " more destinations");
	} else {
		write_client_name(view, summary, cell);
	}
	table_end_cell(table, rest || !summary->n_processes ? COLOR_DIM : COLOR_PLAIN);

	cell = table_begin_cell(table);
	column_write_states(&view->writer, summary, cell);
	table_end_cell(table,
		       summary->n_time_wait == summary->row->count ? COLOR_TIME_WAIT : COLOR_PLAIN);

	cell = table_begin_cell(table);
	column_write_row(&view->writer, COLUMN_PID, summary, cell);
	table_end_cell(table, COLOR_PLAIN);

	cell = table_begin_cell(table);
	column_write_row(&view->writer, COLUMN_USER, summary, cell);
	table_end_cell(table, COLOR_PLAIN);

	if (note) {
		cell = table_begin_cell(table);
		column_write_row(&view->writer, COLUMN_NOTE, summary, cell);
		table_end_cell(table, column_row_role(COLUMN_NOTE, summary));
	}
}

static void write_clients(struct list_view *view, struct port_view *ports,
			  const struct port_section *section)
{
	bool note = shows_notes(view, ports, section->first_client, section->n_clients);
	struct port_summary summary;
	struct table table;
	uint32_t i;

	table_init(&table);
	table_add_column(&table, (struct table_column){ .heading = "OUTGOING", .min_width = 20 });
	table_add_column(&table, (struct table_column){ .heading = "CONNECTIONS" });
	table_add_column(&table, (struct table_column){
					 .heading = "PID", .min_width = 7, .optional = true });
	table_add_column(&table, (struct table_column){
					 .heading = "USER", .min_width = 8, .optional = true });
	if (note)
		table_add_column(&table, (struct table_column){
						 .heading = "NOTE",
						 .min_width = column_info(COLUMN_NOTE)->min_width,
						 .hard_width = hard_width(COLUMN_NOTE) });
	for (i = 0; i < section->n_clients; i++) {
		port_view_sum(ports, &ports->rows[section->first_client + i], &summary);
		add_client_row(view, &table, &summary, note);
	}
	table_write(&table, &view->table_options, view->out);
	table_done(&table);
}

static void write_section_title(struct list_view *view, const struct port_section *section)
{
	struct inet_socket any = { .netns = section->netns };

	if (view->options->color)
		out_string(view->out, color_start(COLOR_SECTION));
	out_string(view->out, "Network namespace ");
	column_write(&view->writer, COLUMN_NETNS, &any, view->out);
	if (view->options->color)
		out_string(view->out, COLOR_END);
	out_char(view->out, '\n');
}

static void write_grouped(struct list_view *view)
{
	struct port_view ports;
	uint32_t i;

	port_view_init(&ports, view->snapshot, view->options->clients_in_full);
	view->writer.row_sockets = ports.sockets;
	for (i = 0; i < ports.n_sections; i++) {
		const struct port_section *section = &ports.sections[i];

		if (i)
			out_char(view->out, '\n');
		if (view->snapshot->n_netns > 1)
			write_section_title(view, section);
		write_ports(view, &ports, section);
		if (section->n_rows && section->n_clients)
			out_char(view->out, '\n');
		write_clients(view, &ports, section);
	}
	port_view_done(&ports);
}

/* ---- a row for each socket ---- */

static void write_all(struct list_view *view)
{
	const struct column_list *list = &view->columns;
	struct bind_bucket_index index;
	struct table table;
	uint32_t i, column;

	table_init(&table);
	add_columns(view, &table);
	bind_bucket_index_init(&index, view->snapshot);
	for (i = 0; i < view->snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &view->snapshot->sockets[index.members[i]];

		table_begin_line(&table, false);
		for (column = 0; column < list->count; column++) {
			column_write(&view->writer, list->ids[column], socket,
				     table_begin_cell(&table));
			table_end_cell(&table, column_role(list->ids[column], socket));
		}
	}
	bind_bucket_index_done(&index);
	table_write(&table, &view->table_options, view->out);
	table_done(&table);
}

void list_view_write(const struct snapshot *snapshot, const struct list_view_options *options,
		     struct out *out)
{
	struct list_view view = {
		.snapshot = snapshot,
		.options = options,
		.columns = options->columns,
		.table_options = {
			.width = options->width,
			.header = options->header,
			.color = options->color,
			.ascii = options->ascii,
		},
		.out = out,
	};

	uint32_t *notes;
	bool *unjudged;

	if (options->mode == LIST_RAW) {
		raw_write(snapshot, options, out);
		return;
	}
	notes = column_notes_of(snapshot, options->findings);
	unjudged = column_unjudged_of(snapshot, options->findings, options->all_notes);
	column_writer_init(&view.writer, snapshot, ESCAPE_TERMINAL);
	view.writer.numeric = options->numeric;
	view.writer.ascii = options->ascii;
	view.writer.grouped = options->mode == LIST_GROUPED;
	view.writer.findings = options->findings;
	view.writer.notes = notes;
	view.writer.unjudged = unjudged;
	if (options->mode == LIST_GROUPED)
		write_grouped(&view);
	else
		write_all(&view);
	column_writer_done(&view.writer);
	free(notes);
	free(unjudged);
}

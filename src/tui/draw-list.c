/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The middle: names of the views, names of the columns, rows. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "output/column-row.h"
#include "output/finding-text.h"
#include "tui/bar.h"
#include "tui/view.h"
#include "util/escape.h"
#include "util/xalloc.h"

#define GAP 2
#define MARK_WIDTH 2
#define BAR_WIDTH 6
#define READABLE 24 /* to which long values are cut before columns are left out */

/* What a column is made of, beside those of a listing. */
enum {
	CELL_BAR = N_COLUMNS, /* queue of its limit */
	CELL_SEVERITY,
	CELL_FINDING,
	CELL_WHERE,
	CELL_TITLE,
};

struct cell_column {
	uint8_t id; /* enum column_id, or CELL_… */
	uint8_t least; /* to which it may be cut; 0: never */
	bool optional; /* left out rather than that another is cut; the last one first */
	bool last_resort; /* left out where all are cut and there still is no room; likewise */
};

static const struct cell_column port_columns[] = {
	{ .id = COLUMN_PORT }, /* gives way to destinations, see place_columns() */
	{ .id = COLUMN_NETNS, .least = 6 },
	{ .id = COLUMN_LOCAL, .least = 9, .last_resort = true },
	{ .id = COLUMN_STATE, .least = 10 },
	{ .id = COLUMN_REUSE, .last_resort = true },
	{ .id = COLUMN_NOTE, .least = 8 },
	{ .id = COLUMN_OWNER, .least = 12 },
	{ .id = COLUMN_QUEUE, .least = 8, .optional = true },
	{ .id = CELL_BAR, .optional = true },
	{ .id = COLUMN_USER, .optional = true },
	{ .id = COLUMN_UNIT, .optional = true },
};

static const struct cell_column socket_columns[] = {
	{ .id = COLUMN_PROTO },
	{ .id = COLUMN_PORT },
	{ .id = COLUMN_NETNS, .least = 6 },
	{ .id = COLUMN_LOCAL, .least = 9, .last_resort = true },
	{ .id = COLUMN_STATE },
	{ .id = COLUMN_REUSE, .last_resort = true },
	{ .id = COLUMN_PEER, .least = 12 },
	{ .id = COLUMN_QUEUE, .optional = true },
	{ .id = COLUMN_TIMER, .optional = true },
	{ .id = COLUMN_OWNER, .least = 12 },
	{ .id = COLUMN_USER, .optional = true },
	{ .id = COLUMN_NOTE, .least = 8, .optional = true },
};

static const struct cell_column finding_columns[] = {
	{ .id = CELL_SEVERITY },
	{ .id = CELL_WHERE },
	{ .id = COLUMN_NETNS, .least = 6 },
	{ .id = CELL_FINDING, .optional = true },
	{ .id = CELL_TITLE, .least = 20 },
};

struct table_shape {
	const struct cell_column *columns;
	uint32_t count;
};

static struct table_shape shape_of(enum view_id view)
{
	switch (view) {
	case VIEW_PORTS:
		return (struct table_shape){ port_columns, ARRAY_SIZE(port_columns) };
	case VIEW_SOCKETS:
		return (struct table_shape){ socket_columns, ARRAY_SIZE(socket_columns) };
	default:
		return (struct table_shape){ finding_columns, ARRAY_SIZE(finding_columns) };
	}
}

/* Of one namespace there is nothing to say. */
static bool is_needed(const struct view *view, uint8_t id)
{
	return id != COLUMN_NETNS || view->frame->snapshot->n_netns > 1;
}

static void write_heading(uint8_t id, struct out *out)
{
	const char *name;

	switch (id) {
	case CELL_BAR:
		name = "full";
		break;
	case CELL_SEVERITY:
		name = "severity";
		break;
	case CELL_FINDING:
		name = "finding";
		break;
	case CELL_WHERE:
		name = "port";
		break;
	case CELL_TITLE:
		name = "what";
		break;
	default:
		name = column_info((enum column_id)id)->name;
	}
	for (; *name; name++)
		out_char(out, (char)toupper((unsigned char)*name));
}

/* ---- cells ---- */

struct cells {
	struct view *view;
	struct column_writer writer;
	struct column_writer gone; /* of the sockets that have gone; only if there are any */
	struct port_summary summary; /* of the row that is written, if it is one of ports */
};

static void cells_init(struct cells *cells, struct view *view)
{
	*cells = (struct cells){ .view = view };
	column_writer_init(&cells->writer, view->frame->snapshot, ESCAPE_TERMINAL);
	cells->writer.ascii = view->ascii;
	cells->writer.passed_ms = view->passed_ms;
	cells->writer.grouped = view->id == VIEW_PORTS;
	cells->writer.findings = &view->frame->findings;
	cells->writer.notes = view->frame->notes;
	cells->writer.unjudged = view->frame->unjudged;
	cells->writer.row_sockets = view->frame->ports.sockets;
	if (!view->frame->history.gone)
		return;
	column_writer_init(&cells->gone, view->frame->history.gone, ESCAPE_TERMINAL);
	cells->gone.ascii = view->ascii;
	cells->gone.grouped = view->id == VIEW_PORTS;
}

static void cells_done(struct cells *cells)
{
	column_writer_done(&cells->writer);
	if (cells->view->frame->history.gone)
		column_writer_done(&cells->gone);
}

static void write_bar(const struct cells *cells, const struct inet_socket *socket, struct out *out)
{
	bool listens = socket->state == STATE_LISTEN;
	uint32_t most = socket->queue_limit;

	if (!(socket->known & SOCKET_HAS_QUEUE) || !(socket->known & SOCKET_HAS_LIMIT) ||
	    (!listens && protocol_is_stream((enum protocol)socket->protocol)))
		return;
	bar_append(out, BAR_WIDTH, socket->queue_recv, most ? most : 1, cells->view->ascii);
}

static void write_safe(const char *text, struct out *out)
{
	escape_append(out, ESCAPE_TERMINAL, text, strlen(text));
}

static void write_netns(struct cells *cells, uint32_t index, struct out *out)
{
	const struct inet_socket any = { .netns = index };

	column_write(&cells->writer, COLUMN_NETNS, &any, out);
}

static void write_port(uint8_t protocol, uint16_t port, struct out *out)
{
	if (port)
		out_printf(out, "%s:%u", protocol_name((enum protocol)protocol), port);
	else
		out_char(out, '-');
}

static uint8_t write_finding_cell(struct cells *cells, const struct finding *finding, uint8_t id,
				  struct out *out)
{
	switch (id) {
	case CELL_SEVERITY:
		write_safe(finding->undecided ? "cannot tell" :
						severity_name((enum severity)finding->severity),
			   out);
		return (uint8_t)finding_text_role(finding);
	case CELL_FINDING:
		write_safe(finding_name((enum finding_id)finding->id), out);
		return 0;
	case CELL_WHERE:
		write_port(finding->protocol, finding->port, out);
		return 0;
	case COLUMN_NETNS:
		write_netns(cells, finding->netns, out);
		return 0;
	default:
		write_safe(finding->title, out);
		return 0;
	}
}

/* Its namespace may have gone with it. */
static void write_gone_netns(struct cells *cells, uint64_t id, struct out *out)
{
	const struct snapshot *snapshot = cells->view->frame->snapshot;
	uint32_t i;

	for (i = 0; i < snapshot->n_netns; i++) {
		if (snapshot->netns[i].id != id)
			continue;
		write_netns(cells, i, out);
		return;
	}
	out_unsigned(out, id);
}

static uint8_t write_gone_cell(struct cells *cells, const struct port_history *port, uint8_t id,
			       struct out *out)
{
	if (id == COLUMN_PORT)
		write_port(port->protocol, port->port, out);
	else if (id == COLUMN_STATE)
		out_string(out, "gone");
	else if (id == COLUMN_OWNER)
		write_safe(port->who ? port->who : "-", out);
	else if (id == COLUMN_NETNS)
		write_gone_netns(cells, port->netns, out);
	else
		out_char(out, '-');
	return COLOR_DIM;
}

/* What it was; nothing that moved. */
static uint8_t write_gone_socket_cell(struct cells *cells, const struct row *row, uint8_t id,
				      struct out *out)
{
	const struct snapshot *gone = cells->view->frame->history.gone;
	const struct inet_socket *socket = &gone->sockets[row->index];

	if (id == COLUMN_STATE && row->n_folded) {
		column_write_count(out, row->n_folded + 1);
		out_string(out, " gone");
	} else if (id == COLUMN_STATE) {
		out_string(out, "gone");
	} else if (id == COLUMN_QUEUE || id == COLUMN_TIMER || id == COLUMN_NOTE ||
		   (id == COLUMN_PEER && row->n_folded)) {
		out_char(out, '-');
	} else if (id == COLUMN_OWNER && socket_is_time_wait(socket)) {
		out_printf(out, "none (%s)", socket_state_name((enum socket_state)socket->state));
	} else if (id != CELL_BAR) {
		column_write(&cells->gone, (enum column_id)id, socket, out);
	}
	return COLOR_DIM;
}

static uint8_t write_gone_finding_cell(struct cells *cells, const struct finding_history *finding,
				       uint8_t id, struct out *out)
{
	if (id == CELL_SEVERITY)
		out_string(out, "gone");
	else if (id == CELL_FINDING)
		write_safe(finding_name((enum finding_id)finding->id), out);
	else if (id == CELL_WHERE)
		write_port(finding->protocol, finding->port, out);
	else if (id == COLUMN_NETNS)
		write_gone_netns(cells, finding->netns, out);
	else
		write_safe(finding->title, out);
	return COLOR_DIM;
}

/* Where outgoing connections go, in the place of the port. */
static uint8_t write_client_cell(struct cells *cells, uint8_t id, struct out *out)
{
	if (id == COLUMN_PORT && cells->summary.row->kind == PORT_ROW_REST) {
		out_string(out, "others");
	} else if (id == COLUMN_PORT) {
		out_string(out, cells->view->ascii ? "-> " : "→ ");
		column_write(&cells->writer, COLUMN_PEER, cells->summary.socket, out);
	} else if (id == COLUMN_STATE) {
		column_write_count(out, cells->summary.row->count);
		out_string(out, " outgoing");
	} else if (id == CELL_BAR) {
		return 0;
	} else {
		column_write_row(&cells->writer, (enum column_id)id, &cells->summary, out);
	}
	return id == COLUMN_OWNER ? 0 : COLOR_DIM;
}

static void begin_row(struct cells *cells, const struct row *row)
{
	if (row->kind == ROW_PORT || row->kind == ROW_PART || row->kind == ROW_CLIENT)
		port_view_sum(&cells->view->frame->ports,
			      &cells->view->frame->ports.rows[row->index], &cells->summary);
}

/* The value of a column, safe. Returns its style. */
static uint8_t write_cell(struct cells *cells, const struct row *row, uint8_t id, struct out *out)
{
	const struct frame *frame = cells->view->frame;
	const struct inet_socket *socket;

	switch ((enum row_kind)row->kind) {
	case ROW_FINDING:
		return write_finding_cell(cells, &frame->findings.items[row->index], id, out);
	case ROW_GONE:
		return write_gone_cell(cells, &frame->history.ports[row->index], id, out);
	case ROW_GONE_SOCKET:
		return write_gone_socket_cell(cells, row, id, out);
	case ROW_GONE_FINDING:
		return write_gone_finding_cell(cells, &frame->history.findings[row->index], id,
					       out);
	case ROW_CLIENT:
		return write_client_cell(cells, id, out);
	case ROW_SOCKET:
		socket = &frame->snapshot->sockets[row->index];
		if (id == CELL_BAR) {
			write_bar(cells, socket, out);
			return COLOR_REUSE;
		}
		column_write(&cells->writer, (enum column_id)id, socket, out);
		return (uint8_t)column_role((enum column_id)id, socket);
	default:
		if (id == CELL_BAR) {
			write_bar(cells, cells->summary.socket, out);
			return COLOR_REUSE;
		}
		if (id == COLUMN_NOTE && row->note) {
			const struct finding *finding = &frame->findings.items[row->note - 1];

			write_safe(finding_name((enum finding_id)finding->id), out);
			return (uint8_t)finding_text_role(finding);
		}
		if (id == COLUMN_STATE && row->n_folded) {
			column_write_row(&cells->writer, COLUMN_STATE, &cells->summary, out);
			out_printf(out, " +%u", row->n_folded);
			return (uint8_t)column_row_role(COLUMN_STATE, &cells->summary);
		}
		/* Below its port a row says where it goes, if it goes anywhere. */
		if (row->kind == ROW_PART && id == COLUMN_PORT)
			return 0;
		column_write_row(&cells->writer, (enum column_id)id, &cells->summary, out);
		return (uint8_t)column_row_role((enum column_id)id, &cells->summary);
	}
}

static void write_row(struct cells *cells, const struct table_shape *shape, const struct row *row,
		      struct out *out)
{
	uint32_t i;

	begin_row(cells, row);
	for (i = 0; i < shape->count; i++) {
		if (!is_needed(cells->view, shape->columns[i].id))
			continue;
		write_cell(cells, row, shape->columns[i].id, out);
		out_char(out, ' ');
	}
}

bool view_find_text(struct view *view, const char *text, uint32_t *ret_row)
{
	struct table_shape shape = shape_of(view->id);
	struct cells cells;
	struct out out;
	bool found = false;
	uint32_t i;

	/* There may be a hundred thousand. */
	cells_init(&cells, view);
	out_init(&out, -1);
	for (i = 1; i <= view->rows.count && !found; i++) {
		uint32_t row = (view->cursor + i) % view->rows.count;

		out.used = 0;
		write_row(&cells, &shape, &view->rows.rows[row], &out);
		out_char(&out, '\0');
		found = strcasestr(out.buffer, text) != NULL;
		if (found)
			*ret_row = row;
	}
	cells_done(&cells);
	out_done(&out);
	return found;
}

/* ---- widths ---- */

struct column_place {
	uint32_t width; /* 0: left out */
	uint32_t column;
};

/* Up to which column a destination may reach: its own address, if that is the next, gives way. */
static uint32_t reaches_on(const struct table_shape *shape, const uint32_t *widths, uint32_t i)
{
	uint32_t next = i + 1;

	while (next < shape->count && !widths[next])
		next++;
	return next < shape->count && shape->columns[next].id == COLUMN_LOCAL ? next : i;
}

static uint32_t total_width(const struct table_shape *shape, const struct column_place *places)
{
	uint32_t i, total = 0;

	for (i = 0; i < shape->count; i++)
		total += places[i].width ? places[i].width + GAP : 0;
	return total ? total - GAP : 0;
}

/* How far a column can be cut. That of ports to what no port is cut by, be destinations wider. */
static uint32_t least_width(const struct table_shape *shape, const uint32_t *widths,
			    const struct column_place *places, uint32_t i)
{
	uint32_t least = shape->columns[i].least;

	if (shape->columns[i].id == COLUMN_PORT)
		least = widths[i];
	return !least || least > places[i].width ? places[i].width : least;
}

/* What is too much if all are as narrow as they can be. */
static bool is_too_wide(const struct table_shape *shape, const uint32_t *widths,
			const struct column_place *places, uint32_t room)
{
	uint32_t i, total = 0;

	for (i = 0; i < shape->count; i++)
		total += places[i].width ? least_width(shape, widths, places, i) + GAP : 0;
	return total > room + GAP;
}

/* The widest first, down to the next. */
static void cut_columns(const struct table_shape *shape, const uint32_t *widths, uint32_t room,
			struct column_place *places)
{
	while (total_width(shape, places) > room) {
		uint32_t i, widest = shape->count;

		for (i = 0; i < shape->count; i++)
			if (places[i].width > least_width(shape, widths, places, i) &&
			    (widest == shape->count || places[i].width >= places[widest].width))
				widest = i;
		if (widest == shape->count)
			return;
		places[widest].width--;
	}
}

/*
 * Cut long values to what can be read, then leave columns out, then cut to the least; what there is
 * room for in the end is given back. destination is the widest one of outgoing connections, which
 * stand in the column of ports, and reach into the next where that is their own address.
 */
static void place_columns(const struct table_shape *shape, const uint32_t *widths,
			  uint32_t destination, uint32_t room, struct column_place *places)
{
	uint32_t i, at = MARK_WIDTH, total, wanted[N_COLUMNS];

	for (i = 0; i < shape->count; i++) {
		wanted[i] = widths[i];
		if (shape->columns[i].id == COLUMN_PORT && destination > widths[i])
			wanted[i] = destination;
		places[i].width = widths[i];
		if (shape->columns[i].id == COLUMN_PORT && reaches_on(shape, widths, i) == i)
			places[i].width = wanted[i];
		if (shape->columns[i].least && places[i].width > READABLE)
			places[i].width = READABLE;
	}
	room -= MARK_WIDTH;
	for (i = shape->count; i-- > 0 && total_width(shape, places) > room;)
		if (shape->columns[i].optional)
			places[i].width = 0;
	for (i = shape->count; i-- > 0 && is_too_wide(shape, widths, places, room);)
		if (shape->columns[i].last_resort)
			places[i].width = 0;
	cut_columns(shape, widths, room, places);
	/* What leaving out has gained goes to those that were cut. */
	total = total_width(shape, places);
	for (i = 0; i < shape->count && total < room; i++) {
		uint32_t more = wanted[i] - places[i].width;

		if (!places[i].width || !more)
			continue;
		if (more > room - total)
			more = room - total;
		places[i].width += more;
		total += more;
	}
	for (i = 0; i < shape->count; i++) {
		places[i].column = at;
		at += places[i].width ? places[i].width + GAP : 0;
	}
}

/* ---- drawing ---- */

static const char *fold_sign(const struct view *view, const struct row *row)
{
	if (!row->foldable)
		return " ";
	if (row->open)
		return view->ascii ? "v" : "▾";
	return view->ascii ? ">" : "▸";
}

static char mark_of(const struct view *view, const struct row *row)
{
	const struct port_history *port;
	struct bind_bucket bucket;
	const struct inet_socket *socket;
	const uint32_t *sockets;
	uint32_t count;

	if (row->kind == ROW_GONE || row->kind == ROW_GONE_SOCKET || row->kind == ROW_GONE_FINDING)
		return '-';
	if (row->is_new)
		return '+';
	if (row->kind != ROW_PORT)
		return ' ';
	sockets = row_sockets(view->frame, row, &count);
	socket = &view->frame->snapshot->sockets[sockets[0]];
	bucket = (struct bind_bucket){
		.netns = socket->netns,
		.port = socket->local_port,
		.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
	};
	port = history_find(&view->frame->history, view->frame->snapshot, &bucket);
	return port && port->changed ? '!' : ' ';
}

static void draw_tabs(const struct view *view, struct screen *screen, uint32_t row)
{
	static const char *const names[N_VIEWS] = { " Ports ", " Sockets ", " Findings " };
	uint32_t column = 0, i;

	for (i = 0; i < N_VIEWS; i++)
		column += screen_text(
			screen, row, column, UINT32_MAX,
			(uint8_t)(i == (uint32_t)view->id ? SCREEN_REVERSE : COLOR_DIM), names[i]);
	column += 2;
	column += screen_printf(screen, row, column, UINT32_MAX, COLOR_DIM, "%u row%s, by %s%s",
				view->rows.count, view->rows.count == 1 ? "" : "s",
				view->id == VIEW_FINDINGS ? "severity" :
							    sort_name(view->sorts[view->id]),
				view->reverse[view->id] ? ", reversed" : "");
	if (view->base_text && *view->base_text)
		column += 2 + screen_printf(screen, row, column + 2, UINT32_MAX, COLOR_DIM,
					    "only: %s", view->base_text);
	/* What Esc takes back, and what is taken back first. */
	if (view->search)
		column += 2 + screen_printf(screen, row, column + 2, UINT32_MAX, COLOR_TIME_WAIT,
					    "search: %s", view->search);
	if (view->only_tcp || view->only_udp || view->only_listening || *view->words.text)
		screen_printf(screen, row, column + 2, UINT32_MAX, COLOR_TIME_WAIT,
			      "filter: %s%s%s%s", view->only_tcp ? "tcp " : "",
			      view->only_udp ? "udp " : "",
			      view->only_listening ? "listening " : "", view->words.text);
}

static void scroll(struct view *view)
{
	if (view->cursor < view->top)
		view->top = view->cursor;
	if (view->page && view->cursor >= view->top + view->page)
		view->top = view->cursor - view->page + 1;
	if (view->top + view->page > view->rows.count)
		view->top = view->rows.count > view->page ? view->rows.count - view->page : 0;
}

/* A cell that has been written: where in the text of all of them. */
struct cell_text {
	size_t start, length;
	uint8_t style;
};

/* ":443" of an address and port, which says more than what stands before it. */
static size_t tail_of(uint8_t id, const char *text, size_t length)
{
	size_t digits = 0;

	if (id != COLUMN_PORT && id != COLUMN_PEER)
		return 0;
	while (digits < length && isdigit((unsigned char)text[length - 1 - digits]))
		digits++;
	return digits && digits < length && text[length - 1 - digits] == ':' ? digits + 1 : 0;
}

/* That a value is cut is seen. */
static void draw_cell(const struct view *view, struct screen *screen, uint32_t at, uint32_t column,
		      uint32_t width, uint8_t id, const struct cell_text *cell, const char *text)
{
	const char *ellipsis = view->ascii ? "..." : "…";
	uint32_t sign = view->ascii ? 3 : 1;
	size_t tail = tail_of(id, text, cell->length);

	if (escape_width(text, cell->length) <= width || width <= sign + tail) {
		screen_put(screen, at, column, width, cell->style, text, cell->length);
		return;
	}
	column += screen_put(screen, at, column, width - sign - (uint32_t)tail, cell->style, text,
			     cell->length);
	column += screen_text(screen, at, column, sign, cell->style, ellipsis);
	screen_put(screen, at, column, (uint32_t)tail, cell->style, text + cell->length - tail,
		   tail);
}

static void draw_row(const struct view *view, struct screen *screen, uint32_t at,
		     const struct row *row, const struct table_shape *shape,
		     const struct column_place *places, const struct cell_text *cells,
		     const char *text)
{
	char mark[2] = { mark_of(view, row), '\0' };
	uint32_t i, last = 0;

	screen_text(screen, at, 0, 1, *mark == '+' ? COLOR_LISTEN : COLOR_ALARM, mark);
	for (i = 0; i < shape->count; i++) {
		uint32_t column = places[i].column, width = places[i].width, indent = 0;

		if (!i) {
			indent = row->depth * 2U;
			if (row->depth || view->id == VIEW_PORTS) {
				screen_text(screen, at, column + indent, width, COLOR_DIM,
					    fold_sign(view, row));
				indent += 2;
			}
		}
		if (row->kind == ROW_CLIENT && shape->columns[i].id == COLUMN_PORT &&
		    escape_width(text + cells[i].start, cells[i].length) + indent > width) {
			last = reaches_on(shape, view->widths[view->id], i);
			if (places[last].width)
				width = places[last].column + places[last].width - column;
		} else if (i && i == last) {
			continue;
		}
		if (width > indent)
			draw_cell(view, screen, at, column + indent, width - indent,
				  shape->columns[i].id, &cells[i], text + cells[i].start);
	}
	if (view->rows.rows + view->cursor == row)
		screen_mark_row(screen, at, SCREEN_REVERSE);
}

/* The first n rows that are seen, one cell after the other. */
static void write_rows(struct view *view, const struct table_shape *shape, uint32_t n,
		       struct cell_text *written, struct out *text)
{
	uint32_t *widths = view->widths[view->id], i, k;
	struct cells cells;

	cells_init(&cells, view);
	for (i = 0; i < n; i++) {
		const struct row *row = &view->rows.rows[view->top + i];

		begin_row(&cells, row);
		for (k = 0; k < shape->count; k++) {
			struct cell_text *cell = &written[(size_t)i * shape->count + k];
			uint32_t width;

			if (!is_needed(view, shape->columns[k].id))
				continue;
			cell->start = text->used;
			cell->style = write_cell(&cells, row, shape->columns[k].id, text);
			cell->length = text->used - cell->start;
			width = (uint32_t)escape_width(text->buffer + cell->start, cell->length);
			if (!k && (row->depth || view->id == VIEW_PORTS))
				width += row->depth * 2U + 2;
			if (row->kind == ROW_CLIENT && !k)
				view->destination_width = width > view->destination_width ?
								  width :
								  view->destination_width;
			else if (width > widths[k])
				widths[k] = width;
		}
	}
	cells_done(&cells);
}

static void write_headings(struct view *view, const struct table_shape *shape,
			   struct cell_text *written, struct out *text)
{
	uint32_t *widths = view->widths[view->id], k;

	for (k = 0; k < shape->count; k++) {
		if (!is_needed(view, shape->columns[k].id)) {
			widths[k] = 0;
			continue;
		}
		written[k].start = text->used;
		write_heading(shape->columns[k].id, text);
		written[k].length = text->used - written[k].start;
		if (written[k].length > widths[k])
			widths[k] = (uint32_t)written[k].length;
	}
}

/* All that is seen is written first, for the widths. */
static void draw_rows(struct view *view, struct screen *screen, uint32_t at)
{
	struct table_shape shape = shape_of(view->id);
	struct cell_text headings[N_COLUMNS] = { { .start = 0 } }, *cells;
	struct column_place places[N_COLUMNS];
	uint32_t i, n = view->page;
	struct out text;

	if (n > view->rows.count - view->top)
		n = view->rows.count - view->top;
	cells = xcalloc((size_t)n * shape.count, sizeof(*cells));
	out_init(&text, -1);
	write_rows(view, &shape, n, cells, &text);
	write_headings(view, &shape, headings, &text);
	place_columns(&shape, view->widths[view->id],
		      view->id == VIEW_PORTS ? view->destination_width : 0, screen->columns,
		      places);
	for (i = 0; i < shape.count; i++)
		screen_put(screen, at, places[i].column, places[i].width, COLOR_HEADING,
			   text.buffer + headings[i].start, headings[i].length);
	for (i = 0; i < n; i++)
		draw_row(view, screen, at + 1 + i, &view->rows.rows[view->top + i], &shape, places,
			 cells + (size_t)i * shape.count, text.buffer);
	free(cells);
	out_done(&text);
}

static const char *nothing_words(const struct view *view)
{
	uint32_t flags, holders;

	if (view->id != VIEW_FINDINGS)
		return "Nothing here.";
	return snapshot_sees_all(view->frame->snapshot, &flags, &holders) ?
		       "Nothing found." :
		       "Nothing found in what could be seen.";
}

void view_draw_list(struct view *view, struct screen *screen, uint32_t row, uint32_t rows)
{
	view->page = rows - 2;
	view->list_row = row + 2;
	draw_tabs(view, screen, row);
	if (!view->frame)
		return;
	scroll(view);
	draw_rows(view, screen, row + 1);
	if (!view->rows.count)
		screen_text(screen, row + 2, MARK_WIDTH, UINT32_MAX, COLOR_DIM,
			    nothing_words(view));
}

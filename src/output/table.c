/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/table.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "util/escape.h"
#include "util/xalloc.h"

#define GAP "  "
#define GAP_WIDTH 2
#define GAP_WIDTH_NARROW 1
#define BRANCH_WIDTH 2
#define CELL_WIDTH_MAX ((1U << 24) - 1)

struct symbols {
	const char *branch, *last, *vertical, *ellipsis;
	uint32_t ellipsis_width;
};

static const struct symbols utf8_symbols = { "├─", "└─", "│ ", "…", 1 };
static const struct symbols ascii_symbols = { "|-", "`-", "| ", "...", 3 };

/* What a table looks like once it is known how wide everything is. */
struct layout {
	const struct symbols *symbols;
	uint32_t natural[TABLE_COLUMNS_MAX], widths[TABLE_COLUMNS_MAX];
	uint32_t gap;
	bool hidden[TABLE_COLUMNS_MAX];
	uint32_t last; /* the last column that is shown */
};

void table_init(struct table *table)
{
	*table = (struct table){ 0 };
	out_init(&table->text, -1);
}

void table_done(struct table *table)
{
	out_done(&table->text);
	free(table->cells);
	free(table->child);
	*table = (struct table){ 0 };
}

void table_add_column(struct table *table, struct table_column column)
{
	if (table->n_columns < TABLE_COLUMNS_MAX)
		table->columns[table->n_columns++] = column;
}

void table_begin_line(struct table *table, bool child)
{
	ARRAY_RESERVE(table->child, table->n_lines, table->lines_capacity);
	table->child[table->n_lines++] = child;
}

struct out *table_begin_cell(struct table *table)
{
	table->cell_start = table->text.used;
	return &table->text;
}

static bool is_ascii(const char *text, size_t length)
{
	unsigned char all = 0;
	size_t i;

	for (i = 0; i < length; i++)
		all |= (unsigned char)text[i];
	return all < 0x80;
}

void table_end_cell(struct table *table, enum color_role role)
{
	const char *text = table->text.buffer + table->cell_start;
	size_t length = table->text.used - table->cell_start;
	size_t width = is_ascii(text, length) ? length : escape_width(text, length);

	ARRAY_RESERVE(table->cells, table->n_cells, table->cells_capacity);
	table->cells[table->n_cells++] = (struct table_cell){
		.length = (uint32_t)length,
		.width = width > CELL_WIDTH_MAX ? CELL_WIDTH_MAX : (uint32_t)width,
		.role = role,
	};
}

/* ---- layout ---- */

static uint32_t natural_width(const struct table *table, uint32_t column,
			      const struct table_options *options)
{
	const struct table_column *info = &table->columns[column];
	uint32_t line, widest = 0;

	if (options->header)
		widest = (uint32_t)strlen(info->heading);
	for (line = 0; line < table->n_lines; line++) {
		uint32_t width = table->cells[(size_t)line * table->n_columns + column].width;

		if (info->tree && table->child[line])
			width += BRANCH_WIDTH;
		if (width > widest)
			widest = width;
	}
	return widest;
}

/* How much a column may be cut. */
enum cut {
	CUT_CHOICE, /* to its min_width */
	CUT_HARD,
	CUT_WORST,
};

static uint32_t least_width(const struct table *table, const struct layout *layout, uint32_t column,
			    enum cut cut)
{
	uint32_t least = table->columns[column].min_width;
	uint32_t hard = table->columns[column].hard_width;

	if (cut != CUT_CHOICE && least > TABLE_LEAST_WIDTH)
		least = cut == CUT_HARD && hard ? hard : TABLE_LEAST_WIDTH;
	return !least || least > layout->widths[column] ? layout->widths[column] : least;
}

static uint64_t total_width(const struct table *table, const struct layout *layout, bool least)
{
	uint64_t total = 0;
	uint32_t column;

	for (column = 0; column < table->n_columns; column++) {
		if (!layout->hidden[column])
			total += layout->gap +
				 (least ? least_width(table, layout, column, CUT_CHOICE) :
					  layout->widths[column]);
	}
	return total ? total - layout->gap : 0;
}

static bool hide_one(const struct table *table, struct layout *layout)
{
	uint32_t column;

	for (column = table->n_columns; column-- > 0;) {
		if (table->columns[column].optional && !layout->hidden[column]) {
			layout->hidden[column] = true;
			return true;
		}
	}
	return false;
}

static void hide_last_resorts(const struct table *table, struct layout *layout)
{
	uint32_t column;

	for (column = 0; column < table->n_columns; column++)
		layout->hidden[column] = layout->hidden[column] ||
					 table->columns[column].last_resort;
}

/* The widest column that may still be cut, and the width of the next; n_columns if none. */
static uint32_t widest_column(const struct table *table, const struct layout *layout, enum cut cut,
			      uint32_t *ret_next_width)
{
	uint32_t column, widest = table->n_columns, next = 0;

	for (column = 0; column < table->n_columns; column++) {
		uint32_t width = layout->widths[column];

		if (layout->hidden[column] || least_width(table, layout, column, cut) == width)
			continue;
		if (widest == table->n_columns || width > layout->widths[widest]) {
			next = widest == table->n_columns ? 0 : layout->widths[widest];
			widest = column;
		} else if (width > next) {
			next = width;
		}
	}
	*ret_next_width = next;
	return widest;
}

/* Take excess columns away from the widest that may be cut, down to the next widest, and so on. */
static void shrink(const struct table *table, struct layout *layout, uint64_t width, enum cut cut)
{
	uint64_t total;

	while ((total = total_width(table, layout, false)) > width) {
		uint32_t next, by, room, widest = widest_column(table, layout, cut, &next);

		if (widest == table->n_columns)
			return;
		room = layout->widths[widest] - least_width(table, layout, widest, cut);
		by = layout->widths[widest] > next ? layout->widths[widest] - next : 1;
		if (by > room)
			by = room;
		if (by > total - width)
			by = (uint32_t)(total - width);
		layout->widths[widest] -= by;
	}
}

/* Cut the columns, from their natural widths, no further than this. Returns whether they fit. */
static bool fit(const struct table *table, struct layout *layout, uint64_t width, enum cut most)
{
	int cut;

	memcpy(layout->widths, layout->natural, sizeof(layout->widths));
	for (cut = CUT_CHOICE; cut <= (int)most; cut++)
		shrink(table, layout, width, (enum cut)cut);
	return total_width(table, layout, false) <= width;
}

static void fit_somehow(const struct table *table, struct layout *layout, uint64_t width)
{
	if (fit(table, layout, width, CUT_CHOICE))
		return;
	layout->gap = GAP_WIDTH_NARROW;
	if (fit(table, layout, width, CUT_CHOICE) || fit(table, layout, width, CUT_HARD))
		return;
	hide_last_resorts(table, layout);
	fit(table, layout, width, CUT_WORST);
}

static void lay_out(const struct table *table, const struct table_options *options,
		    struct layout *layout)
{
	uint32_t column;

	*layout = (struct layout){
		.symbols = options->ascii ? &ascii_symbols : &utf8_symbols,
		.gap = GAP_WIDTH,
	};
	for (column = 0; column < table->n_columns; column++)
		layout->natural[column] = natural_width(table, column, options);
	memcpy(layout->widths, layout->natural, sizeof(layout->widths));
	if (options->width) {
		while (total_width(table, layout, true) > options->width && hide_one(table, layout))
			;
		fit_somehow(table, layout, options->width);
	}
	for (column = 0; column < table->n_columns; column++) {
		if (!layout->hidden[column])
			layout->last = column;
	}
}

/* ---- both ways to draw ---- */

static uint32_t room_of(const struct table *table, const struct layout *layout, uint32_t line,
			uint32_t column)
{
	uint32_t room = layout->widths[column];

	if (!table->columns[column].tree || !table->child[line])
		return room;
	return room > BRANCH_WIDTH ? room - BRANCH_WIDTH : 0;
}

/*
 * Where a cut would go through the first "name[pid]": as "na…[pid]". Returns the columns that it
 * takes; 0, with nothing written, if it would not, or if there is no room for that either.
 */
static uint32_t write_pid_cut(const struct symbols *symbols, const char *text,
			      const struct table_cell *cell, uint32_t room, struct out *out)
{
	const char *open = memchr(text, '[', cell->length), *close;
	size_t name_width, pid_width, fits;

	close = open ? memchr(open, ']', cell->length - (size_t)(open - text)) : NULL;
	if (!close)
		return 0;
	name_width = escape_width(text, (size_t)(open - text));
	pid_width = escape_width(open, (size_t)(close + 1 - open)) + symbols->ellipsis_width;
	if (name_width + pid_width <= room || pid_width >= room)
		return 0;
	fits = escape_fit(text, (size_t)(open - text), room - pid_width, &name_width);
	out_bytes(out, text, fits);
	out_string(out, symbols->ellipsis);
	out_bytes(out, open, (size_t)(close + 1 - open));
	return (uint32_t)(name_width + pid_width);
}

/* The text of a cell, cut to its room. Returns the columns that it takes. */
static uint32_t write_cut(const struct layout *layout, const struct table_column *info,
			  const char *text, const struct table_cell *cell, uint32_t room,
			  struct out *out)
{
	const struct symbols *symbols = layout->symbols;
	bool mark = room > symbols->ellipsis_width;
	size_t fits, width;

	if (cell->width <= room) {
		out_bytes(out, text, cell->length);
		return cell->width;
	}
	width = info->has_pids ? write_pid_cut(symbols, text, cell, room, out) : 0;
	if (width)
		return (uint32_t)width;
	fits = escape_fit(text, cell->length, mark ? room - symbols->ellipsis_width : room, &width);
	out_bytes(out, text, fits);
	if (mark) {
		out_string(out, symbols->ellipsis);
		width += symbols->ellipsis_width;
	}
	return (uint32_t)width;
}

static const char *branch_of(const struct table *table, const struct layout *layout, uint32_t line)
{
	if (line + 1 < table->n_lines && table->child[line + 1])
		return layout->symbols->branch;
	return layout->symbols->last;
}

/* ---- drawn by ourselves ---- */

static void write_heading(const struct table *table, const struct layout *layout,
			  const struct table_options *options, struct out *out)
{
	uint32_t column;

	for (column = 0; column < table->n_columns; column++) {
		const struct table_column *info = &table->columns[column];
		size_t length = strlen(info->heading);
		size_t pad = layout->widths[column] > length ? layout->widths[column] - length : 0;

		if (layout->hidden[column])
			continue;
		if (info->right)
			out_repeat(out, ' ', pad);
		if (options->color)
			out_string(out, color_start(COLOR_HEADING));
		out_bytes(out, info->heading, length);
		if (options->color)
			out_string(out, COLOR_END);
		if (column == layout->last)
			break;
		out_repeat(out, ' ', (info->right ? 0 : pad) + layout->gap);
	}
	out_char(out, '\n');
}

static void write_cell(const struct table *table, const struct layout *layout, uint32_t line,
		       uint32_t column, const char *text, const struct table_cell *cell, bool color,
		       struct out *out)
{
	const struct table_column *info = &table->columns[column];
	uint32_t room = room_of(table, layout, line, column);
	uint32_t width = cell->width < room ? cell->width : room;

	color = color && cell->role != COLOR_PLAIN && cell->length;
	if (info->tree && table->child[line])
		out_string(out, branch_of(table, layout, line));
	if (info->right)
		out_repeat(out, ' ', room - width);
	if (color)
		out_string(out, color_start(cell->role));
	width = write_cut(layout, info, text, cell, room, out);
	if (color)
		out_string(out, COLOR_END);
	if (column != layout->last)
		out_repeat(out, ' ', (info->right ? 0 : room - width) + layout->gap);
}

static void write_lines(const struct table *table, const struct layout *layout,
			const struct table_options *options, struct out *out)
{
	const struct table_cell *cell = table->cells;
	const char *text = table->text.buffer;
	uint32_t line, column;

	if (options->header)
		write_heading(table, layout, options, out);
	for (line = 0; line < table->n_lines; line++) {
		for (column = 0; column < table->n_columns; column++, cell++) {
			if (!layout->hidden[column])
				write_cell(table, layout, line, column, text, cell, options->color,
					   out);
			text += cell->length;
		}
		out_char(out, '\n');
	}
}

/* ---- drawn by libsmartcols ---- */

static void set_symbols(struct libscols_table *drawn, const struct symbols *symbols)
{
	struct libscols_symbols *to = xchecked(scols_new_symbols());

	scols_symbols_set_branch(to, symbols->branch);
	scols_symbols_set_right(to, symbols->last);
	scols_symbols_set_vertical(to, symbols->vertical);
	scols_symbols_set_title_padding(to, " ");
	scols_symbols_set_cell_padding(to, " ");
	scols_table_set_symbols(drawn, to);
	scols_unref_symbols(to);
}

static void draw_columns(const struct table *table, const struct layout *layout,
			 const struct table_options *options, struct libscols_table *drawn)
{
	uint32_t column;

	for (column = 0; column < table->n_columns; column++) {
		const struct table_column *info = &table->columns[column];
		int flags = (info->right ? SCOLS_FL_RIGHT : 0) | (info->tree ? SCOLS_FL_TREE : 0);
		struct libscols_column *to;

		if (layout->hidden[column])
			continue;
		to = xchecked(scols_table_new_column(drawn, info->heading, layout->widths[column],
						     flags));
		if (options->color)
			scols_cell_set_color(scols_column_get_header(to),
					     color_start(COLOR_HEADING));
	}
}

static void draw_lines(const struct table *table, const struct layout *layout,
		       const struct table_options *options, struct libscols_table *drawn)
{
	const struct table_cell *cell = table->cells;
	const char *text = table->text.buffer;
	struct libscols_line *parent = NULL;
	struct out cut;
	uint32_t line, column, at;

	out_init(&cut, -1);
	for (line = 0; line < table->n_lines; line++) {
		struct libscols_line *to =
			xchecked(scols_table_new_line(drawn, table->child[line] ? parent : NULL));

		if (!table->child[line])
			parent = to;
		for (column = at = 0; column < table->n_columns; column++, cell++) {
			if (!layout->hidden[column]) {
				cut.used = 0;
				write_cut(layout, &table->columns[column], text, cell,
					  room_of(table, layout, line, column), &cut);
				out_char(&cut, '\0');
				scols_line_set_data(to, at, cut.buffer);
				if (options->color && cell->role != COLOR_PLAIN && cell->length)
					scols_cell_set_color(scols_line_get_cell(to, at),
							     color_start(cell->role));
				at++;
			}
			text += cell->length;
		}
	}
	out_done(&cut);
}

/* Returns false if the library cannot; then nothing is written. */
static bool draw(const struct table *table, const struct layout *layout,
		 const struct table_options *options, struct out *out)
{
	struct libscols_table *drawn = xchecked(scols_new_table());
	char *text = NULL;
	bool drawn_whole;

	/* What is drawn is escaped and cut already. */
	scols_table_enable_noencoding(drawn, 1);
	scols_table_set_termforce(drawn, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_noheadings(drawn, !options->header);
	scols_table_enable_colors(drawn, options->color);
	scols_table_set_column_separator(drawn, GAP + GAP_WIDTH - layout->gap);
	set_symbols(drawn, layout->symbols);
	draw_columns(table, layout, options, drawn);
	draw_lines(table, layout, options, drawn);
	drawn_whole = scols_print_table_to_string(drawn, &text) == 0 && text;
	if (drawn_whole) {
		out_string(out, text);
		out_char(out, '\n');
	}
	free(text);
	scols_unref_table(drawn);
	return drawn_whole;
}

void table_write(const struct table *table, const struct table_options *options, struct out *out)
{
	struct layout layout;

	if (!table->n_lines)
		return;
	lay_out(table, options, &layout);
	if (table->n_lines > TABLE_SMARTCOLS_LINES || !draw(table, &layout, options, out))
		write_lines(table, &layout, options, out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/table.h"

#include <locale.h>

#include "helpers/tap.h"
#include "util/escape.h"

static void add_cell(struct table *table, const char *text, enum color_role role)
{
	out_string(table_begin_cell(table), text);
	table_end_cell(table, role);
}

/*
 * Lines of every shape. The first 100 are the same whatever n_lines is, which lies below or above
 * what libsmartcols draws.
 */
static void fill(struct table *table, uint32_t n_lines)
{
	static const char *const ports[] = { "tcp:22", "", "", "udp:5353", "tcp:80", "" };
	static const char *const locals[] = { "0.0.0.0", "[2001:db8::17:2f:1]%eth0",
					      "[::] v6only" };
	static const char *const owners[] = {
		"sshd[812]:3",	     "nginx ×4 [900-903]", "hidden (need privilege)",
		"größe 日本語[3]:4", "e\xcc\x81[5]:6",
	};
	uint32_t i;

	table_init(table);
	table_add_column(table, (struct table_column){ .heading = "PORT", .tree = true });
	table_add_column(table, (struct table_column){ .heading = "QUEUE", .right = true });
	table_add_column(table, (struct table_column){ .heading = "LOCAL", .min_width = 15 });
	table_add_column(table, (struct table_column){ .heading = "OWNER", .min_width = 12 });
	table_add_column(table, (struct table_column){
					.heading = "UNIT", .min_width = 4, .optional = true });
	for (i = 0; i < n_lines; i++) {
		table_begin_line(table, !*ports[i % 6]);
		add_cell(table, ports[i % 6], COLOR_PLAIN);
		add_cell(table, i % 4 ? "0/128" : "?", COLOR_PLAIN);
		add_cell(table, locals[i % 3], COLOR_PLAIN);
		add_cell(table, owners[i % 5], COLOR_PLAIN);
		add_cell(table, i % 2 ? "ssh.service" : "-", COLOR_PLAIN);
	}
}

static char *drawn(uint32_t n_lines, const struct table_options *options)
{
	struct table table;
	struct out out;

	out_init(&out, -1);
	fill(&table, n_lines);
	table_write(&table, options, &out);
	table_done(&table);
	out_char(&out, '\0');
	return out.buffer;
}

static size_t widest_line(const char *text)
{
	size_t length, width, widest = 0;

	for (; *text; text += length + 1) {
		length = strcspn(text, "\n");
		width = escape_width(text, length);
		if (width > widest)
			widest = width;
	}
	return widest;
}

static void test_same_drawing(void)
{
	static const uint32_t widths[] = { 0, 200, 80, 70, 60, 50, 40, 10, 1 };
	size_t i;
	int ascii, header;

	for (i = 0; i < sizeof(widths) / sizeof(*widths); i++) {
		for (ascii = 0; ascii < 2; ascii++) {
			for (header = 0; header < 2; header++) {
				struct table_options options = {
					.width = widths[i],
					.ascii = ascii,
					.header = header,
				};
				/* 100: a child follows neither here nor there */
				char *few = drawn(99, &options);
				char *many = drawn(TABLE_SMARTCOLS_LINES + 44, &options);

				ok(!strncmp(few, many, strlen(few)),
				   "width %u, ascii %d, header %d: both ways draw the same",
				   widths[i], ascii, header);
				free(few);
				free(many);
			}
		}
	}
}

static void test_width(void)
{
	struct table_options options = { .header = true };
	char *text = drawn(20, &options);

	ok(strstr(text, "[2001:db8::17:2f:1]%eth0") && strstr(text, "hidden (need privilege)"),
	   "nothing is cut where there is no terminal");
	free(text);
	for (options.width = 50; options.width < 100; options.width += 7) {
		text = drawn(20, &options);
		ok(widest_line(text) <= options.width, "fits in %u", options.width);
		is_int(strstr(text, "UNIT") != NULL, options.width > 50, "unit in %u",
		       options.width);
		free(text);
	}
}

/* What gives way first, and what is kept. */
static void test_tight(void)
{
	static const struct {
		uint32_t width;
		const char *drawn;
	} tight[] = {
		{ 55, "udp:53  1,712 lost  softphone[16234]:3, a[1]  a-finding\n" },
		{ 51, "udp:53  1,712 lost  softphone[16234]:3,…  a-finding\n" },
		{ 48, "udp:53 1,712 lost softphone[16234]:3,… a-finding\n" },
		{ 44, "udp:53 1,712 lost softphon…[16234] a-finding\n" },
		{ 40, "udp:53 1,712 lost soft…[16234] a-finding\n" },
		{ 36, "udp:53 1,712 l… so…[16234] a-finding\n" },
		{ 30, "udp:53 softp…[16234] a-finding\n" },
		{ 27, "udp:53 so…[16234] a-finding\n" },
	};
	struct table table;
	struct out out;
	size_t i;

	table_init(&table);
	table_add_column(&table, (struct table_column){ .heading = "PORT" });
	table_add_column(&table, (struct table_column){ .heading = "QUEUE",
							.min_width = 10,
							.hard_width = 8,
							.last_resort = true });
	table_add_column(&table, (struct table_column){ .heading = "OWNER",
							.min_width = 19,
							.hard_width = 10,
							.has_pids = true });
	table_add_column(&table, (struct table_column){ .heading = "NOTE", .min_width = 9 });
	table_begin_line(&table, false);
	add_cell(&table, "udp:53", COLOR_PLAIN);
	add_cell(&table, "1,712 lost", COLOR_PLAIN);
	add_cell(&table, "softphone[16234]:3, a[1]", COLOR_PLAIN);
	add_cell(&table, "a-finding", COLOR_PLAIN);
	for (i = 0; i < sizeof(tight) / sizeof(*tight); i++) {
		struct table_options options = { .width = tight[i].width };

		out_init(&out, -1);
		table_write(&table, &options, &out);
		out_char(&out, '\0');
		is_str(out.buffer, tight[i].drawn, "in %u columns", tight[i].width);
		out_done(&out);
	}
	table_done(&table);
}

static void test_color(void)
{
	static const char first[] = "\033[32mLISTEN\033[0m  22\n";
	struct table_options options = { .color = true };
	struct table table;
	struct out out;
	int i;

	out_init(&out, -1);
	table_init(&table);
	table_add_column(&table, (struct table_column){ .heading = "STATE" });
	table_add_column(&table, (struct table_column){ .heading = "PORT" });
	for (i = 0; i < TABLE_SMARTCOLS_LINES + 1; i++) {
		table_begin_line(&table, false);
		add_cell(&table, "LISTEN", COLOR_LISTEN);
		add_cell(&table, "22", COLOR_PLAIN);
	}
	table_write(&table, &options, &out);
	table_done(&table);
	ok(!strncmp(out.buffer, first, strlen(first)), "colour takes no room");
	out_done(&out);
}

int main(void)
{
	setlocale(LC_CTYPE, "C.UTF-8");
	test_same_drawing();
	test_width();
	test_tight();
	test_color();
	return done_testing();
}

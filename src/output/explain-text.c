/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/explain-text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/catalogue.h"
#include "output/color.h"
#include "util/xalloc.h"

/* The parts of an entry, in the order in which they are read. */
static const struct {
	const char *heading;
	size_t offset;
} parts[] = {
	{ "Meaning", offsetof(struct catalogue_entry, meaning) },
	{ "How it arises", offsetof(struct catalogue_entry, arises) },
	{ "What the kernel does", offsetof(struct catalogue_entry, kernel) },
	{ "What to do in code", offsetof(struct catalogue_entry, in_code) },
	{ "What to do by operation", offsetof(struct catalogue_entry, by_operation) },
};

static const char *part_of(const struct catalogue_entry *entry, size_t part)
{
	return *(const char *const *)((const char *)entry + parts[part].offset);
}

/* A paragraph, or a line of code, which begins with a blank. The next one, or NULL. */
static const char *next_block(const char *text, size_t *ret_length)
{
	const char *end;

	while (*text == '\n')
		text++;
	if (!*text)
		return NULL;
	end = text;
	if (*text == ' ') {
		end += strcspn(end, "\n");
	} else {
		do {
			end += strcspn(end, "\n");
			end += *end == '\n';
		} while (*end && *end != '\n' && *end != ' ');
		while (end > text && end[-1] == '\n')
			end--;
	}
	*ret_length = (size_t)(end - text);
	return text;
}

static void write_part(const char *text, const struct finding_text_options *options,
		       struct out *out)
{
	bool first = true, was_code = false;
	size_t length;

	for (; (text = next_block(text, &length)); text += length) {
		bool is_code = *text == ' ';
		char *block = xasprintf("%.*s", (int)length, text);

		if (!first && !(is_code && was_code) && text[-1] == '\n' && text[-2] == '\n')
			out_char(out, '\n');
		if (is_code) {
			out_string(out, "  ");
			out_string(out, block);
			out_char(out, '\n');
		} else {
			finding_text_fill("  ", block, options->width, out);
		}
		free(block);
		first = false;
		was_code = is_code;
	}
}

void explain_write(enum finding_id id, const struct finding_text_options *options, struct out *out)
{
	const struct catalogue_entry *entry = catalogue_entry(id);
	size_t i;

	out_string(out, finding_name(id));
	out_char(out, '\n');
	finding_text_fill("  ", entry->title, options->width, out);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		out_char(out, '\n');
		if (options->color)
			out_string(out, color_start(COLOR_HEADING));
		out_string(out, parts[i].heading);
		if (options->color)
			out_string(out, COLOR_END);
		out_char(out, '\n');
		write_part(part_of(entry, i), options, out);
	}
}

void explain_write_list(struct out *out)
{
	int id;

	for (id = 0; id < N_FINDINGS; id++)
		out_printf(out, "%-24s %s\n", finding_name((enum finding_id)id),
			   catalogue_entry((enum finding_id)id)->title);
}

static void write_markdown_part(const char *text, struct out *out)
{
	bool was_code = false;
	size_t length;

	for (; (text = next_block(text, &length)); text += length) {
		bool is_code = *text == ' ';

		if (!(is_code && was_code))
			out_char(out, '\n');
		out_bytes(out, text, length);
		out_char(out, '\n');
		was_code = is_code;
	}
}

void explain_write_markdown(struct out *out)
{
	size_t part;
	int id;

	out_string(out, "# Findings\n\n"
			"What `portshare check` reports; `portshare explain ID` prints the same. "
			"Written by\n"
			"`portshare explain --markdown`.\n");
	for (id = 0; id < N_FINDINGS; id++) {
		const struct catalogue_entry *entry = catalogue_entry((enum finding_id)id);

		out_printf(out, "\n## %s\n\n%s.\n", finding_name((enum finding_id)id),
			   entry->title);
		for (part = 0; part < ARRAY_SIZE(parts); part++) {
			out_printf(out, "\n### %s\n", parts[part].heading);
			write_markdown_part(part_of(entry, part), out);
		}
	}
}

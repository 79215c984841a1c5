/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/column-writer.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "util/xalloc.h"

void column_writer_init(struct column_writer *writer, const struct snapshot *snapshot,
			enum escape_style style)
{
	*writer = (struct column_writer){
		.snapshot = snapshot,
		.style = style,
		.in_pid_namespace = snapshot_has_limit(snapshot, "owners", "pid-namespace"),
	};
	out_init(&writer->owner_texts, -1);
	writer->owner_starts = xcalloc(snapshot->n_processes, sizeof(*writer->owner_starts));
	writer->owner_lengths = xcalloc(snapshot->n_processes, sizeof(*writer->owner_lengths));
}

void column_writer_done(struct column_writer *writer)
{
	out_done(&writer->owner_texts);
	free(writer->owner_starts);
	free(writer->owner_lengths);
}

void column_write_name(struct column_writer *writer, const char *text, size_t length,
		       struct out *out)
{
	if (!length) {
		out_string(out, "\"\"");
		return;
	}
	if (length == 1 && (*text == '-' || *text == '?')) {
		out_string(out, *text == '-' ? "\\x2d" : "\\x3f");
		return;
	}
	if (length == 5 && !memcmp(text, "mixed", 5) && column_for_people(writer)) {
		out_string(out, "\\x6dixed");
		return;
	}
	escape_append(out, writer->style, text, length);
}

void column_write_string(struct column_writer *writer, string_id id, struct out *out)
{
	size_t length;
	const char *text = string_pool_get(&writer->snapshot->strings, id, &length);

	if (text)
		column_write_name(writer, text, length, out);
	else
		out_char(out, '?');
}

void column_write_element(struct column_writer *writer, string_id id, struct out *out)
{
	size_t i, length, start = 0;
	const char *text = string_pool_get(&writer->snapshot->strings, id, &length);
	bool quoted = false;

	for (i = 0; i < length && !quoted; i++)
		quoted = text[i] && strchr("[],;\"", text[i]);
	if (!quoted) {
		column_write_string(writer, id, out);
		return;
	}
	out_char(out, '"');
	for (i = 0; i <= length; i++) {
		if (i < length && text[i] != '"')
			continue;
		if (i > start)
			escape_append(out, writer->style, text + start, i - start);
		if (i < length)
			out_string(out, "\\x22");
		start = i + 1;
	}
	out_char(out, '"');
}

void column_write_address(int family, const struct address *address, struct out *out)
{
	char text[ADDRESS_TEXT_MAX];

	if (family != AF_INET)
		out_char(out, '[');
	out_string(out, address_format(family, address, text));
	if (family != AF_INET)
		out_char(out, ']');
}

void column_write_count(struct out *out, uint64_t count)
{
	if (count >= 1000) {
		column_write_count(out, count / 1000);
		out_char(out, ',');
		count %= 1000;
		if (count < 100)
			out_char(out, '0');
		if (count < 10)
			out_char(out, '0');
	}
	out_unsigned(out, count);
}

/* A moment is not reached before its last millisecond: round up. */
static uint32_t seconds_of(uint32_t milliseconds)
{
	return milliseconds / 1000 + (milliseconds % 1000 != 0);
}

static uint32_t left_of(const struct column_writer *writer, uint32_t milliseconds)
{
	return milliseconds > writer->passed_ms ? milliseconds - writer->passed_ms : 0;
}

void column_write_time_left(const struct column_writer *writer, uint32_t first_ms, uint32_t last_ms,
			    struct out *out)
{
	uint32_t first = seconds_of(left_of(writer, first_ms));
	uint32_t last = seconds_of(left_of(writer, last_ms));

	out_unsigned(out, first);
	if (last != first) {
		out_char(out, '-');
		out_unsigned(out, last);
	}
	out_string(out, " s");
}

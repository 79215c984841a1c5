/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/finding-text.h"

#include <string.h>

#include "model/bind-bucket.h"
#include "output/color.h"
#include "util/escape.h"

void finding_text_fill(const char *label, const char *words, uint32_t width, struct out *out)
{
	size_t indent = strlen(label), column = indent;
	bool first = true;

	out_string(out, label);
	while (*words) {
		size_t length = strcspn(words, " \n"), columns;
		struct out word;

		if (!length) {
			words++;
			continue;
		}
		out_init(&word, -1);
		columns = escape_append(&word, ESCAPE_TERMINAL, words, length);
		if (!first && column + 1 + columns > width) {
			out_char(out, '\n');
			out_repeat(out, ' ', indent);
			column = indent;
			first = true;
		}
		if (!first) {
			out_char(out, ' ');
			column++;
		}
		out_bytes(out, word.buffer, word.used);
		out_done(&word);
		column += columns;
		first = false;
		words += length;
	}
	out_char(out, '\n');
}

static const char *const severity_labels[N_SEVERITIES] = {
	[SEVERITY_NOTE] = "NOTE",
	[SEVERITY_WARNING] = "WARNING",
	[SEVERITY_CRITICAL] = "CRITICAL",
};

static enum color_role severity_role(const struct finding *finding)
{
	if (finding->undecided || finding->severity == SEVERITY_NOTE)
		return COLOR_DIM;
	return finding->severity == SEVERITY_CRITICAL ? COLOR_ALARM : COLOR_TIME_WAIT;
}

static void write_heading(const struct finding *finding,
			  const struct finding_text_options *options, struct out *out)
{
	if (options->color)
		out_string(out, color_start(severity_role(finding)));
	out_string(out, finding->undecided ? "CANNOT TELL" : severity_labels[finding->severity]);
	if (options->color)
		out_string(out, COLOR_END);
	out_string(out, "  ");
	out_string(out, finding_name((enum finding_id)finding->id));
	out_char(out, '\n');
}

static void write_finding(const struct finding *finding,
			  const struct finding_text_options *options, struct out *out)
{
	write_heading(finding, options, out);
	finding_text_fill("  ", finding->title, options->width, out);
	if (*finding->text)
		finding_text_fill("  What happens: ", finding->text, options->width, out);
	finding_text_fill("  What to do:   ", finding->remedy, options->width, out);
	finding_text_fill("  Evidence:     ", finding->evidence, options->width, out);
	out_char(out, '\n');
}

static uint32_t count(const struct finding_list *findings, int severity)
{
	uint32_t i, n = 0;

	for (i = 0; i < findings->count; i++)
		n += findings->items[i].undecided ? severity < 0 :
						    findings->items[i].severity == severity;
	return n;
}

static void write_count(struct out *out, uint32_t n, const char *what, const char *plural)
{
	out_unsigned(out, n);
	out_char(out, ' ');
	out_string(out, n == 1 ? what : plural);
}

void finding_text_write(const struct snapshot *snapshot, const struct finding_list *findings,
			const struct finding_text_options *options, struct out *out)
{
	struct bind_bucket_index index;
	uint32_t i, n = count(findings, -1);

	for (i = 0; i < findings->count; i++)
		write_finding(&findings->items[i], options, out);
	if (findings->count) {
		write_count(out, count(findings, SEVERITY_CRITICAL), "critical", "critical");
		out_string(out, ", ");
		write_count(out, count(findings, SEVERITY_WARNING), "warning", "warnings");
		out_string(out, ", ");
		write_count(out, count(findings, SEVERITY_NOTE), "note", "notes");
		if (n) {
			out_string(out, ", ");
			write_count(out, n, "that cannot be told", "that cannot be told");
		}
	} else {
		out_string(out, "Nothing found");
	}
	bind_bucket_index_init(&index, snapshot);
	out_string(out, "; looked at ");
	write_count(out, snapshot->n_sockets, "socket", "sockets");
	out_string(out, " on ");
	write_count(out, index.n_buckets, "port", "ports");
	out_string(out, ".\n");
	bind_bucket_index_done(&index);
}

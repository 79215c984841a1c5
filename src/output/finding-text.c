/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/finding-text.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/words.h"
#include "model/bind-bucket.h"
#include "output/limit-text.h"
#include "util/escape.h"
#include "util/xalloc.h"

/* Of hundreds of sockets the first say it all. */
#define LINES_MAX 5

/* What stands in quotes, a command say, with what follows it up to a blank; 0: none begins here. */
static size_t quoted_length(const char *words)
{
	size_t length;

	if (*words != '"')
		return 0;
	length = 1 + strcspn(words + 1, "\"\n");
	return words[length] == '"' ? length + strcspn(words + length, " \n") : 0;
}

/*
 * The next word, escaped: up to a blank; or all that stands in quotes if a line can hold it, since
 * a command that is pasted from two lines fails. Returns its length, in ret_columns how wide it is.
 */
static size_t take_word(const char *words, size_t room, struct out *word, size_t *ret_columns)
{
	size_t length = quoted_length(words);

	out_init(word, -1);
	if (length) {
		*ret_columns = escape_append(word, ESCAPE_TERMINAL, words, length);
		if (*ret_columns <= room)
			return length;
		out_done(word);
		out_init(word, -1);
	}
	length = strcspn(words, " \n");
	*ret_columns = escape_append(word, ESCAPE_TERMINAL, words, length);
	return length;
}

void finding_text_fill(const char *label, const char *words, uint32_t width, struct out *out)
{
	size_t indent = strlen(label), column = indent, room = width > indent ? width - indent : 0;
	bool first = true;

	out_string(out, label);
	while (*words) {
		size_t length, columns;
		struct out word;

		if (*words == ' ' || *words == '\n') {
			words++;
			continue;
		}
		length = take_word(words, room, &word, &columns);
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

enum color_role finding_text_role(const struct finding *finding)
{
	return finding->undecided ? COLOR_DIM : color_severity((enum severity)finding->severity);
}

static void write_heading(const struct finding *finding, const struct finding_text_options *options,
			  struct out *out)
{
	if (options->color)
		out_string(out, color_start(finding_text_role(finding)));
	out_string(out, finding->undecided ? "CANNOT TELL" : severity_labels[finding->severity]);
	if (options->color)
		out_string(out, COLOR_END);
	out_string(out, "  ");
	out_string(out, finding_name((enum finding_id)finding->id));
	out_char(out, '\n');
}

/* A line for each, or for neighbours that read alike, which dead connections mostly do. */
static void write_sockets(const struct snapshot *snapshot, const struct finding_list *findings,
			  const struct finding *finding, uint32_t width, struct out *out)
{
	const uint32_t *sockets = findings->sockets + finding->first_socket;
	uint32_t i = 0, lines = 0, alike, n = finding->n_sockets;
	char *text, *next, *line;

	next = n ? words_described(snapshot, sockets[0]) : NULL;
	while (next) {
		text = next;
		next = NULL;
		for (alike = 1; i + alike < n; alike++) {
			next = words_described(snapshot, sockets[i + alike]);
			if (strcmp(text, next) != 0)
				break;
			free(next);
			next = NULL;
		}
		if (lines == LINES_MAX)
			line = xasprintf("and %u more", n - i);
		else if (alike > 1)
			line = xasprintf("%s: %u of them", text, alike);
		else
			line = xstrdup(text);
		finding_text_fill(lines ? "                " : "  Sockets:      ", line, width,
				  out);
		free(line);
		free(text);
		i += alike;
		if (lines++ == LINES_MAX) {
			free(next);
			return;
		}
	}
}

static void write_finding(const struct snapshot *snapshot, const struct finding_list *findings,
			  const struct finding *finding, const struct finding_text_options *options,
			  struct out *out)
{
	char *title = words_title(snapshot, finding);

	write_heading(finding, options, out);
	finding_text_fill("  ", title, options->width, out);
	free(title);
	write_sockets(snapshot, findings, finding, options->width, out);
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

void finding_text_limits(const struct snapshot *snapshot, uint32_t width, struct out *out)
{
	char *limits, *sentence;

	if (!snapshot->n_limits)
		return;
	limits = limit_texts(snapshot);
	sentence = xasprintf("Not everything could be seen: %s", limits);
	finding_text_fill("", sentence, width, out);
	free(sentence);
	free(limits);
}

static void write_count(struct out *out, uint32_t n, const char *what, const char *plural)
{
	out_unsigned(out, n);
	out_char(out, ' ');
	out_string(out, n == 1 ? what : plural);
}

/* How many of what, in how much that was looked at. */
static void write_counts(const struct snapshot *snapshot, const struct finding_list *findings,
			 const struct finding_text_options *options, bool sees_all, struct out *out)
{
	uint32_t n = count(findings, -1);
	struct bind_bucket_index index;
	struct out line;

	out_init(&line, -1);
	if (findings->count) {
		write_count(&line, count(findings, SEVERITY_CRITICAL), "critical", "critical");
		out_string(&line, ", ");
		write_count(&line, count(findings, SEVERITY_WARNING), "warning", "warnings");
		out_string(&line, ", ");
		write_count(&line, count(findings, SEVERITY_NOTE), "note", "notes");
		if (n) {
			out_string(&line, ", ");
			write_count(&line, n, "that cannot be told", "that cannot be told");
		}
	} else if (options->remark && options->nothing_matched) {
		out_string(&line, options->remark);
	} else {
		out_string(&line,
			   sees_all ? "Nothing found" : "Nothing found in what could be seen");
	}
	bind_bucket_index_init(&index, snapshot);
	out_string(&line, "; looked at ");
	write_count(&line, snapshot->n_sockets, "socket", "sockets");
	out_string(&line, " on ");
	write_count(&line, index.n_buckets, "port", "ports");
	out_char(&line, '.');
	out_char(&line, '\0');
	bind_bucket_index_done(&index);
	finding_text_fill("", line.buffer, options->width, out);
	out_done(&line);
}

/* What is not known, where no limit says so; malloc'ed. */
static char *unknown_words(uint32_t flags, uint32_t holders)
{
	uint32_t n = holders ? holders : flags;
	const char *sockets = n == 1 && !(flags && holders) ? "bound socket" : "bound sockets";

	if (flags && holders)
		return xasprintf("the reuse flags of %u and the holders of %u %s", flags, holders,
				 sockets);
	return xasprintf("the %s of %u %s", flags ? "reuse flags" : "holders", n, sockets);
}

void finding_text_write(const struct snapshot *snapshot, const struct finding_list *findings,
			const struct finding_text_options *options, struct out *out)
{
	uint32_t i, flags, holders;
	bool sees_all = snapshot_sees_all(snapshot, &flags, &holders);
	char *words, *unknown;

	for (i = 0; i < findings->count; i++)
		write_finding(snapshot, findings, &findings->items[i], options, out);
	if (options->remark && (findings->count || !options->nothing_matched)) {
		words = xasprintf("%s.", options->remark);
		finding_text_fill("", words, options->width, out);
		free(words);
	}
	write_counts(snapshot, findings, options, sees_all, out);
	finding_text_limits(snapshot, options->width, out);
	/* A limit mostly says so; in a snapshot that was made otherwise nothing does. */
	if (sees_all || snapshot->n_limits)
		return;
	unknown = unknown_words(flags, holders);
	words = xasprintf("Not everything could be seen: %s are not known", unknown);
	finding_text_fill("", words, options->width, out);
	free(unknown);
	free(words);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/plugin.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/words.h"
#include "output/limit-text.h"
#include "util/escape.h"

static const char *const status_names[] = {
	[PLUGIN_OK] = "OK",
	[PLUGIN_WARNING] = "WARNING",
	[PLUGIN_CRITICAL] = "CRITICAL",
	[PLUGIN_UNKNOWN] = "UNKNOWN",
};

/* A "|" would begin performance data. */
static void write_text(const char *text, struct out *out)
{
	size_t length;

	while (*text) {
		length = strcspn(text, "|\n");
		escape_append(out, ESCAPE_TERMINAL, text, length);
		text += length;
		if (*text) {
			out_char(out, *text == '|' ? '/' : ' ');
			text++;
		}
	}
}

static void write_title(const struct snapshot *snapshot, const struct finding *finding,
			struct out *out)
{
	char *title = words_title(snapshot, finding);

	write_text(title, out);
	free(title);
}

static void write_datum(const char *label, uint32_t value, struct out *out)
{
	out_char(out, ' ');
	out_string(out, label);
	out_char(out, '=');
	out_unsigned(out, value);
	out_string(out, ";;;0");
}

static void begin(enum plugin_status status, struct out *out)
{
	out_string(out, "PORTSHARE ");
	out_string(out, status_names[status]);
	out_string(out, " - ");
}

/*
 * The finding that made the status what it is: the worst, or if it cannot be told the first such.
 */
static const struct finding *find_reason(const struct finding_list *findings,
					 enum plugin_status status)
{
	uint32_t i;

	for (i = 0; i < findings->count && status != PLUGIN_OK; i++)
		if (findings->items[i].undecided == (status == PLUGIN_UNKNOWN))
			return &findings->items[i];
	return NULL;
}

static void write_summary(const struct snapshot *snapshot, const struct finding_list *findings,
			  enum plugin_status status, const char *remark, struct out *out)
{
	uint32_t flags, holders;
	const struct finding *reason = find_reason(findings, status);
	uint32_t others = findings->count - (reason ? 1 : 0);

	begin(status, out);
	if (reason) {
		out_string(out, reason->undecided ? "cannot tell: " : "");
		write_title(snapshot, reason, out);
		if (others)
			out_printf(out, ", and %u more", others);
	} else if (remark) {
		out_string(out, status == PLUGIN_UNKNOWN ? "cannot tell: " : "");
		write_text(remark, out);
	} else if (status == PLUGIN_UNKNOWN) {
		out_string(out, "cannot tell: not all that is asked about could be seen");
		if (others)
			out_printf(out, ", and %u below", others);
	} else if (others) {
		out_printf(out, "nothing that counts, %u below", others);
	} else {
		out_string(out, snapshot_sees_all(snapshot, &flags, &holders) ?
					"nothing found" :
					"nothing found in what could be seen");
	}
}

static void write_finding(const struct snapshot *snapshot, const struct finding *finding,
			  struct out *out)
{
	out_string(out, finding->undecided ? "cannot tell" :
					     severity_name((enum severity)finding->severity));
	out_char(out, ' ');
	out_string(out, finding_name((enum finding_id)finding->id));
	out_string(out, ": ");
	write_title(snapshot, finding, out);
	out_char(out, '\n');
}

void plugin_write(const struct snapshot *snapshot, const struct finding_list *findings,
		  enum plugin_status status, const char *remark, struct out *out)
{
	uint32_t i, counts[N_SEVERITIES] = { 0 }, undecided = 0;

	for (i = 0; i < findings->count; i++) {
		if (findings->items[i].undecided)
			undecided++;
		else
			counts[findings->items[i].severity]++;
	}
	write_summary(snapshot, findings, status, remark, out);
	out_string(out, " |");
	write_datum("critical", counts[SEVERITY_CRITICAL], out);
	write_datum("warning", counts[SEVERITY_WARNING], out);
	write_datum("note", counts[SEVERITY_NOTE], out);
	write_datum("undecided", undecided, out);
	write_datum("sockets", snapshot->n_sockets, out);
	out_char(out, '\n');
	for (i = 0; i < findings->count; i++)
		write_finding(snapshot, &findings->items[i], out);
	for (i = 0; i < snapshot->n_limits; i++) {
		char *text = limit_text(snapshot, i);

		out_string(out, "not seen: ");
		write_text(text, out);
		out_char(out, '\n');
		free(text);
	}
}

void plugin_write_failure(const char *what, struct out *out)
{
	begin(PLUGIN_UNKNOWN, out);
	write_text(what, out);
	out_char(out, '\n');
}

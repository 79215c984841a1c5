/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/plugin.h"

#include <string.h>

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

static void write_datum(const char *label, uint32_t value, struct out *out)
{
	out_char(out, ' ');
	out_string(out, label);
	out_char(out, '=');
	out_unsigned(out, value);
	out_string(out, ";;;0");
}

void plugin_write(const struct snapshot *snapshot, const struct finding_list *findings,
		  enum plugin_status status, struct out *out)
{
	uint32_t i, counts[N_SEVERITIES] = { 0 }, undecided = 0;

	for (i = 0; i < findings->count; i++) {
		if (findings->items[i].undecided)
			undecided++;
		else
			counts[findings->items[i].severity]++;
	}
	out_string(out, "PORTSHARE ");
	out_string(out, status_names[status]);
	out_string(out, " - ");
	if (findings->count) {
		write_text(findings->items[0].title, out);
		if (findings->count > 1) {
			out_string(out, ", and ");
			out_unsigned(out, findings->count - 1);
			out_string(out, " more");
		}
	} else {
		out_string(out, "nothing found");
	}
	out_string(out, " |");
	write_datum("critical", counts[SEVERITY_CRITICAL], out);
	write_datum("warning", counts[SEVERITY_WARNING], out);
	write_datum("note", counts[SEVERITY_NOTE], out);
	write_datum("undecided", undecided, out);
	write_datum("sockets", snapshot->n_sockets, out);
	out_char(out, '\n');
	for (i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		out_string(out, finding->undecided ?
					"cannot tell" :
					severity_name((enum severity)finding->severity));
		out_char(out, ' ');
		out_string(out, finding_name((enum finding_id)finding->id));
		out_string(out, ": ");
		write_text(finding->title, out);
		out_char(out, '\n');
	}
}

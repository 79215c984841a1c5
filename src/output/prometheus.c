/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/prometheus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/words.h"
#include "util/escape.h"
#include "util/utf8.h"
#include "util/xalloc.h"

static void begin_metric(struct out *out, const char *name, const char *help)
{
	out_string(out, "# HELP ");
	out_string(out, name);
	out_char(out, ' ');
	out_string(out, help);
	out_string(out, "\n# TYPE ");
	out_string(out, name);
	out_string(out, " gauge\n");
}

/*
 * A value may be any UTF-8; backslash, quote and line break are escaped. What a terminal acts upon
 * stands as \xHH, as elsewhere: these lines are looked at, too.
 */
static void write_label(struct out *out, const char *name, const char *value, bool first)
{
	size_t length = value ? strlen(value) : 0, i, step;
	uint32_t code;

	out_string(out, first ? "{" : ",");
	out_string(out, name);
	out_string(out, "=\"");
	for (; length; value += step, length -= step) {
		step = utf8_decode(value, length, &code);
		if (!step || escape_is_unsafe(code)) {
			step = step ? step : 1;
			for (i = 0; i < step; i++)
				out_printf(out, "\\\\x%02x", (unsigned char)value[i]);
			continue;
		}
		if (*value == '\\' || *value == '"')
			out_char(out, '\\');
		out_bytes(out, value, step);
	}
	out_char(out, '"');
}

static void write_value(struct out *out, const char *name, uint64_t value)
{
	out_string(out, name);
	out_char(out, ' ');
	out_unsigned(out, value);
	out_char(out, '\n');
}

/* A line for each kind and severity, also those that are not there: alarms need both values. */
static void write_counts(const struct finding_list *findings, struct out *out)
{
	uint32_t id, severity, i, n;

	begin_metric(out, "portshare_findings",
		     "Findings of portshare check, by kind and severity.");
	for (id = 0; id < N_FINDINGS; id++) {
		for (severity = 0; severity < N_SEVERITIES; severity++) {
			for (i = 0, n = 0; i < findings->count; i++)
				n += !findings->items[i].undecided && findings->items[i].id == id &&
				     findings->items[i].severity == severity;
			out_string(out, "portshare_findings");
			write_label(out, "finding", finding_name((enum finding_id)id), true);
			write_label(out, "severity", severity_name((enum severity)severity), false);
			write_value(out, "}", n);
		}
	}
}

/* The unit of the first socket, through its first holder; NULL: none, or not known. */
static const char *unit_of(const struct snapshot *snapshot, const struct finding_list *findings,
			   const struct finding *finding)
{
	const struct inet_socket *socket;
	string_id unit;

	if (!finding->n_sockets)
		return NULL;
	socket = &snapshot->sockets[findings->sockets[finding->first_socket]];
	unit = socket->n_owners ?
		       snapshot->processes[snapshot->owners[socket->first_owner].process].unit :
		       socket->unit;
	return snapshot_text(snapshot, unit);
}

/* What makes two lines the same one, which a scrape must not hold. */
struct line {
	const char *unit;
	char *netns;
	const struct finding *finding;
};

static int compare_lines(const void *left, const void *right)
{
	const struct line *a = left, *b = right;

	if (a->finding->id != b->finding->id)
		return a->finding->id < b->finding->id ? -1 : 1;
	if (a->finding->severity != b->finding->severity)
		return a->finding->severity < b->finding->severity ? -1 : 1;
	if (a->finding->protocol != b->finding->protocol)
		return a->finding->protocol < b->finding->protocol ? -1 : 1;
	if (a->finding->port != b->finding->port)
		return a->finding->port < b->finding->port ? -1 : 1;
	if (strcmp(a->netns, b->netns) != 0)
		return strcmp(a->netns, b->netns);
	return strcmp(a->unit ? a->unit : "", b->unit ? b->unit : "");
}

static void write_line(const struct line *line, struct out *out)
{
	char port[8];

	snprintf(port, sizeof(port), "%u", line->finding->port);
	out_string(out, "portshare_finding_info");
	write_label(out, "finding", finding_name((enum finding_id)line->finding->id), true);
	write_label(out, "severity", severity_name((enum severity)line->finding->severity), false);
	write_label(out, "protocol", protocol_name((enum protocol)line->finding->protocol), false);
	write_label(out, "port", line->finding->port ? port : "", false);
	write_label(out, "unit", line->unit, false);
	write_label(out, "netns", line->netns, false);
	write_value(out, "}", 1);
}

static void write_lines(const struct snapshot *snapshot, const struct finding_list *findings,
			struct out *out)
{
	struct line *lines = xcalloc(findings->count, sizeof(*lines));
	uint32_t i, n = 0;

	begin_metric(out, "portshare_finding_info",
		     "A finding of portshare check, and where it is.");
	for (i = 0; i < findings->count; i++)
		if (!findings->items[i].undecided)
			lines[n++] = (struct line){
				.unit = unit_of(snapshot, findings, &findings->items[i]),
				.netns = words_netns_label(snapshot, findings->items[i].netns),
				.finding = &findings->items[i],
			};
	if (n)
		qsort(lines, n, sizeof(*lines), compare_lines);
	for (i = 0; i < n; i++)
		if (!i || compare_lines(&lines[i - 1], &lines[i]))
			write_line(&lines[i], out);
	for (i = 0; i < n; i++)
		free(lines[i].netns);
	free(lines);
}

static void write_gauge(struct out *out, const char *name, const char *help, uint64_t value)
{
	begin_metric(out, name, help);
	write_value(out, name, value);
}

void prometheus_write(const struct snapshot *snapshot, const struct finding_list *findings,
		      enum plugin_status status, struct out *out)
{
	uint32_t i, undecided = 0, time_wait = 0;

	for (i = 0; i < findings->count; i++)
		undecided += findings->items[i].undecided;
	for (i = 0; i < snapshot->n_sockets; i++)
		time_wait += socket_is_time_wait(&snapshot->sockets[i]);
	write_counts(findings, out);
	write_lines(snapshot, findings, out);
	write_gauge(out, "portshare_status",
		    "Exit status of portshare check: 0 nothing, 1 warning, 2 critical, 3 it cannot "
		    "be told.",
		    (uint64_t)status);
	write_gauge(out, "portshare_undecided",
		    "Suspicions that portshare check could not decide for want of facts.",
		    undecided);
	write_gauge(out, "portshare_limits",
		    "Kinds of things that portshare could not see, with the reason.",
		    snapshot->n_limits);
	write_gauge(out, "portshare_sockets", "Sockets that portshare looked at.",
		    snapshot->n_sockets);
	write_gauge(out, "portshare_time_wait_sockets", "Sockets in TIME-WAIT.", time_wait);
	if (snapshot->end_ns > 0)
		write_gauge(out, "portshare_last_check_timestamp_seconds",
			    "When the sockets were read, in seconds since the epoch.",
			    (uint64_t)snapshot->end_ns / 1000000000);
}

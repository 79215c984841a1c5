/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/probe-text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/relate.h"
#include "analysis/words.h"
#include "output/color.h"
#include "output/finding-text.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

/* Of many blockers the first kinds say it all; of many receivers the largest. */
#define BLOCKERS_MAX 6
#define RECEIVERS_MAX 8

#define SET_WIDTH 16
#define WAY_WIDTH 15

static void write_colored(const char *text, enum color_role role,
			  const struct probe_text_options *options, struct out *out)
{
	if (options->color)
		out_string(out, color_start(role));
	out_string(out, text);
	if (options->color)
		out_string(out, COLOR_END);
}

static const char *said_text(int said)
{
	if (said == PROBE_NOT_TRIED)
		return "-";
	if (said == PROBE_UNKNOWN)
		return "cannot tell";
	return said ? errno_name(said) : "ok";
}

/* "ok", "EADDRINUSE", or where bind() passes and listen() does not: "listen: EADDRINUSE". */
static void outcome_text(const struct probe_outcome *outcome, char *text, size_t size)
{
	bool only_bind = !outcome->bind && outcome->listen != PROBE_NOT_TRIED && outcome->listen;

	snprintf(text, size, "%s%s", only_bind ? "listen: " : "",
		 said_text(only_bind ? outcome->listen : outcome->bind));
}

static void write_cell(const char *text, int said, const struct probe_text_options *options,
		       struct out *out)
{
	enum color_role role = said == 0 ? COLOR_LISTEN : said > 0 ? COLOR_ALARM : COLOR_DIM;
	size_t length = strlen(text);

	write_colored(text, role, options, out);
	out_repeat(out, ' ', length < WAY_WIDTH ? WAY_WIDTH - length : 1);
}

/* " as 127.0.0.1:9999" */
static void write_place(const struct probe_place *place, struct out *out)
{
	bool v6 = place->family == AF_INET6;
	char address[ADDRESS_TEXT_MAX];

	out_printf(out, " as %s%s%s:%u", v6 ? "[" : "",
		   address_format(place->family, &place->address, address), v6 ? "]" : "",
		   place->port);
}

static void write_matrix(const struct probe_report *report,
			 const struct probe_text_options *options, struct out *out)
{
	uint32_t asked = PROBE_SET(report->candidate.reuse_addr, report->candidate.reuse_port);
	uint32_t set, way;
	char text[48];

	out_repeat(out, ' ', SET_WIDTH + 2);
	for (way = 0; way < N_PROBE_WAYS; way++) {
		snprintf(text, sizeof(text), "%-*s", way + 1 < N_PROBE_WAYS ? WAY_WIDTH : 0,
			 probe_way_name((enum probe_way)way));
		write_colored(text, COLOR_HEADING, options, out);
	}
	out_char(out, '\n');
	for (set = 0; set < PROBE_SETS; set++) {
		const struct probe_attempt *attempt = &report->attempts[set];
		const struct probe_outcome *live = &attempt->ways[PROBE_LIVE];

		snprintf(text, sizeof(text), "%c %-*s", set == asked ? '>' : ' ', SET_WIDTH,
			 probe_set_name(set));
		out_string(out, text);
		for (way = 0; way < PROBE_LIVE; way++) {
			const struct probe_outcome *outcome = &attempt->ways[way];

			outcome_text(outcome, text, sizeof(text));
			write_cell(text, outcome->bind ? outcome->bind : outcome->listen, options,
				   out);
		}
		write_colored(said_text(live->bind),
			      live->bind == 0 ? COLOR_LISTEN :
			      live->bind > 0  ? COLOR_ALARM :
						COLOR_DIM,
			      options, out);
		if (!live->bind)
			out_printf(out, ", held for %.0f us", (double)attempt->held_ns / 1000);
		if (attempt->places[PROBE_LIVE].moved)
			write_place(&attempt->places[PROBE_LIVE], out);
		out_char(out, '\n');
	}
}

static const char *program_of(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	const struct owner *first;

	if (!socket->n_owners)
		return "";
	first = &snapshot->owners[socket->first_owner];
	return relate_program_name(snapshot, &snapshot->processes[first->process]);
}

/*
 * What reads alike but for the peer, as dead connections mostly do, or for the process of one
 * program, as a pool does, is told once.
 */
static bool alike(const struct snapshot *snapshot, const struct probe_blocker *a,
		  const struct probe_blocker *b)
{
	const struct inet_socket *x = &snapshot->sockets[a->socket];
	const struct inet_socket *y = &snapshot->sockets[b->socket];

	return a->cause == b->cause && a->certain == b->certain && x->state == y->state &&
	       x->family == y->family && x->reuse_addr == y->reuse_addr &&
	       x->reuse_port == y->reuse_port && address_equal(&x->local, &y->local) &&
	       x->device == y->device && x->owner_status == y->owner_status &&
	       !strcmp(program_of(snapshot, x), program_of(snapshot, y));
}

static void write_blockers(const struct snapshot *snapshot, const struct probe_verdict *verdict,
			   const struct probe_text_options *options, struct out *out)
{
	bool *told = xcalloc(verdict->n_blockers, sizeof(*told));
	uint32_t i, k, n, lines = 0, left = verdict->n_blockers;
	char *text, *line;

	for (i = 0; i < verdict->n_blockers; i++) {
		const struct probe_blocker *blocker = &verdict->blockers[i];

		if (told[i])
			continue;
		if (lines++ == BLOCKERS_MAX) {
			out_printf(out, "  and %u more\n", left);
			break;
		}
		for (k = i, n = 0; k < verdict->n_blockers; k++) {
			if (told[k] || (k > i && !alike(snapshot, blocker, &verdict->blockers[k])))
				continue;
			told[k] = true;
			n++;
		}
		left -= n;
		text = words_described(snapshot, blocker->socket);
		line = n > 1 ? xasprintf("%s: the first of %u like it", text, n) :
			       xasprintf("%s%s", text, blocker->certain ? "" : " (perhaps)");
		finding_text_fill(lines == 1 ? "In the way: " : "            ", line,
				  options->width, out);
		finding_text_fill("              ", blocker->why, options->width, out);
		free(line);
		free(text);
	}
	free(told);
}

static void write_sentences(const char *label, const struct probe_sentences *sentences,
			    const struct probe_text_options *options, struct out *out)
{
	char *indent = xstrdup(label);
	uint32_t i;

	memset(indent, ' ', strlen(indent));
	for (i = 0; i < sentences->count; i++)
		finding_text_fill(i ? indent : label, sentences->items[i], options->width, out);
	free(indent);
}

/* The receiver and where, without its share. */
static char *receiver_words(const struct snapshot *snapshot, uint32_t socket)
{
	char *where, *who, *text;

	if (socket == SNAPSHOT_NONE)
		return xstrdup("the new socket");
	where = words_socket(snapshot, socket);
	who = words_holders(snapshot, socket);
	text = xasprintf("%s on %s", who, where);
	free(where);
	free(who);
	return text;
}

/* Receivers that read alike, as those that cannot be seen do, are one. */
struct receiver {
	char *words;
	double share;
	uint32_t count;
};

/* Returns how many read differently, at most RECEIVERS_MAX + 1, for which receivers has room. */
static uint32_t fold_receivers(const struct snapshot *snapshot,
			       const struct probe_delivery *delivery, struct receiver *receivers)
{
	uint32_t i, k, n = 0;

	for (i = 0; i < delivery->n_shares; i++) {
		char *words = receiver_words(snapshot, delivery->shares[i].socket);

		for (k = 0; k < n && strcmp(receivers[k].words, words) != 0; k++)
			;
		if (k < n || n > RECEIVERS_MAX)
			free(words);
		else
			receivers[n++] = (struct receiver){ .words = words };
		if (k == n)
			continue;
		receivers[k].share += delivery->shares[i].share;
		receivers[k].count++;
	}
	return n;
}

/* Neither all nor nothing, if it is not. */
static void write_share(double share, struct out *out)
{
	if (share < 0.005)
		out_string(out, " under 1 %");
	else if (share >= 0.995 && share < 0.999999)
		out_string(out, " over 99 %");
	else
		out_printf(out, " %.0f %%", share * 100);
}

static void write_receiver(const struct receiver *receiver, bool copies, struct out *out)
{
	if (!copies)
		write_share(receiver->share, out);
	out_char(out, ' ');
	out_string(out, receiver->words);
	if (receiver->count > 1)
		out_printf(out, " (%u sockets)", receiver->count);
}

static void write_delivery(const struct snapshot *snapshot, const struct probe_report *report,
			   const struct probe_delivery *delivery, const char *label,
			   const struct probe_text_options *options, struct out *out)
{
	bool stream = protocol_is_stream((enum protocol)report->candidate.protocol);
	struct receiver *receivers;
	char address[ADDRESS_TEXT_MAX];
	uint32_t i, n;
	struct out line;

	if (!delivery->known)
		return;
	receivers = xcalloc(RECEIVERS_MAX + 1, sizeof(*receivers));
	n = fold_receivers(snapshot, delivery, receivers);
	address_format(report->destination_family, &report->destination, address);
	out_init(&line, -1);
	out_string(&line, stream ? "connections" : "datagrams");
	if (!probe_is_to_any(report))
		out_printf(&line, " to %s", address);
	if (report->candidate.device)
		out_printf(&line, " that arrive on %s",
			   snapshot_text(snapshot, report->candidate.device));
	out_printf(&line, "%s:", delivery->copies ? " (a copy to each)" : "");
	for (i = 0; i < n && i < RECEIVERS_MAX; i++) {
		out_string(&line, i ? "," : "");
		write_receiver(&receivers[i], delivery->copies, &line);
	}
	out_string(&line, !n ? " nobody" : n > RECEIVERS_MAX ? ", and others" : "");
	out_string(&line,
		   delivery->way == PROBE_REPLICA ? " (counted in the replica)" : " (model)");
	out_char(&line, '\0');
	finding_text_fill(label, line.buffer, options->width, out);
	out_done(&line);
	for (i = 0; i < n; i++)
		free(receivers[i].words);
	free(receivers);
}

static bool is_in_limits(const struct probe_report *report, const char *reason)
{
	uint32_t i;

	for (i = 0; i < report->n_limits; i++)
		if (strstr(report->limits[i].text, reason))
			return true;
	return false;
}

/* The clauses that some of the sets have, each once, with its sets before it. */
static void write_clauses(const struct probe_report *report, const char *const *clauses,
			  const char *label, const struct probe_text_options *options,
			  struct out *out)
{
	uint32_t set, first;
	char *sets, *line;

	for (first = 0; first < PROBE_SETS; first++) {
		const char *clause = clauses[first];

		for (set = 0; clause && set < first; set++)
			if (clauses[set] == clause)
				clause = NULL;
		if (!clause || is_in_limits(report, clause))
			continue;
		sets = xstrdup(probe_set_name(first));
		for (set = first + 1; set < PROBE_SETS; set++) {
			if (clauses[set] != clause)
				continue;
			line = xasprintf("%s, %s", sets, probe_set_name(set));
			free(sets);
			sets = line;
		}
		line = xasprintf("%s: %s", sets, clause);
		finding_text_fill(label, line, options->width, out);
		label = "          ";
		free(line);
		free(sets);
	}
}

/* Why there are live binds that have not been made, and what those that have may have done. */
static void write_live(const struct probe_report *report, const struct probe_text_options *options,
		       struct out *out)
{
	const char *left_out[PROBE_SETS], *harm[PROBE_SETS];
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++) {
		left_out[set] = report->attempts[set].left_out;
		harm[set] = report->attempts[set].harm;
	}
	write_clauses(report, left_out, "Not live: ", options, out);
	write_clauses(report, harm, "But live: ", options, out);
}

static void write_limits(const struct probe_report *report,
			 const struct probe_text_options *options, struct out *out)
{
	uint32_t i;

	for (i = 0; i < report->n_limits; i++)
		finding_text_fill(i ? "        " : "Limits: ", report->limits[i].text,
				  options->width, out);
}

void probe_text_write(const struct snapshot *snapshot, const struct probe_report *report,
		      const struct probe_verdict *verdict, const struct probe_text_options *options,
		      struct out *out)
{
	bool receives = report->before.n_shares > 0;

	finding_text_fill("", verdict->text, options->width, out);
	out_char(out, '\n');
	write_matrix(report, options, out);
	out_char(out, '\n');
	write_blockers(snapshot, verdict, options, out);
	write_sentences("They differ: ", &verdict->differences, options, out);
	write_sentences("What to do: ", &verdict->remedies, options, out);
	write_sentences("Note: ", &verdict->notes, options, out);
	if (receives)
		write_delivery(snapshot, report, &report->before, "Receives now: ", options, out);
	if (receives)
		write_delivery(snapshot, report, &report->after, "Would then:   ", options, out);
	write_live(report, options, out);
	write_limits(report, options, out);
	finding_text_limits(snapshot, options->width, out);
}

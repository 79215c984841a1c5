/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/wait-line.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analysis/words.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/xalloc.h"

#define BAR_WIDTH 20
#define BAR_WIDTH_NARROW 10
#define WIDTH_NARROW 80 /* below it the bar gives way to words */
#define WIDTH_TOO_NARROW 40 /* below it there is none */
#define WIDTH_UNKNOWN 80

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define N_SIGNALS ARRAY_SIZE(signals)

struct wait_line {
	char *where;
	bool quiet, terminal, utf8;
	char *said; /* what the last line says, without what moves; NULL: nothing */
	int64_t moment_ms; /* when all has ended; -1: not known */
	bool at_the_earliest; /* and it may be later */
	int64_t total_ms; /* what there was to wait when that was first known: a whole bar */
	struct sigaction before[N_SIGNALS];
};

/* Back to the beginning of the line, and away with it (ECMA-48, EL). */
static const char erase[] = "\r\033[K";

static void end_cleanly(int number)
{
	ssize_t ignored = write(STDERR_FILENO, erase, sizeof(erase) - 1);

	/* SA_RESETHAND has brought back what it does by itself. */
	(void)ignored;
	raise(number);
}

static void catch_signals(struct wait_line *line)
{
	struct sigaction action = { .sa_handler = end_cleanly, .sa_flags = (int)SA_RESETHAND };
	size_t i;

	for (i = 0; i < N_SIGNALS; i++) {
		sigaction(signals[i], NULL, &line->before[i]);
		/* What the caller ignores stays ignored, for the command too. */
		if (line->before[i].sa_handler == SIG_DFL)
			sigaction(signals[i], &action, NULL);
	}
}

struct wait_line *wait_line_new(const struct bind_candidate *candidate, bool anywhere, bool quiet)
{
	struct wait_line *line = xcalloc(1, sizeof(*line));
	const char *term = getenv("TERM");
	bool v6 = candidate->family == AF_INET6;
	char address[ADDRESS_TEXT_MAX];

	address_format(candidate->family, &candidate->address, address);
	line->where = xasprintf("%s %s%s%s:%u", protocol_name((enum protocol)candidate->protocol),
				v6 ? "[" : "", anywhere ? "*" : address, v6 ? "]" : "",
				candidate->port);
	line->quiet = quiet;
	line->terminal = !quiet && isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
	line->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
	line->moment_ms = -1;
	if (line->terminal)
		catch_signals(line);
	return line;
}

static void write_all(const char *bytes, size_t length)
{
	struct out out;

	out_init(&out, STDERR_FILENO);
	out_bytes(&out, bytes, length);
	out_flush(&out);
	out_done(&out);
}

void wait_line_free(struct wait_line *line)
{
	size_t i;

	if (line->terminal) {
		if (line->said)
			write_all(erase, sizeof(erase) - 1);
		for (i = 0; i < N_SIGNALS; i++)
			sigaction(signals[i], &line->before[i], NULL);
	}
	free(line->where);
	free(line->said);
	free(line);
}

static uint32_t width_of_terminal(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col)
		return WIDTH_UNKNOWN;
	return size.ws_col;
}

static const char *least(bool at_the_earliest)
{
	return at_the_earliest ? "at least " : "";
}

static void append_bar(const struct wait_line *line, int64_t left_ms, uint32_t width,
		       struct out *out)
{
	int length = width < WIDTH_TOO_NARROW ? 0 :
		     width < WIDTH_NARROW     ? BAR_WIDTH_NARROW :
						BAR_WIDTH;
	int64_t full = line->total_ms > 0 ? left_ms * length / line->total_ms : 0;
	int i;

	out_string(out, length ? "  " : " ");
	for (i = 0; i < length; i++)
		out_string(out, i < full ? (line->utf8 ? "█" : "#") : (line->utf8 ? "░" : "."));
	out_printf(out, " %s%.0f s", least(line->at_the_earliest), (double)left_ms / 1000);
}

/* The words, cut to this width, with a mark where they are. */
static void append_words(const struct wait_line *line, const struct out *words, size_t width,
			 struct out *out)
{
	const char *mark = line->utf8 ? "…" : "...";
	size_t mark_width = line->utf8 ? 1 : 3;

	if (escape_width(words->buffer, words->used) <= width) {
		out_bytes(out, words->buffer, words->used);
	} else if (width > mark_width) {
		out_bytes(out, words->buffer,
			  escape_fit(words->buffer, words->used, width - mark_width, NULL));
		out_string(out, mark);
	}
}

/* The countdown is never cut off, the words are. */
static void draw(const struct wait_line *line)
{
	struct out words, bar, all;
	uint32_t width = width_of_terminal();
	size_t taken = 0;

	out_init(&words, -1);
	out_init(&bar, -1);
	out_init(&all, -1);
	escape_append(&words, ESCAPE_TERMINAL, line->said, strlen(line->said));
	if (line->moment_ms >= 0) {
		int64_t left_ms = line->moment_ms - monotonic_ms();

		append_bar(line, left_ms > 0 ? left_ms : 0, width, &bar);
		taken = escape_width(bar.buffer, bar.used);
	}
	out_string(&all, erase);
	append_words(line, &words, width > taken + 1 ? width - taken - 1 : 0, &all);
	out_bytes(&all, bar.buffer, bar.used);
	write_all(all.buffer, all.used);
	out_done(&words);
	out_done(&bar);
	out_done(&all);
}

bool wait_line_moves(const struct wait_line *line)
{
	return line->terminal && line->said && line->moment_ms >= 0;
}

void wait_line_tick(struct wait_line *line)
{
	if (wait_line_moves(line))
		draw(line);
}

/* What is waited for when there is no socket to name. */
static char *unseen_words(const struct wait_line *line, const struct look *look)
{
	const struct probe_verdict *verdict = &look->verdict;
	const char *device = snapshot_text(look->snapshot, look->report.candidate.device);

	if (verdict->answer == TRISTATE_UNKNOWN)
		return xstrdup(verdict->text);
	if (verdict->error == EADDRNOTAVAIL)
		return xasprintf("%s: waiting for the address, which is not there yet",
				 line->where);
	if (verdict->error == ENODEV)
		return xasprintf("%s: waiting for the interface %s, which is not there yet",
				 line->where, device ? device : "");
	if (!look->report.candidate.port)
		return xasprintf("%s: waiting for a port, none of net.ipv4.ip_local_port_range is "
				 "free",
				 line->where);
	return xasprintf("%s: waiting for a socket that cannot be seen", line->where);
}

/* The one to name: who stays longest, and of those without an end the first. */
static uint32_t main_blocker(const struct probe_verdict *verdict)
{
	uint32_t i, longest = 0;

	for (i = 0; i < verdict->n_blockers; i++) {
		int64_t ms = verdict->blockers[i].frees_in_ms;

		if (ms < 0)
			return verdict->blockers[i].socket;
		if (ms > verdict->blockers[longest].frees_in_ms)
			longest = i;
	}
	return verdict->blockers[longest].socket;
}

/*
 * For one line of a terminal, what matters most first: "tcp 0.0.0.0:8080: TIME-WAIT at 127.0.0.1
 * and 3 more, no process, no reuse flag".
 */
static char *short_words(const struct wait_line *line, const struct look *look)
{
	const struct probe_verdict *verdict = &look->verdict;
	const struct bind_candidate *candidate = &look->report.candidate;
	uint32_t first = main_blocker(verdict);
	const struct inet_socket *socket = &look->snapshot->sockets[first];
	bool is_there = socket->family == candidate->family &&
			address_equal(&socket->local, &candidate->address);
	char *address = words_address(socket), *holders = words_holders(look->snapshot, first);
	char *flags = words_flags(socket), *more, *text;

	more = verdict->n_blockers > 1 ? xasprintf(" and %u more", verdict->n_blockers - 1) :
					 xstrdup("");
	text = xasprintf("%s: %s%s%s%s, %s, %s", line->where,
			 socket_state_name((enum socket_state)socket->state),
			 is_there ? "" : " at ", is_there ? "" : address, more, holders, flags);
	free(address);
	free(holders);
	free(flags);
	free(more);
	return text;
}

/* "tcp 127.0.0.1:8080, TIME-WAIT, no process, no reuse flag (bpf) and 3 more" */
static char *words_of(const struct wait_line *line, const struct look *look)
{
	const struct probe_verdict *verdict = look ? &look->verdict : NULL;
	char *first, *text;

	if (!look)
		return xasprintf("%s: nobody listens yet", line->where);
	if (!verdict->n_blockers)
		return unseen_words(line, look);
	first = words_described(look->snapshot, main_blocker(verdict));
	if (verdict->n_blockers > 1)
		text = xasprintf("%s: waiting for %s and %u more", line->where, first,
				 verdict->n_blockers - 1);
	else
		text = xasprintf("%s: waiting for %s", line->where, first);
	free(first);
	return text;
}

/* With how long it takes, as far as that look, which may be NULL, tells. */
static void print_line(const char *text, const struct look *look)
{
	int64_t left_ms = look ? look->verdict.frees_in_ms : -1;
	struct out out;

	out_init(&out, STDERR_FILENO);
	out_string(&out, "portshare: ");
	escape_append(&out, ESCAPE_TERMINAL, text, strlen(text));
	if (left_ms >= 0)
		out_printf(&out, ", %s%.1f s", least(look->verdict.at_the_earliest),
			   (double)left_ms / 1000);
	out_char(&out, '\n');
	out_flush(&out);
	out_done(&out);
}

void wait_line_show(struct wait_line *line, const struct look *look)
{
	int64_t left_ms = look ? look->verdict.frees_in_ms : -1, moment;
	char *said;
	bool same;

	if (line->quiet)
		return;
	said = line->terminal && look && look->verdict.n_blockers ? short_words(line, look) :
								    words_of(line, look);
	same = line->said && !strcmp(said, line->said);
	free(line->said);
	line->said = said;
	moment = left_ms >= 0 ? monotonic_ms() + left_ms : -1;
	/* It is known to the second only: no new bar for less. */
	if (moment < 0 || line->moment_ms < 0 || moment > line->moment_ms + 1000)
		line->total_ms = left_ms;
	line->moment_ms = moment;
	line->at_the_earliest = look && look->verdict.at_the_earliest;
	if (line->terminal)
		draw(line);
	else if (!same)
		print_line(said, look);
}

static void clear(struct wait_line *line)
{
	if (line->terminal && line->said)
		write_all(erase, sizeof(erase) - 1);
	free(line->said);
	line->said = NULL;
}

void wait_line_refuse(struct wait_line *line, const struct look *look)
{
	clear(line);
	print_line(look->verdict.text, NULL);
}

void wait_line_give_up(struct wait_line *line, const struct look *look)
{
	char *said = words_of(line, look), *text = xasprintf("given up: %s", said);

	clear(line);
	print_line(text, look);
	free(text);
	free(said);
}

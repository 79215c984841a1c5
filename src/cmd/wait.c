/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/candidate.h"
#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/look.h"
#include "cmd/options.h"
#include "cmd/wait-line.h"
#include "source/sock-events.h"
#include "source/source.h"
#include "util/clock.h"
#include "util/duration.h"
#include "util/xalloc.h"

/* Exit statuses of the shell, for a command that cannot be run. */
enum {
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/*
 * No event tells that TIME-WAIT has ended, that somebody begins to listen, or that a flag has
 * changed: then there is a glance at the port each so many milliseconds, or longer if a glance
 * takes long, and a look at everything from time to time.
 */
#define GLANCE_MS 250
#define GLANCE_MAX_MS 900
#define GLANCE_SHARE 20 /* of the time at most one part in so many is spent on it */
#define LOOK_MS 5000
#define AFTER_MOMENT_MS 5 /* the kernel's timers are coarse */
#define TICK_MS 200 /* of the countdown on a terminal */

struct wait_command {
	struct options common;
	int64_t timeout_ms; /* -1: none */
	bool until_listening;
	bool quiet;
	char **command; /* NULL: none */

	struct bind_candidate candidate;
	struct sock_events *events; /* NULL: there are none */
	struct wait_line *line;
	int64_t start_ms;
	int64_t glance_ms; /* between two */
	uint64_t seen; /* of the last glance: what was there */
};

enum {
	OPTION_TIMEOUT = OPTION_OWN,
	OPTION_UNTIL,
};

static const struct option_text own_options[] = {
	{ OPTION_TIMEOUT, "timeout", "TIME", "give up after this: 90, 90s, 2m, 500ms", "Waiting:" },
	{ OPTION_UNTIL, "until", "WHAT", "free (it can be bound; the default) or listening", NULL },
	{ 'q', "quiet", NULL, "say nothing while waiting", NULL },
};

static bool take_option(void *user, int code, const char *argument)
{
	struct wait_command *command = user;

	switch (code) {
	case OPTION_TIMEOUT:
		if (duration_parse(argument, &command->timeout_ms))
			return options_error(
				"cannot read the time", argument,
				"expected a number with s, m, h or ms, up to 100 days");
		break;
	case OPTION_UNTIL:
		command->until_listening = !strcmp(argument, "listening");
		if (!command->until_listening && strcmp(argument, "free") != 0)
			return options_error("cannot wait until", argument,
					     "expected free or listening");
		break;
	case 'q':
		command->quiet = true;
		break;
	}
	return true;
}

static bool check_options(const struct wait_command *command)
{
	if (command->common.from)
		return options_error("in a snapshot nothing changes: wait takes no --from", NULL,
				     NULL);
	if (command->common.json)
		return options_error("wait answers by its exit status; probe has --json", NULL,
				     NULL);
	return true;
}

static bool parse(int argc, char **argv, struct wait_command *command, int *ret_status)
{
	const struct command_line line = {
		.usage =
			"Usage: portshare wait [OPTION]... [tcp:|udp:][ADDRESS:]PORT [-- COMMAND...]\n"
			"\n"
			"Wait until this can be bound, with the flags given, and then run a command in\n"
			"place of portshare. On a terminal, shows what is in the way and until when.\n",
		.status =
			"Exit status: 0 it can be bound (with COMMAND: its own), 1 not in time, 2 usage or\n"
			"failure, 3 it cannot be told, 126 or 127 COMMAND cannot be run. Manual:\n"
			"portshare-wait(1).\n",
		.takes_bind = true,
		.own = own_options,
		.n_own = ARRAY_SIZE(own_options),
		.trouble = EXIT_TROUBLE,
		.take = take_option,
		.user = command,
	};
	int i;

	/* What stands behind the first -- is not ours, whatever getopt would make of it. */
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		if (i + 1 < argc)
			command->command = argv + i + 1;
		argv[i] = NULL;
		argc = i;
	}
	return options_parse(argc, argv, &line, &command->common, ret_status) &&
	       check_options(command);
}

static int64_t at_least(int64_t a, int64_t b)
{
	return a < b ? b : a;
}

/* Milliseconds until the time is up; -1: there is no limit. */
static int64_t time_left(const struct wait_command *command)
{
	if (command->timeout_ms < 0)
		return -1;
	return at_least(command->start_ms + command->timeout_ms - monotonic_ms(), 0);
}

static bool is_up(const struct wait_command *command)
{
	return time_left(command) == 0;
}

/* What decides whether it is worth a look, in one number: the sockets and their states. */
static uint64_t digest(const struct snapshot *snapshot)
{
	uint64_t sum = snapshot->n_sockets;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];
		uint64_t mixed = (socket->cookie + 1) * 0x9e3779b97f4a7c15 + socket->state;

		/* In any order. */
		sum += mixed ^ mixed >> 29;
	}
	return sum;
}

/* The sockets alone: no owners, no flags. NULL after saying what is wrong. */
static struct snapshot *glance(struct wait_command *command)
{
	int64_t start = monotonic_ms();
	struct snapshot *snapshot = candidate_glance(&command->common, &command->candidate);

	command->glance_ms = at_least((monotonic_ms() - start) * GLANCE_SHARE, GLANCE_MS);
	if (command->glance_ms > GLANCE_MAX_MS)
		command->glance_ms = GLANCE_MAX_MS;
	return snapshot;
}

/*
 * Sleep until something has happened, or this many milliseconds have passed, or the time is up. The
 * countdown goes on.
 */
static void sleep_until_event(struct wait_command *command, int64_t ms)
{
	int64_t end = monotonic_ms() + ms, left = time_left(command);

	if (left >= 0 && left < ms)
		end = monotonic_ms() + left;
	for (;;) {
		struct pollfd event = { .fd = command->events ? sock_events_fd(command->events) :
								-1,
					.events = POLLIN };
		int64_t rest = end - monotonic_ms();

		if (rest <= 0)
			return;
		if (wait_line_moves(command->line) && rest > TICK_MS)
			rest = TICK_MS;
		if (poll(&event, 1, (int)rest) > 0 &&
		    sock_events_take(command->events, command->candidate.port))
			return;
		wait_line_tick(command->line);
	}
}

/*
 * Until a look may have another result: an event, another set of sockets, the moment at which all
 * that is in the way has ended, or LOOK_MS. Returns false after an error.
 */
static bool wait_for_change(struct wait_command *command, const struct look *look,
			    int64_t looked_ms)
{
	int64_t moment = look->verdict.frees_in_ms >= 0 ?
				 looked_ms + look->verdict.frees_in_ms + AFTER_MOMENT_MS :
				 INT64_MAX;
	int64_t next_look = monotonic_ms() + LOOK_MS;
	struct snapshot *snapshot;
	uint64_t seen;

	while (!is_up(command)) {
		int64_t now = monotonic_ms(), pause = command->glance_ms;

		if (now >= moment || now >= next_look)
			return true;
		if (moment - now < pause)
			pause = moment - now;
		sleep_until_event(command, pause);
		snapshot = glance(command);
		if (!snapshot)
			return false;
		seen = digest(snapshot);
		snapshot_free(snapshot);
		if (seen != command->seen) {
			command->seen = seen;
			return true;
		}
	}
	return true;
}

/* Waiting does not change what is wrong with the bind itself. */
static bool is_hopeless(const struct probe_verdict *verdict)
{
	return verdict->answer == TRISTATE_NO && verdict->error != EADDRINUSE &&
	       verdict->error != EADDRNOTAVAIL && verdict->error != ENODEV;
}

/* Returns the exit status. */
static int wait_until_free(struct wait_command *command)
{
	int status = EXIT_TROUBLE;
	bool done = false;

	while (!done) {
		int64_t looked_ms = monotonic_ms();
		struct look look;

		if (!look_at(&command->common, &command->candidate, LOOK_LIVE, &look))
			return EXIT_TROUBLE;
		if (look.verdict.answer == TRISTATE_YES) {
			status = EXIT_OK;
			done = true;
		} else if (is_hopeless(&look.verdict)) {
			wait_line_end(command->line, &look);
			done = true;
		} else if (is_up(command)) {
			status = look.verdict.answer == TRISTATE_NO ? EXIT_NOTHING :
								      EXIT_CANNOT_TELL;
			wait_line_end(command->line, &look);
			done = true;
		} else {
			wait_line_show(command->line, &look);
			if (!wait_for_change(command, &look, looked_ms))
				done = true;
		}
		look_done(&look);
	}
	return status;
}

static bool listens(const struct wait_command *command, const struct snapshot *snapshot)
{
	const struct bind_candidate *candidate = &command->candidate;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (protocol_is_stream((enum protocol)socket->protocol) ?
			    socket->state != STATE_LISTEN :
			    socket->state != STATE_BOUND)
			continue;
		/* Asked for the wildcard, any will do. */
		if (address_is_wildcard(candidate->family, &candidate->address) ||
		    address_covers(socket->family, &socket->local, socket->v6only == TRISTATE_YES,
				   candidate->family, &candidate->address))
			return true;
	}
	return false;
}

static int wait_until_listening(struct wait_command *command)
{
	for (;;) {
		struct snapshot *snapshot = glance(command);
		bool found;

		if (!snapshot)
			return EXIT_TROUBLE;
		found = listens(command, snapshot);
		snapshot_free(snapshot);
		if (found)
			return EXIT_OK;
		if (is_up(command)) {
			wait_line_end(command->line, NULL);
			return EXIT_NOTHING;
		}
		wait_line_show(command->line, NULL);
		sleep_until_event(command, command->glance_ms);
	}
}

/* In place of this program. Returns only if that fails. */
static int run(char **command)
{
	int error;

	execvp(command[0], command);
	error = errno;
	options_error("cannot run", command[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int wait_and_run(struct wait_command *command)
{
	int status;

	command->start_ms = monotonic_ms();
	command->line =
		wait_line_new(&command->candidate, command->until_listening, command->quiet);
	/* Without events it is just slower to see what happens. */
	if (sock_events_open(command->common.netns, &command->events))
		command->events = NULL;
	status = command->until_listening ? wait_until_listening(command) :
					    wait_until_free(command);
	sock_events_close(command->events);
	wait_line_free(command->line);
	return status == EXIT_OK && command->command ? run(command->command) : status;
}

int command_wait(int argc, char **argv)
{
	struct wait_command command = { .timeout_ms = -1, .glance_ms = GLANCE_MS };
	int status;

	if (parse(argc, argv, &command, &status)) {
		status = EXIT_TROUBLE;
		if (candidate_parse(&command.common, &command.candidate))
			status = wait_and_run(&command);
	}
	options_done(&command.common);
	return status;
}

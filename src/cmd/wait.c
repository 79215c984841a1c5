/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/candidate.h"
#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/inherited.h"
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
 * takes long, and a look at everything from time to time. An event brings the next glance forward,
 * but on a busy port there are more events than are worth a glance: between two, as between two
 * looks, there is always a distance in proportion to what one costs, as far as that leaves a
 * command starting within a second.
 */
#define GLANCE_MS 250
#define GLANCE_MAX_MS 900
#define GLANCE_SHARE 20 /* of the time at most one part in so many is spent on it */
#define EVENT_GAP_MS 20 /* between two glances, at least */
#define LOOK_MS 5000
#define LOOK_GAP_MAX_MS 500
#define ABSENT_MS 500 /* between looks for an address or interface that may come, without events */
#define AFTER_MOMENT_MS 5 /* at the moment itself its timer has just run out, or will */
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
	int64_t glanced_ms, looked_ms; /* when the last one ended; 0: there was none */
	int64_t glance_cost_ms, look_cost_ms; /* of the last one */
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

/* To become another user is the work of setpriv, su or systemd. */
static bool check_user(const struct wait_command *command)
{
	if (!command->command || command->candidate.uid == (uint32_t)geteuid())
		return true;
	return options_error("--as asks what another user could bind, but COMMAND would run as "
			     "the one who calls",
			     NULL, "wait without --as, or without COMMAND");
}

/* The kernel takes it for any port that is free: nobody listens there. */
static bool check_port(const struct wait_command *command)
{
	if (!command->until_listening || command->candidate.port)
		return true;
	return options_error("nobody can listen on port 0", NULL, "expected the port of a server");
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
		.more = "a command to run goes behind --",
		.from_help = "refused: in a snapshot nothing changes",
		.json_help = "refused: the exit status answers, and probe has it",
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
		/*
		 * As of a variable that is empty: then nothing would be started, and all be well.
		 */
		if (i + 1 == argc) {
			*ret_status = EXIT_TROUBLE;
			return options_error("a command is missing behind", "--", NULL);
		}
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

static int64_t between(int64_t low, int64_t value, int64_t high)
{
	return at_least(value < high ? value : high, low);
}

/* From one glance to the next when nothing tells of a change. */
static int64_t glance_pause(const struct wait_command *command)
{
	return between(GLANCE_MS, command->glance_cost_ms * GLANCE_SHARE, GLANCE_MAX_MS);
}

/* The sockets alone: no owners, no flags. NULL after saying what is wrong. */
static struct snapshot *glance(struct wait_command *command)
{
	int64_t start = monotonic_ms();
	struct snapshot *snapshot = candidate_glance(&command->common, &command->candidate);

	command->glanced_ms = monotonic_ms();
	command->glance_cost_ms = command->glanced_ms - start;
	return snapshot;
}

/*
 * Sleep until this moment, or until the time is up. The countdown goes on. With listen_to, which
 * may be NULL, until that has something, too; returns whether it has.
 */
static bool sleep_until(const struct wait_command *command, int64_t end_ms,
			const struct sock_events *listen_to)
{
	int64_t left = time_left(command);

	if (left >= 0 && monotonic_ms() + left < end_ms)
		end_ms = monotonic_ms() + left;
	for (;;) {
		struct pollfd event = { .fd = listen_to ? sock_events_fd(listen_to) : -1,
					.events = POLLIN };
		int64_t rest = end_ms - monotonic_ms();

		if (rest <= 0)
			return false;
		if (wait_line_moves(command->line) && rest > TICK_MS)
			rest = TICK_MS;
		if (poll(&event, 1, (int)rest) > 0)
			return true;
		wait_line_tick(command->line);
	}
}

/*
 * Sleep until the next glance: ms from now, or when a socket of the port has gone, but not sooner
 * than is due. What comes meanwhile is one event with the first.
 */
static void sleep_until_glance(struct wait_command *command, int64_t ms)
{
	int64_t end = monotonic_ms() + ms;
	int64_t gap = between(EVENT_GAP_MS, command->glance_cost_ms * GLANCE_SHARE, GLANCE_MAX_MS);

	while (sleep_until(command, end, command->events)) {
		if (sock_events_take(command->events, command->candidate.port)) {
			int64_t due = command->glanced_ms + gap;

			sleep_until(command, due < end ? due : end, NULL);
			sock_events_take(command->events, command->candidate.port);
			return;
		}
		/* Of other ports: on a busy machine without end. */
		sleep_until(command, monotonic_ms() + EVENT_GAP_MS, NULL);
	}
}

static bool has_socket(const struct snapshot *snapshot, const struct inet_socket *wanted)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++)
		if (snapshot->sockets[i].cookie == wanted->cookie &&
		    snapshot->sockets[i].state == wanted->state)
			return true;
	return false;
}

/*
 * Whether one that was in the way for certain still is there, whatever came and went beside it.
 * With SO_REUSEPORT it may be passed over, by what the bucket remembers or who stands before it.
 */
static bool is_still_blocked(const struct look *look, const struct snapshot *snapshot)
{
	const struct probe_verdict *verdict = &look->verdict;
	uint32_t i;

	if (look->report.candidate.reuse_port || verdict->answer != TRISTATE_NO)
		return false;
	for (i = 0; i < verdict->n_blockers; i++) {
		const struct inet_socket *socket =
			&look->snapshot->sockets[verdict->blockers[i].socket];

		if (verdict->blockers[i].certain && socket->cookie && has_socket(snapshot, socket))
			return true;
	}
	return false;
}

/* When to look again though nothing seems to have changed. */
static int64_t look_pause(const struct look *look)
{
	int error = look->verdict.answer == TRISTATE_NO ? look->verdict.error : 0;

	return error == EADDRNOTAVAIL || error == ENODEV ? ABSENT_MS : LOOK_MS;
}

/*
 * Until a look may have another result: who was in the way has gone, or, where that cannot be said,
 * there is another set of sockets; or it is time. The moment at which all that is in the way should
 * have ended is worth a glance, once: the kernel's timer for a minute may fire some seconds late.
 * Returns false after an error.
 */
static bool wait_for_change(struct wait_command *command, const struct look *look)
{
	int64_t moment = look->verdict.frees_in_ms >= 0 ?
				 command->looked_ms + look->verdict.frees_in_ms + AFTER_MOMENT_MS :
				 0;
	int64_t next_look = command->looked_ms +
			    between(0, command->look_cost_ms * GLANCE_SHARE, LOOK_GAP_MAX_MS);
	int64_t latest_look = command->looked_ms + look_pause(look);
	uint64_t seen = digest(look->snapshot);
	bool changed = false;

	while (!is_up(command) && !changed && monotonic_ms() < latest_look) {
		int64_t now = monotonic_ms(), pause = glance_pause(command);
		struct snapshot *snapshot;

		if (moment > now && moment - now < pause)
			pause = moment - now;
		if (latest_look - now < pause)
			pause = latest_look - now;
		sleep_until_glance(command, pause);
		snapshot = glance(command);
		if (!snapshot)
			return false;
		changed = digest(snapshot) != seen && !is_still_blocked(look, snapshot);
		snapshot_free(snapshot);
	}
	if (changed)
		sleep_until(command, next_look, NULL);
	return true;
}

/*
 * The first look asks the port itself. After that the model is asked first: what it finds in the
 * way is, and each bind that succeeds could keep another server from the port that starts just
 * then.
 */
static bool look_now(struct wait_command *command, struct look *ret_look)
{
	/* A mapped socket does not ask what the cgroup forbids IPv4; the replica does. */
	uint32_t ways =
		LOOK_LIVE |
		(protocol_is_stream((enum protocol)command->candidate.protocol) ? 0 : LOOK_REPLICA);
	int64_t start = monotonic_ms();
	bool known = false;

	if (command->looked_ms) {
		if (!look_at(&command->common, &command->candidate, 0, ret_look))
			return false;
		known = ret_look->verdict.answer == TRISTATE_NO;
		if (!known)
			look_done(ret_look);
	}
	if (!known && !look_at(&command->common, &command->candidate, ways, ret_look))
		return false;
	command->looked_ms = monotonic_ms();
	command->look_cost_ms = command->looked_ms - start;
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
		struct look look;

		if (!look_now(command, &look))
			return EXIT_TROUBLE;
		if (look.verdict.answer == TRISTATE_YES) {
			status = EXIT_OK;
			done = true;
		} else if (is_hopeless(&look.verdict)) {
			wait_line_refuse(command->line, &look);
			done = true;
		} else if (is_up(command)) {
			status = look.verdict.answer == TRISTATE_NO ? EXIT_NOTHING :
								      EXIT_CANNOT_TELL;
			wait_line_give_up(command->line, &look);
			done = true;
		} else {
			wait_line_show(command->line, &look);
			if (!wait_for_change(command, &look))
				done = true;
		}
		look_done(&look);
	}
	return status;
}

/* Whether neither an address nor a family was named. */
static bool is_anywhere(const struct wait_command *command)
{
	return command->candidate.family == AF_INET && command->common.filter.inet6 &&
	       !command->common.bind.address && !command->common.selectors[0].has_address;
}

/* Asked for a wildcard any address will do, of the family that was named, if one was. */
static bool is_of_family(const struct wait_command *command, const struct inet_socket *socket)
{
	bool v6 = socket->family == AF_INET6 && !address_is_v4_mapped(AF_INET6, &socket->local);

	if (command->candidate.family == AF_INET6)
		return v6;
	return is_anywhere(command) || !v6 ||
	       (socket->v6only != TRISTATE_YES && address_is_wildcard(AF_INET6, &socket->local));
}

static bool is_on_device(const struct wait_command *command, const struct snapshot *snapshot,
			 const struct inet_socket *socket)
{
	const char *wanted = command->common.bind.device;

	return !wanted || !socket->device ||
	       !strcmp(wanted, snapshot_text(snapshot, socket->device));
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
		if (!is_on_device(command, snapshot, socket))
			continue;
		if (address_is_wildcard(candidate->family, &candidate->address) ?
			    is_of_family(command, socket) :
			    address_covers(socket->family, &socket->local,
					   socket->v6only == TRISTATE_YES, candidate->family,
					   &candidate->address))
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
			wait_line_give_up(command->line, NULL);
			return EXIT_NOTHING;
		}
		wait_line_show(command->line, NULL);
		sleep_until_glance(command, glance_pause(command));
	}
}

/* In place of this program. Returns only if that fails. */
static int run(char **command)
{
	int error;

	inherited_restore();
	execvp(command[0], command);
	error = errno;
	options_error("cannot run", command[0], strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

static int wait_and_run(struct wait_command *command)
{
	int status;

	command->start_ms = monotonic_ms();
	command->line = wait_line_new(&command->candidate,
				      command->until_listening && is_anywhere(command),
				      command->quiet);
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
	struct wait_command command = { .timeout_ms = -1 };
	int status;

	if (parse(argc, argv, &command, &status)) {
		status = EXIT_TROUBLE;
		if (candidate_parse(&command.common, &command.candidate) && check_port(&command) &&
		    check_user(&command))
			status = wait_and_run(&command);
	}
	options_done(&command.common);
	return status;
}

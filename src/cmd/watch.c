/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "analysis/probe-verdict.h"
#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/watch-collector.h"
#include "cmd/watch-source.h"
#include "model/snapshot-json.h"
#include "output/color.h"
#include "output/explain-text.h"
#include "output/probe-text.h"
#include "tui/keys.h"
#include "tui/terminal.h"
#include "tui/view.h"
#include "util/duration.h"
#include "util/escape.h"
#include "util/xalloc.h"

#define BATCH_ROWS 40
#define BATCH_COLUMNS 120
#define SIZE_MAX_CHARACTERS 1000
#define TICK_MS 500 /* TIME-WAIT counts down, marks fade */

struct watch_command {
	struct options common;
	int64_t interval_ms;
	unsigned long count; /* frames of --batch; 0: without end */
	bool batch, json_lines;

	struct view view;
	struct watch_collector *collector; /* NULL: the snapshot is from a file, or --batch */
};

enum {
	OPTION_BATCH = OPTION_OWN,
	OPTION_JSON_LINES,
};

static const struct option_text own_options[] = {
	{ 'n', "interval", "TIME", "read the sockets so often: 1s, 500ms", "How to show it:" },
	{ OPTION_BATCH, "batch", NULL, "print frames as text, without a terminal", NULL },
	{ 'c', "count", "N", "so many frames, with --batch", NULL },
	{ OPTION_JSON_LINES, "json-lines", NULL, "with --batch: a summary a line, as JSON", NULL },
};

static bool take_option(void *user, int code, const char *argument)
{
	struct watch_command *command = user;
	char *end;

	switch (code) {
	case 'n':
		if (duration_parse(argument, &command->interval_ms))
			return options_error("cannot read the interval", argument,
					     "expected a number with s, m, h or ms");
		break;
	case 'c':
		errno = 0;
		command->count = strtoul(argument, &end, 10);
		if (*argument < '0' || *argument > '9' || *end || errno || !command->count)
			return options_error("cannot read the count", argument,
					     "expected a number from 1");
		break;
	case OPTION_BATCH:
		command->batch = true;
		break;
	case OPTION_JSON_LINES:
		command->json_lines = true;
		break;
	}
	return true;
}

static bool check_options(struct watch_command *command)
{
	if (command->common.json)
		return options_error(
			"watch has no --json; --batch --json-lines has summaries, and list "
			"--json a snapshot",
			NULL, NULL);
	if ((command->count || command->json_lines) && !command->batch)
		return options_error("--count and --json-lines are for --batch", NULL, NULL);
	/* What is in a file stays as it is. */
	if (command->common.from && command->count > 1)
		return options_error("a snapshot from a file is one frame", NULL, NULL);
	if (command->batch && command->common.from)
		command->count = 1;
	if (!command->batch && command->interval_ms < 100)
		return options_error("the interval is too short", NULL, "expected 100ms or more");
	return true;
}

static bool parse(int argc, char **argv, struct watch_command *command, int *ret_status)
{
	const struct command_line line = {
		.usage =
			"Usage: portshare watch [OPTION]... [SELECTOR]...\n"
			"\n"
			"A live view of ports, sockets and findings; ? shows the keys. With selectors or\n"
			"filters, what concerns those sockets.\n",
		.status =
			"Exit status: 0, 2 on a usage error, without a terminal that can be used, or if\n"
			"sockets cannot be read. Manual: portshare-watch(1).\n",
		.json_help = "refused: --batch --json-lines has summaries",
		.own = own_options,
		.n_own = ARRAY_SIZE(own_options),
		.trouble = EXIT_TROUBLE,
		.take = take_option,
		.user = command,
	};

	return options_parse(argc, argv, &line, &command->common, ret_status) &&
	       check_options(command);
}

static int64_t wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- what the view cannot do ---- */

/*
 * How the namespace of a socket can be entered, as --netns takes it; malloc'ed. NULL if it is the
 * one that was asked for, or if there is no way.
 */
static char *way_to_netns(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	const struct netns *netns = &snapshot->netns[socket->netns];
	const char *way;

	/* The first is the caller's own, or that of --netns. */
	if (!socket->netns || socket->netns >= snapshot->n_netns)
		return NULL;
	way = snapshot_text(snapshot, netns->name ? netns->name : netns->path);
	return way ? xstrdup(way) : NULL;
}

static void show_probe(struct watch_command *command, const char *text)
{
	view_overlay(&command->view, "Could this be bound?", text, strlen(text));
}

/* In a file nothing can be asked but the model; of who asks nothing is known but the uid. */
static void probe_file(struct watch_command *command, const struct bind_candidate *candidate,
		       uint32_t width)
{
	const struct frame *frame = command->view.frame;
	const struct probe_facts facts = {
		.address_error = PROBE_UNKNOWN,
		.privileged = tristate_of(candidate->uid == 0),
	};
	const struct probe_text_options options = { .width = width };
	struct probe_report report;
	struct probe_verdict verdict;
	struct out out;

	probe_report_init(&report, candidate);
	probe_predict(frame->snapshot, &frame->index, &facts, &report);
	probe_conclude(frame->snapshot, &frame->index, &report, &verdict);
	out_init(&out, -1);
	collect_write_origin(&command->common, frame->snapshot, width, &out);
	probe_text_write(frame->snapshot, &report, &verdict, &options, &out);
	out_char(&out, '\0');
	show_probe(command, out.buffer);
	out_done(&out);
	probe_verdict_done(&verdict);
	probe_report_done(&report);
}

/* The bind of a socket, by the caller, with every set of flags. */
static void host_probe(void *user, const struct snapshot *snapshot, uint32_t index, uint32_t width)
{
	struct watch_command *command = user;
	const struct inet_socket *socket = &snapshot->sockets[index];
	char *netns = way_to_netns(snapshot, socket);
	uint64_t id = socket->netns < snapshot->n_netns ? snapshot->netns[socket->netns].id : 0;
	const struct watch_probe probe = {
		.candidate = {
			.device = socket->device,
			.netns = socket->netns,
			.address = socket->local,
			.uid = (uint32_t)geteuid(),
			.port = socket->local_port,
			.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
			.family = socket->family,
			.v6only = socket->family == AF_INET6 && socket->v6only == TRISTATE_YES,
		},
		.device = snapshot_text(snapshot, socket->device),
		.netns = netns,
		.width = width,
		.netns_id = id,
	};

	if (!command->collector)
		probe_file(command, &probe.candidate, width);
	else if (socket->netns && !netns)
		show_probe(command, "No way into the network namespace of this socket is known.\n");
	else
		watch_collector_probe(command->collector, &probe);
	free(netns);
}

static void host_explain(void *user, enum finding_id id, uint32_t width, struct out *out)
{
	const struct finding_text_options options = { .width = width };

	(void)user;
	explain_write(id, &options, out);
}

/* As it can be typed, whatever the name is made of; "-" would be the standard input. */
static char *say_written(const char *path)
{
	struct out out;
	char *said;

	out_init(&out, -1);
	out_string(&out, "Written: portshare --from ");
	if (!strcmp(path, "-"))
		out_string(&out, "./");
	escape_shell(&out, path);
	out_char(&out, '\0');
	said = xstrdup(out.buffer);
	out_done(&out);
	return said;
}

/* Never over a file that is there. */
static char *host_write(void *user, const struct snapshot *snapshot,
			const struct finding_list *findings, const char *path)
{
	/* Arguments of all processes are in it. */
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), error;
	struct json_writer writer;
	struct out out;

	(void)user;
	if (fd < 0)
		return xasprintf("Cannot write %s: %s", path, strerror(errno));
	out_init(&out, fd);
	json_writer_init(&writer, &out, true);
	snapshot_json_save(snapshot, findings, &writer);
	error = out_flush(&out);
	out_done(&out);
	if (close(fd) && !error)
		error = -errno;
	if (!error)
		return say_written(path);
	unlink(path);
	return xasprintf("Cannot write %s: %s", path, strerror(-error));
}

static void host_set_interval(void *user, int64_t ms, bool paused)
{
	struct watch_command *command = user;

	if (command->collector)
		watch_collector_set(command->collector, ms, paused);
}

/* ---- on a terminal ---- */

static bool take_events(struct watch_command *command)
{
	struct terminal_event event;

	for (;;) {
		if (!terminal_read(&event))
			return false;
		if (event.key == TUI_KEY_NONE)
			return true;
		if (event.key == TUI_KEY_MOUSE && event.wheel)
			view_wheel(&command->view, event.wheel);
		else if (event.key == TUI_KEY_MOUSE)
			view_click(&command->view, event.row, event.column, event.twice);
		else if (!view_key(&command->view, event.key))
			return false;
	}
}

/* The first one comes with what cannot be seen, until a key is pressed. */
static void take_frame(struct watch_command *command, struct frame *frame)
{
	bool first = !command->view.frame;
	struct out limits;

	view_take(&command->view, frame);
	if (!first || !frame->snapshot->n_limits)
		return;
	out_init(&limits, -1);
	collect_limits_text(frame->snapshot, &limits);
	view_say(&command->view, "%.*s", (int)limits.used, limits.buffer);
	out_done(&limits);
}

static void take_news(struct watch_command *command)
{
	struct frame *frame = watch_collector_take(command->collector);
	char *probe = watch_collector_take_probe(command->collector), *said;

	if (frame && !command->view.paused)
		take_frame(command, frame);
	else
		frame_free(frame);
	if (!frame && watch_collector_failures(command->collector)) {
		said = terminal_last_message();
		view_say(&command->view, "%s; trying again",
			 *said ? said : "The sockets could not be read");
		free(said);
	}
	if (probe) {
		free(command->view.message);
		command->view.message = NULL;
		show_probe(command, probe);
	}
	free(probe);
}

static void show(struct watch_command *command, struct screen *screen)
{
	uint32_t rows, columns;

	terminal_size(&rows, &columns);
	if (rows != screen->rows || columns != screen->columns) {
		screen_resize(screen, rows, columns);
		view_resized(&command->view);
	}
	view_tick(&command->view, wall_ns());
	view_draw(&command->view, screen);
	terminal_show(screen);
}

/* Until a key, a signal, or the end of the terminal or of the sockets. */
static int run(struct watch_command *command)
{
	struct screen screen;
	int status = EXIT_OK;

	screen_init(&screen);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = terminal_signal_fd(), .events = POLLIN },
			{ .fd = command->collector ? watch_collector_fd(command->collector) : -1,
			  .events = POLLIN },
		};

		show(command, &screen);
		/* Of a file as well: a resize may come just before, and would not end it. */
		poll(fds, ARRAY_SIZE(fds), TICK_MS);
		if (terminal_signal() || !take_events(command))
			break;
		if (!command->collector)
			continue;
		take_news(command);
		if (watch_collector_failures(command->collector) >= WATCH_FAILURES_MAX) {
			status = EXIT_TROUBLE;
			break;
		}
	}
	screen_done(&screen);
	return status;
}

static int refuse_terminal(const struct watch_command *command, int error)
{
	if (error == -ENOTTY && command->common.from && !strcmp(command->common.from, "-"))
		options_error("keys come from the standard input, so the snapshot cannot", NULL,
			      "name a file, or use --batch");
	else if (error == -ENOTTY)
		options_error("watch needs a terminal; --batch prints frames without one", NULL,
			      NULL);
	else if (error == -ENOENT)
		options_error("nothing is known of a terminal of the kind", getenv("TERM"),
			      "set TERM, or use --batch, which needs none");
	else if (error == -ENOTSUP)
		options_error("the cursor cannot be moved on a terminal of the kind",
			      getenv("TERM"), "set TERM, or use --batch, which needs none");
	else
		options_error("the terminal cannot be used", NULL, strerror(-error));
	return EXIT_TROUBLE;
}

static int watch(struct watch_command *command, struct frame *from_file)
{
	int error = terminal_open(color_wanted(command->common.color, STDOUT_FILENO)), status,
	    number;

	if (error) {
		frame_free(from_file);
		return refuse_terminal(command, error);
	}
	if (from_file)
		take_frame(command, from_file);
	else
		command->collector = watch_collector_new(&command->common, command->interval_ms);
	status = from_file || command->collector ? run(command) : EXIT_TROUBLE;
	/* At once, whatever is being read. */
	number = terminal_signal();
	terminal_close();
	if (number)
		raise(number);
	if (command->collector && !watch_collector_free(command->collector))
		_exit(status);
	return status;
}

/* ---- without one ---- */

static uint32_t size_of(const char *variable, uint32_t otherwise)
{
	const char *text = getenv(variable);
	unsigned long value = text ? strtoul(text, NULL, 10) : 0;

	return value && value <= SIZE_MAX_CHARACTERS ? (uint32_t)value : otherwise;
}

static void write_count(struct json_writer *writer, const char *name, uint64_t value)
{
	json_name(writer, name);
	json_write_unsigned(writer, value);
}

/* Limits are those of each namespace alone. */
static void write_netns(const struct frame *frame, uint32_t index, struct json_writer *writer)
{
	const struct netns *netns = &frame->snapshot->netns[index];
	const struct frame_netns *counts = &frame->netns[index];

	json_begin_object(writer);
	json_name(writer, "id");
	if (netns->id)
		json_write_unsigned(writer, netns->id);
	else
		json_write_null(writer);
	json_name(writer, "name");
	if (netns->name)
		json_write_string(writer, snapshot_text(frame->snapshot, netns->name));
	else
		json_write_null(writer);
	write_count(writer, "time_wait", counts->time_wait);
	json_name(writer, "time_wait_limit");
	if (counts->time_wait_limit)
		json_write_signed(writer, counts->time_wait_limit);
	else
		json_write_null(writer);
	write_count(writer, "local_ports", counts->local_ports);
	write_count(writer, "local_ports_used", counts->local_ports_used);
	json_end(writer);
}

/* Of a document that was written with filters, of what it has some; null: it has all. */
static void write_part(const struct snapshot *snapshot, struct json_writer *writer)
{
	enum snapshot_part part = snapshot_part(snapshot);

	json_name(writer, "part");
	if (part == PART_WHOLE)
		json_write_null(writer);
	else
		json_write_string(writer, part == PART_PORTS ? "ports" : "sockets");
}

/* One line of --json-lines. */
static void write_summary(const struct frame *frame, struct out *out)
{
	const struct frame_totals *totals = &frame->totals;
	struct json_writer writer;
	uint32_t i;

	json_writer_init(&writer, out, false);
	json_begin_object(&writer);
	json_name(&writer, "time_ms");
	json_write_signed(&writer, frame->snapshot->end_ns / 1000000);
	write_part(frame->snapshot, &writer);
	write_count(&writer, "sockets", frame->snapshot->n_sockets);
	json_name(&writer, "tcp");
	json_begin_object(&writer);
	for (i = 0; i < N_STATES; i++)
		write_count(&writer, socket_state_name((enum socket_state)i), totals->tcp[i]);
	json_end(&writer);
	write_count(&writer, "udp", totals->udp);
	write_count(&writer, "time_wait", totals->time_wait);
	json_name(&writer, "netns");
	json_begin_array(&writer);
	for (i = 0; i < frame->snapshot->n_netns; i++)
		write_netns(frame, i, &writer);
	json_end(&writer);
	json_name(&writer, "findings");
	json_begin_object(&writer);
	for (i = 0; i < N_SEVERITIES; i++)
		write_count(&writer, severity_name((enum severity)i), totals->findings[i]);
	write_count(&writer, "undecided", totals->undecided);
	json_end(&writer);
	json_name(&writer, "worst");
	if (frame->findings.count && !frame->findings.items[0].undecided)
		json_write_string(&writer, frame->findings.items[0].title);
	else
		json_write_null(&writer);
	json_end(&writer);
	out_char(out, '\n');
}

static void sleep_ms(int64_t ms)
{
	const struct timespec pause = { .tv_sec = (time_t)(ms / 1000),
					.tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&pause, NULL);
}

/* Returns 0 or -errno of writing. */
static int print_frame(struct watch_command *command, struct frame *frame, struct screen *screen,
		       bool first)
{
	struct out out;
	int error;

	out_init(&out, STDOUT_FILENO);
	if (command->json_lines) {
		write_summary(frame, &out);
		frame_free(frame);
	} else {
		if (!first)
			out_char(&out, '\n');
		view_take(&command->view, frame);
		view_draw(&command->view, screen);
		screen_write(screen, &out);
	}
	error = out_flush(&out);
	out_done(&out);
	return error;
}

static int batch(struct watch_command *command, struct watch_source *source, struct frame *first)
{
	struct screen screen;
	unsigned long i;
	int status = EXIT_OK, error = 0;

	command->view.keyless = true;
	screen_init(&screen);
	screen_resize(&screen, size_of("LINES", BATCH_ROWS), size_of("COLUMNS", BATCH_COLUMNS));
	for (i = 0; !error && status == EXIT_OK && (!command->count || i < command->count); i++) {
		struct frame *frame = i ? NULL : first;

		if (i)
			sleep_ms(command->interval_ms);
		if (!frame)
			frame = watch_source_next(source);
		if (frame && !i)
			collect_report_limits(frame->snapshot);
		if (frame)
			error = print_frame(command, frame, &screen, !i);
		else
			status = EXIT_TROUBLE;
	}
	if (error && error != -EPIPE) {
		options_error("cannot write to standard output", NULL, strerror(-error));
		status = EXIT_TROUBLE;
	}
	screen_done(&screen);
	return status;
}

/* A file is read before the terminal is taken: then what is wrong with it can be said. */
static int begin(struct watch_command *command)
{
	struct frame *from_file = NULL;
	struct watch_source source;
	int status = EXIT_TROUBLE;

	watch_source_init(&source, &command->common);
	if (command->common.from) {
		from_file = watch_source_next(&source);
		command->view.from_file = true;
	}
	if (from_file || !command->common.from)
		status = command->batch ? batch(command, &source, from_file) :
					  watch(command, from_file);
	watch_source_done(&source);
	return status;
}

int command_watch(int argc, char **argv)
{
	struct watch_command command = { .interval_ms = 1000 };
	const struct view_host host = {
		.user = &command,
		.probe = host_probe,
		.explain = host_explain,
		.write = host_write,
		.service = options_service,
		.set_interval = host_set_interval,
	};
	int status;

	if (parse(argc, argv, &command, &status)) {
		view_init(&command.view, &host);
		command.view.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
		command.view.interval_ms = command.interval_ms;
		/* What the command line asks for stays below what is typed. */
		view_set_base(&command.view, &command.common.filter);
		status = begin(&command);
		view_done(&command.view);
	}
	options_done(&command.common);
	return status;
}

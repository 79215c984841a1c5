/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/judge.h"
#include "cmd/options.h"
#include "cmd/stdout-width.h"
#include "model/bind-bucket.h"
#include "model/snapshot-json.h"
#include "output/color.h"
#include "output/finding-text.h"
#include "output/plugin.h"
#include "output/prometheus.h"
#include "source/source.h"
#include "util/json-writer.h"
#include "util/xalloc.h"

/* A level that no finding reaches: --warning=never. */
#define SEVERITY_NEVER N_SEVERITIES

enum check_format {
	FORMAT_TEXT,
	FORMAT_JSON,
	FORMAT_PROMETHEUS,
	FORMAT_PLUGIN,
	N_FORMATS,
};

static const char *const format_names[N_FORMATS] = {
	[FORMAT_TEXT] = "text",
	[FORMAT_JSON] = "json",
	[FORMAT_PROMETHEUS] = "prometheus",
	[FORMAT_PLUGIN] = "plugin",
};

/* A finding that is not to be reported, everywhere or at one place. */
struct ignored {
	enum finding_id id;
	bool has_selector;
	struct selector selector;
};

struct check_command {
	struct options common;
	enum check_format format;
	bool format_named;
	uint8_t warning, critical; /* enum severity, or SEVERITY_NEVER */
	struct ignored *ignored;
	uint32_t n_ignored, ignored_capacity;
	const char *output; /* NULL: stdout */

	/* While findings are sorted out. */
	const struct snapshot *snapshot;
	const bool *selected; /* of each socket; NULL: all are */

	/* What was asked for and is not there. */
	char *remark; /* NULL: nothing of it is missing */
	bool nothing_matched, owner_missing;
};

enum {
	OPTION_FORMAT = OPTION_OWN,
	OPTION_WARNING,
	OPTION_CRITICAL,
	OPTION_IGNORE,
	OPTION_OUTPUT,
};

static const struct option_text own_options[] = {
	{ OPTION_WARNING, "warning", "LEVEL", "note, warning, critical, never: from it on exit 1",
	  "What counts:" },
	{ OPTION_CRITICAL, "critical", "LEVEL", "the same for exit 2", NULL },
	{ OPTION_IGNORE, "ignore", "ID", "leave out a finding; ID:SELECTOR, on some ports", NULL },
	{ OPTION_FORMAT, "format", "FORMAT", "text, json, prometheus or plugin",
	  "How to show it:" },
	{ OPTION_OUTPUT, "output", "FILE", "write to a file, which is replaced when complete",
	  NULL },
};

static bool set_level(uint8_t *level, const char *name)
{
	int severity = strcmp(name, "never") ? severity_parse(name) : SEVERITY_NEVER;

	if (severity < 0)
		return options_error("cannot read the level", name,
				     "expected note, warning, critical or never");
	*level = (uint8_t)severity;
	return true;
}

static bool set_format(struct check_command *command, const char *name)
{
	int i;

	for (i = 0; i < N_FORMATS; i++) {
		if (strcmp(name, format_names[i]))
			continue;
		command->format = (enum check_format)i;
		command->format_named = true;
		return true;
	}
	return options_error("cannot read the format", name,
			     "expected text, json, prometheus or plugin");
}

static bool add_ignored(struct check_command *command, const char *text)
{
	size_t length = strcspn(text, ":");
	struct ignored ignored = { .has_selector = text[length] };
	char *name = xstrdup(text);
	int id;

	name[length] = '\0';
	id = finding_parse(name);
	free(name);
	if (id < 0)
		return options_error("no finding is called", text, "see portshare explain");
	if (ignored.has_selector && !options_selector(text + length + 1, &ignored.selector))
		return false;
	ignored.id = (enum finding_id)id;
	ARRAY_RESERVE(command->ignored, command->n_ignored, command->ignored_capacity);
	command->ignored[command->n_ignored++] = ignored;
	return true;
}

static bool take_option(void *user, int code, const char *argument)
{
	struct check_command *command = user;

	switch (code) {
	case OPTION_FORMAT:
		return set_format(command, argument);
	case OPTION_WARNING:
		return set_level(&command->warning, argument);
	case OPTION_CRITICAL:
		return set_level(&command->critical, argument);
	case OPTION_IGNORE:
		return add_ignored(command, argument);
	case OPTION_OUTPUT:
		command->output = argument;
		break;
	}
	return true;
}

static bool parse(int argc, char **argv, struct check_command *command, int *ret_status)
{
	const struct command_line line = {
		.usage =
			"Usage: portshare check [OPTION]... [SELECTOR]...\n"
			"\n"
			"Look for ports that are shared by accident, that lose traffic, or that the next\n"
			"start will not get, and say what to do. With selectors or filters, only what\n"
			"concerns those sockets. portshare explain ID tells more of a finding.\n",
		.status =
			"Exit status, as of monitoring plugins: 0 nothing found, 1 warning, 2 critical,\n"
			"3 it cannot be told, or usage, or failure. Manual: portshare-check(1).\n",
		.own = own_options,
		.n_own = ARRAY_SIZE(own_options),
		.trouble = PLUGIN_UNKNOWN,
		.take = take_option,
		.user = command,
	};

	if (!options_parse(argc, argv, &line, &command->common, ret_status))
		return false;
	if (!command->common.json)
		return true;
	if (command->format_named && command->format != FORMAT_JSON)
		return options_error("--json and another --format exclude each other", NULL, NULL);
	command->format = FORMAT_JSON;
	return true;
}

/*
 * All sockets are collected, whatever is asked for: others on the port decide, and that local ports
 * run out shows on no one port.
 */
static struct snapshot *collect(const struct check_command *command)
{
	struct options options = command->common;

	filter_init(&options.filter);
	return collect_snapshot(&options, WANT_EVERYTHING);
}

static bool concerns(const struct check_command *command, const struct finding_list *list,
		     const struct finding *finding)
{
	uint32_t i;

	if (!command->selected)
		return true;
	for (i = 0; i < finding->n_sockets; i++)
		if (command->selected[list->sockets[finding->first_socket + i]])
			return true;
	return false;
}

static bool is_ignored(const struct check_command *command, const struct finding_list *list,
		       const struct finding *finding)
{
	uint32_t i, k;

	for (i = 0; i < command->n_ignored; i++) {
		const struct ignored *ignored = &command->ignored[i];

		if (ignored->id != finding->id)
			continue;
		if (!ignored->has_selector)
			return true;
		for (k = 0; k < finding->n_sockets; k++) {
			uint32_t socket = list->sockets[finding->first_socket + k];

			if (selector_match(&ignored->selector, &command->snapshot->sockets[socket]))
				return true;
		}
	}
	return false;
}

static bool is_kept(const struct finding_list *list, const struct finding *finding, void *user)
{
	const struct check_command *command = user;

	if (finding->undecided && !finding->port)
		return finding->n_sockets > 0;
	return concerns(command, list, finding) && !is_ignored(command, list, finding);
}

/*
 * An undecided finding about no one port names together what it cannot tell of: what is not asked
 * for goes out of it, and only when nothing is left the finding too.
 */
static void narrow_doubts(const struct check_command *command, struct finding_list *list)
{
	uint32_t i, k, m, n;

	for (i = 0; i < list->count; i++) {
		struct finding *finding = &list->items[i];
		uint32_t *sockets = list->sockets + finding->first_socket;

		if (!finding->undecided || finding->port)
			continue;
		for (k = 0, n = 0; k < finding->n_sockets; k++) {
			const struct inet_socket *socket = &command->snapshot->sockets[sockets[k]];
			bool wanted = !command->selected || command->selected[sockets[k]];

			for (m = 0; m < command->n_ignored && wanted; m++)
				wanted = command->ignored[m].id != finding->id ||
					 (command->ignored[m].has_selector &&
					  !selector_match(&command->ignored[m].selector, socket));
			if (wanted)
				sockets[n++] = sockets[k];
		}
		finding->n_sockets = n;
	}
}

/*
 * A port without sockets is nothing bad. That nothing is of a process, user or unit that was named
 * may be a slip of the pen, and is never well.
 */
static void note_missing(struct check_command *command, const struct snapshot *snapshot,
			 uint32_t n_selected)
{
	const struct filter *filter = &command->common.filter;
	char *ports = NULL, *owners = NULL;
	uint32_t i, k;

	for (i = 0; i < filter->n_selectors; i++) {
		for (k = 0; k < snapshot->n_sockets; k++)
			if (selector_match(&filter->selectors[i], &snapshot->sockets[k]))
				break;
		if (k == snapshot->n_sockets)
			options_add_port(&ports, &filter->selectors[i]);
	}
	if (!n_selected)
		options_add_owners(&owners, &command->common);
	command->nothing_matched = !n_selected;
	command->owner_missing = owners != NULL;
	if (owners && filter->n_selectors)
		command->remark = xasprintf("No socket on these ports matched %s", owners);
	else if (owners)
		command->remark = xasprintf("No socket matched %s", owners);
	else if (ports)
		command->remark = xasprintf("No socket is on %s", ports);
	else if (!n_selected)
		command->remark = xstrdup("No socket is of the kind that was asked for");
	free(owners);
	free(ports);
}

static void sort_out(struct check_command *command, const struct snapshot *snapshot,
		     struct finding_list *findings)
{
	bool *selected = NULL;

	command->snapshot = snapshot;
	if (options_narrow(&command->common)) {
		selected = xcalloc(snapshot->n_sockets, sizeof(*selected));
		note_missing(command, snapshot,
			     filter_apply(&command->common.filter, snapshot, selected));
		command->selected = selected;
	}
	narrow_doubts(command, findings);
	finding_list_retain(findings, is_kept, command);
	command->selected = NULL;
	free(selected);
}

/*
 * Whether a snapshot that is a part of one has all that is asked about: a port that was named, and
 * that is in it, if it has whole ports.
 */
static bool holds_what_is_asked(const struct check_command *command,
				const struct snapshot *snapshot)
{
	const struct filter *filter = &command->common.filter;
	enum snapshot_part part = snapshot_part(snapshot);
	uint32_t i, k, seen;

	if (part != PART_PORTS || !filter->n_selectors)
		return part == PART_WHOLE;
	for (i = 0; i < filter->n_selectors; i++) {
		const struct selector *selector = &filter->selectors[i];

		for (k = 0, seen = 0; k < snapshot->n_sockets; k++)
			if (selector_match(selector, &snapshot->sockets[k]))
				seen |= 1U << bind_bucket_protocol(
						(enum protocol)snapshot->sockets[k].protocol);
		if (!seen || selector->first_port != selector->last_port)
			return false;
		/* Without a protocol both are asked about; one may have been left out. */
		if ((selector->protocols & 1U << PROTOCOL_TCP && !(seen & 1U << PROTOCOL_TCP)) ||
		    (selector->protocols & 1U << PROTOCOL_UDP && !(seen & 1U << PROTOCOL_UDP)))
			return false;
	}
	return true;
}

static enum plugin_status status_of(const struct check_command *command,
				    const struct snapshot *snapshot,
				    const struct finding_list *findings)
{
	enum plugin_status status = PLUGIN_OK;
	bool undecided = false;
	uint32_t i;

	for (i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (finding->undecided)
			undecided = true;
		else if (finding->severity >= command->critical)
			status = PLUGIN_CRITICAL;
		else if (finding->severity >= command->warning && status == PLUGIN_OK)
			status = PLUGIN_WARNING;
	}
	undecided = undecided || command->owner_missing || !holds_what_is_asked(command, snapshot);
	return status == PLUGIN_OK && undecided ? PLUGIN_UNKNOWN : status;
}

static void write_format(const struct check_command *command, const struct snapshot *snapshot,
			 const struct finding_list *findings, enum plugin_status status,
			 struct out *out)
{
	const struct finding_text_options text = {
		.width = stdout_text_width(),
		.remark = command->remark,
		.nothing_matched = command->nothing_matched,
		.color = !command->output && color_wanted(command->common.color, STDOUT_FILENO),
	};
	struct json_writer writer;

	switch (command->format) {
	case FORMAT_JSON:
		json_writer_init(&writer, out, true);
		snapshot_json_save(snapshot, findings, &writer);
		break;
	case FORMAT_PROMETHEUS:
		prometheus_write(snapshot, findings, status, out);
		break;
	case FORMAT_PLUGIN:
		plugin_write(snapshot, findings, status, command->remark, out);
		break;
	default:
		collect_write_origin(&command->common, snapshot, text.width, out);
		finding_text_write(snapshot, findings, &text, out);
		break;
	}
}

static void say_group_lost(const char *path, int error)
{
	char *why = xasprintf("%s; so the new file is for no group", strerror(error));

	options_error("cannot keep the group of", path, why);
	free(why);
}

/*
 * Whoever could not read the old file at that path cannot read this, and its group still can. What
 * was for a group that it cannot be given is for none. Returns 0 or -errno.
 */
static int set_access(int fd, const char *path)
{
	mode_t mode, mask = umask(0);
	struct stat old;

	umask(mask);
	mode = 0666 & ~mask;
	if (!lstat(path, &old) && S_ISREG(old.st_mode)) {
		mode = old.st_mode & 0777;
		if (fchown(fd, (uid_t)-1, old.st_gid) && (mode & S_IRWXG)) {
			say_group_lost(path, errno);
			mode &= ~(mode_t)S_IRWXG;
		}
	}
	return fchmod(fd, mode) ? -errno : 0;
}

/*
 * Write beside the file and rename, so that a reader sees the old contents or the new ones, and a
 * failure leaves the old ones. Returns 0 or -errno.
 */
static int write_file(const struct check_command *command, const struct snapshot *snapshot,
		      const struct finding_list *findings, enum plugin_status status)
{
	char *beside = xasprintf("%s.XXXXXX", command->output);
	int fd = mkostemp(beside, O_CLOEXEC), error = fd < 0 ? -errno : 0;
	struct out out;

	if (error)
		goto out;
	out_init(&out, fd);
	write_format(command, snapshot, findings, status, &out);
	error = out_flush(&out);
	out_done(&out);
	if (!error)
		error = set_access(fd, command->output);
	if (!error && fsync(fd))
		error = -errno;
	if (close(fd) && !error)
		error = -errno;
	if (!error && rename(beside, command->output))
		error = -errno;
	if (error)
		unlink(beside);
out:
	free(beside);
	return error;
}

/* The one that has the file open already, as that behind /dev/stdout; -1: none. */
static int standard_stream(const char *path)
{
	struct stat wanted, info;
	int fd;

	if (stat(path, &wanted))
		return -1;
	for (fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++)
		if (!fstat(fd, &info) && info.st_dev == wanted.st_dev &&
		    info.st_ino == wanted.st_ino)
			return fd;
	return -1;
}

/* A pipe or a device cannot be replaced: it is written to. */
static bool is_device(const char *path)
{
	struct stat info;

	return !stat(path, &info) && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

static int write_stream(const struct check_command *command, const struct snapshot *snapshot,
			const struct finding_list *findings, enum plugin_status status, int fd)
{
	struct out out;
	int error;

	out_init(&out, fd);
	write_format(command, snapshot, findings, status, &out);
	error = out_flush(&out);
	out_done(&out);
	return error;
}

/* To where it is asked for. Returns 0 or -errno. */
static int write_output(const struct check_command *command, const struct snapshot *snapshot,
			const struct finding_list *findings, enum plugin_status status)
{
	int fd = command->output ? standard_stream(command->output) : STDOUT_FILENO, error;

	if (fd >= 0)
		return write_stream(command, snapshot, findings, status, fd);
	if (!is_device(command->output))
		return write_file(command, snapshot, findings, status);
	fd = open(command->output, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	error = write_stream(command, snapshot, findings, status, fd);
	close(fd);
	return error;
}

/* stderr has said why; what monitoring shows is stdout. Returns the exit status. */
static int fail(const struct check_command *command, const char *what)
{
	struct out out;

	if (command->format == FORMAT_PLUGIN && !command->output) {
		out_init(&out, STDOUT_FILENO);
		plugin_write_failure(what, &out);
		out_flush(&out);
		out_done(&out);
	}
	return PLUGIN_UNKNOWN;
}

static int check(struct check_command *command)
{
	struct snapshot *snapshot = collect(command);
	struct finding_list findings;
	enum plugin_status status;
	int error;

	if (!snapshot)
		return fail(command, "the sockets could not be read");
	/* A file that may not grow further is an error of writing, not the end. */
	signal(SIGXFSZ, SIG_IGN);
	judge_snapshot(&command->common, snapshot, SEVERITY_NOTE, &findings);
	sort_out(command, snapshot, &findings);
	status = status_of(command, snapshot, &findings);
	/* In these formats there is no room for it. */
	if (command->owner_missing &&
	    (command->format == FORMAT_JSON || command->format == FORMAT_PROMETHEUS))
		options_error(command->remark, NULL, NULL);
	error = write_output(command, snapshot, &findings, status);
	if (error && error != -EPIPE) {
		options_error(command->output ? "cannot write to" :
						"cannot write to standard output",
			      command->output, strerror(-error));
		status = PLUGIN_UNKNOWN;
	}
	finding_list_done(&findings);
	snapshot_free(snapshot);
	return (int)status;
}

int command_check(int argc, char **argv)
{
	struct check_command command = {
		.warning = SEVERITY_WARNING,
		.critical = SEVERITY_CRITICAL,
	};
	int status;

	if (parse(argc, argv, &command, &status))
		status = check(&command);
	else if (status != EXIT_OK)
		status = fail(&command, "the command line could not be read");
	free(command.ignored);
	free(command.remark);
	options_done(&command.common);
	return status;
}

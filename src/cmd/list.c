/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/judge.h"
#include "cmd/options.h"
#include "cmd/stdout-width.h"
#include "model/snapshot-json.h"
#include "output/color.h"
#include "output/columns.h"
#include "output/list-view.h"
#include "source/source.h"
#include "util/json-writer.h"
#include "util/xalloc.h"

/* Its own options, besides the common ones. */
struct list_options {
	struct options common;
	const char *columns; /* as given with -o; NULL: the default */
	bool all; /* a row for each socket */
	bool numeric;
	bool json_lines;
	bool raw;
	bool no_header;
};

enum {
	OPTION_JSON_LINES = OPTION_OWN,
	OPTION_RAW,
};

static const struct option_text own_options[] = {
	{ 'a', "all", NULL, "a row for every socket, nothing folded", "How to show it:" },
	{ 'o', "output", "COLUMNS", "these columns; +COLUMN adds one; help lists them", NULL },
	{ OPTION_JSON_LINES, "json-lines", NULL, "one JSON object a line for each socket", NULL },
	{ OPTION_RAW, "raw", NULL, "a row for each socket, fields separated by one blank", NULL },
	{ 'H', "no-header", NULL, "no line of column names", NULL },
	{ 'n', "numeric", NULL, "numbers instead of user names", NULL },
};

static bool take_option(void *user, int code, const char *argument)
{
	struct list_options *options = user;

	switch (code) {
	case 'a':
		options->all = true;
		break;
	case 'o':
		options->columns = argument;
		break;
	case OPTION_JSON_LINES:
		options->json_lines = true;
		break;
	case OPTION_RAW:
		options->raw = true;
		break;
	case 'H':
		options->no_header = true;
		break;
	case 'n':
		options->numeric = true;
		break;
	}
	return true;
}

static bool check_options(const struct list_options *options)
{
	if (options->common.json + options->json_lines + options->raw > 1)
		return options_error("--json, --json-lines and --raw exclude each other", NULL,
				     NULL);
	if (options->columns && (options->common.json || options->json_lines))
		return options_error(
			"--output chooses columns of text; JSON always has every member", NULL,
			NULL);
	return true;
}

static const struct {
	enum column_need need;
	enum collect_want want;
} wants[] = {
	{ NEED_CMDLINE, WANT_CMDLINE },	      { NEED_EXE, WANT_EXE },
	{ NEED_START_TIME, WANT_START_TIME }, { NEED_CGROUP, WANT_CGROUP },
	{ NEED_USERS, WANT_USERS },	      { NEED_PROCESS_UID, WANT_PID },
	{ NEED_MULTICAST, WANT_MULTICAST },
};

static enum list_mode mode_of(const struct list_options *options)
{
	if (options->raw)
		return LIST_RAW;
	return options->all ? LIST_ALL : LIST_GROUPED;
}

/* What must be read for what will be shown. */
static uint32_t needed(const struct list_options *options, const struct column_list *columns)
{
	uint32_t want = WANT_OWNERS | WANT_REUSE | WANT_SYSCTLS | WANT_MULTICAST;
	size_t i;

	if (options->common.json || options->json_lines)
		return WANT_EVERYTHING;
	for (i = 0; i < ARRAY_SIZE(wants); i++) {
		if (columns_needs(columns) & wants[i].need)
			want |= wants[i].want;
	}
	/* The table of outgoing connections has them in any case. */
	if (options->common.filter.user || (mode_of(options) == LIST_GROUPED && !options->numeric))
		want |= WANT_USERS | WANT_PID;
	if (options->common.filter.unit)
		want |= WANT_CGROUP;
	return want;
}

static void write_json(const struct snapshot *snapshot, const struct finding_list *findings,
		       struct out *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out, true);
	snapshot_json_save(snapshot, findings, &writer);
}

/* By default the notes are of what is wrong; who asks for them gets all. */
static enum severity least_of(const struct list_options *options, const struct column_list *columns)
{
	return options->common.json || columns->named[COLUMN_NOTE] ? SEVERITY_NOTE :
								     SEVERITY_WARNING;
}

static bool any_decided(const struct finding_list *findings)
{
	uint32_t i;

	for (i = 0; findings && i < findings->count; i++)
		if (!findings->items[i].undecided)
			return true;
	return false;
}

static void write_text(const struct list_options *options, const struct column_list *columns,
		       const struct snapshot *snapshot, const struct finding_list *findings,
		       struct out *out)
{
	struct list_view_options view = {
		.mode = mode_of(options),
		.columns = *columns,
		.findings = findings,
		.all_notes = least_of(options, columns) == SEVERITY_NOTE,
		.header = !options->no_header,
		.width = stdout_width(),
		.color = color_wanted(options->common.color, STDOUT_FILENO),
		.numeric = options->numeric,
		.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
		/* Who names a port or a state wants to see just that. */
		.clients_in_full = options->common.filter.n_selectors ||
				   options->common.states_named,
	};

	/* By default only where there is something to say. */
	if (columns->has_default && view.mode != LIST_RAW && any_decided(findings))
		columns_add(&view.columns, COLUMN_NOTE);
	list_view_write(snapshot, &view, out);
}

/* Whether people read it: they are told on stderr what programs see by themselves. */
static bool is_for_people(const struct list_options *options)
{
	return !options->raw && !options->common.json && !options->json_lines;
}

/* On stderr: what is printed of a snapshot is what was printed when it was taken. */
static void say_origin(const struct list_options *options, const struct snapshot *snapshot)
{
	struct out out;

	if (!is_for_people(options))
		return;
	out_init(&out, STDERR_FILENO);
	collect_write_origin(&options->common, snapshot, 0, &out);
	out_flush(&out);
	out_done(&out);
}

/* More than that is not known: others may be hidden, or in another state. */
static void say_nothing_matched(const struct list_options *options)
{
	const struct filter *filter = &options->common.filter;
	char *words = NULL;
	uint32_t i;

	if (!is_for_people(options))
		return;
	for (i = 0; i < filter->n_selectors; i++)
		options_add_port(&words, &filter->selectors[i]);
	options_add_owners(&words, &options->common);
	options_error("no socket matched", words, NULL);
	free(words);
}

/* Returns 0 or -errno of writing. */
static int present(const struct list_options *options, const struct column_list *columns,
		   const struct snapshot *snapshot, const struct finding_list *findings)
{
	struct out out;
	int status;

	out_init(&out, STDOUT_FILENO);
	if (options->common.json)
		write_json(snapshot, findings, &out);
	else if (options->json_lines)
		snapshot_json_save_lines(snapshot, &out);
	else
		write_text(options, columns, snapshot, findings, &out);
	status = out_flush(&out);
	out_done(&out);
	return status;
}

/* Whether the note column is among those that are shown, or may become one of them. */
static bool wants_findings(const struct list_options *options, const struct column_list *columns)
{
	if (!judge_can(&options->common, least_of(options, columns)) || options->json_lines)
		return false;
	return options->common.json || (columns_needs(columns) & NEED_FINDINGS) ||
	       (columns->has_default && !options->raw);
}

/* By the name of a script too a process may be asked for, which its command line has. */
static void read_names(const struct list_options *options, struct snapshot *snapshot)
{
	bool *unnamed = xcalloc(snapshot->n_processes, sizeof(*unnamed));

	if (!options->common.from &&
	    filter_unnamed_processes(&options->common.filter, snapshot, unnamed))
		snapshot_enrich(snapshot, WANT_CMDLINE | WANT_EXE, unnamed);
	free(unnamed);
}

/* What is not asked for goes, and the findings follow. Returns how many sockets are left. */
static uint32_t narrow(const struct list_options *options, struct snapshot *snapshot,
		       struct finding_list *findings)
{
	uint32_t i, n = snapshot->n_sockets, n_kept, *new_index;
	bool *keep = xcalloc(n, sizeof(*keep));

	n_kept = filter_apply(&options->common.filter, snapshot, keep);
	if (n_kept < n) {
		new_index = xcalloc(n, sizeof(*new_index));
		for (i = 0, n_kept = 0; i < n; i++)
			new_index[i] = keep[i] ? n_kept++ : SNAPSHOT_NONE;
		finding_list_renumber(findings, new_index);
		snapshot_retain(snapshot, keep);
		free(new_index);
	}
	free(keep);
	return n_kept;
}

static int list(const struct list_options *options, const struct column_list *columns)
{
	struct snapshot *snapshot = collect_snapshot(&options->common, needed(options, columns));
	struct finding_list findings = { .items = NULL };
	int status = EXIT_TROUBLE, error;
	bool judged;
	uint32_t n_kept;

	if (!snapshot)
		return EXIT_TROUBLE;
	judged = wants_findings(options, columns) && snapshot_part(snapshot) != PART_SOCKETS;
	if (judged)
		judge_snapshot(&options->common, snapshot, least_of(options, columns), &findings);
	read_names(options, snapshot);
	n_kept = narrow(options, snapshot, &findings);
	/* What was asked for is known now, and will not be to who reads the snapshot. */
	if (options->common.json) {
		collect_report_limits(snapshot);
		snapshot_set_part(snapshot, options_part(&options->common));
	}

	say_origin(options, snapshot);
	error = present(options, columns, snapshot, judged ? &findings : NULL);
	if (error && error != -EPIPE)
		fprintf(stderr, "portshare: cannot write to standard output: %s\n",
			strerror(-error));
	else
		status = n_kept || !options_name_something(&options->common) ? EXIT_OK :
									       EXIT_NOTHING;
	if (status == EXIT_NOTHING)
		say_nothing_matched(options);
	if (!options->common.json)
		collect_report_limits(snapshot);
	finding_list_done(&findings);
	snapshot_free(snapshot);
	return status;
}

/* Returns false when it has been answered, or is wrong. */
static bool parse(int argc, char **argv, struct list_options *options, int *ret_status)
{
	const struct command_line line = {
		.usage =
			"Usage: portshare [list] [OPTION]... [SELECTOR]...\n"
			"       portshare COMMAND [OPTION]... [ARGUMENT]...\n"
			"\n"
			"Sockets per port, with the processes that hold them, their SO_REUSEADDR and\n"
			"SO_REUSEPORT and how these are known. A SELECTOR is\n"
			"[tcp:|udp:][ADDRESS:]PORT[-PORT]: 8080, udp:5060, [::1]:443, https, 8000-8100.\n"
			"\n"
			"Commands:\n",
		.lists_commands = true,
		.status =
			"Exit status: 0; 1 if a selector, --pid, --process, --user or --unit matches\n"
			"nothing; 2 on a usage error or if sockets cannot be read. Manual: "
			"portshare-list(1).\n",
		.own = own_options,
		.n_own = ARRAY_SIZE(own_options),
		.trouble = EXIT_TROUBLE,
		.take = take_option,
		.user = options,
	};

	if (!options_parse(argc, argv, &line, &options->common, ret_status))
		return false;
	if (options->columns && !strcmp(options->columns, "help")) {
		columns_print_help();
		*ret_status = options_answered(EXIT_TROUBLE);
		return false;
	}
	return check_options(options);
}

int command_list(int argc, char **argv)
{
	struct list_options options = { .columns = NULL };
	struct column_list columns;
	char *error = NULL;
	int status;

	if (parse(argc, argv, &options, &status)) {
		if (columns_parse(options.columns, mode_of(&options), &columns, &error)) {
			fprintf(stderr, "portshare: %s\n", error);
			free(error);
			status = EXIT_TROUBLE;
		} else {
			status = list(&options, &columns);
		}
	}
	options_done(&options.common);
	return status;
}

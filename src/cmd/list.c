/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/options.h"
#include "model/snapshot-json.h"
#include "output/color.h"
#include "output/columns.h"
#include "output/list-view.h"
#include "source/source.h"
#include "util/json-writer.h"
#include "util/xalloc.h"

static const struct {
	enum column_need need;
	enum collect_want want;
} wants[] = {
	{ NEED_CMDLINE, WANT_CMDLINE },
	{ NEED_EXE, WANT_EXE },
	{ NEED_START_TIME, WANT_START_TIME },
	{ NEED_CGROUP, WANT_CGROUP },
	{ NEED_USERS, WANT_USERS },
	{ NEED_PROCESS_UID, WANT_PID },
	{ NEED_MULTICAST, WANT_MULTICAST },
};

/* What must be read for what will be shown. */
static uint32_t needed(const struct options *options, const struct column_list *columns)
{
	uint32_t want = WANT_OWNERS | WANT_REUSE | WANT_SYSCTLS;
	size_t i;

	if (options->json || options->json_lines)
		return WANT_EVERYTHING;
	for (i = 0; i < ARRAY_SIZE(wants); i++) {
		if (columns_needs(columns) & wants[i].need)
			want |= wants[i].want;
	}
	if (options->filter.user)
		want |= WANT_USERS | WANT_PID;
	if (options->filter.unit)
		want |= WANT_CGROUP;
	return want;
}

static enum list_mode mode_of(const struct options *options)
{
	if (options->raw)
		return LIST_RAW;
	return options->all ? LIST_ALL : LIST_GROUPED;
}

/* Columns of the terminal, or 0 if stdout is none: then nothing is cut. */
static uint32_t terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
		return 0;
	return size.ws_col;
}

static void write_json(const struct snapshot *snapshot, struct out *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out, true);
	snapshot_json_save(snapshot, &writer);
}

static void write_text(const struct options *options, const struct column_list *columns,
		       const struct snapshot *snapshot, struct out *out)
{
	const struct list_view_options view = {
		.mode = mode_of(options),
		.columns = *columns,
		.header = !options->no_header,
		.width = terminal_width(),
		.color = color_wanted(options->color, STDOUT_FILENO),
		.numeric = options->numeric,
		.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0,
		/* Who names a port or a state wants to see just that. */
		.clients_in_full = options->filter.n_selectors || options->states_named,
	};

	list_view_write(snapshot, &view, out);
}

/* Returns 0 or -errno of writing. */
static int present(const struct options *options, const struct column_list *columns,
		   const struct snapshot *snapshot)
{
	struct out out;
	int status;

	out_init(&out, STDOUT_FILENO);
	if (options->json)
		write_json(snapshot, &out);
	else if (options->json_lines)
		snapshot_json_save_lines(snapshot, &out);
	else
		write_text(options, columns, snapshot, &out);
	status = out_flush(&out);
	out_done(&out);
	return status;
}

static int list(const struct options *options, const struct column_list *columns)
{
	struct snapshot *snapshot = collect_snapshot(options, needed(options, columns));
	int status = EXIT_TROUBLE, error;
	uint32_t n_kept;
	bool *keep;

	if (!snapshot)
		return EXIT_TROUBLE;
	keep = xcalloc(snapshot->n_sockets, sizeof(*keep));
	n_kept = filter_apply(&options->filter, snapshot, keep);
	if (n_kept < snapshot->n_sockets)
		snapshot_retain(snapshot, keep);
	free(keep);

	error = present(options, columns, snapshot);
	if (error && error != -EPIPE)
		fprintf(stderr, "portshare: cannot write to standard output: %s\n",
			strerror(-error));
	else
		status = n_kept || !options_name_something(options) ? EXIT_OK : EXIT_NOTHING;
	collect_report_limits(snapshot);
	snapshot_free(snapshot);
	return status;
}

int command_list(int argc, char **argv)
{
	struct column_list columns;
	struct options options;
	char *error = NULL;
	int status;

	if (options_parse(argc, argv, &options, &status)) {
		if (columns_parse(options.columns, mode_of(&options), &columns, &error)) {
			fprintf(stderr, "portshare: %s\n", error);
			free(error);
			status = EXIT_TROUBLE;
		} else {
			status = list(&options, &columns);
		}
	}
	options_done(&options);
	return status;
}

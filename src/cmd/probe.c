/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd/candidate.h"
#include "cmd/collect.h"
#include "cmd/command.h"
#include "cmd/look.h"
#include "cmd/options.h"
#include "cmd/stdout-width.h"
#include "output/color.h"
#include "output/probe-json.h"
#include "output/probe-text.h"
#include "util/xalloc.h"

struct probe_command {
	struct options common;
	bool live; /* binds that may harm too */
	bool model_only;
};

enum {
	OPTION_LIVE = OPTION_OWN,
	OPTION_MODEL,
};

static const struct option_text own_options[] = {
	{ OPTION_MODEL, "model", NULL, "compute the answer only, ask the kernel nothing",
	  "How to know:" },
	{ OPTION_LIVE, "live", NULL, "bind the port in every way, also where others may lose by it",
	  NULL },
};

static bool take_option(void *user, int code, const char *argument)
{
	struct probe_command *command = user;

	(void)argument;
	if (code == OPTION_LIVE)
		command->live = true;
	else
		command->model_only = true;
	return true;
}

static bool check_options(const struct probe_command *command)
{
	if (command->live && command->model_only)
		return options_error("--live and --model exclude each other", NULL, NULL);
	if (command->live && command->common.from)
		return options_error("--from reads a file, nothing can be bound in it", NULL, NULL);
	return true;
}

static bool parse(int argc, char **argv, struct probe_command *command, int *ret_status)
{
	const struct command_line line = {
		.usage =
			"Usage: portshare probe [OPTION]... [tcp:|udp:][ADDRESS:]PORT\n"
			"\n"
			"Could this be bound, with which flags, and if not: what is in the way, until\n"
			"when, and what must change? Computed by the kernel's rules, asked of the kernel\n"
			"in a private copy of the port, and on the port itself as far as that harms\n"
			"nobody who is on it.\n",
		.status =
			"Exit status: 0 it can be bound with the flags given, 1 it cannot, 2 usage or\n"
			"failure, 3 it cannot be told. Manual: portshare-probe(1).\n",
		.takes_bind = true,
		.json_help = "the answer and the snapshot behind it as JSON",
		.own = own_options,
		.n_own = ARRAY_SIZE(own_options),
		.trouble = EXIT_TROUBLE,
		.take = take_option,
		.user = command,
	};

	return options_parse(argc, argv, &line, &command->common, ret_status) &&
	       check_options(command);
}

static int present(const struct probe_command *command, const struct look *look)
{
	const struct probe_text_options text = {
		.width = stdout_text_width(),
		.color = color_wanted(command->common.color, STDOUT_FILENO),
	};
	/* A file is read whole; of the kernel only the port is asked for. */
	bool one_port = !command->common.from && look->report.candidate.port;
	struct out out;
	int error;

	out_init(&out, STDOUT_FILENO);
	if (command->common.json) {
		probe_json_write(look->snapshot, one_port ? PART_PORTS : PART_WHOLE, &look->report,
				 &look->verdict, &look->findings, &out);
	} else {
		collect_write_origin(&command->common, look->snapshot, text.width, &out);
		probe_text_write(look->snapshot, &look->report, &look->verdict, &text, &out);
	}
	error = out_flush(&out);
	out_done(&out);
	if (!error || error == -EPIPE)
		return 0;
	options_error("cannot write to standard output", NULL, strerror(-error));
	return error;
}

static int status_of(const struct probe_verdict *verdict)
{
	if (verdict->answer == TRISTATE_UNKNOWN)
		return EXIT_CANNOT_TELL;
	return verdict->answer == TRISTATE_YES ? EXIT_OK : EXIT_NOTHING;
}

static int probe(const struct probe_command *command, const struct bind_candidate *candidate)
{
	uint32_t ways = LOOK_LIVE | LOOK_REPLICA | (command->live ? LOOK_HARMFUL : 0);
	int status = EXIT_TROUBLE;
	struct look look;

	if (!look_at(&command->common, candidate, command->model_only ? 0 : ways, &look))
		return status;
	if (!present(command, &look))
		status = status_of(&look.verdict);
	look_done(&look);
	return status;
}

int command_probe(int argc, char **argv)
{
	struct probe_command command = { .live = false };
	struct bind_candidate candidate;
	int status;

	if (parse(argc, argv, &command, &status)) {
		status = EXIT_TROUBLE;
		if (candidate_parse(&command.common, &candidate))
			status = probe(&command, &candidate);
	}
	options_done(&command.common);
	return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analysis/probe-harm.h"
#include "analysis/probe-verdict.h"
#include "analysis/probe.h"
#include "cmd/candidate.h"
#include "cmd/command.h"
#include "cmd/judge.h"
#include "cmd/options.h"
#include "cmd/terminal.h"
#include "output/color.h"
#include "output/probe-json.h"
#include "output/probe-text.h"
#include "probe/attempt.h"
#include "probe/replica.h"
#include "source/netns.h"
#include "source/source.h"
#include "util/xalloc.h"

/* Exit statuses that others do not have: it answers a question. */
enum {
	EXIT_CAN = 0,
	EXIT_CANNOT = 1,
	EXIT_CANNOT_TELL = 3,
};

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
		.usage = "Usage: portshare probe [OPTION]... [tcp:|udp:][ADDRESS:]PORT\n"
			 "\n"
			 "Could this be bound, with which flags, and if not: what is in the way, until\n"
			 "when, and what must change? Computed by the kernel's rules, asked of the kernel\n"
			 "in a private copy of the port, and on the port itself as far as that harms\n"
			 "nobody.\n",
		.status = "Exit status: 0 it can be bound with the flags given, 1 it cannot, 2 usage or\n"
			  "failure, 3 it cannot be told. Manual: portshare-probe(1).\n",
		.takes_bind = true,
		.own = own_options,
		.n_own = ARRAY_SIZE(own_options),
		.trouble = EXIT_TROUBLE,
		.take = take_option,
		.user = command,
	};

	return options_parse(argc, argv, &line, &command->common, ret_status) &&
	       check_options(command);
}

/* Be in the namespace that was asked about, to bind there. *ret_home is -1 if it is the own one. */
static int enter(const struct options *options, struct netns_list *list, int *ret_home)
{
	const struct collect_request request = { .netns = options->netns };
	int error;

	*ret_home = -1;
	*list = (struct netns_list){ .items = NULL };
	if (!options->netns)
		return 0;
	error = netns_list_open(&request, list);
	if (!error && list->count)
		error = netns_enter(&list->items[0], ret_home);
	return error;
}

/* Where the other live binds do not say it already. */
static void note_left_out(const struct probe_live_plan *plan, struct probe_report *report)
{
	uint32_t asked = PROBE_SET(report->candidate.reuse_addr, report->candidate.reuse_port);

	if (plan->how[asked] == LIVE_NOT && probe_live_outcome(report, asked, NULL) < 0)
		probe_add_limit(report, "live",
				"the port itself was not bound with %s, since %s; --live does it all "
				"the same",
				probe_set_name(asked), plan->why_not[asked]);
}

/* What takes the kernel: the address, the live binds, the replica. */
static void ask_kernel(const struct probe_command *command, const struct snapshot *snapshot,
		       const struct bind_bucket_index *index, struct probe_facts *facts,
		       struct probe_report *report)
{
	bool other_user = report->candidate.uid != (uint32_t)geteuid();
	struct probe_live_plan plan;
	struct attempt_request request = {
		.snapshot = snapshot,
		.switch_user = other_user,
		.plan = &plan,
	};
	struct netns_list namespaces;
	int home, error;

	error = enter(&command->common, &namespaces, &home);
	if (error) {
		probe_add_limit(report, "live", "the network namespace cannot be entered: %s",
				strerror(-error));
		probe_predict(snapshot, index, facts, report);
	} else if (other_user && geteuid()) {
		probe_add_limit(report, "live", "only root can ask the kernel as another user");
		probe_predict(snapshot, index, facts, report);
	} else {
		facts->address_error = attempt_address(&request, report);
		probe_predict(snapshot, index, facts, report);
		probe_plan_live(snapshot, index, report, command->live, &plan);
		attempt_live(&request, report);
		note_left_out(&plan, report);
	}
	if (home >= 0)
		netns_leave(home);
	netns_list_done(&namespaces);
	if (report->candidate.port)
		replica_ask(snapshot, index, facts, report);
}

static int present(const struct probe_command *command, const struct snapshot *snapshot,
		   const struct probe_report *report, const struct probe_verdict *verdict,
		   const struct finding_list *findings)
{
	const struct probe_text_options text = {
		.width = terminal_text_width(),
		.color = color_wanted(command->common.color, STDOUT_FILENO),
	};
	struct out out;
	int error;

	out_init(&out, STDOUT_FILENO);
	if (command->common.json)
		probe_json_write(snapshot, report, verdict, findings, &out);
	else
		probe_text_write(snapshot, report, verdict, &text, &out);
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
	return verdict->answer == TRISTATE_YES ? EXIT_CAN : EXIT_CANNOT;
}

static int probe(const struct probe_command *command, struct bind_candidate *candidate)
{
	struct snapshot *snapshot = candidate_collect(&command->common, candidate, WANT_EVERYTHING);
	struct probe_facts facts = { .address_error = PROBE_UNKNOWN };
	struct bind_bucket_index index;
	struct finding_list findings;
	struct probe_verdict verdict;
	struct probe_report report;
	int status = EXIT_TROUBLE;

	if (!snapshot)
		return status;
	judge_snapshot(&command->common, snapshot, SEVERITY_NOTE, &findings);
	candidate_attach(&command->common, snapshot, candidate);
	facts.privileged = command->common.from || command->common.bind.user ?
				   candidate->uid == 0 :
				   attempt_privileged();
	bind_bucket_index_init(&index, snapshot);
	probe_report_init(&report, candidate);
	if (command->common.from || command->model_only)
		probe_predict(snapshot, &index, &facts, &report);
	else
		ask_kernel(command, snapshot, &index, &facts, &report);
	probe_conclude(snapshot, &report, &findings, &verdict);
	if (!present(command, snapshot, &report, &verdict, &findings))
		status = status_of(&verdict);
	probe_verdict_done(&verdict);
	probe_report_done(&report);
	bind_bucket_index_done(&index);
	finding_list_done(&findings);
	snapshot_free(snapshot);
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/judge.h"

#include <stdlib.h>

#include "analysis/check.h"
#include "analysis/suspect.h"
#include "source/source.h"
#include "util/xalloc.h"

#define WANTED_OF_SUSPECTS                                                                         \
	(WANT_CMDLINE | WANT_EXE | WANT_START_TIME | WANT_CGROUP | WANT_ANCESTORS | WANT_PID |     \
	 WANT_USERS)

bool judge_can(const struct options *options, enum severity least)
{
	const struct filter *filter = &options->filter;
	struct filter all;

	filter_init(&all);
	if (filter->listening && !filter->shared && least < SEVERITY_WARNING && !options->from)
		return false;
	return filter->states == all.states;
}

void judge_snapshot(const struct options *options, struct snapshot *snapshot, enum severity least,
		    struct finding_list *ret_list)
{
	struct bind_bucket_index buckets;
	const struct check_options check = {
		.selectors = options->filter.selectors,
		.n_selectors = options->filter.n_selectors,
		.least = least,
		.buckets = &buckets,
	};
	bool *suspects;

	bind_bucket_index_init(&buckets, snapshot);
	if (!options->from) {
		suspects = xcalloc(snapshot->n_processes, sizeof(*suspects));
		if (suspect_processes(snapshot, &buckets, suspects))
			snapshot_enrich(snapshot, WANTED_OF_SUSPECTS, suspects);
		free(suspects);
	}
	check_snapshot(snapshot, &check, ret_list);
	bind_bucket_index_done(&buckets);
}

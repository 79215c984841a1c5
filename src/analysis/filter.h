/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_FILTER_H
#define ANALYSIS_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/selector.h"
#include "model/snapshot.h"

/* Everything that narrows down a listing. All conditions must hold; selectors are or-ed. */
struct filter {
	const struct selector *selectors;
	uint32_t n_selectors;
	uint32_t protocols; /* 1U << enum protocol */
	uint32_t states; /* 1U << enum socket_state */
	bool inet, inet6;
	bool listening; /* TCP listeners and unconnected UDP sockets */
	bool shared; /* buckets in which more than one socket or process takes part */
	const uint32_t *pids; /* or-ed; 0 = any */
	uint32_t n_pids;
	const char *process; /* fnmatch(3) pattern for comm or relate_program_name(); NULL = any */
	const char *user; /* name or number; NULL = any */
	const char *unit; /* fnmatch(3) pattern, ".service" may be left out; NULL = any */
};

/* A filter that lets everything through. */
void filter_init(struct filter *filter);

/*
 * Decide for each socket; keep has snapshot->n_sockets entries. Returns how many are kept. A
 * socket whose owner is not known cannot match pid, process or unit.
 */
uint32_t filter_apply(const struct filter *filter, const struct snapshot *snapshot, bool *keep);

/*
 * Mark those processes (snapshot->n_processes, all false) whose program and command line decide
 * whether they have the name that is asked for: their comm is another. Returns how many.
 */
uint32_t filter_unnamed_processes(const struct filter *filter, const struct snapshot *snapshot,
				  bool *processes);

#endif

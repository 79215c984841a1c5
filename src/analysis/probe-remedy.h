/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_REMEDY_H
#define ANALYSIS_PROBE_REMEDY_H

#include "analysis/port-range.h"
#include "analysis/probe-verdict.h"

/*
 * What would take the blockers of a verdict, which are explained already, out of the candidate's
 * way, by the flags of both sides and by what the kernel has said on the port itself. Adds remedies
 * and notes, and sets at_the_earliest.
 */
void probe_advise(const struct port_rules *rules, const struct probe_report *report,
		  struct probe_verdict *verdict);

/* Who holds listeners that were inherited, as words_processes(). Freed with probe_heirs_done(). */
struct probe_heirs {
	char *words; /* those that have inherited them */
	uint32_t count;
	/* The server and what it has shared them with on purpose; NULL: it has gone. */
	char *others;
	uint32_t n_others;
};

/* Each of the sockets has heirs, see detect_heirs(). */
void probe_heirs_init(struct probe_heirs *heirs, const struct snapshot *snapshot,
		      const uint32_t *sockets, uint32_t n_sockets);
void probe_heirs_done(struct probe_heirs *heirs);

#endif

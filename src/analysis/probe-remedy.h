/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_REMEDY_H
#define ANALYSIS_PROBE_REMEDY_H

#include "analysis/port-range.h"
#include "analysis/probe-verdict.h"

/*
 * What would take the blockers of a verdict, which are explained already, out of the candidate's
 * way. Adds remedies and notes, and sets at_the_earliest.
 */
void probe_advise(const struct port_rules *rules, const struct bind_candidate *candidate,
		  struct probe_verdict *verdict);

#endif

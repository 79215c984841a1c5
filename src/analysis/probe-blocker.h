/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_BLOCKER_H
#define ANALYSIS_PROBE_BLOCKER_H

#include "analysis/probe-verdict.h"

/*
 * The sockets in the way of the set that was asked about: what each of them is, why it blocks, and
 * until when; then what would take them out of the way. Fills blockers and frees_in_ms, and adds
 * remedies and notes.
 */
void probe_explain_blockers(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const struct probe_report *report, struct probe_verdict *verdict);

/* Add a sentence; printf-like. One that is there already is not repeated. */
void probe_say(struct probe_sentences *sentences, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_PROBE_TEXT_H
#define OUTPUT_PROBE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/probe-verdict.h"
#include "util/out.h"

struct probe_text_options {
	uint32_t width; /* lines are filled to it */
	bool color;
};

/*
 * A probe for a person in a hurry: the verdict; the sets of flags against the ways to know; what is
 * in the way; what to do; who receives; what weakens the answer.
 */
void probe_text_write(const struct snapshot *snapshot, const struct probe_report *report,
		      const struct probe_verdict *verdict, const struct probe_text_options *options,
		      struct out *out);

#endif

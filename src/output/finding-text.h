/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_FINDING_TEXT_H
#define OUTPUT_FINDING_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/finding.h"
#include "output/color.h"
#include "util/out.h"

struct finding_text_options {
	uint32_t width; /* lines are filled to it */
	bool color;
	const char *remark; /* a sentence about what was asked for, without its end; NULL: none */
	bool nothing_matched; /* which is that nothing at all is that; then nothing is found */
};

/*
 * Findings for a person in a hurry: of each what is wrong, the sockets with their holders and
 * flags, what happens, what to do; then what could not be told; then how many of what, in how much
 * that was looked at, and what could not be seen. Where there is nothing, only these.
 */
void finding_text_write(const struct snapshot *snapshot, const struct finding_list *findings,
			const struct finding_text_options *options, struct out *out);

/*
 * Fill a paragraph: after a label the words, wrapped at width, each line indented as the label is
 * wide. The words are escaped. What stands in double quotes stays on one line if one can hold it.
 */
void finding_text_fill(const char *label, const char *words, uint32_t width, struct out *out);

/* The colour of a finding: that of its severity; of one that could not be told that of a note. */
enum color_role finding_text_role(const struct finding *finding);

/* What could not be seen, and so weakens everything that is said; nothing if all could. */
void finding_text_limits(const struct snapshot *snapshot, uint32_t width, struct out *out);

#endif

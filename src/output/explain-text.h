/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_EXPLAIN_TEXT_H
#define OUTPUT_EXPLAIN_TEXT_H

#include "output/finding-text.h"

/* The long text about a finding, from the catalogue, for people. */
void explain_write(enum finding_id id, const struct finding_text_options *options, struct out *out);

/* A line for each finding: id and title. */
void explain_write_list(struct out *out);

/* The whole catalogue as Markdown: docs/FINDINGS.md. */
void explain_write_markdown(struct out *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_PROBE_JSON_H
#define OUTPUT_PROBE_JSON_H

#include "analysis/probe-verdict.h"
#include "util/out.h"

/* The whole of a probe as one JSON document, with the snapshot that it rests on: docs/JSON.md. */
void probe_json_write(const struct snapshot *snapshot, const struct probe_report *report,
		      const struct probe_verdict *verdict, const struct finding_list *findings,
		      struct out *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_PROBE_JSON_H
#define OUTPUT_PROBE_JSON_H

#include "analysis/probe-verdict.h"
#include "model/finding.h"
#include "util/out.h"

/*
 * The whole of a probe as one JSON document, with the snapshot that it rests on: docs/JSON.md. The
 * snapshot is marked as that part of all sockets, for who reads it alone.
 */
void probe_json_write(struct snapshot *snapshot, enum snapshot_part part,
		      const struct probe_report *report, const struct probe_verdict *verdict,
		      const struct finding_list *findings, struct out *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_PROMETHEUS_H
#define OUTPUT_PROMETHEUS_H

#include "model/finding.h"
#include "output/plugin.h"
#include "util/out.h"

/*
 * Metrics in Prometheus' text format 0.0.4, for the textfile collector of node_exporter. Labels are
 * bounded: finding, severity, protocol, port and unit, never a pid or a peer. With the exit status,
 * which tells what the findings do not: that what was asked about is not there, or not all seen.
 */
void prometheus_write(const struct snapshot *snapshot, const struct finding_list *findings,
		      enum plugin_status status, struct out *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_ATTEMPT_H
#define PROBE_ATTEMPT_H

#include <stdbool.h>

#include "analysis/probe.h"
#include "analysis/probe-harm.h"

/*
 * Real binds on the real port, in the network namespace of the caller. Each socket is bound, asked
 * for its name and closed at once; it never listens, never reads.
 */
struct attempt_request {
	const struct snapshot *snapshot;
	/* Bind as candidate.uid and with its groups, which takes root; else as the caller. */
	bool switch_user;
	const struct probe_live_plan *plan;
};

/*
 * Whether the address of the report's candidate can be bound at all: asked with
 * IP_BIND_ADDRESS_NO_PORT, which takes no port. Returns 0, the errno of bind(), ENODEV if there is
 * no such device, or PROBE_UNKNOWN with a limit in the report.
 */
int attempt_address(const struct attempt_request *request, struct probe_report *report);

/*
 * Carry out the plan: fills PROBE_LIVE of the sets that it has, held_ns and other_port, and
 * left_out of the others. What cannot be tried becomes a limit.
 */
void attempt_live(const struct attempt_request *request, struct probe_report *report);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_HARM_H
#define ANALYSIS_PROBE_HARM_H

#include "analysis/probe.h"

/*
 * Which real binds on a live port are done unasked. A bind that succeeds keeps others from the port
 * for some microseconds: one with SO_REUSEADDR those that bind without that flag in this instant,
 * which is accepted; one without it servers that start, and one of UDP takes the datagrams of a
 * socket that it is as specific as, which may have come since the port was read, unless that is of
 * IPv4 and this of IPv6: these are not done. Pure; by what is seen of the port.
 */
enum probe_live_how {
	LIVE_NOT, /* not unasked */
	LIVE_DIRECT, /* a socket just as the candidate */
	/*
	 * For IPv4, an IPv6 socket bound to the mapped address: the same conflicts, but the kernel
	 * prefers any AF_INET socket that is as specific when it looks for a receiver.
	 */
	LIVE_MAPPED,
};

struct probe_live_plan {
	enum probe_live_how how[PROBE_SETS];
	const char *harm[PROBE_SETS]; /* static: what the bind could do; NULL if it is harmless */
};

/* The report has the model's outcomes. With all, everything is done, as the candidate is. */
void probe_plan_live(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		     const struct probe_report *report, bool all, struct probe_live_plan *ret_plan);

#endif

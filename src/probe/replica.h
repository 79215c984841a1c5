/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_REPLICA_H
#define PROBE_REPLICA_H

#include "analysis/probe.h"

/*
 * The kernel's own answer, without the live port: the sockets of the bucket rebuilt in a private
 * network namespace, then each set of flags bound and listened with, and traffic sent to see who
 * receives. Lives in a child process; nothing is left of it, however either ends.
 */

/* More sockets than these, once those alike are taken together, are not rebuilt. */
#define REPLICA_SOCKETS_MAX 1024

/*
 * Fills PROBE_REPLICA of the report, and the deliveries where they can be counted, in place of the
 * model's, which are there already. What cannot be rebuilt as it is becomes a limit; an answer that
 * the model found to depend on something unknown is unknown here too.
 */
void replica_ask(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		 const struct probe_facts *facts, struct probe_report *report);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_CANDIDATE_H
#define CMD_CANDIDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/bind-conflict.h"
#include "cmd/options.h"
#include "model/snapshot.h"

/* The bind that somebody asks probe or wait about: from the command line to the model's words. */

/*
 * Read protocol, address, port, uid and flags from options that were parsed with takes_bind; what
 * depends on a snapshot (namespace, device, the default of v6only) follows with
 * candidate_attach(). Returns false after options_error().
 */
bool candidate_parse(const struct options *options, struct bind_candidate *ret_candidate);

/*
 * Take a snapshot of everything that shares the candidate's port (all sockets for port 0), in
 * every state and of both families, with all that decides a bind. As collect_snapshot().
 */
struct snapshot *candidate_collect(const struct options *options,
				   const struct bind_candidate *candidate, uint32_t want);

/* The same sockets alone, which costs little: no owners, no flags, nothing of the namespace. */
struct snapshot *candidate_glance(const struct options *options,
				  const struct bind_candidate *candidate);

/* Give the candidate its place in a snapshot: namespace, device, and v6only as a socket has it. */
void candidate_attach(const struct options *options, struct snapshot *snapshot,
		      struct bind_candidate *candidate);

#endif

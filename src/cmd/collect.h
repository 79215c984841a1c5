/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_COLLECT_H
#define CMD_COLLECT_H

#include <stdint.h>

#include "cmd/options.h"
#include "model/snapshot.h"
#include "util/out.h"

/*
 * The first steps of every command: take the snapshot that the options ask for, from the kernel or
 * from a file, and infer what can be inferred. want is enum collect_want. The kernel already
 * filters by port, state and family where that loses nothing that the command needs; the caller
 * applies options->filter.
 *
 * Returns the snapshot, which the caller frees; or NULL after saying on stderr what is wrong.
 */
struct snapshot *collect_snapshot(const struct options *options, uint32_t want);

/* What could not be seen, and how much of it, in a sentence: safe, appended. */
void collect_limits_text(const struct snapshot *snapshot, struct out *out);

/* The same as one line on stderr, if there is anything. */
void collect_report_limits(const struct snapshot *snapshot);

/*
 * Of a snapshot from a file, for people, at the width: whose it is and of which moment, and a blank
 * line; nothing if it is from the kernel, or if it does not say. With width 0 as a line of stderr.
 */
void collect_write_origin(const struct options *options, const struct snapshot *snapshot,
			  uint32_t width, struct out *out);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_WATCH_SOURCE_H
#define CMD_WATCH_SOURCE_H

#include <stdint.h>

#include "cmd/options.h"
#include "model/snapshot.h"
#include "tui/frame.h"

/* Where the frames of watch come from: one reading after the other, each as cheap as it can be. */
struct watch_source {
	const struct options *options; /* the caller's */
	struct frame_maker maker;
	struct snapshot *last; /* the last one that was read whole, brought up to date */
	int64_t whole_ms; /* when that was, by the monotonic clock */
	int64_t took_ms; /* and how long it took */
};

void watch_source_init(struct watch_source *source, const struct options *options);
void watch_source_done(struct watch_source *source);

/*
 * The next frame, the caller's; of a snapshot file the only one. NULL after saying what is wrong.
 */
struct frame *watch_source_next(struct watch_source *source);

#endif

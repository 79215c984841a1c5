/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_WATCH_COLLECTOR_H
#define CMD_WATCH_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/look.h"
#include "tui/frame.h"

/*
 * The thread that reads the sockets for watch, again and again, so that keys never wait for it. It
 * alone calls source and probe; what it gives away it does not touch again.
 */
struct watch_collector;

/* options stay the caller's, and stay. Returns NULL after saying on stderr what is wrong. */
struct watch_collector *watch_collector_new(const struct options *options, int64_t interval_ms);
void watch_collector_free(struct watch_collector *collector);

/* Readable when there is something to take. */
int watch_collector_fd(const struct watch_collector *collector);

/* The newest frame, which is the caller's then; NULL: none has come since. */
struct frame *watch_collector_take(struct watch_collector *collector);

/* Answers to watch_collector_probe(): a text, malloc'ed; NULL: none has come. */
char *watch_collector_take_probe(struct watch_collector *collector);

/* Whether reading has failed for good; then there are no more frames. */
bool watch_collector_failed(const struct watch_collector *collector);

void watch_collector_set(struct watch_collector *collector, int64_t interval_ms, bool paused);

/* Look at a bind: model and replica, in the collector's thread. */
void watch_collector_probe(struct watch_collector *collector,
			   const struct bind_candidate *candidate, const char *device);

/* One frame, in this thread: of a file, or for --batch. NULL after saying what is wrong. */
struct frame *watch_collect(const struct options *options, struct frame_maker *maker,
			    struct snapshot **last);

#endif

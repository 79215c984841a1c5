/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_WATCH_COLLECTOR_H
#define CMD_WATCH_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/look.h"
#include "cmd/watch-source.h"

/*
 * The thread that reads the sockets for watch, again and again, so that keys never wait for it. It
 * alone calls source and probe; what it gives away it does not touch again.
 */
struct watch_collector;

/* options stay the caller's, and stay. Returns NULL after saying on stderr what is wrong. */
struct watch_collector *watch_collector_new(const struct options *options, int64_t interval_ms);

/*
 * End the thread and free all. Returns false if it is still at work after a second, with a port
 * that is probed or a process that cannot be read: then the program must end without more ado.
 */
bool watch_collector_free(struct watch_collector *collector);

/* Readable when there is something to take. */
int watch_collector_fd(const struct watch_collector *collector);

/* The newest frame, which is the caller's then; NULL: none has come since. */
struct frame *watch_collector_take(struct watch_collector *collector);

/* Answers to watch_collector_probe(): a text, malloc'ed; NULL: none has come. */
char *watch_collector_take_probe(struct watch_collector *collector);

/* How many readings have failed in a row; from WATCH_FAILURES_MAX on there are no more. */
#define WATCH_FAILURES_MAX 5
uint32_t watch_collector_failures(struct watch_collector *collector);

void watch_collector_set(struct watch_collector *collector, int64_t interval_ms, bool paused);

/* A bind that is to be looked at. Strings are copied. */
struct watch_probe {
	struct bind_candidate candidate;
	const char *device; /* NULL: none */
	const char *netns; /* as --netns takes it; NULL: that of the command line */
	uint64_t netns_id; /* which that must be; 0: is not known */
	uint32_t width; /* of the lines of the answer */
};

/* Look at it: model and replica, in the collector's thread. Binds no port. */
void watch_collector_probe(struct watch_collector *collector, const struct watch_probe *probe);

#endif

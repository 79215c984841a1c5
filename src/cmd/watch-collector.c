/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/watch-collector.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/candidate.h"
#include "cmd/collect.h"
#include "cmd/judge.h"
#include "model/snapshot-update.h"
#include "output/column-note.h"
#include "output/probe-text.h"
#include "source/source.h"
#include "util/xalloc.h"

/* Owners may change while the sockets do not: so often they are read in any case. */
#define OWNERS_NS (10 * INT64_C(1000000000))
#define PROBE_WIDTH 76

struct watch_collector {
	const struct options *options;
	pthread_t thread;
	int wake[2]; /* to the thread: something has been asked */
	int news[2]; /* from the thread: something is there */

	pthread_mutex_t lock; /* of what follows */
	struct frame *frame;
	char *probe; /* the answer */
	struct bind_candidate candidate;
	char *device;
	bool has_candidate, quit, paused, failed;
	int64_t interval_ms;

	/* The thread's own. */
	struct frame_maker maker;
	struct snapshot *last; /* the last one that was read whole */
};

/* As list has it, and what findings and details want. Any filter is the view's. */
static struct snapshot *collect_whole(const struct options *options)
{
	struct options all = *options;

	filter_init(&all.filter);
	return collect_snapshot(&all, WANT_EVERYTHING);
}

static struct snapshot *collect_sockets(const struct options *options)
{
	struct options all = *options;

	filter_init(&all.filter);
	return collect_snapshot(&all, WANT_SYSCTLS);
}

/*
 * The next snapshot. As long as the sockets are those of the last one, only they are read; *last
 * keeps a copy to go on from.
 */
static struct snapshot *collect_next(const struct options *options, struct snapshot **last,
				     int64_t *whole_ns)
{
	struct snapshot *next;

	if (*last && !options->from) {
		next = collect_sockets(options);
		if (!next)
			return NULL;
		if (next->end_ns - *whole_ns < OWNERS_NS && snapshot_update(*last, next)) {
			snapshot_free(next);
			return snapshot_clone(*last);
		}
		snapshot_free(next);
	}
	next = collect_whole(options);
	if (!next)
		return NULL;
	snapshot_free(*last);
	*last = snapshot_clone(next);
	*whole_ns = next->end_ns;
	return next;
}

static struct frame *make_frame(const struct options *options, struct frame_maker *maker,
				struct snapshot *snapshot)
{
	struct finding_list findings;

	judge_snapshot(options, snapshot, SEVERITY_NOTE, &findings);
	return frame_new(maker, snapshot, &findings, column_notes_of(snapshot, &findings));
}

struct frame *watch_collect(const struct options *options, struct frame_maker *maker,
			    struct snapshot **last)
{
	static int64_t whole_ns;
	struct snapshot *snapshot = collect_next(options, last, &whole_ns);

	return snapshot ? make_frame(options, maker, snapshot) : NULL;
}

/* ---- the thread ---- */

static void tell(int fd)
{
	ssize_t ignored = write(fd, "", 1);

	/* A full pipe says the same. */
	(void)ignored;
}

static void empty(int fd)
{
	char bytes[64];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

static void answer_probe(struct watch_collector *collector, const struct bind_candidate *candidate,
			 const char *device)
{
	const struct probe_text_options text = { .width = PROBE_WIDTH };
	struct options options = *collector->options;
	struct look look;
	struct out out;
	char *answer;

	options.bind = (struct bind_options){ .device = device };
	options.bind.v6only = candidate->v6only;
	out_init(&out, -1);
	if (look_at(&options, candidate, LOOK_REPLICA, &look)) {
		probe_text_write(look.snapshot, &look.report, &look.verdict, &text, &out);
		look_done(&look);
	} else {
		out_string(&out, "The sockets could not be read.\n");
	}
	out_char(&out, '\0');
	answer = xstrdup(out.buffer);
	out_done(&out);
	pthread_mutex_lock(&collector->lock);
	free(collector->probe);
	collector->probe = answer;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->news[1]);
}

static void give_frame(struct watch_collector *collector, struct frame *frame)
{
	struct frame *old;

	pthread_mutex_lock(&collector->lock);
	old = collector->frame;
	collector->frame = frame;
	collector->failed = collector->failed || !frame;
	pthread_mutex_unlock(&collector->lock);
	frame_free(old);
	tell(collector->news[1]);
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is to be done now. Returns false if nothing any more. */
static bool take_orders(struct watch_collector *collector, int64_t *ret_interval, bool *ret_paused)
{
	struct bind_candidate candidate;
	bool has_candidate, go_on;
	char *device;

	pthread_mutex_lock(&collector->lock);
	go_on = !collector->quit;
	*ret_interval = collector->interval_ms;
	*ret_paused = collector->paused;
	has_candidate = collector->has_candidate;
	candidate = collector->candidate;
	device = collector->device;
	collector->has_candidate = false;
	collector->device = NULL;
	pthread_mutex_unlock(&collector->lock);
	if (go_on && has_candidate)
		answer_probe(collector, &candidate, device);
	free(device);
	return go_on;
}

static void *collect_always(void *user)
{
	struct watch_collector *collector = user;
	int64_t next = now_ms(), interval;
	bool paused;

	while (take_orders(collector, &interval, &paused)) {
		struct pollfd wake = { .fd = collector->wake[0], .events = POLLIN };
		int64_t left = next - now_ms();

		if (!paused && left <= 0) {
			struct frame *frame = watch_collect(collector->options, &collector->maker,
							    &collector->last);

			give_frame(collector, frame);
			if (!frame)
				break;
			/* What takes long is done the more seldom. */
			next = now_ms() + interval;
			continue;
		}
		if (poll(&wake, 1, paused ? -1 : (int)left) > 0)
			empty(collector->wake[0]);
		/* A shorter interval begins at once. */
		if (next > now_ms() + interval)
			next = now_ms() + interval;
	}
	return NULL;
}

/* ---- its owner ---- */

struct watch_collector *watch_collector_new(const struct options *options, int64_t interval_ms)
{
	struct watch_collector *collector = xcalloc(1, sizeof(*collector));
	sigset_t all, before;
	int error;

	collector->options = options;
	collector->interval_ms = interval_ms;
	frame_maker_init(&collector->maker);
	pthread_mutex_init(&collector->lock, NULL);
	if (pipe2(collector->wake, O_CLOEXEC | O_NONBLOCK) ||
	    pipe2(collector->news, O_CLOEXEC | O_NONBLOCK)) {
		options_error("cannot begin to watch", NULL, strerror(errno));
		free(collector);
		return NULL;
	}
	/* Signals are for the thread that has the terminal. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&collector->thread, NULL, collect_always, collector);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!error)
		return collector;
	options_error("cannot begin to watch", NULL, strerror(error));
	free(collector);
	return NULL;
}

void watch_collector_free(struct watch_collector *collector)
{
	int i;

	pthread_mutex_lock(&collector->lock);
	collector->quit = true;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->wake[1]);
	pthread_join(collector->thread, NULL);
	for (i = 0; i < 2; i++) {
		close(collector->wake[i]);
		close(collector->news[i]);
	}
	pthread_mutex_destroy(&collector->lock);
	frame_free(collector->frame);
	frame_maker_done(&collector->maker);
	snapshot_free(collector->last);
	free(collector->probe);
	free(collector->device);
	free(collector);
}

int watch_collector_fd(const struct watch_collector *collector)
{
	return collector->news[0];
}

struct frame *watch_collector_take(struct watch_collector *collector)
{
	struct frame *frame;

	empty(collector->news[0]);
	pthread_mutex_lock(&collector->lock);
	frame = collector->frame;
	collector->frame = NULL;
	pthread_mutex_unlock(&collector->lock);
	return frame;
}

char *watch_collector_take_probe(struct watch_collector *collector)
{
	char *probe;

	pthread_mutex_lock(&collector->lock);
	probe = collector->probe;
	collector->probe = NULL;
	pthread_mutex_unlock(&collector->lock);
	return probe;
}

bool watch_collector_failed(const struct watch_collector *collector)
{
	struct watch_collector *unlocked = (struct watch_collector *)collector;
	bool failed;

	pthread_mutex_lock(&unlocked->lock);
	failed = collector->failed;
	pthread_mutex_unlock(&unlocked->lock);
	return failed;
}

void watch_collector_set(struct watch_collector *collector, int64_t interval_ms, bool paused)
{
	pthread_mutex_lock(&collector->lock);
	collector->interval_ms = interval_ms;
	collector->paused = paused;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->wake[1]);
}

void watch_collector_probe(struct watch_collector *collector,
			   const struct bind_candidate *candidate, const char *device)
{
	pthread_mutex_lock(&collector->lock);
	collector->candidate = *candidate;
	free(collector->device);
	collector->device = device ? xstrdup(device) : NULL;
	collector->has_candidate = true;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->wake[1]);
}

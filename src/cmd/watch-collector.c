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
#include "output/probe-text.h"
#include "source/netns.h"
#include "util/clock.h"
#include "util/xalloc.h"

#define SLEEP_MAX_MS 60000

/* A probe that has been asked for. */
struct order {
	bool given;
	struct bind_candidate candidate;
	char *device, *netns; /* or NULL */
	uint64_t netns_id;
	uint32_t width;
};

struct watch_collector {
	const struct options *options;
	pthread_t thread;
	int wake[2]; /* to the thread: something has been asked */
	int news[2]; /* from the thread: something is there */

	pthread_mutex_t lock; /* of what follows */
	struct frame *frame;
	char *answer; /* to a probe */
	struct order order;
	bool quit, paused;
	bool has_read; /* at least once */
	uint32_t failures; /* in a row */
	int64_t interval_ms;

	struct watch_source source; /* the thread's own */
};

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

static void order_done(struct order *order)
{
	free(order->device);
	free(order->netns);
	*order = (struct order){ .given = false };
}

/* The namespace that was meant, not one that has its name or number since. */
static bool is_there(const struct order *order, const struct snapshot *snapshot)
{
	return !order->netns || !order->netns_id ||
	       (snapshot->n_netns && snapshot->netns[0].id == order->netns_id);
}

static void answer_probe(struct watch_collector *collector, const struct order *order)
{
	const struct probe_text_options text = { .width = order->width };
	struct options options = *collector->options;
	struct netns_choice netns;
	struct look look;
	struct out out;
	char *answer;

	options.bind = (struct bind_options){ .device = order->device };
	options.bind.v6only = order->candidate.v6only;
	options.all_netns = false;
	netns_choice_init(&netns, order->netns);
	if (order->netns)
		options.netns = &netns;
	out_init(&out, -1);
	if (!look_at(&options, &order->candidate, LOOK_REPLICA, &look)) {
		out_string(&out, "The sockets could not be read.\n");
	} else {
		if (is_there(order, look.snapshot))
			probe_text_write(look.snapshot, &look.report, &look.verdict, &text, &out);
		else
			out_string(&out, "The network namespace of this socket has gone.\n");
		look_done(&look);
	}
	netns_choice_done(&netns);
	out_char(&out, '\0');
	answer = xstrdup(out.buffer);
	out_done(&out);
	pthread_mutex_lock(&collector->lock);
	free(collector->answer);
	collector->answer = answer;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->news[1]);
}

/* NULL: it could not be had. Returns false if it is time to give up. */
static bool give_frame(struct watch_collector *collector, struct frame *frame)
{
	struct frame *old = NULL;
	bool go_on;

	pthread_mutex_lock(&collector->lock);
	if (frame) {
		old = collector->frame;
		collector->frame = frame;
		collector->failures = 0;
		collector->has_read = true;
	} else if (collector->has_read) {
		collector->failures++;
	} else {
		/* What is wrong from the beginning will not mend itself. */
		collector->failures = WATCH_FAILURES_MAX;
	}
	go_on = collector->failures < WATCH_FAILURES_MAX;
	pthread_mutex_unlock(&collector->lock);
	frame_free(old);
	tell(collector->news[1]);
	return go_on;
}

/* What is to be done now. Returns false if nothing any more. */
static bool take_orders(struct watch_collector *collector, int64_t *ret_interval, bool *ret_paused)
{
	struct order order;
	bool go_on;

	pthread_mutex_lock(&collector->lock);
	go_on = !collector->quit;
	*ret_interval = collector->interval_ms;
	*ret_paused = collector->paused;
	order = collector->order;
	collector->order = (struct order){ .given = false };
	pthread_mutex_unlock(&collector->lock);
	if (go_on && order.given)
		answer_probe(collector, &order);
	order_done(&order);
	return go_on;
}

static void *collect_always(void *user)
{
	struct watch_collector *collector = user;
	int64_t next = monotonic_ms(), interval;
	bool paused;

	while (take_orders(collector, &interval, &paused)) {
		struct pollfd wake = { .fd = collector->wake[0], .events = POLLIN };
		int64_t left = next - monotonic_ms();

		if (!paused && left <= 0) {
			if (!give_frame(collector, watch_source_next(&collector->source)))
				break;
			/* What takes long is done the more seldom. */
			next = monotonic_ms() + interval;
			continue;
		}
		if (poll(&wake, 1,
			 paused		     ? -1 :
			 left < SLEEP_MAX_MS ? (int)left :
					       SLEEP_MAX_MS) > 0)
			empty(collector->wake[0]);
		/* A shorter interval begins at once. */
		if (next > monotonic_ms() + interval)
			next = monotonic_ms() + interval;
	}
	return NULL;
}

/* ---- its owner ---- */

static int start_thread(struct watch_collector *collector)
{
	/* Signals are for the thread that has the terminal, but for its own crashes. */
	static const int own[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	sigset_t blocked, before;
	size_t i;
	int error;

	sigfillset(&blocked);
	for (i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(&blocked, own[i]);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	error = pthread_create(&collector->thread, NULL, collect_always, collector);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static void close_pipe(const int *ends)
{
	int i;

	for (i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

static void release(struct watch_collector *collector)
{
	close_pipe(collector->wake);
	close_pipe(collector->news);
	pthread_mutex_destroy(&collector->lock);
	frame_free(collector->frame);
	watch_source_done(&collector->source);
	free(collector->answer);
	order_done(&collector->order);
	free(collector);
}

struct watch_collector *watch_collector_new(const struct options *options, int64_t interval_ms)
{
	struct watch_collector *collector = xcalloc(1, sizeof(*collector));
	int error = 0;

	*collector = (struct watch_collector){
		.options = options,
		.wake = { -1, -1 },
		.news = { -1, -1 },
		.interval_ms = interval_ms,
	};
	watch_source_init(&collector->source, options);
	pthread_mutex_init(&collector->lock, NULL);
	if (pipe2(collector->wake, O_CLOEXEC | O_NONBLOCK) ||
	    pipe2(collector->news, O_CLOEXEC | O_NONBLOCK))
		error = errno;
	if (!error)
		error = start_thread(collector);
	if (!error)
		return collector;
	options_error("cannot begin to watch", NULL, strerror(error));
	release(collector);
	return NULL;
}

bool watch_collector_free(struct watch_collector *collector)
{
	struct timespec until;

	pthread_mutex_lock(&collector->lock);
	collector->quit = true;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->wake[1]);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec++;
	if (pthread_timedjoin_np(collector->thread, NULL, &until))
		return false;
	release(collector);
	return true;
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
	char *answer;

	pthread_mutex_lock(&collector->lock);
	answer = collector->answer;
	collector->answer = NULL;
	pthread_mutex_unlock(&collector->lock);
	return answer;
}

uint32_t watch_collector_failures(struct watch_collector *collector)
{
	uint32_t failures;

	pthread_mutex_lock(&collector->lock);
	failures = collector->failures;
	pthread_mutex_unlock(&collector->lock);
	return failures;
}

void watch_collector_set(struct watch_collector *collector, int64_t interval_ms, bool paused)
{
	pthread_mutex_lock(&collector->lock);
	collector->interval_ms = interval_ms;
	collector->paused = paused;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->wake[1]);
}

void watch_collector_probe(struct watch_collector *collector, const struct watch_probe *probe)
{
	const struct order order = {
		.given = true,
		.candidate = probe->candidate,
		.device = probe->device ? xstrdup(probe->device) : NULL,
		.netns = probe->netns ? xstrdup(probe->netns) : NULL,
		.netns_id = probe->netns_id,
		.width = probe->width,
	};

	pthread_mutex_lock(&collector->lock);
	order_done(&collector->order);
	collector->order = order;
	pthread_mutex_unlock(&collector->lock);
	tell(collector->wake[1]);
}

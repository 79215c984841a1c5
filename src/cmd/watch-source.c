/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/watch-source.h"

#include "cmd/collect.h"
#include "cmd/judge.h"
#include "model/snapshot-update.h"
#include "output/column-note.h"
#include "source/source.h"
#include "util/clock.h"

/*
 * Owners may change while the sockets do not: so often they are read in any case. Where ports were
 * named that is what somebody waits for: then as often as it is a twentieth of the time at most.
 */
#define OWNERS_MS 10000
#define OWNERS_SHARE 20

void watch_source_init(struct watch_source *source, const struct options *options)
{
	*source = (struct watch_source){ .options = options };
	frame_maker_init(&source->maker);
	/* Containers come and go with their ports: of all namespaces nothing is waited for. */
	if (!options->all_netns)
		history_choose(&source->maker.history, options->filter.selectors,
			       options->filter.n_selectors);
}

void watch_source_done(struct watch_source *source)
{
	frame_maker_done(&source->maker);
	snapshot_free(source->last);
	source->last = NULL;
}

/* As list has it, and what findings and details want. Any filter is the view's. */
static struct snapshot *collect(const struct options *options, uint32_t want)
{
	struct options all = *options;

	filter_init(&all.filter);
	return collect_snapshot(&all, want);
}

static bool are_owners_due(const struct watch_source *source)
{
	int64_t wait = OWNERS_MS;

	if (source->options->filter.n_selectors && source->took_ms < OWNERS_MS / OWNERS_SHARE)
		wait = source->took_ms * OWNERS_SHARE;
	return monotonic_ms() - source->whole_ms >= wait;
}

/*
 * As long as the sockets are those of the last snapshot, only they are read. Else that one is the
 * caller's: what has gone is in it.
 */
static struct snapshot *next_snapshot(struct watch_source *source, struct snapshot **ret_before)
{
	struct snapshot *next;
	int64_t began_ms;

	if (source->last && !source->options->from && !are_owners_due(source)) {
		next = collect(source->options, WANT_SYSCTLS);
		if (!next)
			return NULL;
		if (snapshot_update(source->last, next)) {
			snapshot_free(next);
			return snapshot_clone(source->last);
		}
		snapshot_free(next);
	}
	began_ms = monotonic_ms();
	next = collect(source->options, WANT_EVERYTHING);
	if (!next)
		return NULL;
	*ret_before = source->last;
	source->last = snapshot_clone(next);
	source->whole_ms = monotonic_ms();
	source->took_ms = source->whole_ms - began_ms;
	return next;
}

struct frame *watch_source_next(struct watch_source *source)
{
	struct snapshot *before = NULL, *snapshot = next_snapshot(source, &before);
	struct finding_list findings;
	struct frame *frame;

	if (!snapshot)
		return NULL;
	judge_snapshot(source->options, snapshot, SEVERITY_NOTE, &findings);
	frame = frame_new(&source->maker, before, snapshot, &findings,
			  column_notes_of(snapshot, &findings));
	snapshot_free(before);
	return frame;
}

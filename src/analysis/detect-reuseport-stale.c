/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a SO_REUSEPORT group that are of an older generation. */
#include "analysis/detect-reuseport.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/parties.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* An older generation may go on beside the newer for so long while it is replaced. */
#define ROLLING_RESTART_NS (120 * INT64_C(1000000000))

/* "web@" of "web@1.service"; 0 if the unit is no instance of a template. */
static size_t template_length(const char *unit)
{
	const char *at = unit ? strchr(unit, '@') : NULL;

	return at ? (size_t)(at - unit) + 1 : 0;
}

enum generation {
	GENERATION_SAME, /* or it cannot be told */
	GENERATION_OLDER_FILE, /* its executable has been replaced */
	GENERATION_OLDER_INSTANCE, /* another instance of its unit has been started since */
};

static enum generation compare_generations(const struct snapshot *snapshot,
					   const struct process *old, const struct process *new)
{
	const char *old_unit = snapshot_text(snapshot, old->unit);
	const char *new_unit = snapshot_text(snapshot, new->unit);
	size_t length = template_length(old_unit);
	bool both_files = old->known & new->known &PROCESS_HAS_EXE_FILE;
	bool both_times = old->known & new->known &PROCESS_HAS_START_TIME;

	/* After a step back the file that was there first is there again, whoever began later. */
	if (old->exe_deleted == TRISTATE_NO && new->exe_deleted == TRISTATE_YES)
		return GENERATION_SAME;
	if (old->exe_deleted == TRISTATE_YES && new->exe_deleted == TRISTATE_NO && old->exe &&
	    old->exe == new->exe)
		return GENERATION_OLDER_FILE;
	if (both_times && old->start_time_ns > new->start_time_ns)
		return GENERATION_SAME;
	if (old->exe_deleted == TRISTATE_YES && new->exe_deleted != TRISTATE_YES)
		return GENERATION_OLDER_FILE;
	/* In one container, or in none, a path is one place. */
	if (both_times && both_files && old->exe && old->exe == new->exe &&
	    old->container == new->container && old->start_time_ns < new->start_time_ns &&
	    (old->exe_inode != new->exe_inode || old->exe_device != new->exe_device))
		return GENERATION_OLDER_FILE;
	if (both_times && length && new_unit &&
	    old->unit != new->unit &&length == template_length(new_unit) &&
	    !strncmp(old_unit, new_unit, length) &&
	    new->start_time_ns - old->start_time_ns > ROLLING_RESTART_NS)
		return GENERATION_OLDER_INSTANCE;
	return GENERATION_SAME;
}

/* What it runs, and so of which generation it is, cannot be seen. */
static bool is_of_unknown_generation(const struct snapshot *snapshot, uint32_t index)
{
	const struct process *holder = reuseport_holder_of(snapshot, index);

	if (!holder)
		return socket_is_held_by_unknown(&snapshot->sockets[index]);
	return !holder->exe && holder->exe_deleted == TRISTATE_UNKNOWN &&
	       !(holder->known & PROCESS_HAS_EXE_FILE);
}

/* Members of an older generation than the newest one, and what makes them that. */
struct stale {
	uint32_t *sockets;
	uint32_t count;
	/* Of them, whose executable has been replaced; if there are, they come first. */
	uint32_t n_file;
	uint32_t newest;
};

static void add_stale(struct stale *stale, uint32_t socket, enum generation generation)
{
	uint32_t place = stale->count++;

	if (generation == GENERATION_OLDER_FILE) {
		stale->sockets[place] = stale->sockets[stale->n_file];
		place = stale->n_file++;
	}
	stale->sockets[place] = socket;
}

/* Of the first of them, which stands for the others. */
static char *stale_evidence(const struct snapshot *snapshot, const struct stale *stale)
{
	const struct process *older = reuseport_holder_of(snapshot, stale->sockets[0]);
	const struct process *newer = reuseport_holder_of(snapshot, stale->newest);
	char *is = words_holders(snapshot, stale->newest), *text, *since, *which;

	since = newer->known & PROCESS_HAS_START_TIME ? words_moment(newer->start_time_ns) :
							xstrdup("an unknown moment");
	which = stale->count == 1 ? xstrdup("It") : words_holders(snapshot, stale->sockets[0]);
	if (stale->n_file)
		text = xasprintf("%s runs an executable that has been %s since (%s); %s runs since "
				 "%s.",
				 which,
				 older->exe_deleted == TRISTATE_YES ? "deleted or replaced" :
								      "replaced",
				 older->exe ? snapshot_text(snapshot, older->exe) : "?", is, since);
	else
		text = xasprintf("%s belongs to %s; %s, of %s, was started at %s.", which,
				 snapshot_text(snapshot, older->unit), is,
				 snapshot_text(snapshot, newer->unit), since);
	free(is);
	free(since);
	free(which);
	return text;
}

/*
 * After a step back the one that runs what has been replaced may have begun later. Of those that
 * began in one tick of the clock nobody knows.
 */
static bool may_be_step_back(const struct snapshot *snapshot, const struct stale *stale)
{
	const struct process *stays = reuseport_holder_of(snapshot, stale->newest);
	uint32_t i;

	for (i = 0; i < stale->count; i++) {
		const struct process *goes = reuseport_holder_of(snapshot, stale->sockets[i]);

		if ((stays->known & goes->known & PROCESS_HAS_START_TIME) &&
		    goes->start_time_ns >= stays->start_time_ns)
			return true;
	}
	return false;
}

static bool are_for_multicast(const struct snapshot *snapshot, const struct stale *stale)
{
	uint32_t i;

	for (i = 0; i < stale->count; i++)
		if (!detect_is_for_multicast(&snapshot->sockets[stale->sockets[i]]))
			return false;
	return true;
}

/* A warning if a program that has been replaced is known to serve a part of the clients. */
static enum severity severity_of_stale(const struct snapshot *snapshot,
				       const struct reuseport_group *group,
				       const struct stale *stale)
{
	return stale->n_file && !group->steered && !are_for_multicast(snapshot, stale) ?
		       SEVERITY_WARNING :
		       SEVERITY_NOTE;
}

/* What the members of that generation get. */
static char *explain_stale(const struct snapshot *snapshot, const struct reuseport_group *group,
			   const struct stale *stale, const char *program)
{
	char *members = detect_words_members(snapshot, stale->sockets, stale->count);
	char *unknown, *share, *how, *text;

	if (group->steered) {
		unknown = xasprintf("whether clients still reach the %s program", program);
		how = reuseport_explain_steering(group, unknown);
		text = xasprintf("%s The %s program may get nothing new in that way, so this is a "
				 "note.%s",
				 how, program, members);
		free(unknown);
		free(how);
	} else {
		share = stale->count == 1 ?
				xasprintf("one client in %u is", group->count) :
				xasprintf("%u clients in %u are", stale->count, group->count);
		text = xasprintf("The kernel spreads %s over all %u members of the group, so about "
				 "%s served by the %s program.%s%s",
				 group->arriving, group->count, share, program, members,
				 are_for_multicast(snapshot, stale) ? REUSEPORT_NOTHING_TAKEN : "");
		free(share);
	}
	free(members);
	return text;
}

static void report_stale(struct detection *detection, const struct reuseport_group *group,
			 const struct stale *stale, bool stream)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding;
	bool one = stale->count == 1, back = may_be_step_back(snapshot, stale);
	const char *age = back ? "another" : "an older", *program = back ? "other" : "old";
	char *where, *who;

	finding = detect_report(detection, FINDING_REUSEPORT_STALE_MEMBER,
				severity_of_stale(snapshot, group, stale), stale->sockets,
				stale->count);
	where = words_socket(snapshot, stale->sockets[0]);
	who = words_holders_of_all(snapshot, stale->sockets, stale->count, REUSEPORT_NAMED_MAX);
	finding->title = one ? xasprintf("%s, of %s generation, %s %s", who, age,
					 group->steered ? "is still in the group at" :
							  "still takes its share of",
					 where) :
			       xasprintf("%u members of %s generation %s %s: %s", stale->count, age,
					 group->steered ? "are still in the group at" :
							  "still take their share of",
					 where, who);
	finding->evidence = stale_evidence(snapshot, stale);
	finding->text = explain_stale(snapshot, group, stale, program);
	finding->remedy = xasprintf(
		"Stop %s, if %s not needed any more%s", who, one ? "it is" : "they are",
		stream ? ": let a server close its listening socket first and finish its "
			 "connections. Connections that wait in its queue are reset then, unless "
			 "net.ipv4.tcp_migrate_req is 1." :
			 ". Datagrams that wait in a queue are lost then: let a server read what "
			 "is there first.");
	free(where);
	free(who);
}

/* Another program, that meets the newest there for multicast, is no older generation of it. */
static bool is_for_itself(const struct snapshot *snapshot, uint32_t socket, uint32_t newest)
{
	return detect_is_for_multicast(&snapshot->sockets[socket]) &&
	       parties_same_program(snapshot, socket, newest) == TRISTATE_NO;
}

void reuseport_check_stale(struct detection *detection, const struct reuseport_group *group,
			   bool stream)
{
	const struct snapshot *snapshot = detection->snapshot;
	int64_t now = snapshot->end_ns ? snapshot->end_ns : snapshot->start_ns;
	const struct process *holder, *newest_process = NULL;
	struct stale stale = { .count = 0 };
	bool undecided = false;
	uint32_t i;

	/* Of members for multicast it would be a note at most. */
	for (i = 0; i < group->count; i++)
		undecided = undecided ||
			    (!detect_is_for_multicast(&snapshot->sockets[group->sockets[i]]) &&
			     is_of_unknown_generation(snapshot, group->sockets[i]));
	for (i = 0; i < group->count; i++) {
		holder = reuseport_holder_of(snapshot, group->sockets[i]);
		if (!holder)
			continue;
		if (!newest_process ||
		    compare_generations(snapshot, newest_process, holder) != GENERATION_SAME ||
		    ((holder->known & newest_process->known & PROCESS_HAS_START_TIME) &&
		     holder->start_time_ns > newest_process->start_time_ns &&
		     holder->exe_deleted != TRISTATE_YES)) {
			stale.newest = group->sockets[i];
			newest_process = holder;
		}
	}
	/* Both are there for a while, whenever a service is replaced without a gap. */
	if (newest_process && now && (newest_process->known & PROCESS_HAS_START_TIME) &&
	    now - newest_process->start_time_ns < ROLLING_RESTART_NS)
		return;
	stale.sockets = xcalloc(group->count, sizeof(*stale.sockets));
	for (i = 0; i < group->count && newest_process; i++) {
		enum generation generation = GENERATION_SAME;

		holder = reuseport_holder_of(snapshot, group->sockets[i]);
		if (holder && holder != newest_process)
			generation = compare_generations(snapshot, holder, newest_process);
		if (generation != GENERATION_SAME &&
		    !is_for_itself(snapshot, group->sockets[i], stale.newest))
			add_stale(&stale, group->sockets[i], generation);
	}
	if (stale.count)
		report_stale(detection, group, &stale, stream);
	for (i = 0; i < group->count && undecided && !stale.count; i++)
		detect_doubt(&detection->stale, group->sockets[i]);
	free(stale.sockets);
}

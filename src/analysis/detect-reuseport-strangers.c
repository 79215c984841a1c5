/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs in one SO_REUSEPORT group that do not belong together. */
#include "analysis/detect-reuseport.h"

#include <stdlib.h>

#include "analysis/parties.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

static char *list_parties(const struct snapshot *snapshot, const struct reuseport_group *group,
			  const struct parties *parties)
{
	uint32_t i, firsts[PARTIES_MAX];

	for (i = 0; i < parties->count; i++)
		firsts[i] = group->sockets[parties->first[i]];
	return words_holders_of_all(snapshot, firsts, parties->count, REUSEPORT_NAMED_MAX);
}

/* Where the first of each party is, by which scripts of one name differ. */
static char *list_directories(const struct snapshot *snapshot, const struct reuseport_group *group,
			      const struct parties *parties)
{
	char *text = xstrdup(""), *who, *longer;
	uint32_t i;

	for (i = 0; i < parties->count && i < REUSEPORT_NAMED_MAX; i++) {
		uint32_t socket = group->sockets[parties->first[i]];
		const struct process *holder = reuseport_holder_of(snapshot, socket);
		const char *cwd = holder ? snapshot_text(snapshot, holder->cwd) : NULL;

		who = words_holders(snapshot, socket);
		longer = xasprintf("%s%s%s in %s", text, i ? ", " : "", who,
				   cwd ? cwd : "a directory that is not known");
		free(who);
		free(text);
		text = longer;
	}
	return text;
}

/*
 * When the first of each party was started, by which one program's older start is told from the
 * newer: a sentence with a blank before it, or "" if it is not known of any.
 */
static char *list_starts(const struct snapshot *snapshot, const struct reuseport_group *group,
			 const struct parties *parties)
{
	char *text = xstrdup(""), *who, *moment, *longer;
	bool any = false;
	uint32_t i;

	for (i = 0; i < parties->count && i < REUSEPORT_NAMED_MAX; i++) {
		uint32_t socket = group->sockets[parties->first[i]];
		const struct process *holder = reuseport_holder_of(snapshot, socket);
		bool known = holder && (holder->known & PROCESS_HAS_START_TIME);

		any = any || known;
		who = known ? words_process(snapshot, (uint32_t)(holder - snapshot->processes)) :
			      words_holders(snapshot, socket);
		moment = known ? words_moment(holder->start_time_ns) : xstrdup("an unknown moment");
		longer = xasprintf("%s%s %s at %s", text, i ? "," : " Started:", who, moment);
		free(who);
		free(moment);
		free(text);
		text = longer;
	}
	longer = any ? xasprintf("%s.", text) : xstrdup("");
	free(text);
	return longer;
}

static char *doubt_strangers(const struct snapshot *snapshot, const struct reuseport_group *group,
			     const struct parties *parties)
{
	char *directories, *text;

	if (!group->certain)
		return xstrdup("The reuse flags, or the uids, are not all known.");
	if (parties->undecided)
		return xstrdup(
			"The processes that hold the sockets cannot all be seen, or not what "
			"they run and belong to.");
	directories = list_directories(snapshot, group, parties);
	text = xasprintf("Whether they run one program cannot be told by their arguments: %s. They "
			 "do not belong together otherwise: " WORDS_STRANGERS ".",
			 directories);
	free(directories);
	return text;
}

static char *remedy_for_doubt(const struct detection *detection,
			      const struct reuseport_group *group, const struct parties *parties,
			      const struct finding *finding)
{
	bool hidden = detect_is_hidden(detection, finding);

	if (!group->certain || parties->undecided)
		return xstrdup(detect_see_more(detection, finding));
	return xasprintf("%s%sLook at what they run, each in its directory. If they are one pool, "
			 "let one unit or one parent start them all; if not, give one of them "
			 "another port. Scripts that are started by their whole path can be told "
			 "apart.",
			 hidden ? detect_see_more(detection, finding) : "", hidden ? " " : "");
}

/* Other sockets of UDP get all that is sent there, so that nothing is spread. */
static bool is_starved(const struct detection *detection, const struct reuseport_group *group)
{
	struct delivery delivery;
	bool starved;
	uint32_t i;

	if (protocol_is_stream((enum protocol)detection->bucket->protocol))
		return false;
	detect_predict(detection, &detection->snapshot->sockets[group->sockets[0]], &delivery);
	starved = delivery.certain && delivery.n_receivers;
	for (i = 0; starved && i < group->count; i++)
		starved = group->sockets[i] != delivery.receivers[0];
	delivery_done(&delivery);
	return starved;
}

/* Beside members of multicast groups, who is alone may want unicast without harm to anybody. */
static enum severity severity_of_strangers(const struct snapshot *snapshot,
					   const struct reuseport_group *group,
					   const struct parties *parties)
{
	uint32_t i, n = 0, *rest;
	struct parties others;
	bool is_alone;

	if (parties->one_program == TRISTATE_YES)
		return SEVERITY_NOTE;
	if (!group->n_multicast)
		return SEVERITY_WARNING;
	rest = xcalloc(group->count, sizeof(*rest));
	for (i = 0; i < group->count; i++)
		if (!detect_is_for_multicast(&snapshot->sockets[group->sockets[i]]))
			rest[n++] = group->sockets[i];
	parties_init(&others, snapshot, rest, n, RELATED_CLOSELY);
	is_alone = others.one_program == TRISTATE_YES;
	parties_done(&others);
	free(rest);
	return is_alone ? SEVERITY_NOTE : SEVERITY_WARNING;
}

#define STARVED "Other sockets get what is sent there now. Without those "

/* How what arrives comes to the parties. */
static char *explain_parties(const struct detection *detection, const struct reuseport_group *group,
			     bool one_program)
{
	bool starved = is_starved(detection, group);

	if (starved && group->steered)
		return xstrdup(STARVED "a BPF program that is attached to the group would choose "
				       "which of its members gets it.");
	if (group->steered)
		return reuseport_explain_steering(
			group, one_program ? "whether all of them get some of it" :
					     "whether clients reach the wrong program");
	if (one_program)
		return starved ? xstrdup(STARVED "the kernel would spread it over them.") :
				 xasprintf("The kernel spreads %s over them.", group->arriving);
	if (starved)
		return xasprintf(STARVED "the kernel would spread it over all of them by a hash of "
					 "both ends: each would get about one in %u.",
				 group->count);
	return xasprintf("The kernel spreads %s over all of them by a hash of both ends: each gets "
			 "about one in %u, and clients reach the wrong program at random.",
			 group->arriving, group->count);
}

static void report_doubt(const struct detection *detection, const struct reuseport_group *group,
			 const struct parties *parties, const char *where, struct finding *finding)
{
	finding->undecided = true;
	finding->severity = SEVERITY_WARNING;
	finding->title = xasprintf("%s is shared through SO_REUSEPORT, perhaps by programs that do "
				   "not belong together",
				   where);
	finding->evidence = doubt_strangers(detection->snapshot, group, parties);
	finding->text = xstrdup("");
	finding->remedy = remedy_for_doubt(detection, group, parties, finding);
}

static void report_starts(const struct detection *detection, const struct reuseport_group *group,
			  const struct parties *parties, const char *where, struct finding *finding)
{
	const struct snapshot *snapshot = detection->snapshot;
	char *who = list_parties(snapshot, group, parties);
	char *how = explain_parties(detection, group, true);
	char *members = detect_words_members(snapshot, group->sockets, group->count);
	char *starts = list_starts(snapshot, group, parties);

	finding->title = xasprintf("%s is shared by %u independent starts of one program: %s",
				   where, parties->count, who);
	finding->evidence =
		xasprintf("All run the same program, but " WORDS_STRANGERS
			  ", and they share no inherited socket.%s%s",
			  starts, detect_doubt_membership(snapshot, group->sockets, group->count));
	finding->text = xasprintf("%s That is a pool without a manager, or a second start by "
				  "mistake.%s",
				  how, members);
	finding->remedy = xstrdup("If it is a pool, let one unit or one parent manage it, so that "
				  "all its members are replaced together. If not, stop the one "
				  "that is too many, and leave SO_REUSEPORT out of the server: a "
				  "second start then fails.");
	free(who);
	free(how);
	free(members);
	free(starts);
}

static void report_programs(const struct detection *detection, const struct reuseport_group *group,
			    const struct parties *parties, const char *where,
			    struct finding *finding)
{
	const struct snapshot *snapshot = detection->snapshot;
	bool is_note = finding->severity == SEVERITY_NOTE;
	char *who = list_parties(snapshot, group, parties);
	char *how = explain_parties(detection, group, false);
	char *members = detect_words_members(snapshot, group->sockets, group->count);

	finding->title = xasprintf("%s is shared through SO_REUSEPORT by programs that do not "
				   "belong together: %s",
				   where, who);
	finding->evidence =
		xasprintf("They run different programs, " WORDS_STRANGERS
			  "; their sockets have SO_REUSEPORT and one uid, which is all "
			  "that the kernel asks.%s",
			  detect_doubt_membership(snapshot, group->sockets, group->count));
	finding->text = xasprintf("%s%s%s", how, members, is_note ? DETECT_WHY_NOTE : "");
	finding->remedy = xasprintf(
		"%sive one of the programs another port. A server that is not a pool should not "
		"set SO_REUSEPORT; programs that run under uids of their own cannot join each "
		"other's groups.",
		is_note ? DETECT_UNLESS_UNICAST "g" : "G");
	free(who);
	free(how);
	free(members);
}

void reuseport_check_strangers(struct detection *detection, const struct reuseport_group *group)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct parties parties;
	struct finding *finding;
	char *where;

	/* Each has its own copy of what it is there for. */
	if (group->n_multicast == group->count)
		return;
	parties_init(&parties, snapshot, group->sockets, group->count, RELATED_CLOSELY);
	if (parties.count > 1) {
		finding = detect_report(detection, FINDING_REUSEPORT_STRANGERS,
					severity_of_strangers(snapshot, group, &parties),
					group->sockets, group->count);
		where = words_socket(snapshot, group->sockets[0]);
		if (parties.undecided || parties.one_program == TRISTATE_UNKNOWN || !group->certain)
			report_doubt(detection, group, &parties, where, finding);
		else if (parties.one_program == TRISTATE_YES)
			report_starts(detection, group, &parties, where, finding);
		else
			report_programs(detection, group, &parties, where, finding);
		free(where);
	}
	parties_done(&parties);
}

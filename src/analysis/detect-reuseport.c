/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of sockets that the kernel balances between: who is in, and who does not keep up. */
#include <stdlib.h>
#include <string.h>

#include "analysis/detect.h"
#include "analysis/parties.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* An older generation may go on beside the newer for so long while it is replaced. */
#define ROLLING_RESTART_NS (120 * INT64_C(1000000000))

/* From so many waiting connections on one member is compared with the others. */
#define QUEUE_LEAST 4
#define QUEUE_TIMES 4

/* What the smallest datagram takes of a queue; kernels differ by some bytes. */
#define DATAGRAM_LEAST 832

/* So many members, or parties, are named. */
#define NAMED_MAX 4

/* The members of a group: at one place, of one uid, with SO_REUSEPORT. */
struct group {
	const uint32_t *sockets;
	uint32_t count;
	bool certain; /* all flags and uids are known */
	bool steered; /* a BPF program chooses who gets what, not the hash */
	uint32_t n_multicast; /* of them, those that multicast is for */
	const char *arriving; /* in words, what is divided among them */
};

static int compare_members(const void *left, const void *right, void *user)
{
	const struct snapshot *snapshot = user;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	if (snapshot->sockets[a].uid != snapshot->sockets[b].uid)
		return snapshot->sockets[a].uid < snapshot->sockets[b].uid ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Those that may be in a group, by uid; freed with free(). */
static uint32_t *list_members(const struct snapshot *snapshot, const struct detect_place *place,
			      uint32_t *ret_count)
{
	uint32_t *members = xcalloc(place->count, sizeof(*members)), i, n = 0;

	for (i = 0; i < place->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[place->sockets[i]];

		if (socket->reuse_port != TRISTATE_NO && socket->reuse_group != TRISTATE_NO)
			members[n++] = place->sockets[i];
	}
	if (n)
		qsort_r(members, n, sizeof(*members), compare_members, (void *)snapshot);
	*ret_count = n;
	return members;
}

/* The group that begins with the first of these. */
static struct group first_group(const struct snapshot *snapshot, const uint32_t *members,
				uint32_t n)
{
	struct group group = { .sockets = members, .certain = true, .arriving = "what arrives" };
	uint32_t uid = snapshot->sockets[members[0]].uid;

	while (group.count < n && snapshot->sockets[members[group.count]].uid == uid) {
		const struct inet_socket *socket = &snapshot->sockets[members[group.count++]];

		if (socket->reuse_port == TRISTATE_UNKNOWN || !(socket->known & SOCKET_HAS_UID))
			group.certain = false;
		if (detect_is_for_multicast(socket))
			group.n_multicast++;
		if (detect_may_get_copies(socket))
			group.arriving = "the unicast datagrams that arrive";
	}
	group.steered = detect_is_steered(snapshot, members, group.count);
	return group;
}

static const struct process *holder_of(const struct snapshot *snapshot, uint32_t index)
{
	const struct inet_socket *socket = &snapshot->sockets[index];

	if (!socket->n_owners)
		return NULL;
	return &snapshot->processes[snapshot->owners[socket->first_owner].process];
}

static char *list_parties(const struct snapshot *snapshot, const struct group *group,
			  const struct parties *parties)
{
	uint32_t i, firsts[PARTIES_MAX];

	for (i = 0; i < parties->count; i++)
		firsts[i] = group->sockets[parties->first[i]];
	return words_holders_of_all(snapshot, firsts, parties->count, NAMED_MAX);
}

/* Where the first of each party is, by which scripts of one name differ. */
static char *list_directories(const struct snapshot *snapshot, const struct group *group,
			      const struct parties *parties)
{
	char *text = xstrdup(""), *who, *longer;
	uint32_t i;

	for (i = 0; i < parties->count && i < NAMED_MAX; i++) {
		uint32_t socket = group->sockets[parties->first[i]];
		const struct process *holder = holder_of(snapshot, socket);
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
static char *list_starts(const struct snapshot *snapshot, const struct group *group,
			 const struct parties *parties)
{
	char *text = xstrdup(""), *who, *moment, *longer;
	bool any = false;
	uint32_t i;

	for (i = 0; i < parties->count && i < NAMED_MAX; i++) {
		uint32_t socket = group->sockets[parties->first[i]];
		const struct process *holder = holder_of(snapshot, socket);
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

static char *doubt_strangers(const struct snapshot *snapshot, const struct group *group,
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

static char *remedy_for_doubt(const struct detection *detection, const struct group *group,
			      const struct parties *parties, const struct finding *finding)
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
static bool is_starved(const struct detection *detection, const struct group *group)
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
					   const struct group *group, const struct parties *parties)
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

/* Why it is a note, where multicast is what a member is for, after detect_words_members(). */
#define NOTHING_TAKEN " Of that nothing is taken from the others, so this is a note."

/* Of a group that a program divides no share is known; unknown: what neither is, "whether ...". */
static char *explain_steering(const struct group *group, const char *unknown)
{
	return xasprintf("Which of the %u members of the group gets %s is chosen by a BPF program "
			 "that is attached to it, not by a hash. Whom that chooses cannot be seen "
			 "from outside, nor %s.",
			 group->count, group->arriving, unknown);
}

#define STARVED "Other sockets get what is sent there now. Without those "

/* How what arrives comes to the parties. */
static char *explain_parties(const struct detection *detection, const struct group *group,
			     bool one_program)
{
	bool starved = is_starved(detection, group);

	if (starved && group->steered)
		return xstrdup(STARVED "a BPF program that is attached to the group would choose "
				       "which of its members gets it.");
	if (group->steered)
		return explain_steering(group, one_program ?
						       "whether all of them get some of it" :
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

static void report_doubt(const struct detection *detection, const struct group *group,
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

static void report_starts(const struct detection *detection, const struct group *group,
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

static void report_programs(const struct detection *detection, const struct group *group,
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

static void check_strangers(struct detection *detection, const struct group *group)
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
	const struct process *holder = holder_of(snapshot, index);

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
	const struct process *older = holder_of(snapshot, stale->sockets[0]);
	const struct process *newer = holder_of(snapshot, stale->newest);
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
	const struct process *stays = holder_of(snapshot, stale->newest);
	uint32_t i;

	for (i = 0; i < stale->count; i++) {
		const struct process *goes = holder_of(snapshot, stale->sockets[i]);

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
static enum severity severity_of_stale(const struct snapshot *snapshot, const struct group *group,
				       const struct stale *stale)
{
	return stale->n_file && !group->steered && !are_for_multicast(snapshot, stale) ?
		       SEVERITY_WARNING :
		       SEVERITY_NOTE;
}

/* What the members of that generation get. */
static char *explain_stale(const struct snapshot *snapshot, const struct group *group,
			   const struct stale *stale, const char *program)
{
	char *members = detect_words_members(snapshot, stale->sockets, stale->count);
	char *unknown, *share, *how, *text;

	if (group->steered) {
		unknown = xasprintf("whether clients still reach the %s program", program);
		how = explain_steering(group, unknown);
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
				 are_for_multicast(snapshot, stale) ? NOTHING_TAKEN : "");
		free(share);
	}
	free(members);
	return text;
}

static void report_stale(struct detection *detection, const struct group *group,
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
	who = words_holders_of_all(snapshot, stale->sockets, stale->count, NAMED_MAX);
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

static void check_stale(struct detection *detection, const struct group *group, bool stream)
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
		holder = holder_of(snapshot, group->sockets[i]);
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

		holder = holder_of(snapshot, group->sockets[i]);
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

/* A queue that is full, or long while the others' are short. */
static bool is_stuck(const struct inet_socket *socket, uint32_t others, bool stream)
{
	if (stream && socket->queue_recv > socket->queue_limit)
		return true;
	if (stream)
		return socket->queue_recv >= QUEUE_LEAST &&
		       socket->queue_recv / QUEUE_TIMES >= others + 1;
	/* Of UDP it is bytes of memory, and one datagram may be some hundreds. */
	return socket->queue_limit && socket->queue_recv >= socket->queue_limit / 2 &&
	       others <= socket->queue_limit / 8;
}

/* No more goes in; of UDP that depends on the datagram, and one that has been lost tells. */
static bool is_full(const struct inet_socket *socket, bool stream)
{
	uint32_t left;

	if (stream)
		return socket->queue_recv > socket->queue_limit;
	if (socket->queue_recv >= socket->queue_limit)
		return true;
	left = socket->queue_limit - socket->queue_recv;
	return left < DATAGRAM_LEAST || ((socket->known & SOCKET_HAS_DROPS) && socket->drops &&
					 left <= socket->queue_limit / 16);
}

/* What is lost, or will be, of what comes for it. */
static const char *explain_loss(bool full, bool stream)
{
	if (full)
		return stream ? "What comes now is dropped: clients wait and time out." :
				"What comes now is dropped.";
	return stream ? "Those clients are connected and wait for an answer; when the queue is "
			"full, further ones time out." :
			"When the queue is full, datagrams are dropped.";
}

/* What a member gets, and what becomes of it. */
static char *explain_stuck(const struct snapshot *snapshot, const struct group *group,
			   const uint32_t *member, bool full, bool stream)
{
	char *members = detect_words_members(snapshot, member, 1), *how, *text;

	if (group->steered)
		how = explain_steering(group, "how much goes to this one");
	else
		how = xasprintf("The kernel goes on giving it about one in %u of %s, however long "
				"its queue is.",
				group->count, group->arriving);
	text = xasprintf("%s%s%s %s", how, members,
			 *members ? NOTHING_TAKEN :
			 group->steered && !full ?
				    " It may get more than the others, so this is a note." :
				    "",
			 explain_loss(full, stream));
	free(members);
	free(how);
	return text;
}

/*
 * Its queue is full by what others do not get where multicast is what it is for, and may be long by
 * that where a BPF program chooses.
 */
static enum severity severity_of_stuck(const struct group *group, const struct inet_socket *socket,
				       bool full)
{
	if (detect_is_for_multicast(socket))
		return SEVERITY_NOTE;
	if (full)
		return SEVERITY_CRITICAL;
	return group->steered ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static void report_stuck(struct detection *detection, const struct group *group, uint32_t member,
			 uint32_t others, bool stream)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *socket = &snapshot->sockets[group->sockets[member]];
	bool full = is_full(socket, stream);
	bool own = group->steered || detect_is_for_multicast(socket);
	uint32_t sockets[] = { group->sockets[member] };
	struct finding *finding = detect_report(detection, FINDING_REUSEPORT_STUCK_MEMBER,
						severity_of_stuck(group, socket, full), sockets, 1);
	char *where = words_socket(snapshot, sockets[0]),
	     *who = words_holders(snapshot, sockets[0]), *waiting, *rest;

	waiting = words_count(socket->queue_recv, stream ? "connection" : "byte");
	finding->title = xasprintf("%s does not %s %s: %s wait%s%s", who,
				   own ? "keep up with what it gets of" : "take its share of",
				   where, waiting, socket->queue_recv == 1 ? "s" : "",
				   full ? ", its queue is full" : "");
	free(waiting);
	rest = group->count == 2 ?
		       xstrdup("that of the other member") :
		       xasprintf("the longest of the other %u members", group->count - 1);
	finding->evidence = xasprintf("Its queue holds %u of %u%s; %s holds %u.%s",
				      socket->queue_recv, socket->queue_limit,
				      stream ? "" : " bytes", rest, others,
				      (socket->known & SOCKET_HAS_DROPS) && socket->drops ?
					      " It has lost some already." :
					      "");
	free(rest);
	finding->text = explain_stuck(snapshot, group, sockets, full, stream);
	finding->remedy =
		xasprintf("See what %s does (stopped, in a debugger, in a long computation or "
			  "a lock?); continue, restart or stop it. When it closes its socket "
			  "%swhat waits in its queue is %s.",
			  who, own ? "" : "the others get everything; ",
			  stream ? "reset, unless net.ipv4.tcp_migrate_req is 1" : "lost");
	free(where);
	free(who);
}

/* Of one it cannot be told whether it is stuck; one for multicast would be worth a note at most. */
static void doubt_member(struct detection *detection, uint32_t socket)
{
	if (!detect_is_for_multicast(&detection->snapshot->sockets[socket]))
		detect_doubt(&detection->stuck, socket);
}

static void doubt_group(struct detection *detection, const struct group *group)
{
	uint32_t i;

	for (i = 0; i < group->count; i++)
		doubt_member(detection, group->sockets[i]);
}

static void check_stuck(struct detection *detection, const struct group *group, bool stream)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	uint32_t i, longest = 0, others = 0, n_long = 0;

	for (i = 0; i < group->count; i++) {
		const struct inet_socket *socket = &sockets[group->sockets[i]];

		if (!(socket->known & SOCKET_HAS_QUEUE) || !(socket->known & SOCKET_HAS_LIMIT)) {
			if (group->certain || stream)
				doubt_group(detection, group);
			return;
		}
		if (socket->queue_recv > longest)
			longest = socket->queue_recv;
	}
	/* Several may be stuck: they are compared with those that are not. */
	for (i = 0; i < group->count; i++) {
		uint32_t queue = sockets[group->sockets[i]].queue_recv;

		if (queue >= longest - longest / 2)
			n_long++;
		else if (queue > others)
			others = queue;
	}
	if (n_long == group->count)
		return;
	for (i = 0; i < group->count; i++) {
		const struct inet_socket *socket = &sockets[group->sockets[i]];

		if (socket->queue_recv < longest - longest / 2 || !is_stuck(socket, others, stream))
			continue;
		if (group->certain || stream)
			report_stuck(detection, group, i, others, stream);
		else
			doubt_member(detection, group->sockets[i]);
	}
}

static void check_place(struct detection *detection, const struct detect_place *place, bool stream)
{
	uint32_t i, n, *members = list_members(detection->snapshot, place, &n);
	struct group group;

	for (i = 0; i < n; i += group.count) {
		group = first_group(detection->snapshot, members + i, n - i);
		if (group.count < 2)
			continue;
		/* UDP of unknown flags may share in another way, which is judged there. */
		if (stream || group.certain)
			check_strangers(detection, &group);
		check_stale(detection, &group, stream);
		check_stuck(detection, &group, stream);
	}
	free(members);
}

void detect_reuseport_doubts(struct detection *detection)
{
	detect_report_doubts(detection, &detection->stale, FINDING_REUSEPORT_STALE_MEMBER,
			     SEVERITY_WARNING,
			     "whether one of these members of a pool is of an older generation "
			     "cannot be told",
			     "The processes that hold the sockets are hidden, or what they run.");
	detect_report_doubts(detection, &detection->stuck, FINDING_REUSEPORT_STUCK_MEMBER,
			     SEVERITY_WARNING,
			     "whether one of these members of a pool does not take its share "
			     "cannot be told",
			     "Their queues or their reuse flags are not known.");
}

void detect_reuseport(struct detection *detection)
{
	bool stream = protocol_is_stream((enum protocol)detection->bucket->protocol);
	struct detect_place *places, *place;

	if (detection->bucket->count < 2)
		return;
	places = detect_places(detection, stream ? STATE_LISTEN : STATE_BOUND, PLACE_OF_GROUP);
	for (place = places; place->count; place++)
		if (place->count > 1 &&
		    !detect_gets_copies(&detection->snapshot->sockets[place->sockets[0]]))
			check_place(detection, place, stream);
	free(places);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-remedy.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "analysis/bind-conflict.h"
#include "analysis/detect-listener.h"
#include "analysis/probe-blocker.h"
#include "analysis/words.h"
#include "util/xalloc.h"

struct context {
	const struct snapshot *snapshot;
	const struct port_rules *rules;
	const struct probe_report *report;
	const struct bind_candidate *candidate;
	const struct probe_blocker *blockers;
	uint32_t n_blockers;
};

#define START_WITH_WAIT "\"portshare wait\" starts a command in the first moment that it can."

/* Sockets in the way for one cause: what is to be done is to be done about all of them. */
struct group {
	enum probe_cause cause;
	enum direction direction; /* of all of them, else unknown */
	uint32_t *sockets;
	uint32_t count;
};

/* ---- who holds an inherited listener ---- */

static void mark_holders(const struct snapshot *snapshot, const struct inet_socket *socket,
			 bool *is_holder, bool *is_heir)
{
	uint32_t *heirs = xcalloc(socket->n_owners, sizeof(*heirs)), i, n;

	n = detect_heirs(snapshot, socket, heirs);
	for (i = 0; i < n; i++)
		is_heir[heirs[i]] = true;
	for (i = 0; i < socket->n_owners; i++)
		is_holder[snapshot->owners[socket->first_owner + i].process] = true;
	free(heirs);
}

void probe_heirs_init(struct probe_heirs *heirs, const struct snapshot *snapshot,
		      const uint32_t *sockets, uint32_t n_sockets)
{
	uint32_t n = snapshot->n_processes, i;
	bool *is_holder = xcalloc(n, sizeof(*is_holder)), *is_heir = xcalloc(n, sizeof(*is_heir));
	uint32_t *inherited = xcalloc(n, sizeof(*inherited)), *others = xcalloc(n, sizeof(*others));

	*heirs = (struct probe_heirs){ .words = NULL };
	for (i = 0; i < n_sockets; i++)
		mark_holders(snapshot, &snapshot->sockets[sockets[i]], is_holder, is_heir);
	for (i = 0; i < n; i++) {
		if (is_heir[i])
			inherited[heirs->count++] = i;
		else if (is_holder[i])
			others[heirs->n_others++] = i;
	}
	heirs->words = words_processes(snapshot, inherited, heirs->count);
	heirs->others = heirs->n_others ? words_processes(snapshot, others, heirs->n_others) : NULL;
	free(is_holder);
	free(is_heir);
	free(inherited);
	free(others);
}

void probe_heirs_done(struct probe_heirs *heirs)
{
	free(heirs->words);
	free(heirs->others);
}

/* ---- what flags would do ---- */

/*
 * Whether the group would let the candidate in if it had these flags besides its own, and the group
 * these besides theirs: the kernel looks at flags as they are at the time of the bind.
 */
static enum tristate judge(const struct context *context, const struct group *group, uint32_t own,
			   uint32_t theirs)
{
	struct snapshot changed = *context->snapshot;
	struct bind_candidate candidate = *context->candidate;
	uint32_t *members = xcalloc(group->count, sizeof(*members)), i;
	struct bind_verdict verdict;
	enum tristate passes;

	changed.sockets = xcalloc(group->count, sizeof(*changed.sockets));
	changed.n_sockets = group->count;
	for (i = 0; i < group->count; i++) {
		changed.sockets[i] = context->snapshot->sockets[group->sockets[i]];
		if (theirs & PROBE_SET(1, 0))
			changed.sockets[i].reuse_addr = TRISTATE_YES;
		if (theirs & PROBE_SET(0, 1))
			changed.sockets[i].reuse_port = TRISTATE_YES;
		members[i] = i;
	}
	candidate.reuse_addr |= (own & PROBE_SET(1, 0)) != 0;
	candidate.reuse_port |= (own & PROBE_SET(0, 1)) != 0;
	bind_conflict_judge(&changed, members, group->count, &candidate, NULL, &verdict);
	passes = verdict.can_bind;
	bind_verdict_done(&verdict);
	free(changed.sockets);
	free(members);
	return passes;
}

static bool lets_in(const struct context *context, const struct group *group, uint32_t own,
		    uint32_t theirs)
{
	return judge(context, group, own, theirs) == TRISTATE_YES;
}

/*
 * What the kernel has said on the port itself to the candidate with these flags besides its own: 0,
 * an errno or PROBE_NOT_TRIED.
 */
static int live_with(const struct context *context, uint32_t own)
{
	const struct bind_candidate *candidate = context->candidate;

	return probe_live_outcome(context->report,
				  PROBE_SET(candidate->reuse_addr, candidate->reuse_port) | own,
				  NULL);
}

/* Whether that has failed, with nothing but the group in the way. */
static bool fails_live(const struct context *context, const struct group *group, uint32_t own)
{
	return group->count == context->n_blockers && live_with(context, own) == EADDRINUSE;
}

/*
 * Whether it has passed, where only flags that are not known could tell. By known ones it may pass
 * for what the kernel remembers, and fail the next time.
 */
static bool passes_live(const struct context *context, const struct group *group, uint32_t own)
{
	return !live_with(context, own) && judge(context, group, own, 0) == TRISTATE_UNKNOWN;
}

static const char *effect_on(const struct context *context, const struct group *group)
{
	return group->count == context->n_blockers ? "the bind passes at once" :
						     "none of them is in the way";
}

/* What both sides can do once they are bound, if these want to listen too. */
static const char *afterwards(const struct group *group, uint32_t set)
{
	if (group->cause != CAUSE_BOUND)
		return "";
	return set & PROBE_SET(0, 1) ? ". All of them may listen then, and share the connections" :
				       ". Only one of them can listen then";
}

/* Where the flags of the others are not known, and yet the kernel has let these in. */
static void advise_what_passed(const struct context *context, const struct group *group,
			       uint32_t set, struct probe_verdict *verdict)
{
	bool both = set == PROBE_SET(1, 1);

	probe_say(
		&verdict->remedies,
		"Let the new socket set %s before bind(): with %s the bind has just passed on the "
		"port itself%s.",
		both ? "SO_REUSEADDR and SO_REUSEPORT" : probe_set_name(set), both ? "them" : "it",
		context->candidate->reuse_port || set != PROBE_SET(1, 0) ? "" :
									   afterwards(group, set));
}

/* Where flags of the new socket are all that it takes. theirs: "the connection has". */
static bool advise_flags(const struct context *context, const struct group *group,
			 const char *theirs, struct probe_verdict *verdict)
{
	const char *effect = effect_on(context, group);
	bool by_flags = false;
	uint32_t set;

	for (set = 1; set < PROBE_SETS; set++) {
		by_flags = !fails_live(context, group, set) && lets_in(context, group, set, 0);
		if (by_flags || passes_live(context, group, set))
			break;
	}
	if (set == PROBE_SETS)
		return false;
	if (!by_flags)
		advise_what_passed(context, group, set, verdict);
	else if (set == PROBE_SET(1, 1))
		probe_say(&verdict->remedies,
			  "Let the new socket set SO_REUSEADDR and SO_REUSEPORT before bind(): "
			  "%s one of them each, so %s%s.",
			  theirs, effect, afterwards(group, set));
	else
		probe_say(&verdict->remedies,
			  "Let the new socket set %s before bind(): %s it, so both sides have it "
			  "then, and %s%s.",
			  probe_set_name(set), theirs, effect, afterwards(group, set));
	return true;
}

/* Where it takes flags of those that are there. */
static void advise_their_flags(const struct context *context, const struct group *group,
			       struct probe_verdict *verdict)
{
	static const uint32_t sets[] = { PROBE_SET(1, 0), PROBE_SET(0, 1) };
	char *who = words_holders_together(context->snapshot, group->sockets, group->count);
	const char *effect = effect_on(context, group);
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		const char *flag = probe_set_name(sets[i]), *after = afterwards(group, sets[i]);

		if (lets_in(context, group, 0, sets[i]))
			probe_say(&verdict->remedies,
				  "Or let %s set %s, which the new socket has: it counts at once, "
				  "also after bind(), and %s%s.",
				  who, flag, effect, after);
		else if (lets_in(context, group, sets[i], sets[i]))
			probe_say(&verdict->remedies,
				  "Or let both sides set %s, the new socket before bind(), %s at "
				  "any time: then %s%s.",
				  flag, who, effect, after);
	}
	free(who);
}

/* ---- what to do about connections ---- */

/* What keeps it from happening again depends on which end this was. */
static void advise_next_time(const struct context *context, const struct group *group,
			     struct probe_verdict *verdict)
{
	uint32_t netns = context->candidate->netns;
	uint16_t port = context->candidate->port;
	char *keep;

	if (group->direction == DIRECTION_OUT) {
		probe_say(&verdict->remedies, "%s",
			  words_keep_from_clients(context->rules, netns, port));
		return;
	}
	probe_say(&verdict->remedies,
		  "For the next time%s: let the server set SO_REUSEADDR on its listening socket "
		  "before bind(). Its connections inherit it, and after that so do their remains.",
		  group->direction == DIRECTION_IN ?
			  "" :
			  ", if a server has accepted here, which the ports do not tell");
	if (group->direction == DIRECTION_IN)
		return;
	keep = words_keep_if_connected(context->rules, netns, port);
	probe_say(&verdict->remedies, "%s", keep);
	free(keep);
}

struct time_wait {
	uint32_t n_without; /* certainly without reuse flags */
	uint32_t n_open; /* the other end has not closed: FIN-WAIT-2 */
};

static struct time_wait count_time_wait(const struct context *context, const struct group *group)
{
	struct time_wait wait = { .n_without = 0 };
	uint32_t i;

	for (i = 0; i < group->count; i++) {
		const struct inet_socket *socket = &context->snapshot->sockets[group->sockets[i]];

		wait.n_without += socket->reuse_addr == TRISTATE_NO &&
				  socket->reuse_port == TRISTATE_NO;
		wait.n_open += socket->state == STATE_FIN_WAIT_2;
	}
	return wait;
}

static void advise_waiting(const struct context *context, const struct group *group,
			   const struct time_wait *wait, const char *dead,
			   struct probe_verdict *verdict)
{
	char *end = words_end_time_wait(context->snapshot, context->candidate->netns,
					group->count - wait->n_open, wait->n_open,
					context->candidate->port);

	if (wait->n_without)
		probe_say(&verdict->remedies,
			  "Wait: nothing that the new socket sets helps now, since both sides need "
			  "the same reuse flag, and %s lacked both. " START_WITH_WAIT,
			  wait->n_without == group->count ? dead : "some of them");
	else if (fails_live(context, group, PROBE_SET(1, 1)))
		probe_say(
			&verdict->remedies,
			"Wait: nothing that the new socket sets helps now, since the bind has just "
			"failed on the port itself with both reuse flags. " START_WITH_WAIT);
	else if (fails_live(context, group, PROBE_SET(1, 0)))
		probe_say(&verdict->remedies,
			  "Wait: with SO_REUSEADDR the bind has just failed on the port itself. "
			  "Whether it would pass with SO_REUSEPORT is not known. " START_WITH_WAIT);
	advise_next_time(context, group, verdict);
	probe_say(&verdict->remedies, "As root, %s ends %s at once.", end,
		  group->count == 1 ? "it" : "them");
	free(end);
}

static void advise_time_wait(const struct context *context, const struct group *group,
			     struct probe_verdict *verdict)
{
	const char *dead = group->count == 1 ? "the dead connection" : "the dead connections";
	struct time_wait wait = count_time_wait(context, group);
	char *had = xasprintf("%s had", dead);

	verdict->at_the_earliest = wait.n_open && verdict->frees_in_ms >= 0;
	if (!advise_flags(context, group, had, verdict))
		advise_waiting(context, group, &wait, dead, verdict);
	free(had);
	if (wait.n_open)
		probe_say(&verdict->notes,
			  "In FIN-WAIT-2 the other end has not closed yet. It lasts as "
			  "net.ipv4.tcp_fin_timeout was when this end closed; if the other closes "
			  "before that, TIME-WAIT follows, and its 60 s begin then.");
	probe_say(&verdict->notes,
		  "What does not help: net.ipv4.tcp_tw_reuse is for connect(), bind() "
		  "never looks at it; net.ipv4.tcp_fin_timeout does not shorten "
		  "TIME-WAIT, which lasts 60 s; SO_LINGER with 0 s would have had to "
		  "be set by the dead side before it closed, and throws data away.");
}

/* Whether TIME-WAIT follows if this end closes first, or has done so. */
static bool has_time_wait_ahead(const struct inet_socket *socket)
{
	return protocol_is_stream((enum protocol)socket->protocol) &&
	       socket->state != STATE_SYN_SENT && socket->state != STATE_CLOSE_WAIT &&
	       socket->state != STATE_LAST_ACK;
}

/* What a server has not accepted yet, or what has been closed and not answered. */
static void advise_unheld(const struct context *context, uint32_t socket,
			  struct probe_verdict *verdict)
{
	const struct inet_socket *unheld = &context->snapshot->sockets[socket];

	if (unheld->state == STATE_ESTAB || unheld->state == STATE_CLOSE_WAIT ||
	    unheld->state == STATE_SYN_RECV)
		probe_say(&verdict->remedies,
			  "What the server has not accepted yet ends with its listening socket.");
	else
		probe_say(&verdict->remedies,
			  "No process holds what is closed already: wait until the other end "
			  "reads, closes or resets, or the kernel gives up after some minutes%s.",
			  has_time_wait_ahead(unheld) ? ", and up to 60 s more" : "");
}

/* In a file nothing more is to be seen. */
static const char *ask_as_root(const struct snapshot *snapshot)
{
	return snapshot->from_file ? "write the snapshot as root on its machine" :
				     "ask again as root";
}

static void advise_ending(const struct context *context, const struct group *group,
			  struct probe_verdict *verdict)
{
	uint32_t *held = xcalloc(group->count, sizeof(*held)), i, n = 0, n_ahead = 0, n_unseen = 0;
	char *who;

	for (i = 0; i < group->count; i++) {
		const struct inet_socket *socket = &context->snapshot->sockets[group->sockets[i]];
		bool unseen = socket_is_held_by_unknown(socket);

		if (!socket->n_owners && !unseen &&
		    (socket->owner_status == OWNER_NONE || socket->owner_status == OWNER_ORPHAN)) {
			advise_unheld(context, group->sockets[i], verdict);
			continue;
		}
		held[n++] = group->sockets[i];
		n_ahead += has_time_wait_ahead(socket);
		n_unseen += unseen;
	}
	if (n) {
		who = words_holders_together(context->snapshot, held, n);
		probe_say(&verdict->remedies, "End the connection%s of %s, or wait for %s end%s.",
			  n == 1 ? "" : "s", who, n == 1 ? "its" : "their",
			  n_ahead ? ", and 60 s more where this end closes first" : "");
		free(who);
	}
	if (n_unseen)
		probe_say(&verdict->remedies, "To learn which process that is, %s.",
			  ask_as_root(context->snapshot));
	free(held);
}

/* Those of the group that are the kernel's, that unknown processes hold, or known ones. */
enum holder {
	HOLDER_SEEN,
	HOLDER_UNSEEN,
	HOLDER_KERNEL,
	N_HOLDERS,
};

static enum holder holder_of(const struct inet_socket *socket)
{
	if (!socket->n_owners && socket->owner_status == OWNER_KERNEL)
		return HOLDER_KERNEL;
	return socket_is_held_by_unknown(socket) ? HOLDER_UNSEEN : HOLDER_SEEN;
}

/* How to stop what holds the sockets, as the beginning of a sentence. */
static char *stop_words(const struct snapshot *snapshot, const struct group *group)
{
	uint32_t *sockets = xcalloc(group->count, sizeof(*sockets)), i, n, holder;
	char *text = xstrdup(""), *who, *longer;

	for (holder = 0; holder < N_HOLDERS; holder++) {
		for (i = 0, n = 0; i < group->count; i++)
			if (holder_of(&snapshot->sockets[group->sockets[i]]) == holder)
				sockets[n++] = group->sockets[i];
		if (!n)
			continue;
		who = words_holders_together(snapshot, sockets, n);
		longer = holder == HOLDER_SEEN ?
				 xasprintf("Stop %s", who) :
			 holder == HOLDER_UNSEEN ?
				 xasprintf("%s%s is held by %s: %s to learn which, and "
					   "stop it",
					   text, *text ? ". And it" : "It", who,
					   ask_as_root(snapshot)) :
				 xasprintf("%s%snd what the kernel has it for (a tunnel, a file "
					   "server)",
					   text, *text ? ". And e" : "E");
		free(who);
		free(text);
		text = longer;
	}
	free(sockets);
	return text;
}

/* Beside a wildcard no other address is free either. */
static const char *elsewhere(const struct context *context)
{
	uint32_t i;

	for (i = 0; i < context->n_blockers; i++) {
		const struct inet_socket *socket =
			&context->snapshot->sockets[context->blockers[i].socket];
		struct address address;
		int family = address_unmap(socket->family, &socket->local, &address);

		if (address_is_wildcard(family, &address))
			return "another port";
	}
	return "another port or address";
}

static bool is_v4(const struct inet_socket *socket)
{
	return socket->family == AF_INET || address_is_v4_mapped(socket->family, &socket->local);
}

/* Where IPV6_V6ONLY on one of both sides is all that it takes. */
static void advise_v6only(const struct context *context, struct probe_verdict *verdict)
{
	const struct bind_candidate *candidate = context->candidate;
	bool wants_v4 = candidate->family == AF_INET ||
			address_is_v4_mapped(candidate->family, &candidate->address);
	bool all_v4 = true, all_dual = true;
	uint32_t i;

	for (i = 0; i < context->n_blockers; i++) {
		const struct inet_socket *socket =
			&context->snapshot->sockets[context->blockers[i].socket];

		all_v4 = all_v4 && is_v4(socket);
		all_dual = all_dual && !is_v4(socket) && socket_is_bound(socket) &&
			   address_is_wildcard(AF_INET6, &socket->local);
	}
	if (wants_v4 && all_dual)
		probe_say(&verdict->remedies,
			  "If what has [::] is to serve IPv6 only, let it set IPV6_V6ONLY before "
			  "bind(): that leaves IPv4 free.");
	else if (!wants_v4 && all_v4)
		probe_say(&verdict->remedies,
			  "If the new socket is to serve IPv6 only, let it set IPV6_V6ONLY before "
			  "bind(): then nothing of IPv4 is in its way.");
}

/* Whether all that is in the way would share with one user's sockets that have SO_REUSEPORT. */
static bool shares_port(const struct context *context, uint32_t *ret_uid)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < context->n_blockers; i++) {
		const struct inet_socket *socket =
			&context->snapshot->sockets[context->blockers[i].socket];

		if (socket->reuse_port != TRISTATE_YES)
			return false;
		if (socket_is_time_wait(socket))
			continue;
		if (!(socket->known & SOCKET_HAS_UID) || (any && socket->uid != *ret_uid))
			return false;
		*ret_uid = socket->uid;
		any = true;
	}
	return any;
}

/* Where it takes no more than to be the user whose sockets these are. */
static bool advise_same_user(const struct context *context, struct probe_verdict *verdict)
{
	const struct bind_candidate *candidate = context->candidate;
	uint32_t uid;

	if (!shares_port(context, &uid))
		return false;
	if (uid != candidate->uid)
		probe_say(&verdict->remedies,
			  "To share it by SO_REUSEPORT run as the same user, uid %u%s: the kernel "
			  "asks that of all but TIME-WAIT.",
			  uid, candidate->reuse_port ? "" : ", and set it before bind()");
	else if (!candidate->reuse_port)
		probe_say(&verdict->remedies, "To join its pool set SO_REUSEPORT before bind().");
	return true;
}

static void advise_sharing(const struct context *context, const struct group *group,
			   struct probe_verdict *verdict)
{
	uint32_t i;

	if (advise_same_user(context, verdict))
		return;
	for (i = 0; i < group->count; i++) {
		if (context->snapshot->sockets[group->sockets[i]].reuse_port != TRISTATE_NO)
			continue;
		probe_say(&verdict->remedies,
			  "For several processes on one port let all of them set SO_REUSEPORT "
			  "before bind(), under one user.");
		return;
	}
}

static void advise_connections(const struct context *context, const struct group *group,
			       struct probe_verdict *verdict)
{
	bool stream = protocol_is_stream((enum protocol)context->candidate->protocol);
	const char *have = group->count == 1 ? "the connection has" : "the connections have";

	if (stream && advise_flags(context, group, have, verdict))
		return;
	advise_same_user(context, verdict);
	advise_ending(context, group, verdict);
	advise_next_time(context, group, verdict);
}

/* ---- what to do about the rest ---- */

static void advise_stopping(const struct context *context, const struct group *group,
			    struct probe_verdict *verdict)
{
	char *stop = stop_words(context->snapshot, group);

	probe_say(&verdict->remedies, "%s, or take %s.", stop, elsewhere(context));
	free(stop);
}

static void advise_holders(const struct context *context, const struct group *group,
			   struct probe_verdict *verdict)
{
	advise_stopping(context, group, verdict);
	advise_v6only(context, verdict);
	advise_sharing(context, group, verdict);
}

static void advise_inherited(const struct context *context, const struct group *group,
			     struct probe_verdict *verdict)
{
	struct probe_heirs heirs;
	bool one;

	probe_heirs_init(&heirs, context->snapshot, group->sockets, group->count);
	one = heirs.count == 1;
	if (heirs.others) {
		advise_stopping(context, group, verdict);
		probe_say(&verdict->remedies,
			  "To stop %s alone is not enough: %s %s inherited the socket, and %s the "
			  "port until %s or %s it. For the next time: SOCK_CLOEXEC on the server's "
			  "socket.",
			  heirs.others, heirs.words, one ? "has" : "have", one ? "keeps" : "keep",
			  one ? "it ends" : "they end", one ? "closes" : "close");
		advise_v6only(context, verdict);
		advise_sharing(context, group, verdict);
	} else {
		probe_say(&verdict->remedies,
			  "End %s, or let %s close the descriptor: %s got it from the server that "
			  "started %s. For the next time: SOCK_CLOEXEC on the server's socket.",
			  heirs.words, one ? "it" : "them", one ? "it" : "they",
			  one ? "it" : "them");
	}
	probe_heirs_done(&heirs);
}

static void advise_bound(const struct context *context, const struct group *group,
			 struct probe_verdict *verdict)
{
	const char *have = group->count == 1 ? "the other one has" : "the others have";
	bool own = advise_flags(context, group, have, verdict);
	char *stop = stop_words(context->snapshot, group);

	probe_say(&verdict->remedies, "%s, or have %s closed.", stop,
		  group->count == 1 ? "its socket" : "the sockets");
	free(stop);
	if (own)
		return;
	advise_their_flags(context, group, verdict);
	advise_same_user(context, verdict);
}

/* About all that has one cause. */
static void advise(const struct context *context, const struct group *group,
		   struct probe_verdict *verdict)
{
	switch (group->cause) {
	case CAUSE_LISTENER:
		advise_holders(context, group, verdict);
		break;
	case CAUSE_INHERITED_LISTENER:
		advise_inherited(context, group, verdict);
		break;
	case CAUSE_TIME_WAIT:
		advise_time_wait(context, group, verdict);
		break;
	case CAUSE_CONNECTION:
	case CAUSE_OUTGOING:
		advise_connections(context, group, verdict);
		break;
	case CAUSE_BOUND:
		advise_bound(context, group, verdict);
		break;
	case CAUSE_DATAGRAMS:
		advise_holders(context, group, verdict);
		probe_say(&verdict->notes,
			  "SO_REUSEADDR on both sides would let the bind pass, but UDP gives "
			  "each datagram to one socket: to the last that was bound. For a pool "
			  "use SO_REUSEPORT alone, on all of it.");
		break;
	default:
		break;
	}
}

/* Those that are in the way for this cause. */
static void find_group(const struct context *context, enum probe_cause cause, struct group *group)
{
	uint32_t i;

	group->cause = cause;
	group->count = 0;
	for (i = 0; i < context->n_blockers; i++) {
		const struct probe_blocker *blocker = &context->blockers[i];

		if (blocker->cause != cause)
			continue;
		if (!group->count)
			group->direction = blocker->direction;
		else if (group->direction != blocker->direction)
			group->direction = DIRECTION_UNKNOWN;
		group->sockets[group->count++] = blocker->socket;
	}
}

/* Whether flags are known to be enough, though not whose they are: then nothing has to go. */
static bool lets_in_together(const struct context *context, struct group *all)
{
	uint32_t set, i;

	if (!protocol_is_stream((enum protocol)context->candidate->protocol))
		return false;
	for (i = 0; i < context->n_blockers; i++)
		all->sockets[i] = context->blockers[i].socket;
	all->count = context->n_blockers;
	for (set = 1; set < PROBE_SETS; set++)
		if (passes_live(context, all, set))
			return true;
	return false;
}

/* Cause by cause, in the order in which they stand in the way; TIME-WAIT last. */
void probe_advise(const struct port_rules *rules, const struct probe_report *report,
		  struct probe_verdict *verdict)
{
	const struct context context = {
		.snapshot = rules->snapshot,
		.rules = rules,
		.report = report,
		.candidate = &report->candidate,
		.blockers = verdict->blockers,
		.n_blockers = verdict->n_blockers,
	};
	struct group group = { .sockets = xcalloc(context.n_blockers, sizeof(*group.sockets)) };
	enum probe_cause order[N_PROBE_CAUSES];
	bool seen[N_PROBE_CAUSES] = { false };
	uint32_t i, n = 0;

	for (i = 0; i < context.n_blockers; i++) {
		enum probe_cause cause = context.blockers[i].cause;

		if (!seen[cause] && cause != CAUSE_TIME_WAIT)
			order[n++] = cause;
		seen[cause] = true;
	}
	if (seen[CAUSE_TIME_WAIT])
		order[n++] = CAUSE_TIME_WAIT;
	if (n > 1 && !lets_in_together(&context, &group))
		probe_say(&verdict->remedies,
			  "What is in the way is of several kinds, and has to go all of it.");
	for (i = 0; i < n; i++) {
		find_group(&context, order[i], &group);
		advise(&context, &group, verdict);
	}
	free(group.sockets);
}

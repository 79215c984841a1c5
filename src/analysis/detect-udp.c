/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP ports that programs share, without knowing of each other or without defence. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/bind-conflict.h"
#include "analysis/detect.h"
#include "analysis/parties.h"
#include "analysis/port-range.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* So many sockets that take what is sent to another are told, and so many others. */
#define SHADOWS_MAX 32

/* Of so many devices the wildcards are asked who takes of theirs by being bound to an address. */
#define WILDCARDS_MAX 32

/* So many ports that anybody may take are told one by one. */
#define HIJACKABLE_MAX 16

static int compare_sockets(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* sockets: ascending, as those of a bucket, a place and a delivery are. */
static bool is_one_of(const uint32_t *sockets, uint32_t n_sockets, uint32_t socket)
{
	return n_sockets &&
	       bsearch(&socket, sockets, n_sockets, sizeof(socket), compare_sockets) != NULL;
}

/* Of one family and v6only: with a mapped address, or beside a dual-stack one, it is not so. */
static bool is_uniform(const struct inet_socket *sockets, const struct detect_place *place)
{
	const struct inet_socket *first = &sockets[place->sockets[0]];
	uint32_t i;

	for (i = 1; i < place->count; i++) {
		const struct inet_socket *socket = &sockets[place->sockets[i]];

		if (socket->family != first->family ||
		    (socket->v6only != first->v6only &&
		     address_is_wildcard(socket->family, &socket->local)))
			return false;
	}
	return true;
}

/* All have SO_REUSEPORT and one uid: a group, which the kernel balances. */
static enum tristate is_group(const struct detection *detection, const struct detect_place *place)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	enum tristate group = TRISTATE_YES;
	uint32_t i;

	if (!is_uniform(sockets, place))
		return TRISTATE_NO;
	for (i = 0; i < place->count; i++) {
		const struct inet_socket *socket = &sockets[place->sockets[i]];

		if (socket->reuse_port == TRISTATE_NO)
			return TRISTATE_NO;
		if (!(socket->known & SOCKET_HAS_UID))
			group = TRISTATE_UNKNOWN;
		else if (socket->uid != sockets[place->sockets[0]].uid)
			return TRISTATE_NO;
		if (socket->reuse_port == TRISTATE_UNKNOWN)
			group = TRISTATE_UNKNOWN;
	}
	return group;
}

/* Sockets at one place that get in each other's way, by who they belong to, and who receives. */
struct share {
	uint32_t *sockets; /* of the place, and those elsewhere that receive what is sent there */
	uint32_t count;
	const struct address_index *guards; /* those of the bucket that keep others out */
	struct parties parties;
	uint32_t *party_of; /* of each socket */
	struct delivery delivery;
	bool wins[PARTIES_MAX]; /* that party has one that receives */
	uint32_t n_wins;
};

/* What is sent to where the place is. */
static const struct inet_socket *address_of(const struct detection *detection,
					    const struct share *share)
{
	return &detection->snapshot->sockets[share->sockets[0]];
}

static void share_init(struct share *share, const struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct delivery *delivery = &share->delivery;
	uint32_t i, n = share->count;

	detect_predict(detection, address_of(detection, share), &share->delivery);
	for (i = 0; delivery->certain && i < delivery->n_receivers; i++)
		if (!is_one_of(share->sockets, n, delivery->receivers[i]))
			share->sockets[share->count++] = delivery->receivers[i];
	parties_init(&share->parties, snapshot, share->sockets, share->count, RELATED_CLOSELY);
	share->party_of = parties_of(&share->parties, snapshot, share->sockets, share->count,
				     RELATED_CLOSELY);
	for (i = 0; delivery->certain && i < share->count; i++) {
		bool *wins = &share->wins[share->party_of[i]];

		if (!*wins &&
		    is_one_of(delivery->receivers, delivery->n_receivers, share->sockets[i])) {
			*wins = true;
			share->n_wins++;
		}
	}
}

static void share_done(struct share *share)
{
	parties_done(&share->parties);
	free(share->party_of);
	delivery_done(&share->delivery);
}

/* The holders of the first socket of each party, or of each that gets nothing. */
static char *name_parties(const struct detection *detection, const struct share *share,
			  bool losers_only)
{
	uint32_t i, n = 0, firsts[PARTIES_MAX];

	for (i = 0; i < share->parties.count; i++)
		if (!losers_only || !share->wins[i])
			firsts[n++] = share->sockets[share->parties.first[i]];
	return words_holders_of_all(detection->snapshot, firsts, n, 3);
}

/* Who receives when those that do now have gone. */
static char *name_heirs(const struct detection *detection, const struct share *share)
{
	uint32_t i, n, n_gone = 0, n_left = 0, *gone, *left;
	const uint32_t *sockets;
	struct delivery delivery;
	char *heirs = NULL;

	gone = xcalloc(share->count, sizeof(*gone));
	for (i = 0; i < share->count; i++)
		if (share->wins[share->party_of[i]])
			gone[n_gone++] = share->sockets[i];
	if (n_gone > 1)
		qsort(gone, n_gone, sizeof(*gone), compare_sockets);
	n = address_index_find(detect_addresses(detection), address_of(detection, share), &sockets);
	left = xcalloc(n, sizeof(*left));
	for (i = 0; i < n; i++)
		if (!is_one_of(gone, n_gone, sockets[i]))
			left[n_left++] = sockets[i];
	detect_predict_among(detection, left, n_left, address_of(detection, share), &delivery);
	if (delivery.certain && delivery.n_receivers)
		heirs = words_holders_together(detection->snapshot, delivery.receivers,
					       delivery.n_receivers);
	delivery_done(&delivery);
	free(gone);
	free(left);
	return heirs ? heirs : xstrdup("another");
}

/* Its flags are the kernel's word. */
static bool was_read(const struct inet_socket *socket)
{
	return socket->reuse_evidence == EVIDENCE_BPF ||
	       socket->reuse_evidence == EVIDENCE_GETSOCKOPT;
}

static bool has_unread_membership(const struct inet_socket *socket)
{
	return address_is_wildcard(socket->family, &socket->local) &&
	       !(socket->known & SOCKET_HAS_MULTICAST);
}

/* Copies of what is sent to groups may reach those, too, that get no unicast datagram. */
static bool may_get_copies(const struct detection *detection, const struct share *share)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	uint32_t i;

	for (i = 0; i < share->count; i++)
		if (has_unread_membership(&sockets[share->sockets[i]]) ||
		    detect_is_for_multicast(&sockets[share->sockets[i]]))
			return true;
	return false;
}

/* Some are taken for servers of unicast by their port alone. */
static bool is_unicast_by_port(const struct detection *detection, const struct share *share)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	uint32_t i;

	for (i = 0; i < share->count; i++)
		if (has_unread_membership(&sockets[share->sockets[i]]) &&
		    !detect_is_for_multicast(&sockets[share->sockets[i]]))
			return true;
	return false;
}

/* Why they are taken for strangers: where each comes from. */
static char *origins(const struct detection *detection, const struct share *share)
{
	const struct snapshot *snapshot = detection->snapshot;
	char *text = xstrdup(""), *longer;
	uint32_t i;

	for (i = 0; i < share->parties.count && i < 4; i++) {
		uint32_t index = share->sockets[share->parties.first[i]];
		const struct inet_socket *socket = &snapshot->sockets[index];
		char *holders = words_holders(snapshot, index), *flags = words_flags(socket);
		char *origin = socket->n_owners ?
				       words_origin(snapshot,
						    snapshot->owners[socket->first_owner].process) :
				       xstrdup("nothing more is known");

		longer = xasprintf("%s%s: %s, with %s%s. ", text, holders, origin, flags,
				   was_read(socket) ? " as read from the kernel" : "");
		free(text);
		free(holders);
		free(flags);
		free(origin);
		text = longer;
	}
	longer = xasprintf(
		"%sThey are taken for strangers: " WORDS_STRANGERS
		", and they share no inherited socket.%s",
		text,
		is_unicast_by_port(detection, share) ?
			" What multicast groups they have joined could not be read: if "
			"multicast is what they are for, each member of a group gets its "
			"own copy of that, and nothing is lost. The port is none of those "
			"that are known for it." :
			"");
	free(text);
	return longer;
}

static const char *who_can(const struct detection *detection)
{
	return port_is_privileged(detection->snapshot, detection->bucket->netns,
				  detection->bucket->port) ?
		       "process that may bind ports of the system" :
		       "local user";
}

/* Somebody whose uid is nobody's here. */
#define STRANGER_UID (UINT32_MAX - 1)

/* Those that have SO_REUSEADDR keep nobody out who has it too. */
static void find_guards(const struct detection *detection, struct address_index *ret_guards)
{
	uint32_t i, n = 0, *guards = xcalloc(detection->bucket->count, sizeof(*guards));

	for (i = 0; i < detection->bucket->count; i++)
		if (detection->snapshot->sockets[detection->members[i]].reuse_addr != TRISTATE_YES)
			guards[n++] = detection->members[i];
	address_index_init(ret_guards, detection->snapshot, guards, n);
	free(guards);
}

/* Each guard decides for itself, for a candidate that has no SO_REUSEPORT. */
static bool passes(const struct detection *detection, const struct bind_candidate *candidate,
		   const uint32_t *guards, uint32_t n_guards)
{
	struct bind_verdict verdict;
	bool can_bind = true;
	uint32_t i;

	for (i = 0; i < n_guards && can_bind; i++) {
		bind_conflict_judge(detection->snapshot, guards + i, 1, candidate, NULL, &verdict);
		can_bind = verdict.can_bind == TRISTATE_YES;
		bind_verdict_done(&verdict);
	}
	return can_bind;
}

/*
 * Whether one who is not asked binds to where this socket is with SO_REUSEADDR, and so takes its
 * datagrams. Flags count as they are now: one socket there that has cleared its own keeps all out.
 */
static bool stranger_can_bind(const struct detection *detection, const struct address_index *guards,
			      const struct inet_socket *at)
{
	const struct bind_candidate stranger = {
		.address = at->local,
		.netns = at->netns,
		.uid = STRANGER_UID,
		.device = at->device,
		.port = at->local_port,
		.protocol = at->protocol,
		.family = at->family,
		.v6only = at->v6only == TRISTATE_YES,
		.reuse_addr = true,
	};
	const uint32_t *sockets;
	uint32_t n;

	if (address_is_wildcard(at->family, &at->local))
		return passes(detection, &stranger, guards->sockets, guards->count);
	n = address_index_find(guards, at, &sockets);
	if (!passes(detection, &stranger, sockets, n))
		return false;
	n = address_index_wildcards(guards, &sockets);
	return passes(detection, &stranger, sockets, n);
}

/* By what the kernel chooses between sockets at one place. */
enum preference {
	PREFERS_LAST, /* the one that was bound last */
	PREFERS_PLAIN, /* IPv6: the one without SO_REUSEPORT, else the oldest */
	PREFERS_IPV4, /* to a mapped address */
	PREFERS_GROUP, /* of no device, met before the socket that is bound to it */
};

static const char *const preference_words[] = {
	[PREFERS_LAST] = "and with SO_REUSEADDR that is always the one that was bound last",
	[PREFERS_PLAIN] = "and for IPv6 prefers one with SO_REUSEADDR alone to those that have "
			  "SO_REUSEPORT, and of those the oldest",
	[PREFERS_IPV4] = "and prefers one of IPv4 to one of IPv6 at the mapped address, and of "
			 "equals the one that was bound last",
	[PREFERS_GROUP] = "and a group with SO_REUSEPORT that is met first keeps it from an older "
			  "socket, even from one that is bound to the device",
};

static enum preference preference_of(const struct inet_socket *sockets, const uint32_t *members,
				     uint32_t n_members)
{
	const struct inet_socket *first = &sockets[members[0]];
	bool reuse_port = false;
	uint32_t i;

	for (i = 0; i < n_members; i++) {
		if (sockets[members[i]].device != first->device)
			return PREFERS_GROUP;
		if (sockets[members[i]].family != first->family)
			return PREFERS_IPV4;
		reuse_port = reuse_port || sockets[members[i]].reuse_port == TRISTATE_YES;
	}
	return reuse_port && first->family == AF_INET6 ? PREFERS_PLAIN : PREFERS_LAST;
}

/* Beside one that is v6only a dual-stack socket still has what is of IPv4. */
static bool is_of_ipv6_only(const struct inet_socket *sockets, const struct detect_place *place)
{
	const struct inet_socket *first = &sockets[place->sockets[0]];

	return address_unmap(first->family, &first->local, &(struct address){ .bytes = { 0 } }) ==
		       AF_INET6 &&
	       !is_uniform(sockets, place);
}

/* By what the kernel chooses, and what comes of it. */
static char *explain_share(const struct detection *detection, const struct share *share,
			   const char *winner, const char *losers)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	const char *preference =
		preference_words[preference_of(sockets, share->sockets, share->count)];
	const char *get = share->parties.count - share->n_wins == 1 ? "gets" : "get";
	char *heirs = name_heirs(detection, share), *text;

	if (share->delivery.mode == DELIVERY_SPREAD)
		text = xasprintf(
			"The kernel gives each unicast datagram to one socket only, %s. Here that "
			"is one with SO_REUSEPORT, and its group gets them all, each socket its "
			"share by a hash of both ends: %s. %s %s nothing, and no error, at start "
			"or later. When none of these %u sockets is left, %s receives instead.",
			preference, winner, losers, get, share->delivery.n_receivers, heirs);
	else
		text = xasprintf(
			"The kernel gives each unicast datagram to one socket only, %s: %s. It "
			"never balances, and %s %s no error, at start or later. When %s ends, %s "
			"receives instead.",
			preference, winner, losers, get, winner, heirs);
	free(heirs);
	return text;
}

static void say_who_receives(const struct detection *detection, const struct share *share,
			     const char *place, const char *all, struct finding *finding)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct delivery *delivery = &share->delivery;
	const struct detect_place sockets = { share->sockets, share->count };
	char *winner = words_holders_together(snapshot, delivery->receivers, delivery->n_receivers);
	char *losers = name_parties(detection, share, true), *spread = xstrdup("");

	if (delivery->mode == DELIVERY_SPREAD) {
		free(spread);
		spread = xasprintf(", spread over %u sockets", delivery->n_receivers);
	}
	finding->title = xasprintf("%s is shared by %s: %s %s the %sdatagrams%s%s, %s none", place,
				   all, winner, share->n_wins == 1 ? "gets" : "get",
				   may_get_copies(detection, share) ? "unicast " : "",
				   is_of_ipv6_only(snapshot->sockets, &sockets) ? " of IPv6" : "",
				   spread, losers);
	finding->text = explain_share(detection, share, winner, losers);
	free(winner);
	free(losers);
	free(spread);
}

static void report_share(struct detection *detection, const struct share *share,
			 enum severity severity)
{
	char *place = words_socket(detection->snapshot, share->sockets[0]);
	char *all = name_parties(detection, share, false), *text;
	struct finding *finding = detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, severity,
						share->sockets, share->count);

	finding->evidence = origins(detection, share);
	if (share->n_wins) {
		say_who_receives(detection, share, place, all, finding);
	} else {
		finding->title =
			xasprintf("%s is shared by %s: not all of them get datagrams", place, all);
		finding->text = xasprintf(
			"The kernel gives each unicast datagram to one socket only, or spreads "
			"them over one group with SO_REUSEPORT; which of these cannot be told "
			"from what is known. The others get nothing, and no error.");
	}
	if (stranger_can_bind(detection, share->guards, address_of(detection, share))) {
		text = xasprintf("%s Any other %s, whatever the uid, can do the same by binding "
				 "with SO_REUSEADDR.",
				 finding->text, who_can(detection));
		free(finding->text);
		finding->text = text;
	}
	finding->remedy = xasprintf(
		"Give one of the programs another port or address, or stop the one that is not "
		"wanted. Then take SO_REUSEADDR out of UDP servers (Python: not "
		"reuse_address=True; before 3.8.1 asyncio set it by default): a second start then "
		"fails with EADDRINUSE, as it should. Copies of one server that are to share the "
		"load want SO_REUSEPORT%s.",
		share->delivery.mode == DELIVERY_SPREAD ? ", all of them, at the same address" :
							  "");
	free(place);
	free(all);
}

static void undecide(struct finding *finding, char *title, const char *missing)
{
	finding->undecided = true;
	finding->title = title;
	finding->evidence = xstrdup(missing);
	finding->text = xstrdup("");
	finding->remedy =
		xstrdup("Run it as root, or with the capabilities that portshare(1) names, "
			"to see more.");
}

/*
 * Those at a place that may be in each other's way: members of multicast groups are not, but beside
 * them one program alone may still want the unicast datagrams. Returns the severity of that.
 */
static enum severity list_sharers(const struct detection *detection,
				  const struct detect_place *place, struct share *share)
{
	uint32_t i;

	for (i = 0; i < place->count; i++)
		if (!detect_is_for_multicast(&detection->snapshot->sockets[place->sockets[i]]))
			share->sockets[share->count++] = place->sockets[i];
	if (share->count != 1 || place->count == 1)
		return SEVERITY_WARNING;
	memcpy(share->sockets, place->sockets, place->count * sizeof(*share->sockets));
	share->count = place->count;
	return SEVERITY_NOTE;
}

static void judge_share(struct detection *detection, const struct share *share, enum tristate group,
			enum severity severity)
{
	char *where = words_socket(detection->snapshot, share->sockets[0]);

	if (share->parties.undecided)
		undecide(detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING,
				       share->sockets, share->count),
			 xasprintf("%s is shared, perhaps by programs that do not belong together",
				   where),
			 "The processes that hold the sockets cannot all be seen, or not what they "
			 "belong to.");
	else if (group == TRISTATE_UNKNOWN)
		undecide(detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING,
				       share->sockets, share->count),
			 xasprintf("%s is shared by programs that do not belong together, by "
				   "SO_REUSEADDR or by SO_REUSEPORT",
				   where),
			 "The reuse flags are not known: with SO_REUSEADDR one program gets all "
			 "datagrams, with SO_REUSEPORT each gets some.");
	/* Where each has some, it is the group of strangers that is to be told. */
	else if (share->n_wins < share->parties.count)
		report_share(detection, share, severity);
	free(where);
}

/* Whether what arrives for sockets of a device goes to others, that are bound to none. */
static bool is_passed_by(const struct detection *detection, const struct detect_place *place)
{
	const struct inet_socket *first = &detection->snapshot->sockets[place->sockets[0]];
	struct delivery delivery;
	bool passed_by;

	if (!first->device)
		return false;
	detect_predict(detection, first, &delivery);
	passed_by = delivery.certain && delivery.n_receivers &&
		    !is_one_of(place->sockets, place->count, delivery.receivers[0]);
	delivery_done(&delivery);
	return passed_by;
}

/* Sockets at one place: who of them stands in the way of whom? */
static void check_share(struct detection *detection, const struct detect_place *place,
			const struct address_index *guards)
{
	const struct inet_socket *first = &detection->snapshot->sockets[place->sockets[0]];
	struct share share = { .guards = guards };
	enum tristate group = TRISTATE_NO;
	enum severity severity;
	const uint32_t *there;

	if (detect_gets_copies(first))
		return;
	if (!is_passed_by(detection, place)) {
		if (place->count < 2)
			return;
		group = is_group(detection, place);
		if (group == TRISTATE_YES)
			return;
	}
	/* Whoever receives is at the address, on whatever device. */
	share.sockets = xcalloc(address_index_find(detect_addresses(detection), first, &there),
				sizeof(*share.sockets));
	severity = list_sharers(detection, place, &share);
	if (share.count) {
		share_init(&share, detection);
		if (share.parties.count >= 2)
			judge_share(detection, &share, group, severity);
		share_done(&share);
	}
	free(share.sockets);
}

/* By what a socket goes before another, whichever came first. */
enum shadow_kind {
	SHADOW_NONE,
	SHADOW_ADDRESS, /* bound to one address, before one that is bound to all */
	SHADOW_DEVICE, /* at the same address bound to a device, before one that is bound to none */
};

static enum shadow_kind shadow_kind(const struct inet_socket *loser,
				    const struct inet_socket *winner)
{
	struct address a = address_as_mapped(loser->family, &loser->local);
	struct address b = address_as_mapped(winner->family, &winner->local);

	if (detect_gets_copies(winner) ||
	    (loser->device && winner->device && loser->device != winner->device))
		return SHADOW_NONE;
	if (address_equal(&a, &b))
		return winner->device && !loser->device ? SHADOW_DEVICE : SHADOW_NONE;
	return !address_is_wildcard(winner->family, &winner->local) &&
			       address_covers(loser->family, &loser->local,
					      loser->v6only != TRISTATE_NO, winner->family,
					      &winner->local) ?
		       SHADOW_ADDRESS :
		       SHADOW_NONE;
}

/* Who gets datagrams at one place, and who takes some of them by being bound more closely. */
struct shadow {
	enum shadow_kind kind;
	const uint32_t *losers;
	uint32_t n_losers;
	uint32_t winners[SHADOWS_MAX];
	uint32_t n_winners, n_places;
	bool several; /* the winners do not belong together either */
	enum severity severity;
	bool undecided;
};

/* To what the first of those who take is bound, and how many more there are: "lo and 1 more". */
static char *words_closer(const struct snapshot *snapshot, const struct shadow *shadow)
{
	const struct inet_socket *winner = &snapshot->sockets[shadow->winners[0]];
	const char *device = snapshot_text(snapshot, winner->device);
	char *more = shadow->n_places > 1 ? xasprintf(" and %u more", shadow->n_places - 1) :
					    xstrdup("");
	char *address = words_address(winner), *text;

	if (shadow->kind == SHADOW_DEVICE)
		text = xasprintf("%s%s", device, more);
	else
		text = xasprintf("%s%s%s%s", address, device ? " on " : "", device ? device : "",
				 more);
	free(address);
	free(more);
	return text;
}

/* "what is sent to 127.0.0.53 and 2 more", "what arrives on lo". */
static char *words_taken(const struct snapshot *snapshot, const struct shadow *shadow)
{
	const struct inet_socket *winner = &snapshot->sockets[shadow->winners[0]];
	char *closer = words_closer(snapshot, shadow), *address = words_address(winner), *text;

	if (shadow->kind == SHADOW_ADDRESS)
		text = xasprintf("what is sent to %s", closer);
	else if (address_is_wildcard(winner->family, &winner->local))
		text = xasprintf("what arrives on %s", closer);
	else
		text = xasprintf("what is sent to %s on %s", address, closer);
	free(closer);
	free(address);
	return text;
}

/* The sockets of a finding: who loses, then who takes. */
static struct finding *add_shadow(struct detection *detection, const struct shadow *shadow)
{
	uint32_t sockets[2 * SHADOWS_MAX], n;

	n = shadow->n_losers < SHADOWS_MAX ? shadow->n_losers : SHADOWS_MAX;
	memcpy(sockets, shadow->losers, n * sizeof(*sockets));
	memcpy(sockets + n, shadow->winners, shadow->n_winners * sizeof(*sockets));
	return detect_report(detection, FINDING_UDP_SHADOWED, shadow->severity, sockets,
			     n + shadow->n_winners);
}

static void doubt_shadow(struct detection *detection, const struct shadow *shadow)
{
	char *where = words_socket(detection->snapshot, shadow->losers[0]);

	undecide(add_shadow(detection, shadow),
		 xasprintf("%s may lose datagrams to another program's socket at one %s", where,
			   shadow->kind == SHADOW_DEVICE ? "device" : "address"),
		 "The processes that hold the sockets cannot all be seen, or not what they belong "
		 "to, or the reuse flags are not known.");
	free(where);
}

static void report_shadow(struct detection *detection, const struct shadow *shadow)
{
	const struct snapshot *snapshot = detection->snapshot;
	bool by_device = shadow->kind == SHADOW_DEVICE;
	char *place = words_socket(snapshot, shadow->losers[0]);
	char *loser = words_holders_together(snapshot, shadow->losers, shadow->n_losers);
	char *winner = words_holders_together(snapshot, shadow->winners, shadow->n_winners);
	char *taken = words_taken(snapshot, shadow), *closer = words_closer(snapshot, shadow);
	const char *get = shadow->several ? "get" : "gets";
	struct finding *finding = add_shadow(detection, shadow);

	finding->title = xasprintf("%s %s %s, port %u, past %s on %s", winner, get, taken,
				   detection->bucket->port, loser, place);
	finding->evidence = xasprintf("%s is bound to %s, %s to %s; " WORDS_STRANGERS ".", loser,
				      by_device ? "no device" : "all addresses", winner, closer);
	finding->text = xasprintf(
		"A socket that is bound to the %s receives it before any that is bound to %s, "
		"whichever came first. %s %s %s; %s gets the rest, and no error.",
		by_device ? "device on which a datagram arrives" : "address of a datagram",
		by_device ? "none" : "all addresses", winner, get, taken, loser);
	finding->remedy = xasprintf("If that is meant, as with a local name server beside a public "
				    "one, there is nothing to do. Otherwise bind %s to the %s "
				    "that it is to serve, or move one of the two to another port.",
				    loser, by_device ? "devices" : "addresses");
	free(place);
	free(loser);
	free(winner);
	free(taken);
	free(closer);
}

/* Sockets of one place that take what is sent there. */
static void add_winners(const struct snapshot *snapshot, const uint32_t *winners,
			uint32_t n_winners, struct shadow *shadow)
{
	uint32_t i;

	if (parties_same_program(snapshot, shadow->losers[0], winners[0]) != TRISTATE_YES &&
	    !detect_is_for_multicast(&snapshot->sockets[winners[0]]))
		shadow->severity = SEVERITY_WARNING;
	shadow->n_places++;
	for (i = 0; i < n_winners && shadow->n_winners < SHADOWS_MAX; i++) {
		shadow->winners[shadow->n_winners++] = winners[i];
		if (parties_related(snapshot, shadow->winners[0], winners[i], RELATED_CLOSELY) !=
		    TRISTATE_YES)
			shadow->several = true;
	}
}

/* Who receives at a place, if it is somebody there who is not of the loser's. */
static void compare_places(const struct detection *detection, const struct detect_place *place,
			   struct shadow *shadow)
{
	const struct snapshot *snapshot = detection->snapshot;
	const uint32_t *winners = place->sockets;
	uint32_t n_winners = 1;
	struct delivery delivery;
	enum tristate related;

	/* Most ports with many addresses are one program's. */
	if (place->count == 1 && parties_related(snapshot, shadow->losers[0], place->sockets[0],
						 RELATED_CLOSELY) == TRISTATE_YES)
		return;
	detect_predict(detection, &snapshot->sockets[place->sockets[0]], &delivery);
	if (delivery.certain && delivery.n_receivers) {
		winners = delivery.receivers;
		n_winners = delivery.n_receivers;
	}
	related = parties_related(snapshot, shadow->losers[0], winners[0], RELATED_CLOSELY);
	if (related != TRISTATE_YES && is_one_of(place->sockets, place->count, winners[0])) {
		if (related == TRISTATE_UNKNOWN || !delivery.certain)
			shadow->undecided = true;
		add_winners(snapshot, winners, n_winners, shadow);
	}
	delivery_done(&delivery);
}

/* What is of IPv4 a dual-stack wildcard loses to one of IPv4 already, if there is such. */
static bool has_ipv4_wildcard(const struct inet_socket *sockets, const struct detect_place *places,
			      const struct inet_socket *loser)
{
	struct address address;

	for (; places->count; places++) {
		const struct inet_socket *first = &sockets[places->sockets[0]];

		if (address_unmap(first->family, &first->local, &address) == AF_INET &&
		    address_is_wildcard(AF_INET, &address) &&
		    (!first->device || first->device == loser->device))
			return true;
	}
	return false;
}

/* The places of the bucket, and where those are that have an address. */
struct places {
	struct detect_place *all; /* by device, then by address; one of no sockets ends them */
	struct located_place *by_address; /* then by device */
	uint32_t count;
	bool has_devices;
};

struct located_place {
	struct address address;
	const struct detect_place *place;
};

static int compare_located(const void *left, const void *right)
{
	const struct located_place *a = left, *b = right;
	int order = address_compare(&a->address, &b->address);

	return order ? order : (a->place > b->place) - (a->place < b->place);
}

static void places_init(struct places *places, const struct detection *detection)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	struct detect_place *place;

	*places = (struct places){
		.all = detect_places(detection, STATE_BOUND, PLACE_OF_DATAGRAMS),
	};
	for (place = places->all; place->count; place++)
		places->has_devices = places->has_devices || sockets[place->sockets[0]].device;
	if (!places->has_devices)
		return;
	places->count = (uint32_t)(place - places->all);
	places->by_address = xcalloc(places->count, sizeof(*places->by_address));
	for (place = places->all; place->count; place++) {
		const struct inet_socket *first = &sockets[place->sockets[0]];

		places->by_address[place - places->all] = (struct located_place){
			.address = address_as_mapped(first->family, &first->local),
			.place = place,
		};
	}
	qsort(places->by_address, places->count, sizeof(*places->by_address), compare_located);
}

static void places_done(struct places *places)
{
	free(places->all);
	free(places->by_address);
}

/* The first of those at an address in by_address, or the count. */
static uint32_t places_find(const struct places *places, const struct address *address)
{
	uint32_t low = 0, high = places->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (address_compare(&places->by_address[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Who at a wildcard's port is bound to an address that it covers. */
static void find_at_addresses(const struct detection *detection, const struct places *places,
			      struct shadow *shadow)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	const struct inet_socket *loser = &sockets[shadow->losers[0]];
	bool only_ipv6 = loser->family == AF_INET6 &&
			 has_ipv4_wildcard(sockets, places->all, loser);
	const struct detect_place *place;
	struct address address;

	for (place = places->all; place->count && shadow->n_winners < SHADOWS_MAX; place++) {
		const struct inet_socket *first = &sockets[place->sockets[0]];

		if (shadow_kind(loser, first) != SHADOW_ADDRESS ||
		    (only_ipv6 &&
		     address_unmap(loser->family, &loser->local, &address) == AF_INET6 &&
		     address_unmap(first->family, &first->local, &address) == AF_INET))
			continue;
		compare_places(detection, place, shadow);
	}
}

/* Who at a socket's address is bound to a device. */
static void find_on_devices(const struct detection *detection, const struct places *places,
			    struct shadow *shadow)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	const struct inet_socket *loser = &sockets[shadow->losers[0]];
	const struct address address = address_as_mapped(loser->family, &loser->local);
	uint32_t i;

	for (i = places_find(places, &address);
	     i < places->count && shadow->n_winners < SHADOWS_MAX; i++) {
		const struct located_place *at = &places->by_address[i];

		if (!address_equal(&at->address, &address))
			break;
		if (shadow_kind(loser, &sockets[at->place->sockets[0]]) == SHADOW_DEVICE)
			compare_places(detection, at->place, shadow);
	}
}

static void check_shadows(struct detection *detection, const struct delivery *losers,
			  enum shadow_kind kind, const struct places *places)
{
	struct shadow shadow = {
		.kind = kind,
		.losers = losers->receivers,
		.n_losers = losers->n_receivers,
		.severity = SEVERITY_NOTE,
		.undecided = !losers->certain,
	};

	if (kind == SHADOW_ADDRESS)
		find_at_addresses(detection, places, &shadow);
	else
		find_on_devices(detection, places, &shadow);
	if (!shadow.n_winners)
		return;
	if (shadow.undecided)
		doubt_shadow(detection, &shadow);
	else
		report_shadow(detection, &shadow);
}

/* Of the sockets at one place those are asked that receive what is sent there. */
static void check_place(struct detection *detection, const struct detect_place *place,
			const struct places *places, uint32_t *n_wildcards)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	const struct inet_socket *first = &sockets[place->sockets[0]];
	bool is_wildcard = address_is_wildcard(first->family, &first->local);
	struct delivery losers;

	if (!is_wildcard && (first->device || !places->has_devices))
		return;
	detect_predict(detection, first, &losers);
	if (losers.n_receivers && is_one_of(place->sockets, place->count, losers.receivers[0]) &&
	    !detect_is_for_multicast(&sockets[losers.receivers[0]])) {
		if (is_wildcard && (*n_wildcards)++ < WILDCARDS_MAX)
			check_shadows(detection, &losers, SHADOW_ADDRESS, places);
		if (places->has_devices && !first->device)
			check_shadows(detection, &losers, SHADOW_DEVICE, places);
	}
	delivery_done(&losers);
}

static void explain_hijack(struct finding *finding, const struct inet_socket *socket)
{
	finding->evidence = xasprintf("The socket has SO_REUSEADDR%s.",
				      socket->reuse_evidence == EVIDENCE_INFERRED ? " (inferred)" :
				      was_read(socket) ? ", as read from the kernel" :
							 "");
	finding->text = xstrdup(
		"For UDP the kernel lets everybody bind the same address and port who sets "
		"SO_REUSEADDR too; it does not compare uids. The newcomer gets every unicast "
		"datagram from then on, and nobody gets an error.");
	finding->remedy =
		xstrdup("Do not set SO_REUSEADDR on UDP sockets that receive unicast: they "
			"have no TIME-WAIT, so a restart does not need it. For several "
			"workers use SO_REUSEPORT alone, which only processes of one uid "
			"share.");
}

static void collect_rest(struct detection *detection, const uint32_t *sockets, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		ARRAY_RESERVE(detection->hijackable, detection->n_rest, detection->rest_capacity);
		detection->hijackable[detection->n_rest++] = sockets[i];
	}
}

static void check_hijack(struct detection *detection, const struct address_index *guards)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n = 0, *open;
	struct finding *finding;
	char *where, *holders;

	/* Binding a low port takes a privilege, and who has that can do more. */
	if (!detect_is_wanted(detection, SEVERITY_NOTE) ||
	    port_is_privileged(snapshot, detection->bucket->netns, detection->bucket->port))
		return;
	open = xcalloc(detection->bucket->count, sizeof(*open));
	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		/* What an outgoing datagram was sent from is gone soon, and nobody's server. */
		if (socket->state == STATE_BOUND && socket->reuse_addr == TRISTATE_YES &&
		    !detect_is_for_multicast(socket) && socket->owner_status != OWNER_KERNEL &&
		    stranger_can_bind(detection, guards, socket))
			open[n++] = detection->members[i];
	}
	if (n && detection->n_hijackable++ >= HIJACKABLE_MAX) {
		collect_rest(detection, open, n);
	} else if (n) {
		where = words_socket(snapshot, open[0]);
		holders = words_holders(snapshot, open[0]);
		finding = detect_report(detection, FINDING_UDP_HIJACKABLE, SEVERITY_NOTE, open, n);
		finding->title = xasprintf("any local user can take the datagrams of %s from %s",
					   where, holders);
		explain_hijack(finding, &snapshot->sockets[open[0]]);
		free(where);
		free(holders);
	}
	free(open);
}

void detect_hijackable_rest(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding;

	if (!detection->n_rest)
		return;
	finding = finding_list_add(detection->list, FINDING_UDP_HIJACKABLE, SEVERITY_NOTE,
				   detection->hijackable, detection->n_rest);
	finding->netns = snapshot->sockets[detection->hijackable[0]].netns;
	finding->protocol = PROTOCOL_UDP;
	finding->title = xasprintf("any local user can take the datagrams of %u more UDP sockets",
				   detection->n_rest);
	explain_hijack(finding, &snapshot->sockets[detection->hijackable[0]]);
}

void detect_udp(struct detection *detection)
{
	const struct detect_place *place;
	struct address_index guards;
	uint32_t n_wildcards = 0;
	struct places places;

	find_guards(detection, &guards);
	check_hijack(detection, &guards);
	if (detection->bucket->count > 1) {
		places_init(&places, detection);
		for (place = places.all; place->count; place++) {
			check_share(detection, place, &guards);
			check_place(detection, place, &places, &n_wildcards);
		}
		places_done(&places);
	}
	address_index_done(&guards);
}

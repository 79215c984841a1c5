/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strangers at one address of UDP, of whom not all receive. */
#include "analysis/detect-udp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/parties.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

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

/* All have SO_REUSEPORT and one uid, and none has left: a group, which the kernel balances. */
static enum tristate is_group(const struct detection *detection, const struct detect_place *place)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	enum tristate group = TRISTATE_YES;
	uint32_t i;

	if (!is_uniform(sockets, place))
		return TRISTATE_NO;
	for (i = 0; i < place->count; i++) {
		const struct inet_socket *socket = &sockets[place->sockets[i]];

		if (socket->reuse_port == TRISTATE_NO || socket->reuse_group == TRISTATE_NO)
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
		if (!udp_is_one_of(share->sockets, n, delivery->receivers[i]))
			share->sockets[share->count++] = delivery->receivers[i];
	parties_init(&share->parties, snapshot, share->sockets, share->count, RELATED_CLOSELY);
	share->party_of = parties_of(&share->parties, snapshot, share->sockets, share->count,
				     RELATED_CLOSELY);
	for (i = 0; delivery->certain && i < share->count; i++) {
		bool *wins = &share->wins[share->party_of[i]];

		if (!*wins &&
		    udp_is_one_of(delivery->receivers, delivery->n_receivers, share->sockets[i])) {
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
		qsort(gone, n_gone, sizeof(*gone), udp_compare_sockets);
	n = address_index_find(detect_addresses(detection), address_of(detection, share), &sockets);
	left = xcalloc(n, sizeof(*left));
	for (i = 0; i < n; i++)
		if (!udp_is_one_of(gone, n_gone, sockets[i]))
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

/* Copies of what is sent to groups may reach those, too, that get no unicast datagram. */
static bool may_get_copies(const struct detection *detection, const struct share *share)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	uint32_t i;

	for (i = 0; i < share->count; i++)
		if (detect_may_get_copies(&sockets[share->sockets[i]]))
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
				   udp_flags_were_read(socket) ? " as read from the kernel" : "");
		free(text);
		free(holders);
		free(flags);
		free(origin);
		text = longer;
	}
	longer = xasprintf("%sThey are taken for strangers: " WORDS_STRANGERS
			   ", and they share no inherited socket.%s",
			   text, detect_doubt_membership(snapshot, share->sockets, share->count));
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

/* By what the kernel chooses between sockets at one place. */
enum preference {
	PREFERS_LAST, /* the one that was bound last */
	PREFERS_PLAIN, /* IPv6: the one without SO_REUSEPORT, else the oldest */
	PREFERS_IPV4, /* to a mapped address */
	PREFERS_GROUP, /* of no device, met before the socket that is bound to it */
	PREFERS_MOVED, /* one that was connected, and went before those that were bound later */
	PREFERS_LONER, /* one with SO_REUSEPORT that is in no group */
};

static const char *const preference_words[] = {
	[PREFERS_LAST] = "and with SO_REUSEADDR that is always the one that was bound last",
	[PREFERS_PLAIN] = "and for IPv6 prefers one with SO_REUSEADDR alone to those that have "
			  "SO_REUSEPORT, and of those the oldest",
	[PREFERS_IPV4] = "and prefers one of IPv4 to one of IPv6 at the mapped address, and of "
			 "equals the one that was bound last",
	[PREFERS_GROUP] = "and a group with SO_REUSEPORT that is met first keeps it from an older "
			  "socket, even from one that is bound to the device",
	[PREFERS_MOVED] = "and with SO_REUSEADDR that is the one that was bound last, unless, as "
			  "here, an older one was connected for a while and is no longer, which "
			  "puts it first",
	[PREFERS_LONER] = "and one that has SO_REUSEPORT but is in no group, as after being "
			  "connected for a while, keeps them to itself where it is met first",
};

/* Whether a receiver was bound before others that are like it, and still is met before them. */
static bool has_moved(const struct inet_socket *sockets, const struct share *share,
		      uint32_t receiver)
{
	const struct inet_socket *first = &sockets[receiver];
	uint32_t i;

	for (i = 0; i < share->count && first->lookup_order; i++) {
		const struct inet_socket *other = &sockets[share->sockets[i]];

		if (share->sockets[i] < receiver && other->family == first->family &&
		    other->device == first->device && other->lookup_order > first->lookup_order)
			return true;
	}
	return false;
}

/* By what one receiver goes before all others. */
static enum preference preference_for(const struct inet_socket *sockets, const struct share *share,
				      enum preference otherwise)
{
	uint32_t receiver = share->delivery.receivers[0];

	if (share->delivery.mode != DELIVERY_ONE)
		return otherwise;
	if (sockets[receiver].reuse_port == TRISTATE_YES &&
	    sockets[receiver].reuse_group == TRISTATE_NO)
		return PREFERS_LONER;
	return has_moved(sockets, share, receiver) ? PREFERS_MOVED : otherwise;
}

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
	const char *preference = preference_words[preference_for(
		sockets, share, preference_of(sockets, share->sockets, share->count))];
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

/* Whether one was connected and is no longer, which leaves it the datagrams of that peer alone. */
static bool has_old_peer(const struct detection *detection, const struct share *share)
{
	uint32_t i;

	for (i = 0; i < share->count; i++)
		if (detection->snapshot->sockets[share->sockets[i]].known & SOCKET_HAS_OLD_PEER)
			return true;
	return false;
}

/* Where it cannot be told which of them receives. */
static char *explain_unknown(const struct detection *detection, const struct share *share)
{
	if (detect_is_steered(detection->snapshot, share->sockets, share->count))
		return xstrdup(
			"The kernel gives each unicast datagram to one socket only. A BPF "
			"program that is attached to a group with SO_REUSEPORT chooses which "
			"of that group it is, not a hash, and whom it chooses cannot be "
			"seen from outside. The others get nothing, and no error.");
	if (has_old_peer(detection, share))
		return xstrdup(
			"The kernel gives each unicast datagram to one socket only. One of these "
			"was connected for a while, and of IPv6 still takes only what that peer "
			"sends: who receives depends on the sender. The others get nothing, and "
			"no error.");
	return xstrdup("The kernel gives each unicast datagram to one socket only, or spreads "
		       "them over one group with SO_REUSEPORT; which of these cannot be told "
		       "from what is known. The others get nothing, and no error.");
}

/* What there is to say whoever receives. */
static char *explain_further(const struct detection *detection, const struct share *share,
			     enum severity severity)
{
	char *members = detect_words_members(detection->snapshot, share->sockets, share->count);
	char *stranger, *text;

	stranger = udp_stranger_can_bind(detection, share->guards, address_of(detection, share)) ?
			   xasprintf(" Any other %s, whatever the uid, can do the same by binding "
				     "with SO_REUSEADDR.",
				     who_can(detection)) :
			   xstrdup("");
	text = xasprintf("%s%s%s", stranger, members,
			 severity == SEVERITY_NOTE ? DETECT_WHY_NOTE : "");
	free(members);
	free(stranger);
	return text;
}

static void report_share(struct detection *detection, const struct share *share,
			 enum severity severity)
{
	char *place = words_socket(detection->snapshot, share->sockets[0]);
	char *all = name_parties(detection, share, false), *text, *further;
	struct finding *finding = detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, severity,
						share->sockets, share->count);

	finding->evidence = origins(detection, share);
	if (share->n_wins) {
		say_who_receives(detection, share, place, all, finding);
	} else {
		finding->title =
			xasprintf("%s is shared by %s: not all of them get datagrams", place, all);
		finding->text = explain_unknown(detection, share);
	}
	further = explain_further(detection, share, severity);
	text = xasprintf("%s%s", finding->text, further);
	free(finding->text);
	finding->text = text;
	finding->remedy = xasprintf(
		"%sive one of the programs another port or address, or stop the one that is not "
		"wanted. Then take SO_REUSEADDR out of UDP servers (Python: not "
		"reuse_address=True; before 3.8.1 asyncio set it by default): a second start then "
		"fails with EADDRINUSE, as it should. Copies of one server that are to share the "
		"load want SO_REUSEPORT%s.",
		severity == SEVERITY_NOTE ? DETECT_UNLESS_UNICAST "g" : "G",
		share->delivery.mode == DELIVERY_SPREAD ? ", all of them, at the same address" :
							  "");
	free(further);
	free(place);
	free(all);
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
		udp_undecide(
			detection,
			detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING,
				      share->sockets, share->count),
			xasprintf("%s is shared, perhaps by programs that do not belong together",
				  where),
			"The processes that hold the sockets cannot all be seen, or not what they "
			"belong to.");
	else if (group == TRISTATE_UNKNOWN)
		udp_undecide(
			detection,
			detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING,
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
		    !udp_is_one_of(place->sockets, place->count, delivery.receivers[0]);
	delivery_done(&delivery);
	return passed_by;
}

void udp_check_share(struct detection *detection, const struct detect_place *place,
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP ports that programs share, without knowing of each other or without defence. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/delivery.h"
#include "analysis/detect.h"
#include "analysis/parties.h"
#include "analysis/port-range.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* So many wildcard sockets, and shadows of one, are looked at. */
#define WILDCARDS_MAX 8
#define SHADOWS_MAX 32

/* So many ports that anybody may take are told one by one. */
#define HIJACKABLE_MAX 16

/* The bucket's sockets by address, of all wildcards as of one; made when it is first asked for. */
struct address_index {
	struct located {
		struct address address;
		uint32_t socket;
	} * items;
	uint32_t count;
	uint32_t *sockets; /* as items, for who takes sockets alone */
};

static struct address index_address(const struct inet_socket *socket)
{
	static const struct address any;

	return address_is_wildcard(socket->family, &socket->local) ?
		       any :
		       address_as_mapped(socket->family, &socket->local);
}

static int compare_located(const void *left, const void *right)
{
	const struct located *a = left, *b = right;
	int order = address_compare(&a->address, &b->address);

	return order ? order : a->socket < b->socket ? -1 : a->socket > b->socket;
}

static void address_index_make(struct address_index *index, const struct detection *detection)
{
	uint32_t i, n = detection->bucket->count;

	*index = (struct address_index){
		.items = xcalloc(n, sizeof(*index->items)),
		.sockets = xcalloc(n, sizeof(*index->sockets)),
		.count = n,
	};
	for (i = 0; i < n; i++)
		index->items[i] = (struct located){
			.address =
				index_address(&detection->snapshot->sockets[detection->members[i]]),
			.socket = detection->members[i],
		};
	qsort(index->items, n, sizeof(*index->items), compare_located);
	for (i = 0; i < n; i++)
		index->sockets[i] = index->items[i].socket;
}

static void address_index_done(struct address_index *index)
{
	free(index->items);
	free(index->sockets);
}

/* Those at the address of a socket, in the kernel's order. Returns how many. */
static uint32_t sockets_at(const struct address_index *index, const struct inet_socket *socket,
			   const uint32_t **ret_sockets)
{
	const struct address address = index_address(socket);
	uint32_t low = 0, high = index->count, end;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (address_compare(&index->items[middle].address, &address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < index->count; end++)
		if (address_compare(&index->items[end].address, &address))
			break;
	*ret_sockets = index->sockets + low;
	return end - low;
}

/*
 * Who gets a unicast datagram that is sent to where this socket is bound; of a wildcard, to an
 * address to which nothing else is bound. The others are of no account: what is at the address
 * comes before any wildcard, and groups are of one address.
 */
static void predict(const struct detection *detection, struct address_index *index,
		    const struct inet_socket *at, struct delivery *ret_delivery)
{
	static const struct address v4_loopback = { .bytes = { 127, 0, 0, 1 } };
	static const struct address v6_loopback = { .bytes = { [15] = 1 } };
	struct delivery_query query = {
		.protocol = at->protocol,
		.device = at->device,
		.from_port = 9,
		.cpu = DELIVERY_ANY,
	};
	struct delivery_socket *sockets;
	const uint32_t *members;
	uint32_t n;

	if (!index->items)
		address_index_make(index, detection);
	n = sockets_at(index, at, &members);
	n = delivery_sockets_of(detection->snapshot, members, n, &sockets);
	query.family = (uint8_t)address_unmap(at->family, &at->local, &query.to);
	if (address_is_wildcard(query.family, &query.to))
		query.to = query.family == AF_INET ? v4_loopback : v6_loopback;
	query.from = query.to;
	delivery_predict(detection->snapshot, sockets, n, &query, ret_delivery);
	free(sockets);
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

/* The holders of the first socket of each party but one. */
static char *name_parties(const struct detection *detection, const uint32_t *sockets,
			  const struct parties *parties, uint32_t except)
{
	uint32_t i, n = 0, firsts[PARTIES_MAX];

	for (i = 0; i < parties->count; i++)
		if (i != except)
			firsts[n++] = sockets[parties->first[i]];
	return n ? words_holders_of_all(detection->snapshot, firsts, n, 3) : xstrdup("nobody");
}

/* Why they are taken for strangers: where each comes from. */
static char *origins(const struct detection *detection, const uint32_t *sockets,
		     const struct parties *parties)
{
	const struct snapshot *snapshot = detection->snapshot;
	char *text = xstrdup(""), *longer;
	uint32_t i;

	for (i = 0; i < parties->count && i < 4; i++) {
		uint32_t index = sockets[parties->first[i]];
		const struct inet_socket *socket = &snapshot->sockets[index];
		char *holders = words_holders(snapshot, index), *flags = words_flags(socket);
		char *origin = socket->n_owners ?
				       words_origin(snapshot,
						    snapshot->owners[socket->first_owner].process) :
				       xstrdup("nothing more is known");

		longer = xasprintf("%s%s: %s, with %s%s. ", text, holders, origin, flags,
				   socket->reuse_evidence == EVIDENCE_BPF ||
						   socket->reuse_evidence == EVIDENCE_GETSOCKOPT ?
					   " as read from the kernel" :
					   "");
		free(text);
		free(holders);
		free(flags);
		free(origin);
		text = longer;
	}
	longer = xasprintf("%sThey are taken for strangers: " WORDS_STRANGERS
			   ", and they share no inherited socket.",
			   text);
	free(text);
	return longer;
}

/* The party of the socket that receives; parties->count if nobody is certain to be it. */
static uint32_t receiving_party(const struct detection *detection, const struct delivery *delivery,
				const uint32_t *sockets, uint32_t n_sockets,
				const struct parties *parties)
{
	uint32_t i;

	if (!delivery->certain || delivery->mode != DELIVERY_ONE)
		return parties->count;
	for (i = 0; i < n_sockets; i++)
		if (sockets[i] == delivery->receivers[0])
			return parties_find(parties, detection->snapshot, sockets, sockets[i],
					    RELATED_CLOSELY);
	return parties->count;
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
};

static const char *const preference_words[] = {
	[PREFERS_LAST] = "and with SO_REUSEADDR that is always the one that was bound last",
	[PREFERS_PLAIN] = "and for IPv6 prefers one with SO_REUSEADDR alone to those that have "
			  "SO_REUSEPORT, and of those the oldest",
	[PREFERS_IPV4] = "and prefers one of IPv4 to one of IPv6 at the mapped address",
};

static enum preference preference_of(const struct inet_socket *sockets, const uint32_t *members,
				     uint32_t n_members)
{
	const struct inet_socket *first = &sockets[members[0]];
	bool reuse_port = false;
	uint32_t i;

	for (i = 0; i < n_members; i++) {
		if (sockets[members[i]].family != first->family)
			return PREFERS_IPV4;
		reuse_port = reuse_port || sockets[members[i]].reuse_port == TRISTATE_YES;
	}
	return reuse_port && first->family == AF_INET6 &&
			       !address_is_v4_mapped(AF_INET6, &first->local) ?
		       PREFERS_PLAIN :
		       PREFERS_LAST;
}

/* Beside one that is v6only a dual-stack socket still has what is of IPv4. */
static bool is_of_ipv6_only(const struct inet_socket *sockets, const struct detect_place *place)
{
	const struct inet_socket *first = &sockets[place->sockets[0]];

	return address_unmap(first->family, &first->local, &(struct address){ .bytes = { 0 } }) ==
		       AF_INET6 &&
	       !is_uniform(sockets, place);
}

static void report_share(struct detection *detection, struct address_index *index,
			 const uint32_t *sockets, uint32_t n_sockets, const struct parties *parties,
			 enum severity severity)
{
	char *place = words_socket(detection->snapshot, sockets[0]), *all, *winner, *losers;
	struct finding *finding = detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE, severity,
						sockets, n_sockets);
	const struct inet_socket *all_sockets = detection->snapshot->sockets;
	enum preference preference = preference_of(all_sockets, sockets, n_sockets);
	struct delivery delivery;
	uint32_t party;

	predict(detection, index, &all_sockets[sockets[0]], &delivery);
	party = receiving_party(detection, &delivery, sockets, n_sockets, parties);
	delivery_done(&delivery);
	all = name_parties(detection, sockets, parties, parties->count);
	finding->evidence = origins(detection, sockets, parties);
	if (party < parties->count) {
		winner = words_holders(detection->snapshot, sockets[parties->first[party]]);
		losers = name_parties(detection, sockets, parties, party);
		finding->title = xasprintf(
			"%s is shared by %s: %s gets the datagrams%s, %s none", place, all, winner,
			is_of_ipv6_only(all_sockets, &(struct detect_place){ sockets, n_sockets }) ?
				" of IPv6" :
				"",
			losers);
		finding->text = xasprintf(
			"The kernel gives each unicast datagram to one socket only, %s: %s. It "
			"never balances, and %s gets no error, at start or later. When %s ends, %s "
			"receives again. Any other %s, whatever the uid, can do the same by "
			"binding with SO_REUSEADDR.",
			preference_words[preference], winner, losers, winner,
			preference == PREFERS_LAST ? "the one bound before it" : "the next",
			who_can(detection));
		free(winner);
		free(losers);
	} else {
		finding->title =
			xasprintf("%s is shared by %s: one of them gets the datagrams", place, all);
		finding->text = xasprintf(
			"The kernel gives each unicast datagram to one socket only; which of these "
			"cannot be told from what is known. The others get nothing, and no error. "
			"Any other %s can do the same by binding with SO_REUSEADDR.",
			who_can(detection));
	}
	finding->remedy = xasprintf(
		"Give one of the programs another port or address, or stop the one that is not "
		"wanted. Then take SO_REUSEADDR out of UDP servers (Python: not "
		"reuse_address=True; before 3.8.1 asyncio set it by default): a second start then "
		"fails with EADDRINUSE, as it should. Copies of one server that are to share the "
		"load want SO_REUSEPORT.");
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

/* Sockets at one place: who of them stands in the way of whom? */
static void check_share(struct detection *detection, struct address_index *index,
			const struct detect_place *place)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	uint32_t i, n = 0, n_members = 0, *plain;
	enum tristate group;
	struct parties parties;
	char *where;

	if (place->count < 2 || detect_gets_copies(&sockets[place->sockets[0]]))
		return;
	group = is_group(detection, place);
	if (group == TRISTATE_YES)
		return;
	plain = xcalloc(place->count, sizeof(*plain));
	for (i = 0; i < place->count; i++) {
		if (detect_is_for_multicast(&sockets[place->sockets[i]]))
			n_members++;
		else
			plain[n++] = place->sockets[i];
	}
	/* Beside members of groups one program alone may still want the unicast datagrams. */
	if (n == 1 && n_members) {
		n = place->count;
		memcpy(plain, place->sockets, n * sizeof(*plain));
	}
	parties_init(&parties, detection->snapshot, plain, n, RELATED_CLOSELY);
	if (n >= 2 && parties.count >= 2) {
		where = words_socket(detection->snapshot, plain[0]);
		if (parties.undecided)
			undecide(detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE,
					       SEVERITY_WARNING, plain, n),
				 xasprintf("%s is shared, perhaps by programs that do not belong "
					   "together",
					   where),
				 "The processes that hold the sockets cannot all be seen, or not "
				 "what they belong to.");
		else if (group == TRISTATE_UNKNOWN)
			undecide(
				detect_report(detection, FINDING_UDP_ACCIDENTAL_SHARE,
					      SEVERITY_WARNING, plain, n),
				xasprintf(
					"%s is shared by programs that do not belong together, by "
					"SO_REUSEADDR or by SO_REUSEPORT",
					where),
				"The reuse flags are not known: with SO_REUSEADDR one program gets "
				"all datagrams, with SO_REUSEPORT each gets some.");
		else
			report_share(detection, index, plain, n, &parties,
				     n_members ? SEVERITY_NOTE : SEVERITY_WARNING);
		free(where);
	}
	parties_done(&parties);
	free(plain);
}

/* Does the wildcard lose to the other socket what is sent to its address? */
static bool is_covered(const struct inet_socket *wildcard, const struct inet_socket *socket)
{
	return !address_is_wildcard(socket->family, &socket->local) &&
	       !detect_gets_copies(socket) &&
	       (!wildcard->device || wildcard->device == socket->device) &&
	       address_covers(wildcard->family, &wildcard->local, wildcard->v6only != TRISTATE_NO,
			      socket->family, &socket->local);
}

static void report_shadow(struct detection *detection, const uint32_t *sockets, uint32_t n_sockets,
			  enum severity severity)
{
	const struct snapshot *snapshot = detection->snapshot;
	char *wildcard = words_socket(snapshot, sockets[0]);
	char *loser = words_holders(snapshot, sockets[0]);
	char *winner = words_holders(snapshot, sockets[1]);
	char *address = words_address(&snapshot->sockets[sockets[1]]);
	char *more = n_sockets > 2 ? xasprintf(" and %u more", n_sockets - 2) : xstrdup("");
	struct finding *finding =
		detect_report(detection, FINDING_UDP_SHADOWED, severity, sockets, n_sockets);

	finding->title = xasprintf("%s gets what is sent to %s%s, port %u, past %s on %s", winner,
				   address, more, detection->bucket->port, loser, wildcard);
	finding->evidence = xasprintf("%s is bound to all addresses, %s to %s%s; " WORDS_STRANGERS
				      ".",
				      loser, winner, address, more);
	finding->text =
		xasprintf("A socket that is bound to the address of a datagram receives it "
			  "before any that is bound to all addresses, whichever came first. "
			  "%s gets what is sent to %s%s; %s gets the rest, and no error.",
			  winner, address, more, loser);
	finding->remedy =
		xasprintf("If that is meant, as with a local name server beside a public "
			  "one, there is nothing to do. Otherwise bind %s to the addresses "
			  "that it is to serve, or move one of the two to another port.",
			  loser);
	free(wildcard);
	free(loser);
	free(winner);
	free(address);
	free(more);
}

static void check_shadow(struct detection *detection, uint32_t wildcard,
			 const struct detect_place *places)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t sockets[SHADOWS_MAX + 1] = { wildcard }, n = 1;
	enum severity severity = SEVERITY_NOTE;
	bool undecided = false;

	for (; places->count && n <= SHADOWS_MAX; places++) {
		uint32_t other = places->sockets[0];
		enum tristate related;

		if (!is_covered(&snapshot->sockets[wildcard], &snapshot->sockets[other]))
			continue;
		related = parties_related(snapshot, wildcard, other, RELATED_CLOSELY);
		if (related == TRISTATE_YES)
			continue;
		undecided = undecided || related == TRISTATE_UNKNOWN;
		if (parties_same_program(snapshot, wildcard, other) != TRISTATE_YES)
			severity = SEVERITY_WARNING;
		sockets[n++] = other;
	}
	if (n == 1)
		return;
	if (!undecided) {
		report_shadow(detection, sockets, n, severity);
	} else {
		char *where = words_socket(snapshot, wildcard);

		undecide(detect_report(detection, FINDING_UDP_SHADOWED, severity, sockets, n),
			 xasprintf(
				 "%s may lose datagrams to another program's socket at one address",
				 where),
			 "The processes that hold the sockets cannot all be seen, or not what they "
			 "belong to.");
		free(where);
	}
}

static void explain_hijack(struct finding *finding, const struct inet_socket *socket)
{
	finding->evidence = xasprintf("The socket has SO_REUSEADDR%s.",
				      socket->reuse_evidence == EVIDENCE_INFERRED ?
					      " (inferred)" :
					      ", as read from the kernel");
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

static void check_hijack(struct detection *detection)
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
		    !detect_is_for_multicast(socket) && socket->owner_status != OWNER_KERNEL)
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
	const struct inet_socket *sockets = detection->snapshot->sockets;
	struct detect_place *places, *place;
	struct address_index index = { .items = NULL };
	uint32_t n_wildcards = 0, k;

	check_hijack(detection);
	if (detection->bucket->count < 2)
		return;
	places = detect_places(detection, STATE_BOUND, PLACE_OF_DATAGRAMS);
	for (place = places; place->count; place++) {
		const struct inet_socket *first = &sockets[place->sockets[0]];

		check_share(detection, &index, place);
		if (!address_is_wildcard(first->family, &first->local))
			continue;
		for (k = 0; k < place->count && n_wildcards < WILDCARDS_MAX; k++, n_wildcards++)
			if (!detect_is_for_multicast(&sockets[place->sockets[k]]))
				check_shadow(detection, place->sockets[k], places);
	}
	address_index_done(&index);
	free(places);
}

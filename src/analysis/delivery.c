/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/delivery.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/xalloc.h"

#define NO_SCORE (-1)
#define DEVICE_SCORE_MAX 4

static bool is_at(const struct inet_socket *socket, int family, const struct address *address)
{
	struct address local = address_as_mapped(socket->family, &socket->local);
	struct address wanted = address_as_mapped(family, address);

	return address_equal(&local, &wanted);
}

static bool is_wildcard(const struct inet_socket *socket)
{
	return address_is_wildcard(socket->family, &socket->local);
}

static bool is_connected(const struct inet_socket *socket)
{
	return socket->known & SOCKET_HAS_PEER;
}

/* Not met as one of a group: it has left that by connect(), or got the flag after its bind. */
static bool is_loner(const struct inet_socket *socket)
{
	return !is_connected(socket) && socket->reuse_group == TRISTATE_NO;
}

/* Bound to one IPv6 address, a socket gets IPv6 alone, to a mapped one IPv4 alone. */
static enum tristate v6only_of(const struct inet_socket *socket)
{
	if (socket->family != AF_INET6 || address_is_v4_mapped(AF_INET6, &socket->local))
		return TRISTATE_NO;
	if (!is_wildcard(socket))
		return TRISTATE_YES;
	return (enum tristate)socket->v6only;
}

/* Whether a packet of the query's family can reach the socket at all. */
static enum tristate takes_family(const struct inet_socket *socket,
				  const struct delivery_query *query)
{
	if (query->family == AF_INET6)
		return tristate_of(socket->family == AF_INET6 &&
				   !address_is_v4_mapped(AF_INET6, &socket->local));
	if (v6only_of(socket) == TRISTATE_UNKNOWN)
		return TRISTATE_UNKNOWN;
	return tristate_of(v6only_of(socket) == TRISTATE_NO);
}

static bool has_peer_of(const struct inet_socket *socket, const struct delivery_query *query)
{
	struct address peer = address_as_mapped(socket->family, &socket->peer);
	struct address from = address_as_mapped(query->family, &query->from);

	return socket->peer_port == query->from_port && address_equal(&peer, &from);
}

/* What it was connected to before counts for IPv6 only: that of IPv4 goes with disconnecting. */
static bool has_old_peer_for(const struct inet_socket *socket, const struct delivery_query *query)
{
	return query->family == AF_INET6 && (socket->known & SOCKET_HAS_OLD_PEER);
}

static bool takes_device(const struct inet_socket *socket, const struct delivery_query *query)
{
	return !socket->device || socket->device == query->device;
}

/* compute_score() of udp.c, with one to tell a match from none. */
static int score_udp(const struct delivery_socket *receiver, const struct delivery_query *query)
{
	const struct inet_socket *socket = receiver->socket;
	int weight = query->family == AF_INET ? 4 : 1;
	int score = query->family == AF_INET && socket->family == AF_INET ? 2 : 1;

	if (is_connected(socket)) {
		if (!has_peer_of(socket, query))
			return NO_SCORE;
		score += 2 * weight;
	} else if (has_old_peer_for(socket, query)) {
		if (!address_equal(&socket->peer, &query->from))
			return NO_SCORE;
		score += weight;
	}
	if (socket->device)
		score += weight;
	if (receiver->incoming_cpu != DELIVERY_ANY && receiver->incoming_cpu == query->cpu)
		score++;
	return score;
}

/* compute_score() of inet_hashtables.c. */
static int score_tcp(const struct delivery_socket *receiver, const struct delivery_query *query)
{
	const struct inet_socket *socket = receiver->socket;
	int score = socket->device ? 2 : 1;

	if (socket->family == AF_INET)
		score++;
	if (receiver->incoming_cpu != DELIVERY_ANY && receiver->incoming_cpu == query->cpu)
		score++;
	return score;
}

/* Who may receive from a chain: those at an address, or at the wildcard. */
static bool in_chain(const struct inet_socket *socket, const struct delivery_query *query,
		     bool wildcards)
{
	return wildcards ? is_wildcard(socket) : is_at(socket, query->family, &query->to);
}

static void add(struct delivery *delivery, uint32_t index)
{
	ARRAY_RESERVE(delivery->receivers, delivery->n_receivers, delivery->capacity);
	delivery->receivers[delivery->n_receivers++] = index;
}

/* What udp_reuseport_add_sock() and inet_reuseport_add_sock() compare. */
static enum tristate same_group(const struct delivery_socket *a, const struct delivery_socket *b)
{
	const struct inet_socket *x = a->socket, *y = b->socket;
	uint32_t known = x->known & y->known;
	enum tristate only_x = v6only_of(x), only_y = v6only_of(y);

	if (a->group != DELIVERY_ANY || b->group != DELIVERY_ANY)
		return tristate_of(a->group == b->group);
	if (is_loner(x) || is_loner(y))
		return TRISTATE_NO;
	if (x->family != y->family || !address_equal(&x->local, &y->local) ||
	    y->reuse_port == TRISTATE_NO ||
	    ((known & SOCKET_HAS_DEVICE) && x->device != y->device) ||
	    ((known & SOCKET_HAS_UID) && x->uid != y->uid) ||
	    (only_x != TRISTATE_UNKNOWN && only_y != TRISTATE_UNKNOWN && only_x != only_y))
		return TRISTATE_NO;
	return y->reuse_port == TRISTATE_YES && (known & SOCKET_HAS_DEVICE) &&
			       (known & SOCKET_HAS_UID) && only_x == only_y &&
			       only_x != TRISTATE_UNKNOWN ?
		       TRISTATE_YES :
		       TRISTATE_UNKNOWN;
}

/* reuseport_select_sock(): the members among whom one is chosen. */
static void select_from_group(const struct delivery_socket *sockets, uint32_t n_sockets,
			      const struct delivery_socket *hit, const struct delivery_query *query,
			      struct delivery *delivery)
{
	int32_t selector = DELIVERY_ANY;
	bool by_cpu = false, on_cpu = false, has_program = false;
	uint32_t i, n = 0;

	for (i = 0; i < n_sockets; i++) {
		/* One that connected before others joined it has a place, but no share. */
		if (same_group(hit, &sockets[i]) == TRISTATE_NO ||
		    (hit->group == DELIVERY_ANY && is_connected(sockets[i].socket)))
			continue;
		n++;
		if (sockets[i].selector != DELIVERY_ANY)
			selector = sockets[i].selector;
		has_program = has_program || sockets[i].socket->reuse_program == TRISTATE_YES;
		by_cpu = by_cpu || sockets[i].incoming_cpu != DELIVERY_ANY;
		on_cpu = on_cpu || (!is_connected(sockets[i].socket) &&
				    sockets[i].incoming_cpu != DELIVERY_ANY &&
				    sockets[i].incoming_cpu == query->cpu);
	}
	/* Whom it names nobody sees. */
	if (has_program && selector == DELIVERY_ANY && n > 1)
		delivery->certain = false;
	/* A program that names nobody leaves it to the hash. */
	if (selector < 0 || (uint32_t)selector >= n)
		selector = DELIVERY_ANY;
	for (i = 0; i < n_sockets; i++) {
		if (same_group(hit, &sockets[i]) == TRISTATE_NO)
			continue;
		/* A program is not asked whether it names one that is connected. */
		if (selector != DELIVERY_ANY	    ? sockets[i].group_place == selector :
		    is_connected(sockets[i].socket) ? false :
		    by_cpu && on_cpu		    ? sockets[i].incoming_cpu == query->cpu :
						      true)
			add(delivery, sockets[i].index);
	}
	delivery->mode = delivery->n_receivers > 1 ? DELIVERY_SPREAD : DELIVERY_ONE;
}

/* The score of a socket in a chain, NO_SCORE if it is not in it or does not take the packet. */
static int score_in_chain(const struct delivery_socket *receiver,
			  const struct delivery_query *query, bool wildcards)
{
	const struct inet_socket *socket = receiver->socket;

	if (takes_family(socket, query) == TRISTATE_NO || !takes_device(socket, query) ||
	    !in_chain(socket, query, wildcards))
		return NO_SCORE;
	return protocol_is_stream(query->protocol) ? score_tcp(receiver, query) :
						     score_udp(receiver, query);
}

/* Whether it takes the packet, before others even, if it comes from one peer, and else does not. */
static bool asks_for_sender(const struct inet_socket *socket, const struct delivery_query *query,
			    bool wildcards)
{
	return query->any_sender && has_old_peer_for(socket, query) &&
	       !address_is_v4_mapped(AF_INET6, &socket->peer) &&
	       takes_family(socket, query) != TRISTATE_NO && takes_device(socket, query) &&
	       in_chain(socket, query, wildcards);
}

/* The score if it is bound to the device, where that is not known. */
static int highest_score(const struct delivery_socket *receiver, const struct delivery_query *query,
			 bool wildcards)
{
	int score = score_in_chain(receiver, query, wildcards);

	if (score > NO_SCORE && !(receiver->socket->known & SOCKET_HAS_DEVICE))
		score += DEVICE_SCORE_MAX;
	return score;
}

/* Whether facts that are not known could make another the receiver than the hit, or its group. */
static bool is_doubtful(const struct delivery_socket *sockets, uint32_t n_sockets, uint32_t hit,
			int score, const struct delivery_query *query, bool wildcards)
{
	const struct inet_socket *socket = sockets[hit].socket;
	bool own_flag = socket->reuse_port == TRISTATE_UNKNOWN;
	bool may_go_on = false, better = false, parted = false;
	uint32_t i;

	if (takes_family(socket, query) == TRISTATE_UNKNOWN || !(socket->known & SOCKET_HAS_DEVICE))
		return true;
	if (socket->reuse_port == TRISTATE_NO || is_connected(socket) || is_loner(socket))
		return false;
	/* Alone it receives, whatever its flags are. */
	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *other = sockets[i].socket;
		enum tristate member;

		if (i == hit)
			continue;
		/* A group in which one was connected once is not final (reuseport_has_conns()). */
		may_go_on = may_go_on ||
			    ((is_connected(other) || is_loner(other)) &&
			     (other->uid == socket->uid ||
			      !(socket->known & other->known & SOCKET_HAS_UID)) &&
			     other->family == socket->family && other->reuse_port != TRISTATE_NO);
		better = better ||
			 (i > hit && highest_score(&sockets[i], query, wildcards) > score);
		member = same_group(&sockets[hit], &sockets[i]);
		if (member == TRISTATE_NO)
			continue;
		/*
		 * One that connects leaves its group, and founds another for the next that meets it
		 * when it is bound (reuseport_add_sock()). Whether it was connected by then nobody
		 * sees, so it may have parted the two. Who is bound meets the newest first with
		 * IPv4, the oldest with IPv6.
		 */
		if (is_connected(other))
			parted = parted || (sockets[hit].group == DELIVERY_ANY &&
					    (i > hit) == (socket->family == AF_INET));
		else if (own_flag || parted || member == TRISTATE_UNKNOWN)
			return true;
	}
	return better && (own_flag || may_go_on);
}

/*
 * udp4_lib_lookup2() and inet_lhash2_lookup(): the best score, of equals the first; a reuseport
 * group that is better than all before it is final. Returns whether there is one.
 */
static bool scan(const struct delivery_socket *sockets, uint32_t n_sockets,
		 const struct delivery_query *query, bool wildcards, struct delivery *delivery)
{
	const struct delivery_socket *best = NULL;
	int best_score = NO_SCORE;
	uint32_t i;

	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = sockets[i].socket;
		int score = score_in_chain(&sockets[i], query, wildcards);
		int highest = highest_score(&sockets[i], query, wildcards);

		if ((highest > score && highest > best_score) ||
		    asks_for_sender(socket, query, wildcards))
			delivery->certain = false;
		if (score <= best_score)
			continue;
		best_score = score;
		best = &sockets[i];
		if (is_doubtful(sockets, n_sockets, i, score, query, wildcards))
			delivery->certain = false;
		if (!is_connected(socket) && !is_loner(socket) &&
		    socket->reuse_port != TRISTATE_NO) {
			select_from_group(sockets, n_sockets, best, query, delivery);
			return true;
		}
	}
	if (!best)
		return false;
	add(delivery, best->index);
	delivery->mode = DELIVERY_ONE;
	return true;
}

/* The hash of connected sockets (since 6.13), which the score had to find before. */
static bool find_connected(const struct delivery_socket *sockets, uint32_t n_sockets,
			   const struct delivery_query *query, struct delivery *delivery)
{
	uint32_t i;

	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = sockets[i].socket;

		if (!is_connected(socket) || !has_peer_of(socket, query) ||
		    !is_at(socket, query->family, &query->to) || !takes_device(socket, query))
			continue;
		/* Of several the one that was connected last, and nobody sees which that is. */
		if (delivery->n_receivers) {
			delivery->certain = false;
			break;
		}
		if (!(socket->known & SOCKET_HAS_DEVICE))
			delivery->certain = false;
		add(delivery, sockets[i].index);
		delivery->mode = DELIVERY_ONE;
	}
	return delivery->n_receivers;
}

static enum tristate has_joined(const struct snapshot *snapshot, const struct inet_socket *socket,
				const struct delivery_query *query)
{
	uint32_t i;

	for (i = 0; i < socket->n_groups; i++) {
		const struct multicast_group *group = &snapshot->groups[socket->first_group + i];

		if (group->family == query->family && address_equal(&group->address, &query->to))
			return TRISTATE_YES;
	}
	return socket->known & SOCKET_HAS_MULTICAST ? TRISTATE_NO : TRISTATE_UNKNOWN;
}

/*
 * Unless set, on for IPv4 to AF_INET and for IPv6, off for IPv4 to AF_INET6. What sock_diag reports
 * is the option of IPv4; of the other, which nobody sees, the default is taken.
 */
static enum tristate takes_all_groups(const struct delivery_socket *receiver,
				      const struct delivery_query *query)
{
	if (query->family == AF_INET6)
		return tristate_of(receiver->multicast_all_v6 != TRISTATE_NO);
	return receiver->multicast_all;
}

/* __udp4_lib_mcast_deliver() and __udp6_lib_mcast_deliver(): to each that matches. */
static void deliver_copies(const struct snapshot *snapshot, const struct delivery_socket *sockets,
			   uint32_t n_sockets, const struct delivery_query *query,
			   struct delivery *delivery)
{
	bool joined = query->broadcast, may_have_joined = false;
	uint32_t i;

	/* Of a group that nobody on the host has joined nothing comes in. */
	for (i = 0; i < n_sockets; i++) {
		enum tristate member = has_joined(snapshot, sockets[i].socket, query);

		joined = joined || member == TRISTATE_YES;
		may_have_joined = may_have_joined || member == TRISTATE_UNKNOWN;
	}
	if (!joined && !may_have_joined)
		return;
	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = sockets[i].socket;
		enum tristate takes = takes_family(socket, query), member, all;

		if (takes == TRISTATE_NO || !takes_device(socket, query) ||
		    (!is_wildcard(socket) && !is_at(socket, query->family, &query->to)) ||
		    (is_connected(socket) && !has_peer_of(socket, query)))
			continue;
		all = query->broadcast ? TRISTATE_YES : takes_all_groups(&sockets[i], query);
		member = has_joined(snapshot, socket, query);
		if (all != TRISTATE_YES && member == TRISTATE_NO) {
			delivery->certain = delivery->certain && all == TRISTATE_NO;
			continue;
		}
		if (all != TRISTATE_YES && member == TRISTATE_UNKNOWN)
			delivery->certain = false;
		if (!joined || takes == TRISTATE_UNKNOWN || !(socket->known & SOCKET_HAS_DEVICE))
			delivery->certain = false;
		add(delivery, sockets[i].index);
	}
	delivery->mode = delivery->n_receivers ? DELIVERY_COPIES : DELIVERY_NOBODY;
}

void delivery_predict(const struct snapshot *snapshot, const struct delivery_socket *sockets,
		      uint32_t n_sockets, const struct delivery_query *query,
		      struct delivery *ret_delivery)
{
	struct delivery delivery = { .mode = DELIVERY_NOBODY, .certain = true };

	if (protocol_is_stream(query->protocol)) {
		if (!scan(sockets, n_sockets, query, false, &delivery))
			scan(sockets, n_sockets, query, true, &delivery);
	} else if (query->broadcast || address_is_multicast(query->family, &query->to)) {
		deliver_copies(snapshot, sockets, n_sockets, query, &delivery);
	} else if (!find_connected(sockets, n_sockets, query, &delivery)) {
		if (!scan(sockets, n_sockets, query, false, &delivery))
			scan(sockets, n_sockets, query, true, &delivery);
	}
	*ret_delivery = delivery;
}

void delivery_done(struct delivery *delivery)
{
	free(delivery->receivers);
	*delivery = (struct delivery){ .receivers = NULL };
}

static bool can_receive(const struct inet_socket *socket)
{
	if (protocol_is_stream(socket->protocol))
		return socket->state == STATE_LISTEN;
	return socket->state == STATE_BOUND || socket->state == STATE_ESTAB;
}

static int compare_lookup_order(const void *left, const void *right)
{
	const struct delivery_socket *a = left, *b = right;

	if (a->socket->lookup_order != b->socket->lookup_order)
		return a->socket->lookup_order < b->socket->lookup_order ? -1 : 1;
	return (a->socket > b->socket) - (a->socket < b->socket);
}

/*
 * From the order of bind(), which is the snapshot's, into that of the look-up: those of which that
 * is known, in the places that they have among the others.
 */
static void sort_for_lookup(struct delivery_socket *sockets, uint32_t n_sockets)
{
	struct delivery_socket *known;
	uint32_t i, n = 0, last = 0;
	bool sorted = true;

	for (i = 0; i < n_sockets; i++) {
		uint32_t order = sockets[i].socket->lookup_order;

		if (!order)
			continue;
		sorted = sorted && order >= last;
		last = order;
	}
	if (sorted)
		return;
	known = xcalloc(n_sockets, sizeof(*known));
	for (i = 0; i < n_sockets; i++)
		if (sockets[i].socket->lookup_order)
			known[n++] = sockets[i];
	qsort(known, n, sizeof(*known), compare_lookup_order);
	for (i = 0, n = 0; i < n_sockets; i++)
		if (sockets[i].socket->lookup_order)
			sockets[i] = known[n++];
	free(known);
}

uint32_t delivery_sockets_of(const struct snapshot *snapshot, const uint32_t *members,
			     uint32_t n_members, struct delivery_socket **ret_sockets)
{
	struct delivery_socket *sockets = xcalloc(n_members, sizeof(*sockets));
	uint32_t i, n = 0;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (!can_receive(socket))
			continue;
		sockets[n] = (struct delivery_socket){
			.socket = socket,
			.index = members[i],
			.group = DELIVERY_ANY,
			.incoming_cpu = DELIVERY_ANY,
			.selector = DELIVERY_ANY,
		};
		if (socket->known & SOCKET_HAS_OPTIONS)
			sockets[n].multicast_all =
				tristate_of(socket->options & SOCKET_OPTION_MULTICAST_ALL);
		n++;
	}
	sort_for_lookup(sockets, n);
	*ret_sockets = sockets;
	return n;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets that hold a port in silence: bound, and not listening. */
#include <stdlib.h>

#include "analysis/detect.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* A place where something listens. */
struct listener {
	struct address address;
	uint32_t index; /* the first socket there */
};

/* What becomes of clients: whether another socket listens where one is bound. */
struct reach {
	uint32_t listener; /* or SNAPSHOT_NONE */
	bool all; /* it takes all of them, or some */
};

struct bound {
	const struct inet_socket *socket;
	uint32_t index;
	struct address address;
	struct reach reach;
};

/* Whether what is sent to where a socket is bound reaches a listener: all of it, or some. */
static bool listens_at(const struct inet_socket *listener, const struct inet_socket *bound,
		       bool *ret_all)
{
	bool device = !listener->device || listener->device == bound->device;
	bool v6only = listener->v6only == TRISTATE_YES;

	if (listener->state != STATE_LISTEN)
		return false;
	*ret_all = device &&
		   address_covers(listener->family, &listener->local, v6only, bound->family,
				  &bound->local) &&
		   /* Of a dual-stack wildcard it leaves IPv4. */
		   !(v6only && bound->v6only != TRISTATE_YES &&
		     address_is_wildcard(bound->family, &bound->local));
	return *ret_all ||
	       ((device || !bound->device) &&
		address_covers(bound->family, &bound->local, bound->v6only == TRISTATE_YES,
			       listener->family, &listener->local));
}

static int compare_listeners(const void *left, const void *right)
{
	const struct listener *a = left, *b = right;
	int order = address_compare(&a->address, &b->address);

	return order ? order : a->index < b->index ? -1 : a->index > b->index;
}

/* By address; of sockets at one place the first. Freed with free(). */
static struct listener *list_listeners(const struct detection *detection, uint32_t *ret_count)
{
	struct detect_place *places = detect_places(detection, STATE_LISTEN, PLACE_OF_GROUP),
			    *place;
	struct listener *listeners = xcalloc(detection->bucket->count, sizeof(*listeners));
	uint32_t n = 0;

	for (place = places; place->count; place++) {
		const struct inet_socket *socket = &detection->snapshot->sockets[place->sockets[0]];

		listeners[n++] = (struct listener){
			.address = address_as_mapped(socket->family, &socket->local),
			.index = place->sockets[0],
		};
	}
	if (n)
		qsort(listeners, n, sizeof(*listeners), compare_listeners);
	free(places);
	*ret_count = n;
	return listeners;
}

/* One that takes all is better than one that takes some; of equals the first. */
static void look_at(const struct snapshot *snapshot, const struct inet_socket *bound,
		    const struct listener *listener, struct reach *reach)
{
	bool all;

	if (!listens_at(&snapshot->sockets[listener->index], bound, &all) || all < reach->all ||
	    (all == reach->all && listener->index > reach->listener))
		return;
	*reach = (struct reach){ .listener = listener->index, .all = all };
}

static void look_at_address(const struct snapshot *snapshot, const struct inet_socket *bound,
			    const struct listener *listeners, uint32_t n,
			    const struct address *address, struct reach *reach)
{
	uint32_t low = 0, high = n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (address_compare(&listeners[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < n && !address_compare(&listeners[low].address, address); low++)
		look_at(snapshot, bound, &listeners[low], reach);
}

static struct reach reach_of(const struct snapshot *snapshot, const struct inet_socket *bound,
			     const struct listener *listeners, uint32_t n)
{
	static const struct address any, any_mapped = { .bytes = { [10] = 0xff, [11] = 0xff } };
	struct address address = address_as_mapped(bound->family, &bound->local);
	struct reach reach = { .listener = SNAPSHOT_NONE };
	uint32_t i;

	/* What is bound to all addresses is at few places; the others have one to compare with. */
	if (address_is_wildcard(bound->family, &bound->local)) {
		for (i = 0; i < n; i++)
			look_at(snapshot, bound, &listeners[i], &reach);
		return reach;
	}
	look_at_address(snapshot, bound, listeners, n, &address, &reach);
	look_at_address(snapshot, bound, listeners, n, &any, &reach);
	look_at_address(snapshot, bound, listeners, n, &any_mapped, &reach);
	return reach;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_holders(const struct snapshot *snapshot, const struct inet_socket *a,
			   const struct inet_socket *b)
{
	int order = compare_numbers(a->n_owners, b->n_owners);
	uint32_t i;

	for (i = 0; !order && i < a->n_owners; i++)
		order = compare_numbers(snapshot->owners[a->first_owner + i].process,
					snapshot->owners[b->first_owner + i].process);
	if (order || a->n_owners)
		return order;
	order = compare_numbers(a->owner_status, b->owner_status);
	if (!order)
		order = compare_numbers(a->known & SOCKET_HAS_UID, b->known & SOCKET_HAS_UID);
	return order ? order : compare_numbers(a->uid, b->uid);
}

/* 0: one finding tells of both. */
static int compare_stories(const struct snapshot *snapshot, const struct bound *a,
			   const struct bound *b)
{
	int order = compare_holders(snapshot, a->socket, b->socket);

	if (!order)
		order = compare_numbers(a->socket->reuse_addr, b->socket->reuse_addr);
	if (!order)
		order = compare_numbers(a->socket->reuse_port, b->socket->reuse_port);
	if (!order)
		order = compare_numbers(a->socket->reuse_evidence, b->socket->reuse_evidence);
	if (!order)
		order = compare_numbers(a->reach.listener == SNAPSHOT_NONE,
					b->reach.listener == SNAPSHOT_NONE);
	return order ? order : compare_numbers(a->reach.all, b->reach.all);
}

static int compare_bound(const void *left, const void *right, void *user)
{
	const struct bound *a = left, *b = right;
	int order = compare_stories(user, a, b);

	if (!order)
		order = address_compare(&a->address, &b->address);
	return order ? order : compare_numbers(a->index, b->index);
}

/* Those that belong into one finding after each other, and of these by address. */
static struct bound *list_bound(const struct detection *detection, uint32_t *ret_count)
{
	struct detect_place *places = detect_places(detection, STATE_BOUND, PLACE_OF_GROUP), *place;
	struct bound *bound = xcalloc(detection->bucket->count, sizeof(*bound));
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n = 0, n_listeners;
	struct listener *listeners = list_listeners(detection, &n_listeners);

	for (place = places; place->count; place++) {
		const struct inet_socket *first = &snapshot->sockets[place->sockets[0]];
		struct reach reach = reach_of(snapshot, first, listeners, n_listeners);

		for (i = 0; i < place->count; i++)
			bound[n++] = (struct bound){
				.socket = &snapshot->sockets[place->sockets[i]],
				.index = place->sockets[i],
				.address = address_as_mapped(first->family, &first->local),
				.reach = reach,
			};
	}
	if (n)
		qsort_r(bound, n, sizeof(*bound), compare_bound, (void *)snapshot);
	free(listeners);
	free(places);
	*ret_count = n;
	return bound;
}

static uint32_t n_addresses(const struct bound *bound, uint32_t n)
{
	uint32_t i, count = 1;

	for (i = 1; i < n; i++)
		count += address_compare(&bound[i - 1].address, &bound[i].address) != 0;
	return count;
}

/* "127.0.0.1", "127.0.0.1 and 2 further addresses". */
static char *addresses_words(const struct bound *bound, uint32_t n)
{
	char *first = words_address(bound[0].socket), *text;
	uint32_t others = n_addresses(bound, n) - 1;

	if (!others)
		return first;
	text = xasprintf("%s and %u further address%s", first, others, others == 1 ? "" : "es");
	free(first);
	return text;
}

static char *clients_words(const struct snapshot *snapshot, const struct bound *bound, uint32_t n)
{
	uint32_t i, listener = bound[0].reach.listener;
	char *who, *where, *text;
	bool one = true;

	if (listener == SNAPSHOT_NONE)
		return xstrdup("clients are refused.");
	for (i = 1; i < n; i++)
		one = one && bound[i].reach.listener == listener;
	who = words_holders(snapshot, listener);
	where = words_socket(snapshot, listener);
	text = xasprintf(bound[0].reach.all ? "clients reach %s, which listens there (%s%s)." :
					      "clients are refused, but where %s listens: on %s%s.",
			 who, where, one ? "" : " and others");
	free(who);
	free(where);
	return text;
}

/* Of one holder, alike in flags and in what becomes of clients. */
static void report_bound(struct detection *detection, const struct bound *bound, uint32_t n,
			 const uint32_t *sockets)
{
	const struct snapshot *snapshot = detection->snapshot;
	bool ephemeral = port_is_ephemeral(&detection->rules, detection->bucket->netns,
					   detection->bucket->port);
	struct finding *finding = detect_report(detection, FINDING_BOUND_NOT_LISTENING,
						ephemeral ? SEVERITY_NOTE : SEVERITY_WARNING,
						sockets, n);
	char *where = words_socket(snapshot, sockets[0]),
	     *who = words_holders(snapshot, sockets[0]);
	char *flags = words_flags(bound[0].socket), *clients = clients_words(snapshot, bound, n);
	char *addresses = addresses_words(bound, n);

	if (n == 1) {
		finding->title = xasprintf("%s is taken by %s, which does not listen", where, who);
		finding->evidence =
			xasprintf("The socket is bound, with %s, and neither listens nor is "
				  "connected. ss before 6.8 and netstat do not show such sockets.",
				  flags);
	} else {
		finding->title =
			xasprintf("%s port %u is taken by %u sockets of %s, none of which listens",
				  protocol_name((enum protocol)detection->bucket->protocol),
				  detection->bucket->port, n, who);
		finding->evidence =
			xasprintf("The sockets are bound, to %s, with %s, and neither listen nor "
				  "are connected. ss before 6.8 and netstat do not show such "
				  "sockets.",
				  addresses, flags);
	}
	finding->text =
		xasprintf("Another bind to the port fails with EADDRINUSE as if a server were "
			  "there, unless both sockets have the same reuse flag; %s",
			  clients);
	finding->remedy =
		xasprintf("If %s is only starting, nothing. If it stays so, its listen() was "
			  "never called or has failed (two servers with SO_REUSEADDR can both "
			  "bind, one only can listen), or a connection with a port of its "
			  "choice was reset: restart or stop it.",
			  who);
	free(where);
	free(who);
	free(flags);
	free(clients);
	free(addresses);
}

void detect_bound(struct detection *detection)
{
	uint32_t i, first, n, *sockets;
	struct bound *bound = list_bound(detection, &n);

	sockets = xcalloc(n, sizeof(*sockets));
	for (i = 0; i < n; i++)
		sockets[i] = bound[i].index;
	for (first = 0, i = 1; i <= n; i++) {
		if (i < n && !compare_stories(detection->snapshot, &bound[first], &bound[i]))
			continue;
		report_bound(detection, bound + first, i - first, sockets + first);
		first = i;
	}
	free(sockets);
	free(bound);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP sockets that are bound to an address or a device, before those that are bound to none. */
#include "analysis/detect-udp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/parties.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* So many sockets that take what is sent to another are told, and so many others. */
#define SHADOWS_MAX 32

/*
 * Of so many sockets at one port that are bound to all addresses, each to a device, it is told who
 * takes of theirs, and so many others are compared with them.
 */
#define WILDCARDS_MAX 32
#define COMPARISONS_MAX (1U << 24)

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

/* Why it cannot be told who receives, or whether that is a stranger. */
static const char *missing(const struct snapshot *snapshot, const struct shadow *shadow)
{
	if (detect_is_steered(snapshot, shadow->losers, shadow->n_losers) ||
	    detect_is_steered(snapshot, shadow->winners, shadow->n_winners))
		return "A BPF program that is attached to a group with SO_REUSEPORT chooses which "
		       "of its members receives, and whom it chooses cannot be seen from outside.";
	return "The processes that hold the sockets cannot all be seen, or not what they belong "
	       "to, or the reuse flags are not known.";
}

static void doubt_shadow(struct detection *detection, const struct shadow *shadow)
{
	char *where = words_socket(detection->snapshot, shadow->losers[0]);

	udp_undecide(detection, add_shadow(detection, shadow),
		     xasprintf("%s may lose datagrams to another program's socket at one %s", where,
			       shadow->kind == SHADOW_DEVICE ? "device" : "address"),
		     missing(detection->snapshot, shadow));
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
	if (related != TRISTATE_YES && udp_is_one_of(place->sockets, place->count, winners[0])) {
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
	const struct detect_place
		*all; /* not owned; by device, then by address; one of no sockets ends them */
	struct located_place *by_address; /* then by device */
	uint32_t count;
	bool has_devices;
	uint32_t n_wildcards, n_comparisons; /* of those above */
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

static void places_init(struct places *places, const struct detection *detection,
			const struct detect_place *all)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	const struct detect_place *place;

	*places = (struct places){ .all = all };
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
static void find_at_addresses(const struct detection *detection, struct places *places,
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

		places->n_comparisons++;
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

/* Returns whether somebody takes, or may. */
static bool check_shadows(struct detection *detection, const struct delivery *losers,
			  enum shadow_kind kind, struct places *places)
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
		return false;
	if (shadow.undecided)
		doubt_shadow(detection, &shadow);
	else
		report_shadow(detection, &shadow);
	return true;
}

/* socket: the first for which it is not looked who takes of what it would get. */
static void doubt_wildcards(struct detection *detection, uint32_t socket)
{
	struct finding *finding =
		detect_report(detection, FINDING_UDP_SHADOWED, SEVERITY_NOTE, &socket, 1);
	char *where = words_socket(detection->snapshot, socket), *where_to_look;

	finding->undecided = true;
	finding->title = xasprintf("%s, and others that are bound to all addresses of a device, "
				   "may lose datagrams to sockets at one address",
				   where);
	finding->evidence = xstrdup("There are more on this port than are looked at.");
	finding->text = xstrdup("");
	where_to_look = words_netns_option(detection->snapshot, detection->bucket->netns);
	finding->remedy =
		xasprintf("See who is bound to one address: portshare list --raw%s udp:%u",
			  where_to_look, detection->bucket->port);
	free(where_to_look);
	free(where);
}

static void check_wildcard(struct detection *detection, const struct delivery *losers,
			   struct places *places)
{
	if (places->n_wildcards > WILDCARDS_MAX)
		return;
	if (places->n_wildcards == WILDCARDS_MAX || places->n_comparisons >= COMPARISONS_MAX) {
		doubt_wildcards(detection, losers->receivers[0]);
		places->n_wildcards = WILDCARDS_MAX + 1;
	} else if (check_shadows(detection, losers, SHADOW_ADDRESS, places)) {
		places->n_wildcards++;
	}
}

/* Of the sockets at one place those are asked that receive what is sent there. */
static void check_place(struct detection *detection, const struct detect_place *place,
			struct places *places)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	const struct inet_socket *first = &sockets[place->sockets[0]];
	bool is_wildcard = address_is_wildcard(first->family, &first->local);
	struct delivery losers;

	if (!is_wildcard && (first->device || !places->has_devices))
		return;
	detect_predict(detection, first, &losers);
	if (losers.n_receivers &&
	    udp_is_one_of(place->sockets, place->count, losers.receivers[0]) &&
	    !detect_is_for_multicast(&sockets[losers.receivers[0]])) {
		if (is_wildcard)
			check_wildcard(detection, &losers, places);
		if (places->has_devices && !first->device)
			check_shadows(detection, &losers, SHADOW_DEVICE, places);
	}
	delivery_done(&losers);
}

void udp_check_shadows(struct detection *detection, const struct detect_place *places)
{
	const struct detect_place *place;
	struct places located;

	places_init(&located, detection, places);
	for (place = places; place->count; place++)
		check_place(detection, place, &located);
	places_done(&located);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DETECT_H
#define ANALYSIS_DETECT_H

#include "analysis/address-index.h"
#include "analysis/check.h"
#include "analysis/delivery.h"
#include "analysis/port-range.h"
#include "model/bind-bucket.h"

/* Sockets of all buckets of which one detector cannot tell: one finding names them together. */
struct detect_doubts {
	uint32_t *sockets;
	uint32_t count, capacity;
};

/* So many ports have a note of their own. */
#define DETECT_OWN_NOTES_MAX 16

/* Sockets of ports that have none: in each namespace one more note sums them up. */
struct detect_rest {
	uint32_t n_ports; /* that were asked for, with those that have one */
	uint32_t *sockets;
	uint32_t count, capacity;
};

/* What check.c hands to the detectors, and they have in common. */
struct detection {
	const struct snapshot *snapshot;
	const struct check_options *options;
	struct finding_list *list;
	const struct bind_bucket_index *index;
	struct port_rules rules;

	/* The bucket that is looked at, for the detectors that look at one. */
	const struct bind_bucket *bucket;
	const uint32_t *members; /* bucket->count sockets */
	struct address_index *addresses; /* of these: detect_addresses() */

	struct detect_rest hijackable, left_over;

	/* Listeners whose port a connection may take, one of each such port. */
	uint32_t *takeable;
	uint32_t n_takeable, takeable_capacity;

	/* By what is hidden; of an ordinary user these are most ports of the system. */
	struct detect_doubts inherited, stale, stuck;
};

/* The detectors, one file a family; each adds what it finds. */
void detect_udp(struct detection *detection);
/* After all buckets: what was put aside on the way. */
void detect_hijackable_rest(struct detection *detection);
void detect_takeable_ports(struct detection *detection);
void detect_time_wait_rest(struct detection *detection);
void detect_inherited_doubts(struct detection *detection);
void detect_reuseport_doubts(struct detection *detection);
void detect_reuseport(struct detection *detection);
void detect_listener(struct detection *detection);
/* Of a bucket in which some are: those that do not listen. Called by detect_listener(). */
void detect_bound(struct detection *detection);
void detect_dual_stack(struct detection *detection);
void detect_time_wait(struct detection *detection);
void detect_restart(struct detection *detection);
void detect_client_port(struct detection *detection);
/* Of all sockets together: local ports and TIME-WAIT buckets that run out. */
void detect_exhaustion(struct detection *detection);

/* Whether findings of a severity are asked for: to be seen before words are made. */
bool detect_is_wanted(const struct detection *detection, enum severity severity);

/* Whether the bucket's port was named alone: then somebody wants it for a server. */
bool detect_is_named(const struct detection *detection);

/* Add a finding about sockets of the bucket. */
struct finding *detect_report(struct detection *detection, enum finding_id id,
			      enum severity severity, const uint32_t *sockets, uint32_t n_sockets);

/* Whether sockets of a port get a note of their own; if not, they are put aside. */
bool detect_has_own_note(struct detect_rest *rest, const uint32_t *sockets, uint32_t n_sockets);

/*
 * How many of these, from the first on, are in its namespace: a finding is about one. They stand in
 * the order of the namespaces.
 */
uint32_t detect_count_in_netns(const struct snapshot *snapshot, const uint32_t *sockets,
			       uint32_t n_sockets);

/* Whether something of a finding's sockets, or of who holds them, is hidden from who looks. */
bool detect_is_hidden(const struct detection *detection, const struct finding *finding);

/* What to do where it cannot be told whether a finding is so; a static sentence. */
const char *detect_see_more(const struct detection *detection, const struct finding *finding);

/* Put a socket aside, for detect_report_doubts(). */
void detect_doubt(struct detect_doubts *doubts, uint32_t socket);

/*
 * If there are any, add one undecided finding about them and empty them. It is about no one port:
 * who looks at some of its sockets only may take the others out of it, so the words count nothing.
 */
void detect_report_doubts(struct detection *detection, struct detect_doubts *doubts,
			  enum finding_id id, enum severity severity, const char *title,
			  const char *evidence);

/* Bound to a multicast group or to 255.255.255.255: each such socket gets a copy of all. */
bool detect_gets_copies(const struct inet_socket *socket);

/*
 * Whether multicast is what a socket is for, so that it loses nothing to its neighbours: it is of
 * UDP and gets copies, or is bound to all addresses and has joined a group, or it is not known what
 * it has joined and the port is one where programs meet for that.
 */
bool detect_is_for_multicast(const struct inet_socket *socket);

/* Copies of what is sent to a multicast group may reach it, beside unicast or in place of that. */
bool detect_may_get_copies(const struct inet_socket *socket);

/*
 * A sentence, with a blank before it, for evidence: some of the sockets are taken for servers of
 * unicast by their port alone. Static; "" if none is.
 */
const char *detect_doubt_membership(const struct snapshot *snapshot, const uint32_t *sockets,
				    uint32_t n_sockets);

/*
 * A sentence, with a blank before it, on those of the sockets that multicast is for: they get their
 * own copies, whatever else is shared. "" if there are none. Malloc'ed.
 */
char *detect_words_members(const struct snapshot *snapshot, const uint32_t *sockets,
			   uint32_t n_sockets);

/* What follows that, and what begins the advice, where all but one program are such. */
#define DETECT_WHY_NOTE " Only one program here has joined none, so this is a note."
#define DETECT_UNLESS_UNICAST                                                                      \
	"If none of them misses unicast datagrams, there is nothing to do. Otherwise "

/* A BPF program that is attached to their SO_REUSEPORT group chooses who gets what, not a hash. */
bool detect_is_steered(const struct snapshot *snapshot, const uint32_t *sockets,
		       uint32_t n_sockets);

/* The bucket's sockets by address, made when it is first asked for. */
const struct address_index *detect_addresses(const struct detection *detection);

/*
 * Who gets a unicast datagram that is sent to where a socket of the bucket is bound; of a wildcard,
 * to an address to which nothing else is bound. Receivers ascend. Freed with delivery_done().
 */
void detect_predict(const struct detection *detection, const struct inet_socket *at,
		    struct delivery *ret_delivery);

/* The same, if of the sockets at that address there were these only; ascending. */
void detect_predict_among(const struct detection *detection, const uint32_t *sockets,
			  uint32_t n_sockets, const struct inet_socket *at,
			  struct delivery *ret_delivery);

/* Sockets of the bucket at one place. */
struct detect_place {
	const uint32_t *sockets; /* in the kernel's order */
	uint32_t count;
};

enum detect_place_kind {
	PLACE_OF_GROUP, /* one address, family, device and v6only, as of a reuseport group */
	PLACE_OF_DATAGRAMS, /* one address and device; IPv4 and its mapped form are one address */
};

/* The bucket's sockets in one state, by place; a place of none ends it. Freed with free(). */
struct detect_place *detect_places(const struct detection *detection, enum socket_state state,
				   enum detect_place_kind kind);

#endif

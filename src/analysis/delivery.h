/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DELIVERY_H
#define ANALYSIS_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"
#include "model/tristate.h"

/*
 * Which socket gets a datagram, or which listener a connection: __udp4_lib_lookup(),
 * __udp6_lib_lookup() and __udp4_lib_mcast_deliver() with their IPv6 twin, and
 * inet_lookup_listener(), as of Linux 6.18. Pure. What a filter, a full buffer or a program of the
 * sk_lookup hook takes away afterwards or before is not considered.
 */

#define DELIVERY_ANY (-1)

/* A socket as a receiver, in the order in which the kernel meets it. */
struct delivery_socket {
	const struct inet_socket *socket;
	uint32_t index; /* the caller's name for it */
	int32_t group; /* those of one reuseport group have one number; DELIVERY_ANY: to be found */
	int32_t group_place; /* within the group, for a selector; else 0 */
	int32_t incoming_cpu; /* SO_INCOMING_CPU; DELIVERY_ANY: not set */
	/*
	 * What a program of the group returns; all its members have that. DELIVERY_ANY: nobody
	 * knows
	 */
	int32_t selector;
	/* IP_MULTICAST_ALL, and IPV6_MULTICAST_ALL, which if unknown is taken as on */
	enum tristate multicast_all, multicast_all_v6;
};

struct delivery_query {
	struct address to, from;
	uint8_t family; /* of the packet */
	uint8_t protocol; /* UDP, UDP-Lite, or TCP for a new connection */
	uint16_t from_port;
	bool any_sender; /* from is one of many that may send */
	string_id device; /* on which it arrives; 0: one to which no socket is bound */
	int32_t cpu; /* on which it is handled; DELIVERY_ANY: whichever */
	bool broadcast; /* to is a broadcast address */
};

enum delivery_mode {
	DELIVERY_NOBODY,
	DELIVERY_ONE, /* the only receiver */
	DELIVERY_SPREAD, /* one of them, by a hash of both ends: equal shares over many senders */
	DELIVERY_COPIES, /* each of them: multicast and broadcast */
};

struct delivery {
	enum delivery_mode mode;
	/* The facts (flags, v6only, uids, devices, groups) that decide are all known. */
	bool certain;
	uint32_t *receivers; /* indexes of the callers, ascending in the kernel's order */
	uint32_t n_receivers, capacity;
};

/* Freed with delivery_done(). */
void delivery_predict(const struct snapshot *snapshot, const struct delivery_socket *sockets,
		      uint32_t n_sockets, const struct delivery_query *query,
		      struct delivery *ret_delivery);
void delivery_done(struct delivery *delivery);

/*
 * The receivers of a bind bucket, malloc'ed, in the order in which the kernel meets them as far as
 * that is known, else in the snapshot's: sockets that can receive, with nothing known of CPUs and
 * selectors. ret_sockets has up to n_members entries.
 */
uint32_t delivery_sockets_of(const struct snapshot *snapshot, const uint32_t *members,
			     uint32_t n_members, struct delivery_socket **ret_sockets);

#endif

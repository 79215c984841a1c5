/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_H
#define ANALYSIS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/bind-conflict.h"
#include "analysis/delivery.h"
#include "model/bind-bucket.h"
#include "model/snapshot.h"
#include "model/tristate.h"

/*
 * Whether somebody could bind a port, with each set of reuse flags, as known in up to three ways.
 * Here is the report that all of them fill, and the way that is pure: by the rules of
 * analysis/bind-conflict. analysis/probe-verdict draws the conclusion.
 */

enum probe_way {
	PROBE_MODEL, /* computed from the sockets that were seen */
	PROBE_REPLICA, /* asked of the kernel, about the same sockets rebuilt in a namespace */
	PROBE_LIVE, /* asked of the kernel, on the port itself */
	N_PROBE_WAYS,
};

/* What bind() or listen() said: 0, an errno, or one of these. */
#define PROBE_NOT_TRIED (-1)
#define PROBE_UNKNOWN (-2)

struct probe_outcome {
	int bind, listen;
};

/* Where the kernel has bound a socket, if that is not where it was asked to. */
struct probe_place {
	bool moved;
	uint8_t family;
	uint16_t port;
	struct address address;
};

/* By flags: 0 none, 1 SO_REUSEADDR, 2 SO_REUSEPORT, 3 both. */
#define PROBE_SETS 4
#define PROBE_SET(reuse_addr, reuse_port) ((reuse_addr) + 2 * (reuse_port))

struct probe_attempt {
	struct probe_outcome ways[N_PROBE_WAYS];
	struct probe_place places[N_PROBE_WAYS];
	/* Of the live bind. */
	uint64_t held_ns; /* for how long it had the port */
	bool mapped; /* by an IPv6 socket at the mapped address */
	const char *left_out; /* why there was none, a static clause; NULL: for no such reason */
	const char *harm; /* what it may have done, made since it was asked for; like left_out */
};

struct probe_share {
	uint32_t socket; /* index into snapshot.sockets; SNAPSHOT_NONE: the candidate */
	double share; /* of the datagrams or connections that somebody got, 0 to 1 */
};

/* Who receives what is sent to the address that was asked about. */
struct probe_delivery {
	bool known;
	bool copies; /* multicast, broadcast: each receiver gets every datagram, share is 1 */
	enum probe_way way;
	struct probe_share *shares; /* the largest first */
	uint32_t n_shares, capacity;
};

/* What a receiver would lose to the candidate: all that it gets of these, and it gets some. */
struct probe_loss {
	uint32_t socket;
	bool all; /* then nothing is left to it but copies of multicast and broadcast */
	bool keeps; /* something elsewhere, and all of that */
	bool shared; /* not only the candidate has it then */
	bool doubtful; /* whether it gets anything of that now is not known */
	bool own_address; /* of what is sent to the candidate's address; else to wherever */
	bool v4, v6;
};

/* What makes the answer weaker, in words of the program; several of a kind are counted. */
struct probe_limit {
	const char *what; /* static: "model", "replica", "live" */
	char *text;
};

struct probe_report {
	struct bind_candidate candidate; /* with the flags that were asked about */
	struct probe_attempt attempts[PROBE_SETS];
	struct bind_verdict verdict; /* by the model, of the set that was asked about */
	struct bind_memory memory; /* of the bucket */
	bool incomplete; /* the snapshot may lack sockets of the port */
	bool misplaced; /* incomplete, since it does not say in which namespace some are */
	struct address destination; /* of the delivery: the address, or one of loopback */
	uint8_t destination_family;
	bool broadcast; /* the destination is a broadcast address */
	struct probe_delivery before, after; /* after: with the candidate among them */
	struct probe_loss *losses; /* if the bind passes */
	uint32_t n_losses, losses_capacity;
	bool losses_unsure; /* there may be more */
	struct probe_limit *limits;
	uint32_t n_limits, limits_capacity;
};

/* What is known of the candidate besides the sockets. */
struct probe_facts {
	/* Why the address, or the device, itself cannot be bound; 0: it can; or PROBE_UNKNOWN. */
	int address_error;
	bool broadcast; /* what is sent to the address is broadcast, by the routes that are there */
	/* May bind ports below ip_unprivileged_port_start: enum tristate. */
	enum tristate privileged;
};

/* Begin a report about a candidate: nothing is tried yet. */
void probe_report_init(struct probe_report *report, const struct bind_candidate *candidate);
void probe_report_done(struct probe_report *report);

/* The set that was asked about. */
struct probe_attempt *probe_asked(struct probe_report *report);

/*
 * What the live binds say of a set, by themselves or through another: what fails with more flags
 * fails with fewer, and what passes with fewer passes with more. ret_by, if not NULL, receives the
 * set that says it. Returns 0, an errno, or PROBE_NOT_TRIED.
 */
int probe_live_outcome(const struct probe_report *report, uint32_t set, uint32_t *ret_by);

/* Note what weakens the answer; printf-like. The same sentence is noted once. */
void probe_add_limit(struct probe_report *report, const char *what, const char *text, ...)
	__attribute__((format(printf, 3, 4)));

/* Add to, and at the end sort, a delivery. */
void probe_add_share(struct probe_delivery *delivery, uint32_t socket, double share);
void probe_sort_shares(struct probe_delivery *delivery);
void probe_delivery_clear(struct probe_delivery *delivery);

/*
 * Fill in PROBE_MODEL: the outcomes of all sets, the blockers of the set that was asked about, and
 * the delivery before and, if that set can bind, after. index is of the whole snapshot; for port 0
 * every bucket of the range is judged (inet_csk_find_open_port(), udp_lib_get_port()).
 */
void probe_predict(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		   const struct probe_facts *facts, struct probe_report *report);

/*
 * Fill in after and losses, where the kernel has said since that the set that was asked about can
 * bind, and the sockets alone did not tell.
 */
void probe_predict_takeover(const struct snapshot *snapshot, const struct bind_bucket_index *index,
			    struct probe_report *report);

/*
 * Whether the deliveries are of what arrives on the candidate's device, to whichever address that
 * nobody has bound: destination, an address of loopback, only stands for one.
 */
bool probe_is_to_any(const struct probe_report *report);

/* The members of the candidate's bucket, in the kernel's order; NULL and 0 if there is none. */
const uint32_t *probe_members(const struct bind_bucket_index *index,
			      const struct bind_candidate *candidate, uint32_t *ret_count);

#endif

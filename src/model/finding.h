/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_FINDING_H
#define MODEL_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/*
 * What the analysis has to say of a snapshot: detected hazards. A finding names sockets by their
 * index in the snapshot it was made from, and is words otherwise: everything that is written of it,
 * for people or machines, is already in it.
 */

/* In the order in which they are listed. Names, as in JSON: finding_name(). */
enum finding_id {
	FINDING_UDP_ACCIDENTAL_SHARE,
	FINDING_UDP_SHADOWED,
	FINDING_UDP_HIJACKABLE,
	FINDING_REUSEPORT_STRANGERS,
	FINDING_REUSEPORT_STALE_MEMBER,
	FINDING_REUSEPORT_STUCK_MEMBER,
	FINDING_INHERITED_LISTENER,
	FINDING_TIME_WAIT_BLOCKS_BIND,
	FINDING_RESTART_BLOCKED_LATER,
	FINDING_PORT_TAKEN_BY_CLIENT,
	FINDING_BOUND_NOT_LISTENING,
	FINDING_DUAL_STACK_OVERLAP,
	FINDING_EPHEMERAL_EXHAUSTION,
	FINDING_TIME_WAIT_OVERFLOW,
	N_FINDINGS,
};

enum severity {
	SEVERITY_NOTE, /* worth knowing; nothing is wrong now */
	SEVERITY_WARNING, /* traffic is, or will be, lost or misdirected, or a start fails */
	SEVERITY_CRITICAL, /* that happens now, to much of the traffic */
	N_SEVERITIES,
};

/* "udp-accidental-share", "warning": as in all output. The parse functions return -EINVAL. */
const char *finding_name(enum finding_id id);
const char *severity_name(enum severity severity);
int finding_parse(const char *name);
int severity_parse(const char *name);

struct finding {
	uint8_t id; /* enum finding_id */
	uint8_t severity; /* enum severity */
	bool undecided; /* whether it is so could not be told; evidence says what is missing */
	uint8_t protocol; /* enum protocol, of the port */
	uint16_t port; /* 0: it concerns no one port */
	uint32_t netns; /* index into snapshot.netns */
	uint32_t first_socket, n_sockets; /* range of finding_list.sockets */
	/* Sentences in UTF-8, that may hold bytes of other processes: to be escaped like those. */
	char *title; /* what is wrong and who is concerned, one line */
	char *evidence; /* why this is believed, or why it cannot be told */
	char *text; /* what happens to the traffic */
	char *remedy; /* what to do */
};

struct finding_list {
	struct finding *items; /* the decided ones by severity, worst first; then the undecided */
	uint32_t count, capacity;
	uint32_t *sockets; /* indexes into snapshot.sockets */
	uint32_t n_sockets, sockets_capacity;
};

/*
 * Append a finding about these sockets and return it, for the words to be set with malloc'ed
 * strings that the list then owns. The pointer is valid until the next addition.
 */
struct finding *finding_list_add(struct finding_list *list, enum finding_id id,
				 enum severity severity, const uint32_t *sockets,
				 uint32_t n_sockets);

/*
 * Worst first, then in the order of enum finding_id, namespace, port, with those about no one port
 * after the others; undecided ones last.
 */
void finding_list_sort(struct finding_list *list);

/* Keep those for which keep() is true, and their order. */
void finding_list_retain(struct finding_list *list,
			 bool (*keep)(const struct finding_list *list,
				      const struct finding *finding, void *user),
			 void *user);

/*
 * Follow sockets that got other indexes: new_index has one for each old one, or SNAPSHOT_NONE for a
 * socket that is gone. A finding loses those; one that has lost all goes too.
 */
void finding_list_renumber(struct finding_list *list, const uint32_t *new_index);

/* Free what the list owns, and empty it. A zeroed list is an empty one. */
void finding_list_done(struct finding_list *list);

#endif

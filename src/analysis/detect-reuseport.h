/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DETECT_REUSEPORT_H
#define ANALYSIS_DETECT_REUSEPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/detect.h"

/* What detect-reuseport.c and its parts have in common: who is in a group, and does not keep up. */

/* So many members, or parties, are named. */
#define REUSEPORT_NAMED_MAX 4

/* The members of a group: at one place, of one uid, with SO_REUSEPORT. */
struct reuseport_group {
	const uint32_t *sockets;
	uint32_t count;
	bool certain; /* all flags and uids are known */
	bool steered; /* a BPF program chooses who gets what, not the hash */
	uint32_t n_multicast; /* of them, those that multicast is for */
	const char *arriving; /* in words, what is divided among them */
};

/* Why it is a note, where multicast is what a member is for, after detect_words_members(). */
#define REUSEPORT_NOTHING_TAKEN " Of that nothing is taken from the others, so this is a note."

/* The first process that holds a socket; NULL if none is seen. */
const struct process *reuseport_holder_of(const struct snapshot *snapshot, uint32_t index);

/*
 * Of a group that a program divides no share is known; unknown: what neither is, "whether ...". To
 * be freed with free().
 */
char *reuseport_explain_steering(const struct reuseport_group *group, const char *unknown);

/* Programs in one group that do not belong together. */
void reuseport_check_strangers(struct detection *detection, const struct reuseport_group *group);

/* Members of an older generation than the newest one. */
void reuseport_check_stale(struct detection *detection, const struct reuseport_group *group,
			   bool stream);

/* Members whose queues fill while the others' do not. */
void reuseport_check_stuck(struct detection *detection, const struct reuseport_group *group,
			   bool stream);

#endif

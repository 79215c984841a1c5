/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_GROUP_SHARE_H
#define ANALYSIS_GROUP_SHARE_H

#include "model/bind-bucket.h"

/* How many of a port's connections each listening member of its SO_REUSEPORT groups has. */
struct group_share {
	uint32_t socket; /* index of the listener */
	uint32_t connections; /* that are established and held by who holds this listener alone */
};

struct group_shares {
	struct group_share *members;
	uint32_t count;
	uint32_t connections; /* of all members */
	/*
	 * Established connections beside these, which some member may have got: not accepted yet,
	 * of a hidden holder, or of one that has several members or none. Not those of who serves
	 * the port outside the groups alone.
	 */
	uint32_t unattributed;
};

/* Pure. Freed with group_shares_done(). */
void group_shares_init(struct group_shares *shares, const struct snapshot *snapshot,
		       const struct bind_bucket_index *index, const struct bind_bucket *bucket);
void group_shares_done(struct group_shares *shares);

#endif

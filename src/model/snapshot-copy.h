/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SNAPSHOT_COPY_H
#define MODEL_SNAPSHOT_COPY_H

#include "model/snapshot.h"

/*
 * Some sockets of a snapshot, added to another: with their owners, names, and which namespace they
 * are in. What costs is what is copied, not what is left.
 */
struct snapshot_copier {
	const struct snapshot *from; /* neither is owned */
	struct snapshot *to;
	uint32_t *processes, *netns; /* of each row in from 1 + the one in to; 0: not there yet */
};

void snapshot_copier_init(struct snapshot_copier *copier, const struct snapshot *from,
			  struct snapshot *to);

/* Add a socket at the end. Its multicast groups stay behind. */
void snapshot_copier_add(struct snapshot_copier *copier, uint32_t socket);

/* Then the other snapshot has its processes in order, too. */
void snapshot_copier_done(struct snapshot_copier *copier);

#endif

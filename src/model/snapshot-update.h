/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SNAPSHOT_UPDATE_H
#define MODEL_SNAPSHOT_UPDATE_H

#include <stdbool.h>

#include "model/snapshot.h"

/*
 * Snapshots of one host that follow each other. As long as the sockets are the same, what was read
 * of their owners and flags need not be read again.
 */

/* A copy, on the heap. */
struct snapshot *snapshot_clone(const struct snapshot *snapshot);

/*
 * Bring a snapshot up to date by one that was taken later without owners and flags: queues, drops,
 * timers, sysctls, counters and times. Returns false, and leaves it as it is, if the sockets are
 * not the same ones in the same states, places and order, or if something could not be seen later.
 */
bool snapshot_update(struct snapshot *snapshot, const struct snapshot *later);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_SUSPECT_H
#define ANALYSIS_SUSPECT_H

#include "model/bind-bucket.h"
#include "model/snapshot.h"

/*
 * Which processes' details (command line, executable, start, parents) decide whether there is a
 * finding: holders of a port that several hold. ret_processes has an element for each process.
 * Returns how many there are; on most hosts few, so that the others need not be read.
 */
uint32_t suspect_processes(const struct snapshot *snapshot, const struct bind_bucket_index *buckets,
			   bool *ret_processes);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_PROCESS_H
#define SOURCE_PROCESS_H

#include <stdint.h>

#include "model/snapshot.h"
#include "source/source.h"

/*
 * Fill in, from /proc/PID, what want (enum collect_want) asks of the processes that the snapshot
 * already has: command line, executable (with both of these the working directory too), start time,
 * cgroup with unit and container; and their ancestors and the names of users where asked, and the
 * unit of sockets without an owner. A process that has ended meanwhile keeps what is known of it;
 * so does one whose number another has got, if its start is known, as it is by BPF.
 */
void process_enrich(uint32_t want, struct snapshot *snapshot);

/*
 * Sort the table of processes by pid, no pid being there twice. Returns where each went (old index
 * to new, freed by the caller), or NULL if they were in order. Owners are left as they are.
 */
uint32_t *process_sort(struct snapshot *snapshot);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_RELATE_H
#define ANALYSIS_RELATE_H

#include "model/snapshot.h"

/*
 * Do two processes belong together? What speaks for it, as far as the snapshot tells. A common
 * parent alone does not: a shell or a supervisor starts strangers. Neither does a login session or
 * the root cgroup, which are no units.
 */
enum relation {
	RELATED_SAME = 1U << 0, /* it is one process */
	RELATED_ANCESTOR = 1U << 1, /* one descends from the other, which is not init */
	RELATED_TREE = 1U << 2, /* a common ancestor runs the program that both run */
	RELATED_UNIT = 1U << 3, /* one systemd unit */
	RELATED_CONTAINER = 1U << 4, /* one container */
	RELATED_PROGRAM = 1U << 5, /* the same program: see relate_program() */

	/* What could not be judged for want of facts. */
	RELATED_PROGRAM_UNKNOWN = 1U << 8,
	RELATED_OTHERS_UNKNOWN = 1U << 9, /* neither parents nor units are known */
};

/* What makes even two sockets of one program meant to be together. */
#define RELATED_CLOSELY                                                                            \
	(RELATED_SAME | RELATED_ANCESTOR | RELATED_TREE | RELATED_UNIT | RELATED_CONTAINER)

/* Bits of enum relation for two rows of snapshot.processes. */
uint32_t relate_processes(const struct snapshot *snapshot, uint32_t a, uint32_t b);

/*
 * Whether two processes run one program: the same executable file (by device and inode, so that
 * those of host and container differ), and for an interpreter the same script or module, for the
 * rest the same arguments but for numbers. A script that is named without a path is known to be the
 * same only in the same directory. A file that was replaced since one of them began still
 * is that program.
 */
enum tristate relate_program(const struct process *a, const struct process *b,
			     const struct snapshot *snapshot);

/*
 * Whether the names of what two processes run are those of one program in two generations, as after
 * an upgrade while it runs: the same base name, of the executable or of the script, but for numbers
 * and for a ".old" or the like. Where one has got something of the other's that says whose it is.
 */
bool relate_generations(const struct process *a, const struct process *b,
			const struct snapshot *snapshot);

/*
 * What a process runs, as people name it: of an interpreter the script or module, else the base
 * name of the executable, else the comm. In the pool, or a part of it; never NULL.
 */
const char *relate_program_name(const struct snapshot *snapshot, const struct process *process);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_PROCFS_H
#define SOURCE_PROCFS_H

/*
 * The directory /proc, to read names relative to it. Returns a descriptor, which the caller closes,
 * or -errno: -ENOENT also where /proc is there but is no proc(5), as in a root directory made by
 * hand.
 */
int procfs_open(void);

#endif

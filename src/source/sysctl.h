/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SYSCTL_H
#define SOURCE_SYSCTL_H

#include "model/snapshot.h"

/*
 * Read the sysctls and counters of the calling thread's network namespace from /proc/sys/net and
 * /proc/net/{netstat,snmp}. What a kernel does not have stays unknown.
 */
void sysctl_collect(struct snapshot *snapshot, struct netns *netns);

#endif

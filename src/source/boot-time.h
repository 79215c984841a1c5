/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_BOOT_TIME_H
#define SOURCE_BOOT_TIME_H

#include <stdint.h>

/*
 * When the clock began that start times are counted by, in ns since the epoch; 0 if unknown.
 * boot_time() goes with /proc/PID/stat, which shows times in the reader's time namespace
 * (time_namespaces(7)); boot_time_of_kernel() with task_struct.start_boottime, which knows none.
 */
int64_t boot_time(void);
int64_t boot_time_of_kernel(void);

#endif

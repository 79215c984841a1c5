/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/boot-time.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define NS_PER_S 1000000000

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		return 0;
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t boot_time(void)
{
	int64_t since_boot = clock_ns(CLOCK_BOOTTIME);

	return since_boot ? clock_ns(CLOCK_REALTIME) - since_boot : 0;
}

/* What the reader's time namespace adds to CLOCK_BOOTTIME. */
static int64_t boottime_offset(void)
{
	int64_t seconds = 0, ns = 0, offset = 0;
	struct stat own, of_children;
	char clock[32];
	FILE *file;

	/* The file tells of the namespace of future children, which may be another one. */
	if (stat("/proc/self/ns/time", &own) ||
	    stat("/proc/self/ns/time_for_children", &of_children) ||
	    own.st_ino != of_children.st_ino)
		return 0;
	file = fopen("/proc/self/timens_offsets", "re");
	if (!file)
		return 0;
	while (fscanf(file, "%31s %" SCNd64 " %" SCNd64, clock, &seconds, &ns) == 3)
		if (clock[0] == 'b' || (clock[0] == '7' && !clock[1]))
			offset = seconds * NS_PER_S + ns;
	fclose(file);
	return offset;
}

int64_t boot_time_of_kernel(void)
{
	int64_t boot = boot_time();

	return boot ? boot + boottime_offset() : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

int procfs_open(void)
{
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs info;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &info) || info.f_type != PROC_SUPER_MAGIC) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_PROC_PARSE_H
#define SOURCE_PROC_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Parsers of single /proc files, pure: bytes in, values out, -EBADMSG for anything else. */

/* /proc/PID/stat: comm may hold blanks, parentheses and newlines (proc_pid_stat(5)). */
struct proc_stat {
	const char *comm; /* into the bytes given, not terminated */
	size_t comm_length;
	char state;
	uint32_t ppid;
	bool exiting; /* it has begun to end, or is a zombie */
	uint64_t start_ticks; /* since boot, in units of sysconf(_SC_CLK_TCK) */
};
int proc_parse_stat(const char *bytes, size_t length, struct proc_stat *ret_stat);

/* Effective uid of /proc/PID/status. */
int proc_parse_status_uid(const char *bytes, size_t length, uint32_t *ret_uid);

/*
 * The path of the unified hierarchy ("0::/…") in /proc/PID/cgroup, or the one of name=systemd
 * where there is no unified hierarchy or it is unused (the process is in its root); a span within
 * the bytes given.
 */
int proc_parse_cgroup(const char *bytes, size_t length, const char **ret_path, size_t *ret_length);

/* "socket:[INODE]", as a link in /proc/PID/fd reads. */
int proc_parse_socket_link(const char *text, size_t length, uint64_t *ret_inode);

/*
 * Socket inodes of the registered files in the fdinfo of an io_uring ("UserFiles:" section, lines
 * "    0: socket:[123]"), handed one by one to add().
 */
void proc_parse_uring_fdinfo(const char *bytes, size_t length,
			     void (*add)(void *context, uint64_t inode), void *context);

/* "scm_fds: N" of a Unix socket's fdinfo: descriptors on their way; 0 when there is none. */
uint64_t proc_parse_scm_fds(const char *bytes, size_t length);

#endif

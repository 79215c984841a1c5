/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/owners-proc.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

/* Directories can be opened and not be read, when the kernel has no memory for that. */
static struct {
	bool proc; /* /proc itself */
	bool descriptors; /* /proc/PID/fd and /proc/PID/task */
} refuse;

static ino_t proc_inode;

/* Behind a gap, so that it is not found by trying numbers: its directory must be read. */
#define FAR_DESCRIPTOR 100

static bool is_refused(int fd)
{
	struct stat info;

	return !fstat(fd, &info) && (info.st_ino == proc_inode ? refuse.proc : refuse.descriptors);
}

/* In front of that of the C library; the scan makes one other call by it, kcmp(2). */
long syscall(long number, ...)
{
	va_list arguments;
	size_t size;
	void *buffer;
	int fd;

	if (number != SYS_getdents64) {
		errno = ENOSYS;
		return -1;
	}
	va_start(arguments, number);
	fd = va_arg(arguments, int);
	buffer = va_arg(arguments, void *);
	size = va_arg(arguments, size_t);
	va_end(arguments);
	if (!is_refused(fd))
		return getdents64(fd, buffer, size);
	errno = ENOMEM;
	return -1;
}

/* A scan for one socket, which this process has. */
struct search {
	struct snapshot *snapshot;
	struct hold_list holds;
	struct socket_index inodes;
	struct proc_scan scan;
	int error;
};

static void search_init(struct search *search)
{
	struct inet_socket *socket;
	struct stat info;

	fstat(FAR_DESCRIPTOR, &info);
	search->snapshot = snapshot_new();
	socket = make_socket(search->snapshot, PROTOCOL_UDP, STATE_BOUND, "127.0.0.1", 1);
	socket->inode = info.st_ino;
	socket->known = SOCKET_HAS_INODE;
	hold_list_init(&search->holds, search->snapshot);
	socket_index_init(&search->inodes, search->snapshot, SOCKET_KEY_INODE, 1);
	socket_index_add(&search->inodes, 0);
	search->error = proc_scan_init(&search->scan, search->snapshot, &search->holds,
				       &search->inodes, &search->inodes);
}

static void search_done(struct search *search)
{
	if (!search->error)
		proc_scan_done(&search->scan);
	socket_index_done(&search->inodes);
	hold_list_done(&search->holds);
	snapshot_free(search->snapshot);
}

static void test_found(void)
{
	struct search search;

	search_init(&search);
	is_int(search.error, 0, "/proc is read");
	ok(search.holds.count == 1 && search.holds.items[0].fd == FAR_DESCRIPTOR,
	   "and the descriptor found");
	search_done(&search);
}

static void test_proc_refused(void)
{
	struct search search;

	refuse.proc = true;
	search_init(&search);
	is_int(search.error, -ENOMEM, "a /proc that cannot be read is no empty one");
	search_done(&search);
	refuse.proc = false;
}

static void test_descriptors_refused(void)
{
	struct search search;

	refuse.descriptors = true;
	search_init(&search);
	is_int(search.error, 0, "the processes are read");
	is_int(search.holds.count, 0, "but not all descriptors of this one");
	ok(search.scan.n_unread > 0, "which is counted");
	is_int(search.scan.unread_error, -ENOMEM, "with the reason");
	search_done(&search);
	refuse.descriptors = false;
}

int main(void)
{
	struct stat info;
	int fd;

	if (stat("/proc/self/fd", &info) || stat("/proc", &info))
		skip_all("needs /proc");
	proc_inode = info.st_ino;
	/* No gap in front of what the scan opens, of which the count does not know. */
	for (fd = STDERR_FILENO + 1; fd < FAR_DESCRIPTOR; fd++)
		close(fd);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0 || dup2(fd, FAR_DESCRIPTOR) < 0)
		skip_all("no socket can be made");
	close(fd);
	test_found();
	test_proc_refused();
	test_descriptors_refused();
	return done_testing();
}

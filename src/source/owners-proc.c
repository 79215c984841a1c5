/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/owners-proc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "source/proc-parse.h"
#include "source/procfs.h"
#include "util/xalloc.h"

/* Bounds on what a hostile process can make the scan read. */
#define RING_MAX_BYTES (8U << 20)
#define IN_FLIGHT_MAX_SOCKETS 16384

#define RING_LINK "anon_inode:[io_uring]"

/* What getdents64(2) delivers. */
struct directory_entry {
	uint64_t inode;
	int64_t next;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* Entries of a directory of /proc whose names are numbers. */
struct number_reader {
	int fd;
	int error; /* -errno: it could not be read to its end; 0 */
	long size, at;
	char buffer[32768] __attribute__((aligned(8)));
};

static void number_reader_init(struct number_reader *reader, int fd)
{
	reader->fd = fd;
	reader->error = 0;
	reader->size = 0;
	reader->at = 0;
}

/* NULL at the end, and where reading fails: reader->error tells. */
static const char *next_number(struct number_reader *reader, uint32_t *ret_number)
{
	for (;;) {
		const struct directory_entry *entry;
		uint32_t number = 0;
		const char *digit;

		if (reader->at >= reader->size) {
			reader->at = 0;
			reader->size = syscall(SYS_getdents64, reader->fd, reader->buffer,
					       sizeof(reader->buffer));
			if (reader->size < 0)
				reader->error = -errno;
			if (reader->size <= 0)
				return NULL;
		}
		entry = (const void *)(reader->buffer + reader->at);
		reader->at += entry->length;
		for (digit = entry->name; *digit >= '0' && *digit <= '9'; digit++)
			number = number * 10 + (uint32_t)(*digit - '0');
		if (*digit || digit == entry->name)
			continue;
		*ret_number = number;
		return entry->name;
	}
}

static uint32_t process_row(struct proc_scan *scan, struct visited_process *visited)
{
	struct snapshot *snapshot = scan->snapshot;
	uint32_t low = 0, high = scan->n_known_processes;

	if (visited->process != SNAPSHOT_NONE)
		return visited->process;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot->processes[middle].pid < visited->pid)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < scan->n_known_processes && snapshot->processes[low].pid == visited->pid) {
		visited->process = low;
	} else {
		visited->process = snapshot->n_processes;
		snapshot_add_process(snapshot)->pid = visited->pid;
	}
	return visited->process;
}

static void add_holds(struct proc_scan *scan, uint32_t visited, uint64_t inode, int32_t fd)
{
	uint32_t socket, cursor = SOCKET_INDEX_START;

	while ((socket = socket_index_find(scan->wanted, inode, &cursor)) != SNAPSHOT_NONE)
		hold_list_add(scan->holds, socket, process_row(scan, &scan->visited[visited]), fd);
}

static void note(struct noted_descriptor **items, uint32_t *count, uint32_t *capacity,
		 uint64_t inode, uint32_t visited, int32_t fd)
{
	ARRAY_RESERVE(*items, *count, *capacity);
	(*items)[(*count)++] = (struct noted_descriptor){
		.inode = inode,
		.visited = visited,
		.fd = fd,
	};
}

static bool is_denied(int error)
{
	return error == EACCES || error == EPERM;
}

/*
 * Count a process or thread that could not be read, unless it has ended: for that too the kernel
 * says EACCES (proc_fd_access_allowed() finds no task).
 */
static void count_unreadable(struct proc_scan *scan, int directory, const char *name, int error)
{
	struct stat info;

	if (error == ENOENT || error == ESRCH || fstatat(directory, name, &info, 0))
		return;
	if (is_denied(error)) {
		scan->n_hidden++;
	} else {
		scan->n_unread++;
		scan->unread_error = -error;
	}
}

/*
 * Read one link. Returns 0, -ENOENT, or -EACCES: to list descriptors and to read what they are
 * takes two permissions (proc_pid_readlink()), and one may have the first alone.
 */
static int scan_descriptor(struct proc_scan *scan, int directory, const char *name, uint32_t fd,
			   uint32_t visited)
{
	char target[64];
	uint64_t inode;
	ssize_t n;

	n = readlinkat(directory, name, target, sizeof(target));
	if (n < 0)
		return is_denied(errno) ? -EACCES : -ENOENT;
	if (!proc_parse_socket_link(target, (size_t)n, &inode)) {
		uint32_t cursor = SOCKET_INDEX_START;

		if (socket_index_find(scan->inodes, inode, &cursor) != SNAPSHOT_NONE)
			add_holds(scan, visited, inode, (int32_t)fd);
		else
			note(&scan->others, &scan->n_others, &scan->others_capacity, inode, visited,
			     (int32_t)fd);
	} else if ((size_t)n == strlen(RING_LINK) && !memcmp(target, RING_LINK, (size_t)n)) {
		note(&scan->rings, &scan->n_rings, &scan->rings_capacity, 0, visited, (int32_t)fd);
	}
	return 0;
}

/* The digits of a number in front of end, where its NUL is put. */
static const char *write_number(char *end, uint32_t number)
{
	*end = '\0';
	do {
		*--end = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	return end;
}

/*
 * Read the links of a directory of descriptors, count in number (0: unknown). As descriptors are
 * mostly numbered from 0 without gaps, they are tried by number up to the first real gap, which is
 * a tenth cheaper than to ask for their names. Names are asked for from there on, even if all are
 * found, for some may have been opened after the count: the position in the directory is the
 * descriptor's number and 2 (proc_readfd_common(), fs/proc/fd.c). Returns 0 or -errno (-EACCES not
 * permitted).
 */
static int scan_descriptors(struct proc_scan *scan, int directory, uint32_t visited, int64_t count)
{
	struct number_reader reader;
	uint32_t fd, next = 0, in_gap = 0;
	int64_t found = 0;
	const char *name;
	char digits[16];
	int error = 0;

	while (found < count && in_gap < 2 && error != -EACCES) {
		name = write_number(digits + sizeof(digits) - 1, next);
		error = scan_descriptor(scan, directory, name, next, visited);
		next++;
		found += !error;
		in_gap = error ? in_gap + 1 : 0;
	}
	if (error == -EACCES)
		return error;
	number_reader_init(&reader, directory);
	if (next)
		lseek(directory, next + 2, SEEK_SET);
	while ((name = next_number(&reader, &fd)))
		if (fd >= next && scan_descriptor(scan, directory, name, fd, visited) == -EACCES)
			return -EACCES;
	return reader.error;
}

static uint32_t add_visited(struct proc_scan *scan, uint32_t pid)
{
	ARRAY_RESERVE(scan->visited, scan->n_visited, scan->visited_capacity);
	scan->visited[scan->n_visited] = (struct visited_process){
		.pid = pid,
		.process = SNAPSHOT_NONE,
	};
	return scan->n_visited++;
}

static void scan_process(struct proc_scan *scan, const char *name, uint32_t pid, bool has_sizes)
{
	struct stat info = { .st_size = 0 };
	char path[32];
	int fd, error;

	snprintf(path, sizeof(path), "%s/fd", name);
	/* Kernel threads and zombies have no table, which anybody may know. */
	if (has_sizes && fstatat(scan->proc, path, &info, 0)) {
		count_unreadable(scan, scan->proc, name, errno);
		return;
	}
	if (has_sizes && !info.st_size) {
		add_visited(scan, pid);
		return;
	}
	fd = openat(scan->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		count_unreadable(scan, scan->proc, name, errno);
		return;
	}
	error = scan_descriptors(scan, fd, add_visited(scan, pid), info.st_size);
	if (error)
		count_unreadable(scan, scan->proc, name, -error);
	close(fd);
}

int proc_scan_init(struct proc_scan *scan, struct snapshot *snapshot, struct hold_list *holds,
		   const struct socket_index *inodes, const struct socket_index *wanted)
{
	struct number_reader reader;
	const char *name;
	struct stat info;
	bool has_sizes;
	uint32_t pid;
	int proc;

	proc = procfs_open();
	if (proc < 0)
		return proc;
	*scan = (struct proc_scan){
		.snapshot = snapshot,
		.holds = holds,
		.inodes = inodes,
		.wanted = wanted,
		.proc = proc,
		.n_known_processes = snapshot->n_processes,
	};
	/* The size of /proc/PID/fd is the number of its entries, since Linux 6.2. */
	has_sizes = !fstatat(proc, "self/fd", &info, 0) && info.st_size > 0;
	number_reader_init(&reader, proc);
	while ((name = next_number(&reader, &pid)))
		scan_process(scan, name, pid, has_sizes);
	if (reader.error) {
		proc_scan_done(scan);
		return reader.error;
	}
	/* Where others' processes are not even listed (mount option hidepid). */
	if (fstatat(proc, "1", &info, 0))
		scan->n_hidden++;
	return 0;
}

void proc_scan_done(struct proc_scan *scan)
{
	close(scan->proc);
	free(scan->visited);
	free(scan->rings);
	free(scan->others);
}

static bool have_same_table(uint32_t a, uint32_t b)
{
	return syscall(SYS_kcmp, (pid_t)a, (pid_t)b, KCMP_FILES, 0UL, 0UL) == 0;
}

static void scan_threads_of(struct proc_scan *scan, uint32_t visited)
{
	struct number_reader reader;
	uint32_t tid, pid = scan->visited[visited].pid, last = pid;
	struct stat info;
	const char *name;
	char path[64];
	int tasks, fd, error;

	snprintf(path, sizeof(path), "%u/task", pid);
	/* Two links for the directory itself, one for each thread. */
	if (fstatat(scan->proc, path, &info, 0) || info.st_nlink <= 3)
		return;
	tasks = openat(scan->proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tasks < 0) {
		count_unreadable(scan, scan->proc, path, errno);
		return;
	}
	number_reader_init(&reader, tasks);
	while ((name = next_number(&reader, &tid))) {
		if (tid == pid || have_same_table(pid, tid) ||
		    (last != pid && have_same_table(last, tid)))
			continue;
		snprintf(path, sizeof(path), "%s/fd", name);
		fd = openat(tasks, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			count_unreadable(scan, tasks, name, errno);
			continue;
		}
		error = scan_descriptors(scan, fd, visited, 0);
		if (error)
			count_unreadable(scan, tasks, name, -error);
		close(fd);
		last = tid;
	}
	if (reader.error) {
		snprintf(path, sizeof(path), "%u", pid);
		count_unreadable(scan, scan->proc, path, -reader.error);
	}
	close(tasks);
}

void proc_scan_threads(struct proc_scan *scan)
{
	uint32_t i;

	for (i = 0; i < scan->n_visited; i++)
		scan_threads_of(scan, i);
}

/* The whole of a descriptor's fdinfo, or its first max bytes. NULL if it cannot be read. */
static char *read_fdinfo(const struct proc_scan *scan, const struct noted_descriptor *descriptor,
			 size_t max, size_t *ret_length)
{
	size_t size = 4096, length = 0;
	char path[64], *bytes;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%u/fdinfo/%d", scan->visited[descriptor->visited].pid,
		 descriptor->fd);
	fd = openat(scan->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	bytes = xmalloc(size);
	while ((n = read(fd, bytes + length, size - length)) > 0) {
		length += (size_t)n;
		if (length < size)
			continue;
		if (size >= max)
			break;
		size *= 2;
		bytes = xreallocarray(bytes, size, 1);
	}
	close(fd);
	*ret_length = length;
	return bytes;
}

struct ring {
	struct proc_scan *scan;
	uint32_t visited;
};

static void add_fixed_file(void *context, uint64_t inode)
{
	const struct ring *ring = context;

	add_holds(ring->scan, ring->visited, inode, -1);
}

void proc_scan_rings(struct proc_scan *scan)
{
	uint32_t i;

	for (i = 0; i < scan->n_rings; i++) {
		struct ring ring = { .scan = scan, .visited = scan->rings[i].visited };
		size_t length;
		char *bytes;

		bytes = read_fdinfo(scan, &scan->rings[i], RING_MAX_BYTES, &length);
		if (!bytes)
			continue;
		proc_parse_uring_fdinfo(bytes, length, add_fixed_file, &ring);
		free(bytes);
	}
}

static int compare_inodes(const void *left, const void *right)
{
	const struct noted_descriptor *a = left, *b = right;

	return a->inode < b->inode ? -1 : a->inode > b->inode;
}

uint64_t proc_scan_in_flight(struct proc_scan *scan)
{
	uint32_t i, n = 0;
	uint64_t total = 0;

	if (!scan->n_others)
		return 0;
	/* A socket may be held more than once; what is in it counts once. */
	qsort(scan->others, scan->n_others, sizeof(*scan->others), compare_inodes);
	for (i = 0; i < scan->n_others; i++) {
		size_t length;
		char *bytes;

		if (i && scan->others[i].inode == scan->others[i - 1].inode)
			continue;
		if (n++ == IN_FLIGHT_MAX_SOCKETS)
			return UINT64_MAX;
		bytes = read_fdinfo(scan, &scan->others[i], 4096, &length);
		if (!bytes)
			continue;
		total += proc_parse_scm_fds(bytes, length);
		free(bytes);
	}
	return total;
}

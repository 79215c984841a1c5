/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/procfs.h"
#include "util/xalloc.h"

#define NAMED_DIRECTORY "/run/netns"
#define OWN_NETNS "/proc/thread-self/ns/net"

/* Descriptors that are left for the reading: of sockets, BPF programs, files of /proc. */
#define RESERVED_DESCRIPTORS 8

/* Of "PID/task/TID". */
#define PATH_OF_TASK_MAX (2 * sizeof(((struct dirent *)NULL)->d_name) + sizeof("/task/"))

/* Names of namespaces (ip-netns(8)), by name. */
struct named {
	char *name;
	uint64_t id;
};

struct named_list {
	struct named *items;
	uint32_t count;
	uint32_t capacity;
};

/* Open, and see that it is a network namespace. Returns the descriptor or -errno. */
static int open_netns(int directory, const char *path, uint64_t *ret_id)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	int error;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return -EINVAL;
	}
	if (fstat(fd, &status)) {
		error = -errno;
		close(fd);
		return error;
	}
	*ret_id = status.st_ino;
	return fd;
}

static int compare_named(const void *left, const void *right)
{
	const struct named *a = left, *b = right;

	return strcmp(a->name, b->name);
}

/*
 * What stands in /run/netns. A file there that is no namespace (its mount is gone) is on another
 * device than every namespace, and names none.
 */
static void read_named(struct named_list *list)
{
	DIR *directory = opendir(NAMED_DIRECTORY);
	const struct dirent *entry;
	struct stat status, own;

	if (!directory)
		return;
	if (stat("/proc/self/ns/net", &own))
		own.st_dev = 0;
	while ((entry = readdir(directory))) {
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(directory), entry->d_name, &status, 0) ||
		    status.st_dev != own.st_dev)
			continue;
		ARRAY_RESERVE(list->items, list->count, list->capacity);
		list->items[list->count++] = (struct named){
			.name = xstrdup(entry->d_name),
			.id = status.st_ino,
		};
	}
	closedir(directory);
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_named);
}

static void named_done(struct named_list *list)
{
	uint32_t i;

	for (i = 0; i < list->count; i++)
		free(list->items[i].name);
	free(list->items);
}

static const char *name_of(const struct named_list *list, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (list->items[i].id == id)
			return list->items[i].name;
	}
	return NULL;
}

static bool is_listed(const struct netns_list *list, uint64_t id)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (list->items[i].id == id)
			return true;
	}
	return false;
}

/* The path is the list's then, or NULL. */
static struct netns_handle *add_handle(struct netns_list *list, const struct named_list *named,
				       int fd, uint64_t id, char *path)
{
	const char *name = name_of(named, id);
	struct netns_handle *handle;

	ARRAY_RESERVE(list->items, list->count, list->capacity);
	handle = &list->items[list->count++];
	*handle = (struct netns_handle){
		.fd = fd,
		.id = id,
		.name = name ? xstrdup(name) : NULL,
		.path = path,
	};
	return handle;
}

/* Whether so few descriptors are left that this one has to be given back. */
static bool is_reserved(int fd)
{
	struct rlimit limit;

	return !getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	       (rlim_t)fd + RESERVED_DESCRIPTORS >= limit.rlim_cur;
}

/* Open one of all, or note what is lacking for that. One that has gone meanwhile is none. */
static void add_one(struct netns_list *list, const struct named_list *named, int directory,
		    const char *path, uint64_t id)
{
	int fd = open_netns(directory, path, &id);

	if (fd >= 0 && is_listed(list, id)) {
		close(fd);
	} else if (fd >= 0 && !is_reserved(fd)) {
		add_handle(list, named, fd, id,
			   *path == '/' ? xstrdup(path) : xasprintf("/proc/%s", path));
	} else if (fd >= 0) {
		close(fd);
		add_handle(list, named, -1, id, NULL)->error = -EMFILE;
	} else if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM) {
		add_handle(list, named, -1, id, NULL)->error = fd;
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void add_named(struct netns_list *list, const struct named_list *named)
{
	uint32_t i;

	for (i = 0; i < named->count; i++) {
		char *path;

		if (is_listed(list, named->items[i].id))
			continue;
		path = xasprintf("%s/%s", NAMED_DIRECTORY, named->items[i].name);
		add_one(list, named, AT_FDCWD, path, named->items[i].id);
		free(path);
	}
}

/* NULL at the end, or where it cannot be read so far, with errno. */
static const struct dirent *next_entry(DIR *directory)
{
	errno = 0;
	return readdir(directory);
}

/*
 * That of a process or thread: name is its directory, below the one of processes. Returns its
 * number, 0: there is none (any more), or it may not be looked at; then errno is EACCES or EPERM.
 */
static uint64_t add_task(struct netns_list *list, const struct named_list *named, int processes,
			 const char *name, uint64_t known)
{
	char path[PATH_OF_TASK_MAX + sizeof("/ns/net")];
	struct stat status;

	snprintf(path, sizeof(path), "%s/ns/net", name);
	if (fstatat(processes, path, &status, 0))
		return 0;
	if (status.st_ino != known && !is_listed(list, status.st_ino))
		add_one(list, named, processes, path, status.st_ino);
	return status.st_ino;
}

/*
 * A thread may have entered another one than the rest, as programs in Go do. There can be no more
 * of them than there could be processes.
 */
static void add_threads(struct netns_list *list, const struct named_list *named, int processes,
			const char *pid, uint64_t known)
{
	const struct dirent *entry;
	char path[PATH_OF_TASK_MAX];
	struct stat status;
	DIR *directory;
	int fd;

	snprintf(path, sizeof(path), "%s/task", pid);
	/* Two links for the directory itself, one for each thread. */
	if (fstatat(processes, path, &status, 0) || status.st_nlink <= 3)
		return;
	fd = openat(processes, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory && fd >= 0)
		close(fd);
	while (directory && (entry = next_entry(directory))) {
		uint64_t id;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "%s/task/%s", pid, entry->d_name);
		id = add_task(list, named, processes, path, known);
		known = id ? id : known;
	}
	if (directory)
		closedir(directory);
}

/* The namespaces of processes and threads: what has neither, nor a name, is not found. */
static int add_processes(struct netns_list *list, const struct named_list *named, int proc)
{
	DIR *directory = fdopendir(proc);
	const struct dirent *entry;
	int error;

	if (!directory) {
		close(proc);
		return -ENOMEM;
	}
	while ((entry = next_entry(directory))) {
		struct stat status;
		uint64_t id;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		id = add_task(list, named, dirfd(directory), entry->d_name, 0);
		/*
		 * Or it has ended meanwhile, for which the kernel says EACCES too
		 * (proc_ns_get_link()), or its first thread has, which then has none.
		 */
		if (!id && (errno == EACCES || errno == EPERM) &&
		    !fstatat(dirfd(directory), entry->d_name, &status, 0))
			list->not_visible++;
		else
			add_threads(list, named, dirfd(directory), entry->d_name, id);
	}
	error = -errno;
	closedir(directory);
	return error;
}

/* Open for the choice, which the path, malloc'ed, then belongs to. Returns 0 or -errno. */
static int choose(struct netns_choice *choice, char *path)
{
	int fd = open_netns(AT_FDCWD, path, &choice->id);

	if (fd < 0) {
		free(path);
		return fd;
	}
	choice->fd = fd;
	choice->path = path;
	return 0;
}

/* By name, then by pid, or by path if there is a slash. Returns 0 or -errno. */
static int choose_wanted(struct netns_choice *choice)
{
	const char *wanted = choice->wanted;
	size_t length = strlen(wanted);
	int error;

	if (strchr(wanted, '/'))
		return choose(choice, xstrdup(wanted));
	if (!length || !strcmp(wanted, ".") || !strcmp(wanted, ".."))
		return -ENOENT;
	error = choose(choice, xasprintf("%s/%s", NAMED_DIRECTORY, wanted));
	if (error != -ENOENT || strspn(wanted, "0123456789") != length)
		return error;
	return choose(choice, xasprintf("/proc/%s/ns/net", wanted));
}

void netns_choice_init(struct netns_choice *choice, const char *wanted)
{
	*choice = (struct netns_choice){ .wanted = wanted, .fd = -1 };
}

void netns_choice_done(struct netns_choice *choice)
{
	if (choice->fd >= 0)
		close(choice->fd);
	choice->fd = -1;
	free(choice->path);
	choice->path = NULL;
}

/* A descriptor of what was chosen, for a list that closes it; or -errno. */
static int open_choice(struct netns_choice *choice)
{
	int fd, error = choice->fd < 0 ? choose_wanted(choice) : 0;

	if (error)
		return error;
	fd = fcntl(choice->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

/* The way to what was chosen, for a list, if it still leads there. */
static char *way_to_choice(const struct netns_choice *choice)
{
	struct stat now, then;

	if (stat(choice->path, &now) || fstat(choice->fd, &then) || now.st_dev != then.st_dev ||
	    now.st_ino != then.st_ino)
		return NULL;
	return xstrdup(choice->path);
}

int netns_list_open(const struct collect_request *request, struct netns_list *ret_list)
{
	struct netns_list list = { 0 };
	struct named_list named = { 0 };
	struct stat status;
	uint64_t own = 0, id = 0;
	int fd = -1, proc;

	/* Without /proc the own namespace can still be read; only its number is not known. */
	if (!stat(OWN_NETNS, &status))
		own = status.st_ino;
	if (request->netns) {
		fd = open_choice(request->netns);
		if (fd < 0)
			return fd;
		id = request->netns->id;
		if (id == own) {
			close(fd);
			fd = -1;
		}
	} else {
		id = own;
	}
	read_named(&named);
	if (request->all_netns) {
		if (fd >= 0)
			close(fd);
		raise_descriptor_limit();
		proc = procfs_open();
		add_handle(&list, &named, -1, own, NULL);
		add_named(&list, &named);
		list.proc_error = proc < 0 ? proc : add_processes(&list, &named, proc);
	} else {
		add_handle(&list, &named, fd, id, fd < 0 ? NULL : way_to_choice(request->netns));
	}
	named_done(&named);
	*ret_list = list;
	return 0;
}

void netns_list_done(struct netns_list *list)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (list->items[i].fd >= 0)
			close(list->items[i].fd);
		free(list->items[i].path);
		free(list->items[i].name);
	}
	free(list->items);
	*list = (struct netns_list){ 0 };
}

int netns_enter(const struct netns_handle *handle, int *ret_home)
{
	int home, error;

	if (handle->error)
		return handle->error;
	if (handle->fd < 0) {
		*ret_home = -1;
		return 0;
	}
	home = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	/*
	 * The way back takes rights over the namespace that is left (netns_install()), which a user
	 * namespace may lack over the one outside. So it is tried first, from here.
	 */
	if (setns(home, CLONE_NEWNET) || setns(handle->fd, CLONE_NEWNET)) {
		error = -errno;
		close(home);
		return error;
	}
	*ret_home = home;
	return 0;
}

void netns_leave(int home)
{
	if (home < 0)
		return;
	if (setns(home, CLONE_NEWNET)) {
		perror("portshare: cannot return to the network namespace it came from");
		/* Not _exit(): what gives a terminal back is called in whatever thread this is. */
		exit(2);
	}
	close(home);
}

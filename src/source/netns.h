/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_NETNS_H
#define SOURCE_NETNS_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"
#include "source/source.h"

/* A network namespace that can be entered. */
struct netns_handle {
	int fd; /* -1: the caller's own, nothing to enter; or not opened */
	int error; /* -errno: why it could not be opened; 0 */
	uint64_t id; /* inode of the namespace file */
	char *name; /* as in /run/netns, or NULL; freed with the list */
	char *path; /* that leads there, or NULL: none is known; freed with the list */
};

/*
 * What --netns names. It is opened at the first use and stays open: the process that was named may
 * end, and another may have its number, or another namespace the name, while the one that was meant
 * lives on.
 */
struct netns_choice {
	const char *wanted; /* a name in /run/netns, a pid, or a path; the caller's */
	int fd; /* -1: it was not used yet */
	uint64_t id; /* inode of the namespace file */
	char *path; /* by which it was opened */
};

void netns_choice_init(struct netns_choice *choice, const char *wanted);
void netns_choice_done(struct netns_choice *choice);

struct netns_list {
	struct netns_handle *items;
	uint32_t count;
	uint32_t capacity;
	uint32_t not_visible; /* processes whose namespace may not be looked at */
	int proc_error; /* -errno: /proc, which leads to most of all, cannot be read; 0 */
};

/*
 * The namespaces that the request names: the caller's own, the one that was chosen, or all that
 * /run/netns and /proc show. Returns 0 or -errno (-ENOENT no such name or pid, -EACCES, -EINVAL not
 * a network namespace). For all of them the program's soft limit of descriptors is raised to the
 * hard one, and some descriptors are left for the reading: a namespace that was found and not
 * opened is in the list too. Free with netns_list_done().
 */
int netns_list_open(const struct collect_request *request, struct netns_list *ret_list);
void netns_list_done(struct netns_list *list);

/*
 * Move the calling thread into a namespace, and back into the one it came from; other threads stay
 * where they are (setns(2)). One thread at a time: in watch it is the collector's.
 *
 * netns_enter() returns 0 or -errno: the handle's error, -EPERM without CAP_SYS_ADMIN over the
 * namespace or, as in a user namespace, over the own one, to which there would be no way back.
 * netns_leave() fails, then, only where the kernel has no memory left. It ends the program as
 * xmalloc() does, by exit(2) from the thread it is called in, since whatever came after would be
 * done in a namespace that nobody asked about.
 */
int netns_enter(const struct netns_handle *handle, int *ret_home);
void netns_leave(int home);

#endif

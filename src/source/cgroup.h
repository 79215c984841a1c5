/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_CGROUP_H
#define SOURCE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a cgroup path tells: the innermost systemd unit (a .service, .scope or .socket; a user's
 * session scope, a user's manager and slices are no unit of their own and give none) and the
 * container id (docker, podman/libpod, cri-o, containerd, lxc, kubernetes pods). Either may be
 * absent: length 0. The spans point into path. Pure.
 */
struct cgroup_names {
	const char *unit;
	size_t unit_length;
	const char *container;
	size_t container_length;
};

void cgroup_parse_path(const char *path, struct cgroup_names *ret_names);

/* Looks up cgroups of the unified hierarchy by id. */
struct cgroup_finder;

struct cgroup_finder *cgroup_finder_new(void);
void cgroup_finder_free(struct cgroup_finder *finder);

/*
 * The path, below the root of the unified hierarchy, of the cgroup with this id (the inode number
 * of its directory), in a buffer of size bytes; by open_by_handle_at(2), or where that is not
 * permitted by a walk through the hierarchy, made once. Returns 0 or -errno (-ENOENT: no such
 * cgroup, or none mounted; -ENAMETOOLONG).
 */
int cgroup_finder_path(struct cgroup_finder *finder, uint64_t id, char *buffer, size_t size);

/*
 * Whether the unified hierarchy is the only one, so that services and containers are to be found
 * there; else a process may be in the unified root and in the cgroup of its service elsewhere.
 */
bool cgroup_finder_is_unified(struct cgroup_finder *finder);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "util/xalloc.h"

/* Length of a container id as docker, containerd, cri-o and libpod write it. */
#define CONTAINER_ID_LENGTH 64

static bool has_prefix(const char *text, size_t length, const char *prefix)
{
	size_t n = strlen(prefix);

	return length >= n && !memcmp(text, prefix, n);
}

static bool has_suffix(const char *text, size_t length, const char *suffix)
{
	size_t n = strlen(suffix);

	return length > n && !memcmp(text + length - n, suffix, n);
}

static bool is_text(const char *text, size_t length, const char *wanted)
{
	return length == strlen(wanted) && !memcmp(text, wanted, length);
}

static bool is_unit(const char *name, size_t length)
{
	if (!has_suffix(name, length, ".service") && !has_suffix(name, length, ".scope") &&
	    !has_suffix(name, length, ".socket"))
		return false;
	if (has_prefix(name, length, "session-") && has_suffix(name, length, ".scope"))
		return false;
	return !has_prefix(name, length, "user@");
}

static bool is_id(const char *text, size_t length)
{
	size_t i;

	if (length != CONTAINER_ID_LENGTH)
		return false;
	for (i = 0; i < length; i++)
		if (!strchr("0123456789abcdef", text[i]) || !text[i])
			return false;
	return true;
}

/* The id in a name such as docker-ID.scope, cri-containerd-ID.scope, libpod-ID, or ID alone. */
static bool find_id(const char *name, size_t length, struct cgroup_names *names)
{
	const char *id;

	if (has_suffix(name, length, ".scope"))
		length -= strlen(".scope");
	if (length < CONTAINER_ID_LENGTH)
		return false;
	id = name + length - CONTAINER_ID_LENGTH;
	if (!is_id(id, CONTAINER_ID_LENGTH))
		return false;
	/* A prefix ends in - or :, as in "docker-". A monitor ("libpod-conmon-") is outside. */
	if (id != name && id[-1] != '-' && id[-1] != ':')
		return false;
	if (has_suffix(name, (size_t)(id - name), "-conmon-"))
		return false;
	names->container = id;
	names->container_length = CONTAINER_ID_LENGTH;
	return true;
}

/* The pod's uid in "pod1234-…" below kubepods, and in kubepods-burstable-pod1234_….slice. */
static bool find_pod(const char *name, size_t length, struct cgroup_names *names)
{
	const char *pod = NULL;
	size_t i;

	if (has_suffix(name, length, ".slice"))
		length -= strlen(".slice");
	if (has_prefix(name, length, "kubepods")) {
		for (i = 0; i + 4 < length; i++)
			if (!memcmp(name + i, "-pod", 4))
				pod = name + i + 1;
	} else if (has_prefix(name, length, "pod")) {
		pod = name;
	}
	if (!pod || (size_t)(name + length - pod) < strlen("pod") + 32)
		return false;
	names->container = pod;
	names->container_length = (size_t)(name + length - pod);
	return true;
}

/* A name as LXC gives it: lxc/NAME, lxc.payload/NAME or lxc.payload.NAME. */
static bool find_lxc(const char *name, size_t length, const char *parent, size_t parent_length,
		     struct cgroup_names *names)
{
	if (has_prefix(name, length, "lxc.payload.")) {
		names->container = name + strlen("lxc.payload.");
		names->container_length = length - strlen("lxc.payload.");
	} else if (is_text(parent, parent_length, "lxc") ||
		   is_text(parent, parent_length, "lxc.payload")) {
		names->container = name;
		names->container_length = length;
	}
	return names->container_length > 0;
}

void cgroup_parse_path(const char *path, struct cgroup_names *ret_names)
{
	struct cgroup_names names = { NULL, 0, NULL, 0 }, pod = { NULL, 0, NULL, 0 };
	const char *parent = path, *name = path;
	size_t parent_length = 0;

	/* From the outermost inwards; what comes later wins. */
	while (*name) {
		struct cgroup_names found = { NULL, 0, NULL, 0 };
		size_t length;

		name += strspn(name, "/");
		length = strcspn(name, "/");
		if (is_unit(name, length)) {
			/* systemd puts a _ before what could be taken for a file of the kernel's */
			bool escaped = name[0] == '_';

			names.unit = name + escaped;
			names.unit_length = length - escaped;
		}
		if (find_id(name, length, &found) ||
		    find_lxc(name, length, parent, parent_length, &found)) {
			names.container = found.container;
			names.container_length = found.container_length;
		}
		find_pod(name, length, &pod);
		parent = name;
		parent_length = length;
		name += length;
	}
	if (!names.container_length) {
		names.container = pod.container;
		names.container_length = pod.container_length;
	}
	*ret_names = names;
}

/* A cgroup seen on the walk. */
struct known_cgroup {
	uint64_t id;
	char *path;
};

/* Bounds of the walk: what a host can have is far below. */
#define WALK_MAX_CGROUPS 65536
#define WALK_MAX_DEPTH 32

struct cgroup_finder {
	int mount; /* descriptor of the hierarchy's root; -1: none mounted */
	bool is_unified;
	bool walked;
	const char *root; /* its path */
	struct known_cgroup *known; /* by id, once walked */
	uint32_t n_known, known_capacity;
};

static int open_hierarchy(const char *path)
{
	struct statfs info;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstatfs(fd, &info) || info.f_type != CGROUP2_SUPER_MAGIC) {
		close(fd);
		return -1;
	}
	return fd;
}

struct cgroup_finder *cgroup_finder_new(void)
{
	struct cgroup_finder *finder = xcalloc(1, sizeof(*finder));
	const char *path = "/sys/fs/cgroup";

	finder->mount = open_hierarchy(path);
	finder->is_unified = finder->mount >= 0;
	if (finder->mount < 0) {
		path = "/sys/fs/cgroup/unified";
		finder->mount = open_hierarchy(path);
	}
	finder->root = path;
	return finder;
}

void cgroup_finder_free(struct cgroup_finder *finder)
{
	uint32_t i;

	if (!finder)
		return;
	if (finder->mount >= 0)
		close(finder->mount);
	for (i = 0; i < finder->n_known; i++)
		free(finder->known[i].path);
	free(finder->known);
	free(finder);
}

bool cgroup_finder_is_unified(struct cgroup_finder *finder)
{
	return finder->is_unified;
}

static int path_by_handle(const struct cgroup_finder *finder, uint64_t id, char *buffer,
			  size_t size)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} u;
	size_t root_length = strlen(finder->root);
	char link[64], target[4096];
	const char *path;
	ssize_t n;
	int fd;

	u.handle.handle_bytes = sizeof(id);
	u.handle.handle_type = 0xfe; /* FILEID_KERNFS */
	memcpy(u.handle.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(finder->mount, &u.handle, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ESTALE ? -ENOENT : -errno;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, target, sizeof(target) - 1);
	close(fd);
	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof(target) - 1)
		return -ENAMETOOLONG;
	target[n] = '\0';
	/* A cgroup outside the mount's root (in a cgroup namespace) reads as another path. */
	if ((size_t)n < root_length || memcmp(target, finder->root, root_length))
		return -ENOENT;
	path = (size_t)n == root_length ? "/" : target + root_length;
	if (*path != '/')
		return -ENOENT;
	if (strlen(path) >= size)
		return -ENAMETOOLONG;
	strcpy(buffer, path);
	return 0;
}

static void walk(struct cgroup_finder *finder, int directory, const char *path, int depth)
{
	struct known_cgroup *known;
	struct dirent *entry;
	struct stat info;
	DIR *stream;

	if (fstat(directory, &info) || finder->n_known >= WALK_MAX_CGROUPS) {
		close(directory);
		return;
	}
	ARRAY_RESERVE(finder->known, finder->n_known, finder->known_capacity);
	known = &finder->known[finder->n_known++];
	known->id = info.st_ino;
	known->path = xstrdup(*path ? path : "/");
	stream = depth < WALK_MAX_DEPTH ? fdopendir(directory) : NULL;
	if (!stream) {
		close(directory);
		return;
	}
	while ((entry = readdir(stream))) {
		char *below;
		int fd;

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, ".."))
			continue;
		fd = openat(directory, entry->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		below = xasprintf("%s/%s", path, entry->d_name);
		walk(finder, fd, below, depth + 1);
		free(below);
	}
	closedir(stream);
}

static int compare_known(const void *left, const void *right)
{
	const struct known_cgroup *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

static int path_by_walk(struct cgroup_finder *finder, uint64_t id, char *buffer, size_t size)
{
	struct known_cgroup wanted = { .id = id }, *known;

	if (!finder->walked) {
		int fd = openat(finder->mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		finder->walked = true;
		if (fd >= 0)
			walk(finder, fd, "", 0);
		if (finder->n_known)
			qsort(finder->known, finder->n_known, sizeof(*known), compare_known);
	}
	if (!finder->n_known)
		return -ENOENT;
	known = bsearch(&wanted, finder->known, finder->n_known, sizeof(*known), compare_known);
	if (!known)
		return -ENOENT;
	if (strlen(known->path) >= size)
		return -ENAMETOOLONG;
	strcpy(buffer, known->path);
	return 0;
}

int cgroup_finder_path(struct cgroup_finder *finder, uint64_t id, char *buffer, size_t size)
{
	int error;

	if (finder->mount < 0)
		return -ENOENT;
	error = finder->walked ? -EPERM : path_by_handle(finder, id, buffer, size);
	if (!error || error == -ENOENT || error == -ENAMETOOLONG)
		return error;
	return path_by_walk(finder, id, buffer, size);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/privilege.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* In the caller's own user namespace. */
static bool has_capability(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { .effective = 0 } };

	return !syscall(SYS_capget, &header, data) &&
	       (data[0].effective & 1U << CAP_NET_BIND_SERVICE);
}

/* The user namespace that owns a network namespace. Returns its descriptor, or -errno. */
static int open_owner(int netns)
{
	int owner = ioctl(netns, NS_GET_USERNS);

	return owner < 0 ? -errno : owner;
}

/* The same of the own network namespace; -ENOENT if that is not to be found. */
static int open_own_owner(void)
{
	int owner, netns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (netns < 0)
		return -ENOENT;
	owner = open_owner(netns);
	close(netns);
	return owner;
}

static bool is_own(int user_namespace)
{
	struct stat own, other;

	return !stat("/proc/self/ns/user", &own) && !fstat(user_namespace, &other) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

enum tristate privilege_to_bind(int netns, bool as_root)
{
	int owner = netns < 0 ? open_own_owner() : open_owner(netns);
	bool own;

	/*
	 * ns_get_owner(): it is neither the own one nor below that, so no capability counts there.
	 */
	if (owner == -EPERM)
		return TRISTATE_NO;
	if (owner < 0)
		return TRISTATE_UNKNOWN;
	own = is_own(owner);
	close(owner);
	if (as_root || has_capability())
		return TRISTATE_YES;
	/* Who has made a user namespace has all capabilities in it. */
	return own ? TRISTATE_NO : TRISTATE_UNKNOWN;
}

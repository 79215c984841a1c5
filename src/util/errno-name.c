/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/errno-name.h"

#include <errno.h>
#include <stddef.h>

#include "util/xalloc.h"

#define NAME(symbol)                                                                               \
	{                                                                                          \
		symbol, #symbol                                                                    \
	}

static const struct {
	int error;
	const char *name;
} names[] = {
	NAME(E2BIG),
	NAME(EACCES),
	NAME(EADDRINUSE),
	NAME(EADDRNOTAVAIL),
	NAME(EAFNOSUPPORT),
	NAME(EAGAIN),
	NAME(EBADF),
	NAME(EBADMSG),
	NAME(EBUSY),
	NAME(ECHILD),
	NAME(ECONNREFUSED),
	NAME(EEXIST),
	NAME(EFAULT),
	NAME(EFBIG),
	NAME(EINTR),
	NAME(EINVAL),
	NAME(EIO),
	NAME(EISDIR),
	NAME(ELOOP),
	NAME(EMFILE),
	NAME(EMSGSIZE),
	NAME(ENAMETOOLONG),
	NAME(ENFILE),
	NAME(ENOBUFS),
	NAME(ENODEV),
	NAME(ENOENT),
	NAME(ENOMEM),
	NAME(ENOPROTOOPT),
	NAME(ENOSPC),
	NAME(ENOSYS),
	NAME(ENOTCONN),
	NAME(ENOTDIR),
	NAME(ENOTSOCK),
	NAME(ENOTSUP),
	NAME(ENOTTY),
	NAME(ENXIO),
	NAME(EOVERFLOW),
	NAME(EPERM),
	NAME(EPIPE),
	NAME(EPROTO),
	NAME(EPROTONOSUPPORT),
	NAME(ERANGE),
	NAME(EROFS),
	NAME(ESRCH),
	NAME(ETIMEDOUT),
};

const char *errno_name(int error)
{
	size_t i;

	if (error < 0)
		error = -error;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (names[i].error == error)
			return names[i].name;
	}
	return "EUNKNOWN";
}

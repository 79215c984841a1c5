/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_BIND_SOCKET_H
#define PROBE_BIND_SOCKET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "analysis/bind-conflict.h"

/* Real sockets made as a struct bind_candidate describes them. */

/* sockaddr of an address; device is for link-local ones of IPv6, may be NULL. Returns its size. */
socklen_t bind_socket_address(int family, const struct address *address, uint16_t port,
			      const char *device, struct sockaddr_storage *ret_at);

/*
 * A socket with the candidate's protocol, family, v6only and flags, not bound yet, non-blocking;
 * device (NULL: none) is set on it. Returns it, or -errno, and *ret_step names what failed.
 */
int bind_socket_new(const struct bind_candidate *candidate, const char *device,
		    const char **ret_step);

/* bind() to the candidate's address and port. Returns 0 or -errno. */
int bind_socket_bind(int fd, const struct bind_candidate *candidate, const char *device);

/* setsockopt() of an int. Returns 0 or -errno. */
int bind_socket_set(int fd, int level, int option, int value);

/* Both flags, as they shall be from now on. Returns 0 or -errno. */
int bind_socket_set_reuse(int fd, bool reuse_addr, bool reuse_port);

#endif

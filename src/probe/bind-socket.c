/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/bind-socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

socklen_t bind_socket_address(int family, const struct address *address, uint16_t port,
			      const char *device, struct sockaddr_storage *ret_at)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)ret_at;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret_at;

	memset(ret_at, 0, sizeof(*ret_at));
	ret_at->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, address->bytes, sizeof(in4->sin_addr));
		return sizeof(*in4);
	}
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, sizeof(in6->sin6_addr));
	if (device && IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		in6->sin6_scope_id = if_nametoindex(device);
	return sizeof(*in6);
}

int bind_socket_set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) ? -errno : 0;
}

int bind_socket_set_reuse(int fd, bool reuse_addr, bool reuse_port)
{
	int error = bind_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, reuse_addr);

	return error ? error : bind_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, reuse_port);
}

int bind_socket_new(const struct bind_candidate *candidate, const char *device,
		    const char **ret_step)
{
	bool stream = protocol_is_stream((enum protocol)candidate->protocol);
	int protocol = candidate->protocol == PROTOCOL_UDPLITE ? IPPROTO_UDPLITE : 0;
	int error = 0, fd;

	*ret_step = "socket";
	fd = socket(candidate->family,
		    (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (fd < 0)
		return -errno;
	*ret_step = "setsockopt";
	error = bind_socket_set_reuse(fd, candidate->reuse_addr, candidate->reuse_port);
	if (!error && candidate->family == AF_INET6)
		error = bind_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, candidate->v6only);
	if (!error && device) {
		*ret_step = "SO_BINDTODEVICE";
		if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			       (socklen_t)strlen(device) + 1))
			error = -errno;
	}
	if (!error)
		return fd;
	close(fd);
	return error;
}

int bind_socket_bind(int fd, const struct bind_candidate *candidate, const char *device)
{
	struct sockaddr_storage at;
	socklen_t size = bind_socket_address(candidate->family, &candidate->address,
					     candidate->port, device, &at);

	return bind(fd, (struct sockaddr *)&at, size) ? -errno : 0;
}

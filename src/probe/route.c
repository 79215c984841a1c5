/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/route.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <sys/socket.h>

/* Of NLMSG_ERROR too: that there is no route is an answer. */
static int read_type(const struct nlmsghdr *message, size_t length)
{
	const struct rtmsg *route;

	if (!mnl_nlmsg_ok(message, (int)length))
		return -EIO;
	if (message->nlmsg_type != RTM_NEWROUTE)
		return RTN_UNSPEC;
	route = mnl_nlmsg_get_payload(message);
	return route->rtm_type;
}

int route_type(int family, const struct address *address, uint32_t interface)
{
	alignas(struct nlmsghdr) char buffer[8192];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *socket;
	struct address plain;
	struct rtmsg *wanted;
	ssize_t length;
	size_t size;
	int type;

	family = address_unmap(family, address, &plain);
	size = family == AF_INET ? 4 : 16;
	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST;
	wanted = mnl_nlmsg_put_extra_header(message, sizeof(*wanted));
	wanted->rtm_family = (uint8_t)family;
	wanted->rtm_dst_len = (uint8_t)(size * 8);
	mnl_attr_put(message, RTA_DST, size, plain.bytes);
	if (interface)
		mnl_attr_put_u32(message, RTA_OIF, interface);
	socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		length = -1;
	else
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
	type = length < 0 ? -errno : read_type(message, (size_t)length);
	mnl_socket_close(socket);
	return type;
}

bool route_is_broadcast(int family, const struct address *address)
{
	return route_type(family, address, 0) == RTN_BROADCAST;
}

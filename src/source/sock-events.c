/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-events.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdalign.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "source/netns.h"
#include "source/source.h"
#include "util/xalloc.h"

#define BUFFER_SIZE 32768

struct sock_events {
	struct mnl_socket *netlink;
	uint16_t port; /* while they are taken: the one asked for */
	bool found;
	alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
};

static int join(struct mnl_socket *netlink)
{
	static const int groups[] = { SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET_UDP_DESTROY,
				      SKNLGRP_INET6_TCP_DESTROY, SKNLGRP_INET6_UDP_DESTROY };
	size_t i;

	if (mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	for (i = 0; i < ARRAY_SIZE(groups); i++)
		if (mnl_socket_setsockopt(netlink, NETLINK_ADD_MEMBERSHIP, (void *)&groups[i],
					  sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

static int open_here(struct sock_events **ret_events)
{
	struct mnl_socket *netlink =
		mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int error;

	if (!netlink)
		return -errno;
	error = join(netlink);
	if (error) {
		mnl_socket_close(netlink);
		return error;
	}
	*ret_events = xcalloc(1, sizeof(**ret_events));
	(*ret_events)->netlink = netlink;
	return 0;
}

int sock_events_open(struct netns_choice *netns, struct sock_events **ret_events)
{
	const struct collect_request request = { .netns = netns };
	struct netns_list list;
	int home, error;

	error = netns_list_open(&request, &list);
	if (error)
		return error;
	error = netns_enter(&list.items[0], &home);
	if (!error) {
		error = open_here(ret_events);
		netns_leave(home);
	}
	netns_list_done(&list);
	return error;
}

void sock_events_close(struct sock_events *events)
{
	if (!events)
		return;
	mnl_socket_close(events->netlink);
	free(events);
}

int sock_events_fd(const struct sock_events *events)
{
	return mnl_socket_get_fd(events->netlink);
}

static int take_message(const struct nlmsghdr *message, void *user)
{
	struct sock_events *events = user;
	const struct inet_diag_msg *gone;

	if (message->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*gone))
		return MNL_CB_OK;
	gone = mnl_nlmsg_get_payload(message);
	if (ntohs(gone->id.idiag_sport) == events->port)
		events->found = true;
	return MNL_CB_OK;
}

bool sock_events_take(struct sock_events *events, uint16_t port)
{
	ssize_t length;

	events->port = port;
	events->found = false;
	for (;;) {
		length = mnl_socket_recvfrom(events->netlink, events->buffer, BUFFER_SIZE);
		if (length < 0 && errno == EINTR)
			continue;
		/* ENOBUFS: there were more than the socket holds. */
		if (length < 0)
			return events->found || (errno != EAGAIN && errno != EWOULDBLOCK);
		mnl_cb_run(events->buffer, (size_t)length, 0, 0, take_message, events);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket of the kernel itself: a VXLAN device that is up holds a UDP socket which no process
 * has. Made by rtnetlink(7), and only in a network namespace that is nobody's real network.
 */
#include "mksock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct request {
	struct nlmsghdr head;
	struct ifinfomsg link;
	char attributes[256];
};

static unsigned int made[64], n_made;

/* Another process 1 in the same network, or a device that no test has made, is a real network. */
static void require_private_namespace(void)
{
	struct if_nameindex *devices;
	struct stat mine, first;

	if (stat("/proc/self/ns/net", &mine))
		fail("/proc/self/ns/net: %s", strerror(errno));
	if (!stat("/proc/1/ns/net", &first)) {
		if (mine.st_ino == first.st_ino)
			fail("only in a private network namespace");
		return;
	}
	devices = if_nameindex();
	for (struct if_nameindex *device = devices; device && device->if_index; device++) {
		if (strcmp(device->if_name, "lo") && strncmp(device->if_name, "mksock", 6))
			fail("only in a private network namespace, and this one has the device %s",
			     device->if_name);
	}
	if_freenameindex(devices);
}

static struct rtattr *put(struct request *request, unsigned short type, const void *data,
			  size_t len)
{
	struct rtattr *attr =
		(struct rtattr *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));

	attr->rta_type = type;
	attr->rta_len = (unsigned short)RTA_LENGTH(len);
	if (len)
		memcpy(RTA_DATA(attr), data, len);
	request->head.nlmsg_len =
		NLMSG_ALIGN(request->head.nlmsg_len) + (unsigned int)RTA_ALIGN(attr->rta_len);
	return attr;
}

static void put_end(struct request *request, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)request + request->head.nlmsg_len - (char *)nest);
}

/* 0 or -errno */
static int talk(struct request *request)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	request->head.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (send(fd, request, request->head.nlmsg_len, 0) == (ssize_t)request->head.nlmsg_len)
		n = recv(fd, &answer, sizeof(answer), 0);
	close(fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EIO;
	return answer.error.error;
}

void make_kernel_socket(const struct spec *spec, struct socks *socks)
{
	uint16_t port = address_port(&spec->addr) ? address_port(&spec->addr) : 4789;
	struct request request = {
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
			  .nlmsg_type = RTM_NEWLINK,
			  .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL },
		.link = { .ifi_flags = IFF_UP, .ifi_change = IFF_UP },
	};
	uint32_t vni = n_made + 1;
	uint16_t be_port = htons(port);
	struct rtattr *info, *data;
	char name[IFNAMSIZ];
	struct sock *sock;
	int err;

	require_private_namespace();
	if (n_made == sizeof(made) / sizeof(*made))
		fail("too many devices");
	snprintf(name, sizeof(name), "mksock%u", port);
	put(&request, IFLA_IFNAME, name, strlen(name) + 1);
	info = put(&request, IFLA_LINKINFO, NULL, 0);
	put(&request, IFLA_INFO_KIND, "vxlan", 5);
	data = put(&request, IFLA_INFO_DATA, NULL, 0);
	put(&request, IFLA_VXLAN_ID, &vni, sizeof(vni));
	put(&request, IFLA_VXLAN_PORT, &be_port, sizeof(be_port));
	put_end(&request, data);
	put_end(&request, info);
	err = talk(&request);
	if (err) {
		errno = -err;
		fail_errno("a vxlan device");
	}
	made[n_made++] = if_nametoindex(name);

	sock = socks_add(socks, -1, "kernel", true);
	sock->protocol = IPPROTO_UDP;
	sock->family = AF_INET;
	sock->local.ss_family = AF_INET;
	address_set_port(&sock->local, port);
	sock->reuseaddr = sock->reuseport = -1;
}

void kernel_sockets_done(void)
{
	for (unsigned int i = 0; i < n_made; i++) {
		struct request request = {
			.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)),
				  .nlmsg_type = RTM_DELLINK },
			.link = { .ifi_index = (int)made[i] },
		};

		talk(&request);
	}
	n_made = 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/replica-net.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "probe/route.h"

#define REQUEST_SIZE 512
#define ROUTE_WAIT_MS 100

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int set_state(const char *device, bool up)
{
	struct ifreq request;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return -errno;
	memset(&request, 0, sizeof(request));
	strncpy(request.ifr_name, device, sizeof(request.ifr_name) - 1);
	if (ioctl(fd, SIOCGIFFLAGS, &request))
		error = -errno;
	request.ifr_flags = (short)(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
	if (!error && ioctl(fd, SIOCSIFFLAGS, &request))
		error = -errno;
	close(fd);
	return error;
}

int replica_net_enter(bool *ret_one_user)
{
	unsigned int uid = geteuid(), gid = getegid();
	char map[64];
	int error;

	*ret_one_user = false;
	if (unshare(CLONE_NEWNET)) {
		if (errno != EPERM || unshare(CLONE_NEWUSER | CLONE_NEWNET))
			return -errno;
		*ret_one_user = true;
		snprintf(map, sizeof(map), "0 %u 1", uid);
		error = write_file("/proc/self/uid_map", map);
		if (error)
			return error;
		/* Only who may not change groups may write the other map. */
		write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "0 %u 1", gid);
		write_file("/proc/self/gid_map", map);
	}
	return set_state("lo", true);
}

/* Send a request of rtnetlink and read what the kernel says to it. */
static int ask(struct nlmsghdr *request)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	alignas(struct nlmsghdr) char buffer[8192];
	ssize_t length;
	int error = 0;

	if (!socket)
		return -errno;
	request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	request->nlmsg_seq = 1;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
		error = -errno;
	} else {
		length = mnl_socket_recvfrom(socket, buffer, sizeof(buffer));
		if (length < 0 || mnl_cb_run(buffer, (size_t)length, 1,
					     mnl_socket_get_portid(socket), NULL, NULL) < 0)
			error = -errno;
	}
	mnl_socket_close(socket);
	return error;
}

static int add_link(const char *name, const char *kind)
{
	alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nlattr *info;

	request->nlmsg_type = RTM_NEWLINK;
	request->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(request, info);
	return ask(request);
}

int replica_net_add_device(const char *name)
{
	/*
	 * Any will do; the first that this kernel has. To ask for the last may load its module,
	 * which makes a device of its own in the first namespace.
	 */
	static const char *const kinds[] = { "bridge", "veth", "dummy" };
	int error = 0;
	size_t i;

	if (if_nametoindex(name))
		return 0;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		error = add_link(name, kinds[i]);
		if (!error)
			return set_state(name, true);
	}
	return error;
}

/*
 * An IPv6 address can be bound at once; the route to it comes a moment later, by a kernel worker.
 */
static void await_route(const struct address *address, uint32_t interface)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	int i, type;

	for (i = 0; i < ROUTE_WAIT_MS; i++) {
		type = route_type(AF_INET6, address, interface);
		if (type < 0 || type == RTN_LOCAL)
			return;
		nanosleep(&pause, NULL);
	}
}

int replica_net_add_address(const char *device, int family, const struct address *address)
{
	alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *header;
	struct address v4;
	size_t size = family == AF_INET ? 4 : 16;
	int error;

	if (address_unmap(family, address, &v4) != family)
		return replica_net_add_address(device, AF_INET, &v4);
	if (address_is_wildcard(family, address) || address_is_multicast(family, address) ||
	    (address_is_loopback(family, address) && !device))
		return 0;
	request->nlmsg_type = RTM_NEWADDR;
	request->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ifa_family = (uint8_t)family;
	header->ifa_prefixlen = (uint8_t)(size * 8);
	header->ifa_index = if_nametoindex(device ? device : "lo");
	header->ifa_flags = IFA_F_NODAD;
	header->ifa_scope = RT_SCOPE_UNIVERSE;
	mnl_attr_put(request, IFA_LOCAL, size, address->bytes);
	mnl_attr_put(request, IFA_ADDRESS, size, address->bytes);
	error = ask(request);
	if (!error && family == AF_INET6)
		await_route(address, device ? header->ifa_index : 0);
	return error == -EEXIST ? 0 : error;
}

/* One of its addresses of IPv4, whichever comes first; -EADDRNOTAVAIL if it has none. */
static int remove_v4_address(unsigned int device)
{
	alignas(struct nlmsghdr) char buffer[REQUEST_SIZE];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifaddrmsg *header;

	request->nlmsg_type = RTM_DELADDR;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->ifa_family = AF_INET;
	header->ifa_index = device;
	return ask(request);
}

int replica_net_remove_addresses(void)
{
	struct if_nameindex *devices = if_nameindex(), *each;
	int error = 0;

	if (!devices)
		return -errno;
	for (each = devices; each->if_name && !error; each++) {
		/* Those of IPv6 go when it is down, those of IPv4 stay. */
		error = set_state(each->if_name, false);
		while (!error)
			error = remove_v4_address(each->if_index);
		if (error == -EADDRNOTAVAIL)
			error = 0;
	}
	if_freenameindex(devices);
	return error;
}

int replica_net_set(const char *sysctl, int64_t value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/proc/sys/net/%s", sysctl);
	snprintf(text, sizeof(text), "%" PRId64, value);
	return write_file(path, text);
}

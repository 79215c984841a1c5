/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is really there: a socket is read back by its descriptor, or, when it has none left, asked
 * for by its addresses.
 */
#include "mksock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* include/net/tcp_states.h; TCP_CLOSE with a port is bound. */
static const char *const tcp_states[] = { "?",		"ESTAB",      "SYN-SENT",  "SYN-RECV",
					  "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "BOUND",
					  "CLOSE-WAIT", "LAST-ACK",   "LISTEN",	   "CLOSING",
					  "SYN-RECV" };

uint16_t address_port(const struct sockaddr_storage *ss)
{
	return ntohs(ss->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)ss)->sin6_port :
						 ((const struct sockaddr_in *)ss)->sin_port);
}

void address_set_port(struct sockaddr_storage *ss, uint16_t port)
{
	if (ss->ss_family == AF_INET6)
		((struct sockaddr_in6 *)ss)->sin6_port = htons(port);
	else
		((struct sockaddr_in *)ss)->sin_port = htons(port);
}

socklen_t address_len(const struct sockaddr_storage *ss)
{
	return ss->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

bool address_is_any(const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)ss)->sin6_addr);
	return ((const struct sockaddr_in *)ss)->sin_addr.s_addr == htonl(INADDR_ANY);
}

const char *address_text(const struct sockaddr_storage *ss)
{
	const struct sockaddr_in6 *sin6 = (const struct sockaddr_in6 *)ss;
	static char text[4][INET6_ADDRSTRLEN + IFNAMSIZ + 16];
	char host[INET6_ADDRSTRLEN], scope[IFNAMSIZ];
	static unsigned int slot;
	char *out = text[slot++ % 4];

	if (ss->ss_family == AF_INET6) {
		bool scoped = sin6->sin6_scope_id && if_indextoname(sin6->sin6_scope_id, scope);

		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
		snprintf(out, sizeof(text[0]), "[%s%s%s]:%u", host, scoped ? "%" : "",
			 scoped ? scope : "", address_port(ss));
	} else if (ss->ss_family == AF_INET) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)ss)->sin_addr, host, sizeof(host));
		snprintf(out, sizeof(text[0]), "%s:%u", host, address_port(ss));
	} else {
		return "-";
	}
	return out;
}

static int get_int(int fd, int level, int option)
{
	socklen_t len = sizeof(int);
	int value;

	return getsockopt(fd, level, option, &value, &len) ? -1 : value;
}

/* A member can read its source filter, anybody else gets EADDRNOTAVAIL. */
static void read_membership(struct sock *sock, const struct sockaddr_storage *group)
{
	struct group_filter filter = { .gf_fmode = 0 };
	socklen_t len = sizeof(filter);

	filter.gf_interface = sock->ifindex ? sock->ifindex : if_nametoindex("lo");
	memcpy(&filter.gf_group, group, sizeof(*group));
	if (!getsockopt(sock->fd, group->ss_family == AF_INET6 ? SOL_IPV6 : SOL_IP, MCAST_MSFILTER,
			&filter, &len))
		sock->join = *group;
	else
		fail("not a member of the group: %s", strerror(errno));
}

void sock_read(struct sock *sock)
{
	struct tcp_info info = { 0 };
	uint32_t meminfo[16];
	socklen_t len;
	struct stat st;

	sock->protocol = get_int(sock->fd, SOL_SOCKET, SO_PROTOCOL);
	sock->family = get_int(sock->fd, SOL_SOCKET, SO_DOMAIN);
	sock->reuseaddr = get_int(sock->fd, SOL_SOCKET, SO_REUSEADDR);
	sock->reuseport = get_int(sock->fd, SOL_SOCKET, SO_REUSEPORT);
	sock->v6only = sock->family == AF_INET6 ? get_int(sock->fd, SOL_IPV6, IPV6_V6ONLY) : -1;
	len = sizeof(sock->device);
	if (getsockopt(sock->fd, SOL_SOCKET, SO_BINDTODEVICE, sock->device, &len))
		fail("SO_BINDTODEVICE: %s", strerror(errno));
	if (!len)
		sock->device[0] = '\0';
	sock->ifindex = sock->device[0] ? if_nametoindex(sock->device) : 0;
	len = sizeof(sock->cookie);
	if (getsockopt(sock->fd, SOL_SOCKET, SO_COOKIE, &sock->cookie, &len))
		sock->cookie = 0;
	if (fstat(sock->fd, &st))
		fail("fstat: %s", strerror(errno));
	sock->inode = st.st_ino;
	sock->uid = st.st_uid;

	len = sizeof(sock->local);
	if (getsockname(sock->fd, (struct sockaddr *)&sock->local, &len))
		fail("getsockname: %s", strerror(errno));
	len = sizeof(sock->peer);
	/*
	 * A closed connection still knows its peer, but getpeername() does not tell; the last
	 * known one stays then.
	 */
	getpeername(sock->fd, (struct sockaddr *)&sock->peer, &len);

	len = sizeof(info);
	if (sock->protocol == IPPROTO_UDP || sock->protocol == IPPROTO_UDPLITE) {
		snprintf(sock->state, sizeof(sock->state), "%s",
			 sock->peer.ss_family ? "ESTAB" : "BOUND");
	} else if (get_int(sock->fd, SOL_SOCKET, SO_ACCEPTCONN) == 1) {
		strcpy(sock->state, "LISTEN");
		if (!getsockopt(sock->fd, IPPROTO_TCP, TCP_INFO, &info, &len) &&
		    info.tcpi_state == TCP_LISTEN) {
			sock->recvq = info.tcpi_unacked;
			sock->backlog = info.tcpi_sacked;
		}
	} else if (!getsockopt(sock->fd, IPPROTO_TCP, TCP_INFO, &info, &len)) {
		snprintf(sock->state, sizeof(sock->state), "%s",
			 info.tcpi_state < sizeof(tcp_states) / sizeof(*tcp_states) ?
				 tcp_states[info.tcpi_state] :
				 "?");
		if (info.tcpi_state == TCP_CLOSE && !address_port(&sock->local))
			strcpy(sock->state, "CLOSE");
	}
	len = sizeof(meminfo);
	if (!getsockopt(sock->fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len) &&
	    len > 8 * sizeof(*meminfo)) {
		if (sock->recvq < 0)
			sock->recvq = meminfo[0];
		sock->drops = meminfo[8];
	}
	if (sock->join.ss_family) {
		struct sockaddr_storage group = sock->join;

		sock->join.ss_family = 0;
		read_membership(sock, &group);
	}
}

static void copy_diag_address(__be32 *to, const struct sockaddr_storage *from)
{
	if (from->ss_family == AF_INET6)
		memcpy(to, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	else
		memcpy(to, &((const struct sockaddr_in *)from)->sin_addr, 4);
}

bool sock_read_diag(struct sock *sock)
{
	bool udp = sock->protocol == IPPROTO_UDP || sock->protocol == IPPROTO_UDPLITE;
	const struct sockaddr_storage *src = udp ? &sock->peer : &sock->local;
	const struct sockaddr_storage *dst = udp ? &sock->local : &sock->peer;
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 req;
	} request = {
		.head = { .nlmsg_len = sizeof(request), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST },
		.req = {
			.sdiag_family = (uint8_t)sock->family,
			.sdiag_protocol = (uint8_t)sock->protocol,
			.idiag_states = ~0U,
			.id = { .idiag_if = sock->ifindex,
				.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
		},
	};
	union {
		struct nlmsghdr head;
		char bytes[8192];
	} answer;
	const struct inet_diag_msg *msg = NLMSG_DATA(&answer.head);
	ssize_t n;
	int fd;

	/* An exact look-up of UDP takes the addresses as a received datagram has them. */
	copy_diag_address(request.req.id.idiag_src, src);
	copy_diag_address(request.req.id.idiag_dst, dst);
	request.req.id.idiag_sport = htons(address_port(src));
	request.req.id.idiag_dport = htons(address_port(dst));

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		fail_errno("NETLINK_SOCK_DIAG");
	n = -1;
	if (send(fd, &request, sizeof(request), 0) == sizeof(request))
		n = recv(fd, &answer, sizeof(answer), 0);
	close(fd);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(*msg)) ||
	    answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;

	snprintf(sock->state, sizeof(sock->state), "%s",
		 msg->idiag_state < sizeof(tcp_states) / sizeof(*tcp_states) ?
			 tcp_states[msg->idiag_state] :
			 "?");
	sock->inode = msg->idiag_inode;
	sock->uid = msg->idiag_uid;
	sock->timer = msg->idiag_timer;
	sock->timer_ms = msg->idiag_timer ? (int)msg->idiag_expires : -1;
	sock->cookie = (uint64_t)msg->id.idiag_cookie[1] << 32 | msg->id.idiag_cookie[0];
	sock->recvq = msg->idiag_rqueue;
	return true;
}

/* Reads a small file of /proc, and writes it so that the line stays one line of words. */
static void print_escaped(const char *key, const char *bytes, ssize_t n)
{
	printf(" %s=", key);
	for (ssize_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c > ' ' && c < 0x7f && c != '\\')
			putchar(c);
		else
			printf("\\x%02x", c);
	}
}

static void print_process(const struct sock *sock)
{
	char buf[4096];
	ssize_t n;
	int fd;

	printf(" pid=%d ppid=%d", (int)proc_pid(), (int)getppid());
	if (syscall(SYS_gettid) != getpid())
		printf(" tid=%ld", (long)syscall(SYS_gettid));
	if (getpid() != proc_pid())
		printf(" nspid=%d", (int)getpid());
	if (sock->held)
		printf(" held=%s fd=-", sock->held);
	else
		printf(" fd=%d", sock->fd);
	fd = open("/proc/thread-self/comm", O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, buf, sizeof(buf));
	if (fd >= 0)
		close(fd);
	print_escaped("comm", buf, n > 0 ? n - 1 : 0);
	n = readlink("/proc/self/exe", buf, sizeof(buf));
	if (n < 0)
		printf(" exe=?");
	else
		print_escaped("exe", buf, n);
}

static void print_number(const char *key, long value)
{
	if (value < 0)
		printf(" %s=?", key);
	else
		printf(" %s=%ld", key, value);
}

static void print_sock(const struct spec *spec, const struct sock *sock)
{
	static const char *const protocols[] = { [IPPROTO_TCP] = "tcp",
						 [IPPROTO_UDP] = "udp",
						 [IPPROTO_UDPLITE] = "udplite",
						 [IPPROTO_MPTCP] = "mptcp" };
	bool has_owner = sock->fd >= 0 || sock->held;

	printf("spec=%u role=%s proto=%s family=%s local=%s peer=%s state=%s", spec->index,
	       sock->role, protocols[sock->protocol], sock->family == AF_INET6 ? "inet6" : "inet",
	       address_text(&sock->local), address_text(&sock->peer), sock->state);
	print_number("reuseaddr", sock->reuseaddr);
	print_number("reuseport", sock->reuseport);
	if (sock->family == AF_INET6)
		print_number("v6only", sock->v6only);
	else
		printf(" v6only=-");
	printf(" device=%s uid=%u", sock->device[0] ? sock->device : "-", (unsigned int)sock->uid);
	if (has_owner)
		print_process(sock);
	else
		printf(" pid=- fd=-");
	printf(" inode=%lu", sock->inode);
	if (sock->cookie)
		printf(" cookie=%" PRIu64, sock->cookie);
	else
		printf(" cookie=?");
	print_number("recvq", sock->recvq);
	if (sock->backlog >= 0)
		print_number("backlog", sock->backlog);
	if (sock->drops >= 0)
		print_number("drops", sock->drops);
	if (sock->timer >= 0)
		printf(" timer=%d timer_ms=%d", sock->timer, sock->timer_ms);
	if (sock->join.ss_family) {
		struct sockaddr_storage group = sock->join;

		printf(" join=%.*s", (int)strcspn(address_text(&group), ":"), address_text(&group));
	}
	putchar('\n');
}

/* Brings the record up to date; false while it is not yet in its state. */
static bool sock_is_settled(const struct spec *spec, struct sock *sock)
{
	const char *expected = sock->is_subject ? spec->state->kernel : sock->expected;

	if (sock->fd >= 0)
		sock_read(sock);
	else if (!sock->held && !sock_read_diag(sock))
		return false;
	return !expected || !strcmp(sock->state, expected);
}

void settle(const struct spec *spec, struct socks *socks)
{
	for (size_t i = 0; i < socks->n; i++) {
		struct sock *sock = &socks->v[i];
		int tries = 0;

		while (!sock_is_settled(spec, sock)) {
			if (++tries == 300)
				fail("%s %s is in the state %s", sock->role,
				     address_text(&sock->local),
				     sock->fd >= 0 || sock_read_diag(sock) ? sock->state : "none");
			nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
		}
	}
}

void report(const struct spec *spec, struct socks *socks)
{
	settle(spec, socks);
	for (size_t i = 0; i < socks->n; i++)
		print_sock(spec, &socks->v[i]);
	fflush(stdout);
}

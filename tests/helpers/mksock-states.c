/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets brought into a state by what a program and its peer can do: nothing is injected, all
 * packets go over the loopback device.
 */
#include "mksock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void set_option(int fd, int level, int option, int value, const char *name)
{
	if (value >= 0 && setsockopt(fd, level, option, &value, sizeof(value)))
		fail_errno(name);
}

static int open_socket(int family, int type, int protocol)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol);

	if (fd < 0)
		fail_errno("socket");
	return fd;
}

static void bind_to(int fd, const struct sockaddr_storage *addr)
{
	if (bind(fd, (const struct sockaddr *)addr, address_len(addr)))
		fail("bind %s: %s", address_text(addr), strerror(errno));
}

static void attach_program(int fd)
{
	struct sock_filter first = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &first };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)))
		fail_errno("SO_ATTACH_REUSEPORT_CBPF");
}

/* The socket that the keys describe, bound. */
static int open_bound(const struct spec *spec)
{
	bool udp = spec->state->protocol == IPPROTO_UDP || spec->state->protocol == IPPROTO_UDPLITE;
	int fd = open_socket(spec->addr.ss_family, udp ? SOCK_DGRAM : SOCK_STREAM,
			     spec->state->protocol);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, spec->reuseaddr, "SO_REUSEADDR");
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, spec->reuseport, "SO_REUSEPORT");
	if (spec->addr.ss_family == AF_INET6)
		set_option(fd, SOL_IPV6, IPV6_V6ONLY, spec->v6only, "IPV6_V6ONLY");
	if (spec->device[0] && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, spec->device,
					  (socklen_t)strlen(spec->device)))
		fail_errno("SO_BINDTODEVICE");
	if (spec->program)
		attach_program(fd);
	bind_to(fd, &spec->addr);
	return fd;
}

static void do_listen(int fd, int backlog)
{
	if (listen(fd, backlog))
		fail("listen: %s", strerror(errno));
}

static void get_name(int fd, struct sockaddr_storage *ret_addr)
{
	socklen_t len = sizeof(*ret_addr);

	if (getsockname(fd, (struct sockaddr *)ret_addr, &len))
		fail("getsockname: %s", strerror(errno));
}

/* Where a client on this machine reaches the socket. */
static void get_destination(const struct spec *spec, int fd, struct sockaddr_storage *ret_addr)
{
	struct sockaddr_storage name;

	get_name(fd, &name);
	if (spec->via.ss_family) {
		*ret_addr = spec->via;
		address_set_port(ret_addr, address_port(&name));
		return;
	}
	*ret_addr = name;
	if (!address_is_any(&name))
		return;
	if (name.ss_family == AF_INET6)
		((struct sockaddr_in6 *)ret_addr)->sin6_addr = in6addr_loopback;
	else
		((struct sockaddr_in *)ret_addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
}

/* The states that last only while a FIN cannot leave. */
static bool is_stuck(const struct spec *spec)
{
	return !strcmp(spec->state->name, "fin-wait-1") || !strcmp(spec->state->name, "closing") ||
	       !strcmp(spec->state->name, "last-ack");
}

/* Set before the handshake: the window that the peer sees never grows beyond it. */
static void limit_window(const struct spec *spec, int fd)
{
	if (is_stuck(spec))
		set_option(fd, SOL_SOCKET, SO_RCVBUF, 8192, "SO_RCVBUF");
}

/* A client's socket, not yet connected; bound only if a port is asked for. */
static int open_client(const struct spec *spec, const struct sockaddr_storage *destination)
{
	int fd = open_socket(destination->ss_family, SOCK_STREAM, spec->state->protocol);

	set_option(fd, SOL_SOCKET, SO_REUSEADDR, spec->client_reuseaddr, "SO_REUSEADDR");
	set_option(fd, SOL_SOCKET, SO_REUSEPORT, spec->client_reuseport, "SO_REUSEPORT");
	limit_window(spec, fd);
	if (spec->client_port) {
		struct sockaddr_storage local = *destination;

		address_set_port(&local, (uint16_t)spec->client_port);
		bind_to(fd, &local);
	}
	return fd;
}

static void do_connect(int fd, const struct sockaddr_storage *destination)
{
	if (connect(fd, (const struct sockaddr *)destination, address_len(destination)))
		fail("connect %s: %s", address_text(destination), strerror(errno));
}

/* From here on the socket receives nothing: what is sent to it vanishes without an answer. */
static void drop_all(int fd)
{
	struct sock_filter ret_0 = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &ret_0 };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		fail_errno("SO_ATTACH_FILTER");
}

static void wait_event(int fd, short events, const char *what)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	if (poll(&pfd, 1, 3000) != 1)
		fail("%s does not come", what);
}

/*
 * Queues more than the peer's window takes: a FIN after it waits until the peer reads, which it
 * never does.
 */
static void fill(int fd)
{
	int flags = fcntl(fd, F_GETFL), queued = 0;
	static const char zeros[65536];

	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	if (errno != EAGAIN)
		fail("write: %s", strerror(errno));
	fcntl(fd, F_SETFL, flags);
	if (ioctl(fd, SIOCOUTQ, &queued) || queued <= 2 * 8192)
		fail("the peer takes all data");
}

static void finish(int fd)
{
	if (shutdown(fd, SHUT_WR))
		fail("shutdown: %s", strerror(errno));
}

static void wait_eof(int fd)
{
	char byte;

	wait_event(fd, POLLIN, "the peer's FIN");
	if (read(fd, &byte, 1))
		fail("data before the peer's FIN");
}

/* The descriptor goes, what it was stays on record. */
static void close_end(struct sock *sock, bool is_gone)
{
	sock_read(sock);
	close(sock->fd);
	sock->fd = -1;
	sock->is_gone = is_gone;
}

/* Brings a new connection into the wanted state, seen from its subject. */
static void shape(const struct spec *spec, struct sock *subject, struct sock *other)
{
	const char *state = spec->state->name;
	bool close_other = spec->other == OTHER_CLOSE;

	if (spec->orphan && strcmp(state, "fin-wait-2") && !is_stuck(spec))
		fail("there is no orphan in this state");
	if (!strcmp(state, "connected")) {
		if (close_other)
			fail("other=close makes it close-wait");
		return;
	}
	if (!strcmp(state, "close-wait")) {
		finish(other->fd);
		wait_eof(subject->fd);
		other->expected = "FIN-WAIT-2";
		if (close_other)
			close_end(other, false);
		return;
	}
	if (!strcmp(state, "time-wait")) {
		finish(subject->fd);
		wait_eof(other->fd);
		close_end(subject, false);
		close_end(other, true);
		return;
	}
	if (close_other)
		fail("the other end is needed for this state");
	if (!strcmp(state, "fin-wait-2")) {
		finish(subject->fd);
		wait_eof(other->fd);
		other->expected = "CLOSE-WAIT";
	} else if (!strcmp(state, "fin-wait-1")) {
		fill(subject->fd);
		finish(subject->fd);
	} else if (!strcmp(state, "closing")) {
		fill(subject->fd);
		finish(subject->fd);
		finish(other->fd);
		other->expected = "FIN-WAIT-2";
	} else if (!strcmp(state, "last-ack")) {
		fill(subject->fd);
		finish(other->fd);
		wait_eof(subject->fd);
		finish(subject->fd);
		other->expected = "FIN-WAIT-2";
	}
	if (spec->orphan)
		close_end(subject, false);
}

static void connect_one(const struct spec *spec, int listener, struct socks *socks)
{
	struct sockaddr_storage destination;
	struct sock *subject, *other;
	int client, server;
	size_t first;

	get_destination(spec, listener, &destination);
	client = open_client(spec, &destination);
	do_connect(client, &destination);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		fail("accept: %s", strerror(errno));
	set_option(server, SOL_SOCKET, SO_REUSEADDR, spec->child_reuseaddr, "SO_REUSEADDR");
	set_option(server, SOL_SOCKET, SO_REUSEPORT, spec->child_reuseport, "SO_REUSEPORT");

	first = socks->n;
	socks_add(socks, spec->client_side ? client : server,
		  spec->client_side ? "client" : "server", true);
	socks_add(socks, spec->client_side ? server : client,
		  spec->client_side ? "server" : "client", false);
	subject = &socks->v[first];
	other = &socks->v[first + 1];
	shape(spec, subject, other);
	if (other->is_gone)
		socks->n--;
}

void make_connection(const struct spec *spec, struct socks *socks)
{
	int listener = open_bound(spec);

	limit_window(spec, listener);
	do_listen(listener, spec->backlog);
	if (spec->keep_listener)
		socks_add(socks, listener, "listener", false);
	for (int i = 0; i < spec->conns; i++)
		connect_one(spec, listener, socks);
	if (!spec->keep_listener)
		close(listener);
}

/* A server's end that nobody has accepted: known only by its addresses. */
static void add_unaccepted(struct socks *socks, const struct sock *client,
			   const struct sock *listener, const char *role)
{
	struct sock *sock = socks_add(socks, -1, role, false);
	const struct sockaddr_in *sin_local = (const struct sockaddr_in *)&client->peer;
	const struct sockaddr_in *sin_peer = (const struct sockaddr_in *)&client->local;

	sock->protocol = client->protocol;
	sock->family = listener->family;
	sock->reuseaddr = listener->reuseaddr;
	sock->reuseport = listener->reuseport;
	sock->v6only = listener->v6only;
	memcpy(sock->device, listener->device, sizeof(sock->device));
	sock->ifindex = listener->ifindex;
	sock->local = client->peer;
	sock->peer = client->local;
	if (client->family == AF_INET && listener->family == AF_INET6) {
		struct sockaddr_in6 *ends[2] = { (struct sockaddr_in6 *)&sock->local,
						 (struct sockaddr_in6 *)&sock->peer };
		const struct sockaddr_in *from[2] = { sin_local, sin_peer };

		for (int i = 0; i < 2; i++) {
			struct sockaddr_in6 mapped = { .sin6_family = AF_INET6,
						       .sin6_port = from[i]->sin_port };

			mapped.sin6_addr.s6_addr[10] = 0xff;
			mapped.sin6_addr.s6_addr[11] = 0xff;
			memcpy(&mapped.sin6_addr.s6_addr[12], &from[i]->sin_addr, 4);
			memset(i ? &sock->peer : &sock->local, 0, sizeof(sock->local));
			*ends[i] = mapped;
		}
	}
}

void make_listening(const struct spec *spec, struct socks *socks)
{
	struct sockaddr_storage destination;
	int fd = open_bound(spec);
	size_t listener = socks->n;

	do_listen(fd, spec->backlog);
	socks_add(socks, fd, "listener", true);
	if (!spec->queue)
		return;
	if (spec->queue > spec->backlog + 1)
		fail("the queue does not fit into the backlog");
	get_destination(spec, fd, &destination);
	for (int i = 0; i < spec->queue; i++) {
		int client = open_client(spec, &destination);
		struct sock copy;

		do_connect(client, &destination);
		copy = *socks_add(socks, client, "client", false);
		struct sock parent = socks->v[listener];

		add_unaccepted(socks, &copy, &parent, "queued");
	}
}

void make_bound(const struct spec *spec, struct socks *socks)
{
	socks_add(socks, open_bound(spec), "bound", true);
}

static void connect_nowait(int fd, const struct sockaddr_storage *destination)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	/* Seconds to minutes, as far as the kernel allows. */
	set_option(fd, IPPROTO_TCP, TCP_SYNCNT, 100, "TCP_SYNCNT");
	if (!connect(fd, (const struct sockaddr *)destination, address_len(destination)) ||
	    errno != EINPROGRESS)
		fail("connect %s: no answer was expected", address_text(destination));
}

/* The subject is the client here, and the keys of a bind are its own. */
void make_syn_sent(const struct spec *spec, struct socks *socks)
{
	struct sockaddr_storage any = spec->addr, destination;
	int client, hole = open_socket(any.ss_family, SOCK_STREAM, 0);
	struct sock *sock;

	address_set_port(&any, 0);
	bind_to(hole, &any);
	drop_all(hole);
	do_listen(hole, 1);
	socks_add(socks, hole, "black-hole", false);
	get_destination(spec, hole, &destination);
	client = open_bound(spec);
	connect_nowait(client, &destination);
	sock = socks_add(socks, client, "client", true);
	/* getpeername() does not tell before the connection is there. */
	sock->peer = destination;
}

void make_syn_recv(const struct spec *spec, struct socks *socks)
{
	int client, listener = open_bound(spec);
	struct sockaddr_storage destination;
	struct sock parent, end;

	set_option(listener, IPPROTO_TCP, TCP_SYNCNT, 100, "TCP_SYNCNT");
	do_listen(listener, spec->backlog);
	get_destination(spec, listener, &destination);
	parent = *socks_add(socks, listener, "listener", false);
	for (int i = 0; i < spec->conns; i++) {
		client = open_client(spec, &destination);
		drop_all(client);
		connect_nowait(client, &destination);
		socks_add(socks, client, "client", false)->peer = destination;
		end = socks->v[socks->n - 1];
		add_unaccepted(socks, &end, &parent, "request");
		socks->v[socks->n - 1].is_subject = true;
	}
}

/* Bound by hand, connected, and reset by its peer: the state is CLOSE, the port is still taken. */
void make_dead_bound(const struct spec *spec, struct socks *socks)
{
	struct sockaddr_storage any = spec->addr, destination;
	int listener = open_socket(any.ss_family, SOCK_STREAM, 0), client, server;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	char byte;

	address_set_port(&any, 0);
	bind_to(listener, &any);
	do_listen(listener, 1);
	get_destination(spec, listener, &destination);
	client = open_bound(spec);
	do_connect(client, &destination);
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		fail("accept: %s", strerror(errno));
	setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(server);
	close(listener);
	wait_event(client, POLLIN, "the peer's RST");
	if (read(client, &byte, 1) != -1 || errno != ECONNRESET)
		fail("no RST came");
	socks_add(socks, client, "dead", true);
}

static void join_group(const struct spec *spec, int fd)
{
	struct group_req request = { .gr_interface = if_nametoindex(spec->device[0] ? spec->device :
										      "lo") };

	memcpy(&request.gr_group, &spec->join, sizeof(spec->join));
	if (setsockopt(fd, spec->join.ss_family == AF_INET6 ? SOL_IPV6 : SOL_IP, MCAST_JOIN_GROUP,
		       &request, sizeof(request)))
		fail_errno("MCAST_JOIN_GROUP");
}

void make_udp(const struct spec *spec, struct socks *socks)
{
	struct sockaddr_storage destination;
	int fd = open_bound(spec), sender;
	struct sock *sock;

	if (spec->join.ss_family)
		join_group(spec, fd);
	if (spec->queue) {
		get_destination(spec, fd, &destination);
		sender = open_socket(destination.ss_family, SOCK_DGRAM, spec->state->protocol);
		for (int i = 0; i < spec->queue; i++) {
			if (sendto(sender, "x", 1, 0, (struct sockaddr *)&destination,
				   address_len(&destination)) != 1)
				fail("sendto %s: %s", address_text(&destination), strerror(errno));
		}
		close(sender);
	}
	sock = socks_add(socks, fd, "socket", true);
	sock->join = spec->join;
}

void make_udp_connected(const struct spec *spec, struct socks *socks)
{
	struct sockaddr_storage peer = spec->peer;
	int fd = open_bound(spec);

	if (!peer.ss_family) {
		get_destination(spec, fd, &peer);
		address_set_port(&peer, 9);
	}
	do_connect(fd, &peer);
	socks_add(socks, fd, "socket", true);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/replica-socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/bind-socket.h"
#include "probe/child.h"

#define BACKLOG 4096
#define CONNECT_MS 1000

#ifndef TCP_REPAIR_OFF_NO_WP
#define TCP_REPAIR_OFF_NO_WP (-1)
#endif

/* What a socket is to the bind rules, and how it is made. */
enum shape {
	SHAPE_LISTENER,
	SHAPE_BOUND,
	SHAPE_CONNECTED, /* SYN-SENT too: the rules do not tell them apart */
	SHAPE_CLOSED_HERE, /* FIN-WAIT-1, FIN-WAIT-2 */
	SHAPE_CLOSED_THERE, /* CLOSE-WAIT, LAST-ACK, CLOSING */
	SHAPE_TIME_WAIT,
};

static enum shape shape_of(const struct inet_socket *socket)
{
	if (socket_is_time_wait(socket))
		return SHAPE_TIME_WAIT;
	switch ((enum socket_state)socket->state) {
	case STATE_LISTEN:
		return SHAPE_LISTENER;
	case STATE_BOUND:
		return SHAPE_BOUND;
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
		return SHAPE_CLOSED_HERE;
	case STATE_CLOSE_WAIT:
	case STATE_LAST_ACK:
	case STATE_CLOSING:
		return SHAPE_CLOSED_THERE;
	default:
		return SHAPE_CONNECTED;
	}
}

bool replica_socket_alike(const struct inet_socket *a, const struct inet_socket *b)
{
	enum shape shape = shape_of(a);

	/* Who listens, receives: each counts. So does the order of UDP. */
	if (!protocol_is_stream((enum protocol)a->protocol) || shape == SHAPE_LISTENER)
		return false;
	return shape == shape_of(b) && a->family == b->family && a->v6only == b->v6only &&
	       a->device == b->device && a->uid == b->uid && a->reuse_addr == b->reuse_addr &&
	       a->reuse_port == b->reuse_port && address_equal(&a->local, &b->local);
}

/*
 * Beside sockets that it could not be bound beside today: flags may have changed since, and a
 * connection has its listener's address. TCP_REPAIR makes sk_reuse SK_FORCE_REUSE.
 */
static int bind_anyhow(int fd, const struct bind_candidate *socket, const char *device)
{
	int error = bind_socket_bind(fd, socket, device), off;

	if (error != -EADDRINUSE || !protocol_is_stream((enum protocol)socket->protocol))
		return error;
	error = bind_socket_set(fd, IPPROTO_TCP, TCP_REPAIR, 1);
	if (error)
		return error;
	error = bind_socket_bind(fd, socket, device);
	off = bind_socket_set(fd, IPPROTO_TCP, TCP_REPAIR, TCP_REPAIR_OFF_NO_WP);
	if (off)
		off = bind_socket_set(fd, IPPROTO_TCP, TCP_REPAIR, 0);
	if (!off)
		off = bind_socket_set_reuse(fd, socket->reuse_addr, socket->reuse_port);
	return error ? error : off;
}

/*
 * Connect to a listener of its own at the same address. A socket of IPv6 whose v6only is not set
 * gets its address only here, as a connection of a dual-stack server has it.
 */
static int connect_pair(int fd, const struct bind_candidate *bound, const struct address *address,
			uint16_t peer_port, const char *device, int *ret_peer)
{
	struct bind_candidate peer = *bound;
	struct sockaddr_storage at;
	struct pollfd done = { .fd = fd, .events = POLLOUT };
	socklen_t size;
	int listener, error;
	const char *step;

	peer.address = *address;
	peer.port = peer_port;
	peer.v6only = false;
	listener = bind_socket_new(&peer, NULL, &step);
	if (listener < 0)
		return listener;
	error = bind_socket_bind(listener, &peer, device);
	if (!error && listen(listener, 1))
		error = -errno;
	size = bind_socket_address(bound->family, address, peer_port, device, &at);
	if (!error && connect(fd, (struct sockaddr *)&at, size) && errno != EINPROGRESS)
		error = -errno;
	if (!error && poll(&done, 1, CONNECT_MS) != 1)
		error = -ETIMEDOUT;
	if (!error) {
		*ret_peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (*ret_peer < 0)
			error = -errno;
	}
	close(listener);
	return error;
}

/* Take the connection to where it shall be; each step of loopback has happened when it returns. */
static void close_ends(enum shape shape, struct replica_socket *made)
{
	if (shape == SHAPE_CLOSED_HERE)
		shutdown(made->fd, SHUT_WR);
	if (shape == SHAPE_TIME_WAIT) {
		close(made->fd);
		made->fd = -1;
	}
	if (shape == SHAPE_TIME_WAIT || shape == SHAPE_CLOSED_THERE) {
		close(made->peer);
		made->peer = -1;
	}
}

static int make_connection(const struct inet_socket *socket, const struct bind_candidate *wanted,
			   const char *device, uint16_t peer_port, struct replica_socket *made,
			   const char **ret_step)
{
	struct bind_candidate bound = *wanted;
	int error;

	if (bound.family == AF_INET6 && !bound.v6only &&
	    !address_is_v4_mapped(AF_INET6, &bound.address))
		memset(&bound.address, 0, sizeof(bound.address));
	*ret_step = "bind";
	error = bind_anyhow(made->fd, &bound, NULL);
	if (error)
		return error;
	*ret_step = "connect";
	error = connect_pair(made->fd, &bound, &socket->local, peer_port, device, &made->peer);
	/* Only now, since the device does not carry the connection. */
	if (!error && device && strcmp(device, "lo") != 0) {
		*ret_step = "SO_BINDTODEVICE";
		if (setsockopt(made->fd, SOL_SOCKET, SO_BINDTODEVICE, device,
			       (socklen_t)strlen(device) + 1))
			error = -errno;
	}
	if (!error)
		close_ends(shape_of(socket), made);
	return error;
}

/* Connected UDP: to a peer of the loopback network, from which nothing will come. */
static int connect_datagrams(const struct inet_socket *socket, int fd)
{
	struct address peer = socket->local;
	struct sockaddr_storage at;
	socklen_t size;
	int error;

	if (address_is_wildcard(socket->family, &peer))
		return 0;
	size = bind_socket_address(socket->family, &peer, socket->peer_port ? socket->peer_port : 9,
				   NULL, &at);
	/* The address may be one of broadcast. */
	error = bind_socket_set(fd, SOL_SOCKET, SO_BROADCAST, 1);
	if (error)
		return error;
	return connect(fd, (struct sockaddr *)&at, size) ? -errno : 0;
}

static int make_bound(const struct inet_socket *socket, const struct bind_candidate *wanted,
		      const char *device, struct replica_socket *made, const char **ret_step)
{
	struct bind_candidate bound = *wanted;
	bool stream = protocol_is_stream((enum protocol)wanted->protocol);
	int error = 0;

	/* With it on both sides a bind of UDP always succeeds; it goes when all are there. */
	if (!stream)
		error = bind_socket_set(made->fd, SOL_SOCKET, SO_REUSEADDR, 1);
	/* As one that gets its address by connect(), and goes on without v6only. */
	if (!stream && socket->state == STATE_ESTAB && bound.family == AF_INET6 &&
	    socket->v6only == TRISTATE_NO && !address_is_v4_mapped(AF_INET6, &bound.address))
		memset(&bound.address, 0, sizeof(bound.address));
	*ret_step = "bind";
	if (!error)
		error = bind_anyhow(made->fd, &bound, device);
	if (!error && shape_of(socket) == SHAPE_LISTENER) {
		*ret_step = "listen";
		if (listen(made->fd, BACKLOG))
			error = -errno;
	}
	if (!error && !stream && socket->state == STATE_ESTAB) {
		*ret_step = "connect";
		error = connect_datagrams(socket, made->fd);
	}
	return error;
}

bool replica_socket_foreign(const struct inet_socket *socket, uint32_t candidate_uid)
{
	return (socket->known & SOCKET_HAS_UID) && socket->uid != candidate_uid &&
	       !socket_is_time_wait(socket);
}

int replica_socket_make(const struct snapshot *snapshot, uint32_t index, bool others,
			uint32_t candidate_uid, uint16_t peer_port,
			struct replica_socket *ret_socket, const char **ret_step)
{
	const struct inet_socket *socket = &snapshot->sockets[index];
	const char *device = snapshot_text(snapshot, socket->device);
	bool stream = protocol_is_stream((enum protocol)socket->protocol);
	bool is_connection = stream && socket->state != STATE_LISTEN &&
			     socket->state != STATE_BOUND;
	bool foreign = replica_socket_foreign(socket, candidate_uid);
	struct bind_candidate wanted = {
		.address = socket->local,
		.port = socket->local_port,
		.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
		.family = socket->family,
		.v6only = socket->family == AF_INET6 && socket->v6only == TRISTATE_YES &&
			  !address_is_v4_mapped(AF_INET6, &socket->local),
		.reuse_addr = socket->reuse_addr == TRISTATE_YES,
		.reuse_port = socket->reuse_port == TRISTATE_YES,
	};
	int error;

	*ret_socket = (struct replica_socket){ .fd = -1, .peer = -1 };
	if (others)
		child_act_as(foreign ? socket->uid : candidate_uid);
	ret_socket->fd = bind_socket_new(&wanted, is_connection ? NULL : device, ret_step);
	if (others)
		child_act_as(0);
	if (ret_socket->fd < 0)
		return ret_socket->fd;
	if (is_connection)
		error = make_connection(socket, &wanted, device, peer_port, ret_socket, ret_step);
	else
		error = make_bound(socket, &wanted, device, ret_socket, ret_step);
	if (!error)
		return 0;
	close(ret_socket->fd);
	if (ret_socket->peer >= 0)
		close(ret_socket->peer);
	*ret_socket = (struct replica_socket){ .fd = -1, .peer = -1 };
	return error;
}

static int bind_once(const struct bind_candidate *socket, bool others)
{
	const char *step;
	int fd, error;

	if (others)
		child_act_as(socket->uid);
	fd = bind_socket_new(socket, NULL, &step);
	if (others)
		child_act_as(0);
	if (fd < 0)
		return fd;
	/* A link-local address wants a device to be local to; the bucket remembers none. */
	error = bind_anyhow(fd, socket, "lo");
	close(fd);
	return error;
}

int replica_socket_remember(const struct bind_memory *memory, uint16_t port, bool others)
{
	struct bind_candidate last = { .protocol = PROTOCOL_TCP, .family = AF_INET, .port = port };
	/* First nothing: a bind that fits what is remembered leaves that as it is. */
	int error = bind_once(&last, false);

	if (error || memory->reuse_port <= 0)
		return error;
	last.family = memory->family;
	last.address = memory->address;
	/* An address that forces it does so by itself; a mapped one cannot have it. */
	last.v6only = memory->v6only && address_is_wildcard(last.family, &last.address);
	last.reuse_port = true;
	last.uid = memory->uid;
	return bind_once(&last, others);
}

int replica_socket_move(const struct inet_socket *socket, const struct replica_socket *made)
{
	static const struct address v4 = { .bytes = { 127, 0, 0, 1 } };
	static const struct address v6 = { .bytes = { [15] = 1 } };
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct address peer = socket->local;
	struct sockaddr_storage at;
	socklen_t size;

	if (made->fd < 0)
		return 0;
	if (address_is_wildcard(socket->family, &peer)) {
		if (socket->family == AF_INET)
			peer = v4;
		else if (address_is_v4_mapped(AF_INET6, &peer) ||
			 address_is_v4_mapped(AF_INET6, &socket->peer))
			peer = address_as_mapped(AF_INET, &v4);
		else
			peer = v6;
	}
	size = bind_socket_address(socket->family, &peer, 9, NULL, &at);
	return connect(made->fd, (const struct sockaddr *)&at, size) ||
			       connect(made->fd, &nobody, sizeof(nobody)) ?
		       -errno :
		       0;
}

int replica_socket_finish(const struct inet_socket *socket, bool others, uint32_t candidate_uid,
			  const struct replica_socket *made)
{
	bool stream = protocol_is_stream((enum protocol)socket->protocol);
	int error = 0;

	if (made->fd < 0)
		return 0;
	if (!stream)
		error = bind_socket_set(made->fd, SOL_SOCKET, SO_REUSEADDR,
					socket->reuse_addr == TRISTATE_YES);
	if (!error && !others && replica_socket_foreign(socket, candidate_uid))
		error = bind_socket_set(made->fd, SOL_SOCKET, SO_REUSEPORT, 0);
	return error;
}

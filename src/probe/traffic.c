/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/traffic.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/bind-socket.h"
#include "util/clock.h"

#define SOURCE_PORT_FIRST 20000
#define SOURCES_MAX (UINT16_MAX - SOURCE_PORT_FIRST)
#define BATCH 64 /* fits into a receive buffer and an accept queue */
#define CONNECT_MS 200
/* How many are sent, and for how long at most. */
#define LEAST 512U
#define MOST 4096U
#define ENOUGH_MS 3000

/* One from a source port. Returns 0 or -errno. */
static int send_one(bool stream, int family, const struct sockaddr_storage *to, socklen_t size,
		    uint16_t source_port)
{
	static const struct address any;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage from;
	struct pollfd done = { .events = POLLOUT };
	int error = 0, fd;

	fd = socket(family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* A connection that is reset leaves nothing on the port that is asked about. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (bind(fd, (struct sockaddr *)&from,
		 bind_socket_address(family, &any, source_port, NULL, &from)))
		error = -errno;
	if (!error && !stream && sendto(fd, "?", 1, 0, (const struct sockaddr *)to, size) != 1)
		error = -errno;
	if (!error && stream && connect(fd, (const struct sockaddr *)to, size)) {
		done.fd = fd;
		if (errno != EINPROGRESS)
			error = -errno;
		else if (poll(&done, 1, CONNECT_MS) != 1)
			error = -ETIMEDOUT;
	}
	close(fd);
	return error;
}

/* Take what has arrived at a socket. Returns how much. */
static uint32_t drain(bool stream, int fd)
{
	uint32_t count = 0;
	char byte;
	int taken;

	for (;;) {
		taken = stream ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) :
				 (int)recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC);
		if (taken < 0 && errno != ECONNREFUSED && errno != ECONNABORTED)
			return count;
		if (taken >= 0)
			count++;
		if (stream && taken >= 0)
			close(taken);
	}
}

static void drain_all(bool stream, const int *fds, uint32_t n_fds, uint32_t *counts)
{
	uint32_t i;

	for (i = 0; i < n_fds; i++)
		if (fds[i] >= 0)
			counts[i] += drain(stream, fds[i]);
}

static uint32_t n_wanted(const int *fds, uint32_t n_fds)
{
	uint32_t i, n = 0;

	for (i = 0; i < n_fds; i++)
		n += fds[i] < 0 ? 0 : TRAFFIC_EACH;
	return n < LEAST ? LEAST : n > MOST ? MOST : n;
}

int traffic_count(bool stream, int family, const struct address *to, uint16_t port, const int *fds,
		  uint32_t n_fds, uint32_t *ret_counts)
{
	struct sockaddr_storage at;
	socklen_t size = bind_socket_address(family, to, port, NULL, &at);
	uint32_t i, sent = 0, wanted = n_wanted(fds, n_fds);
	int64_t end = monotonic_ms() + ENOUGH_MS;
	int error = 0, last;

	memset(ret_counts, 0, n_fds * sizeof(*ret_counts));
	for (i = 0; i < SOURCES_MAX && sent < wanted && monotonic_ms() < end; i++) {
		uint16_t source = (uint16_t)(SOURCE_PORT_FIRST + i);

		if (source == port)
			continue;
		last = send_one(stream, family, &at, size, source);
		if (last)
			error = last;
		else if (++sent % BATCH == 0)
			drain_all(stream, fds, n_fds, ret_counts);
	}
	drain_all(stream, fds, n_fds, ret_counts);
	return sent ? (int)sent : error;
}

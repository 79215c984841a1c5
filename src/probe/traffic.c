/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/traffic.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "probe/bind-socket.h"

#define SOURCE_PORT_FIRST 20000
#define BATCH 32 /* fits into a receive buffer and an accept queue */
#define CONNECT_MS 200

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

int traffic_count(bool stream, int family, const struct address *to, uint16_t port, const int *fds,
		  uint32_t n_fds, uint32_t *ret_counts)
{
	struct sockaddr_storage at;
	socklen_t size = bind_socket_address(family, to, port, NULL, &at);
	int sent = 0, error = 0, last;
	uint32_t i, k;

	memset(ret_counts, 0, n_fds * sizeof(*ret_counts));
	for (i = 0; i < TRAFFIC_SOURCES; i++) {
		uint16_t source = (uint16_t)(SOURCE_PORT_FIRST + i);

		if (source == port)
			continue;
		last = send_one(stream, family, &at, size, source);
		if (last)
			error = last;
		else
			sent++;
		if (i % BATCH != BATCH - 1 && i != TRAFFIC_SOURCES - 1)
			continue;
		for (k = 0; k < n_fds; k++)
			if (fds[k] >= 0)
				ret_counts[k] += drain(stream, fds[k]);
	}
	return sent ? sent : error;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server and its client in one program, at work until SIGTERM, that miss nothing that is taken
 * from them: steady udp|pool|restart|restart-udp PORT [ADDRESS]. Prints "ready", and at the end
 * what it did and what it lost. ADDRESS is 127.0.0.1 unless told otherwise; each step waits for the
 * one before, so nothing overflows. What is only late, on a machine with other work, is not lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define POOL 3

static volatile sig_atomic_t stopped;
static uint16_t port;
static struct in_addr address;
static uint64_t n_done, n_lost;
static _Atomic uint64_t n_received; /* datagrams, by the server */

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in place(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };

	at.sin_addr = address;
	return at;
}

static int new_socket(int type, int flag)
{
	/* A datagram that is gone ends nothing, so the next one is sent; a connection does. */
	const struct timeval patience = { .tv_sec = type == SOCK_DGRAM ? 1 : 30 };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0)
		fail("socket");
	if (flag)
		setsockopt(fd, SOL_SOCKET, flag, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int server_socket(int type, int flag)
{
	struct sockaddr_in at = place();
	int fd = new_socket(type, flag);

	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		fail("bind");
	return fd;
}

static void *echo_datagrams(void *user)
{
	int fd = *(int *)user;
	struct sockaddr_in from;
	char bytes[64];

	for (;;) {
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&from, &size);

		if (n <= 0)
			continue;
		n_received++;
		sendto(fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
	return NULL;
}

static void *serve_connections(void *user)
{
	int fd = *(int *)user;

	for (;;) {
		int connection = accept(fd, NULL, NULL);

		if (connection < 0)
			continue;
		/* A client that the signal has stopped is there no more. */
		if (write(connection, "!", 1) != 1 && !stopped)
			n_lost++;
		close(connection);
	}
	return NULL;
}

static void start(void *(*work)(void *), int *fd)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, fd))
		fail("pthread_create");
	pthread_detach(thread);
}

/* A new client socket each time, so that every flow of a group is met. */
static void send_datagrams(void)
{
	struct sockaddr_in at = place();
	char back[64];
	int i;

	while (!stopped) {
		int fd = new_socket(SOCK_DGRAM, 0);

		for (i = 0; i < 16 && !stopped; i++) {
			if (sendto(fd, "?", 1, 0, (struct sockaddr *)&at, sizeof(at)) != 1)
				fail("sendto");
			n_done++;
			recv(fd, back, sizeof(back), 0);
		}
		close(fd);
	}
	/* On loopback all that was sent is in a queue by now; the server may have to empty it. */
	for (i = 0; i < 200 && n_received < n_done; i++)
		usleep(10000);
	n_lost = n_done - n_received;
}

static void connect_often(void)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_in at = place();
	char byte;

	while (!stopped) {
		int fd = new_socket(SOCK_STREAM, 0);

		/* Its port is free at once: thousands of connections follow each other. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		n_done++;
		if ((connect(fd, (struct sockaddr *)&at, sizeof(at)) || read(fd, &byte, 1) != 1) &&
		    !stopped)
			n_lost++;
		close(fd);
	}
}

static void restart_often(int type)
{
	struct sockaddr_in at = place();

	while (!stopped) {
		int fd = new_socket(type, SO_REUSEADDR);

		n_done++;
		if (bind(fd, (struct sockaddr *)&at, sizeof(at)) ||
		    (type == SOCK_STREAM && listen(fd, 8)))
			n_lost++;
		close(fd);
	}
}

static void run_udp(void)
{
	static int fd;

	fd = server_socket(SOCK_DGRAM, SO_REUSEADDR);
	start(echo_datagrams, &fd);
	puts("ready");
	fflush(stdout);
	send_datagrams();
}

static void run_pool(void)
{
	static int fds[POOL];
	int i;

	for (i = 0; i < POOL; i++) {
		fds[i] = server_socket(SOCK_STREAM, SO_REUSEPORT);
		if (listen(fds[i], 64))
			fail("listen");
		start(serve_connections, &fds[i]);
	}
	puts("ready");
	fflush(stdout);
	connect_often();
}

int main(int argc, char **argv)
{
	/* Without SA_RESTART, so that the last wait ends too. */
	const struct sigaction on_term = { .sa_handler = stop };

	if (argc < 3 || !inet_aton(argc > 3 ? argv[3] : "127.0.0.1", &address))
		return 2;
	port = (uint16_t)atoi(argv[2]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (sigaction(SIGTERM, &on_term, NULL))
		fail("sigaction");
	if (!strcmp(argv[1], "udp")) {
		run_udp();
	} else if (!strcmp(argv[1], "pool")) {
		run_pool();
	} else {
		puts("ready");
		fflush(stdout);
		restart_often(strcmp(argv[1], "restart-udp") ? SOCK_STREAM : SOCK_DGRAM);
	}
	printf("done %llu lost %llu\n", (unsigned long long)n_done, (unsigned long long)n_lost);
	fflush(stdout);
	/* The threads of the servers still use what exit() would take away. */
	_exit(0);
}

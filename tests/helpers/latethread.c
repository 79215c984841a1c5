/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * latethread PORT: three listeners of two processes in an unusual order. The first process has one as
 * a fixed file of io_uring (PORT) alone; its child has the next; then a thread of the first, with a
 * table of its own and a higher number than the child, has the third. Says "ready", and waits until
 * its standard input ends. Status 77: io_uring cannot be used.
 */
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static uint16_t port;

static int make_listener(uint16_t at)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(at),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 5))
		exit(1);
	return fd;
}

static void *hold_alone(void *unused)
{
	(void)unused;
	if (unshare(CLONE_FILES))
		exit(1);
	make_listener((uint16_t)(port + 2));
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
	return NULL;
}

int main(int argc, char **argv)
{
	struct io_uring_params parameters = { 0 };
	int ring, fd, ready[2];
	pthread_t thread;
	char byte;

	if (argc != 2)
		return 2;
	port = (uint16_t)atoi(argv[1]);
	ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);
	if (ring < 0)
		return 77;
	fd = make_listener(port);
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, &fd, 1))
		return 77;
	close(fd);
	if (pipe(ready))
		return 1;
	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ring);
		make_listener((uint16_t)(port + 1));
		if (write(ready[1], "", 1) != 1)
			return 1;
		for (;;)
			pause();
	}
	if (read(ready[0], &byte, 1) != 1 || pthread_create(&thread, NULL, hold_alone, NULL))
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

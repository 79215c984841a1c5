/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/clock.h"

static pid_t parent;

void *child_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void child_unshare(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void child_die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before the kernel was told. */
	if (getppid() != parent)
		_exit(1);
}

void child_act_as(uint32_t uid)
{
	setfsuid((uid_t)uid);
	child_die_with_parent();
}

/*
 * What the handlers of the parent know, its terminal and its pipes, is the parent's; and a thread
 * that leaves all signals to others would hand down that none is to come. Ignored stays ignored.
 */
static void forget_handlers(void)
{
	struct sigaction action;
	sigset_t none;
	int number;

	for (number = 1; number < NSIG; number++)
		if (!sigaction(number, NULL, &action) && action.sa_handler != SIG_IGN)
			signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* As fork(2): no handler of the parent runs in the child, not even at its very beginning. */
static pid_t fork_without_handlers(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid)
		forget_handlers();
	else
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

/* Until the other end of the pipe is closed: by the child's end. Returns whether it was. */
static int wait_closed(int fd, int timeout_ms)
{
	int64_t end = monotonic_ms() + timeout_ms;

	for (;;) {
		struct pollfd closed = { .fd = fd, .events = POLLIN };
		int64_t left = end - monotonic_ms();

		if (left <= 0)
			return 0;
		if (poll(&closed, 1, (int)left) > 0)
			return 1;
	}
}

int child_run(void (*work)(void *user), void *user, int timeout_ms)
{
	int ends[2], status, error = 0;
	pid_t pid, ended;

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	parent = getpid();
	pid = fork_without_handlers();
	if (pid < 0) {
		error = -errno;
		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (!pid) {
		close(ends[0]);
		child_die_with_parent();
		work(user);
		_exit(0);
	}
	close(ends[1]);
	if (!wait_closed(ends[0], timeout_ms)) {
		kill(pid, SIGKILL);
		error = -ETIMEDOUT;
	}
	close(ends[0]);
	do {
		ended = waitpid(pid, &status, 0);
	} while (ended < 0 && errno == EINTR);
	if (!error && (ended != pid || !WIFEXITED(status) || WEXITSTATUS(status)))
		error = -ECHILD;
	return error;
}

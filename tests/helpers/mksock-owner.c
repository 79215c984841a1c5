/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who holds the sockets: processes, threads, and what holds a socket without a descriptor. The
 * report is printed by the holder, because only there pid, descriptor and comm are what they are.
 */
#include "mksock.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOLD_ENV "MKSOCK_HOLD"

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2 * 1000 * 1000 }, NULL);
}

static void become(const struct spec *spec)
{
	if (spec->has_uid) {
		if (setgroups(0, NULL) || setresgid(spec->uid, spec->uid, spec->uid) ||
		    setresuid(spec->uid, spec->uid, spec->uid))
			skip("uid %u: %s", (unsigned int)spec->uid, strerror(errno));
		/*
		 * Both are lost with the old credentials; an ordinary process of that user has
		 * them.
		 */
		prctl(PR_SET_DUMPABLE, 1);
		die_with_parent();
	}
	if (spec->comm)
		prctl(PR_SET_NAME, spec->comm);
}

static void set_cloexec(int fd, bool on)
{
	if (fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0))
		fail("fcntl: %s", strerror(errno));
}

/* Goes on in hold_after_exec(), in the copy. Only what has a descriptor crosses. */
static __attribute__((noreturn)) void exec_copy(const struct spec *spec, struct socks *socks)
{
	char *env[] = { NULL, getenv("ASAN_OPTIONS") ? strdup("ASAN_OPTIONS=detect_leaks=0") : NULL,
			NULL };
	char **args = NULL, *text = NULL;
	size_t n = 0, len = 0;
	FILE *memory = open_memstream(&text, &len);

	settle(spec, socks);
	fprintf(memory, HOLD_ENV "=%d %u %d %d %zu", child_ready_fd(), spec->index,
		spec->exe == EXE_DELETED, spec->stopped, socks->n);
	for (size_t i = 0; i < socks->n; i++) {
		if (socks->v[i].fd < 0)
			fail("a socket without descriptor cannot be handed to another program");
		set_cloexec(socks->v[i].fd, false);
		fprintf(memory, " %d %d %s", socks->v[i].fd, socks->v[i].is_subject,
			socks->v[i].role);
	}
	fprintf(memory, " %d %s\n%s", !!spec->comm, spec->exe_path, spec->comm ? spec->comm : "");
	fclose(memory);
	env[0] = text;

	if (spec->argv) {
		for (size_t at = 0; at < spec->argv_len + 1; at += strlen(spec->argv + at) + 1) {
			args = realloc(args, (n + 2) * sizeof(*args));
			args[n++] = spec->argv + at;
		}
	} else {
		args = calloc(2, sizeof(*args));
		args[n++] = spec->exe_path;
	}
	args[n] = NULL;
	fflush(stdout);
	set_cloexec(child_ready_fd(), false);
	execve(spec->exe_path, args, env);
	fail("%s: %s", spec->exe_path, strerror(errno));
}

static void maybe_stop(bool stopped)
{
	if (stopped)
		raise(SIGSTOP);
}

static __attribute__((noreturn)) void keep(const struct spec *spec, struct socks *socks)
{
	if (spec->exe != EXE_SELF)
		exec_copy(spec, socks);
	report(spec, socks);
	child_ready();
	maybe_stop(spec->stopped);
	idle();
}

void hold_after_exec(void)
{
	const char *text = getenv(HOLD_ENV);
	struct socks socks = { 0 };
	struct state state = { 0 };
	struct spec spec = { 0 };
	int ready, deleted, stopped, has_comm, used;
	const char *path, *comm;
	size_t n;

	if (!text)
		return;
	die_with_parent();
	if (sscanf(text, "%d %u %d %d %zu%n", &ready, &spec.index, &deleted, &stopped, &n, &used) <
	    5)
		fail("damaged " HOLD_ENV);
	text += used;
	while (n--) {
		char *role = NULL;
		int fd, is_subject;

		if (sscanf(text, " %d %d %ms%n", &fd, &is_subject, &role, &used) < 3)
			fail("damaged " HOLD_ENV);
		text += used;
		set_cloexec(fd, true);
		/* Its state was checked before, by the one that made it. */
		socks_add(&socks, fd, role, false);
	}
	if (sscanf(text, " %d %n", &has_comm, &used) < 1)
		fail("damaged " HOLD_ENV);
	path = text + used;
	comm = strchr(path, '\n') + 1;
	path = strndup(path, (size_t)(comm - 1 - path));
	if (has_comm)
		prctl(PR_SET_NAME, comm);
	if (deleted && unlink(path))
		fail("%s: %s", path, strerror(errno));
	set_cloexec(ready, true);
	child_ready_fd_set(ready);
	spec.state = &state;
	report(&spec, &socks);
	child_ready();
	maybe_stop(stopped);
	idle();
}

/* ---- the other end in a process of its own ---- */

static void hold_other(const struct spec *spec, struct socks *socks)
{
	report(spec, socks);
	child_ready();
	idle();
}

static void give_others_away(const struct spec *spec, struct socks *socks)
{
	struct socks others = { 0 }, rest = { 0 };

	for (size_t i = 0; i < socks->n; i++) {
		struct sock *sock = &socks->v[i];
		bool goes = sock->fd >= 0 && !sock->is_subject && strcmp(sock->role, "listener");

		*socks_add(goes ? &others : &rest, -1, sock->role, false) = *sock;
	}
	if (!others.n)
		fail("there is no other end");
	spawn(hold_other, spec, &others);
	for (size_t i = 0; i < others.n; i++)
		close(others.v[i].fd);
	free(others.v);
	free(socks->v);
	*socks = rest;
}

static void make(const struct spec *spec, struct socks *socks)
{
	socks_make(spec, socks);
	if (spec->other == OTHER_CHILD)
		give_others_away(spec, socks);
}

/* ---- kinds of holders ---- */

static void hold_in_child(const struct spec *spec, struct socks *socks)
{
	become(spec);
	make(spec, socks);
	keep(spec, socks);
}

static void hold_as_heir(const struct spec *spec, struct socks *socks)
{
	if (spec->parent_exits) {
		pid_t parent = getppid();

		/* The death of the parent is wanted, once; it would end this process otherwise. */
		prctl(PR_SET_PDEATHSIG, 0);
		if (write(socks->v[socks->n - 1].fd, "", 1) != 1)
			_exit(EXIT_FAILURE);
		close(socks->v[--socks->n].fd);
		while (getppid() == parent)
			nap();
		die_with_parent();
	}
	keep(spec, socks);
}

/*
 * The one that inherits reports to mksock itself when the parent exits: mksock must wait for both,
 * and the parent cannot tell of what happens after its end.
 */
static void bequeath_and_exit(const struct spec *spec, struct socks *socks)
{
	int go[2], ready = child_ready_fd();
	char byte;
	pid_t pid;

	if (pipe2(go, O_CLOEXEC))
		fail("pipe: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		close(go[0]);
		socks_add(socks, -1, "", false)->fd = go[1];
		hold_as_heir(spec, socks);
	}
	close(go[1]);
	if (read(go[0], &byte, 1) != 1)
		_exit(EXIT_FAILURE);
	close(ready);
	_exit(EXIT_SUCCESS);
}

static void hold_with_heir(const struct spec *spec, struct socks *socks)
{
	become(spec);
	make(spec, socks);
	if (spec->parent_exits)
		bequeath_and_exit(spec, socks);
	report(spec, socks);
	spawn(hold_as_heir, spec, socks);
	child_ready();
	idle();
}

static bool has_descriptor(const struct socks *socks)
{
	for (size_t i = 0; i < socks->n; i++) {
		if (socks->v[i].fd >= 0)
			return true;
	}
	return false;
}

static void send_away(int to, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS } };
	struct iovec iov = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };

	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	if (sendmsg(to, &msg, 0) != 1)
		fail("sendmsg: %s", strerror(errno));
}

static void hold_in_flight(const struct spec *spec, struct socks *socks)
{
	int pair[2];

	become(spec);
	make(spec, socks);
	if (!has_descriptor(socks))
		fail("nothing with a descriptor is there to be held");
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		fail("socketpair: %s", strerror(errno));
	for (size_t i = 0; i < socks->n; i++) {
		if (socks->v[i].fd < 0)
			continue;
		sock_read(&socks->v[i]);
		send_away(pair[0], socks->v[i].fd);
		close(socks->v[i].fd);
		socks->v[i].fd = -1;
		socks->v[i].held = "scm";
	}
	keep(spec, socks);
}

static void hold_in_ring(const struct spec *spec, struct socks *socks)
{
	struct io_uring_params params = { .flags = 0 };
	unsigned int n = 0;
	int ring, *fds;

	become(spec);
	make(spec, socks);
	if (!has_descriptor(socks))
		fail("nothing with a descriptor is there to be held");
	ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0)
		skip("io_uring_setup: %s", strerror(errno));
	set_cloexec(ring, true);
	fds = calloc(socks->n, sizeof(*fds));
	for (size_t i = 0; i < socks->n; i++) {
		if (socks->v[i].fd >= 0)
			fds[n++] = socks->v[i].fd;
	}
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES, fds, n))
		fail("IORING_REGISTER_FILES: %s", strerror(errno));
	for (size_t i = 0; i < socks->n; i++) {
		if (socks->v[i].fd < 0)
			continue;
		sock_read(&socks->v[i]);
		close(socks->v[i].fd);
		socks->v[i].fd = -1;
		socks->v[i].held = "io_uring";
	}
	free(fds);
	keep(spec, socks);
}

struct thread_work {
	const struct spec *spec;
	struct socks *socks;
};

static void *private_table(void *arg)
{
	struct thread_work *work = arg;

	die_with_parent();
	if (unshare(CLONE_FILES))
		fail_errno("unshare(CLONE_FILES)");
	if (work->spec->comm)
		prctl(PR_SET_NAME, work->spec->comm);
	make(work->spec, work->socks);
	keep(work->spec, work->socks);
}

static void hold_in_thread(const struct spec *spec, struct socks *socks)
{
	struct thread_work work = { spec, socks };
	pthread_t thread;

	become(spec);
	if (pthread_create(&thread, NULL, private_table, &work))
		fail("pthread_create failed");
	pthread_join(thread, NULL);
}

static void *survivor(void *arg)
{
	struct thread_work *work = arg;
	char path[64], stat[256], *state;

	die_with_parent();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)proc_pid());
	do {
		FILE *file;

		nap();
		file = fopen(path, "re");
		state = file && fgets(stat, sizeof(stat), file) ? strrchr(stat, ')') : NULL;
		if (file)
			fclose(file);
		if (!state)
			fail("%s cannot be read", path);
	} while (state[2] != 'Z');
	keep(work->spec, work->socks);
}

static void hold_without_leader(const struct spec *spec, struct socks *socks)
{
	static struct thread_work work;
	pthread_t thread;

	become(spec);
	make(spec, socks);
	work = (struct thread_work){ spec, socks };
	if (pthread_create(&thread, NULL, survivor, &work))
		fail("pthread_create failed");
	/* Not pthread_exit(): with sanitizers that one runs destructors which end the process. */
	syscall(SYS_exit, 0);
}

static void hold_in_pidns(const struct spec *spec, struct socks *socks)
{
	if (unshare(CLONE_NEWPID))
		skip("unshare(CLONE_NEWPID): %s", strerror(errno));
	spawn(hold_in_child, spec, socks);
	child_ready();
	idle();
}

void hold(const struct spec *spec)
{
	static void (*const holders[])(const struct spec *spec, struct socks *socks) = {
		[OWNER_CHILD] = hold_in_child,	 [OWNER_INHERITED] = hold_with_heir,
		[OWNER_SCM] = hold_in_flight,	 [OWNER_IO_URING] = hold_in_ring,
		[OWNER_THREAD] = hold_in_thread, [OWNER_EXITED_LEADER] = hold_without_leader,
		[OWNER_PIDNS] = hold_in_pidns,
	};
	struct socks socks = { 0 };
	pid_t pid;

	if (spec->owner == OWNER_SELF) {
		make(spec, &socks);
		report(spec, &socks);
		return;
	}
	/* The child, not this process, makes the sockets: nothing of them stays here. */
	pid = spawn(holders[spec->owner], spec, &socks);
	if (spec->stopped) {
		int status;

		if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status))
			fail("process %d did not stop", (int)pid);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/reuse-getfd.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "util/xalloc.h"

/* So many owners of one socket are tried: where one may not be asked, mostly none may. */
#define MAX_ATTEMPTS 4

/* A socket to be asked for, through one of its owners. */
struct question {
	uint32_t socket;
	uint32_t process;
	int32_t fd;
};

struct question_list {
	struct question *items;
	uint32_t count, capacity;
};

static bool is_wanted(const struct inet_socket *socket, bool connections)
{
	if (!socket->n_owners || socket->reuse_evidence != EVIDENCE_UNKNOWN)
		return false;
	return connections || socket_is_bound(socket) || !protocol_is_stream(socket->protocol);
}

static bool get_option(int fd, int level, int option, int *ret_value)
{
	socklen_t length = sizeof(*ret_value);

	return !getsockopt(fd, level, option, ret_value, &length) && length == sizeof(*ret_value);
}

/* Whether the copy is the socket meant: the descriptor may have been closed and used anew. */
static bool is_socket(int fd, const struct inet_socket *socket)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;
	struct stat info;

	if (socket->known & SOCKET_HAS_COOKIE)
		return !getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) &&
		       cookie == socket->cookie;
	return !fstat(fd, &info) && S_ISSOCK(info.st_mode) && info.st_ino == socket->inode;
}

/* Ask through a copy of the process's descriptor. Returns 0 or -errno. */
static int ask(int pidfd, int number, struct inet_socket *socket)
{
	int address = 0, port = 0, v6only = 0;
	bool has_flags, has_v6only = false;
	int fd;

	fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0U);
	if (fd < 0)
		return -errno;
	if (!is_socket(fd, socket)) {
		close(fd);
		return -ESTALE;
	}
	has_flags = get_option(fd, SOL_SOCKET, SO_REUSEADDR, &address) &&
		    get_option(fd, SOL_SOCKET, SO_REUSEPORT, &port);
	if (socket->family == AF_INET6 && socket->v6only == TRISTATE_UNKNOWN)
		has_v6only = get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only);
	close(fd);
	if (has_flags) {
		socket->reuse_addr = tristate_of(address != 0);
		socket->reuse_port = tristate_of(port != 0);
		socket->reuse_evidence = EVIDENCE_GETSOCKOPT;
	}
	if (has_v6only)
		socket->v6only = tristate_of(v6only != 0);
	return has_flags ? 0 : -EIO;
}

/*
 * The questions of one process, sorted to be together; those that it did not answer are kept for
 * the next of the owners.
 */
static void ask_process(struct snapshot *snapshot, const struct question *questions, uint32_t count,
			struct question_list *unanswered)
{
	uint32_t pid = snapshot->processes[questions[0].process].pid;
	int error = 0, pidfd;
	uint32_t i;

	pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0U);
	for (i = 0; i < count; i++) {
		/* What may not be asked once may not be asked again. */
		if (pidfd >= 0 && error != -EPERM && error != -ENOSYS && questions[i].fd >= 0) {
			error = ask(pidfd, questions[i].fd,
				    &snapshot->sockets[questions[i].socket]);
			if (!error)
				continue;
		}
		ARRAY_RESERVE(unanswered->items, unanswered->count, unanswered->capacity);
		unanswered->items[unanswered->count++] = questions[i];
	}
	if (pidfd >= 0)
		close(pidfd);
}

static int compare_questions(const void *left, const void *right)
{
	const struct question *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->socket < b->socket ? -1 : a->socket > b->socket;
}

/* Direct each question to another process that holds the socket. Drops those without one. */
static void ask_next_owner(const struct snapshot *snapshot, struct question_list *list)
{
	uint32_t i, k, n = 0;

	for (i = 0; i < list->count; i++) {
		struct question question = list->items[i];
		const struct inet_socket *socket = &snapshot->sockets[question.socket];

		for (k = 0; k < socket->n_owners; k++) {
			const struct owner *owner = &snapshot->owners[socket->first_owner + k];

			/* Owners are by process. */
			if (owner->process <= question.process)
				continue;
			question.process = owner->process;
			question.fd = owner->fd;
			list->items[n++] = question;
			break;
		}
	}
	list->count = n;
}

void reuse_getfd_collect(struct snapshot *snapshot, bool connections)
{
	struct question_list list = { .items = NULL };
	uint32_t i, k, attempt;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];
		const struct owner *owner = snapshot->owners + socket->first_owner;

		if (!is_wanted(socket, connections))
			continue;
		/* A fixed file of io_uring has no descriptor; it sorts before those that have. */
		if (owner->fd < 0 && socket->n_owners > 1)
			owner++;
		ARRAY_RESERVE(list.items, list.count, list.capacity);
		list.items[list.count++] = (struct question){
			.socket = i,
			.process = owner->process,
			.fd = owner->fd,
		};
	}
	for (attempt = 0; attempt < MAX_ATTEMPTS && list.count; attempt++) {
		struct question_list unanswered = { .items = NULL };

		qsort(list.items, list.count, sizeof(*list.items), compare_questions);
		for (i = 0; i < list.count; i = k) {
			for (k = i + 1; k < list.count; k++)
				if (list.items[k].process != list.items[i].process)
					break;
			ask_process(snapshot, list.items + i, k - i, &unanswered);
		}
		ask_next_owner(snapshot, &unanswered);
		free(list.items);
		list = unanswered;
	}
	free(list.items);
}

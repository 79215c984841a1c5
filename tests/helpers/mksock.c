/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mksock SPEC [SPEC...] - makes sockets in exact states, says what it made, and keeps them. See
 * README in this directory.
 */
#include "mksock.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

const struct spec *current_spec;

static pid_t main_pid;
static pid_t *children; /* of the main process, to be killed at the end */
static size_t n_children;
static char **copies; /* copied executables, to be removed at the end */
static size_t n_copies;
static int ready_fd = -1; /* of a child: where it says that it is ready */

static const struct state states[] = {
	{ "listening", IPPROTO_TCP, "LISTEN", make_listening },
	{ "mptcp", IPPROTO_MPTCP, "LISTEN", make_listening },
	{ "bound", IPPROTO_TCP, "BOUND", make_bound },
	{ "connected", IPPROTO_TCP, "ESTAB", make_connection },
	{ "close-wait", IPPROTO_TCP, "CLOSE-WAIT", make_connection },
	{ "fin-wait-1", IPPROTO_TCP, "FIN-WAIT-1", make_connection },
	{ "fin-wait-2", IPPROTO_TCP, "FIN-WAIT-2", make_connection },
	{ "closing", IPPROTO_TCP, "CLOSING", make_connection },
	{ "last-ack", IPPROTO_TCP, "LAST-ACK", make_connection },
	{ "time-wait", IPPROTO_TCP, "TIME-WAIT", make_connection },
	{ "syn-sent", IPPROTO_TCP, "SYN-SENT", make_syn_sent },
	{ "syn-recv", IPPROTO_TCP, "SYN-RECV", make_syn_recv },
	{ "dead-bound", IPPROTO_TCP, "BOUND", make_dead_bound },
	{ "udp", IPPROTO_UDP, "BOUND", make_udp },
	{ "udp-lite", IPPROTO_UDPLITE, "BOUND", make_udp },
	{ "udp-connected", IPPROTO_UDP, "ESTAB", make_udp_connected },
	{ "kernel-socket", IPPROTO_UDP, "BOUND", make_kernel_socket },
};

/* Short names: a state and keys, which those of the command line may override. */
static const struct {
	const char *name, *state, *keys;
} aliases[] = {
	{ "accept-queue", "listening", "queue=1" },
	{ "inherited", "listening", "owner=inherited" },
	{ "scm-in-flight", "listening", "owner=scm" },
	{ "io_uring-fixed", "listening", "owner=io_uring" },
	{ "thread-private-table", "listening", "owner=thread" },
	{ "exited-leader", "listening", "owner=exited-leader" },
	{ "child-pidns", "listening", "owner=pidns" },
	{ "deleted-exe", "listening", "exe=deleted" },
	{ "stopped", "listening", "stopped=1" },
	{ "multicast", "udp", "join=224.0.0.251" },
};

static void cleanup(void)
{
	if (getpid() != main_pid)
		return;
	for (size_t i = 0; i < n_children; i++)
		kill(children[i], SIGKILL);
	/* Those deeper down die with their parents and become ours, the subreaper's. */
	while (wait(NULL) > 0 || errno == EINTR)
		;
	for (size_t i = 0; i < n_copies; i++) {
		char *slash = strrchr(copies[i], '/');

		unlink(copies[i]);
		*slash = '\0';
		rmdir(copies[i]);
	}
	kernel_sockets_done();
}

static __attribute__((format(printf, 2, 0))) void vcomplain(const char *prefix, const char *fmt,
							    va_list ap)
{
	char text[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	if (current_spec)
		fprintf(stderr, "%s: %s: %s\n", prefix, current_spec->text, text);
	else
		fprintf(stderr, "%s: %s\n", prefix, text);
}

static __attribute__((noreturn)) void end(int status)
{
	fflush(stdout);
	cleanup();
	_exit(status);
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain("mksock", fmt, ap);
	va_end(ap);
	end(EXIT_FAILURE);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vcomplain("skip", fmt, ap);
	va_end(ap);
	end(EXIT_SKIP);
}

void fail_errno(const char *what)
{
	switch (errno) {
	case EPERM:
	case EPROTONOSUPPORT:
	case EAFNOSUPPORT:
	case ESOCKTNOSUPPORT:
	case EOPNOTSUPP:
	case ENOPROTOOPT:
	case ENOSYS:
		skip("%s: %s", what, strerror(errno));
	default:
		fail("%s: %s", what, strerror(errno));
	}
}

struct sock *socks_add(struct socks *socks, int fd, const char *role, bool is_subject)
{
	struct sock *sock;

	if (socks->n == socks->alloc) {
		socks->alloc = socks->alloc ? socks->alloc * 2 : 16;
		socks->v = realloc(socks->v, socks->alloc * sizeof(*socks->v));
		if (!socks->v)
			fail("out of memory");
	}
	sock = &socks->v[socks->n++];
	*sock = (struct sock){
		.fd = fd,
		.role = role,
		.is_subject = is_subject,
		.recvq = -1,
		.backlog = -1,
		.drops = -1,
		.timer = -1,
		.timer_ms = -1,
	};
	if (fd >= 0)
		sock_read(sock);
	return sock;
}

void socks_make(const struct spec *spec, struct socks *socks)
{
	struct spec one = *spec;

	for (int i = 0; i < spec->count; i++) {
		if (address_port(&spec->addr))
			address_set_port(&one.addr,
					 (uint16_t)(address_port(&spec->addr) + i * spec->step));
		spec->state->make(&one, socks);
	}
}

/* ---- processes ---- */

pid_t proc_pid(void)
{
	char text[32];
	ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);

	if (n <= 0)
		return getpid();
	text[n] = '\0';
	return (pid_t)atoi(text);
}

void die_with_parent(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

void idle(void)
{
	for (;;)
		pause();
}

int child_ready_fd(void)
{
	return ready_fd;
}

void child_ready_fd_set(int fd)
{
	ready_fd = fd;
}

void child_ready(void)
{
	pid_t pid = proc_pid();

	fflush(stdout);
	if (write(ready_fd, &pid, sizeof(pid)) != sizeof(pid))
		_exit(EXIT_FAILURE);
	close(ready_fd);
	ready_fd = -1;
}

/*
 * Descriptors of earlier specs must not be inherited: each would make this process one more owner.
 */
static void close_others(const struct socks *socks, int keep)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		fail("/proc/self/fd: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);
		bool kept = fd <= 2 || fd == dirfd(dir) || fd == keep;

		for (size_t i = 0; socks && i < socks->n && !kept; i++)
			kept = socks->v[i].fd == fd;
		if (!kept)
			close(fd);
	}
	closedir(dir);
}

pid_t spawn(void (*fn)(const struct spec *spec, struct socks *socks), const struct spec *spec,
	    struct socks *socks)
{
	int fds[2], status;
	pid_t pid, parent = getpid(), reporter;
	ssize_t n;

	fflush(stdout);
	if (pipe2(fds, O_CLOEXEC))
		fail("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		fail("fork: %s", strerror(errno));
	if (!pid) {
		sigset_t none;

		die_with_parent();
		/* A parent in another pid namespace reads as 0. */
		if (getppid() != parent && getppid() != 0)
			_exit(EXIT_FAILURE);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		ready_fd = fds[1];
		close_others(socks, ready_fd);
		fn(spec, socks);
		_exit(EXIT_SUCCESS);
	}
	close(fds[1]);
	if (getpid() == main_pid) {
		children = realloc(children, (n_children + 2) * sizeof(*children));
		if (!children)
			fail("out of memory");
		children[n_children++] = pid;
	}
	do {
		n = read(fds[0], &reporter, sizeof(reporter));
	} while (n < 0 && errno == EINTR);
	close(fds[0]);
	if (n != sizeof(reporter)) {
		status = 0;
		if (getpid() == main_pid)
			n_children--;
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFEXITED(status) && WEXITSTATUS(status))
			end(WEXITSTATUS(status));
		fail("a helper process ended before it was ready");
	}
	/* A child that has let another one report and is gone: that one is to be ended instead. */
	if (getpid() == main_pid && reporter != pid &&
	    waitpid(pid, &status, spec->parent_exits ? 0 : WNOHANG) == pid)
		children[n_children - 1] = reporter;
	return reporter;
}

/* ---- the command line ---- */

/* Replaces \n \t \r \e \0 \\ \, and \xHH; returns the length. */
static size_t unescape(char *s)
{
	static const char names[] = "ntre0", values[] = "\n\t\r\033";
	char *out = s, *start = s;

	while (*s) {
		const char *name;
		unsigned int byte;

		if (*s != '\\' || !s[1]) {
			*out++ = *s++;
			continue;
		}
		name = strchr(names, s[1]);
		if (s[1] == 'x' && sscanf(s + 2, "%2x", &byte) == 1 && s[3]) {
			*out++ = (char)byte;
			s += 4;
		} else {
			*out++ = name ? values[name - names] : s[1];
			s += 2;
		}
	}
	*out = '\0';
	return (size_t)(out - start);
}

static int parse_number(const char *key, const char *value, long min, long max)
{
	char *tail;
	long n;

	errno = 0;
	n = strtol(value, &tail, 10);
	if (errno || tail == value || *tail || n < min || n > max)
		fail("%s: a number from %ld to %ld is expected, not '%s'", key, min, max, value);
	return (int)n;
}

/* ADDRESS[%DEVICE]; the port stays. */
static void parse_address(const char *key, const char *value, struct sockaddr_storage *ss)
{
	uint16_t port = ss->ss_family ? address_port(ss) : 0;
	struct sockaddr_in6 *sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	char text[INET6_ADDRSTRLEN + IFNAMSIZ], *scope;

	snprintf(text, sizeof(text), "%s", *value == '[' ? value + 1 : value);
	text[strcspn(text, "]")] = '\0';
	scope = strchr(text, '%');
	if (scope)
		*scope++ = '\0';
	*ss = (struct sockaddr_storage){ 0 };
	if (!strcmp(text, "*"))
		strcpy(text, "0.0.0.0");
	if (inet_pton(AF_INET, text, &sin->sin_addr) == 1) {
		sin->sin_family = AF_INET;
	} else if (inet_pton(AF_INET6, text, &sin6->sin6_addr) == 1) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_scope_id = scope ? if_nametoindex(scope) : 0;
	} else {
		fail("%s: not an address: '%s'", key, value);
	}
	address_set_port(ss, port);
}

static int parse_name(const char *key, const char *value, const char *const names[])
{
	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], value))
			return i;
	}
	fail("%s: unknown value '%s'", key, value);
}

static void spec_set(struct spec *spec, const char *key, char *value)
{
	static const char *const others[] = { "keep", "child", "close", NULL };
	static const char *const owners[] = { "self",	       "child",	   "inherited",
					      "scm",	       "io_uring", "thread",
					      "exited-leader", "pidns",	   NULL };
	static const char *const exes[] = { "self", "copy", "deleted", NULL };
	static const char *const sides[] = { "server", "client", NULL };
	const struct {
		const char *key;
		int *number;
		long min, max;
	} numbers[] = {
		{ "reuseaddr", &spec->reuseaddr, 0, 1 },
		{ "reuseport", &spec->reuseport, 0, 1 },
		{ "v6only", &spec->v6only, 0, 1 },
		{ "client-reuseaddr", &spec->client_reuseaddr, 0, 1 },
		{ "client-reuseport", &spec->client_reuseport, 0, 1 },
		{ "child-reuseaddr", &spec->child_reuseaddr, 0, 1 },
		{ "child-reuseport", &spec->child_reuseport, 0, 1 },
		{ "client-port", &spec->client_port, 0, 65535 },
		{ "backlog", &spec->backlog, 0, 65535 },
		{ "queue", &spec->queue, 0, 65535 },
		{ "conns", &spec->conns, 1, 1000000 },
		{ "count", &spec->count, 1, 1000000 },
		{ "step", &spec->step, 0, 1000 },
	};
	const struct {
		const char *key;
		bool *flag;
	} flags[] = {
		{ "orphan", &spec->orphan },
		{ "listener", &spec->keep_listener },
		{ "parent-exits", &spec->parent_exits },
		{ "stopped", &spec->stopped },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		if (!strcmp(key, numbers[i].key)) {
			*numbers[i].number =
				parse_number(key, value, numbers[i].min, numbers[i].max);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		if (!strcmp(key, flags[i].key)) {
			*flags[i].flag = parse_number(key, value, 0, 1);
			return;
		}
	}
	if (!strcmp(key, "addr")) {
		parse_address(key, value, &spec->addr);
	} else if (!strcmp(key, "port")) {
		address_set_port(&spec->addr, (uint16_t)parse_number(key, value, 0, 65535));
	} else if (!strcmp(key, "via")) {
		parse_address(key, value, &spec->via);
	} else if (!strcmp(key, "peer")) {
		char *colon = strrchr(value, ':');

		if (!colon)
			fail("peer: ADDRESS:PORT is expected, not '%s'", value);
		*colon = '\0';
		parse_address(key, value, &spec->peer);
		address_set_port(&spec->peer, (uint16_t)parse_number(key, colon + 1, 1, 65535));
	} else if (!strcmp(key, "join")) {
		parse_address(key, value, &spec->join);
	} else if (!strcmp(key, "device")) {
		snprintf(spec->device, sizeof(spec->device), "%s", value);
	} else if (!strcmp(key, "program")) {
		spec->program = parse_number(key, value, 0, 1);
	} else if (!strcmp(key, "uid")) {
		spec->uid = (uid_t)parse_number(key, value, 0, 0x7fffffff);
		spec->has_uid = true;
	} else if (!strcmp(key, "side")) {
		spec->client_side = parse_name(key, value, sides);
	} else if (!strcmp(key, "other")) {
		spec->other = (enum other)parse_name(key, value, others);
	} else if (!strcmp(key, "owner")) {
		spec->owner = (enum owner)parse_name(key, value, owners);
	} else if (!strcmp(key, "exe")) {
		spec->exe = (enum exe)parse_name(key, value, exes);
	} else if (!strcmp(key, "comm")) {
		unescape(value);
		spec->comm = value;
	} else if (!strcmp(key, "argv")) {
		spec->argv_len = unescape(value);
		spec->argv = value;
	} else {
		fail("unknown key '%s'", key);
	}
}

static void spec_set_all(struct spec *spec, char *keys)
{
	while (keys && *keys) {
		char *key = keys, *value, *end_of_key = keys;

		while (*end_of_key && *end_of_key != ',')
			end_of_key += *end_of_key == '\\' && end_of_key[1] ? 2 : 1;
		keys = *end_of_key ? end_of_key + 1 : NULL;
		*end_of_key = '\0';
		value = strchr(key, '=');
		if (value)
			*value++ = '\0';
		/* A flag alone means yes. */
		spec_set(spec, key, value ? value : strdup("1"));
	}
}

static const struct state *state_find(const char *name)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (!strcmp(states[i].name, name))
			return &states[i];
	}
	return NULL;
}

static void spec_parse(struct spec *spec, const char *text, unsigned int index)
{
	char *copy = strdup(text), *keys = strchr(copy, ',');

	*spec = (struct spec){
		.index = index,
		.text = text,
		.reuseaddr = -1,
		.reuseport = -1,
		.v6only = -1,
		.client_reuseaddr = -1,
		.client_reuseport = -1,
		.child_reuseaddr = -1,
		.child_reuseport = -1,
		.backlog = 128,
		.conns = 1,
		.count = 1,
		.step = 1,
	};
	current_spec = spec;
	spec->addr.ss_family = AF_INET;
	((struct sockaddr_in *)&spec->addr)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (keys)
		*keys++ = '\0';
	spec->state = state_find(copy);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases) && !spec->state; i++) {
		if (strcmp(aliases[i].name, copy))
			continue;
		spec->state = state_find(aliases[i].state);
		spec_set_all(spec, strdup(aliases[i].keys));
	}
	if (!spec->state)
		fail("unknown state");
	spec_set_all(spec, keys);

	if (spec->parent_exits && spec->owner != OWNER_INHERITED)
		fail("parent-exits needs owner=inherited");
	if (spec->argv && spec->exe == EXE_SELF)
		spec->exe = EXE_COPY;
	if (spec->exe != EXE_SELF && spec->owner == OWNER_SELF)
		spec->owner = OWNER_CHILD;
	if (spec->exe != EXE_SELF && spec->owner != OWNER_CHILD && spec->owner != OWNER_INHERITED)
		fail("exe and argv need owner=child or owner=inherited");
	if ((spec->has_uid || spec->comm || spec->stopped) && spec->owner == OWNER_SELF)
		spec->owner = OWNER_CHILD;
	if (spec->stopped && (spec->owner == OWNER_INHERITED || spec->owner == OWNER_PIDNS))
		fail("stopped goes with one holder, which is not the first process of a namespace");
	if (spec->state->make == make_kernel_socket && spec->owner != OWNER_SELF)
		fail("the kernel's socket takes no owner");
	current_spec = NULL;
}

/* A copy of this program under the same name, in a directory of its own. */
static void copy_executable(struct spec *spec)
{
	const char *tmp = getenv("TMPDIR");
	char dir[3072], path[4096], buf[65536];
	int in, out;
	ssize_t n;

	snprintf(dir, sizeof(dir), "%s/mksock-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir) || chmod(dir, 0755))
		fail("%s: %s", dir, strerror(errno));
	/* The holder itself removes the name. */
	if (spec->has_uid && chown(dir, spec->uid, (gid_t)-1))
		skip("chown to uid %u: %s", (unsigned int)spec->uid, strerror(errno));
	snprintf(path, sizeof(path), "%s/mksock-copy", dir);
	copies = realloc(copies, (n_copies + 1) * sizeof(*copies));
	spec->exe_path = strdup(path);
	copies[n_copies++] = strdup(path);
	in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (in < 0 || out < 0)
		fail("%s: %s", path, strerror(errno));
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		if (write(out, buf, (size_t)n) != n)
			fail("%s: %s", path, strerror(errno));
	}
	if (n < 0 || fchmod(out, 0755) || close(out))
		fail("%s: %s", path, strerror(errno));
	close(in);
}

static __attribute__((noreturn)) void usage(FILE *out, int status)
{
	fprintf(out, "usage: mksock STATE[,KEY=VALUE...] ...\nstates:");
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		fprintf(out, " %s", states[i].name);
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		fprintf(out, "\n  %s = %s,%s", aliases[i].name, aliases[i].state, aliases[i].keys);
	fprintf(out,
		"\nkeys: addr port reuseaddr reuseport program v6only device uid backlog queue conns count\n"
		"  step listener side other orphan via peer join client-port client-reuseaddr\n"
		"  client-reuseport child-reuseaddr child-reuseport\n"
		"  owner parent-exits stopped comm argv exe\n");
	exit(status);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	struct spec *specs;
	struct pollfd poll_fds[2];
	sigset_t signals;
	char buf[4096];

	hold_after_exec();
	if (argc < 2)
		usage(stderr, EXIT_FAILURE);
	if (!strcmp(argv[1], "--help"))
		usage(stdout, EXIT_SUCCESS);

	main_pid = getpid();
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}

	specs = calloc((size_t)argc, sizeof(*specs));
	for (int i = 1; i < argc; i++)
		spec_parse(&specs[i], argv[i], (unsigned int)i);
	for (int i = 1; i < argc; i++) {
		current_spec = &specs[i];
		if (specs[i].exe != EXE_SELF)
			copy_executable(&specs[i]);
		hold(&specs[i]);
	}
	current_spec = NULL;
	puts("ready");
	if (fflush(stdout))
		fail("stdout: %s", strerror(errno));

	poll_fds[0] = (struct pollfd){ .fd = STDIN_FILENO, .events = POLLIN };
	poll_fds[1] =
		(struct pollfd){ .fd = signalfd(-1, &signals, SFD_CLOEXEC), .events = POLLIN };
	for (;;) {
		if (poll(poll_fds, 2, -1) < 0)
			continue;
		if (poll_fds[1].revents)
			break;
		if (poll_fds[0].revents && read(STDIN_FILENO, buf, sizeof(buf)) <= 0)
			break;
	}
	end(EXIT_SUCCESS);
}

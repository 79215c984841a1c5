/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BPF iterators against sockets whose flags and owners are known, made in a network namespace
 * of its own. Skipped where BPF may not be used.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/tap.h"
#include "source/socket-bpf.h"

#define N_MANY 9000 /* more than two buffers */
#define N_GROUPS 12
#define N_TIME_WAIT 5000 /* more than a buffer */

enum {
	REUSE_ADDR = 1U << 0,
	REUSE_PORT = 1U << 1,
	V6ONLY = 1U << 2,
};

static struct socket_bpf *bpf;

/* What came, a process and a descriptor once each. */
static struct {
	struct bpf_task_record *tasks;
	struct bpf_owned_record *sockets;
	uint32_t n_tasks, n_sockets, too_large;
	uint32_t next; /* index of the first task that has not been looked at */
	uint32_t *kept; /* of each task that came, its index in tasks */
} owners;

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		diag("setsockopt %d %d: %s", level, option, strerror(errno));
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof(cookie);

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
	return cookie;
}

static uint64_t inode_of(const char *path, int fd)
{
	struct stat st;

	return (path ? stat(path, &st) : fstat(fd, &st)) ? 0 : st.st_ino;
}

/* A socket bound to loopback, port 0 for any. It has a cookie afterwards. */
static int make_socket(int family, int type, int protocol, uint16_t port, unsigned int flags)
{
	struct sockaddr_in in4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(family, type, protocol), error;

	if (fd < 0)
		return -1;
	set(fd, SOL_SOCKET, SO_REUSEADDR, !!(flags & REUSE_ADDR));
	set(fd, SOL_SOCKET, SO_REUSEPORT, !!(flags & REUSE_PORT));
	if (family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, !!(flags & V6ONLY));
	in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	error = family == AF_INET ? bind(fd, (struct sockaddr *)&in4, sizeof(in4)) :
				    bind(fd, (struct sockaddr *)&in6, sizeof(in6));
	if (error)
		diag("bind: %s", strerror(errno));
	cookie_of(fd);
	return fd;
}

static void forget_owners(void)
{
	free(owners.tasks);
	free(owners.sockets);
	free(owners.kept);
	memset(&owners, 0, sizeof(owners));
}

static int compare_owned(const void *left, const void *right)
{
	const struct bpf_owned_record *a = left, *b = right;

	if (a->task != b->task)
		return a->task < b->task ? -1 : 1;
	return a->fd < b->fd ? -1 : a->fd > b->fd;
}

static void take_owners(void *user, const struct bpf_owner_batch *batch)
{
	uint32_t i, k;

	(void)user;
	owners.tasks = realloc(owners.tasks, batch->n_tasks * sizeof(*owners.tasks));
	owners.kept = realloc(owners.kept, batch->n_tasks * sizeof(*owners.kept));
	for (; owners.next < batch->n_tasks; owners.next++) {
		for (k = 0; k < owners.n_tasks; k++)
			if (owners.tasks[k].pid == batch->tasks[owners.next].pid)
				break;
		if (k == owners.n_tasks)
			owners.tasks[owners.n_tasks++] = batch->tasks[owners.next];
		owners.kept[owners.next] = k;
	}
	owners.sockets = realloc(owners.sockets,
				 (owners.n_sockets + batch->n_sockets) * sizeof(*owners.sockets));
	for (i = 0; i < batch->n_sockets; i++) {
		owners.sockets[owners.n_sockets] = batch->sockets[i];
		owners.sockets[owners.n_sockets++].task = owners.kept[batch->sockets[i].task];
	}
}

static int load_owners(void)
{
	uint32_t i, n = 0;
	int error;

	forget_owners();
	error = socket_bpf_owners(bpf, false, take_owners, NULL, &owners.too_large);
	if (error)
		return error;
	if (owners.n_sockets)
		qsort(owners.sockets, owners.n_sockets, sizeof(*owners.sockets), compare_owned);
	for (i = 0; i < owners.n_sockets; i++)
		if (!n || compare_owned(&owners.sockets[n - 1], &owners.sockets[i]))
			owners.sockets[n++] = owners.sockets[i];
	owners.n_sockets = n;
	return 0;
}

static const struct bpf_owned_record *find(pid_t pid, int fd, unsigned int *ret_count)
{
	const struct bpf_owned_record *found = NULL;
	uint32_t i;

	*ret_count = 0;
	for (i = 0; i < owners.n_sockets; i++) {
		const struct bpf_owned_record *record = &owners.sockets[i];

		if (owners.tasks[record->task].pid == (uint32_t)pid && record->fd == (uint32_t)fd) {
			found = record;
			++*ret_count;
		}
	}
	return found;
}

static bool is_owned(pid_t pid, int fd, uint64_t cookie)
{
	unsigned int count;
	const struct bpf_owned_record *record = find(pid, fd, &count);

	return count == 1 && record->cookie == cookie;
}

static const struct bpf_task_record *find_task(pid_t pid)
{
	uint32_t i;

	for (i = 0; i < owners.n_tasks; i++)
		if (owners.tasks[i].pid == (uint32_t)pid)
			return &owners.tasks[i];
	return NULL;
}

static void read_owners(const char *when)
{
	is_int(load_owners(), 0, "owners are read: %s", when);
	is_int(owners.too_large, 0, "no table was too large");
}

static void check_flags(const char *name, int family, int type, int protocol, unsigned int flags,
			bool listening)
{
	int fd = make_socket(family, type, protocol, 0, flags);
	const struct bpf_owned_record *record;
	unsigned int count;

	if (fd < 0) {
		skip(1, "%s: %s", name, strerror(errno));
		return;
	}
	if (listening)
		listen(fd, 5);
	load_owners();
	record = find(getpid(), fd, &count);
	if (!ok(record && count == 1 && record->cookie == cookie_of(fd) &&
			record->inode == inode_of(NULL, fd) &&
			record->netns == inode_of("/proc/self/ns/net", -1) &&
			record->family == family &&
			record->protocol == (protocol ? protocol : IPPROTO_TCP) &&
			record->reuse == !!(flags & REUSE_ADDR) &&
			!(record->flags & BPF_SOCKET_REUSE_PORT) == !(flags & REUSE_PORT) &&
			!(record->flags & BPF_SOCKET_V6ONLY) == !(flags & V6ONLY) &&
			!(record->flags & BPF_SOCKET_MULTICAST) &&
			(!listening || record->state == TCP_LISTEN) && record->local_port,
		"%s", name) &&
	    record)
		diag("count %u reuse %u flags %x state %u protocol %u netns %u inode %u", count,
		     record->reuse, record->flags, record->state, record->protocol, record->netns,
		     record->inode);
	close(fd);
}

static void check_task(void)
{
	const struct bpf_task_record *task;
	char comm[17] = "", line[512], path[600];
	long long start = 0;
	FILE *file;
	int fd = make_socket(AF_INET, SOCK_DGRAM, 0, 0, 0);

	prctl(PR_GET_NAME, comm);
	read_owners("this process");
	task = find_task(getpid());
	if (!ok(task, "this process is among the owners")) {
		close(fd);
		return;
	}
	is_int(task->ppid, getppid(), "its parent");
	is_int(task->uid, geteuid(), "its uid");
	is_str(task->comm, comm, "its name");
	file = fopen("/proc/self/stat", "r");
	if (file && fgets(line, sizeof(line), file)) {
		char *rest = strrchr(line, ')');
		int field = 2;

		for (; rest && field < 22; field++)
			rest = strchr(rest + 1, ' ');
		start = rest ? atoll(rest) : 0;
	}
	if (file)
		fclose(file);
	is_int(task->start_boottime_ns / (1000000000ULL / (unsigned long)sysconf(_SC_CLK_TCK)),
	       start, "its start, in clock ticks");
	path[0] = '\0';
	file = fopen("/proc/self/cgroup", "r");
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "0::", 3))
			snprintf(path, sizeof(path), "/sys/fs/cgroup%s", line + 3);
	}
	if (file)
		fclose(file);
	if (path[0] && !access("/sys/fs/cgroup/cgroup.procs", F_OK))
		is_int(task->cgroup_id, inode_of(path, -1), "its cgroup");
	else
		ok(task->cgroup_id, "it has a cgroup");
	ok(task->cgroup_set, "and a set of them");
	close(fd);
}

struct thread_result {
	int fd, barrier[2];
	uint64_t cookie;
};

static void *private_thread(void *argument)
{
	struct thread_result *result = argument;
	char byte = 0;

	if (unshare(CLONE_FILES))
		return NULL;
	result->fd = make_socket(AF_INET, SOCK_STREAM, 0, 0, REUSE_ADDR);
	result->cookie = cookie_of(result->fd);
	/* The pipe is the same one, whatever the table. */
	if (write(result->barrier[1], &byte, 1) == 1)
		pause();
	return NULL;
}

static void *pausing_thread(void *argument)
{
	(void)argument;
	for (;;)
		pause();
	return NULL;
}

static void check_threads(void)
{
	struct thread_result result = { .fd = -1 };
	int shared = make_socket(AF_INET, SOCK_STREAM, 0, 0, 0), copy = dup(shared), status;
	pthread_t thread;
	char byte;
	pid_t child;

	read_owners("a descriptor that was copied");
	ok(is_owned(getpid(), shared, cookie_of(shared)) &&
		   is_owned(getpid(), copy, cookie_of(shared)),
	   "both are there");

	/* A process whose thread has a table of its own. */
	if (pipe(result.barrier))
		return;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_create(&thread, NULL, private_thread, &result);
		if (read(result.barrier[0], &byte, 1) == 1 &&
		    write(result.barrier[1], &result, sizeof(result)) > 0)
			pausing_thread(NULL);
		_exit(1);
	}
	/* The child reads its byte first: the other bytes come only afterwards. */
	usleep(200000);
	if (read(result.barrier[0], &result, sizeof(result)) != (ssize_t)sizeof(result))
		diag("no word from the thread");
	read_owners("a thread with a table of its own");
	ok(is_owned(child, result.fd, result.cookie), "its own socket is the process's");
	ok(is_owned(child, shared, cookie_of(shared)), "what both tables have is there once");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(result.barrier[0]);
	close(result.barrier[1]);

	/* A leader that has exited, with three threads that live. */
	child = fork();
	if (!child) {
		int i;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (i = 0; i < 3; i++)
			pthread_create(&thread, NULL, pausing_thread, NULL);
		syscall(SYS_exit, 0);
	}
	usleep(200000);
	read_owners("a leader that has exited");
	ok(is_owned(child, shared, cookie_of(shared)), "its socket is there once");
	is_int(find_task(child) ? find_task(child)->ppid : 0, getpid(), "its parent");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(shared);
	close(copy);
}

static void check_pid_namespace(void)
{
	int fd = make_socket(AF_INET, SOCK_DGRAM, 0, 0, 0), status;
	struct clone_args arguments = { .flags = CLONE_NEWPID, .exit_signal = SIGCHLD };
	pid_t child = (pid_t)syscall(SYS_clone3, &arguments, sizeof(arguments));

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (setresuid(1234, 1234, 1234))
			_exit(1);
		pausing_thread(NULL);
	}
	if (child < 0) {
		skip(1, "no pid namespace: %s", strerror(errno));
		close(fd);
		return;
	}
	usleep(100000);
	read_owners("a process of another pid namespace");
	ok(is_owned(child, fd, cookie_of(fd)), "it has the number that is its here");
	is_int(find_task(child) ? find_task(child)->uid : 0, 1234, "its uid");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	close(fd);
}

/* Sent over a Unix socket and not yet received: nobody's. */
static void check_in_flight(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = make_socket(AF_INET, SOCK_STREAM, 0, 0, 0), pair[2];
	uint64_t cookie = cookie_of(fd);
	uint32_t i, seen = 0;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) || sendmsg(pair[0], &message, 0) < 0)
		diag("sendmsg: %s", strerror(errno));
	close(fd);
	read_owners("a socket in flight");
	for (i = 0; i < owners.n_sockets; i++)
		seen += owners.sockets[i].cookie == cookie;
	is_int(seen, 0, "it has no owner");
	close(pair[0]);
	close(pair[1]);
}

/* More than fits into the buffer, in one process: the walk stops and goes on. */
static void check_many(void)
{
	struct rlimit limit = { .rlim_cur = N_MANY + 100, .rlim_max = N_MANY + 100 };
	static int fds[N_MANY];
	uint32_t i, n = 0, right = 0;
	pid_t child;
	int status;

	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		skip(1, "cannot have %u descriptors", N_MANY);
		return;
	}
	for (i = 0; i < N_MANY; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		cookie_of(fds[i]);
		if (fds[i] >= 0 && i % 7 == 3 && n++ < 500) {
			/* Holes in the table. */
			close(fds[i]);
			fds[i] = open("/dev/null", O_RDONLY);
		}
	}
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pausing_thread(NULL);
	}
	read_owners("many sockets");
	for (n = 0, i = 0; i < owners.n_sockets; i++) {
		const struct bpf_owned_record *record = &owners.sockets[i];
		uint32_t pid = owners.tasks[record->task].pid;

		if (pid != (uint32_t)getpid() && pid != (uint32_t)child)
			continue;
		n++;
		right += record->cookie == cookie_of((int)record->fd);
	}
	is_int(n, 2 * (N_MANY - 500), "each of them in both processes");
	is_int(right, n, "each with its cookie");
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	for (i = 0; i < N_MANY; i++)
		close(fds[i]);
}

static const struct bpf_table_record *find_cookie(const struct bpf_socket_table *table,
						  uint64_t cookie)
{
	uint32_t i;

	for (i = 0; i < table->n_sockets; i++)
		if (table->sockets[i].cookie == cookie)
			return &table->sockets[i];
	return NULL;
}

/*
 * Connect, and close the accepted end first, so that it is the one in TIME-WAIT. From an address of
 * its own each time, or a connection with the same ports would take the bucket's place.
 */
static uint64_t make_time_wait(int listener)
{
	static uint32_t source = 0x7f010000;
	struct sockaddr_in address, from = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int client = socket(AF_INET, SOCK_STREAM, 0), server;
	uint64_t cookie;
	char byte;

	from.sin_addr.s_addr = htonl(++source);
	bind(client, (struct sockaddr *)&from, sizeof(from));
	getsockname(listener, (struct sockaddr *)&address, &size);
	connect(client, (struct sockaddr *)&address, size);
	server = accept(listener, NULL, NULL);
	cookie = cookie_of(server);
	close(server);
	if (read(client, &byte, 1))
		diag("the connection does not end");
	close(client);
	return cookie;
}

static void check_tcp(void)
{
	static const unsigned int flags[] = { 0, REUSE_ADDR, REUSE_PORT, REUSE_ADDR | REUSE_PORT };
	struct bpf_socket_table table, all;
	struct sockaddr_in address;
	socklen_t size = sizeof(address);
	uint64_t cookies[4];
	int listeners[4], client, error;
	uint32_t i, queued = 0, buckets = 0;

	for (i = 0; i < 4; i++) {
		listeners[i] = make_socket(AF_INET, SOCK_STREAM, 0, 0, flags[i]);
		listen(listeners[i], 5);
		cookies[i] = make_time_wait(listeners[i]);
	}
	/* One that nobody accepts. */
	getsockname(listeners[3], (struct sockaddr *)&address, &size);
	client = socket(AF_INET, SOCK_STREAM, 0);
	connect(client, (struct sockaddr *)&address, size);
	cookie_of(client);

	error = socket_bpf_tcp(bpf, true, &table);
	is_int(error, 0, "ownerless TCP sockets are read");
	if (error)
		return;
	for (i = 0; i < 4; i++) {
		const struct bpf_table_record *record = find_cookie(&table, cookies[i]);

		ok(record && record->state == TCP_TIME_WAIT &&
			   record->reuse == !!(flags[i] & REUSE_ADDR) &&
			   !(record->flags & BPF_SOCKET_REUSE_PORT) == !(flags[i] & REUSE_PORT),
		   "TIME-WAIT remembers flags %u", flags[i]);
		ok(!find_cookie(&table, cookie_of(listeners[i])), "a listener has an owner");
	}
	ok(!find_cookie(&table, cookie_of(client)), "and so has a connection");
	bpf_socket_table_done(&table);

	for (i = 0; i < N_TIME_WAIT; i++)
		make_time_wait(listeners[1]);
	error = socket_bpf_tcp(bpf, false, &all);
	is_int(error, 0, "all TCP sockets are read");
	if (error)
		return;
	for (i = 0; i < 4; i++) {
		const struct bpf_table_record *record = find_cookie(&all, cookie_of(listeners[i]));

		ok(record && record->state == TCP_LISTEN && (record->flags & BPF_SOCKET_HAS_FILE) &&
			   !(record->flags & BPF_SOCKET_KERNEL) &&
			   record->reuse == !!(flags[i] & REUSE_ADDR),
		   "listener with flags %u", flags[i]);
	}
	for (i = 0; i < all.n_sockets; i++) {
		const struct bpf_table_record *record = &all.sockets[i];

		buckets += record->state == TCP_TIME_WAIT;
		queued += record->state == TCP_ESTABLISHED &&
			  !(record->flags & BPF_SOCKET_HAS_FILE);
	}
	is_int(buckets, N_TIME_WAIT + 4, "every TIME-WAIT bucket");
	/* Its cookie is 0, as no dump has given it one. */
	is_int(queued, 0, "a socket without a cookie is left out");
	bpf_socket_table_done(&all);
	for (i = 0; i < 4; i++)
		close(listeners[i]);
	close(client);
}

static void check_udp(void)
{
	struct bpf_socket_table table;
	const struct bpf_table_record *record;
	struct ip_mreqn mreq4 = { .imr_ifindex = (int)if_nametoindex("lo") };
	struct ipv6_mreq mreq6 = { .ipv6mr_interface = if_nametoindex("lo") };
	int fd4 = make_socket(AF_INET, SOCK_DGRAM, 0, 0, REUSE_ADDR);
	int fd6 = make_socket(AF_INET6, SOCK_DGRAM, 0, 0, REUSE_PORT);
	int plain = make_socket(AF_INET, SOCK_DGRAM, 0, 0, 0), error;
	unsigned int count, i, in4 = 0, in6 = 0, wrong = 0;
	const struct bpf_owned_record *owned;

	for (i = 0; i < N_GROUPS; i++) {
		mreq4.imr_multiaddr.s_addr = htonl(0xe00000f0 + i);
		if (setsockopt(fd4, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq4, sizeof(mreq4)))
			diag("IP_ADD_MEMBERSHIP: %s", strerror(errno));
	}
	mreq6.ipv6mr_multiaddr.s6_addr[0] = 0xff;
	mreq6.ipv6mr_multiaddr.s6_addr[1] = 0x02;
	mreq6.ipv6mr_multiaddr.s6_addr[15] = 0xfb;
	if (setsockopt(fd6, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &mreq6, sizeof(mreq6)))
		diag("IPV6_ADD_MEMBERSHIP: %s", strerror(errno));
	mreq4.imr_multiaddr.s_addr = htonl(0xe00000fb);
	setsockopt(fd6, IPPROTO_IP, IP_ADD_MEMBERSHIP, &mreq4, sizeof(mreq4));

	read_owners("UDP sockets with groups");
	owned = find(getpid(), fd4, &count);
	ok(owned && (owned->flags & BPF_SOCKET_MULTICAST), "IPv4 membership is seen");
	owned = find(getpid(), fd6, &count);
	ok(owned && (owned->flags & BPF_SOCKET_MULTICAST), "IPv6 membership is seen");
	owned = find(getpid(), plain, &count);
	ok(owned && !(owned->flags & BPF_SOCKET_MULTICAST), "no membership is seen");

	error = socket_bpf_udp(bpf, &table);
	is_int(error, 0, "UDP sockets are read");
	if (error)
		return;
	record = find_cookie(&table, cookie_of(fd4));
	ok(record && record->reuse == 1 && (record->flags & BPF_SOCKET_MULTICAST) &&
		   (record->flags & BPF_SOCKET_HAS_FILE) &&
		   !(record->flags & BPF_SOCKET_GROUPS_CUT),
	   "IPv4 socket");
	record = find_cookie(&table, cookie_of(fd6));
	ok(record && !record->reuse && (record->flags & BPF_SOCKET_REUSE_PORT), "IPv6 socket");
	record = find_cookie(&table, cookie_of(plain));
	ok(record && !(record->flags & BPF_SOCKET_MULTICAST), "socket without groups");
	for (i = 0; i < table.n_groups; i++) {
		const struct bpf_group_record *group = &table.groups[i];

		if (group->socket >= table.n_sockets)
			wrong++;
		else if (table.sockets[group->socket].cookie == cookie_of(fd4))
			in4 += group->family == AF_INET && group->ifindex == if_nametoindex("lo") &&
			       (ntohl(group->address[0]) & 0xfffffff0) == 0xe00000f0;
		else if (table.sockets[group->socket].cookie == cookie_of(fd6))
			in6 += group->family == AF_INET6 ?
				       !memcmp(group->address, &mreq6.ipv6mr_multiaddr, 16) :
				       ntohl(group->address[0]) == 0xe00000fb;
	}
	is_int(wrong, 0, "groups belong to sockets");
	is_int(in4, N_GROUPS, "each IPv4 group");
	is_int(in6, 2, "IPv6 and IPv4 group of one socket");
	bpf_socket_table_done(&table);
	close(fd4);
	close(fd6);
	close(plain);
}

static unsigned int n_descriptors(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

int main(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	unsigned int before;
	int control, error;

	before = n_descriptors();
	bpf = socket_bpf_new();
	error = load_owners();
	if (error == -ENOTSUP)
		skip_all("built without BPF");
	if (error == -EPERM || error == -EACCES)
		skip_all("needs CAP_BPF and CAP_PERFMON");
	if (error)
		skip_all("this kernel does not take the program: %s", strerror(-error));
	if (unshare(CLONE_NEWNET))
		skip_all("needs a network namespace of its own: %s", strerror(errno));
	control = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(control, SIOCSIFFLAGS, &request))
		skip_all("cannot use loopback: %s", strerror(errno));
	close(control);

	check_flags("TCP", AF_INET, SOCK_STREAM, 0, 0, false);
	check_flags("TCP listening", AF_INET, SOCK_STREAM, 0, 0, true);
	check_flags("TCP RA", AF_INET, SOCK_STREAM, 0, REUSE_ADDR, false);
	check_flags("TCP RP listening", AF_INET, SOCK_STREAM, 0, REUSE_PORT, true);
	check_flags("TCP RA RP listening", AF_INET, SOCK_STREAM, 0, REUSE_ADDR | REUSE_PORT, true);
	check_flags("TCP IPv6", AF_INET6, SOCK_STREAM, 0, 0, true);
	check_flags("TCP IPv6 only", AF_INET6, SOCK_STREAM, 0, V6ONLY, true);
	check_flags("UDP", AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0, false);
	check_flags("UDP RA RP", AF_INET, SOCK_DGRAM, IPPROTO_UDP, REUSE_ADDR | REUSE_PORT, false);
	check_flags("UDP IPv6 only RA", AF_INET6, SOCK_DGRAM, IPPROTO_UDP, V6ONLY | REUSE_ADDR,
		    false);
	check_flags("UDP-Lite RP", AF_INET, SOCK_DGRAM, 136, REUSE_PORT, false);
	check_flags("MPTCP RA listening", AF_INET, SOCK_STREAM, 262, REUSE_ADDR, true);
	check_flags("SCTP RA", AF_INET, SOCK_STREAM, 132, REUSE_ADDR, true);
	check_task();
	check_threads();
	check_pid_namespace();
	check_in_flight();
	check_many();
	check_udp();
	check_tcp();

	forget_owners();
	socket_bpf_free(bpf);
	is_int(n_descriptors(), before, "no descriptor is left open");
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/still-there.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "helpers/tap.h"
#include "source/owners.h"
#include "source/reuse-getfd.h"
#include "source/sock-diag.h"

/* More ports than one question names. */
#define MANY 80
#define FIRST_PORT 2000

static struct netns_handle here = { .fd = -1 };
static const struct netns_list namespaces = { .items = &here, .count = 1 };

static struct collect_request request = {
	.want = WANT_OWNERS | WANT_REUSE,
	.protocols = 1U << PROTOCOL_TCP | 1U << PROTOCOL_UDP,
	.states = (1U << N_STATES) - 1,
	.inet = true,
	.inet6 = true,
};

/* What every kernel can do. */
static void need(bool done, const char *what)
{
	if (done)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(99);
}

static int bound(int type, uint16_t port)
{
	const struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), on = 1;

	need(fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) &&
		     !bind(fd, (const struct sockaddr *)&at, sizeof(at)),
	     "bind");
	return fd;
}

static int listening(uint16_t port)
{
	int fd = bound(SOCK_STREAM, port);

	need(!listen(fd, 8), "listen");
	return fd;
}

static void connect_to(int fd, uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	need(!connect(fd, (const struct sockaddr *)&to, sizeof(to)), "connect");
}

static struct snapshot *listed(void)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot_add_netns(snapshot);
	need(!sock_diag_collect(&request, 0, snapshot), "sock_diag");
	return snapshot;
}

/* The socket in a state on a port, or SNAPSHOT_NONE. */
static uint32_t find(const struct snapshot *snapshot, enum socket_state state, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++)
		if (snapshot->sockets[i].state == state && snapshot->sockets[i].local_port == port)
			return i;
	return SNAPSHOT_NONE;
}

static bool has(const struct snapshot *snapshot, enum socket_state state, uint16_t port)
{
	return find(snapshot, state, port) != SNAPSHOT_NONE;
}

static bool is_own(const struct snapshot *snapshot, uint32_t row)
{
	const struct inet_socket *socket = &snapshot->sockets[row];
	const struct owner *owner = &snapshot->owners[socket->first_owner];

	return socket->n_owners == 1 &&
	       snapshot->processes[owner->process].pid == (uint32_t)getpid();
}

/* What is closed between its listing and the search for its holder. */
static void test_closed_meanwhile(bool no_bpf)
{
	const char *how = no_bpf ? "without BPF" : "with BPF, where it works";
	int kept = listening(1000), server = listening(1001), udp = bound(SOCK_DGRAM, 1002);
	int idle = bound(SOCK_STREAM, 1003), again, client = bound(SOCK_STREAM, 1004);
	struct snapshot *snapshot;
	uint32_t row;

	connect_to(client, 1000);
	request.no_bpf = no_bpf;
	snapshot = listed();
	ok(has(snapshot, STATE_LISTEN, 1001) && has(snapshot, STATE_BOUND, 1002) &&
		   has(snapshot, STATE_ESTAB, 1004),
	   "they are listed");
	close(server);
	again = listening(1001);
	close(udp);
	close(idle);
	close(client);
	owners_collect(&request, &namespaces, snapshot);
	ok(!has(snapshot, STATE_LISTEN, 1001),
	   "a listener that is gone is left out, though another has its port now, %s", how);
	ok(!has(snapshot, STATE_BOUND, 1002), "so is a UDP socket");
	ok(!has(snapshot, STATE_BOUND, 1003), "and one of TCP that was only bound");
	ok(has(snapshot, STATE_ESTAB, 1004),
	   "a connection is not: something else may be in its place");
	row = find(snapshot, STATE_LISTEN, 1000);
	ok(row != SNAPSHOT_NONE && is_own(snapshot, row), "what stays has its holder");
	snapshot_free(snapshot);
	close(again);
	close(kept);
}

/* What is closed after its holder was found, and before its flags are read through it. */
static int to_be_closed = -1;

void __real_reuse_getfd_collect(struct snapshot *snapshot, bool connections);
void __wrap_reuse_getfd_collect(struct snapshot *snapshot, bool connections);

void __wrap_reuse_getfd_collect(struct snapshot *snapshot, bool connections)
{
	if (to_be_closed >= 0)
		close(to_be_closed);
	to_be_closed = -1;
	__real_reuse_getfd_collect(snapshot, connections);
}

static void test_closed_before_flags(void)
{
	int kept = listening(1000);
	struct snapshot *snapshot;

	to_be_closed = listening(1001);
	request.no_bpf = true;
	snapshot = listed();
	owners_collect(&request, &namespaces, snapshot);
	is_int(to_be_closed, -1, "a listener is closed before its flags are read");
	ok(!has(snapshot, STATE_LISTEN, 1001), "it is left out");
	ok(has(snapshot, STATE_LISTEN, 1000), "the other is not");
	snapshot_free(snapshot);
	close(kept);
}

/* Ask for all of a snapshot. Returns how many are there. */
static uint32_t ask_for_all(const struct snapshot *snapshot, bool *there)
{
	uint32_t i, n = 0;

	for (i = 0; i < snapshot->n_sockets; i++)
		there[i] = true;
	still_there(&request, &namespaces, snapshot, there);
	for (i = 0; i < snapshot->n_sockets; i++)
		n += there[i];
	return n;
}

static void test_other_state(void)
{
	int server = listening(1000), client = bound(SOCK_STREAM, 1001), fd;
	int idle = bound(SOCK_STREAM, 1002);
	struct snapshot *snapshot = listed();
	bool there[8];

	connect_to(client, 1000);
	need(!listen(idle, 8), "listen");
	ok(has(snapshot, STATE_LISTEN, 1000),
	   "a listener is listed, and what is bound if the kernel "
	   "lists it");
	is_int(ask_for_all(snapshot, there), snapshot->n_sockets,
	       "what was bound, and is connected or listens now, is still there");
	snapshot_free(snapshot);
	fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	close(fd);
	close(server);
	close(client);
	close(idle);
}

static void test_many(void)
{
	struct snapshot *snapshot;
	int fds[MANY], i;
	bool there[MANY];

	for (i = 0; i < MANY; i++)
		fds[i] = listening((uint16_t)(FIRST_PORT + i));
	snapshot = listed();
	is_int(snapshot->n_sockets, MANY, "listeners on many ports are listed");
	is_int(ask_for_all(snapshot, there), MANY, "all are there");
	close(fds[7]);
	close(fds[9]);
	is_int(ask_for_all(snapshot, there), MANY - 2, "but two, when those are closed");
	ok(!there[find(snapshot, STATE_LISTEN, FIRST_PORT + 7)] &&
		   !there[find(snapshot, STATE_LISTEN, FIRST_PORT + 9)],
	   "these two");
	for (i = 10; i < MANY; i++)
		close(fds[i]);
	is_int(ask_for_all(snapshot, there), MANY,
	       "more that are gone than can be named are not told from those that are there");
	snapshot_free(snapshot);
	for (i = 0; i < 10; i++)
		if (i != 7 && i != 9)
			close(fds[i]);
}

static void enter_own_network(void)
{
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		skip_all("the kernel refuses a private network: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	need(fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &loopback), "lo");
	close(fd);
}

int main(void)
{
	enter_own_network();
	test_many();
	test_closed_meanwhile(true);
	test_closed_meanwhile(false);
	test_closed_before_flags();
	test_other_state();
	return done_testing();
}

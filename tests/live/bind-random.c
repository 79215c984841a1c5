/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The models against the kernel: random sequences of sockets on one port, in a network namespace of
 * its own. Before each bind() and listen() the model is asked, then the kernel; after the last,
 * datagrams or connections are sent and counted where the model says that they go. PORTSHARE_SEED
 * and PORTSHARE_ROUNDS change what is tried; a case that differs is printed as a line of
 * tests/truth/bind.txt.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "analysis/bind-conflict.h"
#include "analysis/delivery.h"
#include "analysis/infer.h"
#include "analysis/probe.h"
#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "probe/replica.h"

#define SOCKETS_MAX 16
#define PORT_FIRST 5000
#define PORT_LAST 30000
#define SOURCE_PORTS 24

static const char *const addresses[] = { "0.0.0.0", "127.0.0.1",	"127.0.0.2",	 "::",
					 "::1",	    "::ffff:127.0.0.1", "::ffff:0.0.0.0" };
static const uint32_t uids[] = { 0, 1001, 1002 };

static unsigned int seed;
static uint32_t n_uids; /* 1 where other users cannot be played */
static bool has_devices;
static unsigned int n_probed, n_binds, n_listens, n_children, n_connected, n_sent, n_uncertain,
	n_blocked, n_unseen, n_wrong;

struct entry {
	int fd; /* -1: a TIME-WAIT bucket */
	struct bind_candidate bound;
	bool listens;
	bool is_child; /* of a listener: a connection, or what is left of one */
	/* UDP: a wildcard socket that connected went to the head of its chain, so many-th; 0: not */
	uint32_t moved;
};

struct round {
	struct snapshot *snapshot;
	struct entry entries[SOCKETS_MAX]; /* by index of the socket */
	uint32_t members[SOCKETS_MAX]; /* in the kernel's order */
	uint32_t count;
	struct bind_memory memory;
	enum protocol protocol;
	uint16_t port;
	int clients[SOCKETS_MAX];
	uint32_t n_clients;
	uint32_t n_connected, n_moved; /* of UDP */
};

static uint32_t below(uint32_t limit)
{
	return (uint32_t)rand_r(&seed) % limit;
}

static const char *flags_text(bool reuse_addr, bool reuse_port, bool v6only)
{
	static char text[4];

	snprintf(text, sizeof(text), "%s%s%s", reuse_addr ? "a" : "", reuse_port ? "p" : "",
		 v6only ? "6" : "");
	return *text ? text : "-";
}

static void print_socket(char *line, size_t size, const struct bind_candidate *socket,
			 const char *state)
{
	char address[ADDRESS_TEXT_MAX];
	size_t at = strlen(line);

	snprintf(line + at, size - at, " %s,%s,%u%s%s%s",
		 address_format(socket->family, &socket->address, address),
		 flags_text(socket->reuse_addr, socket->reuse_port, socket->v6only), socket->uid,
		 *state ? "," : "", state, socket->device ? ",dev=lo" : "");
}

static bool is_connected(const struct round *round, uint32_t index)
{
	return round->protocol == PROTOCOL_UDP &&
	       round->snapshot->sockets[index].state == STATE_ESTAB;
}

/* The entries in the order in which they were bound. */
static void print_case(const struct round *round, const struct bind_candidate *candidate,
		       const char *bind, const char *listen)
{
	char line[4096];
	uint32_t i;

	snprintf(line, sizeof(line), "case %s %s %s",
		 round->protocol == PROTOCOL_UDP ? "udp" : "tcp", bind, listen);
	print_socket(line, sizeof(line), candidate, "");
	for (i = 0; i < round->count; i++)
		print_socket(line, sizeof(line), &round->entries[i].bound,
			     is_connected(round, i)	     ? "connected" :
			     round->protocol == PROTOCOL_UDP ? "unconn" :
			     round->entries[i].listens	     ? "listen" :
			     !round->entries[i].is_child     ? "bound" :
			     round->entries[i].fd < 0	     ? "time_wait" :
							       "established");
	diag("%s", line);
}

static struct bind_candidate random_candidate(struct round *round)
{
	struct bind_candidate candidate = {
		.protocol = (uint8_t)round->protocol,
		.port = round->port,
		.reuse_addr = below(3) > 0,
		.reuse_port = below(2),
		.uid = uids[below(4) ? 0 : below(n_uids)],
	};
	const char *text = addresses[below(2) ? below(2) : below(7)];
	int family;

	if (address_parse(text, strlen(text), &family, &candidate.address))
		abort();
	candidate.family = (uint8_t)family;
	/* A mapped address and v6only exclude each other. */
	candidate.v6only = family == AF_INET6 &&
			   !address_is_v4_mapped(AF_INET6, &candidate.address) && !below(3);
	if (has_devices && !below(5))
		candidate.device = snapshot_string(round->snapshot, "lo");
	return candidate;
}

static socklen_t fill(struct sockaddr_storage *to, int family, const struct address *address,
		      uint16_t port)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;

	memset(to, 0, sizeof(*to));
	to->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		in4->sin_port = htons(port);
		memcpy(&in4->sin_addr, address->bytes, 4);
		return sizeof(*in4);
	}
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, 16);
	return sizeof(*in6);
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		diag("setsockopt: %s", strerror(errno));
}

/* A socket as wanted, or -1; ret_errno is what bind() said. */
static int make(const struct bind_candidate *wanted, int *ret_errno)
{
	bool stream = protocol_is_stream(wanted->protocol);
	struct sockaddr_storage at;
	socklen_t size;
	int fd;

	setfsuid(wanted->uid);
	fd = socket(wanted->family, (stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	setfsuid(0);
	set(fd, SOL_SOCKET, SO_REUSEADDR, wanted->reuse_addr);
	set(fd, SOL_SOCKET, SO_REUSEPORT, wanted->reuse_port);
	if (wanted->family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, wanted->v6only);
	if (wanted->device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3))
		diag("SO_BINDTODEVICE: %s", strerror(errno));
	size = fill(&at, wanted->family, &wanted->address, wanted->port);
	*ret_errno = bind(fd, (struct sockaddr *)&at, size) ? errno : 0;
	if (!*ret_errno)
		return fd;
	close(fd);
	return -1;
}

static void add_entry(struct round *round, const struct bind_candidate *bound, int fd)
{
	struct inet_socket *socket = snapshot_add_socket(round->snapshot);
	uint32_t index = round->count++, i;
	bool specific = !address_is_wildcard(bound->family, &bound->address) &&
			!address_is_v4_mapped(bound->family, &bound->address);

	socket->protocol = (uint8_t)round->protocol;
	socket->state = STATE_BOUND;
	socket->family = bound->family;
	socket->local = bound->address;
	socket->local_port = bound->port;
	socket->uid = bound->uid;
	socket->device = bound->device;
	socket->inode = 1;
	socket->known = SOCKET_HAS_UID | SOCKET_HAS_DEVICE | SOCKET_HAS_INODE;
	if (bound->family == AF_INET6)
		socket->v6only = tristate_of(bound->v6only || specific);
	make_reuse(socket, tristate_of(bound->reuse_addr), tristate_of(bound->reuse_port),
		   EVIDENCE_BPF);
	round->entries[index] = (struct entry){ .fd = fd, .bound = *bound };
	if (bound->family == AF_INET6 && bound->reuse_port) {
		round->members[index] = index;
		return;
	}
	for (i = index; i > 0; i--)
		round->members[i] = round->members[i - 1];
	round->members[0] = index;
}

static enum tristate ask_model(const struct round *round, const struct bind_candidate *candidate,
			       const uint32_t *members, uint32_t n_members)
{
	struct bind_verdict verdict;
	enum tristate answer;

	bind_conflict_judge(round->snapshot, members, n_members, candidate, &round->memory,
			    &verdict);
	answer = verdict.can_bind;
	bind_verdict_done(&verdict);
	return answer;
}

/* The sockets as a dump lists them, with most flags unseen; their devices are numbers only. */
static struct snapshot *unseen(const struct round *round)
{
	struct snapshot *snapshot = snapshot_new();
	uint32_t i;

	snapshot_add_netns(snapshot);
	snapshot->kernel =
		snapshot_string(snapshot, snapshot_text(round->snapshot, round->snapshot->kernel));
	for (i = 0; i < round->count; i++) {
		struct inet_socket *socket = snapshot_add_socket(snapshot);

		*socket = round->snapshot->sockets[round->members[i]];
		if (below(3))
			make_reuse(socket, TRISTATE_UNKNOWN, TRISTATE_UNKNOWN, EVIDENCE_UNKNOWN);
	}
	return snapshot;
}

static bool is_false(uint8_t said, uint8_t truth)
{
	return said != TRISTATE_UNKNOWN && said != truth;
}

/* As who sees neither all flags nor what the bucket remembers: not to know is right, to err is not. */
static void check_unseen(const struct round *round, const struct bind_candidate *candidate,
			 enum tristate said)
{
	const struct bind_memory unread = { .unread = true };
	struct snapshot *snapshot = unseen(round);
	uint32_t i, members[SOCKETS_MAX];
	struct bind_verdict verdict;

	infer_reuse(snapshot);
	for (i = 0; i < round->count; i++) {
		const struct inet_socket *truth = &round->snapshot->sockets[round->members[i]];

		members[i] = i;
		if (is_false(snapshot->sockets[i].reuse_addr, truth->reuse_addr) ||
		    is_false(snapshot->sockets[i].reuse_port, truth->reuse_port)) {
			n_wrong++;
			diag("a flag of socket %u is inferred wrongly:", round->members[i]);
			print_case(round, candidate, "-", "-");
		}
	}
	bind_conflict_judge(snapshot, members, round->count, candidate, &unread, &verdict);
	if (is_false((uint8_t)verdict.can_bind, (uint8_t)said)) {
		n_wrong++;
		diag("with flags unseen, and what the bucket remembers:");
		print_case(round, candidate, said == TRISTATE_YES ? "ok" : "inuse", "-");
	}
	n_unseen += verdict.can_bind == said;
	bind_verdict_done(&verdict);
	snapshot_free(snapshot);
}

static void try_bind(struct round *round)
{
	struct bind_candidate candidate = random_candidate(round);
	enum tristate predicted = ask_model(round, &candidate, round->members, round->count);
	int error, fd = make(&candidate, &error);

	n_binds++;
	n_blocked += error == EADDRINUSE;
	if (error && error != EADDRINUSE) {
		diag("bind: %s", strerror(error));
		n_wrong++;
	} else if (predicted != tristate_of(!error) &&
		   !(predicted == TRISTATE_UNKNOWN && round->n_connected)) {
		n_wrong++;
		print_case(round, &candidate, error ? "inuse" : "ok", "-");
	}
	check_unseen(round, &candidate, tristate_of(!error));
	if (error)
		return;
	/* Some come and go, and leave what the bucket remembers, if that does not go with them. */
	if (!below(6)) {
		close(fd);
		if (round->count)
			bind_memory_update(&round->memory, &candidate);
		return;
	}
	add_entry(round, &candidate, fd);
	bind_memory_update(&round->memory, &candidate);
}

static void try_listen(struct round *round, uint32_t index)
{
	struct entry *entry = &round->entries[index];
	uint32_t others[SOCKETS_MAX], n = 0, i;
	enum tristate predicted;
	int error;

	for (i = 0; i < round->count; i++)
		if (round->members[i] != index)
			others[n++] = round->members[i];
	predicted = ask_model(round, &entry->bound, others, n);
	error = listen(entry->fd, 64) ? errno : 0;
	n_listens++;
	if (predicted != tristate_of(!error)) {
		n_wrong++;
		diag("listen of the socket %u:", index);
		print_case(round, &entry->bound, "ok", error ? "inuse" : "ok");
	}
	if (error)
		return;
	entry->listens = true;
	round->snapshot->sockets[index].state = STATE_LISTEN;
	bind_memory_update(&round->memory, &entry->bound);
}

static uint16_t port_of(int fd, bool of_peer)
{
	struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(at);

	if (of_peer)
		getpeername(fd, (struct sockaddr *)&at, &size);
	else
		getsockname(fd, (struct sockaddr *)&at, &size);
	return at.ss_family == AF_INET ? ((struct sockaddr_in *)&at)->sin_port :
					 ((struct sockaddr_in6 *)&at)->sin6_port;
}

/* Connect a UDP socket to loopback, from a wildcard too, which gives it an address. */
static void try_connect(struct round *round, uint32_t index)
{
	struct entry *entry = &round->entries[index];
	struct inet_socket *row = &round->snapshot->sockets[index];
	bool any = address_is_wildcard(row->family, &row->local), v4;
	struct sockaddr_storage at;
	const char *text;
	socklen_t size;
	int family;

	if (row->known & SOCKET_HAS_PEER)
		return;
	v4 = row->family == AF_INET || address_is_v4_mapped(AF_INET6, &row->local) ||
	     (any && row->v6only == TRISTATE_NO && below(2));
	text = row->family == AF_INET ? "127.0.0.1" : v4 ? "::ffff:127.0.0.1" : "::1";
	if (address_parse(text, strlen(text), &family, &row->peer))
		abort();
	row->peer_port = (uint16_t)(40000 + below(4));
	size = fill(&at, row->family, &row->peer, row->peer_port);
	if (connect(entry->fd, (struct sockaddr *)&at, size)) {
		diag("connect: %s", strerror(errno));
		n_wrong++;
		return;
	}
	size = sizeof(at);
	getsockname(entry->fd, (struct sockaddr *)&at, &size);
	if (at.ss_family == AF_INET)
		memcpy(row->local.bytes, &((struct sockaddr_in *)&at)->sin_addr, 4);
	else
		memcpy(row->local.bytes, &((struct sockaddr_in6 *)&at)->sin6_addr, 16);
	row->known |= SOCKET_HAS_PEER;
	row->state = STATE_ESTAB;
	round->n_connected++;
	if (any)
		entry->moved = ++round->n_moved;
	n_connected++;
}

/*
 * A connection to a listener, which stays open or is closed by the server first. The client resets
 * it in the end, so that it leaves nothing.
 */
static void make_child(struct round *round, uint32_t listener)
{
	const struct entry *parent = &round->entries[listener];
	bool v6 = parent->bound.family == AF_INET6 &&
		  !address_is_v4_mapped(AF_INET6, &parent->bound.address);
	struct bind_candidate child = parent->bound;
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	struct sockaddr_storage at;
	struct address target;
	struct inet_socket *socket_row;
	socklen_t size;
	int family, client, server;
	const char *text = v6 && (parent->bound.v6only || below(2)) ? "::1" : "127.0.0.1";
	char byte;

	if (v6 && !address_is_wildcard(AF_INET6, &parent->bound.address))
		text = "::1";
	if (address_parse(text, strlen(text), &family, &target))
		abort();
	if (!v6 && !address_is_wildcard(parent->bound.family, &parent->bound.address))
		memcpy(target.bytes,
		       parent->bound.address.bytes + (parent->bound.family == AF_INET6 ? 12 : 0),
		       4);
	client = socket(family, SOCK_STREAM, 0);
	size = fill(&at, family, &target, round->port);
	if (connect(client, (struct sockaddr *)&at, size)) {
		close(client);
		return;
	}
	server = accept(parent->fd, NULL, NULL);
	/* Another listener may have been chosen, or an older connection have waited. */
	if (server < 0 || port_of(server, true) != port_of(client, false)) {
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(client);
		if (server >= 0)
			setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(server);
		return;
	}
	size = sizeof(at);
	getsockname(server, (struct sockaddr *)&at, &size);
	child.family = (uint8_t)at.ss_family;
	memset(&child.address, 0, sizeof(child.address));
	if (at.ss_family == AF_INET)
		memcpy(child.address.bytes, &((struct sockaddr_in *)&at)->sin_addr, 4);
	else
		memcpy(child.address.bytes, &((struct sockaddr_in6 *)&at)->sin6_addr, 16);
	child.uid = 0; /* of the process that accepts */
	if (below(2)) {
		/* Closed here first: the client answers, and the bucket stays here. */
		close(server);
		if (read(client, &byte, 1))
			diag("no end of file");
		close(client);
		server = -1;
	} else {
		setsockopt(client, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		round->clients[round->n_clients++] = client;
	}
	add_entry(round, &child, server);
	round->entries[round->count - 1].is_child = true;
	socket_row = &round->snapshot->sockets[round->count - 1];
	socket_row->state = server < 0 ? STATE_TIME_WAIT : STATE_ESTAB;
	socket_row->inode = server < 0 ? 0 : 1;
	if (server < 0)
		socket_row->timer = TIMER_TIME_WAIT;
	/* It has that of its listener, whatever its own address is. */
	if (child.family == AF_INET6)
		socket_row->v6only = round->snapshot->sockets[listener].v6only;
	n_children++;
}

/*
 * In the order in which the kernel meets them. Listeners are hashed when they begin to listen, and
 * after that in the same way as UDP when it is bound.
 */
static uint32_t receivers_of(const struct round *round, const uint32_t *order, uint32_t n_order,
			     struct delivery_socket *receivers)
{
	uint32_t i, n = 0, k, moved;

	for (i = 0; i < n_order; i++) {
		const struct entry *entry = &round->entries[order[i]];
		struct delivery_socket receiver = {
			.socket = &round->snapshot->sockets[order[i]],
			.index = order[i],
			.group = DELIVERY_ANY,
			.incoming_cpu = DELIVERY_ANY,
			.selector = DELIVERY_ANY,
		};

		if (entry->bound.family == AF_INET6 && entry->bound.reuse_port) {
			receivers[n++] = receiver;
			continue;
		}
		for (k = n++; k > 0; k--)
			receivers[k] = receivers[k - 1];
		receivers[0] = receiver;
	}
	for (moved = 1; moved <= round->n_moved; moved++) {
		struct delivery_socket receiver;

		for (i = 0; i < n && round->entries[receivers[i].index].moved != moved; i++)
			;
		if (i == n)
			continue;
		receiver = receivers[i];
		memmove(receivers + 1, receivers, i * sizeof(receiver));
		receivers[0] = receiver;
	}
	return n;
}

/* Whether something has arrived at a socket; it is taken. */
static bool has_received(int fd, bool stream)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char byte;
	int taken;

	if (poll(&wait, 1, 0) != 1)
		return false;
	taken = stream ? accept(fd, NULL, NULL) : (int)recv(fd, &byte, 1, 0);
	if (stream && taken >= 0)
		close(taken);
	return taken >= 0;
}

static void send_one(struct round *round, const struct delivery_socket *receivers,
		     uint32_t n_receivers, const struct delivery_query *query, int *ret_got)
{
	bool stream = protocol_is_stream(query->protocol);
	struct sockaddr_storage at;
	socklen_t size = fill(&at, query->family, &query->from, query->from_port);
	struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	int fd = socket(query->family, stream ? SOCK_STREAM : SOCK_DGRAM, 0);
	uint32_t i;

	*ret_got = -1;
	if (stream) {
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	}
	if (bind(fd, (struct sockaddr *)&at, size)) {
		*ret_got = -2;
		close(fd);
		return;
	}
	size = fill(&at, query->family, &query->to, round->port);
	if (stream)
		connect(fd, (struct sockaddr *)&at, size);
	else
		sendto(fd, "x", 1, 0, (struct sockaddr *)&at, size);
	for (i = 0; i < n_receivers; i++)
		if (has_received(round->entries[receivers[i].index].fd, stream))
			*ret_got = (int)receivers[i].index;
	close(fd);
}

static void try_delivery(struct round *round, const uint32_t *order, uint32_t n_order)
{
	static const char *const targets[] = { "127.0.0.1", "127.0.0.2", "::1" };
	struct delivery_socket receivers[SOCKETS_MAX];
	uint32_t n = receivers_of(round, order, n_order, receivers), i, k;
	const char *target = targets[below(3)];
	struct delivery_query query = { .protocol = (uint8_t)round->protocol, .cpu = DELIVERY_ANY };
	int family, got;

	/* What was meant for others is not counted. */
	for (i = 0; i < n; i++)
		while (has_received(round->entries[receivers[i].index].fd,
				    protocol_is_stream(round->protocol)))
			;
	if (address_parse(target, strlen(target), &family, &query.to))
		abort();
	query.family = (uint8_t)family;
	query.from = query.to;
	query.device = snapshot_string(round->snapshot, "lo");
	for (i = 0; i < SOURCE_PORTS; i++) {
		struct delivery delivery;
		bool expected = false;

		query.from_port =
			(uint16_t)(40000 + below(round->n_connected && below(2) ? 4 : 20000));
		delivery_predict(round->snapshot, receivers, n, &query, &delivery);
		send_one(round, receivers, n, &query, &got);
		for (k = 0; k < delivery.n_receivers; k++)
			expected = expected || (int)delivery.receivers[k] == got;
		if (got == -1)
			expected = delivery.mode == DELIVERY_NOBODY;
		n_sent++;
		n_uncertain += !delivery.certain;
		/* A group that a connected one may have parted; where two connected to one peer. */
		if (!delivery.certain && round->n_connected)
			expected = true;
		else if (!delivery.certain)
			expected = false;
		if (got != -2 && !expected && n_wrong++ < 20) {
			diag("to %s: socket %d received, %u were expected, the first %d", target,
			     got, delivery.n_receivers,
			     delivery.n_receivers ? (int)delivery.receivers[0] : -1);
			print_case(round, &round->entries[0].bound, "-", "-");
		}
		delivery_done(&delivery);
	}
}

/* A dump of TCP has the listeners first, then what is bound, then connections and what is left. */
static uint32_t dump_turn(const struct round *round, uint32_t index)
{
	if (round->protocol == PROTOCOL_UDP || round->entries[index].listens)
		return 0;
	return round->entries[index].is_child ? 2 : 1;
}

/* The snapshot's rows in the order of members, which is what the index goes by. */
static void sort_as_kernel(struct round *round)
{
	struct inet_socket sorted[SOCKETS_MAX];
	struct entry entries[SOCKETS_MAX];
	uint32_t i, turn, n = 0;

	for (turn = 0; turn < 3; turn++) {
		for (i = 0; i < round->count; i++) {
			if (dump_turn(round, round->members[i]) != turn)
				continue;
			sorted[n] = round->snapshot->sockets[round->members[i]];
			entries[n++] = round->entries[round->members[i]];
		}
	}
	for (i = 0; i < round->count; i++) {
		round->snapshot->sockets[i] = sorted[i];
		round->entries[i] = entries[i];
		round->members[i] = i;
	}
}

/* What the kernel says to the candidate, bound and then listening. */
static struct probe_outcome ask_kernel(const struct bind_candidate *candidate)
{
	struct probe_outcome said = { .listen = PROBE_NOT_TRIED };
	int fd = make(candidate, &said.bind);

	if (fd < 0)
		return said;
	if (protocol_is_stream(candidate->protocol))
		said.listen = listen(fd, 64) ? errno : 0;
	close(fd);
	return said;
}

static bool same_outcome(struct probe_outcome a, struct probe_outcome b)
{
	return a.bind == b.bind && a.listen == b.listen;
}

/* The whole matrix of a probe, by model and replica, against the kernel. */
static void try_probe(struct round *round)
{
	/* As the replica does it: those without SO_REUSEPORT change what the bucket remembers. */
	static const uint32_t order[PROBE_SETS] = { 2, 3, 0, 1 };
	const struct probe_facts facts = { .privileged = TRISTATE_YES };
	struct bind_candidate candidate = random_candidate(round);
	struct bind_bucket_index index;
	struct probe_report report;
	uint32_t i;

	if (round->protocol == PROTOCOL_TCP) {
		struct bucket_memory *row = snapshot_add_memory(round->snapshot);

		row->port = round->port;
		row->memory = round->memory;
	}
	sort_as_kernel(round);
	bind_bucket_index_init(&index, round->snapshot);
	probe_report_init(&report, &candidate);
	probe_predict(round->snapshot, &index, &facts, &report);
	replica_ask(round->snapshot, &index, &facts, &report);
	for (i = 0; i < report.n_limits; i++) {
		/* Here it is only asked who may bind. */
		if (strstr(report.limits[i].text, "receives"))
			continue;
		if (n_wrong++ < 20)
			diag("limit: %s", report.limits[i].text);
	}
	for (i = 0; i < PROBE_SETS; i++) {
		const struct probe_attempt *attempt = &report.attempts[order[i]];
		struct probe_outcome said;

		candidate.reuse_addr = order[i] & 1;
		candidate.reuse_port = order[i] & 2;
		said = ask_kernel(&candidate);
		n_probed++;
		/* Of more than ten, with one that is connected, neither can tell. */
		if (round->n_connected && attempt->ways[PROBE_MODEL].bind == PROBE_UNKNOWN &&
		    attempt->ways[PROBE_REPLICA].bind == PROBE_UNKNOWN)
			continue;
		if (same_outcome(said, attempt->ways[PROBE_MODEL]) &&
		    same_outcome(said, attempt->ways[PROBE_REPLICA]))
			continue;
		if (n_wrong++ >= 20)
			continue;
		diag("model %d %d, replica %d %d, kernel %d %d:", attempt->ways[PROBE_MODEL].bind,
		     attempt->ways[PROBE_MODEL].listen, attempt->ways[PROBE_REPLICA].bind,
		     attempt->ways[PROBE_REPLICA].listen, said.bind, said.listen);
		print_case(round, &candidate, said.bind ? "inuse" : "ok", "-");
	}
	probe_report_done(&report);
	bind_bucket_index_done(&index);
}

static void run_round(uint16_t port)
{
	struct round round = {
		.snapshot = snapshot_new(),
		.protocol = below(2) ? PROTOCOL_UDP : PROTOCOL_TCP,
		.port = port,
	};
	uint32_t i, tries = 2 + below(round.protocol == PROTOCOL_UDP ? 14 : 6);
	uint32_t order[SOCKETS_MAX], n_order = 0;
	struct utsname host;

	snapshot_add_netns(round.snapshot);
	uname(&host);
	round.snapshot->kernel = snapshot_string(round.snapshot, host.release);
	for (i = 0; i < tries; i++) {
		uint32_t before = round.count;

		try_bind(&round);
		if (round.count > before && round.protocol == PROTOCOL_UDP)
			order[n_order++] = before;
		if (round.count && round.protocol == PROTOCOL_UDP && !below(8))
			try_connect(&round, below(round.count));
		if (round.protocol == PROTOCOL_TCP && round.count && !below(2)) {
			uint32_t index = below(round.count);

			if (!round.entries[index].listens && !round.entries[index].is_child)
				try_listen(&round, index);
			if (round.entries[index].listens && round.count < SOCKETS_MAX - 1 &&
			    !below(3))
				make_child(&round, index);
			if (round.entries[index].listens &&
			    (!n_order || order[n_order - 1] != index)) {
				uint32_t k;

				for (k = 0; k < n_order && order[k] != index; k++)
					;
				if (k == n_order)
					order[n_order++] = index;
			}
		}
	}
	if (n_order && !below(4))
		try_delivery(&round, order, n_order);
	/* The last, since it changes what the bucket remembers. */
	if (!below(6))
		try_probe(&round);
	for (i = 0; i < round.n_clients; i++)
		close(round.clients[i]);
	for (i = 0; i < round.count; i++)
		close(round.entries[i].fd);
	snapshot_free(round.snapshot);
}

static void enter_namespace(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	bool is_root = geteuid() == 0;
	int fd;

	if (unshare(is_root ? CLONE_NEWNET : CLONE_NEWUSER | CLONE_NEWNET))
		skip_all("the kernel refuses a private network: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		skip_all("cannot use loopback: %s", strerror(errno));
	has_devices = !setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	close(fd);
	/* As root, and with these uids mapped, setfsuid() makes sockets of other users. */
	setfsuid(uids[1]);
	n_uids = setfsuid(0) == (int)uids[1] ? 3 : 1;
	setfsuid(0);
}

int main(void)
{
	const char *wanted = getenv("PORTSHARE_SEED"), *rounds = getenv("PORTSHARE_ROUNDS");
	unsigned long n = rounds ? strtoul(rounds, NULL, 10) : 3000, i;

	seed = wanted ? (unsigned int)strtoul(wanted, NULL, 10) : 20261121;
	diag("PORTSHARE_SEED=%u", seed);
	enter_namespace();
	for (i = 0; i < n; i++)
		run_round((uint16_t)(PORT_FIRST + i % (PORT_LAST - PORT_FIRST)));
	ok(n_probed > n / 10 * PROBE_SETS, "%u outcomes of probes", n_probed);
	ok(n_binds > n && n_blocked > n / 4 && n_children > n / 50,
	   "%u binds (%u refused), %u listens, %u connections, %u packets", n_binds, n_blocked,
	   n_listens, n_children, n_sent);
	ok(n_connected > n / 50 && n_uncertain < n_sent / 20,
	   "%u sockets of UDP connected, %u of the packets went where it cannot be told",
	   n_connected, n_uncertain);
	ok(n_unseen > n_binds / 4, "%u binds told with most flags unseen", n_unseen);
	is_int(n_wrong, 0, "the models predict each");
	return done_testing();
}

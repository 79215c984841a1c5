/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who receives when sockets of UDP have been connected and disconnected, which changes the order in
 * which the kernel looks them up: random sequences on one port, in a network namespace of its own,
 * are read as portshare reads them; then the model is asked, and datagrams are sent. Skipped where
 * BPF does not tell the order. PORTSHARE_SEED and PORTSHARE_ROUNDS change what is tried.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analysis/delivery.h"
#include "analysis/probe.h"
#include "helpers/tap.h"
#include "model/bind-bucket.h"
#include "probe/replica.h"
#include "source/source.h"

#define SOCKETS_MAX 12
#define DATAGRAMS 16

/* Mostly wildcards: only those move. */
static const char *const addresses[] = { "0.0.0.0", "0.0.0.0", "::", "::", "127.0.0.1", "::1" };
static const char *const targets[] = { "127.0.0.1", "127.0.0.2", "::1" };

static unsigned int seed;
static unsigned int n_sent, n_uncertain, n_moved, n_left, n_wrong, n_replicas;

struct entry {
	int fd;
	int family;
	bool connected;
	uint64_t cookie;
	char history[64];
};

struct round {
	struct entry entries[SOCKETS_MAX];
	uint32_t count;
	uint16_t port;
	struct snapshot *snapshot;
};

static uint32_t below(uint32_t limit)
{
	return (uint32_t)rand_r(&seed) % limit;
}

static socklen_t fill(struct sockaddr_storage *at, const char *text, uint16_t port)
{
	struct sockaddr_in *in4 = (struct sockaddr_in *)at;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)at;

	memset(at, 0, sizeof(*at));
	if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons(port);
		return sizeof(*in4);
	}
	inet_pton(AF_INET6, text, &in6->sin6_addr);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	return sizeof(*in6);
}

static void note(struct entry *entry, const char *what)
{
	size_t length = strlen(entry->history);

	snprintf(entry->history + length, sizeof(entry->history) - length, " %s", what);
}

static void set(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)))
		diag("setsockopt %d %d: %s", level, option, strerror(errno));
}

static bool bind_one(struct round *round, const char *address, bool reuse_addr, bool reuse_port)
{
	struct sockaddr_storage at;
	socklen_t size = fill(&at, address, round->port);
	struct entry entry = { .family = at.ss_family };

	entry.fd = socket(entry.family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	set(entry.fd, SOL_SOCKET, SO_REUSEADDR, reuse_addr);
	set(entry.fd, SOL_SOCKET, SO_REUSEPORT, reuse_port);
	if (entry.family == AF_INET6)
		set(entry.fd, IPPROTO_IPV6, IPV6_V6ONLY, !below(3));
	if (bind(entry.fd, (struct sockaddr *)&at, size)) {
		close(entry.fd);
		return false;
	}
	size = sizeof(entry.cookie);
	getsockopt(entry.fd, SOL_SOCKET, SO_COOKIE, &entry.cookie, &size);
	note(&entry, address);
	note(&entry, reuse_port ? reuse_addr ? "ap" : "p" : "a");
	round->entries[round->count++] = entry;
	return true;
}

static void connect_one(struct entry *entry)
{
	struct sockaddr_storage at;
	/* IPv4 through a socket of IPv6 leaves it an old peer that nothing comes from. */
	bool mapped = entry->family == AF_INET6 && !below(3);
	socklen_t size = fill(&at,
			      entry->family == AF_INET ? "127.0.0.1" :
			      mapped		       ? "::ffff:127.0.0.1" :
							 "::1",
			      9);

	if (connect(entry->fd, (struct sockaddr *)&at, size))
		return;
	entry->connected = true;
	note(entry, mapped ? "c4" : "c");
}

static void disconnect_one(struct entry *entry)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	if (!entry->connected || connect(entry->fd, &nobody, sizeof(nobody)))
		return;
	entry->connected = false;
	note(entry, "d");
}

static void close_one(struct round *round, uint32_t index)
{
	close(round->entries[index].fd);
	memmove(&round->entries[index], &round->entries[index + 1],
		(round->count - index - 1) * sizeof(*round->entries));
	round->count--;
}

static int collect(struct round *round)
{
	const struct port_range port = { round->port, round->port };
	const struct collect_request request = {
		.want = WANT_OWNERS | WANT_REUSE | WANT_PID,
		.protocols = 1U << PROTOCOL_UDP,
		.states = (1U << N_STATES) - 1,
		.inet = true,
		.inet6 = true,
		.ports = &port,
		.n_ports = 1,
	};
	const char *failed;

	return snapshot_collect(&request, &round->snapshot, &failed);
}

/* The one that the snapshot's socket is, and the other way round. */
static int entry_of(const struct round *round, uint32_t socket)
{
	uint32_t i;

	for (i = 0; i < round->count; i++)
		if (round->entries[i].cookie == round->snapshot->sockets[socket].cookie)
			return (int)i;
	return -1;
}

/* Send one; returns which has got it, or -1. */
static int send_one(const struct round *round, const char *target, uint16_t from_port)
{
	struct sockaddr_storage from, to;
	socklen_t size = fill(&from, target, from_port);
	int fd = socket(from.ss_family, SOCK_DGRAM, 0), got = -1;
	uint32_t i;
	char byte;

	if (bind(fd, (struct sockaddr *)&from, size))
		diag("bind: %s", strerror(errno));
	size = fill(&to, target, round->port);
	if (sendto(fd, "x", 1, 0, (struct sockaddr *)&to, size) < 0)
		diag("sendto: %s", strerror(errno));
	for (i = 0; i < round->count; i++)
		if (recv(round->entries[i].fd, &byte, 1, 0) == 1)
			got = (int)i;
	close(fd);
	return got;
}

static void report(const struct round *round, const char *target, int got,
		   const struct delivery *delivery)
{
	uint32_t i;

	if (n_wrong++ >= 10)
		return;
	diag("to %s: %d received, not one of %u, the first %d; of those in the order of bind():",
	     target, got, delivery->n_receivers,
	     delivery->n_receivers ? entry_of(round, delivery->receivers[0]) : -1);
	for (i = 0; i < round->count; i++)
		diag("  %u:%s", i, round->entries[i].history);
}

static void try_target(const struct round *round, const char *target)
{
	struct delivery_query query = { .protocol = PROTOCOL_UDP, .cpu = DELIVERY_ANY };
	struct delivery_socket *sockets;
	uint32_t *all = malloc((round->snapshot->n_sockets + 1) * sizeof(*all)), i, k, n;
	int family, got;

	for (i = 0; i < round->snapshot->n_sockets; i++)
		all[i] = i;
	n = delivery_sockets_of(round->snapshot, all, round->snapshot->n_sockets, &sockets);
	address_parse(target, strlen(target), &family, &query.to);
	query.family = (uint8_t)family;
	query.from = query.to;
	for (i = 0; i < DATAGRAMS; i++) {
		struct delivery delivery;
		bool expected = false;

		query.from_port = (uint16_t)(40000 + below(20000));
		delivery_predict(round->snapshot, sockets, n, &query, &delivery);
		got = send_one(round, target, query.from_port);
		for (k = 0; k < delivery.n_receivers; k++)
			expected = expected || entry_of(round, delivery.receivers[k]) == got;
		if (!delivery.n_receivers)
			expected = got == -1;
		n_sent++;
		n_uncertain += !delivery.certain;
		if (delivery.certain && !expected)
			report(round, target, got, &delivery);
		delivery_done(&delivery);
	}
	free(sockets);
	free(all);
}

/* A replica, rebuilt from what was read, gives them to those that the model says. */
static void try_replica(const struct round *round)
{
	const struct probe_facts facts = { .privileged = TRISTATE_YES };
	struct bind_candidate candidate = {
		.protocol = PROTOCOL_UDP,
		.port = round->port,
		.family = AF_INET,
		.reuse_addr = true,
	};
	struct bind_bucket_index index;
	struct probe_report report;
	uint32_t i, socket = SNAPSHOT_NONE;

	if (below(2))
		candidate.family = AF_INET6;
	bind_bucket_index_init(&index, round->snapshot);
	probe_report_init(&report, &candidate);
	probe_predict(round->snapshot, &index, &facts, &report);
	if (report.before.known && report.before.n_shares == 1)
		socket = report.before.shares[0].socket;
	replica_ask(round->snapshot, &index, &facts, &report);
	if (socket != SNAPSHOT_NONE && report.before.way == PROBE_REPLICA) {
		n_replicas++;
		if ((report.before.n_shares != 1 || report.before.shares[0].socket != socket) &&
		    n_wrong++ < 10) {
			diag("in the replica %d receives, not %d:",
			     report.before.n_shares ?
				     entry_of(round, report.before.shares[0].socket) :
				     -1,
			     entry_of(round, socket));
			for (i = 0; i < round->count; i++)
				diag("  %u:%s, order %u", i, round->entries[i].history,
				     round->snapshot->sockets[i].lookup_order);
		}
	}
	for (i = 0; i < report.n_limits; i++)
		if (strstr(report.limits[i].text, "could not be rebuilt") && n_wrong++ < 10)
			diag("%s", report.limits[i].text);
	probe_report_done(&report);
	bind_bucket_index_done(&index);
}

static void count_moved(const struct round *round)
{
	const struct inet_socket *sockets = round->snapshot->sockets;
	uint32_t i;

	for (i = 0; i < round->snapshot->n_sockets; i++) {
		n_moved += i && sockets[i].family == sockets[i - 1].family &&
			   sockets[i].lookup_order &&
			   sockets[i].lookup_order < sockets[i - 1].lookup_order;
		n_left += sockets[i].state == STATE_BOUND &&
			  sockets[i].reuse_port == TRISTATE_YES &&
			  sockets[i].reuse_group == TRISTATE_NO;
	}
}

static void run_round(uint16_t port)
{
	struct round round = { .port = port };
	/* Of one flag mostly, for else few binds succeed; of one family, or of both. */
	uint32_t i, flag = below(4), first = below(2) * 2, n = below(3) ? 2 : 6;
	uint32_t tries = 8 + below(24);

	for (i = 0; i < tries; i++) {
		if (round.count < SOCKETS_MAX && (round.count < 2 || below(2)))
			bind_one(&round, addresses[n == 6 ? below(6) : first + below(2)], flag != 3,
				 flag == 3 || (flag && below(2)));
		if (!round.count)
			continue;
		if (!below(2))
			connect_one(&round.entries[below(round.count)]);
		disconnect_one(&round.entries[below(round.count)]);
		if (!below(8))
			close_one(&round, below(round.count));
	}
	for (i = 0; i < round.count; i++)
		if (below(4))
			disconnect_one(&round.entries[i]);
	if (round.count && !collect(&round)) {
		count_moved(&round);
		for (i = 0; i < 3; i++)
			try_target(&round, targets[i]);
		if (below(2))
			try_replica(&round);
		snapshot_free(round.snapshot);
	}
	while (round.count)
		close_one(&round, 0);
}

/* Of two with SO_REUSEADDR the older one is connected for a while. */
static void try_pair(void)
{
	struct round round = { .port = 5000 };
	const struct inet_socket *sockets;

	bind_one(&round, "0.0.0.0", true, false);
	bind_one(&round, "0.0.0.0", true, false);
	connect_one(&round.entries[0]);
	disconnect_one(&round.entries[0]);
	if (collect(&round) || round.snapshot->n_sockets != 2)
		skip_all("the sockets of this host cannot be read");
	sockets = round.snapshot->sockets;
	if (!sockets[0].lookup_order)
		skip_all("BPF, of Linux 6.5 or later, does not tell the order of the look-up");
	ok(entry_of(&round, 0) == 1 && sockets[0].lookup_order > sockets[1].lookup_order,
	   "the newest is listed first, and looked up last");
	is_int(send_one(&round, "127.0.0.1", 40000), 0, "who was connected for a while receives");
	try_target(&round, "127.0.0.1");
	is_int(n_wrong, 0, "as is predicted");
	snapshot_free(round.snapshot);
	close_one(&round, 1);
	close_one(&round, 0);
}

static void enter_namespace(void)
{
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNET : CLONE_NEWNET))
		skip_all("the kernel refuses a private network: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request))
		skip_all("cannot use loopback: %s", strerror(errno));
	close(fd);
}

int main(void)
{
	const char *wanted = getenv("PORTSHARE_SEED"), *rounds = getenv("PORTSHARE_ROUNDS");
	unsigned long n = rounds ? strtoul(rounds, NULL, 10) : 60, i;

	seed = wanted ? (unsigned int)strtoul(wanted, NULL, 10) : 20261129;
	diag("PORTSHARE_SEED=%u", seed);
	enter_namespace();
	try_pair();
	for (i = 0; i < n; i++)
		run_round((uint16_t)(5001 + i % 20000));
	ok(n_moved > n / 4 && n_left > n / 4,
	   "%u sockets have moved in the order, %u have left their group", n_moved, n_left);
	ok(n_uncertain < n_sent / 4, "of %u datagrams it cannot be told of %u where they go",
	   n_sent, n_uncertain);
	ok(n_replicas > n / 12, "%u replicas were asked", n_replicas);
	is_int(n_wrong, 0, "model and replica predict each");
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs out: local ports for connections, and TIME-WAIT buckets. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/detect.h"
#include "analysis/port-range.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "model/bind-bucket.h"
#include "util/xalloc.h"

/* Shares of what there is, in percent. */
#define PORTS_WARNING 80
#define PORTS_CRITICAL 95
#define TIME_WAIT_WARNING 90

/* Whose local ports are looked at; the others have too few users. */
enum port_kind {
	PORTS_TCP,
	PORTS_UDP,
	N_PORT_KINDS,
};

/* The ports that the kernel gives to connections, of one namespace and protocol. */
struct port_stock {
	uint8_t taken[PORT_SET_SIZE]; /* reserved, or held whatever the destination */
	uint32_t n_ports; /* of the range, that are not reserved; 0: not known, or none */
	uint32_t n_held; /* of these */
	uint32_t *holders; /* sockets, one of each port that is held; so many */
	uint32_t n_holders, holders_capacity;
};

/* A connection that may hold a local port of the kernel's choice. */
struct outgoing {
	const struct inet_socket *socket;
	uint32_t index;
};

static int compare_addresses(const struct inet_socket *a, const struct address *left,
			     const struct inet_socket *b, const struct address *right)
{
	struct address x = address_as_mapped(a->family, left);
	struct address y = address_as_mapped(b->family, right);

	return address_compare(&x, &y);
}

/* A connection of IPv4 that an IPv6 socket has made, as Java's do, takes its port from IPv4's. */
static int compare_destinations(const struct inet_socket *a, const struct inet_socket *b)
{
	int order;

	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->peer_port != b->peer_port)
		return a->peer_port < b->peer_port ? -1 : 1;
	order = compare_addresses(a, &a->peer, b, &b->peer);
	return order ? order : compare_addresses(a, &a->local, b, &b->local);
}

static int compare_outgoing(const void *left, const void *right)
{
	const struct outgoing *a = left, *b = right;
	int order = compare_destinations(a->socket, b->socket);

	if (order)
		return order;
	if (a->socket->local_port != b->socket->local_port)
		return a->socket->local_port < b->socket->local_port ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static bool is_taken(const struct port_stock *stock, uint16_t port)
{
	return stock->taken[port / 8] & 1U << port % 8;
}

static bool is_in_range(const struct netns *netns, uint16_t port)
{
	return netns->port_range_last && port >= netns->port_range_first &&
	       port <= netns->port_range_last;
}

static void count_ports(const struct snapshot *snapshot, uint32_t index, struct port_stock *stock)
{
	const struct netns *netns = &snapshot->netns[index];

	port_mark_reserved(snapshot, index, stock->taken);
	if (netns->port_range_last)
		stock->n_ports = (uint32_t)netns->port_range_last - netns->port_range_first + 1 -
				 port_n_reserved(netns, snapshot);
}

/*
 * Whether a socket keeps its port from all connections that are yet to be given one. connect() of TCP
 * passes by each port that somebody was bound to by bind() (inet_hash_connect); a UDP socket takes
 * its port before it has a destination, one that nobody has.
 */
static bool holds_port(const struct inet_socket *socket, enum port_kind kind)
{
	return kind == PORTS_UDP || socket_is_bound(socket);
}

static int kind_of(const struct inet_socket *socket)
{
	switch (bind_bucket_protocol((enum protocol)socket->protocol)) {
	case PROTOCOL_TCP:
		return PORTS_TCP;
	case PROTOCOL_UDP:
		return PORTS_UDP;
	default:
		return -1;
	}
}

/* Of each namespace the stocks, all in one. Freed with stocks_free(). */
static struct port_stock *stocks_new(const struct snapshot *snapshot)
{
	struct port_stock *stocks =
		xcalloc((size_t)snapshot->n_netns * N_PORT_KINDS, sizeof(*stocks));
	uint32_t i;

	for (i = 0; i < snapshot->n_netns * N_PORT_KINDS; i++)
		count_ports(snapshot, i / N_PORT_KINDS, &stocks[i]);
	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];
		struct port_stock *stock;
		int kind = kind_of(socket);

		if (kind < 0 || socket->netns >= snapshot->n_netns ||
		    !is_in_range(&snapshot->netns[socket->netns], socket->local_port) ||
		    !holds_port(socket, (enum port_kind)kind))
			continue;
		stock = &stocks[socket->netns * N_PORT_KINDS + (uint32_t)kind];
		if (is_taken(stock, socket->local_port))
			continue;
		stock->taken[socket->local_port / 8] |= (uint8_t)(1U << socket->local_port % 8);
		stock->n_held++;
		ARRAY_RESERVE(stock->holders, stock->n_holders, stock->holders_capacity);
		stock->holders[stock->n_holders++] = i;
	}
	return stocks;
}

static void stocks_free(struct port_stock *stocks, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		free(stocks[i].holders);
	free(stocks);
}

static enum severity severity_of(uint32_t n, uint32_t of)
{
	return n * 100ULL >= (uint64_t)of * PORTS_CRITICAL ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

/* Their indexes, malloc'ed; those that somebody holds first: of them most is to be said. */
static uint32_t *list_held_first(const struct outgoing *outgoing, uint32_t n)
{
	uint32_t i, n_listed = 0, *list = xcalloc(n, sizeof(*list));

	for (i = 0; i < n; i++)
		if (outgoing[i].socket->n_owners)
			list[n_listed++] = outgoing[i].index;
	for (i = 0; i < n; i++)
		if (!outgoing[i].socket->n_owners)
			list[n_listed++] = outgoing[i].index;
	return list;
}

/* What is gone whatever the destination is. */
static void check_stock(struct detection *detection, uint32_t netns, enum port_kind kind,
			const struct port_stock *stock)
{
	struct finding *finding;

	if (!stock->n_ports || stock->n_held * 100ULL < (uint64_t)stock->n_ports * PORTS_WARNING)
		return;
	finding = finding_list_add(detection->list, FINDING_EPHEMERAL_EXHAUSTION,
				   severity_of(stock->n_held, stock->n_ports), stock->holders,
				   stock->n_holders);
	finding->netns = netns;
	finding->protocol = kind == PORTS_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;
	finding->evidence = xasprintf(
		"So many ports of net.ipv4.ip_local_port_range, without reserved ones, are the "
		"local ports of %s.",
		kind == PORTS_TCP ? "sockets that listen or are bound" : "UDP sockets");
	if (kind == PORTS_TCP) {
		finding->title = xasprintf("%u of %u local ports for TCP connections are taken by "
					   "bound sockets",
					   stock->n_held, stock->n_ports);
		finding->text = xstrdup(
			"connect() passes by every port to which a socket was bound by bind(), "
			"whatever address that was and whatever its own destination is. When none "
			"is left it fails with EADDRNOTAVAIL, and bind() to port 0 with "
			"EADDRINUSE.");
		finding->remedy =
			xstrdup("Let servers listen outside the range, and clients not bind before "
				"connect(), or with IP_BIND_ADDRESS_NO_PORT; or widen "
				"net.ipv4.ip_local_port_range.");
		return;
	}
	finding->title =
		xasprintf("%u of %u local ports of UDP are in use", stock->n_held, stock->n_ports);
	finding->text =
		xstrdup("A UDP socket that was not bound takes a port that no other has, "
			"wherever it sends to. When none is left connect() and sendto() fail "
			"with EAGAIN, and bind() to port 0 with EADDRINUSE.");
	finding->remedy = xstrdup("Use one socket for many destinations, close those that are not "
				  "needed any more, or widen net.ipv4.ip_local_port_range.");
}

static void report_ports(struct detection *detection, const struct outgoing *outgoing, uint32_t n,
			 uint32_t n_ports, const struct port_stock *stock)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *first = outgoing[0].socket;
	uint32_t i, *sockets = list_held_first(outgoing, n), n_waiting = 0;
	uint32_t available = stock->n_ports - stock->n_held;
	char peer[ADDRESS_TEXT_MAX], *from, *who, *held;
	struct finding *finding;

	for (i = 0; i < n; i++) {
		n_waiting += socket_is_time_wait(outgoing[i].socket);
		if (outgoing[i].socket->family == AF_INET)
			first = outgoing[i].socket;
	}
	finding = finding_list_add(detection->list, FINDING_EPHEMERAL_EXHAUSTION,
				   severity_of(n_ports, available), sockets, n);
	finding->netns = first->netns;
	finding->protocol = first->protocol;
	address_format(first->family, &first->peer, peer);
	from = words_address(first);
	who = words_holders(snapshot, sockets[0]);
	finding->title = xasprintf("%u of %u local ports from %s to %s port %u are used up",
				   n_ports, available, from, peer, first->peer_port);
	held = !stock->n_held ?
		       xstrdup("") :
		       xasprintf(" %u further port%s of the range %s taken by bound sockets.",
				 stock->n_held, stock->n_held == 1 ? "" : "s",
				 stock->n_held == 1 ? "is" : "are");
	finding->evidence =
		xasprintf("%u connections of %s%s, %u of them in TIME-WAIT, each with a local "
			  "port of its own in net.ipv4.ip_local_port_range.%s",
			  n, who, n > 1 ? " and perhaps others" : "", n_waiting, held);
	free(held);
	finding->text =
		xstrdup("A connection is known by its two addresses and two ports, so towards one "
			"address and port there can be only as many as there are local ports. "
			"When none is left connect() fails with EADDRNOTAVAIL.");
	finding->remedy = xasprintf(
		"Keep connections open and use them again (a pool, HTTP keep-alive)%s; widen "
		"net.ipv4.ip_local_port_range; or use further source or destination addresses.",
		n_waiting * 2 > n ?
			"; most of these wait in TIME-WAIT, and with net.ipv4.tcp_tw_reuse "
			"= 1 connect() takes such a port again after a second" :
			"");
	free(sockets);
	free(from);
	free(who);
}

static void check_destination(struct detection *detection, const struct outgoing *outgoing,
			      uint32_t n, const struct port_stock *stock)
{
	uint32_t i, n_ports = 1, available = stock->n_ports - stock->n_held;

	for (i = 1; i < n; i++)
		n_ports += outgoing[i].socket->local_port != outgoing[i - 1].socket->local_port;
	if (n_ports * 100ULL >= (uint64_t)available * PORTS_WARNING)
		report_ports(detection, outgoing, n, n_ports, stock);
}

static const struct port_stock *stock_of(const struct port_stock *stocks,
					 const struct inet_socket *socket)
{
	return &stocks[socket->netns * N_PORT_KINDS + PORTS_TCP];
}

/* A connection of TCP with a port that others could have had. */
static bool is_outgoing(const struct snapshot *snapshot, const struct port_stock *stocks,
			const struct inet_socket *socket)
{
	return socket->netns < snapshot->n_netns && (socket->known & SOCKET_HAS_PEER) &&
	       kind_of(socket) == PORTS_TCP && socket->state != STATE_SYN_RECV &&
	       is_in_range(&snapshot->netns[socket->netns], socket->local_port) &&
	       !is_taken(stock_of(stocks, socket), socket->local_port);
}

static uint32_t hash_of(const struct inet_socket *socket)
{
	struct address peer = address_as_mapped(socket->family, &socket->peer);
	uint64_t hash = socket->peer_port, word;
	size_t i;

	for (i = 0; i < sizeof(peer.bytes); i += sizeof(word)) {
		memcpy(&word, peer.bytes + i, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	}
	return (uint32_t)(hash >> 48);
}

/* So few connections towards one destination are not worth a word. */
static uint32_t n_fewest(const struct port_stock *stock)
{
	return (uint32_t)((stock->n_ports - stock->n_held) * (uint64_t)PORTS_WARNING / 100);
}

/*
 * Connections towards destinations that may have too many: counted by a hash first, so that on most
 * hosts there is nothing to sort. Returns how many there are.
 */
static uint32_t collect_crowded(const struct snapshot *snapshot, const struct port_stock *stocks,
				struct outgoing **ret_outgoing)
{
	uint32_t *counts = xcalloc(1U << 16, sizeof(*counts));
	uint32_t i, n = 0, capacity = 0;
	struct outgoing *outgoing = NULL;

	for (i = 0; i < snapshot->n_sockets; i++)
		if (is_outgoing(snapshot, stocks, &snapshot->sockets[i]))
			counts[hash_of(&snapshot->sockets[i])]++;
	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (!is_outgoing(snapshot, stocks, socket) ||
		    counts[hash_of(socket)] < n_fewest(stock_of(stocks, socket)))
			continue;
		ARRAY_RESERVE(outgoing, n, capacity);
		outgoing[n++] = (struct outgoing){ socket, i };
	}
	free(counts);
	*ret_outgoing = outgoing;
	return n;
}

static void check_ports(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct port_stock *stocks = stocks_new(snapshot);
	struct outgoing *outgoing;
	uint32_t i, n = collect_crowded(snapshot, stocks, &outgoing), first;

	for (i = 0; i < snapshot->n_netns * N_PORT_KINDS; i++)
		check_stock(detection, i / N_PORT_KINDS, (enum port_kind)(i % N_PORT_KINDS),
			    &stocks[i]);
	if (n)
		qsort(outgoing, n, sizeof(*outgoing), compare_outgoing);
	for (first = 0, i = 1; n && i <= n; i++) {
		if (i < n && !compare_destinations(outgoing[first].socket, outgoing[i].socket))
			continue;
		check_destination(detection, outgoing + first, i - first,
				  stock_of(stocks, outgoing[first].socket));
		first = i;
	}
	free(outgoing);
	stocks_free(stocks, snapshot->n_netns * N_PORT_KINDS);
}

static void check_buckets(struct detection *detection, uint32_t index, uint32_t n_waiting)
{
	const struct netns *netns = &detection->snapshot->netns[index];
	bool has_limit = netns->sysctls_known & 1U << SYSCTL_TCP_MAX_TW_BUCKETS;
	int64_t limit = has_limit ? netns->sysctls[SYSCTL_TCP_MAX_TW_BUCKETS] : 0;
	uint64_t lost = netns->counters_known & 1U << COUNTER_TIME_WAIT_OVERFLOW ?
				netns->counters[COUNTER_TIME_WAIT_OVERFLOW] :
				0;
	bool near = limit > 0 && n_waiting * 100ULL >= (uint64_t)limit * TIME_WAIT_WARNING;
	struct finding *finding;
	char *limit_words;

	if (!near && !lost)
		return;
	finding = finding_list_add(detection->list, FINDING_TIME_WAIT_OVERFLOW,
				   near ? SEVERITY_WARNING : SEVERITY_NOTE, NULL, 0);
	finding->netns = index;
	finding->protocol = PROTOCOL_TCP;
	finding->title =
		near ? xasprintf("%u TIME-WAIT sockets, of %lld that tcp_max_tw_buckets allows",
				 n_waiting, (long long)limit) :
		       xasprintf("TIME-WAIT was cut short %llu times since the network "
				 "namespace was made",
				 (unsigned long long)lost);
	limit_words = has_limit ? xasprintf("%lld", (long long)limit) : xstrdup("not known");
	finding->evidence = xasprintf("net.ipv4.tcp_max_tw_buckets is %s; the counter "
				      "TCPTimeWaitOverflow stands at %llu.",
				      limit_words, (unsigned long long)lost);
	free(limit_words);
	finding->text = xstrdup(
		"Above the limit a connection is closed without TIME-WAIT. Its port is free "
		"at once, but a late segment may hit the next connection with the same "
		"ports, and the peer's last segments are answered with a reset.");
	finding->remedy =
		xstrdup("Let the side that has many connections not be the one that closes first, "
			"keep connections open, or raise net.ipv4.tcp_max_tw_buckets (a socket "
			"takes about 250 bytes).");
}

void detect_exhaustion(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, *n_waiting = xcalloc(snapshot->n_netns, sizeof(*n_waiting));

	check_ports(detection);
	for (i = 0; i < snapshot->n_sockets; i++)
		if (socket_is_time_wait(&snapshot->sockets[i]) &&
		    snapshot->sockets[i].netns < snapshot->n_netns)
			n_waiting[snapshot->sockets[i].netns]++;
	for (i = 0; i < snapshot->n_netns; i++)
		check_buckets(detection, i, n_waiting[i]);
	free(n_waiting);
}

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

/* So many processes are named. */
#define NAMED_MAX 4

/* Whose local ports are looked at; the others have too few users. */
enum port_kind {
	PORTS_TCP,
	PORTS_UDP,
	N_PORT_KINDS,
};

/* The ports that the kernel gives to connections, of one namespace and protocol. */
struct port_stock {
	uint32_t n_ports; /* of the range, that are not reserved; 0: not known, or none */
	uint32_t n_held; /* of these, whatever the destination is */
	uint32_t n_shared; /* and that only connections have, each towards its destination */
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

static int kind_of(const struct bind_bucket *bucket)
{
	switch ((enum protocol)bucket->protocol) {
	case PROTOCOL_TCP:
		return PORTS_TCP;
	case PROTOCOL_UDP:
		return PORTS_UDP;
	default:
		return -1;
	}
}

/* Whether the kernel gives the port to connections, as far as that is known. */
static bool is_given(const struct detection *detection, const struct bind_bucket *bucket)
{
	const struct snapshot *snapshot = detection->snapshot;

	return kind_of(bucket) >= 0 && bucket->port && bucket->netns < snapshot->n_netns &&
	       snapshot->netns[bucket->netns].port_range_last &&
	       port_is_ephemeral(&detection->rules, bucket->netns, bucket->port);
}

/*
 * The socket that keeps a port from all connections that are yet to be given one, or SNAPSHOT_NONE.
 * connect() of TCP passes by each port that somebody was bound to by bind() (inet_hash_connect); a
 * UDP socket takes its port before it has a destination, one that nobody has.
 */
static uint32_t holder_of(const struct detection *detection, const struct bind_bucket *bucket)
{
	const uint32_t *members = detection->index->members + bucket->first;
	uint32_t i;

	if (kind_of(bucket) == PORTS_UDP)
		return members[0];
	for (i = 0; i < bucket->count; i++)
		if (socket_is_bound(&detection->snapshot->sockets[members[i]]))
			return members[i];
	return SNAPSHOT_NONE;
}

static void count_port(const struct detection *detection, const struct bind_bucket *bucket,
		       struct port_stock *stocks)
{
	struct port_stock *stock;

	if (!is_given(detection, bucket))
		return;
	stock = &stocks[bucket->netns * N_PORT_KINDS + (uint32_t)kind_of(bucket)];
	if (!stock->n_ports)
		stock->n_ports = port_n_ephemeral(&detection->rules, bucket->netns);
	if (holder_of(detection, bucket) != SNAPSHOT_NONE)
		stock->n_held++;
	else
		stock->n_shared++;
}

/*
 * Of one namespace, whose buckets these are: sockets that hold its ports, one of each, as many as
 * were counted; malloc'ed.
 */
static uint32_t *list_holders(const struct detection *detection, const struct bind_bucket *buckets,
			      uint32_t n_buckets, enum port_kind kind, uint32_t n_held)
{
	uint32_t i, n = 0, holder, *holders = xcalloc(n_held, sizeof(*holders));

	for (i = 0; i < n_buckets && n < n_held; i++) {
		if (kind_of(&buckets[i]) != (int)kind || !is_given(detection, &buckets[i]))
			continue;
		holder = holder_of(detection, &buckets[i]);
		if (holder != SNAPSHOT_NONE)
			holders[n++] = holder;
	}
	return holders;
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

/* What is gone whatever the destination is, of one namespace, whose buckets these are. */
static void check_stock(struct detection *detection, const struct bind_bucket *buckets,
			uint32_t n_buckets, enum port_kind kind, const struct port_stock *stock)
{
	struct finding *finding;
	uint32_t *holders;

	if (!stock->n_ports || stock->n_held * 100ULL < (uint64_t)stock->n_ports * PORTS_WARNING)
		return;
	holders = list_holders(detection, buckets, n_buckets, kind, stock->n_held);
	finding = finding_list_add(detection->list, FINDING_EPHEMERAL_EXHAUSTION,
				   severity_of(stock->n_held, stock->n_ports), holders,
				   stock->n_held);
	free(holders);
	finding->netns = buckets[0].netns;
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
			xasprintf("Let servers listen outside the range, and clients not bind "
				  "before connect(), or with IP_BIND_ADDRESS_NO_PORT; or widen "
				  "net.ipv4.ip_local_port_range%s.",
				  words_of_netns(detection->snapshot, finding->netns));
		return;
	}
	finding->title =
		xasprintf("%u of %u local ports of UDP are in use", stock->n_held, stock->n_ports);
	finding->text =
		xstrdup("A UDP socket that was not bound takes a port that no other has, "
			"wherever it sends to. When none is left connect() and sendto() fail "
			"with EAGAIN, and bind() to port 0 with EADDRINUSE.");
	finding->remedy = xasprintf("Use one socket for many destinations, close those that are "
				    "not needed any more, or widen "
				    "net.ipv4.ip_local_port_range%s.",
				    words_of_netns(detection->snapshot, finding->netns));
}

/* Connections of one process. */
struct share {
	uint32_t process, n;
};

static int compare_shares(const void *left, const void *right)
{
	const struct share *a = left, *b = right;

	if (a->n != b->n)
		return a->n > b->n ? -1 : 1;
	return a->process < b->process ? -1 : a->process > b->process;
}

/* What each process has of the connections, the most first. */
static struct share *list_shares(const struct snapshot *snapshot, const struct outgoing *outgoing,
				 uint32_t n, uint32_t *ret_count)
{
	struct share *shares = xcalloc(snapshot->n_processes, sizeof(*shares));
	uint32_t i, count = 0;

	for (i = 0; i < snapshot->n_processes; i++)
		shares[i].process = i;
	/* Who inherited a connection is not counted again. */
	for (i = 0; i < n; i++)
		if (outgoing[i].socket->n_owners)
			shares[snapshot->owners[outgoing[i].socket->first_owner].process].n++;
	if (snapshot->n_processes)
		qsort(shares, snapshot->n_processes, sizeof(*shares), compare_shares);
	while (count < snapshot->n_processes && shares[count].n)
		count++;
	*ret_count = count;
	return shares;
}

static void add_share(char **text, uint32_t n, const char *of)
{
	char *longer;

	if (!n)
		return;
	longer = xasprintf("%s%s%u %s", *text, **text ? ", " : "", n, of);
	free(*text);
	*text = longer;
}

/* "60 of "a" (pid 900), 38 of "b" (pid 901), 9 that no process holds". */
static char *words_shares(const struct snapshot *snapshot, const struct outgoing *outgoing,
			  uint32_t n)
{
	uint32_t i, count, n_others = 0, n_hidden = 0, n_unheld = 0;
	struct share *shares = list_shares(snapshot, outgoing, n, &count);
	char *text = xstrdup(""), *who, *of;

	for (i = 0; i < count && i < NAMED_MAX; i++) {
		who = words_process(snapshot, shares[i].process);
		of = xasprintf("of %s", who);
		add_share(&text, shares[i].n, of);
		free(who);
		free(of);
	}
	for (; i < count; i++)
		n_others += shares[i].n;
	for (i = 0; i < n; i++) {
		if (socket_is_held_by_unknown(outgoing[i].socket))
			n_hidden++;
		else if (!outgoing[i].socket->n_owners)
			n_unheld++;
	}
	add_share(&text, n_others, "of other processes");
	add_share(&text, n_hidden, "of processes that cannot be seen");
	add_share(&text, n_unheld, "that no process holds");
	free(shares);
	return text;
}

static void report_ports(struct detection *detection, const struct outgoing *outgoing, uint32_t n,
			 uint32_t n_ports, const struct port_stock *stock)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *first = outgoing[0].socket;
	uint32_t i, *sockets = list_held_first(outgoing, n), n_waiting = 0;
	uint32_t available = stock->n_ports - stock->n_held;
	char peer[ADDRESS_TEXT_MAX], *from, *shares, *held;
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
	shares = words_shares(snapshot, outgoing, n);
	finding->title = xasprintf("%u of %u local ports from %s to %s port %u are used up",
				   n_ports, available, from, peer, first->peer_port);
	held = !stock->n_held ?
		       xstrdup("") :
		       xasprintf(" %u further port%s of the range %s taken by bound sockets.",
				 stock->n_held, stock->n_held == 1 ? "" : "s",
				 stock->n_held == 1 ? "is" : "are");
	finding->evidence =
		xasprintf("%u connections, %u of them in TIME-WAIT, each with a local port of its "
			  "own in net.ipv4.ip_local_port_range: %s.%s",
			  n, n_waiting, shares, held);
	free(held);
	finding->text =
		xstrdup("A connection is known by its two addresses and two ports, so towards one "
			"address and port there can be only as many as there are local ports. "
			"When none is left connect() fails with EADDRNOTAVAIL.");
	finding->remedy = xasprintf(
		"Keep connections open and use them again (a pool, HTTP keep-alive)%s; widen "
		"net.ipv4.ip_local_port_range%s; or use further source or destination addresses.",
		n_waiting * 2 > n ?
			"; most of these wait in TIME-WAIT, and with net.ipv4.tcp_tw_reuse "
			"= 1 connect() takes such a port again after a second" :
			"",
		words_of_netns(detection->snapshot, finding->netns));
	free(sockets);
	free(from);
	free(shares);
}

static const struct port_stock *stock_of(const struct port_stock *stocks,
					 const struct inet_socket *socket)
{
	return &stocks[socket->netns * N_PORT_KINDS + PORTS_TCP];
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

static bool is_outgoing(const struct inet_socket *socket)
{
	return (socket->known & SOCKET_HAS_PEER) && socket->state != STATE_SYN_RECV;
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

/* So few ports towards one destination are not worth a word. */
static uint32_t n_fewest(const struct port_stock *stock)
{
	return (uint32_t)((stock->n_ports - stock->n_held) * (uint64_t)PORTS_WARNING / 100);
}

/* Whether a port that others could have had has too many like it for there to be nothing to say. */
static bool may_be_crowded(const struct detection *detection, const struct port_stock *stocks,
			   const struct bind_bucket *bucket)
{
	const struct port_stock *stock;

	if (kind_of(bucket) != PORTS_TCP || !is_given(detection, bucket))
		return false;
	stock = &stocks[bucket->netns * N_PORT_KINDS + PORTS_TCP];
	return stock->n_shared >= n_fewest(stock) && holder_of(detection, bucket) == SNAPSHOT_NONE;
}

static uint32_t collect_outgoing(const struct detection *detection, const struct port_stock *stocks,
				 struct outgoing **ret_outgoing)
{
	const struct bind_bucket_index *index = detection->index;
	const struct inet_socket *sockets = detection->snapshot->sockets;
	struct outgoing *outgoing = NULL;
	uint32_t i, k, n = 0, capacity = 0;

	for (i = 0; i < index->n_buckets; i++) {
		const struct bind_bucket *bucket = &index->buckets[i];

		if (!may_be_crowded(detection, stocks, bucket))
			continue;
		for (k = 0; k < bucket->count; k++) {
			uint32_t member = index->members[bucket->first + k];

			if (!is_outgoing(&sockets[member]))
				continue;
			ARRAY_RESERVE(outgoing, n, capacity);
			outgoing[n++] = (struct outgoing){ &sockets[member], member };
		}
	}
	*ret_outgoing = outgoing;
	return n;
}

/*
 * Keep those towards destinations that may have too many: counted by a hash first, so that on most
 * hosts there is nothing to sort. Returns how many there are.
 */
static uint32_t keep_crowded(const struct port_stock *stocks, struct outgoing *outgoing, uint32_t n)
{
	uint32_t *counts = xcalloc(1U << 16, sizeof(*counts));
	uint32_t i, kept = 0;

	for (i = 0; i < n; i++)
		counts[hash_of(outgoing[i].socket)]++;
	for (i = 0; i < n; i++)
		if (counts[hash_of(outgoing[i].socket)] >=
		    n_fewest(stock_of(stocks, outgoing[i].socket)))
			outgoing[kept++] = outgoing[i];
	free(counts);
	return kept;
}

static void check_destinations(struct detection *detection, const struct port_stock *stocks)
{
	struct outgoing *outgoing;
	uint32_t i, first, n = collect_outgoing(detection, stocks, &outgoing);

	if (n)
		n = keep_crowded(stocks, outgoing, n);
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
}

static void check_ports(struct detection *detection)
{
	const struct bind_bucket_index *index = detection->index;
	struct port_stock *stocks =
		xcalloc((size_t)detection->snapshot->n_netns * N_PORT_KINDS, sizeof(*stocks));
	uint32_t i, first, kind;

	for (first = 0; first < index->n_buckets; first = i) {
		const struct bind_bucket *buckets = &index->buckets[first];

		for (i = first; i < index->n_buckets && index->buckets[i].netns == buckets->netns;
		     i++)
			count_port(detection, &index->buckets[i], stocks);
		for (kind = 0; kind < N_PORT_KINDS && buckets->netns < detection->snapshot->n_netns;
		     kind++)
			check_stock(detection, buckets, i - first, (enum port_kind)kind,
				    &stocks[buckets->netns * N_PORT_KINDS + kind]);
	}
	check_destinations(detection, stocks);
	free(stocks);
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
		xasprintf("Let the side that has many connections not be the one that closes "
			  "first, keep connections open, or raise "
			  "net.ipv4.tcp_max_tw_buckets%s (a socket takes about 250 bytes).",
			  words_of_netns(detection->snapshot, index));
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that closed connections keep, or will keep. */
#include <stdlib.h>
#include <sys/socket.h>

#include "analysis/detect.h"
#include "analysis/port-range.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* Sockets named in a finding; the rest is counted. */
#define NAMED_MAX 1024

/* So many of their addresses are told apart. */
#define ADDRESSES_MAX 64

/* The moment at which the last of the TIME-WAIT sockets ends, and how many there are. */
struct wait {
	uint32_t *sockets;
	uint32_t n_blocking, n_unknown; /* without reuse flags; of unknown ones */
	uint32_t n_open; /* of these, not closed by the other end yet: their TIME-WAIT is to come */
	uint32_t n_fin_wait_2, n_time_wait; /* what ss ends by these states */
	uint32_t last_ms;
	bool has_expires;
	const struct inet_socket *addresses[ADDRESSES_MAX]; /* one at each local address */
	uint32_t n_addresses;
};

/* Closed by its process, or with it: what is left keeps the port for a while, and then goes. */
static bool is_left_over(const struct inet_socket *socket)
{
	if (socket_is_time_wait(socket))
		return true;
	if (!(socket->known & SOCKET_HAS_INODE) || socket->inode)
		return false;
	return socket->state == STATE_FIN_WAIT_1 || socket->state == STATE_FIN_WAIT_2 ||
	       socket->state == STATE_CLOSING || socket->state == STATE_LAST_ACK;
}

static void add_address(struct wait *wait, const struct inet_socket *socket)
{
	struct address added = address_as_mapped(socket->family, &socket->local);
	uint32_t i;

	for (i = 0; i < wait->n_addresses; i++) {
		const struct inet_socket *other = wait->addresses[i];
		struct address known = address_as_mapped(other->family, &other->local);

		if (!address_compare(&added, &known))
			return;
	}
	if (i < ADDRESSES_MAX)
		wait->addresses[wait->n_addresses++] = socket;
}

/* The local address without brackets; of a mapped one that of IPv4. */
static char *local_words(const struct inet_socket *socket, int *ret_family)
{
	char text[ADDRESS_TEXT_MAX];
	struct address address;

	*ret_family = address_unmap(socket->family, &socket->local, &address);
	address_format(*ret_family, &address, text);
	return xstrdup(text);
}

/* "tcp 127.0.0.1:8080", or "tcp port 8080" of several addresses. */
static char *where_words(const struct detection *detection, const struct wait *wait)
{
	const char *protocol = protocol_name((enum protocol)detection->bucket->protocol);
	char *address, *text;
	int family;

	if (wait->n_addresses != 1)
		return xasprintf("%s port %u", protocol, detection->bucket->port);
	address = local_words(wait->addresses[0], &family);
	text = xasprintf(family == AF_INET6 ? "%s [%s]:%u" : "%s %s:%u", protocol, address,
			 detection->bucket->port);
	free(address);
	return text;
}

/* "that address", "127.0.0.1 or ::1", "one of their addresses (127.0.0.1, ::1 and others)". */
static char *addresses_words(const struct wait *wait)
{
	char *first, *second, *text;
	int family;

	if (wait->n_addresses < 2)
		return xstrdup("that address");
	first = local_words(wait->addresses[0], &family);
	second = local_words(wait->addresses[1], &family);
	text = wait->n_addresses == 2 ?
		       xasprintf("%s or %s", first, second) :
		       xasprintf("one of their addresses (%s, %s and others)", first, second);
	free(first);
	free(second);
	return text;
}

static void sum_up(const struct detection *detection, struct wait *wait)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		/* A server that sets the flag again is let in: that its next start does, too. */
		if (!is_left_over(socket) || socket->reuse_addr == TRISTATE_YES ||
		    socket->reuse_port == TRISTATE_YES)
			continue;
		add_address(wait, socket);
		if (wait->n_blocking + wait->n_unknown < NAMED_MAX)
			wait->sockets[wait->n_blocking + wait->n_unknown] = detection->members[i];
		if (socket->reuse_addr == TRISTATE_NO && socket->reuse_port == TRISTATE_NO)
			wait->n_blocking++;
		else
			wait->n_unknown++;
		wait->n_open += socket->state != STATE_TIME_WAIT;
		wait->n_fin_wait_2 += socket->state == STATE_FIN_WAIT_2;
		wait->n_time_wait += socket->state == STATE_TIME_WAIT;
		if (!(socket->known & SOCKET_HAS_EXPIRES) || !socket_is_time_wait(socket))
			continue;
		wait->has_expires = true;
		if (socket->timer_expires_ms > wait->last_ms)
			wait->last_ms = socket->timer_expires_ms;
	}
}

static char *end_of(const struct snapshot *snapshot, const struct wait *wait)
{
	int64_t taken = snapshot->end_ns ? snapshot->end_ns : snapshot->start_ns;
	const char *least = wait->n_open ? "at least " : "";
	char *moment, *text;

	if (!wait->has_expires)
		return xstrdup(wait->n_open ? "for about a minute" : "for at most a minute");
	if (!taken)
		return xasprintf("for %s%u more seconds", least, (wait->last_ms + 999) / 1000);
	moment = words_moment(taken + (int64_t)wait->last_ms * 1000000);
	text = xasprintf("until %s%s, for %s%u more seconds", moment,
			 wait->n_open ? " at the earliest" : "", least,
			 (wait->last_ms + 999) / 1000);
	free(moment);
	return text;
}

/* What the moment depends on: of those whose clients have not closed it is not the last word. */
static char *open_words(const struct wait *wait)
{
	if (!wait->n_open)
		return xstrdup("Neither tcp_tw_reuse nor tcp_fin_timeout changes that.");
	return xasprintf(
		"Of %u of them the other end has not closed yet (FIN-WAIT-2 and the like): "
		"when it does, the 60 seconds of TIME-WAIT begin, so that the port stays "
		"closed for up to 60 seconds more than that. tcp_fin_timeout sets how long "
		"FIN-WAIT-2 lasts, of connections that are closed after it was set; it does not "
		"shorten TIME-WAIT, and tcp_tw_reuse changes nothing here.",
		wait->n_open);
}

static void report_blocked(struct detection *detection, const struct wait *wait)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t named = wait->n_blocking + wait->n_unknown;
	struct finding *finding = detect_report(detection, FINDING_TIME_WAIT_BLOCKS_BIND,
						SEVERITY_WARNING, wait->sockets,
						named < NAMED_MAX ? named : NAMED_MAX);
	char *end = end_of(snapshot, wait), *open, *kill, *where, *addresses;
	char *count = words_count(wait->n_blocking + wait->n_unknown, "closed connection");
	const char *protocol = protocol_name((enum protocol)detection->bucket->protocol);

	if (!wait->n_blocking) {
		finding->undecided = true;
		finding->title =
			xasprintf("%s port %u has no server; what is left of %s may block the next "
				  "bind, %s",
				  protocol, detection->bucket->port, count, end);
		finding->evidence =
			xstrdup("Whether the dead server had set SO_REUSEADDR or SO_REUSEPORT is "
				"not known: TIME-WAIT remembers it, but only BPF can read it.");
		finding->text = xstrdup("");
		finding->remedy =
			xstrdup("Run it as root, or with CAP_BPF and CAP_PERFMON, to be certain.");
	} else {
		where = where_words(detection, wait);
		addresses = addresses_words(wait);
		finding->title = xasprintf("%s cannot be bound %s: %s of a server that is gone",
					   where, end, count);
		finding->evidence =
			xasprintf("Nothing listens there, and %u closed connection%s, made "
				  "without SO_REUSEADDR and SO_REUSEPORT, still %s the port.",
				  wait->n_blocking, wait->n_blocking == 1 ? "" : "s",
				  wait->n_blocking == 1 ? "keeps" : "keep");
		open = open_words(wait);
		finding->text =
			xasprintf("A bind needs SO_REUSEADDR on both sides, the new socket and the "
				  "dead one, or SO_REUSEPORT on both. The dead one lacks them, so "
				  "each bind to %s, or to all addresses, fails with EADDRINUSE, "
				  "whatever flags it sets, until the last of them has ended. Other "
				  "addresses are not concerned. %s",
				  addresses, open);
		free(where);
		free(addresses);
		free(open);
		kill = words_end_time_wait(wait->n_time_wait, wait->n_fin_wait_2,
					   detection->bucket->port);
		finding->remedy = xasprintf(
			"Now: wait %s, or start on another port or address%s%s%s. For good: set "
			"SO_REUSEADDR on the listening socket before bind() (its connections "
			"inherit it), as nearly all servers do.",
			end, *kill ? "; as root, " : "", kill, *kill ? " ends them at once" : "");
		free(kill);
	}
	free(end);
	free(count);
}

static void report_restart(struct detection *detection, uint32_t listener, uint32_t n_connections)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding = detect_report(detection, FINDING_RESTART_BLOCKED_LATER,
						SEVERITY_NOTE, &listener, 1);
	char *where = words_socket(snapshot, listener), *who = words_holders(snapshot, listener);
	char *count = words_count(n_connections, "connection");

	finding->title = xasprintf(
		"%s of %s could not be bound again for up to a minute after a crash", where, who);
	finding->evidence =
		xasprintf("The listener has neither SO_REUSEADDR nor SO_REUSEPORT, and %s.", count);
	finding->text =
		xstrdup("A server that ends closes its connections first, and they stay behind in "
			"TIME-WAIT for 60 seconds, without the flag that would let the next "
			"bind pass. Until then a restart fails with EADDRINUSE.");
	finding->remedy =
		xasprintf("Let %s set SO_REUSEADDR on the listening socket before bind() "
			  "(Python: allow_reuse_address, reuse_address=True; Go does it by "
			  "itself). It takes effect with the connections made after that.",
			  who);
	free(where);
	free(who);
	free(count);
}

void detect_time_wait(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n_bound = 0, n_live = 0, n_waiting = 0, listener = SNAPSHOT_NONE;
	struct wait wait = { .sockets = NULL };

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		if (socket->state == STATE_LISTEN && socket->reuse_addr == TRISTATE_NO &&
		    socket->reuse_port == TRISTATE_NO)
			listener = detection->members[i];
		if (socket_is_bound(socket))
			n_bound++;
		else if (is_left_over(socket))
			n_waiting++;
		else
			n_live++;
	}
	if (listener != SNAPSHOT_NONE && n_live + n_waiting &&
	    detect_is_wanted(detection, SEVERITY_NOTE))
		report_restart(detection, listener, n_live + n_waiting);
	/*
	 * With a server, or with connections of one, it is not TIME-WAIT alone. In the range of
	 * outgoing connections it is most likely such a one that has ended.
	 */
	if (n_bound || n_live || !n_waiting ||
	    port_is_ephemeral(&detection->rules, detection->bucket->netns, detection->bucket->port))
		return;
	wait.sockets =
		xcalloc(n_waiting < NAMED_MAX ? n_waiting : NAMED_MAX, sizeof(*wait.sockets));
	sum_up(detection, &wait);
	if (wait.n_blocking + wait.n_unknown)
		report_blocked(detection, &wait);
	free(wait.sockets);
}

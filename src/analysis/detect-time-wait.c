/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that closed connections keep, or will keep. */
#include <stdlib.h>
#include <sys/socket.h>

#include "analysis/detect.h"
#include "analysis/direction.h"
#include "analysis/port-range.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* So many of their addresses are told apart. */
#define ADDRESSES_MAX 64

/* TIME-WAIT, and so long it is to the end at least if the other end of FIN-WAIT-2 closes now. */
#define TIME_WAIT_MS 60000

/* The moment at which the last of the closed connections ends, and how many there are. */
struct wait {
	uint32_t *sockets;
	uint32_t n_blocking, n_unknown; /* without reuse flags; of unknown ones */
	/* Of these: */
	uint32_t n_open; /* buckets that the other end has not closed yet */
	uint32_t n_unsent; /* the other end has not taken all that was sent: no clock ends that */
	uint32_t n_long; /* FIN-WAIT-2 for longer than a minute, of which a part is known */
	uint32_t n_in, n_out; /* of a server, of a client */
	uint32_t n_peerless; /* whose other end is not known: of a server for all that is known */
	uint32_t n_states[N_STATES];
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

static bool has_flags(const struct inet_socket *socket)
{
	return socket->reuse_addr == TRISTATE_YES || socket->reuse_port == TRISTATE_YES;
}

static bool lacks_flags(const struct inet_socket *socket)
{
	return socket->reuse_addr == TRISTATE_NO && socket->reuse_port == TRISTATE_NO;
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

/* What the other end, or the kernel, still has to do before a connection ends. */
static void count_state(struct wait *wait, const struct inet_socket *socket)
{
	uint32_t expires_ms = socket->timer_expires_ms;

	wait->n_states[socket->state]++;
	if (!socket_is_time_wait(socket)) {
		if (socket->state == STATE_FIN_WAIT_2)
			wait->n_long++;
		else
			wait->n_unsent++;
		return;
	}
	wait->n_open += socket->state == STATE_FIN_WAIT_2;
	if (!(socket->known & SOCKET_HAS_EXPIRES))
		return;
	wait->has_expires = true;
	if (socket->state == STATE_FIN_WAIT_2 && expires_ms > TIME_WAIT_MS)
		expires_ms = TIME_WAIT_MS;
	if (expires_ms > wait->last_ms)
		wait->last_ms = expires_ms;
}

static void count_direction(const struct detection *detection, struct wait *wait,
			    const struct inet_socket *socket)
{
	enum direction direction = direction_of(&detection->rules, detection->index, socket);

	wait->n_in += direction == DIRECTION_IN;
	wait->n_out += direction == DIRECTION_OUT;
	wait->n_peerless += !(socket->known & SOCKET_HAS_PEER);
}

static void sum_up(const struct detection *detection, struct wait *wait)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		/* A server that sets the flag again is let in: that its next start does, too. */
		if (!is_left_over(socket) || has_flags(socket))
			continue;
		add_address(wait, socket);
		wait->sockets[wait->n_blocking + wait->n_unknown] = detection->members[i];
		if (lacks_flags(socket))
			wait->n_blocking++;
		else
			wait->n_unknown++;
		count_state(wait, socket);
		count_direction(detection, wait, socket);
	}
	if (direction_is_of_server(&detection->rules, detection->index, detection->members,
				   detection->bucket->count)) {
		wait->n_in = wait->n_blocking + wait->n_unknown;
		wait->n_out = 0;
	}
}

static bool has_no_end(const struct wait *wait)
{
	return wait->n_unsent || wait->n_long;
}

static char *end_of(const struct snapshot *snapshot, const struct wait *wait)
{
	int64_t taken = snapshot->end_ns ? snapshot->end_ns : snapshot->start_ns;
	const char *least = wait->n_open ? "at least " : "";
	char *moment, *text;

	if (has_no_end(wait))
		return xstrdup("for a time that cannot be told");
	if (!wait->has_expires)
		return xstrdup(wait->n_open ? "for up to two minutes" : "for at most a minute");
	if (!taken)
		return xasprintf("for %s%u more seconds", least, (wait->last_ms + 999) / 1000);
	moment = words_moment(taken + (int64_t)wait->last_ms * 1000000);
	text = xasprintf("until %s%s, for %s%u more seconds", moment,
			 wait->n_open ? " at the earliest" : "", least,
			 (wait->last_ms + 999) / 1000);
	free(moment);
	return text;
}

/* What the end of those depends on that have data under way, or the acknowledgement of it. */
static char *unsent_words(const struct wait *wait)
{
	if (!wait->n_unsent)
		return xstrdup("");
	return xasprintf(
		" Of %u of them the other end has not taken all that was sent, or has not answered "
		"(FIN-WAIT-1, CLOSING, LAST-ACK): that lasts until it reads, closes or resets, or "
		"has taken nothing for so many minutes that the kernel gives up. After FIN-WAIT-1 "
		"and CLOSING come FIN-WAIT-2 or TIME-WAIT.",
		wait->n_unsent);
}

/* The same of those whose other end has only not closed. */
static char *half_words(const struct wait *wait)
{
	uint32_t n = wait->n_open + wait->n_long;

	if (!n)
		return xstrdup("");
	return xasprintf(
		" Of %u of them the other end has not closed yet (FIN-WAIT-2): when it does, the "
		"60 seconds of TIME-WAIT begin, so that the port stays closed for up to 60 seconds "
		"more than that. tcp_fin_timeout sets how long FIN-WAIT-2 lasts, of connections "
		"that are closed after it was set.",
		n);
}

static void report_undecided(const struct detection *detection, const struct wait *wait,
			     struct finding *finding)
{
	char *end = end_of(detection->snapshot, wait);
	char *count = words_count(wait->n_unknown, "closed connection");

	finding->undecided = true;
	finding->title = xasprintf(
		"%s port %u has no server; what is left of %s may block the next bind, %s",
		protocol_name((enum protocol)detection->bucket->protocol), detection->bucket->port,
		count, end);
	finding->evidence =
		xstrdup("Whether the dead end had set SO_REUSEADDR or SO_REUSEPORT is not known: "
			"TIME-WAIT remembers it, but only BPF can read it.");
	finding->text = xstrdup("");
	finding->remedy =
		xstrdup("Run it as root, or with CAP_BPF and CAP_PERFMON, to be certain.");
	free(end);
	free(count);
}

/* Which end these are of, as far as it is known of all. */
static enum direction direction_of_all(const struct wait *wait)
{
	uint32_t n = wait->n_blocking + wait->n_unknown;

	if (wait->n_in == n)
		return DIRECTION_IN;
	return wait->n_out == n ? DIRECTION_OUT : DIRECTION_UNKNOWN;
}

/* "2 closed connections of a server that is gone" */
static char *what_words(const struct wait *wait)
{
	uint32_t n = wait->n_blocking + wait->n_unknown;

	switch (direction_of_all(wait)) {
	case DIRECTION_IN:
		return xasprintf("%u closed connection%s of a server that is gone", n,
				 n == 1 ? "" : "s");
	case DIRECTION_OUT:
		return words_count(n, "closed outgoing connection");
	case DIRECTION_UNKNOWN:
		break;
	}
	return words_count(n, "closed connection");
}

/* Why these are thought to be of that end. */
static const char *why_direction(const struct detection *detection, const struct wait *wait)
{
	const struct snapshot *snapshot = detection->snapshot;

	switch (direction_of_all(wait)) {
	case DIRECTION_IN:
		return "";
	case DIRECTION_OUT:
		return direction_is_listened_to(&detection->rules, detection->index,
						&snapshot->sockets[wait->sockets[0]]) ?
			       " A server listens where they lead, so this end was a client's." :
			       " By its ports this end was a client's.";
	case DIRECTION_UNKNOWN:
		break;
	}
	return " Whether this end was a server's or a client's the ports do not tell.";
}

/* What keeps it from happening again. */
static const char *for_good(const struct detection *detection, const struct wait *wait)
{
	if (direction_of_all(wait) == DIRECTION_OUT)
		return words_keep_from_clients(&detection->rules, detection->bucket->netns,
					       detection->bucket->port);
	if (direction_of_all(wait) == DIRECTION_UNKNOWN)
		return "For good: set SO_REUSEADDR before bind(), in a server on the listening "
		       "socket (its connections inherit it), as nearly all do.";
	return "For good: set SO_REUSEADDR on the listening socket before bind() (its connections "
	       "inherit it), as nearly all servers do.";
}

/* The command by which root ends them; "" if there is none that does so in all kernels. */
static char *kill_words(const struct detection *detection, const struct wait *wait)
{
	return has_no_end(wait) ? xstrdup("") :
				  words_end_time_wait(detection->snapshot, detection->bucket->netns,
						      wait->n_states[STATE_TIME_WAIT],
						      wait->n_states[STATE_FIN_WAIT_2],
						      detection->bucket->port);
}

static char *remedy_words(const struct detection *detection, const struct wait *wait)
{
	char *end = end_of(detection->snapshot, wait), *kill = kill_words(detection, wait), *text;

	if (has_no_end(wait))
		text = xasprintf("Now: let the other end read, close or reset; or start on another "
				 "port or address%s%s%s. %s",
				 *kill ? "; as root, " : "", kill,
				 *kill ? " ends them at once" : "", for_good(detection, wait));
	else
		text = xasprintf("Now: wait %s, or start on another port or address%s%s%s. %s", end,
				 *kill ? "; as root, " : "", kill,
				 *kill ? " ends them at once" : "", for_good(detection, wait));
	free(end);
	free(kill);
	return text;
}

static void report_certain(const struct detection *detection, const struct wait *wait,
			   struct finding *finding)
{
	char *where = where_words(detection, wait), *addresses = addresses_words(wait);
	char *what = what_words(wait), *end = end_of(detection->snapshot, wait);
	char *unsent = unsent_words(wait), *half = half_words(wait);

	finding->title = xasprintf("%s cannot be bound %s: %s", where, end, what);
	finding->evidence =
		xasprintf("Nothing listens there, and %u closed connection%s, without SO_REUSEADDR "
			  "and SO_REUSEPORT, still %s the port.%s",
			  wait->n_blocking, wait->n_blocking == 1 ? "" : "s",
			  wait->n_blocking == 1 ? "keeps" : "keep", why_direction(detection, wait));
	finding->text = xasprintf(
		"A bind needs SO_REUSEADDR on both sides, the new socket and the dead one, or "
		"SO_REUSEPORT on both. The dead one lacks them, so each bind to %s, or to all "
		"addresses, fails with EADDRINUSE, whatever flags it sets, until the last of them "
		"has ended. Other addresses are not concerned.%s%s %s",
		addresses, unsent, half,
		*half ? "It does not shorten TIME-WAIT, and tcp_tw_reuse changes nothing here." :
			"Neither tcp_tw_reuse nor tcp_fin_timeout changes that.");
	finding->remedy = remedy_words(detection, wait);
	free(where);
	free(addresses);
	free(what);
	free(end);
	free(unsent);
	free(half);
}

/* Whether somebody wants the port, or has served it. */
static enum severity severity_of(const struct detection *detection, const struct wait *wait)
{
	if (direction_of_all(wait) == DIRECTION_IN || wait->n_peerless ||
	    detect_is_named(detection) ||
	    port_is_reserved(&detection->rules, detection->bucket->netns,
			     detection->bucket->port) == TRISTATE_YES)
		return SEVERITY_WARNING;
	return SEVERITY_NOTE;
}

static void report_blocked(struct detection *detection, const struct wait *wait)
{
	enum severity severity = severity_of(detection, wait);
	struct finding *finding;

	/* A note that may be one is none. */
	if (!detect_is_wanted(detection, severity) ||
	    (!wait->n_blocking && severity == SEVERITY_NOTE))
		return;
	finding = detect_report(detection, FINDING_TIME_WAIT_BLOCKS_BIND, severity, wait->sockets,
				wait->n_blocking + wait->n_unknown);
	if (wait->n_blocking)
		report_certain(detection, wait, finding);
	else
		report_undecided(detection, wait, finding);
}

/*
 * What is left on a port of the range of outgoing connections is most likely of such ones: it
 * counts if a server wants the port, or the other ends show that it had one.
 */
static bool is_of_interest(const struct detection *detection)
{
	return !port_is_ephemeral(&detection->rules, detection->bucket->netns,
				  detection->bucket->port) ||
	       detect_is_named(detection) ||
	       direction_is_of_server(&detection->rules, detection->index, detection->members,
				      detection->bucket->count);
}

static void check_blocked(struct detection *detection)
{
	struct wait wait = {
		.sockets = xcalloc(detection->bucket->count, sizeof(*wait.sockets)),
	};

	sum_up(detection, &wait);
	if (wait.n_blocking + wait.n_unknown)
		report_blocked(detection, &wait);
	free(wait.sockets);
}

/* Connections of a listener that would be left behind if its server ended now, or have been. */
struct restart {
	uint32_t listener;
	uint32_t n_without; /* without reuse flags */
	uint32_t n_with; /* with some */
	uint32_t n_reuse_addr, n_reuse_port; /* of these */
};

/*
 * Whether TIME-WAIT, or what comes before it, is there, or to be expected when the process ends:
 * not where the other end has closed first, nor of a connection that nobody has accepted, which is
 * reset.
 */
static bool will_be_left_over(const struct inet_socket *socket)
{
	switch ((enum socket_state)socket->state) {
	case STATE_ESTAB:
		return !(socket->known & SOCKET_HAS_INODE) || socket->inode;
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSING:
	case STATE_TIME_WAIT:
		return true;
	default:
		return false;
	}
}

static bool is_connection_of(const struct inet_socket *listener, const struct inet_socket *socket)
{
	return will_be_left_over(socket) &&
	       address_covers(listener->family, &listener->local, listener->v6only == TRISTATE_YES,
			      socket->family, &socket->local);
}

/* What is not known of a connection it has from its listener. */
static void count_connection(struct restart *restart, const struct inet_socket *listener,
			     const struct inet_socket *socket)
{
	if (has_flags(socket)) {
		restart->n_with++;
		restart->n_reuse_addr += socket->reuse_addr == TRISTATE_YES;
		restart->n_reuse_port += socket->reuse_port == TRISTATE_YES;
	} else if (lacks_flags(socket) || lacks_flags(listener)) {
		restart->n_without++;
	}
}

/* Whether a new start would fail for the connections of a listener. */
static bool blocks_restart(const struct detection *detection, uint32_t index,
			   struct restart *ret_restart)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *listener = &snapshot->sockets[index];
	struct restart restart = { .listener = index };
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		if (is_connection_of(listener, socket))
			count_connection(&restart, listener, socket);
	}
	*ret_restart = restart;
	return restart.n_without || (restart.n_with && lacks_flags(listener));
}

static const char *const restart_text =
	"A server that ends closes its connections first, and they stay behind in TIME-WAIT for 60 "
	"seconds, or longer while clients do not close, without the flag that would let the next "
	"bind pass. Until then a restart fails with EADDRINUSE.";

/* The listener lacks what would let it in again, and so do its connections. */
static void say_both_lack(const struct restart *restart, const char *where, const char *who,
			  struct finding *finding)
{
	char *count = words_count(restart->n_without, "connection");

	finding->title = xasprintf(
		"%s of %s could not be bound again for a minute or more after a crash", where, who);
	finding->evidence = xasprintf(
		"The listener has neither SO_REUSEADDR nor SO_REUSEPORT, and %s without them.",
		count);
	finding->text = xstrdup(restart_text);
	finding->remedy =
		xasprintf("Let %s set SO_REUSEADDR on the listening socket before bind() "
			  "(Python: allow_reuse_address, reuse_address=True; Go does it by "
			  "itself). It takes effect with the connections made after that.",
			  who);
	free(count);
}

/* The listener alone lacks it: they were given the flag after accept(). */
static void say_listener_lacks(const struct restart *restart, const char *where, const char *who,
			       struct finding *finding)
{
	const char *flag = restart->n_reuse_addr == restart->n_with ? "SO_REUSEADDR" :
			   restart->n_reuse_port == restart->n_with ? "SO_REUSEPORT" :
								      "both reuse flags";
	char *count = words_count(restart->n_with, "connection");

	finding->title = xasprintf("%s of %s could be bound again only with %s for a minute or "
				   "more after a crash",
				   where, who, flag);
	finding->evidence = xasprintf("The listener has neither SO_REUSEADDR nor SO_REUSEPORT; %s "
				      "of it %s been given a flag later, which counts then.",
				      count, restart->n_with == 1 ? "has" : "have");
	finding->text =
		xstrdup("A server that ends closes its connections first, and they stay behind in "
			"TIME-WAIT for 60 seconds, or longer while clients do not close. They let "
			"in a bind that has their flag. A restart without it, as this server was "
			"started, fails with EADDRINUSE.");
	finding->remedy = xasprintf(
		"Let %s set %s on the listening socket before bind(), too: that helps at once.",
		who, flag);
	free(count);
}

/* The connections lack it, whatever the listener has. */
static void say_connections_lack(const struct restart *restart, const char *where, const char *who,
				 struct finding *finding)
{
	char *count = words_count(restart->n_without, "connection");

	finding->title = xasprintf(
		"%s of %s could not be bound again for a minute or more after a crash", where, who);
	finding->evidence = xasprintf(
		"%s of it %s neither SO_REUSEADDR nor SO_REUSEPORT, and what counts is the flag of "
		"the connection, not that of the listener.",
		count, restart->n_without == 1 ? "has" : "have");
	finding->text = xstrdup(restart_text);
	finding->remedy =
		xasprintf("Let %s leave SO_REUSEADDR set on the connections that it accepts: they "
			  "inherit it from a listening socket that has it before they are made.",
			  who);
	free(count);
}

static void report_restart(struct detection *detection, const struct restart *restart)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding = detect_report(detection, FINDING_RESTART_BLOCKED_LATER,
						SEVERITY_NOTE, &restart->listener, 1);
	char *where = words_socket(snapshot, restart->listener);
	char *who = words_holders(snapshot, restart->listener);

	if (!lacks_flags(&snapshot->sockets[restart->listener]))
		say_connections_lack(restart, where, who, finding);
	else if (restart->n_without)
		say_both_lack(restart, where, who, finding);
	else
		say_listener_lacks(restart, where, who, finding);
	free(where);
	free(who);
}

/* A finding of one listener of the port is enough. */
static void check_restart(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n_without = 0;
	struct restart restart;

	if (!detect_is_wanted(detection, SEVERITY_NOTE))
		return;
	for (i = 0; i < detection->bucket->count; i++)
		n_without += lacks_flags(&snapshot->sockets[detection->members[i]]);
	for (i = 0; i < detection->bucket->count && n_without; i++) {
		if (snapshot->sockets[detection->members[i]].state != STATE_LISTEN ||
		    !blocks_restart(detection, detection->members[i], &restart))
			continue;
		report_restart(detection, &restart);
		return;
	}
}

void detect_time_wait(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n_left_over = 0;

	for (i = 0; i < detection->bucket->count; i++)
		n_left_over += is_left_over(&snapshot->sockets[detection->members[i]]);
	/* With a server, or with connections of one, it is not what is left alone. */
	if (n_left_over < detection->bucket->count)
		check_restart(detection);
	else if (is_of_interest(detection))
		check_blocked(detection);
}

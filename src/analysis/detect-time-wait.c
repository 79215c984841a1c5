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

/* What is left on a port, where nothing lives that would keep the address from a bind anyway. */
struct remains {
	uint32_t *sockets;
	uint32_t count;
	uint32_t living; /* a socket elsewhere on the port; SNAPSHOT_NONE: there is none */
};

/* The moment at which the last of the closed connections ends, and how many there are. */
struct wait {
	const struct remains *remains;
	uint32_t *sockets;
	uint32_t n_blocking, n_unknown; /* without reuse flags; of unknown ones */
	/* Of these: */
	uint32_t n_open; /* buckets that the other end has not closed yet */
	uint32_t n_unsent; /* the other end has not taken all that was sent: no clock ends that */
	uint32_t n_long; /* FIN-WAIT-2 for longer than a minute, of which a part is known */
	uint32_t n_peerless; /* whose other end is not known: of a server for all that is known */
	struct directions directions;
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

/* "127.0.0.1 and ::1", "127.0.0.1, ::1 and others", of several. */
static char *list_words(const struct wait *wait, const char *conjunction)
{
	int family;
	char *first = local_words(wait->addresses[0], &family);
	char *second = local_words(wait->addresses[1], &family);
	char *text = wait->n_addresses == 2 ? xasprintf("%s %s %s", first, conjunction, second) :
					      xasprintf("%s, %s and others", first, second);

	free(first);
	free(second);
	return text;
}

/* "tcp 127.0.0.1:8080"; "tcp port 8080 at 127.0.0.1 and ::1": at others it can be bound. */
static char *where_words(const struct detection *detection, const struct wait *wait)
{
	const char *protocol = protocol_name((enum protocol)detection->bucket->protocol);
	char *address, *text;
	int family;

	if (wait->n_addresses == 1) {
		address = local_words(wait->addresses[0], &family);
		text = xasprintf(family == AF_INET6 ? "%s [%s]:%u" : "%s %s:%u", protocol, address,
				 detection->bucket->port);
	} else {
		address = list_words(wait, "and");
		text = xasprintf("%s port %u at %s", protocol, detection->bucket->port, address);
	}
	free(address);
	return text;
}

/* "that address", "127.0.0.1 or ::1", "one of their addresses (127.0.0.1, ::1 and others)". */
static char *addresses_words(const struct wait *wait)
{
	char *list, *text;

	if (wait->n_addresses < 2)
		return xstrdup("that address");
	list = list_words(wait, "or");
	if (wait->n_addresses == 2)
		return list;
	text = xasprintf("one of their addresses (%s)", list);
	free(list);
	return text;
}

/* Who is at other addresses, and in the way of a bind to all. */
static char *others_words(const struct detection *detection, const struct wait *wait)
{
	uint32_t living = wait->remains->living;
	char *where, *who, *text;

	if (living == SNAPSHOT_NONE)
		return xstrdup("Other addresses are not concerned.");
	where = words_socket(detection->snapshot, living);
	who = words_holders(detection->snapshot, living);
	text = xasprintf("Other addresses are not concerned: %s has %s, for which a bind to all "
			 "addresses may fail longer.",
			 who, where);
	free(where);
	free(who);
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

static uint32_t count_all(const struct wait *wait)
{
	return wait->n_blocking + wait->n_unknown;
}

/* "Of 3 of them the other end"; of a single one "The other end". */
static char *other_end_words(const struct wait *wait, uint32_t n)
{
	return count_all(wait) == 1 ? xstrdup("The other end") :
				      xasprintf("Of %u of them the other end", n);
}

static void count_direction(const struct detection *detection, struct wait *wait,
			    const struct inet_socket *socket)
{
	directions_add(&detection->rules, detection->index, socket, &wait->directions);
	wait->n_peerless += !(socket->known & SOCKET_HAS_PEER);
}

static void count_socket(const struct detection *detection, struct wait *wait,
			 const struct inet_socket *socket)
{
	if (socket_lacks_reuse(socket))
		wait->n_blocking++;
	else
		wait->n_unknown++;
	count_state(wait, socket);
	count_direction(detection, wait, socket);
}

static void sum_up(const struct detection *detection, struct wait *wait)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i;

	for (i = 0; i < wait->remains->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[wait->remains->sockets[i]];

		/* A server that sets the flag again is let in: that its next start does, too. */
		if (socket_has_reuse(socket))
			continue;
		add_address(wait, socket);
		wait->sockets[count_all(wait)] = wait->remains->sockets[i];
		count_socket(detection, wait, socket);
	}
	directions_settle(&detection->rules, detection->index, wait->remains->sockets,
			  wait->remains->count, wait->sockets, wait->directions.n,
			  &wait->directions);
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
	char *end, *text;

	if (!wait->n_unsent)
		return xstrdup("");
	end = other_end_words(wait, wait->n_unsent);
	text = xasprintf(
		" %s has not taken all that was sent, or has not answered "
		"(FIN-WAIT-1, CLOSING, LAST-ACK): that lasts until it reads, closes or resets, or "
		"has taken nothing for so many minutes that the kernel gives up. After FIN-WAIT-1 "
		"and CLOSING come FIN-WAIT-2 or TIME-WAIT.",
		end);
	free(end);
	return text;
}

/* The same of those whose other end has only not closed. */
static char *half_words(const struct wait *wait)
{
	uint32_t n = wait->n_open + wait->n_long;
	char *end, *text;

	if (!n)
		return xstrdup("");
	end = other_end_words(wait, n);
	text = xasprintf(
		" %s has not closed yet (FIN-WAIT-2): when it does, the "
		"60 seconds of TIME-WAIT begin, so that the port stays closed for up to 60 seconds "
		"more than that. tcp_fin_timeout sets how long FIN-WAIT-2 lasts, of connections "
		"that are closed after it was set.",
		end);
	free(end);
	return text;
}

static void report_undecided(const struct detection *detection, const struct wait *wait,
			     struct finding *finding)
{
	char *end = end_of(detection->snapshot, wait);
	char *count = words_count(wait->n_unknown, "closed connection");
	char *where = where_words(detection, wait);

	finding->undecided = true;
	finding->title =
		xasprintf("%s has no server; what is left of %s may block the next bind, %s", where,
			  count, end);
	finding->evidence =
		xstrdup("Whether the dead end had set SO_REUSEADDR or SO_REUSEPORT is not known: "
			"TIME-WAIT remembers it, but only BPF can read it.");
	finding->text = xstrdup("");
	finding->remedy = xasprintf("%s, or with CAP_BPF and CAP_PERFMON, to be certain.",
				    detection->snapshot->from_file ?
					    "Write the snapshot as root on its machine" :
					    "Run it as root");
	free(where);
	free(end);
	free(count);
}

/* "2 closed connections of a server that is gone" */
static char *what_words(const struct wait *wait)
{
	uint32_t n = count_all(wait);

	switch (directions_of_all(&wait->directions)) {
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

	switch (directions_of_all(&wait->directions)) {
	case DIRECTION_IN:
		return "";
	case DIRECTION_OUT:
		if (!direction_is_listened_to(&detection->rules, detection->index,
					      &snapshot->sockets[wait->sockets[0]]))
			return " By its ports this end was a client's.";
		return wait->n_blocking == 1 ?
			       " A server listens where it leads, so this end was a client's." :
			       " A server listens where they lead, so this end was a client's.";
	case DIRECTION_UNKNOWN:
		break;
	}
	if (wait->directions.n_in)
		return " Some of them are of a server that is gone, others of a client.";
	return " Whether this end was a server's or a client's the ports do not tell.";
}

/* What keeps it from happening again. */
static const char *for_good(const struct detection *detection, const struct wait *wait)
{
	const struct inet_socket *first = &detection->snapshot->sockets[wait->sockets[0]];

	if (directions_of_all(&wait->directions) == DIRECTION_OUT)
		return words_keep_from_clients(&detection->rules, first->netns, first->local_port);
	if (directions_of_all(&wait->directions) == DIRECTION_UNKNOWN)
		return "For good: set SO_REUSEADDR before bind(), in a server on the listening "
		       "socket (its connections inherit it), as nearly all do.";
	return "For good: set SO_REUSEADDR on the listening socket before bind() (its connections "
	       "inherit it), as nearly all servers do.";
}

/*
 * The command by which root ends them; "" if there is none that does so in all kernels, or that
 * might end a connection of somebody who lives.
 */
static char *kill_words(const struct detection *detection, const struct wait *wait)
{
	if (has_no_end(wait) ||
	    (wait->n_states[STATE_FIN_WAIT_2] && wait->remains->living != SNAPSHOT_NONE))
		return xstrdup("");
	return words_end_time_wait(detection->snapshot, detection->bucket->netns,
				   wait->n_states[STATE_TIME_WAIT],
				   wait->n_states[STATE_FIN_WAIT_2], detection->bucket->port);
}

static char *remedy_words(const struct detection *detection, const struct wait *wait)
{
	char *end = end_of(detection->snapshot, wait), *kill = kill_words(detection, wait), *text;
	const char *ends = !*kill		? "" :
			   count_all(wait) == 1 ? " ends it at once" :
						  " ends them at once";

	if (has_no_end(wait))
		text = xasprintf("Now: let the other end read, close or reset; or start on another "
				 "port or address%s%s%s. %s",
				 *kill ? "; as root, " : "", kill, ends, for_good(detection, wait));
	else
		text = xasprintf("Now: wait %s, or start on another port or address%s%s%s. %s", end,
				 *kill ? "; as root, " : "", kill, ends, for_good(detection, wait));
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
	char *others = others_words(detection, wait);

	finding->title = xasprintf("%s cannot be bound %s: %s", where, end, what);
	finding->evidence =
		xasprintf("Nothing listens there, and %u closed connection%s, without SO_REUSEADDR "
			  "and SO_REUSEPORT, still %s the port.%s",
			  wait->n_blocking, wait->n_blocking == 1 ? "" : "s",
			  wait->n_blocking == 1 ? "keeps" : "keep", why_direction(detection, wait));
	finding->text = xasprintf(
		"A bind needs SO_REUSEADDR on both sides, the new socket and the dead one, or "
		"SO_REUSEPORT on both. The dead one lacks them, so each bind to %s, or to all "
		"addresses, fails with EADDRINUSE, whatever flags it sets, until %s has ended. "
		"%s%s%s %s",
		addresses, count_all(wait) == 1 ? "it" : "the last of them", others, unsent, half,
		*half ? "It does not shorten TIME-WAIT, and tcp_tw_reuse changes nothing here." :
			"Neither tcp_tw_reuse nor tcp_fin_timeout changes that.");
	finding->remedy = remedy_words(detection, wait);
	free(where);
	free(addresses);
	free(what);
	free(end);
	free(unsent);
	free(half);
	free(others);
}

/* Whether somebody wants the port, or has served it. */
static enum severity severity_of(const struct detection *detection, const struct wait *wait)
{
	if (wait->directions.n_in || wait->n_peerless || detect_is_named(detection) ||
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
	if (severity == SEVERITY_NOTE &&
	    !detect_has_own_note(&detection->left_over, wait->sockets, count_all(wait)))
		return;
	finding = detect_report(detection, FINDING_TIME_WAIT_BLOCKS_BIND, severity, wait->sockets,
				count_all(wait));
	if (wait->n_blocking)
		report_certain(detection, wait, finding);
	else
		report_undecided(detection, wait, finding);
}

/*
 * What is left on a port of the range of outgoing connections is most likely of such ones: it
 * counts if a server wants the port, or the other ends show that it had one.
 */
static bool is_of_interest(const struct detection *detection, const struct remains *remains)
{
	return !port_is_ephemeral(&detection->rules, detection->bucket->netns,
				  detection->bucket->port) ||
	       detect_is_named(detection) ||
	       direction_is_of_server(&detection->rules, detection->index, remains->sockets,
				      remains->count);
}

static void check_blocked(struct detection *detection, const struct remains *remains)
{
	struct wait wait = {
		.remains = remains,
		.sockets = xcalloc(remains->count, sizeof(*wait.sockets)),
	};

	sum_up(detection, &wait);
	if (count_all(&wait))
		report_blocked(detection, &wait);
	free(wait.sockets);
}

/* Whether there is anything on the port that may be reported. */
static bool has_blocker(const struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		if (is_left_over(socket) && !socket_has_reuse(socket))
			return true;
	}
	return false;
}

/* All of a family, or of both, at which a socket lives. */
struct wildcards {
	bool v4, v6;
};

static void add_wildcard(struct wildcards *wildcards, const struct inet_socket *socket)
{
	static const struct address v4 = { .bytes = { 127, 0, 0, 1 } };
	static const struct address v6 = { .bytes = { [15] = 1 } };
	bool v6only = socket->v6only == TRISTATE_YES;

	wildcards->v4 |= address_covers(socket->family, &socket->local, v6only, AF_INET, &v4);
	wildcards->v6 |= address_covers(socket->family, &socket->local, v6only, AF_INET6, &v6);
}

static bool covers(const struct wildcards *wildcards, const struct inet_socket *socket)
{
	struct address address;

	return address_unmap(socket->family, &socket->local, &address) == AF_INET ? wildcards->v4 :
										    wildcards->v6;
}

/* A server, rather than a connection, is named as the one that lives. */
static void note_living(const struct detection *detection, struct remains *remains, uint32_t socket)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;

	if (remains->living == SNAPSHOT_NONE ||
	    (socket_is_bound(&sockets[socket]) && !socket_is_bound(&sockets[remains->living])))
		remains->living = socket;
}

/* Leave out what is left where something lives at all addresses of the family. */
static void drop_covered(const struct detection *detection, const struct wildcards *wildcards,
			 struct remains *remains)
{
	uint32_t i, n = 0;

	if (!wildcards->v4 && !wildcards->v6)
		return;
	for (i = 0; i < remains->count; i++)
		if (!covers(wildcards, &detection->snapshot->sockets[remains->sockets[i]]))
			remains->sockets[n++] = remains->sockets[i];
	remains->count = n;
}

/* And where something lives at the address itself: a server, or a connection that one had. */
static void drop_inhabited(const struct detection *detection, const uint32_t *living,
			   uint32_t n_living, struct remains *remains)
{
	struct address_index index;
	uint32_t i, n = 0;

	if (!remains->count || !n_living)
		return;
	address_index_init(&index, detection->snapshot, living, n_living);
	for (i = 0; i < remains->count; i++)
		if (!address_index_has(&index, &detection->snapshot->sockets[remains->sockets[i]]))
			remains->sockets[n++] = remains->sockets[i];
	remains->count = n;
	address_index_done(&index);
}

/* sockets: room for the bucket's. */
static void find_remains(const struct detection *detection, uint32_t *sockets,
			 struct remains *ret_remains)
{
	uint32_t i, n_living = 0, *living = xcalloc(detection->bucket->count, sizeof(*living));
	struct remains remains = { .sockets = sockets, .living = SNAPSHOT_NONE };
	struct wildcards wildcards = { .v4 = false };

	for (i = 0; i < detection->bucket->count; i++) {
		uint32_t member = detection->members[i];
		const struct inet_socket *socket = &detection->snapshot->sockets[member];

		if (is_left_over(socket)) {
			remains.sockets[remains.count++] = member;
			continue;
		}
		note_living(detection, &remains, member);
		if (address_is_wildcard(socket->family, &socket->local))
			add_wildcard(&wildcards, socket);
		else
			living[n_living++] = member;
	}
	drop_covered(detection, &wildcards, &remains);
	drop_inhabited(detection, living, n_living, &remains);
	free(living);
	*ret_remains = remains;
}

void detect_time_wait(struct detection *detection)
{
	struct remains remains;
	uint32_t *sockets;

	if (!has_blocker(detection))
		return;
	sockets = xcalloc(detection->bucket->count, sizeof(*sockets));
	find_remains(detection, sockets, &remains);
	if (remains.count && is_of_interest(detection, &remains))
		check_blocked(detection, &remains);
	free(sockets);
}

/* Sum up sockets of several ports, those of one after the other. Returns how many ports. */
static uint32_t sum_up_ports(const struct detection *detection, uint32_t n_sockets,
			     struct wait *wait)
{
	const struct inet_socket *socket, *previous = NULL;
	uint32_t i, n_ports = 0;

	for (i = 0; i < n_sockets; i++, previous = socket) {
		socket = &detection->snapshot->sockets[wait->sockets[i]];
		n_ports += !previous || socket->local_port != previous->local_port;
		count_socket(detection, wait, socket);
	}
	return n_ports;
}

static void say_rest(const struct detection *detection, const struct wait *wait, uint32_t n_ports,
		     struct finding *finding)
{
	char *end = end_of(detection->snapshot, wait), *what = what_words(wait);
	char *unsent = unsent_words(wait), *half = half_words(wait);

	finding->title = n_ports == 1 ?
				 xasprintf("1 more tcp port cannot be bound %s: %s", end, what) :
				 xasprintf("%u more tcp ports cannot be bound, the last %s: %s",
					   n_ports, end, what);
	finding->evidence = xstrdup(
		"Nothing listens there, and closed connections, as with the ports that have a note "
		"of their own, still keep them.");
	finding->text = xasprintf(
		"Each bind to the port and address of such a connection, or to the port at all "
		"addresses, fails with EADDRINUSE, whatever flags it sets, until the last one "
		"there has ended.%s%s",
		unsent, half);
	finding->remedy = xasprintf(
		"Now: wait %s, or start on another port or address. Name one of the ports to be "
		"told of it alone. %s",
		has_no_end(wait) ? "until the other ends have read, closed or reset" : end,
		for_good(detection, wait));
	free(end);
	free(what);
	free(unsent);
	free(half);
}

/* Of one namespace. */
static void report_rest(struct detection *detection, uint32_t *sockets, uint32_t n_sockets)
{
	struct wait wait = { .sockets = sockets };
	uint32_t n_ports = sum_up_ports(detection, n_sockets, &wait);
	struct finding *finding = finding_list_add(detection->list, FINDING_TIME_WAIT_BLOCKS_BIND,
						   SEVERITY_NOTE, sockets, n_sockets);

	finding->netns = detection->snapshot->sockets[sockets[0]].netns;
	finding->protocol = PROTOCOL_TCP;
	say_rest(detection, &wait, n_ports, finding);
}

void detect_time_wait_rest(struct detection *detection)
{
	const struct detect_rest *rest = &detection->left_over;
	uint32_t i, n;

	for (i = 0; i < rest->count; i += n) {
		n = detect_count_in_netns(detection->snapshot, rest->sockets + i, rest->count - i);
		report_rest(detection, rest->sockets + i, n);
	}
}

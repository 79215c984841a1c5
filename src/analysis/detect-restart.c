/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers that could not start again, for the connections that they have now. */
#include <stdlib.h>

#include "analysis/detect.h"
#include "analysis/words.h"
#include "util/xalloc.h"

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
	if (socket_has_reuse(socket)) {
		restart->n_with++;
		restart->n_reuse_addr += socket->reuse_addr == TRISTATE_YES;
		restart->n_reuse_port += socket->reuse_port == TRISTATE_YES;
	} else if (socket_lacks_reuse(socket) || socket_lacks_reuse(listener)) {
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
	const uint32_t *near = detection->members;
	uint32_t i, n = detection->bucket->count;

	if (!address_is_wildcard(listener->family, &listener->local))
		n = address_index_find(detect_addresses(detection), listener, &near);
	for (i = 0; i < n; i++) {
		const struct inet_socket *socket = &snapshot->sockets[near[i]];

		if (is_connection_of(listener, socket))
			count_connection(&restart, listener, socket);
	}
	*ret_restart = restart;
	return restart.n_without || (restart.n_with && socket_lacks_reuse(listener));
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

	if (!socket_lacks_reuse(&snapshot->sockets[restart->listener]))
		say_connections_lack(restart, where, who, finding);
	else if (restart->n_without)
		say_both_lack(restart, where, who, finding);
	else
		say_listener_lacks(restart, where, who, finding);
	free(where);
	free(who);
}

/* A finding of one listener of the port is enough. */
void detect_restart(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n_without = 0;
	struct restart restart;

	if (!detect_is_wanted(detection, SEVERITY_NOTE))
		return;
	for (i = 0; i < detection->bucket->count; i++)
		n_without += socket_lacks_reuse(&snapshot->sockets[detection->members[i]]);
	for (i = 0; i < detection->bucket->count && n_without; i++) {
		if (snapshot->sockets[detection->members[i]].state != STATE_LISTEN ||
		    !blocks_restart(detection, detection->members[i], &restart))
			continue;
		report_restart(detection, &restart);
		return;
	}
}

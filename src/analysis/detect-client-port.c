/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Servers' ports and outgoing connections that come into each other's way. */
#include <stdlib.h>
#include <string.h>

#include "analysis/detect.h"
#include "analysis/direction.h"
#include "analysis/port-range.h"
#include "analysis/words.h"
#include "util/xalloc.h"

#define PORT_PRIVILEGED_LAST 1023

static bool is_stream(const struct detection *detection)
{
	return protocol_is_stream((enum protocol)detection->bucket->protocol);
}

/* Why a port without a server is thought to be a server's; NULL: it is not. */
static const char *why_wanted(const struct detection *detection, enum severity *ret_severity)
{
	*ret_severity = SEVERITY_WARNING;
	if (detect_is_named(detection))
		return "The port was asked for by its number, and nothing listens there.";
	if (port_is_reserved(&detection->rules, detection->bucket->netns,
			     detection->bucket->port) == TRISTATE_YES)
		return "The port is in net.ipv4.ip_local_reserved_ports: somebody keeps it for a "
		       "server.";
	*ret_severity = SEVERITY_NOTE;
	/* Of UDP that is how clients of DHCP, NTP and RPC work. */
	if (is_stream(detection) && detection->bucket->port <= PORT_PRIVILEGED_LAST)
		return "The port is below 1024, where servers of the system have theirs.";
	return NULL;
}

static enum direction direction(const struct detection *detection, const struct inet_socket *socket)
{
	return direction_of(&detection->rules, detection->index, socket);
}

static bool is_living_connection(const struct inet_socket *socket)
{
	return (socket->known & SOCKET_HAS_PEER) && !socket_is_time_wait(socket) &&
	       socket->state != STATE_SYN_RECV && (socket->n_owners || socket->inode);
}

/* Not one that a server has accepted which listens no more. */
static bool may_be_outgoing(const struct detection *detection, const struct inet_socket *socket)
{
	if (!is_living_connection(socket))
		return false;
	return is_stream(detection) ? direction(detection, socket) != DIRECTION_IN :
				      port_is_of_client(&detection->rules, socket);
}

/*
 * Where the ports do not tell, nobody listens here, and the other end is not of this host: there
 * somebody may listen. If it is, nobody does there either.
 */
static bool is_outgoing(const struct detection *detection, const struct inet_socket *socket)
{
	return !is_stream(detection) || direction(detection, socket) == DIRECTION_OUT ||
	       !direction_sees_other_end(&detection->rules, detection->index, socket);
}

static bool all_reuse_addr(const struct snapshot *snapshot, const uint32_t *sockets, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		if (snapshot->sockets[sockets[i]].reuse_addr != TRISTATE_YES)
			return false;
	return true;
}

static char *remedy_words(const struct detection *detection, bool outgoing)
{
	static const char start[] = "For good: ";
	const char *keep = words_keep_from_clients(&detection->rules, detection->bucket->netns,
						   detection->bucket->port);

	if (outgoing || strncmp(keep, start, sizeof(start) - 1) != 0)
		return xasprintf("Now: end the connection, or wait for it. %s", keep);
	return xasprintf("Now: end the connection, or wait for it. For good, if this end has "
			 "connected: %s",
			 keep + sizeof(start) - 1);
}

static void report_taken(struct detection *detection, const uint32_t *sockets, uint32_t n_sockets,
			 const char *why, enum severity severity)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *socket = &snapshot->sockets[sockets[0]];
	struct finding *finding = detect_report(detection, FINDING_PORT_TAKEN_BY_CLIENT, severity,
						sockets, n_sockets);
	char *where = words_socket(snapshot, sockets[0]),
	     *who = words_holders(snapshot, sockets[0]);
	bool outgoing = is_outgoing(detection, socket);
	char peer[ADDRESS_TEXT_MAX];

	address_format(socket->family, &socket->peer, peer);
	finding->title = xasprintf("%s is the local port of %s connection of %s", where,
				   outgoing ? "an outgoing" : "a", who);
	finding->evidence = xasprintf(
		"%s The other end of the connection is %s port %u.%s", why, peer, socket->peer_port,
		outgoing ? "" : " Which of the two has connected the ports do not tell.");
	finding->text = xasprintf(
		all_reuse_addr(snapshot, sockets, n_sockets) ?
			"A server that sets SO_REUSEADDR can bind the port, because the client "
			"has set it too. Others cannot while the connection lives%s." :
			"A server cannot bind the port while the connection lives%s: both sides "
			"would need SO_REUSEADDR, and clients hardly ever set it.",
		is_stream(detection) ? ", nor for 60 seconds after if this end closes first" : "");
	finding->remedy = remedy_words(detection, outgoing);
	free(where);
	free(who);
}

static void check_listener_port(struct detection *detection, uint32_t listener)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct netns *netns = &snapshot->netns[detection->bucket->netns];
	struct finding *finding;
	char *where, *who;

	if (!detect_is_wanted(detection, SEVERITY_NOTE) ||
	    !port_is_ephemeral(&detection->rules, detection->bucket->netns,
			       detection->bucket->port))
		return;
	finding =
		detect_report(detection, FINDING_PORT_TAKEN_BY_CLIENT, SEVERITY_NOTE, &listener, 1);
	where = words_socket(snapshot, listener);
	who = words_holders(snapshot, listener);
	finding->title = xasprintf(
		"the port of %s, %s, may be taken by a connection while it is down", who, where);
	finding->evidence =
		xasprintf("It listens in net.ipv4.ip_local_port_range%s, and the port is not "
			  "reserved.",
			  netns->port_range_last ? "" : " as it mostly is");
	finding->text =
		xstrdup("While the server runs nothing happens. In the moment of a restart the "
			"kernel may give its port to an outgoing connection of any program, and "
			"the start then fails with EADDRINUSE.");
	finding->remedy =
		xasprintf("Add %u to net.ipv4.ip_local_reserved_ports%s, or let the server listen "
			  "outside the range. If the kernel chose the port (bind to port 0), "
			  "there is nothing to do.",
			  detection->bucket->port,
			  words_of_netns(detection->snapshot, detection->bucket->netns));
	free(where);
	free(who);
}

void detect_client_port(struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n = 0, server = SNAPSHOT_NONE, *connections;
	enum severity severity;
	const char *why;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		if (socket->state == (is_stream(detection) ? STATE_LISTEN : STATE_BOUND))
			server = detection->members[i];
	}
	if (server != SNAPSHOT_NONE) {
		/* What is bound of UDP in the range is mostly a client itself. */
		if (is_stream(detection))
			check_listener_port(detection, server);
		return;
	}
	why = why_wanted(detection, &severity);
	if (!why)
		return;
	connections = xcalloc(detection->bucket->count, sizeof(*connections));
	for (i = 0; i < detection->bucket->count; i++)
		if (may_be_outgoing(detection, &snapshot->sockets[detection->members[i]]))
			connections[n++] = detection->members[i];
	if (n && !(is_stream(detection) &&
		   direction_is_of_server(&detection->rules, detection->index, connections, n)))
		report_taken(detection, connections, n, why, severity);
	free(connections);
}

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

/* So many listeners of one process are told one by one. */
#define TOLD_ALONE_MAX 3

static bool is_stream(const struct detection *detection)
{
	return protocol_is_stream((enum protocol)detection->bucket->protocol);
}

/* Why a port without a server is thought to be a server's; NULL: it is not. */
static const char *why_wanted(const struct detection *detection, enum severity *ret_severity)
{
	*ret_severity = SEVERITY_WARNING;
	if (detect_is_named(detection))
		return "The port was named on the command line, and nothing listens there.";
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

/* What lives on the port, all together: a server may have accepted it that listens no more. */
static bool is_of_server(const struct detection *detection)
{
	uint32_t *living = xcalloc(detection->bucket->count, sizeof(*living)), i, n = 0;
	uint32_t *lacking = xcalloc(detection->bucket->count, sizeof(*lacking)), n_lacking = 0;
	struct directions directions = { .n = 0 };

	for (i = 0; i < detection->bucket->count; i++) {
		uint32_t member = detection->members[i];
		const struct inet_socket *socket = &detection->snapshot->sockets[member];

		if (!is_living_connection(socket))
			continue;
		directions_add(&detection->rules, detection->index, socket, &directions);
		living[n++] = member;
		if (socket_lacks_reuse(socket))
			lacking[n_lacking++] = member;
	}
	directions_settle(&detection->rules, detection->index, living, n, lacking, n_lacking,
			  &directions);
	free(living);
	free(lacking);
	return directions_of_all(&directions) == DIRECTION_IN;
}

static bool is_outgoing(const struct detection *detection, const struct inet_socket *socket)
{
	return !is_stream(detection) || direction(detection, socket) == DIRECTION_OUT;
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
	const struct bind_bucket *bucket = detection->bucket;
	char *keep =
		outgoing ? xstrdup(words_keep_from_clients(&detection->rules, bucket->netns,
							   bucket->port)) :
			   words_keep_if_connected(&detection->rules, bucket->netns, bucket->port);
	char *text = xasprintf("Now: end the connection, or wait for it. %s", keep);

	free(keep);
	return text;
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

static struct finding *report_takeable(struct detection *detection, const uint32_t *sockets,
				       uint32_t n)
{
	const struct inet_socket *socket = &detection->snapshot->sockets[sockets[0]];
	struct finding *finding = finding_list_add(detection->list, FINDING_PORT_TAKEN_BY_CLIENT,
						   SEVERITY_NOTE, sockets, n);

	finding->netns = socket->netns;
	finding->protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol);
	return finding;
}

static const char *as_it_mostly_is(const struct detection *detection, const struct finding *finding)
{
	return detection->snapshot->netns[finding->netns].port_range_last ? "" : " as it mostly is";
}

static void report_takeable_port(struct detection *detection, uint32_t listener)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding = report_takeable(detection, &listener, 1);
	char *where = words_socket(snapshot, listener), *who = words_holders(snapshot, listener);

	finding->port = snapshot->sockets[listener].local_port;
	finding->title = xasprintf(
		"the port of %s, %s, may be taken by a connection while it is down", who, where);
	finding->evidence =
		xasprintf("It listens in net.ipv4.ip_local_port_range%s, and the port is not "
			  "reserved.",
			  as_it_mostly_is(detection, finding));
	finding->text =
		xstrdup("While the server runs nothing happens. In the moment of a restart the "
			"kernel may give its port to an outgoing connection of any program, and "
			"the start then fails with EADDRINUSE.");
	finding->remedy = xasprintf(
		"Add %u to net.ipv4.ip_local_reserved_ports%s, or let the server listen "
		"outside the range. If the kernel chose the port (bind to port 0), "
		"there is nothing to do.",
		finding->port, words_of_netns(snapshot, snapshot->sockets[listener].netns));
	free(where);
	free(who);
}

static void check_listener_port(struct detection *detection, uint32_t listener)
{
	if (!detect_is_wanted(detection, SEVERITY_NOTE) ||
	    !port_is_ephemeral(&detection->rules, detection->bucket->netns,
			       detection->bucket->port))
		return;
	/* Who has named it wants to know of this one. */
	if (detect_is_named(detection)) {
		report_takeable_port(detection, listener);
		return;
	}
	ARRAY_RESERVE(detection->takeable, detection->n_takeable, detection->takeable_capacity);
	detection->takeable[detection->n_takeable++] = listener;
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
	if (n && !(is_stream(detection) && is_of_server(detection)))
		report_taken(detection, connections, n, why, severity);
	free(connections);
}

/* A listener on its way to the others of its process. */
struct takeable {
	uint32_t netns, process, order, socket;
	enum protocol protocol;
};

static int compare_holders(const struct takeable *a, const struct takeable *b)
{
	if (a->netns != b->netns)
		return a->netns < b->netns ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	return (a->process > b->process) - (a->process < b->process);
}

static int compare_takeable(const void *left, const void *right)
{
	const struct takeable *a = left, *b = right;
	int order = compare_holders(a, b);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* Those of one process together, else in their order. Freed with free(). */
static struct takeable *sort_takeable(const struct detection *detection)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct takeable *items = xcalloc(detection->n_takeable, sizeof(*items));
	uint32_t i;

	for (i = 0; i < detection->n_takeable; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->takeable[i]];

		items[i] = (struct takeable){
			.netns = socket->netns,
			.process = SNAPSHOT_NONE,
			.order = i,
			.socket = detection->takeable[i],
			.protocol = bind_bucket_protocol((enum protocol)socket->protocol),
		};
		if (socket->n_owners)
			items[i].process = snapshot->owners[socket->first_owner].process;
	}
	if (detection->n_takeable)
		qsort(items, detection->n_takeable, sizeof(*items), compare_takeable);
	return items;
}

/* How many of these are one process's and are told together. */
static uint32_t count_together(const struct takeable *items, uint32_t n)
{
	uint32_t count = 1;

	if (items[0].process == SNAPSHOT_NONE)
		return 1;
	while (count < n && !compare_holders(&items[0], &items[count]))
		count++;
	return count > TOLD_ALONE_MAX ? count : 1;
}

/* The kernel keeps no record of whether a port was asked for or chosen. */
static void explain_many(const struct detection *detection, struct finding *finding)
{
	finding->evidence =
		xasprintf("They listen in net.ipv4.ip_local_port_range%s, and the ports are not "
			  "reserved.",
			  as_it_mostly_is(detection, finding));
	finding->text = xstrdup(
		"While a server runs nothing happens. In the moment of a restart the kernel may "
		"give its ports to outgoing connections of any program, and a start that needs "
		"the same ones then fails with EADDRINUSE.");
	finding->remedy = xasprintf(
		"Add the ports that a server needs again to net.ipv4.ip_local_reserved_ports%s, or "
		"let it listen outside the range. For those that the kernel chose (bind to port "
		"0), which cannot be told from the others, there is nothing to do.",
		words_of_netns(detection->snapshot, finding->netns));
}

static void report_takeable_ports(struct detection *detection, const uint32_t *listeners,
				  uint32_t n)
{
	struct finding *finding = report_takeable(detection, listeners, n);
	char *where = words_socket(detection->snapshot, listeners[0]);
	char *who = words_holders(detection->snapshot, listeners[0]);

	finding->title = xasprintf("the ports of %u listeners of %s, %s and others, may be taken "
				   "by connections while it is down",
				   n, who, where);
	explain_many(detection, finding);
	free(where);
	free(who);
}

static void report_takeable_rest(struct detection *detection, const uint32_t *listeners, uint32_t n)
{
	struct finding *finding = report_takeable(detection, listeners, n);

	finding->title = xasprintf("the ports of %u more listeners may be taken by connections "
				   "while their servers are down",
				   n);
	explain_many(detection, finding);
}

void detect_takeable_ports(struct detection *detection)
{
	struct takeable *items = sort_takeable(detection);
	uint32_t i, n, n_told = 0, count = detection->n_takeable;

	for (i = 0; i < count; i++)
		detection->takeable[i] = items[i].socket;
	for (i = 0; i < count && n_told < DETECT_OWN_NOTES_MAX; i += n, n_told++) {
		n = count_together(items + i, count - i);
		if (n == 1)
			report_takeable_port(detection, detection->takeable[i]);
		else
			report_takeable_ports(detection, detection->takeable + i, n);
	}
	/* One more is as short as "1 more". */
	for (; i < count; i += n) {
		n = detect_count_in_netns(detection->snapshot, detection->takeable + i, count - i);
		if (n == 1)
			report_takeable_port(detection, detection->takeable[i]);
		else
			report_takeable_rest(detection, detection->takeable + i, n);
	}
	free(items);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-blocker.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/detect-listener.h"
#include "analysis/probe-remedy.h"
#include "analysis/words.h"
#include "util/xalloc.h"

struct context {
	const struct snapshot *snapshot;
	const struct port_rules *rules;
	const struct bind_bucket_index *index;
	const struct probe_report *report;
	const struct bind_candidate *candidate;
	bool certain; /* that the bind fails */
	const uint32_t *listeners; /* all on the port */
	uint32_t n_listeners;
	/* Of those in the way on which nobody listens, where one alone does not tell. */
	enum direction together;
};

void probe_say(struct probe_sentences *sentences, const char *format, ...)
{
	va_list arguments;
	char *text;
	uint32_t i;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	for (i = 0; i < sentences->count; i++) {
		if (!strcmp(sentences->items[i], text)) {
			free(text);
			return;
		}
	}
	ARRAY_RESERVE(sentences->items, sentences->count, sentences->capacity);
	sentences->items[sentences->count++] = text;
}

static bool is_listened_here(const struct context *context, const struct inet_socket *socket)
{
	uint32_t i;

	for (i = 0; i < context->n_listeners; i++) {
		const struct inet_socket *listener =
			&context->snapshot->sockets[context->listeners[i]];

		if (address_covers(listener->family, &listener->local,
				   listener->v6only == TRISTATE_YES, socket->family,
				   &socket->local))
			return true;
	}
	return false;
}

/* Which end has connected; of UDP whether this one looks like a client's. */
static enum direction direction_here(const struct context *context,
				     const struct inet_socket *socket)
{
	if (!protocol_is_stream((enum protocol)socket->protocol))
		return socket->state == STATE_ESTAB && port_is_of_client(context->rules, socket) ?
			       DIRECTION_OUT :
			       DIRECTION_UNKNOWN;
	if (socket->state == STATE_SYN_SENT)
		return DIRECTION_OUT;
	if (socket->state == STATE_SYN_RECV || is_listened_here(context, socket))
		return DIRECTION_IN;
	return context->together == DIRECTION_IN ?
		       DIRECTION_IN :
		       direction_of(context->rules, context->index, socket);
}

static bool is_inherited(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	uint32_t *heirs = xcalloc(socket->n_owners, sizeof(*heirs));
	bool inherited = detect_heirs(snapshot, socket, heirs) > 0;

	free(heirs);
	return inherited;
}

static enum probe_cause cause_of(const struct context *context, const struct inet_socket *socket,
				 enum direction direction)
{
	if (socket->state == STATE_LISTEN)
		return is_inherited(context->snapshot, socket) ? CAUSE_INHERITED_LISTENER :
								 CAUSE_LISTENER;
	if (socket_is_time_wait(socket))
		return CAUSE_TIME_WAIT;
	if (direction == DIRECTION_OUT)
		return CAUSE_OUTGOING;
	if (!protocol_is_stream((enum protocol)socket->protocol))
		return CAUSE_DATAGRAMS;
	return socket->state == STATE_BOUND ? CAUSE_BOUND : CAUSE_CONNECTION;
}

/* "to 10.0.0.5 port 443" */
static char *peer_words(const struct inet_socket *socket)
{
	char address[ADDRESS_TEXT_MAX];

	if (!(socket->known & SOCKET_HAS_PEER))
		return xstrdup("to a peer that is not known");
	address_format(socket->family, &socket->peer, address);
	return xasprintf("to %s port %u", address, socket->peer_port);
}

/* What the kernel keeps of a connection when its end here has closed. */
static char *remains_words(const struct inet_socket *socket, enum direction direction)
{
	const char *outgoing = direction == DIRECTION_OUT ? "outgoing " : "";
	char *peer = peer_words(socket), *text;
	char *left = socket->known & SOCKET_HAS_EXPIRES ?
			     xasprintf("for %.1f s more", (double)socket->timer_expires_ms / 1000) :
			     xstrdup("for up to 60 s");

	if (socket->state == STATE_FIN_WAIT_2)
		text = xasprintf("what the kernel keeps of %s %sconnection %s that is closed here "
				 "and not there, %s, or for 60 s from when that end closes",
				 *outgoing ? "an" : "a", outgoing, peer, left);
	else
		text = xasprintf("what the kernel keeps of a closed %sconnection %s, %s", outgoing,
				 peer, left);
	free(left);
	free(peer);
	return text;
}

static char *connection_words(const struct inet_socket *socket, enum direction direction,
			      const char *who)
{
	const char *state = socket_state_name((enum socket_state)socket->state);
	char *peer = peer_words(socket), *text;

	if (direction == DIRECTION_IN)
		text = xasprintf("a connection %s on this port, %s, of %s", peer, state, who);
	else
		text = xasprintf("%s connection %s, %s, of %s has this port as its local one",
				 direction == DIRECTION_OUT ? "an outgoing" : "a", peer, state,
				 who);
	free(peer);
	return text;
}

static char *inherited_words(const struct snapshot *snapshot, uint32_t socket)
{
	struct probe_heirs heirs;
	char *text;

	probe_heirs_init(&heirs, snapshot, &socket, 1);
	if (heirs.others)
		text = xasprintf("%s listen%s there, and %s %s inherited the socket", heirs.others,
				 heirs.n_others == 1 ? "s" : "", heirs.words,
				 heirs.count == 1 ? "has" : "have");
	else
		text = xasprintf("a listening socket that %s inherited and keep%s open",
				 heirs.words, heirs.count == 1 ? "s" : "");
	probe_heirs_done(&heirs);
	return text;
}

static bool has_several_holders(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	const struct owner *first;
	uint32_t i;

	if (!socket->n_owners)
		return false;
	first = &snapshot->owners[socket->first_owner];
	for (i = 1; i < socket->n_owners; i++)
		if (first[i].process != first->process)
			return true;
	return false;
}

static char *what_it_is(const struct snapshot *snapshot, const struct probe_blocker *blocker)
{
	const struct inet_socket *socket = &snapshot->sockets[blocker->socket];
	bool several = has_several_holders(snapshot, socket);
	char *who, *text;

	if (blocker->cause == CAUSE_INHERITED_LISTENER)
		return inherited_words(snapshot, blocker->socket);
	if (blocker->cause == CAUSE_TIME_WAIT)
		return remains_words(socket, blocker->direction);
	who = words_holders(snapshot, blocker->socket);
	if (blocker->cause == CAUSE_LISTENER)
		text = xasprintf("%s listen%s there", who, several ? "" : "s");
	else if (blocker->cause == CAUSE_BOUND)
		text = xasprintf("%s %s bound it and %s not listen, so that few tools show it", who,
				 several ? "have" : "has", several ? "do" : "does");
	else if (blocker->cause == CAUSE_DATAGRAMS)
		text = xasprintf("%s %s bound it", who, several ? "have" : "has");
	else
		text = connection_words(socket, blocker->direction, who);
	free(who);
	return text;
}

/* Why the addresses meet, where that is not plain to see; else "". */
static const char *why_overlaps(const struct bind_candidate *candidate,
				const struct inet_socket *socket)
{
	bool mapped = address_is_v4_mapped(socket->family, &socket->local);

	if (candidate->family == AF_INET && socket->family == AF_INET6 && !mapped)
		return address_is_wildcard(AF_INET6, &socket->local) ?
			       ". [::] without IPV6_V6ONLY covers IPv4 too" :
			       ". As a connection of a dual-stack socket it counts for IPv4 too";
	if (candidate->family == AF_INET6 && socket->family == AF_INET &&
	    address_is_wildcard(AF_INET6, &candidate->address))
		return ". The wanted [::] covers IPv4 too; with IPV6_V6ONLY it would not";
	return "";
}

static bool other_user(const struct bind_candidate *candidate, const struct inet_socket *socket)
{
	return (socket->known & SOCKET_HAS_UID) && !socket_is_time_wait(socket) &&
	       socket->uid != candidate->uid;
}

static char *why_no_port(const struct bind_candidate *candidate, const struct inet_socket *socket)
{
	if (socket->reuse_port == TRISTATE_NO)
		return xstrdup(". It lacks SO_REUSEPORT, and both sides need it");
	if (other_user(candidate, socket))
		return xasprintf(". %s is shared within one user only, and this is of uid %u, the "
				 "bind by uid %u",
				 socket->reuse_port == TRISTATE_YES ?
					 "Both have SO_REUSEPORT, but that" :
					 "SO_REUSEPORT",
				 socket->uid, candidate->uid);
	return xstrdup("");
}

/* They decide, unless the kernel has said on the port itself what comes of it. */
static char *why_unknown_flags(const struct context *context)
{
	uint32_t asked = PROBE_SET(context->candidate->reuse_addr, context->candidate->reuse_port);

	if (probe_live_outcome(context->report, asked, NULL) != EADDRINUSE)
		return xstrdup(". Its reuse flags are unknown, and they decide");
	return xasprintf(". Its reuse flags are unknown; the bind has just failed on the port "
			 "itself with %s",
			 probe_set_name(asked));
}

/* What the flags of both sides have to do with it. */
static char *why_flags(const struct context *context, const struct inet_socket *socket,
		       uint32_t unknown)
{
	const struct bind_candidate *candidate = context->candidate;
	bool listens = socket->state == STATE_LISTEN;

	if (unknown & (BIND_UNKNOWN_REUSE_ADDR | BIND_UNKNOWN_REUSE_PORT))
		return why_unknown_flags(context);
	if (unknown)
		return xasprintf(". %s of it is unknown, and decides",
				 unknown & BIND_UNKNOWN_UID    ? "The uid" :
				 unknown & BIND_UNKNOWN_V6ONLY ? "IPV6_V6ONLY" :
				 unknown & BIND_UNKNOWN_INODE  ? "The inode" :
								 "The device");
	if (!candidate->reuse_addr && !candidate->reuse_port) {
		if (socket->reuse_addr == TRISTATE_YES && !listens)
			return xstrdup(". It has SO_REUSEADDR: a bind with it passes");
		if (socket->reuse_port == TRISTATE_YES && !other_user(candidate, socket))
			return xasprintf(". It has SO_REUSEPORT: a bind with it%s passes",
					 socket_is_time_wait(socket) ? "" : " by the same user");
		return xstrdup("");
	}
	if (candidate->reuse_port && (listens || !candidate->reuse_addr))
		return why_no_port(candidate, socket);
	if (listens)
		return xstrdup(". SO_REUSEADDR never lets anybody in beside a listener");
	if (socket->reuse_addr == TRISTATE_NO)
		return xasprintf(". It was %s without SO_REUSEADDR, and both sides need it",
				 socket->state == STATE_BOUND ? "bound" : "made");
	return why_no_port(candidate, socket);
}

static char *why_not_shared(const struct context *context, const struct inet_socket *socket,
			    uint32_t unknown)
{
	char *flags = why_flags(context, socket, unknown & ~(uint32_t)BIND_UNKNOWN_MEMORY), *text;

	if (unknown != BIND_UNKNOWN_MEMORY)
		return flags;
	text = xasprintf("%s. But the kernel may remember a bind with SO_REUSEPORT that lets this "
			 "one in all the same; that is unknown, and decides",
			 flags);
	free(flags);
	return text;
}

static void explain(const struct context *context, const struct bind_blocker *from,
		    struct probe_blocker *to)
{
	const struct inet_socket *socket = &context->snapshot->sockets[from->socket];
	char *shared = why_not_shared(context, socket, from->unknown), *what;

	to->socket = from->socket;
	to->direction = direction_here(context, socket);
	to->cause = cause_of(context, socket, to->direction);
	to->certain = context->certain && !from->unknown;
	to->frees_in_ms = -1;
	if (to->cause == CAUSE_TIME_WAIT && (socket->known & SOCKET_HAS_EXPIRES))
		to->frees_in_ms = socket->timer_expires_ms;
	what = what_it_is(context->snapshot, to);
	to->why = xasprintf("%s%s%s", what, why_overlaps(context->candidate, socket), shared);
	free(what);
	free(shared);
}

/* What the connections tell together, of which nobody listens any more. */
static void judge_together(struct context *context, const uint32_t *members, uint32_t n_members)
{
	const struct bind_verdict *model = &context->report->verdict;
	uint32_t *lacking = xcalloc(model->n_blockers, sizeof(*lacking)), i, n = 0;
	struct directions directions = { .n = 0 };

	for (i = 0; i < model->n_blockers; i++) {
		uint32_t member = model->blockers[i].socket;
		const struct inet_socket *socket = &context->snapshot->sockets[member];

		if (!(socket->known & SOCKET_HAS_PEER) || is_listened_here(context, socket))
			continue;
		directions_add(context->rules, context->index, socket, &directions);
		if (socket_lacks_reuse(socket))
			lacking[n++] = member;
	}
	directions_settle(context->rules, context->index, members, n_members, lacking, n,
			  &directions);
	context->together = directions_of_all(&directions);
	free(lacking);
}

/* What else is on the port, which tells whose its connections are. */
static void look_at_port(struct context *context)
{
	const struct bind_bucket_index *index = context->index;
	const struct bind_bucket *bucket =
		bind_bucket_find(index, context->candidate->netns, context->candidate->port,
				 (enum protocol)context->candidate->protocol);

	if (!bucket)
		return;
	if (bucket->n_listeners)
		context->listeners = &index->listeners[bucket->first_listener];
	context->n_listeners = bucket->n_listeners;
	if (protocol_is_stream((enum protocol)context->candidate->protocol))
		judge_together(context, index->members + bucket->first, bucket->count);
}

void probe_explain_blockers(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const struct probe_report *report, struct probe_verdict *verdict)
{
	const struct bind_verdict *model = &report->verdict;
	struct context context = {
		.snapshot = rules->snapshot,
		.rules = rules,
		.index = index,
		.report = report,
		.candidate = &report->candidate,
		.certain = model->can_bind == TRISTATE_NO,
	};
	bool all_end = model->n_blockers > 0;
	uint32_t i;

	look_at_port(&context);
	verdict->blockers = xcalloc(model->n_blockers, sizeof(*verdict->blockers));
	verdict->frees_in_ms = -1;
	for (i = 0; i < model->n_blockers; i++) {
		struct probe_blocker *blocker = &verdict->blockers[verdict->n_blockers++];

		explain(&context, &model->blockers[i], blocker);
		if (blocker->frees_in_ms < 0)
			all_end = false;
		else if (blocker->frees_in_ms > verdict->frees_in_ms)
			verdict->frees_in_ms = blocker->frees_in_ms;
	}
	if (!all_end)
		verdict->frees_in_ms = -1;
	probe_advise(rules, report, verdict);
}

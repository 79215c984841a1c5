/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-blocker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/port-range.h"
#include "analysis/probe-remedy.h"
#include "analysis/words.h"
#include "util/xalloc.h"

struct context {
	const struct snapshot *snapshot;
	const struct port_rules *rules;
	const struct bind_candidate *candidate;
	bool certain; /* that the bind fails */
	bool has_listener; /* among the blockers */
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

static bool is_inherited(const struct finding_list *findings, uint32_t socket)
{
	uint32_t i, k;

	for (i = 0; findings && i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];

		if (finding->id != FINDING_INHERITED_LISTENER || finding->undecided)
			continue;
		for (k = 0; k < finding->n_sockets; k++)
			if (findings->sockets[finding->first_socket + k] == socket)
				return true;
	}
	return false;
}

/* Without a server on the port it is known by the side that chose it from the range. */
static bool is_outgoing(const struct context *context, const struct inet_socket *socket)
{
	if (socket->state == STATE_SYN_SENT)
		return true;
	if (context->has_listener || socket->state != STATE_ESTAB)
		return false;
	return port_is_of_client(context->rules, socket);
}

static enum probe_cause cause_of(const struct context *context, const struct finding_list *findings,
				 uint32_t index)
{
	const struct inet_socket *socket = &context->snapshot->sockets[index];

	if (!protocol_is_stream((enum protocol)socket->protocol))
		return socket->state == STATE_ESTAB && port_is_of_client(context->rules, socket) ?
			       CAUSE_OUTGOING :
			       CAUSE_DATAGRAMS;
	if (socket_is_time_wait(socket))
		return CAUSE_TIME_WAIT;
	if (socket->state == STATE_LISTEN)
		return is_inherited(findings, index) ? CAUSE_INHERITED_LISTENER : CAUSE_LISTENER;
	if (socket->state == STATE_BOUND)
		return CAUSE_BOUND;
	return is_outgoing(context, socket) ? CAUSE_OUTGOING : CAUSE_CONNECTION;
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

static char *what_it_is(const struct inet_socket *socket, enum probe_cause cause, const char *who)
{
	char *peer = peer_words(socket), *text = NULL;
	bool lasts = socket->known & SOCKET_HAS_EXPIRES;

	switch (cause) {
	case CAUSE_LISTENER:
		text = xasprintf("%s listens there", who);
		break;
	case CAUSE_INHERITED_LISTENER:
		text = xasprintf("a listening socket that %s inherited and keeps open", who);
		break;
	case CAUSE_TIME_WAIT:
		if (socket->state == STATE_FIN_WAIT_2) {
			text = lasts ? xasprintf(
					       "what the kernel keeps of a connection %s that is "
					       "closed here and not there, for %.1f s more, or for "
					       "60 s from when that end closes",
					       peer, (double)socket->timer_expires_ms / 1000) :
				       xasprintf(
					       "what the kernel keeps of a connection %s that is "
					       "closed here and not there, for up to 60 s, or for "
					       "60 s from when that end closes",
					       peer);
			break;
		}
		text = lasts ? xasprintf(
				       "what the kernel keeps of a closed connection %s, for %.1f "
				       "s "
				       "more",
				       peer, (double)socket->timer_expires_ms / 1000) :
			       xasprintf(
				       "what the kernel keeps of a closed connection %s, for up to "
				       "60 s",
				       peer);
		break;
	case CAUSE_CONNECTION:
		text = xasprintf("a connection %s on this port, %s, of %s", peer,
				 socket_state_name((enum socket_state)socket->state), who);
		break;
	case CAUSE_OUTGOING:
		text = xasprintf("an outgoing connection %s of %s has this port as its local one",
				 peer, who);
		break;
	case CAUSE_BOUND:
		text = xasprintf("%s has bound it and does not listen, so that few tools show it",
				 who);
		break;
	default:
		text = xasprintf("%s has bound it", who);
	}
	free(peer);
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

/* What the flags of both sides have to do with it. */
static char *why_flags(const struct bind_candidate *candidate, const struct inet_socket *socket,
		       uint32_t unknown)
{
	bool listens = socket->state == STATE_LISTEN;

	if (unknown & (BIND_UNKNOWN_REUSE_ADDR | BIND_UNKNOWN_REUSE_PORT))
		return xstrdup(". Its reuse flags are unknown, and they decide");
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

static char *why_not_shared(const struct bind_candidate *candidate,
			    const struct inet_socket *socket, uint32_t unknown)
{
	char *flags = why_flags(candidate, socket, unknown & ~(uint32_t)BIND_UNKNOWN_MEMORY), *text;

	if (unknown != BIND_UNKNOWN_MEMORY)
		return flags;
	text = xasprintf("%s. But the kernel may remember a bind with SO_REUSEPORT that lets this "
			 "one in all the same; that is unknown, and decides",
			 flags);
	free(flags);
	return text;
}

static void explain(const struct context *context, const struct finding_list *findings,
		    const struct bind_blocker *from, struct probe_blocker *to)
{
	const struct inet_socket *socket = &context->snapshot->sockets[from->socket];
	char *who = words_holders(context->snapshot, from->socket);
	char *shared = why_not_shared(context->candidate, socket, from->unknown), *what;

	to->socket = from->socket;
	to->cause = cause_of(context, findings, from->socket);
	to->certain = context->certain && !from->unknown;
	to->frees_in_ms = -1;
	if (to->cause == CAUSE_TIME_WAIT && (socket->known & SOCKET_HAS_EXPIRES))
		to->frees_in_ms = socket->timer_expires_ms;
	what = what_it_is(socket, to->cause, who);
	to->why = xasprintf("%s%s%s", what, why_overlaps(context->candidate, socket), shared);
	free(what);
	free(who);
	free(shared);
}

void probe_explain_blockers(const struct snapshot *snapshot, const struct probe_report *report,
			    const struct finding_list *findings, struct probe_verdict *verdict)
{
	const struct bind_verdict *model = &report->verdict;
	struct port_rules rules;
	struct context context = {
		.snapshot = snapshot,
		.rules = &rules,
		.candidate = &report->candidate,
		.certain = model->can_bind == TRISTATE_NO,
	};
	bool all_end = model->n_blockers > 0;
	uint32_t i;

	port_rules_init(&rules, snapshot);
	for (i = 0; i < model->n_blockers; i++)
		if (snapshot->sockets[model->blockers[i].socket].state == STATE_LISTEN)
			context.has_listener = true;
	verdict->blockers = xcalloc(model->n_blockers, sizeof(*verdict->blockers));
	verdict->frees_in_ms = -1;
	for (i = 0; i < model->n_blockers; i++) {
		struct probe_blocker *blocker = &verdict->blockers[verdict->n_blockers++];

		explain(&context, findings, &model->blockers[i], blocker);
		if (blocker->frees_in_ms < 0)
			all_end = false;
		else if (blocker->frees_in_ms > verdict->frees_in_ms)
			verdict->frees_in_ms = blocker->frees_in_ms;
	}
	if (!all_end)
		verdict->frees_in_ms = -1;
	probe_advise(snapshot, &rules, &report->candidate, verdict);
	port_rules_done(&rules);
}

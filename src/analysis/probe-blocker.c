/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-blocker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/port-range.h"
#include "analysis/words.h"
#include "util/xalloc.h"

struct context {
	const struct snapshot *snapshot;
	const struct port_rules *rules;
	const struct bind_candidate *candidate;
	bool certain; /* that the bind fails */
	bool has_listener; /* among the blockers */
	const struct probe_blocker *blockers; /* once they are explained */
	uint32_t n_blockers;
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

/* ---- what to do ---- */

struct time_wait {
	uint32_t count;
	uint32_t n_addr, n_port, n_either; /* with the flag; with one of them or both */
	uint32_t n_without; /* certainly without both */
	uint32_t n_open; /* the other end has not closed: FIN-WAIT-2 */
};

static void count_time_wait(const struct inet_socket *socket, struct time_wait *wait)
{
	bool addr = socket->reuse_addr == TRISTATE_YES, port = socket->reuse_port == TRISTATE_YES;

	wait->count++;
	wait->n_addr += addr;
	wait->n_port += port;
	wait->n_either += addr || port;
	wait->n_without += socket->reuse_addr == TRISTATE_NO && socket->reuse_port == TRISTATE_NO;
	wait->n_open += socket->state == STATE_FIN_WAIT_2;
}

static void advise_time_wait(const struct context *context, const struct time_wait *wait,
			     struct probe_verdict *verdict)
{
	const struct bind_candidate *candidate = context->candidate;
	const char *effect = wait->count == context->n_blockers ? "the bind passes at once" :
								  "none of them is in the way";
	const char *dead = wait->count == 1 ? "the dead connection" : "the dead connections";
	char *end = words_end_time_wait(context->snapshot, candidate->netns,
					wait->count - wait->n_open, wait->n_open, candidate->port);

	if (wait->n_addr == wait->count || wait->n_port == wait->count) {
		probe_say(&verdict->remedies,
			  "Let the new socket set %s before bind(): %s had it, so both sides have "
			  "it then, and %s.",
			  wait->n_addr == wait->count ? "SO_REUSEADDR" : "SO_REUSEPORT", dead,
			  effect);
	} else if (wait->n_either == wait->count) {
		probe_say(
			&verdict->remedies,
			"Let the new socket set SO_REUSEADDR and SO_REUSEPORT before bind(): each "
			"of %s had one of them, so %s.",
			dead, effect);
	} else {
		if (wait->n_without)
			probe_say(
				&verdict->remedies,
				"Wait: nothing that the new socket sets helps now, since both "
				"sides "
				"need the same reuse flag, and %s lacked both. \"portshare wait\" "
				"starts a command in the first moment that it can.",
				wait->n_without == wait->count ? dead : "some of them");
		probe_say(&verdict->remedies,
			  "For the next time: let the server set SO_REUSEADDR on its listening "
			  "socket before bind(). Its connections inherit it, and after that so do "
			  "their remains.");
		probe_say(&verdict->remedies, "As root, %s ends them at once.", end);
	}
	free(end);
	if (wait->n_open)
		probe_say(&verdict->notes,
			  "In FIN-WAIT-2 the other end has not closed yet. It lasts as "
			  "net.ipv4.tcp_fin_timeout was when this end closed; if the other closes "
			  "before that, TIME-WAIT follows, and its 60 s begin then.");
	probe_say(&verdict->notes,
		  "What does not help: net.ipv4.tcp_tw_reuse is for connect(), bind() "
		  "never looks at it; net.ipv4.tcp_fin_timeout does not shorten "
		  "TIME-WAIT, which lasts 60 s; SO_LINGER with 0 s would have had to "
		  "be set by the dead side before it closed, and throws data away.");
}

/* Sockets in the way for one cause: what is to be done is to be done about all of them. */
struct group {
	uint32_t *sockets;
	uint32_t count;
};

/* Those of the group that are the kernel's, that unknown processes hold, or known ones. */
enum holder {
	HOLDER_SEEN,
	HOLDER_UNSEEN,
	HOLDER_KERNEL,
	N_HOLDERS,
};

static enum holder holder_of(const struct inet_socket *socket)
{
	if (!socket->n_owners && socket->owner_status == OWNER_KERNEL)
		return HOLDER_KERNEL;
	return socket_is_held_by_unknown(socket) ? HOLDER_UNSEEN : HOLDER_SEEN;
}

/* How to stop what holds the sockets, as the beginning of a sentence. */
static char *stop_words(const struct snapshot *snapshot, const struct group *group)
{
	uint32_t *sockets = xcalloc(group->count, sizeof(*sockets)), i, n, holder;
	char *text = xstrdup(""), *who, *longer;

	for (holder = 0; holder < N_HOLDERS; holder++) {
		for (i = 0, n = 0; i < group->count; i++)
			if (holder_of(&snapshot->sockets[group->sockets[i]]) == holder)
				sockets[n++] = group->sockets[i];
		if (!n)
			continue;
		who = words_holders_together(snapshot, sockets, n);
		longer = holder == HOLDER_SEEN ?
				 xasprintf("Stop %s", who) :
			 holder == HOLDER_UNSEEN ?
				 xasprintf("%s%s is held by %s: ask again as root to learn which, "
					   "and stop it",
					   text, *text ? ". And it" : "It", who) :
				 xasprintf("%s%snd what the kernel has it for (a tunnel, a file "
					   "server)",
					   text, *text ? ". And e" : "E");
		free(who);
		free(text);
		text = longer;
	}
	free(sockets);
	return text;
}

/* Beside a wildcard no other address is free either. */
static const char *elsewhere(const struct context *context)
{
	uint32_t i;

	for (i = 0; i < context->n_blockers; i++) {
		const struct inet_socket *socket =
			&context->snapshot->sockets[context->blockers[i].socket];
		struct address address;
		int family = address_unmap(socket->family, &socket->local, &address);

		if (address_is_wildcard(family, &address))
			return "another port";
	}
	return "another port or address";
}

static bool is_v4(const struct inet_socket *socket)
{
	return socket->family == AF_INET || address_is_v4_mapped(socket->family, &socket->local);
}

/* Where IPV6_V6ONLY on one of both sides is all that it takes. */
static void advise_v6only(const struct context *context, struct probe_verdict *verdict)
{
	const struct bind_candidate *candidate = context->candidate;
	bool wants_v4 = candidate->family == AF_INET ||
			address_is_v4_mapped(candidate->family, &candidate->address);
	bool all_v4 = true, all_dual = true;
	uint32_t i;

	for (i = 0; i < context->n_blockers; i++) {
		const struct inet_socket *socket =
			&context->snapshot->sockets[context->blockers[i].socket];

		all_v4 = all_v4 && is_v4(socket);
		all_dual = all_dual && !is_v4(socket) && socket_is_bound(socket) &&
			   address_is_wildcard(AF_INET6, &socket->local);
	}
	if (wants_v4 && all_dual)
		probe_say(&verdict->remedies,
			  "If what has [::] is to serve IPv6 only, let it set IPV6_V6ONLY before "
			  "bind(): that leaves IPv4 free.");
	else if (!wants_v4 && all_v4)
		probe_say(&verdict->remedies,
			  "If the new socket is to serve IPv6 only, let it set IPV6_V6ONLY before "
			  "bind(): then nothing of IPv4 is in its way.");
}

/* Whether all that is in the way would share with one user's sockets that have SO_REUSEPORT. */
static bool shares_port(const struct context *context, uint32_t *ret_uid)
{
	bool any = false;
	uint32_t i;

	for (i = 0; i < context->n_blockers; i++) {
		const struct inet_socket *socket =
			&context->snapshot->sockets[context->blockers[i].socket];

		if (socket->reuse_port != TRISTATE_YES)
			return false;
		if (socket_is_time_wait(socket))
			continue;
		if (!(socket->known & SOCKET_HAS_UID) || (any && socket->uid != *ret_uid))
			return false;
		*ret_uid = socket->uid;
		any = true;
	}
	return any;
}

static void advise_sharing(const struct context *context, const struct group *group,
			   struct probe_verdict *verdict)
{
	const struct bind_candidate *candidate = context->candidate;
	uint32_t uid, i;

	if (shares_port(context, &uid)) {
		if (uid != candidate->uid)
			probe_say(&verdict->remedies,
				  "To share it by SO_REUSEPORT run as the same user, uid %u%s: the "
				  "kernel asks that of all but TIME-WAIT.",
				  uid, candidate->reuse_port ? "" : ", and set it before bind()");
		else if (!candidate->reuse_port)
			probe_say(&verdict->remedies,
				  "To join its pool set SO_REUSEPORT before bind().");
		return;
	}
	for (i = 0; i < group->count; i++) {
		if (context->snapshot->sockets[group->sockets[i]].reuse_port != TRISTATE_NO)
			continue;
		probe_say(&verdict->remedies,
			  "For several processes on one port let all of them set SO_REUSEPORT "
			  "before bind(), under one user.");
		return;
	}
}

static void advise_holders(const struct context *context, const struct group *group,
			   const char *stop, struct probe_verdict *verdict)
{
	probe_say(&verdict->remedies, "%s, or take %s.", stop, elsewhere(context));
	advise_v6only(context, verdict);
	advise_sharing(context, group, verdict);
}

/* About all that has the cause of this blocker. */
static void advise(const struct context *context, const struct probe_blocker *blocker,
		   const struct group *group, struct probe_verdict *verdict)
{
	char *who = words_holders_together(context->snapshot, group->sockets, group->count);
	char *stop = stop_words(context->snapshot, group);

	switch (blocker->cause) {
	case CAUSE_LISTENER:
		advise_holders(context, group, stop, verdict);
		break;
	case CAUSE_INHERITED_LISTENER:
		probe_say(&verdict->remedies,
			  "End %s, or let it close the descriptor: it got it from the server that "
			  "started it. For the next time: SOCK_CLOEXEC on the server's socket.",
			  who);
		break;
	case CAUSE_CONNECTION:
		probe_say(
			&verdict->remedies,
			"Connections count like their server: they pass if they, and the new "
			"socket, have SO_REUSEADDR. Set it on the listening socket before bind(), "
			"which they inherit from; or wait until they have ended.");
		break;
	case CAUSE_OUTGOING:
		probe_say(&verdict->remedies, "End the connection of %s, or wait for its end%s. %s",
			  who,
			  protocol_is_stream((enum protocol)context->candidate->protocol) ?
				  " and 60 s more" :
				  "",
			  words_keep_from_clients(context->rules,
						  context->snapshot->sockets[blocker->socket].netns,
						  context->candidate->port));
		break;
	case CAUSE_BOUND:
		probe_say(&verdict->remedies, "%s, or let it close the socket or listen on it.",
			  stop);
		break;
	case CAUSE_DATAGRAMS:
		advise_holders(context, group, stop, verdict);
		probe_say(&verdict->notes,
			  "SO_REUSEADDR on both sides would let the bind pass, but UDP gives "
			  "each datagram to one socket: to the last that was bound. For a pool "
			  "use SO_REUSEPORT alone, on all of it.");
		break;
	default:
		break;
	}
	free(who);
	free(stop);
}

/* Cause by cause, in the order in which they stand in the way. */
static void advise_all(const struct context *context, struct probe_verdict *verdict)
{
	uint32_t *sockets = xcalloc(context->n_blockers, sizeof(*sockets)), i, k, n_causes = 0;
	bool seen[N_PROBE_CAUSES] = { false };
	struct time_wait wait = { .count = 0 };

	for (i = 0; i < context->n_blockers; i++) {
		n_causes += !seen[context->blockers[i].cause];
		seen[context->blockers[i].cause] = true;
	}
	if (n_causes > 1)
		probe_say(&verdict->remedies,
			  "What is in the way is of several kinds, and has to go all of it.");
	for (i = 0; i < context->n_blockers; i++) {
		const struct probe_blocker *first = &context->blockers[i];
		struct group group = { .sockets = sockets };

		if (!seen[first->cause])
			continue;
		seen[first->cause] = false;
		for (k = i; k < context->n_blockers; k++)
			if (context->blockers[k].cause == first->cause)
				sockets[group.count++] = context->blockers[k].socket;
		if (first->cause != CAUSE_TIME_WAIT)
			advise(context, first, &group, verdict);
		for (k = 0; k < group.count && first->cause == CAUSE_TIME_WAIT; k++)
			count_time_wait(&context->snapshot->sockets[sockets[k]], &wait);
	}
	free(sockets);
	verdict->at_the_earliest = wait.n_open && verdict->frees_in_ms >= 0;
	if (wait.count)
		advise_time_wait(context, &wait, verdict);
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
	context.blockers = verdict->blockers;
	context.n_blockers = verdict->n_blockers;
	advise_all(&context, verdict);
	port_rules_done(&rules);
}

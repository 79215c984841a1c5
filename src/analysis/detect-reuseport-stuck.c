/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a SO_REUSEPORT group whose queue fills while the others' do not. */
#include "analysis/detect-reuseport.h"

#include <stdlib.h>

#include "analysis/words.h"
#include "util/xalloc.h"

/* From so many waiting connections on one member is compared with the others. */
#define QUEUE_LEAST 4
#define QUEUE_TIMES 4

/* What the smallest datagram takes of a queue; kernels differ by some bytes. */
#define DATAGRAM_LEAST 832

/* A queue that is full, or long while the others' are short. */
static bool is_stuck(const struct inet_socket *socket, uint32_t others, bool stream)
{
	if (stream && socket->queue_recv > socket->queue_limit)
		return true;
	if (stream)
		return socket->queue_recv >= QUEUE_LEAST &&
		       socket->queue_recv / QUEUE_TIMES >= others + 1;
	/* Of UDP it is bytes of memory, and one datagram may be some hundreds. */
	return socket->queue_limit && socket->queue_recv >= socket->queue_limit / 2 &&
	       others <= socket->queue_limit / 8;
}

/* No more goes in; of UDP that depends on the datagram, and one that has been lost tells. */
static bool is_full(const struct inet_socket *socket, bool stream)
{
	uint32_t left;

	if (stream)
		return socket->queue_recv > socket->queue_limit;
	if (socket->queue_recv >= socket->queue_limit)
		return true;
	left = socket->queue_limit - socket->queue_recv;
	return left < DATAGRAM_LEAST || ((socket->known & SOCKET_HAS_DROPS) && socket->drops &&
					 left <= socket->queue_limit / 16);
}

/* What is lost, or will be, of what comes for it. */
static const char *explain_loss(bool full, bool stream)
{
	if (full)
		return stream ? "What comes now is dropped: clients wait and time out." :
				"What comes now is dropped.";
	return stream ? "Those clients are connected and wait for an answer; when the queue is "
			"full, further ones time out." :
			"When the queue is full, datagrams are dropped.";
}

/* What a member gets, and what becomes of it. */
static char *explain_stuck(const struct snapshot *snapshot, const struct reuseport_group *group,
			   const uint32_t *member, bool full, bool stream)
{
	char *members = detect_words_members(snapshot, member, 1), *how, *text;

	if (group->steered)
		how = reuseport_explain_steering(group, "how much goes to this one");
	else
		how = xasprintf("The kernel goes on giving it about one in %u of %s, however long "
				"its queue is.",
				group->count, group->arriving);
	text = xasprintf("%s%s%s %s", how, members,
			 *members ? REUSEPORT_NOTHING_TAKEN :
			 group->steered && !full ?
				    " It may get more than the others, so this is a note." :
				    "",
			 explain_loss(full, stream));
	free(members);
	free(how);
	return text;
}

/*
 * Its queue is full by what others do not get where multicast is what it is for, and may be long by
 * that where a BPF program chooses.
 */
static enum severity severity_of_stuck(const struct reuseport_group *group,
				       const struct inet_socket *socket, bool full)
{
	if (detect_is_for_multicast(socket))
		return SEVERITY_NOTE;
	if (full)
		return SEVERITY_CRITICAL;
	return group->steered ? SEVERITY_NOTE : SEVERITY_WARNING;
}

static void report_stuck(struct detection *detection, const struct reuseport_group *group,
			 uint32_t member, uint32_t others, bool stream)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *socket = &snapshot->sockets[group->sockets[member]];
	bool full = is_full(socket, stream);
	bool own = group->steered || detect_is_for_multicast(socket);
	uint32_t sockets[] = { group->sockets[member] };
	struct finding *finding = detect_report(detection, FINDING_REUSEPORT_STUCK_MEMBER,
						severity_of_stuck(group, socket, full), sockets, 1);
	char *where = words_socket(snapshot, sockets[0]),
	     *who = words_holders(snapshot, sockets[0]), *waiting, *rest;

	waiting = words_count(socket->queue_recv, stream ? "connection" : "byte");
	finding->title = xasprintf("%s does not %s %s: %s wait%s%s", who,
				   own ? "keep up with what it gets of" : "take its share of",
				   where, waiting, socket->queue_recv == 1 ? "s" : "",
				   full ? ", its queue is full" : "");
	free(waiting);
	rest = group->count == 2 ?
		       xstrdup("that of the other member") :
		       xasprintf("the longest of the other %u members", group->count - 1);
	finding->evidence = xasprintf("Its queue holds %u of %u%s; %s holds %u.%s",
				      socket->queue_recv, socket->queue_limit,
				      stream ? "" : " bytes", rest, others,
				      (socket->known & SOCKET_HAS_DROPS) && socket->drops ?
					      " It has lost some already." :
					      "");
	free(rest);
	finding->text = explain_stuck(snapshot, group, sockets, full, stream);
	finding->remedy =
		xasprintf("See what %s does (stopped, in a debugger, in a long computation or "
			  "a lock?); continue, restart or stop it. When it closes its socket "
			  "%swhat waits in its queue is %s.",
			  who, own ? "" : "the others get everything; ",
			  stream ? "reset, unless net.ipv4.tcp_migrate_req is 1" : "lost");
	free(where);
	free(who);
}

/* Of one it cannot be told whether it is stuck; one for multicast would be worth a note at most. */
static void doubt_member(struct detection *detection, uint32_t socket)
{
	if (!detect_is_for_multicast(&detection->snapshot->sockets[socket]))
		detect_doubt(&detection->stuck, socket);
}

static void doubt_group(struct detection *detection, const struct reuseport_group *group)
{
	uint32_t i;

	for (i = 0; i < group->count; i++)
		doubt_member(detection, group->sockets[i]);
}

void reuseport_check_stuck(struct detection *detection, const struct reuseport_group *group,
			   bool stream)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	uint32_t i, longest = 0, others = 0, n_long = 0;

	for (i = 0; i < group->count; i++) {
		const struct inet_socket *socket = &sockets[group->sockets[i]];

		if (!(socket->known & SOCKET_HAS_QUEUE) || !(socket->known & SOCKET_HAS_LIMIT)) {
			if (group->certain || stream)
				doubt_group(detection, group);
			return;
		}
		if (socket->queue_recv > longest)
			longest = socket->queue_recv;
	}
	/* Several may be stuck: they are compared with those that are not. */
	for (i = 0; i < group->count; i++) {
		uint32_t queue = sockets[group->sockets[i]].queue_recv;

		if (queue >= longest - longest / 2)
			n_long++;
		else if (queue > others)
			others = queue;
	}
	if (n_long == group->count)
		return;
	for (i = 0; i < group->count; i++) {
		const struct inet_socket *socket = &sockets[group->sockets[i]];

		if (socket->queue_recv < longest - longest / 2 || !is_stuck(socket, others, stream))
			continue;
		if (group->certain || stream)
			report_stuck(detection, group, i, others, stream);
		else
			doubt_member(detection, group->sockets[i]);
	}
}

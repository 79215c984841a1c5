/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-harm.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const char harm_restart[] =
	"a server that starts in that instant would fail with EADDRINUSE";
static const char harm_memory[] =
	"it would change what the kernel remembers of SO_REUSEPORT on the port";
static const char harm_datagrams[] =
	"where it passes it receives, and loses, datagrams of the sockets on the port";
static const char harm_any_port[] = "the kernel might choose the port of another socket, and it "
				    "would receive, and lose, datagrams of that";
static const char harm_multicast[] = "that it harms nobody is known for unicast addresses only";

/* Whether somebody on the port lives by SO_REUSEPORT alone. */
static bool any_pool(const struct snapshot *snapshot, const uint32_t *members, uint32_t n_members)
{
	uint32_t i;

	for (i = 0; i < n_members; i++)
		if (snapshot->sockets[members[i]].reuse_port == TRISTATE_YES &&
		    snapshot->sockets[members[i]].reuse_addr != TRISTATE_YES)
			return true;
	return false;
}

/* Whether somebody on the port may need what the bucket remembers: TIME-WAIT lets in every user. */
static bool any_may_need_memory(const struct snapshot *snapshot, const uint32_t *members,
				uint32_t n_members)
{
	uint32_t i;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (socket->reuse_port != TRISTATE_NO && !socket_is_time_wait(socket))
			return true;
	}
	return false;
}

/* Whether the next that joins may be let in only for what the bucket remembers. */
static bool may_live_by_memory(const struct snapshot *snapshot, const uint32_t *members,
			       uint32_t n_members, const struct bind_memory *memory)
{
	return memory->unread ? any_may_need_memory(snapshot, members, n_members) :
				memory->reuse_port > 0;
}

/*
 * inet_csk_update_fastreuse(): a bind that succeeds beside others rewrites what the bucket
 * remembers of SO_REUSEPORT: with the flag it lets in more later, without it less, which matters to
 * who has no other flag. One that fails changes nothing.
 */
static const char *harm_of_tcp(const struct snapshot *snapshot, const uint32_t *members,
			       uint32_t n_members, const struct probe_report *report, uint32_t set)
{
	bool passes = report->attempts[set].ways[PROBE_MODEL].bind <= 0;

	if (n_members && passes &&
	    ((set & PROBE_SET(0, 1)) || any_pool(snapshot, members, n_members) ||
	     may_live_by_memory(snapshot, members, n_members, &report->memory)))
		return harm_memory;
	return set & PROBE_SET(1, 0) ? NULL : harm_restart;
}

/*
 * Whether an IPv6 socket in the candidate's place, without a device, gets nothing that goes to this
 * one now.
 */
static bool is_preferred(const struct bind_candidate *candidate, const struct inet_socket *socket)
{
	return socket->family == AF_INET &&
	       (address_is_wildcard(candidate->family, &candidate->address) ||
		!address_is_wildcard(socket->family, &socket->local));
}

static bool can_map(const struct snapshot *snapshot, const uint32_t *members, uint32_t n_members,
		    const struct bind_candidate *candidate)
{
	uint32_t i;

	if (candidate->device || address_is_multicast(candidate->family, &candidate->address))
		return false;
	if (candidate->family != AF_INET &&
	    !address_is_v4_mapped(candidate->family, &candidate->address))
		return false;
	for (i = 0; i < n_members; i++)
		if (!is_preferred(candidate, &snapshot->sockets[members[i]]))
			return false;
	return true;
}

/*
 * Of UDP. A bind without SO_REUSEADDR that succeeds keeps the port from servers, also from one that
 * was there a moment ago; and from the others of a pool that lets it in, if they have both flags.
 * With the flag it may receive what is for a server that has come since the port was read.
 */
static const char *harm_of_udp(const struct bind_candidate *candidate, uint32_t set)
{
	if (!(set & PROBE_SET(1, 0)))
		return harm_restart;
	if (!candidate->port)
		return harm_any_port;
	return address_is_multicast(candidate->family, &candidate->address) ? harm_multicast :
									      harm_datagrams;
}

void probe_plan_live(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		     const struct probe_report *report, bool all, struct probe_live_plan *ret_plan)
{
	const struct bind_candidate *candidate = &report->candidate;
	bool stream = protocol_is_stream((enum protocol)candidate->protocol);
	uint32_t n_members, set;
	const uint32_t *members = probe_members(index, candidate, &n_members);

	memset(ret_plan, 0, sizeof(*ret_plan));
	for (set = 0; set < PROBE_SETS; set++) {
		const char *harm;

		ret_plan->how[set] = LIVE_DIRECT;
		/* As it is asked for it makes no sense, whatever sockets and addresses there are. */
		if (report->attempts[set].ways[PROBE_MODEL].bind == EINVAL)
			continue;
		harm = stream ? harm_of_tcp(snapshot, members, n_members, report, set) :
				harm_of_udp(candidate, set);
		ret_plan->harm[set] = harm;
		if (!harm || all)
			continue;
		ret_plan->how[set] = LIVE_NOT;
		if (harm != harm_datagrams || !can_map(snapshot, members, n_members, candidate))
			continue;
		ret_plan->how[set] = LIVE_MAPPED;
		ret_plan->harm[set] = NULL;
	}
}

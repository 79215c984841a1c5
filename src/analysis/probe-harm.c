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

static bool passes_without_memory(const struct snapshot *snapshot, const uint32_t *members,
				  uint32_t n_members, const struct bind_candidate *candidate)
{
	struct bind_verdict verdict;
	bool passes;

	bind_conflict_judge(snapshot, members, n_members, candidate, NULL, &verdict);
	passes = verdict.can_bind == TRISTATE_YES;
	bind_verdict_done(&verdict);
	return passes;
}

/*
 * Whether somebody is let in only for what the bucket remembers: who binds as the last with
 * SO_REUSEPORT did, or as was asked about.
 */
static bool any_lives_by_memory(const struct snapshot *snapshot, const uint32_t *members,
				uint32_t n_members, const struct probe_report *report)
{
	const struct bind_memory *memory = &report->memory;
	struct bind_candidate next = report->candidate;

	if (memory->unread)
		return any_may_need_memory(snapshot, members, n_members);
	if (memory->reuse_port <= 0)
		return false;
	next.reuse_addr = false;
	next.reuse_port = true;
	if (report->attempts[PROBE_SET(0, 1)].ways[PROBE_MODEL].bind <= 0 &&
	    !passes_without_memory(snapshot, members, n_members, &next))
		return true;
	next.address = memory->address;
	next.family = memory->family;
	next.v6only = memory->v6only;
	next.uid = memory->uid;
	next.device = 0;
	return !passes_without_memory(snapshot, members, n_members, &next);
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
	     any_lives_by_memory(snapshot, members, n_members, report)))
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

/* Whether it is known that nothing that goes to one of these goes to the candidate. */
static bool takes_nothing(const struct snapshot *snapshot, const uint32_t *members,
			  uint32_t n_members, const struct bind_candidate *candidate)
{
	bool yields = candidate->family == AF_INET6 && !candidate->device;
	uint32_t i;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (bind_overlaps(candidate, socket) != TRISTATE_NO &&
		    !(yields && is_preferred(candidate, socket)))
			return false;
	}
	return true;
}

/*
 * Of UDP: a bind without SO_REUSEADDR that succeeds keeps the port from servers, also from one that
 * was there a moment ago. Not from a pool that lets it in by SO_REUSEPORT.
 */
static bool bars_servers(const struct snapshot *snapshot, const uint32_t *members,
			 uint32_t n_members, const struct probe_report *report, uint32_t set)
{
	uint32_t i;

	if (set & PROBE_SET(1, 0))
		return false;
	for (i = 0; i < n_members; i++)
		if (bind_overlaps(&report->candidate, &snapshot->sockets[members[i]]) !=
		    TRISTATE_NO)
			return !set || report->attempts[set].ways[PROBE_MODEL].bind != 0;
	return true;
}

/* Of UDP with a flag, where it cannot be done by a mapped socket. */
static const char *harm_of_udp(const struct snapshot *snapshot, const uint32_t *members,
			       uint32_t n_members, const struct probe_report *report)
{
	const struct bind_candidate *candidate = &report->candidate;

	if (!candidate->port)
		return harm_any_port;
	/* Each has a copy. */
	if (report->broadcast)
		return NULL;
	if (address_is_multicast(candidate->family, &candidate->address))
		return harm_multicast;
	return takes_nothing(snapshot, members, n_members, candidate) ? NULL : harm_datagrams;
}

/* For its address or device, whatever sockets there are: such a bind is in nobody's way. */
static bool is_refused(const struct probe_outcome *model)
{
	return model->bind == EADDRNOTAVAIL || model->bind == ENODEV || model->bind == EINVAL;
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
		if (is_refused(&report->attempts[set].ways[PROBE_MODEL]))
			continue;
		if (stream)
			harm = harm_of_tcp(snapshot, members, n_members, report, set);
		else if (bars_servers(snapshot, members, n_members, report, set))
			harm = harm_restart;
		else
			harm = harm_of_udp(snapshot, members, n_members, report);
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

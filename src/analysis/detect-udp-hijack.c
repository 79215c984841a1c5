/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UDP ports that anybody can take by binding them too. */
#include "analysis/detect-udp.h"

#include <stdlib.h>

#include "analysis/bind-conflict.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* Somebody whose uid is nobody's here. */
#define STRANGER_UID (UINT32_MAX - 1)

void udp_find_guards(const struct detection *detection, struct address_index *ret_guards)
{
	uint32_t i, n = 0, *guards = xcalloc(detection->bucket->count, sizeof(*guards));

	for (i = 0; i < detection->bucket->count; i++)
		if (detection->snapshot->sockets[detection->members[i]].reuse_addr != TRISTATE_YES)
			guards[n++] = detection->members[i];
	address_index_init(ret_guards, detection->snapshot, guards, n);
	free(guards);
}

/* Each guard decides for itself, for a candidate that has no SO_REUSEPORT. */
static bool passes(const struct detection *detection, const struct bind_candidate *candidate,
		   const uint32_t *guards, uint32_t n_guards)
{
	struct bind_verdict verdict;
	bool can_bind = true;
	uint32_t i;

	for (i = 0; i < n_guards && can_bind; i++) {
		bind_conflict_judge(detection->snapshot, guards + i, 1, candidate, NULL, &verdict);
		can_bind = verdict.can_bind == TRISTATE_YES;
		bind_verdict_done(&verdict);
	}
	return can_bind;
}

bool udp_stranger_can_bind(const struct detection *detection, const struct address_index *guards,
			   const struct inet_socket *at)
{
	const struct bind_candidate stranger = {
		.address = at->local,
		.netns = at->netns,
		.uid = STRANGER_UID,
		.device = at->device,
		.port = at->local_port,
		.protocol = at->protocol,
		.family = at->family,
		.v6only = at->v6only == TRISTATE_YES,
		.reuse_addr = true,
	};
	const uint32_t *sockets;
	uint32_t n;

	if (address_is_wildcard(at->family, &at->local))
		return passes(detection, &stranger, guards->sockets, guards->count);
	n = address_index_find(guards, at, &sockets);
	if (!passes(detection, &stranger, sockets, n))
		return false;
	n = address_index_wildcards(guards, &sockets);
	return passes(detection, &stranger, sockets, n);
}

static void explain_hijack(struct finding *finding, const struct inet_socket *socket)
{
	finding->evidence = xasprintf("The socket has SO_REUSEADDR%s.",
				      socket->reuse_evidence == EVIDENCE_INFERRED ? " (inferred)" :
				      udp_flags_were_read(socket) ? ", as read from the kernel" :
								    "");
	finding->text = xstrdup(
		"For UDP the kernel lets everybody bind the same address and port who sets "
		"SO_REUSEADDR too; it does not compare uids. The newcomer gets every unicast "
		"datagram from then on, and nobody gets an error.");
	finding->remedy =
		xstrdup("Do not set SO_REUSEADDR on UDP sockets that receive unicast: they "
			"have no TIME-WAIT, so a restart does not need it. For several "
			"workers use SO_REUSEPORT alone, which only processes of one uid "
			"share.");
}

void udp_check_hijack(struct detection *detection, const struct address_index *guards)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n = 0, *open;
	struct finding *finding;
	char *where, *holders;

	/* Binding a low port takes a privilege, and who has that can do more. */
	if (!detect_is_wanted(detection, SEVERITY_NOTE) ||
	    port_is_privileged(snapshot, detection->bucket->netns, detection->bucket->port))
		return;
	open = xcalloc(detection->bucket->count, sizeof(*open));
	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		/* What an outgoing datagram was sent from is gone soon, and nobody's server. */
		if (socket->state == STATE_BOUND && socket->reuse_addr == TRISTATE_YES &&
		    !detect_is_for_multicast(socket) && socket->owner_status != OWNER_KERNEL &&
		    udp_stranger_can_bind(detection, guards, socket))
			open[n++] = detection->members[i];
	}
	if (n && detect_has_own_note(&detection->hijackable, open, n)) {
		where = words_socket(snapshot, open[0]);
		holders = words_holders(snapshot, open[0]);
		finding = detect_report(detection, FINDING_UDP_HIJACKABLE, SEVERITY_NOTE, open, n);
		finding->title = xasprintf("any local user can take the datagrams of %s from %s",
					   where, holders);
		explain_hijack(finding, &snapshot->sockets[open[0]]);
		free(where);
		free(holders);
	}
	free(open);
}

static void report_rest(struct detection *detection, const uint32_t *sockets, uint32_t n)
{
	const struct inet_socket *first = &detection->snapshot->sockets[sockets[0]];
	struct finding *finding = finding_list_add(detection->list, FINDING_UDP_HIJACKABLE,
						   SEVERITY_NOTE, sockets, n);

	finding->netns = first->netns;
	finding->protocol = PROTOCOL_UDP;
	finding->title = xasprintf("any local user can take the datagrams of %u more UDP socket%s",
				   n, n == 1 ? "" : "s");
	explain_hijack(finding, first);
}

void detect_hijackable_rest(struct detection *detection)
{
	const struct detect_rest *rest = &detection->hijackable;
	uint32_t i, n;

	for (i = 0; i < rest->count; i += n) {
		n = detect_count_in_netns(detection->snapshot, rest->sockets + i, rest->count - i);
		report_rest(detection, rest->sockets + i, n);
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An IPv6 socket that takes IPv4 too, beside one of another program that takes IPv4. */
#include <stdlib.h>
#include <sys/socket.h>

#include "analysis/detect.h"
#include "analysis/parties.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

static void report_dual(struct detection *detection, uint32_t dual, uint32_t v4,
			enum tristate related, enum severity severity)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t sockets[] = { dual, v4 };
	struct finding *finding =
		detect_report(detection, FINDING_DUAL_STACK_OVERLAP, severity, sockets, 2);
	char *six = words_socket(snapshot, dual), *four = words_socket(snapshot, v4);
	char *loser = words_holders(snapshot, dual), *winner = words_holders(snapshot, v4);
	enum tristate v6only = (enum tristate)snapshot->sockets[dual].v6only;

	if (related == TRISTATE_UNKNOWN || v6only == TRISTATE_UNKNOWN) {
		finding->undecided = true;
		finding->title = xasprintf("%s may overlap %s of another program", six, four);
		finding->evidence =
			xstrdup(v6only == TRISTATE_UNKNOWN ?
					"Whether the IPv6 socket is v6only is not known." :
					"The processes that hold the sockets cannot all be "
					"seen, or not what they belong to.");
		finding->text = xstrdup("");
		finding->remedy =
			xstrdup("Run it as root, or with the capabilities that portshare(1) "
				"names, to see more.");
	} else {
		finding->title = xasprintf("%s of %s covers IPv4 too, where %s has %s", six, loser,
					   winner, four);
		finding->evidence = xasprintf(
			"The IPv6 socket is bound to all addresses without "
			"IPV6_V6ONLY; it is held by %s, the other by %s: " WORDS_STRANGERS ".",
			loser, winner);
		finding->text =
			xasprintf("For IPv4 the kernel prefers the IPv4 socket: %s gets what is "
				  "sent there, %s only what comes over IPv6 and to other "
				  "addresses. Which program answers depends on which of its "
				  "addresses a client tries first.",
				  winner, loser);
		finding->remedy =
			xasprintf("Set IPV6_V6ONLY on the socket of %s (systemd: "
				  "BindIPv6Only=ipv6-only), or give one of the two another "
				  "port.",
				  loser);
	}
	free(six);
	free(four);
	free(loser);
	free(winner);
}

void detect_dual_stack(struct detection *detection)
{
	bool stream = protocol_is_stream((enum protocol)detection->bucket->protocol);
	enum socket_state state = stream ? STATE_LISTEN : STATE_BOUND;
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, dual = SNAPSHOT_NONE, n_reported = 0;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		if (socket->state == state && socket->family == AF_INET6 &&
		    socket->v6only != TRISTATE_YES &&
		    address_is_wildcard(AF_INET6, &socket->local) &&
		    !address_is_v4_mapped(AF_INET6, &socket->local) && !socket->n_groups)
			dual = detection->members[i];
	}
	for (i = 0; dual != SNAPSHOT_NONE && i < detection->bucket->count && !n_reported; i++) {
		uint32_t other = detection->members[i];
		const struct inet_socket *socket = &snapshot->sockets[other];
		enum tristate related;

		if (socket->state != state || socket->family != AF_INET || socket->n_groups ||
		    address_is_multicast(AF_INET, &socket->local))
			continue;
		related = parties_related(snapshot, dual, other, RELATED_CLOSELY);
		if (related == TRISTATE_YES)
			continue;
		report_dual(detection, dual, other, related,
			    parties_same_program(snapshot, dual, other) == TRISTATE_YES ?
				    SEVERITY_NOTE :
				    SEVERITY_WARNING);
		n_reported++;
	}
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An IPv6 socket that takes IPv4 too, beside one of another program that takes IPv4. */
#include <stdlib.h>
#include <sys/socket.h>

#include "analysis/detect.h"
#include "analysis/parties.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

static enum socket_state state_of(const struct detection *detection)
{
	return protocol_is_stream((enum protocol)detection->bucket->protocol) ? STATE_LISTEN :
										STATE_BOUND;
}

/* Whether one of IPv4 has all addresses, on whatever device. */
static bool has_ipv4_wildcard(const struct detection *detection)
{
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket =
			&detection->snapshot->sockets[detection->members[i]];
		struct address address;

		if (socket->state == state_of(detection) && !socket->device &&
		    address_unmap(socket->family, &socket->local, &address) == AF_INET &&
		    address_is_wildcard(AF_INET, &address))
			return true;
	}
	return false;
}

/* What of IPv4 is left to the other. */
static const char *rest_words(const struct detection *detection, const struct inet_socket *v4)
{
	if (has_ipv4_wildcard(detection))
		return "";
	if (!address_is_wildcard(AF_INET, &v4->local))
		return " and to other IPv4 addresses";
	return v4->device ? " and through other devices" : "";
}

/* Bound to a device, it goes before one of IPv4 that is bound to none, on that device. */
static bool wins_on_device(const struct detection *detection, uint32_t dual, uint32_t v4)
{
	const struct inet_socket *sockets = detection->snapshot->sockets;
	struct inet_socket at = sockets[v4];
	struct delivery delivery;
	bool wins;

	if (!sockets[dual].device || at.device || !address_is_wildcard(AF_INET, &at.local))
		return false;
	at.device = sockets[dual].device;
	detect_predict(detection, &at, &delivery);
	wins = delivery.n_receivers && sockets[delivery.receivers[0]].family == AF_INET6;
	delivery_done(&delivery);
	return wins;
}

static char *explain_dual(const struct detection *detection, uint32_t dual, uint32_t v4,
			  const char *loser, const char *winner)
{
	const struct snapshot *snapshot = detection->snapshot;

	if (wins_on_device(detection, dual, v4))
		return xasprintf("What arrives on %s goes to the socket that is bound to it, over "
				 "IPv4 too: %s gets that, %s what of IPv4 arrives elsewhere.",
				 snapshot_text(snapshot, snapshot->sockets[dual].device), loser,
				 winner);
	return xasprintf(
		"For IPv4 the kernel prefers the IPv4 socket: %s gets what is sent there, "
		"%s only what comes over IPv6%s. Which program answers depends on which of "
		"its addresses a client tries first.",
		winner, loser, rest_words(detection, &snapshot->sockets[v4]));
}

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
		finding->remedy = xstrdup(detect_see_more(detection, finding));
	} else {
		finding->title = xasprintf("%s of %s covers IPv4 too, where %s has %s", six, loser,
					   winner, four);
		finding->evidence = xasprintf(
			"The IPv6 socket is bound to all addresses without "
			"IPV6_V6ONLY; it is held by %s, the other by %s: " WORDS_STRANGERS ".",
			loser, winner);
		finding->text = explain_dual(detection, dual, v4, loser, winner);
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

/* Of a pool so many are compared with each socket of the other family. */
#define DUAL_MAX 8

static uint32_t list_dual(const struct detection *detection, uint32_t dual[DUAL_MAX])
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, n = 0;

	for (i = 0; i < detection->bucket->count && n < DUAL_MAX; i++) {
		const struct inet_socket *socket = &snapshot->sockets[detection->members[i]];

		if (socket->state == state_of(detection) && socket->family == AF_INET6 &&
		    socket->v6only != TRISTATE_YES &&
		    address_is_wildcard(AF_INET6, &socket->local) &&
		    !address_is_v4_mapped(AF_INET6, &socket->local) &&
		    !detect_is_for_multicast(socket))
			dual[n++] = detection->members[i];
	}
	return n;
}

/* Returns whether the two are worth a finding. */
static bool check_pair(struct detection *detection, uint32_t dual, uint32_t v4)
{
	const struct snapshot *snapshot = detection->snapshot;
	const struct inet_socket *a = &snapshot->sockets[dual], *b = &snapshot->sockets[v4];
	enum tristate related;

	if (a->device && b->device && a->device != b->device)
		return false;
	related = parties_related(snapshot, dual, v4, RELATED_CLOSELY);
	if (related == TRISTATE_YES)
		return false;
	report_dual(detection, dual, v4, related,
		    parties_same_program(snapshot, dual, v4) == TRISTATE_YES ? SEVERITY_NOTE :
									       SEVERITY_WARNING);
	return true;
}

void detect_dual_stack(struct detection *detection)
{
	uint32_t dual[DUAL_MAX], n_dual = list_dual(detection, dual), i, k;

	for (i = 0; n_dual && i < detection->bucket->count; i++) {
		const struct inet_socket *socket =
			&detection->snapshot->sockets[detection->members[i]];

		if (socket->state != state_of(detection) || socket->family != AF_INET ||
		    detect_is_for_multicast(socket))
			continue;
		for (k = 0; k < n_dual; k++)
			if (check_pair(detection, dual[k], detection->members[i]))
				return;
	}
}

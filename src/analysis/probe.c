/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/port-range.h"
#include "analysis/probe-takeover.h"
#include "util/xalloc.h"

void probe_report_init(struct probe_report *report, const struct bind_candidate *candidate)
{
	static const uint8_t loopback4[] = { 127, 0, 0, 1 };
	uint32_t set, way;

	*report = (struct probe_report){ .candidate = *candidate };
	for (set = 0; set < PROBE_SETS; set++)
		for (way = 0; way < N_PROBE_WAYS; way++)
			report->attempts[set].ways[way] =
				(struct probe_outcome){ PROBE_NOT_TRIED, PROBE_NOT_TRIED };
	report->destination_family = (uint8_t)address_unmap(candidate->family, &candidate->address,
							    &report->destination);
	if (!address_is_wildcard(report->destination_family, &report->destination))
		return;
	if (report->destination_family == AF_INET)
		memcpy(report->destination.bytes, loopback4, sizeof(loopback4));
	else
		report->destination.bytes[15] = 1;
}

void probe_delivery_clear(struct probe_delivery *delivery)
{
	free(delivery->shares);
	*delivery = (struct probe_delivery){ .known = false };
}

void probe_report_done(struct probe_report *report)
{
	uint32_t i;

	bind_verdict_done(&report->verdict);
	probe_delivery_clear(&report->before);
	probe_delivery_clear(&report->after);
	for (i = 0; i < report->n_limits; i++)
		free(report->limits[i].text);
	free(report->limits);
	free(report->losses);
}

bool probe_is_to_any(const struct probe_report *report)
{
	return report->candidate.device &&
	       address_is_wildcard(report->candidate.family, &report->candidate.address);
}

struct probe_attempt *probe_asked(struct probe_report *report)
{
	return &report->attempts[PROBE_SET(report->candidate.reuse_addr,
					   report->candidate.reuse_port)];
}

int probe_live_outcome(const struct probe_report *report, uint32_t set, uint32_t *ret_by)
{
	uint32_t other, ignored;
	int said;

	ret_by = ret_by ? ret_by : &ignored;
	*ret_by = set;
	said = report->attempts[set].ways[PROBE_LIVE].bind;
	if (said != PROBE_NOT_TRIED)
		return said;
	for (other = 0; other < PROBE_SETS; other++) {
		said = report->attempts[other].ways[PROBE_LIVE].bind;
		*ret_by = other;
		/* What no socket causes does not depend on the flags. */
		if (said > 0 && (said != EADDRINUSE || (other & set) == set))
			return said;
		if (said == 0 && (other & set) == other)
			return said;
	}
	return PROBE_NOT_TRIED;
}

void probe_add_limit(struct probe_report *report, const char *what, const char *format, ...)
{
	va_list arguments;
	char *text;
	uint32_t i;

	va_start(arguments, format);
	text = xvasprintf(format, arguments);
	va_end(arguments);
	for (i = 0; i < report->n_limits; i++) {
		if (!strcmp(report->limits[i].what, what) &&
		    !strcmp(report->limits[i].text, text)) {
			free(text);
			return;
		}
	}
	ARRAY_RESERVE(report->limits, report->n_limits, report->limits_capacity);
	report->limits[report->n_limits++] = (struct probe_limit){ what, text };
}

void probe_add_share(struct probe_delivery *delivery, uint32_t socket, double share)
{
	ARRAY_RESERVE(delivery->shares, delivery->n_shares, delivery->capacity);
	delivery->shares[delivery->n_shares++] = (struct probe_share){ socket, share };
}

static int compare_shares(const void *a, const void *b)
{
	const struct probe_share *x = a, *y = b;

	if (x->share != y->share)
		return x->share < y->share ? 1 : -1;
	return (x->socket > y->socket) - (x->socket < y->socket);
}

void probe_sort_shares(struct probe_delivery *delivery)
{
	if (delivery->n_shares)
		qsort(delivery->shares, delivery->n_shares, sizeof(*delivery->shares),
		      compare_shares);
}

const uint32_t *probe_members(const struct bind_bucket_index *index,
			      const struct bind_candidate *candidate, uint32_t *ret_count)
{
	const struct bind_bucket *bucket = bind_bucket_find(
		index, candidate->netns, candidate->port, (enum protocol)candidate->protocol);

	*ret_count = bucket ? bucket->count : 0;
	return bucket ? index->members + bucket->first : NULL;
}

static struct bind_memory memory_of(const struct snapshot *snapshot,
				    const struct bind_candidate *candidate)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_memories; i++)
		if (snapshot->memories[i].netns == candidate->netns &&
		    snapshot->memories[i].port == candidate->port)
			return snapshot->memories[i].memory;
	return (struct bind_memory){ .unread = true };
}

static int error_of(enum tristate can_bind)
{
	if (can_bind == TRISTATE_UNKNOWN)
		return PROBE_UNKNOWN;
	return can_bind == TRISTATE_YES ? 0 : EADDRINUSE;
}

/*
 * Port 0. TCP looks for a port that it would not have to share at all, whatever the flags, and with
 * ip_autobind_reuse for one to share by SO_REUSEADDR; UDP takes what the flags allow.
 */
static enum tristate judge_any_port(const struct snapshot *snapshot,
				    const struct bind_bucket_index *index,
				    const struct bind_candidate *wanted)
{
	const struct netns *netns =
		wanted->netns < snapshot->n_netns ? &snapshot->netns[wanted->netns] : NULL;
	struct bind_candidate candidate = *wanted;
	enum tristate best = TRISTATE_NO;
	uint32_t i, n_taken = 0, n_ports;
	struct port_rules rules;

	if (protocol_is_stream(wanted->protocol)) {
		candidate.reuse_addr = wanted->reuse_addr && netns &&
				       (netns->sysctls_known & 1U << SYSCTL_IP_AUTOBIND_REUSE) &&
				       netns->sysctls[SYSCTL_IP_AUTOBIND_REUSE];
		candidate.reuse_port = false;
	}
	port_rules_init(&rules, snapshot);
	n_ports = port_n_ephemeral(&rules, wanted->netns);
	for (i = 0; i < index->n_buckets && best != TRISTATE_YES; i++) {
		const struct bind_bucket *bucket = &index->buckets[i];
		struct bind_verdict verdict;

		if (bucket->netns != wanted->netns ||
		    bucket->protocol != bind_bucket_protocol((enum protocol)wanted->protocol) ||
		    !port_is_ephemeral(&rules, bucket->netns, bucket->port))
			continue;
		n_taken++;
		candidate.port = bucket->port;
		bind_conflict_judge(snapshot, index->members + bucket->first, bucket->count,
				    &candidate, NULL, &verdict);
		if (verdict.can_bind != TRISTATE_NO)
			best = verdict.can_bind;
		bind_verdict_done(&verdict);
	}
	port_rules_done(&rules);
	return n_taken < n_ports ? TRISTATE_YES : best;
}

/* A filter may have left sockets of the port out of the snapshot, or all of them. */
static bool is_incomplete(const struct snapshot *snapshot, uint32_t n_members)
{
	enum snapshot_part part = snapshot_part(snapshot);

	return part == PART_SOCKETS || (part == PART_PORTS && !n_members);
}

/* Whether a socket of the port is in a namespace that is not said, which may be the candidate's. */
static bool has_misplaced(const struct snapshot *snapshot, const struct bind_candidate *candidate)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets && snapshot->n_netns > 1; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (socket->netns != candidate->netns && !snapshot->netns[socket->netns].id &&
		    socket->local_port == candidate->port &&
		    bind_bucket_protocol((enum protocol)socket->protocol) ==
			    bind_bucket_protocol((enum protocol)candidate->protocol))
			return true;
	}
	return false;
}

/*
 * What is seen in the way of a bind is there whatever is not seen. Only for UDP one that is not
 * seen may come first, and let the candidate in by SO_REUSEPORT.
 */
static bool holds_incomplete(const struct bind_candidate *candidate, enum tristate can_bind)
{
	return can_bind == TRISTATE_NO &&
	       (protocol_is_stream((enum protocol)candidate->protocol) || !candidate->reuse_port);
}

/* For want of the right to its port; 0: not, or PROBE_UNKNOWN. */
static int refused_port(const struct snapshot *snapshot, const struct bind_candidate *candidate,
			const struct probe_facts *facts)
{
	bool known = candidate->netns < snapshot->n_netns &&
		     (snapshot->netns[candidate->netns].sysctls_known &
		      1U << SYSCTL_IP_UNPRIVILEGED_PORT_START);

	if (!candidate->port || facts->privileged == TRISTATE_YES ||
	    !port_is_privileged(snapshot, candidate->netns, candidate->port))
		return 0;
	return known && facts->privileged == TRISTATE_NO ? EACCES : PROBE_UNKNOWN;
}

static int refused_address(const struct bind_candidate *candidate, const struct probe_facts *facts)
{
	/* __inet6_bind(): an address that is mapped is one of IPv4. */
	if (candidate->v6only && address_is_v4_mapped(candidate->family, &candidate->address))
		return EINVAL;
	return facts->address_error > 0 ? facts->address_error : 0;
}

/*
 * What the kernel would refuse before it looks at other sockets; 0: nothing. The device comes
 * before bind(). After that __inet_bind() looks at the address first, and __inet6_bind() at the
 * port, but for TCP to multicast, which is nothing at all.
 */
static int refused_before(const struct snapshot *snapshot, const struct bind_candidate *candidate,
			  const struct probe_facts *facts)
{
	int port = refused_port(snapshot, candidate, facts);
	int address = refused_address(candidate, facts);

	if (facts->address_error == ENODEV)
		return ENODEV;
	if (candidate->family == AF_INET || !address ||
	    (protocol_is_stream((enum protocol)candidate->protocol) &&
	     address_is_multicast(AF_INET6, &candidate->address)))
		return address ? address : port;
	return port > 0 ? port : address;
}

static void predict_set(const struct snapshot *snapshot, const struct bind_bucket_index *index,
			const struct bind_candidate *candidate, const struct bind_memory *memory,
			const struct probe_facts *facts, bool incomplete,
			struct probe_outcome *outcome, struct bind_verdict *ret_verdict)
{
	int refused = refused_before(snapshot, candidate, facts);
	const uint32_t *members;
	uint32_t n_members;

	*ret_verdict = (struct bind_verdict){ .blockers = NULL };
	if (refused > 0) {
		ret_verdict->can_bind = TRISTATE_NO;
		outcome->bind = refused;
		return;
	}
	if (candidate->port) {
		members = probe_members(index, candidate, &n_members);
		bind_conflict_judge(snapshot, members, n_members, candidate, memory, ret_verdict);
	} else {
		ret_verdict->can_bind = judge_any_port(snapshot, index, candidate);
	}
	if (incomplete && !holds_incomplete(candidate, ret_verdict->can_bind))
		ret_verdict->can_bind = TRISTATE_UNKNOWN;
	if (refused == PROBE_UNKNOWN && ret_verdict->can_bind == TRISTATE_YES)
		ret_verdict->can_bind = TRISTATE_UNKNOWN;
	outcome->bind = error_of(ret_verdict->can_bind);
	/*
	 * The rule of listen() is that of bind(); it fails only if somebody else listens by then.
	 */
	if (protocol_is_stream(candidate->protocol) && outcome->bind <= 0)
		outcome->listen = outcome->bind;
}

/* On which device it arrives: what is sent to loopback on lo, the rest on one that nobody named. */
static string_id arrives_on(const struct snapshot *snapshot, const struct probe_report *report,
			    const struct delivery_socket *sockets, uint32_t n_sockets)
{
	uint32_t i;

	if (report->candidate.device ||
	    !address_is_loopback(report->destination_family, &report->destination))
		return report->candidate.device;
	for (i = 0; i < n_sockets; i++) {
		const char *device = snapshot_text(snapshot, sockets[i].socket->device);

		if (device && !strcmp(device, "lo"))
			return sockets[i].socket->device;
	}
	return 0;
}

static bool same_receivers(const struct delivery *a, const struct delivery *b)
{
	return a->mode == b->mode && a->certain == b->certain && a->n_receivers == b->n_receivers &&
	       (!a->n_receivers ||
		!memcmp(a->receivers, b->receivers, a->n_receivers * sizeof(*a->receivers)));
}

/*
 * Where it may arrive on any device: whether somebody else receives on one that somebody is bound
 * to.
 */
static bool depends_on_device(const struct snapshot *snapshot, const struct probe_report *report,
			      const struct delivery_socket *sockets, uint32_t n_sockets,
			      struct delivery_query query, const struct delivery *elsewhere)
{
	string_id last = 0;
	bool same = true;
	uint32_t i;

	if (report->candidate.device ||
	    address_is_loopback(report->destination_family, &report->destination))
		return false;
	for (i = 0; i < n_sockets && same; i++) {
		struct delivery there;

		query.device = sockets[i].socket->device;
		if (!query.device || query.device == last)
			continue;
		last = query.device;
		delivery_predict(snapshot, sockets, n_sockets, &query, &there);
		same = same_receivers(elsewhere, &there);
		delivery_done(&there);
	}
	return !same;
}

/*
 * What the host sends to itself comes over lo, but counts as arrived where the address is, by
 * rt_iif of ip_route_output_key_hash_rcu(), and by ip6_dst_idev() in ip6_rcv_core().
 */
static void note_device(struct probe_report *report)
{
	char to[ADDRESS_TEXT_MAX];

	probe_add_limit(report, "model",
			"who receives what is sent to %s depends on the device on which it "
			"arrives, since a socket of the port is bound to one. What this host "
			"itself sends there arrives on the device that has the address, unless its "
			"sender is bound to another. --device asks about one device",
			address_format(report->destination_family, &report->destination, to));
}

static void predict_delivery(const struct snapshot *snapshot, struct probe_report *report,
			     const struct delivery_socket *sockets, uint32_t n_sockets,
			     struct probe_delivery *delivery)
{
	const struct delivery_query query = {
		.to = report->destination,
		.family = report->destination_family,
		.protocol = report->candidate.protocol,
		.device = arrives_on(snapshot, report, sockets, n_sockets),
		.cpu = DELIVERY_ANY,
		.any_sender = true,
		.broadcast = report->broadcast,
	};
	struct delivery predicted;
	uint32_t i;

	delivery_predict(snapshot, sockets, n_sockets, &query, &predicted);
	delivery->known = predicted.certain;
	if (predicted.certain &&
	    depends_on_device(snapshot, report, sockets, n_sockets, query, &predicted)) {
		delivery->known = false;
		note_device(report);
	}
	delivery->way = PROBE_MODEL;
	delivery->copies = predicted.mode == DELIVERY_COPIES;
	for (i = 0; delivery->known && i < predicted.n_receivers; i++)
		probe_add_share(delivery, predicted.receivers[i],
				delivery->copies ? 1.0 : 1.0 / predicted.n_receivers);
	probe_sort_shares(delivery);
	delivery_done(&predicted);
}

/*
 * A wildcard gets nothing of what goes to an address that is bound by itself: so another is looked
 * at if somebody receives there. Of ::1 there is one only.
 */
static void predict_before(const struct snapshot *snapshot, struct probe_report *report,
			   const struct delivery_socket *sockets, uint32_t n_sockets)
{
	const struct bind_candidate *candidate = &report->candidate;
	struct address loopback = report->destination;

	if (address_is_wildcard(candidate->family, &candidate->address) &&
	    report->destination_family == AF_INET)
		report->destination = probe_free_address(sockets, n_sockets, AF_INET);
	predict_delivery(snapshot, report, sockets, n_sockets, &report->before);
	if (report->before.n_shares)
		return;
	probe_delivery_clear(&report->before);
	report->destination = loopback;
	predict_delivery(snapshot, report, sockets, n_sockets, &report->before);
}

/* The candidate as a socket that is there: it is met first, but behind IPv6 groups' oldest. */
static void predict_after(const struct snapshot *snapshot, struct probe_report *report,
			  const struct delivery_socket *sockets, uint32_t n_sockets)
{
	const struct bind_candidate *candidate = &report->candidate;
	bool at_tail = candidate->family == AF_INET6 && candidate->reuse_port;
	bool specific = !address_is_wildcard(candidate->family, &candidate->address);
	const struct inet_socket joined = {
		.protocol = candidate->protocol,
		.family = candidate->family,
		.state = protocol_is_stream(candidate->protocol) ? STATE_LISTEN : STATE_BOUND,
		.local = candidate->address,
		.local_port = candidate->port,
		.netns = candidate->netns,
		.uid = candidate->uid,
		.device = candidate->device,
		.known = SOCKET_HAS_UID | SOCKET_HAS_DEVICE | SOCKET_HAS_MULTICAST,
		.v6only = (uint8_t)tristate_of(
			candidate->family == AF_INET6 &&
			(candidate->v6only ||
			 (specific && !address_is_v4_mapped(AF_INET6, &candidate->address)))),
		.reuse_addr = (uint8_t)tristate_of(candidate->reuse_addr),
		.reuse_port = (uint8_t)tristate_of(candidate->reuse_port),
		.reuse_evidence = EVIDENCE_GETSOCKOPT,
	};
	struct delivery_socket *all = xcalloc((size_t)n_sockets + 1, sizeof(*all));

	if (n_sockets)
		memcpy(all + !at_tail, sockets, n_sockets * sizeof(*all));
	all[at_tail ? n_sockets : 0] = (struct delivery_socket){
		.socket = &joined,
		.index = SNAPSHOT_NONE,
		.group = DELIVERY_ANY,
		.incoming_cpu = DELIVERY_ANY,
		.selector = DELIVERY_ANY,
	};
	predict_delivery(snapshot, report, all, n_sockets + 1, &report->after);
	probe_find_losses(snapshot, sockets, n_sockets, all, n_sockets + 1, report);
	free(all);
}

void probe_predict_takeover(const struct snapshot *snapshot, const struct bind_bucket_index *index,
			    struct probe_report *report)
{
	struct delivery_socket *sockets;
	uint32_t n_members, n_sockets;
	const uint32_t *members = probe_members(index, &report->candidate, &n_members);

	if (!report->candidate.port || report->incomplete || report->after.known ||
	    probe_live_outcome(
		    report, PROBE_SET(report->candidate.reuse_addr, report->candidate.reuse_port),
		    NULL) != 0)
		return;
	n_sockets = delivery_sockets_of(snapshot, members, n_members, &sockets);
	probe_delivery_clear(&report->after);
	predict_after(snapshot, report, sockets, n_sockets);
	free(sockets);
}

void probe_predict(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		   const struct probe_facts *facts, struct probe_report *report)
{
	struct bind_candidate candidate = report->candidate;
	struct delivery_socket *sockets;
	uint32_t set, n_members, n_sockets;
	const uint32_t *members = probe_members(index, &candidate, &n_members);

	report->misplaced = candidate.port && has_misplaced(snapshot, &candidate);
	report->incomplete = report->misplaced || is_incomplete(snapshot, n_members);
	report->broadcast = facts->broadcast ||
			    address_is_broadcast(report->destination_family, &report->destination);
	if (candidate.port && protocol_is_stream((enum protocol)candidate.protocol))
		report->memory = memory_of(snapshot, &candidate);
	for (set = 0; set < PROBE_SETS; set++) {
		struct probe_attempt *attempt = &report->attempts[set];
		struct bind_verdict verdict;

		candidate.reuse_addr = set & PROBE_SET(1, 0);
		candidate.reuse_port = set & PROBE_SET(0, 1);
		predict_set(snapshot, index, &candidate, &report->memory, facts, report->incomplete,
			    &attempt->ways[PROBE_MODEL], &verdict);
		if (attempt == probe_asked(report))
			report->verdict = verdict;
		else
			bind_verdict_done(&verdict);
	}
	/*
	 * Who is not seen may be the one that receives; at an address that is not there nobody is.
	 */
	if (!candidate.port || report->incomplete || facts->address_error > 0)
		return;
	n_sockets = delivery_sockets_of(snapshot, members, n_members, &sockets);
	predict_before(snapshot, report, sockets, n_sockets);
	if (report->verdict.can_bind == TRISTATE_YES)
		predict_after(snapshot, report, sockets, n_sockets);
	free(sockets);
}

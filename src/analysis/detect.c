/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/detect.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "analysis/words.h"
#include "util/xalloc.h"

bool detect_is_wanted(const struct detection *detection, enum severity severity)
{
	return severity >= detection->options->least;
}

bool detect_is_named(const struct detection *detection)
{
	uint32_t i;

	for (i = 0; i < detection->options->n_selectors; i++) {
		const struct selector *selector = &detection->options->selectors[i];

		if (selector->first_port == selector->last_port &&
		    selector->first_port == detection->bucket->port &&
		    (selector->protocols & 1U << detection->bucket->protocol))
			return true;
	}
	return false;
}

struct finding *detect_report(struct detection *detection, enum finding_id id,
			      enum severity severity, const uint32_t *sockets, uint32_t n_sockets)
{
	struct finding *finding =
		finding_list_add(detection->list, id, severity, sockets, n_sockets);

	finding->netns = detection->bucket->netns;
	finding->protocol = detection->bucket->protocol;
	finding->port = detection->bucket->port;
	return finding;
}

void detect_doubt(struct detect_doubts *doubts, uint32_t socket)
{
	ARRAY_RESERVE(doubts->sockets, doubts->count, doubts->capacity);
	doubts->sockets[doubts->count++] = socket;
}

bool detect_has_own_note(struct detect_rest *rest, const uint32_t *sockets, uint32_t n_sockets)
{
	uint32_t i;

	if (rest->n_ports++ < DETECT_OWN_NOTES_MAX)
		return true;
	for (i = 0; i < n_sockets; i++) {
		ARRAY_RESERVE(rest->sockets, rest->count, rest->capacity);
		rest->sockets[rest->count++] = sockets[i];
	}
	return false;
}

uint32_t detect_count_in_netns(const struct snapshot *snapshot, const uint32_t *sockets,
			       uint32_t n_sockets)
{
	uint32_t n = 1;

	while (n < n_sockets &&
	       snapshot->sockets[sockets[n]].netns == snapshot->sockets[sockets[0]].netns)
		n++;
	return n;
}

/* Who holds it, what those run, or its flags: what those see who may. */
static bool is_partly_hidden(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	uint32_t i;

	if (socket->owner_status == OWNER_KERNEL)
		return false;
	if (socket_is_held_by_unknown(socket) || socket->reuse_addr == TRISTATE_UNKNOWN ||
	    socket->reuse_port == TRISTATE_UNKNOWN || !(socket->known & SOCKET_HAS_UID))
		return true;
	for (i = 0; i < socket->n_owners; i++) {
		const struct process *process =
			&snapshot->processes[snapshot->owners[socket->first_owner + i].process];

		if (!process->exe || !(process->known & PROCESS_HAS_CMDLINE))
			return true;
	}
	return false;
}

bool detect_is_hidden(const struct detection *detection, const struct finding *finding)
{
	const uint32_t *sockets = detection->list->sockets + finding->first_socket;
	uint32_t i;

	for (i = 0; i < finding->n_sockets; i++)
		if (is_partly_hidden(detection->snapshot,
				     &detection->snapshot->sockets[sockets[i]]))
			return true;
	return false;
}

const char *detect_see_more(const struct detection *detection, const struct finding *finding)
{
	if (!detect_is_hidden(detection, finding))
		return snapshot_has_limit(detection->snapshot, "sockets", "proc-net") ?
			       "Ask where the kernel answers by sock_diag (it may have modules for "
			       "that: tcp_diag, udp_diag), which shows more than /proc/net." :
			       "Root sees no more of it: find out what these programs are, and "
			       "whether they are meant to share the port.";
	if (snapshot_has_limit(detection->snapshot, "owners", "pid-namespace"))
		return detection->snapshot->from_file ?
			       "Write the snapshot outside of that pid namespace, as root, to see "
			       "more." :
			       "Run it outside of this pid namespace, as root, to see more.";
	if (detection->snapshot->from_file)
		return "Write the snapshot as root on its machine, or with the capabilities that "
		       "portshare(1) names, to see more.";
	return "Run it as root, or with the capabilities that portshare(1) names, to see more.";
}

void detect_report_doubts(struct detection *detection, struct detect_doubts *doubts,
			  enum finding_id id, enum severity severity, const char *title,
			  const char *evidence)
{
	const struct inet_socket *first;
	struct finding *finding;

	if (doubts->count && detect_is_wanted(detection, severity)) {
		first = &detection->snapshot->sockets[doubts->sockets[0]];
		finding = finding_list_add(detection->list, id, severity, doubts->sockets,
					   doubts->count);
		finding->netns = first->netns;
		finding->protocol = first->protocol;
		finding->undecided = true;
		finding->title = xstrdup(title);
		finding->evidence = xstrdup(evidence);
		finding->text = xstrdup("");
		finding->remedy = xstrdup(detect_see_more(detection, finding));
	}
	free(doubts->sockets);
	*doubts = (struct detect_doubts){ .sockets = NULL };
}

/* Where programs meet to talk to multicast groups: each member has its own copy. */
static bool is_multicast_port(uint16_t port)
{
	static const uint16_t ports[] = {
		5353, /* mDNS */
		5355, /* LLMNR */
		1900, /* SSDP */
		3702, /* WS-Discovery */
		427, /* SLP */
		5350, 5351, /* NAT-PMP, PCP: announcements */
		319,  320, /* PTP */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ports); i++)
		if (ports[i] == port)
			return true;
	return false;
}

bool detect_gets_copies(const struct inet_socket *socket)
{
	return address_is_multicast(socket->family, &socket->local) ||
	       address_is_broadcast(socket->family, &socket->local);
}

bool detect_is_for_multicast(const struct inet_socket *socket)
{
	if (protocol_is_stream((enum protocol)socket->protocol))
		return false;
	if (detect_gets_copies(socket))
		return true;
	/* What is bound to one address of the host gets nothing of a group, whatever it joined. */
	if (!address_is_wildcard(socket->family, &socket->local))
		return false;
	if (socket->n_groups)
		return true;
	return !(socket->known & SOCKET_HAS_MULTICAST) && is_multicast_port(socket->local_port);
}

static bool has_unread_membership(const struct inet_socket *socket)
{
	return !protocol_is_stream((enum protocol)socket->protocol) &&
	       address_is_wildcard(socket->family, &socket->local) &&
	       !(socket->known & SOCKET_HAS_MULTICAST);
}

bool detect_may_get_copies(const struct inet_socket *socket)
{
	return has_unread_membership(socket) || detect_is_for_multicast(socket);
}

const char *detect_doubt_membership(const struct snapshot *snapshot, const uint32_t *sockets,
				    uint32_t n_sockets)
{
	uint32_t i;

	for (i = 0; i < n_sockets; i++)
		if (has_unread_membership(&snapshot->sockets[sockets[i]]) &&
		    !detect_is_for_multicast(&snapshot->sockets[sockets[i]]))
			return " What multicast groups they have joined could not be read: if "
			       "multicast is what they are for, each member of a group gets its "
			       "own copy of that, and nothing is lost. The port is none of those "
			       "that are known for it.";
	return "";
}

char *detect_words_members(const struct snapshot *snapshot, const uint32_t *sockets,
			   uint32_t n_sockets)
{
	uint32_t *members = xcalloc(n_sockets, sizeof(*members)), i, n = 0;
	char *who, *text = NULL;
	bool by_port = false;

	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[sockets[i]];

		if (!detect_is_for_multicast(socket))
			continue;
		by_port = by_port || !socket->n_groups;
		members[n++] = sockets[i];
	}
	if (n) {
		who = words_holders_together(snapshot, members, n);
		text = xasprintf(" Multicast is not shared: each member of a group gets its own "
				 "copy, here%s %s.",
				 by_port ? ", to judge by the port," : "", who);
		free(who);
	}
	free(members);
	return text ? text : xstrdup("");
}

bool detect_is_steered(const struct snapshot *snapshot, const uint32_t *sockets, uint32_t n_sockets)
{
	uint32_t i;

	for (i = 0; i < n_sockets; i++)
		if (snapshot->sockets[sockets[i]].reuse_program == TRISTATE_YES)
			return true;
	return false;
}

const struct address_index *detect_addresses(const struct detection *detection)
{
	if (!detection->addresses->items)
		address_index_init(detection->addresses, detection->snapshot, detection->members,
				   detection->bucket->count);
	return detection->addresses;
}

static int compare_indexes(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

/* By index: they are searched. */
static void sort_receivers(struct delivery *delivery)
{
	if (delivery->n_receivers > 1)
		qsort(delivery->receivers, delivery->n_receivers, sizeof(*delivery->receivers),
		      compare_indexes);
}

void detect_predict_among(const struct detection *detection, const uint32_t *sockets,
			  uint32_t n_sockets, const struct inet_socket *at,
			  struct delivery *ret_delivery)
{
	static const struct address v4_loopback = { .bytes = { 127, 0, 0, 1 } };
	static const struct address v6_loopback = { .bytes = { [15] = 1 } };
	struct delivery_query query = {
		.protocol = at->protocol,
		.device = at->device,
		.from_port = 9,
		.any_sender = true,
		.cpu = DELIVERY_ANY,
	};
	struct delivery_socket *candidates;
	uint32_t n;

	n = delivery_sockets_of(detection->snapshot, sockets, n_sockets, &candidates);
	query.family = (uint8_t)address_unmap(at->family, &at->local, &query.to);
	if (address_is_wildcard(query.family, &query.to))
		query.to = query.family == AF_INET ? v4_loopback : v6_loopback;
	query.from = query.to;
	delivery_predict(detection->snapshot, candidates, n, &query, ret_delivery);
	sort_receivers(ret_delivery);
	free(candidates);
}

/*
 * Those elsewhere are of no account: what is at the address comes before any wildcard, and groups
 * are of one address.
 */
void detect_predict(const struct detection *detection, const struct inet_socket *at,
		    struct delivery *ret_delivery)
{
	const uint32_t *sockets;
	uint32_t n = address_index_find(detect_addresses(detection), at, &sockets);

	detect_predict_among(detection, sockets, n, at, ret_delivery);
}

/* A socket on its way into a place. */
struct placed {
	const struct inet_socket *socket;
	uint32_t index, order;
	struct address address;
	enum detect_place_kind kind;
};

static int compare_places(const struct placed *left, const struct placed *right)
{
	const struct inet_socket *a = left->socket, *b = right->socket;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (left->kind == PLACE_OF_GROUP && a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (left->kind == PLACE_OF_GROUP && a->v6only != b->v6only &&
	    address_is_wildcard(a->family, &a->local))
		return a->v6only < b->v6only ? -1 : 1;
	return address_compare(&left->address, &right->address);
}

static int compare_placed(const void *left, const void *right)
{
	const struct placed *a = left, *b = right;
	int order = compare_places(a, b);

	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

struct detect_place *detect_places(const struct detection *detection, enum socket_state state,
				   enum detect_place_kind kind)
{
	uint32_t i, n = 0, n_places = 0, n_members = detection->bucket->count, *sockets;
	struct placed *placed = xcalloc(n_members, sizeof(*placed));
	struct detect_place *places;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket =
			&detection->snapshot->sockets[detection->members[i]];

		if (socket->state == state)
			placed[n++] = (struct placed){
				.socket = socket,
				.index = detection->members[i],
				.order = i,
				.address = address_as_mapped(socket->family, &socket->local),
				.kind = kind,
			};
	}
	if (n > 1)
		qsort(placed, n, sizeof(*placed), compare_placed);
	places = xcalloc(1, (n + 1) * sizeof(*places) + n * sizeof(*sockets));
	sockets = (uint32_t *)(places + n + 1);
	for (i = 0; i < n; i++) {
		sockets[i] = placed[i].index;
		if (!i || compare_places(&placed[i - 1], &placed[i]))
			places[n_places++].sockets = sockets + i;
		places[n_places - 1].count++;
	}
	free(placed);
	return places;
}

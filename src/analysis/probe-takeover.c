/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-takeover.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/xalloc.h"

#define DEVICES_MAX 8
#define PLACES_MAX (3 * (DEVICES_MAX + 1))

/* Where datagrams, or connections, may be sent to. */
struct place {
	struct delivery_query query;
	bool own; /* the candidate's address */
};

struct takeover {
	const struct bind_candidate *candidate;
	bool broadcast; /* the candidate's address is one of these */
	struct place places[PLACES_MAX];
	uint32_t n_places;
	/* Places, a bit each: of which it is not known who will receive, and who receives now. */
	uint32_t unsure, doubtful;
	uint32_t *lost, *kept, *shared; /* by socket; shared: the candidate does not get all */
};

/*
 * Which of the first addresses of loopback it is: 127.0.x.y, or ::x:y; -1 if it is none of these.
 */
static int32_t loopback_number(int family, const struct address *address)
{
	static const uint8_t v4[] = { 127, 0 }, v6[14];

	if (family == AF_INET && !memcmp(address->bytes, v4, sizeof(v4)))
		return address->bytes[2] << 8 | address->bytes[3];
	if (family == AF_INET6 && !memcmp(address->bytes, v6, sizeof(v6)))
		return address->bytes[14] << 8 | address->bytes[15];
	return -1;
}

struct address probe_free_address(const struct delivery_socket *sockets, uint32_t n_sockets,
				  int family)
{
	struct address address = { .bytes = { 127, 0 } }, unmapped;
	uint8_t *last = family == AF_INET ? address.bytes + 2 : address.bytes + 14;
	uint8_t *taken = xcalloc(UINT16_MAX / 8 + 1, 1);
	uint32_t i, number = 1;

	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = sockets[i].socket;
		int32_t its = -1;

		if (address_unmap(socket->family, &socket->local, &unmapped) == family)
			its = loopback_number(family, &unmapped);
		if (its >= 0)
			taken[its / 8] |= (uint8_t)(1U << its % 8);
	}
	while (number < UINT16_MAX && (taken[number / 8] & 1U << number % 8))
		number++;
	free(taken);
	if (family == AF_INET6)
		memset(address.bytes, 0, sizeof(address.bytes));
	last[0] = (uint8_t)(number >> 8);
	last[1] = (uint8_t)number;
	return address;
}

static void add_places(struct takeover *takeover, int family, const struct address *to,
		       const string_id *devices, uint32_t n_devices, bool own)
{
	uint32_t i;

	for (i = 0; i < n_devices; i++)
		takeover->places[takeover->n_places++] = (struct place){
			.query = {
				.to = *to,
				.family = (uint8_t)family,
				.protocol = takeover->candidate->protocol,
				.device = devices[i],
				.cpu = DELIVERY_ANY,
				.any_sender = true,
				.broadcast = own && takeover->broadcast,
			},
			.own = own,
		};
}

static void find_places(struct takeover *takeover, const struct delivery_socket *sockets,
			uint32_t n_sockets)
{
	const struct bind_candidate *candidate = takeover->candidate;
	string_id devices[DEVICES_MAX + 1] = { 0 };
	uint32_t i, k, n_devices = 1;
	struct address own, other;
	int family;

	for (i = 0; i < n_sockets && n_devices <= DEVICES_MAX; i++) {
		for (k = 0; k < n_devices && devices[k] != sockets[i].socket->device; k++)
			;
		if (k == n_devices)
			devices[n_devices++] = sockets[i].socket->device;
	}
	family = address_unmap(candidate->family, &candidate->address, &own);
	if (!address_is_wildcard(family, &own))
		add_places(takeover, family, &own, devices, n_devices, true);
	other = probe_free_address(sockets, n_sockets, AF_INET);
	add_places(takeover, AF_INET, &other, devices, n_devices, false);
	other = probe_free_address(sockets, n_sockets, AF_INET6);
	add_places(takeover, AF_INET6, &other, devices, n_devices, false);
}

static bool receives(const struct delivery *delivery, uint32_t socket)
{
	uint32_t i;

	for (i = 0; i < delivery->n_receivers; i++)
		if (delivery->receivers[i] == socket)
			return true;
	return false;
}

static void compare(struct takeover *takeover, uint32_t bit, const struct delivery *before,
		    const struct delivery *after)
{
	uint32_t i;

	if (!after->certain) {
		takeover->unsure |= bit;
		return;
	}
	if (!before->certain)
		takeover->doubtful |= bit;
	if (before->mode == DELIVERY_COPIES || after->mode == DELIVERY_COPIES)
		return;
	for (i = 0; i < after->n_receivers; i++)
		if (after->receivers[i] != SNAPSHOT_NONE)
			takeover->kept[after->receivers[i]] |= bit;
	if (!receives(after, SNAPSHOT_NONE))
		return;
	for (i = 0; i < before->n_receivers; i++) {
		uint32_t socket = before->receivers[i];

		if (takeover->kept[socket] & bit)
			continue;
		takeover->lost[socket] |= bit;
		if (after->n_receivers > 1)
			takeover->shared[socket] |= bit;
	}
}

static void add_loss(const struct takeover *takeover, uint32_t socket, struct probe_report *report)
{
	struct probe_loss loss = {
		.socket = socket,
		.keeps = takeover->kept[socket] && !takeover->unsure,
		.shared = takeover->shared[socket] != 0,
		.doubtful = !(takeover->lost[socket] & ~takeover->doubtful),
	};
	uint32_t i;

	for (i = 0; i < takeover->n_places; i++) {
		if (!(takeover->lost[socket] & 1U << i))
			continue;
		loss.own_address = loss.own_address || takeover->places[i].own;
		loss.v4 = loss.v4 || takeover->places[i].query.family == AF_INET;
		loss.v6 = loss.v6 || takeover->places[i].query.family == AF_INET6;
	}
	loss.all = !takeover->kept[socket] && !takeover->unsure;
	ARRAY_RESERVE(report->losses, report->n_losses, report->losses_capacity);
	report->losses[report->n_losses++] = loss;
}

void probe_find_losses(const struct snapshot *snapshot, const struct delivery_socket *before,
		       uint32_t n_before, const struct delivery_socket *after, uint32_t n_after,
		       struct probe_report *report)
{
	struct takeover takeover = {
		.candidate = &report->candidate,
		.broadcast = report->broadcast,
		.lost = xcalloc(snapshot->n_sockets, sizeof(*takeover.lost)),
		.kept = xcalloc(snapshot->n_sockets, sizeof(*takeover.kept)),
		.shared = xcalloc(snapshot->n_sockets, sizeof(*takeover.shared)),
	};
	struct delivery was, will;
	uint32_t i;

	find_places(&takeover, after, n_after);
	for (i = 0; i < takeover.n_places; i++) {
		delivery_predict(snapshot, before, n_before, &takeover.places[i].query, &was);
		delivery_predict(snapshot, after, n_after, &takeover.places[i].query, &will);
		compare(&takeover, 1U << i, &was, &will);
		delivery_done(&was);
		delivery_done(&will);
	}
	for (i = 0; i < n_before; i++)
		if (takeover.lost[before[i].index])
			add_loss(&takeover, before[i].index, report);
	report->losses_unsure = takeover.unsure != 0;
	free(takeover.lost);
	free(takeover.kept);
	free(takeover.shared);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/infer.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "model/bind-bucket.h"
#include "util/xalloc.h"

/* Whether every packet for one may also be for the other, for sure. */
static bool surely_overlap(const struct inet_socket *a, const struct inet_socket *b)
{
	if (!(a->known & SOCKET_HAS_DEVICE) || !(b->known & SOCKET_HAS_DEVICE))
		return false;
	if (a->device && b->device && a->device != b->device)
		return false;
	return address_covers(a->family, &a->local, a->v6only != TRISTATE_NO, b->family,
			      &b->local) ||
	       address_covers(b->family, &b->local, b->v6only != TRISTATE_NO, a->family, &a->local);
}

static void force(struct inet_socket *socket, uint8_t *flag)
{
	if (*flag != TRISTATE_UNKNOWN)
		return;
	*flag = TRISTATE_YES;
	if (socket->reuse_evidence == EVIDENCE_UNKNOWN)
		socket->reuse_evidence = EVIDENCE_INFERRED;
}

static bool takes_both_families(const struct inet_socket *socket)
{
	return socket->family == AF_INET6 && address_is_wildcard(AF_INET6, &socket->local) &&
	       !address_is_v4_mapped(AF_INET6, &socket->local) && socket->v6only != TRISTATE_YES;
}

static bool takes_v4_alone(const struct inet_socket *socket)
{
	return socket->family == AF_INET || address_is_v4_mapped(socket->family, &socket->local);
}

/* Whether who is in nobody's way of these two cannot let the one in beside the other. */
static bool have_no_third(const struct inet_socket *a, const struct inet_socket *b)
{
	if (a->device || b->device || takes_both_families(a) != takes_both_families(b))
		return false;
	if (takes_both_families(a))
		return a->v6only == TRISTATE_NO && b->v6only == TRISTATE_NO;
	return takes_v4_alone(a) == takes_v4_alone(b);
}

static void infer_tcp(struct inet_socket *a, struct inet_socket *b)
{
	if (a->state != STATE_LISTEN || b->state != STATE_LISTEN || !have_no_third(a, b))
		return;
	force(a, &a->reuse_port);
	force(b, &b->reuse_port);
}

static void infer_udp(const struct inet_socket *newer, struct inet_socket *older)
{
	if (older->family != AF_INET || newer->family != AF_INET)
		return;
	if (newer->reuse_evidence != EVIDENCE_INFERRED && newer->reuse_port == TRISTATE_NO &&
	    newer->reuse_addr == TRISTATE_YES)
		force(older, &older->reuse_addr);
}

static bool flags_missing(const struct inet_socket *socket)
{
	return socket->reuse_addr == TRISTATE_UNKNOWN || socket->reuse_port == TRISTATE_UNKNOWN;
}

/*
 * Only bound sockets prove anything, and a pair only if a flag is missing in it. A socket is
 * compared with its nearest neighbours only, so that a bucket of 50,000 stays linear: what is not
 * compared stays unknown, which is never wrong.
 */
#define NEIGHBOURS 64

static void infer_bucket(struct snapshot *snapshot, const uint32_t *bound, uint32_t n_bound)
{
	struct inet_socket *a, *b;
	uint32_t i, j;

	for (i = 0; i < n_bound; i++) {
		a = &snapshot->sockets[bound[i]];
		for (j = i + 1; j < n_bound && j <= i + NEIGHBOURS; j++) {
			b = &snapshot->sockets[bound[j]];
			if (!(flags_missing(a) || flags_missing(b)) || !surely_overlap(a, b))
				continue;
			if (protocol_is_stream(a->protocol))
				infer_tcp(a, b);
			else
				infer_udp(a, b);
		}
	}
}

static bool any_flags_missing(const struct snapshot *snapshot)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++)
		if (socket_is_bound(&snapshot->sockets[i]) && flags_missing(&snapshot->sockets[i]))
			return true;
	return false;
}

void infer_reuse(struct snapshot *snapshot)
{
	struct bind_bucket_index index;
	uint32_t i, j, n_bound, *bound;

	if (!any_flags_missing(snapshot))
		return;
	bound = xcalloc(snapshot->n_sockets, sizeof(*bound));
	bind_bucket_index_init(&index, snapshot);
	for (i = 0; i < index.n_buckets; i++) {
		const struct bind_bucket *bucket = &index.buckets[i];

		n_bound = 0;
		for (j = 0; j < bucket->count; j++) {
			uint32_t member = index.members[bucket->first + j];

			if (socket_is_bound(&snapshot->sockets[member]))
				bound[n_bound++] = member;
		}
		infer_bucket(snapshot, bound, n_bound);
	}
	bind_bucket_index_done(&index);
	free(bound);
}

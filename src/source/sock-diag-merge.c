/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-merge.h"

#include <stdlib.h>
#include <string.h>

#include "source/socket-index.h"
#include "util/xalloc.h"

/* The socket with this key, or SNAPSHOT_NONE. */
static uint32_t find(const struct socket_index *index, uint64_t key)
{
	uint32_t cursor = SOCKET_INDEX_START;

	return socket_index_find(index, key, &cursor);
}

void sock_diag_remove_repeated(struct snapshot *snapshot, uint32_t first)
{
	struct inet_socket *sockets = snapshot->sockets;
	struct socket_index index;
	uint32_t i, seen, kept = first;

	if (snapshot->n_sockets - first < 2)
		return;
	socket_index_init(&index, snapshot, SOCKET_KEY_COOKIE, snapshot->n_sockets - first);
	for (i = first; i < snapshot->n_sockets; i++) {
		seen = SNAPSHOT_NONE;
		if (sockets[i].known & SOCKET_HAS_COOKIE)
			seen = find(&index, sockets[i].cookie);
		if (seen != SNAPSHOT_NONE) {
			sockets[seen] = sockets[i];
			continue;
		}
		if (kept != i)
			sockets[kept] = sockets[i];
		socket_index_add(&index, kept++);
	}
	snapshot->n_sockets = kept;
	socket_index_done(&index);
}

uint32_t sock_diag_merge_dumps(struct snapshot *snapshot, uint32_t first, uint32_t middle)
{
	uint32_t n_older = middle - first, n_newer = snapshot->n_sockets - middle;
	struct inet_socket *sockets = snapshot->sockets, *older;
	uint32_t i, only_older = 0, common;
	struct socket_index index;

	older = xcalloc(n_older, sizeof(*older));
	memcpy(older, sockets + first, n_older * sizeof(*older));
	memmove(sockets + first, sockets + middle, n_newer * sizeof(*sockets));
	snapshot->n_sockets = first + n_newer;
	socket_index_init(&index, snapshot, SOCKET_KEY_COOKIE, n_newer);
	for (i = first; i < first + n_newer; i++)
		socket_index_add(&index, i);
	for (i = 0; i < n_older; i++) {
		if (find(&index, older[i].cookie) != SNAPSHOT_NONE)
			continue;
		sockets[snapshot->n_sockets++] = older[i];
		only_older++;
	}
	common = n_older - only_older;
	socket_index_done(&index);
	free(older);
	return only_older + n_newer - common;
}

static bool same_ends(const struct inet_socket *a, const struct inet_socket *b)
{
	return a->family == b->family && a->local_port == b->local_port &&
	       a->peer_port == b->peer_port && address_equal(&a->local, &b->local) &&
	       address_equal(&a->peer, &b->peer);
}

/* What of an MPTCP socket is told only of the TCP socket within. */
static void take_from_within(struct inet_socket *whole, const struct inet_socket *within)
{
	/* Binding to an IPv6 address sets it there only. */
	whole->v6only = within->v6only;
	/* There a listener counts whom it turns away. */
	if (whole->state != STATE_LISTEN)
		return;
	whole->drops = within->drops;
	whole->known = (whole->known & ~SOCKET_HAS_DROPS) | (within->known & SOCKET_HAS_DROPS);
}

void sock_diag_remove_subflows(struct snapshot *snapshot, uint32_t first, uint32_t first_mptcp)
{
	struct inet_socket *sockets = snapshot->sockets;
	struct socket_index index;
	uint32_t i, whole, kept = first;

	if (first_mptcp == snapshot->n_sockets)
		return;
	socket_index_init(&index, snapshot, SOCKET_KEY_INODE, snapshot->n_sockets - first_mptcp);
	for (i = first_mptcp; i < snapshot->n_sockets; i++)
		socket_index_add(&index, i);
	/* What is written lies in front of what is read and, to the end, of what is indexed. */
	for (i = first; i < snapshot->n_sockets; i++) {
		if (i < first_mptcp && sockets[i].protocol == PROTOCOL_TCP && sockets[i].inode) {
			whole = find(&index, sockets[i].inode);
			if (whole != SNAPSHOT_NONE && same_ends(&sockets[whole], &sockets[i])) {
				take_from_within(&sockets[whole], &sockets[i]);
				continue;
			}
		}
		sockets[kept++] = sockets[i];
	}
	snapshot->n_sockets = kept;
	socket_index_done(&index);
}

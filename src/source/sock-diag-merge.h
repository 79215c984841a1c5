/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCK_DIAG_MERGE_H
#define SOURCE_SOCK_DIAG_MERGE_H

#include <stdint.h>

#include "model/snapshot.h"

/* What dumps that are not atomic, and overlap, say of the same sockets. Pure. */

/*
 * Drop repetitions from first on: a socket that changed its state while the tables were read, or
 * was shifted in its chain. The first place is kept, with what was seen last. Not for SCTP, where
 * every association has the cookie of its socket.
 */
void sock_diag_remove_repeated(struct snapshot *snapshot, uint32_t first);

/*
 * Two dumps of the same sockets lie behind each other, the newer from middle on. Put the newer in
 * front and behind it what only the older one has. Returns how many only one of both has.
 */
uint32_t sock_diag_merge_dumps(struct snapshot *snapshot, uint32_t first, uint32_t middle);

/*
 * The TCP socket within an MPTCP socket has its inode. Where it also has its addresses it is the
 * same thing a second time, and is dropped; further subflows have addresses of their own and stay.
 * The sockets of MPTCP lie from first_mptcp to the end, those of TCP somewhere from first on.
 */
void sock_diag_remove_subflows(struct snapshot *snapshot, uint32_t first, uint32_t first_mptcp);

#endif

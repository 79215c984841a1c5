/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_REUSE_GETFD_H
#define SOURCE_REUSE_GETFD_H

#include <stdbool.h>
#include <stdint.h>

#include "model/snapshot.h"

/*
 * SO_REUSEADDR and SO_REUSEPORT of listening, bound and UDP sockets, and with connections of those
 * of TCP too, whose flags are not yet known, through a short-lived copy of an owner's descriptor
 * (pidfd_getfd(2), Linux 5.6; needs the right to ptrace the owner). The copy is checked to be the
 * socket meant (SO_COOKIE). Also reads v6only of those whose sock_diag message did not tell.
 * Sockets that could not be read stay unknown; the caller counts them.
 *
 * The copy is closed at once, some microseconds after it was made. If the owner closes meanwhile,
 * this close is the last one, and does what the owner's would have done: until then the port is not
 * free, the FIN is not sent, or with SO_LINGER of 0 s the RST. Of a connection with SO_LINGER above
 * 0 s and data that is not acknowledged it waits, here for up to that time, while the owner's
 * close() has returned without. What the socket has can be asked only when the copy is there, which
 * is too late to leave it alone, and its options are the owner's: they are not changed.
 */
void reuse_getfd_collect(struct snapshot *snapshot, bool connections);

#endif

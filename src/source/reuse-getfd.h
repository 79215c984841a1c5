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
 * socket meant (SO_COOKIE) and closed at once, since while it lives the owner's close() does not
 * free the port. Also reads v6only of those whose sock_diag message did not tell. Sockets that
 * could not be read stay unknown; the caller counts them.
 */
void reuse_getfd_collect(struct snapshot *snapshot, bool connections);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_OWNERS_H
#define SOURCE_OWNERS_H

#include "model/snapshot.h"
#include "source/netns.h"
#include "source/source.h"

/*
 * Find every process and descriptor that holds a socket of the snapshot, and with it, where BPF
 * works, the reuse flags. Fills sockets' owner range and owner_status, processes (sorted by pid)
 * and owners; records as limits what could not be seen. Without BPF the flags of listening, bound
 * and UDP sockets are read through pidfd_getfd(2) if request->want has WANT_REUSE. namespaces are
 * those of the snapshot, in its order.
 *
 * What is said of a socket without an owner, and why:
 *  - OWNER_NONE: inode 0 and TIME-WAIT, a request, or a connection that is not closing: it waits to
 *    be accepted. OWNER_ORPHAN: inode 0 and closing.
 *  - OWNER_KERNEL: BPF showed it to be the kernel's own. Not told otherwise.
 *  - OWNER_IN_FLIGHT: no process and no io_uring has it, and at least as many descriptors are on
 *    their way through Unix sockets as there are such sockets. The kernel says of those only how
 *    many they are, so this is not proven of the single socket: it may have been closed meanwhile
 *    and, where BPF has not seen it (bound TCP, UDP-Lite, MPTCP, SCTP), be the kernel's own.
 *  - OWNER_HIDDEN: there are processes whose descriptors may not be read or that are outside the
 *    pid namespace.
 *  - OWNER_UNKNOWN: everything could be looked at; mostly it was closed meanwhile.
 *
 * Sockets that listen or are bound, and of which holders or flags were not found, are asked for
 * once more at the end: those that are gone are taken out of the snapshot.
 */
void owners_collect(const struct collect_request *request, const struct netns_list *namespaces,
		    struct snapshot *snapshot);

#endif

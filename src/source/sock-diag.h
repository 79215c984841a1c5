/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCK_DIAG_H
#define SOURCE_SOCK_DIAG_H

#include <stdint.h>

#include "model/snapshot.h"
#include "source/source.h"

/*
 * Dump the sockets of the calling thread's network namespace through NETLINK_SOCK_DIAG
 * (net/ipv4/inet_diag.c) and append them to the snapshot as namespace netns (index). Every
 * protocol of the request for which the kernel answers, both families in one pass where it can,
 * in the kernel's own order; de-duplicated by cookie. An MPTCP socket is listed once, as MPTCP if
 * that is wanted, else as the TCP socket within. Where sock_diag is refused or absent,
 * /proc/net/{tcp,udp,udplite}[6] is read instead.
 *
 * A dump is not atomic: what is handed out in several messages can change between them, without
 * NLM_F_DUMP_INTR. Repetitions are removed. Sockets can also be missed, but only in a chain that is
 * longer than a message: the sockets of one UDP port, and listeners of one TCP port (connections
 * are spread over short chains). Listeners are always dumped twice (it costs microseconds), UDP
 * again only if ports are asked for, so that the answer is about few sockets, and it took several
 * messages: until two dumps agree, three at most. A dump of everything is not repeated: it would
 * double the cost of the whole for what only churn on one port can spoil.
 *
 * What was missing, cut or changed becomes a limit. Returns 0, or -errno when no source answers at
 * all.
 */
int sock_diag_collect(const struct collect_request *request, uint32_t netns,
		      struct snapshot *snapshot);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_PROC_NET_H
#define SOURCE_PROC_NET_H

#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"
#include "source/source.h"

/*
 * One line of /proc/net/{tcp,udp,udplite}[6] (tcp4_seq_show(), udp4_seq_show() and their IPv6
 * twins), without its newline. Returns 0, or -EBADMSG for a header or a line of another form.
 */
int proc_net_parse_line(const char *line, size_t length, int family, enum protocol protocol,
			struct inet_socket *ret_socket);

/*
 * The fall-back of sock_diag_collect(): appends what /proc/net shows of the calling thread's
 * namespace, filtered by the request, and records as limits what these files never show (cookies,
 * v6only, devices, bound TCP sockets, drops of TCP). Returns 0, or -errno if none can be read.
 */
int proc_net_collect(const struct collect_request *request, uint32_t netns,
		     struct snapshot *snapshot);

#endif

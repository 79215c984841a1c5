/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PROBE_TAKEOVER_H
#define ANALYSIS_PROBE_TAKEOVER_H

#include "analysis/delivery.h"
#include "analysis/probe.h"

/*
 * Fill losses: from whom the candidate takes what. before are the receivers of its port, after are
 * these and the candidate, as SNAPSHOT_NONE, in the kernel's order. Looked at are its own address,
 * and of either family one that nobody has bound, on every device that somebody is bound to and on
 * others; a bind changes nothing elsewhere. Multicast and broadcast are copied, and never taken.
 */
void probe_find_losses(const struct snapshot *snapshot, const struct delivery_socket *before,
		       uint32_t n_before, const struct delivery_socket *after, uint32_t n_after,
		       struct probe_report *report);

/* An address of this family, of loopback where it can be, that no socket is bound to. */
struct address probe_free_address(const struct delivery_socket *sockets, uint32_t n_sockets,
				  int family);

#endif

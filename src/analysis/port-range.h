/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_PORT_RANGE_H
#define ANALYSIS_PORT_RANGE_H

#include "model/snapshot.h"
#include "model/tristate.h"

/*
 * What the sysctls of a namespace say of a port. Where a snapshot does not have them, what the
 * kernel begins with is taken: 32768-60999, and 1024.
 */

/* ip_local_port_range, from which the kernel chooses ports; both ends are in it. */
void port_range(const struct snapshot *snapshot, uint32_t netns, uint16_t *ret_first,
		uint16_t *ret_last);

/* Whether a port lies in the range, and is not reserved. */
bool port_is_ephemeral(const struct snapshot *snapshot, uint32_t netns, uint16_t port);

/*
 * Whether a connection looks like that of the side that called connect(2), by its ports: its own is
 * of the range, or its peer's is not. For where no server on the port is left to tell.
 */
bool port_is_of_client(const struct snapshot *snapshot, const struct inet_socket *socket);

/* Whether binding a port takes CAP_NET_BIND_SERVICE (ip_unprivileged_port_start). */
bool port_is_privileged(const struct snapshot *snapshot, uint32_t netns, uint16_t port);

/* Whether a port is in ip_local_reserved_ports. */
enum tristate port_is_reserved(const struct snapshot *snapshot, uint32_t netns, uint16_t port);

/* How many ports of the range are reserved; 0 also if that is not known. */
uint32_t port_n_reserved(const struct snapshot *snapshot, uint32_t netns);

/* A bit for each port. */
#define PORT_SET_SIZE (65536 / 8)

/* Set the bits of the reserved ports; of none if they are not known. */
void port_mark_reserved(const struct snapshot *snapshot, uint32_t netns,
			uint8_t set[PORT_SET_SIZE]);

#endif

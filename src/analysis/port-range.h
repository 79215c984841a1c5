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

/* Whether binding a port takes CAP_NET_BIND_SERVICE (ip_unprivileged_port_start). */
bool port_is_privileged(const struct snapshot *snapshot, uint32_t netns, uint16_t port);

/*
 * ip_local_reserved_ports of all namespaces, which may be long texts: read once for all that is
 * asked of it.
 */
struct port_rules {
	const struct snapshot *snapshot; /* not owned */
	struct port_span *reserved; /* of each namespace in ascending order, with gaps between */
	uint32_t *starts; /* of each namespace where its spans begin; and where the last ones end */
};

/* Of the snapshot as it is now. Freed with port_rules_done(). */
void port_rules_init(struct port_rules *rules, const struct snapshot *snapshot);
void port_rules_done(struct port_rules *rules);

/* Whether a port is in ip_local_reserved_ports. */
enum tristate port_is_reserved(const struct port_rules *rules, uint32_t netns, uint16_t port);

/* Whether a port lies in the range, and is not reserved. */
bool port_is_ephemeral(const struct port_rules *rules, uint32_t netns, uint16_t port);

/* How many ports lie in the range, and are not reserved. */
uint32_t port_n_ephemeral(const struct port_rules *rules, uint32_t netns);

/*
 * Whether a connection looks like that of the side that called connect(2), by its ports: its own is
 * of the range, or its peer's is not. For where no server on the port is left to tell.
 */
bool port_is_of_client(const struct port_rules *rules, const struct inet_socket *socket);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_ROUTE_H
#define PROBE_ROUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/address.h"

/*
 * The type of the route on which the caller's network namespace would send to an address, by a
 * device or (0) any: RTN_LOCAL, RTN_BROADCAST, … of linux/rtnetlink.h, RTN_UNSPEC if there is no
 * route, or -errno. A mapped address is one of IPv4. It is this, and not what an interface says of
 * itself, by which the kernel tells local and broadcast addresses (inet_addr_type(),
 * ip_route_input()).
 */
int route_type(int family, const struct address *address, uint32_t interface);

/* Whether what arrives for an address is broadcast. False too where the routes cannot be read. */
bool route_is_broadcast(int family, const struct address *address);

#endif

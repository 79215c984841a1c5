/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_REPLICA_NET_H
#define PROBE_REPLICA_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "model/address.h"

/*
 * A network namespace of one's own, for a child process that ends with it. Nothing outside is
 * touched. All return 0 or -errno.
 */

/*
 * Enter a new network namespace, by the right to make one or in a new user namespace, in which
 * *ret_one_user is set: there are no sockets of other users in it then. The loopback device is up.
 */
int replica_net_enter(bool *ret_one_user);

/* A device of this name that carries nothing; lo and one made before are there already. */
int replica_net_add_device(const char *name);

/* Give a device (NULL: lo) an address. What every host has and what none can be given is left. */
int replica_net_add_address(const char *device, int family, const struct address *address);

/* From then on no address is local, not even those of loopback, and no device is up. */
int replica_net_remove_addresses(void);

/* Write a sysctl of the namespace, e.g. "ipv4/ip_unprivileged_port_start". */
int replica_net_set(const char *sysctl, int64_t value);

#endif

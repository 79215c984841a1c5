/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_TRAFFIC_H
#define PROBE_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#include "model/address.h"

/*
 * Datagrams, or connections, from many source ports to one address, and who gets them. Only for a
 * private namespace: what arrives at the sockets is taken.
 */

/*
 * So many for each socket: that one of a group of SO_REUSEPORT, among whom a hash of both ends
 * chooses, gets none by chance is one case in ten millions. For many sockets there are not enough.
 */
#define TRAFFIC_EACH 16

/*
 * fds: the sockets, -1 for none; ret_counts has an element for each. Returns how many were sent, or
 * -errno if none could be.
 */
int traffic_count(bool stream, int family, const struct address *to, uint16_t port, const int *fds,
		  uint32_t n_fds, uint32_t *ret_counts);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_BROADCAST_H
#define PROBE_BROADCAST_H

#include <stdbool.h>

#include "model/address.h"

/*
 * Whether an address is the broadcast address of an interface in the caller's network namespace
 * (getifaddrs(3)). False too where the interfaces cannot be read. For IPv6 there is none.
 */
bool broadcast_is_here(int family, const struct address *address);

#endif

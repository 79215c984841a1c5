/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_PRIVILEGE_H
#define PROBE_PRIVILEGE_H

#include <stdbool.h>

#include "model/tristate.h"

/*
 * Whether ports below ip_unprivileged_port_start of a network namespace (its descriptor, or -1: the
 * own one) may be bound: by the caller, or with as_root by root of the caller's user namespace. The
 * kernel asks for CAP_NET_BIND_SERVICE in the user namespace that owns the network namespace
 * (__inet_bind(), cap_capable()): root of a container that has the host's network does not have it.
 */
enum tristate privilege_to_bind(int netns, bool as_root);

#endif

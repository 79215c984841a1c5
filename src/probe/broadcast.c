/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/broadcast.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

bool broadcast_is_here(int family, const struct address *address)
{
	struct ifaddrs *first, *at;
	struct address wanted;
	bool found = false;

	if (address_unmap(family, address, &wanted) != AF_INET || getifaddrs(&first))
		return false;
	for (at = first; at && !found; at = at->ifa_next) {
		const struct sockaddr_in *broadcast = (const void *)at->ifa_broadaddr;

		found = (at->ifa_flags & IFF_BROADCAST) && broadcast &&
			broadcast->sin_family == AF_INET &&
			!memcmp(&broadcast->sin_addr, wanted.bytes, 4);
	}
	freeifaddrs(first);
	return found;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_SELECTOR_H
#define ANALYSIS_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/snapshot.h"

/* [tcp:|udp:][ADDRESS:]PORT[-PORT], what a user names on the command line. */
struct selector {
	uint32_t protocols; /* 1U << enum protocol; tcp includes MPTCP, udp includes UDP-Lite */
	bool has_address;
	uint8_t family;
	struct address address;
	uint16_t first_port, last_port;
};

/*
 * Where service names come from (getservbyname(3) in the program), since this part does no I/O.
 * Returns the port in host byte order, or -ENOENT. protocols as in struct selector.
 */
typedef int (*selector_service)(const char *name, uint32_t protocols);

/*
 * Read one selector. Returns 0, or -EINVAL with a static sentence in ret_expected that says what
 * was expected instead.
 */
int selector_parse(const char *text, selector_service service, struct selector *ret_selector,
		   const char **ret_expected);

/*
 * Read what somebody wants to bind, [tcp:|udp:][ADDRESS:]PORT: as selector_parse(), but one port,
 * which may be 0 for any (then first_port is 0). Without a prefix protocols has all.
 */
int selector_parse_bind(const char *text, selector_service service, struct selector *ret_selector,
			const char **ret_expected);

/*
 * Whether a socket is meant: protocol and local port match, and the address is the one it is bound
 * to or one that its wildcard address covers.
 */
bool selector_match(const struct selector *selector, const struct inet_socket *socket);

/* As a user would write it: "tcp:8080", "[::1]:53", "8000-8100". malloc'ed. */
char *selector_format(const struct selector *selector);

#endif

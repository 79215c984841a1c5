/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_ADDRESS_H
#define MODEL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * An IPv4 or IPv6 address, in network byte order. IPv4 uses the first four bytes, the others are
 * zero. The family (AF_INET, AF_INET6) is kept by whoever holds the address, since local and peer
 * address of a socket share one.
 */
struct address {
	uint8_t bytes[16];
};

/* Longest text of an address, with its NUL; INET6_ADDRSTRLEN. */
#define ADDRESS_TEXT_MAX 46

/* 0.0.0.0 or ::. The IPv4-mapped ::ffff:0.0.0.0 counts too, as it does for the kernel's bind. */
bool address_is_wildcard(int family, const struct address *address);

/* ::ffff:a.b.c.d. Always false for AF_INET. */
bool address_is_v4_mapped(int family, const struct address *address);

/* What an address of either family is to who takes both: IPv4 in its mapped form. */
struct address address_as_mapped(int family, const struct address *address);

/* The other way: a mapped address becomes one of IPv4, others stay. Returns the family. */
int address_unmap(int family, const struct address *address, struct address *ret_address);

bool address_is_loopback(int family, const struct address *address);

/* 224.0.0.0/4, ff00::/8, or a mapped IPv4 multicast address. */
bool address_is_multicast(int family, const struct address *address);

/*
 * Whether it is an address of broadcast whatever the interfaces of a network: 255.255.255.255, or
 * 127.255.255.255, since lo has 127.0.0.1/8; mapped or not.
 */
bool address_is_broadcast(int family, const struct address *address);

bool address_equal(const struct address *a, const struct address *b);

/* Total order by bytes (memcmp), for sorting. */
int address_compare(const struct address *a, const struct address *b);

/*
 * Whether a socket bound to bound (wildcard, dual-stack unless v6only) covers the address wanted:
 * equal, or a wildcard that accepts its family. Mapped and plain IPv4 are the same address.
 */
bool address_covers(int bound_family, const struct address *bound, bool v6only, int wanted_family,
		    const struct address *wanted);

/*
 * Read a numeric address; IPv6 may stand in brackets. Returns 0, or -EINVAL if the length bytes
 * are no address. ret_family receives AF_INET or AF_INET6.
 */
int address_parse(const char *text, size_t length, int *ret_family, struct address *ret_address);

/* The text as inet_ntop(3) writes it, without brackets. Returns buffer. */
const char *address_format(int family, const struct address *address,
			   char buffer[ADDRESS_TEXT_MAX]);

#endif

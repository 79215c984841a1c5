/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

bool address_is_v4_mapped(int family, const struct address *address)
{
	return family == AF_INET6 && !memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix));
}

/* The IPv4 address within a plain or mapped one, else NULL. */
static const uint8_t *v4_bytes(int family, const struct address *address)
{
	if (family == AF_INET)
		return address->bytes;
	return address_is_v4_mapped(family, address) ? address->bytes + 12 : NULL;
}

bool address_is_wildcard(int family, const struct address *address)
{
	static const uint8_t zero[16];
	const uint8_t *v4 = v4_bytes(family, address);

	return v4 ? !memcmp(v4, zero, 4) : !memcmp(address->bytes, zero, sizeof(zero));
}

struct address address_as_mapped(int family, const struct address *address)
{
	struct address mapped;

	if (family == AF_INET6)
		return *address;
	memcpy(mapped.bytes, mapped_prefix, sizeof(mapped_prefix));
	memcpy(mapped.bytes + sizeof(mapped_prefix), address->bytes, 4);
	return mapped;
}

int address_unmap(int family, const struct address *address, struct address *ret_address)
{
	struct address plain = { .bytes = { 0 } };

	if (!address_is_v4_mapped(family, address)) {
		*ret_address = *address;
		return family;
	}
	memcpy(plain.bytes, v4_bytes(family, address), 4);
	*ret_address = plain;
	return AF_INET;
}

bool address_is_loopback(int family, const struct address *address)
{
	static const uint8_t loopback[16] = { [15] = 1 };
	const uint8_t *v4 = v4_bytes(family, address);

	return v4 ? v4[0] == 127 : !memcmp(address->bytes, loopback, sizeof(loopback));
}

bool address_is_multicast(int family, const struct address *address)
{
	const uint8_t *v4 = v4_bytes(family, address);

	return v4 ? (v4[0] & 0xf0) == 0xe0 : address->bytes[0] == 0xff;
}

bool address_is_broadcast(int family, const struct address *address)
{
	static const uint8_t rest[] = { 255, 255, 255 };
	struct address v4;

	return address_unmap(family, address, &v4) == AF_INET &&
	       (v4.bytes[0] == 255 || v4.bytes[0] == 127) &&
	       !memcmp(v4.bytes + 1, rest, sizeof(rest));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int address_compare(const struct address *a, const struct address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool address_covers(int bound_family, const struct address *bound, bool v6only, int wanted_family,
		    const struct address *wanted)
{
	const uint8_t *bound_v4 = v4_bytes(bound_family, bound);
	const uint8_t *wanted_v4 = v4_bytes(wanted_family, wanted);

	if (address_is_wildcard(bound_family, bound)) {
		if (wanted_v4)
			return bound_v4 || !v6only;
		return !bound_v4;
	}
	if (bound_v4 && wanted_v4)
		return !memcmp(bound_v4, wanted_v4, 4);
	return !bound_v4 && !wanted_v4 && address_equal(bound, wanted);
}

int address_parse(const char *text, size_t length, int *ret_family, struct address *ret_address)
{
	struct address address = { 0 };
	char buffer[ADDRESS_TEXT_MAX];
	int family;

	if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
		text++;
		length -= 2;
		if (!memchr(text, ':', length))
			return -EINVAL;
	}
	if (!length || length >= sizeof(buffer) || memchr(text, '\0', length))
		return -EINVAL;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	family = memchr(buffer, ':', length) ? AF_INET6 : AF_INET;
	if (inet_pton(family, buffer, address.bytes) != 1)
		return -EINVAL;
	*ret_family = family;
	*ret_address = address;
	return 0;
}

static char *put_byte(char *at, uint8_t byte)
{
	if (byte >= 100)
		*at++ = (char)('0' + byte / 100);
	if (byte >= 10)
		*at++ = (char)('0' + byte / 10 % 10);
	*at++ = (char)('0' + byte % 10);
	return at;
}

static char *put_v4(char *at, const uint8_t *bytes)
{
	int i;

	for (i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = put_byte(at, bytes[i]);
	}
	return at;
}

static char *put_hex(char *at, unsigned int word)
{
	static const char digits[] = "0123456789abcdef";

	if (word >= 0x1000)
		*at++ = digits[word >> 12];
	if (word >= 0x100)
		*at++ = digits[word >> 8 & 15];
	if (word >= 0x10)
		*at++ = digits[word >> 4 & 15];
	*at++ = digits[word & 15];
	return at;
}

/* The first of the longest runs of zeros, which "::" stands for; one zero alone is no run. */
static int longest_zeros(const unsigned int words[8], int *ret_length)
{
	int i, start = -1, best = -1;

	*ret_length = 1;
	for (i = 0; i < 8; i++) {
		if (words[i]) {
			start = -1;
			continue;
		}
		if (start < 0)
			start = i;
		if (i + 1 - start > *ret_length) {
			*ret_length = i + 1 - start;
			best = start;
		}
	}
	return best;
}

static char *put_v6(char *at, const uint8_t *bytes)
{
	unsigned int words[8];
	int i, zeros, n_zeros;
	bool ends_in_v4;

	for (i = 0; i < 8; i++)
		words[i] = (unsigned int)bytes[2 * i] << 8 | bytes[2 * i + 1];
	zeros = longest_zeros(words, &n_zeros);
	ends_in_v4 = !zeros && (n_zeros == 6 || (n_zeros == 5 && words[5] == 0xffff));
	for (i = 0; i < 8; i++) {
		if (i == zeros) {
			*at++ = ':';
			i += n_zeros - 1;
			if (i == 7)
				*at++ = ':';
			continue;
		}
		if (i)
			*at++ = ':';
		if (i == 6 && ends_in_v4)
			return put_v4(at, bytes + 12);
		at = put_hex(at, words[i]);
	}
	return at;
}

/* By hand: inet_ntop(3) goes through printf(3) and takes ten times as long. */
const char *address_format(int family, const struct address *address, char buffer[ADDRESS_TEXT_MAX])
{
	char *end = family == AF_INET ? put_v4(buffer, address->bytes) :
					put_v6(buffer, address->bytes);

	*end = '\0';
	return buffer;
}

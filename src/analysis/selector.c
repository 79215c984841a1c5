/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/selector.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "util/xalloc.h"

#define STREAM_PROTOCOLS (1U << PROTOCOL_TCP | 1U << PROTOCOL_MPTCP)
#define DATAGRAM_PROTOCOLS (1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE)
#define ALL_PROTOCOLS ((1U << N_PROTOCOLS) - 1)

static const struct {
	const char *prefix;
	uint32_t protocols;
} prefixes[] = {
	{ "tcp:", STREAM_PROTOCOLS },	    { "udp:", DATAGRAM_PROTOCOLS },
	{ "mptcp:", 1U << PROTOCOL_MPTCP }, { "udplite:", 1U << PROTOCOL_UDPLITE },
	{ "sctp:", 1U << PROTOCOL_SCTP },
};

/* One port number at the head of text; returns its length, 0 if there is none. */
static size_t parse_port(const char *text, uint16_t *ret_port)
{
	uint32_t port = 0;
	size_t i;

	for (i = 0; isdigit((unsigned char)text[i]); i++) {
		port = port * 10 + (uint32_t)(text[i] - '0');
		if (port > UINT16_MAX)
			return 0;
	}
	if (!i || !port)
		return 0;
	*ret_port = (uint16_t)port;
	return i;
}

/* What is expected in place of a port that cannot be read: of a selector, and of a bind. */
static const struct {
	const char *missing, *name, *number;
} expected_port[] = {
	{ "a port is missing: expected PORT, FIRST-LAST or a service name",
	  "expected a port from 1 to 65535 or a service name of /etc/services",
	  "expected a port from 1 to 65535, or FIRST-LAST" },
	{ "a port is missing: expected PORT or a service name",
	  "expected a port from 0 to 65535 or a service name of /etc/services",
	  "expected a port from 0 to 65535" },
};

static int parse_ports(const char *text, selector_service service, bool is_bind,
		       struct selector *selector, const char **ret_expected)
{
	size_t length;
	int port;

	if (!*text) {
		*ret_expected = expected_port[is_bind].missing;
		return -EINVAL;
	}
	if (!isdigit((unsigned char)*text)) {
		port = service(text, selector->protocols);
		if (port <= 0) {
			*ret_expected = expected_port[is_bind].name;
			return -EINVAL;
		}
		selector->first_port = selector->last_port = (uint16_t)port;
		return 0;
	}
	length = parse_port(text, &selector->first_port);
	*ret_expected = expected_port[is_bind].number;
	if (!length)
		return -EINVAL;
	selector->last_port = selector->first_port;
	text += length;
	if (*text == '-') {
		length = parse_port(text + 1, &selector->last_port);
		if (!length)
			return -EINVAL;
		text += 1 + length;
	}
	if (*text)
		return -EINVAL;
	if (selector->last_port < selector->first_port) {
		*ret_expected = "the range runs backwards: expected FIRST-LAST";
		return -EINVAL;
	}
	return 0;
}

/* Protocol and address; *text is moved on to the port. */
static int parse_place(const char **ret_text, struct selector *ret_selector,
		       const char **ret_expected)
{
	const char *text = *ret_text;
	struct selector selector = { .protocols = ALL_PROTOCOLS };
	const char *colon;
	size_t i, length;
	int family;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++) {
		length = strlen(prefixes[i].prefix);
		if (!strncasecmp(text, prefixes[i].prefix, length)) {
			selector.protocols = prefixes[i].protocols;
			text += length;
			break;
		}
	}
	colon = strrchr(text, ':');
	if (colon) {
		length = (size_t)(colon - text);
		if (*text != '[' && memchr(text, ':', length)) {
			*ret_expected = "an IPv6 address stands in brackets: [ADDRESS]:PORT";
			return -EINVAL;
		}
		if (length != 1 || *text != '*') {
			if (address_parse(text, length, &family, &selector.address)) {
				*ret_expected = "expected [tcp:|udp:][ADDRESS:]PORT with a "
						"numeric address";
				return -EINVAL;
			}
			selector.has_address = true;
			selector.family = (uint8_t)family;
		}
		text = colon + 1;
	}
	*ret_selector = selector;
	*ret_text = text;
	return 0;
}

int selector_parse(const char *text, selector_service service, struct selector *ret_selector,
		   const char **ret_expected)
{
	struct selector selector;
	int error = parse_place(&text, &selector, ret_expected);

	if (!error)
		error = parse_ports(text, service, false, &selector, ret_expected);
	if (!error)
		*ret_selector = selector;
	return error;
}

int selector_parse_bind(const char *text, selector_service service, struct selector *ret_selector,
			const char **ret_expected)
{
	struct selector selector;
	int error = parse_place(&text, &selector, ret_expected);

	if (error)
		return error;
	if (strcmp(text, "0")) {
		error = parse_ports(text, service, true, &selector, ret_expected);
		if (error)
			return error;
		if (selector.first_port != selector.last_port) {
			*ret_expected = "a bind is to one port";
			return -EINVAL;
		}
	}
	*ret_selector = selector;
	return 0;
}

bool selector_match(const struct selector *selector, const struct inet_socket *socket)
{
	if (!(selector->protocols & 1U << socket->protocol))
		return false;
	if (socket->local_port < selector->first_port || socket->local_port > selector->last_port)
		return false;
	return !selector->has_address ||
	       address_covers(socket->family, &socket->local, socket->v6only == TRISTATE_YES,
			      selector->family, &selector->address);
}

char *selector_format(const struct selector *selector)
{
	bool tcp = selector->protocols & 1U << PROTOCOL_TCP;
	bool udp = selector->protocols & 1U << PROTOCOL_UDP;
	const char *protocol = tcp && udp ? "" : tcp ? "tcp:" : udp ? "udp:" : "";
	bool v6 = selector->has_address && selector->family == AF_INET6;
	char address[ADDRESS_TEXT_MAX] = "", *ports, *text;

	if (selector->has_address)
		address_format(selector->family, &selector->address, address);
	ports = selector->first_port == selector->last_port ?
			xasprintf("%u", selector->first_port) :
			xasprintf("%u-%u", selector->first_port, selector->last_port);
	text = xasprintf("%s%s%s%s%s%s", protocol, v6 ? "[" : "", address, v6 ? "]" : "",
			 selector->has_address ? ":" : "", ports);
	free(ports);
	return text;
}

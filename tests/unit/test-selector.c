/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/selector.h"

#include <errno.h>
#include <sys/socket.h>

#include "helpers/tap.h"

static int service(const char *name, uint32_t protocols)
{
	if (!strcmp(name, "https"))
		return 443;
	if (!strcmp(name, "domain") && protocols & 1U << PROTOCOL_UDP)
		return 53;
	return -ENOENT;
}

static struct inet_socket make(enum protocol protocol, const char *address, uint16_t port)
{
	struct inet_socket socket = { .protocol = (uint8_t)protocol, .local_port = port };
	int family;

	address_parse(address, strlen(address), &family, &socket.local);
	socket.family = (uint8_t)family;
	return socket;
}

static bool selects(const char *text, enum protocol protocol, const char *address, uint16_t port)
{
	struct inet_socket socket = make(protocol, address, port);
	struct selector selector;
	const char *expected;

	return !selector_parse(text, service, &selector, &expected) &&
	       selector_match(&selector, &socket);
}

static void test_good(void)
{
	ok(selects("8080", PROTOCOL_TCP, "0.0.0.0", 8080), "a port takes TCP");
	ok(selects("8080", PROTOCOL_UDP, "::1", 8080), "a port takes UDP");
	ok(!selects("8080", PROTOCOL_TCP, "0.0.0.0", 8081), "a port does not take its neighbour");
	ok(selects("udp:5060", PROTOCOL_UDP, "0.0.0.0", 5060), "udp: takes UDP");
	ok(selects("udp:5060", PROTOCOL_UDPLITE, "0.0.0.0", 5060), "udp: takes UDP-Lite");
	ok(!selects("udp:5060", PROTOCOL_TCP, "0.0.0.0", 5060), "udp: does not take TCP");
	ok(selects("TCP:80", PROTOCOL_MPTCP, "::", 80), "tcp: takes MPTCP, in any case");
	ok(selects("8000-8100", PROTOCOL_TCP, "::", 8000) &&
		   selects("8000-8100", PROTOCOL_TCP, "::", 8100) &&
		   !selects("8000-8100", PROTOCOL_TCP, "::", 8101) &&
		   !selects("8000-8100", PROTOCOL_TCP, "::", 7999),
	   "a range takes both of its ends");
	ok(selects("https", PROTOCOL_TCP, "::", 443), "a service name");
	ok(selects("[::1]:443", PROTOCOL_TCP, "::1", 443), "an IPv6 address");
	ok(selects("[::1]:https", PROTOCOL_TCP, "::", 443), "the wildcard that covers it");
	ok(!selects("[::1]:443", PROTOCOL_TCP, "0.0.0.0", 443), "not the other family's wildcard");
	ok(selects("tcp:127.0.0.1:53-54", PROTOCOL_TCP, "127.0.0.1", 54), "all parts together");
	ok(selects("127.0.0.1:53", PROTOCOL_UDP, "0.0.0.0", 53), "0.0.0.0 covers 127.0.0.1");
	ok(!selects("127.0.0.1:53", PROTOCOL_UDP, "127.0.0.53", 53), "another address");
	ok(selects("*:80", PROTOCOL_TCP, "10.0.0.1", 80), "* is any address");
}

static void test_bad(void)
{
	static const char *const bad[] = {
		"",
		":",
		"tcp:",
		"0",
		"65536",
		"99999999999999999999",
		"80-",
		"-80",
		"90-80",
		"80-90-100",
		"80x",
		"8 0",
		" 80",
		"::1:443",
		"[::1]",
		"[::1:443",
		"[127.0.0.1]:80",
		"1.2.3:80",
		"localhost:80",
		"nosuchservice",
		"tcp:domain",
		"*",
		"icmp:7",
		"127.0.0.1:",
		"\033[31m",
		"80-99999",
		"tcp:udp:80",
	};
	struct selector selector;
	const char *expected;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		expected = NULL;
		ok(selector_parse(bad[i], service, &selector, &expected) == -EINVAL && expected &&
			   *expected,
		   "refuses \"%s\" and says what was expected", bad[i]);
	}
}

int main(void)
{
	test_good();
	test_bad();
	return done_testing();
}

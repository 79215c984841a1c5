/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/address.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "helpers/tap.h"

struct parsed {
	int family;
	struct address address;
};

static struct parsed parse(const char *text)
{
	struct parsed parsed = { .family = -1 };

	address_parse(text, strlen(text), &parsed.family, &parsed.address);
	return parsed;
}

static bool covers(const char *bound, bool v6only, const char *wanted)
{
	struct parsed a = parse(bound), b = parse(wanted);

	return address_covers(a.family, &a.address, v6only, b.family, &b.address);
}

static void test_text(void)
{
	static const char *const bad[] = { "",		"[]",  "[127.0.0.1]", "1.2.3",
					   "1.2.3.4.5", "::g", "[::1",	      "1.2.3.4 ",
					   "localhost", ":::", "256.1.1.1" };
	static const char *const good[] = { "0.0.0.0", "127.0.0.53", "::",
					    "::1",     "fe80::1",    "::ffff:10.0.0.1" };
	char buffer[ADDRESS_TEXT_MAX];
	struct parsed parsed;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(parse(bad[i]).family == -1, "refuses \"%s\"", bad[i]);
	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		parsed = parse(good[i]);
		is_str(address_format(parsed.family, &parsed.address, buffer), good[i],
		       "reads and writes %s", good[i]);
	}
	ok(parse("[::1]").family == AF_INET6, "reads IPv6 in brackets");
	parsed = (struct parsed){ .family = 0 };
	ok(address_parse("::1\0000", 5, &parsed.family, &parsed.address) < 0 && !parsed.family,
	   "refuses a NUL within, and touches nothing");
}

static void test_kinds(void)
{
	static const struct {
		const char *text;
		bool wildcard, mapped, loopback, multicast;
	} cases[] = {
		{ "0.0.0.0", true, false, false, false },
		{ "::", true, false, false, false },
		{ "::ffff:0.0.0.0", true, true, false, false },
		{ "127.3.2.1", false, false, true, false },
		{ "::1", false, false, true, false },
		{ "::ffff:127.0.0.1", false, true, true, false },
		{ "224.0.0.251", false, false, false, true },
		{ "239.255.255.250", false, false, false, true },
		{ "240.0.0.1", false, false, false, false },
		{ "ff02::fb", false, false, false, true },
		{ "::ffff:224.0.0.1", false, true, false, true },
		{ "10.0.0.1", false, false, false, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct parsed p = parse(cases[i].text);

		ok(address_is_wildcard(p.family, &p.address) == cases[i].wildcard &&
			   address_is_v4_mapped(p.family, &p.address) == cases[i].mapped &&
			   address_is_loopback(p.family, &p.address) == cases[i].loopback &&
			   address_is_multicast(p.family, &p.address) == cases[i].multicast,
		   "kind of %s", cases[i].text);
	}
}

static void test_covers(void)
{
	ok(covers("0.0.0.0", false, "127.0.0.1"), "0.0.0.0 covers IPv4");
	ok(!covers("0.0.0.0", false, "::1"), "0.0.0.0 does not cover IPv6");
	ok(covers("::", false, "127.0.0.1"), "dual-stack :: covers IPv4");
	ok(!covers("::", true, "127.0.0.1"), "v6only :: does not cover IPv4");
	ok(covers("::", true, "::1"), "v6only :: covers IPv6");
	ok(covers("::", false, "::ffff:1.2.3.4"), ":: covers mapped");
	ok(covers("::ffff:0.0.0.0", false, "1.2.3.4"), "mapped wildcard covers IPv4");
	ok(!covers("::ffff:0.0.0.0", false, "::1"), "mapped wildcard does not cover IPv6");
	ok(covers("127.0.0.1", false, "::ffff:127.0.0.1"), "mapped and plain are one address");
	ok(!covers("127.0.0.1", false, "127.0.0.2"), "another address is not covered");
	ok(covers("::1", true, "::1") && !covers("::1", true, "::2"), "IPv6 by equality");
}

/* Our own writer against inet_ntop(3), whose texts of :: with IPv4 differ between C libraries. */
static void test_format(void)
{
	char ours[ADDRESS_TEXT_MAX], theirs[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX];
	unsigned int seed = 1, i, wrong = 0, lost = 0;

	for (i = 0; i < 200000; i++) {
		int family = i % 8 ? AF_INET6 : AF_INET, found, j;
		struct address address = { 0 }, back;

		/* Words that are often zero, since there "::" is decided. */
		for (j = 0; j < (family == AF_INET ? 4 : 16); j++) {
			seed = seed * 1103515245U + 12345U;
			if (i & 1U << (8 + j / 2) || !(seed >> 29))
				address.bytes[j] = (uint8_t)(seed >> 16) >> (seed >> 24 & 7);
		}
		address_format(family, &address, ours);
		lost += address_parse(ours, strlen(ours), &found, &back) || found != family ||
			!address_equal(&address, &back);
		inet_ntop(family, address.bytes, theirs, sizeof(theirs));
#ifdef __GLIBC__
		wrong += strcmp(ours, theirs) != 0;
#endif
		wrong += inet_pton(family, theirs, back.bytes) != 1 ||
			 strcmp(address_format(family, &back, again), ours);
	}
	is_int(lost, 0, "addresses survive being written and read");
	is_int(wrong, 0, "they read as inet_ntop(3) writes them");
}

int main(void)
{
	test_text();
	test_format();
	test_kinds();
	test_covers();
	return done_testing();
}

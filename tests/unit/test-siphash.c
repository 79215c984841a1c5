/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/siphash.h"

#include "helpers/tap.h"

/* The published values: key 00 01 02 … 0f, input 00 01 02 … of that length. */
static void test_published(void)
{
	static const struct {
		size_t length;
		uint64_t hash;
	} published[] = {
		{ 0, 0x726fdb47dd0e0e31ULL },
		{ 1, 0x74f839c593dc67fdULL },
		{ 8, 0x93f5f5799a932462ULL },
		{ 15, 0xa129ca6149be45e5ULL },
	};
	const struct siphash_key key = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	unsigned char bytes[16];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	for (i = 0; i < sizeof(published) / sizeof(*published); i++)
		ok(siphash(&key, bytes, published[i].length) == published[i].hash,
		   "the published hash of %zu bytes", published[i].length);
}

static void test_key(void)
{
	struct siphash_key key, again;
	const struct siphash_key zero = { { 0 } };

	siphash_key_init(&key);
	siphash_key_init(&again);
	ok(siphash(&key, "nginx", 5) == siphash(&again, "nginx", 5), "one key a run");
	ok(siphash(&key, "nginx", 5) != siphash(&zero, "nginx", 5), "which is drawn");
}

int main(void)
{
	test_published();
	test_key();
	return done_testing();
}

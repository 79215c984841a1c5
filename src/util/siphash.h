/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_SIPHASH_H
#define UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/*
 * SipHash-2-4 (Aumasson and Bernstein): for tables whose keys others choose. Who does not know the
 * key cannot find strings that collide.
 */
struct siphash_key {
	uint64_t words[2];
};

/* One key for the whole run, which the kernel has drawn (AT_RANDOM, getauxval(3)). */
void siphash_key_init(struct siphash_key *key);

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

#endif

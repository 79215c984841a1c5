/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/siphash.h"

#include <endian.h>
#include <string.h>
#include <sys/auxv.h>

struct state {
	uint64_t v0, v1, v2, v3;
};

void siphash_key_init(struct siphash_key *key)
{
	const void *random = (const void *)getauxval(AT_RANDOM);

	*key = (struct siphash_key){ .words = { 0 } };
	if (random)
		memcpy(key->words, random, sizeof(key->words));
}

static uint64_t rotate(uint64_t value, int bits)
{
	return value << bits | value >> (64 - bits);
}

static void mix(struct state *state, int rounds)
{
	while (rounds--) {
		state->v0 += state->v1;
		state->v1 = rotate(state->v1, 13) ^ state->v0;
		state->v0 = rotate(state->v0, 32);
		state->v2 += state->v3;
		state->v3 = rotate(state->v3, 16) ^ state->v2;
		state->v0 += state->v3;
		state->v3 = rotate(state->v3, 21) ^ state->v0;
		state->v2 += state->v1;
		state->v1 = rotate(state->v1, 17) ^ state->v2;
		state->v2 = rotate(state->v2, 32);
	}
}

static void take(struct state *state, uint64_t word)
{
	state->v3 ^= word;
	mix(state, 2);
	state->v0 ^= word;
}

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
	struct state state = {
		.v0 = key->words[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->words[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->words[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->words[1] ^ 0x7465646279746573ULL,
	};
	const unsigned char *at = bytes;
	size_t left = length;
	uint64_t word;

	for (; left >= sizeof(word); left -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		take(&state, le64toh(word));
	}
	word = (uint64_t)length << 56;
	while (left--)
		word |= (uint64_t)at[left] << 8 * left;
	take(&state, word);
	state.v2 ^= 0xff;
	mix(&state, 4);
	return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/string-pool.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"
#include "util/xalloc.h"

/* An id is the offset of the string's bytes; its length stands in the four bytes before them. */
#define LENGTH_BYTES sizeof(uint32_t)

void string_pool_init(struct string_pool *pool)
{
	*pool = (struct string_pool){ 0 };
	siphash_key_init(&pool->key);
}

void string_pool_done(struct string_pool *pool)
{
	free(pool->bytes);
	free(pool->slots);
	string_pool_init(pool);
}

static uint32_t string_length(const struct string_pool *pool, string_id id)
{
	uint32_t length;

	memcpy(&length, pool->bytes + id - LENGTH_BYTES, sizeof(length));
	return length;
}

static size_t find_slot(const struct string_pool *pool, const char *bytes, size_t length)
{
	size_t slot = siphash(&pool->key, bytes, length) & (pool->n_slots - 1);
	string_id id;

	while ((id = pool->slots[slot])) {
		if (string_length(pool, id) == length && !memcmp(pool->bytes + id, bytes, length))
			break;
		slot = (slot + 1) & (pool->n_slots - 1);
	}
	return slot;
}

static void grow_slots(struct string_pool *pool)
{
	string_id *old = pool->slots;
	size_t n_old = pool->n_slots, i;

	pool->n_slots = n_old ? n_old * 2 : 64;
	pool->slots = xcalloc(pool->n_slots, sizeof(*pool->slots));
	for (i = 0; i < n_old; i++) {
		if (old[i])
			pool->slots[find_slot(pool, pool->bytes + old[i],
					      string_length(pool, old[i]))] = old[i];
	}
	free(old);
}

static string_id add_well_formed(struct string_pool *pool, const char *bytes, size_t length)
{
	size_t slot, need = LENGTH_BYTES + length + 1;
	uint32_t stored = (uint32_t)length;
	string_id id;

	if (pool->n_strings * 2 >= pool->n_slots)
		grow_slots(pool);
	slot = find_slot(pool, bytes, length);
	if (pool->slots[slot])
		return pool->slots[slot];
	/* Ids are offsets. More text than that is somebody's attempt, not a host's. */
	if (pool->used + need > UINT32_MAX)
		xchecked(NULL);
	if (pool->used + need > pool->capacity) {
		while (pool->used + need > pool->capacity)
			pool->capacity = pool->capacity ? pool->capacity * 2 : 4096;
		pool->bytes = xreallocarray(pool->bytes, pool->capacity, 1);
	}
	id = (string_id)(pool->used + LENGTH_BYTES);
	memcpy(pool->bytes + pool->used, &stored, sizeof(stored));
	memcpy(pool->bytes + id, bytes, length);
	pool->bytes[id + length] = '\0';
	pool->used += need;
	pool->slots[slot] = id;
	pool->n_strings++;
	return id;
}

string_id string_pool_add_bytes(struct string_pool *pool, const char *bytes, size_t length)
{
	bool well_formed = true;
	size_t i, step, written = 0;
	char *repaired;
	string_id id;

	if (!bytes)
		return 0;
	for (i = 0; i < length && well_formed; i += step) {
		step = utf8_decode(bytes + i, length - i, NULL);
		well_formed = step > 0;
	}
	if (well_formed)
		return add_well_formed(pool, bytes, length);
	repaired = xmalloc(length * 4 + 1);
	for (i = 0; i < length; i += step) {
		step = utf8_decode(bytes + i, length - i, NULL);
		if (step) {
			memcpy(repaired + written, bytes + i, step);
			written += step;
		} else {
			written += (size_t)sprintf(repaired + written, "\\x%02x",
						   (unsigned char)bytes[i]);
			step = 1;
		}
	}
	id = add_well_formed(pool, repaired, written);
	free(repaired);
	return id;
}

string_id string_pool_add(struct string_pool *pool, const char *string)
{
	return string ? string_pool_add_bytes(pool, string, strlen(string)) : 0;
}

const char *string_pool_get(const struct string_pool *pool, string_id id, size_t *ret_length)
{
	if (ret_length)
		*ret_length = id ? string_length(pool, id) : 0;
	return id ? pool->bytes + id : NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/string-pool.h"

#include "helpers/tap.h"

static void test_interning(void)
{
	struct string_pool pool;
	string_id a, b;
	size_t length;

	string_pool_init(&pool);
	is_int(string_pool_add(&pool, NULL), 0, "NULL is no string");
	ok(!string_pool_get(&pool, 0, &length) && !length, "0 is no string");
	a = string_pool_add(&pool, "nginx");
	b = string_pool_add(&pool, "sshd");
	ok(a && b && a != b, "two strings have two ids");
	is_int(string_pool_add(&pool, "nginx"), a, "an equal string has the same id");
	is_int(string_pool_add_bytes(&pool, "nginx!", 5), a, "so have equal bytes");
	is_str(string_pool_get(&pool, a, &length), "nginx", "the string");
	is_int(length, 5, "its length");
	a = string_pool_add(&pool, "");
	ok(a, "an empty string is a string");
	is_str(string_pool_get(&pool, a, &length), "", "the empty string");
	is_int(length, 0, "its length");
	string_pool_done(&pool);
}

static void test_bytes(void)
{
	struct string_pool pool;
	string_id id, other;
	const char *text;
	size_t length;

	string_pool_init(&pool);
	id = string_pool_add_bytes(&pool, "a\0b", 4);
	text = string_pool_get(&pool, id, &length);
	is_int(length, 4, "NUL bytes count");
	ok(!memcmp(text, "a\0b\0", 5), "and one more ends the string");
	other = string_pool_add(&pool, "a");
	ok(other != id, "a string that begins alike is another");
	id = string_pool_add_bytes(&pool, "x\xff\xc3\xa9\xe2\x82", 6);
	is_str(string_pool_get(&pool, id, NULL), "x\\xff\xc3\xa9\\xe2\\x82",
	       "bytes that are not UTF-8 are repaired");
	is_int(string_pool_add(&pool, "x\\xff\xc3\xa9\\xe2\\x82"), id, "and interned as that");
	string_pool_done(&pool);
}

static void test_growth(void)
{
	static string_id ids[50000];
	struct string_pool pool;
	char text[32];
	int i, wrong = 0;

	string_pool_init(&pool);
	for (i = 0; i < 50000; i++) {
		snprintf(text, sizeof(text), "process-%d", i);
		ids[i] = string_pool_add(&pool, text);
	}
	for (i = 0; i < 50000; i++) {
		snprintf(text, sizeof(text), "process-%d", i);
		wrong += strcmp(string_pool_get(&pool, ids[i], NULL), text) != 0;
		wrong += string_pool_add(&pool, text) != ids[i];
	}
	is_int(wrong, 0, "50,000 strings keep their ids while the pool grows");
	is_int(pool.n_strings, 50000, "and each is there once");
	string_pool_done(&pool);
	ok(!pool.bytes && !pool.n_strings, "done leaves an empty pool");
}

int main(void)
{
	test_interning();
	test_bytes();
	test_growth();
	return done_testing();
}

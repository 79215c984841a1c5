/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/bind-bucket.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

static void test_order(void)
{
	static const struct {
		uint32_t netns;
		enum protocol protocol;
		uint16_t port;
	} rows[] = {
		{ 1, PROTOCOL_TCP, 80 }, { 0, PROTOCOL_UDP, 53 },    { 0, PROTOCOL_TCP, 65535 },
		{ 0, PROTOCOL_TCP, 53 }, { 1, PROTOCOL_TCP, 80 },    { 0, PROTOCOL_UDP, 53 },
		{ 0, PROTOCOL_TCP, 0 },	 { 0, PROTOCOL_TCP, 65535 }, { 0, PROTOCOL_UDP, 53 },
	};
	static const uint32_t expected[] = { 6, 3, 1, 5, 8, 2, 7, 0, 4 };
	static const uint32_t counts[] = { 1, 1, 3, 2, 2 };
	struct snapshot *snapshot = snapshot_new();
	struct bind_bucket_index index;
	uint32_t i, next = 0;
	bool in_order = true;

	snapshot_add_netns(snapshot);
	snapshot_add_netns(snapshot);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		make_socket(snapshot, rows[i].protocol, STATE_LISTEN, "::", rows[i].port)->netns =
			rows[i].netns;
	bind_bucket_index_init(&index, snapshot);
	for (i = 0; i < snapshot->n_sockets; i++)
		in_order = in_order && index.members[i] == expected[i];
	ok(in_order, "by namespace, port, protocol; within a bucket as they came");
	is_int(index.n_buckets, 5, "buckets");
	for (i = 0; i < index.n_buckets; i++) {
		is_int(index.buckets[i].count, counts[i], "size of bucket %u", i);
		is_int(index.buckets[i].first, next, "start of bucket %u", i);
		next += index.buckets[i].count;
	}
	is_int(index.buckets[4].netns, 1, "the other namespace comes last");
	is_int(index.buckets[2].port, 53, "port of a bucket");
	is_int(index.buckets[2].protocol, PROTOCOL_UDP, "protocol of a bucket");
	for (i = 0; i < index.n_buckets; i++)
		ok(bind_bucket_find(&index, index.buckets[i].netns, index.buckets[i].port,
				    (enum protocol)index.buckets[i].protocol) == &index.buckets[i],
		   "bucket %u is found", i);
	ok(bind_bucket_find(&index, 0, 53, PROTOCOL_MPTCP) == &index.buckets[1],
	   "MPTCP has its ports of TCP");
	ok(!bind_bucket_find(&index, 0, 80, PROTOCOL_TCP), "not those of another namespace");
	ok(!bind_bucket_find(&index, 1, 80, PROTOCOL_UDP), "nor of another protocol");
	bind_bucket_index_done(&index);
	snapshot_free(snapshot);
}

static void test_listeners(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct bind_bucket_index index;
	const struct bind_bucket *bucket;

	snapshot_add_netns(snapshot);
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	make_connection(snapshot, STATE_ESTAB, 22, "10.0.0.9", 2000);
	make_connection(snapshot, STATE_ESTAB, 80, "10.0.0.9", 2000);
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 443);
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "10.0.0.7", 80);
	bind_bucket_index_init(&index, snapshot);
	bucket = bind_bucket_find(&index, 0, 80, PROTOCOL_TCP);
	ok(bucket && bucket->count == 3 && bucket->n_listeners == 2 &&
		   index.listeners[bucket->first_listener] == 0 &&
		   index.listeners[bucket->first_listener + 1] == 4,
	   "those that listen are a list of their own, in the same order");
	bucket = bind_bucket_find(&index, 0, 443, PROTOCOL_TCP);
	ok(bucket && bucket->n_listeners == 1 && index.listeners[bucket->first_listener] == 3,
	   "each bucket's");
	bucket = bind_bucket_find(&index, 0, 22, PROTOCOL_TCP);
	ok(bucket && !bucket->n_listeners, "of one without there is none");
	bind_bucket_index_done(&index);
	snapshot_free(snapshot);
}

static void test_empty(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct bind_bucket_index index;

	bind_bucket_index_init(&index, snapshot);
	is_int(index.n_buckets, 0, "a snapshot without sockets has no buckets");
	ok(!bind_bucket_find(&index, 0, 80, PROTOCOL_TCP), "and none is found");
	bind_bucket_index_done(&index);
	snapshot_free(snapshot);
}

int main(void)
{
	test_order();
	test_listeners();
	test_empty();
	return done_testing();
}

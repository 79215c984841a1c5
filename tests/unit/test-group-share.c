/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/group-share.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

#define MASTER 0

/* Three workers under a master that holds all listeners; a plain listener on another address. */
static struct snapshot *make_pool(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *plain;
	uint32_t i;

	snapshot_add_netns(snapshot);
	for (i = 0; i < 7; i++)
		make_process(snapshot, 100 + i, "worker");
	for (i = 1; i <= 3; i++) {
		struct inet_socket *socket =
			make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 80);

		make_reuse(socket, TRISTATE_NO, TRISTATE_YES, EVIDENCE_BPF);
		make_owner(snapshot, socket, MASTER, (int32_t)i);
		make_owner(snapshot, socket, i, 3);
		if (i != 2)
			continue;
		make_owner(snapshot, socket, 6, 4);
		make_owner(snapshot, socket, 6, 5);
	}
	plain = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "127.0.0.9", 80);
	make_reuse(plain, TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF);
	make_owner(snapshot, plain, 4, 3);
	/* One that holds the plain one and one of the group, which it has twice, is of the group. */
	make_owner(snapshot, plain, 6, 3);
	return snapshot;
}

static void add_connection(struct snapshot *snapshot, enum socket_state state, uint32_t process)
{
	struct inet_socket *socket = make_connection(snapshot, state, 80, "10.0.0.1",
						     (uint16_t)(40000 + snapshot->n_sockets));

	if (process != SNAPSHOT_NONE)
		make_owner(snapshot, socket, process, 9);
}

static void test_shares(void)
{
	struct snapshot *snapshot = make_pool();
	struct bind_bucket_index index;
	struct group_shares shares;
	uint32_t i;

	add_connection(snapshot, STATE_ESTAB, 1);
	add_connection(snapshot, STATE_ESTAB, 1);
	add_connection(snapshot, STATE_ESTAB, 3);
	add_connection(snapshot, STATE_ESTAB, 6);
	/* Of which member nobody can tell. */
	add_connection(snapshot, STATE_ESTAB, MASTER);
	add_connection(snapshot, STATE_ESTAB, SNAPSHOT_NONE);
	add_connection(snapshot, STATE_ESTAB, 5);
	/* Of who has the other address. */
	add_connection(snapshot, STATE_ESTAB, 4);
	add_connection(snapshot, STATE_TIME_WAIT, SNAPSHOT_NONE);
	add_connection(snapshot, STATE_CLOSE_WAIT, 2);
	bind_bucket_index_init(&index, snapshot);
	group_shares_init(&shares, snapshot, &index, bind_bucket_find(&index, 0, 80, PROTOCOL_TCP));
	is_int(shares.count, 3, "members; a listener without the flag is none");
	for (i = 0; i < shares.count; i++) {
		static const uint32_t expected[] = { 2, 1, 1 };

		is_int(shares.members[i].socket, i, "member %u", i);
		is_int(shares.members[i].connections, expected[i], "connections of member %u", i);
	}
	is_int(shares.connections, 4, "connections whose member is known");
	is_int(shares.unattributed, 3, "and not: of the master, of nobody, passed on to another");
	group_shares_done(&shares);
	bind_bucket_index_done(&index);
	snapshot_free(snapshot);
}

static void test_no_group(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct bind_bucket_index index;
	struct group_shares shares;

	snapshot_add_netns(snapshot);
	make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 53);
	bind_bucket_index_init(&index, snapshot);
	group_shares_init(&shares, snapshot, &index, bind_bucket_find(&index, 0, 53, PROTOCOL_UDP));
	is_int(shares.count, 0, "a port of UDP has no listeners");
	group_shares_done(&shares);
	bind_bucket_index_done(&index);
	snapshot_free(snapshot);
}

int main(void)
{
	test_shares();
	test_no_group();
	return done_testing();
}

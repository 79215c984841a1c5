/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/owners-join.h"
#include "source/socket-index.h"

#include <stdlib.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

static uint32_t add(struct snapshot *snapshot, const char *local, uint64_t cookie, uint64_t inode)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, local, 80);

	socket->cookie = cookie;
	socket->inode = inode;
	socket->known |= SOCKET_HAS_COOKIE | SOCKET_HAS_INODE;
	return snapshot->n_sockets - 1;
}

static void test_index(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct socket_index index;
	uint32_t i, cursor, wrong = 0, n = 10000;

	/* Runs that fall on the same slots of a table that hashed by the low bits. */
	for (i = 0; i < n; i++)
		add(snapshot, "127.0.0.1", i % 2 ? i : (1ULL << 40) + i, 5000000000ULL + i / 2);
	socket_index_init(&index, snapshot, SOCKET_KEY_COOKIE, n);
	for (i = 0; i < n; i++)
		socket_index_add(&index, i);
	for (i = 0; i < n; i++) {
		cursor = SOCKET_INDEX_START;
		wrong += socket_index_find(&index, snapshot->sockets[i].cookie, &cursor) != i;
		wrong += socket_index_find(&index, snapshot->sockets[i].cookie, &cursor) !=
			 SNAPSHOT_NONE;
	}
	is_int(wrong, 0, "every cookie is found once");
	cursor = SOCKET_INDEX_START;
	is_int(socket_index_find(&index, (1ULL << 32) + 1, &cursor), SNAPSHOT_NONE,
	       "the upper half of a cookie counts");
	cursor = SOCKET_INDEX_START;
	is_int(socket_index_find(&index, 0, &cursor), SNAPSHOT_NONE, "0 is no cookie");
	socket_index_done(&index);

	socket_index_init(&index, snapshot, SOCKET_KEY_INODE, n);
	for (i = 0; i < n; i++)
		socket_index_add(&index, i);
	for (i = 0, wrong = 0; i < n; i += 2) {
		cursor = SOCKET_INDEX_START;
		wrong += socket_index_find(&index, snapshot->sockets[i].inode, &cursor) != i;
		wrong += socket_index_find(&index, snapshot->sockets[i].inode, &cursor) != i + 1;
		wrong += socket_index_find(&index, snapshot->sockets[i].inode, &cursor) !=
			 SNAPSHOT_NONE;
	}
	is_int(wrong, 0, "sockets with one inode are all found");
	socket_index_done(&index);
	snapshot_free(snapshot);
}

static void is_owner(const struct snapshot *snapshot, uint32_t socket, uint32_t number,
		     uint32_t pid, int fd)
{
	const struct inet_socket *row = &snapshot->sockets[socket];
	const struct owner *owner = &snapshot->owners[row->first_owner + number];

	ok(number < row->n_owners && snapshot->processes[owner->process].pid == pid &&
		   owner->fd == fd,
	   "socket %u, owner %u: pid %u, descriptor %d", socket, number, pid, fd);
}

static void test_holds(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct hold_list list;
	uint32_t i;

	for (i = 0; i < 4; i++)
		add(snapshot, "127.0.0.1", i + 1, i + 1);
	make_process(snapshot, 30, "c");
	make_process(snapshot, 10, "a");
	make_process(snapshot, 20, "b");
	hold_list_init(&list, snapshot);
	hold_list_add(&list, 3, 0, 5);
	hold_list_add(&list, 1, 1, 4);
	hold_list_add(&list, 3, 2, 9);
	hold_list_add(&list, 3, 2, -1);
	hold_list_add(&list, 0, 2, 3);
	hold_list_add(&list, 3, 0, 5);
	hold_list_add(&list, 3, 1, 7);
	hold_list_assign(&list, snapshot);
	hold_list_done(&list);

	ok(snapshot->processes[0].pid == 10 && snapshot->processes[1].pid == 20 &&
		   snapshot->processes[2].pid == 30,
	   "processes are by pid");
	is_int(snapshot->n_owners, 6, "what was said twice is there once");
	is_int(snapshot->sockets[0].n_owners, 1, "one owner");
	is_owner(snapshot, 0, 0, 20, 3);
	is_owner(snapshot, 1, 0, 10, 4);
	is_int(snapshot->sockets[2].n_owners, 0, "no owner");
	is_int(snapshot->sockets[2].owner_status, OWNER_UNKNOWN, "and nothing said of it");
	is_int(snapshot->sockets[3].n_owners, 4, "several owners");
	is_int(snapshot->sockets[3].owner_status, OWNER_OWNED, "owned");
	is_owner(snapshot, 3, 0, 10, 7);
	is_owner(snapshot, 3, 1, 20, -1);
	is_owner(snapshot, 3, 2, 20, 9);
	is_owner(snapshot, 3, 3, 30, 5);
	snapshot_free(snapshot);
}

static struct bpf_table_record record(uint64_t cookie, int family)
{
	return (struct bpf_table_record){ .cookie = cookie, .family = (uint8_t)family };
}

static void test_table(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct bpf_table_record records[12];
	uint32_t found[12], wanted[9], i, wrong = 0, n = 0;

	/* The dump: one family after the other. Sockets 0 to 4, then 5 to 9. */
	for (i = 0; i < 10; i++)
		add(snapshot, i < 5 ? "127.0.0.1" : "::1", 100 + i, 1);
	for (i = 0; i < 10; i++)
		if (i != 6)
			wanted[n++] = i;
	/* The table: families mixed, one gone, one new, one not wanted, one moved, one twice. */
	records[0] = record(105, AF_INET6);
	records[1] = record(100, AF_INET);
	records[2] = record(102, AF_INET);
	records[3] = record(106, AF_INET6);
	records[4] = record(999, AF_INET);
	records[5] = record(109, AF_INET6);
	records[6] = record(107, AF_INET6);
	records[7] = record(108, AF_INET6);
	records[8] = record(104, AF_INET);
	records[9] = record(104, AF_INET);
	records[10] = record(103, AF_INET);
	records[11] = record(0, AF_INET);
	table_join(snapshot, wanted, n, records, 12, found);
	for (i = 0; i < 12; i++) {
		uint64_t cookie = records[i].cookie;
		uint32_t want = cookie == 106 || cookie == 999 || !cookie ? SNAPSHOT_NONE :
									    (uint32_t)cookie - 100;

		wrong += found[i] != want;
	}
	is_int(wrong, 0, "a table in another order than the dump");
	table_join(snapshot, wanted, 0, records, 12, found);
	for (i = 0, wrong = 0; i < 12; i++)
		wrong += found[i] != SNAPSHOT_NONE;
	is_int(wrong, 0, "nothing wanted");
	snapshot_free(snapshot);
}

int main(void)
{
	test_index();
	test_holds();
	test_table();
	return done_testing();
}

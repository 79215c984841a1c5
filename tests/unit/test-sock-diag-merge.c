/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-merge.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

static struct inet_socket *add(struct snapshot *snapshot, uint16_t port, uint64_t cookie)
{
	struct inet_socket *socket =
		make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "127.0.0.1", port);

	socket->cookie = cookie;
	socket->known |= SOCKET_HAS_COOKIE;
	return socket;
}

/* The ports in their order, "1,2,3". */
static const char *ports(const struct snapshot *snapshot)
{
	static char text[256];
	size_t length = 0;
	uint32_t i;

	text[0] = '\0';
	for (i = 0; i < snapshot->n_sockets; i++)
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%u",
					   i ? "," : "", snapshot->sockets[i].local_port);
	return text;
}

static void test_repeated(void)
{
	struct snapshot *snapshot = snapshot_new();

	add(snapshot, 1, 100);
	add(snapshot, 2, 7);
	add(snapshot, 3, 8);
	add(snapshot, 4, 7);
	add(snapshot, 5, 9)->known = 0;
	add(snapshot, 6, 9)->known = 0;
	add(snapshot, 7, 100);
	sock_diag_remove_repeated(snapshot, 1);
	is_str(ports(snapshot), "1,4,3,5,6,7",
	       "first place, last sight; before the range and without cookies nothing is touched");
	sock_diag_remove_repeated(snapshot, 0);
	is_str(ports(snapshot), "7,4,3,5,6", "the whole");
	snapshot_free(snapshot);
}

static void test_merge(void)
{
	struct snapshot *snapshot = snapshot_new();

	add(snapshot, 9, 1);
	add(snapshot, 1, 11);
	add(snapshot, 2, 12);
	add(snapshot, 3, 13);
	add(snapshot, 3, 13);
	add(snapshot, 4, 14);
	add(snapshot, 1, 11);
	is_int(sock_diag_merge_dumps(snapshot, 1, 4), 2, "one came, one went");
	is_str(ports(snapshot), "9,3,4,1,2", "the newer, then what only the older has");
	is_int(sock_diag_merge_dumps(snapshot, 3, 3), 2, "nothing, then two");
	snapshot_free(snapshot);
	snapshot = snapshot_new();
	add(snapshot, 1, 11);
	add(snapshot, 2, 12);
	add(snapshot, 2, 12);
	add(snapshot, 1, 11);
	is_int(sock_diag_merge_dumps(snapshot, 0, 2), 0, "equal but for the order");
	is_str(ports(snapshot), "2,1", "the newer order");
	snapshot_free(snapshot);
}

static struct inet_socket *add_inode(struct snapshot *snapshot, enum protocol protocol,
				     uint16_t port, uint64_t inode)
{
	struct inet_socket *socket = add(snapshot, port, inode * 10 + protocol);

	socket->protocol = protocol;
	socket->inode = inode;
	socket->known |= SOCKET_HAS_INODE;
	return socket;
}

static void test_subflows(void)
{
	struct snapshot *snapshot = snapshot_new();

	add_inode(snapshot, PROTOCOL_TCP, 80, 5)->v6only = TRISTATE_YES;
	add_inode(snapshot, PROTOCOL_TCP, 81, 6);
	add_inode(snapshot, PROTOCOL_TCP, 82, 5);
	add_inode(snapshot, PROTOCOL_TCP, 83, 0);
	add_inode(snapshot, PROTOCOL_MPTCP, 80, 5);
	add_inode(snapshot, PROTOCOL_MPTCP, 83, 0);
	sock_diag_remove_subflows(snapshot, 0, 4);
	is_str(ports(snapshot), "81,82,83,80,83",
	       "what has inode and addresses of an MPTCP socket goes");
	is_int(snapshot->sockets[3].v6only, TRISTATE_YES, "its v6only is kept");
	sock_diag_remove_subflows(snapshot, 0, 5);
	is_int(snapshot->n_sockets, 5, "without MPTCP nothing goes");
	snapshot_free(snapshot);
}

static struct inet_socket *add_drops(struct snapshot *snapshot, enum protocol protocol,
				     enum socket_state state, uint16_t port, uint32_t drops)
{
	struct inet_socket *socket = add_inode(snapshot, protocol, port, port);

	socket->state = (uint8_t)state;
	socket->drops = drops;
	socket->known |= SOCKET_HAS_DROPS;
	return socket;
}

/* What a listener of MPTCP loses is counted in the TCP socket within. */
static void test_drops(void)
{
	struct snapshot *snapshot = snapshot_new();

	add_drops(snapshot, PROTOCOL_TCP, STATE_LISTEN, 80, 24);
	add_drops(snapshot, PROTOCOL_TCP, STATE_LISTEN, 81, 24)->known &= ~SOCKET_HAS_DROPS;
	add_drops(snapshot, PROTOCOL_TCP, STATE_ESTAB, 82, 24);
	add_drops(snapshot, PROTOCOL_MPTCP, STATE_LISTEN, 80, 0);
	add_drops(snapshot, PROTOCOL_MPTCP, STATE_LISTEN, 81, 0);
	add_drops(snapshot, PROTOCOL_MPTCP, STATE_ESTAB, 82, 3);
	sock_diag_remove_subflows(snapshot, 0, 3);
	is_int(snapshot->n_sockets, 3, "each is there once");
	is_int(snapshot->sockets[0].drops, 24, "a listener has the drops of the socket within");
	ok(snapshot->sockets[0].known & SOCKET_HAS_DROPS, "which are known");
	ok(!(snapshot->sockets[1].known & SOCKET_HAS_DROPS), "or unknown, as there");
	is_int(snapshot->sockets[2].drops, 3, "a connection keeps its own");
	snapshot_free(snapshot);
}

int main(void)
{
	test_repeated();
	test_merge();
	test_subflows();
	test_drops();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/words.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

#define N_SOCKETS 8

/* Sockets of one port, of which the holders cannot be seen: of these uids. */
static void check_unseen(const uint32_t uids[N_SOCKETS], const char *expected)
{
	struct snapshot *snapshot = snapshot_new();
	uint32_t sockets[N_SOCKETS], i;
	char *text;

	snapshot_add_netns(snapshot);
	for (i = 0; i < N_SOCKETS; i++) {
		struct inet_socket *socket =
			make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 5060);

		socket->owner_status = OWNER_HIDDEN;
		socket->uid = uids[i];
		socket->known = SOCKET_HAS_UID;
		sockets[i] = i;
	}
	text = words_holders_together(snapshot, sockets, N_SOCKETS);
	is_str(text, expected, "%s", expected);
	free(text);
	snapshot_free(snapshot);
}

static void test_unseen(void)
{
	static const uint32_t one[N_SOCKETS] = { 7, 7, 7, 7, 7, 7, 7, 7 };
	static const uint32_t three[N_SOCKETS] = { 7, 8, 7, 8, 9, 9, 7, 8 };
	static const uint32_t all[N_SOCKETS] = { 11, 12, 13, 14, 15, 16, 17, 18 };

	check_unseen(one, "a process of uid 7 that cannot be seen");
	check_unseen(three, "a process of uid 7 that cannot be seen and a process of uid 8 that "
			    "cannot be seen and a process of uid 9 that cannot be seen");
	check_unseen(all, "a process of uid 11 that cannot be seen and a process of uid 12 that "
			  "cannot be seen and a process of uid 13 that cannot be seen and others");
}

int main(void)
{
	test_unseen();
	return done_testing();
}

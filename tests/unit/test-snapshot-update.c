/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A snapshot that is brought up to date by a later reading of the sockets alone. */
#include "helpers/make-view.h"
#include "model/snapshot-update.h"

static void test_update(void)
{
	struct snapshot *first = new_snapshot(1000), *clone = snapshot_clone(first);
	struct snapshot *later = new_snapshot(1001);

	is_str(snapshot_text(clone, clone->processes[0].comm), "sipd",
	       "a copy has its own strings");
	snapshot_free(first);
	later->sockets[2].queue_recv = 77;
	later->sockets[3].timer_expires_ms = 1;
	later->n_processes = 0;
	ok(snapshot_update(clone, later), "the same sockets");
	is_int(clone->sockets[2].queue_recv, 77, "have another queue");
	is_int(clone->n_processes, 3, "and the owners that they had");
	is_int(clone->end_ns, later->end_ns, "as of the later moment");
	later->sockets[2].state = STATE_BOUND;
	ok(!snapshot_update(clone, later), "another state is another socket");
	is_int(clone->sockets[2].state, STATE_LISTEN, "and changes nothing");
	snapshot_free(clone);
	snapshot_free(later);
}

int main(void)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	test_update();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Details of processes, read of this one: they are taken only if it is the process that is meant. */
#include "source/process.h"

#include <unistd.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

int main(void)
{
	const uint32_t want = WANT_CMDLINE | WANT_EXE | WANT_START_TIME | WANT_CGROUP;
	struct snapshot *snapshot = snapshot_new();
	struct process *process;
	int64_t began;

	make_process(snapshot, (uint32_t)getpid(), "test");
	process_enrich(want, snapshot);
	process = &snapshot->processes[0];
	ok((process->known & PROCESS_HAS_CMDLINE) && process->exe &&
		   (process->known & PROCESS_HAS_START_TIME),
	   "a process is described");
	began = process->start_time_ns;
	snapshot_free(snapshot);

	snapshot = snapshot_new();
	make_process(snapshot, (uint32_t)getpid(), "test");
	snapshot->processes[0].start_time_ns = began + 3000000;
	snapshot->processes[0].known = PROCESS_HAS_START_TIME;
	process_enrich(want, snapshot);
	ok(snapshot->processes[0].known & PROCESS_HAS_CMDLINE, "the start may differ by a tick");
	snapshot_free(snapshot);

	snapshot = snapshot_new();
	make_process(snapshot, (uint32_t)getpid(), "test");
	snapshot->processes[0].start_time_ns = began - 5000000000;
	snapshot->processes[0].known = PROCESS_HAS_START_TIME;
	process_enrich(want, snapshot);
	process = &snapshot->processes[0];
	ok(!(process->known & PROCESS_HAS_CMDLINE) && !process->exe && !process->cgroup,
	   "of one that began at another time nothing is taken: the number is another's by now");
	snapshot_free(snapshot);

	snapshot = snapshot_new();
	make_process(snapshot, 0x7fffffff, "gone");
	process_enrich(want, snapshot);
	is_int(snapshot->processes[0].known, 0, "a process that is not there keeps what is known");
	snapshot_free(snapshot);
	return done_testing();
}

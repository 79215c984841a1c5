/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Details of processes, read of this one: they are taken only if it is the process that is meant. */
#include "source/process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

/* What a process that is gone has by the word of others of its css_set, a string or NULL. */
static const char *told_by(const pid_t *witnesses, int n_witnesses)
{
	struct snapshot *snapshot = snapshot_new();
	static char path[4096];
	const char *told;
	int i;

	for (i = 0; i < n_witnesses; i++)
		make_process(snapshot, (uint32_t)witnesses[i], "test");
	make_process(snapshot, 0x7ffffffe, "gone");
	for (i = 0; i <= n_witnesses; i++)
		snapshot->processes[i].cgroup_set = 7;
	make_process(snapshot, 0x7fffffff, "of another set");
	snapshot->processes[n_witnesses + 1].cgroup_set = 8;
	process_enrich(WANT_CGROUP, snapshot);
	ok(!snapshot->processes[n_witnesses + 1].cgroup, "another set has said nothing");
	told = snapshot_text(snapshot, snapshot->processes[n_witnesses].cgroup);
	if (told)
		snprintf(path, sizeof(path), "%s", told);
	snapshot_free(snapshot);
	return told ? path : NULL;
}

static void test_css_set(void)
{
	pid_t witnesses[2] = { getpid(), fork() }, zombies[2];
	struct snapshot *snapshot = snapshot_new();
	siginfo_t info;
	int i;

	if (!witnesses[1])
		for (;;)
			pause();
	make_process(snapshot, (uint32_t)getpid(), "test");
	process_enrich(WANT_CGROUP, snapshot);
	is_str(told_by(witnesses, 2), snapshot_text(snapshot, snapshot->processes[0].cgroup),
	       "two of a set speak for the rest");
	ok(!told_by(witnesses, 1), "one may have moved");
	for (i = 0; i < 2; i++) {
		zombies[i] = fork();
		if (!zombies[i])
			_exit(0);
		waitid(P_PID, (id_t)zombies[i], &info, WEXITED | WNOWAIT);
	}
	ok(!told_by(zombies, 2), "those that end are elsewhere");
	for (i = 0; i < 2; i++)
		waitpid(zombies[i], NULL, 0);
	kill(witnesses[1], SIGKILL);
	waitpid(witnesses[1], NULL, 0);
	snapshot_free(snapshot);
}

int main(void)
{
	const uint32_t want = WANT_CMDLINE | WANT_EXE | WANT_START_TIME | WANT_CGROUP;
	struct snapshot *snapshot = snapshot_new();
	struct process *process;
	int64_t began;
	char *cwd;

	make_process(snapshot, (uint32_t)getpid(), "test");
	process_enrich(want, snapshot);
	process = &snapshot->processes[0];
	ok((process->known & PROCESS_HAS_CMDLINE) && process->exe &&
		   (process->known & PROCESS_HAS_START_TIME),
	   "a process is described");
	cwd = getcwd(NULL, 0);
	is_str(snapshot_text(snapshot, process->cwd), cwd, "and where it works");
	free(cwd);
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
	ok(!(process->known & PROCESS_HAS_CMDLINE) && !process->exe && !process->cwd &&
		   !process->cgroup,
	   "of one that began at another time nothing is taken: the number is another's by now");
	snapshot_free(snapshot);

	snapshot = snapshot_new();
	make_process(snapshot, 0x7fffffff, "gone");
	process_enrich(want, snapshot);
	is_int(snapshot->processes[0].known, 0, "a process that is not there keeps what is known");
	snapshot_free(snapshot);
	test_css_set();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/load.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/measure.h"

const char *const mode_names[N_MODES] = {
	[MODE_GROUPED] = "grouped",
	[MODE_RAW] = "raw",
	[MODE_JSON] = "json",
	[MODE_PORT] = "port",
};

const struct load loads[N_LOADS] = {
	{ .name = "idle", .arguments = { "idle" }, .target = { 0.95, 0.9 } },
	{ .name = "tcp-1000",
	  .arguments = { "tcp", "1000" },
	  .sockets = 1000,
	  .target = { 0.50, 0.65 } },
	{ .name = "tcp-10000",
	  .arguments = { "tcp", "10000" },
	  .sockets = 10000,
	  .has_port = true,
	  .target = { 0.25, 0.50 },
	  .target_port = { 0.15, 0.55 } },
	{ .name = "tcp-100000",
	  .arguments = { "tcp", "100000" },
	  .sockets = 100000,
	  .has_port = true,
	  .target = { 0.06, 0.15 },
	  .target_port = { 0.10, 0.5 },
	  .target_memory = 1.0 },
	{ .name = "busy",
	  .arguments = { "busy", "1000", "100" },
	  .sockets = 4000,
	  .has_port = true,
	  .target = { 0.06, 0.80 },
	  .target_json = { 0.15, 0 },
	  .target_port = { 0.06, 0.8 } },
	{ .name = "udp-50000",
	  .arguments = { "udp", "50000" },
	  .sockets = 50000,
	  .target = { 0.12, 0.45 } },
	{ .name = "time-wait-100000",
	  .arguments = { "time-wait", "100000" },
	  .sockets = 100000,
	  .time_wait = true,
	  .target = { 0.65, 0.5 } },
	{ .name = "tcp-400000",
	  .arguments = { "tcp", "400000" },
	  .sockets = 400000,
	  .alone = true },
};

double load_target(const struct load *load, enum mode mode, enum bpf bpf)
{
	if (mode == MODE_PORT)
		return load->target_port[bpf];
	if (mode != MODE_JSON)
		return load->target[bpf];
	return load->target_json[bpf] > 0 ? load->target_json[bpf] :
					    load->target[bpf] * JSON_FACTOR;
}

static void pause_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

void load_start(const struct load *load, const char *mkload, struct keeper *ret_keeper)
{
	const char *argv[] = { mkload, load->arguments[0], load->arguments[1], load->arguments[2],
			       NULL };
	posix_spawn_file_actions_t actions;
	struct keeper keeper;
	int input[2], output[2];
	long sockets;
	FILE *file;
	int err;

	if (unshare(CLONE_NEWNET) < 0)
		fail("a private network namespace: %s (root is needed)", strerror(errno));
	if (pipe2(input, O_CLOEXEC) < 0 || pipe2(output, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	keeper.born = measure_now();
	err = posix_spawn(&keeper.pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	if (err)
		fail("%s: %s", argv[0], strerror(err));
	posix_spawn_file_actions_destroy(&actions);
	close(input[0]);
	close(output[1]);
	file = fdopen(output[0], "r");
	if (!file || fscanf(file, "ready %ld %ld", &keeper.port, &sockets) != 2 ||
	    sockets != load->sockets)
		fail("the load %s could not be made", load->name);
	fclose(file);
	keeper.input = input[1];
	/* What the kernel puts off while sockets are made shall not be charged to the first run. */
	pause_ms(500);
	*ret_keeper = keeper;
}

void load_stop(const struct load *load, const struct keeper *keeper)
{
	int status;

	close(keeper->input);
	while (waitpid(keeper->pid, &status, 0) < 0) {
		if (errno != EINTR)
			fail("wait: %s", strerror(errno));
	}
	if (status)
		fail("the load %s ended with status %#x", load->name, (unsigned int)status);
	pause_ms(500);
}

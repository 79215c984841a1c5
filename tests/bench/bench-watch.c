/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench-watch: CPU seconds of the live view at rest on the busy load, against `watch -n1 ss
 * -tuanp`, and how long keys take with 100,000 sockets; each on a terminal of its own. Needs root.
 *
 * One after the other, each is given some seconds to begin; then its CPU time, and that of the
 * children it has waited for, is read at both ends of a while. It measures and does not judge.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/load.h"
#include "bench/measure.h"

#define ROUNDS 3
#define BEGIN_SECONDS 4.0
#define REST_SECONDS 20.0
#define KEYS "jkjk\tjk\tjk\tsSsSftcp\rf\025\r"
#define KEY_ROUNDS 5
#define QUIET_MS 150 /* a picture has been drawn when so long nothing more came */

struct view_run {
	pid_t pid;
	int terminal;
};

static struct view_run begin(const char *const *argv)
{
	const struct winsize size = { .ws_row = 40, .ws_col = 120 };
	struct view_run run;

	run.pid = forkpty(&run.terminal, NULL, NULL, &size);
	if (run.pid < 0)
		fail("a terminal: %s", strerror(errno));
	if (!run.pid) {
		setenv("TERM", "xterm-256color", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	return run;
}

static void end(const struct view_run *run)
{
	kill(run->pid, SIGTERM);
	close(run->terminal);
	while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Reads what is drawn. Returns false after so long without anything. */
static bool drain(const struct view_run *run, int timeout_ms)
{
	struct pollfd input = { .fd = run->terminal, .events = POLLIN };
	char bytes[65536];

	if (poll(&input, 1, timeout_ms) <= 0)
		return false;
	if (read(run->terminal, bytes, sizeof(bytes)) <= 0)
		fail("the view has ended: is it installed, and is this root?");
	return true;
}

static void rest(const struct view_run *run, double seconds)
{
	double until = measure_now() + seconds;

	while (measure_now() < until)
		drain(run, 100);
}

/* user, system, and both of the children, as in proc_pid_stat(5). */
static double cpu_seconds(pid_t pid)
{
	unsigned long ticks[4];
	char path[64], line[1024], *after;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file || !fgets(line, sizeof(line), file))
		fail("%s: %s", path, strerror(errno));
	fclose(file);
	after = strrchr(line, ')');
	if (!after ||
	    sscanf(after + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
		   &ticks[0], &ticks[1], &ticks[2], &ticks[3]) != 4)
		fail("%s: cannot be read", path);
	return (double)(ticks[0] + ticks[1] + ticks[2] + ticks[3]) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_at_rest(const char *const *argv)
{
	struct view_run run = begin(argv);
	double before, after;

	rest(&run, BEGIN_SECONDS);
	before = cpu_seconds(run.pid);
	rest(&run, REST_SECONDS);
	after = cpu_seconds(run.pid);
	end(&run);
	return (after - before) / REST_SECONDS;
}

static void measure_rest(const char *program)
{
	const char *const of_ss[] = { "watch", "-n1", "ss -tuanp", NULL };
	const char *const with_bpf[] = { program, "watch", NULL };
	const char *const without[] = { program, "watch", "--no-bpf", NULL };
	double ratios[2][ROUNDS], seconds[3][ROUNDS];
	int i, k;

	for (i = 0; i < ROUNDS; i++) {
		seconds[0][i] = cpu_at_rest(of_ss);
		seconds[1][i] = cpu_at_rest(with_bpf);
		seconds[2][i] = cpu_at_rest(without);
		for (k = 0; k < 2; k++)
			ratios[k][i] = seconds[0][i] / seconds[k + 1][i];
	}
	printf("\nAt rest on 1,000 processes with 4,000 sockets, 1 s interval, %d rounds\n",
	       ROUNDS);
	printf("%-24s %10s %10s\n", "", "CPU s/s", "ss is");
	printf("%-24s %10.4f\n", "watch -n1 ss -tuanp", measure_spread(seconds[0], ROUNDS).median);
	for (k = 0; k < 2; k++) {
		struct spread ratio = measure_spread(ratios[k], ROUNDS);

		printf("%-24s %10.4f %9.1fx  (%.1f to %.1f)\n",
		       k ? "portshare watch --no-bpf" : "portshare watch",
		       measure_spread(seconds[k + 1], ROUNDS).median, ratio.median, ratio.lowest,
		       ratio.highest);
	}
	fflush(stdout);
}

/* From the key to the first byte of the new picture, in ms. */
static double key_ms(const struct view_run *run, char key)
{
	double start;

	while (drain(run, QUIET_MS))
		;
	start = measure_now();
	if (write(run->terminal, &key, 1) != 1)
		fail("write to the terminal: %s", strerror(errno));
	while (!drain(run, 1000))
		;
	return (measure_now() - start) * 1000;
}

static void measure_keys(const char *program)
{
	const char *const argv[] = { program, "watch", NULL };
	static double times[KEY_ROUNDS * (sizeof(KEYS) - 1)];
	struct view_run run = begin(argv);
	struct spread spread;
	int i, n = 0;
	size_t k;

	rest(&run, BEGIN_SECONDS);
	for (i = 0; i < KEY_ROUNDS; i++)
		for (k = 0; k < sizeof(KEYS) - 1; k++)
			times[n++] = key_ms(&run, KEYS[k]);
	end(&run);
	spread = measure_spread(times, n);
	printf("\nKeys with 100,000 sockets: %d keys, median %.1f ms, longest %.1f ms\n", n,
	       spread.median, spread.highest);
}

static const struct load *load_named(const char *name)
{
	size_t i;

	for (i = 0; i < N_LOADS; i++)
		if (!strcmp(loads[i].name, name))
			return &loads[i];
	fail("no load %s", name);
}

int main(int argc, char **argv)
{
	const char *program = argc > 1 ? argv[1] : "./portshare", *slash = strrchr(argv[0], '/');
	char mkload[PATH_MAX];
	struct keeper keeper;

	snprintf(mkload, sizeof(mkload), "%.*smkload", slash ? (int)(slash - argv[0] + 1) : 0,
		 argv[0]);
	load_start(load_named("busy"), mkload, &keeper);
	measure_rest(program);
	load_stop(load_named("busy"), &keeper);
	load_start(load_named("tcp-100000"), mkload, &keeper);
	measure_keys(program);
	load_stop(load_named("tcp-100000"), &keeper);
	return fflush(stdout) ? 1 : 0;
}

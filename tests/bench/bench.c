/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench: CPU seconds (user and system, whole process) and peak memory of `portshare list` against
 * `ss -tuanp` on the same sockets, in a private network namespace. Needs root.
 *
 * One round is one run of ss and one of each variant of portshare, in an order that rotates; every
 * ratio is taken within its round, so that a change of the machine's speed hits both. Both programs
 * write to a pipe that is read and thrown away. It measures and does not judge: the exit status
 * says only whether loads and commands worked.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/load.h"
#include "bench/measure.h"
#include "bench/table.h"

#define RUNS_DEFAULT 7
/* Short runs are noisy and cheap: below this many sockets there are three times as many. */
#define SOCKETS_SHORT 5000
/* TIME-WAIT ends after 60 s: the highest ages of a load at the start and at the end of a round. */
#define TIME_WAIT_START 30.0
#define TIME_WAIT_END 57.0

static struct {
	const char *program;
	const char *against;
	char mkload[PATH_MAX];
	int runs;
	bool load[N_LOADS];
	bool mode[N_MODES];
	bool bpf[N_BPF];
} options = {
	.program = "./portshare",
	.against = "ss",
	.runs = RUNS_DEFAULT,
};

static void check_ss(const struct load *load, const struct variant *ss, const struct run *of)
{
	/* The first row is the heading. */
	if (ss->used && ss->mode != MODE_PORT && of->rows - 1 < load->sockets)
		fail("load %s: %s shows %ld sockets of %ld", load->name, options.against,
		     of->rows - 1, load->sockets);
}

/* One comparison: variants[0] is ss if it takes part, the others are portshare's. */
static void compare(size_t number, struct keeper *keeper, struct variant *variants, int count)
{
	const struct load *load = &loads[number];
	int runs = load->sockets < SOCKETS_SHORT ? options.runs * 3 : options.runs;
	int restarts = 0;

	if (runs > RUNS_MAX)
		runs = RUNS_MAX;
	for (int round = -1; round < runs; round++) {
		/* The round before the first only warms up. */
		int slot = round < 0 ? 0 : round;

		if (load->time_wait && measure_now() - keeper->born > TIME_WAIT_START) {
			load_stop(load, keeper);
			load_start(load, options.mkload, keeper);
		}
		for (int i = 0; i < count; i++) {
			struct variant *variant = &variants[(i + slot) % count];

			if (!variant->used)
				continue;
			measure_run(variant->argv, &variant->runs[slot]);
			if (round < 0)
				measure_show_errors(stdout, variant == variants ?
								    options.against :
								    mode_names[variant->mode]);
		}
		if (load->time_wait && measure_now() - keeper->born > TIME_WAIT_END) {
			if (++restarts > runs)
				fail("load %s: one round takes longer than TIME-WAIT lasts",
				     load->name);
			round--;
			continue;
		}
		check_ss(load, &variants[0], &variants[0].runs[slot]);
	}
	if (variants[0].used)
		table_ss(number, &variants[0], runs);
	for (int i = 1; i < count; i++)
		table_variant(number, &variants[i], variants[0].used ? &variants[0] : NULL, runs);
	fflush(stdout);
}

static void measure(size_t number, bool port)
{
	static struct variant variants[1 + N_MODES * N_BPF];
	static char selector[32], filter[32];
	const struct load *load = &loads[number];
	struct keeper keeper;
	int count = 1;

	memset(variants, 0, sizeof(variants));
	for (int mode = 0; mode < N_MODES; mode++) {
		if (!options.mode[mode] || (mode == MODE_PORT) != port)
			continue;
		for (int bpf = 0; bpf < N_BPF; bpf++) {
			struct variant *variant = &variants[count];
			int argc = 0;

			if (!options.bpf[bpf])
				continue;
			variant->used = true;
			variant->mode = (enum mode)mode;
			variant->bpf = (enum bpf)bpf;
			variant->argv[argc++] = options.program;
			variant->argv[argc++] = "list";
			if (bpf == BPF_WITHOUT)
				variant->argv[argc++] = "--no-bpf";
			if (mode == MODE_RAW)
				variant->argv[argc++] = "--raw";
			if (mode == MODE_JSON)
				variant->argv[argc++] = "--json";
			if (mode == MODE_PORT)
				variant->argv[argc++] = selector;
			count++;
		}
	}
	if (count == 1)
		return;
	load_start(load, options.mkload, &keeper);
	snprintf(selector, sizeof(selector), "tcp:%ld", keeper.port);
	snprintf(filter, sizeof(filter), ":%ld", keeper.port);
	variants[0] = (struct variant){
		.used = !load->alone,
		.mode = port ? MODE_PORT : MODE_GROUPED,
		.argv = { options.against, "-tuanp", port ? "sport" : NULL, "=", filter },
	};
	compare(number, &keeper, variants, count);
	load_stop(load, &keeper);
}

static void usage(FILE *to)
{
	fputs("usage: bench [--load NAME]... [--mode NAME]... [--bpf yes|no|both] [--runs N]\n"
	      "             [--program PATH] [--against PATH] [--mkload PATH]\n"
	      "loads:",
	      to);
	for (size_t i = 0; i < N_LOADS; i++)
		fprintf(to, " %s", loads[i].name);
	fputs("\nmodes:", to);
	for (int i = 0; i < N_MODES; i++)
		fprintf(to, " %s", mode_names[i]);
	fprintf(to,
		"\nWithout --load, --mode or --bpf: all of them. The default is --runs %d; three\n"
		"times as many on loads under %d sockets. Needs root.\n",
		RUNS_DEFAULT, SOCKETS_SHORT);
}

static void usage_error(const char *what, const char *text)
{
	fprintf(stderr, "bench: %s: %s\n", what, text);
	usage(stderr);
	exit(2);
}

static void parse_options(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "load", required_argument, NULL, 'l' },
		{ "mode", required_argument, NULL, 'm' },
		{ "bpf", required_argument, NULL, 'b' },
		{ "runs", required_argument, NULL, 'r' },
		{ "program", required_argument, NULL, 'p' },
		{ "against", required_argument, NULL, 'a' },
		{ "mkload", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *slash = strrchr(argv[0], '/');
	bool any_load = false, any_mode = false, any_bpf = false;
	int option;

	snprintf(options.mkload, sizeof(options.mkload), "%.*smkload",
		 slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		size_t i;
		char *end;
		long number;

		switch (option) {
		case 'l':
			for (i = 0; i < N_LOADS && strcmp(optarg, loads[i].name) != 0; i++)
				;
			if (i == N_LOADS)
				usage_error("no such load", optarg);
			options.load[i] = true;
			any_load = true;
			break;
		case 'm':
			for (i = 0; i < N_MODES && strcmp(optarg, mode_names[i]) != 0; i++)
				;
			if (i == N_MODES)
				usage_error("no such mode", optarg);
			options.mode[i] = true;
			any_mode = true;
			break;
		case 'b':
			if (strcmp(optarg, "yes") && strcmp(optarg, "no") && strcmp(optarg, "both"))
				usage_error("expected yes, no or both", optarg);
			options.bpf[BPF_WITH] = strcmp(optarg, "no") != 0;
			options.bpf[BPF_WITHOUT] = strcmp(optarg, "yes") != 0;
			any_bpf = true;
			break;
		case 'r':
			number = strtol(optarg, &end, 10);
			if (*end || end == optarg || number < 1 || number > RUNS_MAX)
				usage_error("expected 1 to 99 runs", optarg);
			options.runs = (int)number;
			break;
		case 'p':
			options.program = optarg;
			break;
		case 'a':
			options.against = optarg;
			break;
		case 'k':
			snprintf(options.mkload, sizeof(options.mkload), "%s", optarg);
			break;
		case 'h':
			usage(stdout);
			exit(0);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc)
		usage_error("unexpected argument", argv[optind]);
	for (size_t i = 0; i < N_LOADS && !any_load; i++)
		options.load[i] = true;
	for (int i = 0; i < N_MODES && !any_mode; i++)
		options.mode[i] = true;
	for (int i = 0; i < N_BPF && !any_bpf; i++)
		options.bpf[i] = true;
}

int main(int argc, char **argv)
{
	struct utsname system;

	parse_options(argc, argv);
	measure_init();
	if (uname(&system) < 0)
		fail("start: %s", strerror(errno));
	measure_version(options.program);
	measure_version(options.against);
	printf("Linux %s; %ld processors; %d runs at least\n", system.release,
	       sysconf(_SC_NPROCESSORS_ONLN), options.runs);
	table_head();
	fflush(stdout);
	for (size_t i = 0; i < N_LOADS; i++) {
		if (!options.load[i])
			continue;
		measure(i, false);
		if (loads[i].has_port)
			measure(i, true);
	}
	table_summary();
	table_growth();
	return fflush(stdout) ? 1 : 0;
}

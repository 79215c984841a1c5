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
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RUNS_DEFAULT	7
#define RUNS_MAX	99
/* Short runs are noisy and cheap: below this many sockets there are three times as many. */
#define SOCKETS_SHORT	5000
/* TIME-WAIT ends after 60 s: the highest ages of a load at the start and at the end of a round. */
#define TIME_WAIT_START	30.0
#define TIME_WAIT_END	57.0
#define ARGUMENTS_MAX	12

enum mode {
	MODE_GROUPED,
	MODE_RAW,
	MODE_JSON,
	MODE_PORT,
	N_MODES
};

enum bpf {
	BPF_WITH,
	BPF_WITHOUT,
	N_BPF
};

static const char *const mode_names[N_MODES] = {
	[MODE_GROUPED] = "grouped",
	[MODE_RAW] = "raw",
	[MODE_JSON] = "json",
	[MODE_PORT] = "port",
};

struct load {
	const char *name;
	const char *arguments[3];
	/* Sockets that ss must show, or the load is not what it should be. */
	long sockets;
	bool time_wait;
	bool has_port;
	/* ss takes minutes there: portshare is measured alone, for the growth. */
	bool alone;
	/* Ratios to reach, 0 where none is set. */
	double target[N_BPF];
	double target_json[N_BPF];
	double target_port[N_BPF];
	double target_memory;
};

static const struct load loads[] = {
	{ .name = "idle", .arguments = { "idle" },
	  .target = { 0.95, 0.9 } },
	{ .name = "tcp-1000", .arguments = { "tcp", "1000" }, .sockets = 1000,
	  .target = { 0.50, 0.65 } },
	{ .name = "tcp-10000", .arguments = { "tcp", "10000" }, .sockets = 10000,
	  .has_port = true, .target = { 0.25, 0.50 }, .target_port = { 0.15, 0.55 } },
	{ .name = "tcp-100000", .arguments = { "tcp", "100000" }, .sockets = 100000,
	  .has_port = true, .target = { 0.06, 0.15 }, .target_port = { 0.10, 0.5 },
	  .target_memory = 1.0 },
	{ .name = "busy", .arguments = { "busy", "1000", "100" }, .sockets = 4000,
	  .has_port = true, .target = { 0.06, 0.80 }, .target_json = { 0.15, 0 },
	  .target_port = { 0.06, 0.8 } },
	{ .name = "udp-50000", .arguments = { "udp", "50000" }, .sockets = 50000,
	  .target = { 0.12, 0.45 } },
	{ .name = "time-wait-100000", .arguments = { "time-wait", "100000" }, .sockets = 100000,
	  .time_wait = true, .target = { 0.65, 0.5 } },
	{ .name = "tcp-400000", .arguments = { "tcp", "400000" }, .sockets = 400000,
	  .alone = true },
};

#define N_LOADS		(sizeof(loads) / sizeof(loads[0]))
#define JSON_FACTOR	1.5

struct run {
	double cpu;
	double memory_mib;
	long rows;
};

/* One compared command line; variant 0 of a comparison is ss. */
struct variant {
	bool used;
	enum mode mode;
	enum bpf bpf;
	const char *argv[ARGUMENTS_MAX];
	struct run runs[RUNS_MAX];
};

/* What the summary needs; cpu is 0 where nothing was measured. */
struct result {
	double cpu;
	double ratio;
	double memory_ratio;
};

struct keeper {
	pid_t pid;
	int input;
	long port;
	double born;
};

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

static struct result results[N_LOADS][N_MODES][N_BPF];
static int errors_fd = -1;

static void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

static void fail(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void pause_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Each load gets a new namespace: nothing is left of the one before. */
static void load_start(const struct load *load, struct keeper *ret_keeper)
{
	const char *argv[] = { options.mkload, load->arguments[0], load->arguments[1],
			       load->arguments[2], NULL };
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
	keeper.born = now();
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

static void load_stop(const struct load *load, const struct keeper *keeper)
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

/* Copies what a command wrote to its standard error, each line behind the name. */
static void show_errors(FILE *to, const char *name)
{
	char line[512];
	FILE *file;
	int fd = dup(errors_fd);

	if (fd < 0)
		return;
	lseek(fd, 0, SEEK_SET);
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return;
	}
	for (int i = 0; i < 5 && fgets(line, sizeof(line), file); i++)
		fprintf(to, "  (%s: %.*s)\n", name, (int)strcspn(line, "\n"), line);
	fclose(file);
}

static void run(const char *const *argv, struct run *ret_run)
{
	static char buffer[65536];
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	long rows = 0;
	int output[2];
	int status;
	pid_t pid;
	ssize_t n;
	int err;

	if (pipe2(output, O_CLOEXEC) < 0 || ftruncate(errors_fd, 0) < 0 ||
	    lseek(errors_fd, 0, SEEK_SET) < 0)
		fail("prepare a run: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, errors_fd, STDERR_FILENO);
	err = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
	if (err)
		fail("%s: %s", argv[0], strerror(err));
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	while ((n = read(output[0], buffer, sizeof(buffer))) != 0) {
		if (n < 0 && errno != EINTR)
			fail("read the output of %s: %s", argv[0], strerror(errno));
		for (ssize_t i = 0; i < n; i++)
			rows += buffer[i] == '\n';
	}
	close(output[0]);
	while (wait4(pid, &status, 0, &usage) < 0) {
		if (errno != EINTR)
			fail("wait: %s", strerror(errno));
	}
	if (status) {
		show_errors(stderr, argv[0]);
		fputs("bench:", stderr);
		for (int i = 0; argv[i]; i++)
			fprintf(stderr, " %s", argv[i]);
		fputc('\n', stderr);
		if (WIFEXITED(status))
			fail("the command ended with status %d", WEXITSTATUS(status));
		fail("the command was ended by signal %d", WTERMSIG(status));
	}
	ret_run->cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	ret_run->memory_mib = (double)usage.ru_maxrss / 1024;
	ret_run->rows = rows;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread {
	double median;
	double lowest;
	double highest;
};

static struct spread spread_of(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(values[0]), compare_doubles);
	return (struct spread){
		.median = (values[(count - 1) / 2] + values[count / 2]) / 2,
		.lowest = values[0],
		.highest = values[count - 1],
	};
}

static struct spread spread_cpu(const struct variant *variant, int count)
{
	double values[RUNS_MAX];

	for (int i = 0; i < count; i++)
		values[i] = variant->runs[i].cpu;
	return spread_of(values, count);
}

static struct spread spread_memory(const struct variant *variant, int count)
{
	double values[RUNS_MAX];

	for (int i = 0; i < count; i++)
		values[i] = variant->runs[i].memory_mib;
	return spread_of(values, count);
}

static struct spread spread_ratio(const struct variant *a, const struct variant *b, int count)
{
	double values[RUNS_MAX];

	/* Less than the clock's step would divide by nothing. */
	for (int i = 0; i < count; i++) {
		double divisor = b->runs[i].cpu > 1e-6 ? b->runs[i].cpu : 1e-6;

		values[i] = a->runs[i].cpu / divisor;
	}
	return spread_of(values, count);
}

static double target_of(const struct load *load, enum mode mode, enum bpf bpf)
{
	if (mode == MODE_PORT)
		return load->target_port[bpf];
	if (mode != MODE_JSON)
		return load->target[bpf];
	return load->target_json[bpf] > 0 ? load->target_json[bpf] :
					    load->target[bpf] * JSON_FACTOR;
}

static void format_number(char *buffer, size_t size, double number, int decimals)
{
	if (number > 0)
		snprintf(buffer, size, "%.*f", decimals, number);
	else
		snprintf(buffer, size, "-");
}

static void print_head(void)
{
	printf("%-17s %-8s %-3s %7s %15s %7s %9s %7s %8s %8s\n", "load", "mode", "bpf", "of ss",
	       "min-max", "target", "CPU s", "memory", "MiB", "rows");
}

static void print_variant(const struct load *load, const struct variant *variant,
			  const struct variant *ss, int count, struct result *ret_result)
{
	struct spread cpu = spread_cpu(variant, count);
	struct spread memory = spread_memory(variant, count);
	struct result result = { .cpu = cpu.median };
	char ratio_text[16] = "-", range_text[32] = "-", target_text[16], memory_text[16] = "-";

	if (ss) {
		struct spread ratio = spread_ratio(variant, ss, count);

		result.ratio = ratio.median;
		result.memory_ratio = memory.median / spread_memory(ss, count).median;
		snprintf(ratio_text, sizeof(ratio_text), "%.3f", ratio.median);
		snprintf(range_text, sizeof(range_text), "%.3f-%.3f", ratio.lowest, ratio.highest);
		snprintf(memory_text, sizeof(memory_text), "%.2f", result.memory_ratio);
	}
	format_number(target_text, sizeof(target_text),
		      target_of(load, variant->mode, variant->bpf), 3);
	printf("%-17s %-8s %-3s %7s %15s %7s %9.4f %7s %8.1f %8ld\n", load->name,
	       mode_names[variant->mode], variant->bpf == BPF_WITH ? "yes" : "no", ratio_text,
	       range_text, target_text, cpu.median, memory_text, memory.median,
	       variant->runs[count - 1].rows);
	*ret_result = result;
}

static void print_ss(const struct load *load, const struct variant *ss, int count)
{
	struct spread cpu = spread_cpu(ss, count);
	char range_text[32];

	/* For ss the range is that of its CPU seconds: how steady the machine was. */
	snprintf(range_text, sizeof(range_text), "%.4f-%.4f", cpu.lowest, cpu.highest);
	printf("%-17s %-8s %-3s %7s %15s %7s %9.4f %7s %8.1f %8ld\n", load->name,
	       ss->mode == MODE_PORT ? "ss port" : "ss", "", "", range_text, "", cpu.median, "",
	       spread_memory(ss, count).median, ss->runs[count - 1].rows);
}

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

		if (load->time_wait && now() - keeper->born > TIME_WAIT_START) {
			load_stop(load, keeper);
			load_start(load, keeper);
		}
		for (int i = 0; i < count; i++) {
			struct variant *variant = &variants[(i + slot) % count];

			if (!variant->used)
				continue;
			run(variant->argv, &variant->runs[slot]);
			if (round < 0)
				show_errors(stdout, variant == variants ? options.against :
							    mode_names[variant->mode]);
		}
		if (load->time_wait && now() - keeper->born > TIME_WAIT_END) {
			if (++restarts > runs)
				fail("load %s: one round takes longer than TIME-WAIT lasts",
				     load->name);
			round--;
			continue;
		}
		check_ss(load, &variants[0], &variants[0].runs[slot]);
	}
	if (variants[0].used)
		print_ss(load, &variants[0], runs);
	for (int i = 1; i < count; i++)
		print_variant(load, &variants[i], variants[0].used ? &variants[0] : NULL, runs,
			      &results[number][variants[i].mode][variants[i].bpf]);
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
	load_start(load, &keeper);
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

/* A star where the target was missed. */
static void print_cell(double ratio, double target)
{
	char text[16];

	format_number(text, sizeof(text), ratio, 3);
	if (ratio > 0 && target > 0 && ratio > target)
		strcat(text, " *");
	printf(" %s |", text);
}

static void print_summary_row(size_t number, const char *name, const enum mode *modes)
{
	const struct load *load = &loads[number];
	bool measured = false;

	for (int bpf = 0; bpf < N_BPF; bpf++)
		for (int i = 0; i < 3; i++)
			measured = measured || (modes[i] != N_MODES &&
						results[number][modes[i]][bpf].ratio > 0);
	if (!measured)
		return;
	printf("| %s |", name);
	for (int bpf = 0; bpf < N_BPF; bpf++) {
		for (int i = 0; i < 3; i++) {
			if (modes[i] == N_MODES)
				printf(" |");
			else
				print_cell(results[number][modes[i]][bpf].ratio,
					   target_of(load, modes[i], (enum bpf)bpf));
		}
		printf(" %.2f |", target_of(load, modes[0], (enum bpf)bpf));
	}
	putchar('\n');
}

static void print_summary(void)
{
	static const enum mode all[3] = { MODE_GROUPED, MODE_RAW, MODE_JSON };
	static const enum mode port[3] = { MODE_PORT, N_MODES, N_MODES };

	printf("\nCPU of portshare / CPU of ss (median); * misses the target (json: %.1f times it, "
	       "on busy with BPF 0.15)\n\n"
	       "| load | grouped | raw | json | target | no BPF: grouped | raw | json | target |\n"
	       "|---|---|---|---|---|---|---|---|---|\n", JSON_FACTOR);
	for (size_t i = 0; i < N_LOADS; i++)
		print_summary_row(i, loads[i].name, all);
	for (size_t i = 0; i < N_LOADS; i++) {
		char name[64];

		snprintf(name, sizeof(name), "one port of %s", loads[i].name);
		print_summary_row(i, name, port);
	}
	for (size_t i = 0; i < N_LOADS; i++) {
		bool measured = false;

		if (!(loads[i].target_memory > 0))
			continue;
		for (int mode = 0; mode < N_MODES; mode++) {
			for (int bpf = 0; bpf < N_BPF; bpf++) {
				double ratio = results[i][mode][bpf].memory_ratio;

				if (mode == MODE_PORT || !(ratio > 0))
					continue;
				if (!measured)
					printf("\nPeak memory / that of ss on %s (target %.2f):",
					       loads[i].name, loads[i].target_memory);
				measured = true;
				printf(" %s%s %.2f%s", mode_names[mode],
				       bpf == BPF_WITH ? "" : " without BPF", ratio,
				       ratio > loads[i].target_memory ? " *" : "");
			}
		}
		if (measured)
			putchar('\n');
	}
}

/* The same kind of load in several sizes: near linear growth keeps the cost of a socket. */
static void print_growth(void)
{
	printf("\nGrowth: CPU in microseconds a socket (tcp loads)\n\n| load |");
	for (int mode = 0; mode < MODE_PORT; mode++)
		printf(" %s | no BPF: %s |", mode_names[mode], mode_names[mode]);
	printf("\n|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < N_LOADS; i++) {
		bool measured = false;

		if (strcmp(loads[i].arguments[0], "tcp") != 0)
			continue;
		for (int mode = 0; mode < MODE_PORT; mode++)
			for (int bpf = 0; bpf < N_BPF; bpf++)
				measured = measured || results[i][mode][bpf].cpu > 0;
		if (!measured)
			continue;
		printf("| %s |", loads[i].name);
		for (int mode = 0; mode < MODE_PORT; mode++) {
			for (int bpf = 0; bpf < N_BPF; bpf++) {
				char text[16];

				format_number(text, sizeof(text), results[i][mode][bpf].cpu * 1e6 /
					      (double)loads[i].sockets, 2);
				printf(" %s |", text);
			}
		}
		putchar('\n');
	}
}

static void print_version(const char *program)
{
	const char *argv[] = { program, "-V", NULL };
	posix_spawn_file_actions_t actions;
	char line[256] = "";
	int output[2];
	FILE *file;
	pid_t pid;
	int err;

	if (pipe2(output, O_CLOEXEC) < 0)
		fail("pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	err = posix_spawnp(&pid, program, &actions, NULL, (char *const *)argv, environ);
	if (err)
		fail("%s: %s", program, strerror(err));
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);
	file = fdopen(output[0], "r");
	if (file && fgets(line, sizeof(line), file))
		printf("%.*s; ", (int)strcspn(line, "\n"), line);
	if (file)
		fclose(file);
	waitpid(pid, NULL, 0);
}

static void usage(FILE *to)
{
	fputs("usage: bench [--load NAME]... [--mode NAME]... [--bpf yes|no|both] [--runs N]\n"
	      "             [--program PATH] [--against PATH] [--mkload PATH]\n"
	      "loads:", to);
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
	errors_fd = memfd_create("errors", MFD_CLOEXEC);
	if (errors_fd < 0 || uname(&system) < 0)
		fail("start: %s", strerror(errno));
	print_version(options.program);
	print_version(options.against);
	printf("Linux %s; %ld processors; %d runs at least\n", system.release,
	       sysconf(_SC_NPROCESSORS_ONLN), options.runs);
	print_head();
	fflush(stdout);
	for (size_t i = 0; i < N_LOADS; i++) {
		if (!options.load[i])
			continue;
		measure(i, false);
		if (loads[i].has_port)
			measure(i, true);
	}
	print_summary();
	print_growth();
	return fflush(stdout) ? 1 : 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bench/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int errors_fd = -1;

void fail(const char *format, ...)
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

double measure_now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void measure_init(void)
{
	errors_fd = memfd_create("errors", MFD_CLOEXEC);
	if (errors_fd < 0)
		fail("start: %s", strerror(errno));
}

void measure_show_errors(FILE *to, const char *name)
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

void measure_run(const char *const *argv, struct run *ret_run)
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
		measure_show_errors(stderr, argv[0]);
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

void measure_version(const char *program)
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

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct spread measure_spread(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(values[0]), compare_doubles);
	return (struct spread){
		.median = (values[(count - 1) / 2] + values[count / 2]) / 2,
		.lowest = values[0],
		.highest = values[count - 1],
	};
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/relate.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

/* A chain of parents is not followed further: it may be a loop in a snapshot that was made up. */
#define ANCESTORS_MAX 64

#define PID_INIT 1

/* Arguments, each ended by NUL. */
struct arguments {
	const char *at, *end;
};

static struct arguments arguments_of(const struct snapshot *snapshot, const struct process *process)
{
	size_t length = 0;
	const char *text = string_pool_get(&snapshot->strings, process->cmdline, &length);

	return (struct arguments){ .at = text, .end = text ? text + length : NULL };
}

/* NULL behind the last. */
static const char *next_argument(struct arguments *arguments)
{
	const char *argument = arguments->at;

	if (!argument || argument >= arguments->end)
		return NULL;
	arguments->at = argument + strlen(argument) + 1;
	return argument;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* The name of a program file, or NULL. */
static const char *file_name(const struct snapshot *snapshot, const struct process *process)
{
	const char *exe = snapshot_text(snapshot, process->exe);

	return exe ? base_name(exe) : NULL;
}

/* A program that runs what its arguments name, and its options that are followed by a value. */
struct interpreter {
	const char *name; /* a version may follow: "python3.11" */
	const char *values; /* each between blanks */
};

static const struct interpreter interpreters[] = {
	{ "python", " -W -X --check-hash-based-pycs " },
	{ "pypy", " -W -X " },
	{ "perl", " -I " },
	{ "ruby", " -r -I -E -C " },
	{ "node",
	  " -r --require --import --loader --experimental-loader -C --conditions --env-file " },
	{ "nodejs", " -r --require " },
	{ "java", " -cp -classpath --class-path -p --module-path --add-modules --add-opens "
		  "--add-exports --add-reads " },
	{ "bash", " -o +o -O +O --rcfile --init-file " },
	{ "dash", " -o +o " },
	{ "sh", " -o +o " },
	{ "zsh", " -o +o " },
	{ "ksh", " -o +o " },
	{ "php", " -c -d -z " },
	{ "lua", " -l " },
	{ "tclsh", " " },
	{ "Rscript", " " },
	{ "mono", " " },
};

static const struct interpreter *find_interpreter(const char *name)
{
	size_t i, length;

	for (i = 0; name && i < ARRAY_SIZE(interpreters); i++) {
		length = strlen(interpreters[i].name);
		if (!strncmp(name, interpreters[i].name, length) &&
		    !name[length + strspn(name + length, "0123456789.-")])
			return &interpreters[i];
	}
	return NULL;
}

static bool takes_value(const struct interpreter *interpreter, const char *option)
{
	const char *at = interpreter->values;
	size_t length = strlen(option);

	/* It may be anything: what is no word would be found at once, and for ever. */
	if (*option != '-' && *option != '+')
		return false;
	for (; (at = strstr(at, option)); at += length)
		if (at[-1] == ' ' && at[length] == ' ')
			return true;
	return false;
}

/* Options of interpreters that are followed by what is run. */
static bool names_code(const char *option)
{
	return !strcmp(option, "-m") || !strcmp(option, "-c") || !strcmp(option, "-e") ||
	       !strcmp(option, "-jar");
}

/* How Python's multiprocessing starts a process that goes on with its parent's script. */
static bool is_worker_code(const char *option, const char *code)
{
	static const char worker[] = "from multiprocessing.";

	return code && !strcmp(option, "-c") && !strncmp(code, worker, sizeof(worker) - 1);
}

/*
 * What an interpreter runs, with the way in which it is named; NULL if nothing is named, or if that
 * cannot be told: for an option that nobody knows here, or of a worker that was told otherwise.
 */
static const char *script_of(const struct interpreter *interpreter, struct arguments arguments,
			     const char **ret_option)
{
	const char *argument;

	*ret_option = "";
	next_argument(&arguments);
	while ((argument = next_argument(&arguments))) {
		/* What a title has left of the arguments. */
		if (!*argument)
			return NULL;
		if (takes_value(interpreter, argument)) {
			next_argument(&arguments);
			continue;
		}
		if (names_code(argument)) {
			*ret_option = argument;
			argument = next_argument(&arguments);
			return is_worker_code(*ret_option, argument) ? NULL : argument;
		}
		if ((argument[0] != '-' && argument[0] != '+') || !argument[1])
			return argument;
		if (argument[0] == '-' && argument[1] == '-' && !strchr(argument, '='))
			return NULL;
	}
	return NULL;
}

/* Equal but for runs of digits, as the numbers of workers. */
static bool same_but_for_numbers(const char *a, const char *b)
{
	for (;;) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			while (isdigit((unsigned char)*a))
				a++;
			while (isdigit((unsigned char)*b))
				b++;
		}
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

/* What a process wrote over its arguments (setproctitle()) tells nothing of them. */
static bool is_title(const struct snapshot *snapshot, const struct process *process,
		     const char *argument)
{
	const char *exe = snapshot_text(snapshot, process->exe);

	return argument && strchr(argument, ' ') && (!exe || strcmp(exe, argument));
}

static enum tristate same_arguments(const struct snapshot *snapshot, const struct process *a,
				    const struct process *b)
{
	struct arguments left = arguments_of(snapshot, a), right = arguments_of(snapshot, b);
	const char *x, *y;

	if (!(a->known & b->known & PROCESS_HAS_CMDLINE) && (!left.at || !right.at))
		return TRISTATE_UNKNOWN;
	x = next_argument(&left);
	y = next_argument(&right);
	if (is_title(snapshot, a, x) || is_title(snapshot, b, y))
		return TRISTATE_UNKNOWN;
	for (;;) {
		x = next_argument(&left);
		y = next_argument(&right);
		if (!x || !y)
			return tristate_of(!x && !y);
		if (!same_but_for_numbers(x, y))
			return TRISTATE_NO;
	}
}

static const struct interpreter *interpreter_of(const struct snapshot *snapshot,
						const struct process *process)
{
	const char *name = file_name(snapshot, process);

	return find_interpreter(name ? name : snapshot_text(snapshot, process->comm));
}

/*
 * Whether one name, given to two processes, is that of one file. Without a path it is where they
 * were started, and they may have gone elsewhere since: to the root those go that go anywhere.
 */
static enum tristate is_one_file(const struct snapshot *snapshot, const struct process *a,
				 const struct process *b, const char *option, const char *name)
{
	if (!strcmp(option, "-c") || !strcmp(option, "-e"))
		return TRISTATE_YES;
	/* What it reads from is its own. */
	if (!strcmp(name, "-") || !strncmp(name, "/dev/", 5) || !strncmp(name, "/proc/", 6))
		return TRISTATE_UNKNOWN;
	if (*name == '/')
		return TRISTATE_YES;
	return a->cwd && a->cwd == b->cwd && strcmp(snapshot_text(snapshot, a->cwd), "/") ?
		       TRISTATE_YES :
		       TRISTATE_UNKNOWN;
}

static enum tristate same_script(const struct snapshot *snapshot,
				 const struct interpreter *interpreter, const struct process *a,
				 const struct process *b)
{
	struct arguments left = arguments_of(snapshot, a), right = arguments_of(snapshot, b);
	const char *x, *y, *option_x, *option_y;

	if (!left.at || !right.at)
		return TRISTATE_UNKNOWN;
	x = script_of(interpreter, left, &option_x);
	y = script_of(interpreter, right, &option_y);
	/* Nothing is named: it reads a terminal or a pipe, or wrote a title over its arguments. */
	if (!x || !y)
		return TRISTATE_UNKNOWN;
	if (strcmp(x, y) || strcmp(option_x, option_y))
		return TRISTATE_NO;
	return is_one_file(snapshot, a, b, option_x, x);
}

/* The same file, or one that has taken its place. */
static enum tristate same_file(const struct process *a, const struct process *b)
{
	bool has_files = a->known & b->known & PROCESS_HAS_EXE_FILE;

	if (has_files && a->exe_device == b->exe_device && a->exe_inode == b->exe_inode)
		return TRISTATE_YES;
	if (!a->exe || !b->exe)
		return has_files ? TRISTATE_NO : TRISTATE_UNKNOWN;
	if (a->exe != b->exe)
		return TRISTATE_NO;
	if (!has_files)
		return TRISTATE_YES;
	return tristate_of(a->exe_deleted == TRISTATE_YES || b->exe_deleted == TRISTATE_YES);
}

/* A base name without what people add to that of the program that a new one replaces, or to that. */
static char *generation_name(const char *name)
{
	static const char *const marks[] = { ".old", ".new", ".bak" };
	size_t length = strlen(name), i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		size_t mark = strlen(marks[i]);

		if (length > mark && !strcmp(name + length - mark, marks[i]))
			return xasprintf("%.*s", (int)(length - mark), name);
	}
	return xstrdup(name);
}

static bool same_generation_name(const char *left, const char *right)
{
	char *a = generation_name(left), *b = generation_name(right);
	bool same = same_but_for_numbers(a, b);

	free(a);
	free(b);
	return same;
}

static bool same_script_name(const struct snapshot *snapshot, const struct interpreter *interpreter,
			     const struct process *a, const struct process *b)
{
	const char *x, *y, *option_x, *option_y;

	x = script_of(interpreter, arguments_of(snapshot, a), &option_x);
	y = script_of(interpreter, arguments_of(snapshot, b), &option_y);
	/* Code that is an argument has no name. */
	return x && y && !strcmp(option_x, option_y) && strcmp(option_x, "-c") &&
	       strcmp(option_x, "-e") && same_generation_name(base_name(x), base_name(y));
}

bool relate_generations(const struct process *a, const struct process *b,
			const struct snapshot *snapshot)
{
	const struct interpreter *interpreter = interpreter_of(snapshot, a);
	const char *x = file_name(snapshot, a), *y = file_name(snapshot, b);

	if (interpreter != interpreter_of(snapshot, b))
		return false;
	if (interpreter)
		return same_script_name(snapshot, interpreter, a, b);
	if (!x || !y) {
		x = snapshot_text(snapshot, a->comm);
		y = snapshot_text(snapshot, b->comm);
	}
	return x && y && same_generation_name(x, y);
}

const char *relate_program_name(const struct snapshot *snapshot, const struct process *process)
{
	const struct interpreter *interpreter = interpreter_of(snapshot, process);
	const char *name = file_name(snapshot, process), *option, *script;

	if (interpreter) {
		script = script_of(interpreter, arguments_of(snapshot, process), &option);
		if (script && strcmp(option, "-c") && strcmp(option, "-e") && strcmp(script, "-"))
			return base_name(script);
	}
	if (process->comm)
		return snapshot_text(snapshot, process->comm);
	return name ? name : "?";
}

/* The row of a process's parent; SNAPSHOT_NONE if it is init, unknown or not in the snapshot. */
static uint32_t parent_of(const struct snapshot *snapshot, uint32_t row)
{
	const struct process *process = &snapshot->processes[row];

	if (!(process->known & PROCESS_HAS_PPID) || process->ppid <= PID_INIT)
		return SNAPSHOT_NONE;
	return snapshot_find_process(snapshot, process->ppid);
}

static bool descends(const struct snapshot *snapshot, uint32_t from, uint32_t ancestor)
{
	uint32_t steps, pid = snapshot->processes[ancestor].pid;

	if (pid == PID_INIT)
		return false;
	for (steps = 0; from != SNAPSHOT_NONE && steps < ANCESTORS_MAX; steps++) {
		const struct process *process = &snapshot->processes[from];

		/* The parent may be known by its number alone. */
		if ((process->known & PROCESS_HAS_PPID) && process->ppid == pid)
			return true;
		from = parent_of(snapshot, from);
	}
	return false;
}

/* Who has its ancestor's arguments has got them by fork(), wherever it has gone since. */
static bool is_fork(const struct snapshot *snapshot, const struct process *a,
		    const struct process *b)
{
	uint32_t x, y;

	if (!a->cmdline || a->cmdline != b->cmdline)
		return false;
	x = snapshot_find_process(snapshot, a->pid);
	y = snapshot_find_process(snapshot, b->pid);
	return x != SNAPSHOT_NONE && y != SNAPSHOT_NONE &&
	       (descends(snapshot, x, y) || descends(snapshot, y, x));
}

enum tristate relate_program(const struct process *a, const struct process *b,
			     const struct snapshot *snapshot)
{
	const struct interpreter *interpreter = interpreter_of(snapshot, a);
	enum tristate file = same_file(a, b), rest;

	if (file == TRISTATE_NO)
		return TRISTATE_NO;
	/* Without the file what is left is the name, which can only tell apart. */
	if (file == TRISTATE_UNKNOWN && a->comm && b->comm && a->comm != b->comm)
		return TRISTATE_NO;
	if (is_fork(snapshot, a, b))
		rest = TRISTATE_YES;
	else if (interpreter)
		rest = same_script(snapshot, interpreter, a, b);
	else
		rest = same_arguments(snapshot, a, b);
	if (rest == TRISTATE_NO)
		return TRISTATE_NO;
	return file == TRISTATE_YES && rest == TRISTATE_YES ? TRISTATE_YES : TRISTATE_UNKNOWN;
}

/* Whether a common ancestor of two processes runs what they run. */
static bool have_same_master(const struct snapshot *snapshot, uint32_t a, uint32_t b)
{
	const struct process *process = &snapshot->processes[a];
	uint32_t up = parent_of(snapshot, a), steps;

	for (steps = 0; up != SNAPSHOT_NONE && steps < ANCESTORS_MAX; steps++) {
		const struct process *master = &snapshot->processes[up];
		const struct interpreter *interpreter = interpreter_of(snapshot, master);

		if (same_file(process, master) != TRISTATE_YES)
			return false;
		/* A title says nothing; without one the script does. */
		if (interpreter &&
		    same_script(snapshot, interpreter, process, master) == TRISTATE_NO)
			return false;
		if (descends(snapshot, b, up))
			return true;
		up = parent_of(snapshot, up);
	}
	return false;
}

static bool has_place(const struct process *process)
{
	return (process->known & PROCESS_HAS_PPID) || process->cgroup || process->unit ||
	       process->container;
}

uint32_t relate_processes(const struct snapshot *snapshot, uint32_t a, uint32_t b)
{
	const struct process *left = &snapshot->processes[a], *right = &snapshot->processes[b];
	uint32_t relation = 0;

	if (a == b)
		return RELATED_SAME | RELATED_PROGRAM;
	switch (relate_program(left, right, snapshot)) {
	case TRISTATE_YES:
		relation |= RELATED_PROGRAM;
		break;
	case TRISTATE_UNKNOWN:
		relation |= RELATED_PROGRAM_UNKNOWN;
		break;
	case TRISTATE_NO:
		break;
	}
	if (relation && have_same_master(snapshot, a, b))
		relation |= RELATED_TREE;
	if (descends(snapshot, a, b) || descends(snapshot, b, a))
		relation |= RELATED_ANCESTOR;
	if (left->unit && left->unit == right->unit && left->container == right->container)
		relation |= RELATED_UNIT;
	if (left->container && left->container == right->container)
		relation |= RELATED_CONTAINER;
	if (!has_place(left) || !has_place(right))
		relation |= RELATED_OTHERS_UNKNOWN;
	return relation;
}

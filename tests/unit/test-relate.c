/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/relate.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

static struct snapshot *world;

/* arguments are separated by "|"; returns the row. */
static uint32_t add(uint32_t pid, uint32_t ppid, const char *exe, const char *arguments)
{
	const char *base = strrchr(exe, '/');
	uint32_t row = make_process(world, pid, base ? base + 1 : exe);
	struct process *process = &world->processes[row];
	char text[256];
	size_t i, length = strlen(arguments);

	memcpy(text, arguments, length + 1);
	for (i = 0; i < length; i++)
		if (text[i] == '|')
			text[i] = '\0';
	process->ppid = ppid;
	process->exe = snapshot_string(world, exe);
	process->cmdline = string_pool_add_bytes(&world->strings, text, length + 1);
	process->cwd = snapshot_string(world, "/srv");
	process->known = PROCESS_HAS_PPID | PROCESS_HAS_CMDLINE;
	return row;
}

static void check_program(const char *exe, const char *a, const char *b, enum tristate expected,
			  const char *name)
{
	uint32_t x, y;

	world = snapshot_new();
	x = add(10, 1, exe, a);
	y = add(11, 1, exe, b);
	is_int(relate_program(&world->processes[x], &world->processes[y], world), expected,
	       "%s: %s and %s", exe, a, b);
	if (name)
		is_str(relate_program_name(world, &world->processes[x]), name, "is called %s",
		       name);
	snapshot_free(world);
}

static void test_programs(void)
{
	static const char python[] = "/usr/bin/python3.11";

	check_program(python, "python3|a.py", "python3|a.py", TRISTATE_YES, "a.py");
	check_program(python, "python3|/srv/a.py", "python3|/srv/b.py", TRISTATE_NO, "a.py");
	check_program(python, "python3|-u|a.py", "python3|a.py|--x", TRISTATE_YES, "a.py");
	check_program(python, "python3|-W|ignore|a.py", "python3|-W|ignore|b.py", TRISTATE_NO,
		      "a.py");
	check_program(python, "python3|-m|http.server", "python3|-m|http.server|80", TRISTATE_YES,
		      "http.server");
	check_program(python, "python3|-m|a", "python3|a", TRISTATE_NO, "a");
	check_program(python, "python3", "python3", TRISTATE_UNKNOWN, "python3.11");
	/* As a program leaves them that writes over its arguments. */
	check_program(python, "python3||", "python3||", TRISTATE_UNKNOWN, "python3.11");
	check_program(python, "python3| -W|x", "python3| -W|x", TRISTATE_YES, NULL);
	check_program(python, "gunicorn: worker [a]", "gunicorn: worker [b]", TRISTATE_UNKNOWN,
		      NULL);
	check_program(python, "web: worker|||", "python3|a.py", TRISTATE_UNKNOWN, "python3.11");
	check_program(python, "worker|||", "worker|||", TRISTATE_UNKNOWN, "python3.11");
	check_program(python, "python3|-b| -W|a.py", "python3|-b| -W|a.py", TRISTATE_YES, " -W");
	check_program("/usr/bin/java", "java|-cp|/opt/lib|com.a.Sip",
		      "java|-cp|/opt/lib|com.b.Media", TRISTATE_NO, "com.a.Sip");
	check_program("/usr/bin/java", "java|-Xmx1g|-jar|/opt/a.jar", "java|-jar|/opt/a.jar",
		      TRISTATE_YES, "a.jar");
	check_program("/bin/bash", "bash|-o|pipefail|a.sh", "bash|-o|pipefail|b.sh", TRISTATE_NO,
		      "a.sh");
	check_program("/usr/bin/node", "node|-r|dotenv|a.js", "node|-r|dotenv|b.js", TRISTATE_NO,
		      "a.js");
	check_program("/usr/bin/node", "node|--odd|a.js|b", "node|--odd|a.js", TRISTATE_UNKNOWN,
		      "node");
	check_program("/opt/srv", "srv|--port|80|--worker=1", "srv|--port|80|--worker=12",
		      TRISTATE_YES, "srv");
	check_program("/opt/srv", "srv|--config|a", "srv|--config|b", TRISTATE_NO, "srv");
	check_program("/opt/My App/srv", "/opt/My App/srv|--config|a", "/opt/My App/srv|--config|b",
		      TRISTATE_NO, "srv");
	check_program("/usr/sbin/nginx", "nginx: worker process", "nginx: master process nginx",
		      TRISTATE_UNKNOWN, "nginx");
}

static void check_directories(const char *arguments, const char *a, const char *b,
			      enum tristate expected)
{
	uint32_t x, y;

	world = snapshot_new();
	x = add(10, 1, "/usr/bin/python3", arguments);
	y = add(11, 1, "/usr/bin/python3", arguments);
	world->processes[x].cwd = snapshot_string(world, a);
	world->processes[y].cwd = snapshot_string(world, b);
	is_int(relate_program(&world->processes[x], &world->processes[y], world), expected,
	       "%s in %s and in %s", arguments, a ? a : "?", b ? b : "?");
	snapshot_free(world);
}

static void test_directories(void)
{
	check_directories("python3|app.py", "/d1", "/d1", TRISTATE_YES);
	check_directories("python3|app.py", "/d1", "/d2", TRISTATE_UNKNOWN);
	check_directories("python3|./app.py", "/d1", "/d2", TRISTATE_UNKNOWN);
	check_directories("python3|-m|app", "/d1", "/d2", TRISTATE_UNKNOWN);
	check_directories("python3|app.py", "/", "/", TRISTATE_UNKNOWN);
	check_directories("python3|app.py", "/d1", NULL, TRISTATE_UNKNOWN);
	check_directories("python3|app.py", NULL, NULL, TRISTATE_UNKNOWN);
	check_directories("python3|/srv/app.py", "/d1", "/d2", TRISTATE_YES);
	check_directories("python3|/srv/app.py", NULL, NULL, TRISTATE_YES);
	check_directories("python3|-c|import a", "/d1", "/d2", TRISTATE_YES);
	check_directories("python3|-", "/d1", "/d1", TRISTATE_UNKNOWN);
	check_directories("python3|/dev/fd/63", "/d1", "/d1", TRISTATE_UNKNOWN);
}

static void test_forks(void)
{
	uint32_t master, worker, other;

	world = snapshot_new();
	master = add(10, 1, "/usr/bin/python3", "python3|app.py");
	worker = add(11, 10, "/usr/bin/python3", "python3|app.py");
	other = add(12, 1, "/usr/bin/python3", "python3|app.py");
	world->processes[worker].cwd = world->processes[other].cwd = snapshot_string(world, "/");
	is_int(relate_program(&world->processes[worker], &world->processes[master], world),
	       TRISTATE_YES, "a fork that has gone elsewhere");
	is_int(relate_program(&world->processes[other], &world->processes[master], world),
	       TRISTATE_UNKNOWN, "a start elsewhere");
	snapshot_free(world);
}

static void test_files(void)
{
	struct process a = { .known = PROCESS_HAS_EXE_FILE | PROCESS_HAS_CMDLINE, .exe_inode = 5 };
	struct process b = a;

	world = snapshot_new();
	a.exe = b.exe = snapshot_string(world, "/opt/srv");
	a.cmdline = b.cmdline = snapshot_string(world, "srv");
	is_int(relate_program(&a, &b, world), TRISTATE_YES, "one file");
	b.exe_inode = 6;
	is_int(relate_program(&a, &b, world), TRISTATE_NO, "one path, two files: two containers");
	a.exe_deleted = TRISTATE_YES;
	is_int(relate_program(&a, &b, world), TRISTATE_YES, "unless one took the other's place");
	b.exe = snapshot_string(world, "/opt/other");
	is_int(relate_program(&a, &b, world), TRISTATE_NO, "two paths");
	snapshot_free(world);
}

static void test_trees(void)
{
	static const char python[] = "/usr/bin/python3";
	uint32_t shell, master, one, two, other, lone;

	world = snapshot_new();
	shell = add(100, 1, "/bin/bash", "bash");
	master = add(200, 100, python, "python3|a.py");
	one = add(201, 200, python, "python3|a.py");
	two = add(202, 200, python, "app: worker");
	other = add(203, 100, python, "python3|b.py");
	lone = add(300, 1, python, "python3|a.py");
	ok(relate_processes(world, one, master) & RELATED_ANCESTOR, "a parent");
	ok(relate_processes(world, one, two) & RELATED_TREE,
	   "workers of one master, one with a title");
	ok(!(relate_processes(world, master, other) & RELATED_CLOSELY),
	   "a common shell relates nobody");
	is_int(relate_processes(world, master, lone) & RELATED_CLOSELY, 0, "another start");
	ok(relate_processes(world, master, lone) & RELATED_PROGRAM, "of the same program");
	ok(relate_processes(world, shell, one) & RELATED_ANCESTOR, "an ancestor");
	world->processes[master].unit = world->processes[other].unit =
		snapshot_string(world, "a.service");
	ok(relate_processes(world, master, other) & RELATED_UNIT, "one unit");
	/* A snapshot that was made up may have a loop. */
	world->processes[shell].ppid = 200;
	ok(!(relate_processes(world, other, lone) & RELATED_CLOSELY), "a loop of parents ends");
	snapshot_free(world);
}

int main(void)
{
	test_programs();
	test_directories();
	test_forks();
	test_files();
	test_trees();
	return done_testing();
}

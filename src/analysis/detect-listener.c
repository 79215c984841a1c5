/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets that listen for somebody who should not have them. */
#include "analysis/detect-listener.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/detect.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

/* Holders named in a sentence; the rest is counted. */
#define NAMED_MAX 2

static bool is_one_of(const char *name, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; name && i < n; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* The base name of the program file, or NULL. */
static const char *file_of(const struct snapshot *snapshot, const struct process *process)
{
	const char *exe = snapshot_text(snapshot, process->exe);
	const char *slash = exe ? strrchr(exe, '/') : NULL;

	return slash ? slash + 1 : NULL;
}

/* One file that is many programs: which, its process has as its comm. */
static bool is_many_programs(const char *file)
{
	static const char *const many[] = { "busybox", "toybox", "coreutils" };

	return is_one_of(file, many, ARRAY_SIZE(many));
}

/* The base name of the program file; of one that is many programs, or is not known, the comm. */
static const char *program_of(const struct snapshot *snapshot, const struct process *process)
{
	const char *file = file_of(snapshot, process);

	return file && !is_many_programs(file) ? file : snapshot_text(snapshot, process->comm);
}

/* Programs that never open a port: one of them has a listener because it was born with it. */
static bool opens_no_ports(const struct snapshot *snapshot, const struct process *process)
{
	static const char *const names[] = {
		"sleep", "sh",	 "bash",   "dash",  "zsh",     "ash",	 "cat", "tail",
		"tee",	 "env",	 "find",   "grep",  "sort",    "gzip",	 "tar", "xargs",
		"su",	 "sudo", "logger", "nohup", "timeout", "script",
	};

	return is_one_of(program_of(snapshot, process), names, ARRAY_SIZE(names));
}

/* Of Python or Perl. */
static bool is_script_manager(const char *name)
{
	static const char *const names[] = { "circusd", "start_server", "supervisord" };

	return is_one_of(name, names, ARRAY_SIZE(names));
}

static bool is_manager_name(const char *name)
{
	static const char systemd_socket[] = "systemd-socket-"; /* as long as a comm can be */
	static const char *const names[] = {
		"systemd",	"inetd",     "inetutils-inetd", "openbsd-inetd", "xinetd",
		"s6-fdholderd", "cyrmaster", "dovecot",		"finit",	 "dinit",
	};

	return name && (is_one_of(name, names, ARRAY_SIZE(names)) || is_script_manager(name) ||
			!strncmp(name, systemd_socket, sizeof(systemd_socket) - 1));
}

/* That of Postfix or of Cyrus, and the first program: names that others have too. */
static bool is_common_manager_name(const char *name)
{
	return name && (!strcmp(name, "master") || !strcmp(name, "init"));
}

/* Whether a file of such a name is where the manager's is. */
static bool is_at_managers_place(const char *exe, const char *file, uint32_t pid)
{
	static const char sbin_init[] = "/sbin/init";
	size_t length = strlen(exe), end = sizeof(sbin_init) - 1;

	if (!strcmp(file, "master"))
		return strstr(exe, "postfix") || strstr(exe, "cyrus");
	return pid == 1 || (length >= end && !strcmp(exe + length - end, sbin_init));
}

static bool runs_scripts(const char *file)
{
	return !strncmp(file, "python", 6) || !strncmp(file, "pypy", 4) ||
	       !strncmp(file, "perl", 4);
}

/*
 * They open sockets for the programs that they start, which accept: that is what they are for. A
 * process can call itself what it likes; so the file that it runs decides, where that is known.
 */
static bool is_service_manager(const struct snapshot *snapshot, const struct process *process)
{
	const char *comm = snapshot_text(snapshot, process->comm);
	const char *file = file_of(snapshot, process);

	if (!file || is_many_programs(file))
		/* In a container process 1 may be the server itself. */
		return comm ? is_manager_name(comm) || is_common_manager_name(comm) :
			      process->pid == 1;
	if (is_common_manager_name(file))
		return is_at_managers_place(snapshot_text(snapshot, process->exe), file,
					    process->pid);
	if (runs_scripts(file))
		return is_script_manager(relate_program_name(snapshot, process));
	return is_manager_name(file);
}

/* Who holds a listener. */
struct holders {
	uint32_t *processes; /* each once, without service managers */
	uint32_t count;
	bool has_manager;
};

static void holders_init(struct holders *holders, const struct snapshot *snapshot,
			 const struct inet_socket *socket)
{
	uint32_t i, last = SNAPSHOT_NONE;

	*holders = (struct holders){
		.processes = xcalloc(socket->n_owners, sizeof(*holders->processes)),
	};
	for (i = 0; i < socket->n_owners; i++) {
		uint32_t process = snapshot->owners[socket->first_owner + i].process;

		if (process == last)
			continue;
		last = process;
		if (is_service_manager(snapshot, &snapshot->processes[process]))
			holders->has_manager = true;
		else
			holders->processes[holders->count++] = process;
	}
}

static void holders_done(struct holders *holders)
{
	free(holders->processes);
}

/* Whether a process is older than another, or its parent. */
static bool comes_before(const struct process *process, const struct process *other)
{
	bool both = process->known & other->known & PROCESS_HAS_START_TIME;

	return ((other->known & PROCESS_HAS_PPID) && other->ppid == process->pid) ||
	       (both && process->start_time_ns < other->start_time_ns);
}

/*
 * The one that the others come from: the oldest of those that may have opened the port; of them one
 * from which another descends. SNAPSHOT_NONE if there is none: the server has gone.
 */
static uint32_t find_server(const struct snapshot *snapshot, const struct holders *holders)
{
	uint32_t i, server = SNAPSHOT_NONE;

	for (i = 0; i < holders->count; i++) {
		const struct process *process = &snapshot->processes[holders->processes[i]];

		if (!opens_no_ports(snapshot, process) &&
		    (server == SNAPSHOT_NONE ||
		     comes_before(process, &snapshot->processes[server])))
			server = holders->processes[i];
	}
	return server;
}

/* "a" (pid 1); "a" (pid 1) and "b" (pid 2); "a" (pid 1), "b" (pid 2) and 3 more. */
static char *processes_words(const struct snapshot *snapshot, const uint32_t *processes, uint32_t n)
{
	char *first = words_process(snapshot, processes[0]), *second, *text;

	if (n == 1)
		return first;
	second = words_process(snapshot, processes[1]);
	if (n > NAMED_MAX)
		text = xasprintf("%s, %s and %u more", first, second, n - NAMED_MAX);
	else
		text = xasprintf("%s and %s", first, second);
	free(first);
	free(second);
	return text;
}

/* What becomes of the port while somebody but the server holds its listener. */
static const char *blocked_words(const struct inet_socket *listener)
{
	return listener->reuse_port == TRISTATE_NO ?
		       "a new start of it fails with EADDRINUSE whatever flags it sets, and "
		       "clients connect to a queue that nobody empties" :
		       "a new start of it fails with EADDRINUSE, unless both sockets have "
		       "SO_REUSEPORT and one user, and clients, or a share of them, connect to a "
		       "queue that nobody empties";
}

/* The server is there, too. */
static void say_inherited(const struct snapshot *snapshot, uint32_t index, uint32_t server,
			  const struct holders *strangers, struct finding *finding)
{
	bool one = strangers->count == 1;
	char *where = words_socket(snapshot, index), *owner = words_process(snapshot, server);
	char *who = processes_words(snapshot, strangers->processes, strangers->count);

	finding->title = xasprintf("%s %s the listener of %s on %s too", who,
				   one ? "holds" : "hold", owner, where);
	finding->evidence = xasprintf("They have the same socket among their descriptors, and %s "
				      "%s than %s.",
				      who, one ? "runs another program" : "run other programs",
				      owner);
	finding->text = xasprintf("While %s%s lives the port stays taken, also when %s ends: %s.",
				  one ? "" : "one of ", who, owner,
				  blocked_words(&snapshot->sockets[index]));
	free(where);
	free(owner);
	free(who);
}

/* No holder can have opened the port. */
static void say_left_behind(const struct snapshot *snapshot, uint32_t index,
			    const struct holders *strangers, struct finding *finding)
{
	bool one = strangers->count == 1;
	char *where = words_socket(snapshot, index);
	char *who = processes_words(snapshot, strangers->processes, strangers->count);

	finding->title = xasprintf("%s, which %s no ports %s, %s a listener on %s", who,
				   one ? "opens" : "open", one ? "itself" : "themselves",
				   one ? "holds" : "hold", where);
	finding->evidence = xasprintf(
		"%s the socket among %s descriptors, and no other process that can be seen has: a "
		"server that has ended must have left it to %s.",
		one ? "It has" : "They have", one ? "its" : "their", one ? "it" : "them");
	finding->text = xasprintf("Nobody accepts what comes in. While %s%s lives the port of the "
				  "server stays taken: %s.",
				  one ? "" : "one of ", who,
				  blocked_words(&snapshot->sockets[index]));
	free(where);
	free(who);
}

static void report_inherited(struct detection *detection, uint32_t index, uint32_t server,
			     const struct holders *strangers)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding =
		detect_report(detection, FINDING_INHERITED_LISTENER, SEVERITY_WARNING, &index, 1);
	char *who = processes_words(snapshot, strangers->processes, strangers->count);
	char *first = words_process(snapshot, strangers->processes[0]), *evidence;
	char *origin = words_origin(snapshot, strangers->processes[0]);

	if (server == SNAPSHOT_NONE)
		say_left_behind(snapshot, index, strangers, finding);
	else
		say_inherited(snapshot, index, server, strangers, finding);
	evidence = finding->evidence;
	finding->evidence = xasprintf("%s %s: %s.", evidence, first, origin);
	finding->remedy =
		xasprintf("Now: stop %s. For good: let the server open its sockets with "
			  "SOCK_CLOEXEC (Python and Go do; in Python beware of "
			  "close_fds=False and set_inheritable), or close them in the child "
			  "before exec.",
			  who);
	free(who);
	free(first);
	free(evidence);
	free(origin);
}

/*
 * Whether a holder runs what the server runs. A program that is upgraded while it runs, as nginx is
 * with SIGUSR2, hands its sockets to the new one, which is there to serve. The one socket tells that
 * the name is no chance, also when the process from which both came has ended.
 */
static enum tristate runs_program_of(const struct snapshot *snapshot, const struct process *server,
				     const struct process *process)
{
	enum tristate same = relate_program(server, process, snapshot);
	const char *file = file_of(snapshot, process);

	if (same == TRISTATE_NO && !(file && is_many_programs(file)) &&
	    relate_generations(server, process, snapshot))
		return TRISTATE_UNKNOWN;
	return same;
}

/*
 * Put the holders that run other programs than the server into ret_strangers. Returns whether that
 * cannot be told of some.
 */
static bool find_strangers(const struct snapshot *snapshot, const struct holders *holders,
			   uint32_t server, struct holders *ret_strangers)
{
	const struct process *first = &snapshot->processes[server];
	bool undecided = false;
	uint32_t i;

	ret_strangers->count = 0;
	for (i = 0; i < holders->count; i++) {
		const struct process *process = &snapshot->processes[holders->processes[i]];
		enum tristate same = runs_program_of(snapshot, first, process);

		if (process == first)
			continue;
		if (same == TRISTATE_NO)
			ret_strangers->processes[ret_strangers->count++] = holders->processes[i];
		/* One program, or one name for it, with other arguments or none is no doubt. */
		undecided = undecided ||
			    (same == TRISTATE_UNKNOWN && !(first->exe && process->exe));
	}
	return undecided;
}

/*
 * Who of the holders has inherited the listener, and from whom: SNAPSHOT_NONE if that server has
 * gone. Returns whether it cannot be told of all that there are none.
 */
static bool find_heirs(const struct snapshot *snapshot, const struct inet_socket *socket,
		       struct holders *ret_strangers, uint32_t *ret_server)
{
	bool undecided = socket_is_held_by_unknown(socket);
	struct holders holders;

	holders_init(&holders, snapshot, socket);
	holders_init(ret_strangers, snapshot, socket);
	*ret_server = find_server(snapshot, &holders);
	if (*ret_server != SNAPSHOT_NONE)
		undecided = find_strangers(snapshot, &holders, *ret_server, ret_strangers) ||
			    undecided;
	else if (holders.has_manager)
		/* A script to which it was handed on purpose, and what that runs. */
		ret_strangers->count = 0;
	holders_done(&holders);
	return undecided;
}

uint32_t detect_heirs(const struct snapshot *snapshot, const struct inet_socket *socket,
		      uint32_t *ret_heirs)
{
	struct holders strangers;
	uint32_t server, n;

	find_heirs(snapshot, socket, &strangers, &server);
	n = strangers.count;
	if (n)
		memcpy(ret_heirs, strangers.processes, n * sizeof(*ret_heirs));
	holders_done(&strangers);
	return n;
}

static void check_inherited(struct detection *detection, uint32_t index)
{
	struct holders strangers;
	uint32_t server;
	bool undecided = find_heirs(detection->snapshot, &detection->snapshot->sockets[index],
				    &strangers, &server);

	if (strangers.count)
		report_inherited(detection, index, server, &strangers);
	else if (undecided)
		detect_doubt(&detection->inherited, index);
	holders_done(&strangers);
}

void detect_inherited_doubts(struct detection *detection)
{
	detect_report_doubts(detection, &detection->inherited, FINDING_INHERITED_LISTENER,
			     SEVERITY_WARNING,
			     "who holds these listeners cannot be seen, nor whether one was "
			     "inherited by a program that should not have it",
			     "The processes that hold them are hidden, or what they run. A server "
			     "that is gone would look the same as one that is there.");
}

void detect_listener(struct detection *detection)
{
	bool any_bound = false;
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket =
			&detection->snapshot->sockets[detection->members[i]];

		if (socket->state == STATE_LISTEN)
			check_inherited(detection, detection->members[i]);
		any_bound = any_bound || socket->state == STATE_BOUND;
	}
	if (any_bound)
		detect_bound(detection);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets that listen for somebody who should not have them. */
#include <stdlib.h>
#include <string.h>

#include "analysis/detect.h"
#include "analysis/relate.h"
#include "analysis/words.h"
#include "util/xalloc.h"

#define HOLDERS_MAX 64

/* Programs that never open a port: one of them has a listener because it was born with it. */
static bool opens_no_ports(const struct snapshot *snapshot, const struct process *process)
{
	static const char *const names[] = { "sleep", "sh",    "bash",	  "dash",  "zsh",    "cat",
					     "tail",  "tee",   "timeout", "xargs", "env",    "find",
					     "grep",  "sort",  "gzip",	  "tar",   "logger", "su",
					     "sudo",  "nohup", "script" };
	const char *exe = snapshot_text(snapshot, process->exe), *name;
	size_t i;

	name = exe ? strrchr(exe, '/') : NULL;
	name = name ? name + 1 : snapshot_text(snapshot, process->comm);
	for (i = 0; name && i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* They open sockets for the programs that they start, which accept: that is what they are for. */
static bool is_service_manager(const struct snapshot *snapshot, const struct process *process)
{
	/* "master" is that of Postfix, or of Cyrus. */
	static const char *const names[] = {
		"systemd",     "systemd-socket-", "inetd",     "xinetd", "circusd", "start_server",
		"supervisord", "s6-fdholderd",	  "cyrmaster", "master", "dovecot",
	};
	const char *comm = snapshot_text(snapshot, process->comm);
	size_t i;

	for (i = 0; comm && i < ARRAY_SIZE(names); i++)
		if (!strcmp(comm, names[i]))
			return true;
	return process->pid == 1;
}

/* The holders, a process once, without a service manager. Returns how many. */
static uint32_t list_holders(const struct snapshot *snapshot, const struct inet_socket *socket,
			     uint32_t holders[HOLDERS_MAX])
{
	uint32_t i, n = 0, last = SNAPSHOT_NONE;

	for (i = 0; i < socket->n_owners && n < HOLDERS_MAX; i++) {
		uint32_t process = snapshot->owners[socket->first_owner + i].process;

		if (process == last || is_service_manager(snapshot, &snapshot->processes[process]))
			continue;
		holders[n++] = last = process;
	}
	return n;
}

/* The one that the others come from: a holder from which another descends, else the oldest. */
static uint32_t find_server(const struct snapshot *snapshot, const uint32_t *holders, uint32_t n)
{
	uint32_t i, server = 0;

	for (i = 1; i < n; i++) {
		const struct process *a = &snapshot->processes[holders[server]];
		const struct process *b = &snapshot->processes[holders[i]];
		bool both = a->known & b->known & PROCESS_HAS_START_TIME;

		if (opens_no_ports(snapshot, a) ||
		    ((a->known & PROCESS_HAS_PPID) && a->ppid == b->pid) ||
		    (both && b->start_time_ns < a->start_time_ns))
			server = i;
	}
	return holders[server];
}

static void report_inherited(struct detection *detection, uint32_t index, uint32_t server,
			     const uint32_t *strangers, uint32_t n_strangers)
{
	const struct snapshot *snapshot = detection->snapshot;
	struct finding *finding =
		detect_report(detection, FINDING_INHERITED_LISTENER, SEVERITY_WARNING, &index, 1);
	char *where = words_socket(snapshot, index);
	char *stranger = words_process(snapshot, strangers[0]);
	char *owner = server == SNAPSHOT_NONE ? NULL : words_process(snapshot, server);
	char *more = n_strangers > 1 ? xasprintf(" and %u more", n_strangers - 1) : xstrdup("");
	char *origin = words_origin(snapshot, strangers[0]);

	if (owner) {
		finding->title = xasprintf("%s%s holds the listener of %s on %s too", stranger,
					   more, owner, where);
		finding->evidence =
			xasprintf("Both have the same socket among their descriptors, and "
				  "run different programs. %s: %s.",
				  stranger, origin);
		finding->text =
			xasprintf("While %s lives the port stays taken, also when %s ends: its "
				  "restart fails with EADDRINUSE whatever flags it sets, and "
				  "clients connect to a queue that nobody empties.",
				  stranger, owner);
	} else {
		finding->title =
			xasprintf("%s%s, which opens no ports itself, holds a listener on %s",
				  stranger, more, where);
		finding->evidence =
			xasprintf("It has the socket among its descriptors, and no other "
				  "process that can be seen has: it must have been left to it "
				  "by a parent. %s: %s.",
				  stranger, origin);
		finding->text =
			xasprintf("Nobody accepts what comes in: clients connect to a queue that "
				  "is never emptied. The port stays taken while %s lives, "
				  "whatever flags the server sets.",
				  stranger);
	}
	finding->remedy =
		xasprintf("Now: stop %s. For good: let the server open its sockets with "
			  "SOCK_CLOEXEC (Python and Go do; in Python beware of "
			  "close_fds=False and set_inheritable), or close them in the child "
			  "before exec.",
			  stranger);
	free(where);
	free(stranger);
	free(owner);
	free(more);
	free(origin);
}

static void check_inherited(struct detection *detection, uint32_t index)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t holders[HOLDERS_MAX], strangers[HOLDERS_MAX], i, n_strangers = 0, server;
	uint32_t n = list_holders(snapshot, &snapshot->sockets[index], holders);
	bool undecided = socket_is_held_by_unknown(&snapshot->sockets[index]);

	if (n == 1 && opens_no_ports(snapshot, &snapshot->processes[holders[0]]))
		report_inherited(detection, index, SNAPSHOT_NONE, holders, 1);
	server = n < 2 ? SNAPSHOT_NONE : find_server(snapshot, holders, n);
	for (i = 0; i < n && n >= 2; i++) {
		enum tristate same;

		if (holders[i] == server)
			continue;
		same = relate_program(&snapshot->processes[server],
				      &snapshot->processes[holders[i]], snapshot);
		if (same == TRISTATE_NO)
			strangers[n_strangers++] = holders[i];
		/* One program that has written a title over its arguments is no doubt. */
		undecided = undecided ||
			    (same == TRISTATE_UNKNOWN && !(snapshot->processes[server].exe &&
							   snapshot->processes[holders[i]].exe));
	}
	if (n_strangers)
		report_inherited(detection, index, server, strangers, n_strangers);
	else if (undecided)
		detect_doubt(&detection->inherited, index);
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

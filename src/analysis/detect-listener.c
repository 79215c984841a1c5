/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TCP sockets that hold a port in an unexpected way: inherited, or bound in silence. */
#include <stdlib.h>
#include <string.h>

#include "analysis/detect.h"
#include "analysis/port-range.h"
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

/* Whether what is sent to where a socket is bound reaches a listener: all of it, or some. */
static bool listens_at(const struct inet_socket *listener, const struct inet_socket *bound,
		       bool *ret_all)
{
	bool device = !listener->device || listener->device == bound->device;
	bool v6only = listener->v6only == TRISTATE_YES;

	if (listener->state != STATE_LISTEN)
		return false;
	*ret_all = device &&
		   address_covers(listener->family, &listener->local, v6only, bound->family,
				  &bound->local) &&
		   /* Of a dual-stack wildcard it leaves IPv4. */
		   !(v6only && bound->v6only != TRISTATE_YES &&
		     address_is_wildcard(bound->family, &bound->local));
	return *ret_all ||
	       ((device || !bound->device) &&
		address_covers(bound->family, &bound->local, bound->v6only == TRISTATE_YES,
			       listener->family, &listener->local));
}

/* What becomes of clients: whether another socket listens where this one is bound. */
static char *clients_words(const struct detection *detection, uint32_t index)
{
	const struct snapshot *snapshot = detection->snapshot;
	uint32_t i, listener = SNAPSHOT_NONE;
	char *who, *where, *text;
	bool all = false;

	for (i = 0; i < detection->bucket->count && !all; i++) {
		const uint32_t other = detection->members[i];

		if (listens_at(&snapshot->sockets[other], &snapshot->sockets[index], &all))
			listener = other;
	}
	if (listener == SNAPSHOT_NONE)
		return xstrdup("clients are refused.");
	who = words_holders(snapshot, listener);
	where = words_socket(snapshot, listener);
	text = all ? xasprintf("clients reach %s, which listens there (%s).", who, where) :
		     xasprintf("clients are refused, but where %s listens: on %s.", who, where);
	free(who);
	free(where);
	return text;
}

static void check_bound(struct detection *detection, uint32_t index)
{
	const struct snapshot *snapshot = detection->snapshot;
	bool ephemeral = port_is_ephemeral(&detection->rules, detection->bucket->netns,
					   detection->bucket->port);
	struct finding *finding = detect_report(detection, FINDING_BOUND_NOT_LISTENING,
						ephemeral ? SEVERITY_NOTE : SEVERITY_WARNING,
						&index, 1);
	char *where = words_socket(snapshot, index), *who = words_holders(snapshot, index);
	char *flags = words_flags(&snapshot->sockets[index]);
	char *clients = clients_words(detection, index);

	finding->title = xasprintf("%s is taken by %s, which does not listen", where, who);
	finding->evidence =
		xasprintf("The socket is bound, with %s, and neither listens nor is "
			  "connected. ss before 6.8 and netstat do not show such sockets.",
			  flags);
	finding->text =
		xasprintf("Another bind to the port fails with EADDRINUSE as if a server were "
			  "there, unless both sockets have the same reuse flag; %s",
			  clients);
	finding->remedy =
		xasprintf("If %s is only starting, nothing. If it stays so, its listen() was "
			  "never called or has failed (two servers with SO_REUSEADDR can both "
			  "bind, one only can listen), or a connection with a port of its "
			  "choice was reset: restart or stop it.",
			  who);
	free(where);
	free(who);
	free(flags);
	free(clients);
}

void detect_listener(struct detection *detection)
{
	uint32_t i;

	for (i = 0; i < detection->bucket->count; i++) {
		const struct inet_socket *socket =
			&detection->snapshot->sockets[detection->members[i]];

		if (socket->state == STATE_LISTEN)
			check_inherited(detection, detection->members[i]);
		else if (socket->state == STATE_BOUND)
			check_bound(detection, detection->members[i]);
	}
}

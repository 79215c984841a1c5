/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "analysis/relate.h"
#include "util/xalloc.h"

/* So many are named, the rest is counted or hinted at. */
#define PIDS_MAX 3
#define PROGRAMS_MAX 3
#define UNSEEN_MAX 3

char *words_address(const struct inet_socket *socket)
{
	char buffer[ADDRESS_TEXT_MAX];

	address_format(socket->family, &socket->local, buffer);
	return socket->family == AF_INET6 ? xasprintf("[%s]", buffer) : xstrdup(buffer);
}

char *words_socket(const struct snapshot *snapshot, uint32_t index)
{
	const struct inet_socket *socket = &snapshot->sockets[index];
	const char *device = snapshot_text(snapshot, socket->device);
	char *address = words_address(socket), *text;

	text = xasprintf("%s %s:%u%s%s", protocol_name((enum protocol)socket->protocol), address,
			 socket->local_port, device ? " on " : "", device ? device : "");
	free(address);
	return text;
}

char *words_process(const struct snapshot *snapshot, uint32_t index)
{
	const struct process *process = &snapshot->processes[index];

	return xasprintf("\"%s\" (pid %u)", relate_program_name(snapshot, process), process->pid);
}

/* The processes of one program among some: "nginx" (pids 900, 901 and 2 more). */
static char *holders_of_program(const struct snapshot *snapshot, const uint32_t *processes,
				uint32_t n_processes, const char *program)
{
	uint32_t i, shown = 0, others = 0;
	char *pids = xstrdup(""), *longer;

	for (i = 0; i < n_processes; i++) {
		const struct process *process = &snapshot->processes[processes[i]];

		if (strcmp(relate_program_name(snapshot, process), program) != 0)
			continue;
		if (shown++ >= PIDS_MAX) {
			others++;
			continue;
		}
		longer = xasprintf("%s%s%u", pids, *pids ? ", " : "", process->pid);
		free(pids);
		pids = longer;
	}
	longer = xasprintf("\"%s\" (pid%s %s", program, shown > 1 ? "s" : "", pids);
	free(pids);
	pids = others ? xasprintf("%s and %u more)", longer, others) : xasprintf("%s)", longer);
	free(longer);
	return pids;
}

/* In the order of their first processes. */
char *words_processes(const struct snapshot *snapshot, const uint32_t *processes,
		      uint32_t n_processes)
{
	const char *programs[PROGRAMS_MAX], *name;
	char *text = NULL, *group, *longer;
	uint32_t i, k, n = 0;
	bool more = false;

	for (i = 0; i < n_processes && !more; i++) {
		name = relate_program_name(snapshot, &snapshot->processes[processes[i]]);
		for (k = 0; k < n && strcmp(programs[k], name) != 0; k++)
			;
		if (k < n)
			continue;
		more = n == PROGRAMS_MAX;
		if (!more)
			programs[n++] = name;
	}
	for (i = 0; i < n; i++) {
		group = holders_of_program(snapshot, processes, n_processes, programs[i]);
		longer = xasprintf("%s%s%s", text ? text : "",
				   !i		       ? "" :
				   i + 1 == n && !more ? " and " :
							 ", ",
				   group);
		free(group);
		free(text);
		text = longer;
	}
	if (!more)
		return text;
	longer = xasprintf("%s and other programs", text);
	free(text);
	return longer;
}

/* Of a socket without a process that is known to hold it. */
static char *unseen_holder(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	string_id user;

	switch ((enum owner_status)socket->owner_status) {
	case OWNER_KERNEL:
		return xstrdup("the kernel");
	case OWNER_IN_FLIGHT:
		return xstrdup("a process to which it was passed and that has not taken it");
	case OWNER_NONE:
	case OWNER_ORPHAN:
		return xstrdup("no process");
	default:
		break;
	}
	if (!(socket->known & SOCKET_HAS_UID))
		return xstrdup("a process that cannot be seen");
	if (snapshot_find_user(snapshot, socket->uid, &user) && user)
		return xasprintf("a process of user %s that cannot be seen",
				 snapshot_text(snapshot, user));
	return xasprintf("a process of uid %u that cannot be seen", socket->uid);
}

/* Add a holder to a list in words, unless it is there already. Returns whether it was added. */
static bool add_holder(char **text, const char *holder)
{
	char *longer;

	if (*text && strstr(*text, holder))
		return false;
	longer = *text ? xasprintf("%s and %s", *text, holder) : xstrdup(holder);
	free(*text);
	*text = longer;
	return true;
}

/* Add those of sockets without a process that is known to hold them. */
static void add_unseen(char **text, const struct snapshot *snapshot, const uint32_t *sockets,
		       uint32_t n_sockets)
{
	uint32_t i, n = 0;
	char *holder;

	for (i = 0; i < n_sockets && n <= UNSEEN_MAX; i++) {
		const struct inet_socket *socket = &snapshot->sockets[sockets[i]];

		if (socket->n_owners)
			continue;
		holder = unseen_holder(snapshot, socket);
		n += add_holder(text, n < UNSEEN_MAX || strstr(*text, holder) ? holder : "others");
		free(holder);
	}
}

/* A holder, and its place among them. */
struct holder {
	uint32_t process, order;
};

static int compare_processes(const void *left, const void *right)
{
	const struct holder *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_orders(const void *left, const void *right)
{
	const struct holder *a = left, *b = right;

	return a->order < b->order ? -1 : a->order > b->order;
}

/* Leave of each process the first, and the order. Returns how many there are. */
static uint32_t drop_repeated(struct holder *holders, uint32_t n)
{
	uint32_t i, kept = 0;

	if (n < 2)
		return n;
	qsort(holders, n, sizeof(*holders), compare_processes);
	for (i = 1; i < n; i++)
		if (holders[i].process != holders[kept].process)
			holders[++kept] = holders[i];
	qsort(holders, kept + 1, sizeof(*holders), compare_orders);
	return kept + 1;
}

/* The processes that hold them, each once, in the order of the sockets; malloc'ed. */
static uint32_t *processes_of(const struct snapshot *snapshot, const uint32_t *sockets,
			      uint32_t n_sockets, uint32_t *ret_count)
{
	uint32_t i, k, n = 0, n_owners = 0, *processes;
	struct holder *holders;

	for (i = 0; i < n_sockets; i++)
		n_owners += snapshot->sockets[sockets[i]].n_owners;
	*ret_count = 0;
	if (!n_owners)
		return NULL;
	holders = xcalloc(n_owners, sizeof(*holders));
	for (i = 0; i < n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[sockets[i]];

		for (k = 0; k < socket->n_owners; k++, n++)
			holders[n] = (struct holder){
				.process = snapshot->owners[socket->first_owner + k].process,
				.order = n,
			};
	}
	n = drop_repeated(holders, n);
	processes = xcalloc(n, sizeof(*processes));
	for (i = 0; i < n; i++)
		processes[i] = holders[i].process;
	free(holders);
	*ret_count = n;
	return processes;
}

char *words_holders_together(const struct snapshot *snapshot, const uint32_t *sockets,
			     uint32_t n_sockets)
{
	uint32_t n, *processes = processes_of(snapshot, sockets, n_sockets, &n);
	char *text = n ? words_processes(snapshot, processes, n) : NULL;

	free(processes);
	add_unseen(&text, snapshot, sockets, n_sockets);
	return text;
}

char *words_holders(const struct snapshot *snapshot, uint32_t socket)
{
	return words_holders_together(snapshot, &socket, 1);
}

char *words_holders_of_all(const struct snapshot *snapshot, const uint32_t *sockets, uint32_t n,
			   uint32_t most)
{
	char *text = xstrdup(""), *longer, *holders;
	uint32_t i;

	for (i = 0; i < n && i < most; i++) {
		holders = words_holders(snapshot, sockets[i]);
		longer = xasprintf("%s%s%s", text, !i ? "" : i + 1 == n ? " and " : ", ", holders);
		free(holders);
		free(text);
		text = longer;
	}
	if (n <= most)
		return text;
	longer = xasprintf("%s and %u other%s", text, n - most, n - most == 1 ? "" : "s");
	free(text);
	return longer;
}

char *words_flags(const struct inet_socket *socket)
{
	const char *inferred = socket->reuse_evidence == EVIDENCE_INFERRED ? " (inferred)" : "";

	if (socket->reuse_addr == TRISTATE_YES && socket->reuse_port == TRISTATE_YES)
		return xasprintf("SO_REUSEADDR and SO_REUSEPORT%s", inferred);
	if (socket->reuse_addr == TRISTATE_YES)
		return xasprintf("SO_REUSEADDR%s", inferred);
	if (socket->reuse_port == TRISTATE_YES)
		return xasprintf("SO_REUSEPORT%s", inferred);
	if (socket->reuse_addr == TRISTATE_NO && socket->reuse_port == TRISTATE_NO)
		return xasprintf("no reuse flag%s", inferred);
	return xstrdup("unknown flags");
}

static char *name_or_number(const struct netns *netns, const struct snapshot *snapshot)
{
	const char *name = snapshot_text(snapshot, netns->name);

	return name ? xstrdup(name) : xasprintf("%llu", (unsigned long long)netns->id);
}

/* Where several namespaces were looked at: " in namespace blue". */
static char *namespace_of(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	char *which, *text;

	if (snapshot->n_netns < 2)
		return xstrdup("");
	which = name_or_number(&snapshot->netns[socket->netns], snapshot);
	text = xasprintf(" in namespace %s", which);
	free(which);
	return text;
}

char *words_netns_label(const struct snapshot *snapshot, uint32_t netns)
{
	return snapshot_is_other_netns(snapshot, netns) ?
		       name_or_number(&snapshot->netns[netns], snapshot) :
		       xstrdup("");
}

char *words_title(const struct snapshot *snapshot, const struct finding *finding)
{
	/* What cannot be told is put together of all of them. */
	bool of_many = finding->undecided && !finding->port;
	char *netns, *title;

	if (snapshot->n_netns < 2 || of_many)
		return xstrdup(finding->title);
	netns = words_netns_label(snapshot, finding->netns);
	title = *netns ? xasprintf("in namespace %s: %s", netns, finding->title) :
			 xstrdup(finding->title);
	free(netns);
	return title;
}

char *words_described(const struct snapshot *snapshot, uint32_t index)
{
	const struct inet_socket *socket = &snapshot->sockets[index];
	char *name = words_socket(snapshot, index), *holders = words_holders(snapshot, index);
	char *flags = words_flags(socket), *where = namespace_of(snapshot, socket), *text;
	bool is_read = socket->reuse_evidence == EVIDENCE_BPF ||
		       socket->reuse_evidence == EVIDENCE_GETSOCKOPT;

	text = xasprintf("%s%s, %s, %s, %s%s%s%s", name, where,
			 socket_state_name((enum socket_state)socket->state), holders, flags,
			 is_read ? " (" : "",
			 is_read ? evidence_name((enum evidence)socket->reuse_evidence) : "",
			 is_read ? ")" : "");
	free(name);
	free(holders);
	free(flags);
	free(where);
	return text;
}

char *words_origin(const struct snapshot *snapshot, uint32_t index)
{
	const struct process *process = &snapshot->processes[index];
	const char *unit = snapshot_text(snapshot, process->unit);
	const char *container = snapshot_text(snapshot, process->container);
	char *parent = NULL, *text;
	string_id user = 0;
	uint32_t row;

	if (process->known & PROCESS_HAS_UID)
		snapshot_find_user(snapshot, process->uid, &user);
	if (process->known & PROCESS_HAS_PPID) {
		row = snapshot_find_process(snapshot, process->ppid);
		if (row != SNAPSHOT_NONE && process->ppid > 1)
			parent = words_process(snapshot, row);
	}
	text = xasprintf(
		"%s%s%s%s%s%s%s%s", unit ? unit : "no unit", container ? ", container " : "",
		container ? container : "", user ? ", user " : "",
		user ? snapshot_text(snapshot, user) : "", parent ? ", child of " : "",
		parent ? parent : "",
		(process->known & PROCESS_HAS_PPID) && process->ppid <= 1 ? ", child of init" : "");
	free(parent);
	return text;
}

char *words_moment(int64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char text[64];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(text, sizeof(text), "%F %T UTC", &utc))
		return xstrdup("an unknown moment");
	return xstrdup(text);
}

/* Of a text that a shell takes for one word as it stands, and no program for an option. */
static const char *plain_word(const struct snapshot *snapshot, string_id id)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._/:@+,=%-";
	const char *text = snapshot_text(snapshot, id);

	return text && *text && *text != '-' && !text[strspn(text, plain)] ? text : NULL;
}

char *words_end_time_wait(const struct snapshot *snapshot, uint32_t netns, uint32_t n_time_wait,
			  uint32_t n_fin_wait_2, uint16_t port)
{
	bool other = snapshot_is_other_netns(snapshot, netns);
	const char *name = other ? plain_word(snapshot, snapshot->netns[netns].name) : NULL;
	const char *path = other ? plain_word(snapshot, snapshot->netns[netns].path) : NULL;

	if (!n_time_wait && !n_fin_wait_2)
		return xstrdup("");
	return xasprintf("\"%s%s%sss -K -t%s%s 'sport = :%u'\"%s",
			 name ? "ip netns exec " :
			 path ? "nsenter --net=" :
				"",
			 name ? name :
			 path ? path :
				"",
			 name || path ? " " : "", n_time_wait ? " state time-wait" : "",
			 n_fin_wait_2 ? " state fin-wait-2" : "", port,
			 other && !name && !path ? " in that network namespace" : "");
}

char *words_netns_option(const struct snapshot *snapshot, uint32_t netns)
{
	const char *way;

	if (!snapshot_is_other_netns(snapshot, netns))
		return xstrdup("");
	way = plain_word(snapshot, snapshot->netns[netns].name);
	if (!way)
		way = plain_word(snapshot, snapshot->netns[netns].path);
	return way ? xasprintf(" --netns %s", way) : xstrdup(" --all-netns");
}

const char *words_of_netns(const struct snapshot *snapshot, uint32_t netns)
{
	return snapshot_is_other_netns(snapshot, netns) ? " of that network namespace" : "";
}

/* How what keeps a port from clients begins; and where nothing has to. */
#define FOR_GOOD "For good: "
#define HARDLY_BACK "It will hardly be back: "
#define KEEP_RESERVED(where)                                                                       \
	FOR_GOOD "put the port into net.ipv4.ip_local_reserved_ports (sysctl" where "), from "     \
		 "which the kernel takes none for connections, or choose a port outside "          \
		 "net.ipv4.ip_local_port_range."

const char *words_keep_from_clients(const struct port_rules *rules, uint32_t netns, uint16_t port)
{
	uint16_t first, last;

	port_range(rules->snapshot, netns, &first, &last);
	if (port < first || port > last)
		return FOR_GOOD
			"let the client take another source port, or none of its own "
			"choice: it has bound it by its number, since the kernel chooses from "
			"net.ipv4.ip_local_port_range only. No sysctl keeps a port from that.";
	if (port_is_reserved(rules, netns, port) == TRISTATE_YES)
		return HARDLY_BACK
			"the port is reserved already "
			"(net.ipv4.ip_local_reserved_ports), and the kernel chooses no such port. "
			"The client has had it since before that, or has bound it by its number; "
			"if so, let it take another one.";
	return snapshot_is_other_netns(rules->snapshot, netns) ?
		       KEEP_RESERVED(", in that network namespace") :
		       KEEP_RESERVED("");
}

char *words_keep_if_connected(const struct port_rules *rules, uint32_t netns, uint16_t port)
{
	const char *keep = words_keep_from_clients(rules, netns, port);

	if (!strncmp(keep, FOR_GOOD, strlen(FOR_GOOD)))
		return xasprintf("For good, if this end has connected: %s",
				 keep + strlen(FOR_GOOD));
	return xasprintf("If this end has connected, it will hardly be back: %s",
			 keep + strlen(HARDLY_BACK));
}

char *words_count(uint32_t n, const char *singular)
{
	return xasprintf("%u %s%s", n, singular, n == 1 ? "" : "s");
}

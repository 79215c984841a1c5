/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/owners.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/owners-bpf.h"
#include "source/owners-join.h"
#include "source/owners-proc.h"
#include "source/procfs.h"
#include "source/reuse-getfd.h"
#include "source/socket-index.h"
#include "source/still-there.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

/* PROC_PID_INIT_INO: the number of the first pid namespace, which sees every process. */
#define INITIAL_PID_NAMESPACE 0xeffffffcU

/* Where the search stands. */
struct search {
	const struct collect_request *request;
	struct snapshot *snapshot;
	struct hold_list holds;
	uint8_t *traits; /* enum socket_trait, for each socket */
	bool *gone; /* for each socket: is no more, so nobody needs to hold it; or NULL */
	struct proc_scan scan;
	struct socket_index inodes; /* of all sockets, for the scan */
	bool has_scan;
	bool by_bpf; /* owners are from BPF */
	bool sees_all_pids; /* the reader is in the first pid namespace */
	int bpf_error; /* why BPF failed, -ENODATA = it was not asked; 0 = used, or not needed */
	const char *not_asked; /* why BPF was not asked, behind "that takes BPF" */
	struct owners_missed missed;
};

static bool in_initial_pid_namespace(void)
{
	struct stat info;

	return !stat("/proc/self/ns/pid", &info) && info.st_ino == INITIAL_PID_NAMESPACE;
}

/* Whether /proc, if there is one, counts processes otherwise than getpid() and BPF do. */
static bool proc_is_of_other_namespace(void)
{
	int proc = procfs_open();
	char own[16], link[16];
	ssize_t n;

	if (proc < 0)
		return false;
	snprintf(own, sizeof(own), "%d", (int)getpid());
	n = readlinkat(proc, "self", link, sizeof(link));
	close(proc);
	return n <= 0 || (size_t)n != strlen(own) || memcmp(link, own, (size_t)n) != 0;
}

static void scan_proc(struct search *search, const struct socket_index *wanted)
{
	struct snapshot *snapshot = search->snapshot;
	uint32_t i;
	int error;

	socket_index_init(&search->inodes, snapshot, SOCKET_KEY_INODE, snapshot->n_sockets);
	for (i = 0; i < snapshot->n_sockets; i++)
		socket_index_add(&search->inodes, i);
	error = proc_scan_init(&search->scan, snapshot, &search->holds, &search->inodes,
			       wanted ? wanted : &search->inodes);
	if (error) {
		snapshot_add_limit(snapshot, "processes", errno_name(error), 0,
				   "%s, /proc cannot be read: %s",
				   search->by_bpf || snapshot->n_processes ?
					   "not every holder of a socket can be found" :
					   "no process can be seen",
				   strerror(-error));
		socket_index_done(&search->inodes);
		return;
	}
	search->has_scan = true;
}

/*
 * Whether a socket that nobody seems to hold is worth a search in less usual places. What BPF found
 * to be the kernel's, or found no more, is not.
 */
static bool is_unexplained(const struct search *search, uint32_t index)
{
	const struct inet_socket *socket = &search->snapshot->sockets[index];

	if (!socket_has_inode(socket) || search->holds.of_socket[index] ||
	    socket->owner_status == OWNER_KERNEL || (search->gone && search->gone[index]))
		return false;
	if (!search->by_bpf || (search->traits[index] & SOCKET_TRAIT_HAS_FILE))
		return true;
	return socket->protocol != PROTOCOL_UDP &&
	       (socket->protocol != PROTOCOL_TCP || socket->state == STATE_BOUND);
}

static uint32_t count_unexplained(const struct search *search)
{
	uint32_t i, n = 0;

	for (i = 0; i < search->snapshot->n_sockets; i++)
		n += is_unexplained(search, i);
	return n;
}

static void mark_in_flight(struct search *search, uint32_t n_unexplained)
{
	uint64_t in_flight;
	uint32_t i;

	/* Where others' tables are out of sight it is rather one of them that has it. */
	if (!search->sees_all_pids ||
	    (!search->by_bpf && (search->scan.n_hidden || search->scan.n_unread)))
		return;
	in_flight = proc_scan_in_flight(&search->scan);
	if (in_flight == UINT64_MAX || in_flight < n_unexplained)
		return;
	for (i = 0; i < search->snapshot->n_sockets; i++)
		if (is_unexplained(search, i))
			search->snapshot->sockets[i].owner_status = OWNER_IN_FLIGHT;
}

/*
 * Those that were closed before their holder was met are no reason to search: that takes long, and
 * whatever looks at a descriptor through /proc keeps its file for an instant, in which a close() of
 * its owner does not free the port (proc_fd_link() has a reference until its fput()).
 */
static void find_gone(struct search *search, const struct netns_list *namespaces)
{
	uint32_t i, n = search->snapshot->n_sockets;
	bool *sockets = xcalloc(n, sizeof(*sockets));

	for (i = 0; i < n; i++)
		sockets[i] = is_unexplained(search, i);
	search->gone = xcalloc(n, sizeof(*search->gone));
	still_there(search->request, namespaces, search->snapshot, sockets);
	for (i = 0; i < n; i++)
		search->gone[i] = is_unexplained(search, i) && !sockets[i];
	free(sockets);
}

static void search_unusual_places(struct search *search, const struct netns_list *namespaces)
{
	struct snapshot *snapshot = search->snapshot;
	uint32_t i, n = count_unexplained(search);
	struct socket_index wanted;

	if (n && search->by_bpf) {
		find_gone(search, namespaces);
		n = count_unexplained(search);
	}
	if (!n)
		return;
	socket_index_init(&wanted, snapshot, SOCKET_KEY_INODE, n);
	for (i = 0; i < snapshot->n_sockets; i++)
		if (is_unexplained(search, i))
			socket_index_add(&wanted, i);
	if (!search->by_bpf && search->has_scan) {
		search->scan.wanted = &wanted;
		proc_scan_threads(&search->scan);
	} else if (search->by_bpf) {
		scan_proc(search, &wanted);
	}
	if (search->has_scan) {
		proc_scan_rings(&search->scan);
		n = count_unexplained(search);
		if (n)
			mark_in_flight(search, n);
	}
	socket_index_done(&wanted);
}

/* What the socket itself tells of why nobody holds it. */
static enum owner_status status_without_owner(const struct inet_socket *socket, bool is_hidden)
{
	if (!(socket->known & SOCKET_HAS_INODE))
		return OWNER_UNKNOWN;
	if (socket->inode)
		return is_hidden ? OWNER_HIDDEN : OWNER_UNKNOWN;
	if (socket_is_time_wait(socket))
		return OWNER_NONE;
	if (!protocol_is_stream(socket->protocol))
		return OWNER_UNKNOWN;
	switch ((enum socket_state)socket->state) {
	case STATE_SYN_RECV:
	case STATE_ESTAB:
	case STATE_CLOSE_WAIT:
		return OWNER_NONE;
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSING:
	case STATE_LAST_ACK:
		return OWNER_ORPHAN;
	default:
		return OWNER_UNKNOWN;
	}
}

/* Of the sockets that nobody was found to hold. */
static void set_statuses(struct search *search)
{
	bool hidden = search->has_scan && (!search->sees_all_pids || search->scan.n_hidden);
	uint32_t i;

	for (i = 0; i < search->snapshot->n_sockets; i++) {
		struct inet_socket *socket = &search->snapshot->sockets[i];

		if (!search->holds.of_socket[i] && socket->owner_status == OWNER_UNKNOWN)
			socket->owner_status =
				status_without_owner(socket, hidden && is_unexplained(search, i));
	}
}

/*
 * Whether something is bound of which too little was found to judge it by; without an inode it was
 * being closed as it was listed. Connections are not meant: what comes after one, an orphan or
 * TIME-WAIT, is not in this snapshot.
 */
static bool is_doubtful(const struct search *search, const struct inet_socket *socket)
{
	if (!socket_is_bound(socket) || !(socket->known & SOCKET_HAS_COOKIE))
		return false;
	if (!socket->n_owners)
		return socket->owner_status != OWNER_KERNEL;
	return (search->request->want & WANT_REUSE) && socket->reuse_evidence == EVIDENCE_UNKNOWN;
}

/*
 * What was closed between its listing and the search for its holder is no riddle, and was perhaps
 * never there together with what else is on its port.
 */
static void leave_out_gone(const struct search *search, const struct netns_list *namespaces)
{
	struct snapshot *snapshot = search->snapshot;
	bool *keep = xcalloc(snapshot->n_sockets, sizeof(*keep));
	uint32_t i, n_doubtful = 0, n_gone = 0;

	for (i = 0; i < snapshot->n_sockets; i++) {
		keep[i] = is_doubtful(search, &snapshot->sockets[i]);
		n_doubtful += keep[i];
	}
	if (n_doubtful)
		still_there(search->request, namespaces, snapshot, keep);
	for (i = 0; i < snapshot->n_sockets && n_doubtful; i++) {
		bool gone = !keep[i] && is_doubtful(search, &snapshot->sockets[i]);

		keep[i] = !gone;
		n_gone += gone;
	}
	if (n_gone)
		snapshot_retain(snapshot, keep);
	free(keep);
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static void report_owners(const struct search *search)
{
	struct snapshot *snapshot = search->snapshot;
	uint32_t i, n = 0;

	for (i = 0; i < snapshot->n_sockets; i++)
		n += snapshot->sockets[i].owner_status == OWNER_HIDDEN;
	if (n && !search->sees_all_pids)
		snapshot_add_limit(snapshot, "owners", "pid-namespace", n,
				   "the owners of %u socket%s are %soutside this pid namespace", n,
				   plural(n),
				   search->has_scan && search->scan.n_hidden ? "hidden, or " : "");
	else if (n && !geteuid())
		snapshot_add_limit(snapshot, "owners", "EACCES", n,
				   "the owners of %u socket%s are hidden, this root lacks "
				   "capabilities, or a security module forbids to look",
				   n, plural(n));
	else if (n)
		snapshot_add_limit(snapshot, "owners", "EACCES", n,
				   "the owners of %u socket%s are hidden, root sees them, or "
				   "CAP_SYS_PTRACE with CAP_DAC_READ_SEARCH%s",
				   n, plural(n),
				   search->by_bpf ? "" : ", or CAP_BPF with CAP_PERFMON");
	if (search->has_scan && search->scan.n_unread)
		snapshot_add_limit(snapshot, "owners", errno_name(search->scan.unread_error),
				   search->scan.n_unread,
				   "the descriptors of %u process%s could not be read: %s",
				   search->scan.n_unread, search->scan.n_unread == 1 ? "" : "es",
				   strerror(-search->scan.unread_error));
	n = search->missed.too_large;
	if (n)
		snapshot_add_limit(snapshot, "owners", "E2BIG", n,
				   "%u process%s more descriptors than could be looked at", n,
				   n == 1 ? " has" : "es have");
	n = search->missed.netns;
	if (n)
		snapshot_add_limit(snapshot, "netns", "ENOENT", n,
				   "the sockets of %u network namespace%s are not listed, no "
				   "process or name was found that leads there",
				   n, plural(n));
}

static void report_flags(const struct search *search)
{
	struct snapshot *snapshot = search->snapshot;
	int error = search->bpf_error;
	uint32_t i, n = 0;

	if (!error || !(search->request->want & WANT_REUSE))
		return;
	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		/* A connection request has no flags. */
		n += socket->reuse_evidence == EVIDENCE_UNKNOWN && socket->state != STATE_SYN_RECV;
	}
	if (!n)
		return;
	if (error == -ENODATA)
		snapshot_add_limit(snapshot, "reuse", "no-bpf", n,
				   "the reuse flags of %u socket%s are not read, that takes BPF%s",
				   n, plural(n), search->not_asked);
	else if (error == -ENOTSUP)
		snapshot_add_limit(
			snapshot, "reuse", "no-bpf", n,
			"the reuse flags of %u socket%s are not read, this portshare was "
			"built without BPF",
			n, plural(n));
	else if (error == -EPERM || error == -EACCES)
		snapshot_add_limit(snapshot, geteuid() ? "reuse" : "bpf", errno_name(error), n,
				   "the reuse flags of %u socket%s are hidden, %sCAP_BPF with "
				   "CAP_PERFMON",
				   n, plural(n),
				   geteuid() ? "root sees them, or " : "this root lacks ");
	else
		snapshot_add_limit(snapshot, "bpf", errno_name(error), n,
				   "the reuse flags of %u socket%s are not read, BPF does not work "
				   "here: %s",
				   n, plural(n), strerror(-error));
}

/* Through BPF if it works, and if the sockets have what it is joined by. */
static void find_by_bpf(struct search *search, const struct netns_list *namespaces, bool any_inode,
			bool all_have_cookies)
{
	struct socket_bpf *bpf;

	search->bpf_error = -ENODATA;
	search->not_asked = "";
	if (search->request->no_bpf)
		return;
	search->not_asked = ", which is of no use without sock_diag";
	if (!all_have_cookies)
		return;
	search->not_asked = ", which is not used with the /proc of another pid namespace";
	if (proc_is_of_other_namespace())
		return;
	bpf = socket_bpf_new();
	search->bpf_error = 0;
	if (any_inode || search->request->all_netns) {
		search->bpf_error = owners_bpf_join(bpf, search->request, search->snapshot,
						    &search->holds, search->traits,
						    &search->missed);
		search->by_bpf = !search->bpf_error;
	}
	if (!search->bpf_error)
		search->bpf_error = owners_bpf_tables(bpf, search->request, namespaces,
						      search->snapshot, &search->holds,
						      search->traits);
	if (!search->bpf_error)
		owners_bpf_memory(bpf, search->request, namespaces, search->snapshot);
	socket_bpf_free(bpf);
}

void owners_collect(const struct collect_request *request, const struct netns_list *namespaces,
		    struct snapshot *snapshot)
{
	struct search search = {
		.request = request,
		.snapshot = snapshot,
		.sees_all_pids = in_initial_pid_namespace(),
	};
	bool any_inode = false, all_have_cookies = true;
	uint32_t i;

	/* Of all namespaces there may be one that was not found, and has some. */
	if (!(snapshot->n_sockets || request->all_netns) ||
	    !(request->want & (WANT_OWNERS | WANT_REUSE | WANT_MULTICAST)))
		return;
	for (i = 0; i < snapshot->n_sockets; i++) {
		if (!socket_has_inode(&snapshot->sockets[i]))
			continue;
		any_inode = true;
		if (!(snapshot->sockets[i].known & SOCKET_HAS_COOKIE))
			all_have_cookies = false;
	}
	hold_list_init(&search.holds, snapshot);
	search.traits = xcalloc(snapshot->n_sockets, sizeof(*search.traits));
	find_by_bpf(&search, namespaces, any_inode, all_have_cookies);
	if (any_inode) {
		if (!search.by_bpf)
			scan_proc(&search, NULL);
		search_unusual_places(&search, namespaces);
	}
	set_statuses(&search);
	hold_list_assign(&search.holds, snapshot);
	if (any_inode && !search.by_bpf && (request->want & WANT_REUSE))
		reuse_getfd_collect(snapshot, request->want & WANT_CONNECTIONS_REUSE);
	leave_out_gone(&search, namespaces);
	report_owners(&search);
	report_flags(&search);
	if (search.has_scan) {
		proc_scan_done(&search.scan);
		socket_index_done(&search.inodes);
	}
	hold_list_done(&search.holds);
	free(search.traits);
	free(search.gone);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "source/proc-net.h"
#include "source/sock-diag-decode.h"
#include "source/sock-diag-merge.h"
#include "source/sock-diag-request.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

/* No message of a dump is longer (netlink_dump(), net/netlink/af_netlink.c). */
#define BUFFER_SIZE 32768

#define MAX_TRIES 3
#define RECEIVE_TIMEOUT_S 10

/* Above this a dump is not repeated to see whether it was complete. */
#define MAX_COMPARED 10000

#define FALL_BACK_PROTOCOLS (1U << PROTOCOL_TCP | 1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE)

#define EXTENSION(attribute) (1U << ((attribute)-1))

struct interface {
	uint32_t index;
	string_id name;
};

struct collector {
	const struct collect_request *request;
	struct snapshot *snapshot;
	uint32_t netns;
	struct mnl_socket *netlink; /* NULL: it is lost, nothing more can be asked */
	unsigned int sequence;
	char *buffer;
	bool any_family; /* one dump may ask for both families */
	bool any_protocol; /* the request of old may ask for another protocol than TCP */
	bool any_state, any_port; /* nothing to filter */
	struct sock_diag_filter filter;
	struct interface *interfaces;
	uint32_t n_interfaces, interfaces_capacity;

	/* Of the dump that is being read. */
	enum protocol protocol;
	uint32_t messages; /* received messages with sockets in them */
	uint32_t strange; /* sockets that could not be decoded */
	bool interrupted;
};

/*
 * Open it, or open another in its place. The old one is closed first: where descriptors have run
 * out, it is the one that is free then.
 */
static int open_netlink(struct collector *collector)
{
	const struct timeval timeout = { .tv_sec = RECEIVE_TIMEOUT_S };

	if (collector->netlink)
		mnl_socket_close(collector->netlink);
	collector->netlink = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!collector->netlink)
		return -errno;
	setsockopt(mnl_socket_get_fd(collector->netlink), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		   sizeof(timeout));
	return 0;
}

/* Whether the running kernel is at least this one. */
static bool kernel_is(unsigned int want_major, unsigned int want_minor)
{
	unsigned int major, minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%u.%u", &major, &minor) != 2)
		return false;
	return major > want_major || (major == want_major && minor >= want_minor);
}

static string_id interface_name(struct collector *collector, uint32_t index)
{
	char name[IF_NAMESIZE + 16];
	struct interface *interface;
	uint32_t i;

	for (i = 0; i < collector->n_interfaces; i++) {
		if (collector->interfaces[i].index == index)
			return collector->interfaces[i].name;
	}
	if (!if_indextoname(index, name))
		snprintf(name, sizeof(name), "if%u", index);
	ARRAY_RESERVE(collector->interfaces, collector->n_interfaces,
		      collector->interfaces_capacity);
	interface = &collector->interfaces[collector->n_interfaces++];
	interface->index = index;
	interface->name = snapshot_string(collector->snapshot, name);
	return interface->name;
}

/* The kernel has filtered already, where it can; what it cannot is left to this. */
static bool wanted(const struct collector *collector, const struct inet_socket *socket)
{
	const struct collect_request *request = collector->request;

	if (!(socket->family == AF_INET ? request->inet : request->inet6))
		return false;
	if (!collector->any_state && !(request->states & 1U << socket->state))
		return false;
	return collector->any_port || collector->filter.program ||
	       sock_diag_port_wanted(request->ports, request->n_ports, socket->local_port);
}

static void add_socket(struct collector *collector, const void *payload, size_t length)
{
	struct snapshot *snapshot = collector->snapshot;
	struct inet_socket *socket = snapshot_add_socket(snapshot);
	uint32_t interface;

	if (sock_diag_decode(payload, length, collector->protocol, socket, &interface)) {
		collector->strange++;
		snapshot->n_sockets--;
		return;
	}
	if (!wanted(collector, socket)) {
		snapshot->n_sockets--;
		return;
	}
	socket->netns = collector->netns;
	if (interface)
		socket->device = interface_name(collector, interface);
}

/* The error that ends a dump: in NLMSG_ERROR, or, once it runs, in NLMSG_DONE. */
static int read_error(const struct nlmsghdr *message)
{
	int32_t error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return error < 0 ? error : 0;
}

/* Read one message of the kernel. Returns 1 if the dump goes on, 0 at its end, or -errno. */
static int read_messages(struct collector *collector)
{
	ssize_t received;
	const struct nlmsghdr *message;
	bool sockets = false;
	int left;

	do {
		received = mnl_socket_recvfrom(collector->netlink, collector->buffer, BUFFER_SIZE);
	} while (received < 0 && errno == EINTR);
	if (received < 0)
		return errno == ENOSPC ? -EMSGSIZE : errno == EAGAIN ? -ETIMEDOUT : -errno;
	left = received;
	for (message = (const struct nlmsghdr *)collector->buffer; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		if (message->nlmsg_seq != collector->sequence)
			continue;
		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			collector->interrupted = true;
		switch (message->nlmsg_type) {
		case NLMSG_DONE:
			return read_error(message);
		case NLMSG_ERROR:
			return read_error(message) ? read_error(message) : -EPROTO;
		case NLMSG_OVERRUN:
			return -ENOBUFS;
		case TCPDIAG_GETSOCK:
		case SOCK_DIAG_BY_FAMILY:
			add_socket(collector, mnl_nlmsg_get_payload(message),
				   mnl_nlmsg_get_payload_len(message));
			sockets = true;
			break;
		default:
			break;
		}
	}
	collector->messages += sockets;
	return left ? -EBADMSG : 1;
}

static int dump_once(struct collector *collector, int family, uint32_t states, uint8_t extensions)
{
	const struct sock_diag_request wanted = {
		.filter = &collector->filter,
		.protocol = collector->protocol,
		.family = family,
		.states = states,
		.sequence = ++collector->sequence,
		.extensions = extensions,
	};
	struct nlmsghdr *request = sock_diag_request_put(collector->buffer, &wanted);
	int more;

	collector->interrupted = false;
	if (mnl_socket_sendto(collector->netlink, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		more = read_messages(collector);
	} while (more > 0);
	if (!more && collector->interrupted)
		return -EINTR;
	return more;
}

/*
 * One dump, again if it was cut or went wrong on the way. Returns 0, also when the last attempt
 * was still cut (a limit says so, and what came is kept), or -errno when it is refused.
 */
static int dump(struct collector *collector, int family, uint32_t states, uint8_t extensions)
{
	struct snapshot *snapshot = collector->snapshot;
	uint32_t first = snapshot->n_sockets;
	int tries, error, reopened;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		snapshot->n_sockets = first;
		collector->strange = 0;
		collector->messages = 0;
		error = dump_once(collector, family, states, extensions);
		if (!error || (error != -EINTR && error != -ENOBUFS && error != -EMSGSIZE &&
			       error != -EBADMSG && error != -ETIMEDOUT))
			break;
		/* The rest of a dump that was cut is still in the socket. */
		reopened = open_netlink(collector);
		if (reopened)
			return reopened;
	}
	if (tries == MAX_TRIES) {
		snapshot_add_limit(snapshot, "sockets",
				   error == -EINTR ? "changed" : errno_name(error), 0,
				   "the list of %s sockets was cut short (%s); some may be missing",
				   protocol_name(collector->protocol), strerror(-error));
		error = 0;
	}
	if (!error && collector->strange)
		snapshot_add_limit(snapshot, "sockets", "not-understood", collector->strange,
				   "%s sockets were reported in a form that is not known",
				   protocol_name(collector->protocol));
	return error;
}

/* From a line "name size sockets …" of /proc/net/protocols: whether there are any of the name. */
static bool line_counts(const char *line, const char *name)
{
	size_t length = strlen(name);
	long sockets;

	return !strncmp(line, name, length) && line[length] == ' ' &&
	       (sscanf(line + length, "%*d %ld", &sockets) != 1 || sockets != 0);
}

/*
 * Whether MPTCP sockets may exist in this namespace. Their dump walks two large tables and takes
 * three times as long as all others on an idle host, while the number in use is kept since 6.3.
 */
static bool may_have_mptcp(struct collector *collector)
{
	ssize_t used = 0, got;
	char *line, *save;
	int fd;

	if (!kernel_is(6, 3))
		return true;
	fd = open("/proc/thread-self/net/protocols", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	while ((got = read(fd, collector->buffer + used, BUFFER_SIZE - 1 - used)) > 0)
		used += got;
	close(fd);
	if (got < 0 || used == BUFFER_SIZE - 1)
		return true;
	collector->buffer[used] = '\0';
	for (line = strtok_r(collector->buffer, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (line_counts(line, "MPTCP") || line_counts(line, "MPTCPv6"))
			return true;
	}
	return false;
}

static int dump_families(struct collector *collector, uint32_t states, uint8_t extensions)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct collect_request *request = collector->request;
	uint32_t messages = 0;
	size_t i;
	int error;

	if (collector->any_family &&
	    (collector->any_protocol || collector->protocol == PROTOCOL_TCP)) {
		error = dump(collector, AF_UNSPEC, states, extensions);
		/* -ENOENT: the kernel does not list this protocol, whatever the request. */
		if (!error || error == -ENOENT || !collector->netlink)
			return error;
		collector->any_family = false;
	}
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (!(families[i] == AF_INET ? request->inet : request->inet6))
			continue;
		error = dump(collector, families[i], states, extensions);
		if (error)
			return error;
		messages += collector->messages;
	}
	collector->messages = messages;
	return 0;
}

/*
 * The sizes of buffers and the drops cost 8 % of a dump. TCP connections go without: listeners are
 * dumped a second time with them. That comes last, so it also finds who began to listen while the
 * tables were read.
 */
static int collect_tcp(struct collector *collector)
{
	uint32_t states = sock_diag_states(collector->request->states, PROTOCOL_TCP);
	uint32_t first = collector->snapshot->n_sockets;
	int error = 0;

	if (states & ~(1U << TCP_LISTEN))
		error = dump_families(collector, states, 0);
	if (!error && states & 1U << TCP_LISTEN)
		error = dump_families(collector, 1U << TCP_LISTEN, EXTENSION(INET_DIAG_SKMEMINFO));
	if (!error)
		sock_diag_remove_repeated(collector->snapshot, first);
	return error;
}

/*
 * All UDP sockets of a port are in one chain. While it is handed out in several messages it can
 * change, and sockets be missed. When ports are asked for by name the dump is repeated until two
 * agree.
 */
static int collect_datagrams(struct collector *collector)
{
	uint32_t states = sock_diag_states(collector->request->states, collector->protocol);
	struct snapshot *snapshot = collector->snapshot;
	uint32_t first = snapshot->n_sockets, middle, different;
	int tries, error;

	if (!(states & (1U << TCP_ESTABLISHED | 1U << TCP_CLOSE)))
		return 0;
	error = dump_families(collector, states, EXTENSION(INET_DIAG_SKMEMINFO));
	if (error)
		return error;
	sock_diag_remove_repeated(snapshot, first);
	if (collector->any_port || collector->messages < 2 ||
	    snapshot->n_sockets - first > MAX_COMPARED)
		return 0;
	for (tries = 1; tries < MAX_TRIES; tries++) {
		middle = snapshot->n_sockets;
		error = dump_families(collector, states, EXTENSION(INET_DIAG_SKMEMINFO));
		if (error)
			return error;
		sock_diag_remove_repeated(snapshot, middle);
		different = sock_diag_merge_dumps(snapshot, first, middle);
		if (!different)
			return 0;
	}
	snapshot_add_limit(snapshot, "sockets", "changed", different,
			   "%s sockets came and went while they were listed; some may be missing",
			   protocol_name(collector->protocol));
	return 0;
}

static int collect_protocol(struct collector *collector, enum protocol protocol)
{
	uint32_t first = collector->snapshot->n_sockets;
	int error;

	collector->protocol = protocol;
	switch (protocol) {
	case PROTOCOL_TCP:
		return collect_tcp(collector);
	case PROTOCOL_UDP:
	case PROTOCOL_UDPLITE:
		return collect_datagrams(collector);
	default:
		break;
	}
	/* Before 5.9 the request could not name such a protocol; another one would answer. */
	if (sock_diag_protocol(protocol) > UINT8_MAX && !collector->any_protocol)
		return -ENOENT;
	if (protocol == PROTOCOL_MPTCP && !may_have_mptcp(collector))
		return 0;
	error = dump_families(collector, sock_diag_states(collector->request->states, protocol),
			      EXTENSION(INET_DIAG_SKMEMINFO));
	if (!error && protocol != PROTOCOL_SCTP)
		sock_diag_remove_repeated(collector->snapshot, first);
	return error;
}

/*
 * Older kernels answer as if there were no TCP socket that is bound and no more. Some have the
 * listing of 6.8 all the same: then one such socket proves it.
 */
static void limit_bound(struct collector *collector, uint32_t first)
{
	const struct snapshot *snapshot = collector->snapshot;
	uint32_t i;

	if (!(collector->request->states & 1U << STATE_BOUND) || kernel_is(6, 8))
		return;
	for (i = first; i < snapshot->n_sockets; i++) {
		if (snapshot->sockets[i].protocol == PROTOCOL_TCP &&
		    snapshot->sockets[i].state == STATE_BOUND)
			return;
	}
	snapshot_add_limit(collector->snapshot, "sockets", "old-kernel", 0,
			   "TCP sockets that are bound, but neither listen nor are connected, "
			   "are not listed by kernels before 6.8");
}

static void limit_refused(struct snapshot *snapshot, enum protocol protocol, int error)
{
	snapshot_add_limit(snapshot, "sockets", errno_name(error), 0,
			   "%s sockets could not be listed (%s)%s", protocol_name(protocol),
			   strerror(-error),
			   protocol == PROTOCOL_MPTCP ? ", they look like those of TCP" : "");
}

/* Dump every protocol that is wanted. Returns those that were refused. */
static uint32_t collect_all(struct collector *collector, int *ret_error)
{
	struct snapshot *snapshot = collector->snapshot;
	uint32_t first = snapshot->n_sockets, before, refused = 0;
	enum protocol protocol;
	int error;

	for (protocol = 0; protocol < N_PROTOCOLS; protocol++) {
		if (!(collector->request->protocols & 1U << protocol))
			continue;
		before = snapshot->n_sockets;
		/* What is not asked any more is refused for the reason of the one before. */
		error = collector->netlink ? collect_protocol(collector, protocol) : *ret_error;
		if (!error) {
			if (protocol == PROTOCOL_TCP)
				limit_bound(collector, first);
			if (protocol == PROTOCOL_MPTCP)
				sock_diag_remove_subflows(snapshot, first, before);
			continue;
		}
		snapshot->n_sockets = before;
		/* Not in this kernel: there are no such sockets either, but for TCP and UDP. */
		if (error == -ENOENT && protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
			continue;
		refused |= 1U << protocol;
		*ret_error = error;
		if (!(FALL_BACK_PROTOCOLS & 1U << protocol))
			limit_refused(snapshot, protocol, error);
	}
	return refused;
}

/* Returns 0, or the reason where /proc/net does not help and no other of them has answered. */
static int fall_back(struct collector *collector, uint32_t protocols, int reason)
{
	struct collect_request request = *collector->request;
	const uint32_t all = request.protocols;
	enum protocol protocol;

	request.protocols = protocols;
	if (proc_net_collect(&request, collector->netns, collector->snapshot)) {
		for (protocol = 0; protocol < N_PROTOCOLS; protocol++)
			if (protocols & 1U << protocol)
				limit_refused(collector->snapshot, protocol, reason);
		return protocols != (all & FALL_BACK_PROTOCOLS) ? 0 : reason;
	}
	snapshot_add_limit(collector->snapshot, "sockets", errno_name(reason), 0,
			   "the kernel does not give a full list of sockets (sock_diag: %s)",
			   strerror(-reason));
	return 0;
}

int sock_diag_collect(const struct collect_request *request, uint32_t netns,
		      struct snapshot *snapshot)
{
	struct collector collector = {
		.request = request,
		.snapshot = snapshot,
		.netns = netns,
		.any_family = request->inet && request->inet6,
		.any_state = sock_diag_states(request->states, PROTOCOL_TCP) == UINT32_MAX,
	};
	uint32_t refused = request->protocols;
	enum protocol protocol;
	int error;

	error = open_netlink(&collector);
	for (protocol = 0; error && protocol < N_PROTOCOLS; protocol++)
		if (refused & ~FALL_BACK_PROTOCOLS & 1U << protocol)
			limit_refused(snapshot, protocol, error);
	if (!error) {
		collector.buffer = xmalloc(BUFFER_SIZE);
		/* INET_DIAG_REQ_PROTOCOL; before, it would be passed over and TCP be the answer. */
		collector.any_protocol = kernel_is(5, 9);
		collector.any_port =
			sock_diag_filter_init(&collector.filter, request->ports, request->n_ports);
		refused = collect_all(&collector, &error);
	}
	if (refused & FALL_BACK_PROTOCOLS)
		error = fall_back(&collector, refused & FALL_BACK_PROTOCOLS, error);
	else if (refused != request->protocols)
		error = 0;
	if (collector.netlink)
		mnl_socket_close(collector.netlink);
	free(collector.buffer);
	sock_diag_filter_done(&collector.filter);
	free(collector.interfaces);
	return error;
}

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
#include "util/errno-name.h"
#include "util/xalloc.h"

/* No message of a dump is longer (netlink_dump(), net/netlink/af_netlink.c). */
#define BUFFER_SIZE 32768

#define MAX_TRIES 3
#define RECEIVE_TIMEOUT_S 10

/* More ports than these are sorted out here: a filter must fit into one attribute. */
#define MAX_FILTER_RANGES 1000

/* Above this a dump is not repeated to see whether it was complete. */
#define MAX_COMPARED 10000

/* States of include/net/tcp_states.h, which <netinet/tcp.h> does not have. */
#define KERNEL_NEW_SYN_RECV 12
#define KERNEL_BOUND_INACTIVE 13

#define FALL_BACK_PROTOCOLS (1U << PROTOCOL_TCP | 1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE)

#define EXTENSION(attribute) (1U << ((attribute) - 1))

static const uint16_t ip_protocols[N_PROTOCOLS] = {
	[PROTOCOL_TCP] = IPPROTO_TCP,
	[PROTOCOL_UDP] = IPPROTO_UDP,
	[PROTOCOL_UDPLITE] = IPPROTO_UDPLITE,
	[PROTOCOL_MPTCP] = 262,
	[PROTOCOL_SCTP] = IPPROTO_SCTP,
};

struct interface {
	uint32_t index;
	string_id name;
};

struct collector {
	const struct collect_request *request;
	struct snapshot *snapshot;
	uint32_t netns;
	struct mnl_socket *netlink;
	unsigned int sequence;
	char *buffer;
	bool any_family; /* one dump may ask for both families */
	bool any_protocol; /* the request of old may ask for another protocol than TCP */
	bool any_state, any_port; /* nothing to filter */
	struct inet_diag_bc_op *filter; /* for the kernel, or NULL */
	size_t filter_size;
	struct interface *interfaces;
	uint32_t n_interfaces, interfaces_capacity;

	/* Of the dump that is being read. */
	enum protocol protocol;
	uint32_t messages; /* received messages with sockets in them */
	uint32_t strange; /* sockets that could not be decoded */
	bool interrupted;
};

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

/* ---- what is asked ----------------------------------------------------------------------- */

static uint32_t kernel_states(uint32_t states, enum protocol protocol)
{
	static const uint32_t of_state[N_STATES] = {
		[STATE_LISTEN] = 1U << TCP_LISTEN,
		[STATE_BOUND] = 1U << TCP_CLOSE | 1U << KERNEL_BOUND_INACTIVE,
		[STATE_ESTAB] = 1U << TCP_ESTABLISHED,
		[STATE_SYN_SENT] = 1U << TCP_SYN_SENT,
		[STATE_SYN_RECV] = 1U << TCP_SYN_RECV | 1U << KERNEL_NEW_SYN_RECV,
		[STATE_FIN_WAIT_1] = 1U << TCP_FIN_WAIT1,
		[STATE_FIN_WAIT_2] = 1U << TCP_FIN_WAIT2,
		[STATE_CLOSE_WAIT] = 1U << TCP_CLOSE_WAIT,
		[STATE_LAST_ACK] = 1U << TCP_LAST_ACK,
		[STATE_CLOSING] = 1U << TCP_CLOSING,
		[STATE_TIME_WAIT] = 1U << TCP_TIME_WAIT,
	};
	uint32_t i, mask = 0;

	/* The states of an association are numbered otherwise: it is filtered here. */
	if (protocol == PROTOCOL_SCTP || (states & ((1U << N_STATES) - 1)) == (1U << N_STATES) - 1)
		return UINT32_MAX;
	for (i = 0; i < N_STATES; i++) {
		if (states & 1U << i)
			mask |= of_state[i];
	}
	return mask;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

/* Sort and join. ranges has room for count; returns how many are left. */
static uint32_t merge_ranges(struct port_range *ranges, uint32_t count)
{
	uint32_t i, merged = 0;

	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (i = 0; i < count; i++) {
		struct port_range *last = merged ? &ranges[merged - 1] : NULL;

		if (ranges[i].first > ranges[i].last)
			continue;
		if (last && ranges[i].first <= last->last + 1U) {
			if (ranges[i].last > last->last)
				last->last = ranges[i].last;
			continue;
		}
		ranges[merged++] = ranges[i];
	}
	return merged;
}

/*
 * The ranges as a program of inet_diag_bc_run(): for each a test of both ends and, but for the
 * last, a jump to the end, where a socket is accepted. A target 4 bytes behind the end refuses it.
 */
static void build_filter(struct collector *collector, const struct port_range *ranges,
			 uint32_t count)
{
	const size_t size = sizeof(struct inet_diag_bc_op);
	struct inet_diag_bc_op *op;
	size_t left = count * 5 * size - size;
	uint32_t i;

	collector->filter_size = left;
	collector->filter = op = xcalloc(1, left);
	for (i = 0; i < count; i++) {
		op[0] = (struct inet_diag_bc_op){
			.code = INET_DIAG_BC_S_GE,
			.yes = 2 * size,
			.no = 5 * size,
		};
		op[1].no = ranges[i].first;
		op[2] = (struct inet_diag_bc_op){
			.code = INET_DIAG_BC_S_LE,
			.yes = 2 * size,
			.no = 3 * size,
		};
		op[3].no = ranges[i].last;
		if (i + 1 == count)
			break;
		left -= 4 * size;
		op[4] = (struct inet_diag_bc_op){
			.code = INET_DIAG_BC_JMP,
			.yes = size,
			.no = left,
		};
		left -= size;
		op += 5;
	}
}

static void prepare_filter(struct collector *collector)
{
	const struct collect_request *request = collector->request;
	struct port_range *ranges;
	uint32_t count;

	collector->any_port = !request->n_ports;
	if (collector->any_port)
		return;
	ranges = xcalloc(request->n_ports, sizeof(*ranges));
	memcpy(ranges, request->ports, request->n_ports * sizeof(*ranges));
	count = merge_ranges(ranges, request->n_ports);
	if (count == 1 && ranges[0].first == 0 && ranges[0].last == UINT16_MAX)
		collector->any_port = true;
	else if (count && count <= MAX_FILTER_RANGES)
		build_filter(collector, ranges, count);
	free(ranges);
}

static struct nlmsghdr *build_request(struct collector *collector, int family, uint32_t states,
				      uint8_t extensions)
{
	uint16_t protocol = ip_protocols[collector->protocol];
	struct nlmsghdr *header = mnl_nlmsg_put_header(collector->buffer);

	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = ++collector->sequence;
	if (family == AF_UNSPEC) {
		/* The family in this request is not looked at: both are dumped in one pass. */
		struct inet_diag_req *body = mnl_nlmsg_put_extra_header(header, sizeof(*body));

		header->nlmsg_type = TCPDIAG_GETSOCK;
		body->idiag_family = AF_INET;
		body->idiag_ext = extensions;
		body->idiag_states = states;
		if (protocol != IPPROTO_TCP)
			mnl_attr_put_u32(header, INET_DIAG_REQ_PROTOCOL, protocol);
	} else {
		struct inet_diag_req_v2 *body = mnl_nlmsg_put_extra_header(header, sizeof(*body));

		header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
		body->sdiag_family = family;
		body->sdiag_protocol = protocol > UINT8_MAX ? IPPROTO_RAW : protocol;
		body->idiag_ext = extensions;
		body->idiag_states = states;
		if (protocol > UINT8_MAX)
			mnl_attr_put_u32(header, INET_DIAG_REQ_PROTOCOL, protocol);
	}
	if (collector->filter)
		mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, collector->filter_size,
			     collector->filter);
	return header;
}

/* ---- what is answered -------------------------------------------------------------------- */

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

static bool port_wanted(const struct collect_request *request, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < request->n_ports; i++) {
		if (port >= request->ports[i].first && port <= request->ports[i].last)
			return true;
	}
	return false;
}

/* The kernel has filtered already, where it can; what it cannot is left to this. */
static bool wanted(const struct collector *collector, const struct inet_socket *socket)
{
	const struct collect_request *request = collector->request;

	if (!(socket->family == AF_INET ? request->inet : request->inet6))
		return false;
	if (!collector->any_state && !(request->states & 1U << socket->state))
		return false;
	return collector->any_port || collector->filter ||
	       port_wanted(request, socket->local_port);
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
	struct nlmsghdr *request = build_request(collector, family, states, extensions);
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
			       error != -EBADMSG))
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

/* ---- merging ----------------------------------------------------------------------------- */

/* Sockets of a range of the snapshot, by a number of theirs. Open addressing; 0 is free. */
struct socket_index {
	uint32_t *slots; /* index into snapshot.sockets, plus 1 */
	uint32_t mask;
	unsigned int shift; /* from 64 bits to as many as the mask has */
};

static void index_init(struct socket_index *index, uint32_t count)
{
	uint32_t size = 16;

	index->shift = 60;
	while (size < count * 2) {
		size *= 2;
		index->shift--;
	}
	index->slots = xcalloc(size, sizeof(*index->slots));
	index->mask = size - 1;
}

/*
 * The slot of a cookie (or inode), or the free one where it belongs. The kernel counts both up, for
 * each CPU from another start: multiplying by the golden ratio spreads such runs evenly.
 */
static uint32_t *find_slot(const struct socket_index *index, const struct inet_socket *sockets,
			   uint64_t number, bool by_inode)
{
	uint32_t slot = (uint32_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> index->shift);

	while (index->slots[slot]) {
		const struct inet_socket *socket = &sockets[index->slots[slot] - 1];

		if ((by_inode ? socket->inode : socket->cookie) == number)
			break;
		slot = (slot + 1) & index->mask;
	}
	return &index->slots[slot];
}

/*
 * Drop repetitions from first on: a socket that changed its state while the tables were read, or
 * was shifted in its chain. The first place is kept, with what was seen last. Not for SCTP, where
 * every association has the cookie of its socket.
 */
static void remove_repeated(struct snapshot *snapshot, uint32_t first)
{
	struct inet_socket *sockets = snapshot->sockets;
	struct socket_index index;
	uint32_t i, *slot, kept = first;

	if (snapshot->n_sockets - first < 2)
		return;
	index_init(&index, snapshot->n_sockets - first);
	for (i = first; i < snapshot->n_sockets; i++) {
		if (sockets[i].known & SOCKET_HAS_COOKIE) {
			slot = find_slot(&index, sockets, sockets[i].cookie, false);
			if (*slot) {
				sockets[*slot - 1] = sockets[i];
				continue;
			}
			*slot = kept + 1;
		}
		if (kept != i)
			sockets[kept] = sockets[i];
		kept++;
	}
	snapshot->n_sockets = kept;
	free(index.slots);
}

/*
 * Two dumps of the same sockets lie behind each other, the newer from middle on. Put the newer in
 * front and behind it what only the older one has. Returns how many only one of both has.
 */
static uint32_t merge_dumps(struct snapshot *snapshot, uint32_t first, uint32_t middle)
{
	uint32_t n_older = middle - first, n_newer = snapshot->n_sockets - middle;
	struct inet_socket *sockets = snapshot->sockets, *older;
	uint32_t i, only_older = 0, common;
	struct socket_index index;

	older = xcalloc(n_older, sizeof(*older));
	memcpy(older, sockets + first, n_older * sizeof(*older));
	memmove(sockets + first, sockets + middle, n_newer * sizeof(*sockets));
	snapshot->n_sockets = first + n_newer;
	index_init(&index, n_newer);
	for (i = first; i < first + n_newer; i++)
		*find_slot(&index, sockets, sockets[i].cookie, false) = i + 1;
	for (i = 0; i < n_older; i++) {
		if (*find_slot(&index, sockets, older[i].cookie, false))
			continue;
		sockets[snapshot->n_sockets++] = older[i];
		only_older++;
	}
	common = n_older - only_older;
	free(index.slots);
	free(older);
	return only_older + n_newer - common;
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
	fd = open("/proc/net/protocols", O_RDONLY | O_CLOEXEC);
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

static bool same_ends(const struct inet_socket *a, const struct inet_socket *b)
{
	return a->family == b->family && a->local_port == b->local_port &&
	       a->peer_port == b->peer_port && address_equal(&a->local, &b->local) &&
	       address_equal(&a->peer, &b->peer);
}

/*
 * The TCP socket within an MPTCP socket has its inode. Where it also has its addresses it is the
 * same thing a second time; further subflows have addresses of their own and stay.
 */
static void remove_subflows(struct snapshot *snapshot, uint32_t first, uint32_t first_mptcp)
{
	struct inet_socket *sockets = snapshot->sockets;
	struct socket_index index;
	uint32_t i, *slot, kept = first;

	if (first_mptcp == snapshot->n_sockets)
		return;
	index_init(&index, snapshot->n_sockets - first_mptcp);
	for (i = first_mptcp; i < snapshot->n_sockets; i++) {
		if (sockets[i].inode)
			*find_slot(&index, sockets, sockets[i].inode, true) = i + 1;
	}
	/* What is written lies in front of what is read and, to the end, of what is indexed. */
	for (i = first; i < snapshot->n_sockets; i++) {
		if (i < first_mptcp && sockets[i].protocol == PROTOCOL_TCP && sockets[i].inode) {
			slot = find_slot(&index, sockets, sockets[i].inode, true);
			if (*slot && same_ends(&sockets[*slot - 1], &sockets[i])) {
				/* Binding to an IPv6 address sets it in the socket within only. */
				sockets[*slot - 1].v6only = sockets[i].v6only;
				continue;
			}
		}
		sockets[kept++] = sockets[i];
	}
	snapshot->n_sockets = kept;
	free(index.slots);
}

/* ---- a protocol -------------------------------------------------------------------------- */

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
		if (!error || error == -ENOENT)
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
	uint32_t states = kernel_states(collector->request->states, PROTOCOL_TCP);
	uint32_t first = collector->snapshot->n_sockets;
	int error = 0;

	if (states & ~(1U << TCP_LISTEN))
		error = dump_families(collector, states, 0);
	if (!error && states & 1U << TCP_LISTEN)
		error = dump_families(collector, 1U << TCP_LISTEN, EXTENSION(INET_DIAG_SKMEMINFO));
	if (!error)
		remove_repeated(collector->snapshot, first);
	return error;
}

/*
 * All UDP sockets of a port are in one chain. While it is handed out in several messages it can
 * change, and sockets be missed. When ports are asked for by name the dump is repeated until two
 * agree.
 */
static int collect_datagrams(struct collector *collector)
{
	uint32_t states = kernel_states(collector->request->states, collector->protocol);
	struct snapshot *snapshot = collector->snapshot;
	uint32_t first = snapshot->n_sockets, middle, different;
	int tries, error;

	if (!(states & (1U << TCP_ESTABLISHED | 1U << TCP_CLOSE)))
		return 0;
	error = dump_families(collector, states, EXTENSION(INET_DIAG_SKMEMINFO));
	if (error)
		return error;
	remove_repeated(snapshot, first);
	if (collector->any_port || collector->messages < 2 ||
	    snapshot->n_sockets - first > MAX_COMPARED)
		return 0;
	for (tries = 1; tries < MAX_TRIES; tries++) {
		middle = snapshot->n_sockets;
		error = dump_families(collector, states, EXTENSION(INET_DIAG_SKMEMINFO));
		if (error)
			return error;
		remove_repeated(snapshot, middle);
		different = merge_dumps(snapshot, first, middle);
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
	if (ip_protocols[protocol] > UINT8_MAX && !collector->any_protocol)
		return -ENOENT;
	if (protocol == PROTOCOL_MPTCP && !may_have_mptcp(collector))
		return 0;
	error = dump_families(collector, kernel_states(collector->request->states, protocol),
			      EXTENSION(INET_DIAG_SKMEMINFO));
	if (!error && protocol != PROTOCOL_SCTP)
		remove_repeated(collector->snapshot, first);
	return error;
}

/* ---- the whole --------------------------------------------------------------------------- */

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
		error = collect_protocol(collector, protocol);
		if (!error) {
			if (protocol == PROTOCOL_TCP)
				limit_bound(collector, first);
			if (protocol == PROTOCOL_MPTCP)
				remove_subflows(snapshot, first, before);
			continue;
		}
		snapshot->n_sockets = before;
		/* Not in this kernel: there are no such sockets either, but for TCP and UDP. */
		if (error == -ENOENT && protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
			continue;
		refused |= 1U << protocol;
		*ret_error = error;
		if (!(FALL_BACK_PROTOCOLS & 1U << protocol))
			snapshot_add_limit(snapshot, "sockets", errno_name(error), 0,
					   "%s sockets could not be listed (%s)",
					   protocol_name(protocol), strerror(-error));
	}
	return refused;
}

static int fall_back(struct collector *collector, uint32_t protocols, int reason)
{
	struct collect_request request = *collector->request;
	int error;

	request.protocols = protocols;
	error = proc_net_collect(&request, collector->netns, collector->snapshot);
	if (error)
		return error;
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
		.any_state = kernel_states(request->states, PROTOCOL_TCP) == UINT32_MAX,
	};
	uint32_t refused = request->protocols;
	int error;

	error = open_netlink(&collector);
	if (!error) {
		collector.buffer = xmalloc(BUFFER_SIZE);
		/* INET_DIAG_REQ_PROTOCOL; before, it would be passed over and TCP be the answer. */
		collector.any_protocol = kernel_is(5, 9);
		prepare_filter(&collector);
		refused = collect_all(&collector, &error);
	}
	if (refused & FALL_BACK_PROTOCOLS)
		error = fall_back(&collector, refused & FALL_BACK_PROTOCOLS, error);
	else
		error = 0;
	if (collector.netlink)
		mnl_socket_close(collector.netlink);
	free(collector.buffer);
	free(collector.filter);
	free(collector.interfaces);
	return error;
}

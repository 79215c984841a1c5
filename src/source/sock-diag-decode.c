/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "util/xalloc.h"

/* The kernel's TCP_NEW_SYN_RECV (include/net/tcp_states.h), which <netinet/tcp.h> does not have. */
#define KERNEL_NEW_SYN_RECV 12

/* Kernel states plus one of ours, so that 0 is "not known". */
static const uint8_t stream_states[] = {
	[TCP_ESTABLISHED] = STATE_ESTAB + 1,	[TCP_SYN_SENT] = STATE_SYN_SENT + 1,
	[TCP_SYN_RECV] = STATE_SYN_RECV + 1,	[TCP_FIN_WAIT1] = STATE_FIN_WAIT_1 + 1,
	[TCP_FIN_WAIT2] = STATE_FIN_WAIT_2 + 1, [TCP_TIME_WAIT] = STATE_TIME_WAIT + 1,
	[TCP_CLOSE] = STATE_BOUND + 1,		[TCP_CLOSE_WAIT] = STATE_CLOSE_WAIT + 1,
	[TCP_LAST_ACK] = STATE_LAST_ACK + 1,	[TCP_LISTEN] = STATE_LISTEN + 1,
	[TCP_CLOSING] = STATE_CLOSING + 1,	[KERNEL_NEW_SYN_RECV] = STATE_SYN_RECV + 1,
};

static const uint8_t datagram_states[] = {
	[TCP_ESTABLISHED] = STATE_ESTAB + 1,
	[TCP_CLOSE] = STATE_BOUND + 1,
};

/*
 * An SCTP association has states of its own (enum sctp_state, include/net/sctp/constants.h); these
 * are the TCP states with the same place in the life of a connection.
 */
static const uint8_t association_states[] = {
	[0] = STATE_BOUND + 1, /* CLOSED */
	[1] = STATE_SYN_SENT + 1, /* COOKIE_WAIT */
	[2] = STATE_SYN_SENT + 1, /* COOKIE_ECHOED */
	[3] = STATE_ESTAB + 1,	    [4] = STATE_FIN_WAIT_1 + 1, /* SHUTDOWN_PENDING */
	[5] = STATE_FIN_WAIT_2 + 1, /* SHUTDOWN_SENT */
	[6] = STATE_CLOSE_WAIT + 1, /* SHUTDOWN_RECEIVED */
	[7] = STATE_LAST_ACK + 1, /* SHUTDOWN_ACK_SENT */
};

static const uint8_t timers[] = {
	TIMER_NONE, TIMER_RETRANSMIT, TIMER_KEEPALIVE, TIMER_TIME_WAIT, TIMER_PROBE,
};

/* What the attributes say. */
struct attributes {
	uint32_t known; /* enum socket_known of those seen */
	uint32_t mark;
	uint32_t drops;
	uint32_t receive_buffer;
	uint64_t cgroup_id;
	uint16_t options;
	uint8_t v6only; /* enum tristate */
	bool has_shutdown; /* a full socket: TIME-WAIT and requests come without */
	bool has_peers; /* an SCTP association */
};

static uint16_t decode_options(const void *payload)
{
	struct inet_diag_sockopt from;
	uint16_t options = 0;

	memcpy(&from, payload, sizeof(from));
	if (from.recverr)
		options |= SOCKET_OPTION_RECVERR;
	if (from.freebind)
		options |= SOCKET_OPTION_FREEBIND;
	if (from.transparent)
		options |= SOCKET_OPTION_TRANSPARENT;
	if (from.mc_loop)
		options |= SOCKET_OPTION_MULTICAST_LOOP;
	if (from.mc_all)
		options |= SOCKET_OPTION_MULTICAST_ALL;
	if (from.bind_address_no_port)
		options |= SOCKET_OPTION_BIND_ADDRESS_NO_PORT;
	if (from.defer_connect)
		options |= SOCKET_OPTION_DEFER_CONNECT;
	return options;
}

static void decode_memory(const unsigned char *payload, size_t length,
			  struct attributes *attributes)
{
	uint32_t value;

	if (length >= (SK_MEMINFO_RCVBUF + 1) * sizeof(value)) {
		memcpy(&value, payload + SK_MEMINFO_RCVBUF * sizeof(value), sizeof(value));
		attributes->receive_buffer = value;
		attributes->known |= SOCKET_HAS_LIMIT;
	}
	if (length >= (SK_MEMINFO_DROPS + 1) * sizeof(value)) {
		memcpy(&value, payload + SK_MEMINFO_DROPS * sizeof(value), sizeof(value));
		attributes->drops = value;
		attributes->known |= SOCKET_HAS_DROPS;
	}
}

static void decode_attribute(unsigned int type, const unsigned char *payload, size_t length,
			     struct attributes *attributes)
{
	switch (type) {
	case INET_DIAG_SHUTDOWN:
		attributes->has_shutdown = true;
		break;
	case INET_DIAG_SKMEMINFO:
		decode_memory(payload, length, attributes);
		break;
	case INET_DIAG_SKV6ONLY:
		if (length >= 1)
			attributes->v6only = tristate_of(payload[0]);
		break;
	case INET_DIAG_MARK:
		if (length < sizeof(attributes->mark))
			break;
		memcpy(&attributes->mark, payload, sizeof(attributes->mark));
		attributes->known |= SOCKET_HAS_MARK;
		break;
	case INET_DIAG_CGROUP_ID:
		if (length < sizeof(attributes->cgroup_id))
			break;
		memcpy(&attributes->cgroup_id, payload, sizeof(attributes->cgroup_id));
		attributes->known |= SOCKET_HAS_CGROUP;
		break;
	case INET_DIAG_SOCKOPT:
		if (length < sizeof(struct inet_diag_sockopt))
			break;
		attributes->options = decode_options(payload);
		attributes->known |= SOCKET_HAS_OPTIONS;
		break;
	case INET_DIAG_PEERS:
		attributes->has_peers = true;
		break;
	default:
		break;
	}
}

static void decode_attributes(const unsigned char *bytes, size_t length,
			      struct attributes *attributes)
{
	while (length >= sizeof(struct nlattr)) {
		struct nlattr header;
		size_t step;

		memcpy(&header, bytes, sizeof(header));
		if (header.nla_len < sizeof(header) || header.nla_len > length)
			return;
		decode_attribute(header.nla_type & NLA_TYPE_MASK, bytes + NLA_HDRLEN,
				 header.nla_len - NLA_HDRLEN, attributes);
		step = NLA_ALIGN(header.nla_len);
		if (step >= length)
			return;
		bytes += step;
		length -= step;
	}
}

/* The state, or -1. */
static int decode_state(enum protocol protocol, unsigned int state, bool association)
{
	const uint8_t *table = stream_states;
	size_t size = ARRAY_SIZE(stream_states);

	if (association) {
		table = association_states;
		size = ARRAY_SIZE(association_states);
	} else if (!protocol_is_stream(protocol)) {
		table = datagram_states;
		size = ARRAY_SIZE(datagram_states);
	}
	return state < size ? table[state] - 1 : -1;
}

static void decode_timer(const struct inet_diag_msg *message, bool association,
			 struct inet_socket *socket)
{
	/* For an association the kernel writes the number of SCTP's own retransmission timer. */
	if (association)
		socket->timer = message->idiag_timer ? TIMER_RETRANSMIT : TIMER_NONE;
	else if (message->idiag_timer < ARRAY_SIZE(timers))
		socket->timer = timers[message->idiag_timer];
	if (socket->timer == TIMER_UNKNOWN || socket->timer == TIMER_NONE)
		return;
	socket->timer_expires_ms = message->idiag_expires;
	socket->known |= SOCKET_HAS_EXPIRES;
}

int sock_diag_decode(const void *bytes, size_t length, enum protocol protocol,
		     struct inet_socket *ret_socket, uint32_t *ret_interface)
{
	struct attributes attributes = { 0 };
	struct inet_diag_msg message;
	struct inet_socket *socket = ret_socket;
	size_t header = NLMSG_ALIGN(sizeof(message)), address_size;
	bool association, full;
	int state;

	if (length < sizeof(message))
		return -EBADMSG;
	memcpy(&message, bytes, sizeof(message));
	if (message.idiag_family != AF_INET && message.idiag_family != AF_INET6)
		return -EBADMSG;
	if (length > header)
		decode_attributes((const unsigned char *)bytes + header, length - header,
				  &attributes);
	association = protocol == PROTOCOL_SCTP && attributes.has_peers;
	state = decode_state(protocol, message.idiag_state, association);
	if (state < 0)
		return -EBADMSG;

	/* What is left of a socket, or not yet one, has no owner, no uid and no queue: zeroes. */
	full = state != STATE_TIME_WAIT && message.idiag_state != KERNEL_NEW_SYN_RECV &&
	       !(state == STATE_FIN_WAIT_2 && message.idiag_timer == 3 && !association) &&
	       !(state == STATE_SYN_RECV && !attributes.has_shutdown);

	*socket = (struct inet_socket){
		.family = message.idiag_family,
		.protocol = protocol,
		.state = state,
		.local_port = ntohs(message.id.idiag_sport),
		.inode = message.idiag_inode,
		.known = SOCKET_HAS_INODE | (attributes.known & ~SOCKET_HAS_LIMIT),
		.mark = attributes.mark,
		.drops = attributes.drops,
		.cgroup_id = attributes.cgroup_id,
		.options = attributes.options,
		.cookie = message.id.idiag_cookie[0] | (uint64_t)message.id.idiag_cookie[1] << 32,
	};
	address_size = message.idiag_family == AF_INET ? 4 : 16;
	memcpy(socket->local.bytes, message.id.idiag_src, address_size);
	if (state != STATE_LISTEN && state != STATE_BOUND) {
		memcpy(socket->peer.bytes, message.id.idiag_dst, address_size);
		socket->peer_port = ntohs(message.id.idiag_dport);
		socket->known |= SOCKET_HAS_PEER;
	}
	if (message.id.idiag_cookie[0] != INET_DIAG_NOCOOKIE ||
	    message.id.idiag_cookie[1] != INET_DIAG_NOCOOKIE)
		socket->known |= SOCKET_HAS_COOKIE;
	else
		socket->cookie = 0;
	if (message.idiag_family == AF_INET6)
		socket->v6only = attributes.v6only;
	decode_timer(&message, association, socket);
	if (full) {
		socket->uid = message.idiag_uid;
		socket->queue_recv = message.idiag_rqueue;
		socket->known |= SOCKET_HAS_UID | SOCKET_HAS_QUEUE;
		if (state == STATE_LISTEN) {
			socket->queue_limit = message.idiag_wqueue;
			socket->known |= SOCKET_HAS_LIMIT;
		} else {
			socket->queue_send = message.idiag_wqueue;
			socket->queue_limit = attributes.receive_buffer;
			socket->known |= attributes.known & SOCKET_HAS_LIMIT;
		}
	}

	/* An association names the interface of its route, which says nothing about a binding. */
	*ret_interface = 0;
	if (!association) {
		socket->known |= SOCKET_HAS_DEVICE;
		*ret_interface = message.id.idiag_if;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "source/kernel-state.h"
#include "util/xalloc.h"

/*
 * An SCTP association has states of its own (enum sctp_state, include/net/sctp/constants.h); these
 * are the TCP states with the same place in the life of a connection.
 */
static const uint8_t association_states[] = {
	[0] = STATE_BOUND, /* CLOSED */
	[1] = STATE_SYN_SENT, /* COOKIE_WAIT */
	[2] = STATE_SYN_SENT, /* COOKIE_ECHOED */
	[3] = STATE_ESTAB,	[4] = STATE_FIN_WAIT_1, /* SHUTDOWN_PENDING */
	[5] = STATE_FIN_WAIT_2, /* SHUTDOWN_SENT */
	[6] = STATE_CLOSE_WAIT, /* SHUTDOWN_RECEIVED */
	[7] = STATE_LAST_ACK, /* SHUTDOWN_ACK_SENT */
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

/* One message, as it is turned into a socket. */
struct decoder {
	struct inet_diag_msg message;
	struct attributes attributes;
	enum protocol protocol;
	bool association; /* of SCTP, which numbers states and timers otherwise */
	int state; /* enum socket_state, or -1 */
};

static int decode_state(const struct decoder *decoder)
{
	uint8_t number = decoder->message.idiag_state;

	if (!decoder->association)
		return kernel_state_decode(decoder->protocol, number);
	return number < ARRAY_SIZE(association_states) ? association_states[number] : -1;
}

static int decode_message(struct decoder *decoder, const void *bytes, size_t length)
{
	const size_t header = NLMSG_ALIGN(sizeof(decoder->message));

	if (length < sizeof(decoder->message))
		return -EBADMSG;
	memcpy(&decoder->message, bytes, sizeof(decoder->message));
	if (decoder->message.idiag_family != AF_INET && decoder->message.idiag_family != AF_INET6)
		return -EBADMSG;
	if (length > header)
		decode_attributes((const unsigned char *)bytes + header, length - header,
				  &decoder->attributes);
	decoder->association = decoder->protocol == PROTOCOL_SCTP && decoder->attributes.has_peers;
	decoder->state = decode_state(decoder);
	return decoder->state < 0 ? -EBADMSG : 0;
}

static void set_ends(struct inet_socket *socket, const struct inet_diag_sockid *id)
{
	size_t size = socket->family == AF_INET ? 4 : 16;

	memcpy(socket->local.bytes, id->idiag_src, size);
	socket->local_port = ntohs(id->idiag_sport);
	if (socket_is_bound(socket) && protocol_is_stream((enum protocol)socket->protocol))
		return;
	memcpy(socket->peer.bytes, id->idiag_dst, size);
	if (socket_is_bound(socket)) {
		socket_keep_old_peer(socket);
		return;
	}
	socket->peer_port = ntohs(id->idiag_dport);
	socket->known |= SOCKET_HAS_PEER;
}

static void set_cookie(struct inet_socket *socket, const uint32_t *cookie)
{
	if (cookie[0] == INET_DIAG_NOCOOKIE && cookie[1] == INET_DIAG_NOCOOKIE)
		return;
	socket->cookie = cookie[0] | (uint64_t)cookie[1] << 32;
	socket->known |= SOCKET_HAS_COOKIE;
}

static void set_timer(struct inet_socket *socket, const struct decoder *decoder)
{
	const struct inet_diag_msg *message = &decoder->message;

	/* For an association the kernel writes the number of SCTP's own retransmission timer. */
	if (decoder->association)
		socket->timer = message->idiag_timer ? TIMER_RETRANSMIT : TIMER_NONE;
	else
		socket->timer = (uint8_t)kernel_timer_decode(message->idiag_timer);
	if (socket->timer == TIMER_UNKNOWN || socket->timer == TIMER_NONE)
		return;
	socket->timer_expires_ms = message->idiag_expires;
	socket->known |= SOCKET_HAS_EXPIRES;
}

/* What is left of a socket, or not yet one, has no owner, no uid and no queue: zeroes. */
static bool is_full(const struct inet_socket *socket, const struct decoder *decoder)
{
	if (socket_is_time_wait(socket) || decoder->message.idiag_state == KERNEL_NEW_SYN_RECV)
		return false;
	return socket->state != STATE_SYN_RECV || decoder->attributes.has_shutdown;
}

/* Of a full socket. */
static void set_queue(struct inet_socket *socket, const struct decoder *decoder)
{
	const struct inet_diag_msg *message = &decoder->message;

	socket->queue_recv = message->idiag_rqueue;
	socket->known |= SOCKET_HAS_QUEUE;
	if (socket->state == STATE_LISTEN) {
		socket->queue_limit = message->idiag_wqueue;
		socket->known |= SOCKET_HAS_LIMIT;
	} else {
		socket->queue_send = message->idiag_wqueue;
		socket->queue_limit = decoder->attributes.receive_buffer;
		socket->known |= decoder->attributes.known & SOCKET_HAS_LIMIT;
	}
}

int sock_diag_decode(const void *bytes, size_t length, enum protocol protocol,
		     struct inet_socket *ret_socket, uint32_t *ret_interface)
{
	struct decoder decoder = { .protocol = protocol };
	const struct attributes *attributes = &decoder.attributes;
	const struct inet_diag_msg *message = &decoder.message;
	struct inet_socket *socket = ret_socket;
	int error = decode_message(&decoder, bytes, length);

	if (error)
		return error;
	*socket = (struct inet_socket){
		.family = message->idiag_family,
		.protocol = protocol,
		.state = decoder.state,
		.inode = message->idiag_inode,
		.known = SOCKET_HAS_INODE | (attributes->known & ~SOCKET_HAS_LIMIT),
		.mark = attributes->mark,
		.drops = attributes->drops,
		.cgroup_id = attributes->cgroup_id,
		.options = attributes->options,
		.v6only = message->idiag_family == AF_INET6 ? attributes->v6only : TRISTATE_UNKNOWN,
	};
	set_ends(socket, &message->id);
	set_cookie(socket, message->id.idiag_cookie);
	set_timer(socket, &decoder);
	if (is_full(socket, &decoder)) {
		socket->uid = message->idiag_uid;
		socket->known |= SOCKET_HAS_UID;
		set_queue(socket, &decoder);
	}
	/* An association names the interface of its route, which says nothing about a binding. */
	*ret_interface = decoder.association ? 0 : message->id.idiag_if;
	if (!decoder.association)
		socket->known |= SOCKET_HAS_DEVICE;
	return 0;
}

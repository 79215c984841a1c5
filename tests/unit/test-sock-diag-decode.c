/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-decode.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "helpers/guard.h"
#include "helpers/tap.h"

#define NEW_SYN_RECV 12

/* A message under construction. */
struct message {
	unsigned char bytes[1024];
	size_t length;
};

static struct inet_diag_msg *head(struct message *message)
{
	return (struct inet_diag_msg *)(void *)message->bytes;
}

static void begin(struct message *message, int family, int state)
{
	memset(message, 0, sizeof(*message));
	message->length = sizeof(struct inet_diag_msg);
	head(message)->idiag_family = (uint8_t)family;
	head(message)->idiag_state = (uint8_t)state;
	head(message)->id.idiag_sport = htons(8080);
	head(message)->id.idiag_dport = htons(50123);
	if (family == AF_INET6) {
		inet_pton(AF_INET6, "2001:db8::1", head(message)->id.idiag_src);
		inet_pton(AF_INET6, "2001:db8::2", head(message)->id.idiag_dst);
	} else {
		inet_pton(AF_INET, "192.0.2.1", head(message)->id.idiag_src);
		inet_pton(AF_INET, "192.0.2.2", head(message)->id.idiag_dst);
		/* Not a part of an IPv4 address. */
		head(message)->id.idiag_src[1] = 0xdeadbeef;
	}
	head(message)->id.idiag_if = 7;
	head(message)->id.idiag_cookie[0] = 0x11223344;
	head(message)->id.idiag_cookie[1] = 0x55667788;
	head(message)->idiag_timer = 1;
	head(message)->idiag_expires = 12345;
	head(message)->idiag_rqueue = 17;
	head(message)->idiag_wqueue = 128;
	head(message)->idiag_uid = 1000;
	head(message)->idiag_inode = 4242;
}

static void add(struct message *message, int type, const void *payload, size_t length)
{
	struct nlattr header = { .nla_len = (uint16_t)(NLA_HDRLEN + length),
				 .nla_type = (uint16_t)type };

	memcpy(message->bytes + message->length, &header, sizeof(header));
	memcpy(message->bytes + message->length + NLA_HDRLEN, payload, length);
	message->length += NLA_ALIGN(NLA_HDRLEN + length);
}

static void add_u8(struct message *message, int type, uint8_t value)
{
	add(message, type, &value, sizeof(value));
}

static void add_u32(struct message *message, int type, uint32_t value)
{
	add(message, type, &value, sizeof(value));
}

static void add_everything(struct message *message)
{
	uint32_t memory[SK_MEMINFO_VARS];
	uint64_t cgroup = UINT64_C(0x100000002);
	struct inet_diag_sockopt options = {
		.recverr = 1,
		.is_icsk = 1,
		.freebind = 1,
		.transparent = 1,
		.mc_loop = 1,
		.mc_all = 1,
		.bind_address_no_port = 1,
		.defer_connect = 1,
	};
	uint32_t i;

	for (i = 0; i < SK_MEMINFO_VARS; i++)
		memory[i] = 1000 + i;
	add_u8(message, INET_DIAG_SHUTDOWN, 0);
	add_u8(message, INET_DIAG_SKV6ONLY, 1);
	add_u32(message, INET_DIAG_MARK, 0xabcd);
	add(message, INET_DIAG_PAD, "", 0);
	add(message, INET_DIAG_CGROUP_ID, &cgroup, sizeof(cgroup));
	add(message, 999, "unknown", 7);
	add(message, INET_DIAG_SOCKOPT, &options, sizeof(options));
	add(message, INET_DIAG_SKMEMINFO, memory, sizeof(memory));
}

static int decode(const struct message *message, enum protocol protocol, struct inet_socket *socket,
		  uint32_t *interface)
{
	memset(socket, 0xee, sizeof(*socket));
	*interface = 0xeeeeeeee;
	return sock_diag_decode(guard_copy(message->bytes, message->length), message->length,
				protocol, socket, interface);
}

static void is_address(int family, const struct address *address, const char *want,
		       const char *name)
{
	char text[ADDRESS_TEXT_MAX];

	is_str(address_format(family, address, text), want, "%s", name);
}

static void test_listener(void)
{
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	struct address want = { { 192, 0, 2, 1 } };

	begin(&message, AF_INET, TCP_LISTEN);
	add_everything(&message);
	is_int(decode(&message, PROTOCOL_TCP, &socket, &interface), 0, "a listener");
	is_int(socket.family, AF_INET, "family");
	is_int(socket.protocol, PROTOCOL_TCP, "protocol");
	is_int(socket.state, STATE_LISTEN, "state");
	is_address(AF_INET, &socket.local, "192.0.2.1", "local address");
	ok(address_equal(&socket.local, &want), "nothing behind an IPv4 address");
	is_int(socket.local_port, 8080, "local port");
	ok(!(socket.known & SOCKET_HAS_PEER), "no peer");
	is_int(socket.peer_port, 0, "no peer port");
	is_int(interface, 7, "interface");
	is_int(socket.device, 0, "the name of the interface is left to the caller");
	is_int(socket.cookie, 0x5566778811223344, "cookie");
	is_int(socket.inode, 4242, "inode");
	is_int(socket.uid, 1000, "uid");
	is_int(socket.queue_recv, 17, "accept queue");
	is_int(socket.queue_send, 0, "a listener sends nothing");
	is_int(socket.queue_limit, 128, "backlog, not the receive buffer");
	is_int(socket.drops, 1000 + SK_MEMINFO_DROPS, "drops");
	is_int(socket.mark, 0xabcd, "mark");
	is_int(socket.cgroup_id, 0x100000002, "cgroup");
	is_int(socket.timer, TIMER_RETRANSMIT, "timer");
	is_int(socket.timer_expires_ms, 12345, "expires");
	is_int(socket.v6only, TRISTATE_UNKNOWN, "v6only means nothing for IPv4");
	is_int(socket.options,
	       SOCKET_OPTION_RECVERR | SOCKET_OPTION_FREEBIND | SOCKET_OPTION_TRANSPARENT |
		       SOCKET_OPTION_MULTICAST_LOOP | SOCKET_OPTION_MULTICAST_ALL |
		       SOCKET_OPTION_BIND_ADDRESS_NO_PORT | SOCKET_OPTION_DEFER_CONNECT,
	       "options");
	is_int(socket.known,
	       SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_COOKIE | SOCKET_HAS_QUEUE |
		       SOCKET_HAS_LIMIT | SOCKET_HAS_DROPS | SOCKET_HAS_EXPIRES |
		       SOCKET_HAS_CGROUP | SOCKET_HAS_MARK | SOCKET_HAS_OPTIONS | SOCKET_HAS_DEVICE,
	       "what is known");
	is_int(socket.reuse_addr, TRISTATE_UNKNOWN, "SO_REUSEADDR is unknown");
	is_int(socket.reuse_port, TRISTATE_UNKNOWN, "SO_REUSEPORT is unknown");
	is_int(socket.reuse_evidence, EVIDENCE_UNKNOWN, "no evidence");
	is_int(socket.owner_status, OWNER_UNKNOWN, "owners unknown");
	is_int(socket.n_owners + socket.n_groups, 0, "no owners, no groups");
}

static void test_options(void)
{
	static const struct {
		struct inet_diag_sockopt from;
		uint16_t want;
	} cases[] = {
		{ { .recverr = 1 }, SOCKET_OPTION_RECVERR },
		{ { .freebind = 1 }, SOCKET_OPTION_FREEBIND },
		{ { .transparent = 1 }, SOCKET_OPTION_TRANSPARENT },
		{ { .mc_loop = 1 }, SOCKET_OPTION_MULTICAST_LOOP },
		{ { .mc_all = 1 }, SOCKET_OPTION_MULTICAST_ALL },
		{ { .bind_address_no_port = 1 }, SOCKET_OPTION_BIND_ADDRESS_NO_PORT },
		{ { .defer_connect = 1 }, SOCKET_OPTION_DEFER_CONNECT },
		{ { .is_icsk = 1, .hdrincl = 1, .nodefrag = 1, .unused = 31 }, 0 },
	};
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&message, AF_INET, TCP_LISTEN);
		add(&message, INET_DIAG_SOCKOPT, &cases[i].from, sizeof(cases[i].from));
		decode(&message, PROTOCOL_TCP, &socket, &interface);
		is_int(socket.options, cases[i].want, "option %zu alone", i);
	}
}

static void test_without_attributes(void)
{
	struct inet_socket socket;
	struct message message;
	uint32_t interface;

	begin(&message, AF_INET6, TCP_ESTABLISHED);
	head(&message)->id.idiag_if = 0;
	head(&message)->idiag_timer = 0;
	is_int(decode(&message, PROTOCOL_TCP, &socket, &interface), 0, "a bare connection");
	is_address(AF_INET6, &socket.local, "2001:db8::1", "IPv6 local address");
	is_address(AF_INET6, &socket.peer, "2001:db8::2", "IPv6 peer address");
	is_int(socket.peer_port, 50123, "peer port");
	is_int(interface, 0, "no interface");
	is_int(socket.timer, TIMER_NONE, "no timer");
	is_int(socket.queue_recv, 17, "receive queue");
	is_int(socket.queue_send, 128, "send queue");
	is_int(socket.v6only, TRISTATE_UNKNOWN, "v6only is not in the message");
	is_int(socket.known,
	       SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_COOKIE | SOCKET_HAS_QUEUE |
		       SOCKET_HAS_PEER | SOCKET_HAS_DEVICE,
	       "what is not in the message is not known");

	head(&message)->id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
	head(&message)->id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	decode(&message, PROTOCOL_TCP, &socket, &interface);
	ok(!(socket.known & SOCKET_HAS_COOKIE) && !socket.cookie, "no cookie");
}

static void test_v6only(void)
{
	struct inet_socket socket;
	struct message message;
	uint32_t interface;

	begin(&message, AF_INET6, TCP_LISTEN);
	add_u8(&message, INET_DIAG_SKV6ONLY, 1);
	decode(&message, PROTOCOL_TCP, &socket, &interface);
	is_int(socket.v6only, TRISTATE_YES, "v6only");
	begin(&message, AF_INET6, TCP_LISTEN);
	add_u8(&message, INET_DIAG_SKV6ONLY, 0);
	decode(&message, PROTOCOL_TCP, &socket, &interface);
	is_int(socket.v6only, TRISTATE_NO, "dual stack");
}

static void test_tcp_states(void)
{
	static const struct {
		int kernel, want;
	} cases[] = {
		{ TCP_ESTABLISHED, STATE_ESTAB },    { TCP_SYN_SENT, STATE_SYN_SENT },
		{ TCP_SYN_RECV, STATE_SYN_RECV },    { TCP_FIN_WAIT1, STATE_FIN_WAIT_1 },
		{ TCP_FIN_WAIT2, STATE_FIN_WAIT_2 }, { TCP_TIME_WAIT, STATE_TIME_WAIT },
		{ TCP_CLOSE, STATE_BOUND },	     { TCP_CLOSE_WAIT, STATE_CLOSE_WAIT },
		{ TCP_LAST_ACK, STATE_LAST_ACK },    { TCP_LISTEN, STATE_LISTEN },
		{ TCP_CLOSING, STATE_CLOSING },	     { NEW_SYN_RECV, STATE_SYN_RECV },
	};
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	size_t i;
	int state;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&message, AF_INET, cases[i].kernel);
		add_u8(&message, INET_DIAG_SHUTDOWN, 0);
		decode(&message, PROTOCOL_TCP, &socket, &interface);
		is_int(socket.state, cases[i].want, "TCP state %d", cases[i].kernel);
		is_int(!(socket.known & SOCKET_HAS_PEER),
		       cases[i].want == STATE_LISTEN || cases[i].want == STATE_BOUND,
		       "a peer in state %d", cases[i].kernel);
	}
	for (state = 0; state < 256; state++) {
		if (state >= TCP_ESTABLISHED && state <= NEW_SYN_RECV)
			continue;
		begin(&message, AF_INET, state);
		if (decode(&message, PROTOCOL_TCP, &socket, &interface) != -EBADMSG ||
		    interface != 0xeeeeeeee)
			break;
	}
	is_int(state, 256, "every other state is refused");
}

/* What the kernel writes for a bucket or a request: zeroes that say nothing. */
static void is_remnant(int state, int timer, enum socket_state want, const char *name)
{
	struct inet_socket socket;
	struct message message;
	uint32_t interface;

	begin(&message, AF_INET, state);
	head(&message)->idiag_timer = (uint8_t)timer;
	head(&message)->idiag_uid = 0;
	head(&message)->idiag_inode = 0;
	head(&message)->idiag_rqueue = 0;
	head(&message)->idiag_wqueue = 0;
	add_u32(&message, INET_DIAG_MARK, 3);
	is_int(decode(&message, PROTOCOL_TCP, &socket, &interface), 0, "%s", name);
	is_int(socket.state, want, "%s: state", name);
	is_int(socket.known & (SOCKET_HAS_UID | SOCKET_HAS_QUEUE | SOCKET_HAS_LIMIT), 0,
	       "%s: no uid, no queue", name);
	ok(socket.known & SOCKET_HAS_INODE && !socket.inode, "%s: inode is known to be 0", name);
	ok(socket.known & SOCKET_HAS_EXPIRES && socket.timer_expires_ms == 12345, "%s: time left",
	   name);
	ok(socket.known & SOCKET_HAS_MARK && socket.mark == 3, "%s: mark", name);
	is_int(socket_is_time_wait(&socket), timer == 3, "%s: a TIME-WAIT bucket", name);
}

static void test_remnants(void)
{
	struct inet_socket socket;
	struct message message;
	uint32_t interface;

	is_remnant(TCP_TIME_WAIT, 3, STATE_TIME_WAIT, "TIME-WAIT");
	is_remnant(TCP_FIN_WAIT2, 3, STATE_FIN_WAIT_2, "FIN-WAIT-2 bucket");
	is_remnant(TCP_SYN_RECV, 1, STATE_SYN_RECV, "request");
	is_remnant(NEW_SYN_RECV, 1, STATE_SYN_RECV, "request in its own state");

	begin(&message, AF_INET, TCP_FIN_WAIT2);
	head(&message)->idiag_timer = 2;
	head(&message)->idiag_inode = 0;
	add_u8(&message, INET_DIAG_SHUTDOWN, 3);
	decode(&message, PROTOCOL_TCP, &socket, &interface);
	ok(socket.known & SOCKET_HAS_UID && socket.uid == 1000, "an orphan keeps its uid");
	ok(!socket_is_time_wait(&socket), "an orphan is no bucket");
}

static void test_timers(void)
{
	static const int want[] = {
		TIMER_NONE,  TIMER_RETRANSMIT, TIMER_KEEPALIVE, TIMER_TIME_WAIT,
		TIMER_PROBE, TIMER_UNKNOWN,    TIMER_UNKNOWN,
	};
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	size_t i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		begin(&message, AF_INET, TCP_ESTABLISHED);
		head(&message)->idiag_timer = (uint8_t)i;
		decode(&message, PROTOCOL_TCP, &socket, &interface);
		is_int(socket.timer, want[i], "timer %zu", i);
		is_int(!!(socket.known & SOCKET_HAS_EXPIRES),
		       want[i] != TIMER_NONE && want[i] != TIMER_UNKNOWN, "timer %zu expires", i);
	}
}

static void test_udp(void)
{
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	int state;

	begin(&message, AF_INET, TCP_CLOSE);
	head(&message)->idiag_timer = 0;
	add_everything(&message);
	is_int(decode(&message, PROTOCOL_UDP, &socket, &interface), 0, "UDP");
	is_int(socket.state, STATE_BOUND, "unconnected");
	ok(!(socket.known & SOCKET_HAS_PEER), "no peer");
	is_int(socket.queue_limit, 1000 + SK_MEMINFO_RCVBUF, "receive buffer");
	is_int(socket.queue_send, 128, "send queue");
	is_int(socket.drops, 1000 + SK_MEMINFO_DROPS, "drops of UDP");
	head(&message)->idiag_state = TCP_ESTABLISHED;
	decode(&message, PROTOCOL_UDPLITE, &socket, &interface);
	is_int(socket.state, STATE_ESTAB, "connected UDP-Lite");
	is_int(socket.protocol, PROTOCOL_UDPLITE, "UDP-Lite");
	for (state = 0; state < 256; state++) {
		head(&message)->idiag_state = (uint8_t)state;
		if (state != TCP_CLOSE && state != TCP_ESTABLISHED &&
		    decode(&message, PROTOCOL_UDP, &socket, &interface) != -EBADMSG)
			break;
	}
	is_int(state, 256, "UDP has no other state");
}

static void test_sctp(void)
{
	static const int want[] = { STATE_BOUND,      STATE_SYN_SENT,	STATE_SYN_SENT,
				    STATE_ESTAB,      STATE_FIN_WAIT_1, STATE_FIN_WAIT_2,
				    STATE_CLOSE_WAIT, STATE_LAST_ACK };
	struct sockaddr_storage peer = { .ss_family = AF_INET };
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	int state;

	begin(&message, AF_INET, TCP_LISTEN);
	decode(&message, PROTOCOL_SCTP, &socket, &interface);
	is_int(socket.state, STATE_LISTEN, "SCTP endpoint");
	for (state = 0; state < 8; state++) {
		begin(&message, AF_INET, state);
		head(&message)->idiag_timer = 4;
		add_u8(&message, INET_DIAG_SHUTDOWN, 0);
		add(&message, INET_DIAG_PEERS, &peer, sizeof(peer));
		decode(&message, PROTOCOL_SCTP, &socket, &interface);
		is_int(socket.state, want[state], "association in state %d", state);
	}
	is_int(socket.timer, TIMER_RETRANSMIT, "timer of an association");
	is_int(interface, 0, "the interface of a route is no binding");
	ok(!(socket.known & SOCKET_HAS_DEVICE), "whether it is bound to one is unknown");
	head(&message)->idiag_state = 8;
	is_int(decode(&message, PROTOCOL_SCTP, &socket, &interface), -EBADMSG,
	       "no association is in state 8");
	begin(&message, AF_INET, TCP_LISTEN);
	add(&message, INET_DIAG_PEERS, &peer, sizeof(peer));
	decode(&message, PROTOCOL_TCP, &socket, &interface);
	is_int(socket.state, STATE_LISTEN, "peers mean nothing in TCP");
}

static void test_refused(void)
{
	static const int families[] = { AF_UNSPEC, AF_UNIX, AF_NETLINK, 255 };
	struct inet_socket socket, untouched;
	struct message message;
	uint32_t interface;
	size_t i;

	memset(&untouched, 0xee, sizeof(untouched));
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		begin(&message, AF_INET, TCP_LISTEN);
		head(&message)->idiag_family = (uint8_t)families[i];
		is_int(decode(&message, PROTOCOL_TCP, &socket, &interface), -EBADMSG,
		       "family %d is refused", families[i]);
		ok(!memcmp(&socket, &untouched, sizeof(socket)) && interface == 0xeeeeeeee,
		   "and nothing touched");
	}
}

/* An attribute of every length from nothing: too short is absent, too long is no harm. */
static void test_attribute_lengths(void)
{
	static const struct {
		int type;
		uint32_t bit;
		size_t size;
	} cases[] = {
		{ INET_DIAG_MARK, SOCKET_HAS_MARK, 4 },
		{ INET_DIAG_CGROUP_ID, SOCKET_HAS_CGROUP, 8 },
		{ INET_DIAG_SOCKOPT, SOCKET_HAS_OPTIONS, 2 },
		{ INET_DIAG_SKMEMINFO, SOCKET_HAS_LIMIT, 8 },
		{ INET_DIAG_SKMEMINFO, SOCKET_HAS_DROPS, 36 },
	};
	static const unsigned char payload[64];
	struct inet_socket socket;
	struct message message;
	uint32_t interface;
	size_t i, length;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (length = 0; length <= sizeof(payload); length++) {
			begin(&message, AF_INET, TCP_ESTABLISHED);
			add(&message, cases[i].type, payload, length);
			/* Without padding behind it. */
			message.length = sizeof(struct inet_diag_msg) + NLA_HDRLEN + length;
			if (decode(&message, PROTOCOL_TCP, &socket, &interface) ||
			    !(socket.known & cases[i].bit) != (length < cases[i].size))
				break;
		}
		is_int(length, sizeof(payload) + 1, "attribute %d from %zu bytes on", cases[i].type,
		       cases[i].size);
	}
	begin(&message, AF_INET6, TCP_LISTEN);
	add(&message, INET_DIAG_SKV6ONLY, "", 0);
	decode(&message, PROTOCOL_TCP, &socket, &interface);
	is_int(socket.v6only, TRISTATE_UNKNOWN, "an empty SKV6ONLY is absent");
}

/* Lengths in an attribute's header that lie. */
static void test_bad_headers(void)
{
	struct inet_socket socket;
	struct message message;
	struct nlattr header;
	uint32_t interface;
	unsigned int length;

	for (length = 0; length <= UINT16_MAX; length++) {
		begin(&message, AF_INET, TCP_ESTABLISHED);
		add_u32(&message, INET_DIAG_MARK, 1);
		add_u32(&message, INET_DIAG_MARK, 2);
		header = (struct nlattr){ .nla_len = (uint16_t)length, .nla_type = INET_DIAG_MARK };
		memcpy(message.bytes + sizeof(struct inet_diag_msg), &header, sizeof(header));
		if (decode(&message, PROTOCOL_TCP, &socket, &interface))
			break;
		if ((length < NLA_HDRLEN || length > 16) && socket.known & SOCKET_HAS_MARK)
			break;
	}
	is_int(length, UINT16_MAX + 1, "what follows a header that lies is not read");
}

static void test_truncation(int family, int state, enum protocol protocol)
{
	struct message message, cut;
	struct inet_socket whole, socket, untouched;
	uint32_t interface;
	size_t length;

	memset(&untouched, 0xee, sizeof(untouched));
	begin(&message, family, state);
	add_everything(&message);
	decode(&message, protocol, &whole, &interface);
	for (length = 0; length < message.length; length++) {
		int error;

		cut = message;
		cut.length = length;
		error = decode(&cut, protocol, &socket, &interface);
		if (length < sizeof(struct inet_diag_msg)) {
			if (error != -EBADMSG || memcmp(&socket, &untouched, sizeof(socket)) != 0)
				break;
			continue;
		}
		/* Less may be known, but nothing else. */
		if (error || socket.known & ~whole.known || socket.cookie != whole.cookie ||
		    socket.local_port != whole.local_port || socket.state != whole.state)
			break;
		if (socket.known & SOCKET_HAS_CGROUP && socket.cgroup_id != whole.cgroup_id)
			break;
	}
	is_int(length, message.length, "every truncation: family %d, protocol %d, state %d", family,
	       protocol, state);
}

int main(void)
{
	test_listener();
	test_options();
	test_without_attributes();
	test_v6only();
	test_tcp_states();
	test_remnants();
	test_timers();
	test_udp();
	test_sctp();
	test_refused();
	test_attribute_lengths();
	test_bad_headers();
	test_truncation(AF_INET, TCP_LISTEN, PROTOCOL_TCP);
	test_truncation(AF_INET6, TCP_LISTEN, PROTOCOL_TCP);
	test_truncation(AF_INET6, TCP_ESTABLISHED, PROTOCOL_MPTCP);
	test_truncation(AF_INET, TCP_CLOSE, PROTOCOL_UDP);
	test_truncation(AF_INET6, TCP_CLOSE, PROTOCOL_UDPLITE);
	return done_testing();
}

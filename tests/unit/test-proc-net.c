/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/proc-net.h"

#include <errno.h>
#include <sys/socket.h>

#include "helpers/guard.h"
#include "helpers/tap.h"

static const char tcp_header[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
	"timeout inode                                                     ";
static const char tcp_listen[] =
	"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 "
	"1681 1 00000000fa714bdc 100 0 0 10 0                      ";
static const char tcp_estab[] =
	"  12: 0100007F:1F90 0200007F:C3CB 01 00000010:00000020 02:000000C8 00000000     0        0 "
	"99 2 0000000000000000 20 4 30 10 -1";
static const char tcp_time_wait[] =
	"   3: 0100007F:1F90 0200007F:C3CC 06 00000000:00000000 03:00001770 00000000     0        0 "
	"0 3 0000000000000000                                      ";
static const char tcp_fin_wait_2[] =
	"   4: 0100007F:1F90 0200007F:C3CD 05 00000000:00000000 03:00001770 00000000     0        0 "
	"0 3 0000000000000000";
static const char tcp_request[] =
	"   5: 0100007F:1F90 0200007F:C3CE 03 00000000:00000000 01:00000063 00000000  1000        0 "
	"0 0 0000000000000000                                      ";
static const char tcp6_listen[] =
	"   0: B80D0120000000000000000001000000:0016 00000000000000000000000000000000:0000 0A "
	"00000000:00000000 00:00000000 00000000     0        0 2048 1 0000000000000000 100 0 0 10 0";
static const char udp_bound[] =
	"  270: 00000000:14E9 00000000:0000 07 00000000:00000300 00:00000000 00000000   104        0 "
	"777 2 0000000000000000 13        ";
static const char udp_connected[] =
	"  271: 0100007F:14E9 0200007F:0035 01 00000000:00000000 00:00000000 00000000   104        0 "
	"778 2 0000000000000000 0";

static int parse(const char *line, size_t length, int family, enum protocol protocol,
		 struct inet_socket *socket)
{
	memset(socket, 0xee, sizeof(*socket));
	return proc_net_parse_line(guard_copy(line, length), length, family, protocol, socket);
}

static void is_address(int family, const struct address *address, const char *want,
		       const char *name)
{
	char text[ADDRESS_TEXT_MAX];

	is_str(address_format(family, address, text), want, "%s", name);
}

/* Words of these files are in the byte order of the host; the lines above are little-endian. */
static bool is_little_endian(void)
{
	const uint16_t one = 1;

	return *(const unsigned char *)&one;
}

static void test_tcp(void)
{
	struct inet_socket socket;

	is_int(parse(tcp_listen, strlen(tcp_listen), AF_INET, PROTOCOL_TCP, &socket), 0,
	       "a listener");
	is_int(socket.state, STATE_LISTEN, "state");
	is_int(socket.family, AF_INET, "family");
	is_int(socket.protocol, PROTOCOL_TCP, "protocol");
	is_address(AF_INET, &socket.local, "127.0.0.1", "local address");
	is_int(socket.local_port, 8080, "local port");
	is_int(socket.uid, 1000, "uid");
	is_int(socket.inode, 1681, "inode");
	is_int(socket.queue_recv, 3, "accept queue");
	is_int(socket.timer, TIMER_NONE, "no timer");
	is_int(socket.known, SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_QUEUE,
	       "no cookie, no backlog, no device, no drops, no peer");
	is_int(socket.v6only, TRISTATE_UNKNOWN, "v6only is unknown");
	is_int(socket.reuse_addr, TRISTATE_UNKNOWN, "reuse is unknown");

	is_int(parse(tcp_estab, strlen(tcp_estab), AF_INET, PROTOCOL_TCP, &socket), 0,
	       "a connection");
	is_int(socket.state, STATE_ESTAB, "state");
	is_address(AF_INET, &socket.peer, "127.0.0.2", "peer");
	is_int(socket.peer_port, 0xc3cb, "peer port");
	is_int(socket.queue_send, 16, "send queue");
	is_int(socket.queue_recv, 32, "receive queue");
	is_int(socket.timer, TIMER_KEEPALIVE, "keepalive");
	is_int(socket.timer_expires_ms, 200 * 1000 / sysconf(_SC_CLK_TCK), "ticks as milliseconds");
	is_int(socket.known,
	       SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_QUEUE | SOCKET_HAS_PEER |
		       SOCKET_HAS_EXPIRES,
	       "what is known of a connection");
}

static void test_remnants(void)
{
	static const struct {
		const char *line, *name;
		int state, timer;
	} cases[] = {
		{ tcp_time_wait, "TIME-WAIT", STATE_TIME_WAIT, TIMER_TIME_WAIT },
		{ tcp_fin_wait_2, "FIN-WAIT-2 bucket", STATE_FIN_WAIT_2, TIMER_TIME_WAIT },
		{ tcp_request, "request", STATE_SYN_RECV, TIMER_RETRANSMIT },
	};
	struct inet_socket socket;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_int(parse(cases[i].line, strlen(cases[i].line), AF_INET, PROTOCOL_TCP, &socket),
		       0, "%s", cases[i].name);
		is_int(socket.state, cases[i].state, "%s: state", cases[i].name);
		is_int(socket.timer, cases[i].timer, "%s: timer", cases[i].name);
		is_int(socket.known, SOCKET_HAS_INODE | SOCKET_HAS_PEER | SOCKET_HAS_EXPIRES,
		       "%s: no uid, no queue", cases[i].name);
		is_int(socket.inode, 0, "%s: no inode", cases[i].name);
	}
}

static void test_tcp6(void)
{
	struct inet_socket socket;

	is_int(parse(tcp6_listen, strlen(tcp6_listen), AF_INET6, PROTOCOL_TCP, &socket), 0, "IPv6");
	is_address(AF_INET6, &socket.local, "2001:db8::1", "IPv6 address");
	is_int(socket.local_port, 22, "port");
	is_int(parse(tcp6_listen, strlen(tcp6_listen), AF_INET, PROTOCOL_TCP, &socket), -EBADMSG,
	       "not as IPv4");
	is_int(parse(tcp_listen, strlen(tcp_listen), AF_INET6, PROTOCOL_TCP, &socket), -EBADMSG,
	       "IPv4 not as IPv6");
}

static void test_udp(void)
{
	struct inet_socket socket;

	is_int(parse(udp_bound, strlen(udp_bound), AF_INET, PROTOCOL_UDP, &socket), 0, "UDP");
	is_int(socket.state, STATE_BOUND, "unconnected");
	is_int(socket.local_port, 5353, "port");
	is_int(socket.queue_recv, 0x300, "receive queue");
	is_int(socket.drops, 13, "drops");
	is_int(socket.known,
	       SOCKET_HAS_UID | SOCKET_HAS_INODE | SOCKET_HAS_QUEUE | SOCKET_HAS_DROPS,
	       "what is known of UDP");
	is_int(parse(udp_connected, strlen(udp_connected), AF_INET, PROTOCOL_UDPLITE, &socket), 0,
	       "UDP-Lite");
	is_int(socket.protocol, PROTOCOL_UDPLITE, "protocol");
	is_int(socket.state, STATE_ESTAB, "connected");
	ok(socket.known & SOCKET_HAS_PEER && socket.peer_port == 53, "peer");
}

static void is_refused(const char *line, enum protocol protocol, const char *name)
{
	struct inet_socket socket, untouched;

	memset(&untouched, 0xee, sizeof(untouched));
	is_int(parse(line, strlen(line), AF_INET, protocol, &socket), -EBADMSG, "%s", name);
	ok(!memcmp(&socket, &untouched, sizeof(socket)), "%s: nothing touched", name);
}

static void test_refused(void)
{
	is_refused(tcp_header, PROTOCOL_TCP, "the header");
	is_refused("", PROTOCOL_TCP, "an empty line");
	is_refused("   0: 0100007F:1F90", PROTOCOL_TCP, "a line that ends early");
	is_refused("   0: 0100007F:1F90 00000000:0000 0D 0:0 0:0 0 0 0 1 ", PROTOCOL_TCP,
		   "a state that is not known");
	is_refused("   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1 ", PROTOCOL_UDP,
		   "a state that UDP has not");
	is_refused("   0: 0100007F:11F90 00000000:0000 0A 0:0 0:0 0 0 0 1 ", PROTOCOL_TCP,
		   "a port of five digits");
	is_refused("   0: 0100007G:1F90 00000000:0000 0A 0:0 0:0 0 0 0 1 ", PROTOCOL_TCP,
		   "an address that is no number");
	is_refused("   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 4294967296 0 1 ", PROTOCOL_TCP,
		   "a uid of 33 bits");
	is_refused("   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 99999999999999999999 ",
		   PROTOCOL_TCP, "an inode of more than 64 bits");
	is_refused("   0: 0100007F:1F90 00000000:0000 0A 0:0 0:0 0 0 0 12x", PROTOCOL_TCP,
		   "an inode with a letter");
}

/* Each prefix is read or refused, without a byte too many; read only if the inode is complete. */
static void test_truncation(const char *line, int family, enum protocol protocol)
{
	struct inet_socket whole, socket;
	size_t length;

	parse(line, strlen(line), family, protocol, &whole);
	for (length = 0; length < strlen(line); length++) {
		if (parse(line, length, family, protocol, &socket))
			continue;
		if (socket.known & ~whole.known || socket.local_port != whole.local_port ||
		    socket.state != whole.state || socket.inode > whole.inode)
			break;
	}
	is_int(length, strlen(line), "every truncation of: %.30s", line);
}

int main(void)
{
	if (!is_little_endian())
		skip_all("the lines of this test are those of a little-endian host");
	test_tcp();
	test_remnants();
	test_tcp6();
	test_udp();
	test_refused();
	test_truncation(tcp_listen, AF_INET, PROTOCOL_TCP);
	test_truncation(tcp_time_wait, AF_INET, PROTOCOL_TCP);
	test_truncation(tcp6_listen, AF_INET6, PROTOCOL_TCP);
	test_truncation(udp_bound, AF_INET, PROTOCOL_UDP);
	return done_testing();
}

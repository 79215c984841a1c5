/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/infer.h"

#include <sys/socket.h>

#include "helpers/tap.h"

#define KNOWN (SOCKET_HAS_UID | SOCKET_HAS_DEVICE)

static struct inet_socket *add(struct snapshot *snapshot, enum protocol protocol,
			       enum socket_state state, const char *address, uint32_t uid)
{
	struct inet_socket *socket = snapshot_add_socket(snapshot);
	int family;

	address_parse(address, strlen(address), &family, &socket->local);
	socket->family = (uint8_t)family;
	socket->protocol = (uint8_t)protocol;
	socket->state = (uint8_t)state;
	socket->local_port = 4242;
	socket->uid = uid;
	socket->known = KNOWN;
	return socket;
}

/* Flags of socket i after inference: RA, RP as '?', '-' or '+', and '~' when inferred. */
static const char *flags(const struct snapshot *snapshot, uint32_t i)
{
	static const char marks[] = "?-+";
	static char text[8];
	const struct inet_socket *socket = &snapshot->sockets[i];

	snprintf(text, sizeof(text), "%c%c%s", marks[socket->reuse_addr], marks[socket->reuse_port],
		 socket->reuse_evidence == EVIDENCE_INFERRED ? "~" : "");
	return text;
}

static void check(struct snapshot *snapshot, const char *first, const char *second,
		  const char *what)
{
	infer_reuse(snapshot);
	is_str(flags(snapshot, 0), first, "%s: the first", what);
	is_str(flags(snapshot, 1), second, "%s: the second", what);
	snapshot_free(snapshot);
}

static struct snapshot *pair(enum protocol protocol, enum socket_state a, const char *address_a,
			     enum socket_state b, const char *address_b)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot_add_netns(snapshot);
	add(snapshot, protocol, a, address_a, 1000);
	add(snapshot, protocol, b, address_b, 1000);
	return snapshot;
}

static void test_listeners(void)
{
	struct snapshot *s;

	check(pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "0.0.0.0"), "?+~", "?+~",
	      "two listeners on one address");
	check(pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "127.0.0.1"), "?+~", "?+~",
	      "a wildcard and a specific listener");
	check(pair(PROTOCOL_TCP, STATE_LISTEN, "127.0.0.2", STATE_LISTEN, "127.0.0.1"), "??", "??",
	      "listeners on two addresses");
	check(pair(PROTOCOL_TCP, STATE_LISTEN, "::", STATE_LISTEN, "127.0.0.1"), "??", "??",
	      ":: whose v6only is unknown");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "::", STATE_LISTEN, "127.0.0.1");
	s->sockets[0].v6only = TRISTATE_NO;
	check(s, "??", "??", "dual-stack :: and IPv4: :: with v6only may have let it in");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "::", STATE_LISTEN, "::");
	s->sockets[0].v6only = s->sockets[1].v6only = TRISTATE_NO;
	check(s, "?+~", "?+~", "two of both families");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "::", STATE_LISTEN, "::1");
	s->sockets[0].v6only = TRISTATE_NO;
	check(s, "??", "??", "dual-stack :: and IPv6: 0.0.0.0 may have let it in");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "::", STATE_LISTEN, "::1");
	s->sockets[0].v6only = TRISTATE_YES;
	check(s, "?+~", "?+~", "two of IPv6 alone");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "0.0.0.0");
	s->sockets[0].device = snapshot_string(s, "eth0");
	check(s, "??", "??", "one device: one on another may have let it in");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "0.0.0.0");
	s->sockets[1].local_port = 4243;
	check(s, "??", "??", "two ports");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "0.0.0.0");
	s->sockets[0].device = snapshot_string(s, "eth0");
	s->sockets[1].device = snapshot_string(s, "eth1");
	check(s, "??", "??", "two devices");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "0.0.0.0");
	s->sockets[0].known &= ~(uint32_t)SOCKET_HAS_DEVICE;
	check(s, "??", "??", "a device that is not known");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_LISTEN, "0.0.0.0");
	s->sockets[0].reuse_port = TRISTATE_NO;
	s->sockets[0].reuse_addr = TRISTATE_NO;
	s->sockets[0].reuse_evidence = EVIDENCE_BPF;
	check(s, "--", "?+~", "what was read is not changed (cleared after the bind)");
}

static void test_bound(void)
{
	struct snapshot *s;

	check(pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_BOUND, "0.0.0.0"), "??", "??",
	      "bound beside a listener of the same user: either flag");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_BOUND, "0.0.0.0");
	s->sockets[1].uid = 1001;
	check(s, "??", "??", "bound beside another user's: its bucket may have let it in");
	s = pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_BOUND, "0.0.0.0");
	s->sockets[1].known &= ~(uint32_t)SOCKET_HAS_UID;
	check(s, "??", "??", "a user that is not known");
	check(pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_ESTAB, "127.0.0.1"), "??", "??",
	      "a connection proves nothing");
	check(pair(PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", STATE_TIME_WAIT, "127.0.0.1"), "??", "??",
	      "nor does TIME-WAIT");
}

static void test_udp(void)
{
	struct snapshot *s;

	check(pair(PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", STATE_BOUND, "0.0.0.0"), "??", "??",
	      "two UDP sockets: either flag");
	s = pair(PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", STATE_BOUND, "127.0.0.1");
	s->sockets[0].reuse_addr = TRISTATE_YES;
	s->sockets[0].reuse_port = TRISTATE_NO;
	s->sockets[0].reuse_evidence = EVIDENCE_GETSOCKOPT;
	check(s, "+-", "+?~", "what was there before a socket with SO_REUSEADDR alone");
	s = pair(PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", STATE_BOUND, "127.0.0.1");
	s->sockets[1].reuse_addr = TRISTATE_YES;
	s->sockets[1].reuse_port = TRISTATE_NO;
	s->sockets[1].reuse_evidence = EVIDENCE_GETSOCKOPT;
	check(s, "??", "+-", "the newer one may have passed by another that is gone");
	s = pair(PROTOCOL_UDP, STATE_BOUND, "::", STATE_BOUND, "::");
	s->sockets[0].reuse_addr = TRISTATE_YES;
	s->sockets[0].reuse_port = TRISTATE_NO;
	s->sockets[0].reuse_evidence = EVIDENCE_GETSOCKOPT;
	check(s, "+-", "??", "IPv6 order is no age");
}

int main(void)
{
	test_listeners();
	test_bound();
	test_udp();
	return done_testing();
}

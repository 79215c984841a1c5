/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/bind-conflict.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "util/xalloc.h"

/* Above so many sockets in a slot of the hash table UDP looks at two shorter chains instead. */
#define UDP_CHAIN_MAX 10

enum address_kind {
	KIND_ANY, /* :: */
	KIND_V4, /* IPv4, or mapped into IPv6 */
	KIND_V6,
};

/* An address as the kernel keeps it: an IPv6 one has an IPv4 shadow besides (sk_rcv_saddr). */
struct place {
	enum address_kind kind;
	bool is_inet; /* AF_INET */
	uint8_t v4[4];
	const struct address *address;
};

static const uint8_t v4_any[4];
static const uint8_t v4_shadow[4] = { 127, 0, 0, 6 }; /* LOOPBACK4_IPV6 */

static struct place place_of(int family, const struct address *address)
{
	struct place place = { .address = address };
	static const struct address any;

	if (family == AF_INET) {
		place.kind = KIND_V4;
		place.is_inet = true;
		memcpy(place.v4, address->bytes, 4);
	} else if (address_is_v4_mapped(family, address)) {
		place.kind = KIND_V4;
		memcpy(place.v4, address->bytes + 12, 4);
	} else if (address_equal(address, &any)) {
		place.kind = KIND_ANY;
	} else {
		place.kind = KIND_V6;
		memcpy(place.v4, v4_shadow, 4);
	}
	return place;
}

static bool v4_equal(const struct place *a, const struct place *b, bool any_a, bool any_b)
{
	return !memcmp(a->v4, b->v4, 4) || (any_a && !memcmp(a->v4, v4_any, 4)) ||
	       (any_b && !memcmp(b->v4, v4_any, 4));
}

/*
 * inet_rcv_saddr_equal() for a socket at a (sk) and one at b (sk2); any_a and any_b: a wildcard on
 * that side matches.
 */
static bool addresses_equal(const struct place *a, bool only_a, const struct place *b, bool only_b,
			    bool any_a, bool any_b)
{
	if (a->is_inet || (a->kind == KIND_V4 && b->kind == KIND_V4))
		return !only_b && v4_equal(a, b, any_a, any_b);
	if (a->kind == KIND_ANY && b->kind == KIND_ANY)
		return true;
	if (b->kind == KIND_ANY && any_b && !(only_b && a->kind == KIND_V4))
		return true;
	if (a->kind == KIND_ANY && any_a && !(only_a && b->kind == KIND_V4))
		return true;
	return !b->is_inet && address_equal(a->address, b->address);
}

/* Bound to one, an IPv6 address that is not mapped sets v6only (__inet6_bind()). */
static bool effective_v6only(const struct bind_candidate *candidate, const struct place *place)
{
	return !place->is_inet && (candidate->v6only || place->kind == KIND_V6);
}

static bool is_any(const struct place *place)
{
	return place->kind == KIND_ANY || (place->kind == KIND_V4 && !memcmp(place->v4, v4_any, 4));
}

/* The same address, whether IPv4 or mapped into IPv6. */
static bool same_place(const struct place *a, const struct place *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind == KIND_V4 ? !memcmp(a->v4, b->v4, 4) :
				    address_equal(a->address, b->address);
}

/* inet_bhash2_conflict() and inet_bhash2_addr_any_conflict(), for a candidate with an address. */
static bool specific_overlaps(const struct place *candidate, const struct place *socket, bool only)
{
	if (only && candidate->kind == KIND_V4)
		return false;
	if (socket->kind == KIND_ANY)
		return true;
	if (is_any(socket))
		return candidate->kind == KIND_V4;
	return same_place(candidate, socket);
}

/* With the socket's v6only given. */
static bool overlaps(const struct bind_candidate *candidate, const struct inet_socket *socket,
		     bool only)
{
	struct place at = place_of(candidate->family, &candidate->address);
	struct place other = place_of(socket->family, &socket->local);

	if (protocol_is_stream(socket->protocol) && !is_any(&at))
		return specific_overlaps(&at, &other, only);
	return addresses_equal(&at, effective_v6only(candidate, &at), &other, only, true, true);
}

/*
 * A connection may have come from a wildcard, and a bound TCP socket have been one: so their
 * address alone forces nothing.
 */
static enum tristate v6only_of(const struct inet_socket *socket)
{
	struct place place = place_of(socket->family, &socket->local);
	bool says = socket->v6only != TRISTATE_UNKNOWN && protocol_is_stream(socket->protocol);

	if (place.is_inet)
		return TRISTATE_NO;
	if (place.kind == KIND_V6 &&
	    (socket->state == STATE_LISTEN || (!says && socket_is_bound(socket))))
		return TRISTATE_YES;
	return (enum tristate)socket->v6only;
}

static enum tristate devices_overlap(const struct bind_candidate *candidate,
				     const struct inet_socket *socket)
{
	if (!candidate->device)
		return TRISTATE_YES;
	if (socket->device)
		return tristate_of(socket->device == candidate->device);
	return socket->known & SOCKET_HAS_DEVICE ? TRISTATE_YES : TRISTATE_UNKNOWN;
}

enum tristate bind_overlaps(const struct bind_candidate *candidate,
			    const struct inet_socket *socket)
{
	enum tristate only = v6only_of(socket), addresses;
	bool if_only = overlaps(candidate, socket, true),
	     if_not = overlaps(candidate, socket, false);

	if (only == TRISTATE_UNKNOWN)
		addresses = if_only == if_not ? tristate_of(if_only) : TRISTATE_UNKNOWN;
	else
		addresses = tristate_of(only == TRISTATE_YES ? if_only : if_not);
	return tristate_and(addresses, devices_overlap(candidate, socket));
}

/* In what kernels differ. */
struct rules {
	/* Before 6.17 a socket that no process holds counts as root's (sock_i_uid()). */
	enum tristate orphans_are_root;
};

static struct rules rules_of(const struct snapshot *snapshot)
{
	const char *kernel = snapshot_text(snapshot, snapshot->kernel);
	struct rules rules = { .orphans_are_root = TRISTATE_UNKNOWN };
	unsigned long major, minor;
	char *end;

	major = kernel ? strtoul(kernel, &end, 10) : 0;
	if (!major || *end != '.')
		return rules;
	minor = strtoul(end + 1, NULL, 10);
	rules.orphans_are_root = tristate_of(major < 6 || (major == 6 && minor < 17));
	return rules;
}

/* Two facts of which one holds, and nobody knows which. */
static enum tristate one_of(enum tristate a, enum tristate b)
{
	return a == b ? a : TRISTATE_UNKNOWN;
}

/* FIN-WAIT-2 may be that of a TIME-WAIT bucket, which inode and timer would tell. */
static bool may_be_time_wait(const struct inet_socket *socket)
{
	return socket->state == STATE_FIN_WAIT_2 && !socket_has_inode(socket) &&
	       (socket->timer == TIMER_UNKNOWN || socket->timer == TIMER_TIME_WAIT);
}

static enum tristate same_uid(const struct bind_candidate *candidate,
			      const struct inet_socket *socket, const struct rules *rules)
{
	enum tristate same, root = tristate_of(candidate->uid == 0);

	/* A TIME-WAIT bucket has none, and lets everyone in who has the flag. */
	if (socket_is_time_wait(socket))
		return TRISTATE_YES;
	same = socket->known & SOCKET_HAS_UID ? tristate_of(socket->uid == candidate->uid) :
						TRISTATE_UNKNOWN;
	if (rules->orphans_are_root != TRISTATE_NO && !socket_has_inode(socket))
		same = rules->orphans_are_root == TRISTATE_YES &&
				       (socket->known & SOCKET_HAS_INODE) ?
			       root :
			       one_of(same, root);
	return may_be_time_wait(socket) ? one_of(same, TRISTATE_YES) : same;
}

/* Both have SO_REUSEADDR, and nobody listens. */
static enum tristate share_by_addr(const struct bind_candidate *candidate,
				   const struct inet_socket *socket)
{
	if (socket->state == STATE_LISTEN || !candidate->reuse_addr)
		return TRISTATE_NO;
	return (enum tristate)socket->reuse_addr;
}

/* Both have SO_REUSEPORT, and one uid. */
static enum tristate share_by_port(const struct bind_candidate *candidate,
				   const struct inet_socket *socket, const struct rules *rules)
{
	if (!candidate->reuse_port)
		return TRISTATE_NO;
	return tristate_and((enum tristate)socket->reuse_port, same_uid(candidate, socket, rules));
}

/* A connection request is not in the bucket: it goes with its listener. */
static enum tristate is_in_bucket(const struct inet_socket *socket)
{
	if (socket->state != STATE_SYN_RECV || socket_has_inode(socket))
		return TRISTATE_YES;
	return socket->known & SOCKET_HAS_INODE ? TRISTATE_NO : TRISTATE_UNKNOWN;
}

static uint32_t what_is_unknown(const struct bind_candidate *candidate,
				const struct inet_socket *socket, const struct rules *rules)
{
	uint32_t unknown = 0;

	if (share_by_addr(candidate, socket) == TRISTATE_UNKNOWN)
		unknown |= BIND_UNKNOWN_REUSE_ADDR;
	if (candidate->reuse_port && socket->reuse_port == TRISTATE_UNKNOWN)
		unknown |= BIND_UNKNOWN_REUSE_PORT;
	if (candidate->reuse_port && socket->reuse_port != TRISTATE_NO &&
	    same_uid(candidate, socket, rules) == TRISTATE_UNKNOWN)
		unknown |= BIND_UNKNOWN_UID;
	if (devices_overlap(candidate, socket) == TRISTATE_UNKNOWN)
		unknown |= BIND_UNKNOWN_DEVICE;
	if (bind_overlaps(candidate, socket) == TRISTATE_UNKNOWN &&
	    v6only_of(socket) == TRISTATE_UNKNOWN)
		unknown |= BIND_UNKNOWN_V6ONLY;
	if (is_in_bucket(socket) == TRISTATE_UNKNOWN)
		unknown |= BIND_UNKNOWN_INODE;
	return unknown;
}

static void add_blocker(struct bind_verdict *verdict, uint32_t socket, uint32_t unknown)
{
	ARRAY_RESERVE(verdict->blockers, verdict->n_blockers, verdict->capacity);
	verdict->blockers[verdict->n_blockers++] = (struct bind_blocker){
		.socket = socket,
		.unknown = unknown,
	};
}

static void judge_tcp(const struct snapshot *snapshot, const uint32_t *members, uint32_t n_members,
		      const struct bind_candidate *candidate, const struct rules *rules,
		      struct bind_verdict *verdict)
{
	enum tristate any = TRISTATE_NO;
	uint32_t i;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];
		enum tristate shares = tristate_or(share_by_addr(candidate, socket),
						   share_by_port(candidate, socket, rules));
		enum tristate conflict =
			tristate_and(bind_overlaps(candidate, socket), tristate_not(shares));

		conflict = tristate_and(conflict, is_in_bucket(socket));
		any = tristate_or(any, conflict);
		if (conflict == TRISTATE_YES)
			add_blocker(verdict, members[i], 0);
		else if (conflict == TRISTATE_UNKNOWN)
			add_blocker(verdict, members[i], what_is_unknown(candidate, socket, rules));
	}
	verdict->can_bind = tristate_not(any);
}

/* Which sockets of a bucket a scan of UDP looks at. */
enum chain {
	CHAIN_PORT, /* all */
	CHAIN_ADDRESS, /* those at the candidate's address */
	CHAIN_ANY, /* those at a wildcard */
};

static bool in_chain(enum chain chain, const struct bind_candidate *candidate,
		     const struct inet_socket *socket)
{
	struct place at = place_of(candidate->family, &candidate->address);
	struct place other = place_of(socket->family, &socket->local);

	if (chain == CHAIN_ADDRESS)
		return same_place(&at, &other);
	return chain == CHAIN_PORT || is_any(&other);
}

/*
 * udp_lib_lport_inuse(): the first overlapping socket that does not share by address decides. If it
 * is in the way the next one decides when it has gone, and so on: those are in the way too.
 */
static enum tristate scan_udp(const struct snapshot *snapshot, const uint32_t *members,
			      uint32_t n_members, enum chain chain,
			      const struct bind_candidate *candidate, const struct rules *rules,
			      struct bind_verdict *verdict)
{
	bool may_succeed = false, may_fail = false, decided = false;
	uint32_t i;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];
		enum tristate decides, succeeds;

		if (!in_chain(chain, candidate, socket))
			continue;
		decides = tristate_and(tristate_not(share_by_addr(candidate, socket)),
				       bind_overlaps(candidate, socket));
		if (decides == TRISTATE_NO)
			continue;
		succeeds = share_by_port(candidate, socket, rules);
		if (!decided) {
			may_succeed = may_succeed || succeeds != TRISTATE_NO;
			may_fail = may_fail || succeeds != TRISTATE_YES;
		}
		if (succeeds != TRISTATE_YES)
			add_blocker(verdict, members[i],
				    decides == TRISTATE_YES && succeeds == TRISTATE_NO &&
						    !may_succeed ?
					    0 :
					    what_is_unknown(candidate, socket, rules));
		decided = decided || decides == TRISTATE_YES;
		if (decides == TRISTATE_YES && (may_succeed || succeeds != TRISTATE_NO))
			break;
	}
	if (!decided)
		may_succeed = true;
	return may_succeed && may_fail ? TRISTATE_UNKNOWN : tristate_of(may_succeed);
}

/* udp_lib_lport_inuse2(): the chain of the address, then that of the wildcard. */
static enum tristate scan_chains(const struct snapshot *snapshot, const uint32_t *members,
				 uint32_t n_members, const struct bind_candidate *candidate,
				 const struct rules *rules, struct bind_verdict *verdict)
{
	enum tristate first =
		scan_udp(snapshot, members, n_members, CHAIN_ADDRESS, candidate, rules, verdict);
	enum tristate second =
		scan_udp(snapshot, members, n_members, CHAIN_ANY, candidate, rules, verdict);

	return tristate_and(first, second);
}

/* The members with those in front that are connected; NULL if none is. */
static uint32_t *connected_first(const struct snapshot *snapshot, const uint32_t *members,
				 uint32_t n_members)
{
	uint32_t *moved = xcalloc(n_members, sizeof(*moved)), i, n = 0, n_connected;

	for (i = 0; i < n_members; i++)
		if (snapshot->sockets[members[i]].state == STATE_ESTAB)
			moved[n++] = members[i];
	n_connected = n;
	for (i = 0; i < n_members; i++)
		if (snapshot->sockets[members[i]].state != STATE_ESTAB)
			moved[n++] = members[i];
	if (n_connected)
		return moved;
	free(moved);
	return NULL;
}

static void judge_udp(const struct snapshot *snapshot, const uint32_t *members, uint32_t n_members,
		      const struct bind_candidate *candidate, const struct rules *rules,
		      struct bind_verdict *verdict)
{
	struct place at = place_of(candidate->family, &candidate->address);
	struct bind_verdict other;
	uint32_t *moved;

	if (n_members <= UDP_CHAIN_MAX || is_any(&at)) {
		verdict->can_bind = scan_udp(snapshot, members, n_members, CHAIN_PORT, candidate,
					     rules, verdict);
		return;
	}
	verdict->can_bind = scan_chains(snapshot, members, n_members, candidate, rules, verdict);
	/*
	 * connect() of a wildcard socket has moved it to the head of its chain by address, and left
	 * it where it was in the order that is known. Both are possible.
	 */
	moved = connected_first(snapshot, members, n_members);
	if (!moved)
		return;
	other = (struct bind_verdict){ .blockers = NULL };
	if (scan_chains(snapshot, moved, n_members, candidate, rules, &other) != verdict->can_bind)
		verdict->can_bind = TRISTATE_UNKNOWN;
	bind_verdict_done(&other);
	free(moved);
}

/* sk_reuseport_match(). */
static bool memory_fits(const struct bind_memory *memory, const struct bind_candidate *candidate)
{
	struct place at = place_of(candidate->family, &candidate->address);
	struct place remembered = place_of(memory->family, &memory->address);

	if (memory->reuse_port <= 0 || !candidate->reuse_port || memory->uid != candidate->uid)
		return false;
	return addresses_equal(&remembered, memory->v6only, &at, effective_v6only(candidate, &at),
			       true, false);
}

/*
 * Whether everybody whose bind would let the candidate in by the bucket's memory is in this
 * socket's way as well. Not so if the candidate takes both families and the socket one (:: with
 * IPV6_V6ONLY is remembered as ::), nor with a device, which the memory does not know.
 */
static bool excludes_like(const struct bind_candidate *candidate, const struct inet_socket *socket)
{
	struct place at = place_of(candidate->family, &candidate->address);
	struct place other = place_of(socket->family, &socket->local);

	if (socket->device || !(socket->known & SOCKET_HAS_DEVICE))
		return false;
	if (other.kind == KIND_ANY && v6only_of(socket) == TRISTATE_NO)
		return true;
	return (at.kind != KIND_ANY || effective_v6only(candidate, &at)) &&
	       (at.kind == KIND_V4) == (other.kind == KIND_V4);
}

/*
 * Whether a socket that is in the way shows that the bucket's memory, which nobody has read, does
 * not let the candidate in. Its own bind, or listen(), made the bucket remember it, and nobody like
 * the candidate can have come after it; but beside connections of a group the listeners may be new,
 * and SO_REUSEADDR may have let them in.
 */
static bool rules_out_memory(const struct bind_candidate *candidate,
			     const struct inet_socket *socket)
{
	if (!excludes_like(candidate, socket))
		return false;
	if (socket->state == STATE_LISTEN)
		return true;
	return socket->reuse_addr == TRISTATE_NO &&
	       (socket->state == STATE_BOUND || socket->reuse_port == TRISTATE_NO);
}

/* What follows if the memory was not read. */
static void doubt_memory(const struct snapshot *snapshot, const struct bind_candidate *candidate,
			 struct bind_verdict *verdict)
{
	uint32_t i;

	if (!candidate->reuse_port || verdict->can_bind != TRISTATE_NO)
		return;
	for (i = 0; i < verdict->n_blockers; i++)
		if (!verdict->blockers[i].unknown &&
		    rules_out_memory(candidate, &snapshot->sockets[verdict->blockers[i].socket]))
			return;
	verdict->can_bind = TRISTATE_UNKNOWN;
	for (i = 0; i < verdict->n_blockers; i++)
		verdict->blockers[i].unknown |= BIND_UNKNOWN_MEMORY;
}

/* inet_csk_update_fastreuse(). */
void bind_memory_update(struct bind_memory *memory, const struct bind_candidate *socket)
{
	struct place at = place_of(socket->family, &socket->address);

	if (!socket->reuse_port) {
		*memory = (struct bind_memory){ .reuse_port = 0 };
		return;
	}
	if (memory_fits(memory, socket))
		return;
	*memory = (struct bind_memory){
		.reuse_port = 2, /* FASTREUSEPORT_STRICT */
		.family = socket->family,
		.v6only = effective_v6only(socket, &at),
		.uid = socket->uid,
		.address = socket->address,
	};
}

void bind_conflict_judge(const struct snapshot *snapshot, const uint32_t *members,
			 uint32_t n_members, const struct bind_candidate *candidate,
			 const struct bind_memory *memory, struct bind_verdict *ret_verdict)
{
	const struct rules rules = rules_of(snapshot);
	struct bind_verdict verdict = { .blockers = NULL };

	if (!protocol_is_stream(candidate->protocol))
		judge_udp(snapshot, members, n_members, candidate, &rules, &verdict);
	else if (memory && !memory->unread && memory_fits(memory, candidate))
		verdict.can_bind = TRISTATE_YES;
	else
		judge_tcp(snapshot, members, n_members, candidate, &rules, &verdict);
	if (memory && memory->unread)
		doubt_memory(snapshot, candidate, &verdict);
	if (verdict.can_bind == TRISTATE_YES)
		verdict.n_blockers = 0;
	*ret_verdict = verdict;
}

void bind_verdict_done(struct bind_verdict *verdict)
{
	free(verdict->blockers);
	*verdict = (struct bind_verdict){ .blockers = NULL };
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/direction.h"

#include "analysis/address-index.h"

/*
 * Other hosts have ranges of their own, of which the common ones begin here or above (Linux; IANA's
 * 49152 of Windows and macOS). Their ends are not those of ours.
 */
#define PEER_RANGE_FIRST 32768

/* NAT gives its clients ports from here on. */
#define PEER_NAT_FIRST 1024

/*
 * Who binds a port below 1024 to call from it takes one from here on: rresvport(3),
 * bindresvport(3), NFS. But FTP servers call their clients from port 20.
 */
#define CALLED_FROM_FIRST 512
#define FTP_DATA 20

static bool same_place(int family, const struct address *address, uint16_t port, int other_family,
		       const struct address *other, uint16_t other_port)
{
	struct address a = address_as_mapped(family, address);
	struct address b = address_as_mapped(other_family, other);

	return port == other_port && address_equal(&a, &b);
}

/* Whether two sockets are the ends of one connection. */
static bool are_ends(const struct inet_socket *a, const struct inet_socket *b)
{
	return (b->known & SOCKET_HAS_PEER) &&
	       same_place(a->family, &a->local, a->local_port, b->family, &b->peer, b->peer_port) &&
	       same_place(b->family, &b->local, b->local_port, a->family, &a->peer, a->peer_port);
}

static const struct bind_bucket *bucket_of_peer(const struct bind_bucket_index *index,
						const struct inet_socket *socket)
{
	if (!(socket->known & SOCKET_HAS_PEER))
		return NULL;
	return bind_bucket_find(index, socket->netns, socket->peer_port,
				(enum protocol)socket->protocol);
}

/* A wildcard covers addresses of other hosts, too. */
static bool is_of_this_host(const struct inet_socket *socket, const struct inet_socket *listener)
{
	return !address_is_wildcard(listener->family, &listener->local) ||
	       address_is_loopback(socket->family, &socket->peer) ||
	       same_place(socket->family, &socket->local, 0, socket->family, &socket->peer, 0);
}

bool direction_is_listened_to(const struct port_rules *rules, const struct bind_bucket_index *index,
			      const struct inet_socket *socket)
{
	const struct bind_bucket *bucket = bucket_of_peer(index, socket);
	uint32_t i;

	/* The other end chooses its port: it may be one on which this host has many connections. */
	for (i = 0; bucket && i < bucket->n_listeners; i++) {
		const struct inet_socket *other =
			&rules->snapshot->sockets[index->listeners[bucket->first_listener + i]];

		if (is_of_this_host(socket, other) &&
		    address_covers(other->family, &other->local, other->v6only == TRISTATE_YES,
				   socket->family, &socket->peer))
			return true;
	}
	return false;
}

static bool may_be_given(const struct port_rules *rules, const struct inet_socket *socket)
{
	return socket->peer_port >= PEER_RANGE_FIRST ||
	       port_is_ephemeral(rules, socket->netns, socket->peer_port);
}

/* Servers listen on such a port, and nobody calls from there. */
static bool is_well_known(const struct inet_socket *socket)
{
	return socket->local_port < CALLED_FROM_FIRST && socket->local_port != FTP_DATA;
}

enum direction direction_of(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const struct inet_socket *socket)
{
	bool own, peer;

	if (socket->state == STATE_SYN_SENT || direction_is_listened_to(rules, index, socket))
		return DIRECTION_OUT;
	if (!(socket->known & SOCKET_HAS_PEER))
		return DIRECTION_UNKNOWN;
	own = port_is_ephemeral(rules, socket->netns, socket->local_port);
	peer = may_be_given(rules, socket);
	if (!own && is_well_known(socket) && socket->peer_port >= PEER_NAT_FIRST)
		return DIRECTION_IN;
	if (own == peer)
		return DIRECTION_UNKNOWN;
	return own ? DIRECTION_OUT : DIRECTION_IN;
}

/* Whether the other end is there, alone on a port that was given to it. */
static bool has_lone_client(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const struct inet_socket *socket)
{
	const struct bind_bucket *bucket = bucket_of_peer(index, socket);

	return bucket && bucket->count == 1 &&
	       port_is_ephemeral(rules, socket->netns, socket->peer_port) &&
	       are_ends(socket, &rules->snapshot->sockets[index->members[bucket->first]]);
}

bool direction_is_of_server(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const uint32_t *sockets, uint32_t n_sockets)
{
	uint32_t i, n = 0;

	for (i = 0; i < n_sockets && n < 2; i++)
		n += has_lone_client(rules, index, &rules->snapshot->sockets[sockets[i]]);
	return n >= 2;
}

static bool same_address(const struct inet_socket *a, const struct inet_socket *b)
{
	return same_place(a->family, &a->local, 0, b->family, &b->local, 0);
}

bool direction_is_accepted(const struct port_rules *rules, const uint32_t *sockets,
			   uint32_t n_sockets)
{
	const struct inet_socket *all = rules->snapshot->sockets, *previous = NULL;
	struct address_index index;
	bool accepted = false;
	uint32_t i;

	if (port_is_ephemeral(rules, all[sockets[0]].netns, all[sockets[0]].local_port))
		return false;
	/*
	 * Those of one address stand together: if any two have different peer ports, neighbours do.
	 */
	address_index_init(&index, rules->snapshot, sockets, n_sockets);
	for (i = 0; i < index.count && !accepted; i++) {
		const struct inet_socket *socket = &all[index.sockets[i]];

		if (!(socket->known & SOCKET_HAS_PEER))
			continue;
		accepted = previous && socket->peer_port != previous->peer_port &&
			   same_address(socket, previous);
		previous = socket;
	}
	address_index_done(&index);
	return accepted;
}

void directions_add(const struct port_rules *rules, const struct bind_bucket_index *index,
		    const struct inet_socket *socket, struct directions *directions)
{
	enum direction direction = direction_of(rules, index, socket);

	directions->n++;
	directions->n_in += direction == DIRECTION_IN;
	directions->n_out += direction == DIRECTION_OUT;
}

void directions_settle(const struct port_rules *rules, const struct bind_bucket_index *index,
		       const uint32_t *port, uint32_t n_port, const uint32_t *lacking,
		       uint32_t n_lacking, struct directions *directions)
{
	bool unsettled = n_lacking && !directions->n_in && !directions->n_out;

	if (direction_is_of_server(rules, index, port, n_port) ||
	    (unsettled && direction_is_accepted(rules, lacking, n_lacking))) {
		directions->n_in = directions->n;
		directions->n_out = 0;
	}
}

enum direction directions_of_all(const struct directions *directions)
{
	if (directions->n_in && !directions->n_out)
		return DIRECTION_IN;
	return directions->n && directions->n_out == directions->n ? DIRECTION_OUT :
								     DIRECTION_UNKNOWN;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DIRECTION_H
#define ANALYSIS_DIRECTION_H

#include "analysis/port-range.h"
#include "model/bind-bucket.h"
#include "model/snapshot.h"

/*
 * Which end of a TCP connection has called connect(2), where no listener on its own port is left to
 * tell: no kernel interface says so.
 */
enum direction {
	DIRECTION_UNKNOWN,
	DIRECTION_IN, /* the other end; this one was accepted */
	DIRECTION_OUT, /* this end */
};

/*
 * By a listener at the other end, which must be of this host, else by the ports: one of them alone
 * is of those that are given to connections, or this one is of those from which nobody calls.
 */
enum direction direction_of(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const struct inet_socket *socket);

/* Whether a listener at the other end is what direction_of() knows it by. */
bool direction_is_listened_to(const struct port_rules *rules, const struct bind_bucket_index *index,
			      const struct inet_socket *socket);

/*
 * Whether sockets of one port, on which nobody listens, are those of a server, although the port is
 * of those that are given to connections: several have their other ends in the snapshot, each alone
 * on a port that was given to it. A client has one other end, or several with a server each.
 */
bool direction_is_of_server(const struct port_rules *rules, const struct bind_bucket_index *index,
			    const uint32_t *sockets, uint32_t n_sockets);

/*
 * Whether connections without reuse flags, of one port that no connection is given, are those of a
 * server, wherever their other ends are: two at one local address lead to different ports. bind()
 * gives an address and port without flags once, also while TIME-WAIT is left of it, so one who
 * calls from there has one connection; accept() makes any number. Different ports, since what
 * connect() has shared out before the range was changed leads to servers, mostly of one port.
 * n_sockets is not 0.
 */
bool direction_is_accepted(const struct port_rules *rules, const uint32_t *sockets,
			   uint32_t n_sockets);

/*
 * Connections of one port on which nobody listens there, judged together: added one by one, then
 * settled, where one alone does not tell, by all of them. Begins with zeros.
 */
struct directions {
	uint32_t n;
	uint32_t n_in, n_out; /* of these */
};

void directions_add(const struct port_rules *rules, const struct bind_bucket_index *index,
		    const struct inet_socket *socket, struct directions *directions);

/*
 * port: those to ask direction_is_of_server() about; lacking: those of them, perhaps none, to ask
 * direction_is_accepted() about.
 */
void directions_settle(const struct port_rules *rules, const struct bind_bucket_index *index,
		       const uint32_t *port, uint32_t n_port, const uint32_t *lacking,
		       uint32_t n_lacking, struct directions *directions);

/*
 * Which end these are of, as far as it is known of all. One that is a server's settles it for those
 * whose ports tell nothing: a client would hardly have got the port beside it.
 */
enum direction directions_of_all(const struct directions *directions);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/column-socket.h"

#include <sys/socket.h>

void column_get_netns(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	const struct netns *netns;

	if (socket->netns >= writer->snapshot->n_netns) {
		out_char(out, '?');
		return;
	}
	netns = &writer->snapshot->netns[socket->netns];
	if (netns->name)
		column_write_string(writer, netns->name, out);
	else
		column_write_known(netns->id, netns->id, out);
}

void column_get_proto(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	out_string(out, protocol_name(socket->protocol));
}

void column_get_port(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	if (writer->grouped) {
		out_string(out, protocol_name(socket->protocol));
		out_char(out, ':');
	}
	out_unsigned(out, socket->local_port);
}

/* v6only matters where IPv4 could come in, else the mark would only be noise. */
void column_get_local(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	column_write_address(socket->family, &socket->local, out);
	if (socket->device) {
		out_char(out, '%');
		column_write_string(writer, socket->device, out);
	}
	if (socket->family != AF_INET6 || !socket_is_bound(socket) ||
	    address_is_v4_mapped(socket->family, &socket->local) ||
	    !address_is_wildcard(socket->family, &socket->local))
		return;
	if (socket->v6only != TRISTATE_NO)
		out_string(out, column_for_people(writer) ? " v6only" : ",v6only");
	if (socket->v6only == TRISTATE_UNKNOWN)
		out_char(out, '?');
}

void column_get_device(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	if (socket->device)
		column_write_string(writer, socket->device, out);
	else
		out_char(out, socket->known & SOCKET_HAS_DEVICE ? '-' : '?');
}

void column_get_v6only(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	static const char *const words[] = {
		[TRISTATE_UNKNOWN] = "?",
		[TRISTATE_NO] = "no",
		[TRISTATE_YES] = "yes",
	};

	(void)writer;
	out_string(out, socket->family == AF_INET ? "-" : words[socket->v6only]);
}

void column_get_state(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	out_string(out, socket_state_name(socket->state));
}

/*
 * A flag that is set is named, one that is not is not, one that is not known is named with "?":
 * "addr,port", "-", "port,addr?" - and "?" where neither is known.
 */
void column_get_reuse(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	bool addr = socket->reuse_addr != TRISTATE_NO, port = socket->reuse_port != TRISTATE_NO;

	(void)writer;
	if (socket->reuse_addr == TRISTATE_UNKNOWN && socket->reuse_port == TRISTATE_UNKNOWN) {
		out_char(out, '?');
		return;
	}
	if (socket->reuse_evidence == EVIDENCE_INFERRED)
		out_char(out, '~');
	if (addr)
		out_string(out, socket->reuse_addr == TRISTATE_YES ? "addr" : "addr?");
	if (addr && port)
		out_char(out, ',');
	if (port)
		out_string(out, socket->reuse_port == TRISTATE_YES ? "port" : "port?");
	if (!addr && !port)
		out_char(out, '-');
}

void column_get_evidence(struct column_writer *writer, const struct inet_socket *socket,
			 struct out *out)
{
	(void)writer;
	if (socket->reuse_evidence == EVIDENCE_UNKNOWN)
		out_char(out, '?');
	else
		out_string(out, evidence_name(socket->reuse_evidence));
}

void column_get_peer(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	if (!(socket->known & SOCKET_HAS_PEER)) {
		out_char(out, socket_is_bound(socket) ? '-' : '?');
		return;
	}
	column_write_address(socket->family, &socket->peer, out);
	out_char(out, ':');
	out_unsigned(out, socket->peer_port);
}

void column_get_timer(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	if (socket->timer == TIMER_UNKNOWN || socket->timer == TIMER_NONE) {
		out_char(out, socket->timer == TIMER_NONE ? '-' : '?');
		return;
	}
	out_string(out, timer_kind_name(socket->timer));
	out_char(out, column_for_people(writer) ? ' ' : ':');
	if (!(socket->known & SOCKET_HAS_EXPIRES)) {
		out_char(out, '?');
	} else if (!column_for_people(writer)) {
		out_unsigned(out, socket->timer_expires_ms);
	} else {
		column_write_time_left(writer, socket->timer_expires_ms, socket->timer_expires_ms,
				       out);
	}
}

void column_get_inode(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	if ((socket->known & SOCKET_HAS_INODE) && !socket->inode)
		out_char(out, '-');
	else
		column_write_known(socket->known & SOCKET_HAS_INODE, socket->inode, out);
}

void column_get_cookie(struct column_writer *writer, const struct inet_socket *socket,
		       struct out *out)
{
	(void)writer;
	column_write_known(socket->known & SOCKET_HAS_COOKIE, socket->cookie, out);
}

void column_get_mark(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	if (socket->known & SOCKET_HAS_MARK)
		out_printf(out, "0x%x", socket->mark);
	else
		out_char(out, '?');
}

void column_get_options(struct column_writer *writer, const struct inet_socket *socket,
			struct out *out)
{
	bool any = false;
	unsigned int i;

	(void)writer;
	if (!(socket->known & SOCKET_HAS_OPTIONS)) {
		out_char(out, '?');
		return;
	}
	for (i = 0; i < N_SOCKET_OPTIONS; i++) {
		if (!(socket->options & 1U << i))
			continue;
		if (any)
			out_char(out, ',');
		out_string(out, socket_option_name(i));
		any = true;
	}
	if (!any)
		out_char(out, '-');
}

void column_get_multicast(struct column_writer *writer, const struct inet_socket *socket,
			  struct out *out)
{
	const struct multicast_group *group = writer->snapshot->groups + socket->first_group;
	uint32_t i;

	if (!socket->n_groups) {
		/* A stream socket cannot join one. */
		out_char(out, (socket->known & SOCKET_HAS_MULTICAST) ||
					      protocol_is_stream(socket->protocol) ?
				      '-' :
				      '?');
		return;
	}
	for (i = 0; i < socket->n_groups; i++, group++) {
		if (i)
			column_write_separator(writer, out);
		column_write_address(group->family, &group->address, out);
	}
	if (!(socket->known & SOCKET_HAS_MULTICAST)) {
		column_write_separator(writer, out);
		out_char(out, '?');
	}
}

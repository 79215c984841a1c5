/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/column-queue.h"

/* What the queues of one socket or of several together hold. */
struct queue {
	const struct inet_socket *socket;
	uint32_t known;
	uint64_t recv, send, drops;
};

bool column_queue_is_full(const struct inet_socket *socket)
{
	return socket->state == STATE_LISTEN && (socket->known & SOCKET_HAS_LIMIT) &&
	       socket->queue_recv > socket->queue_limit;
}

/* "9999", "1.2M": what a glance needs; recv and send have every digit. */
static void write_size(uint64_t bytes, struct out *out)
{
	static const char units[] = "KMGTPE";
	const char *unit = units;

	if (bytes < 10000) {
		out_unsigned(out, bytes);
		return;
	}
	for (; bytes >= 1024 * 1000; unit++)
		bytes /= 1024;
	out_unsigned(out, bytes / 1024);
	if (bytes < 10 * 1024) {
		out_char(out, '.');
		out_unsigned(out, bytes % 1024 * 10 / 1024);
	}
	out_char(out, *unit);
}

static void write_queue_bytes(const struct queue *queue, struct out *out)
{
	if (!queue->recv && !queue->send) {
		out_char(out, '0');
		return;
	}
	if (queue->recv) {
		write_size(queue->recv, out);
		out_string(out, queue->send ? " in, " : " in");
	}
	if (queue->send) {
		write_size(queue->send, out);
		out_string(out, " out");
	}
}

static void write_queue_plain(const struct queue *queue, struct out *out)
{
	out_unsigned(out, queue->recv);
	out_char(out, '/');
	if (queue->socket->state == STATE_LISTEN)
		column_write_known(queue->known & SOCKET_HAS_LIMIT, queue->socket->queue_limit,
				   out);
	else
		out_unsigned(out, queue->send);
}

static void write_drops(const struct queue *queue, struct out *out)
{
	if (!(queue->known & SOCKET_HAS_DROPS))
		out_char(out, '?');
	else if (queue->drops)
		column_write_count(out, queue->drops);
	else
		return;
	out_string(out, " lost, ");
}

static void write_queue(struct column_writer *writer, const struct queue *queue, struct out *out)
{
	const struct inet_socket *socket = queue->socket;
	bool stream = protocol_is_stream(socket->protocol);

	if (socket_is_time_wait(socket) || (stream && socket->state == STATE_BOUND)) {
		out_char(out, '-');
		return;
	}
	if (!(queue->known & SOCKET_HAS_QUEUE)) {
		out_char(out, '?');
		return;
	}
	if (!column_for_people(writer) || socket->state == STATE_LISTEN) {
		write_queue_plain(queue, out);
		if (column_for_people(writer) && column_queue_is_full(socket))
			out_string(out, " full");
		return;
	}
	if (!stream)
		write_drops(queue, out);
	write_queue_bytes(queue, out);
}

void column_get_queue(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	struct queue queue = {
		.socket = socket,
		.known = socket->known,
		.recv = socket->queue_recv,
		.send = socket->queue_send,
		.drops = socket->drops,
	};

	write_queue(writer, &queue, out);
}

void column_row_queue(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	struct queue queue = {
		.socket = summary->socket,
		.known = summary->known,
		.recv = summary->queue_recv,
		.send = summary->queue_send,
		.drops = summary->drops,
	};

	write_queue(writer, &queue, out);
}

static void write_number(const struct inet_socket *socket, uint32_t known, uint64_t value,
			 struct out *out)
{
	if (socket_is_time_wait(socket))
		out_char(out, '-');
	else
		column_write_known(known, value, out);
}

void column_get_recv(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_QUEUE, socket->queue_recv, out);
}

void column_get_send(struct column_writer *writer, const struct inet_socket *socket,
		     struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_QUEUE, socket->queue_send, out);
}

void column_get_limit(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_LIMIT, socket->queue_limit, out);
}

void column_get_drops(struct column_writer *writer, const struct inet_socket *socket,
		      struct out *out)
{
	(void)writer;
	write_number(socket, socket->known & SOCKET_HAS_DROPS, socket->drops, out);
}

void column_row_recv(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	(void)writer;
	write_number(summary->socket, summary->known & SOCKET_HAS_QUEUE, summary->queue_recv, out);
}

void column_row_send(struct column_writer *writer, const struct port_summary *summary,
		     struct out *out)
{
	(void)writer;
	write_number(summary->socket, summary->known & SOCKET_HAS_QUEUE, summary->queue_send, out);
}

void column_row_drops(struct column_writer *writer, const struct port_summary *summary,
		      struct out *out)
{
	(void)writer;
	write_number(summary->socket, summary->known & SOCKET_HAS_DROPS, summary->drops, out);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/proc-net.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "source/kernel-state.h"
#include "source/sock-diag-request.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

#define BUFFER_SIZE 65536

/* The position in a line; end is where it ends. */
struct cursor {
	const char *at, *end;
};

static void skip_blanks(struct cursor *cursor)
{
	while (cursor->at < cursor->end && *cursor->at == ' ')
		cursor->at++;
}

static bool take(struct cursor *cursor, char wanted)
{
	if (cursor->at == cursor->end || *cursor->at != wanted)
		return false;
	cursor->at++;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* A hexadecimal number of at least 1 and at most digits digits. */
static bool take_hex(struct cursor *cursor, unsigned int digits, uint64_t *ret_value)
{
	const char *start = cursor->at;
	uint64_t value = 0;

	while (cursor->at < cursor->end && hex_digit(*cursor->at) >= 0) {
		if (cursor->at - start == digits)
			return false;
		value = value << 4 | (uint64_t)hex_digit(*cursor->at++);
	}
	*ret_value = value;
	return cursor->at > start;
}

/* A decimal number, after blanks; a sign is passed over (the kernel prints some as %d). */
static bool take_decimal(struct cursor *cursor, uint64_t *ret_value)
{
	uint64_t value = 0;
	const char *start;

	skip_blanks(cursor);
	take(cursor, '-');
	start = cursor->at;
	while (cursor->at < cursor->end && isdigit((unsigned char)*cursor->at)) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*cursor->at - '0'), &value))
			return false;
		cursor->at++;
	}
	*ret_value = value;
	return cursor->at > start;
}

static bool skip_word(struct cursor *cursor)
{
	const char *start;

	skip_blanks(cursor);
	start = cursor->at;
	while (cursor->at < cursor->end && *cursor->at != ' ')
		cursor->at++;
	return cursor->at > start;
}

/* ADDRESS:PORT, the address in words of 8 digits, each in the byte order of the host. */
static bool take_end(struct cursor *cursor, int family, struct address *address, uint16_t *ret_port)
{
	unsigned int words = family == AF_INET ? 1 : 4, i;
	uint64_t value;
	uint32_t word;

	skip_blanks(cursor);
	for (i = 0; i < words; i++) {
		struct cursor part = { cursor->at, cursor->at };

		if (cursor->end - cursor->at < 8)
			return false;
		part.end += 8;
		if (!take_hex(&part, 8, &value) || part.at != part.end)
			return false;
		word = (uint32_t)value;
		memcpy(address->bytes + i * sizeof(word), &word, sizeof(word));
		cursor->at = part.at;
	}
	if (!take(cursor, ':') || !take_hex(cursor, 4, &value))
		return false;
	*ret_port = (uint16_t)value;
	return true;
}

static void set_timer(struct inet_socket *socket, uint64_t kind, uint64_t ticks)
{
	long frequency = sysconf(_SC_CLK_TCK);

	socket->timer = (uint8_t)kernel_timer_decode(kind);
	if (socket->timer == TIMER_UNKNOWN || socket->timer == TIMER_NONE || frequency <= 0 ||
	    ticks > UINT32_MAX)
		return;
	ticks = ticks * 1000 / (uint64_t)frequency;
	socket->timer_expires_ms = ticks > UINT32_MAX ? UINT32_MAX : (uint32_t)ticks;
	socket->known |= SOCKET_HAS_EXPIRES;
}

int proc_net_parse_line(const char *line, size_t length, int family, enum protocol protocol,
			struct inet_socket *ret_socket)
{
	struct inet_socket socket = { .family = family, .protocol = protocol };
	uint64_t kernel_state, send, receive, timer, ticks, retransmits;
	uint64_t uid, timeout, inode, number;
	struct cursor cursor = { line, line + length };
	int state;

	if (!take_decimal(&cursor, &number) || !take(&cursor, ':') ||
	    !take_end(&cursor, family, &socket.local, &socket.local_port) ||
	    !take_end(&cursor, family, &socket.peer, &socket.peer_port))
		return -EBADMSG;
	skip_blanks(&cursor);
	if (!take_hex(&cursor, 2, &kernel_state))
		return -EBADMSG;
	skip_blanks(&cursor);
	if (!take_hex(&cursor, 8, &send) || !take(&cursor, ':') || !take_hex(&cursor, 8, &receive))
		return -EBADMSG;
	skip_blanks(&cursor);
	if (!take_hex(&cursor, 2, &timer) || !take(&cursor, ':') || !take_hex(&cursor, 16, &ticks))
		return -EBADMSG;
	skip_blanks(&cursor);
	if (!take_hex(&cursor, 8, &retransmits) || !take_decimal(&cursor, &uid) ||
	    !take_decimal(&cursor, &timeout) || !take_decimal(&cursor, &inode))
		return -EBADMSG;
	/* The next character must end the number: it is not cut off within. */
	if ((cursor.at < cursor.end && *cursor.at != ' ') || uid > UINT32_MAX)
		return -EBADMSG;
	state = kernel_state_decode(protocol, kernel_state);
	if (state < 0)
		return -EBADMSG;

	socket.state = (uint8_t)state;
	socket.inode = inode;
	socket.known = SOCKET_HAS_INODE;
	set_timer(&socket, timer, ticks);
	/* TIME-WAIT and requests have no queue and no uid of their own: what is printed is 0. */
	if (!socket_is_time_wait(&socket) && (state != STATE_SYN_RECV || inode)) {
		socket.uid = (uint32_t)uid;
		socket.queue_recv = (uint32_t)receive;
		socket.queue_send = (uint32_t)send;
		socket.known |= SOCKET_HAS_UID | SOCKET_HAS_QUEUE;
	}
	if (state == STATE_LISTEN || state == STATE_BOUND) {
		socket_keep_old_peer(&socket);
		socket.peer_port = 0;
	} else {
		socket.known |= SOCKET_HAS_PEER;
	}

	/* "ref pointer drops", at the end of the lines of UDP. */
	if (!protocol_is_stream(protocol) && skip_word(&cursor) && skip_word(&cursor) &&
	    take_decimal(&cursor, &number) && number <= UINT32_MAX) {
		socket.drops = (uint32_t)number;
		socket.known |= SOCKET_HAS_DROPS;
	}
	*ret_socket = socket;
	return 0;
}

static bool wanted(const struct collect_request *request, const struct inet_socket *socket)
{
	return (request->states & 1U << socket->state) &&
	       sock_diag_port_wanted(request->ports, request->n_ports, socket->local_port);
}

/* What is being read. */
struct reader {
	const struct collect_request *request;
	struct snapshot *snapshot;
	uint32_t netns;
	int family;
	enum protocol protocol;
	bool past_header;
	uint32_t strange; /* lines that could not be read */
};

static void add_line(struct reader *reader, const char *line, size_t length)
{
	struct inet_socket socket;

	if (!reader->past_header) {
		reader->past_header = true;
		return;
	}
	if (proc_net_parse_line(line, length, reader->family, reader->protocol, &socket)) {
		reader->strange++;
		return;
	}
	if (!wanted(reader->request, &socket))
		return;
	socket.netns = reader->netns;
	*snapshot_add_socket(reader->snapshot) = socket;
}

static int read_lines(struct reader *reader, int fd)
{
	char *buffer = xmalloc(BUFFER_SIZE);
	size_t used = 0;
	int error = 0;

	for (;;) {
		ssize_t got = read(fd, buffer + used, BUFFER_SIZE - used);
		char *line = buffer, *newline;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			error = -errno;
		if (got <= 0)
			break;
		used += (size_t)got;
		while ((newline = memchr(line, '\n', used - (size_t)(line - buffer)))) {
			add_line(reader, line, (size_t)(newline - line));
			line = newline + 1;
		}
		used -= (size_t)(line - buffer);
		memmove(buffer, line, used);
		/* No line of the kernel is nearly as long. */
		if (used == BUFFER_SIZE) {
			error = -EBADMSG;
			break;
		}
	}
	if (!error && used)
		add_line(reader, buffer, used);
	free(buffer);
	return error;
}

static int read_file(struct reader *reader, const char *path)
{
	int error, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	error = read_lines(reader, fd);
	close(fd);
	return error;
}

int proc_net_collect(const struct collect_request *request, uint32_t netns,
		     struct snapshot *snapshot)
{
	static const struct {
		const char *path;
		int family;
		enum protocol protocol;
	} files[] = {
		{ "/proc/thread-self/net/tcp", AF_INET, PROTOCOL_TCP },
		{ "/proc/thread-self/net/tcp6", AF_INET6, PROTOCOL_TCP },
		{ "/proc/thread-self/net/udp", AF_INET, PROTOCOL_UDP },
		{ "/proc/thread-self/net/udp6", AF_INET6, PROTOCOL_UDP },
		{ "/proc/thread-self/net/udplite", AF_INET, PROTOCOL_UDPLITE },
		{ "/proc/thread-self/net/udplite6", AF_INET6, PROTOCOL_UDPLITE },
	};
	uint32_t n_asked = 0, n_read = 0;
	int first_error = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		struct reader reader = {
			.request = request,
			.snapshot = snapshot,
			.netns = netns,
			.family = files[i].family,
			.protocol = files[i].protocol,
		};
		int error;

		if (!(request->protocols & 1U << files[i].protocol) ||
		    !(files[i].family == AF_INET ? request->inet : request->inet6))
			continue;
		n_asked++;
		error = read_file(&reader, files[i].path);
		if (!error)
			n_read++;
		else if (!first_error)
			first_error = error;
		/* A file that is not there: the kernel has no such protocol or family. */
		if (error && error != -ENOENT)
			snapshot_add_limit(snapshot, "sockets", errno_name(error), 0,
					   "%s could not be read (%s)", files[i].path,
					   strerror(-error));
		if (reader.strange)
			snapshot_add_limit(snapshot, "sockets", "not-understood", reader.strange,
					   "%s has lines of a form that is not known",
					   files[i].path);
	}
	if (n_asked && !n_read)
		return first_error;
	snapshot_add_limit(snapshot, "sockets", "proc-net", 0,
			   "sockets were read from /proc/net, which does not show cookies, the "
			   "interface a socket is bound to, IPv6-only, backlogs, drops of TCP "
			   "listeners, nor TCP sockets that are bound and do not listen");
	return 0;
}

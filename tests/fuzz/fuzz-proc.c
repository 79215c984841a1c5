/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "source/proc-net.h"
#include "source/proc-parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touch every byte of a span, so that the sanitizer sees one that leaves its buffer. */
static void read_span(const char *outer, size_t outer_length, const char *span, size_t length)
{
	volatile char sink;
	size_t i;

	if (!length)
		return;
	if (span < outer || span + length > outer + outer_length)
		abort();
	for (i = 0; i < length; i++)
		sink = span[i];
	(void)sink;
}

static void ignore_inode(void *context, uint64_t inode)
{
	*(uint64_t *)context += inode;
}

static void fuzz_net(const char *line, size_t length, unsigned int choice)
{
	struct inet_socket socket;

	if (proc_net_parse_line(line, length, choice & 1 ? AF_INET6 : AF_INET,
				(choice >> 1) % (PROTOCOL_UDPLITE + 1), &socket))
		return;
	if (socket.state >= N_STATES || socket.timer >= N_TIMERS ||
	    (socket.known & SOCKET_HAS_PEER && socket_is_bound(&socket)))
		abort();
}

/* The first byte chooses the parser, the rest is what it reads. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes, *span;
	struct proc_stat stat;
	uint64_t number = 0;
	size_t length;
	uint32_t uid;

	if (!size)
		return 0;
	bytes = (const char *)data + 1;
	size--;
	switch (data[0] % 16) {
	case 0:
		if (!proc_parse_stat(bytes, size, &stat))
			read_span(bytes, size, stat.comm, stat.comm_length);
		break;
	case 1:
		proc_parse_status_uid(bytes, size, &uid);
		break;
	case 2:
		if (!proc_parse_cgroup(bytes, size, &span, &length))
			read_span(bytes, size, span, length);
		break;
	case 3:
		proc_parse_socket_link(bytes, size, &number);
		break;
	case 4:
		proc_parse_uring_fdinfo(bytes, size, ignore_inode, &number);
		break;
	case 5:
		proc_parse_scm_fds(bytes, size);
		break;
	default:
		fuzz_net(bytes, size, data[0] >> 4);
		break;
	}
	return 0;
}

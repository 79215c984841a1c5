/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "source/sock-diag-decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte is the protocol, the rest a message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inet_socket socket, untouched;
	uint32_t interface = 0;

	if (!size)
		return 0;
	memset(&socket, 0xee, sizeof(socket));
	untouched = socket;
	if (sock_diag_decode(data + 1, size - 1, data[0] % N_PROTOCOLS, &socket, &interface)) {
		if (memcmp(&socket, &untouched, sizeof(socket)) != 0)
			abort();
		return 0;
	}
	if (socket.state >= N_STATES || socket.protocol >= N_PROTOCOLS ||
	    socket.timer >= N_TIMERS || socket.v6only > TRISTATE_YES ||
	    (socket.family != AF_INET && socket.family != AF_INET6) || socket.n_owners ||
	    socket.n_groups)
		abort();
	if (socket.known & SOCKET_HAS_PEER && socket_is_bound(&socket))
		abort();
	return 0;
}

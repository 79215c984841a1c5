/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_BIND_MEMORY_H
#define MODEL_BIND_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "model/address.h"

/*
 * What an inet_bind_bucket of TCP remembers of its last bind with SO_REUSEPORT (fastreuseport,
 * fastuid, fast_rcv_saddr, ...): a candidate with the flag that fits it is let in without a look at
 * any socket. Not visible but to BPF.
 */
struct bind_memory {
	bool unread; /* nobody has looked; the rest means nothing */
	int8_t reuse_port; /* FASTREUSEPORT_*: above 0 the rest is valid; -1 made by connect() */
	uint8_t family;
	bool v6only;
	uint32_t uid;
	struct address address;
};

/* Of one bucket of a snapshot. */
struct bucket_memory {
	uint32_t netns; /* index into snapshot.netns */
	uint16_t port; /* of TCP */
	struct bind_memory memory;
};

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_BIND_BUCKET_H
#define MODEL_BIND_BUCKET_H

#include <stdint.h>

#include "model/snapshot.h"

/* All sockets of one namespace, protocol and local port: the kernel's inet_bind_bucket. */
struct bind_bucket {
	uint32_t netns; /* index into snapshot.netns */
	uint16_t port;
	uint8_t protocol; /* bind_bucket_protocol() of its sockets */
	uint32_t first, count; /* range of bind_bucket_index.members */
	uint32_t first_listener, n_listeners; /* range of bind_bucket_index.listeners */
};

/* Whose ports a protocol takes: MPTCP binds a TCP socket inside, the others are on their own. */
enum protocol bind_bucket_protocol(enum protocol protocol);

/* The buckets of a snapshot, by namespace, port, protocol. */
struct bind_bucket_index {
	struct bind_bucket *buckets;
	uint32_t n_buckets;
	uint32_t *members; /* socket indexes; within a bucket in the kernel's own order */
	uint32_t *listeners; /* those of them that listen: few, of whatever is on a port */
	uint32_t n_listeners;
};

/* Linear in the number of sockets. Freed with bind_bucket_index_done(). */
void bind_bucket_index_init(struct bind_bucket_index *index, const struct snapshot *snapshot);

/*
 * The bucket of a port, NULL if it has no sockets; protocol may be any that takes the port. Owned
 * by the index.
 */
const struct bind_bucket *bind_bucket_find(const struct bind_bucket_index *index, uint32_t netns,
					   uint16_t port, enum protocol protocol);

void bind_bucket_index_done(struct bind_bucket_index *index);

#endif

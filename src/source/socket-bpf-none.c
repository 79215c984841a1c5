/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/socket-bpf.h"

#include <errno.h>
#include <stddef.h>

/* Built instead of socket-bpf.c where the tools to build the BPF programs are missing. */

struct socket_bpf *socket_bpf_new(void)
{
	return NULL;
}

void socket_bpf_free(struct socket_bpf *bpf)
{
	(void)bpf;
}

int socket_bpf_owners(struct socket_bpf *bpf, bool without_cookie, bpf_take_owners *take,
		      void *user, uint32_t *ret_too_large)
{
	(void)bpf;
	(void)without_cookie;
	(void)take;
	(void)user;
	(void)ret_too_large;
	return -ENOTSUP;
}

int socket_bpf_tcp(struct socket_bpf *bpf, bool ownerless_only, struct bpf_socket_table *ret_table)
{
	(void)bpf;
	(void)ownerless_only;
	(void)ret_table;
	return -ENOTSUP;
}

int socket_bpf_udp(struct socket_bpf *bpf, struct bpf_socket_table *ret_table)
{
	(void)bpf;
	(void)ret_table;
	return -ENOTSUP;
}

int socket_bpf_bucket(struct socket_bpf *bpf, uint16_t port, struct bucket_buffer *ret_bucket)
{
	(void)bpf;
	(void)port;
	(void)ret_bucket;
	return -ENOTSUP;
}

void bpf_socket_table_done(struct bpf_socket_table *table)
{
	*table = (struct bpf_socket_table){ .sockets = NULL };
}

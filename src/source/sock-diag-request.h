/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCK_DIAG_REQUEST_H
#define SOURCE_SOCK_DIAG_REQUEST_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/socket.h"
#include "source/source.h"

/* What is asked of sock_diag: bytes of requests, from what is wanted. Pure. */

/* IPPROTO_*, which for MPTCP does not fit into a byte. */
uint16_t sock_diag_protocol(enum protocol protocol);

/* A mask of model states as one of the kernel's (1 << TCP_*); all of them are all ones. */
uint32_t sock_diag_states(uint32_t states, enum protocol protocol);

/* Whether a port is in one of the ranges; in none of them every port is. */
bool sock_diag_port_wanted(const struct port_range *wanted, uint32_t n_wanted, uint16_t port);

/* A program for INET_DIAG_REQ_BYTECODE that accepts local ports (inet_diag_bc_run()). */
struct sock_diag_filter {
	struct inet_diag_bc_op *program; /* NULL: the kernel is not to filter */
	size_t size; /* in bytes */
};

/*
 * A filter for the ranges of ports, none for every port. True if every port is wanted. False and
 * no program: the ports are too many for one, and the caller has to look at them. Freed with
 * sock_diag_filter_done().
 */
bool sock_diag_filter_init(struct sock_diag_filter *filter, const struct port_range *wanted,
			   uint32_t n_wanted);
void sock_diag_filter_done(struct sock_diag_filter *filter);

struct sock_diag_request {
	const struct sock_diag_filter *filter;
	enum protocol protocol;
	int family; /* AF_INET, AF_INET6, or AF_UNSPEC for both in one dump */
	uint32_t states; /* the kernel's */
	uint32_t sequence;
	uint8_t extensions; /* 1 << (INET_DIAG_* - 1) */
};

/* Write the request for a dump to the beginning of a buffer, which has room for any. */
struct nlmsghdr *sock_diag_request_put(void *buffer, const struct sock_diag_request *request);

#endif

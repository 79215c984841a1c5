/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_OWNERS_BPF_H
#define SOURCE_OWNERS_BPF_H

#include <stdint.h>

#include "model/snapshot.h"
#include "source/netns.h"
#include "source/owners-join.h"
#include "source/socket-index.h"
#include "source/socket-bpf.h"
#include "source/source.h"

/* What the passes tell of a socket besides what the snapshot has room for. */
enum socket_trait {
	SOCKET_TRAIT_HAS_FILE = 1U << 0, /* some process, or the kernel for one, holds it */
	SOCKET_TRAIT_MULTICAST = 1U << 1, /* it has joined groups that are not read yet */
};

/* What the pass over all descriptors could not take in. */
struct owners_missed {
	uint32_t too_large; /* descriptor tables that were too large to be seen whole */
	/* Of all namespaces: those with sockets of what is asked for, and not in the snapshot. */
	uint32_t netns;
};

/*
 * Owners of the sockets, by one pass over all descriptors: adds holds and processes (by pid; the
 * snapshot must have none), and sets the flags and v6only of the sockets found. traits has one
 * element for each socket. Returns 0 or -errno, as socket_bpf_owners() does; then no holds and no
 * processes are added.
 */
int owners_bpf_join(struct socket_bpf *bpf, const struct collect_request *request,
		    struct snapshot *snapshot, struct hold_list *holds, uint8_t *traits,
		    struct owners_missed *ret_missed);

/*
 * Flags of the sockets without a holder, which of them are the kernel's own (OWNER_KERNEL),
 * the multicast groups that the first pass announced, and in what order UDP sockets at all
 * addresses of one port are looked up: from the tables of TCP and UDP of each
 * namespace in which that is missing. Returns 0, or the first -errno.
 */
int owners_bpf_tables(struct socket_bpf *bpf, const struct collect_request *request,
		      const struct netns_list *namespaces, struct snapshot *snapshot,
		      const struct hold_list *holds, uint8_t *traits);

/*
 * What the bind buckets of TCP remember, if it is wanted, of the one port that is asked for. Where
 * it cannot be read it is just not there: it decides in rare histories only.
 */
void owners_bpf_memory(struct socket_bpf *bpf, const struct collect_request *request,
		       const struct netns_list *namespaces, struct snapshot *snapshot);

#endif

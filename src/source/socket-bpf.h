/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCKET_BPF_H
#define SOURCE_SOCKET_BPF_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/records.h"

/*
 * What only BPF iterators tell: owners of all processes in one pass, reuse flags of sockets held by
 * others or by nobody, multicast groups of one socket. Needs CAP_BPF and CAP_PERFMON, and Linux
 * 5.17 with BTF; nothing is printed, and every refusal is an -errno after which the caller uses
 * /proc. Descriptors 0 to 2 must be open.
 *
 * Each pass has a program of its own, loaded when first asked for and kept for the next time:
 * loading is what a pass costs on a small host.
 */
struct socket_bpf;

/* Some of the descriptors that hold sockets. */
struct bpf_owner_batch {
	const struct bpf_task_record *tasks; /* all that have been visited, by index */
	const struct bpf_owned_record *sockets;
	uint32_t n_tasks;
	uint32_t n_sockets;
};

/* Takes a batch while it is there: the arrays are the caller's only during the call. */
typedef void bpf_take_owners(void *user, const struct bpf_owner_batch *batch);

struct bpf_socket_table {
	struct bpf_table_record *sockets; /* in the kernel's order */
	struct bpf_group_record *groups; /* by socket */
	uint32_t n_sockets, sockets_capacity;
	uint32_t n_groups, groups_capacity;
};

/*
 * Nothing is loaded yet, so this does not fail; what BPF refuses, the passes return. NULL where
 * portshare was built without BPF (socket-bpf-none.c): the passes take that and return -ENOTSUP.
 * The caller frees it with socket_bpf_free(), which takes NULL and unloads the programs.
 */
struct socket_bpf *socket_bpf_new(void);
void socket_bpf_free(struct socket_bpf *bpf);

/*
 * Every descriptor, in the reader's pid namespace, of a TCP, UDP, UDP-Lite, MPTCP or SCTP socket
 * over IPv4 or IPv6, whatever the socket's network namespace. Threads with tables of their own
 * are seen, files in flight or held by io_uring alone are not. A dump of sockets gives each one a
 * cookie, so dump first and join by cookie (and by inode for the listeners of MPTCP, where the dump
 * of TCP shows the socket inside). A socket that has none, as in a namespace that was never read,
 * is left out unless that is wanted; its cookie is 0.
 *
 * They come in batches, mostly by pid and descriptor; but a process may have several indexes, a
 * descriptor may come again, and a task with pid 0 has gone. ret_too_large receives the number of
 * descriptor tables that could not be walked to their end. Returns 0 or -errno: -ENOTSUP built
 * without BPF, -EPERM, -ENOENT no BTF, -EINVAL and others an old kernel; batches may have been
 * given by then.
 */
int socket_bpf_owners(struct socket_bpf *bpf, bool without_cookie, bpf_take_owners *take,
		      void *user, uint32_t *ret_too_large);

/*
 * TCP sockets of the network namespace that the calling thread is in: TIME-WAIT, listeners and
 * connections, but no connection request (it has no flags) and no socket that is bound and nothing
 * more. In the order of the kernel's tables, as a dump by sock_diag has them. With ownerless_only
 * just those that no process can hold, or the kernel holds. A namespace that changes while it is
 * read can show a socket twice. Free with bpf_socket_table_done().
 */
int socket_bpf_tcp(struct socket_bpf *bpf, bool ownerless_only, struct bpf_socket_table *ret_table);

/*
 * UDP sockets (not UDP-Lite) of the network namespace that the calling thread is in, with their
 * multicast groups, in the order in which the kernel looks for a receiver; before Linux 6.5 in that
 * of bind(). Free with bpf_socket_table_done().
 */
int socket_bpf_udp(struct socket_bpf *bpf, struct bpf_socket_table *ret_table);

/*
 * What the bind bucket of a TCP port, in the namespace that the calling thread is in, remembers;
 * ret_bucket->found is 0 if no socket leads to it. Returns as the others do.
 */
int socket_bpf_bucket(struct socket_bpf *bpf, uint16_t port, struct bucket_buffer *ret_bucket);

void bpf_socket_table_done(struct bpf_socket_table *table);

#endif

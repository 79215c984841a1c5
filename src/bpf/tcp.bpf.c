/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Flags of TCP sockets that no process holds: TIME-WAIT buckets, connections that are not accepted
 * yet, orphans. Visits one network namespace, in the order of the kernel's tables.
 */

#include "bpf/kernel.h"
#include "bpf/records.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tcp_buffer);
} buffer SEC(".maps");

SEC("iter/tcp")
int tcp(struct bpf_iter__tcp *context)
{
	__u64 common = (unsigned long)context->sk_common;
	struct bpf_table_record *record;
	struct tcp_buffer *out;
	__u32 zero = 0, index;
	__u64 cookie, bits;
	__u8 state, flags = 0;

	out = bpf_map_lookup_elem(&buffer, &zero);
	if (!common || !out)
		return 0;
	out->calls++;
	/* The flags of a connection request are whatever was in that memory before. */
	state = READ_SK(common, __sk_common.skc_state);
	if (state == TCP_NEW_SYN_RECV)
		return 0;
	if (state != TCP_TIME_WAIT) {
		__u64 socket = (unsigned long)READ_SK(common, sk_socket);
		bool of_kernel = BITS(BITS_BYTE(common, sk_kern_sock), sk_kern_sock);

		/* Without looking into the socket, which costs as much as all the rest. */
		if (socket && !of_kernel && out->ownerless_only)
			return 0;
		if (of_kernel)
			flags |= BPF_SOCKET_KERNEL;
		if (socket && READ(struct socket, socket, file)) {
			if (out->ownerless_only)
				return 0;
			flags |= BPF_SOCKET_HAS_FILE;
		}
	}
	cookie = READ_SK(common, __sk_common.skc_cookie.counter);
	if (!cookie)
		return 0;
	index = out->n_sockets;
	if (index >= TABLE_MAX_SOCKETS)
		return 1;
	record = &out->sockets[index];
	bits = BITS_BYTE(common, __sk_common.skc_reuse);
	flags |= BITS(bits, __sk_common.skc_reuseport) * BPF_SOCKET_REUSE_PORT |
		 BITS(bits, __sk_common.skc_ipv6only) * BPF_SOCKET_V6ONLY;
	record->cookie = cookie;
	record->local_port = READ_SK(common, __sk_common.skc_num);
	record->family = READ_SK(common, __sk_common.skc_family);
	record->state = state;
	record->reuse = BITS(bits, __sk_common.skc_reuse);
	record->flags = flags;
	out->n_sockets = index + 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

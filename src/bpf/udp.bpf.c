/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Flags and multicast groups of UDP sockets, in the order in which the kernel looks them up. Visits
 * one network namespace.
 */

#include "bpf/kernel.h"
#include "bpf/records.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct udp_buffer);
} buffer SEC(".maps");

struct walk {
	struct udp_buffer *out;
	__u64 next; /* address of the list's next entry */
	__u32 socket;
	__u32 family;
	__u32 full;
};

static long walk_step(__u32 index, struct walk *walk)
{
	struct udp_buffer *out = walk->out;
	__u32 n = out->n_groups;
	__u64 entry = walk->next;
	struct bpf_group_record *record;

	(void)index;
	if (!entry)
		return 1;
	if (n >= TABLE_MAX_GROUPS) {
		walk->full = 1;
		return 1;
	}
	record = &out->groups[n];
	record->socket = walk->socket;
	record->family = walk->family;
	if (walk->family == AF_INET) {
		const struct ip_mc_socklist *group = (const void *)entry;

		record->ifindex = BPF_CORE_READ(group, multi.imr_ifindex);
		record->address[0] = BPF_CORE_READ(group, multi.imr_multiaddr.s_addr);
		record->address[1] = record->address[2] = record->address[3] = 0;
		walk->next = (unsigned long)BPF_CORE_READ(group, next_rcu);
	} else {
		const struct ipv6_mc_socklist *group = (const void *)entry;

		record->ifindex = BPF_CORE_READ(group, ifindex);
		bpf_core_read(record->address, sizeof(record->address), &group->addr);
		walk->next = (unsigned long)BPF_CORE_READ(group, next);
	}
	out->n_groups = n + 1;
	return 0;
}

SEC("iter/udp")
int udp(struct bpf_iter__udp *context)
{
	__u64 sk = (unsigned long)context->udp_sk;
	struct bpf_table_record *record;
	struct udp_buffer *out;
	struct walk walk = {};
	__u32 zero = 0, index, n_groups;
	__u64 socket, cookie, bits;
	__u16 family;
	__u8 flags = 0;

	out = bpf_map_lookup_elem(&buffer, &zero);
	if (!sk || !out)
		return 0;
	out->calls++;
	cookie = READ_SK(sk, __sk_common.skc_cookie.counter);
	if (!cookie)
		return 0;
	index = out->n_sockets;
	if (index >= TABLE_MAX_SOCKETS)
		return 1;
	record = &out->sockets[index];
	n_groups = out->n_groups;
	family = READ_SK(sk, __sk_common.skc_family);
	walk.out = out;
	walk.socket = out->first_socket + index;
	walk.family = AF_INET;
	walk.next = (unsigned long)READ(struct inet_sock, sk, mc_list);
	if (walk.next)
		bpf_loop(TABLE_MAX_GROUPS + 1, walk_step, &walk, 0);
	if (!walk.full && family == AF_INET6 && bpf_core_field_exists(struct inet_sock, pinet6)) {
		__u64 info = (unsigned long)READ(struct inet_sock, sk, pinet6);

		walk.family = AF_INET6;
		walk.next = info ? (unsigned long)READ(struct ipv6_pinfo, info, ipv6_mc_list) : 0;
		if (walk.next)
			bpf_loop(TABLE_MAX_GROUPS + 1, walk_step, &walk, 0);
	}
	if (walk.full && n_groups) {
		/* Again, with an empty buffer: only what does not fit then is cut. */
		out->n_groups = n_groups;
		return 1;
	}
	if (walk.full)
		flags |= BPF_SOCKET_GROUPS_CUT;
	if (out->n_groups != n_groups)
		flags |= BPF_SOCKET_MULTICAST;
	bits = BITS_BYTE(sk, __sk_common.skc_reuse);
	flags |= BITS(bits, __sk_common.skc_reuseport) * BPF_SOCKET_REUSE_PORT |
		 BITS(bits, __sk_common.skc_ipv6only) * BPF_SOCKET_V6ONLY;
	if (BITS(BITS_BYTE(sk, sk_kern_sock), sk_kern_sock))
		flags |= BPF_SOCKET_KERNEL;
	socket = (unsigned long)READ_SK(sk, sk_socket);
	if (socket && READ(struct socket, socket, file))
		flags |= BPF_SOCKET_HAS_FILE;
	record->cookie = cookie;
	record->local_port = READ_SK(sk, __sk_common.skc_num);
	record->family = family;
	record->state = READ_SK(sk, __sk_common.skc_state);
	record->reuse = BITS(bits, __sk_common.skc_reuse);
	record->flags = flags;
	out->n_sockets = index + 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

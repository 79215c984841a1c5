/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the bind bucket of one TCP port remembers of its last bind with SO_REUSEPORT
 * (inet_csk_update_fastreuse()). Found in the kernel's table of buckets; before Linux 5.19, whose
 * table is no namespace's, through the first socket of the port in the table of sockets, in which
 * those that are bound and nothing more are not.
 */

#include "bpf/kernel.h"
#include "bpf/records.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bucket_buffer);
} buffer SEC(".maps");

/* More buckets than that have no place in common but on a host that was made for it. */
#define CHAIN_MAX 128

/*
 * The bucket of the port in the namespace of the reader: inet_bhashfn(), inet_bind_bucket_match().
 */
static __always_inline __u64 find_bucket(__u32 port)
{
	__u64 reader = bpf_get_current_task(), net, info, slot, node, bucket;
	__u32 i;

	if (!bpf_core_field_exists(struct net, ipv4.tcp_death_row.hashinfo))
		return 0;
	net = (unsigned long)READ(struct task_struct, reader, nsproxy);
	net = (unsigned long)READ(struct nsproxy, net, net_ns);
	info = (unsigned long)READ(struct net, net, ipv4.tcp_death_row.hashinfo);
	slot = (port + READ(struct net, net, hash_mix)) &
	       (READ(struct inet_hashinfo, info, bhash_size) - 1);
	slot = (unsigned long)READ(struct inet_hashinfo, info, bhash) +
	       slot * bpf_core_type_size(struct inet_bind_hashbucket);
	node = (unsigned long)READ(struct inet_bind_hashbucket, slot, chain.first);
	for (i = 0; i < CHAIN_MAX && node; i++) {
		bucket = node - bpf_core_field_offset(struct inet_bind_bucket, node);
		if (READ(struct inet_bind_bucket, bucket, port) == port &&
		    (unsigned long)READ(struct inet_bind_bucket, bucket, ib_net.net) == net &&
		    !READ(struct inet_bind_bucket, bucket, l3mdev))
			return bucket;
		node = (unsigned long)READ(struct hlist_node, node, next);
	}
	return 0;
}

/* The bucket that a socket of the port is in. */
static __always_inline __u64 bucket_of(__u64 common, __u32 port)
{
	__u8 state;

	if (!common || READ_SK(common, __sk_common.skc_num) != port)
		return 0;
	state = READ_SK(common, __sk_common.skc_state);
	if (state == TCP_NEW_SYN_RECV)
		return 0;
	if (state == TCP_TIME_WAIT)
		return (unsigned long)READ(struct inet_timewait_sock, common, tw_tb);
	return (unsigned long)READ(struct inet_connection_sock, common, icsk_bind_hash);
}

/* Called for each socket, and at the end without one. */
SEC("iter/tcp")
int bucket(struct bpf_iter__tcp *context)
{
	struct bucket_buffer *out;
	__u32 zero = 0;
	__u64 bucket;

	out = bpf_map_lookup_elem(&buffer, &zero);
	if (!out)
		return 0;
	out->calls++;
	if (out->found)
		return 0;
	bucket = out->calls == 1 ? find_bucket(out->port) : 0;
	if (!bucket)
		bucket = bucket_of((unsigned long)context->sk_common, out->port);
	if (!bucket || READ(struct inet_bind_bucket, bucket, port) != out->port)
		return 0;
	out->reuse_port = READ(struct inet_bind_bucket, bucket, fastreuseport);
	out->uid = READ(struct inet_bind_bucket, bucket, fastuid.val);
	out->family = READ(struct inet_bind_bucket, bucket, fast_sk_family);
	out->v6only = READ(struct inet_bind_bucket, bucket, fast_ipv6_only);
	out->address4 = READ(struct inet_bind_bucket, bucket, fast_rcv_saddr);
	if (bpf_core_field_exists(struct inet_bind_bucket, fast_v6_rcv_saddr))
		bpf_core_read(out->address6, sizeof(out->address6),
			      &((struct inet_bind_bucket *)bucket)->fast_v6_rcv_saddr);
	out->found = 1;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * What the bind bucket of one TCP port remembers of its last bind with SO_REUSEPORT
 * (inet_csk_update_fastreuse()). Reached through the first socket of the port that the table of TCP
 * has; one that is bound and nothing more is not in it.
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

SEC("iter/tcp")
int bucket(struct bpf_iter__tcp *context)
{
	__u64 common = (unsigned long)context->sk_common, bucket;
	struct bucket_buffer *out;
	__u32 zero = 0;
	__u8 state;

	out = bpf_map_lookup_elem(&buffer, &zero);
	if (!common || !out)
		return 0;
	out->calls++;
	if (out->found || READ_SK(common, __sk_common.skc_num) != out->port)
		return 0;
	state = READ_SK(common, __sk_common.skc_state);
	if (state == TCP_NEW_SYN_RECV)
		return 0;
	if (state == TCP_TIME_WAIT)
		bucket = (unsigned long)READ(struct inet_timewait_sock, common, tw_tb);
	else
		bucket = (unsigned long)READ(struct inet_connection_sock, common, icsk_bind_hash);
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

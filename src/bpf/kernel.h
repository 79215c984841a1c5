/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

/*
 * The few members of kernel structures that the programs read. Their offsets here mean nothing:
 * the kernel moves each access to where its own BTF has the member (CO-RE), so that no vmlinux.h is
 * needed. Loading a program takes the kernel a walk through all of its types for each structure
 * named in an access, hence a socket is always reached through the largest one around it. The
 * kernel remembers where it found a structure in one of 31 places by a hash of the name: some are
 * reached through another that contains them so that no two of a program share a place.
 */

#include <stdbool.h>

typedef unsigned char __u8;
typedef signed short __s16;
typedef unsigned short __u16;
typedef signed int __s32;
typedef unsigned int __u32;
typedef signed long long __s64;
typedef unsigned long long __u64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

enum {
	BPF_MAP_TYPE_ARRAY = 2
};
enum {
	BPF_F_MMAPABLE = 1U << 10
};

#define NULL ((void *)0)

#define AF_INET 2
#define AF_INET6 10
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define IPPROTO_MPTCP 262
#define TCP_TIME_WAIT 6
#define TCP_NEW_SYN_RECV 12
#define PF_KTHREAD 0x00200000
#define S_IFMT 0170000
#define S_IFSOCK 0140000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct inet_hashinfo;

struct inet_timewait_death_row {
	struct inet_hashinfo *hashinfo;
};

struct netns_ipv4 {
	struct inet_timewait_death_row tcp_death_row;
};

struct net {
	__u32 hash_mix;
	struct ns_common ns;
	struct netns_ipv4 ipv4;
};

struct nsproxy {
	struct net *net_ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

typedef struct {
	__s64 counter;
} atomic64_t;

struct sock_common {
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	unsigned char skc_ipv6only : 1;
	possible_net_t skc_net;
	atomic64_t skc_cookie;
};

struct file;

struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
};

struct sock;

struct socket {
	struct file *file;
	struct sock *sk;
};

struct proc_inode {
	struct inode vfs_inode;
};

struct bpf_prog;

struct sock_reuseport {
	struct bpf_prog *prog;
};

struct sock {
	struct sock_common __sk_common;
	struct sock_reuseport *sk_reuseport_cb;
	__u8 sk_kern_sock : 1;
	__u16 sk_protocol;
	struct socket *sk_socket;
};

struct in_addr {
	__be32 s_addr;
};

struct in6_addr {
	__be32 words[4];
};

struct ip_mreqn {
	struct in_addr imr_multiaddr;
	int imr_ifindex;
};

struct ip_mc_socklist {
	struct ip_mc_socklist *next_rcu;
	struct ip_mreqn multi;
};

struct ipv6_mc_socklist {
	struct in6_addr addr;
	int ifindex;
	struct ipv6_mc_socklist *next;
};

struct ipv6_pinfo {
	struct ipv6_mc_socklist *ipv6_mc_list;
};

struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	struct ip_mc_socklist *mc_list;
};

struct udp_sock {
	struct inet_sock inet;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct inet_bind_hashbucket {
	struct hlist_head chain;
};

struct inet_hashinfo {
	struct inet_bind_hashbucket *bhash;
	unsigned int bhash_size;
};

struct inet_bind_bucket {
	possible_net_t ib_net;
	int l3mdev;
	unsigned short port;
	signed char fastreuseport;
	kuid_t fastuid;
	struct in6_addr fast_v6_rcv_saddr;
	__be32 fast_rcv_saddr;
	unsigned short fast_sk_family;
	bool fast_ipv6_only;
	struct hlist_node node;
};

struct inet_connection_sock {
	struct inet_bind_bucket *icsk_bind_hash;
};

struct inet_timewait_sock {
	struct inet_bind_bucket *tw_tb;
};

struct file_operations;

struct file {
	struct inode *f_inode;
	const struct file_operations *f_op;
	void *private_data;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
	unsigned long *open_fds;
};

struct files_struct {
	struct fdtable *fdt;
};

struct pid_namespace;

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct cred {
	kuid_t euid;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct cgroup_root {
	struct cgroup cgrp;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	unsigned int flags;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	__u64 start_boottime;
	const struct cred *real_cred;
	char comm[16];
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
};

#pragma clang attribute pop

/* The programs' contexts, with the layout that the kernel promises. */
struct bpf_iter__task {
	void *meta;
	struct task_struct *task;
};

struct bpf_iter__tcp {
	void *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__udp {
	void *meta;
	struct udp_sock *udp_sk;
};

/* The last, as they want the types above. */
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * READ(struct file, pointer, f_op): one member, through a pointer that is not trusted to be valid.
 * A direct load is the cheapest (Linux 6.2 and later); a bad address reads as 0. With PROBE_READ
 * defined the same by a helper that every kernel has.
 */
#ifdef PROBE_READ
#define READ(type, pointer, member)                                                                \
	({                                                                                         \
		typeof(((type *)0)->member) read_value = 0;                                        \
		bpf_core_read(&read_value, sizeof(read_value),                                     \
			      &((type *)(unsigned long)(pointer))->member);                        \
		read_value;                                                                        \
	})
#else
extern void *bpf_rdonly_cast(void *object, __u32 btf_id) __ksym;

#define READ(type, pointer, member)                                                                \
	(((type *)bpf_rdonly_cast((void *)(unsigned long)(pointer),                                \
				  bpf_core_type_id_kernel(type)))                                  \
		 ->member)
#endif

/* A member of a structure that is itself a member of a larger one, given its own address. */
#define READ_WITHIN(type, outer, address, member)                                                  \
	READ(type, (unsigned long)(address)-bpf_core_field_offset(type, outer), outer.member)
#define READ_INODE(address, member) READ_WITHIN(struct proc_inode, vfs_inode, address, member)
#define READ_CGROUP(address, member) READ_WITHIN(struct cgroup_root, cgrp, address, member)
#define READ_SK(address, member) READ(struct inet_sock, address, sk.member)

/*
 * A bit field of a socket: its byte is read once with BITS_BYTE(sk, member), and taken apart
 * without a branch.
 */
#define BITS_BYTE(address, member)                                                                 \
	({                                                                                         \
		const struct inet_sock *bits_of = (void *)(unsigned long)(address);                \
		__u8 bits_byte = 0;                                                                \
		bpf_probe_read_kernel(&bits_byte, sizeof(bits_byte),                               \
				      (const char *)bits_of +                                      \
					      __CORE_RELO(bits_of, sk.member, BYTE_OFFSET));       \
		(__u64) bits_byte;                                                                 \
	})
#define BITS(byte, member)                                                                         \
	({                                                                                         \
		const struct inet_sock *bits_of = NULL;                                            \
		(byte) << __CORE_RELO(bits_of, sk.member, LSHIFT_U64) >>                           \
			__CORE_RELO(bits_of, sk.member, RSHIFT_U64);                               \
	})

#endif

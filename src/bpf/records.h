/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BPF_RECORDS_H
#define BPF_RECORDS_H

/*
 * What the BPF programs write and user space reads: the layout of one mmapable array map with one
 * value. Included by both sides, so that it needs the fixed-width __u types declared before it
 * (<linux/types.h>, or bpf/kernel.h).
 *
 * A program that finds its buffer full returns 1: the read(2) of the iterator fails with EAGAIN,
 * user space empties the buffer, and the next read(2) starts over with the object that did not fit.
 */

/* Bits of "flags" in the records of sockets. */
#define BPF_SOCKET_REUSE_PORT (1U << 0)
#define BPF_SOCKET_V6ONLY (1U << 1)
#define BPF_SOCKET_MULTICAST (1U << 2) /* UDP: has joined at least one multicast group */
#define BPF_SOCKET_KERNEL (1U << 3) /* made by the kernel for itself: sk_kern_sock */
#define BPF_SOCKET_HAS_FILE (1U << 4) /* there is a struct file: somebody holds it */
#define BPF_SOCKET_GROUPS_CUT (1U << 5) /* has more groups than were read */
#define BPF_SOCKET_PROGRAM (1U << 6) /* a program chooses within its SO_REUSEPORT group */
#define BPF_SOCKET_GROUP (1U << 7) /* it is in such a group; read of descriptors only */

/* A thread group that holds a socket. */
struct bpf_task_record {
	__u64 start_boottime_ns; /* since boot, time suspended included */
	__u64 cgroup_id; /* in the default hierarchy; 0 = unknown */
	__u64 cgroup_set; /* address of its css_set, shared by all that are in the same cgroups */
	__u32 pid; /* thread group id, as the reader's pid namespace numbers it */
	__u32 ppid; /* 0: the parent is not in that namespace */
	__u32 uid; /* effective */
	__u32 unused;
	char comm[16]; /* of the leader, ended by NUL */
};

/* A descriptor that refers to a socket. */
struct bpf_owned_record {
	__u64 cookie; /* 0: the socket has none */
	__u32 inode;
	__u32 netns; /* inode of the socket's namespace, whatever that of its owner */
	__u32 task; /* index into the tasks, in the order in which they were written */
	__u32 fd;
	__u16 protocol; /* IPPROTO_* */
	__u16 local_port; /* host byte order; 0 = not bound */
	__u8 family; /* AF_INET, AF_INET6 */
	__u8 state; /* TCP_* of <netinet/tcp.h> */
	__u8 reuse; /* skc_reuse: 0, 1, or 2 for a socket in TCP_REPAIR */
	__u8 flags;
};

/* A socket in a protocol's table, whoever holds it. */
struct bpf_table_record {
	__u64 cookie; /* never 0 */
	__u16 local_port;
	__u8 family;
	__u8 state; /* TCP_TIME_WAIT for a bucket in its FIN-WAIT-2 substate too */
	__u8 reuse;
	__u8 flags;
	__u16 unused;
};

/* A multicast group that a UDP socket has joined. */
struct bpf_group_record {
	__u32 socket; /* index into the sockets of the pass, in the order in which they were written */
	__u32 ifindex;
	__u32 family;
	__u32 address[4]; /* network byte order; for AF_INET the first */
};

#define OWNERS_MAX_TASKS 512
#define OWNERS_MAX_SOCKETS 4096

/* Of a walk over all tasks. */
struct owners_buffer {
	__u32 n_tasks, n_sockets;
	__u32 first_task; /* index of tasks[0]; counted on by user space as it empties the buffer */
	__u32 calls; /* tells user space that there is progress */
	__u32 too_large; /* descriptor tables that could not be walked to their end */
	__u32 without_cookie; /* set by user space: sockets that have none are written too */

	/* The program's memory between calls. */
	__u32 level; /* of the reader's pid namespace, and 1 */
	__u32 written; /* the task that is walked is the last of tasks */
	__u64 resume_task, resume_start; /* whose table did not fit, and when that task began */
	__u64 retried_task; /* its table was replaced while it was walked */
	__u64 last_files, last_leader_start; /* the last table walked for a thread, not a leader */
	__u64 socket_operations; /* address of socket_file_ops, learned from the first socket */

	/* The walk through a table. */
	__u64 leader; /* address of its task */
	__u64 table; /* address of the array of pointers to files */
	__u64 open; /* address of the bitmap of open descriptors */
	__u64 bits; /* what is left of the bitmap's current word */
	__u32 n_words, next_word;
	__u32 next_fd; /* that the lowest of bits stands for */
	__u32 full; /* it stopped for want of room */

	__u64 window[64]; /* pointers to files: a stretch of the table that is walked */
	struct bpf_task_record tasks[OWNERS_MAX_TASKS];
	struct bpf_owned_record sockets[OWNERS_MAX_SOCKETS];
};

#define TABLE_MAX_SOCKETS 4096
#define TABLE_MAX_GROUPS 1024

struct tcp_buffer {
	__u32 n_sockets;
	__u32 calls;
	__u32 ownerless_only; /* set by user space: leave out what a process can hold */
	__u32 unused;
	struct bpf_table_record sockets[TABLE_MAX_SOCKETS];
};

/* Of one port; nothing is appended. */
struct bucket_buffer {
	__u32 port; /* set by user space */
	__u32 calls;
	__u32 found; /* what follows is valid */
	__u32 uid;
	__u32 family; /* AF_INET, AF_INET6 */
	__u32 v6only;
	__s32 reuse_port; /* fastreuseport */
	__u32 address4; /* network byte order */
	__u32 address6[4];
};

struct udp_buffer {
	__u32 n_sockets, n_groups;
	__u32 first_socket; /* as first_task above */
	__u32 calls;
	struct bpf_table_record sockets[TABLE_MAX_SOCKETS];
	struct bpf_group_record groups[TABLE_MAX_GROUPS];
};

#endif

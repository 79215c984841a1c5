/* SPDX-License-Identifier: GPL-2.0-or-later */

/*
 * Who holds which socket: one call for each task, which walks the task's descriptor table. Runs
 * under RCU, without locks and references: what a pointer leads to may be gone and reused, so the
 * reader believes a record only if it fits a socket that it knows by cookie and inode.
 *
 * The functions that are not static are checked by the kernel once each, not once a caller, and the
 * state of the walk is in the map because the kernel then has no values to tell apart: both halve
 * the time of loading.
 */

#include "bpf/kernel.h"
#include "bpf/records.h"

#define WORD_BITS 64

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct owners_buffer);
} buffer SEC(".maps");

static __always_inline struct owners_buffer *get_buffer(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&buffer, &zero);
}

/* The number of a task in the pid namespace of a level, 0 if it has none that deep. */
static __always_inline __u32 task_number(const struct task_struct *leader, __u32 level,
					 __u64 *ret_namespace)
{
	__u64 pid = (unsigned long)READ(struct task_struct, leader, thread_pid);
	__u64 number;

	if (!pid || READ(struct pid, pid, level) < level)
		return 0;
	/* So that its numbers[0] is numbers[level]. */
	number = pid + level * bpf_core_field_size(struct pid, numbers[0]);
	*ret_namespace = (unsigned long)READ(struct pid, number, numbers[0].ns);
	return READ(struct pid, number, numbers[0].nr);
}

/* Append the task that is walked. 0 if there is no room. */
__attribute__((noinline)) int write_task(void)
{
	struct owners_buffer *out = get_buffer();
	struct bpf_task_record *record;
	const struct task_struct *leader, *parent;
	__u64 address, namespace = 0, parent_namespace = 0;
	__u32 index, level;

	if (!out)
		return 0;
	index = out->n_tasks;
	if (index >= OWNERS_MAX_TASKS)
		return 0;
	record = &out->tasks[index];
	leader = (const struct task_struct *)out->leader;
	level = out->level - 1;
	parent = READ(struct task_struct, leader, real_parent);
	parent = READ(struct task_struct, parent, group_leader);
	record->pid = task_number(leader, level, &namespace);
	record->ppid = task_number(parent, level, &parent_namespace);
	if (namespace != parent_namespace)
		record->ppid = 0;
	address = (unsigned long)READ(struct task_struct, leader, real_cred);
	record->uid = READ(struct cred, address, euid.val);
	record->start_boottime_ns = READ(struct task_struct, leader, start_boottime);
	address = (unsigned long)READ(struct task_struct, leader, cgroups);
	record->cgroup_set = address;
	address = (unsigned long)READ(struct css_set, address, dfl_cgrp);
	address = (unsigned long)READ_CGROUP(address, kn);
	record->cgroup_id = READ(struct kernfs_node, address, id);
	bpf_core_read(record->comm, sizeof(record->comm), &leader->comm);
	out->n_tasks = index + 1;
	out->written = 1;
	return 1;
}

/*
 * Whether a file is a socket, where none has been seen yet. All sockets have the same operations,
 * which the first teaches: its inode says that it is a socket, and the socket points back to it.
 */
static __always_inline bool learn_socket(struct owners_buffer *out, __u64 file)
{
	__u64 operations = (unsigned long)READ(struct file, file, f_op);
	__u64 socket = (unsigned long)READ(struct file, file, private_data);
	__u64 inode = (unsigned long)READ(struct file, file, f_inode);

	if (!operations || !socket || (READ_INODE(inode, i_mode) & S_IFMT) != S_IFSOCK ||
	    (unsigned long)READ(struct socket, socket, file) != file)
		return false;
	out->socket_operations = operations;
	return true;
}

static __always_inline bool has_joined_groups(__u64 sk, __u16 family)
{
	__u64 info;

	if (READ(struct inet_sock, sk, mc_list))
		return true;
	if (family != AF_INET6 || !bpf_core_field_exists(struct inet_sock, pinet6))
		return false;
	info = (unsigned long)READ(struct inet_sock, sk, pinet6);
	return info && READ(struct ipv6_pinfo, info, ipv6_mc_list);
}

static __always_inline __u8 group_flags(__u64 sk)
{
	__u64 group = (unsigned long)READ_SK(sk, sk_reuseport_cb);

	if (!group)
		return 0;
	return BPF_SOCKET_GROUP |
	       (READ(struct sock_reuseport, group, prog) ? BPF_SOCKET_PROGRAM : 0);
}

/* Append the socket of a file, if it is one of ours. 0 if there is no room. */
__attribute__((noinline)) int write_file(__u64 file, __u32 fd)
{
	struct owners_buffer *out = get_buffer();
	struct bpf_owned_record *record;
	__u64 socket, sk, inode, net, cookie, bits;
	__u16 family, protocol;
	__u32 index;
	__u8 flags = 0;

	if (!out)
		return 0;
	if (!out->socket_operations && !learn_socket(out, file))
		return 1;
	socket = (unsigned long)READ(struct file, file, private_data);
	sk = (unsigned long)READ(struct socket, socket, sk);
	if (!sk)
		return 1;
	family = READ_SK(sk, __sk_common.skc_family);
	if (family != AF_INET && family != AF_INET6)
		return 1;
	protocol = READ_SK(sk, sk_protocol);
	cookie = READ_SK(sk, __sk_common.skc_cookie.counter);
	if (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE)
		flags = has_joined_groups(sk, family) ? BPF_SOCKET_MULTICAST : 0;
	else if (protocol != IPPROTO_TCP && protocol != IPPROTO_MPTCP && protocol != IPPROTO_SCTP)
		return 1;
	if (!cookie && !out->without_cookie)
		return 1;

	index = out->n_sockets;
	if (index >= OWNERS_MAX_SOCKETS)
		return 0;
	if (!out->written && !write_task())
		return 0;
	record = &out->sockets[index];
	inode = (unsigned long)READ(struct file, file, f_inode);
	net = (unsigned long)READ_SK(sk, __sk_common.skc_net.net);
	bits = BITS_BYTE(sk, __sk_common.skc_reuse);
	record->cookie = cookie;
	record->inode = READ_INODE(inode, i_ino);
	record->netns = READ(struct net, net, ns.inum);
	record->task = out->first_task + out->n_tasks - 1;
	record->fd = fd;
	record->protocol = protocol;
	record->local_port = READ_SK(sk, __sk_common.skc_num);
	record->family = family;
	record->state = READ_SK(sk, __sk_common.skc_state);
	record->reuse = BITS(bits, __sk_common.skc_reuse);
	record->flags = flags | BPF_SOCKET_HAS_FILE | group_flags(sk) |
			BITS(bits, __sk_common.skc_reuseport) * BPF_SOCKET_REUSE_PORT |
			BITS(bits, __sk_common.skc_ipv6only) * BPF_SOCKET_V6ONLY;
	out->n_sockets = index + 1;
	return 1;
}

/* Read a word of the bitmap, and the pointers that go with it. */
static __always_inline void read_word(struct owners_buffer *out, __u32 word)
{
	__u64 bits = 0;

	bpf_probe_read_kernel(&bits, sizeof(bits), (void *)(out->open + word * sizeof(bits)));
	if (bits)
		bpf_probe_read_kernel(out->window, sizeof(out->window),
				      (void *)(out->table + (__u64)word * sizeof(out->window)));
	out->bits = bits;
	out->next_fd = word * WORD_BITS;
	out->next_word = word + 1;
}

/* One step of the walk: one descriptor, or on to the bitmap's next word. */
static long walk_step(__u32 index, void *context)
{
	struct owners_buffer *out = get_buffer();
	__u32 fd;
	__u64 bits;

	(void)index;
	(void)context;
	if (!out)
		return 1;
	bits = out->bits;
	if (!bits) {
		if (out->next_word >= out->n_words)
			return 1;
		read_word(out, out->next_word);
		return 0;
	}
	fd = out->next_fd;
	if (bits & 1) {
		__u64 file = out->window[fd % WORD_BITS];

		if (file &&
		    (!out->socket_operations ||
		     out->socket_operations == (unsigned long)READ(struct file, file, f_op)) &&
		    !write_file(file, fd)) {
			out->full = 1;
			return 1;
		}
	}
	out->bits = bits >> 1;
	out->next_fd = fd + 1;
	return 0;
}

/* Whether a thread's table is one that its leader has too, or that the thread before it had. */
static __always_inline bool is_walked_already(struct owners_buffer *out, __u64 leader, __u64 files)
{
	__u64 start;

	if (files == (unsigned long)READ(struct task_struct, leader, files))
		return true;
	start = READ(struct task_struct, leader, start_boottime);
	if (files == out->last_files && start == out->last_leader_start)
		return true;
	out->last_files = files;
	out->last_leader_start = start;
	return false;
}

/* How deep the reader's pid namespace is. */
static __always_inline void learn_level(struct owners_buffer *out)
{
	__u64 reader = bpf_get_current_task();
	__u64 pid = (unsigned long)READ(struct task_struct, reader, thread_pid);

	out->level = READ(struct pid, pid, level) + 1;
}

/* From the first descriptor on, or from where the buffer was full. */
static __always_inline void walk(struct owners_buffer *out, __u64 files, bool resumed)
{
	__u64 fdt = (unsigned long)READ(struct files_struct, files, fdt);
	__u32 max_fds = READ(struct fdtable, fdt, max_fds);

	out->table = (unsigned long)READ(struct fdtable, fdt, fd);
	out->open = (unsigned long)READ(struct fdtable, fdt, open_fds);
	out->n_words = max_fds / WORD_BITS;
	if (resumed) {
		/* The word that the walk was in is read anew, without what is done. */
		__u32 fd = out->next_fd;

		read_word(out, fd / WORD_BITS);
		out->bits >>= fd % WORD_BITS;
		out->next_fd = fd;
	} else {
		out->bits = 0;
		out->next_word = 0;
	}
	out->full = 0;
	/* A step for each word and one for each of its bits, at most, and one to see the end. */
	bpf_loop(max_fds + max_fds / WORD_BITS + 1, walk_step, NULL, 0);
}

SEC("iter/task")
int owners(struct bpf_iter__task *iterator)
{
	struct owners_buffer *out = get_buffer();
	__u64 task = (unsigned long)iterator->task;
	__u64 files, after;
	__u32 n_tasks, n_sockets;
	bool resumed;

	if (!task || !out)
		return 0;
	out->calls++;
	if (READ(struct task_struct, task, flags) & PF_KTHREAD)
		return 0;
	files = (unsigned long)READ(struct task_struct, task, files);
	if (!files)
		return 0;
	out->leader = (unsigned long)READ(struct task_struct, task, group_leader);
	resumed = out->resume_task == task &&
		  out->resume_start == READ(struct task_struct, task, start_boottime);
	if (!resumed) {
		out->written = 0;
		if (out->leader != task && is_walked_already(out, out->leader, files))
			return 0;
	}
	out->resume_task = 0;
	if (!out->level)
		learn_level(out);
	n_tasks = out->n_tasks;
	n_sockets = out->n_sockets;
	walk(out, files, resumed);

	after = (unsigned long)READ(struct task_struct, task, files);
	if (!after && !resumed) {
		/* It exits: its table may have been another's for a while. */
		out->n_tasks = n_tasks;
		out->n_sockets = n_sockets;
		return 0;
	}
	if (after && after != files && out->retried_task != task) {
		out->retried_task = task;
		out->last_files = 0;
		return 1;
	}
	if (out->full) {
		out->resume_task = task;
		out->resume_start = READ(struct task_struct, task, start_boottime);
		return 1;
	}
	if (out->bits || out->next_word < out->n_words)
		out->too_large++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";

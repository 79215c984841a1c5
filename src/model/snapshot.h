/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SNAPSHOT_H
#define MODEL_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/bind-memory.h"
#include "model/socket.h"
#include "model/tristate.h"
#include "util/string-pool.h"

/*
 * Everything that was read, at one time, about the sockets of one or more network namespaces. The
 * snapshot owns all of it; tables name each other's rows by index, strings live in its pool. Time
 * is a field: nothing that works on a snapshot reads a clock.
 */

#define SNAPSHOT_SCHEMA_VERSION 1
#define SNAPSHOT_NONE UINT32_MAX /* "no row" as an index */

enum sysctl_id {
	SYSCTL_TCP_TW_REUSE,
	SYSCTL_TCP_FIN_TIMEOUT,
	SYSCTL_TCP_MAX_TW_BUCKETS,
	SYSCTL_TCP_MIGRATE_REQ,
	SYSCTL_TCP_ABORT_ON_OVERFLOW,
	SYSCTL_SOMAXCONN,
	SYSCTL_IP_UNPRIVILEGED_PORT_START,
	SYSCTL_IP_NONLOCAL_BIND,
	SYSCTL_IPV6_NONLOCAL_BIND,
	SYSCTL_IP_AUTOBIND_REUSE,
	SYSCTL_BINDV6ONLY,
	N_SYSCTLS,
};

enum counter_id {
	COUNTER_TIME_WAIT_OVERFLOW,
	COUNTER_LISTEN_OVERFLOWS,
	COUNTER_LISTEN_DROPS,
	COUNTER_UDP_IN_ERRORS,
	COUNTER_UDP_RCVBUF_ERRORS,
	N_COUNTERS,
};

/* Names as in /proc/sys/net and /proc/net/{netstat,snmp}, used in JSON too. */
const char *sysctl_name(enum sysctl_id id);
const char *counter_name(enum counter_id id);

struct netns {
	uint64_t id; /* inode of the namespace file; 0 = unknown */
	string_id name; /* as in /run/netns, or 0 */
	string_id path; /* a file by which it could be entered when it was read, or 0. Not saved */
	uint8_t own; /* enum tristate: that of the reader */
	int64_t sysctls[N_SYSCTLS];
	uint64_t counters[N_COUNTERS];
	uint32_t sysctls_known; /* 1U << enum sysctl_id */
	uint32_t counters_known; /* 1U << enum counter_id */
	uint16_t port_range_first, port_range_last; /* ip_local_port_range; both 0 = unknown */
	string_id reserved_ports; /* ip_local_reserved_ports as the kernel writes it; 0 = unknown */
};

enum process_known {
	PROCESS_HAS_PPID = 1U << 0,
	PROCESS_HAS_UID = 1U << 1, /* effective uid */
	PROCESS_HAS_START_TIME = 1U << 2,
	PROCESS_HAS_EXE_FILE = 1U << 3, /* exe_device and exe_inode */
	PROCESS_HAS_CMDLINE = 1U << 4, /* cmdline may be empty: a kernel thread, a zombie */
	PROCESS_HAS_CGROUP_ID = 1U << 5,
};

struct process {
	uint32_t pid; /* in the pid namespace of the reader */
	uint32_t ppid;
	uint32_t uid;
	uint32_t known; /* enum process_known */
	int64_t start_time_ns; /* since the epoch */
	uint64_t exe_device, exe_inode; /* identity of the program */
	uint64_t cgroup_id; /* inode of the directory in the unified hierarchy */
	/* Those with one number are in the same cgroups; 0 = unknown. Not saved. */
	uint64_t cgroup_set;
	string_id comm;
	string_id cmdline; /* arguments, each ended by NUL */
	string_id exe; /* path, without the kernel's " (deleted)" */
	string_id cwd; /* working directory, 0 = unknown */
	string_id cgroup; /* path below the hierarchy's root */
	string_id unit; /* systemd unit, 0 = none or unknown */
	string_id container; /* container id, 0 = none or unknown */
	uint8_t exe_deleted; /* enum tristate */
};

#define OWNER_FD_NONE (-1) /* held without a descriptor: a fixed file of io_uring */
#define OWNER_FD_UNKNOWN (-2) /* which descriptor is not known */

/* That a process holds a socket under a descriptor number. */
struct owner {
	uint32_t process; /* index into snapshot.processes */
	int32_t fd; /* or OWNER_FD_… */
};

struct user {
	uint32_t uid;
	string_id name; /* 0: the uid has no name */
};

/* What could not be seen, and why. One entry for each kind of thing and reason. */
struct limit {
	string_id what; /* "sockets", "owners", "reuse", "processes", "netns", "sysctl", … */
	string_id reason; /* an errno name, or a word: "changed", "old-kernel", … */
	string_id text; /* one sentence for people */
	uint64_t count; /* how many are concerned; 0 = not countable */
};

struct snapshot {
	struct string_pool strings;
	string_id version; /* of the portshare that wrote it */
	string_id host;
	string_id kernel;
	int64_t start_ns, end_ns; /* of the reading, since the epoch; 0 = unknown */
	bool from_file; /* nothing more can be asked about it. Not saved */
	/* When the search of the owners began, which may be long before; likewise. Not saved. */
	int64_t owners_ns;

	struct netns *netns;
	uint32_t n_netns, netns_capacity;
	struct inet_socket *sockets;
	uint32_t n_sockets, sockets_capacity;
	struct process *processes; /* by pid */
	uint32_t n_processes, processes_capacity;
	struct owner *owners;
	uint32_t n_owners, owners_capacity;
	struct bucket_memory *memories; /* of TCP buckets, where they were read */
	uint32_t n_memories, memories_capacity;
	struct multicast_group *groups;
	uint32_t n_groups, groups_capacity;
	struct user *users; /* by uid */
	uint32_t n_users, users_capacity;
	struct limit *limits;
	uint32_t n_limits, limits_capacity;
};

/* An empty snapshot on the heap. Free with snapshot_free(), which takes NULL too. */
struct snapshot *snapshot_new(void);
void snapshot_free(struct snapshot *snapshot);

/*
 * Append a zeroed row and return it; the pointer is valid until the next addition to the same
 * table. For a socket everything not filled in is unknown.
 */
struct inet_socket *snapshot_add_socket(struct snapshot *snapshot);
struct netns *snapshot_add_netns(struct snapshot *snapshot);

/*
 * Whether it is another than the reader's, for which a command has to go into it first. Where that
 * was not noted the first is taken for the reader's.
 */
bool snapshot_is_other_netns(const struct snapshot *snapshot, uint32_t index);
struct process *snapshot_add_process(struct snapshot *snapshot);
struct owner *snapshot_add_owner(struct snapshot *snapshot);
struct multicast_group *snapshot_add_group(struct snapshot *snapshot);
struct bucket_memory *snapshot_add_memory(struct snapshot *snapshot);

/*
 * Record a limit. An entry with the same what, reason and text is counted up instead of repeated.
 * text is printf-like.
 */
void snapshot_add_limit(struct snapshot *snapshot, const char *what, const char *reason,
			uint64_t count, const char *text, ...)
	__attribute__((format(printf, 5, 6)));

/*
 * Count what is not known of bound sockets that are not the kernel's own: those of unknown reuse
 * flags, and those with holders, or perhaps with some, of whom none can be seen. Returns whether
 * all is known of them, and there are no limits.
 */
bool snapshot_sees_all(const struct snapshot *snapshot, uint32_t *ret_flags, uint32_t *ret_holders);

/* What a filter has left of a snapshot. */
enum snapshot_part {
	PART_WHOLE,
	PART_PORTS, /* of some ports everything, of the others nothing */
	PART_SOCKETS, /* of a port perhaps some only: who is missing may be the one that decides */
};

/* Record, as a limit, that a snapshot is a part of what was read; and read that again. */
void snapshot_set_part(struct snapshot *snapshot, enum snapshot_part part);
enum snapshot_part snapshot_part(const struct snapshot *snapshot);

/* Whether there is a limit of this kind, for this reason. */
bool snapshot_has_limit(const struct snapshot *snapshot, const char *what, const char *reason);

/*
 * Bring the owners of a socket into order: by process (index, or pid while rows are not connected
 * yet), then by descriptor, each once. Returns how many are left.
 */
uint32_t snapshot_sort_owners(struct owner *owners, uint32_t count);

/* Remember the name of a uid (0 = it has none). A uid already there is left as it is. */
void snapshot_set_user(struct snapshot *snapshot, uint32_t uid, string_id name);

/* Whether snapshot_set_user() was called for the uid; ret_name gets the name or 0. */
bool snapshot_find_user(const struct snapshot *snapshot, uint32_t uid, string_id *ret_name);

/* Index of a process by pid, or SNAPSHOT_NONE. The table must be sorted by pid. */
uint32_t snapshot_find_process(const struct snapshot *snapshot, uint32_t pid);

/* Intern, and look up: short for the string_pool functions on snapshot->strings. */
string_id snapshot_string(struct snapshot *snapshot, const char *string);
const char *snapshot_text(const struct snapshot *snapshot, string_id id);

/*
 * Drop every socket for which keep[] is false, with the owners and groups that only they have, and
 * the processes that neither own what is left nor are an ancestor of one that does. Keeps the
 * order. keep has n_sockets entries.
 */
void snapshot_retain(struct snapshot *snapshot, const bool *keep);

#endif

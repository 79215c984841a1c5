/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/boot-time.h"
#include "source/cgroup.h"
#include "source/proc-parse.h"
#include "source/procfs.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

/* A command line is cut here; it may be as long as its process likes. */
#define CMDLINE_MAX 65536

/* PID_MAX_LIMIT on 64-bit machines. */
#define PID_LIMIT (4U << 20)

#define NS_PER_S 1000000000

/* Two readings of a start differ by a tick, and by what moved the clock between them. */
#define START_TOLERANCE_NS (50 * 1000000)

#define DELETED " (deleted)"

/*
 * So many processes of a css_set must have named the same path before it is taken for all: one may
 * have moved, since it was seen to be in that set.
 */
#define SET_WITNESSES 2

/* What the path of a cgroup tells. */
struct cgroup_entry {
	uint64_t id; /* of the cgroup, or of the css_set */
	string_id path, unit, container;
	uint32_t n_witnesses; /* of a css_set */
};

struct cgroup_table {
	struct cgroup_entry *entries; /* by id */
	uint32_t count, capacity;
};

struct enrichment {
	uint32_t want; /* enum collect_want */
	const bool *wanted; /* of the first n_wanted processes those to be read; NULL: all */
	uint32_t n_wanted;
	struct snapshot *snapshot;
	int proc; /* descriptor of /proc */
	int64_t boot_ns; /* 0: not asked yet */
	long ticks_per_s;
	struct cgroup_finder *finder;
	struct cgroup_table cgroups, sets;
	char bytes[CMDLINE_MAX + 1];
};

/* Read /proc/PID/NAME into the buffer, NUL behind. Returns the length or -errno. */
static ssize_t read_proc(struct enrichment *enrichment, uint32_t pid, const char *name)
{
	size_t length = 0;
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%u/%s", pid, name);
	fd = openat(enrichment->proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		n = read(fd, enrichment->bytes + length, CMDLINE_MAX - length);
		if (n > 0)
			length += (size_t)n;
		/* These files come in one piece, unless they are longer than a page. */
	} while (n > 0 && length >= 4096 && length < CMDLINE_MAX);
	n = n < 0 ? -errno : 0;
	close(fd);
	if (n)
		return n;
	enrichment->bytes[length] = '\0';
	return (ssize_t)length;
}

static string_id add_bytes(struct enrichment *enrichment, const char *bytes, size_t length)
{
	return string_pool_add_bytes(&enrichment->snapshot->strings, bytes, length);
}

/* When a process began, by what /proc says, since the epoch; 0: the clocks cannot be read. */
static int64_t start_time(struct enrichment *enrichment, uint64_t ticks)
{
	uint64_t rate;

	if (!enrichment->boot_ns) {
		enrichment->boot_ns = boot_time();
		enrichment->ticks_per_s = sysconf(_SC_CLK_TCK);
	}
	if (!enrichment->boot_ns || enrichment->ticks_per_s <= 0)
		return 0;
	rate = (uint64_t)enrichment->ticks_per_s;
	return enrichment->boot_ns +
	       (int64_t)(ticks / rate * NS_PER_S + ticks % rate * NS_PER_S / rate);
}

/* /proc/PID/stat. False if the process has ended, or if another has its number by now. */
static bool parse_stat(struct enrichment *enrichment, const struct process *process,
		       struct proc_stat *ret_stat, int64_t *ret_began)
{
	ssize_t length = read_proc(enrichment, process->pid, "stat");

	if (length < 0 || proc_parse_stat(enrichment->bytes, (size_t)length, ret_stat))
		return false;
	*ret_began = start_time(enrichment, ret_stat->start_ticks);
	return !(process->known & PROCESS_HAS_START_TIME) || !*ret_began ||
	       llabs(*ret_began - process->start_time_ns) <= START_TOLERANCE_NS;
}

/* Take from it everything that is not known yet. */
static bool read_stat(struct enrichment *enrichment, struct process *process)
{
	struct proc_stat stat;
	int64_t began;

	if (!parse_stat(enrichment, process, &stat, &began))
		return false;
	if (!process->comm)
		process->comm = add_bytes(enrichment, stat.comm, stat.comm_length);
	if (!(process->known & PROCESS_HAS_PPID)) {
		process->ppid = stat.ppid;
		process->known |= PROCESS_HAS_PPID;
	}
	if (!(process->known & PROCESS_HAS_START_TIME) && began) {
		process->start_time_ns = began;
		process->known |= PROCESS_HAS_START_TIME;
	}
	return true;
}

static void read_comm(struct enrichment *enrichment, struct process *process)
{
	ssize_t length = read_proc(enrichment, process->pid, "comm");

	/* The newline at the end is not the name's. */
	if (length > 0)
		process->comm = add_bytes(enrichment, enrichment->bytes, (size_t)length - 1);
}

static void read_uid(struct enrichment *enrichment, struct process *process)
{
	ssize_t length = read_proc(enrichment, process->pid, "status");

	if (length < 0 || proc_parse_status_uid(enrichment->bytes, (size_t)length, &process->uid))
		return;
	process->known |= PROCESS_HAS_UID;
}

static void read_cmdline(struct enrichment *enrichment, struct process *process)
{
	ssize_t length = read_proc(enrichment, process->pid, "cmdline");

	if (length < 0)
		return;
	/* One that was cut, or written by the process itself, may lack its last NUL. */
	if (length && enrichment->bytes[length - 1])
		length++;
	process->cmdline = add_bytes(enrichment, enrichment->bytes, (size_t)length);
	process->known |= PROCESS_HAS_CMDLINE;
}

static bool is_same_file(const char *path, const struct stat *wanted)
{
	struct stat info;

	return !stat(path, &info) && info.st_dev == wanted->st_dev && info.st_ino == wanted->st_ino;
}

static void read_exe(struct enrichment *enrichment, struct process *process)
{
	char link[64], path[PATH_MAX + 1];
	size_t suffix = strlen(DELETED);
	struct stat info;
	ssize_t length;

	snprintf(link, sizeof(link), "%u/exe", process->pid);
	length = readlinkat(enrichment->proc, link, path, sizeof(path) - 1);
	if (length <= 0)
		return;
	path[length] = '\0';
	if (fstatat(enrichment->proc, link, &info, 0))
		return;
	process->exe_device = info.st_dev;
	process->exe_inode = info.st_ino;
	process->known |= PROCESS_HAS_EXE_FILE;
	process->exe_deleted = TRISTATE_NO;
	/* A file may really have a name that ends like this. */
	if ((size_t)length > suffix && !strcmp(path + length - suffix, DELETED) &&
	    !is_same_file(path, &info)) {
		process->exe_deleted = TRISTATE_YES;
		length -= (ssize_t)suffix;
	}
	process->exe = add_bytes(enrichment, path, (size_t)length);
}

/* Where a script is that its command line names without a path. */
static void read_cwd(struct enrichment *enrichment, struct process *process)
{
	char link[64], path[PATH_MAX + 1];
	ssize_t length;

	snprintf(link, sizeof(link), "%u/cwd", process->pid);
	length = readlinkat(enrichment->proc, link, path, sizeof(path) - 1);
	if (length > 0)
		process->cwd = add_bytes(enrichment, path, (size_t)length);
}

/* Intern a path and what it tells; path is NUL-terminated. */
static struct cgroup_entry intern_path(struct enrichment *enrichment, const char *path)
{
	struct cgroup_names names;
	struct cgroup_entry entry = { .id = 0 };

	cgroup_parse_path(path, &names);
	entry.path = add_bytes(enrichment, path, strlen(path));
	if (names.unit_length)
		entry.unit = add_bytes(enrichment, names.unit, names.unit_length);
	if (names.container_length)
		entry.container = add_bytes(enrichment, names.container, names.container_length);
	return entry;
}

/* The entry of an id, or NULL; ret_at receives its place. */
static struct cgroup_entry *find_entry(const struct cgroup_table *table, uint64_t id,
				       uint32_t *ret_at)
{
	uint32_t low = 0, high = table->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (table->entries[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_at = low;
	return low < table->count && table->entries[low].id == id ? &table->entries[low] : NULL;
}

static void insert_entry(struct cgroup_table *table, uint32_t at, const struct cgroup_entry *entry)
{
	ARRAY_RESERVE(table->entries, table->count, table->capacity);
	memmove(table->entries + at + 1, table->entries + at, (table->count - at) * sizeof(*entry));
	table->entries[at] = *entry;
	table->count++;
}

/* The entry of an id; path is 0 where the id leads nowhere. */
static struct cgroup_entry cgroup_of_id(struct enrichment *enrichment, uint64_t id)
{
	struct cgroup_entry entry = { .id = 0 };
	const struct cgroup_entry *found;
	char path[PATH_MAX];
	uint32_t at;

	found = find_entry(&enrichment->cgroups, id, &at);
	if (found)
		return *found;
	if (!enrichment->finder)
		enrichment->finder = cgroup_finder_new();
	if (!cgroup_finder_path(enrichment->finder, id, path, sizeof(path)) &&
	    (path[1] || cgroup_finder_is_unified(enrichment->finder)))
		entry = intern_path(enrichment, path);
	entry.id = id;
	insert_entry(&enrichment->cgroups, at, &entry);
	return entry;
}

/*
 * A process has named the path of its css_set, if it is there still: one that ends is in the root.
 */
static void add_witness(struct enrichment *enrichment, const struct process *process,
			struct cgroup_entry entry)
{
	struct cgroup_entry *found;
	struct proc_stat stat;
	int64_t began;
	uint32_t at;

	if (!parse_stat(enrichment, process, &stat, &began) || stat.exiting)
		return;
	found = find_entry(&enrichment->sets, process->cgroup_set, &at);
	entry.id = process->cgroup_set;
	entry.n_witnesses = found && found->path == entry.path ? found->n_witnesses + 1 : 1;
	if (found)
		*found = entry;
	else
		insert_entry(&enrichment->sets, at, &entry);
}

/* /proc/PID/cgroup, unless others of the same css_set have said it. */
static bool cgroup_of_process(struct enrichment *enrichment, const struct process *process,
			      struct cgroup_entry *ret_entry)
{
	const struct cgroup_entry *found = NULL;
	const char *path;
	size_t path_length;
	ssize_t length;
	uint32_t at;

	if (process->cgroup_set)
		found = find_entry(&enrichment->sets, process->cgroup_set, &at);
	if (found && found->n_witnesses >= SET_WITNESSES) {
		*ret_entry = *found;
		return true;
	}
	length = read_proc(enrichment, process->pid, "cgroup");
	if (length < 0 || proc_parse_cgroup(enrichment->bytes, (size_t)length, &path, &path_length))
		return false;
	enrichment->bytes[path + path_length - enrichment->bytes] = '\0';
	*ret_entry = intern_path(enrichment, path);
	if (process->cgroup_set)
		add_witness(enrichment, process, *ret_entry);
	return true;
}

static void read_cgroup(struct enrichment *enrichment, struct process *process)
{
	struct cgroup_entry entry = { .id = 0 };

	if (process->known & PROCESS_HAS_CGROUP_ID)
		entry = cgroup_of_id(enrichment, process->cgroup_id);
	if (!entry.path && !cgroup_of_process(enrichment, process, &entry))
		return;
	process->cgroup = entry.path;
	process->unit = entry.unit;
	process->container = entry.container;
}

static void enrich_process(struct enrichment *enrichment, struct process *process)
{
	uint32_t want = enrichment->want, known = process->known;
	bool needs_stat;

	/* What is read by the number alone must not be another's who has got it since. */
	needs_stat = ((want & (WANT_PID | WANT_ANCESTORS)) && !(known & PROCESS_HAS_PPID)) ||
		     ((want & WANT_START_TIME) && !(known & PROCESS_HAS_START_TIME)) ||
		     ((want & (WANT_CMDLINE | WANT_EXE)) && (known & PROCESS_HAS_START_TIME)) ||
		     ((want & WANT_CGROUP) && (known & PROCESS_HAS_START_TIME) &&
		      !(known & PROCESS_HAS_CGROUP_ID));
	if (needs_stat && !read_stat(enrichment, process))
		return;
	if (!process->comm)
		read_comm(enrichment, process);
	if ((want & WANT_PID) && !(known & PROCESS_HAS_UID))
		read_uid(enrichment, process);
	if (want & WANT_CMDLINE)
		read_cmdline(enrichment, process);
	if (want & WANT_EXE)
		read_exe(enrichment, process);
	/* Only to tell programs apart. */
	if ((want & WANT_CMDLINE) && (want & WANT_EXE))
		read_cwd(enrichment, process);
	if (want & WANT_CGROUP)
		read_cgroup(enrichment, process);
}

/* Append a process's parent, unless it is there (a bit is set for its pid) or has ended. */
static void add_parent(struct enrichment *enrichment, uint32_t child, uint8_t *present)
{
	const struct process *process = &enrichment->snapshot->processes[child];
	struct process parent = { .pid = process->ppid };

	if (!(process->known & PROCESS_HAS_PPID) || !parent.pid || parent.pid >= PID_LIMIT ||
	    (present[parent.pid / 8] & 1U << parent.pid % 8))
		return;
	present[parent.pid / 8] |= (uint8_t)(1U << parent.pid % 8);
	if (read_stat(enrichment, &parent))
		*snapshot_add_process(enrichment->snapshot) = parent;
}

static void enrich_processes(struct enrichment *enrichment)
{
	struct snapshot *snapshot = enrichment->snapshot;
	bool with_ancestors = enrichment->want & WANT_ANCESTORS;
	uint8_t *present = xcalloc(PID_LIMIT / 8, 1);
	uint32_t i, *moved;

	for (i = 0; i < snapshot->n_processes; i++) {
		uint32_t pid = snapshot->processes[i].pid;

		if (pid < PID_LIMIT)
			present[pid / 8] |= (uint8_t)(1U << pid % 8);
	}
	/* The table grows while it is walked: parents have parents. */
	for (i = 0; i < snapshot->n_processes; i++) {
		if (enrichment->wanted && i < enrichment->n_wanted && !enrichment->wanted[i])
			continue;
		enrich_process(enrichment, &snapshot->processes[i]);
		if (with_ancestors)
			add_parent(enrichment, i, present);
	}
	free(present);
	moved = process_sort(snapshot);
	if (!moved)
		return;
	for (i = 0; i < snapshot->n_owners; i++)
		snapshot->owners[i].process = moved[snapshot->owners[i].process];
	free(moved);
}

/* The cgroup that made a socket, where no owner says more. */
static void enrich_sockets(struct enrichment *enrichment)
{
	struct snapshot *snapshot = enrichment->snapshot;
	struct cgroup_entry entry = { .id = 0 };
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		struct inet_socket *socket = &snapshot->sockets[i];

		if (socket->n_owners || !(socket->known & SOCKET_HAS_CGROUP) || !socket->cgroup_id)
			continue;
		if (entry.id != socket->cgroup_id)
			entry = cgroup_of_id(enrichment, socket->cgroup_id);
		socket->unit = entry.unit;
		socket->container = entry.container;
	}
}

/* Uids already looked up: open addressing, a uid's slot holds it plus 1. */
struct uid_set {
	uint64_t *slots;
	uint32_t count, n_slots;
};

/* True if the uid was not in the set. */
static bool uid_set_add(struct uid_set *set, uint32_t uid)
{
	uint32_t i, slot;

	if (set->count * 2 >= set->n_slots) {
		struct uid_set grown = { .n_slots = set->n_slots ? set->n_slots * 2 : 64 };

		grown.slots = xcalloc(grown.n_slots, sizeof(*grown.slots));
		for (i = 0; i < set->n_slots; i++)
			if (set->slots[i])
				uid_set_add(&grown, (uint32_t)(set->slots[i] - 1));
		free(set->slots);
		*set = grown;
	}
	slot = uid * 2654435761U & (set->n_slots - 1);
	for (; set->slots[slot]; slot = (slot + 1) & (set->n_slots - 1))
		if (set->slots[slot] == (uint64_t)uid + 1)
			return false;
	set->slots[slot] = (uint64_t)uid + 1;
	set->count++;
	return true;
}

static void add_user(struct snapshot *snapshot, struct uid_set *set, uint32_t uid)
{
	const struct passwd *entry;

	if (!uid_set_add(set, uid))
		return;
	entry = getpwuid(uid);
	snapshot_set_user(snapshot, uid, entry ? snapshot_string(snapshot, entry->pw_name) : 0);
}

static void add_users(struct snapshot *snapshot)
{
	struct uid_set set = { .slots = NULL };
	uint32_t i, last = 0;
	bool any = false;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (!(socket->known & SOCKET_HAS_UID) || (any && socket->uid == last))
			continue;
		last = socket->uid;
		any = true;
		add_user(snapshot, &set, last);
	}
	for (i = 0; i < snapshot->n_processes; i++)
		if (snapshot->processes[i].known & PROCESS_HAS_UID)
			add_user(snapshot, &set, snapshot->processes[i].uid);
	free(set.slots);
}

static void enrich(uint32_t want, struct snapshot *snapshot, const bool *wanted)
{
	struct enrichment *enrichment = xmalloc(sizeof(*enrichment));

	/* All but the large buffer. */
	memset(enrichment, 0, offsetof(struct enrichment, bytes));
	enrichment->want = want;
	enrichment->wanted = wanted;
	enrichment->n_wanted = snapshot->n_processes;
	enrichment->snapshot = snapshot;
	enrichment->proc = procfs_open();
	if (enrichment->proc >= 0) {
		enrich_processes(enrichment);
		close(enrichment->proc);
	} else if (snapshot->n_processes && (want & (WANT_CMDLINE | WANT_EXE | WANT_ANCESTORS))) {
		snapshot_add_limit(snapshot, "processes", errno_name(enrichment->proc), 0,
				   "what processes run cannot be seen, /proc cannot be read: %s",
				   strerror(-enrichment->proc));
	}
	if ((want & WANT_CGROUP) && !wanted)
		enrich_sockets(enrichment);
	if (want & WANT_USERS)
		add_users(snapshot);
	cgroup_finder_free(enrichment->finder);
	free(enrichment->cgroups.entries);
	free(enrichment->sets.entries);
	free(enrichment);
}

void process_enrich(uint32_t want, struct snapshot *snapshot)
{
	enrich(want, snapshot, NULL);
}

void snapshot_enrich(struct snapshot *snapshot, uint32_t want, const bool *processes)
{
	enrich(want, snapshot, processes);
}

static int compare_processes(const void *left, const void *right)
{
	const struct process *a = *(const struct process *const *)left;
	const struct process *b = *(const struct process *const *)right;

	return a->pid < b->pid ? -1 : a->pid > b->pid;
}

uint32_t *process_sort(struct snapshot *snapshot)
{
	uint32_t i, n = snapshot->n_processes, *moved;
	const struct process **order;
	struct process *sorted;

	for (i = 1; i < n; i++)
		if (snapshot->processes[i - 1].pid > snapshot->processes[i].pid)
			break;
	if (i >= n)
		return NULL;
	order = xcalloc(n, sizeof(const struct process *));
	sorted = xcalloc(n, sizeof(*sorted));
	moved = xcalloc(n, sizeof(*moved));
	for (i = 0; i < n; i++)
		order[i] = &snapshot->processes[i];
	qsort(order, n, sizeof(const struct process *), compare_processes);
	for (i = 0; i < n; i++) {
		sorted[i] = *order[i];
		moved[order[i] - snapshot->processes] = i;
	}
	free(snapshot->processes);
	snapshot->processes = sorted;
	snapshot->processes_capacity = n;
	free(order);
	return moved;
}

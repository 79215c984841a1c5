/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json-rows.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

/*
 * Everything is found by sorting: it takes n log n for any document, which a hash table does not
 * where the document chooses the keys.
 */
struct row_key {
	uint64_t major, minor;
	uint32_t row;
};

static int compare_keys(const void *left, const void *right)
{
	const struct row_key *a = left, *b = right;

	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return (a->row > b->row) - (a->row < b->row);
}

static bool is_same_key(const struct row_key *a, const struct row_key *b)
{
	return a->major == b->major && a->minor == b->minor;
}

static void sort_keys(struct row_key *keys, uint32_t count)
{
	if (count)
		qsort(keys, count, sizeof(*keys), compare_keys);
}

/* The row of a key, or SNAPSHOT_NONE. */
static uint32_t find_key(const struct row_key *keys, uint32_t count, uint64_t wanted)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (keys[middle].major < wanted)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && keys[low].major == wanted ? keys[low].row : SNAPSHOT_NONE;
}

/* Fail if two rows have one key, naming the second. */
static void refuse_twice(struct json_rows *rows, const struct row_key *keys, uint32_t count,
			 const char *list, const char *name)
{
	uint32_t i;

	for (i = 1; i < count; i++) {
		if (!is_same_key(&keys[i], &keys[i - 1]))
			continue;
		json_field_enter(&rows->reader, list);
		json_field_enter_index(&rows->reader, keys[i].row);
		json_field_fail(&rows->reader, name, "%" PRIu64 " is there twice", keys[i].major);
		json_field_leave(&rows->reader);
		json_field_leave(&rows->reader);
		return;
	}
}

/* ---- users ---- */

static void resolve_users(struct json_rows *rows)
{
	struct row_key *keys = xcalloc(rows->n_users, sizeof(*keys));
	uint32_t i;

	for (i = 0; i < rows->n_users; i++) {
		keys[i].major = rows->users[i].uid;
		keys[i].row = i;
	}
	sort_keys(keys, rows->n_users);
	/* Where a uid has several names the first one stays. */
	for (i = 0; i < rows->n_users; i++) {
		const struct user *user = &rows->users[keys[i].row];

		snapshot_set_user(rows->snapshot, user->uid, user->name);
	}
	free(keys);
}

/* ---- namespaces ---- */

/* Keys of all rows with a known id, sorted. The caller frees them. */
static struct row_key *netns_keys(const struct snapshot *snapshot, uint32_t *ret_count)
{
	struct row_key *keys = xcalloc(snapshot->n_netns, sizeof(*keys));
	uint32_t i, count = 0;

	for (i = 0; i < snapshot->n_netns; i++) {
		if (snapshot->netns[i].id) {
			keys[count].major = snapshot->netns[i].id;
			keys[count++].row = i;
		}
	}
	sort_keys(keys, count);
	*ret_count = count;
	return keys;
}

/* A row for a namespace that only a socket names. Returns false where it fails: too many. */
static bool add_netns_of_socket(struct json_rows *rows, uint32_t socket, uint64_t id)
{
	struct netns *netns;

	json_field_enter(&rows->reader, "sockets");
	json_field_enter_index(&rows->reader, socket);
	json_field_enter(&rows->reader, "netns");
	netns = json_rows_new_netns(rows);
	json_field_leave(&rows->reader);
	json_field_leave(&rows->reader);
	json_field_leave(&rows->reader);
	if (netns)
		netns->id = id;
	return netns != NULL;
}

/* Rows for the namespaces that only sockets name. */
static void add_missing_netns(struct json_rows *rows, const struct row_key *known, uint32_t n_known)
{
	struct snapshot *snapshot = rows->snapshot;
	struct row_key *missing = xcalloc(snapshot->n_sockets, sizeof(*missing));
	uint32_t i, count = 0;

	for (i = 0; i < snapshot->n_sockets; i++) {
		if (rows->netns_ids[i] &&
		    find_key(known, n_known, rows->netns_ids[i]) == SNAPSHOT_NONE)
			missing[count++] = (struct row_key){ rows->netns_ids[i], 0, i };
	}
	sort_keys(missing, count);
	for (i = 0; i < count; i++) {
		if (i && is_same_key(&missing[i], &missing[i - 1]))
			continue;
		if (!add_netns_of_socket(rows, missing[i].row, missing[i].major))
			break;
	}
	free(missing);
}

/* The namespace of sockets that name none: the only one, else one whose id is not known. */
static uint32_t unnamed_netns(struct json_rows *rows, uint32_t socket)
{
	const struct snapshot *snapshot = rows->snapshot;
	uint32_t i;

	if (snapshot->n_netns == 1)
		return 0;
	for (i = 0; i < snapshot->n_netns; i++) {
		if (!snapshot->netns[i].id)
			return i;
	}
	return add_netns_of_socket(rows, socket, 0) ? snapshot->n_netns - 1 : 0;
}

static void resolve_netns(struct json_rows *rows)
{
	struct snapshot *snapshot = rows->snapshot;
	uint32_t i, count, unnamed = SNAPSHOT_NONE;
	struct row_key *keys = netns_keys(snapshot, &count);

	refuse_twice(rows, keys, count, "netns", "id");
	add_missing_netns(rows, keys, count);
	free(keys);
	keys = netns_keys(snapshot, &count);
	for (i = 0; i < snapshot->n_sockets; i++) {
		if (rows->netns_ids[i]) {
			snapshot->sockets[i].netns = find_key(keys, count, rows->netns_ids[i]);
			continue;
		}
		if (unnamed == SNAPSHOT_NONE)
			unnamed = unnamed_netns(rows, i);
		snapshot->sockets[i].netns = unnamed;
	}
	free(keys);
}

/* ---- processes ---- */

static void sort_processes(struct json_rows *rows)
{
	struct snapshot *snapshot = rows->snapshot;
	struct row_key *keys = xcalloc(snapshot->n_processes, sizeof(*keys));
	struct process *sorted = xcalloc(snapshot->n_processes, sizeof(*sorted));
	uint32_t i;

	for (i = 0; i < snapshot->n_processes; i++) {
		keys[i].major = snapshot->processes[i].pid;
		keys[i].row = i;
	}
	sort_keys(keys, snapshot->n_processes);
	refuse_twice(rows, keys, snapshot->n_processes, "processes", "pid");
	for (i = 0; i < snapshot->n_processes; i++)
		sorted[i] = snapshot->processes[keys[i].row];
	free(snapshot->processes);
	snapshot->processes = sorted;
	snapshot->processes_capacity = snapshot->n_processes;
	free(keys);
}

/* Rows for the processes that only owners name. */
static bool add_missing_processes(struct snapshot *snapshot)
{
	struct row_key *missing = xcalloc(snapshot->n_owners, sizeof(*missing));
	uint32_t i, count = 0;

	for (i = 0; i < snapshot->n_owners; i++) {
		uint32_t pid = snapshot->owners[i].process;

		if (snapshot_find_process(snapshot, pid) == SNAPSHOT_NONE)
			missing[count++].major = pid;
	}
	sort_keys(missing, count);
	for (i = 0; i < count; i++) {
		if (!i || !is_same_key(&missing[i], &missing[i - 1]))
			snapshot_add_process(snapshot)->pid = (uint32_t)missing[i].major;
	}
	free(missing);
	return count > 0;
}

static void resolve_processes(struct json_rows *rows)
{
	struct snapshot *snapshot = rows->snapshot;
	uint32_t i;

	sort_processes(rows);
	if (add_missing_processes(snapshot))
		sort_processes(rows);
	for (i = 0; i < snapshot->n_owners; i++)
		snapshot->owners[i].process =
			snapshot_find_process(snapshot, snapshot->owners[i].process);
}

/* ---- sockets ---- */

/* Which sockets repeat an earlier one: the same namespace and cookie. */
static bool *find_repeated(const struct snapshot *snapshot, uint32_t *ret_count)
{
	struct row_key *keys = xcalloc(snapshot->n_sockets, sizeof(*keys));
	bool *repeated = xcalloc(snapshot->n_sockets, sizeof(*repeated));
	uint32_t i, n_keys = 0, count = 0;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (!(socket->known & SOCKET_HAS_COOKIE) || !socket->cookie)
			continue;
		keys[n_keys++] = (struct row_key){ socket->cookie, socket->netns, i };
	}
	sort_keys(keys, n_keys);
	for (i = 1; i < n_keys; i++) {
		if (is_same_key(&keys[i], &keys[i - 1])) {
			repeated[keys[i].row] = true;
			count++;
		}
	}
	free(keys);
	*ret_count = count;
	return repeated;
}

/* Not snapshot_retain(), which drops the processes that own nothing. Ranges are in order here. */
static void drop_repeated(struct snapshot *snapshot)
{
	uint32_t i, n_sockets = 0, n_owners = 0, n_groups = 0, count;
	bool *repeated = find_repeated(snapshot, &count);

	for (i = 0; i < snapshot->n_sockets && count; i++) {
		struct inet_socket socket = snapshot->sockets[i];

		if (repeated[i])
			continue;
		if (socket.n_owners)
			memmove(snapshot->owners + n_owners, snapshot->owners + socket.first_owner,
				socket.n_owners * sizeof(*snapshot->owners));
		if (socket.n_groups)
			memmove(snapshot->groups + n_groups, snapshot->groups + socket.first_group,
				socket.n_groups * sizeof(*snapshot->groups));
		socket.first_owner = n_owners;
		socket.first_group = n_groups;
		n_owners += socket.n_owners;
		n_groups += socket.n_groups;
		snapshot->sockets[n_sockets++] = socket;
	}
	if (count) {
		snapshot->n_sockets = n_sockets;
		snapshot->n_owners = n_owners;
		snapshot->n_groups = n_groups;
	}
	free(repeated);
}

void json_rows_resolve(struct json_rows *rows)
{
	resolve_users(rows);
	resolve_netns(rows);
	resolve_processes(rows);
	drop_repeated(rows->snapshot);
}

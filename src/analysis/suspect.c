/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/suspect.h"

static bool has_several_holders(const struct snapshot *snapshot, const uint32_t *members,
				uint32_t count)
{
	uint32_t i, k, first = SNAPSHOT_NONE;

	for (i = 0; i < count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (!socket_is_bound(socket))
			continue;
		for (k = 0; k < socket->n_owners; k++) {
			uint32_t process = snapshot->owners[socket->first_owner + k].process;

			if (first != SNAPSHOT_NONE && process != first)
				return true;
			first = process;
		}
	}
	return false;
}

uint32_t suspect_processes(const struct snapshot *snapshot, const struct bind_bucket_index *buckets,
			   bool *ret_processes)
{
	uint32_t i, j, k, n = 0;

	for (i = 0; i < snapshot->n_processes; i++)
		ret_processes[i] = false;
	for (i = 0; i < buckets->n_buckets; i++) {
		const struct bind_bucket *bucket = &buckets->buckets[i];
		const uint32_t *members = buckets->members + bucket->first;

		if (!bucket->port || !has_several_holders(snapshot, members, bucket->count))
			continue;
		for (j = 0; j < bucket->count; j++) {
			const struct inet_socket *socket = &snapshot->sockets[members[j]];

			for (k = 0; socket_is_bound(socket) && k < socket->n_owners; k++) {
				uint32_t row = snapshot->owners[socket->first_owner + k].process;

				n += !ret_processes[row];
				ret_processes[row] = true;
			}
		}
	}
	return n;
}

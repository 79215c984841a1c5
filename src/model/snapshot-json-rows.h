/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SNAPSHOT_JSON_ROWS_H
#define MODEL_SNAPSHOT_JSON_ROWS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "model/json-field.h"
#include "model/snapshot.h"

/*
 * From parsed elements of the document's lists to rows of a snapshot. The lists may come in any
 * order, so rows name each other by id until json_rows_resolve(): owner.process is a pid, and the
 * namespace of a socket stands in netns_ids.
 */
struct json_rows {
	struct snapshot *snapshot;
	struct json_field_reader reader;
	uint64_t *netns_ids; /* of each socket; 0 = not given */
	uint32_t n_netns_ids, netns_ids_capacity;
	struct user *users; /* as they come, repetitions included */
	uint32_t n_users, users_capacity;
};

/* error receives the first error's sentence. */
void json_rows_init(struct json_rows *rows, struct snapshot *snapshot, char *error,
		    size_t error_size);
void json_rows_done(struct json_rows *rows);

/* A new row, or NULL, and it fails at the current place: there are too many. */
struct netns *json_rows_new_netns(struct json_rows *rows);

/* Add an element. If something is wrong with it, rows->reader.failed. */
void json_rows_add_netns(struct json_rows *rows, const json_t *element);
void json_rows_add_process(struct json_rows *rows, const json_t *element);
void json_rows_add_socket(struct json_rows *rows, const json_t *element);
void json_rows_add_limit(struct json_rows *rows, const json_t *element);

/*
 * When all is read: sort the processes, connect rows by index, add those that are only mentioned,
 * drop sockets that are there twice. May fail like the functions above.
 */
void json_rows_resolve(struct json_rows *rows);

#endif

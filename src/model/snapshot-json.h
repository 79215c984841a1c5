/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SNAPSHOT_JSON_H
#define MODEL_SNAPSHOT_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "model/finding.h"
#include "model/snapshot.h"
#include "util/json-writer.h"
#include "util/out.h"

/*
 * The snapshot as a JSON document, docs/JSON.md. Unknown is null, numbers are numbers, and what a
 * reader does not know it passes over.
 */

/*
 * Write the whole document, ended by a newline, with what was found in it; findings NULL: it was
 * not looked for. Write errors stay in the writer's stream.
 */
void snapshot_json_save(const struct snapshot *snapshot, const struct finding_list *findings,
			struct json_writer *writer);

/*
 * Write each socket as an object on a line of its own, its owners with pid, comm and descriptors in
 * place: what --json-lines prints.
 */
void snapshot_json_save_lines(const struct snapshot *snapshot, struct out *out);

/* What is wrong with a document, in one sentence that names the place, or "". */
struct snapshot_json_error {
	char text[256];
};

/* A document of more is refused: whoever works on a snapshot keeps some KiB for each. */
#define SNAPSHOT_JSON_MAX_NETNS 65536

/*
 * Read a document from a stream. On success returns 0 and a snapshot that the caller frees. Else
 * -EINVAL (not JSON, not a snapshot, a field of the wrong kind, larger than 1 GiB, with one element
 * of more than 256 MiB in memory, or more namespaces than above), -EIO (reading failed);
 * ret_error then says what and where (line and column, or the path of the field).
 * A socket that is there twice (same namespace and cookie) is kept once.
 */
int snapshot_json_load(FILE *stream, struct snapshot **ret_snapshot,
		       struct snapshot_json_error *ret_error);

#endif

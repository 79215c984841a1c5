/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MODEL_SNAPSHOT_JSON_SOCKET_H
#define MODEL_SNAPSHOT_JSON_SOCKET_H

#include "model/snapshot.h"
#include "util/json-writer.h"

/* Every socket as an element of the array that is open: the long part of a document. */
void json_save_sockets(const struct snapshot *snapshot, struct json_writer *writer);

#endif

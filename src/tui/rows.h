/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_ROWS_H
#define TUI_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "tui/frame.h"

/* What the list of a view has, row by row: which, in what order, how deep. */

/*
 * Sockets of one row that are shown where it is opened, or in its details, for keys shall not wait;
 * the rest is counted.
 */
#define ROWS_SOCKETS_MAX 2000

enum view_id {
	VIEW_PORTS,
	VIEW_SOCKETS,
	VIEW_FINDINGS,
	N_VIEWS,
};

enum sort_id {
	SORT_ALARM, /* the worst finding first, then by port */
	SORT_PORT,
	SORT_OWNER,
	SORT_QUEUE, /* the fullest first */
	SORT_COUNT, /* the most sockets first */
	N_SORTS,
};

const char *sort_name(enum sort_id sort);

enum row_kind {
	ROW_PORT, /* a port: the row that stands for it; index into frame.ports.rows */
	ROW_PART, /* a further one */
	ROW_CLIENT, /* outgoing connections; the same index */
	ROW_SOCKET, /* index into snapshot.sockets */
	ROW_FINDING, /* index into findings.items */
	ROW_GONE, /* index into frame.history.ports */
	ROW_GONE_SOCKET, /* index into frame.history.gone->sockets */
	ROW_GONE_FINDING, /* index into frame.history.findings */
};

struct row {
	uint64_t key; /* the same from frame to frame */
	uint32_t index;
	uint8_t kind; /* enum row_kind */
	uint8_t depth;
	bool foldable, open;
	bool is_new;
	uint32_t n_folded; /* kept sockets beside those of the row, that it stands for */
	uint32_t note; /* 1 + the index of the worst finding about what is folded; 0: none */
};

/* Rows that are open, by their keys. */
struct fold_set {
	uint64_t *keys;
	uint32_t count, capacity;
};

bool fold_is_open(const struct fold_set *set, uint64_t key);
void fold_toggle(struct fold_set *set, uint64_t key);

struct row_list {
	struct row *rows;
	uint32_t count, capacity;
};

struct row_request {
	enum view_id view;
	enum sort_id sort;
	bool reverse;
	const struct filter *base, *filter; /* both must let a socket through */
	const struct fold_set *open;
};

/* Make the list anew. Empty it, and free what it has, with rows_done(). */
void rows_make(struct row_list *list, const struct frame *frame, const struct row_request *request);
void rows_done(struct row_list *list);

/*
 * The sockets that a row stands for: at least one, but for what has gone and a finding about none.
 */
const uint32_t *row_sockets(const struct frame *frame, const struct row *row, uint32_t *ret_count);

#endif

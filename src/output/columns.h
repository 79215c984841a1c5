/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMNS_H
#define OUTPUT_COLUMNS_H

#include <stdbool.h>
#include <stdint.h>

#include "output/color.h"
#include "output/column-writer.h"

/*
 * The columns of a listing: one table gives names, help, shape and contents to every format of
 * text. A value is never empty: "-" is none, "?" is unknown.
 */

enum column_id {
	COLUMN_NETNS,
	COLUMN_PROTO,
	COLUMN_PORT,
	COLUMN_LOCAL,
	COLUMN_DEVICE,
	COLUMN_V6ONLY,
	COLUMN_STATE,
	COLUMN_REUSE,
	COLUMN_EVIDENCE,
	COLUMN_QUEUE,
	COLUMN_RECV,
	COLUMN_SEND,
	COLUMN_LIMIT,
	COLUMN_DROPS,
	COLUMN_PEER,
	COLUMN_TIMER,
	COLUMN_OWNER,
	COLUMN_PROCESS,
	COLUMN_PID,
	COLUMN_USER,
	COLUMN_UID,
	COLUMN_UNIT,
	COLUMN_CONTAINER,
	COLUMN_CGROUP,
	COLUMN_CMDLINE,
	COLUMN_EXE,
	COLUMN_START,
	COLUMN_INODE,
	COLUMN_COOKIE,
	COLUMN_MARK,
	COLUMN_OPTIONS,
	COLUMN_MULTICAST,
	COLUMN_NOTE,
	N_COLUMNS,
};

enum column_type {
	COLUMN_TEXT,
	COLUMN_NUMBER, /* aligned to the right; digits alone when known */
};

/* What has to be read for a column, besides the sockets with their owners and flags. */
enum column_need {
	NEED_CMDLINE = 1U << 0,
	NEED_EXE = 1U << 1,
	NEED_START_TIME = 1U << 2,
	NEED_CGROUP = 1U << 3, /* of processes and sockets, with unit and container */
	NEED_USERS = 1U << 4, /* names of uids */
	NEED_PROCESS_UID = 1U << 5,
	NEED_MULTICAST = 1U << 6,
	NEED_FINDINGS = 1U << 7,
};

struct column_info {
	const char *name; /* as in -o; headings are the same in capitals */
	const char *help;
	enum column_type type;
	uint8_t min_width; /* see struct table_column */
	uint32_t needs; /* enum column_need */
};

const struct column_info *column_info(enum column_id id);

enum list_mode {
	LIST_GROUPED, /* ports, their sockets folded by state */
	LIST_ALL, /* a row for each socket, for people */
	LIST_RAW, /* a row for each socket, for programs */
	N_LIST_MODES,
};

/* Columns in the order in which they are shown, each at most once. */
struct column_list {
	uint8_t ids[N_COLUMNS]; /* enum column_id */
	uint32_t count;
	bool has_default; /* it is the default, or that and more */
	bool named[N_COLUMNS]; /* those that were asked for by name */
};

/*
 * Read "port,state,process", or "+unit,timer", which is the default of the mode and these; NULL is
 * the default. Returns 0, or -EINVAL and in *ret_error a sentence for people, safe to print, that
 * the caller frees.
 */
int columns_parse(const char *text, enum list_mode mode, struct column_list *ret_list,
		  char **ret_error);

/* Add a column at the end, unless it is there. */
void columns_add(struct column_list *list, enum column_id id);

/* What the columns of a list need together: enum column_need. */
uint32_t columns_needs(const struct column_list *list);

/* Names, defaults and meanings, for people, on stdout. */
void columns_print_help(void);

/* The value of a column for one socket. */
void column_write(struct column_writer *writer, enum column_id id, const struct inet_socket *socket,
		  struct out *out);

/* The value for a row of the grouped view; "mixed" where its sockets have no one value. */
void column_write_row(struct column_writer *writer, enum column_id id,
		      const struct port_summary *summary, struct out *out);

/* The colours of these values. */
enum color_role column_role(enum column_id id, const struct inet_socket *socket);
enum color_role column_row_role(enum column_id id, const struct port_summary *summary);

#endif

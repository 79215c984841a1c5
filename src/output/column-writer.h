/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMN_WRITER_H
#define OUTPUT_COLUMN_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/port-view.h"
#include "model/finding.h"
#include "model/snapshot.h"
#include "util/escape.h"
#include "util/out.h"

/* What the values of all columns are made of. Keeps texts that return from row to row. */
struct column_writer {
	const struct snapshot *snapshot; /* not owned */
	enum escape_style style;
	bool numeric; /* uids, no names */
	bool ascii; /* no character outside ASCII of our own */
	bool grouped; /* rows stand for ports */
	bool in_pid_namespace; /* owners may be hidden since they are outside the reader's */
	uint32_t passed_ms; /* since the snapshot was taken; timers are shown as they are now */
	const struct finding_list *findings; /* not owned; NULL: not looked for */
	const uint32_t *notes; /* of each socket 1 + the index of its finding, 0 = none */
	const bool *unjudged; /* of each socket whether there may be a finding; NULL: of none */
	const uint32_t *row_sockets; /* what the rows of the grouped view are ranges of */
	struct out owner_texts; /* "comm[pid]" of each process, when first used */
	uint32_t *owner_starts; /* 1 + offset in owner_texts, 0 = not there yet */
	uint32_t *owner_lengths;
	uint32_t user_uid; /* the last one looked up */
	const char *user_name;
	bool user_valid;
};

void column_writer_init(struct column_writer *writer, const struct snapshot *snapshot,
			enum escape_style style);
void column_writer_done(struct column_writer *writer);

/* Write the value of a column for one socket, or for a row that stands for several. */
typedef void column_getter(struct column_writer *writer, const struct inet_socket *socket,
			   struct out *out);
typedef void column_row_getter(struct column_writer *writer, const struct port_summary *summary,
			       struct out *out);

static inline bool column_for_people(const struct column_writer *writer)
{
	return writer->style == ESCAPE_TERMINAL;
}

static inline const char *column_multiply_sign(const struct column_writer *writer)
{
	return writer->ascii ? "x" : "×";
}

static inline void column_write_separator(const struct column_writer *writer, struct out *out)
{
	out_string(out, column_for_people(writer) ? ", " : ",");
}

static inline void column_write_known(bool known, uint64_t value, struct out *out)
{
	if (known)
		out_unsigned(out, value);
	else
		out_char(out, '?');
}

/*
 * A name from outside. One that reads "-" or "?" would pass for none or unknown, an empty one for a
 * hole in the table.
 */
void column_write_name(struct column_writer *writer, const char *text, size_t length,
		       struct out *out);

/* A name of the snapshot's pool; 0 is unknown. */
void column_write_string(struct column_writer *writer, string_id id, struct out *out);

/* One of a list. What could be taken for the punctuation around it stands in quotes. */
void column_write_element(struct column_writer *writer, string_id id, struct out *out);

/* "192.0.2.1", "[::]" */
void column_write_address(int family, const struct address *address, struct out *out);

/* "1,204" */
void column_write_count(struct out *out, uint64_t count);

/* "12 s", or "12-48 s" for several: what is left of it when passed_ms have passed. */
void column_write_time_left(const struct column_writer *writer, uint32_t first_ms, uint32_t last_ms,
			    struct out *out);

#endif

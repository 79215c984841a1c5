/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_LIST_VIEW_H
#define OUTPUT_LIST_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "output/columns.h"

struct list_view_options {
	enum list_mode mode;
	struct column_list columns;
	const struct finding_list *findings; /* for the note column; NULL: not looked for */
	bool all_notes; /* mere notes were looked for, too */
	uint32_t width; /* of the terminal; 0: nothing is cut */
	bool header;
	bool color;
	bool numeric; /* no user names */
	bool ascii; /* the locale is not UTF-8 */
	bool clients_in_full; /* ports of outgoing connections are shown as all others are */
};

/* Write the sockets of a snapshot as text. If there is none, nothing but the header of --raw. */
void list_view_write(const struct snapshot *snapshot, const struct list_view_options *options,
		     struct out *out);

#endif

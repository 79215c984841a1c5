/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_RAW_H
#define OUTPUT_RAW_H

#include "output/list-view.h"

/*
 * A line for each socket, in the order of the snapshot: values separated by one blank, none of them
 * empty or with a blank within, everything ASCII; the names of the columns in the first line if
 * options->header. Linear, and made for 100,000 lines.
 */
void raw_write(const struct snapshot *snapshot, const struct list_view_options *options,
	       struct out *out);

#endif

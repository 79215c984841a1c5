/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMN_NOTE_H
#define OUTPUT_COLUMN_NOTE_H

#include "output/column-writer.h"

/* The finding that concerns a socket, or one of a row's: the worst, by its id. */

column_getter column_get_note;
column_row_getter column_row_note;

/*
 * Of each socket 1 + the index of its worst finding, 0 = none; malloc'ed. Undecided ones do not
 * count. NULL for a list that is NULL.
 */
uint32_t *column_notes_of(const struct snapshot *snapshot, const struct finding_list *findings);

/*
 * Of each socket whether it cannot be told if a finding concerns it: an undecided one names it or,
 * with notes, its reuse flags are not known; malloc'ed. NULL for a list that is NULL.
 */
bool *column_unjudged_of(const struct snapshot *snapshot, const struct finding_list *findings,
			 bool notes);

#endif

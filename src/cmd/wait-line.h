/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_WAIT_LINE_H
#define CMD_WAIT_LINE_H

#include <stdbool.h>

#include "cmd/look.h"

/*
 * What wait says on stderr: on a terminal one line that is drawn anew, with a countdown; elsewhere
 * a line whenever what is in the way has changed; with quiet nothing but why it was in vain. While
 * a line stands on a terminal a signal that ends the program first takes it away.
 */
struct wait_line;

/* anywhere: no address was named, and any will do. */
struct wait_line *wait_line_new(const struct bind_candidate *candidate, bool anywhere, bool quiet);

/* Takes the line off the terminal, and gives signals back as they were. */
void wait_line_free(struct wait_line *line);

/* Whether there is something to be drawn anew as time passes; and do so. */
bool wait_line_moves(const struct wait_line *line);
void wait_line_tick(struct wait_line *line);

/* What was found; NULL: that nobody listens yet. */
void wait_line_show(struct wait_line *line, const struct look *look);

/* That it is over, in vain, and what still is in the way (NULL: nobody listens yet). */
void wait_line_give_up(struct wait_line *line, const struct look *look);

/* That there is nothing to wait for, and why. */
void wait_line_refuse(struct wait_line *line, const struct look *look);

#endif

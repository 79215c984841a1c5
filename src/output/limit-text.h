/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_LIMIT_TEXT_H
#define OUTPUT_LIMIT_TEXT_H

#include <stdint.h>

#include "model/snapshot.h"

/*
 * What could not be seen, in words, and how often where they do not say that themselves. Not
 * escaped; malloc'ed.
 */
char *limit_text(const struct snapshot *snapshot, uint32_t index);

/* All limits as one sentence, without its end; "" if there are none. */
char *limit_texts(const struct snapshot *snapshot);

#endif

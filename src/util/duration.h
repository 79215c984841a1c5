/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_DURATION_H
#define UTIL_DURATION_H

#include <stdint.h>

/* Longest duration that is taken: a hundred days. */
#define DURATION_MAX_MS (100LL * 24 * 3600 * 1000)

/*
 * Read "90", "90s", "1.5m", "500ms", "2h": seconds where no unit stands. Returns 0 and
 * milliseconds, or -EINVAL.
 */
int duration_parse(const char *text, int64_t *ret_ms);

#endif

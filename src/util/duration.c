/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "util/duration.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "util/xalloc.h"

int duration_parse(const char *text, int64_t *ret_ms)
{
	static const struct {
		const char *name;
		int64_t ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	int64_t whole = 0, fraction = 0, scale = 1;
	const char *start = text;
	size_t i;

	/* By hand, since strtod() reads more than numbers, and by the locale. */
	for (; isdigit((unsigned char)*text); text++) {
		whole = whole * 10 + (*text - '0');
		if (whole > DURATION_MAX_MS)
			return -EINVAL;
	}
	if (text == start)
		return -EINVAL;
	if (*text == '.') {
		start = ++text;
		for (; isdigit((unsigned char)*text); text++) {
			if (scale >= 1000000)
				continue;
			fraction = fraction * 10 + (*text - '0');
			scale *= 10;
		}
		if (text == start)
			return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		*ret_ms = whole * units[i].ms + fraction * units[i].ms / scale;
		return *ret_ms <= DURATION_MAX_MS ? 0 : -EINVAL;
	}
	return -EINVAL;
}

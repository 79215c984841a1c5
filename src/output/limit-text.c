/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/limit-text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/out.h"
#include "util/xalloc.h"

char *limit_text(const struct snapshot *snapshot, uint32_t index)
{
	const struct limit *limit = &snapshot->limits[index];
	const char *text = snapshot_text(snapshot, limit->text);

	if (!text)
		text = snapshot_text(snapshot, limit->what);
	if (!text)
		text = "?";
	if (limit->count < 2 || strpbrk(text, "0123456789"))
		return xstrdup(text);
	return xasprintf("%s (%" PRIu64 " times)", text, limit->count);
}

char *limit_texts(const struct snapshot *snapshot)
{
	struct out all;
	uint32_t i;
	char *text;

	out_init(&all, -1);
	for (i = 0; i < snapshot->n_limits; i++) {
		text = limit_text(snapshot, i);
		out_string(&all, i ? "; " : "");
		out_string(&all, text);
		free(text);
	}
	out_char(&all, '\0');
	text = xstrdup(all.buffer);
	out_done(&all);
	return text;
}

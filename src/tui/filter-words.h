/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_FILTER_WORDS_H
#define TUI_FILTER_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "analysis/selector.h"

/*
 * A filter as it is typed: selectors, and the words of list with or without dashes, separated by
 * blanks: "udp:5060 8000-8100", "listening", "shared", "state=time-wait", "process=nginx",
 * "user=root", "unit=sip", "pid=900", "tcp", "udp", "ipv4", "ipv6".
 */
struct filter_words {
	struct filter filter; /* points into what follows */
	struct selector *selectors;
	uint32_t *pids;
	uint32_t selectors_capacity, pids_capacity;
	char *text; /* as typed */
	char *split; /* cut into words, which the filter points to */
};

void filter_words_init(struct filter_words *words);
void filter_words_done(struct filter_words *words);

/*
 * Read a text; "" lets everything through. On failure the words stay as they were, and a sentence
 * that the caller frees says what is wrong.
 */
bool filter_words_read(struct filter_words *words, const char *text, selector_service service,
		       char **ret_error);

/* A filter as one would type it; malloc'ed, "" if it lets everything through. */
char *filter_words_format(const struct filter *filter);

#endif

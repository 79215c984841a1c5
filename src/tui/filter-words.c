/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/filter-words.h"

#include <stdlib.h>
#include <string.h>

#include "util/xalloc.h"

void filter_words_init(struct filter_words *words)
{
	*words = (struct filter_words){ .text = xstrdup("") };
	filter_init(&words->filter);
}

void filter_words_done(struct filter_words *words)
{
	free(words->selectors);
	free(words->pids);
	free(words->text);
	free(words->split);
	*words = (struct filter_words){ .text = NULL };
}

static bool set_states(struct filter *filter, char *list)
{
	uint32_t states = 0;
	char *word;
	int state;

	while ((word = strsep(&list, ","))) {
		state = socket_state_parse(word);
		if (state < 0)
			return false;
		states |= 1U << state;
	}
	filter->states = states;
	return true;
}

static bool add_pid(struct filter_words *words, const char *text)
{
	char *end;
	unsigned long pid = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !pid || pid > INT32_MAX)
		return false;
	ARRAY_RESERVE(words->pids, words->filter.n_pids, words->pids_capacity);
	words->pids[words->filter.n_pids++] = (uint32_t)pid;
	words->filter.pids = words->pids;
	return true;
}

/* A word that says more than a port. Returns 1 if it is one, 0 if not, -1 if it is wrong. */
static int take_word(struct filter_words *words, char *word)
{
	struct filter *filter = &words->filter;
	char *value = strchr(word, '=');
	int state;

	if (value)
		*value++ = '\0';
	if (!strcmp(word, "tcp") || !strcmp(word, "t")) {
		filter->protocols = 1U << PROTOCOL_TCP | 1U << PROTOCOL_MPTCP;
	} else if (!strcmp(word, "udp") || !strcmp(word, "u")) {
		filter->protocols = 1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE;
	} else if (!strcmp(word, "ipv4")) {
		filter->inet6 = false;
	} else if (!strcmp(word, "ipv6")) {
		filter->inet = false;
	} else if (!strcmp(word, "listening") || !strcmp(word, "l")) {
		filter->listening = true;
	} else if (!strcmp(word, "shared")) {
		filter->shared = true;
	} else if (value && !strcmp(word, "process")) {
		filter->process = value;
	} else if (value && !strcmp(word, "user")) {
		filter->user = value;
	} else if (value && !strcmp(word, "unit")) {
		filter->unit = value;
	} else if (value && !strcmp(word, "pid")) {
		return add_pid(words, value) ? 1 : -1;
	} else if (value && (!strcmp(word, "state") || !strcmp(word, "s"))) {
		return set_states(filter, value) ? 1 : -1;
	} else {
		state = value ? -1 : socket_state_parse(word);
		if (state < 0)
			return 0;
		if (filter->states == (1U << N_STATES) - 1)
			filter->states = 0;
		filter->states |= 1U << state;
	}
	return 1;
}

static bool take(struct filter_words *words, char *word, selector_service service,
		 const char **ret_expected)
{
	struct selector selector;
	char *bare = word + strspn(word, "-"), *copy;
	int taken;

	/* "--process nginx" is typed as "--process=nginx" here: a word is one word. */
	copy = xstrdup(bare);
	taken = take_word(words, bare);
	*ret_expected = "expected a selector, or one of tcp, udp, ipv4, ipv6, listening, shared, "
			"state=, process=, user=, unit=, pid=";
	if (taken) {
		free(copy);
		return taken > 0;
	}
	strcpy(bare, copy);
	free(copy);
	if (bare != word || selector_parse(word, service, &selector, ret_expected))
		return false;
	ARRAY_RESERVE(words->selectors, words->filter.n_selectors, words->selectors_capacity);
	words->selectors[words->filter.n_selectors++] = selector;
	words->filter.selectors = words->selectors;
	return true;
}

bool filter_words_read(struct filter_words *words, const char *text, selector_service service,
		       char **ret_error)
{
	struct filter_words next;
	const char *expected;
	char *rest, *word, *typed;

	filter_words_init(&next);
	free(next.text);
	next.text = xstrdup(text);
	next.split = xstrdup(text);
	rest = next.split;
	while ((word = strsep(&rest, " \t"))) {
		if (!*word)
			continue;
		typed = xstrdup(word);
		if (!take(&next, word, service, &expected)) {
			*ret_error = xasprintf("cannot read \"%s\": %s", typed, expected);
			free(typed);
			filter_words_done(&next);
			return false;
		}
		free(typed);
	}
	filter_words_done(words);
	*words = next;
	return true;
}

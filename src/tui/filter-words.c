/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/filter-words.h"

#include <stdlib.h>
#include <string.h>

#include "util/out.h"
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

static const char words_expected[] =
	"expected a selector, a state, or one of tcp udp ipv4 ipv6 listening shared state= "
	"process= user= unit= pid=";

/* A word that stands alone. */
static bool take_bare_word(struct filter *filter, const char *word)
{
	int state;

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
	} else {
		state = socket_state_parse(word);
		if (state < 0)
			return false;
		if (filter->states == (1U << N_STATES) - 1)
			filter->states = 0;
		filter->states |= 1U << state;
	}
	return true;
}

/* A word with a value. */
static bool take_value(struct filter_words *words, const char *word, char *value,
		       const char **ret_expected)
{
	struct filter *filter = &words->filter;
	struct filter ignored = *filter;
	const char **place;

	if (!strcmp(word, "pid")) {
		*ret_expected = "expected pid=NUMBER";
		return add_pid(words, value);
	}
	if (!strcmp(word, "state") || !strcmp(word, "s")) {
		*ret_expected = "expected state=NAME,... with names as listen, estab, time-wait";
		return set_states(filter, value);
	}
	place = !strcmp(word, "process") ? &filter->process :
		!strcmp(word, "user")	 ? &filter->user :
		!strcmp(word, "unit")	 ? &filter->unit :
					   NULL;
	if (place) {
		*ret_expected = "expected a name after =";
		*place = value;
		return *value != '\0';
	}
	*ret_expected = take_bare_word(&ignored, word) ? "this word takes no value" :
							 words_expected;
	return false;
}

static bool take(struct filter_words *words, char *word, selector_service service,
		 const char **ret_expected)
{
	struct selector selector;
	/* "--process nginx" is typed as "--process=nginx" here: a word is one word. */
	char *bare = word + strspn(word, "-"), *value = strchr(bare, '=');

	*ret_expected = words_expected;
	if (value) {
		*value = '\0';
		return take_value(words, bare, value + 1, ret_expected);
	}
	if (take_bare_word(&words->filter, bare))
		return true;
	if (bare != word || selector_parse(word, service, &selector, ret_expected)) {
		/* A name alone may have been meant for any of them. */
		if (!strpbrk(word, ":0123456789"))
			*ret_expected = words_expected;
		return false;
	}
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

static void add_word(struct out *out, const char *name, const char *value)
{
	out_printf(out, "%s%s%s", out->used ? " " : "", name, value);
}

static void add_states(struct out *out, uint32_t states)
{
	const char *comma = "";
	int state;

	add_word(out, "state=", "");
	for (state = 0; state < N_STATES; state++) {
		if (!(states & 1U << state))
			continue;
		out_printf(out, "%s%s", comma, socket_state_name((enum socket_state)state));
		comma = ",";
	}
}

char *filter_words_format(const struct filter *filter)
{
	const uint32_t tcp = 1U << PROTOCOL_TCP, udp = 1U << PROTOCOL_UDP;
	struct out out;
	char *text;
	uint32_t i;

	out_init(&out, -1);
	if (!(filter->protocols & tcp) != !(filter->protocols & udp))
		add_word(&out, filter->protocols & tcp ? "tcp" : "udp", "");
	if (!filter->inet != !filter->inet6)
		add_word(&out, filter->inet ? "ipv4" : "ipv6", "");
	if (filter->listening)
		add_word(&out, "listening", "");
	if (filter->shared)
		add_word(&out, "shared", "");
	if (filter->states != (1U << N_STATES) - 1)
		add_states(&out, filter->states);
	if (filter->process)
		add_word(&out, "process=", filter->process);
	if (filter->user)
		add_word(&out, "user=", filter->user);
	if (filter->unit)
		add_word(&out, "unit=", filter->unit);
	for (i = 0; i < filter->n_pids; i++)
		out_printf(&out, "%spid=%u", out.used ? " " : "", filter->pids[i]);
	for (i = 0; i < filter->n_selectors; i++) {
		char *selector = selector_format(&filter->selectors[i]);

		add_word(&out, selector, "");
		free(selector);
	}
	out_char(&out, '\0');
	text = xstrdup(out.buffer);
	out_done(&out);
	return text;
}

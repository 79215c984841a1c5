/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the live view: the grid of cells, and words of a filter. */
#include "helpers/make-view.h"

static void test_screen(void)
{
	struct screen screen;
	struct out out;

	screen_init(&screen);
	screen_resize(&screen, 2, 10);
	is_int(screen_text(&screen, 0, 0, 10, 0, "日本語"), 6, "wide characters take two columns");
	screen_text(&screen, 0, 1, 1, 0, "x");
	is_int(screen_text(&screen, 1, 8, 10, 0, "日本"), 2,
	       "and are cut at the edge, not in the middle");
	is_int(screen_text(&screen, 1, 0, 10, 0, "e\xcc\x81g"), 2, "what combines takes none");
	is_int(screen_text(&screen, 5, 0, 10, 0, "x"), 0, "outside there is nothing");
	is_int(screen_printf(&screen, 1, 4, 10, 0, "%s", "\033["), 5, "escapes are text");
	out_init(&out, -1);
	screen_write(&screen, &out);
	out_char(&out, '\0');
	is_str(out.buffer, " x本語\ne\xcc\x81g  \\x1b[\n", "half of a wide one goes whole");
	out_done(&out);
	screen_done(&screen);
}

/* The sentence about a filter that cannot be read, "" if it can; valid until the next call. */
static const char *refusal(const char *text)
{
	static char said[256];
	struct filter_words words;
	char *error;

	filter_words_init(&words);
	if (filter_words_read(&words, text, fake_service, &error)) {
		said[0] = '\0';
	} else {
		snprintf(said, sizeof(said), "%s", error);
		free(error);
	}
	filter_words_done(&words);
	return said;
}

static void test_filter_words(void)
{
	static const char *const good[] = {
		"",
		"tcp udp:5060 8000-8100",
		"--listening -l shared",
		"state=time-wait,estab",
		"time-wait",
		"--process=sip* user=root unit=sip pid=900 pid=901",
		"https",
	};
	static const char *const bad[][2] = {
		{ "tcp=80", "takes no value" },
		{ "shared=yes", "takes no value" },
		{ "estab=1", "takes no value" },
		{ "bogus=1", "process= user= unit= pid=" },
		{ "bogus", "process= user=" },
		{ "--bogus", "process= user=" },
		{ "--80", "process= user=" },
		{ "pid=x", "pid=NUMBER" },
		{ "pid", "pid=" },
		{ "state=", "state=NAME" },
		{ "state=bogus", "state=NAME" },
		{ "process=", "a name" },
		{ "70000", "65535" },
		{ "=", "process= user=" },
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		is_str(refusal(good[i]), "", "filter: %s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(strstr(refusal(bad[i][0]), bad[i][0]) && strstr(refusal(bad[i][0]), bad[i][1]),
		   "no filter: %s", bad[i][0]);
}

int main(void)
{
	setenv("LC_ALL", "C.UTF-8", 1);
	setlocale(LC_ALL, "");
	test_screen();
	test_filter_words();
	return done_testing();
}

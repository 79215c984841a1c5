/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "helpers/tap.h"
#include "util/duration.h"

static void reads(const char *text, int64_t expected)
{
	int64_t ms = -1;

	is_int(duration_parse(text, &ms), 0, "\"%s\" is a duration", text);
	is_int(ms, expected, "of %" PRId64 " ms", expected);
}

static void refuses(const char *text)
{
	int64_t ms = 42;

	ok(duration_parse(text, &ms) < 0, "\"%s\" is none", text);
}

int main(void)
{
	reads("90", 90000);
	reads("90s", 90000);
	reads("0", 0);
	reads("500ms", 500);
	reads("2m", 120000);
	reads("1.5m", 90000);
	reads("0.25", 250);
	reads("0.0005s", 0);
	reads("1.00000000000000000000001s", 1000);
	reads("2h", 7200000);
	reads("2400h", DURATION_MAX_MS);
	refuses("");
	refuses("s");
	refuses(".5");
	refuses("1.");
	refuses("-1");
	refuses("+1");
	refuses(" 1");
	refuses("1 s");
	refuses("1w");
	refuses("1e3");
	refuses("0x10");
	refuses("2401h");
	refuses("9999999999");
	refuses("99999999999999999999999999");
	return done_testing();
}

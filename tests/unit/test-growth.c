/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of a snapshot costs in proportion to what is in it. No time is taken: the linker
 * puts the functions here (ld --wrap) in front of some that are called for each step, or for
 * memory, and what they count for twice as much may be a little more than twice as much.
 */
#include "analysis/check.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "util/xalloc.h"

static size_t n_bytes;

void *__real_xcalloc(size_t count, size_t size);
void *__wrap_xcalloc(size_t count, size_t size);

void *__wrap_xcalloc(size_t count, size_t size)
{
	n_bytes += count * size;
	return __real_xcalloc(count, size);
}

static void check(const struct snapshot *snapshot)
{
	const struct check_options options = { .selectors = NULL };
	struct finding_list list;

	check_snapshot(snapshot, &options, &list);
	finding_list_done(&list);
}

/* A bitmap of ports, 8 KiB, for each of 100,000 namespaces would be most of a small machine. */
static void test_namespaces(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct netns *netns;
	int i;

	for (i = 0; i < 1000; i++) {
		netns = snapshot_add_netns(snapshot);
		netns->port_range_first = 32768;
		netns->port_range_last = 60999;
		make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080)->netns =
			(uint32_t)i;
		make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 40000)->netns =
			(uint32_t)i;
	}
	n_bytes = 0;
	check(snapshot);
	ok(n_bytes < 2000000, "of 1000 namespaces: %zu bytes", n_bytes);
	snapshot_free(snapshot);
}

int main(void)
{
	test_namespaces();
	return done_testing();
}

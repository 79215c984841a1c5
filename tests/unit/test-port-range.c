/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/port-range.h"

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

static struct snapshot *new_world(uint16_t first, uint16_t last, const char *reserved)
{
	struct snapshot *snapshot = snapshot_new();
	struct netns *netns = snapshot_add_netns(snapshot);

	netns->port_range_first = first;
	netns->port_range_last = last;
	netns->reserved_ports = reserved ? snapshot_string(snapshot, reserved) : 0;
	return snapshot;
}

struct count {
	uint16_t first, last;
	const char *reserved;
	uint32_t expected;
	const char *what;
};

static const struct count counts[] = {
	{ 40000, 40009, NULL, 0, "not known" },
	{ 40000, 40009, "", 0, "none" },
	{ 40000, 40009, "40003", 1, "one" },
	{ 40000, 40009, "40003-40005,8080,40009-50000", 4, "some in the range" },
	{ 40000, 40002, "40000-40002,40000-40002", 3, "the same twice" },
	{ 40000, 40009, "40005-40007,40000-40006,40006", 8, "ranges that overlap, in any order" },
	{ 40000, 40009, "1-99999", 10, "more than all" },
	{ 40000, 40009, "40005-40003", 0, "a range that ends before it begins" },
	{ 40000, 40009, "40001,x,40002", 1, "up to what cannot be read" },
	{ 0, 0, "40000,80", 1, "in the range that a kernel has" },
};

static void test_counts(void)
{
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct snapshot *snapshot =
			new_world(counts[i].first, counts[i].last, counts[i].reserved);

		is_int(port_n_reserved(snapshot, 0), counts[i].expected, "reserved ports: %s",
		       counts[i].what);
		is_int(port_n_reserved(snapshot, 1), 0, "of no such namespace");
		snapshot_free(snapshot);
	}
}

int main(void)
{
	test_counts();
	return done_testing();
}

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
	{ 40000, 40009, NULL, 10, "not known" },
	{ 40000, 40009, "", 10, "none" },
	{ 40000, 40009, "40003", 9, "one" },
	{ 40000, 40009, "40003-40005,8080,40009-50000", 6, "some in the range" },
	{ 40000, 40002, "40000-40002,40000-40002", 0, "the same twice" },
	{ 40000, 40009, "40005-40007,40000-40006,40006", 2, "ranges that overlap, in any order" },
	{ 40000, 40009, "40001,40000,40002-40003", 6, "ranges that touch" },
	{ 40000, 40009, "1-99999", 0, "more than all" },
	{ 40000, 40009, "40005-40003", 10, "a range that ends before it begins" },
	{ 40000, 40009, "40001,x,40002", 9, "up to what cannot be read" },
	{ 40000, 40009, "40001,40002--1", 9, "or is no port" },
	{ 0, 0, "40000,80", 28231, "in the range that a kernel has" },
};

static void test_counts(void)
{
	size_t i;

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct snapshot *snapshot =
			new_world(counts[i].first, counts[i].last, counts[i].reserved);
		struct port_rules rules;

		port_rules_init(&rules, snapshot);
		is_int(port_n_ephemeral(&rules, 0), counts[i].expected, "reserved ports: %s",
		       counts[i].what);
		is_int(port_n_ephemeral(&rules, 1), 28232, "of no such namespace");
		port_rules_done(&rules);
		snapshot_free(snapshot);
	}
}

/* The rules are of the snapshot as it was: no question reads the text again. */
static void test_reserved(void)
{
	struct snapshot *snapshot = new_world(40000, 40009, "40003-40005,8080,40005-40006,65535");
	struct port_rules rules;

	snapshot_add_netns(snapshot);
	snapshot_add_netns(snapshot)->reserved_ports = snapshot_string(snapshot, "1,9");
	port_rules_init(&rules, snapshot);
	snapshot->netns[0].reserved_ports = snapshot_string(snapshot, "40000");
	is_int(port_is_reserved(&rules, 0, 40002), TRISTATE_NO, "before a range");
	is_int(port_is_reserved(&rules, 0, 40003), TRISTATE_YES, "its first");
	is_int(port_is_reserved(&rules, 0, 40006), TRISTATE_YES, "its last, of two that overlap");
	is_int(port_is_reserved(&rules, 0, 40007), TRISTATE_NO, "behind it");
	is_int(port_is_reserved(&rules, 0, 8080), TRISTATE_YES, "one alone");
	is_int(port_is_reserved(&rules, 0, 65535), TRISTATE_YES, "the last of all");
	is_int(port_is_reserved(&rules, 1, 8080), TRISTATE_UNKNOWN, "where nothing is known");
	is_int(port_is_reserved(&rules, 2, 8080), TRISTATE_NO, "of another namespace");
	is_int(port_is_reserved(&rules, 2, 9), TRISTATE_YES, "and one that it has");
	is_int(port_is_reserved(&rules, 3, 9), TRISTATE_UNKNOWN, "of no such namespace");
	ok(!port_is_ephemeral(&rules, 0, 40003), "a reserved port is given to nobody");
	ok(port_is_ephemeral(&rules, 0, 40002), "others of the range are");
	ok(!port_is_ephemeral(&rules, 0, 39999), "but none outside");
	port_rules_done(&rules);
	snapshot_free(snapshot);
}

int main(void)
{
	test_counts();
	test_reserved();
	return done_testing();
}

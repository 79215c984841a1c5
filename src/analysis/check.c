/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/check.h"

#include <stdlib.h>

#include "analysis/detect.h"
#include "util/xalloc.h"

static bool is_wanted(const struct finding_list *list, const struct finding *finding, void *user)
{
	(void)list;
	return finding->severity >= *(const enum severity *)user;
}

/* What is said of a port because nobody listens there, when not all of it is in the snapshot. */
static void doubt_absence(struct finding_list *list)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		struct finding *finding = &list->items[i];

		if (finding->undecided || (finding->id != FINDING_TIME_WAIT_BLOCKS_BIND &&
					   finding->id != FINDING_PORT_TAKEN_BY_CLIENT))
			continue;
		free(finding->evidence);
		free(finding->text);
		free(finding->remedy);
		finding->undecided = true;
		finding->evidence = xstrdup("The snapshot does not hold all sockets of the port: a "
					    "server may be among what was left out.");
		finding->text = xstrdup("");
		finding->remedy =
			xstrdup("Take a snapshot of all sockets, with \"portshare --json\".");
	}
}

void check_snapshot(const struct snapshot *snapshot, const struct check_options *options,
		    struct finding_list *ret_list)
{
	struct address_index addresses = { .items = NULL };
	struct detection detection = {
		.snapshot = snapshot,
		.options = options,
		.list = ret_list,
		.addresses = &addresses,
	};
	const struct bind_bucket_index *index = options->buckets;
	struct bind_bucket_index own;
	uint32_t i;

	*ret_list = (struct finding_list){ .items = NULL };
	port_rules_init(&detection.rules, snapshot);
	if (!index) {
		bind_bucket_index_init(&own, snapshot);
		index = &own;
	}
	detection.index = index;
	for (i = 0; i < index->n_buckets; i++) {
		detection.bucket = &index->buckets[i];
		detection.members = index->members + index->buckets[i].first;
		/* A socket that is not bound yet shares nothing. */
		if (!index->buckets[i].port)
			continue;
		if (protocol_is_stream((enum protocol)index->buckets[i].protocol)) {
			detect_listener(&detection);
			detect_time_wait(&detection);
			detect_restart(&detection);
		} else {
			detect_udp(&detection);
		}
		detect_client_port(&detection);
		detect_reuseport(&detection);
		detect_dual_stack(&detection);
		address_index_done(&addresses);
	}
	detect_hijackable_rest(&detection);
	detect_takeable_ports(&detection);
	detect_time_wait_rest(&detection);
	detect_inherited_doubts(&detection);
	detect_reuseport_doubts(&detection);
	detect_exhaustion(&detection);
	if (index == &own)
		bind_bucket_index_done(&own);
	port_rules_done(&detection.rules);
	free(detection.hijackable.sockets);
	free(detection.left_over.sockets);
	free(detection.takeable);
	if (snapshot_part(snapshot) == PART_SOCKETS)
		doubt_absence(ret_list);
	if (options->least) {
		enum severity least = options->least;

		finding_list_retain(ret_list, is_wanted, &least);
	}
	finding_list_sort(ret_list);
}

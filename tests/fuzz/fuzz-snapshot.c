/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/check.h"
#include "analysis/filter.h"
#include "analysis/infer.h"
#include "analysis/probe-harm.h"
#include "analysis/probe-verdict.h"
#include "model/snapshot-json.h"
#include "util/xalloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct snapshot *load(const void *bytes, size_t size)
{
	struct snapshot_json_error error = { .text = "" };
	struct snapshot *snapshot = NULL;
	FILE *stream = fmemopen((void *)bytes, size, "r");

	if (!stream)
		abort();
	/* What is refused is refused in a sentence. */
	if (snapshot_json_load(stream, &snapshot, &error) && !*error.text)
		abort();
	fclose(stream);
	return snapshot;
}

static struct out save(const struct snapshot *snapshot)
{
	const struct check_options options = { .selectors = NULL };
	struct finding_list findings;
	struct json_writer writer;
	struct out out;

	check_snapshot(snapshot, &options, &findings);
	out_init(&out, -1);
	json_writer_init(&writer, &out, true);
	snapshot_json_save(snapshot, &findings, &writer);
	finding_list_done(&findings);
	return out;
}

/*
 * A document that is read is written, with what is found in it, read again and written again to the
 * same bytes.
 */
static void round_trip(const struct snapshot *snapshot)
{
	struct out first = save(snapshot), second;
	struct snapshot *again = load(first.buffer, first.used);

	if (!again)
		abort();
	second = save(again);
	if (first.used != second.used || memcmp(first.buffer, second.buffer, first.used))
		abort();
	out_done(&first);
	out_done(&second);
	snapshot_free(again);
}

/* A bind just like each of the first sockets: every sentence about it is made. */
static void probe_each(const struct snapshot *snapshot)
{
	const struct probe_facts facts = { .address_error = PROBE_UNKNOWN };
	struct bind_bucket_index index;
	struct probe_verdict verdict;
	struct probe_report report;
	uint32_t i;

	bind_bucket_index_init(&index, snapshot);
	for (i = 0; i < snapshot->n_sockets && i < 16; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];
		const struct bind_candidate candidate = {
			.address = socket->local,
			.netns = socket->netns,
			.uid = socket->uid,
			.device = socket->device,
			.port = socket->local_port,
			.protocol = (uint8_t)bind_bucket_protocol(socket->protocol),
			.family = socket->family,
			.reuse_addr = i & 1,
			.reuse_port = i & 2,
		};
		struct probe_live_plan plan;

		probe_report_init(&report, &candidate);
		probe_predict(snapshot, &index, &facts, &report);
		probe_plan_live(snapshot, &index, &report, false, &plan);
		probe_conclude(snapshot, &index, &report, &verdict);
		if (!verdict.text || !*verdict.text)
			abort();
		probe_verdict_done(&verdict);
		probe_report_done(&report);
	}
	bind_bucket_index_done(&index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *snapshot;
	struct filter filter;
	bool *keep;

	if (!size)
		return 0;
	snapshot = load(data, size);
	if (!snapshot)
		return 0;
	round_trip(snapshot);
	infer_reuse(snapshot);
	probe_each(snapshot);
	filter_init(&filter);
	filter.shared = true;
	keep = xcalloc(snapshot->n_sockets, sizeof(*keep));
	filter_apply(&filter, snapshot, keep);
	snapshot_retain(snapshot, keep);
	free(keep);
	snapshot_free(snapshot);
	return 0;
}

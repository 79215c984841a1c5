/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/probe-json.h"

#include <string.h>
#include <sys/socket.h>

#include "model/snapshot-json.h"
#include "util/errno-name.h"
#include "util/json-writer.h"

static void write_candidate(struct json_writer *writer, const struct snapshot *snapshot,
			    const struct bind_candidate *candidate)
{
	char address[ADDRESS_TEXT_MAX];
	uint64_t netns =
		candidate->netns < snapshot->n_netns ? snapshot->netns[candidate->netns].id : 0;

	json_name(writer, "candidate");
	json_begin_object(writer);
	json_name(writer, "protocol");
	json_write_string(writer, protocol_name((enum protocol)candidate->protocol));
	json_name(writer, "family");
	json_write_string(writer, candidate->family == AF_INET ? "inet" : "inet6");
	json_name(writer, "address");
	json_write_string(writer, address_format(candidate->family, &candidate->address, address));
	json_name(writer, "port");
	json_write_unsigned(writer, candidate->port);
	json_name(writer, "device");
	json_write_string(writer, snapshot_text(snapshot, candidate->device));
	json_name(writer, "v6only");
	json_write_bool(writer, candidate->v6only);
	json_name(writer, "reuseaddr");
	json_write_bool(writer, candidate->reuse_addr);
	json_name(writer, "reuseport");
	json_write_bool(writer, candidate->reuse_port);
	json_name(writer, "uid");
	json_write_unsigned(writer, candidate->uid);
	json_name(writer, "netns");
	if (netns)
		json_write_unsigned(writer, netns);
	else
		json_write_null(writer);
	json_end(writer);
}

static void write_said(struct json_writer *writer, const char *name, int said)
{
	json_name(writer, name);
	if (said == PROBE_NOT_TRIED)
		json_write_null(writer);
	else if (said == PROBE_UNKNOWN)
		json_write_string(writer, "unknown");
	else
		json_write_string(writer, said ? errno_name(said) : "ok");
}

static void write_way(struct json_writer *writer, const struct probe_attempt *attempt,
		      enum probe_way way)
{
	const struct probe_outcome *outcome = &attempt->ways[way];
	char address[ADDRESS_TEXT_MAX];

	json_name(writer, probe_way_name(way));
	if (outcome->bind == PROBE_NOT_TRIED) {
		json_write_null(writer);
		return;
	}
	json_begin_object(writer);
	write_said(writer, "bind", outcome->bind);
	write_said(writer, "listen", outcome->listen);
	if (way == PROBE_LIVE) {
		json_name(writer, "held_us");
		json_write_fraction(writer, outcome->bind ? 0 : (double)attempt->held_ns / 1000);
		json_name(writer, "port");
		if (attempt->places[PROBE_LIVE].moved)
			json_write_unsigned(writer, attempt->places[PROBE_LIVE].port);
		else
			json_write_null(writer);
		json_name(writer, "address");
		json_write_string(writer,
				  attempt->places[PROBE_LIVE].moved ?
					  address_format(attempt->places[PROBE_LIVE].family,
							 &attempt->places[PROBE_LIVE].address,
							 address) :
					  NULL);
	}
	json_end(writer);
}

static void write_attempts(struct json_writer *writer, const struct probe_report *report)
{
	uint32_t set;

	json_name(writer, "attempts");
	json_begin_array(writer);
	for (set = 0; set < PROBE_SETS; set++) {
		json_begin_object(writer);
		json_name(writer, "reuseaddr");
		json_write_bool(writer, set & PROBE_SET(1, 0));
		json_name(writer, "reuseport");
		json_write_bool(writer, set & PROBE_SET(0, 1));
		write_way(writer, &report->attempts[set], PROBE_MODEL);
		write_way(writer, &report->attempts[set], PROBE_REPLICA);
		write_way(writer, &report->attempts[set], PROBE_LIVE);
		json_name(writer, "live_left_out");
		json_write_string(writer, report->attempts[set].left_out);
		json_name(writer, "live_harm");
		json_write_string(writer, report->attempts[set].harm);
		json_end(writer);
	}
	json_end(writer);
}

static void write_milliseconds(struct json_writer *writer, const char *name, int64_t ms)
{
	json_name(writer, name);
	if (ms >= 0)
		json_write_signed(writer, ms);
	else
		json_write_null(writer);
}

static void write_blockers(struct json_writer *writer, const struct probe_verdict *verdict)
{
	uint32_t i;

	json_name(writer, "blockers");
	json_begin_array(writer);
	for (i = 0; i < verdict->n_blockers; i++) {
		const struct probe_blocker *blocker = &verdict->blockers[i];

		json_begin_object(writer);
		json_name(writer, "socket");
		json_write_unsigned(writer, blocker->socket);
		json_name(writer, "cause");
		json_write_string(writer, probe_cause_name(blocker->cause));
		json_name(writer, "certain");
		json_write_bool(writer, blocker->certain);
		json_name(writer, "why");
		json_write_string(writer, blocker->why);
		write_milliseconds(writer, "frees_in_ms", blocker->frees_in_ms);
		json_end(writer);
	}
	json_end(writer);
}

static void write_shares(struct json_writer *writer, const char *name,
			 const struct probe_delivery *delivery)
{
	uint32_t i;

	json_name(writer, name);
	if (!delivery->known) {
		json_write_null(writer);
		return;
	}
	json_begin_array(writer);
	for (i = 0; i < delivery->n_shares; i++) {
		json_begin_object(writer);
		json_name(writer, "socket");
		if (delivery->shares[i].socket == SNAPSHOT_NONE)
			json_write_null(writer);
		else
			json_write_unsigned(writer, delivery->shares[i].socket);
		json_name(writer, "share");
		json_write_fraction(writer, delivery->shares[i].share);
		json_end(writer);
	}
	json_end(writer);
}

static bool is_by(const struct probe_delivery *delivery, enum probe_way way)
{
	return delivery->known && delivery->way == way;
}

static void write_delivery(struct json_writer *writer, const struct snapshot *snapshot,
			   const struct probe_report *report)
{
	bool counted =
		(is_by(&report->before, PROBE_REPLICA) || is_by(&report->after, PROBE_REPLICA)) &&
		!is_by(&report->before, PROBE_MODEL) && !is_by(&report->after, PROBE_MODEL);
	char address[ADDRESS_TEXT_MAX];

	json_name(writer, "delivery");
	json_begin_object(writer);
	json_name(writer, "to");
	json_write_string(writer, probe_is_to_any(report) ?
					  NULL :
					  address_format(report->destination_family,
							 &report->destination, address));
	json_name(writer, "device");
	json_write_string(writer, snapshot_text(snapshot, report->candidate.device));
	write_shares(writer, "before", &report->before);
	write_shares(writer, "after", &report->after);
	json_name(writer, "copies");
	json_write_bool(writer, report->before.copies || report->after.copies);
	json_name(writer, "method");
	json_write_string(writer, probe_way_name(counted ? PROBE_REPLICA : PROBE_MODEL));
	json_end(writer);
}

static void write_sentences(struct json_writer *writer, const char *name,
			    const struct probe_sentences *sentences)
{
	uint32_t i;

	json_name(writer, name);
	json_begin_array(writer);
	for (i = 0; i < sentences->count; i++)
		json_write_string(writer, sentences->items[i]);
	json_end(writer);
}

static void write_verdict(struct json_writer *writer, const struct probe_verdict *verdict)
{
	static const char *const answers[] = {
		[TRISTATE_UNKNOWN] = "unknown",
		[TRISTATE_NO] = "no",
		[TRISTATE_YES] = "yes",
	};

	json_name(writer, "verdict");
	json_begin_object(writer);
	json_name(writer, "answer");
	json_write_string(writer, answers[verdict->answer]);
	write_said(writer, "error", verdict->error ? verdict->error : PROBE_NOT_TRIED);
	json_name(writer, "text");
	json_write_string(writer, verdict->text);
	write_milliseconds(writer, "frees_in_ms", verdict->frees_in_ms);
	write_sentences(writer, "remedy", &verdict->remedies);
	write_sentences(writer, "notes", &verdict->notes);
	write_sentences(writer, "differences", &verdict->differences);
	json_end(writer);
}

static void write_limit(struct json_writer *writer, const char *what, const char *reason,
			const char *text, uint64_t count)
{
	json_begin_object(writer);
	json_name(writer, "what");
	json_write_string(writer, what);
	json_name(writer, "reason");
	json_write_string(writer, reason);
	json_name(writer, "count");
	if (count)
		json_write_unsigned(writer, count);
	else
		json_write_null(writer);
	json_name(writer, "text");
	json_write_string(writer, text);
	json_end(writer);
}

/* Those of the probe, and those of the snapshot, which weaken it too. */
static void write_limits(struct json_writer *writer, const struct snapshot *snapshot,
			 const struct probe_report *report)
{
	uint32_t i;

	json_name(writer, "limits");
	json_begin_array(writer);
	for (i = 0; i < report->n_limits; i++)
		write_limit(writer, report->limits[i].what, NULL, report->limits[i].text, 0);
	for (i = 0; i < snapshot->n_limits; i++)
		write_limit(writer, snapshot_text(snapshot, snapshot->limits[i].what),
			    snapshot_text(snapshot, snapshot->limits[i].reason),
			    snapshot_text(snapshot, snapshot->limits[i].text),
			    snapshot->limits[i].count);
	json_end(writer);
}

void probe_json_write(struct snapshot *snapshot, enum snapshot_part part,
		      const struct probe_report *report, const struct probe_verdict *verdict,
		      const struct finding_list *findings, struct out *out)
{
	struct json_writer writer;

	json_writer_init(&writer, out, true);
	json_begin_object(&writer);
	json_name(&writer, "schema_version");
	json_write_unsigned(&writer, SNAPSHOT_SCHEMA_VERSION);
	write_candidate(&writer, snapshot, &report->candidate);
	write_attempts(&writer, report);
	write_blockers(&writer, verdict);
	write_delivery(&writer, snapshot, report);
	write_verdict(&writer, verdict);
	write_limits(&writer, snapshot, report);
	snapshot_set_part(snapshot, part);
	json_name(&writer, "snapshot");
	snapshot_json_save(snapshot, findings, &writer);
	json_end(&writer);
	out_char(out, '\n');
}

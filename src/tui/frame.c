/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/frame.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/port-range.h"
#include "output/column-note.h"
#include "util/xalloc.h"

void frame_maker_init(struct frame_maker *maker)
{
	*maker = (struct frame_maker){ .n_trend = 0 };
	history_init(&maker->history);
}

void frame_maker_done(struct frame_maker *maker)
{
	history_done(&maker->history);
}

static bool is_closing(const struct inet_socket *socket)
{
	if (socket_is_time_wait(socket))
		return false;
	switch ((enum socket_state)socket->state) {
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSE_WAIT:
	case STATE_LAST_ACK:
	case STATE_CLOSING:
		return true;
	default:
		return false;
	}
}

static void count_sockets(struct frame *frame)
{
	const struct snapshot *snapshot = frame->snapshot;
	struct frame_totals *totals = &frame->totals;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[i];

		if (bind_bucket_protocol((enum protocol)socket->protocol) == PROTOCOL_TCP) {
			totals->tcp[socket->state]++;
			totals->closing += is_closing(socket);
		} else if (!protocol_is_stream((enum protocol)socket->protocol)) {
			totals->udp++;
		}
		totals->time_wait += socket_is_time_wait(socket);
		if (socket->netns < snapshot->n_netns)
			frame->netns[socket->netns].time_wait += socket_is_time_wait(socket);
	}
}

static void count_ports(struct frame *frame)
{
	const struct snapshot *snapshot = frame->snapshot;
	uint32_t i, netns = SNAPSHOT_NONE;
	struct port_rules rules;
	uint16_t port = 0;

	port_rules_init(&rules, snapshot);
	for (i = 0; i < snapshot->n_netns; i++)
		frame->netns[i].local_ports = port_n_ephemeral(&rules, i);
	/* Of a namespace they are neighbours, and in that those of one port, of TCP and UDP. */
	for (i = 0; i < frame->index.n_buckets; i++) {
		const struct bind_bucket *bucket = &frame->index.buckets[i];

		if (bucket->netns >= snapshot->n_netns)
			continue;
		if (bucket->netns == netns && bucket->port == port)
			continue;
		netns = bucket->netns;
		port = bucket->port;
		frame->netns[netns].local_ports_used += port_is_ephemeral(&rules, netns, port);
	}
	port_rules_done(&rules);
}

/* Which of two namespaces is nearer to the end of something. Where there is no limit, none is. */
static bool is_fuller(uint64_t used, uint64_t limit, uint64_t than_used, uint64_t than_limit)
{
	return limit && (!than_limit || used * than_limit > than_used * limit);
}

/* Each has its own limits: no sum says how near one of them is. */
static void find_fullest(struct frame *frame)
{
	const struct snapshot *snapshot = frame->snapshot;
	const struct frame_netns *all = frame->netns;
	uint32_t i;

	for (i = 0; i < snapshot->n_netns; i++) {
		const struct netns *netns = &snapshot->netns[i];

		if ((netns->sysctls_known & 1U << SYSCTL_TCP_MAX_TW_BUCKETS) &&
		    netns->sysctls[SYSCTL_TCP_MAX_TW_BUCKETS] > 0)
			frame->netns[i].time_wait_limit = netns->sysctls[SYSCTL_TCP_MAX_TW_BUCKETS];
		if (is_fuller(all[i].time_wait, (uint64_t)all[i].time_wait_limit,
			      all[frame->most_time_wait].time_wait,
			      (uint64_t)all[frame->most_time_wait].time_wait_limit))
			frame->most_time_wait = i;
		if (is_fuller(all[i].local_ports_used, all[i].local_ports,
			      all[frame->most_ports].local_ports_used,
			      all[frame->most_ports].local_ports))
			frame->most_ports = i;
	}
}

static void count_findings(struct frame *frame)
{
	uint32_t i;

	for (i = 0; i < frame->findings.count; i++) {
		const struct finding *finding = &frame->findings.items[i];

		if (finding->undecided)
			frame->totals.undecided++;
		else
			frame->totals.findings[finding->severity]++;
	}
}

/* The last value is that of now, until its time is over. */
static void add_to_trend(struct frame_maker *maker, int64_t now_ns, uint32_t value)
{
	if (maker->n_trend && now_ns >= maker->trend_ns &&
	    now_ns - maker->trend_ns < FRAME_TREND_NS) {
		maker->trend[maker->n_trend - 1] = value;
		return;
	}
	maker->trend_ns = now_ns;
	if (maker->n_trend == FRAME_TREND)
		memmove(maker->trend, maker->trend + 1, (FRAME_TREND - 1) * sizeof(*maker->trend));
	else
		maker->n_trend++;
	maker->trend[maker->n_trend - 1] = value;
}

/* Who is missing in a part of the sockets may be the one that makes a finding. */
static bool *unjudged_of(const struct snapshot *snapshot, const struct finding_list *findings)
{
	bool *unjudged = column_unjudged_of(snapshot, findings, true);

	if (snapshot_part(snapshot) == PART_SOCKETS)
		memset(unjudged, true, snapshot->n_sockets * sizeof(*unjudged));
	return unjudged;
}

struct frame *frame_new(struct frame_maker *maker, const struct snapshot *before,
			struct snapshot *snapshot, const struct finding_list *findings,
			uint32_t *notes)
{
	struct frame *frame = xcalloc(1, sizeof(*frame));

	frame->snapshot = snapshot;
	frame->findings = *findings;
	frame->notes = notes ? notes : xcalloc(snapshot->n_sockets, sizeof(*notes));
	frame->unjudged = unjudged_of(snapshot, findings);
	frame->is_new = xcalloc(snapshot->n_sockets, sizeof(*frame->is_new));
	frame->is_new_finding = xcalloc(findings->count, sizeof(*frame->is_new_finding));
	frame->netns = xcalloc(snapshot->n_netns, sizeof(*frame->netns));
	bind_bucket_index_init(&frame->index, snapshot);
	port_view_init(&frame->ports, snapshot, false);
	history_take(&maker->history, before, snapshot, &frame->index, FRAME_KEEP_GONE_NS,
		     frame->is_new);
	history_take_findings(&maker->history, snapshot, findings, FRAME_KEEP_GONE_NS,
			      frame->is_new_finding);
	history_copy(&maker->history, &frame->history);
	count_sockets(frame);
	count_ports(frame);
	find_fullest(frame);
	count_findings(frame);
	add_to_trend(maker, snapshot->end_ns, frame->totals.time_wait);
	memcpy(frame->trend, maker->trend, sizeof(frame->trend));
	frame->n_trend = maker->n_trend;
	return frame;
}

void frame_free(struct frame *frame)
{
	if (!frame)
		return;
	history_done(&frame->history);
	port_view_done(&frame->ports);
	bind_bucket_index_done(&frame->index);
	finding_list_done(&frame->findings);
	snapshot_free(frame->snapshot);
	free(frame->notes);
	free(frame->unjudged);
	free(frame->is_new);
	free(frame->is_new_finding);
	free(frame->netns);
	free(frame);
}

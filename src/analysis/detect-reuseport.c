/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Groups of sockets that the kernel balances between. */
#include "analysis/detect-reuseport.h"

#include <stdlib.h>

#include "util/xalloc.h"

static int compare_members(const void *left, const void *right, void *user)
{
	const struct snapshot *snapshot = user;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	if (snapshot->sockets[a].uid != snapshot->sockets[b].uid)
		return snapshot->sockets[a].uid < snapshot->sockets[b].uid ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Those that may be in a group, by uid; freed with free(). */
static uint32_t *list_members(const struct snapshot *snapshot, const struct detect_place *place,
			      uint32_t *ret_count)
{
	uint32_t *members = xcalloc(place->count, sizeof(*members)), i, n = 0;

	for (i = 0; i < place->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[place->sockets[i]];

		if (socket->reuse_port != TRISTATE_NO && socket->reuse_group != TRISTATE_NO)
			members[n++] = place->sockets[i];
	}
	if (n)
		qsort_r(members, n, sizeof(*members), compare_members, (void *)snapshot);
	*ret_count = n;
	return members;
}

/* The group that begins with the first of these. */
static struct reuseport_group first_group(const struct snapshot *snapshot, const uint32_t *members,
					  uint32_t n)
{
	struct reuseport_group group = { .sockets = members,
					 .certain = true,
					 .arriving = "what arrives" };
	uint32_t uid = snapshot->sockets[members[0]].uid;

	while (group.count < n && snapshot->sockets[members[group.count]].uid == uid) {
		const struct inet_socket *socket = &snapshot->sockets[members[group.count++]];

		if (socket->reuse_port == TRISTATE_UNKNOWN || !(socket->known & SOCKET_HAS_UID))
			group.certain = false;
		if (detect_is_for_multicast(socket))
			group.n_multicast++;
		if (detect_may_get_copies(socket))
			group.arriving = "the unicast datagrams that arrive";
	}
	group.steered = detect_is_steered(snapshot, members, group.count);
	return group;
}

const struct process *reuseport_holder_of(const struct snapshot *snapshot, uint32_t index)
{
	const struct inet_socket *socket = &snapshot->sockets[index];

	if (!socket->n_owners)
		return NULL;
	return &snapshot->processes[snapshot->owners[socket->first_owner].process];
}

char *reuseport_explain_steering(const struct reuseport_group *group, const char *unknown)
{
	return xasprintf("Which of the %u members of the group gets %s is chosen by a BPF program "
			 "that is attached to it, not by a hash. Whom that chooses cannot be seen "
			 "from outside, nor %s.",
			 group->count, group->arriving, unknown);
}

static void check_place(struct detection *detection, const struct detect_place *place, bool stream)
{
	uint32_t i, n, *members = list_members(detection->snapshot, place, &n);
	struct reuseport_group group;

	for (i = 0; i < n; i += group.count) {
		group = first_group(detection->snapshot, members + i, n - i);
		if (group.count < 2)
			continue;
		/* UDP of unknown flags may share in another way, which is judged there. */
		if (stream || group.certain)
			reuseport_check_strangers(detection, &group);
		reuseport_check_stale(detection, &group, stream);
		reuseport_check_stuck(detection, &group, stream);
	}
	free(members);
}

void detect_reuseport_doubts(struct detection *detection)
{
	detect_report_doubts(detection, &detection->stale, FINDING_REUSEPORT_STALE_MEMBER,
			     SEVERITY_WARNING,
			     "whether one of these members of a pool is of an older generation "
			     "cannot be told",
			     "The processes that hold the sockets are hidden, or what they run.");
	detect_report_doubts(detection, &detection->stuck, FINDING_REUSEPORT_STUCK_MEMBER,
			     SEVERITY_WARNING,
			     "whether one of these members of a pool does not take its share "
			     "cannot be told",
			     "Their queues or their reuse flags are not known.");
}

void detect_reuseport(struct detection *detection)
{
	bool stream = protocol_is_stream((enum protocol)detection->bucket->protocol);
	struct detect_place *places, *place;

	if (detection->bucket->count < 2)
		return;
	places = detect_places(detection, stream ? STATE_LISTEN : STATE_BOUND, PLACE_OF_GROUP);
	for (place = places; place->count; place++)
		if (place->count > 1 &&
		    !detect_gets_copies(&detection->snapshot->sockets[place->sockets[0]]))
			check_place(detection, place, stream);
	free(places);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/replica.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe/bind-socket.h"
#include "probe/child.h"
#include "probe/replica-net.h"
#include "probe/replica-socket.h"
#include "probe/traffic.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

#define TIMEOUT_MS 20000
#define BACKLOG 4096

/* What the child tells. In memory shared with the parent. */
struct result {
	int error; /* that ended everything; then step says where */
	char step[32];
	bool one_user;
	struct probe_outcome sets[PROBE_SETS];
	struct probe_place places[PROBE_SETS];
	/* The first of the sockets, devices and addresses that could not be made, and how many. */
	int make_error;
	uint32_t n_not_made, not_made;
	char make_step[32];
	int before, after; /* sent; below 0 if it was not tried or failed */
	/* Before, after; the last is the candidate's. */
	uint32_t counts[2][REPLICA_SOCKETS_MAX + 1];
};

struct work {
	const struct snapshot *snapshot;
	const struct probe_facts *facts;
	const struct probe_report *report;
	uint32_t *sockets; /* what is rebuilt, indexes, in that order */
	uint32_t *stand_for; /* of each, how many alike are rebuilt as one */
	uint32_t n_sockets;
	bool count_traffic;
	struct result *result;

	/* In the child. */
	struct replica_socket *made;
	bool *moves; /* of each, whether it is to be connected for a while yet */
	bool others; /* uids can be played */
};

static const char *candidate_device(const struct work *work)
{
	return snapshot_text(work->snapshot, work->report->candidate.device);
}

static void note_not_made(struct result *result, uint32_t socket, int error, const char *step)
{
	if (!result->n_not_made++) {
		result->make_error = error;
		result->not_made = socket;
		strncpy(result->make_step, step, sizeof(result->make_step) - 1);
	}
}

/* Device and address of a socket, or of the candidate. */
static int make_place(const char *device, int family, const struct address *address,
		      const char **ret_step)
{
	int error = 0;

	*ret_step = "adding a device";
	if (device)
		error = replica_net_add_device(device);
	*ret_step = "adding an address";
	if (!error)
		error = replica_net_add_address(NULL, family, address);
	/* For an IPv6 bind the address must be that of the device. */
	if (!error && device && family == AF_INET6)
		error = replica_net_add_address(device, family, address);
	return error;
}

static void set_sysctls(const struct work *work)
{
	uint32_t row = work->report->candidate.netns;
	const struct netns *netns = row < work->snapshot->n_netns ? &work->snapshot->netns[row] :
								    NULL;

	if (netns && (netns->sysctls_known & 1U << SYSCTL_IP_UNPRIVILEGED_PORT_START))
		replica_net_set("ipv4/ip_unprivileged_port_start",
				netns->sysctls[SYSCTL_IP_UNPRIVILEGED_PORT_START]);
}

/* Connections are bound in the replica, which in the original they mostly were not. */
static void remember(const struct work *work)
{
	const struct probe_report *report = work->report;
	const char *step = "remembering the last bind";
	struct bind_memory memory = report->memory;
	int error;

	/* Here all are of one user: what is remembered of another would fit. */
	if (!work->others && memory.uid != report->candidate.uid)
		memory.reuse_port = 0;
	error = make_place(NULL, memory.family, &memory.address, &step);
	if (!error)
		error = replica_socket_remember(&memory, report->candidate.port, work->others);
	if (error)
		note_not_made(work->result, SNAPSHOT_NONE, error, step);
}

/*
 * Of those that are to be moved the one that is looked up last; if there is a next, only of those
 * that are looked up after that.
 */
static uint32_t last_to_move(const struct work *work, uint32_t n_made,
			     const struct inet_socket *next)
{
	const struct inet_socket *socket, *last = NULL;
	uint32_t i, found = SNAPSHOT_NONE;

	for (i = 0; i < n_made; i++) {
		socket = &work->snapshot->sockets[work->sockets[i]];
		if (!work->moves[i] ||
		    (next && (socket->family != next->family ||
			      socket->lookup_order <= next->lookup_order)) ||
		    (last && socket->lookup_order <= last->lookup_order))
			continue;
		last = socket;
		found = i;
	}
	return found;
}

/*
 * Connect and disconnect what was connected, so that the look-up meets all as in the original:
 * before the next is made those that it went before; NULL: after the last the others.
 */
static void move(struct work *work, uint32_t n_made, const struct inet_socket *next)
{
	uint32_t i;
	int error;

	while ((i = last_to_move(work, n_made, next)) != SNAPSHOT_NONE) {
		work->moves[i] = false;
		error = replica_socket_move(&work->snapshot->sockets[work->sockets[i]],
					    &work->made[i]);
		if (error)
			note_not_made(work->result, work->sockets[i], error, "connect");
	}
}

static void rebuild(struct work *work)
{
	const struct bind_candidate *candidate = &work->report->candidate;
	uint16_t peer_port = candidate->port;
	uint32_t i;

	work->made = xcalloc(work->n_sockets + 1, sizeof(*work->made));
	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &work->snapshot->sockets[work->sockets[i]];
		const char *step = "";
		int error;

		if (!work->moves[i] && socket->lookup_order)
			move(work, i, socket);
		if (!++peer_port)
			peer_port = 1;
		error = make_place(snapshot_text(work->snapshot, socket->device), socket->family,
				   &socket->local, &step);
		work->made[i] = (struct replica_socket){ .fd = -1, .peer = -1 };
		if (!error)
			error = replica_socket_make(work->snapshot, work->sockets[i], work->others,
						    candidate->uid, peer_port, &work->made[i],
						    &step);
		if (error)
			note_not_made(work->result, work->sockets[i], error, step);
	}
	move(work, work->n_sockets, NULL);
	if (work->n_sockets && protocol_is_stream((enum protocol)candidate->protocol))
		remember(work);
	for (i = 0; i < work->n_sockets; i++)
		replica_socket_finish(&work->snapshot->sockets[work->sockets[i]], work->others,
				      candidate->uid, &work->made[i]);
}

/* A child of root has CAP_NET_BIND_SERVICE, whatever uid it plays. */
static void set_bind_service(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	uint32_t bit = 1U << CAP_NET_BIND_SERVICE;

	if (syscall(SYS_capget, &header, data))
		return;
	data[0].effective = on ? data[0].effective | (data[0].permitted & bit) :
				 data[0].effective & ~bit;
	syscall(SYS_capset, &header, data);
}

/* The candidate with a set of flags, bound. Returns the socket or -errno. */
static int bind_candidate_set(const struct work *work, uint32_t set)
{
	struct bind_candidate candidate = work->report->candidate;
	const char *step;
	int fd, error;

	candidate.reuse_addr = set & PROBE_SET(1, 0);
	candidate.reuse_port = set & PROBE_SET(0, 1);
	if (work->others)
		child_act_as(candidate.uid);
	fd = bind_socket_new(&candidate, candidate_device(work), &step);
	if (work->others)
		child_act_as(0);
	if (fd < 0)
		return fd;
	if (work->facts->privileged == TRISTATE_NO)
		set_bind_service(false);
	error = bind_socket_bind(fd, &candidate, candidate_device(work));
	set_bind_service(true);
	if (!error)
		return fd;
	close(fd);
	return error;
}

/*
 * The sets with SO_REUSEPORT come first: a bind without it makes the bucket forget that its sockets
 * had it.
 */
static void ask_sets(const struct work *work)
{
	static const uint32_t order[PROBE_SETS] = { PROBE_SET(0, 1), PROBE_SET(1, 1),
						    PROBE_SET(0, 0), PROBE_SET(1, 0) };
	bool stream = protocol_is_stream((enum protocol)work->report->candidate.protocol);
	uint32_t i;

	for (i = 0; i < PROBE_SETS; i++) {
		struct probe_outcome *outcome = &work->result->sets[order[i]];
		int fd = bind_candidate_set(work, order[i]);

		outcome->bind = fd < 0 ? -fd : 0;
		outcome->listen = PROBE_NOT_TRIED;
		if (fd < 0)
			continue;
		bind_socket_place(fd, &work->report->candidate, &work->result->places[order[i]]);
		if (stream)
			outcome->listen = listen(fd, BACKLOG) ? errno : 0;
		close(fd);
	}
}

static int count(const struct work *work, int candidate_fd, uint32_t *counts)
{
	bool stream = protocol_is_stream((enum protocol)work->report->candidate.protocol);
	int *fds = xcalloc(work->n_sockets + 1, sizeof(*fds)), sent;
	uint32_t i;

	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &work->snapshot->sockets[work->sockets[i]];

		fds[i] = !stream || socket->state == STATE_LISTEN ? work->made[i].fd : -1;
	}
	fds[work->n_sockets] = candidate_fd;
	sent = traffic_count(stream, work->report->destination_family, &work->report->destination,
			     work->report->candidate.port, fds, work->n_sockets + 1, counts);
	free(fds);
	return sent;
}

static void count_traffic(const struct work *work)
{
	const struct bind_candidate *candidate = &work->report->candidate;
	uint32_t asked = PROBE_SET(candidate->reuse_addr, candidate->reuse_port);
	int fd;

	work->result->before = count(work, -1, work->result->counts[0]);
	fd = bind_candidate_set(work, asked);
	if (fd < 0)
		return;
	if (!protocol_is_stream((enum protocol)candidate->protocol) || !listen(fd, BACKLOG))
		work->result->after = count(work, fd, work->result->counts[1]);
	close(fd);
}

static void fail(struct result *result, const char *step, int error)
{
	result->error = error;
	strncpy(result->step, step, sizeof(result->step) - 1);
}

static bool can_play(uint32_t uid)
{
	bool can;

	child_act_as(uid);
	can = setfsuid((uid_t)-1) == (int)uid;
	child_act_as(0);
	return can;
}

/* Without the right, or where a user namespace does not have them, setfsuid() does nothing. */
static bool can_play_users(const struct work *work)
{
	uint32_t i;

	if (geteuid() || !can_play(work->report->candidate.uid))
		return false;
	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &work->snapshot->sockets[work->sockets[i]];

		if ((socket->known & SOCKET_HAS_UID) && !can_play(socket->uid))
			return false;
	}
	return true;
}

/* A group of theirs is none in the replica. */
static bool any_foreign(const struct work *work)
{
	uint32_t i;

	for (i = 0; i < work->n_sockets; i++)
		if (replica_socket_foreign(&work->snapshot->sockets[work->sockets[i]],
					   work->report->candidate.uid))
			return true;
	return false;
}

static void run(void *user)
{
	struct work *work = user;
	const struct bind_candidate *candidate = &work->report->candidate;
	struct result *result = work->result;
	int error = replica_net_enter(&result->one_user);
	const char *step;

	if (error) {
		fail(result, "a private network", error);
		return;
	}
	work->others = !result->one_user && can_play_users(work);
	result->one_user = !work->others;
	set_sysctls(work);
	/* A device or address that is not there is not to be had here either. */
	error = make_place(work->facts->address_error == ENODEV ? NULL : candidate_device(work),
			   candidate->family,
			   work->facts->address_error > 0 ? &(struct address){ .bytes = { 0 } } :
							    &candidate->address,
			   &step);
	if (error) {
		fail(result, step, error);
		return;
	}
	rebuild(work);
	/*
	 * The sockets of the port have brought it along, or it is one of those that most hosts
	 * have.
	 */
	if (work->facts->address_error == EADDRNOTAVAIL)
		error = replica_net_remove_addresses();
	if (error) {
		fail(result, "taking the address away", error);
		return;
	}
	ask_sets(work);
	if (work->count_traffic && !(result->one_user && any_foreign(work)))
		count_traffic(work);
}

/*
 * In which turn a socket is made. A listener cannot begin to listen beside connections that lack
 * its flag, but they can be made beside it, whatever the flags; so can what is only bound.
 */
enum turn {
	TURN_LISTENER,
	TURN_BOUND,
	TURN_CONNECTION,
	N_TURNS,
};

/* Of UDP the order of bind() decides who receives: there is one turn. */
static enum turn turn_of(const struct inet_socket *socket)
{
	if (!protocol_is_stream((enum protocol)socket->protocol) || socket->state == STATE_LISTEN)
		return TURN_LISTENER;
	return socket->state == STATE_BOUND ? TURN_BOUND : TURN_CONNECTION;
}

static void add_once(struct work *work, uint32_t index)
{
	const struct snapshot *snapshot = work->snapshot;
	uint32_t i;

	for (i = 0; i < work->n_sockets; i++)
		if (replica_socket_alike(&snapshot->sockets[index],
					 &snapshot->sockets[work->sockets[i]])) {
			work->stand_for[i]++;
			return;
		}
	if (work->n_sockets < REPLICA_SOCKETS_MAX + 1) {
		work->stand_for[work->n_sockets] = 1;
		work->sockets[work->n_sockets++] = index;
	}
}

/*
 * By turns, in each oldest first: the order is newest first, but IPv6 sockets with SO_REUSEPORT are
 * put at the end.
 */
static void in_order(const struct snapshot *snapshot, const uint32_t *members, uint32_t n_members,
		     struct work *work)
{
	uint32_t i, turn, at_tail;

	work->sockets = xcalloc(n_members + 1, sizeof(*work->sockets));
	work->stand_for = xcalloc(n_members + 1, sizeof(*work->stand_for));
	for (turn = 0; turn < N_TURNS; turn++) {
		for (at_tail = 0; at_tail < 2; at_tail++) {
			for (i = 0; i < n_members; i++) {
				uint32_t index = members[at_tail ? i : n_members - 1 - i];
				const struct inet_socket *socket = &snapshot->sockets[index];

				/* Not bound: a request goes with its listener. */
				if (turn_of(socket) != turn ||
				    (socket->family == AF_INET6 &&
				     socket->reuse_port == TRISTATE_YES) != at_tail ||
				    socket->state == STATE_SYN_RECV)
					continue;
				add_once(work, index);
			}
		}
	}
}

/*
 * Of UDP: whether it was connected for a while: so it left its group, or went before others of its
 * family that come first by the order of bind(), which is the snapshot's. That forgets a device, to
 * which it would be bound again; but then no traffic is counted.
 */
static bool was_connected(const struct work *work, uint32_t index)
{
	const struct inet_socket *sockets = work->snapshot->sockets, *socket = &sockets[index];
	uint32_t i;

	if (protocol_is_stream((enum protocol)socket->protocol) || socket->state != STATE_BOUND ||
	    socket->device)
		return false;
	if (socket->reuse_port == TRISTATE_YES && socket->reuse_group == TRISTATE_NO)
		return true;
	for (i = 0; i < work->n_sockets && socket->lookup_order; i++)
		if (work->sockets[i] < index &&
		    sockets[work->sockets[i]].family == socket->family &&
		    sockets[work->sockets[i]].lookup_order > socket->lookup_order)
			return true;
	return false;
}

static void find_moves(struct work *work)
{
	uint32_t i;

	work->moves = xcalloc(work->n_sockets + 1, sizeof(*work->moves));
	for (i = 0; i < work->n_sockets; i++)
		work->moves[i] = was_connected(work, work->sockets[i]);
}

/* Sockets of IPv6 with SO_REUSEPORT are made last, and so after what was moved before them. */
static bool is_order_lost(const struct work *work)
{
	bool moves = false, at_tail = false;
	uint32_t i;

	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &work->snapshot->sockets[work->sockets[i]];

		moves = moves || work->moves[i];
		at_tail = at_tail ||
			  (socket->family == AF_INET6 && socket->reuse_port == TRISTATE_YES);
	}
	return moves && at_tail;
}

/* At an address that is not there nobody does. */
static bool may_receive(const struct work *work)
{
	uint32_t i;

	if (work->facts->address_error > 0)
		return false;
	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &work->snapshot->sockets[work->sockets[i]];

		if (socket->state == STATE_LISTEN ||
		    !protocol_is_stream((enum protocol)socket->protocol))
			return true;
	}
	return false;
}

/* Traffic goes over lo: who is bound to another device would get none of it. */
static bool any_device(const struct work *work)
{
	uint32_t i;

	for (i = 0; i < work->n_sockets; i++)
		if (work->snapshot->sockets[work->sockets[i]].device)
			return true;
	return work->report->candidate.device != 0;
}

static bool can_count(const struct work *work)
{
	const struct probe_report *report = work->report;

	return report->candidate.port && may_receive(work) && !any_device(work) &&
	       !is_order_lost(work) &&
	       !address_is_multicast(report->destination_family, &report->destination) &&
	       !report->broadcast;
}

static uint32_t counted_socket(const struct work *work, uint32_t place)
{
	return place < work->n_sockets ? work->sockets[place] : SNAPSHOT_NONE;
}

static bool has_share(const struct probe_delivery *delivery, uint32_t socket)
{
	uint32_t i;

	for (i = 0; i < delivery->n_shares; i++)
		if (delivery->shares[i].socket == socket)
			return true;
	return false;
}

/*
 * Of too few for so large a group some members got none, by chance. Then the model stays, if all
 * who got some are among its receivers.
 */
static bool is_sample(const struct work *work, const uint32_t *counts, int sent,
		      const struct probe_delivery *predicted)
{
	uint32_t i;

	if ((uint32_t)sent >= predicted->n_shares * TRAFFIC_EACH)
		return false;
	for (i = 0; i <= work->n_sockets; i++)
		if (counts[i] && !has_share(predicted, counted_socket(work, i)))
			return false;
	return true;
}

static void take_delivery(const struct work *work, const uint32_t *counts, int sent,
			  struct probe_delivery *delivery)
{
	uint32_t i, total = 0;

	/* The model knows better than a replica with flags that are guessed. */
	if (!delivery->known || is_sample(work, counts, sent, delivery))
		return;
	for (i = 0; i <= work->n_sockets; i++)
		total += counts[i];
	probe_delivery_clear(delivery);
	delivery->known = true;
	delivery->way = PROBE_REPLICA;
	for (i = 0; i <= work->n_sockets; i++)
		if (counts[i])
			probe_add_share(delivery, counted_socket(work, i),
					(double)counts[i] / total);
	probe_sort_shares(delivery);
}

/* Who chooses within a group of SO_REUSEPORT. */
static void note_programs(const struct work *work, struct probe_report *report)
{
	bool any = false, any_unknown = false;
	uint32_t i;

	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &work->snapshot->sockets[work->sockets[i]];

		if (socket->reuse_port != TRISTATE_YES)
			continue;
		any = any || socket->reuse_program == TRISTATE_YES;
		any_unknown = any_unknown || (socket->reuse_program == TRISTATE_UNKNOWN &&
					      socket->state != STATE_TIME_WAIT);
	}
	if (any)
		probe_add_limit(report, "replica",
				"a BPF program chooses who of the SO_REUSEPORT group receives; the "
				"replica has none, so it cannot be told who will");
	else if (any_unknown && work->count_traffic)
		probe_add_limit(
			report, "replica",
			"whether a BPF program chooses who of the SO_REUSEPORT group receives "
			"is not known; the shares are those without");
}

/* What makes the replica differ from the original. */
static void note_limits(const struct work *work, struct probe_report *report)
{
	const struct snapshot *snapshot = work->snapshot;
	const struct result *result = work->result;
	uint32_t i, n_flags = 0, n_users = 0, n_devices = 0;

	for (i = 0; i < work->n_sockets; i++) {
		const struct inet_socket *socket = &snapshot->sockets[work->sockets[i]];

		if (socket->reuse_addr == TRISTATE_UNKNOWN ||
		    socket->reuse_port == TRISTATE_UNKNOWN)
			n_flags += work->stand_for[i];
		if (result->one_user && socket->reuse_port == TRISTATE_YES &&
		    replica_socket_foreign(socket, report->candidate.uid))
			n_users += work->stand_for[i];
		if (!(socket->known & SOCKET_HAS_DEVICE) && !socket->device &&
		    report->candidate.device)
			n_devices += work->stand_for[i];
	}
	if (n_flags)
		probe_add_limit(
			report, "replica",
			"the reuse flags of %u socket%s are unknown; the replica plays without "
			"them",
			n_flags, n_flags == 1 ? "" : "s");
	if (n_users)
		probe_add_limit(
			report, "replica",
			"%u socket%s of other users %s played without SO_REUSEPORT in the "
			"replica, since only root can play other users; the real %s may have it",
			n_users, n_users == 1 ? "" : "s", n_users == 1 ? "is" : "are",
			n_users == 1 ? "one" : "ones");
	if (n_devices)
		probe_add_limit(report, "replica",
				"the replica has %u socket%s bound to no device, since theirs is "
				"unknown",
				n_devices, n_devices == 1 ? "" : "s");
	note_programs(work, report);
	if (may_receive(work) && any_device(work))
		probe_add_limit(
			report, "replica",
			"who receives is not counted in the replica, where no traffic comes "
			"in on the devices to which sockets are bound");
	if (is_order_lost(work))
		probe_add_limit(report, "replica",
				"who receives is not counted in the replica, where it cannot be "
				"rebuilt in what order sockets were connected and disconnected");
	if (result->n_not_made)
		probe_add_limit(report, "replica",
				"%u socket%s could not be rebuilt in the replica: %s: %s",
				result->n_not_made, result->n_not_made == 1 ? "" : "s",
				result->make_step, errno_name(result->make_error));
}

static void take_outcomes(const struct work *work, struct probe_report *report)
{
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++) {
		struct probe_outcome *outcome = &report->attempts[set].ways[PROBE_REPLICA];

		*outcome = work->result->sets[set];
		report->attempts[set].places[PROBE_REPLICA] = work->result->places[set];
		if (report->attempts[set].ways[PROBE_MODEL].bind != PROBE_UNKNOWN &&
		    !work->result->n_not_made)
			continue;
		outcome->bind = PROBE_UNKNOWN;
		outcome->listen = outcome->listen == PROBE_NOT_TRIED ? PROBE_NOT_TRIED :
								       PROBE_UNKNOWN;
	}
}

void replica_ask(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		 const struct probe_facts *facts, struct probe_report *report)
{
	struct work work = { .snapshot = snapshot, .facts = facts, .report = report };
	const uint32_t *members;
	uint32_t n_members;
	int error;

	members = probe_members(index, &report->candidate, &n_members);
	in_order(snapshot, members, n_members, &work);
	find_moves(&work);
	if (work.n_sockets > REPLICA_SOCKETS_MAX) {
		probe_add_limit(report, "replica",
				"there are too many sockets on the port to rebuild "
				"them in a replica");
		free(work.sockets);
		free(work.stand_for);
		free(work.moves);
		return;
	}
	work.count_traffic = can_count(&work);
	work.result = child_share(sizeof(*work.result));
	if (!work.result) {
		probe_add_limit(report, "replica", "no memory for a replica");
		free(work.sockets);
		free(work.stand_for);
		free(work.moves);
		return;
	}
	work.result->before = work.result->after = -1;
	error = child_run(run, &work, TIMEOUT_MS);
	if (error || work.result->error) {
		probe_add_limit(report, "replica", "no replica could be made: %s: %s",
				error ? "its process" : work.result->step,
				errno_name(error ? error : work.result->error));
	} else {
		note_limits(&work, report);
		take_outcomes(&work, report);
		if (work.result->before > 0 && !work.result->n_not_made)
			take_delivery(&work, work.result->counts[0], work.result->before,
				      &report->before);
		if (work.result->after > 0 && !work.result->n_not_made)
			take_delivery(&work, work.result->counts[1], work.result->after,
				      &report->after);
	}
	child_unshare(work.result, sizeof(*work.result));
	free(work.sockets);
	free(work.stand_for);
	free(work.moves);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/port-view.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/port-range.h"
#include "model/bind-bucket.h"
#include "util/siphash.h"
#include "util/xalloc.h"

#define NO_GROUP UINT32_MAX

/* Outgoing connections of one program to one destination. */
struct client_group {
	uint32_t socket; /* one of them */
	uint32_t next; /* the next group of the same destination, or NO_GROUP */
	uint32_t merged_into; /* itself, or the group that takes it in */
	uint32_t count;
	uint32_t start; /* where its sockets go */
	string_id program; /* comm of the first owner */
	uint8_t owner_status;
};

struct client_table {
	struct client_group *groups;
	uint32_t n_groups, groups_capacity;
	uint32_t *destinations; /* hash of destinations: their first group, or NO_GROUP */
	uint32_t *by_program; /* hash of destinations with their programs: the group */
	uint32_t n_slots; /* of either; a power of two */
	uint64_t factors[5]; /* of the hashes */
	uint32_t *sockets; /* the clients of a namespace */
	uint32_t *group_of; /* for each of them */
	uint32_t n_sockets;
};

static const struct inet_socket *socket_at(const struct snapshot *snapshot, uint32_t index)
{
	return &snapshot->sockets[index];
}

/* ---- which ports are held by clients only ---- */

/* The buckets of a snapshot, and of each whether somebody listens there or is bound. */
struct served_index {
	struct bind_bucket_index buckets;
	bool *served;
};

static void served_index_init(struct served_index *index, const struct snapshot *snapshot)
{
	uint32_t i, k;

	bind_bucket_index_init(&index->buckets, snapshot);
	index->served = xcalloc(index->buckets.n_buckets, sizeof(*index->served));
	for (i = 0; i < index->buckets.n_buckets; i++) {
		const struct bind_bucket *bucket = &index->buckets.buckets[i];
		const uint32_t *members = index->buckets.members + bucket->first;

		for (k = 0; k < bucket->count && !index->served[i]; k++)
			index->served[i] = socket_is_bound(socket_at(snapshot, members[k]));
	}
}

static void served_index_done(struct served_index *index)
{
	bind_bucket_index_done(&index->buckets);
	free(index->served);
}

static bool bucket_is_served(const struct served_index *index, const struct bind_bucket *bucket)
{
	return index->served[bucket - index->buckets.buckets];
}

/* Reserved ports, too: that none is given away now says nothing of what was. */
static bool port_is_in_range(const struct snapshot *snapshot, const struct bind_bucket *bucket)
{
	uint16_t first, last;

	port_range(snapshot, bucket->netns, &first, &last);
	return bucket->port >= first && bucket->port <= last;
}

/* Surely the side that called connect(2): still at it, or its peer is a port served here. */
static bool is_connecting_side(const struct served_index *index, const struct inet_socket *socket)
{
	const struct bind_bucket *bucket;

	if (socket->state == STATE_SYN_SENT)
		return true;
	if (!(socket->known & SOCKET_HAS_PEER))
		return false;
	if (!address_is_loopback(socket->family, &socket->peer) &&
	    !address_equal(&socket->local, &socket->peer))
		return false;
	bucket = bind_bucket_find(&index->buckets, socket->netns, socket->peer_port,
				  (enum protocol)socket->protocol);
	return bucket && bucket_is_served(index, bucket);
}

static bool bucket_is_client(const struct snapshot *snapshot, const struct served_index *index,
			     const struct bind_bucket *bucket)
{
	bool any = false;
	uint32_t i;

	if (bucket_is_served(index, bucket))
		return false;
	if (port_is_in_range(snapshot, bucket))
		return true;
	for (i = 0; i < bucket->count; i++) {
		const struct inet_socket *socket =
			socket_at(snapshot, index->buckets.members[bucket->first + i]);

		if (socket_is_time_wait(socket))
			continue;
		if (!is_connecting_side(index, socket))
			return false;
		any = true;
	}
	return any;
}

/* ---- served ports ---- */

static struct port_row *add_row(struct port_view *view, enum port_row_kind kind, uint32_t first,
				uint32_t count)
{
	struct port_row *row;

	ARRAY_RESERVE(view->rows, view->n_rows, view->rows_capacity);
	row = &view->rows[view->n_rows++];
	*row = (struct port_row){ .kind = (uint8_t)kind, .first = first, .count = count };
	return row;
}

static bool same_owners(const struct snapshot *snapshot, const struct inet_socket *a,
			const struct inet_socket *b)
{
	uint32_t i;

	if (a->owner_status != b->owner_status || a->n_owners != b->n_owners)
		return false;
	for (i = 0; i < a->n_owners; i++) {
		if (snapshot->owners[a->first_owner + i].process !=
		    snapshot->owners[b->first_owner + i].process)
			return false;
	}
	return true;
}

static uint32_t differences(const struct inet_socket *a, const struct inet_socket *b)
{
	uint32_t known = a->known ^ b->known;
	uint32_t differs = 0;

	if (a->family != b->family || memcmp(&a->local, &b->local, sizeof(a->local)))
		differs |= DIFFERS_LOCAL;
	if (a->device != b->device || known & SOCKET_HAS_DEVICE)
		differs |= DIFFERS_DEVICE;
	if (a->v6only != b->v6only)
		differs |= DIFFERS_V6ONLY;
	if (a->reuse_addr != b->reuse_addr || a->reuse_port != b->reuse_port ||
	    (a->reuse_evidence == EVIDENCE_INFERRED) != (b->reuse_evidence == EVIDENCE_INFERRED))
		differs |= DIFFERS_REUSE;
	if (a->reuse_evidence != b->reuse_evidence)
		differs |= DIFFERS_EVIDENCE;
	if (a->uid != b->uid || known & SOCKET_HAS_UID)
		differs |= DIFFERS_UID;
	if (a->unit != b->unit || a->container != b->container || a->cgroup_id != b->cgroup_id ||
	    known & SOCKET_HAS_CGROUP)
		differs |= DIFFERS_UNIT;
	if (a->peer_port != b->peer_port || a->family != b->family || known & SOCKET_HAS_PEER ||
	    memcmp(&a->peer, &b->peer, sizeof(a->peer)))
		differs |= DIFFERS_PEER;
	if (a->timer != b->timer)
		differs |= DIFFERS_TIMER;
	if (a->mark != b->mark || known & SOCKET_HAS_MARK)
		differs |= DIFFERS_MARK;
	if (a->options != b->options || known & SOCKET_HAS_OPTIONS)
		differs |= DIFFERS_OPTIONS;
	if (a->queue_limit != b->queue_limit || known & SOCKET_HAS_LIMIT)
		differs |= DIFFERS_LIMIT;
	if (a->local_port != b->local_port)
		differs |= DIFFERS_PORT;
	if (a->protocol != b->protocol)
		differs |= DIFFERS_PROTOCOL;
	return differs;
}

static bool are_alike(const struct snapshot *snapshot, uint32_t left, uint32_t right)
{
	const struct inet_socket *a = socket_at(snapshot, left);
	const struct inet_socket *b = socket_at(snapshot, right);

	return a->state == b->state && a->known == b->known && !differences(a, b) &&
	       !(a->queue_recv | a->queue_send | a->drops) &&
	       !(b->queue_recv | b->queue_send | b->drops) && same_owners(snapshot, a, b);
}

/* Rows of the bound sockets that lie at [first, end) of view->sockets. */
static void add_bound_rows(struct port_view *view, uint32_t first, uint32_t end)
{
	uint32_t next;

	for (; first < end; first = next) {
		next = first + 1;
		while (next < end &&
		       are_alike(view->snapshot, view->sockets[first], view->sockets[next]))
			next++;
		if (next - first < PORT_VIEW_ALIKE)
			next = first + 1;
		add_row(view, PORT_ROW_BOUND, first, next - first);
	}
}

/*
 * A TIME-WAIT bucket in its FIN-WAIT-2 substate has the state of a living socket, but no owner and
 * an end: a row of its own.
 */
#define N_FOLDS (N_STATES + 1)
static unsigned int fold_of(const struct inet_socket *socket)
{
	if (socket->state == STATE_FIN_WAIT_2 && socket_is_time_wait(socket))
		return N_STATES;
	return socket->state;
}

/* Put the sockets of a served bucket at view->sockets + at, and add their rows. */
static void add_port(struct port_view *view, const uint32_t *members, uint32_t n_members,
		     uint32_t at)
{
	uint32_t counts[N_FOLDS] = { 0 }, places[N_FOLDS];
	uint32_t i, fold, n_bound = 0, bound_at = at, first_row = view->n_rows;

	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = socket_at(view->snapshot, members[i]);

		if (socket_is_bound(socket))
			n_bound++;
		else
			counts[fold_of(socket)]++;
	}
	places[0] = at + n_bound;
	for (fold = 1; fold < N_FOLDS; fold++)
		places[fold] = places[fold - 1] + counts[fold - 1];
	for (i = 0; i < n_members; i++) {
		const struct inet_socket *socket = socket_at(view->snapshot, members[i]);

		if (socket_is_bound(socket))
			view->sockets[bound_at++] = members[i];
		else
			view->sockets[places[fold_of(socket)]++] = members[i];
	}
	add_bound_rows(view, at, at + n_bound);
	for (fold = 0; fold < N_FOLDS; fold++) {
		if (counts[fold])
			add_row(view, PORT_ROW_STATE, places[fold] - counts[fold], counts[fold]);
	}
	view->rows[first_row].leads = true;
}

/* ---- outgoing connections ---- */

static bool same_destination(const struct inet_socket *a, const struct inet_socket *b)
{
	return a->protocol == b->protocol && a->family == b->family &&
	       a->peer_port == b->peer_port && !((a->known ^ b->known) & SOCKET_HAS_PEER) &&
	       address_equal(&a->peer, &b->peer);
}

/* Whoever chooses destinations does not know them. */
static void draw_factors(struct client_table *table)
{
	struct siphash_key key;
	uint32_t i;

	siphash_key_init(&key);
	for (i = 0; i < ARRAY_SIZE(table->factors); i++)
		table->factors[i] = siphash(&key, &i, sizeof(i));
}

/*
 * The upper half of the sum of products with random factors: two given destinations hardly ever
 * have the same (multiply-shift, Dietzfelbinger). Each connection needs it, for which SipHash is
 * too dear.
 */
static uint32_t hash_destination(const struct client_table *table, const struct inet_socket *socket)
{
	uint64_t sum = ((uint64_t)socket->protocol << 24 | (uint32_t)socket->family << 16 |
			socket->peer_port) *
		       table->factors[0];
	uint32_t words[4], i;

	memcpy(words, socket->peer.bytes, sizeof(words));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i] * table->factors[1 + i];
	return (uint32_t)(sum >> 32);
}

static string_id program_of(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	if (!socket->n_owners)
		return 0;
	return snapshot->processes[snapshot->owners[socket->first_owner].process].comm;
}

static bool same_program(const struct client_group *group, const struct snapshot *snapshot,
			 const struct inet_socket *socket)
{
	return group->program == program_of(snapshot, socket) &&
	       group->owner_status == socket->owner_status;
}

/* Where the first group of a destination is, or goes. */
static uint32_t *find_destination(const struct client_table *table, const struct snapshot *snapshot,
				  const struct inet_socket *socket)
{
	uint32_t slot = hash_destination(table, socket) & (table->n_slots - 1);

	while (table->destinations[slot] != NO_GROUP &&
	       !same_destination(socket,
				 socket_at(snapshot,
					   table->groups[table->destinations[slot]].socket)))
		slot = (slot + 1) & (table->n_slots - 1);
	return &table->destinations[slot];
}

/* Where the group of a program and a destination is, or goes. */
static uint32_t *find_group(const struct client_table *table, const struct snapshot *snapshot,
			    const struct inet_socket *socket)
{
	uint32_t program = program_of(snapshot, socket) * 4 + socket->owner_status;
	uint32_t slot = (hash_destination(table, socket) ^ program * 0x9e3779b1U) &
			(table->n_slots - 1);

	for (; table->by_program[slot] != NO_GROUP; slot = (slot + 1) & (table->n_slots - 1)) {
		const struct client_group *group = &table->groups[table->by_program[slot]];

		if (same_program(group, snapshot, socket) &&
		    same_destination(socket, socket_at(snapshot, group->socket)))
			break;
	}
	return &table->by_program[slot];
}

static uint32_t *new_slots(uint32_t n_slots)
{
	uint32_t *slots = xmalloc(n_slots * sizeof(*slots));

	memset(slots, 0xff, n_slots * sizeof(*slots));
	return slots;
}

static void grow_slots(struct client_table *table, const struct snapshot *snapshot)
{
	uint32_t *destinations = table->destinations, *by_program = table->by_program;
	uint32_t i, n_old = table->n_slots;

	table->n_slots = n_old ? n_old * 2 : 64;
	table->destinations = new_slots(table->n_slots);
	table->by_program = new_slots(table->n_slots);
	for (i = 0; i < n_old; i++) {
		if (destinations[i] != NO_GROUP)
			*find_destination(table, snapshot,
					  socket_at(snapshot,
						    table->groups[destinations[i]].socket)) =
				destinations[i];
		if (by_program[i] != NO_GROUP)
			*find_group(table, snapshot,
				    socket_at(snapshot, table->groups[by_program[i]].socket)) =
				by_program[i];
	}
	free(destinations);
	free(by_program);
}

static uint32_t group_of(struct client_table *table, const struct snapshot *snapshot,
			 uint32_t index)
{
	const struct inet_socket *socket = socket_at(snapshot, index);
	uint32_t *group, *destination;

	if (table->n_groups * 2 >= table->n_slots)
		grow_slots(table, snapshot);
	group = find_group(table, snapshot, socket);
	if (*group != NO_GROUP)
		return *group;
	destination = find_destination(table, snapshot, socket);
	ARRAY_RESERVE(table->groups, table->n_groups, table->groups_capacity);
	table->groups[table->n_groups] = (struct client_group){
		.socket = index,
		.next = *destination,
		.merged_into = table->n_groups,
		.program = program_of(snapshot, socket),
		.owner_status = socket->owner_status,
	};
	*destination = *group = table->n_groups;
	return table->n_groups++;
}

/* What has lost its owner goes to the one program that talks to the same destination. */
static void merge_ownerless(struct client_table *table)
{
	uint32_t slot, group, program;

	for (slot = 0; slot < table->n_slots; slot++) {
		uint32_t n_programs = 0;

		program = NO_GROUP;
		for (group = table->destinations[slot]; group != NO_GROUP;
		     group = table->groups[group].next) {
			uint8_t status = table->groups[group].owner_status;

			if (status == OWNER_NONE || status == OWNER_ORPHAN)
				continue;
			n_programs++;
			if (status == OWNER_OWNED)
				program = group;
		}
		if (n_programs != 1 || program == NO_GROUP)
			continue;
		for (group = table->destinations[slot]; group != NO_GROUP;
		     group = table->groups[group].next)
			table->groups[group].merged_into = program;
	}
}

/* The largest group that has no place yet; of equals the first seen. */
static uint32_t largest_group(const struct client_table *table)
{
	uint32_t i, best = NO_GROUP;

	for (i = 0; i < table->n_groups; i++) {
		const struct client_group *group = &table->groups[i];

		if (group->merged_into != i || group->start != NO_GROUP)
			continue;
		if (best == NO_GROUP || group->count > table->groups[best].count)
			best = i;
	}
	return best;
}

/* Put the clients of a namespace at view->sockets + at and add their rows. */
static void add_clients(struct port_view *view, struct client_table *table, uint32_t at)
{
	uint32_t i, group, rest_at, n_groups = 0, end = at + table->n_sockets;

	merge_ownerless(table);
	for (i = 0; i < table->n_sockets; i++) {
		table->group_of[i] = table->groups[table->group_of[i]].merged_into;
		table->groups[table->group_of[i]].count++;
	}
	for (i = 0; i < table->n_groups; i++) {
		table->groups[i].start = NO_GROUP;
		n_groups += table->groups[i].merged_into == i;
	}
	for (i = 0; i < PORT_VIEW_CLIENTS && i < n_groups; i++) {
		group = largest_group(table);
		table->groups[group].start = at;
		add_row(view, PORT_ROW_CLIENT, at, table->groups[group].count);
		at += table->groups[group].count;
	}
	rest_at = at;
	if (rest_at < end)
		add_row(view, PORT_ROW_REST, rest_at, end - rest_at)->n_destinations =
			n_groups - PORT_VIEW_CLIENTS;
	for (i = 0; i < table->n_sockets; i++) {
		struct client_group *to = &table->groups[table->group_of[i]];

		view->sockets[to->start == NO_GROUP ? rest_at++ : to->start++] = table->sockets[i];
	}
}

/* ---- all of it ---- */

/* The buckets of one namespace: [first, end). at is the place of its first socket. */
static void add_section(struct port_view *view, const struct served_index *served, uint32_t first,
			uint32_t end, uint32_t at, bool clients_in_full)
{
	const struct bind_bucket_index *index = &served->buckets;
	struct client_table clients = { 0 };
	struct port_section section = {
		.netns = index->buckets[first].netns,
		.first_row = view->n_rows,
	};
	uint32_t i, j, capacity = 0;

	draw_factors(&clients);
	for (i = first; i < end; i++) {
		const struct bind_bucket *bucket = &index->buckets[i];
		const uint32_t *members = index->members + bucket->first;

		if (clients_in_full || !bucket_is_client(view->snapshot, served, bucket)) {
			add_port(view, members, bucket->count, at);
			at += bucket->count;
			continue;
		}
		while (capacity < clients.n_sockets + bucket->count) {
			capacity = capacity ? capacity * 2 : 64;
			clients.sockets =
				xreallocarray(clients.sockets, capacity, sizeof(*clients.sockets));
			clients.group_of = xreallocarray(clients.group_of, capacity,
							 sizeof(*clients.group_of));
		}
		for (j = 0; j < bucket->count; j++) {
			clients.sockets[clients.n_sockets] = members[j];
			clients.group_of[clients.n_sockets++] =
				group_of(&clients, view->snapshot, members[j]);
		}
	}
	section.n_rows = view->n_rows - section.first_row;
	section.first_client = view->n_rows;
	add_clients(view, &clients, at);
	section.n_clients = view->n_rows - section.first_client;
	ARRAY_RESERVE(view->sections, view->n_sections, view->sections_capacity);
	view->sections[view->n_sections++] = section;
	free(clients.groups);
	free(clients.destinations);
	free(clients.by_program);
	free(clients.sockets);
	free(clients.group_of);
}

void port_view_init(struct port_view *view, const struct snapshot *snapshot, bool clients_in_full)
{
	struct served_index served;
	const struct bind_bucket *buckets;
	uint32_t first, end;

	*view = (struct port_view){ .snapshot = snapshot };
	view->sockets = xcalloc(snapshot->n_sockets, sizeof(*view->sockets));
	view->process_marks = xcalloc(snapshot->n_processes, sizeof(*view->process_marks));
	view->processes = xcalloc(snapshot->n_processes, sizeof(*view->processes));
	served_index_init(&served, snapshot);
	buckets = served.buckets.buckets;
	for (first = 0; first < served.buckets.n_buckets; first = end) {
		end = first + 1;
		while (end < served.buckets.n_buckets && buckets[end].netns == buckets[first].netns)
			end++;
		add_section(view, &served, first, end, buckets[first].first, clients_in_full);
	}
	served_index_done(&served);
}

void port_view_done(struct port_view *view)
{
	free(view->sockets);
	free(view->rows);
	free(view->sections);
	free(view->process_marks);
	free(view->processes);
	*view = (struct port_view){ 0 };
}

static int compare_indexes(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void sum_time_wait(struct port_summary *summary, const struct inet_socket *socket)
{
	summary->n_time_wait++;
	if (!(socket->known & SOCKET_HAS_EXPIRES))
		return;
	if (!summary->n_expires++) {
		summary->first_expires_ms = socket->timer_expires_ms;
		summary->last_expires_ms = socket->timer_expires_ms;
		return;
	}
	if (socket->timer_expires_ms < summary->first_expires_ms)
		summary->first_expires_ms = socket->timer_expires_ms;
	if (socket->timer_expires_ms > summary->last_expires_ms)
		summary->last_expires_ms = socket->timer_expires_ms;
}

/*
 * The socket that speaks for a row. TIME-WAIT sockets that were put with a program's connections
 * have neither owner nor user, which shall not make these values differ.
 */
static const struct inet_socket *speaker_of(const struct port_view *view,
					    const struct port_row *row)
{
	uint32_t i;

	for (i = 0; i < row->count && row->kind == PORT_ROW_CLIENT; i++) {
		const struct inet_socket *socket =
			socket_at(view->snapshot, view->sockets[row->first + i]);

		if (!socket_is_time_wait(socket))
			return socket;
	}
	return socket_at(view->snapshot, view->sockets[row->first]);
}

void port_view_sum(struct port_view *view, const struct port_row *row,
		   struct port_summary *ret_summary)
{
	const struct snapshot *snapshot = view->snapshot;
	struct port_summary *summary = ret_summary;
	uint32_t i, j;

	*summary = (struct port_summary){
		.row = row,
		.socket = speaker_of(view, row),
		.known = UINT32_MAX,
		.processes = view->processes,
	};
	view->mark++;
	for (i = 0; i < row->count; i++) {
		const struct inet_socket *socket =
			socket_at(snapshot, view->sockets[row->first + i]);

		summary->states[socket->state]++;
		summary->owner_statuses[socket->owner_status]++;
		summary->known &= socket->known;
		summary->queue_recv += socket->queue_recv;
		summary->queue_send += socket->queue_send;
		summary->drops += socket->drops;
		if (socket != summary->socket &&
		    (row->kind != PORT_ROW_CLIENT ||
		     socket_is_time_wait(socket) == socket_is_time_wait(summary->socket)))
			summary->differs |= differences(summary->socket, socket) | DIFFERS_IDENTITY;
		if (socket_is_time_wait(socket))
			sum_time_wait(summary, socket);
		for (j = 0; j < socket->n_owners; j++) {
			uint32_t process = snapshot->owners[socket->first_owner + j].process;

			if (view->process_marks[process] == view->mark)
				continue;
			view->process_marks[process] = view->mark;
			view->processes[summary->n_processes++] = process;
		}
	}
	qsort(view->processes, summary->n_processes, sizeof(*view->processes), compare_indexes);
}

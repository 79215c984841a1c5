/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/rows.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/identity.h"
#include "util/xalloc.h"

/* A port of the ports view, or a socket of the sockets view, to be sorted. */
struct item {
	uint32_t first, count; /* rows of frame.ports, or the socket and 1 */
	uint64_t rank; /* ascending */
	const char *text; /* for SORT_OWNER: of the first socket that has one; "" comes last */
};

struct maker {
	const struct frame *frame;
	const struct row_request *request;
	struct row_list *list;
	bool *keep; /* of each socket */
};

const char *sort_name(enum sort_id sort)
{
	static const char *const names[N_SORTS] = { "alarm", "port", "owner", "queue", "count" };

	return names[sort];
}

bool fold_is_open(const struct fold_set *set, uint64_t key)
{
	uint32_t i;

	for (i = 0; i < set->count; i++)
		if (set->keys[i] == key)
			return true;
	return false;
}

void fold_toggle(struct fold_set *set, uint64_t key)
{
	uint32_t i;

	for (i = 0; i < set->count; i++) {
		if (set->keys[i] != key)
			continue;
		set->keys[i] = set->keys[--set->count];
		return;
	}
	ARRAY_RESERVE(set->keys, set->count, set->capacity);
	set->keys[set->count++] = key;
}

void rows_done(struct row_list *list)
{
	free(list->rows);
	*list = (struct row_list){ .rows = NULL };
}

/* ---- keys ---- */

/* Beside the identities of sockets, ports and findings. */
enum key_kind {
	KEY_BOUND = 100,
	KEY_STATE,
	KEY_CLIENT,
	KEY_REST,
	KEY_GONE,
	KEY_GONE_STATE,
	KEY_GONE_FINDING,
};

/* Outgoing connections: whose they are, and where they go. */
static uint64_t client_key(const struct frame *frame, const struct port_row *row)
{
	const struct snapshot *snapshot = frame->snapshot;
	const struct inet_socket *socket = NULL;
	const char *program = NULL;
	uint64_t key;
	uint32_t i;

	/* Those that have lost their program are counted with those that have not. */
	for (i = 0; i < row->count && (!socket || !socket->n_owners); i++)
		socket = &snapshot->sockets[frame->ports.sockets[row->first + i]];
	if (!socket->n_owners)
		socket = &snapshot->sockets[frame->ports.sockets[row->first]];
	else
		program = snapshot_text(
			snapshot,
			snapshot->processes[snapshot->owners[socket->first_owner].process].comm);
	key = identity_mix_netns(KEY_CLIENT, snapshot, socket->netns);
	key = identity_mix(key, (uint64_t)socket->owner_status << 40 |
					(uint64_t)socket->protocol << 32 |
					(uint64_t)socket->family << 16 | socket->peer_port);
	return identity_mix_text(identity_mix_address(key, &socket->peer), program);
}

/* A row of the port view below the first: its place and state. */
static uint64_t part_key(const struct frame *frame, const struct port_row *row)
{
	const struct snapshot *snapshot = frame->snapshot;
	const struct inet_socket *socket = &snapshot->sockets[frame->ports.sockets[row->first]];

	switch ((enum port_row_kind)row->kind) {
	case PORT_ROW_BOUND:
		return identity_mix(KEY_BOUND, identity_of_socket(snapshot, socket));
	case PORT_ROW_STATE:
		return identity_mix(identity_mix(KEY_STATE, identity_of_port(snapshot, socket)),
				    socket->state);
	case PORT_ROW_REST:
		return identity_mix_netns(KEY_REST, snapshot, socket->netns);
	default:
		return client_key(frame, row);
	}
}

static uint64_t gone_key(const struct port_history *port)
{
	return identity_mix(identity_mix(KEY_GONE, port->netns),
			    (uint64_t)port->port << 8 | port->protocol);
}

/* ---- adding ---- */

static struct row *add(struct maker *maker, enum row_kind kind, uint32_t index, uint64_t key,
		       uint8_t depth)
{
	struct row_list *list = maker->list;
	struct row *row;

	ARRAY_RESERVE(list->rows, list->count, list->capacity);
	row = &list->rows[list->count++];
	*row = (struct row){ .kind = (uint8_t)kind, .index = index, .key = key, .depth = depth };
	return row;
}

static void add_socket(struct maker *maker, uint32_t socket, uint8_t depth)
{
	const struct snapshot *snapshot = maker->frame->snapshot;
	struct row *row = add(maker, ROW_SOCKET, socket,
			      identity_of_socket(snapshot, &snapshot->sockets[socket]), depth);

	row->is_new = maker->frame->is_new[socket];
}

static bool any_kept(const struct maker *maker, const struct port_row *row)
{
	uint32_t i;

	for (i = 0; i < row->count; i++)
		if (maker->keep[maker->frame->ports.sockets[row->first + i]])
			return true;
	return false;
}

static uint32_t count_kept(const struct maker *maker, const struct port_row *row)
{
	uint32_t i, n = 0;

	for (i = 0; i < row->count; i++)
		n += maker->keep[maker->frame->ports.sockets[row->first + i]];
	return n;
}

static bool any_new(const struct maker *maker, const struct port_row *row)
{
	uint32_t i;

	for (i = 0; i < row->count; i++)
		if (maker->frame->is_new[maker->frame->ports.sockets[row->first + i]])
			return true;
	return false;
}

/* The sockets behind a row that is open. */
static void add_sockets_of(struct maker *maker, const struct port_row *row, uint8_t depth)
{
	uint32_t i, n = 0;

	for (i = 0; i < row->count && n < ROWS_SOCKETS_MAX; i++) {
		uint32_t socket = maker->frame->ports.sockets[row->first + i];

		if (!maker->keep[socket])
			continue;
		add_socket(maker, socket, depth);
		n++;
	}
}

static void add_part(struct maker *maker, enum row_kind kind, uint32_t index, uint64_t key,
		     uint8_t depth)
{
	const struct port_row *port_row = &maker->frame->ports.rows[index];
	struct row *row = add(maker, kind, index, key, depth);

	row->foldable = port_row->count > 1;
	row->open = row->foldable && fold_is_open(maker->request->open, key);
	row->is_new = port_row->kind == PORT_ROW_BOUND && any_new(maker, port_row);
	if (row->open)
		add_sockets_of(maker, port_row, (uint8_t)(depth + 1));
}

/* Thousandths of its limit, of a listener; bytes of UDP count less than any connection. */
static uint64_t fullness(const struct inet_socket *socket)
{
	if (!(socket->known & SOCKET_HAS_QUEUE) || !socket->queue_recv)
		return 0;
	if (socket->state == STATE_LISTEN)
		return 1000000 + (uint64_t)socket->queue_recv * 1000 /
					 (socket->queue_limit ? socket->queue_limit : 1);
	return (uint64_t)socket->queue_recv < 1000000 ? socket->queue_recv : 999999;
}

/* As row.note, of a part. Findings are sorted, so the worst has the least index. */
static uint32_t worst_note(const struct frame *frame, const struct port_row *part)
{
	uint32_t worst = 0, i;

	for (i = 0; i < part->count; i++) {
		uint32_t note = frame->notes[frame->ports.sockets[part->first + i]];

		if (note && (!worst || note < worst))
			worst = note;
	}
	return worst;
}

static uint64_t fullest(const struct frame *frame, const struct port_row *part)
{
	uint64_t most = 0;
	uint32_t i;

	for (i = 0; i < part->count; i++) {
		uint64_t queue =
			fullness(&frame->snapshot->sockets[frame->ports.sockets[part->first + i]]);

		most = queue > most ? queue : most;
	}
	return most;
}

/* The less, the sooner a part stands for its port: that is seen for which the port is where it is. */
static uint64_t folded_rank(const struct maker *maker, const struct port_row *part)
{
	uint32_t note = worst_note(maker->frame, part);
	uint64_t rank = note ? note : UINT32_MAX;

	if (maker->request->sort == SORT_QUEUE)
		rank = INT64_MAX - fullest(maker->frame, part);
	return any_kept(maker, part) ? rank : rank | 1ULL << 63;
}

/* A folded port is shown as its worst listening or bound socket, or else as the first. */
static void fold(const struct maker *maker, const struct item *item, struct row *row)
{
	const struct port_row *parts = maker->frame->ports.rows;
	uint64_t least = folded_rank(maker, &parts[item->first]);
	uint32_t i;

	for (i = item->first; i < item->first + item->count; i++) {
		uint32_t note = worst_note(maker->frame, &parts[i]);
		uint64_t rank;

		if (note && (!row->note || note < row->note))
			row->note = note;
		if (parts[i].kind != PORT_ROW_BOUND)
			continue;
		rank = folded_rank(maker, &parts[i]);
		if (rank >= least)
			continue;
		least = rank;
		row->index = i;
	}
	for (i = item->first; i < item->first + item->count; i++)
		row->n_folded += i != row->index ? count_kept(maker, &parts[i]) : 0;
}

/* A port: folded to one of its rows, or all of them. */
static void add_port(struct maker *maker, const struct item *item)
{
	const struct frame *frame = maker->frame;
	const struct port_row *lead = &frame->ports.rows[item->first];
	uint64_t key = identity_of_port(
		frame->snapshot, &frame->snapshot->sockets[frame->ports.sockets[lead->first]]);
	bool open = fold_is_open(maker->request->open, key), is_new = false;
	struct row *row;
	uint32_t i;

	for (i = 0; i < item->count; i++)
		is_new = is_new || (frame->ports.rows[item->first + i].kind == PORT_ROW_BOUND &&
				    any_new(maker, &frame->ports.rows[item->first + i]));
	row = add(maker, ROW_PORT, item->first, key, 0);
	row->foldable = item->count > 1 || lead->count > 1;
	row->open = row->foldable && open;
	row->is_new = is_new;
	if (!row->open) {
		fold(maker, item, row);
		return;
	}
	if (lead->count > 1)
		add_sockets_of(maker, lead, 1);
	for (i = 1; i < item->count; i++) {
		if (!any_kept(maker, &frame->ports.rows[item->first + i]))
			continue;
		add_part(maker, ROW_PART, item->first + i,
			 part_key(frame, &frame->ports.rows[item->first + i]), 1);
	}
}

/* ---- order ---- */

/* 0 for the worst, N_SEVERITIES for none. */
static uint64_t alarm_of(const struct maker *maker, uint32_t socket)
{
	uint32_t note = maker->frame->notes[socket];

	return note ? (uint64_t)(N_SEVERITIES - 1 -
				 maker->frame->findings.items[note - 1].severity) :
		      N_SEVERITIES;
}

static uint64_t place_of(const struct inet_socket *socket)
{
	return (uint64_t)socket->netns << 32 | (uint64_t)socket->local_port << 8 |
	       bind_bucket_protocol((enum protocol)socket->protocol);
}

static const char *owner_name(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	const char *comm = NULL;

	if (socket->n_owners)
		comm = snapshot_text(
			snapshot,
			snapshot->processes[snapshot->owners[socket->first_owner].process].comm);
	return comm ? comm : "";
}

static void rank(const struct maker *maker, uint32_t socket, uint32_t count, struct item *item)
{
	const struct inet_socket *row = &maker->frame->snapshot->sockets[socket];
	uint64_t place = place_of(row), value;

	switch (maker->request->sort) {
	case SORT_ALARM:
		value = alarm_of(maker, socket) << 56 | place;
		break;
	case SORT_QUEUE:
		value = UINT64_MAX - fullness(row);
		break;
	case SORT_COUNT:
		value = UINT64_MAX - count;
		break;
	case SORT_OWNER:
		if (!*item->text)
			item->text = owner_name(maker->frame->snapshot, row);
		value = place;
		break;
	default:
		value = place;
	}
	if (value < item->rank)
		item->rank = value;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = !*x->text - !*y->text;

	if (!order)
		order = strcmp(x->text, y->text);
	if (order)
		return order;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->first > y->first) - (x->first < y->first);
}

static void sort(const struct maker *maker, struct item *items, uint32_t count)
{
	uint32_t i;

	if (count > 1)
		qsort(items, count, sizeof(*items), compare_items);
	for (i = 0; maker->request->reverse && i < count / 2; i++) {
		struct item swap = items[i];

		items[i] = items[count - 1 - i];
		items[count - 1 - i] = swap;
	}
}

/* ---- the views ---- */

static void rank_port(const struct maker *maker, struct item *item)
{
	uint32_t i, k, count = 0;

	item->rank = UINT64_MAX;
	item->text = "";
	for (i = 0; i < item->count; i++)
		count += count_kept(maker, &maker->frame->ports.rows[item->first + i]);
	for (i = 0; i < item->count; i++) {
		const struct port_row *row = &maker->frame->ports.rows[item->first + i];

		for (k = 0; k < row->count; k++)
			rank(maker, maker->frame->ports.sockets[row->first + k], count, item);
	}
}

/*
 * What is still known of a port that has gone: all else that a filter asks for cannot be told, and
 * hides nothing.
 */
static bool lets_through(const struct filter *filter, const struct port_history *port)
{
	uint32_t protocols = 1U << port->protocol, i;

	if (port->protocol == PROTOCOL_TCP)
		protocols |= 1U << PROTOCOL_MPTCP;
	if (!(filter->protocols & protocols))
		return false;
	for (i = 0; i < filter->n_selectors; i++) {
		const struct selector *selector = &filter->selectors[i];

		if ((selector->protocols & protocols) && port->port >= selector->first_port &&
		    port->port <= selector->last_port)
			return true;
	}
	return !filter->n_selectors;
}

static void make_ports(struct maker *maker)
{
	const struct port_view *ports = &maker->frame->ports;
	struct item *items = xcalloc(ports->n_rows, sizeof(*items));
	uint32_t i, k, s, n = 0;

	for (s = 0; s < ports->n_sections; s++) {
		const struct port_section *section = &ports->sections[s];

		for (i = section->first_row; i < section->first_row + section->n_rows; i = k) {
			bool kept = any_kept(maker, &ports->rows[i]);

			for (k = i + 1; k < section->first_row + section->n_rows; k++) {
				if (ports->rows[k].leads)
					break;
				kept = kept || any_kept(maker, &ports->rows[k]);
			}
			if (!kept)
				continue;
			items[n] = (struct item){ .first = i, .count = k - i };
			rank_port(maker, &items[n++]);
		}
	}
	sort(maker, items, n);
	for (i = 0; i < n; i++)
		add_port(maker, &items[i]);
	free(items);
	for (i = 0; i < maker->frame->history.n_ports; i++) {
		const struct port_history *port = &maker->frame->history.ports[i];

		if (port->gone && lets_through(maker->request->base, port) &&
		    lets_through(maker->request->filter, port))
			add(maker, ROW_GONE, i, gone_key(port), 0);
	}
	for (s = 0; s < ports->n_sections; s++) {
		const struct port_section *section = &ports->sections[s];

		for (i = 0; i < section->n_clients; i++)
			if (any_kept(maker, &ports->rows[section->first_client + i]))
				add_part(maker, ROW_CLIENT, section->first_client + i,
					 part_key(maker->frame,
						  &ports->rows[section->first_client + i]),
					 0);
	}
}

static void make_sockets(struct maker *maker)
{
	const struct frame *frame = maker->frame;
	struct item *items = xcalloc(frame->snapshot->n_sockets, sizeof(*items));
	uint32_t i, n = 0;

	for (i = 0; i < frame->snapshot->n_sockets; i++) {
		uint32_t socket = frame->index.members[i];

		if (!maker->keep[socket])
			continue;
		items[n] = (struct item){
			.first = socket, .count = 1, .rank = UINT64_MAX, .text = ""
		};
		rank(maker, socket, 1, &items[n++]);
	}
	sort(maker, items, n);
	for (i = 0; i < n; i++)
		add_socket(maker, items[i].first, 0);
	free(items);
}

static void make_findings(struct maker *maker)
{
	const struct finding_list *findings = &maker->frame->findings;
	uint32_t i, k;

	for (i = 0; i < findings->count; i++) {
		uint32_t at = maker->request->reverse ? findings->count - 1 - i : i;
		const struct finding *finding = &findings->items[at];
		bool kept = !finding->n_sockets;

		for (k = 0; k < finding->n_sockets; k++)
			kept = kept || maker->keep[findings->sockets[finding->first_socket + k]];
		if (kept)
			add(maker, ROW_FINDING, at,
			    identity_of_finding(maker->frame->snapshot, findings, finding), 0);
	}
}

void rows_make(struct row_list *list, const struct frame *frame, const struct row_request *request)
{
	struct maker maker = {
		.frame = frame,
		.request = request,
		.list = list,
		.keep = xcalloc(frame->snapshot->n_sockets, sizeof(*maker.keep)),
	};

	bool *base;
	uint32_t i;

	list->count = 0;
	filter_apply(request->filter, frame->snapshot, maker.keep);
	base = xcalloc(frame->snapshot->n_sockets, sizeof(*base));
	filter_apply(request->base, frame->snapshot, base);
	for (i = 0; i < frame->snapshot->n_sockets; i++)
		maker.keep[i] = maker.keep[i] && base[i];
	free(base);
	switch (request->view) {
	case VIEW_PORTS:
		make_ports(&maker);
		break;
	case VIEW_SOCKETS:
		make_sockets(&maker);
		break;
	default:
		make_findings(&maker);
	}
	free(maker.keep);
}

const uint32_t *row_sockets(const struct frame *frame, const struct row *row, uint32_t *ret_count)
{
	const struct finding *finding;
	const struct port_row *port_row;

	*ret_count = 0;
	switch ((enum row_kind)row->kind) {
	case ROW_SOCKET:
		*ret_count = 1;
		return &row->index;
	case ROW_FINDING:
		finding = &frame->findings.items[row->index];
		*ret_count = finding->n_sockets;
		return frame->findings.sockets + finding->first_socket;
	case ROW_GONE:
		return NULL;
	default:
		port_row = &frame->ports.rows[row->index];
		*ret_count = port_row->count;
		return frame->ports.sockets + port_row->first;
	}
}

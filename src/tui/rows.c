/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/rows.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/identity.h"
#include "analysis/port-range.h"
#include "util/xalloc.h"

/* A port of the ports view, or a socket of the sockets view, to be sorted. */
struct item {
	uint32_t first, count; /* rows of frame.ports; or the socket and 1, 0 if it has gone */
	uint64_t rank; /* ascending */
	const char *text; /* for SORT_OWNER: of the first socket that has one; "" comes last */
};

/* A socket that has gone. */
struct gone_socket {
	uint64_t port; /* identity_of_port() */
	uint32_t index; /* in frame.history.gone */
	uint8_t state;
};

struct maker {
	const struct frame *frame;
	const struct row_request *request;
	struct row_list *list;
	bool *keep; /* of each socket */
	struct gone_socket *gone; /* those to be kept, by port, then state */
	uint32_t n_gone;
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

static struct row *add_gone_socket(struct maker *maker, uint32_t socket, uint8_t depth)
{
	const struct snapshot *gone = maker->frame->history.gone;

	return add(maker, ROW_GONE_SOCKET, socket, identity_of_socket(gone, &gone->sockets[socket]),
		   depth);
}

/* Those that a port has lost: where they begin, and up to where. */
static uint32_t gone_of_port(const struct maker *maker, uint64_t port, uint32_t *ret_end)
{
	uint32_t low = 0, high = maker->n_gone;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (maker->gone[middle].port < port)
			low = middle + 1;
		else
			high = middle;
	}
	while (high < maker->n_gone && maker->gone[high].port == port)
		high++;
	*ret_end = high;
	return low;
}

/* Behind the sockets of a row that is open: those that it has lost. */
static void add_gone_of_state(struct maker *maker, uint64_t port, uint8_t state, uint32_t most,
			      uint8_t depth)
{
	uint32_t end, i = gone_of_port(maker, port, &end);

	for (; i < end && most; i++) {
		if (maker->gone[i].state != state)
			continue;
		add_gone_socket(maker, maker->gone[i].index, depth);
		most--;
	}
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

/*
 * Whether a socket that has gone was an outgoing connection to where another is, of that program.
 */
static bool went_there(const struct frame *frame, const struct inet_socket *socket,
		       const struct inet_socket *other, const char *program)
{
	const struct snapshot *gone = frame->history.gone;
	const struct bind_bucket bucket = {
		.netns = socket->netns,
		.port = socket->local_port,
		.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
	};

	return socket->peer_port == other->peer_port && socket->family == other->family &&
	       socket->protocol == other->protocol && address_equal(&socket->peer, &other->peer) &&
	       identity_mix_netns(0, gone, socket->netns) ==
		       identity_mix_netns(0, frame->snapshot, other->netns) &&
	       (!socket->n_owners || !strcmp(owner_name(gone, socket), program)) &&
	       !history_find(&frame->history, gone, &bucket);
}

static void add_gone_clients(struct maker *maker, const struct port_row *row, uint32_t most,
			     uint8_t depth)
{
	const struct frame *frame = maker->frame;
	const struct inet_socket *sockets = frame->snapshot->sockets, *first = NULL;
	uint32_t i;

	for (i = 0; i < row->count && (!first || !first->n_owners); i++)
		first = &sockets[frame->ports.sockets[row->first + i]];
	for (i = 0; i < maker->n_gone && most; i++) {
		uint32_t index = maker->gone[i].index;

		if (!went_there(frame, &frame->history.gone->sockets[index], first,
				owner_name(frame->snapshot, first)))
			continue;
		add_gone_socket(maker, index, depth);
		most--;
	}
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

/* Of listening and bound sockets each is news; of the others a row, if it was not there before. */
static bool is_new(const struct maker *maker, const struct port_row *row)
{
	bool each = row->kind == PORT_ROW_BOUND;
	uint32_t i;

	for (i = 0; i < row->count; i++)
		if (maker->frame->is_new[maker->frame->ports.sockets[row->first + i]] == each)
			return each;
	return !each;
}

/* The sockets behind a row that is open, and of connections those that have gone. */
static void add_sockets_of(struct maker *maker, const struct port_row *row, uint8_t depth)
{
	const struct snapshot *snapshot = maker->frame->snapshot;
	const struct inet_socket *first =
		&snapshot->sockets[maker->frame->ports.sockets[row->first]];
	uint32_t i, n = 0;

	for (i = 0; i < row->count && n < ROWS_SOCKETS_MAX; i++) {
		uint32_t socket = maker->frame->ports.sockets[row->first + i];

		if (!maker->keep[socket])
			continue;
		add_socket(maker, socket, depth);
		n++;
	}
	if (row->kind == PORT_ROW_STATE)
		add_gone_of_state(maker, identity_of_port(snapshot, first), first->state,
				  ROWS_SOCKETS_MAX - n, depth);
	else if (row->kind == PORT_ROW_CLIENT)
		add_gone_clients(maker, row, ROWS_SOCKETS_MAX - n, depth);
}

/* Whether there is more to see of a row than the one that is left. */
static bool has_lost(const struct maker *maker, const struct port_row *row)
{
	const struct snapshot *snapshot = maker->frame->snapshot;
	const struct inet_socket *socket =
		&snapshot->sockets[maker->frame->ports.sockets[row->first]];
	uint32_t i, end;

	if (row->kind != PORT_ROW_STATE || !maker->n_gone)
		return false;
	for (i = gone_of_port(maker, identity_of_port(snapshot, socket), &end); i < end; i++)
		if (maker->gone[i].state == socket->state)
			return true;
	return false;
}

static void add_part(struct maker *maker, enum row_kind kind, uint32_t index, uint64_t key,
		     uint8_t depth)
{
	const struct port_row *port_row = &maker->frame->ports.rows[index];
	struct row *row = add(maker, kind, index, key, depth);

	row->foldable = port_row->count > 1 || has_lost(maker, port_row);
	row->open = row->foldable && fold_is_open(maker->request->open, key);
	row->is_new = is_new(maker, port_row);
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

/*
 * The less, the sooner a part stands for its port: that is seen for which the port is where it is.
 */
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

/* Whether an open port has a row for its sockets of a state, which has what it has lost, too. */
static bool has_part(const struct maker *maker, const struct item *item, uint8_t state)
{
	const struct frame *frame = maker->frame;
	uint32_t i;

	for (i = item->first; i < item->first + item->count; i++) {
		const struct port_row *part = &frame->ports.rows[i];

		if (part->kind == PORT_ROW_STATE &&
		    frame->snapshot->sockets[frame->ports.sockets[part->first]].state == state &&
		    any_kept(maker, part))
			return true;
	}
	return false;
}

/* What an open port has lost: each listening or bound socket, of the others a row for a state. */
static void add_gone_of_port(struct maker *maker, const struct item *item, uint64_t key)
{
	const struct snapshot *gone = maker->frame->history.gone;
	uint32_t end, i = gone_of_port(maker, key, &end), next, n = 0;

	for (; i < end && n < ROWS_SOCKETS_MAX; i = next) {
		uint8_t state = maker->gone[i].state;
		bool bound = socket_is_bound(&gone->sockets[maker->gone[i].index]);
		struct row *row;

		next = i + 1;
		while (!bound && next < end && maker->gone[next].state == state)
			next++;
		if (!bound && has_part(maker, item, state))
			continue;
		row = add_gone_socket(maker, maker->gone[i].index, 1);
		row->n_folded = next - i - 1;
		if (row->n_folded)
			row->key = identity_mix(identity_mix(KEY_GONE_STATE, key), state);
		n++;
	}
}

/* A port: folded to one of its rows, or all of them. */
static void add_port(struct maker *maker, const struct item *item)
{
	const struct frame *frame = maker->frame;
	const struct port_row *lead = &frame->ports.rows[item->first];
	uint64_t key = identity_of_port(
		frame->snapshot, &frame->snapshot->sockets[frame->ports.sockets[lead->first]]);
	bool open = fold_is_open(maker->request->open, key), news = is_new(maker, lead);
	uint32_t i, end, first_gone = gone_of_port(maker, key, &end);
	struct row *row;

	for (i = 1; i < item->count; i++)
		news = news || (frame->ports.rows[item->first + i].kind == PORT_ROW_BOUND &&
				is_new(maker, &frame->ports.rows[item->first + i]));
	row = add(maker, ROW_PORT, item->first, key, 0);
	row->foldable = item->count > 1 || lead->count > 1 || first_gone < end;
	row->open = row->foldable && open;
	row->is_new = news;
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
	add_gone_of_port(maker, item, key);
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

static uint64_t place_of(const struct inet_socket *socket, uint32_t netns)
{
	return (uint64_t)netns << 32 | (uint64_t)socket->local_port << 8 |
	       bind_bucket_protocol((enum protocol)socket->protocol);
}

static void rank(const struct maker *maker, uint32_t socket, uint32_t count, struct item *item)
{
	const struct inet_socket *row = &maker->frame->snapshot->sockets[socket];
	uint64_t place = place_of(row, row->netns), value;

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

/* Of each namespace of what has gone the index it has now; the last, if it has gone with it. */
static uint32_t *find_namespaces(const struct frame *frame)
{
	const struct snapshot *gone = frame->history.gone, *now = frame->snapshot;
	uint32_t n = gone ? gone->n_netns : 0, *places = xcalloc(n, sizeof(*places)), i;

	for (i = 0; i < n; i++)
		while (places[i] < now->n_netns && now->netns[places[i]].id != gone->netns[i].id)
			places[i]++;
	return places;
}

/* Where it was, as far as that does not depend on what it was about. */
static void rank_gone(const struct maker *maker, uint32_t socket, const uint32_t *namespaces,
		      struct item *item)
{
	const struct snapshot *gone = maker->frame->history.gone;
	const struct inet_socket *row = &gone->sockets[socket];

	item->rank = place_of(row, row->netns < gone->n_netns ? namespaces[row->netns] : 0);
	if (maker->request->sort == SORT_ALARM)
		item->rank |= (uint64_t)N_SEVERITIES << 56;
	else if (maker->request->sort == SORT_QUEUE)
		item->rank = UINT64_MAX;
	else if (maker->request->sort == SORT_COUNT)
		item->rank = UINT64_MAX - 1;
	else if (maker->request->sort == SORT_OWNER)
		item->text = owner_name(gone, row);
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
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
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
static bool lets_through(const struct filter *filter, enum protocol protocol, uint16_t port)
{
	uint32_t protocols = 1U << protocol, i;

	if (protocol == PROTOCOL_TCP)
		protocols |= 1U << PROTOCOL_MPTCP;
	if (!(filter->protocols & protocols))
		return false;
	for (i = 0; i < filter->n_selectors; i++) {
		const struct selector *selector = &filter->selectors[i];

		if ((selector->protocols & protocols) && port >= selector->first_port &&
		    port <= selector->last_port)
			return true;
	}
	return !filter->n_selectors;
}

static bool is_asked_for(const struct maker *maker, uint8_t protocol, uint16_t port)
{
	return lets_through(maker->request->base, (enum protocol)protocol, port) &&
	       lets_through(maker->request->filter, (enum protocol)protocol, port);
}

static int compare_keys(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * Ports that nobody served, and that have lost all they had: the last TIME-WAIT of a dead server.
 * Of outgoing connections they are not; those that were served are known otherwise.
 */
static void add_gone_unserved(struct maker *maker, const struct item *items, uint32_t n)
{
	const struct frame *frame = maker->frame;
	const struct snapshot *gone = frame->history.gone, *now = frame->snapshot;
	uint32_t *namespaces = find_namespaces(frame), i, next;
	uint64_t *there = xcalloc(n, sizeof(*there));
	struct port_rules rules;

	port_rules_init(&rules, now);
	for (i = 0; i < n && maker->n_gone; i++)
		there[i] = identity_of_port(
			now,
			&now->sockets[frame->ports
					      .sockets[frame->ports.rows[items[i].first].first]]);
	if (n && maker->n_gone)
		qsort(there, n, sizeof(*there), compare_keys);
	for (i = 0; i < maker->n_gone; i = next) {
		uint64_t key = maker->gone[i].port;
		const struct inet_socket *socket = &gone->sockets[maker->gone[i].index];
		struct row *row;

		gone_of_port(maker, key, &next);
		if (socket->netns >= gone->n_netns ||
		    port_is_ephemeral(&rules, namespaces[socket->netns], socket->local_port) ||
		    history_was_served(&frame->history, gone, socket) ||
		    (n && bsearch(&key, there, n, sizeof(*there), compare_keys)))
			continue;
		row = add_gone_socket(maker, maker->gone[i].index, 0);
		row->n_folded = next - i - 1;
		/* As the port had, which may be selected. */
		row->key = key;
	}
	port_rules_done(&rules);
	free(namespaces);
	free(there);
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
	add_gone_unserved(maker, items, n);
	free(items);
	for (i = 0; i < maker->frame->history.n_ports; i++) {
		const struct port_history *port = &maker->frame->history.ports[i];

		if (port->gone && is_asked_for(maker, port->protocol, port->port))
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
	struct item *items =
		xcalloc((size_t)frame->snapshot->n_sockets + maker->n_gone, sizeof(*items));
	uint32_t i, n = 0, *namespaces = find_namespaces(frame);

	for (i = 0; i < frame->snapshot->n_sockets; i++) {
		uint32_t socket = frame->index.members[i];

		if (!maker->keep[socket])
			continue;
		items[n] = (struct item){
			.first = socket, .count = 1, .rank = UINT64_MAX, .text = ""
		};
		rank(maker, socket, 1, &items[n++]);
	}
	for (i = 0; i < maker->n_gone; i++) {
		items[n] = (struct item){ .first = maker->gone[i].index, .text = "" };
		rank_gone(maker, items[n].first, namespaces, &items[n]);
		n++;
	}
	sort(maker, items, n);
	for (i = 0; i < n; i++) {
		if (items[i].count)
			add_socket(maker, items[i].first, 0);
		else
			add_gone_socket(maker, items[i].first, 0);
	}
	free(items);
	free(namespaces);
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
			    identity_of_finding(maker->frame->snapshot, findings, finding), 0)
				->is_new = maker->frame->is_new_finding[at];
	}
	for (i = 0; i < maker->frame->history.n_findings; i++) {
		const struct finding_history *gone = &maker->frame->history.findings[i];

		if (!gone->port || is_asked_for(maker, gone->protocol, gone->port))
			add(maker, ROW_GONE_FINDING, i, identity_mix(KEY_GONE_FINDING, gone->key),
			    0);
	}
}

/* As both filters ask; malloc'ed. */
static bool *apply_filters(const struct row_request *request, const struct snapshot *snapshot)
{
	bool *keep = xcalloc(snapshot->n_sockets, sizeof(*keep));
	bool *base = xcalloc(snapshot->n_sockets, sizeof(*base));
	uint32_t i;

	filter_apply(request->filter, snapshot, keep);
	filter_apply(request->base, snapshot, base);
	for (i = 0; i < snapshot->n_sockets; i++)
		keep[i] = keep[i] && base[i];
	free(base);
	return keep;
}

static int compare_gone(const void *left, const void *right)
{
	const struct gone_socket *a = left, *b = right;

	if (a->port != b->port)
		return a->port < b->port ? -1 : 1;
	if (a->state != b->state)
		return a->state < b->state ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

static void collect_gone(struct maker *maker)
{
	const struct snapshot *gone = maker->frame->history.gone;
	bool *keep;
	uint32_t i;

	if (!gone)
		return;
	keep = apply_filters(maker->request, gone);
	maker->gone = xcalloc(gone->n_sockets, sizeof(*maker->gone));
	for (i = 0; i < gone->n_sockets; i++)
		if (keep[i])
			maker->gone[maker->n_gone++] = (struct gone_socket){
				.port = identity_of_port(gone, &gone->sockets[i]),
				.index = i,
				.state = gone->sockets[i].state,
			};
	if (maker->n_gone)
		qsort(maker->gone, maker->n_gone, sizeof(*maker->gone), compare_gone);
	free(keep);
}

void rows_make(struct row_list *list, const struct frame *frame, const struct row_request *request)
{
	struct maker maker = {
		.frame = frame,
		.request = request,
		.list = list,
		.keep = apply_filters(request, frame->snapshot),
	};

	collect_gone(&maker);
	list->count = 0;
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
	free(maker.gone);
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
	case ROW_GONE_SOCKET:
	case ROW_GONE_FINDING:
		return NULL;
	default:
		port_row = &frame->ports.rows[row->index];
		*ret_count = port_row->count;
		return frame->ports.sockets + port_row->first;
	}
}

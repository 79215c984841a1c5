/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/history.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/identity.h"
#include "analysis/words.h"
#include "model/snapshot-copy.h"
#include "model/snapshot-update.h"
#include "util/xalloc.h"

void history_init(struct history *history)
{
	*history = (struct history){ .ports = NULL };
}

void history_choose(struct history *history, const struct selector *selectors, uint32_t count)
{
	history->chosen = selectors;
	history->n_chosen = count;
}

static bool is_chosen(const struct history *history, const struct port_history *port)
{
	uint32_t i;

	for (i = 0; i < history->n_chosen; i++) {
		const struct selector *selector = &history->chosen[i];

		if ((selector->protocols & 1U << port->protocol) &&
		    selector->first_port == port->port && selector->last_port == port->port)
			return true;
	}
	return false;
}

static void port_done(struct port_history *port)
{
	free(port->who);
	free(port->before);
}

void history_done(struct history *history)
{
	uint32_t i;

	for (i = 0; i < history->n_ports; i++)
		port_done(&history->ports[i]);
	for (i = 0; i < history->n_findings; i++)
		free(history->findings[i].title);
	free(history->ports);
	free(history->seen);
	free(history->findings);
	free(history->gone_ns);
	snapshot_free(history->gone);
	history_init(history);
}

static int compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Whether a moment is over, also where the clock has been set back. */
static bool is_past(int64_t now_ns, int64_t since_ns, int64_t keep_ns)
{
	return now_ns < since_ns || now_ns - since_ns > keep_ns;
}

/* A socket of the last snapshot. */
struct seen_socket {
	uint64_t cookie;
	int64_t since_ns; /* when it was first seen; 0: in the first snapshot */
	uint32_t index; /* in that snapshot */
	bool has_cookie;
};

static int compare_seen(const void *a, const void *b)
{
	const struct seen_socket *x = a, *y = b;

	return compare_numbers(&x->cookie, &y->cookie);
}

static struct seen_socket *find_seen(const struct seen_socket *seen, uint32_t n, uint64_t cookie)
{
	const struct seen_socket key = { .cookie = cookie };

	return n ? bsearch(&key, seen, n, sizeof(*seen), compare_seen) : NULL;
}

/* The sockets that have gone: in a snapshot of their own, with the moment of each. */
struct gone_list {
	struct snapshot *snapshot;
	int64_t *moments;
	uint32_t count, capacity;
};

static void add_gone(struct gone_list *gone, struct snapshot_copier *copier, uint32_t socket,
		     int64_t moment_ns)
{
	if (gone->count == HISTORY_GONE_MAX)
		return;
	snapshot_copier_add(copier, socket);
	ARRAY_RESERVE(gone->moments, gone->count, gone->capacity);
	gone->moments[gone->count++] = moment_ns;
}

/* Those that went before, as long as they are to be seen and are not there again. */
static void keep_gone(const struct history *history, const struct seen_socket *seen, uint32_t n,
		      int64_t now_ns, int64_t keep_ns, struct gone_list *gone)
{
	struct snapshot_copier copier;
	uint32_t i;

	if (!history->gone)
		return;
	snapshot_copier_init(&copier, history->gone, gone->snapshot);
	for (i = 0; i < history->gone->n_sockets; i++)
		if (!is_past(now_ns, history->gone_ns[i], keep_ns) &&
		    !find_seen(seen, n, history->gone->sockets[i].cookie))
			add_gone(gone, &copier, i, history->gone_ns[i]);
	snapshot_copier_done(&copier);
}

/* Those of the last snapshot that are not in this one. Both are sorted. */
static void find_gone(const struct history *history, const struct snapshot *before,
		      const struct seen_socket *seen, uint32_t n, int64_t now_ns,
		      struct gone_list *gone)
{
	struct snapshot_copier copier;
	uint32_t i, k = 0;

	if (!before || before->n_sockets != history->n_seen)
		return;
	snapshot_copier_init(&copier, before, gone->snapshot);
	for (i = 0; i < history->n_seen; i++) {
		const struct seen_socket *old = &history->seen[i];

		while (k < n && seen[k].cookie < old->cookie)
			k++;
		if (old->has_cookie && (k == n || seen[k].cookie != old->cookie) &&
		    before->sockets[old->index].cookie == old->cookie)
			add_gone(gone, &copier, old->index, now_ns);
	}
	snapshot_copier_done(&copier);
}

static void compare_sockets(struct history *history, const struct snapshot *before,
			    const struct snapshot *snapshot, int64_t keep_ns, bool *is_new)
{
	struct seen_socket *seen = xcalloc(snapshot->n_sockets, sizeof(*seen));
	struct gone_list gone = { .snapshot = snapshot_new() };
	const struct seen_socket *known;
	uint32_t i;

	for (i = 0; i < snapshot->n_sockets; i++) {
		seen[i].cookie = snapshot->sockets[i].cookie;
		seen[i].index = i;
		seen[i].has_cookie = snapshot->sockets[i].known & SOCKET_HAS_COOKIE;
		known = find_seen(history->seen, history->n_seen, seen[i].cookie);
		if (known)
			seen[i].since_ns = known->since_ns;
		else if (history->has_snapshot)
			seen[i].since_ns = snapshot->end_ns;
		is_new[i] = seen[i].since_ns && snapshot->end_ns - seen[i].since_ns < keep_ns &&
			    seen[i].has_cookie;
	}
	if (snapshot->n_sockets)
		qsort(seen, snapshot->n_sockets, sizeof(*seen), compare_seen);
	keep_gone(history, seen, snapshot->n_sockets, snapshot->end_ns, keep_ns, &gone);
	find_gone(history, before, seen, snapshot->n_sockets, snapshot->end_ns, &gone);
	snapshot_free(history->gone);
	free(history->gone_ns);
	if (!gone.count) {
		snapshot_free(gone.snapshot);
		gone.snapshot = NULL;
	}
	history->gone = gone.snapshot;
	history->gone_ns = gone.moments;
	free(history->seen);
	history->seen = seen;
	history->n_seen = snapshot->n_sockets;
}

static uint64_t mix(uint64_t value)
{
	value *= 0x9e3779b97f4a7c15;
	return value ^ value >> 31;
}

/* The processes that serve a bucket, each once. */
struct holder_set {
	uint64_t *items;
	uint32_t count, capacity;
};

static void add_holders(struct holder_set *set, const struct snapshot *snapshot,
			const struct inet_socket *socket)
{
	uint32_t i;

	/* Nobody, and nobody who can be seen, are told apart too. */
	ARRAY_RESERVE(set->items, set->count, set->capacity);
	set->items[set->count++] = mix(socket->owner_status);
	for (i = 0; i < socket->n_owners; i++) {
		uint32_t row = snapshot->owners[socket->first_owner + i].process;

		ARRAY_RESERVE(set->items, set->count, set->capacity);
		set->items[set->count++] = mix(UINT64_C(1000) + snapshot->processes[row].pid);
	}
}

/* In a number, whatever and how many sockets they have. Empties the set. */
static uint64_t digest(struct holder_set *set)
{
	uint64_t sum = 0;
	uint32_t i;

	if (set->count)
		qsort(set->items, set->count, sizeof(*set->items), compare_numbers);
	for (i = 0; i < set->count; i++)
		if (!i || set->items[i] != set->items[i - 1])
			sum += set->items[i];
	free(set->items);
	*set = (struct holder_set){ .items = NULL };
	return sum;
}

static int compare_ports(const void *a, const void *b)
{
	const struct port_history *x = a, *y = b;

	if (x->netns != y->netns)
		return x->netns < y->netns ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	return (x->port > y->port) - (x->port < y->port);
}

static uint64_t netns_id(const struct snapshot *snapshot, uint32_t netns)
{
	return netns < snapshot->n_netns ? snapshot->netns[netns].id : 0;
}

/* Among the first n ports, which are sorted. */
static struct port_history *find(const struct history *history, uint32_t n,
				 const struct port_history *key)
{
	if (!n)
		return NULL;
	return bsearch(key, history->ports, n, sizeof(*key), compare_ports);
}

static struct port_history key_of(const struct snapshot *snapshot, const struct bind_bucket *bucket)
{
	return (struct port_history){
		.netns = netns_id(snapshot, bucket->netns),
		.port = bucket->port,
		.protocol = bucket->protocol,
	};
}

/* The bucket as it is now. Returns false if nobody serves it. */
static bool look(const struct snapshot *snapshot, const struct bind_bucket *bucket,
		 const uint32_t *members, struct port_history *ret_port, uint32_t *ret_first)
{
	struct holder_set holders = { .items = NULL };
	bool served = false;
	uint32_t i;

	*ret_port = key_of(snapshot, bucket);
	for (i = 0; i < bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (!bucket->port || !socket_is_bound(socket))
			continue;
		if (!served)
			*ret_first = members[i];
		served = true;
		add_holders(&holders, snapshot, socket);
	}
	ret_port->holders = digest(&holders);
	ret_port->holders_ns = snapshot->owners_ns;
	return served;
}

static void add(struct history *history, const struct port_history *port)
{
	ARRAY_RESERVE(history->ports, history->n_ports, history->capacity);
	history->ports[history->n_ports++] = *port;
}

/* Whether no socket of a bucket that is bound was there in the last snapshot. */
static bool are_all_new(const struct history *history, const struct snapshot *snapshot,
			const struct bind_bucket *bucket, const uint32_t *members)
{
	const struct seen_socket *seen;
	uint32_t i;

	for (i = 0; i < bucket->count; i++) {
		const struct inet_socket *socket = &snapshot->sockets[members[i]];

		if (!socket_is_bound(socket))
			continue;
		seen = find_seen(history->seen, history->n_seen, socket->cookie);
		if (!seen || !seen->has_cookie || seen->since_ns != snapshot->end_ns)
			return false;
	}
	return true;
}

/*
 * Go on with what was known of the port before, and take its strings. last_ns is when what is new
 * in this snapshot was not there yet.
 */
static void continue_from(struct port_history *old, int64_t now_ns, int64_t last_ns,
			  struct port_history *port)
{
	bool as_before = !old->gone && old->holders == port->holders;

	port->first_holders = old->first_holders;
	port->changed = port->holders != port->first_holders;
	port->since_ns = as_before ? old->since_ns : now_ns;
	port->after_ns = as_before ? old->after_ns : last_ns;
	if (as_before) {
		port->who = old->who;
		port->before = old->before;
		old->before = NULL;
	} else {
		port->before = old->who;
	}
	old->who = NULL;
}

void history_take(struct history *history, const struct snapshot *before,
		  const struct snapshot *snapshot, const struct bind_bucket_index *index,
		  int64_t keep_ns, bool *is_new)
{
	struct history next = { .ports = NULL, .start_ns = snapshot->start_ns };
	const int64_t last_ns = history->has_snapshot ? history->start_ns : 0;
	uint32_t i, n_live, first = 0;

	compare_sockets(history, before, snapshot, keep_ns, is_new);
	for (i = 0; i < index->n_buckets; i++) {
		const struct bind_bucket *bucket = &index->buckets[i];
		const uint32_t *members = index->members + bucket->first;
		struct port_history port;
		struct port_history *old;
		bool all_new;

		if (!look(snapshot, bucket, members, &port, &first))
			continue;
		old = find(history, history->n_ports, &port);
		port.first_holders = port.holders;
		if (old) {
			all_new = old->gone || (old->holders != port.holders &&
						are_all_new(history, snapshot, bucket, members));
			continue_from(old, snapshot->end_ns, all_new ? last_ns : old->holders_ns,
				      &port);
		} else if (history->has_snapshot) {
			port.since_ns = snapshot->end_ns;
			port.after_ns = last_ns;
		}
		if (!port.who)
			port.who = words_holders(snapshot, first);
		add(&next, &port);
	}
	if (next.n_ports)
		qsort(next.ports, next.n_ports, sizeof(*next.ports), compare_ports);
	/* What has gone since, for a while; and no longer if the clock has been set. */
	n_live = next.n_ports;
	for (i = 0; i < history->n_ports; i++) {
		struct port_history *old = &history->ports[i];
		struct port_history gone = *old;

		if (find(&next, n_live, old))
			continue;
		if (!gone.gone) {
			gone.since_ns = snapshot->end_ns;
			gone.after_ns = last_ns;
		}
		gone.gone = true;
		if (!is_chosen(history, old) && is_past(snapshot->end_ns, gone.since_ns, keep_ns))
			continue;
		old->who = NULL;
		old->before = NULL;
		add(&next, &gone);
	}
	if (next.n_ports)
		qsort(next.ports, next.n_ports, sizeof(*next.ports), compare_ports);
	next.seen = history->seen;
	next.n_seen = history->n_seen;
	next.has_snapshot = true;
	next.gone = history->gone;
	next.gone_ns = history->gone_ns;
	next.findings = history->findings;
	next.n_findings = history->n_findings;
	next.findings_capacity = history->findings_capacity;
	next.has_findings = history->has_findings;
	history_choose(&next, history->chosen, history->n_chosen);
	history->seen = NULL;
	history->gone = NULL;
	history->gone_ns = NULL;
	history->findings = NULL;
	history->n_findings = 0;
	history_done(history);
	*history = next;
}

/* ---- findings ---- */

static int compare_findings(const void *a, const void *b)
{
	const struct finding_history *x = a, *y = b;

	return compare_numbers(&x->key, &y->key);
}

static struct finding_history *find_finding(struct finding_history *all, uint32_t n, uint64_t key)
{
	const struct finding_history wanted = { .key = key };

	return n ? bsearch(&wanted, all, n, sizeof(*all), compare_findings) : NULL;
}

static void sort_findings(struct history *history)
{
	if (history->n_findings)
		qsort(history->findings, history->n_findings, sizeof(*history->findings),
		      compare_findings);
}

static void add_finding(struct history *history, const struct finding_history *finding)
{
	ARRAY_RESERVE(history->findings, history->n_findings, history->findings_capacity);
	history->findings[history->n_findings++] = *finding;
}

void history_take_findings(struct history *history, const struct snapshot *snapshot,
			   const struct finding_list *findings, int64_t keep_ns, bool *is_new)
{
	struct finding_history *before = history->findings, *old;
	uint32_t n_before = history->n_findings, n_live, i;
	int64_t now_ns = snapshot->end_ns;

	history->findings = NULL;
	history->n_findings = history->findings_capacity = 0;
	for (i = 0; i < findings->count; i++) {
		const struct finding *finding = &findings->items[i];
		struct finding_history next = {
			.key = identity_of_finding(snapshot, findings, finding),
			.undecided = finding->undecided,
			.id = finding->id,
			.severity = finding->severity,
			.protocol = finding->protocol,
			.port = finding->port,
			.netns = netns_id(snapshot, finding->netns),
			.title = xstrdup(finding->title),
		};

		old = find_finding(before, n_before, next.key);
		if (old && !old->gone)
			next.since_ns = old->since_ns;
		else if (history->has_findings)
			next.since_ns = now_ns;
		is_new[i] = next.since_ns && now_ns - next.since_ns < keep_ns;
		add_finding(history, &next);
	}
	sort_findings(history);
	n_live = history->n_findings;
	for (i = 0; i < n_before; i++) {
		old = &before[i];
		if (!old->gone)
			old->since_ns = now_ns;
		old->gone = true;
		if (is_past(now_ns, old->since_ns, keep_ns) ||
		    find_finding(history->findings, n_live, old->key)) {
			free(old->title);
			continue;
		}
		add_finding(history, old);
	}
	sort_findings(history);
	history->has_findings = true;
	free(before);
}

void history_copy(const struct history *history, struct history *ret_copy)
{
	uint32_t i;

	history_init(ret_copy);
	for (i = 0; i < history->n_ports; i++) {
		struct port_history port = history->ports[i];

		port.who = port.gone && port.who ? xstrdup(port.who) : NULL;
		port.before = port.before ? xstrdup(port.before) : NULL;
		add(ret_copy, &port);
	}
	for (i = 0; i < history->n_findings; i++) {
		struct finding_history finding = history->findings[i];

		if (!finding.gone)
			continue;
		finding.title = xstrdup(finding.title);
		add_finding(ret_copy, &finding);
	}
	if (!history->gone)
		return;
	ret_copy->gone = snapshot_clone(history->gone);
	ret_copy->gone_ns = xcalloc(history->gone->n_sockets, sizeof(*ret_copy->gone_ns));
	memcpy(ret_copy->gone_ns, history->gone_ns,
	       history->gone->n_sockets * sizeof(*ret_copy->gone_ns));
}

bool history_was_served(const struct history *history, const struct snapshot *snapshot,
			const struct inet_socket *socket)
{
	const struct bind_bucket bucket = {
		.netns = socket->netns,
		.port = socket->local_port,
		.protocol = (uint8_t)bind_bucket_protocol((enum protocol)socket->protocol),
	};
	const struct port_history key = key_of(snapshot, &bucket);

	return find(history, history->n_ports, &key) != NULL;
}

const struct port_history *history_find(const struct history *history,
					const struct snapshot *snapshot,
					const struct bind_bucket *bucket)
{
	const struct port_history key = key_of(snapshot, bucket);
	const struct port_history *port = find(history, history->n_ports, &key);

	return port && !port->gone ? port : NULL;
}

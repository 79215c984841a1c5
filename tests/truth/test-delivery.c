/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model of delivery against what sockets really received, in delivery.txt. */
#include "analysis/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

#define SOCKETS_MAX 32
#define TRUTH_PORT 4343
#define FIRST_PORT 20000
#define PORT_STEP 37

struct truth {
	struct snapshot *snapshot;
	struct delivery_socket chain[SOCKETS_MAX]; /* in the kernel's order */
	uint32_t n_chain;
	uint32_t n_sockets;
	uint32_t in_group[SOCKETS_MAX][SOCKETS_MAX]; /* the sockets of a reuseport group */
	uint32_t n_in_group[SOCKETS_MAX];
	int32_t selectors[SOCKETS_MAX]; /* by group */
	int32_t groups[SOCKETS_MAX]; /* by socket, DELIVERY_ANY: in none */
	int32_t n_groups;
	bool drops[SOCKETS_MAX], closed[SOCKETS_MAX];
	long counts[SOCKETS_MAX]; /* -1: not counted */
	long n_ports, per_port;
	struct delivery_query query;
};

static void read_address(const char *text, uint8_t *family, struct address *address)
{
	int value;

	if (address_parse(text, strlen(text), &value, address))
		abort();
	*family = (uint8_t)value;
}

static void put_first(struct truth *truth, uint32_t at)
{
	struct delivery_socket moved = truth->chain[at];

	memmove(truth->chain + 1, truth->chain, at * sizeof(moved));
	truth->chain[0] = moved;
}

/* To the address where it connects, a wildcard becomes the local one: here they are the same. */
static void connect_socket(struct inet_socket *socket, char *peer)
{
	char *port = strchr(peer, '/');
	uint8_t family;

	*port++ = '\0';
	read_address(peer, &family, &socket->peer);
	socket->peer_port = (uint16_t)strtoul(port, NULL, 10);
	socket->known |= SOCKET_HAS_PEER;
	socket->state = STATE_ESTAB;
}

static int32_t new_group(struct truth *truth, uint32_t founder)
{
	int32_t group = truth->n_groups++;

	truth->selectors[group] = DELIVERY_ANY;
	truth->in_group[group][0] = founder;
	truth->n_in_group[group] = 1;
	return truth->groups[founder] = group;
}

/* udp_reuseport_add_sock(): it joins the first that it meets, which need not be in a group itself. */
static void join_group(struct truth *truth, uint32_t joiner, int32_t own_selector)
{
	const struct inet_socket *sockets = truth->snapshot->sockets, *socket = &sockets[joiner];
	uint32_t i;

	for (i = 0; i < joiner; i++) {
		uint32_t at = socket->family == AF_INET ? joiner - 1 - i : i;
		const struct inet_socket *other = &sockets[at];
		int32_t group = truth->groups[at];

		if (!other->local_port || other->reuse_port != TRISTATE_YES ||
		    other->family != socket->family || other->v6only != socket->v6only ||
		    other->device != socket->device || other->uid != socket->uid ||
		    !address_equal(&other->local, &socket->local))
			continue;
		if (group == DELIVERY_ANY)
			group = new_group(truth, at);
		truth->in_group[group][truth->n_in_group[group]++] = joiner;
		truth->groups[joiner] = group;
		return;
	}
	/* Only who founds a group keeps a program from before. */
	truth->selectors[new_group(truth, joiner)] = own_selector;
}

/* The last takes the place; the program stays. */
static void leave_group(struct truth *truth, uint32_t leaver)
{
	int32_t group = truth->groups[leaver];
	uint32_t i = 0;

	if (group == DELIVERY_ANY)
		return;
	while (truth->in_group[group][i] != leaver)
		i++;
	truth->in_group[group][i] = truth->in_group[group][--truth->n_in_group[group]];
	truth->groups[leaver] = DELIVERY_ANY;
}

/* Bound to one IPv6 address it has v6only, whatever was asked. */
static bool has_v6only(const struct inet_socket *socket, bool asked)
{
	return socket->family == AF_INET6 &&
	       (asked || !(address_is_wildcard(AF_INET6, &socket->local) ||
			   address_is_v4_mapped(AF_INET6, &socket->local)));
}

static void read_socket(struct truth *truth, char *word)
{
	struct inet_socket *socket = snapshot_add_socket(truth->snapshot);
	struct delivery_socket receiver = { .index = truth->n_sockets++ };
	bool unbound = false, before_bind = false;
	char *rest = word, *field, *peer = NULL;
	int32_t selector = DELIVERY_ANY;

	if (receiver.index == SOCKETS_MAX)
		abort();
	receiver.group = receiver.incoming_cpu = receiver.selector = DELIVERY_ANY;
	truth->groups[receiver.index] = DELIVERY_ANY;
	read_address(strsep(&rest, ","), &socket->family, &socket->local);
	field = strsep(&rest, ",");
	socket->protocol = PROTOCOL_UDP;
	socket->state = STATE_BOUND;
	socket->known = SOCKET_HAS_UID | SOCKET_HAS_DEVICE | SOCKET_HAS_MULTICAST;
	socket->v6only = tristate_of(has_v6only(socket, strchr(field, '6')));
	make_reuse(socket, tristate_of(strchr(field, 'a')), tristate_of(strchr(field, 'p')),
		   EVIDENCE_BPF);
	socket->uid = (uint32_t)strtoul(strsep(&rest, ","), NULL, 10);
	receiver.multicast_all = tristate_of(socket->family == AF_INET);
	while ((field = strsep(&rest, ","))) {
		if (!strncmp(field, "dev=", 4)) {
			socket->device = snapshot_string(truth->snapshot, field + 4);
		} else if (!strncmp(field, "join=", 5)) {
			struct multicast_group *group = snapshot_add_group(truth->snapshot);

			read_address(field + 5, &group->family, &group->address);
			socket->first_group = truth->snapshot->n_groups - ++socket->n_groups;
		} else if (!strncmp(field, "peer=", 5)) {
			peer = field + 5;
		} else if (!strncmp(field, "select=", 7)) {
			selector = (int32_t)strtol(field + 7, NULL, 10);
		} else if (!strncmp(field, "cpu=", 4)) {
			receiver.incoming_cpu = (int32_t)strtol(field + 4, NULL, 10);
		} else if (!strncmp(field, "all=", 4)) {
			if (truth->query.family == AF_INET6)
				receiver.multicast_all_v6 = tristate_of(field[4] == '1');
			else
				receiver.multicast_all = tristate_of(field[4] == '1');
		} else if (!strcmp(field, "select-before-bind")) {
			before_bind = true;
		} else if (!strcmp(field, "drops")) {
			truth->drops[receiver.index] = true;
		} else if (!strcmp(field, "unbound")) {
			unbound = true;
		} else if (!strcmp(field, "closed")) {
			truth->closed[receiver.index] = true;
		} else {
			abort();
		}
	}
	if (unbound)
		return;
	socket->local_port = TRUTH_PORT;
	if (socket->reuse_port == TRISTATE_YES) {
		join_group(truth, receiver.index, before_bind ? selector : DELIVERY_ANY);
		if (selector != DELIVERY_ANY && !before_bind)
			truth->selectors[truth->groups[receiver.index]] = selector;
	}
	truth->chain[truth->n_chain++] = receiver;
	if (socket->family == AF_INET || socket->reuse_port == TRISTATE_NO || peer)
		put_first(truth, truth->n_chain - 1);
	if (!peer)
		return;
	connect_socket(socket, peer);
	leave_group(truth, receiver.index);
	if (address_is_wildcard(socket->family, &socket->local))
		socket->local = socket->peer;
}

/* Close who is closed, and give the others what was found out of their groups. */
static void finish_chain(struct truth *truth)
{
	uint32_t i, k, n = 0;

	for (i = 0; i < truth->n_sockets; i++)
		if (truth->closed[i])
			leave_group(truth, i);
	for (i = 0; i < truth->n_chain; i++) {
		struct delivery_socket receiver = truth->chain[i];
		int32_t group = truth->groups[receiver.index];

		if (truth->closed[receiver.index])
			continue;
		/* The table of sockets does not grow any more. */
		receiver.socket = &truth->snapshot->sockets[receiver.index];
		receiver.group = group;
		for (k = 0; group != DELIVERY_ANY && k < truth->n_in_group[group]; k++)
			if (truth->in_group[group][k] == receiver.index)
				receiver.group_place = (int32_t)k;
		if (group != DELIVERY_ANY)
			receiver.selector = truth->selectors[group];
		truth->chain[n++] = receiver;
	}
	truth->n_chain = n;
}

static void read_case(struct truth *truth, char *line)
{
	char *rest = line, *counts, *count, *word, *cpu;
	uint32_t i;

	*truth = (struct truth){ .snapshot = snapshot_new() };
	snapshot_add_netns(truth->snapshot);
	strsep(&rest, " ");
	word = strsep(&rest, " ");
	read_address(word, &truth->query.family, &truth->query.to);
	truth->query.broadcast = !strcmp(word, "127.255.255.255");
	truth->query.device =
		snapshot_string(truth->snapshot, strncmp(word, "ff", 2) ? "lo" : "v0");
	read_address(truth->query.family == AF_INET ? "127.0.0.1" : "::1", &truth->query.family,
		     &truth->query.from);
	truth->query.protocol = PROTOCOL_UDP;
	truth->n_ports = strtol(strsep(&rest, " "), NULL, 10);
	truth->per_port = strtol(strsep(&rest, " "), NULL, 10);
	cpu = strsep(&rest, " ");
	truth->query.cpu = *cpu == '-' ? DELIVERY_ANY : (int32_t)strtol(cpu, NULL, 10);
	counts = strsep(&rest, " ");
	for (i = 0; (count = strsep(&counts, ",")) && i < SOCKETS_MAX; i++)
		truth->counts[i] = *count == '-' ? -1 : strtol(count, NULL, 10);
	while ((word = strsep(&rest, " ")))
		read_socket(truth, word);
	finish_chain(truth);
}

/* A snapshot does not say who is in a group: what is found without that is the same, or uncertain. */
static bool agrees_without_groups(const struct truth *truth, const struct delivery *delivery)
{
	struct delivery_socket chain[SOCKETS_MAX];
	struct delivery found;
	bool agree;
	uint32_t i;

	for (i = 0; i < truth->n_chain; i++) {
		chain[i] = truth->chain[i];
		chain[i].group = DELIVERY_ANY;
		if (chain[i].selector != DELIVERY_ANY)
			return true;
	}
	delivery_predict(truth->snapshot, chain, truth->n_chain, &truth->query, &found);
	agree = found.n_receivers == delivery->n_receivers;
	for (i = 0; agree && i < found.n_receivers; i++)
		agree = found.receivers[i] == delivery->receivers[i];
	agree = agree || !found.certain;
	delivery_done(&found);
	return agree;
}

/* Whether what was received is what is predicted; shares within wide bounds of equality. */
static bool agrees(char *line)
{
	double least[SOCKETS_MAX] = { 0 }, most[SOCKETS_MAX] = { 0 };
	bool spread = false, agree = true;
	struct truth truth;
	uint32_t i;
	long port;

	read_case(&truth, line);
	for (port = 0; port < truth.n_ports; port++) {
		struct delivery delivery;

		truth.query.from_port = (uint16_t)(FIRST_PORT + port * PORT_STEP);
		delivery_predict(truth.snapshot, truth.chain, truth.n_chain, &truth.query,
				 &delivery);
		agree = agree && delivery.certain && agrees_without_groups(&truth, &delivery);
		for (i = 0; i < delivery.n_receivers; i++) {
			double share =
				delivery.mode == DELIVERY_SPREAD ? 1.0 / delivery.n_receivers : 1.0;

			spread = spread || share < 1;
			least[delivery.receivers[i]] += share * (share < 1 ? 0.4 : 1);
			most[delivery.receivers[i]] += share * (share < 1 ? 2.5 : 1);
		}
		delivery_done(&delivery);
	}
	for (i = 0; i < truth.n_sockets; i++) {
		double count = (double)truth.counts[i] / (double)truth.per_port;

		if (truth.counts[i] < 0)
			continue;
		/* What reached it was lost; a few may have fitted into its buffer. */
		if (truth.drops[i])
			agree = agree && most[i] > 0 && truth.counts[i] <= 4;
		/* A handful of flows need not reach each member. */
		else if (spread && truth.n_ports <= 100)
			agree = agree && (most[i] > 0 || count == 0);
		else
			agree = agree && count >= least[i] && count <= most[i];
	}
	snapshot_free(truth.snapshot);
	return agree;
}

/* What may be missing of a socket; a value is one of two. */
enum fact {
	FACT_REUSE_PORT,
	FACT_V6ONLY,
	FACT_UID,
	FACT_DEVICE,
	FACT_MEMBERSHIP,
	N_FACTS,
};
#define FACTS 2
#define BLANKS 200 /* choices of them for each case */

struct missing {
	struct inet_socket *socket;
	enum fact fact;
};

static struct missing choose_fact(const struct truth *truth, unsigned int *seed)
{
	uint32_t at = (uint32_t)rand_r(seed) % truth->n_chain;
	struct missing missing = {
		&truth->snapshot->sockets[truth->chain[at].index],
		(enum fact)(rand_r(seed) % N_FACTS),
	};

	/* Bound to one address it has it by that. */
	if (missing.fact == FACT_V6ONLY &&
	    (missing.socket->family != AF_INET6 ||
	     !address_is_wildcard(AF_INET6, &missing.socket->local) ||
	     address_is_v4_mapped(AF_INET6, &missing.socket->local)))
		missing.fact = FACT_REUSE_PORT;
	if ((missing.fact == FACT_DEVICE && missing.socket->device) ||
	    (missing.fact == FACT_MEMBERSHIP && missing.socket->n_groups))
		missing.fact = FACT_UID;
	return missing;
}

static void set_fact(struct truth *truth, const struct missing *missing, enum tristate value)
{
	static const uint32_t bits[N_FACTS] = {
		[FACT_UID] = SOCKET_HAS_UID,
		[FACT_DEVICE] = SOCKET_HAS_DEVICE,
		[FACT_MEMBERSHIP] = SOCKET_HAS_MULTICAST,
	};
	struct inet_socket *socket = missing->socket;
	struct multicast_group *group;

	socket->known |= bits[missing->fact];
	if (value == TRISTATE_UNKNOWN)
		socket->known &= ~bits[missing->fact];
	switch (missing->fact) {
	case FACT_REUSE_PORT:
		socket->reuse_port = (uint8_t)value;
		break;
	case FACT_V6ONLY:
		socket->v6only = (uint8_t)value;
		break;
	case FACT_UID:
		socket->uid = value == TRISTATE_YES ? truth->chain[0].socket->uid : 4711;
		break;
	case FACT_DEVICE:
		socket->device = value == TRISTATE_YES ? truth->query.device : 0;
		break;
	case FACT_MEMBERSHIP:
		socket->n_groups = 0;
		if (value != TRISTATE_YES)
			break;
		group = snapshot_add_group(truth->snapshot);
		group->family = truth->query.family;
		group->address = truth->query.to;
		socket->first_group = truth->snapshot->n_groups - 1;
		socket->n_groups = 1;
		break;
	case N_FACTS:
		abort();
	}
}

static bool same_delivery(const struct delivery *a, const struct delivery *b)
{
	uint32_t i;

	for (i = 0; i < a->n_receivers && i < b->n_receivers; i++)
		if (a->receivers[i] != b->receivers[i])
			return false;
	return a->mode == b->mode && a->n_receivers == b->n_receivers;
}

/* Where facts are missing, what is predicted for certain holds with whatever they are. */
static bool is_sound(char *line, unsigned int *seed)
{
	struct missing missing[FACTS];
	struct delivery blank, full;
	struct truth truth;
	unsigned int way;
	bool sound = true;
	uint32_t i;

	read_case(&truth, line);
	truth.query.from_port = FIRST_PORT;
	for (i = 0; i < truth.n_chain; i++)
		truth.chain[i].group = truth.chain[i].selector = DELIVERY_ANY;
	for (i = 0; i < FACTS; i++)
		missing[i] = choose_fact(&truth, seed);
	for (i = 0; i < FACTS; i++)
		set_fact(&truth, &missing[i], TRISTATE_UNKNOWN);
	delivery_predict(truth.snapshot, truth.chain, truth.n_chain, &truth.query, &blank);
	for (way = 0; blank.certain && way < 1U << FACTS; way++) {
		for (i = 0; i < FACTS; i++)
			set_fact(&truth, &missing[i], tristate_of(way >> i & 1));
		delivery_predict(truth.snapshot, truth.chain, truth.n_chain, &truth.query, &full);
		sound = sound && same_delivery(&blank, &full);
		delivery_done(&full);
	}
	delivery_done(&blank);
	snapshot_free(truth.snapshot);
	return sound;
}

int main(void)
{
	const char *source = getenv("top_srcdir");
	char path[4096], line[8192], copy[8192];
	unsigned int count = 0, wrong = 0, unsound = 0, seed = 20261121, i;
	FILE *file;

	snprintf(path, sizeof(path), "%s/tests/truth/delivery.txt", source ? source : ".");
	file = fopen(path, "r");
	if (!ok(file, "%s can be read", path))
		return done_testing();
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		strcpy(copy, line);
		count++;
		if (!agrees(copy) && wrong++ < 20)
			diag("wrong: %s", line);
		for (i = 0; i < BLANKS; i++) {
			strcpy(copy, line);
			if (!is_sound(copy, &seed) && unsound++ < 20)
				diag("not uncertain: %s", line);
		}
	}
	fclose(file);
	ok(count >= 60, "%u cases", count);
	is_int(wrong, 0, "the model predicts who received");
	is_int(unsound, 0, "what is missing makes it uncertain if that decides");
	return done_testing();
}

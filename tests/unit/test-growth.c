/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is asked of a snapshot costs in proportion to what is in it. No time is taken: the linker
 * puts the functions here (ld --wrap) in front of some that are called for each step, or for
 * memory, and what they count for twice as much may be a little more than twice as much.
 */
#include "analysis/check.h"
#include "analysis/delivery.h"
#include "analysis/port-view.h"

#include "analysis/relate.h"
#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "util/xalloc.h"

static size_t n_bytes;
static uint64_t n_steps, n_compared;

void *__real_xcalloc(size_t count, size_t size);
void *__wrap_xcalloc(size_t count, size_t size);

void *__wrap_xcalloc(size_t count, size_t size)
{
	n_bytes += count * size;
	return __real_xcalloc(count, size);
}

int __real_address_compare(const struct address *a, const struct address *b);
int __wrap_address_compare(const struct address *a, const struct address *b);

/* Apart from the steps: to sort is allowed. */
int __wrap_address_compare(const struct address *a, const struct address *b)
{
	n_compared++;
	return __real_address_compare(a, b);
}

bool __real_address_covers(int bound_family, const struct address *bound, bool v6only,
			   int wanted_family, const struct address *wanted);
bool __wrap_address_covers(int bound_family, const struct address *bound, bool v6only,
			   int wanted_family, const struct address *wanted);

bool __wrap_address_covers(int bound_family, const struct address *bound, bool v6only,
			   int wanted_family, const struct address *wanted)
{
	n_steps++;
	return __real_address_covers(bound_family, bound, v6only, wanted_family, wanted);
}

bool __real_socket_is_bound(const struct inet_socket *socket);
bool __wrap_socket_is_bound(const struct inet_socket *socket);

bool __wrap_socket_is_bound(const struct inet_socket *socket)
{
	n_steps++;
	return __real_socket_is_bound(socket);
}

uint32_t __real_relate_processes(const struct snapshot *snapshot, uint32_t a, uint32_t b);
uint32_t __wrap_relate_processes(const struct snapshot *snapshot, uint32_t a, uint32_t b);

uint32_t __wrap_relate_processes(const struct snapshot *snapshot, uint32_t a, uint32_t b)
{
	n_steps++;
	return __real_relate_processes(snapshot, a, b);
}

uint32_t __real_delivery_sockets_of(const struct snapshot *snapshot, const uint32_t *members,
				    uint32_t n_members, struct delivery_socket **ret_sockets);
uint32_t __wrap_delivery_sockets_of(const struct snapshot *snapshot, const uint32_t *members,
				    uint32_t n_members, struct delivery_socket **ret_sockets);

/* Each of them is looked at. */
uint32_t __wrap_delivery_sockets_of(const struct snapshot *snapshot, const uint32_t *members,
				    uint32_t n_members, struct delivery_socket **ret_sockets)
{
	n_steps += n_members;
	return __real_delivery_sockets_of(snapshot, members, n_members, ret_sockets);
}

static void check(const struct snapshot *snapshot)
{
	const struct check_options options = { .selectors = NULL };
	struct finding_list list;

	check_snapshot(snapshot, &options, &list);
	finding_list_done(&list);
}

/* A bitmap of ports, 8 KiB, for each of 100,000 namespaces would be most of a small machine. */
static void test_namespaces(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct netns *netns;
	int i;

	for (i = 0; i < 1000; i++) {
		netns = snapshot_add_netns(snapshot);
		netns->port_range_first = 32768;
		netns->port_range_last = 60999;
		make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080)->netns =
			(uint32_t)i;
		make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 40000)->netns =
			(uint32_t)i;
	}
	n_bytes = 0;
	check(snapshot);
	ok(n_bytes < 2000000, "of 1000 namespaces: %zu bytes", n_bytes);
	snapshot_free(snapshot);
}

static void view(const struct snapshot *snapshot)
{
	struct port_view ports;

	port_view_init(&ports, snapshot, false);
	port_view_done(&ports);
}

static void make_bound(struct snapshot *snapshot, uint32_t n)
{
	char address[32];
	uint32_t i;

	make_process(snapshot, 900, "a");
	make_process(snapshot, 901, "b");
	for (i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "127.0.%u.%u", i >> 8, i & 255);
		make_owner(snapshot,
			   make_socket(snapshot, PROTOCOL_TCP, i % 2 ? STATE_BOUND : STATE_LISTEN,
				       address, 8080),
			   i % 2, 3);
	}
}

/* Connections of a host with itself, on ports that may be anything, before the one listener. */
static void make_loopback(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint16_t client = (uint16_t)(10000 + i / 2);

		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_ESTAB, "127.0.0.1",
				     i % 2 ? client : 8080);
		make_peer(socket, "127.0.0.1", i % 2 ? 8080 : client);
	}
	make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080);
}

/* Two processes that share one address after the other. */
static void make_shared(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	char address[32];
	uint32_t i;

	make_process(snapshot, 900, "a");
	make_process(snapshot, 901, "b");
	for (i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "127.0.%u.%u", i >> 9, i >> 1 & 255);
		socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, address, 5060);
		make_reuse(socket, TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
		make_owner(snapshot, socket, i % 2, 3);
	}
}

/* At each address one on a device, which takes, one on none, and one that keeps others out. */
static void make_devices(struct snapshot *snapshot, uint32_t n)
{
	string_id lo = snapshot_string(snapshot, "lo");
	struct inet_socket *socket;
	char address[32];
	uint32_t i;

	make_process(snapshot, 900, "a");
	make_process(snapshot, 901, "b");
	for (i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "127.0.%u.%u", i / 768, i / 3 & 255);
		socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, address, 5060);
		make_reuse(socket, i % 3 ? TRISTATE_YES : TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF);
		socket->device = i % 3 == 1 ? lo : 0;
		make_owner(snapshot, socket, i % 2, 3);
	}
}

/* A pool of two programs that get nothing, for a newer one that is none gets all. */
static void make_starved(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	uint32_t i;

	make_process(snapshot, 900, "a");
	make_process(snapshot, 901, "b");
	make_process(snapshot, 902, "c");
	for (i = 0; i < n; i++) {
		socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 5060);
		make_reuse(socket, TRISTATE_YES, tristate_of(i != 0), EVIDENCE_BPF);
		make_owner(snapshot, socket, i ? i % 2 : 2, 3);
	}
}

/* What is left over at as many addresses as there are others with listeners. */
static void make_left_beside(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	char address[32];
	uint32_t i;

	for (i = 0; i < n; i++) {
		snprintf(address, sizeof(address), "127.0.%u.%u", i >> 8, i & 255);
		socket = make_socket(snapshot, PROTOCOL_TCP, i % 2 ? STATE_LISTEN : STATE_TIME_WAIT,
				     address, 8080);
		make_reuse(socket, TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF);
		if (socket->state == STATE_TIME_WAIT)
			make_peer(socket, "127.0.0.1", 12345);
	}
}

/* And at one address, where as many connections live. */
static void make_left_among(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	uint32_t i;

	for (i = 0; i < n; i++) {
		socket = make_socket(snapshot, PROTOCOL_TCP, i % 2 ? STATE_ESTAB : STATE_TIME_WAIT,
				     "127.0.0.1", 8080);
		make_reuse(socket, TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF);
		make_peer(socket, "127.0.0.1", (uint16_t)(10000 + i));
	}
}

static uint64_t steps_of(void (*make)(struct snapshot *, uint32_t),
			 void (*ask)(const struct snapshot *), uint32_t n)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot_add_netns(snapshot);
	make(snapshot, n);
	n_steps = n_compared = 0;
	ask(snapshot);
	snapshot_free(snapshot);
	return n_steps;
}

/* Four times as much takes at most five times the steps, where each with each takes sixteen. */
static void test_growth(const char *what, void (*make)(struct snapshot *, uint32_t),
			void (*ask)(const struct snapshot *))
{
	uint64_t few = steps_of(make, ask, 500), many = steps_of(make, ask, 2000);

	ok(many <= 5 * few + 500, "%s: %llu and %llu steps", what, (unsigned long long)few,
	   (unsigned long long)many);
}

/* The same of addresses that are compared, where to sort takes a little more. */
static void test_compared(const char *what, void (*make)(struct snapshot *, uint32_t))
{
	uint64_t few, many;

	steps_of(make, check, 500);
	few = n_compared;
	steps_of(make, check, 2000);
	many = n_compared;
	ok(few && many <= 6 * few, "%s: %llu and %llu addresses compared", what,
	   (unsigned long long)few, (unsigned long long)many);
}

#define N_HOLDERS 8

/* A pool in which each member has holders of its own, who are strangers to the others'. */
static void make_strangers(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	uint32_t i, k;

	for (i = 0; i < n; i++) {
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080);
		make_reuse(socket, TRISTATE_YES, TRISTATE_YES, EVIDENCE_BPF);
		for (k = 0; k < N_HOLDERS; k++)
			make_owner(snapshot, socket,
				   make_process(snapshot, 900 + i * N_HOLDERS + k, "a"), 3);
	}
}

/* And one of which the members are held by the same few programs in turn. */
static void make_rivals(struct snapshot *snapshot, uint32_t n)
{
	struct inet_socket *socket;
	uint32_t i, k;

	for (i = 0; i < 20 * N_HOLDERS; i++)
		make_process(snapshot, 900 + i, "a");
	for (i = 0; i < n; i++) {
		socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 8080);
		make_reuse(socket, TRISTATE_YES, TRISTATE_YES, EVIDENCE_BPF);
		for (k = 0; k < N_HOLDERS; k++)
			make_owner(snapshot, socket, i % 20 * N_HOLDERS + k, 3);
	}
}

/* What processes are to each other is asked of no more pairs, however many sockets they hold. */
static void test_parties(const char *what, void (*make)(struct snapshot *, uint32_t))
{
	uint64_t few = steps_of(make, check, 500), many = steps_of(make, check, 2000);

	ok(few && many - few < 2 * 2000, "%s: %llu and %llu steps", what, (unsigned long long)few,
	   (unsigned long long)many);
}

/* Listeners in the range of outgoing connections: each has a note, which names its holder. */
static void make_noted(struct snapshot *snapshot, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		make_owner(snapshot,
			   make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0",
				       (uint16_t)(40000 + i)),
			   make_process(snapshot, 900 + i, "a"), 3);
}

static void test_memory(const char *what, void (*make)(struct snapshot *, uint32_t))
{
	size_t few, many;

	n_bytes = 0;
	steps_of(make, check, 500);
	few = n_bytes;
	n_bytes = 0;
	steps_of(make, check, 2000);
	many = n_bytes;
	ok(few && many <= 5 * few, "%s: %zu and %zu bytes", what, few, many);
}

int main(void)
{
	test_namespaces();
	test_growth("sockets that are bound beside listeners", make_bound, check);
	test_memory("many ports of as many processes", make_noted);
	test_parties("a pool of strangers", make_strangers);
	test_parties("a pool of few programs", make_rivals);
	test_growth("addresses that two programs share", make_shared, check);
	test_growth("addresses that have a device besides", make_devices, check);
	test_growth("a pool that gets nothing", make_starved, check);
	test_memory("addresses that two programs share: memory", make_shared);
	test_memory("addresses that have a device besides: memory", make_devices);
	test_growth("what is left beside listeners", make_left_beside, check);
	test_compared("what is left beside listeners", make_left_beside);
	test_growth("what is left among connections", make_left_among, check);
	test_compared("what is left among connections", make_left_among);
	test_memory("what is left beside listeners: memory", make_left_beside);
	test_growth("connections over loopback, as list groups them", make_loopback, view);
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the detectors cost: CPU time of check_snapshot() on snapshots made up in memory, with the
 * mixture of a busy server: for 20 sockets a listener, two TIME-WAIT, a UDP socket and connections;
 * every hundredth port is shared by two programs. Linear growth shows as equal times a socket.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "analysis/check.h"
#include "helpers/make-snapshot.h"

#define N_PROCESSES 50
#define RUNS 7

static void fill(struct snapshot *snapshot, uint32_t n)
{
	struct netns *netns = snapshot_add_netns(snapshot);
	char name[32], peer[32];
	uint32_t i;

	netns->port_range_first = 32768;
	netns->port_range_last = 60999;
	for (i = 0; i < N_PROCESSES; i++) {
		snprintf(name, sizeof(name), "server%u", i);
		make_process(snapshot, 1000 + i, name);
		snapshot->processes[i].exe = snapshot_string(snapshot, name);
		snapshot->processes[i].ppid = 1;
		snapshot->processes[i].known = PROCESS_HAS_PPID;
	}
	for (i = 0; i < n; i++) {
		uint16_t port = (uint16_t)(1024 + i / 20 % 60000);
		struct inet_socket *socket;

		if (i % 20 == 0 || (i % 2000 == 1)) {
			socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", port);
			make_reuse(socket, TRISTATE_YES, tristate_of(i % 2000 < 2), EVIDENCE_BPF);
			make_owner(snapshot, socket, i % N_PROCESSES, 3);
		} else if (i % 20 == 5) {
			socket =
				make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "127.0.0.1", port);
			make_reuse(socket, TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF);
			make_owner(snapshot, socket, i % N_PROCESSES, 4);
		} else {
			snprintf(peer, sizeof(peer), "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255,
				 i & 255);
			socket = make_connection(snapshot,
						 i % 20 < 3 ? STATE_TIME_WAIT : STATE_ESTAB, port,
						 peer, 443);
			make_reuse(socket, TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
		}
		socket->known |= SOCKET_HAS_UID | SOCKET_HAS_DEVICE | SOCKET_HAS_QUEUE |
				 SOCKET_HAS_LIMIT;
	}
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void)
{
	static const uint32_t sizes[] = { 10000, 100000, 300000 };
	const struct check_options options = { .selectors = NULL };
	double times[RUNS];
	size_t i, run;

	puts("| sockets | findings | CPU s | ns a socket |\n|---|---|---|---|");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct snapshot *snapshot = snapshot_new();
		struct finding_list list;
		uint32_t found = 0;

		fill(snapshot, sizes[i]);
		for (run = 0; run < RUNS; run++) {
			times[run] = cpu_seconds();
			check_snapshot(snapshot, &options, &list);
			times[run] = cpu_seconds() - times[run];
			found = list.count;
			finding_list_done(&list);
		}
		qsort(times, RUNS, sizeof(*times), compare);
		printf("| %u | %u | %.4f | %.0f |\n", sizes[i], found, times[RUNS / 2],
		       times[RUNS / 2] * 1e9 / sizes[i]);
		snapshot_free(snapshot);
	}
	return 0;
}

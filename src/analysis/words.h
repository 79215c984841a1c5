/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_WORDS_H
#define ANALYSIS_WORDS_H

#include "analysis/port-range.h"
#include "model/finding.h"
#include "model/snapshot.h"

/* Why processes do not belong together: relate.h in words, in the middle of a sentence. */
#define WORDS_STRANGERS                                                                            \
	"none of them descends from another (that one shell, init or service manager started "     \
	"them does not make them one process tree), and they are not of one unit or container"

/* Sockets and their holders in words, for sentences. A char * is malloc'ed for the caller. */

/* "udp 0.0.0.0:5060", "tcp [::]:80 on lo". */
char *words_socket(const struct snapshot *snapshot, uint32_t socket);

/* The address alone, "0.0.0.0", as it stands in words_socket(). */
char *words_address(const struct inet_socket *socket);

/* "sipd.py" (pid 900): the program and its process. */
char *words_process(const struct snapshot *snapshot, uint32_t process);

/* Several, at least one, by program: "nginx" (pids 900, 901 and 2 more) and "sleep" (pid 950). */
char *words_processes(const struct snapshot *snapshot, const uint32_t *processes,
		      uint32_t n_processes);

/*
 * The holders: as words_process(), "nginx" (pids 900, 901 and 2 more), "a" (pid 900) and "b" (pid
 * 950), a hidden process, the kernel.
 */
char *words_holders(const struct snapshot *snapshot, uint32_t socket);

/*
 * Those of several sockets, at least one, as if they were one: a program is named once, and of
 * holders that cannot be seen, as users' processes, a few.
 */
char *words_holders_together(const struct snapshot *snapshot, const uint32_t *sockets,
			     uint32_t n_sockets);

/* Of n sockets, each its holders: "A", "A and B", "A, B and 3 others"; most of them are named. */
char *words_holders_of_all(const struct snapshot *snapshot, const uint32_t *sockets, uint32_t n,
			   uint32_t most);

/* "SO_REUSEADDR", "SO_REUSEADDR and SO_REUSEPORT", "no reuse flag", "unknown flags"; (inferred). */
char *words_flags(const struct inet_socket *socket);

/* All of that: tcp 0.0.0.0:80, LISTEN, "nginx" (pid 900), SO_REUSEPORT (bpf). */
char *words_described(const struct snapshot *snapshot, uint32_t socket);

/* What is known of whose a process is: "sip.service, user sip, child of \"bash\" (pid 800)". */
char *words_origin(const struct snapshot *snapshot, uint32_t process);

/* "2026-11-21 04:00:41 UTC", from nanoseconds since the epoch. */
char *words_moment(int64_t ns);

/*
 * The command by which root ends what connections in these states, so many of each, keep of a port,
 * in quotes: "ss -K -t state time-wait state fin-wait-2 'sport = :80'"; empty if there are none.
 * In another network namespace than the reader's it begins with the way into that, or if none is
 * known in that network namespace stands behind it.
 */
char *words_end_time_wait(const struct snapshot *snapshot, uint32_t netns, uint32_t n_time_wait,
			  uint32_t n_fin_wait_2, uint16_t port);

/*
 * The title of a finding, and before it where that is, if several namespaces were looked at and it
 * is not in the reader's: "in namespace blue: 7 of 9 local ports of UDP are in use".
 */
char *words_title(const struct snapshot *snapshot, const struct finding *finding);

/* The name of a namespace, or its number if it has none; empty if it is the reader's. */
char *words_netns_label(const struct snapshot *snapshot, uint32_t netns);

/* Where a command of portshare looks to see this namespace: " --netns blue"; or empty, the own. */
char *words_netns_option(const struct snapshot *snapshot, uint32_t netns);

/* Behind a sysctl, which each namespace has of its own: " of that network namespace", or empty. */
const char *words_of_netns(const struct snapshot *snapshot, uint32_t netns);

/*
 * Sentences on how to keep a port, which an outgoing connection has now, from such: whether the
 * kernel can have chosen it decides what helps.
 */
const char *words_keep_from_clients(const struct port_rules *rules, uint32_t netns, uint16_t port);

/* The same where it is not known whether the connection is an outgoing one. */
char *words_keep_if_connected(const struct port_rules *rules, uint32_t netns, uint16_t port);

/* "1 connection", "2 connections". */
char *words_count(uint32_t n, const char *singular);

#endif

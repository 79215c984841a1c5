/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_IDENTITY_H
#define ANALYSIS_IDENTITY_H

#include "model/finding.h"
#include "model/snapshot.h"

/*
 * By what a socket, a port, a finding is known again in a later snapshot, where each has another
 * index, and so may its namespace: a number made of it. Two do not have the same one by chance.
 */

/* Numbers and texts mixed into one. Begin with one of the caller's own. */
uint64_t identity_mix(uint64_t sum, uint64_t value);
uint64_t identity_mix_text(uint64_t sum, const char *text);
uint64_t identity_mix_address(uint64_t sum, const struct address *address);
uint64_t identity_mix_netns(uint64_t sum, const struct snapshot *snapshot, uint32_t netns);

uint64_t identity_of_socket(const struct snapshot *snapshot, const struct inet_socket *socket);

/* Of the port that a socket has. */
uint64_t identity_of_port(const struct snapshot *snapshot, const struct inet_socket *socket);

uint64_t identity_of_finding(const struct snapshot *snapshot, const struct finding_list *findings,
			     const struct finding *finding);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DETECT_UDP_H
#define ANALYSIS_DETECT_UDP_H

#include "analysis/detect.h"

/* What detect-udp.c and its parts have in common: who shares a port, shadows or can be robbed. */

/*
 * Those of a bucket that keep others out: who has SO_REUSEADDR keeps out nobody who has it too.
 * Freed with address_index_done().
 */
void udp_find_guards(const struct detection *detection, struct address_index *ret_guards);

/*
 * Whether one who is not asked binds to where this socket is with SO_REUSEADDR, and so takes its
 * datagrams. Flags count as they are now: one socket there that has cleared its own keeps all out.
 */
bool udp_stranger_can_bind(const struct detection *detection, const struct address_index *guards,
			   const struct inet_socket *at);

/* Sockets at one place: who of them stands in the way of whom? */
void udp_check_share(struct detection *detection, const struct detect_place *place,
		     const struct address_index *guards);

/* Sockets that are bound more closely than others take what is sent to these. */
void udp_check_shadows(struct detection *detection, const struct detect_place *places);

/* Sockets at which anybody can take what arrives. */
void udp_check_hijack(struct detection *detection, const struct address_index *guards);

/* sockets: ascending, as those of a bucket, a place and a delivery are. */
bool udp_is_one_of(const uint32_t *sockets, uint32_t n_sockets, uint32_t socket);

/* For qsort() of such. */
int udp_compare_sockets(const void *left, const void *right);

/* Its reuse flags are the kernel's word. */
bool udp_flags_were_read(const struct inet_socket *socket);

/* What is missing to tell; title is handed over. */
void udp_undecide(const struct detection *detection, struct finding *finding, char *title,
		  const char *missing);

#endif

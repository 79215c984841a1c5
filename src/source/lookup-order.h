/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_LOOKUP_ORDER_H
#define SOURCE_LOOKUP_ORDER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "bpf/records.h"
#include "model/snapshot.h"

/*
 * A dump has the UDP sockets of a port in the order of bind(). The look-up of a receiver has chains
 * of its own (udp_table.hash2), into whose head a socket of all addresses goes once more when it
 * has been connected and is no longer (udp_lib_rehash()). Pure.
 */

/*
 * Whether the iterator over UDP walks those chains, as since 6.5 (bpf_iter_udp_batch()); before it
 * walked those of bind(). kernel: its release, or NULL.
 */
bool lookup_order_is_seen(const char *kernel);

/*
 * Mark the sockets of a namespace of which the order matters: those that are not connected, at all
 * addresses of a port that has two of them in one family. shared has an element for each socket.
 */
void lookup_order_find_shared(const struct snapshot *snapshot, uint32_t netns, bool *shared);

/*
 * Set lookup_order of these: records are the table in the iterator's order, ret_sockets of
 * table_join() the sockets that they are about.
 */
void lookup_order_set(struct snapshot *snapshot, const bool *shared,
		      const struct bpf_table_record *records, uint32_t n_records,
		      const uint32_t *sockets);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_INFER_H
#define ANALYSIS_INFER_H

#include "model/snapshot.h"

/*
 * Fill in reuse flags that nobody could read but that the kernel's rules force, since the sockets
 * exist side by side; marked EVIDENCE_INFERRED. What was read is never changed. A forced flag is
 * the one at the time of the bind: a program may have cleared it since, which is why inferred
 * flags are shown with a "~".
 *
 * - Two TCP listeners with overlapping addresses: both have SO_REUSEPORT; SO_REUSEADDR does not
 *   help against a listener (inet_bind_conflict()). Only without a device, and if both take IPv4
 *   alone, IPv6 alone, or both families: else a third that is in nobody's way may have left the
 *   bucket a memory that let the later one in (sk_reuseport_match()).
 * - A UDP socket that has SO_REUSEADDR and not SO_REUSEPORT passed every overlapping socket that
 *   was there before it: these have SO_REUSEADDR (udp_lib_lport_inuse()). Which were there before
 *   is known for IPv4 only, where the kernel lists the newest first.
 *
 * Overlap is taken as given only where v6only is known or does not matter.
 */
void infer_reuse(struct snapshot *snapshot);

#endif

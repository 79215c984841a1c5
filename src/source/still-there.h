/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_STILL_THERE_H
#define SOURCE_STILL_THERE_H

#include <stdbool.h>

#include "model/snapshot.h"
#include "source/netns.h"
#include "source/source.h"

/*
 * Ask again for some sockets of a snapshot: those whose element of sockets is true, all with
 * cookies. The elements of those that are gone become false. What cannot be asked, or not in full
 * (the dump is cut, a protocol refused, /proc/net read instead) stays as it is, and so do more of
 * them than are on some ports.
 *
 * They are looked for in a dump: the question for one socket, by its addresses and cookie, finds of
 * several at one address only the one that a packet would get.
 */
void still_there(const struct collect_request *request, const struct netns_list *namespaces,
		 const struct snapshot *snapshot, bool *sockets);

#endif

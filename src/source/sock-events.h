/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCK_EVENTS_H
#define SOURCE_SOCK_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * That sockets go: the destroy notifications of sock_diag (sock_diag_broadcast_destroy()), which
 * every user may hear. They come when a listener, a bound socket, a connection or a UDP socket is
 * destroyed, and for a connection also when it enters TIME-WAIT; not when its TIME-WAIT ends, and
 * not when a socket begins to listen.
 */
struct sock_events;
struct netns_choice; /* source/netns.h */

/*
 * Listen for them in a namespace (NULL: the caller's own). Returns 0 or -errno; then the caller has
 * to look by itself from time to time. Free with sock_events_close(), which takes NULL too.
 */
int sock_events_open(struct netns_choice *netns, struct sock_events **ret_events);
void sock_events_close(struct sock_events *events);

/* For poll(2): readable when something has come. */
int sock_events_fd(const struct sock_events *events);

/*
 * Take what has come. Returns whether a socket with this local port (host byte order) may have
 * gone: true too if notifications were lost.
 */
bool sock_events_take(struct sock_events *events, uint16_t port);

#endif

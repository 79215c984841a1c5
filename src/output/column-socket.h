/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMN_SOCKET_H
#define OUTPUT_COLUMN_SOCKET_H

#include "output/column-writer.h"

/* What the kernel says of one socket: addresses, state, flags, timer, identity. */

column_getter column_get_netns, column_get_proto, column_get_port, column_get_local,
	column_get_device, column_get_v6only, column_get_state, column_get_reuse,
	column_get_evidence, column_get_peer, column_get_timer, column_get_inode, column_get_cookie,
	column_get_mark, column_get_options, column_get_multicast;

#endif

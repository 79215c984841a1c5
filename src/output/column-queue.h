/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMN_QUEUE_H
#define OUTPUT_COLUMN_QUEUE_H

#include "output/column-writer.h"

/* What waits in the queues of a socket, of several together, and what was lost there. */

column_getter column_get_queue, column_get_recv, column_get_send, column_get_limit,
	column_get_drops;
column_row_getter column_row_queue, column_row_recv, column_row_send, column_row_drops;

/* As the kernel's sk_acceptq_is_full(): one more than the limit fits in. */
bool column_queue_is_full(const struct inet_socket *socket);

#endif

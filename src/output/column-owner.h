/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_COLUMN_OWNER_H
#define OUTPUT_COLUMN_OWNER_H

#include "output/column-writer.h"

/* Who holds a socket, or the sockets of a row; whose it is; or why nobody holds it. */

column_getter column_get_owner, column_get_user, column_get_uid;

/* The processes of one socket, one for each descriptor, or of a row. */
struct column_holders {
	const struct owner *owners; /* of one socket; NULL for a row */
	const uint32_t *processes;
	uint32_t count;
	bool more_unknown; /* sockets of the row have owners that cannot be seen */
	const struct inet_socket *socket; /* NULL where those of the row differ in their unit */
};

/* Write what the processes say, the same way for one socket and for a row. */
typedef void column_holders_getter(struct column_writer *writer,
				   const struct column_holders *holders, struct out *out);

column_holders_getter column_get_process, column_get_pid, column_get_unit, column_get_container,
	column_get_cgroup, column_get_cmdline, column_get_exe, column_get_start;

struct column_holders column_holders_of(const struct column_writer *writer,
					const struct inet_socket *socket);
struct column_holders column_holders_of_row(const struct port_summary *summary);

/* "nginx[900]:3,4": all of them, as the column owner has them. */
void column_write_holders(struct column_writer *writer, const struct column_holders *holders,
			  struct out *out);

/* "none (TIME-WAIT ", before the time left and ")": of it, or of FIN-WAIT-2 kept as such. */
void column_write_remains(const struct inet_socket *socket, struct out *out);

/*
 * Why nobody is named, for people. remains is TIME-WAIT or FIN-WAIT-2 where a connection was closed
 * and that is left of it, else N_STATES.
 */
const char *column_owner_status(const struct column_writer *writer, enum owner_status status,
				enum socket_state remains);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_SOCK_DIAG_DECODE_H
#define SOURCE_SOCK_DIAG_DECODE_H

#include <stddef.h>
#include <stdint.h>

#include "model/socket.h"

/*
 * The bytes of one inet_diag_msg with its attributes (uapi/linux/inet_diag.h), as a dump delivers
 * them, turned into a socket; no I/O, nothing allocated. Unknown attributes are passed over, one
 * that is too short counts as absent.
 *
 * ret_interface receives the index of the bound interface (0: none), since its name is not in the
 * message. protocol is what the dump was asked for; an MPTCP subflow's LISTEN seen in a TCP dump
 * keeps PROTOCOL_TCP. Returns 0, or -EBADMSG if the message is too short or speaks of a family or
 * state that portshare does not know; then nothing is touched.
 */
int sock_diag_decode(const void *bytes, size_t length, enum protocol protocol,
		     struct inet_socket *ret_socket, uint32_t *ret_interface);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SOURCE_KERNEL_STATE_H
#define SOURCE_KERNEL_STATE_H

#include <stdint.h>

#include "model/socket.h"

/* The kernel's numbers of states and timers, which sock_diag and /proc/net share. Pure. */

/* States of include/net/tcp_states.h, which <netinet/tcp.h> does not have. */
#define KERNEL_NEW_SYN_RECV 12
#define KERNEL_BOUND_INACTIVE 13 /* is asked for only: such a socket is listed as TCP_CLOSE */

/* The state that a number of the kernel means, or -1: it means none of this protocol. */
int kernel_state_decode(enum protocol protocol, uint64_t number);

/* A mask of states (1U << enum socket_state) as one of the kernel's of TCP (1U << TCP_*). */
uint32_t kernel_state_mask(uint32_t states);

/* The timer that a number means. One that is not known is TIMER_UNKNOWN. */
enum timer_kind kernel_timer_decode(uint64_t number);

#endif

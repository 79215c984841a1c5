/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/kernel-state.h"

#include <netinet/tcp.h>

#include "util/xalloc.h"

/* Ours plus one, so that 0 is "not known". */
static const uint8_t stream_states[] = {
	[TCP_ESTABLISHED] = STATE_ESTAB + 1,	[TCP_SYN_SENT] = STATE_SYN_SENT + 1,
	[TCP_SYN_RECV] = STATE_SYN_RECV + 1,	[TCP_FIN_WAIT1] = STATE_FIN_WAIT_1 + 1,
	[TCP_FIN_WAIT2] = STATE_FIN_WAIT_2 + 1, [TCP_TIME_WAIT] = STATE_TIME_WAIT + 1,
	[TCP_CLOSE] = STATE_BOUND + 1,		[TCP_CLOSE_WAIT] = STATE_CLOSE_WAIT + 1,
	[TCP_LAST_ACK] = STATE_LAST_ACK + 1,	[TCP_LISTEN] = STATE_LISTEN + 1,
	[TCP_CLOSING] = STATE_CLOSING + 1,	[KERNEL_NEW_SYN_RECV] = STATE_SYN_RECV + 1,
};

int kernel_state_decode(enum protocol protocol, uint64_t number)
{
	if (!protocol_is_stream(protocol) && number != TCP_ESTABLISHED && number != TCP_CLOSE)
		return -1;
	return number < ARRAY_SIZE(stream_states) ? stream_states[number] - 1 : -1;
}

uint32_t kernel_state_mask(uint32_t states)
{
	uint32_t number, mask = 0;

	for (number = 0; number < ARRAY_SIZE(stream_states); number++)
		if (stream_states[number] && (states & 1U << (stream_states[number] - 1)))
			mask |= 1U << number;
	if (states & 1U << STATE_BOUND)
		mask |= 1U << KERNEL_BOUND_INACTIVE;
	return mask;
}

enum timer_kind kernel_timer_decode(uint64_t number)
{
	/* As inet_csk_diag_fill() and get_tcp4_sock() write them. */
	static const uint8_t timers[] = {
		TIMER_NONE, TIMER_RETRANSMIT, TIMER_KEEPALIVE, TIMER_TIME_WAIT, TIMER_PROBE,
	};

	return number < ARRAY_SIZE(timers) ? (enum timer_kind)timers[number] : TIMER_UNKNOWN;
}

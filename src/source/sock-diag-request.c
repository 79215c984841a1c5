/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-request.h"

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "source/kernel-state.h"
#include "util/xalloc.h"

/* More ports than these are left to the caller: a filter must fit into one attribute. */
#define MAX_FILTER_RANGES 1000

uint16_t sock_diag_protocol(enum protocol protocol)
{
	static const uint16_t numbers[N_PROTOCOLS] = {
		[PROTOCOL_TCP] = IPPROTO_TCP,	      [PROTOCOL_UDP] = IPPROTO_UDP,
		[PROTOCOL_UDPLITE] = IPPROTO_UDPLITE, [PROTOCOL_MPTCP] = 262,
		[PROTOCOL_SCTP] = IPPROTO_SCTP,
	};

	return numbers[protocol];
}

uint32_t sock_diag_states(uint32_t states, enum protocol protocol)
{
	/* The states of an association are numbered otherwise: it is filtered here. */
	if (protocol == PROTOCOL_SCTP || (states & ((1U << N_STATES) - 1)) == (1U << N_STATES) - 1)
		return UINT32_MAX;
	return kernel_state_mask(states);
}

bool sock_diag_port_wanted(const struct port_range *wanted, uint32_t n_wanted, uint16_t port)
{
	uint32_t i;

	for (i = 0; i < n_wanted; i++)
		if (port >= wanted[i].first && port <= wanted[i].last)
			return true;
	return !n_wanted;
}

static int compare_ranges(const void *left, const void *right)
{
	const struct port_range *a = left, *b = right;

	return (a->first > b->first) - (a->first < b->first);
}

/* Sort and join. ranges has room for count; returns how many are left. */
static uint32_t merge_ranges(struct port_range *ranges, uint32_t count)
{
	uint32_t i, merged = 0;

	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (i = 0; i < count; i++) {
		struct port_range *last = merged ? &ranges[merged - 1] : NULL;

		if (ranges[i].first > ranges[i].last)
			continue;
		if (last && ranges[i].first <= last->last + 1U) {
			if (ranges[i].last > last->last)
				last->last = ranges[i].last;
			continue;
		}
		ranges[merged++] = ranges[i];
	}
	return merged;
}

/*
 * The ranges as a program of inet_diag_bc_run(): for each a test of both ends and, but for the
 * last, a jump to the end, where a socket is accepted. A target 4 bytes behind the end refuses it.
 */
static void build_program(struct sock_diag_filter *filter, const struct port_range *ranges,
			  uint32_t count)
{
	const size_t size = sizeof(struct inet_diag_bc_op);
	struct inet_diag_bc_op *op;
	size_t left = count * 5 * size - size;
	uint32_t i;

	filter->size = left;
	filter->program = op = xcalloc(1, left);
	for (i = 0; i < count; i++) {
		op[0] = (struct inet_diag_bc_op){
			.code = INET_DIAG_BC_S_GE,
			.yes = 2 * size,
			.no = 5 * size,
		};
		op[1].no = ranges[i].first;
		op[2] = (struct inet_diag_bc_op){
			.code = INET_DIAG_BC_S_LE,
			.yes = 2 * size,
			.no = 3 * size,
		};
		op[3].no = ranges[i].last;
		if (i + 1 == count)
			break;
		left -= 4 * size;
		op[4] = (struct inet_diag_bc_op){
			.code = INET_DIAG_BC_JMP,
			.yes = size,
			.no = left,
		};
		left -= size;
		op += 5;
	}
}

bool sock_diag_filter_init(struct sock_diag_filter *filter, const struct port_range *wanted,
			   uint32_t n_wanted)
{
	struct port_range *ranges;
	uint32_t count;
	bool any;

	*filter = (struct sock_diag_filter){ .program = NULL };
	if (!n_wanted)
		return true;
	ranges = xcalloc(n_wanted, sizeof(*ranges));
	memcpy(ranges, wanted, n_wanted * sizeof(*ranges));
	count = merge_ranges(ranges, n_wanted);
	any = count == 1 && ranges[0].first == 0 && ranges[0].last == UINT16_MAX;
	if (!any && count && count <= MAX_FILTER_RANGES)
		build_program(filter, ranges, count);
	free(ranges);
	return any;
}

void sock_diag_filter_done(struct sock_diag_filter *filter)
{
	free(filter->program);
	filter->program = NULL;
}

struct nlmsghdr *sock_diag_request_put(void *buffer, const struct sock_diag_request *request)
{
	uint16_t protocol = sock_diag_protocol(request->protocol);
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);

	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	header->nlmsg_seq = request->sequence;
	if (request->family == AF_UNSPEC) {
		/* The family in this request is not looked at: both are dumped in one pass. */
		struct inet_diag_req *body = mnl_nlmsg_put_extra_header(header, sizeof(*body));

		header->nlmsg_type = TCPDIAG_GETSOCK;
		body->idiag_family = AF_INET;
		body->idiag_ext = request->extensions;
		body->idiag_states = request->states;
		if (protocol != IPPROTO_TCP)
			mnl_attr_put_u32(header, INET_DIAG_REQ_PROTOCOL, protocol);
	} else {
		struct inet_diag_req_v2 *body = mnl_nlmsg_put_extra_header(header, sizeof(*body));

		header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
		body->sdiag_family = request->family;
		body->sdiag_protocol = protocol > UINT8_MAX ? IPPROTO_RAW : protocol;
		body->idiag_ext = request->extensions;
		body->idiag_states = request->states;
		if (protocol > UINT8_MAX)
			mnl_attr_put_u32(header, INET_DIAG_REQ_PROTOCOL, protocol);
	}
	if (request->filter->program)
		mnl_attr_put(header, INET_DIAG_REQ_BYTECODE, request->filter->size,
			     request->filter->program);
	return header;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag-request.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "helpers/tap.h"

/* What inet_diag_bc_run() of the kernel does; -1 for what its audit would refuse. */
static int run(const struct sock_diag_filter *filter, uint16_t port)
{
	const struct inet_diag_bc_op *op = filter->program;
	int left = (int)filter->size;

	while (left > 0) {
		bool yes;

		switch (op->code) {
		case INET_DIAG_BC_JMP:
			yes = false;
			break;
		case INET_DIAG_BC_S_GE:
			yes = port >= op[1].no;
			break;
		case INET_DIAG_BC_S_LE:
			yes = port <= op[1].no;
			break;
		default:
			return -1;
		}
		if (!op->yes || op->yes % sizeof(*op) || op->no % sizeof(*op) ||
		    op->yes > left + (int)sizeof(*op) || op->no > left + (int)sizeof(*op))
			return -1;
		left -= yes ? op->yes : op->no;
		op = (const void *)((const char *)op + (yes ? op->yes : op->no));
	}
	return left == 0;
}

static void test_filter(const struct port_range *ranges, uint32_t count, const char *what)
{
	struct sock_diag_filter filter;
	uint32_t port, i, wrong = 0;
	bool any = sock_diag_filter_init(&filter, ranges, count);

	if (!ok(!any && filter.program, "%s: there is a program", what))
		return;
	for (port = 0; port <= UINT16_MAX; port++) {
		int wanted = 0;

		for (i = 0; i < count; i++)
			wanted |= port >= ranges[i].first && port <= ranges[i].last;
		wrong += run(&filter, (uint16_t)port) != wanted;
	}
	is_int(wrong, 0, "%s: it takes the ports wanted and no others", what);
	sock_diag_filter_done(&filter);
}

static void test_filters(void)
{
	static const struct port_range one[] = { { 80, 80 } };
	static const struct port_range some[] = {
		{ 8000, 8100 }, { 53, 53 }, { 65535, 65535 }, { 8050, 9000 }, { 0, 1 }, { 54, 60 },
	};
	static const struct port_range all[] = { { 1, 65535 }, { 0, 0 } };
	static struct port_range many[2000];
	struct sock_diag_filter filter;
	uint32_t i;

	test_filter(one, 1, "one port");
	test_filter(some, 6, "overlapping, touching and extreme ranges");
	for (i = 0; i < 1000; i++)
		many[i] = (struct port_range){ (uint16_t)(3 * i), (uint16_t)(3 * i) };
	test_filter(many, 1000, "a thousand ports");
	ok(sock_diag_filter_init(&filter, NULL, 0) && !filter.program, "none: every port");
	ok(sock_diag_filter_init(&filter, all, 2) && !filter.program, "all: every port");
	for (i = 0; i < 2000; i++)
		many[i] = (struct port_range){ (uint16_t)(2 * i), (uint16_t)(2 * i) };
	ok(!sock_diag_filter_init(&filter, many, 2000) && !filter.program,
	   "too many for a program: left to the caller");
}

static void test_states(void)
{
	const uint32_t all = (1U << N_STATES) - 1;

	is_int(sock_diag_states(all, PROTOCOL_TCP), UINT32_MAX, "every state");
	is_int(sock_diag_states(1U << STATE_ESTAB, PROTOCOL_SCTP), UINT32_MAX,
	       "SCTP numbers its states otherwise");
	is_int(sock_diag_states(1U << STATE_LISTEN | 1U << STATE_TIME_WAIT, PROTOCOL_TCP),
	       1U << TCP_LISTEN | 1U << TCP_TIME_WAIT, "two states");
	is_int(sock_diag_states(1U << STATE_BOUND, PROTOCOL_TCP), 1U << TCP_CLOSE | 1U << 13,
	       "bound is closed, or TCP_BOUND_INACTIVE");
}

static void test_requests(void)
{
	static char buffer[4096] __attribute__((aligned(8)));
	const struct sock_diag_filter filter = { .program = NULL };
	struct sock_diag_request request = {
		.filter = &filter,
		.protocol = PROTOCOL_UDP,
		.family = AF_INET6,
		.states = 5,
		.sequence = 42,
		.extensions = 9,
	};
	const struct nlmsghdr *header = sock_diag_request_put(buffer, &request);
	const struct inet_diag_req_v2 *body = NLMSG_DATA(header);
	const struct nlattr *attribute;
	uint32_t number;

	ok(header->nlmsg_type == SOCK_DIAG_BY_FAMILY && header->nlmsg_seq == 42 &&
		   header->nlmsg_flags == (NLM_F_REQUEST | NLM_F_DUMP) &&
		   header->nlmsg_len == NLMSG_LENGTH(sizeof(*body)),
	   "a request for one family");
	ok(body->sdiag_family == AF_INET6 && body->sdiag_protocol == IPPROTO_UDP &&
		   body->idiag_states == 5 && body->idiag_ext == 9,
	   "and what is in it");

	request.family = AF_UNSPEC;
	request.protocol = PROTOCOL_MPTCP;
	header = sock_diag_request_put(buffer, &request);
	attribute = (const void *)(buffer + NLMSG_LENGTH(sizeof(struct inet_diag_req)));
	memcpy(&number, attribute + 1, sizeof(number));
	ok(header->nlmsg_type == TCPDIAG_GETSOCK && attribute->nla_type == INET_DIAG_REQ_PROTOCOL &&
		   number == 262,
	   "a request for both families, and a protocol that is no byte");
}

int main(void)
{
	test_filters();
	test_states();
	test_requests();
	return done_testing();
}

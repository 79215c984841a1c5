/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/candidate.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/collect.h"
#include "source/source.h"

static const uint32_t stream_protocols = 1U << PROTOCOL_TCP | 1U << PROTOCOL_MPTCP;
static const uint32_t datagram_protocols = 1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE;

/* A prefix names one or two kinds, -t and -u theirs; without either it is TCP. */
static bool choose_protocol(const struct options *options, const struct selector *selector,
			    struct bind_candidate *candidate)
{
	uint32_t protocols = selector->protocols & options->filter.protocols;

	if (!protocols)
		return options_error("-t or -u names another protocol than the bind does", NULL,
				     NULL);
	if (protocols & stream_protocols)
		candidate->protocol = PROTOCOL_TCP;
	else if (protocols & 1U << PROTOCOL_UDP)
		candidate->protocol = PROTOCOL_UDP;
	else if (protocols & datagram_protocols)
		candidate->protocol = PROTOCOL_UDPLITE;
	else
		return options_error("only binds of TCP, UDP and UDP-Lite can be judged", NULL,
				     NULL);
	return true;
}

static bool choose_address(const struct options *options, const struct selector *selector,
			   struct bind_candidate *candidate)
{
	const char *address = options->bind.address;
	int family = options->filter.inet ? AF_INET : AF_INET6;

	if (address && selector->has_address)
		return options_error("the bind has an address already, this is another", address,
				     NULL);
	if (address && address_parse(address, strlen(address), &family, &candidate->address))
		return options_error("cannot read the address", address, "expected a numeric one");
	if (selector->has_address) {
		candidate->address = selector->address;
		family = selector->family;
	}
	if (family == AF_INET6 && !options->filter.inet6)
		return options_error("-4 does not go with an IPv6 address", NULL, NULL);
	if (family == AF_INET && !options->filter.inet)
		return options_error("-6 does not go with an IPv4 address", NULL, NULL);
	if (family == AF_INET && options->bind.v6only)
		return options_error("--v6only is for IPv6 sockets", NULL,
				     "expected -6 or an IPv6 address with it");
	candidate->family = (uint8_t)family;
	return true;
}

bool candidate_parse(const struct options *options, struct bind_candidate *ret_candidate)
{
	const struct selector *selector = options->filter.selectors;
	struct bind_candidate candidate = {
		.uid = (uint32_t)geteuid(),
		.reuse_addr = options->bind.reuse_addr,
		.reuse_port = options->bind.reuse_port,
		.v6only = options->bind.v6only,
	};

	if (!options->filter.n_selectors)
		return options_error("what shall be bound is missing", NULL,
				     "expected [tcp:|udp:][ADDRESS:]PORT");
	if (!choose_protocol(options, selector, &candidate) ||
	    !choose_address(options, selector, &candidate))
		return false;
	if (options->bind.user && !options_uid(options->bind.user, &candidate.uid))
		return false;
	candidate.port = selector->first_port;
	*ret_candidate = candidate;
	return true;
}

static struct snapshot *collect(const struct options *options,
				const struct bind_candidate *candidate, uint32_t want)
{
	struct selector port = {
		.protocols = candidate->protocol == PROTOCOL_TCP ? stream_protocols :
								   1U << candidate->protocol,
		.first_port = candidate->port,
		.last_port = candidate->port,
	};
	struct options all = *options;

	filter_init(&all.filter);
	all.filter.protocols = port.protocols;
	if (candidate->port) {
		all.filter.selectors = &port;
		all.filter.n_selectors = 1;
	}
	return collect_snapshot(&all, want);
}

struct snapshot *candidate_collect(const struct options *options,
				   const struct bind_candidate *candidate, uint32_t want)
{
	return collect(options, candidate,
		       want | WANT_OWNERS | WANT_REUSE | WANT_CONNECTIONS_REUSE | WANT_BIND_MEMORY |
			       WANT_SYSCTLS);
}

struct snapshot *candidate_glance(const struct options *options,
				  const struct bind_candidate *candidate)
{
	return collect(options, candidate, 0);
}

void candidate_attach(const struct options *options, struct snapshot *snapshot,
		      struct bind_candidate *candidate)
{
	const struct netns *netns;

	candidate->netns = 0;
	candidate->device = snapshot_string(snapshot, options->bind.device);
	candidate->v6only = options->bind.v6only;
	if (!snapshot->n_netns || candidate->family != AF_INET6 || candidate->v6only ||
	    address_is_v4_mapped(AF_INET6, &candidate->address))
		return;
	netns = &snapshot->netns[0];
	candidate->v6only = (netns->sysctls_known & 1U << SYSCTL_BINDV6ONLY) &&
			    netns->sysctls[SYSCTL_BINDV6ONLY];
}

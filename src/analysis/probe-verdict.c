/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/probe-verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "analysis/port-range.h"
#include "analysis/probe-blocker.h"
#include "analysis/words.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

const char *probe_cause_name(enum probe_cause cause)
{
	static const char *const names[N_PROBE_CAUSES] = {
		[CAUSE_LISTENER] = "listener",
		[CAUSE_INHERITED_LISTENER] = "inherited-listener",
		[CAUSE_TIME_WAIT] = "time-wait",
		[CAUSE_CONNECTION] = "connection",
		[CAUSE_OUTGOING] = "outgoing-connection",
		[CAUSE_BOUND] = "bound-not-listening",
		[CAUSE_DATAGRAMS] = "udp-socket",
	};

	return names[cause];
}

const char *probe_set_name(uint32_t set)
{
	static const char *const names[PROBE_SETS] = { "no reuse flag", "SO_REUSEADDR",
						       "SO_REUSEPORT", "both flags" };

	return names[set];
}

const char *probe_way_name(enum probe_way way)
{
	static const char *const names[N_PROBE_WAYS] = {
		[PROBE_MODEL] = "model",
		[PROBE_REPLICA] = "replica",
		[PROBE_LIVE] = "live",
	};

	return names[way];
}

struct context {
	const struct snapshot *snapshot;
	const struct port_rules *rules;
	const struct probe_report *report;
	uint32_t asked;
	char *where; /* "tcp 0.0.0.0:8080" */
	struct probe_verdict *verdict;
};

static char *where_of(const struct snapshot *snapshot, const struct bind_candidate *candidate)
{
	const char *device = snapshot_text(snapshot, candidate->device);
	bool v6 = candidate->family == AF_INET6;
	char address[ADDRESS_TEXT_MAX];

	address_format(candidate->family, &candidate->address, address);
	return xasprintf("%s %s%s%s:%u%s%s%s", protocol_name((enum protocol)candidate->protocol),
			 v6 ? "[" : "", address, v6 ? "]" : "", candidate->port,
			 device ? " on " : "", device ? device : "",
			 candidate->v6only ? " with IPV6_V6ONLY" : "");
}

/* ---- which answer holds ---- */

/* A set and what its bind said; listen() too must have passed, where it was tried. */
static int outcome_of(const struct probe_outcome *outcome)
{
	if (outcome->bind == 0 && outcome->listen != PROBE_NOT_TRIED)
		return outcome->listen;
	return outcome->bind;
}

static void say_difference(struct context *context, uint32_t set, enum probe_way a, int said_a,
			   enum probe_way b, int said_b, const char *why)
{
	probe_say(&context->verdict->differences, "With %s the %s says %s and the %s %s: %s.",
		  probe_set_name(set), probe_way_name(a), said_a ? errno_name(said_a) : "ok",
		  probe_way_name(b), said_b ? errno_name(said_b) : "ok", why);
}

/* What no socket causes is no matter of the model; what it is the verdict says. */
static bool is_about_sockets(int said)
{
	return said == 0 || said == EADDRINUSE;
}

static void compare_ways(struct context *context)
{
	const struct probe_report *report = context->report;
	uint32_t set, by;

	for (set = 0; set < PROBE_SETS; set++) {
		const struct probe_attempt *attempt = &report->attempts[set];
		int model = outcome_of(&attempt->ways[PROBE_MODEL]);
		int replica = outcome_of(&attempt->ways[PROBE_REPLICA]);
		int live = probe_live_outcome(report, set, &by);

		if (model >= 0 && replica >= 0 && model != replica && is_about_sockets(replica))
			say_difference(context, set, PROBE_MODEL, model, PROBE_REPLICA, replica,
				       "this kernel has other rules than the model, or something "
				       "could not be rebuilt");
		if (live < 0 || by != set)
			continue;
		if (model >= 0 && model != live && is_about_sockets(live))
			say_difference(
				context, set, PROBE_MODEL, model, PROBE_LIVE, live,
				live ? "a socket that cannot be seen, or one that came just now" :
				       "a socket that went just now, or a kernel with other "
				       "rules");
	}
}

/* Where a bind with the set that was asked about would land instead; NULL: nowhere else. */
static const struct probe_place *place_of(const struct context *context)
{
	const struct probe_attempt *attempts = context->report->attempts;
	uint32_t by;

	if (!probe_live_outcome(context->report, context->asked, &by) &&
	    attempts[by].places[PROBE_LIVE].moved)
		return &attempts[by].places[PROBE_LIVE];
	return attempts[context->asked].places[PROBE_REPLICA].moved ?
		       &attempts[context->asked].places[PROBE_REPLICA] :
		       NULL;
}

/*
 * What the replica is refused for no socket's sake, the candidate is too: by the cgroup, which both
 * are in. An IPv6 socket at the mapped address may not be.
 */
static bool is_refused_in_replica(const struct context *context, int live, uint32_t by)
{
	int replica = outcome_of(&context->report->attempts[context->asked].ways[PROBE_REPLICA]);

	return replica > 0 && !is_about_sockets(replica) &&
	       (live < 0 || (!live && context->report->attempts[by].mapped));
}

static enum tristate decide(const struct context *context, int *ret_error, bool *ret_live)
{
	const struct probe_attempt *asked = &context->report->attempts[context->asked];
	int model = outcome_of(&asked->ways[PROBE_MODEL]);
	int replica = outcome_of(&asked->ways[PROBE_REPLICA]), said = PROBE_UNKNOWN;
	uint32_t by;
	int live = probe_live_outcome(context->report, context->asked, &by);

	*ret_live = live >= 0;
	*ret_error = 0;
	if (place_of(context))
		return TRISTATE_NO;
	if (is_refused_in_replica(context, live, by))
		said = replica;
	else if (live >= 0)
		said = live;
	else if (model >= 0 && (replica < 0 || replica == model))
		said = model;
	else if (model < 0 && replica >= 0)
		said = replica;
	if (said < 0)
		return TRISTATE_UNKNOWN;
	*ret_error = said;
	return tristate_of(said == 0);
}

/* ---- words ---- */

static char *moment_of(const struct context *context)
{
	const struct snapshot *snapshot = context->snapshot;
	bool earliest = context->verdict->at_the_earliest;
	const char *least = earliest ? "at least another" : "another";
	const char *more =
		earliest ? " at the earliest, and up to 60 s more after the other end closes" : "";
	int64_t in_ms = context->verdict->frees_in_ms;
	char *moment, *text;

	if (in_ms < 0)
		return xstrdup("");
	if (!snapshot->end_ns)
		return xasprintf(" for %s %.1f s%s", least, (double)in_ms / 1000, more);
	moment = words_moment(snapshot->end_ns + in_ms * 1000000);
	text = xasprintf(" for %s %.1f s, until %s%s", least, (double)in_ms / 1000, moment, more);
	free(moment);
	return text;
}

/* The sets that would pass, which is the shortest advice. */
static char *better_sets(const struct context *context)
{
	uint32_t set, n = 0, last = 0, by;

	for (set = 1; set < PROBE_SETS; set++) {
		int live = probe_live_outcome(context->report, set, &by);
		int said = outcome_of(&context->report->attempts[set].ways[PROBE_MODEL]);

		if ((live >= 0 ? live : said) != 0)
			continue;
		/* Both flags say no more than one. */
		if (set == PROBE_SET(1, 1) && n)
			continue;
		n++;
		last = set;
	}
	if (!n || last == context->asked)
		return xstrdup("");
	if (n == 2)
		return xstrdup("; with SO_REUSEADDR, or with SO_REUSEPORT, it can");
	return xasprintf("; with %s it can", probe_set_name(last));
}

/* Nobody has a reserved port, and yet the kernel gives it to nobody. */
static void conclude_no_port(struct context *context)
{
	const struct bind_candidate *candidate = &context->report->candidate;
	uint32_t n_given = port_n_ephemeral(context->rules, candidate->netns), n_reserved;
	char *option = words_netns_option(context->snapshot, candidate->netns), *look;
	uint16_t first, last;

	port_range(context->snapshot, candidate->netns, &first, &last);
	n_reserved = (uint32_t)last - first + 1 - n_given;
	if (!n_given)
		context->verdict->text = xasprintf(
			"No: there is no port left for %s: all of net.ipv4.ip_local_port_range, "
			"%u-%u, are in net.ipv4.ip_local_reserved_ports, from which the kernel "
			"chooses none (EADDRINUSE).",
			context->where, first, last);
	else if (n_reserved)
		context->verdict->text = xasprintf(
			"No: there is no free port left for %s: of net.ipv4.ip_local_port_range, "
			"%u-%u, %u are taken, and the other %u are in "
			"net.ipv4.ip_local_reserved_ports (EADDRINUSE).",
			context->where, first, last, n_given, n_reserved);
	else
		context->verdict->text = xasprintf("No: there is no free port left for %s: all of "
						   "net.ipv4.ip_local_port_range, "
						   "%u-%u, are taken (EADDRINUSE).",
						   context->where, first, last);
	look = n_given ? xasprintf(", or end what holds the ports; portshare list%s shows who that "
				   "is",
				   option) :
			 xstrdup("");
	probe_say(&context->verdict->remedies,
		  "Widen net.ipv4.ip_local_port_range%s%s%s. A server should ask for a port of its "
		  "own.",
		  words_of_netns(context->snapshot, candidate->netns),
		  n_reserved ? ", or take ports out of net.ipv4.ip_local_reserved_ports" : "",
		  look);
	free(option);
	free(look);
}

static void conclude_in_use(struct context *context)
{
	const struct probe_verdict *verdict = context->verdict;
	const struct bind_candidate *candidate = &context->report->candidate;
	char *moment = moment_of(context), *better = better_sets(context);

	if (!candidate->port) {
		conclude_no_port(context);
	} else if (verdict->n_blockers) {
		context->verdict->text =
			xasprintf("No: %s cannot be bound with %s (EADDRINUSE)%s%s.",
				  context->where, probe_set_name(context->asked), moment, better);
	} else {
		context->verdict->text = xasprintf(
			"No: %s cannot be bound with %s (EADDRINUSE), though nothing that is seen "
			"is "
			"in the way: there is a socket that cannot be seen, or there was one in "
			"that "
			"moment.",
			context->where, probe_set_name(context->asked));
		probe_say(&context->verdict->remedies, "Ask again, and as root.");
	}
	free(moment);
	free(better);
}

static void conclude_denied(struct context *context)
{
	const struct bind_candidate *candidate = &context->report->candidate;
	const struct snapshot *snapshot = context->snapshot;

	if (!candidate->port || !port_is_privileged(snapshot, candidate->netns, candidate->port)) {
		context->verdict->text =
			xasprintf("No: the bind to %s is denied (EACCES), though the port needs no "
				  "privilege: by "
				  "Landlock, SELinux or the like.",
				  context->where);
		probe_say(&context->verdict->remedies,
			  "Look into the security policy under which the program runs.");
		return;
	}
	context->verdict->text = xasprintf(
		"No: uid %u may not bind %s (EACCES): ports below "
		"net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE, in the user "
		"namespace that owns the network namespace. What else holds the port is looked at "
		"only after that.",
		candidate->uid, context->where);
	probe_say(&context->verdict->remedies,
		  "Give the program CAP_NET_BIND_SERVICE (setcap cap_net_bind_service=ep FILE, or "
		  "AmbientCapabilities= in its unit), let systemd pass it the socket, lower "
		  "net.ipv4.ip_unprivileged_port_start%s, or take a higher port.",
		  words_of_netns(snapshot, candidate->netns));
}

static void conclude_error(struct context *context, int error)
{
	const struct bind_candidate *candidate = &context->report->candidate;

	switch (error) {
	case EADDRINUSE:
		conclude_in_use(context);
		return;
	case EACCES:
		conclude_denied(context);
		return;
	case EADDRNOTAVAIL:
		context->verdict->text = xasprintf(
			"No: the address of %s is not there to be bound (EADDRNOTAVAIL): no "
			"interface "
			"of this network namespace has it%s.",
			context->where,
			candidate->family == AF_INET6 ?
				", or it is still tentative, until duplicates have been looked "
				"for" :
				"");
		probe_say(&context->verdict->remedies,
			  "ip address shows the addresses that there are. For one that comes later "
			  "set IP_FREEBIND on the socket, or net.%s.ip_nonlocal_bind.",
			  candidate->family == AF_INET6 ? "ipv6" : "ipv4");
		return;
	case ENODEV:
		context->verdict->text = xasprintf(
			"No: there is no interface %s in this network namespace (ENODEV).",
			candidate->device ? snapshot_text(context->snapshot, candidate->device) :
					    "for this address");
		probe_say(&context->verdict->remedies,
			  "ip link shows the interfaces that there are; a socket can only be bound "
			  "to "
			  "one that exists.");
		return;
	case EPERM:
		context->verdict->text = xasprintf(
			"No: the bind to %s is denied (EPERM), most likely by a BPF program "
			"of the cgroup.",
			context->where);
		probe_say(&context->verdict->remedies, "bpftool cgroup tree shows the programs.");
		return;
	case EINVAL:
		context->verdict->text = xasprintf(
			"No: %s is no valid bind (EINVAL)%s.", context->where,
			candidate->v6only && address_is_v4_mapped(candidate->family,
								  &candidate->address) ?
				": an IPv4 address mapped into IPv6 and IPV6_V6ONLY exclude "
				"each other" :
			address_is_multicast(candidate->family, &candidate->address) &&
					protocol_is_stream((enum protocol)candidate->protocol) ?
				": TCP knows no multicast" :
			candidate->family == AF_INET6 && !candidate->device ?
				": a link-local address needs an interface, see --device" :
				"");
		return;
	default:
		context->verdict->text =
			xasprintf("No: %s cannot be bound: %s.", context->where, errno_name(error));
	}
}

static bool same_loss(const struct context *context, const struct probe_loss *a,
		      const struct probe_loss *b)
{
	const struct inet_socket *sockets = context->snapshot->sockets;

	return a->all == b->all && a->keeps == b->keeps && a->shared == b->shared &&
	       a->doubtful == b->doubtful && a->own_address == b->own_address && a->v4 == b->v4 &&
	       a->v6 == b->v6 && !sockets[a->socket].n_groups == !sockets[b->socket].n_groups;
}

/* Of what it gets: " to 127.0.0.1", " over IPv4", " on eth0"; "": of all. */
static char *lost_where(const struct context *context, const struct probe_loss *loss)
{
	const struct bind_candidate *candidate = &context->report->candidate;
	const char *device = snapshot_text(context->snapshot, candidate->device);
	char address[ADDRESS_TEXT_MAX];

	if (loss->all)
		return xstrdup("");
	address_format(candidate->family, &candidate->address, address);
	return xasprintf("%s%s%s%s",
			 loss->own_address    ? " to " :
			 loss->v4 && loss->v6 ? "" :
			 loss->v4	      ? " over IPv4" :
						" over IPv6",
			 loss->own_address ? address : "", device ? " on " : "",
			 device ? device : "");
}

static void tell_loss(struct context *context, const struct probe_loss *loss,
		      const uint32_t *sockets, uint32_t n_sockets)
{
	bool stream = protocol_is_stream((enum protocol)context->report->candidate.protocol);
	const char *what = stream ? "connections" : "unicast datagrams";
	bool one = n_sockets == 1, member = context->snapshot->sockets[loss->socket].n_groups > 0;
	char *who = words_holders_together(context->snapshot, sockets, n_sockets);
	char *where = lost_where(context, loss);
	const char *gets = loss->doubtful ? "may get" : one ? "gets" : "get";
	const char *rest = loss->keeps ? (one ? "; the rest it keeps" : "; the rest they keep") :
			   loss->all && member ?
					 (one ? "; what its multicast groups get it keeps" :
						"; what their multicast groups get they keep") :
					 "";

	if (loss->shared)
		probe_say(
			&context->verdict->notes,
			"%s would get none any more of the %s that %s %s now%s: the new socket and "
			"others would, without an error on either side%s.",
			who, what, one ? "it" : "they", gets, where, rest);
	else
		probe_say(&context->verdict->notes,
			  "It would take all the %s that %s %s now%s, without an error on either "
			  "side%s.",
			  what, who, gets, where, rest);
	free(where);
	free(who);
}

/* A bind that passes is not always one that should be made. */
static void warn_of_takeover(struct context *context)
{
	const struct probe_report *report = context->report;
	bool *told = xcalloc(report->n_losses, sizeof(*told));
	uint32_t *sockets = xcalloc(report->n_losses, sizeof(*sockets)), i, k, n;

	for (i = 0; i < report->n_losses; i++) {
		if (told[i])
			continue;
		for (k = i, n = 0; k < report->n_losses; k++) {
			if (told[k] || !same_loss(context, &report->losses[i], &report->losses[k]))
				continue;
			told[k] = true;
			sockets[n++] = report->losses[k].socket;
		}
		tell_loss(context, &report->losses[i], sockets, n);
	}
	free(sockets);
	free(told);
	if (report->losses_unsure)
		probe_say(
			&context->verdict->notes,
			"%s it would take %s from others on the port cannot be told for sure: not "
			"all "
			"that decides it is known.",
			report->n_losses ? "Whether elsewhere" : "Whether",
			protocol_is_stream((enum protocol)report->candidate.protocol) ?
				"connections" :
				"datagrams");
}

/* Whether the kernel was to be asked too, and no answer came of it. */
static bool is_model_alone(const struct context *context, bool live)
{
	const struct probe_report *report = context->report;
	const struct probe_attempt *asked = &report->attempts[context->asked];
	uint32_t i;

	if (live || outcome_of(&asked->ways[PROBE_REPLICA]) >= 0)
		return false;
	for (i = 0; i < report->n_limits; i++)
		if (strcmp(report->limits[i].what, probe_way_name(PROBE_MODEL)) != 0)
			return true;
	return false;
}

static void conclude_yes(struct context *context, bool live)
{
	const struct bind_candidate *candidate = &context->report->candidate;
	const char *by = context->snapshot->n_limits && !live ? ", by what can be seen" : "";
	const char *alone = is_model_alone(context, live) ? ", by the model alone" : "";

	context->verdict->text = xasprintf("Yes: %s can be bound with %s%s%s.", context->where,
					   probe_set_name(context->asked), by, alone);
	warn_of_takeover(context);
	if (candidate->port && protocol_is_stream((enum protocol)candidate->protocol) &&
	    port_is_ephemeral(context->rules, candidate->netns, candidate->port))
		probe_say(
			&context->verdict->notes,
			"The port lies in net.ipv4.ip_local_port_range: while no server has it, an "
			"outgoing connection may get it. net.ipv4.ip_local_reserved_ports keeps it "
			"free.");
}

static void conclude_moved(struct context *context)
{
	const struct probe_place *place = place_of(context);
	bool v6 = place->family == AF_INET6;
	char address[ADDRESS_TEXT_MAX];

	address_format(place->family, &place->address, address);
	context->verdict->text = xasprintf(
		"No: asked for %s the kernel gave %s%s%s:%u: a BPF program of the cgroup rewrites "
		"it.",
		context->where, v6 ? "[" : "", address, v6 ? "]" : "", place->port);
}

/* Whether the answer depends on what the bucket remembers, which was not read. */
static bool lacks_memory(const struct bind_verdict *verdict)
{
	uint32_t i;

	for (i = 0; i < verdict->n_blockers; i++)
		if (verdict->blockers[i].unknown & BIND_UNKNOWN_MEMORY)
			return true;
	return false;
}

static void conclude_unknown(struct context *context)
{
	const struct probe_verdict *verdict = context->verdict;

	if (verdict->differences.count) {
		context->verdict->text = xasprintf(
			"Cannot tell whether %s can be bound with %s: the ways to know do "
			"not agree.",
			context->where, probe_set_name(context->asked));
	} else if (context->report->misplaced) {
		context->verdict->text = xasprintf(
			"Cannot tell whether %s can be bound with %s: the snapshot does not say in "
			"which network namespace sockets of the port are, and that decides.",
			context->where, probe_set_name(context->asked));
	} else if (context->report->incomplete) {
		context->verdict->text = xasprintf(
			"Cannot tell whether %s can be bound with %s: the snapshot was written "
			"without some of the sockets, and they decide.",
			context->where, probe_set_name(context->asked));
		probe_say(&context->verdict->remedies,
			  "Write the snapshot without selectors and filters: portshare --json.");
	} else {
		context->verdict->text = xasprintf(
			"Cannot tell whether %s can be bound with %s: it depends on what is not "
			"known%s.",
			context->where, probe_set_name(context->asked),
			verdict->n_blockers ? " of what is in the way" : "");
		probe_say(&context->verdict->remedies,
			  lacks_memory(&context->report->verdict) ?
				  "Ask on the machine itself as root, or with CAP_BPF and "
				  "CAP_PERFMON: probe reads there what the kernel remembers of "
				  "earlier binds, which a snapshot of list does not have." :
			  context->snapshot->from_file ?
				  "Write the snapshot as root on its machine, or with CAP_BPF and "
				  "CAP_PERFMON, to see all reuse flags." :
				  "Ask as root, or with CAP_BPF and CAP_PERFMON, to see all reuse "
				  "flags.");
	}
}

static void note_elsewhere(struct context *context)
{
	const struct bind_candidate *candidate = &context->report->candidate;
	enum tristate reserved =
		port_is_reserved(context->rules, candidate->netns, candidate->port);
	uint32_t i, n = 0;

	if (candidate->port && reserved == TRISTATE_YES)
		probe_say(&context->verdict->notes,
			  "The port is in net.ipv4.ip_local_reserved_ports. So the kernel chooses "
			  "it for no connection; that never stands in the way of a bind to it.");
	for (i = 0; i < context->snapshot->n_sockets; i++) {
		const struct inet_socket *socket = &context->snapshot->sockets[i];

		n += socket->netns != candidate->netns &&
		     context->snapshot->netns[socket->netns].id &&
		     socket->local_port == candidate->port && candidate->port &&
		     socket_is_bound(socket) &&
		     bind_bucket_protocol((enum protocol)socket->protocol) ==
			     bind_bucket_protocol((enum protocol)candidate->protocol);
	}
	if (n)
		probe_say(&context->verdict->notes,
			  "%u socket%s on this port in other network namespaces: they never "
			  "conflict.",
			  n, n == 1 ? " is" : "s are");
}

void probe_conclude(const struct snapshot *snapshot, const struct bind_bucket_index *index,
		    const struct probe_report *report, struct probe_verdict *ret_verdict)
{
	struct port_rules rules;
	struct context context = {
		.snapshot = snapshot,
		.rules = &rules,
		.report = report,
		.asked = PROBE_SET(report->candidate.reuse_addr, report->candidate.reuse_port),
		.where = where_of(snapshot, &report->candidate),
		.verdict = ret_verdict,
	};
	bool live;

	port_rules_init(&rules, snapshot);
	*ret_verdict = (struct probe_verdict){ .frees_in_ms = -1 };
	ret_verdict->answer = decide(&context, &ret_verdict->error, &live);
	compare_ways(&context);
	/* Others are in the way only if that is what the bind fails for. */
	if (ret_verdict->answer == TRISTATE_UNKNOWN || ret_verdict->error == EADDRINUSE)
		probe_explain_blockers(&rules, index, report, ret_verdict);
	if (ret_verdict->answer == TRISTATE_UNKNOWN)
		conclude_unknown(&context);
	else if (ret_verdict->answer == TRISTATE_YES)
		conclude_yes(&context, live);
	else if (ret_verdict->error)
		conclude_error(&context, ret_verdict->error);
	else
		conclude_moved(&context);
	note_elsewhere(&context);
	port_rules_done(&rules);
	free(context.where);
}

static void sentences_done(struct probe_sentences *sentences)
{
	uint32_t i;

	for (i = 0; i < sentences->count; i++)
		free(sentences->items[i]);
	free(sentences->items);
}

void probe_verdict_done(struct probe_verdict *verdict)
{
	uint32_t i;

	for (i = 0; i < verdict->n_blockers; i++)
		free(verdict->blockers[i].why);
	free(verdict->blockers);
	free(verdict->text);
	sentences_done(&verdict->remedies);
	sentences_done(&verdict->notes);
	sentences_done(&verdict->differences);
}

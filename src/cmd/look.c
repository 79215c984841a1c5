/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/look.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "analysis/port-range.h"
#include "analysis/probe-harm.h"
#include "analysis/probe.h"
#include "cmd/candidate.h"
#include "cmd/judge.h"
#include "probe/attempt.h"
#include "probe/privilege.h"
#include "probe/replica.h"
#include "probe/route.h"
#include "source/netns.h"
#include "source/source.h"

/* The namespace that was asked about; an empty list if it is the own one. */
static int open_netns(const struct options *options, struct netns_list *ret_list)
{
	const struct collect_request request = { .netns = options->netns };

	*ret_list = (struct netns_list){ .items = NULL };
	return options->netns ? netns_list_open(&request, ret_list) : 0;
}

/* Be in that namespace, to bind there. *ret_home is -1 if it is the own one. */
static int enter(const struct options *options, struct netns_list *list, int *ret_home)
{
	int error = open_netns(options, list);

	*ret_home = -1;
	if (!error && list->count)
		error = netns_enter(&list->items[0], ret_home);
	return error;
}

/* Sockets name a device as the kernel does, which knows others for it (ip link property altname). */
static void name_device(const struct options *options, struct snapshot *snapshot,
			struct bind_candidate *candidate)
{
	char name[IF_NAMESIZE];
	struct netns_list list;
	unsigned int index;
	int home, error;

	if (!options->bind.device || options->from)
		return;
	error = enter(options, &list, &home);
	index = error ? 0 : if_nametoindex(options->bind.device);
	if (index && if_indextoname(index, name))
		candidate->device = snapshot_string(snapshot, name);
	if (home >= 0)
		netns_leave(home);
	netns_list_done(&list);
}

/* Whether the candidate may bind low ports. Of who is in a file nothing but the uid is known. */
static enum tristate privilege_of(const struct options *options,
				  const struct bind_candidate *candidate)
{
	bool caller = candidate->uid == (uint32_t)geteuid();
	struct netns_list list;
	enum tristate privilege;

	if (options->from || (!caller && candidate->uid))
		return tristate_of(candidate->uid == 0);
	if (open_netns(options, &list))
		return TRISTATE_UNKNOWN;
	privilege = privilege_to_bind(list.count ? list.items[0].fd : -1, !caller);
	netns_list_done(&list);
	return privilege;
}

/* Where it decides. */
static void note_privilege(const struct snapshot *snapshot, const struct probe_facts *facts,
			   struct probe_report *report)
{
	const struct bind_candidate *candidate = &report->candidate;

	if (facts->privileged == TRISTATE_UNKNOWN && candidate->port &&
	    port_is_privileged(snapshot, candidate->netns, candidate->port))
		probe_add_limit(
			report, "model",
			"whether uid %u has CAP_NET_BIND_SERVICE in the user namespace that "
			"owns the network namespace, as the port needs it, is not known",
			candidate->uid);
}

/* What was refused for no socket's sake would have been so too: it could have harmed nobody. */
static void drop_left_out(struct probe_report *report)
{
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++) {
		int said = probe_live_outcome(report, set, NULL);

		if (said > 0 && said != EADDRINUSE)
			report->attempts[set].left_out = NULL;
	}
}

/* Where the other live binds do not say it already. */
static void note_left_out(const struct probe_live_plan *plan, struct probe_report *report)
{
	uint32_t asked = PROBE_SET(report->candidate.reuse_addr, report->candidate.reuse_port);

	if (plan->how[asked] == LIVE_NOT && probe_live_outcome(report, asked, NULL) < 0)
		probe_add_limit(
			report, "live",
			"the port itself was not bound with %s, since %s; --live does it all "
			"the same",
			probe_set_name(asked), plan->harm[asked]);
}

/* What the binds that were made since they were asked for may have done, where they passed. */
static void note_harm(const struct probe_live_plan *plan, struct probe_report *report)
{
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++)
		if (!report->attempts[set].ways[PROBE_LIVE].bind)
			report->attempts[set].harm = plan->harm[set];
}

/* A program of the cgroup sends binds to where nobody has looked who is there. */
static bool is_moved(const struct probe_report *report)
{
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++)
		if (report->attempts[set].places[PROBE_REPLICA].moved)
			return true;
	return false;
}

/* What the address or the device is refused for is an answer already, which nothing was bound for. */
static void note_refused(int error, struct probe_report *report)
{
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++)
		report->attempts[set].ways[PROBE_LIVE].bind = error;
}

static void bind_live(const struct look *look, const struct attempt_request *request, bool all,
		      struct probe_live_plan *plan, struct probe_report *report)
{
	probe_plan_live(look->snapshot, &look->index, report, all, plan);
	attempt_live(request, report);
	if (report->verdict.can_bind == TRISTATE_UNKNOWN)
		probe_predict_takeover(look->snapshot, &look->index, report);
	drop_left_out(report);
	note_left_out(plan, report);
	if (all)
		note_harm(plan, report);
}

static void ask_replica(const struct look *look, const struct probe_facts *facts,
			struct probe_report *report)
{
	if (report->candidate.port)
		replica_ask(look->snapshot, &look->index, facts, report);
	else
		probe_add_limit(
			report, "replica",
			"the replica is left out: it does not rebuild all ports of a range");
}

/* What takes the kernel: the address, the replica, and after it, which may warn, the live binds. */
static void ask_kernel(const struct options *options, uint32_t ways, struct probe_facts *facts,
		       struct look *look)
{
	const struct snapshot *snapshot = look->snapshot;
	struct probe_report *report = &look->report;
	bool other_user = report->candidate.uid != (uint32_t)geteuid(), can_ask = false;
	struct probe_live_plan plan;
	struct attempt_request request = {
		.snapshot = snapshot,
		.switch_user = other_user,
		.plan = &plan,
	};
	struct netns_list namespaces;
	int home, error;

	error = enter(options, &namespaces, &home);
	if (error) {
		probe_add_limit(report, "live", "the network namespace cannot be entered: %s",
				strerror(-error));
	} else if (other_user && geteuid()) {
		probe_add_limit(report, "live", "only root can ask the kernel as another user");
	} else {
		can_ask = true;
		facts->address_error = attempt_address(&request, report);
		facts->broadcast =
			route_is_broadcast(report->candidate.family, &report->candidate.address);
	}
	probe_predict(snapshot, &look->index, facts, report);
	if (ways & LOOK_REPLICA)
		ask_replica(look, facts, report);
	if (can_ask && (ways & LOOK_HARMFUL))
		bind_live(look, &request, true, &plan, report);
	else if (can_ask && (ways & LOOK_LIVE) && facts->address_error > 0)
		note_refused(facts->address_error, report);
	else if (can_ask && (ways & LOOK_LIVE) && is_moved(report))
		probe_add_limit(report, "live",
				"the port itself was not bound, since a program of the cgroup "
				"sends binds elsewhere; --live does it all the same");
	else if (can_ask && (ways & LOOK_LIVE))
		bind_live(look, &request, false, &plan, report);
	if (home >= 0)
		netns_leave(home);
	netns_list_done(&namespaces);
}

bool look_at(const struct options *options, const struct bind_candidate *wanted, uint32_t ways,
	     struct look *ret_look)
{
	struct bind_candidate candidate = *wanted;
	struct probe_facts facts = { .address_error = PROBE_UNKNOWN };
	struct look look = { .snapshot = candidate_collect(options, &candidate, WANT_EVERYTHING) };

	if (!look.snapshot)
		return false;
	judge_snapshot(options, look.snapshot, SEVERITY_NOTE, &look.findings);
	candidate_attach(options, look.snapshot, &candidate);
	name_device(options, look.snapshot, &candidate);
	facts.privileged = privilege_of(options, &candidate);
	bind_bucket_index_init(&look.index, look.snapshot);
	probe_report_init(&look.report, &candidate);
	note_privilege(look.snapshot, &facts, &look.report);
	if (options->from || !ways)
		probe_predict(look.snapshot, &look.index, &facts, &look.report);
	else
		ask_kernel(options, ways, &facts, &look);
	probe_conclude(look.snapshot, &look.index, &look.report, &look.verdict);
	*ret_look = look;
	return true;
}

void look_done(struct look *look)
{
	probe_verdict_done(&look->verdict);
	probe_report_done(&look->report);
	bind_bucket_index_done(&look->index);
	finding_list_done(&look->findings);
	snapshot_free(look->snapshot);
}

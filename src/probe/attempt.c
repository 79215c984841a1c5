/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe/bind-socket.h"
#include "probe/child.h"
#include "util/clock.h"
#include "util/errno-name.h"
#include "util/xalloc.h"

#define TIMEOUT_MS 5000

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

struct result {
	bool tried;
	int error; /* of bind(); or of step */
	char step[32]; /* what failed before bind(), else empty */
	struct probe_place place;
	uint64_t held_ns;
};

/* Whom the child becomes. */
struct identity {
	uid_t uid;
	gid_t group;
	gid_t *others;
	int n_others;
};

/* What the child has and fills in. */
struct work {
	const struct bind_candidate *candidate;
	const char *device;
	const struct probe_live_plan *plan; /* NULL: only the address is asked about */
	const struct identity *become; /* NULL: it stays who it is */
	struct result *results; /* shared with the parent; PROBE_SETS of them */
};

static void try_bind(const struct work *work, const struct bind_candidate *candidate, bool no_port,
		     struct result *result)
{
	const char *step = "";
	int on = 1, fd = bind_socket_new(candidate, work->device, &step);
	int64_t start;

	result->tried = true;
	if (fd < 0) {
		result->error = -fd;
		memcpy(result->step, step, strnlen(step, sizeof(result->step) - 1));
		return;
	}
	/* A kernel without it would choose a port: then rather nothing is known. */
	if (no_port && setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on))) {
		result->tried = false;
		close(fd);
		return;
	}
	start = monotonic_ns();
	result->error = -bind_socket_bind(fd, candidate, work->device);
	if (!result->error)
		bind_socket_place(fd, candidate, &result->place);
	close(fd);
	result->held_ns = (uint64_t)(monotonic_ns() - start);
}

/*
 * With the user's groups. One without an entry gets the group of the same number: whose it is does
 * not matter, but that it is not that of root does.
 */
static void identity_init(struct identity *identity, uint32_t uid)
{
	const struct passwd *user = getpwuid((uid_t)uid);
	int room;

	*identity = (struct identity){ .uid = (uid_t)uid, .group = (gid_t)uid };
	if (!user)
		return;
	identity->group = user->pw_gid;
	getgrouplist(user->pw_name, user->pw_gid, NULL, &identity->n_others);
	room = identity->n_others;
	identity->others = xcalloc((size_t)room, sizeof(*identity->others));
	/* It says how many there are: by now that may be more than there is room for. */
	getgrouplist(user->pw_name, user->pw_gid, identity->others, &identity->n_others);
	if (identity->n_others > room)
		identity->n_others = room;
}

static void identity_done(struct identity *identity)
{
	free(identity->others);
}

static int become(const struct identity *identity)
{
	if (setgroups((size_t)identity->n_others, identity->others) ||
	    setresgid(identity->group, identity->group, identity->group) ||
	    setresuid(identity->uid, identity->uid, identity->uid))
		return errno;
	child_die_with_parent();
	return 0;
}

static void run(void *user)
{
	struct work *work = user;
	struct bind_candidate candidate = *work->candidate;
	int error = work->become ? become(work->become) : 0;
	uint32_t set;

	if (error) {
		for (set = 0; set < PROBE_SETS; set++) {
			work->results[set] = (struct result){ .tried = true, .error = error };
			strcpy(work->results[set].step, "becoming the user");
		}
		return;
	}
	if (!work->plan) {
		candidate.port = 0;
		/* Where a program of the cgroup gives it one, it shall take nothing there. */
		candidate.reuse_addr = candidate.reuse_port = false;
		try_bind(work, &candidate, true, &work->results[0]);
		return;
	}
	for (set = 0; set < PROBE_SETS; set++) {
		candidate = *work->candidate;
		candidate.reuse_addr = set & PROBE_SET(1, 0);
		candidate.reuse_port = set & PROBE_SET(0, 1);
		if (work->plan->how[set] == LIVE_MAPPED) {
			candidate.address = address_as_mapped(candidate.family, &candidate.address);
			candidate.family = AF_INET6;
		}
		if (work->plan->how[set] != LIVE_NOT)
			try_bind(work, &candidate, false, &work->results[set]);
	}
}

/* Returns the results, or NULL with a limit in the report. Freed with child_unshare(). */
static struct result *run_in_child(const struct attempt_request *request,
				   const struct probe_live_plan *plan, struct probe_report *report)
{
	struct identity identity = { .others = NULL };
	struct work work = {
		.candidate = &report->candidate,
		.device = snapshot_text(request->snapshot, report->candidate.device),
		.plan = plan,
		.become = request->switch_user ? &identity : NULL,
		.results = child_share(PROBE_SETS * sizeof(struct result)),
	};
	int error;

	if (!work.results) {
		probe_add_limit(report, "live", "no memory to ask the kernel on the port itself");
		return NULL;
	}
	/* Before there is a child: names may be asked of services, with threads and locks. */
	if (work.become)
		identity_init(&identity, report->candidate.uid);
	error = child_run(run, &work, TIMEOUT_MS);
	identity_done(&identity);
	if (!error)
		return work.results;
	probe_add_limit(report, "live", "the kernel could not be asked on the port itself: %s",
			errno_name(error));
	child_unshare(work.results, PROBE_SETS * sizeof(struct result));
	return NULL;
}

int attempt_address(const struct attempt_request *request, struct probe_report *report)
{
	/* Whose it is does not matter to an address. */
	const struct attempt_request as_caller = { .snapshot = request->snapshot };
	struct result *results = run_in_child(&as_caller, NULL, report);
	int answer = PROBE_UNKNOWN;

	if (!results)
		return answer;
	if (results->tried && (!*results->step || results->error == ENODEV))
		answer = results->error == EADDRINUSE ? PROBE_UNKNOWN : results->error;
	else if (results->tried)
		probe_add_limit(report, "live", "the address could not be tried: %s: %s",
				results->step, errno_name(results->error));
	child_unshare(results, PROBE_SETS * sizeof(*results));
	return answer;
}

void attempt_live(const struct attempt_request *request, struct probe_report *report)
{
	struct result *results = run_in_child(request, request->plan, report);
	uint32_t set;

	for (set = 0; set < PROBE_SETS; set++)
		if (request->plan->how[set] == LIVE_NOT)
			report->attempts[set].left_out = request->plan->harm[set];
	for (set = 0; results && set < PROBE_SETS; set++) {
		struct probe_attempt *attempt = &report->attempts[set];
		const struct result *result = &results[set];

		if (!result->tried)
			continue;
		/* No such device: the end of the bind, as much as an error of bind() itself. */
		if (*result->step && result->error != ENODEV) {
			probe_add_limit(report, "live", "no socket could be bound: %s: %s",
					result->step, errno_name(result->error));
			continue;
		}
		attempt->ways[PROBE_LIVE].bind = result->error;
		attempt->held_ns = result->held_ns;
		attempt->places[PROBE_LIVE] = result->place;
		attempt->mapped = request->plan->how[set] == LIVE_MAPPED;
	}
	if (results)
		child_unshare(results, PROBE_SETS * sizeof(*results));
}

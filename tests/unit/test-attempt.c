/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Live binds as another user: calls of the program itself stand in for those of the C library. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "probe/attempt.h"
#include "probe/child.h"

#define KNOWN_UID 4321
#define UNKNOWN_UID 4322

/* As which the last bind was made, in memory shared with the child. */
struct seen {
	uid_t uid;
	gid_t gid, saved_gid, groups[8];
	int n_groups;
};

static struct seen *seen;

int bind(int fd, const struct sockaddr *address, socklen_t size)
{
	gid_t effective;

	seen->uid = getuid();
	getresgid(&seen->gid, &effective, &seen->saved_gid);
	seen->n_groups = getgroups(8, seen->groups);
	return (int)syscall(SYS_bind, fd, address, size);
}

struct passwd *getpwuid(uid_t uid)
{
	static char name[] = "somebody";
	static struct passwd user = { .pw_name = name, .pw_uid = KNOWN_UID, .pw_gid = 77 };

	return uid == KNOWN_UID ? &user : NULL;
}

int getgrouplist(const char *user, gid_t group, gid_t *groups, int *count)
{
	bool fits = *count >= 2;

	(void)user;
	*count = 2;
	if (!fits)
		return -1;
	groups[0] = group;
	groups[1] = 88;
	return 2;
}

/*
 * Binds UDP without flags as this user, with so much memory at most. Returns what the kernel said,
 * or PROBE_NOT_TRIED.
 */
static int attempt_as(uint32_t uid, rlim_t memory, struct probe_report *ret_report)
{
	const struct bind_candidate candidate = {
		.protocol = PROTOCOL_UDP,
		.family = AF_INET,
		.address = { .bytes = { 127, 0, 0, 1 } },
		.port = 5060,
		.uid = uid,
	};
	struct snapshot *snapshot = snapshot_new();
	const struct probe_live_plan plan = { .how = { LIVE_DIRECT } };
	const struct attempt_request request = { snapshot, true, &plan };
	struct rlimit before, limit;
	int said;

	probe_report_init(ret_report, &candidate);
	getrlimit(RLIMIT_AS, &before);
	limit = (struct rlimit){ memory, before.rlim_max };
	setrlimit(RLIMIT_AS, &limit);
	attempt_live(&request, ret_report);
	setrlimit(RLIMIT_AS, &before);
	said = ret_report->attempts[0].ways[PROBE_LIVE].bind;
	snapshot_free(snapshot);
	return said;
}

static void test_user(void)
{
	struct probe_report report;

	is_int(attempt_as(KNOWN_UID, RLIM_INFINITY, &report), 0, "a bind as another user");
	is_int(report.n_limits, 0, "without limits");
	is_int(seen->uid, KNOWN_UID, "is made as that user");
	is_int(seen->gid, 77, "with the user's group");
	is_int(seen->saved_gid, 77, "from which there is no way back");
	is_int(seen->n_groups, 2, "and the user's other groups");
	is_int(seen->groups[0], 77, "the first");
	is_int(seen->groups[1], 88, "the second");
	probe_report_done(&report);
	is_int(attempt_as(UNKNOWN_UID, RLIM_INFINITY, &report), 0,
	       "a bind as a user without an entry");
	is_int(seen->uid, UNKNOWN_UID, "is made as that user");
	is_int(seen->gid, UNKNOWN_UID, "not with the group of root");
	is_int(seen->n_groups, 0, "and with no other");
	probe_report_done(&report);
}

static void test_no_memory(void)
{
	struct probe_report report;

#ifdef __SANITIZE_ADDRESS__
	skip(3, "the sanitizer takes some memory, too");
	return;
#endif
	is_int(attempt_as(KNOWN_UID, 0, &report), PROBE_NOT_TRIED,
	       "without memory to share nothing is tried");
	is_int(report.n_limits, 1, "which is a limit");
	is_str(report.n_limits ? report.limits[0].what : NULL, "live", "of the live way");
	probe_report_done(&report);
}

int main(void)
{
	if (geteuid())
		skip_all("only root can become another user");
	if (unshare(CLONE_NEWNET))
		skip_all("the kernel refuses a private network: %s", strerror(errno));
	seen = child_share(sizeof(*seen));
	test_user();
	test_no_memory();
	child_unshare(seen, sizeof(*seen));
	return done_testing();
}

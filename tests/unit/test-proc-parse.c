/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/proc-parse.h"

#include <errno.h>

#include "helpers/guard.h"
#include "helpers/tap.h"

/* pid (comm) state ppid, 17 fields up to the 21st, start time, and some more. */
#define STAT(comm)                                                                                 \
	"4711 (" comm ") S 815 4711 815 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2 3\n"
/* A zombie, as the kernel shows it: its flags have PF_EXITING (4). */
#define EXITING "53 (sh) Z 1 53 1 0 -1 4228108 100 0 0 0 0 0 0 0 20 0 1 0 5150 0 0\n"

static int parse_stat(const char *text, size_t length, struct proc_stat *stat)
{
	return proc_parse_stat(guard_copy(text, length), length, stat);
}

static void test_stat(void)
{
	static const struct {
		const char *text, *comm;
	} names[] = {
		{ STAT("nginx"), "nginx" },
		{ STAT("a b"), "a b" },
		{ STAT(") S 1 (("), ") S 1 ((" },
		{ STAT("x\ny"), "x\ny" },
		{ STAT(""), "" },
	};
	static const char *const broken[] = {
		"",
		"4711",
		"4711 nginx S 815",
		"4711 (nginx",
		"4711 (nginx) S",
		"x (nginx) S 1",
		"4711 (nginx) S 4294967296 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 5",
		"4711 (nginx) S 815 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 ",
		"4711 (nginx) S 815 1 1 0 -1 1 1 2 3 4 5 6 7 8 20 0 1 0 99999999999999999999",
	};
	struct proc_stat stat;
	unsigned int i;
	size_t length, n_accepted = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memset(&stat, 0xee, sizeof(stat));
		is_int(parse_stat(names[i].text, strlen(names[i].text), &stat), 0, "stat of %s",
		       names[i].comm);
		ok(stat.comm_length == strlen(names[i].comm) &&
			   !memcmp(stat.comm, names[i].comm, stat.comm_length),
		   "its name is whole");
		ok(stat.ppid == 815 && stat.state == 'S' && stat.start_ticks == 987654,
		   "its parent, state and start");
		ok(!stat.exiting, "it goes on");
	}
	is_int(parse_stat(EXITING, strlen(EXITING), &stat), 0, "stat of one that ends");
	ok(stat.exiting, "so it does");
	for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		is_int(parse_stat(broken[i], strlen(broken[i]), &stat), -EBADMSG, "not a stat: %s",
		       broken[i]);
	for (length = 0; length < strlen(STAT("nginx")); length++)
		n_accepted += !parse_stat(STAT("nginx"), length, &stat);
	/* Only within and behind the start time, which can be cut unnoticed. */
	is_int(n_accepted, strlen("87654 1 2 3\n"), "every truncation");
}

static void test_status(void)
{
	static const char status[] =
		"Name:\tUid: 7\nUmask:\t0022\nPPid:\t1\nUid:\t1000\t1001\t1002\t"
		"1003\nGid:\t5\t5\t5\t5\n";
	uint32_t uid = 99;
	size_t length, n_wrong = 0;

	is_int(proc_parse_status_uid(status, strlen(status), &uid), 0, "status");
	is_int(uid, 1001, "the effective uid");
	is_int(proc_parse_status_uid("Name:\tx\n", 8, &uid), -EBADMSG, "status without a uid");
	is_int(proc_parse_status_uid("Uid:\t1000\n", 10, &uid), -EBADMSG, "a single uid");
	is_int(proc_parse_status_uid("Uid:\t1\t4294967296\n", 18, &uid), -EBADMSG, "too large");
	for (length = 0; length < strlen("Name:\tUid: 7\nUmask:\t0022\nPPid:\t1\nUid:\t1000\t");
	     length++)
		n_wrong += !proc_parse_status_uid(guard_copy(status, length), length, &uid);
	is_int(n_wrong, 0, "truncations before the uid");
}

static void is_cgroup(const char *text, const char *want, const char *name)
{
	size_t length = strlen(text), path_length = 0;
	const char *path = NULL;
	char copy[256];
	int error;

	error = proc_parse_cgroup(guard_copy(text, length), length, &path, &path_length);
	if (!want) {
		is_int(error, -EBADMSG, "%s", name);
		return;
	}
	snprintf(copy, sizeof(copy), "%.*s", error ? 0 : (int)path_length, path ? path : "");
	is_str(copy, want, "%s", name);
}

static void test_cgroup(void)
{
	is_cgroup("0::/system.slice/x.service\n", "/system.slice/x.service", "unified");
	is_cgroup("0::/\n", "/", "the root");
	is_cgroup("0::/a", "/a", "without a newline");
	is_cgroup("9:name=systemd:/system.slice/x.service\n1:cpu:/y\n0::/\n",
		  "/system.slice/x.service", "hybrid, the unified one unused");
	is_cgroup("9:name=systemd:/b\n0::/a\n", "/a", "hybrid, the unified one used");
	is_cgroup("9:name=systemd:/b:c\n1:cpu,cpuacct:/y\n", "/b:c", "legacy");
	is_cgroup("9:name=systemd:/\n0::/\n", "/", "both roots");
	is_cgroup("3:memory:/z\n", NULL, "neither");
	is_cgroup("", NULL, "nothing");
	is_cgroup("0::relative\n", NULL, "no path");
}

static int link_inode(const char *text, uint64_t *inode)
{
	return proc_parse_socket_link(guard_copy(text, strlen(text)), strlen(text), inode);
}

static void test_links(void)
{
	static const char *const others[] = {
		"",
		"socket:[",
		"socket:[12",
		"socket:[]",
		"socket:[12]x",
		"/socket:[12]",
		"socket:[-1]",
		"pipe:[12]",
		"socket:[99999999999999999999]",
		"anon_inode:[io_uring]",
	};
	uint64_t inode = 0;
	unsigned int i;

	is_int(link_inode("socket:[4294967295]", &inode), 0, "a socket");
	is_int((long long)inode, 4294967295LL, "its inode");
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		is_int(link_inode(others[i], &inode), -EBADMSG, "no socket: %s", others[i]);
}

struct found {
	uint64_t inodes[8];
	unsigned int count;
};

static void add(void *context, uint64_t inode)
{
	struct found *found = context;

	if (found->count < 8)
		found->inodes[found->count++] = inode;
}

static void parse_uring(const char *text, size_t length, struct found *found)
{
	memset(found, 0, sizeof(*found));
	proc_parse_uring_fdinfo(guard_copy(text, length), length, add, found);
}

static void test_uring(void)
{
	static const char ring[] = "pos:\t0\nSqMask:\t0x7\n    0: socket:[1]\nUserFiles:\t4\n"
				   "    0: socket:[3479543]\n    2: /tmp/socket:[5]\n"
				   "   12: socket:[3479545]\nUserBufs:\t0\n    0: socket:[6]\n";
	struct found found;
	size_t length;
	unsigned int most = 0;

	parse_uring(ring, strlen(ring), &found);
	is_int(found.count, 2, "fixed files that are sockets, and nothing outside their section");
	ok(found.inodes[0] == 3479543 && found.inodes[1] == 3479545, "their inodes");
	for (length = 0; length <= strlen(ring); length++) {
		parse_uring(ring, length, &found);
		if (found.count > most)
			most = found.count;
	}
	is_int(most, 2, "every truncation");
	parse_uring("pos:\t0\n", 7, &found);
	is_int(found.count, 0, "no ring");
}

static void test_scm(void)
{
	static const char info[] = "pos:\t0\nflags:\t02\nmnt_id:\t10\nino:\t5\nscm_fds: 12\n";

	is_int((long long)proc_parse_scm_fds(info, strlen(info)), 12, "descriptors in flight");
	is_int((long long)proc_parse_scm_fds("pos:\t0\n", 7), 0, "none");
	is_int((long long)proc_parse_scm_fds("scm_fds: x\n", 11), 0, "not a number");
	is_int((long long)proc_parse_scm_fds(guard_copy(info, 41), 41), 0, "cut");
}

int main(void)
{
	test_stat();
	test_status();
	test_cgroup();
	test_links();
	test_uring();
	test_scm();
	return done_testing();
}

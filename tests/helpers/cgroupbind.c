/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cgroupbind COMMAND...: run it in a cgroup of its own whose BPF program forbids IPv4 binds to port
 * 8081, and turns those to 8080 into 9999 and those to 8083 into 127.0.0.1. Exits 77 where that
 * cannot be made. Needs root; the cgroup goes with the command.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77

static void skip(const char *what)
{
	fprintf(stderr, "cgroupbind: %s: %s\n", what, strerror(errno));
	exit(SKIPPED);
}

static int bpf(int command, union bpf_attr *attributes)
{
	return (int)syscall(SYS_bpf, command, attributes, sizeof(*attributes));
}

#define CODE(c, d, s, o, i)                                                                        \
	{                                                                                          \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)                \
	}
#define LOAD(to, member)                                                                           \
	CODE(BPF_LDX | BPF_MEM | BPF_W, to, BPF_REG_1, offsetof(struct bpf_sock_addr, member), 0)
#define STORE(from, member)                                                                        \
	CODE(BPF_STX | BPF_MEM | BPF_W, BPF_REG_1, from, offsetof(struct bpf_sock_addr, member), 0)
#define SET(to, value) CODE(BPF_ALU | BPF_MOV | BPF_K, to, 0, 0, (int)(value))
#define UNLESS_EQUAL(reg, value, skip) CODE(BPF_JMP | BPF_JNE | BPF_K, reg, 0, skip, (int)(value))
#define EXIT CODE(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

static int load(void)
{
	static const char license[] = "GPL";
	const struct bpf_insn code[] = {
		LOAD(BPF_REG_2, user_port),
		UNLESS_EQUAL(BPF_REG_2, htons(8081), 2),
		SET(BPF_REG_0, 0),
		EXIT,
		UNLESS_EQUAL(BPF_REG_2, htons(8080), 2),
		SET(BPF_REG_3, htons(9999)),
		STORE(BPF_REG_3, user_port),
		UNLESS_EQUAL(BPF_REG_2, htons(8083), 2),
		SET(BPF_REG_3, htonl(INADDR_LOOPBACK)),
		STORE(BPF_REG_3, user_ip4),
		SET(BPF_REG_0, 1),
		EXIT,
	};
	union bpf_attr attributes = {
		.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
		.expected_attach_type = BPF_CGROUP_INET4_BIND,
		.insns = (uintptr_t)code,
		.insn_cnt = sizeof(code) / sizeof(*code),
		.license = (uintptr_t)license,
	};
	int fd = bpf(BPF_PROG_LOAD, &attributes);

	if (fd < 0)
		skip("loading the program");
	return fd;
}

static void attach(int program, const char *cgroup)
{
	union bpf_attr attributes = { .attach_type = BPF_CGROUP_INET4_BIND };
	int fd = open(cgroup, O_RDONLY | O_CLOEXEC);

	attributes.target_fd = (uint32_t)fd;
	attributes.attach_bpf_fd = (uint32_t)program;
	if (fd < 0 || bpf(BPF_PROG_ATTACH, &attributes)) {
		rmdir(cgroup);
		skip("attaching the program");
	}
	close(fd);
}

static void enter(const char *cgroup)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		skip("entering the cgroup");
	close(fd);
}

int main(int argc, char **argv)
{
	char root[] = "/tmp/cgroupbindXXXXXX", cgroup[96];
	int status = 0;
	pid_t child;

	(void)argc;
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		skip("a mount namespace");
	if (!mkdtemp(root))
		skip("a directory");
	if (mount("none", root, "cgroup2", 0, NULL)) {
		rmdir(root);
		skip("mounting cgroup2");
	}
	snprintf(cgroup, sizeof(cgroup), "%s/cgroupbind-%d", root, (int)getpid());
	if (mkdir(cgroup, 0755))
		skip("a cgroup");
	attach(load(), cgroup);
	child = fork();
	if (!child) {
		enter(cgroup);
		execvp(argv[1], argv + 1);
		skip(argv[1]);
	}
	waitpid(child, &status, 0);
	rmdir(cgroup);
	umount(root);
	rmdir(root);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

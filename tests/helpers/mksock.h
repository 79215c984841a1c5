/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mksock - exact kernel socket states for tests; the parts of it. README describes its use.
 *
 * A spec goes through: make (mksock-states.c, mksock-kernel.c: file descriptors in a wanted
 * state), hold (mksock-owner.c: who holds them), report (mksock-report.c: what is really there).
 * Every step ends the process when it fails, by fail() or skip().
 */
#ifndef PORTSHARE_TESTS_MKSOCK_H
#define PORTSHARE_TESTS_MKSOCK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
	EXIT_SKIP = 77, /* the kernel or the privilege is missing, not a mistake */
};

/* What happens to the other end of a connection. */
enum other {
	OTHER_KEEP, /* stays in the same process */
	OTHER_CHILD, /* moves to a process of its own */
	OTHER_CLOSE, /* is closed when the state is reached */
};

/* Who holds the sockets in the end. */
enum owner {
	OWNER_SELF, /* mksock itself */
	OWNER_CHILD, /* a forked child, which made them */
	OWNER_INHERITED, /* the child which made them, and a child of that one */
	OWNER_SCM, /* nobody: sent over a unix socket and not received */
	OWNER_IO_URING, /* a ring's fixed files, no descriptor */
	OWNER_THREAD, /* a thread with a descriptor table of its own */
	OWNER_EXITED_LEADER, /* a process whose first thread has exited */
	OWNER_PIDNS, /* process 1 of a new pid namespace */
};

enum exe {
	EXE_SELF,
	EXE_COPY, /* the holder executes a copy of mksock */
	EXE_DELETED, /* the same, and the copy's name is gone */
};

struct spec;
struct sock;
struct socks;

struct state {
	const char *name;
	int protocol; /* IPPROTO_* */
	const char *kernel; /* what the report must say of the subject, NULL for no check */
	void (*make)(const struct spec *spec, struct socks *socks);
};

struct spec {
	unsigned int index; /* position on the command line, from 1 */
	const char *text;
	const struct state *state;
	struct sockaddr_storage addr; /* port included */
	struct sockaddr_storage
		via; /* where clients connect to; AF_UNSPEC: the listener's address */
	struct sockaddr_storage join; /* multicast group; AF_UNSPEC: none */
	struct sockaddr_storage peer; /* of a connected UDP socket */
	int client_port;
	int reuseaddr, reuseport, v6only; /* -1: not set */
	int client_reuseaddr, client_reuseport;
	int child_reuseaddr, child_reuseport;
	char device[IFNAMSIZ];
	bool program; /* of SO_ATTACH_REUSEPORT_CBPF, which names the first of the group */
	int backlog, queue, conns, count, step;
	bool client_side; /* the connecting end is the subject */
	bool orphan;
	bool keep_listener;
	enum other other;
	enum owner owner;
	enum exe exe;
	bool parent_exits, stopped;
	bool has_uid;
	uid_t uid;
	char *comm; /* NULL: as it is */
	char *argv; /* NUL-separated, NULL: as it is */
	size_t argv_len;
	char *exe_path; /* of the copy, NULL: none */
};

/* One socket, held by descriptor or remembered from the time when it was. */
struct sock {
	int fd; /* -1: no descriptor */
	bool is_subject;
	bool is_gone; /* closed, and nothing of it is left */
	const char *role;
	const char *expected; /* state to wait for, NULL: any; the subject's is in struct state */
	const char *held; /* by what, when by no descriptor */
	int protocol, family;
	struct sockaddr_storage local, peer; /* peer AF_UNSPEC: none */
	char state[16];
	int reuseaddr, reuseport, v6only; /* -1: cannot be read */
	char device[IFNAMSIZ];
	unsigned int ifindex;
	uid_t uid;
	unsigned long inode; /* 0: none */
	uint64_t cookie; /* 0: unknown */
	long recvq, backlog, drops; /* -1: unknown */
	int timer, timer_ms; /* as sock_diag, -1: unknown */
	struct sockaddr_storage join;
};

struct socks {
	struct sock *v;
	size_t n, alloc;
};

/* mksock.c */
extern const struct spec *current_spec; /* what fail() and skip() speak of */

__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *fmt, ...);
__attribute__((noreturn, format(printf, 1, 2))) void skip(const char *fmt, ...);
/*
 * Ends the program for the errno of a failed system call: skip() when the kernel lacks it, fail()
 * otherwise.
 */
__attribute__((noreturn)) void fail_errno(const char *what);
struct sock *socks_add(struct socks *socks, int fd, const char *role, bool is_subject);
void socks_make(const struct spec *spec, struct socks *socks);

/*
 * Runs @fn in a child that keeps of the descriptors above 2 only those in @socks, and waits until
 * it calls child_ready(). A child that ends first ends the caller, with the same status. Returns
 * the pid of the process that reported, as /proc names it: @fn may fork, and let another one
 * report. Children die with their parents.
 */
pid_t spawn(void (*fn)(const struct spec *spec, struct socks *socks), const struct spec *spec,
	    struct socks *socks);
void child_ready(void);
int child_ready_fd(void);
void child_ready_fd_set(int fd);
void die_with_parent(void);
__attribute__((noreturn)) void idle(void);
pid_t proc_pid(void);

/* mksock-states.c */
void make_listening(const struct spec *spec, struct socks *socks);
void make_bound(const struct spec *spec, struct socks *socks);
void make_connection(const struct spec *spec, struct socks *socks);
void make_syn_sent(const struct spec *spec, struct socks *socks);
void make_syn_recv(const struct spec *spec, struct socks *socks);
void make_dead_bound(const struct spec *spec, struct socks *socks);
void make_udp(const struct spec *spec, struct socks *socks);
void make_udp_connected(const struct spec *spec, struct socks *socks);

/* mksock-kernel.c */
void make_kernel_socket(const struct spec *spec, struct socks *socks);
void kernel_sockets_done(void);

/* mksock-owner.c */
void hold(const struct spec *spec);
/*
 * The part of a holder that runs after it has executed a copy; returns at once in a process that
 * is none.
 */
void hold_after_exec(void);

/* mksock-report.c */
/* Reads everything of the descriptor. */
void sock_read(struct sock *sock);
/* Asks sock_diag for a socket without descriptor by its addresses; false when there is none. */
bool sock_read_diag(struct sock *sock);
/*
 * Waits until all are as wanted, and ends the process if they do not become so. report() does it,
 * and prints.
 */
void settle(const struct spec *spec, struct socks *socks);
void report(const struct spec *spec, struct socks *socks);
const char *address_text(const struct sockaddr_storage *ss);
uint16_t address_port(const struct sockaddr_storage *ss);
void address_set_port(struct sockaddr_storage *ss, uint16_t port);
socklen_t address_len(const struct sockaddr_storage *ss);
bool address_is_any(const struct sockaddr_storage *ss);

#endif

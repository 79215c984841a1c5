/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sock-diag.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "source/still-there.h"

/*
 * A kernel that fails when it is told to, and has no sockets else: it stands in for those functions
 * of libmnl that reach the true one.
 */
static struct {
	unsigned int n_open, n_opened, n_asked;
	unsigned int refuse_open_from; /* this open, counted from 1, and later ones fail; 0: none */
	unsigned int cut; /* so many answers are cut */
	unsigned int sequence; /* of the last request */
} kernel;

struct mnl_socket {
	char unused;
};

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	(void)bus;
	(void)flags;
	if (kernel.refuse_open_from && ++kernel.n_opened >= kernel.refuse_open_from) {
		errno = EMFILE;
		return NULL;
	}
	kernel.n_open++;
	return calloc(1, sizeof(struct mnl_socket));
}

int mnl_socket_close(struct mnl_socket *netlink)
{
	kernel.n_open--;
	free(netlink);
	return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *netlink)
{
	(void)netlink;
	return -1;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *netlink, const void *request, size_t length)
{
	const struct nlmsghdr *header = request;

	if (!netlink)
		abort();
	kernel.n_asked++;
	kernel.sequence = header->nlmsg_seq;
	return (ssize_t)length;
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *netlink, void *buffer, size_t size)
{
	struct nlmsghdr *done;

	(void)netlink;
	if (kernel.cut) {
		kernel.cut--;
		errno = ENOBUFS;
		return -1;
	}
	memset(buffer, 0, size);
	done = mnl_nlmsg_put_header(buffer);
	done->nlmsg_type = NLMSG_DONE;
	done->nlmsg_seq = kernel.sequence;
	mnl_nlmsg_put_extra_header(done, sizeof(int32_t));
	return done->nlmsg_len;
}

static struct collect_request all_of(uint32_t protocols)
{
	return (struct collect_request){
		.protocols = protocols,
		.states = UINT32_MAX,
		.inet = true,
		.inet6 = true,
	};
}

static bool has_limit(const struct snapshot *snapshot, const char *reason, const char *text)
{
	uint32_t i;

	for (i = 0; i < snapshot->n_limits; i++)
		if (!strcmp(snapshot_text(snapshot, snapshot->limits[i].reason), reason) &&
		    strstr(snapshot_text(snapshot, snapshot->limits[i].text), text))
			return true;
	return false;
}

static void test_cut(void)
{
	const struct collect_request request = all_of(1U << PROTOCOL_SCTP);
	struct snapshot *snapshot = snapshot_new();

	memset(&kernel, 0, sizeof(kernel));
	kernel.cut = 2;
	is_int(sock_diag_collect(&request, 0, snapshot), 0, "cut twice, then whole");
	is_int(snapshot->n_limits, 0, "is whole");
	is_int(kernel.n_open, 0, "every socket of netlink is closed");
	snapshot_free(snapshot);
}

/* After a cut the rest of the dump is in the socket: without a new one nothing can be asked. */
static void test_reopening_fails(void)
{
	const struct collect_request request = all_of((1U << N_PROTOCOLS) - 1);
	const struct collect_request sctp = all_of(1U << PROTOCOL_SCTP);
	struct snapshot *snapshot = snapshot_new();

	memset(&kernel, 0, sizeof(kernel));
	kernel.cut = 1;
	kernel.refuse_open_from = 2;
	is_int(sock_diag_collect(&request, 0, snapshot), 0, "cut, and no new socket: /proc/net");
	is_int(kernel.n_asked, 1, "nothing is asked after that");
	ok(has_limit(snapshot, "proc-net", "read from /proc/net"), "TCP and UDP come from there");
	ok(has_limit(snapshot, "EMFILE", "sock_diag: "), "which is told, with the reason");
	ok(has_limit(snapshot, "EMFILE", "mptcp sockets could not be listed"),
	   "MPTCP was not asked");
	ok(has_limit(snapshot, "EMFILE", "sctp sockets could not be listed"), "nor SCTP");
	is_int(kernel.n_open, 0, "every socket of netlink is closed");
	snapshot_free(snapshot);

	snapshot = snapshot_new();
	memset(&kernel, 0, sizeof(kernel));
	kernel.cut = 1;
	kernel.refuse_open_from = 2;
	is_int(sock_diag_collect(&sctp, 0, snapshot), -EMFILE, "SCTP alone: no source answers");
	snapshot_free(snapshot);
}

/* Ask for a socket that there is no more. */
static bool is_still_there(void)
{
	const struct collect_request request = all_of(1U << PROTOCOL_TCP);
	struct netns_handle here = { .fd = -1 };
	const struct netns_list namespaces = { .items = &here, .count = 1 };
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	bool sockets[] = { true };

	snapshot_add_netns(snapshot);
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "127.0.0.1", 1);
	socket->cookie = 7;
	socket->known = SOCKET_HAS_COOKIE;
	still_there(&request, &namespaces, snapshot, sockets);
	snapshot_free(snapshot);
	return sockets[0];
}

static void test_still_there(void)
{
	memset(&kernel, 0, sizeof(kernel));
	ok(!is_still_there(), "what a whole list has no more is gone");
	memset(&kernel, 0, sizeof(kernel));
	kernel.refuse_open_from = 1;
	ok(is_still_there(), "what cannot be asked stays: /proc/net has no cookies");
	memset(&kernel, 0, sizeof(kernel));
	kernel.cut = 100;
	ok(is_still_there(), "and where the list is cut, too");
}

int main(void)
{
	test_cut();
	test_reopening_fails();
	test_still_there();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order in which UDP sockets are looked up, where it is not that of bind(). */
#include "analysis/check.h"
#include "model/snapshot-json.h"
#include "model/snapshot-update.h"
#include "source/lookup-order.h"

#include <netinet/tcp.h>
#include <stdio.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "util/json-writer.h"

static void test_kernels(void)
{
	ok(lookup_order_is_seen("6.18.44-fc"), "6.18 tells the order of the look-up");
	ok(lookup_order_is_seen("6.5.0") && lookup_order_is_seen("10.0"), "as 6.5 and 10.0 do");
	ok(!lookup_order_is_seen("6.4.16") && !lookup_order_is_seen("5.19.0"), "before it is none");
	ok(!lookup_order_is_seen(NULL) && !lookup_order_is_seen("next"), "nor of who knows what");
}

static uint32_t add(struct snapshot *snapshot, enum protocol protocol, enum socket_state state,
		    const char *local, uint16_t port)
{
	make_socket(snapshot, protocol, state, local, port);
	return snapshot->n_sockets - 1;
}

static void test_shared(void)
{
	struct snapshot *snapshot = snapshot_new();
	bool shared[10] = { false };
	uint32_t other;

	add(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 53);
	add(snapshot, PROTOCOL_UDP, STATE_BOUND, "::", 53);
	add(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 53);
	add(snapshot, PROTOCOL_UDP, STATE_BOUND, "127.0.0.1", 53);
	add(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 67);
	add(snapshot, PROTOCOL_UDP, STATE_BOUND, "::", 67);
	add(snapshot, PROTOCOL_UDP, STATE_ESTAB, "0.0.0.0", 67);
	add(snapshot, PROTOCOL_TCP, STATE_LISTEN, "0.0.0.0", 67);
	other = add(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 67);
	snapshot->sockets[other].netns = 1;
	lookup_order_find_shared(snapshot, 0, shared);
	ok(shared[0] && shared[1] && shared[2], "two of a family, and what is beside them");
	ok(!shared[3], "not one that is bound to an address");
	ok(!shared[4] && !shared[5] && !shared[6] && !shared[7] && !shared[8],
	   "not one of each family, nor beside what is connected, of TCP, or elsewhere");
	snapshot_free(snapshot);
}

static void test_set(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct bpf_table_record records[] = {
		{ .local_port = 53, .state = TCP_CLOSE },
		{ .local_port = 67, .state = TCP_CLOSE },
		{ .local_port = 53, .state = TCP_CLOSE },
		{ .local_port = 53, .state = TCP_CLOSE },
		{ .local_port = 53, .state = TCP_ESTABLISHED },
	};
	const uint32_t sockets[] = { 2, 3, SNAPSHOT_NONE, 0, 1 };
	const bool shared[] = { true, true, true, true };
	uint32_t i;

	for (i = 0; i < 4; i++)
		add(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", i == 3 ? 67 : 53);
	lookup_order_set(snapshot, shared, records, 5, sockets);
	ok(snapshot->sockets[2].lookup_order &&
		   snapshot->sockets[2].lookup_order < snapshot->sockets[0].lookup_order,
	   "in the order of the table");
	is_int(snapshot->sockets[1].lookup_order, 0, "unknown of one that was connected since");
	is_int(snapshot->sockets[3].lookup_order, 1, "each port counts from 1");
	snapshot_free(snapshot);
}

/* Two strangers at one address, the newer one first, as a dump has them. */
static struct snapshot *strangers(const char *address, bool reuse_port)
{
	static const char *const names[] = { "older", "newer" };
	struct snapshot *snapshot = snapshot_new();
	int i;

	snapshot_add_netns(snapshot);
	for (i = 0; i < 2; i++) {
		uint32_t row = make_process(snapshot, 900 + (uint32_t)i, names[i]);
		struct process *process = &snapshot->processes[row];

		process->known = PROCESS_HAS_PPID | PROCESS_HAS_EXE_FILE | PROCESS_HAS_CMDLINE;
		process->ppid = 1;
		process->exe_inode = process->pid;
	}
	for (i = 1; i >= 0; i--) {
		struct inet_socket *socket =
			make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, address, 5060);

		socket->v6only = socket->family == AF_INET6 ? TRISTATE_NO : TRISTATE_UNKNOWN;
		socket->cookie = (uint64_t)i + 1;
		socket->known |= SOCKET_HAS_DEVICE | SOCKET_HAS_UID | SOCKET_HAS_MULTICAST |
				 SOCKET_HAS_COOKIE;
		make_reuse(socket, TRISTATE_YES, tristate_of(reuse_port), EVIDENCE_BPF);
		make_owner(snapshot, socket, (uint32_t)i, 3);
	}
	return snapshot;
}

static void is_found(const struct snapshot *snapshot, const char *title, const char *text,
		     const char *what)
{
	const struct check_options options = { .selectors = NULL };
	struct finding_list list = { .count = 0 };
	uint32_t i;

	check_snapshot(snapshot, &options, &list);
	for (i = 0; i < list.count && list.items[i].id != FINDING_UDP_ACCIDENTAL_SHARE; i++)
		;
	if (i == list.count)
		ok(!title, "%s: no finding", what);
	else
		ok(title && strstr(list.items[i].title, title) && strstr(list.items[i].text, text),
		   "%s: %s: %s", what, list.items[i].title, list.items[i].text);
	finding_list_done(&list);
}

static struct snapshot *saved_and_loaded(struct snapshot *snapshot)
{
	struct snapshot *loaded = NULL;
	struct snapshot_json_error error;
	struct json_writer writer;
	FILE *stream;
	struct out out;

	out_init(&out, -1);
	json_writer_init(&writer, &out, true);
	snapshot_json_save(snapshot, NULL, &writer);
	stream = fmemopen(out.buffer, out.used, "r");
	if (snapshot_json_load(stream, &loaded, &error))
		diag("%s", error.text);
	fclose(stream);
	out_done(&out);
	snapshot_free(snapshot);
	return loaded;
}

static void test_words(void)
{
	struct snapshot *snapshot = strangers("0.0.0.0", false), *later;

	is_found(snapshot, "\"newer\" (pid 901) gets the datagrams", "bound last: \"newer\"",
		 "of unknown order the newest receives");
	snapshot->sockets[0].lookup_order = 1;
	snapshot->sockets[1].lookup_order = 2;
	is_found(snapshot, "\"newer\" (pid 901) gets the datagrams", "bound last: \"newer\"",
		 "so where nothing was moved");
	snapshot->sockets[0].lookup_order = 7;
	is_found(snapshot, "\"older\" (pid 900) gets the datagrams", "connected for a while",
		 "who was connected goes before the newest");
	later = strangers("0.0.0.0", false);
	ok(snapshot_update(snapshot, later), "brought up to date");
	is_int(snapshot->sockets[0].lookup_order, 7, "it is as it was");
	snapshot_free(later);
	snapshot = saved_and_loaded(snapshot);
	is_found(snapshot, "\"older\" (pid 900) gets the datagrams", "connected for a while",
		 "and after a way through JSON");
	snapshot_free(snapshot);
}

static void test_group(void)
{
	struct snapshot *snapshot = strangers("0.0.0.0", true);

	is_found(snapshot, NULL, NULL, "a group shares");
	snapshot->sockets[0].reuse_group = TRISTATE_NO;
	snapshot->sockets[1].reuse_group = TRISTATE_YES;
	snapshot = saved_and_loaded(snapshot);
	is_found(snapshot, "\"newer\" (pid 901) gets the datagrams", "is in no group",
		 "one that is met first, and has left it, does not");
	snapshot->sockets[0].reuse_group = TRISTATE_YES;
	snapshot->sockets[1].reuse_group = TRISTATE_NO;
	is_found(snapshot, "\"newer\" (pid 901) gets the datagrams", "",
		 "nor do they share with one that has left and is met last");
	snapshot_free(snapshot);
}

static void test_old_peer(void)
{
	struct snapshot *snapshot = strangers("::", false), *later = strangers("::", false);

	make_peer(&snapshot->sockets[0], "2001:db8::1", 0);
	socket_keep_old_peer(&snapshot->sockets[0]);
	snapshot->sockets[0].known &= ~(uint32_t)SOCKET_HAS_PEER;
	ok(snapshot->sockets[0].known & SOCKET_HAS_OLD_PEER, "an old peer of IPv6 is kept");
	ok(!snapshot_update(snapshot, later), "it is another state");
	snapshot = saved_and_loaded(snapshot);
	is_found(snapshot, "not all of them get datagrams", "depends on the sender",
		 "who receives depends on the sender");
	snapshot_free(snapshot);
	make_peer(&later->sockets[0], "::", 0);
	later->sockets[0].known &= ~(uint32_t)SOCKET_HAS_PEER;
	socket_keep_old_peer(&later->sockets[0]);
	ok(!(later->sockets[0].known & SOCKET_HAS_OLD_PEER), "of one that had none there is none");
	snapshot_free(later);
}

int main(void)
{
	test_kernels();
	test_shared();
	test_set();
	test_words();
	test_group();
	test_old_peer();
	return done_testing();
}

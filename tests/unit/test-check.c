/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The detectors on the snapshots in tests/findings: what is there is found, and nothing else. */
#include "analysis/check.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/infer.h"
#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "model/snapshot-json.h"
#include "util/xalloc.h"

#define TEXT_MAX 8192

static unsigned int n_fired[N_FINDINGS];

static struct snapshot *load(const char *directory, const char *name)
{
	struct snapshot_json_error error = { .text = "" };
	struct snapshot *snapshot = NULL;
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.json", directory, name);
	file = fopen(path, "r");
	if (file) {
		if (snapshot_json_load(file, &snapshot, &error))
			diag("%s: %s", path, error.text);
		fclose(file);
	}
	return snapshot;
}

/* As the commands do: with flags that follow from others. */
static void run_check(struct snapshot *snapshot, const struct check_options *options,
		      struct finding_list *ret_list)
{
	infer_reuse(snapshot);
	check_snapshot(snapshot, options, ret_list);
}

static size_t append(char *text, size_t length, const char *more)
{
	snprintf(text + length, TEXT_MAX - length, "%s", more);
	return strlen(text);
}

/* Words are there, and a title is one line. */
static bool is_said(const struct finding *finding)
{
	return finding->title && finding->evidence && finding->text && finding->remedy &&
	       *finding->title && *finding->evidence && *finding->remedy &&
	       (*finding->text || finding->undecided) && !strchr(finding->title, '\n');
}

static void describe(const struct finding_list *list, const char *name, char *text)
{
	char line[2048];
	size_t length = 0;
	uint32_t i, k;

	text[0] = '\0';
	for (i = 0; i < list->count; i++) {
		const struct finding *finding = &list->items[i];

		snprintf(line, sizeof(line), "%s: %s %s %s %u [", name,
			 finding->undecided ? "undecided" : severity_name(finding->severity),
			 finding_name(finding->id), protocol_name(finding->protocol),
			 finding->port);
		length = append(text, length, line);
		for (k = 0; k < finding->n_sockets; k++) {
			snprintf(line, sizeof(line), "%s%u", k ? "," : "",
				 list->sockets[finding->first_socket + k]);
			length = append(text, length, line);
		}
		length = append(text, length, "]\n");
		if (!finding->undecided)
			n_fired[finding->id]++;
		ok(is_said(finding), "%s: %s has its words", name, finding_name(finding->id));
	}
	if (!list->count) {
		snprintf(line, sizeof(line), "%s: nothing\n", name);
		append(text, 0, line);
	}
}

static void check(const char *directory, const char *name, const char *expected)
{
	const struct check_options options = { .selectors = NULL };
	struct snapshot *snapshot = load(directory, name);
	struct finding_list list;
	char got[TEXT_MAX];

	if (!ok(snapshot, "%s can be read", name))
		return;
	run_check(snapshot, &options, &list);
	describe(&list, name, got);
	is_str(got, expected, "%s", name);
	finding_list_done(&list);
	snapshot_free(snapshot);
}

struct saying {
	const char *fixture;
	enum finding_id id;
	const char *says; /* that it says so; NULL: nothing of the kind is looked for */
	const char *says_not; /* that it does not say so */
};

/* What is advised must be of use where it is, and what is told be so. */
static const struct saying sayings[] = {
	{ "time-wait-blocks", FINDING_TIME_WAIT_BLOCKS_BIND, "tcp 10.0.0.7:8080 cannot be bound",
	  "tcp port 8080 cannot be bound" },
	{ "time-wait-blocks", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "each bind to that address, or to all addresses, fails", NULL },
	{ "udp-share-pool", FINDING_UDP_ACCIDENTAL_SHARE,
	  "\"upool.py\" (pids 913, 912, 911) gets the datagrams, spread over 3 sockets, \"srv.py\" "
	  "(pid 900) none",
	  "one of them gets" },
	{ "udp-share-pool", FINDING_UDP_ACCIDENTAL_SHARE,
	  "When none of these 3 sockets is left, \"srv.py\" (pid 900) receives instead.",
	  "cannot be told" },
	{ "udp-share-pool-starts", FINDING_UDP_ACCIDENTAL_SHARE,
	  "\"upool.py\" (pids 912, 911) get the datagrams, spread over 2 sockets, \"srv.py\" (pid "
	  "900) none",
	  NULL },
	{ "udp-share-pool-mapped", FINDING_UDP_ACCIDENTAL_SHARE,
	  "\"upool.py\" (pids 912, 911) gets the datagrams, spread over 2 sockets, \"srv.py\" (pid "
	  "920) none",
	  NULL },
	{ "udp-share-pool-starved", FINDING_UDP_ACCIDENTAL_SHARE,
	  "When \"srv.py\" (pid 920) ends, \"upool.py\" (pids 912, 911) receives instead.",
	  "spread over" },
	{ "udp-share-member-last", FINDING_UDP_ACCIDENTAL_SHARE,
	  "\"member.py\" (pid 913) gets the unicast datagrams, \"two.py\" (pid 912) and \"one.py\" "
	  "(pid 911) none",
	  NULL },
	{ "udp-share-two-programs", FINDING_UDP_ACCIDENTAL_SHARE, "Any other local user", NULL },
	{ "udp-share-cleared", FINDING_UDP_ACCIDENTAL_SHARE, "receives instead.",
	  "Any other local user" },
	{ "udp-hijackable", FINDING_UDP_HIJACKABLE, "as read from the kernel", NULL },
	{ "udp-hijackable-no-evidence", FINDING_UDP_HIJACKABLE, "The socket has SO_REUSEADDR.",
	  "as read from the kernel" },
	{ "udp-share-unknown-membership", FINDING_UDP_ACCIDENTAL_SHARE,
	  "\"two.py\" (pid 902) gets the unicast datagrams", NULL },
	{ "udp-share-unknown-membership", FINDING_UDP_ACCIDENTAL_SHARE,
	  "What multicast groups they have joined could not be read", NULL },
	{ "udp-share-address-unknown-membership", FINDING_UDP_ACCIDENTAL_SHARE,
	  "gets the datagrams", "multicast" },
	{ "udp-mdns-one-member", FINDING_UDP_ACCIDENTAL_SHARE, "gets the unicast datagrams",
	  "could not be read" },
	{ "udp-mdns-one-member", FINDING_UDP_ACCIDENTAL_SHARE,
	  "Multicast is not shared: each member of a group gets its own copy, here "
	  "\"avahi-daemon\" (pid 900). Only one program here has joined none, so this is a note.",
	  NULL },
	{ "udp-mdns-one-member", FINDING_UDP_ACCIDENTAL_SHARE,
	  "If none of them misses unicast datagrams, there is nothing to do.", NULL },
	{ "udp-share-member-last", FINDING_UDP_ACCIDENTAL_SHARE,
	  "gets its own copy, here \"member.py\" (pid 913).", "note" },
	{ "udp-mdns-no-members", FINDING_UDP_ACCIDENTAL_SHARE, NULL, "ulticast" },
	{ "udp-share-pool-steered", FINDING_UDP_ACCIDENTAL_SHARE,
	  "A BPF program that is attached to a group with SO_REUSEPORT chooses",
	  "each socket its "
	  "share by a hash" },
	{ "udp-share-left-group", FINDING_REUSEPORT_STRANGERS, "each would get about one in 2",
	  "three.py" },
	{ "udp-share-group-starved", FINDING_REUSEPORT_STRANGERS,
	  "Other sockets get what is sent there now.", "The kernel spreads" },
	{ "udp-shadow-strangers", FINDING_UDP_SHADOWED,
	  "\"three.py\" (pid 903) and \"two.py\" (pid 902) get what is sent to 127.0.0.1, port "
	  "5060",
	  NULL },
	{ "udp-share-device-pool", FINDING_UDP_ACCIDENTAL_SHARE,
	  "udp 0.0.0.0:6800 on lo is shared by \"one.py\" (pid 901) and \"upool.py\" (pid 912): "
	  "\"upool.py\" (pids 912, 911) gets the datagrams, spread over 2 sockets, \"one.py\" (pid "
	  "901) none",
	  NULL },
	{ "udp-shadow-device", FINDING_UDP_SHADOWED,
	  "\"one.py\" (pid 901) gets what arrives on lo, port 6800, past \"two.py\" (pid 902) on "
	  "udp 0.0.0.0:6800",
	  NULL },
	{ "udp-shadow-device-address", FINDING_UDP_SHADOWED,
	  "\"one.py\" (pid 901) gets what is sent to 10.0.0.7 on eth0, port 6800, past", NULL },
	{ "udp-shadow-starved", FINDING_UDP_SHADOWED, "\"two.py\" (pid 902) gets the rest",
	  "\"one.py\"" },
	{ "udp-shadow-dual-stack", FINDING_UDP_SHADOWED, "past \"two.py\" (pid 902)",
	  "\"one.py\"" },
	{ "udp-shadow-mapped", FINDING_UDP_SHADOWED, "\"three.py\" (pid 903) gets what",
	  "\"two.py\"" },
	{ "udp-shadow-pool", FINDING_UDP_SHADOWED,
	  "\"one.py\" (pid 901) and \"two.py\" (pid 902) get what is sent to 127.0.0.1 and 1 more, "
	  "port 5060, past \"upool.py\" (pids 912, 911) on udp 0.0.0.0:5060",
	  NULL },
	{ "udp-shadow-steered", FINDING_UDP_SHADOWED, "A BPF program that is attached", "as root" },
	{ "reuseport-stale", FINDING_REUSEPORT_STALE_MEMBER,
	  "about one client in 2 is served by the old program", NULL },
	{ "reuseport-step-back", FINDING_REUSEPORT_STALE_MEMBER,
	  "\"web\" (pid 901), of another generation, still takes its share of tcp 0.0.0.0:8080",
	  "old" },
	{ "reuseport-step-back", FINDING_REUSEPORT_STALE_MEMBER,
	  "It runs an executable that has been deleted or replaced since (/opt/web); \"web\" "
	  "(pid 900) runs since 2026-11-19",
	  NULL },
	{ "reuseport-one-tick", FINDING_REUSEPORT_STALE_MEMBER, "of another generation", "old" },
	{ "reuseport-two-starts", FINDING_REUSEPORT_STRANGERS, "All run the same program", NULL },
	{ "reuseport-two-starts", FINDING_REUSEPORT_STRANGERS,
	  "Started: \"web.py\" (pid 901) at 2026-11-20 09:30:00 UTC, \"web.py\" (pid 900) at "
	  "2026-11-20 08:00:00 UTC.",
	  NULL },
	{ "reuseport-two-directories", FINDING_REUSEPORT_STRANGERS,
	  "cannot be told by their arguments: \"web.py\" (pid 901) in /srv/d2, \"web.py\" "
	  "(pid 900) in /srv/d1",
	  "same program" },
	{ "reuseport-two-directories", FINDING_REUSEPORT_STRANGERS,
	  "Look at what they run, each in its directory.", "root" },
	{ "reuseport-hidden", FINDING_REUSEPORT_STRANGERS,
	  "Write the snapshot as root on its machine, or with the capabilities",
	  "in its directory" },
	{ "reuseport-hidden", FINDING_REUSEPORT_STRANGERS, "to see more.", "Run it" },
	{ "time-wait-unknown", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "Write the snapshot as root on its machine, or with CAP_BPF", "Run it" },
	{ "reuseport-proc-net", FINDING_REUSEPORT_STUCK_MEMBER, "sock_diag", "as root" },
	{ "reuseport-stale-many", FINDING_REUSEPORT_STALE_MEMBER,
	  "about 5 clients in 7 are served by the old program", "one client in 7" },
	{ "reuseport-stale-many", FINDING_REUSEPORT_STALE_MEMBER,
	  "5 members of an older generation still take their share of tcp 0.0.0.0:8080: \"web\" "
	  "(pid 903), \"web\" (pid 904), \"web\" (pid 905), \"web\" (pid 906) and 1 other",
	  "1 others" },
	{ "reuseport-stale-many", FINDING_REUSEPORT_STRANGERS, "and 3 others", NULL },
	{ "reuseport-udp-stuck", FINDING_REUSEPORT_STUCK_MEMBER, "what waits in its queue is lost",
	  "tcp_migrate_req" },
	{ "reuseport-udp-full", FINDING_REUSEPORT_STUCK_MEMBER, "its queue is full",
	  "tcp_migrate_req" },
	{ "reuseport-stuck", FINDING_REUSEPORT_STUCK_MEMBER, "tcp_migrate_req", "is lost" },
	{ "udp-share-steered-starved", FINDING_REUSEPORT_STRANGERS,
	  "Without those a BPF program that is attached to the group would choose", "hash" },
	{ "reuseport-mdns-no-members", FINDING_REUSEPORT_STRANGERS,
	  "The kernel spreads what arrives over all of them by a hash", "ulticast" },
	{ "reuseport-mdns-one-member", FINDING_REUSEPORT_STRANGERS,
	  "The kernel spreads the unicast datagrams that arrive over all of them", NULL },
	{ "reuseport-mdns-one-member", FINDING_REUSEPORT_STRANGERS,
	  "Multicast is not shared: each member of a group gets its own copy, here \"spotify\" "
	  "(pid 902). Only one program here has joined none, so this is a note.",
	  NULL },
	{ "reuseport-mdns-one-member", FINDING_REUSEPORT_STRANGERS,
	  "If none of them misses unicast datagrams, there is nothing to do. Otherwise give",
	  NULL },
	{ "reuseport-members-and-two", FINDING_REUSEPORT_STRANGERS,
	  "gets its own copy, here \"avahi\" (pid 900).", "so this is a note" },
	{ "reuseport-unknown-membership", FINDING_REUSEPORT_STRANGERS,
	  "What multicast groups they have joined could not be read", "gets its own copy, here" },
	{ "reuseport-members-of-one-address", FINDING_REUSEPORT_STRANGERS, "what arrives",
	  "ulticast" },
	{ "reuseport-strangers", FINDING_REUSEPORT_STRANGERS,
	  "The kernel spreads what arrives over all of them by a hash", "ulticast" },
	{ "reuseport-mdns-stuck", FINDING_REUSEPORT_STUCK_MEMBER,
	  "\"spotify\" (pid 902) does not keep up with what it gets of udp 0.0.0.0:5353",
	  "share of" },
	{ "reuseport-mdns-stuck", FINDING_REUSEPORT_STUCK_MEMBER,
	  "about one in 2 of the unicast datagrams that arrive, however long its queue is. "
	  "Multicast is not shared: each member of a group gets its own copy, here \"spotify\" "
	  "(pid 902). Of that nothing is taken from the others, so this is a note.",
	  "of what arrives" },
	{ "reuseport-mdns-stuck-unjoined", FINDING_REUSEPORT_STUCK_MEMBER,
	  "about one in 2 of the unicast datagrams that arrive", "note" },
	{ "reuseport-mdns-stale", FINDING_REUSEPORT_STALE_MEMBER,
	  "here \"avahi\" (pid 900). Of that nothing is taken from the others, so this is a note.",
	  NULL },
	{ "reuseport-steered", FINDING_REUSEPORT_STRANGERS,
	  "Which of the 2 members of the group gets what arrives is chosen by a BPF program that "
	  "is attached to it, not by a hash. Whom that chooses cannot be seen from outside, nor "
	  "whether clients reach the wrong program.",
	  "one in 2" },
	{ "reuseport-steered-unknown", FINDING_REUSEPORT_STRANGERS,
	  "by a hash of both ends: each gets about one in 2", "BPF program" },
	{ "reuseport-steered-starts", FINDING_REUSEPORT_STRANGERS, "is chosen by a BPF program",
	  "The kernel spreads" },
	{ "reuseport-steered-stale", FINDING_REUSEPORT_STALE_MEMBER,
	  "\"quic\" (pid 900), of an older generation, is still in the group at udp 10.0.0.7:6443",
	  "its share" },
	{ "reuseport-steered-stale", FINDING_REUSEPORT_STALE_MEMBER,
	  "nor whether clients still reach the old program. The old program may get nothing new in that way, so this is a note.",
	  "one client in" },
	{ "reuseport-steered-stuck", FINDING_REUSEPORT_STUCK_MEMBER,
	  "nor how much goes to this one. What comes now is dropped.", "one in 2" },
	{ "reuseport-steered-busy", FINDING_REUSEPORT_STUCK_MEMBER,
	  "It may get more than the others, so this is a note.", "others get everything" },
	{ "inherited-shell-command", FINDING_INHERITED_LISTENER,
	  "\"sh\" (pid 950) and \"tail\" (pid 951), which open no ports themselves, hold a "
	  "listener on tcp 0.0.0.0:8080",
	  "the listener of" },
	{ "inherited-shell-command", FINDING_INHERITED_LISTENER,
	  "Now: stop \"sh\" (pid 950) and \"tail\" (pid 951).", NULL },
	{ "inherited-shell-and-command", FINDING_INHERITED_LISTENER,
	  "\"sh\" (pid 950) and \"tail\" (pid 951) hold the listener of \"web.py\" (pid 900) on "
	  "tcp 0.0.0.0:8080 too",
	  NULL },
	{ "inherited-shell-and-command", FINDING_INHERITED_LISTENER, "whatever flags it sets",
	  "SO_REUSEPORT" },
	{ "inherited-shell-and-command", FINDING_INHERITED_LISTENER,
	  "They have the same socket among their descriptors, and \"sh\" (pid 950) and \"tail\" "
	  "(pid 951) run other programs than \"web.py\" (pid 900). ",
	  NULL },
	{ "inherited-child", FINDING_INHERITED_LISTENER,
	  "They have the same socket among their descriptors, and \"convert\" (pid 950) runs "
	  "another program than \"web.py\" (pid 900). ",
	  "Both" },
	{ "inherited-beside-upgrade", FINDING_INHERITED_LISTENER, "Now: stop \"sleep\" (pid 902).",
	  "(pid 901)" },
	{ "inherited-reuseport", FINDING_INHERITED_LISTENER,
	  "unless both sockets have SO_REUSEPORT and one user", "whatever flags" },
	{ "inherited-of-first-process", FINDING_INHERITED_LISTENER,
	  "\"sh\" (pid 950) holds the listener of \"web.py\" (pid 1)", NULL },
	{ "inherited-beside-many", FINDING_INHERITED_LISTENER,
	  "\"sleep\" (pid 990) holds the listener of \"httpd\" (pid 900)", NULL },
	{ "bound-not-listening", FINDING_BOUND_NOT_LISTENING, "clients are refused.", NULL },
	{ "bound-beside-listener", FINDING_BOUND_NOT_LISTENING,
	  "clients reach \"other.py\" (pid 901), which listens there", "refused" },
	{ "bound-around-listener", FINDING_BOUND_NOT_LISTENING,
	  "clients are refused, but where \"other.py\" (pid 901) listens: on tcp 127.0.0.1:8080",
	  NULL },
	{ "bound-many", FINDING_BOUND_NOT_LISTENING,
	  "tcp port 8080 is taken by 3 sockets of \"web.py\" (pid 900), none of which listens",
	  "3 sockets of \"other" },
	{ "bound-many", FINDING_BOUND_NOT_LISTENING, "bound, to 127.0.0.1 and 2 further addresses,",
	  NULL },
	{ "bound-many", FINDING_BOUND_NOT_LISTENING,
	  "clients reach \"other.py\" (pid 901), which listens there (tcp 127.0.0.5:8080 and "
	  "others)",
	  NULL },
	{ "bound-many", FINDING_BOUND_NOT_LISTENING,
	  "tcp 127.0.0.1:8080 is taken by \"other.py\" (pid 901), which does not listen", NULL },
	{ "ports-of-two-programs", FINDING_EPHEMERAL_EXHAUSTION,
	  "8 connections, 1 of them in TIME-WAIT, each with a local port of its own in "
	  "net.ipv4.ip_local_port_range: 4 of \"curl\" (pid 900), 2 of \"curl\" (pid 901), 1 of "
	  "processes that cannot be seen, 1 that no process holds.",
	  "perhaps" },
	{ "ports-used-up", FINDING_EPHEMERAL_EXHAUSTION, "10 of 10 local ports from", "bound" },
	{ "ports-beside-listeners", FINDING_EPHEMERAL_EXHAUSTION,
	  "7 of 7 local ports from 10.0.0.7 to 192.0.2.1 port 443", NULL },
	{ "ports-beside-listeners", FINDING_EPHEMERAL_EXHAUSTION,
	  "3 further ports of the range are taken by bound sockets", NULL },
	{ "ports-of-listeners", FINDING_EPHEMERAL_EXHAUSTION,
	  "9 of 10 local ports for TCP connections are taken by bound sockets", "192.0.2.1" },
	{ "ports-of-datagrams", FINDING_EPHEMERAL_EXHAUSTION,
	  "10 of 10 local ports of UDP are in use", "EADDRNOTAVAIL" },
	{ "dual-stack", FINDING_DUAL_STACK_OVERLAP, "only what comes over IPv6.",
	  "other addresses" },
	{ "dual-stack-address", FINDING_DUAL_STACK_OVERLAP,
	  "only what comes over IPv6 and to other IPv4 addresses.", NULL },
	{ "udp-shadow-dual-stack", FINDING_DUAL_STACK_OVERLAP, "only what comes over IPv6.",
	  "other IPv4 addresses" },
	{ "dual-stack-udp-device", FINDING_DUAL_STACK_OVERLAP,
	  "What arrives on lo goes to the socket that is bound to it, over IPv4 too: \"two.py\" "
	  "(pid 902) gets that, \"one.py\" (pid 901) what of IPv4 arrives elsewhere.",
	  "prefers the IPv4 socket" },
	{ "listeners-in-range-many", FINDING_PORT_TAKEN_BY_CLIENT,
	  "the ports of 5 listeners of \"many\" (pid 900), tcp 0.0.0.0:40000 and others, may be "
	  "taken",
	  NULL },
	{ "listeners-in-range-many", FINDING_PORT_TAKEN_BY_CLIENT,
	  "the ports of 2 more listeners may be taken", NULL },
	{ "client-on-low-port", FINDING_PORT_TAKEN_BY_CLIENT, "bound it by its number",
	  "put the port into" },
	{ "client-on-reserved-port", FINDING_PORT_TAKEN_BY_CLIENT, "is reserved already",
	  "put the port into" },
	{ "client-with-reuseaddr", FINDING_PORT_TAKEN_BY_CLIENT,
	  "A server that sets SO_REUSEADDR can bind the port", "clients hardly ever" },
	{ "time-wait-addresses", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "tcp port 8080 at 127.0.0.1, ::1 and others cannot be bound until", NULL },
	{ "restart-blocked-later", FINDING_RESTART_BLOCKED_LATER,
	  "could not be bound again for a minute or more", "up to a minute" },
	{ "restart-flag-set-later", FINDING_RESTART_BLOCKED_LATER,
	  "could be bound again only with SO_REUSEADDR for", "could not be bound" },
	{ "restart-flag-cleared", FINDING_RESTART_BLOCKED_LATER,
	  "leave SO_REUSEADDR set on the connections", "The listener has neither" },
	{ "time-wait-blocks", FINDING_TIME_WAIT_BLOCKS_BIND,
	  ": 2 closed connections of a server that is gone", "outgoing" },
	{ "time-wait-unsent", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "cannot be bound for a time that cannot be told: 4 closed connections of a server",
	  "for about a minute" },
	{ "time-wait-unsent", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "Of 3 of them the other end has not taken all that was sent", "ss -K" },
	{ "time-wait-long-half-closed", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "cannot be bound for a time that cannot be told", "a minute" },
	{ "time-wait-half-closed-late", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "at the earliest, for at least 60 more seconds", "130" },
	{ "time-wait-of-bound-client", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "A server listens where it leads", "a server that is gone" },
	{ "time-wait-of-bound-client", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "let the client take another source port", "the listening socket" },
	{ "time-wait-of-low-ports", FINDING_TIME_WAIT_BLOCKS_BIND, "the ports do not tell",
	  "a server that is gone" },
	{ "time-wait-of-nat-client", FINDING_TIME_WAIT_BLOCKS_BIND,
	  ": 2 closed connections of a server that is gone", "do not tell" },
	{ "time-wait-of-nat-clients", FINDING_TIME_WAIT_BLOCKS_BIND,
	  ": 3 closed connections of a server that is gone", "do not tell" },
	{ "time-wait-of-one-nat-client", FINDING_TIME_WAIT_BLOCKS_BIND, "the ports do not tell",
	  "a server that is gone" },
	{ "time-wait-of-server-and-client", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "Some of them are of a server that is gone, others of a client.", "do not tell" },
	{ "time-wait-blocks", FINDING_TIME_WAIT_BLOCKS_BIND, "Other addresses are not concerned.",
	  NULL },
	{ "time-wait-beside-address", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "tcp 127.0.0.1:8181 cannot be bound", NULL },
	{ "time-wait-beside-address", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "Other addresses are not concerned: \"web.py\" (pid 900) has tcp 127.0.0.9:8181, for "
	  "which a bind to all addresses may fail longer.",
	  NULL },
	{ "time-wait-beside-addresses", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "tcp port 8181 at 127.0.0.1 and 127.0.0.2 cannot be bound", NULL },
	{ "time-wait-beside-unknown", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "tcp 10.0.0.7:8181 has no server", "tcp port 8181" },
	{ "time-wait-beside-open", FINDING_TIME_WAIT_BLOCKS_BIND, "cannot be bound", "ss -K" },
	{ "time-wait-client-open", FINDING_TIME_WAIT_BLOCKS_BIND, "ss -K", NULL },
	{ "time-wait-of-one-nat-client", FINDING_TIME_WAIT_BLOCKS_BIND, "\" ends it at once",
	  "ends them" },
	{ "time-wait-of-one-nat-client", FINDING_TIME_WAIT_BLOCKS_BIND, "until it has ended",
	  NULL },
	{ "time-wait-many-notes", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "2 more tcp ports cannot be bound, the last until 2026-11-20 19:21:06 UTC, for 40 more "
	  "seconds: 3 closed outgoing connections",
	  NULL },
	{ "time-wait-addresses", FINDING_TIME_WAIT_BLOCKS_BIND,
	  "to one of their addresses (127.0.0.1, ::1 and others), or to all addresses, fails",
	  NULL },
};

static void check_saying(const char *directory, const struct saying *saying)
{
	const struct check_options options = { .selectors = NULL };
	struct snapshot *snapshot = load(directory, saying->fixture);
	bool says = false, says_not = false;
	struct finding_list list;
	char all[TEXT_MAX];
	uint32_t i;

	if (!ok(snapshot, "%s can be read", saying->fixture))
		return;
	run_check(snapshot, &options, &list);
	for (i = 0; i < list.count; i++) {
		const struct finding *finding = &list.items[i];

		if (finding->id != saying->id)
			continue;
		snprintf(all, sizeof(all), "%s\n%s\n%s\n%s", finding->title, finding->text,
			 finding->remedy, finding->evidence);
		says = says || !saying->says || strstr(all, saying->says);
		says_not = says_not || (saying->says_not && strstr(all, saying->says_not));
	}
	if (!ok(says, "%s says: %s", saying->fixture, saying->says ? saying->says : "") ||
	    !ok(!says_not, "%s does not say: %s", saying->fixture,
		saying->says_not ? saying->says_not : ""))
		diag("%s", all);
	finding_list_done(&list);
	snapshot_free(snapshot);
}

/* What is found if a port is named, which is one that a server wants then. */
static const struct named {
	const char *fixture;
	uint16_t port;
	const char *expected; /* as a line of expected.txt */
	const char *title; /* a part of it */
} nameds[] = {
	{ "client-on-ephemeral-port", 40000, "warning port-taken-by-client tcp 40000 [0]", "" },
	{ "accepted-in-range", 50051, "warning port-taken-by-client tcp 50051 [0]",
	  " is the local port of a connection of \"server.py\"" },
	{ "accepted-in-range-twice", 50051, "nothing", "" },
	{ "accepted-from-high-port", 8080, "nothing", "" },
	{ "client-of-host", 8080, "warning port-taken-by-client tcp 8080 [1]",
	  " is the local port of an outgoing connection of \"curl\"" },
	{ "client-on-low-port", 993, "warning port-taken-by-client tcp 993 [0]",
	  " is the local port of a connection of \"" },
	{ "time-wait-in-range", 40000, "warning time-wait-blocks-bind tcp 40000 [0,1,2]",
	  ": 3 closed connections" },
	{ "time-wait-in-range-of-client", 40000, "warning time-wait-blocks-bind tcp 40000 [0]",
	  ": 1 closed outgoing connection" },
	{ "time-wait-of-bound-client", 8080, "warning time-wait-blocks-bind tcp 8080 [1]",
	  ": 1 closed outgoing connection" },
	{ "time-wait-in-range-of-server", 50051, "warning time-wait-blocks-bind tcp 50051 [0,1,2]",
	  ": 3 closed connections of a server that is gone" },
};

static void check_named(const char *directory, const struct named *named)
{
	struct selector selector = {
		.protocols = 1U << PROTOCOL_TCP,
		.first_port = named->port,
		.last_port = named->port,
	};
	const struct check_options options = { .selectors = &selector, .n_selectors = 1 };
	struct snapshot *snapshot = load(directory, named->fixture);
	struct finding_list list;
	char got[TEXT_MAX], expected[TEXT_MAX];

	if (!ok(snapshot, "%s can be read", named->fixture))
		return;
	run_check(snapshot, &options, &list);
	describe(&list, named->fixture, got);
	snprintf(expected, sizeof(expected), "%s: %s\n", named->fixture, named->expected);
	is_str(got, expected, "%s, port %u named", named->fixture, named->port);
	if (list.count && !ok(strstr(list.items[0].title, named->title), "it is%s", named->title))
		diag("%s", list.items[0].title);
	finding_list_done(&list);
	snapshot_free(snapshot);
}

/* A range names no one port. */
static void check_range(const char *directory)
{
	const struct selector selector = {
		.protocols = 1U << PROTOCOL_TCP,
		.first_port = 40000,
		.last_port = 40001,
	};
	const struct check_options options = { .selectors = &selector, .n_selectors = 1 };
	struct snapshot *snapshot = load(directory, "client-on-ephemeral-port");
	struct finding_list list;

	if (!ok(snapshot, "the fixture can be read"))
		return;
	run_check(snapshot, &options, &list);
	is_int(list.count, 0, "a range names no one port");
	finding_list_done(&list);
	snapshot_free(snapshot);
}

/* Of the many listeners of one process the one that was named is told alone. */
static void check_named_of_many(const char *directory)
{
	const struct selector selector = {
		.protocols = 1U << PROTOCOL_TCP,
		.first_port = 40002,
		.last_port = 40002,
	};
	const struct check_options options = { .selectors = &selector, .n_selectors = 1 };
	struct snapshot *snapshot = load(directory, "listeners-in-range-many");
	uint32_t i, alone = 0, others = 0;
	struct finding_list list;

	if (!ok(snapshot, "the fixture can be read"))
		return;
	run_check(snapshot, &options, &list);
	for (i = 0; i < list.count; i++) {
		alone += list.items[i].port == 40002 && list.items[i].n_sockets == 1;
		others += !list.items[i].port && list.items[i].n_sockets == 4;
	}
	ok(alone == 1 && others == 1, "a port that was named is told alone, the others together");
	finding_list_done(&list);
	snapshot_free(snapshot);
}

#define PORTS_EACH 20

/* In each of two namespaces so many ports of all kinds of which not all have a note of their own. */
static struct snapshot *make_many(void)
{
	struct snapshot *snapshot = snapshot_new();
	uint32_t netns, i;

	for (netns = 0; netns < 2; netns++) {
		snapshot_add_netns(snapshot)->own = (uint8_t)tristate_of(!netns);
		for (i = 0; i < 3 * PORTS_EACH; i++) {
			uint16_t nth = (uint16_t)(i / 3);
			struct inet_socket *socket =
				i % 3 == 0 ? make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND,
							 "10.0.0.7", 5000 + nth) :
				i % 3 == 1 ? make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN,
							 "0.0.0.0", 40000 + nth) :
					     make_connection(snapshot, STATE_TIME_WAIT, 8000 + nth,
							     "10.0.0.9", 2000);

			socket->netns = netns;
			make_reuse(socket, tristate_of(i % 3 == 0), TRISTATE_NO, EVIDENCE_BPF);
		}
	}
	return snapshot;
}

/* What sums up others names one namespace, and has the sockets of that alone. */
static void check_rests(void)
{
	static const enum finding_id ids[] = {
		FINDING_UDP_HIJACKABLE,
		FINDING_TIME_WAIT_BLOCKS_BIND,
		FINDING_PORT_TAKEN_BY_CLIENT,
	};
	const struct check_options options = { .selectors = NULL };
	struct snapshot *snapshot = make_many();
	uint32_t n_sockets[N_FINDINGS][2] = { { 0 } }, n_wrong = 0, i, k;
	struct finding_list list;

	check_snapshot(snapshot, &options, &list);
	for (i = 0; i < list.count; i++) {
		const struct finding *finding = &list.items[i];

		/* What cannot be told is put together of all. */
		if (finding->port || finding->undecided)
			continue;
		n_sockets[finding->id][finding->netns] += finding->n_sockets;
		for (k = 0; k < finding->n_sockets; k++)
			n_wrong +=
				snapshot->sockets[list.sockets[finding->first_socket + k]].netns !=
				finding->netns;
	}
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		ok(n_sockets[ids[i]][0] == 4 && n_sockets[ids[i]][1] == PORTS_EACH,
		   "%s: the rest is summed up in each namespace: %u and %u", finding_name(ids[i]),
		   n_sockets[ids[i]][0], n_sockets[ids[i]][1]);
	is_int(n_wrong, 0, "with the sockets of that alone");
	finding_list_done(&list);
	snapshot_free(snapshot);
}

int main(void)
{
	const char *source = getenv("top_srcdir");
	char directory[4000], path[4096], line[TEXT_MAX], expected[TEXT_MAX] = "", name[256] = "";
	FILE *file;
	int i;

	snprintf(directory, sizeof(directory), "%s/tests/findings", source ? source : ".");
	snprintf(path, sizeof(path), "%s/expected.txt", directory);
	file = fopen(path, "r");
	if (!ok(file, "%s can be read", path))
		return done_testing();
	/* The lines of a fixture stand together. */
	while (fgets(line, sizeof(line), file)) {
		size_t length = strcspn(line, ":");

		if (strncmp(name, line, length) || name[length]) {
			if (*name)
				check(directory, name, expected);
			snprintf(name, sizeof(name), "%.*s", (int)length, line);
			expected[0] = '\0';
		}
		append(expected, strlen(expected), line);
	}
	fclose(file);
	check(directory, name, expected);
	for (i = 0; i < (int)ARRAY_SIZE(nameds); i++)
		check_named(directory, &nameds[i]);
	check_range(directory);
	check_named_of_many(directory);
	check_rests();
	for (i = 0; i < (int)ARRAY_SIZE(sayings); i++)
		check_saying(directory, &sayings[i]);
	for (i = 0; i < N_FINDINGS; i++)
		ok(n_fired[i], "%s is found somewhere", finding_name((enum finding_id)i));
	return done_testing();
}

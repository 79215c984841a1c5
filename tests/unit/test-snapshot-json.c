/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json.h"

#include <errno.h>
#include <jansson.h>
#include <malloc.h>
#include <sys/socket.h>

#include "helpers/tap.h"

/* ---- saving and loading in memory ---- */

static struct out save(const struct snapshot *snapshot)
{
	struct json_writer writer;
	struct out out;

	out_init(&out, -1);
	json_writer_init(&writer, &out, true);
	snapshot_json_save(snapshot, NULL, &writer);
	return out;
}

static int load_bytes(const char *bytes, size_t length, struct snapshot **ret_snapshot,
		      struct snapshot_json_error *ret_error)
{
	FILE *stream = fmemopen((void *)(uintptr_t)bytes, length ? length : 1, "r");
	int status;

	if (!length)
		fgetc(stream);
	status = snapshot_json_load(stream, ret_snapshot, ret_error);
	fclose(stream);
	return status;
}

/* A document with ' for ". */
static int load_text(const char *text, struct snapshot **ret_snapshot,
		     struct snapshot_json_error *ret_error)
{
	char *copy = strdup(text), *quote;
	int status;

	while ((quote = strchr(copy, '\'')))
		*quote = '"';
	status = load_bytes(copy, strlen(copy), ret_snapshot, ret_error);
	free(copy);
	return status;
}

static void is_round(const struct snapshot *snapshot, const char *name)
{
	struct snapshot_json_error error;
	struct snapshot *loaded = NULL;
	struct out first = save(snapshot), second;

	is_int(load_bytes(first.buffer, first.used, &loaded, &error), 0, "%s: loads", name);
	is_str(error.text, "", "%s: no error", name);
	if (loaded) {
		second = save(loaded);
		ok(first.used == second.used && !memcmp(first.buffer, second.buffer, first.used),
		   "%s: saved again it is the same", name);
		out_done(&second);
	}
	snapshot_free(loaded);
	out_done(&first);
}

/* ---- snapshots ---- */

static void fill_netns(struct snapshot *snapshot)
{
	struct netns *netns = snapshot_add_netns(snapshot);
	int i;

	netns->id = 4026531833U;
	netns->name = snapshot_string(snapshot, "blue");
	netns->port_range_first = 32768;
	netns->port_range_last = 60999;
	netns->reserved_ports = snapshot_string(snapshot, "8080,9000-9010");
	for (i = 0; i < N_SYSCTLS; i++)
		netns->sysctls[i] = i - 1;
	for (i = 0; i < N_COUNTERS; i++)
		netns->counters[i] = UINT64_MAX - (unsigned int)i;
	netns->sysctls_known = (1U << N_SYSCTLS) - 1;
	netns->counters_known = (1U << N_COUNTERS) - 1;
	snapshot_add_netns(snapshot)->id = 5;
}

static void fill_processes(struct snapshot *snapshot)
{
	struct process *process = snapshot_add_process(snapshot);

	*process = (struct process){
		.pid = 900,
		.ppid = 1,
		.uid = 33,
		.known = PROCESS_HAS_PPID | PROCESS_HAS_UID | PROCESS_HAS_START_TIME |
			 PROCESS_HAS_EXE_FILE | PROCESS_HAS_CMDLINE | PROCESS_HAS_CGROUP_ID,
		.start_time_ns = 1795202426123456000,
		.exe_device = UINT64_MAX,
		.exe_inode = (1ULL << 63) + 12345,
		.cgroup_id = 77,
		.exe_deleted = TRISTATE_NO,
		.comm = snapshot_string(snapshot, "ev\033il \"x\"\\\xc3\xa9\xff\n"),
		.cmdline = string_pool_add_bytes(&snapshot->strings, "nginx\0\0-c\0/etc/x y", 19),
		.exe = snapshot_string(snapshot, "/usr/sbin/nginx"),
		.cwd = snapshot_string(snapshot, "/srv/a b"),
		.cgroup = snapshot_string(snapshot, "/system.slice/nginx.service"),
		.unit = snapshot_string(snapshot, "nginx.service"),
		.container = snapshot_string(snapshot, "0123456789ab"),
	};
	process = snapshot_add_process(snapshot);
	process->pid = 901;
	process->known = PROCESS_HAS_CMDLINE | PROCESS_HAS_START_TIME;
	process->cmdline = string_pool_add_bytes(&snapshot->strings, "", 0);
	process->start_time_ns = -1;
	process->exe_deleted = TRISTATE_YES;
	snapshot_set_user(snapshot, 33, snapshot_string(snapshot, "www-data"));
	snapshot_set_user(snapshot, 0, snapshot_string(snapshot, "root"));
}

static void fill_socket(struct snapshot *snapshot)
{
	struct inet_socket *socket = snapshot_add_socket(snapshot);
	static const struct owner owners[] = {
		{ 0, OWNER_FD_NONE }, { 0, 3 }, { 0, 4 }, { 1, OWNER_FD_UNKNOWN },
		{ 1, OWNER_FD_NONE },
	};
	int family;
	size_t i;

	*socket = (struct inet_socket){
		.cookie = UINT64_MAX,
		.inode = 123,
		.cgroup_id = 1ULL << 63,
		.known = (1U << 13) - 1,
		.uid = UINT32_MAX,
		.queue_recv = 1,
		.queue_send = 2,
		.queue_limit = 3,
		.drops = 4,
		.timer_expires_ms = 41000,
		.mark = UINT32_MAX,
		.device = snapshot_string(snapshot, "eth0"),
		.unit = snapshot_string(
			snapshot,
			"a unit of more than 256 bytes: ........................"
			"..................................................................."
			"..................................................................."
			"..................................................................."),
		.container = snapshot_string(snapshot, "\xe2\x80\xae"),
		.first_owner = snapshot->n_owners,
		.n_owners = 5,
		.first_group = snapshot->n_groups,
		.n_groups = 2,
		.local_port = 65535,
		.peer_port = 1,
		.options = (1U << N_SOCKET_OPTIONS) - 1,
		.family = AF_INET6,
		.protocol = PROTOCOL_MPTCP,
		.state = STATE_FIN_WAIT_2,
		.timer = TIMER_TIME_WAIT,
		.v6only = TRISTATE_YES,
		.reuse_addr = TRISTATE_YES,
		.reuse_port = TRISTATE_NO,
		.reuse_evidence = EVIDENCE_GETSOCKOPT,
		.owner_status = OWNER_OWNED,
	};
	address_parse("fe80::1", 7, &family, &socket->local);
	address_parse("::ffff:1.2.3.4", 14, &family, &socket->peer);
	for (i = 0; i < 5; i++)
		*snapshot_add_owner(snapshot) = owners[i];
	for (i = 0; i < 2; i++) {
		struct multicast_group *group = snapshot_add_group(snapshot);

		address_parse(i ? "ff02::fb" : "224.0.0.251", i ? 8 : 11, &family, &group->address);
		group->family = (uint8_t)family;
	}
}

/* One socket of each word that there is. */
static void fill_words(struct snapshot *snapshot)
{
	unsigned int i;

	for (i = 0; i < N_STATES; i++) {
		struct inet_socket *socket = snapshot_add_socket(snapshot);

		socket->family = AF_INET;
		socket->netns = i & 1;
		socket->state = (uint8_t)i;
		socket->protocol = (uint8_t)(i % N_PROTOCOLS);
		socket->reuse_evidence = (uint8_t)(i % N_EVIDENCES);
		/* It has no owners. */
		socket->owner_status = i % N_OWNER_STATUSES == OWNER_OWNED ? OWNER_NONE :
									     i % N_OWNER_STATUSES;
		socket->timer = (uint8_t)(i % N_TIMERS);
		socket->v6only = (uint8_t)(i % 3);
		socket->known = 1U << i;
	}
}

static struct snapshot *full_snapshot(void)
{
	struct snapshot *snapshot = snapshot_new();

	snapshot->version = snapshot_string(snapshot, "0.1.0");
	snapshot->host = snapshot_string(snapshot, "web1");
	snapshot->kernel = snapshot_string(snapshot, "6.18.44");
	snapshot->start_ns = 1795202426123456789;
	snapshot->end_ns = 1795202426999999999;
	fill_netns(snapshot);
	fill_processes(snapshot);
	fill_socket(snapshot);
	fill_words(snapshot);
	snapshot_add_limit(snapshot, "owners", "EACCES", 12, "owners of 12 sockets are hidden");
	snapshot_add_limit(snapshot, "sockets", "changed", 0, "the table changed");
	return snapshot;
}

static void test_round_trips(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;

	is_round(snapshot, "nothing");
	snapshot_add_netns(snapshot);
	snapshot_add_netns(snapshot);
	snapshot_add_process(snapshot)->pid = 7;
	socket = snapshot_add_socket(snapshot);
	socket->family = AF_INET;
	socket->netns = 1;
	is_round(snapshot, "everything unknown");
	snapshot_free(snapshot);
	snapshot = full_snapshot();
	is_round(snapshot, "everything known");
	snapshot_free(snapshot);
}

/* ---- what a document means ---- */

static void test_words(void)
{
	struct snapshot *snapshot = full_snapshot(), *loaded = NULL;
	struct snapshot_json_error error;
	struct out out = save(snapshot);
	const struct inet_socket *socket;
	const struct process *process;
	size_t length;

	out_char(&out, '\0');
	ok(strstr(out.buffer, "\"start\": \"2026-11-20T19:20:26.123456Z\""), "time, cut to µs");
	ok(strstr(out.buffer, "\"start_time\": \"1969-12-31T23:59:59.999999Z\""), "before 1970");
	ok(strstr(out.buffer, "\"ip_local_port_range\": [32768, 60999]"), "port range");
	ok(strstr(out.buffer, "\"cmdline\": [\"nginx\", \"\", \"-c\", \"/etc/x y\"]"), "cmdline");
	ok(strstr(out.buffer, "\"owners\": [{\"pid\": 900, \"fds\": [3, 4], \"fixed_file\": true}, "
			      "{\"pid\": 901, \"fds\": null, \"fixed_file\": true}]"),
	   "owners");
	ok(strstr(out.buffer, "ev\\u001bil \\\"x\\\"\\\\\xc3\xa9\\\\xff\\n"), "a hostile name");
	is_int(load_bytes(out.buffer, out.used - 1, &loaded, &error), 0, "loads");
	socket = &loaded->sockets[0];
	is_int(socket->known, (1U << 13) - 1, "all is known");
	ok(socket->cookie == UINT64_MAX && socket->cgroup_id == 1ULL << 63, "numbers of 64 bits");
	is_int(socket->netns, 0, "the namespace by index");
	is_int(loaded->sockets[2].netns, 1, "and the other");
	is_int(socket->options, 127, "options");
	is_int(socket->n_owners, 5, "owners with and without descriptors");
	process = &loaded->processes[0];
	ok(process->exe_inode == (1ULL << 63) + 12345, "an inode above 2^63");
	is_str(snapshot_text(loaded, process->cwd), "/srv/a b", "a working directory");
	string_pool_get(&loaded->strings, process->cmdline, &length);
	is_int(length, 19, "every argument ends with NUL");
	snapshot_free(loaded);
	out_done(&out);
	snapshot_free(snapshot);
}

static void test_minimal(void)
{
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;
	const struct inet_socket *socket;

	is_int(load_text("{'schema_version':1,'sockets':[{'protocol':'TCP','family':'inet',"
			 "'state':'listening','local':{'address':'0.0.0.0','port':80}}]}",
			 &snapshot, &error),
	       0, "a document by hand");
	is_str(error.text, "", "no error");
	socket = &snapshot->sockets[0];
	is_int(socket->known, 0, "nothing else is known");
	is_int(socket->owner_status, OWNER_UNKNOWN, "nor the owner");
	is_int(socket->reuse_addr, TRISTATE_UNKNOWN, "nor the flags");
	is_int(socket->state, STATE_LISTEN, "the state");
	is_int(snapshot->n_netns, 1, "a namespace is there");
	ok(!snapshot->netns[socket->netns].id, "without an id");
	snapshot_free(snapshot);

	is_int(load_text(
		       "{'sockets':[{'protocol':'udp','family':'inet6','state':'BOUND','inode':null,"
		       "'local':{'port':53,'address':'[::1]','device':null},'netns':9,'new':[{}],"
		       "'owners':[{'pid':8,'fds':[5,4,4]},{'pid':7},{'pid':8,'fds':[3]}]}],"
		       "'findings':[{'id':'x'}],'future':{'a':[1]},'more':12345678901234567890,"
		       "'processes':[{'pid':8,'comm':'a\\u0000b','ppid':1},{'pid':2}],"
		       "'netns':[{'id':3},{'id':'9'}],'limits':null,'schema_version':1}\n\n",
		       &snapshot, &error),
	       0, "in any order, with unknown members");
	is_str(error.text, "", "no error");
	socket = &snapshot->sockets[0];
	is_int(socket->netns, 1, "the namespace that comes later");
	is_int(socket->known, SOCKET_HAS_DEVICE, "no device is known, too");
	is_int(socket->owner_status, OWNER_OWNED, "who has owners is owned");
	is_int(snapshot->n_processes, 3, "a process that only an owner names");
	is_int(snapshot->processes[1].pid, 7, "sorted by pid");
	is_int(socket->n_owners, 4, "each descriptor once");
	is_int(snapshot->owners[0].process, 1, "owners by process");
	is_int(snapshot->owners[0].fd, OWNER_FD_UNKNOWN, "a descriptor that is not known");
	is_int(snapshot->owners[1].fd, 3, "then by descriptor");
	is_int(snapshot->owners[3].fd, 5, "the last of them");
	snapshot_free(snapshot);
}

/* What is told only of some sockets means nothing where it is said of others. */
static void test_out_of_place(void)
{
#define V6(protocol, state, members)                                                               \
	"{'protocol':'" protocol "','family':'inet6','state':'" state                              \
	"','local':{'address':'::','port':5}," members "}"
	static const char text[] =
		"{'schema_version':1,'sockets':[" V6("udp", "BOUND", "'old_peer':'2001:db8::1'") "," V6("udp", "BOUND", "'old_peer':'::'") "," V6(
			"tcp", "BOUND",
			"'old_peer':'2001:db8::1'") "," V6("udp", "ESTAB",
							   "'old_peer':'2001:db8::1'") "," V6("udp",
											      "BOUND",
											      "'reuse':{'port':true,'group':false,'program':true}") "," V6("udp",
																			   "BOUND",
																			   "'reuse':{'port':null,'group':false,'program':true}") "]}";
#undef V6
	struct snapshot_json_error error;
	struct snapshot *snapshot;
	uint32_t i, n = 0;

	is_int(load_text(text, &snapshot, &error), 0, "what belongs to other sockets is read");
	for (i = 1; i < 4; i++)
		n += address_equal(&snapshot->sockets[i].peer,
				   &(struct address){ .bytes = { 0 } }) &&
		     !(snapshot->sockets[i].known & SOCKET_HAS_OLD_PEER);
	ok(snapshot->sockets[0].known & SOCKET_HAS_OLD_PEER, "an old peer of UDP is kept");
	is_int(n, 3, "not one that is none, of TCP, or of a connection");
	ok(snapshot->sockets[4].reuse_group == TRISTATE_NO &&
		   snapshot->sockets[4].reuse_program == TRISTATE_YES,
	   "with SO_REUSEPORT it is known that there is no group, and a program");
	ok(snapshot->sockets[5].reuse_group == TRISTATE_UNKNOWN &&
		   snapshot->sockets[5].reuse_program == TRISTATE_UNKNOWN,
	   "where the flag is unknown neither is");
	snapshot_free(snapshot);
}

/* What is said and what is there: the words must not outweigh the holders. */
static void test_owner_status(void)
{
#define UDP                                                                                        \
	"'protocol':'udp','family':'inet','state':'BOUND','local':{'address':'0.0.0.0','port':5}"
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;

	is_int(load_text("{'schema_version':1,'sockets':["
			 "{" UDP ",'owner_status':'kernel','owners':[{'pid':8}]},"
			 "{" UDP ",'owner_status':'hidden','owners':[]},"
			 "{" UDP ",'owner_status':'owned'},"
			 "{'protocol':'tcp','family':'inet','state':'TIME-WAIT','local':{"
			 "'address':'10.0.0.7','port':80}}]}",
			 &snapshot, &error),
	       0, "statuses that fit and do not fit");
	is_int(snapshot->sockets[0].owner_status, OWNER_OWNED, "with a holder it is owned");
	is_int(snapshot->sockets[1].owner_status, OWNER_HIDDEN, "without one it is as it says");
	is_int(snapshot->sockets[2].owner_status, OWNER_UNKNOWN,
	       "owned by nobody that is named is unknown");
	is_int(snapshot->sockets[3].owner_status, OWNER_NONE, "TIME-WAIT is nobody's");
	snapshot_free(snapshot);
#undef UDP
}

static void test_repeated(void)
{
#define SOCKET                                                                                     \
	"'protocol':'tcp','family':'inet','state':'LISTEN','local':{'address':'0.0.0.0','port':80}"
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;

	is_int(load_text("{'schema_version':1,'sockets':["
			 "{" SOCKET ",'cookie':5,'netns':1,'owners':[{'pid':1,'fds':[3]}]},"
			 "{" SOCKET ",'cookie':5,'netns':1,'owners':[{'pid':1,'fds':[4]}]},"
			 "{" SOCKET ",'cookie':5,'netns':2,'owners':[{'pid':2,'fds':[5]}]},"
			 "{" SOCKET ",'netns':1},{" SOCKET ",'netns':1}]}",
			 &snapshot, &error),
	       0, "sockets that are there twice");
	is_int(snapshot->n_sockets, 4, "are kept once, if the cookie is known");
	is_int(snapshot->n_owners, 2, "with their owners");
	is_int(snapshot->owners[snapshot->sockets[1].first_owner].fd, 5, "which stay with them");
	is_int(snapshot->n_netns, 2, "namespaces that only sockets name");
	snapshot_free(snapshot);
}

/* Whether the wildcard of IPv6 takes IPv4 too is a part of what is remembered. */
static void test_bind_memory(void)
{
	static const struct {
		const char *members;
		uint32_t rows;
		const char *name;
	} memories[] = {
		{ "'fastreuseport':1,'address':'::','v6only':true", 1, "v6only is known" },
		{ "'fastreuseport':1,'address':'::','v6only':null", 0, "v6only is null" },
		{ "'fastreuseport':2,'address':'::'", 0, "v6only is missing" },
		{ "'fastreuseport':1,'address':'::1'", 1, "it tells nothing of one address" },
		{ "'fastreuseport':1,'address':'0.0.0.0'", 1, "nor of IPv4" },
		{ "'fastreuseport':0,'address':'::'", 1, "nor where nothing is remembered" },
	};
	struct snapshot_json_error error;
	struct snapshot *snapshot;
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(memories) / sizeof(memories[0]); i++) {
		snapshot = NULL;
		snprintf(text, sizeof(text),
			 "{'schema_version':1,'sockets':[],'netns':[{'id':5,'bind_memory':[{"
			 "'port':80,'uid':0,%s}]}]}",
			 memories[i].members);
		is_int(load_text(text, &snapshot, &error), 0, "what a bucket remembers: loads");
		is_int(snapshot ? snapshot->n_memories : UINT32_MAX, memories[i].rows, "%s",
		       memories[i].name);
		snapshot_free(snapshot);
	}
}

/* A socket that names no namespace is in the only one, or in one that is not known. */
static void test_unnamed_netns(void)
{
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;

	is_int(load_text("{'schema_version':1,'netns':[{'id':5},{'id':6}],'sockets':["
			 "{" SOCKET ",'netns':5},{" SOCKET "},{" SOCKET ",'netns':null}]}",
			 &snapshot, &error),
	       0, "of several namespaces a socket names none");
	is_int(snapshot->n_netns, 3, "it is in neither of them");
	ok(snapshot->sockets[1].netns == 2 && snapshot->sockets[2].netns == 2, "all are in one");
	ok(!snapshot->netns[2].id, "whose id is not known");
	snapshot_free(snapshot);
	is_int(load_text("{'schema_version':1,'netns':[{'id':5}],'sockets':[{" SOCKET "}]}",
			 &snapshot, &error),
	       0, "there is but one namespace");
	is_int(snapshot->n_netns, 1, "then it is that");
	snapshot_free(snapshot);
}

static void test_times(void)
{
	static const struct {
		const char *text;
		long long ns;
	} times[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1970-01-01t00:00:01.5z", 1500000000 },
		{ "1970-01-01 01:00:00.000000001+01:00", 1 },
		{ "1969-12-31T23:00:00-01:00", 0 },
		{ "2024-02-29T12:00:00Z", 1709208000000000000 },
		{ "2016-12-31T23:59:60Z", 1483228800000000000 },
	};
	static const char *const bad[] = { "",
					   "2026",
					   "2026-13-01T00:00:00Z",
					   "2026-02-30T00:00:00Z",
					   "2026-01-01T24:00:00Z",
					   "2026-01-01T00:00:00",
					   "2026-01-01T00:00:00Zx",
					   "2026-01-01T00:00:00.Z",
					   "9999-01-01T00:00:00Z",
					   "2026-01-01T00:00:00Z\\u0000" };
	struct snapshot_json_error error;
	struct snapshot *snapshot;
	char text[256];
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		snapshot = NULL;
		snprintf(text, sizeof(text),
			 "{'schema_version':1,'sockets':[],"
			 "'processes':[{'pid':1,'start_time':'%s'}]}",
			 times[i].text);
		is_int(load_text(text, &snapshot, &error), 0, "time %s", times[i].text);
		is_int(snapshot ? snapshot->processes[0].start_time_ns : -1, times[i].ns,
		       "%s in nanoseconds", times[i].text);
		snapshot_free(snapshot);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snapshot = NULL;
		snprintf(text, sizeof(text), "{'schema_version':1,'taken':{'start':'%s'}}", bad[i]);
		is_int(load_text(text, &snapshot, &error), -EINVAL, "no time: %s", bad[i]);
		is_str(error.text,
		       "taken.start: expected a time such as 2026-11-20T19:20:26.123456Z",
		       "no time: the error");
	}
}

/* ---- what is wrong with a document ---- */

#define WITH_SOCKET(members) "{'schema_version':1,'sockets':[{" SOCKET "," members "}]}"

static const struct {
	const char *text;
	const char *wanted;
} wrong[] = {
	{ "", "this is empty; expected a snapshot written by --json" },
	{ " \n ", "this is empty; expected a snapshot written by --json" },
	{ "[]", "line 1, column 1: expected an object, as portshare --json writes it" },
	{ "portshare", "line 1, column 1: expected an object, as portshare --json writes it" },
	{ "{}", "this is no snapshot: schema_version is missing" },
	{ "{'name':'x','sockets':[]}", "this is no snapshot: schema_version is missing" },
	{ "{'schema_version':1,'netns':[]}", "this is no snapshot: sockets is missing" },
	{ "{'schema_version':1,'sockets':null}", "sockets: expected a list" },
	{ "{'schema_version':1,'candidate':{'protocol':'tcp'},'snapshot':{'sockets':[]}}",
	  "this is an answer of probe; the snapshot behind it is its member \"snapshot\"" },
	{ "{'schema_version':2}", "schema_version is 2; this program reads version 1" },
	{ "{'schema_version':'1'}", "schema_version: expected a number" },
	{ "{'schema_version':1", "line 1, column 20: the document ends in the middle" },
	{ "{'schema_version':", "line 1, column 19: the document ends in the middle" },
	{ "{'schema_version':1,\n 'sockets':[{},",
	  "sockets[0].protocol: expected tcp, udp, udplite, "
	  "mptcp or sctp" },
	{ "{'schema_version':1,\n 'limits':[{},",
	  "line 2, column 15: the document ends in the middle" },
	{ "{'schema_version':1,\n 'limits':[{} 5]}", "line 2, column 15: expected \",\" or \"]\"" },
	{ "{'schema_version' 1}", "line 1, column 19: expected \":\"" },
	{ "{'schema_version':1 2}", "line 1, column 21: expected \",\" or \"}\"" },
	{ "{'schema_version':1,}", "line 1, column 21: expected the name of a member" },
	{ "{'schema_version':1}x", "line 1, column 21: expected nothing more behind the snapshot" },
	{ "{'schema_version':1,'host':'a','host':'b'}",
	  "line 1, column 32: \"host\" is there twice" },
	{ "{'schema_version':1,'host':7}", "host: expected text" },
	{ "{'schema_version':1,'taken':7}", "taken: expected an object" },
	{ "{'schema_version':1,'sockets':7}", "sockets: expected a list" },
	{ "{'schema_version':1,'sockets':[7]}", "sockets[0]: expected an object" },
	{ "{'schema_version':1,'netns':[{'id':-1}]}",
	  "netns[0].id: expected a number from 0 to 18446744073709551615" },
	{ "{'schema_version':1,'netns':[{'id':99999999999999999999}]}",
	  "netns[0].id: expected a number from 0 to 18446744073709551615" },
	{ "{'schema_version':1,'sockets':[],'netns':[{'id':5},{'id':4},{'id':5}]}",
	  "netns[2].id: 5 is there twice" },
	{ "{'schema_version':1,'netns':[{'sysctl':{'ip_local_port_range':[5,4]}}]}",
	  "netns[0].sysctl.ip_local_port_range: expected two ports, the lower one first" },
	{ "{'schema_version':1,'netns':[{'sysctl':{'tcp_tw_reuse':'x'}}]}",
	  "netns[0].sysctl.tcp_tw_reuse: expected a whole number" },
	{ "{'schema_version':1,'processes':[{'comm':'x'}]}",
	  "processes[0].pid: expected a number from 0 to 2147483647" },
	{ "{'schema_version':1,'sockets':[],'processes':[{'pid':9},{'pid':1},{'pid':9}]}",
	  "processes[2].pid: 9 is there twice" },
	{ "{'schema_version':1,'processes':[{'pid':9,'cmdline':['a',7]}]}",
	  "processes[0].cmdline[1]: expected text" },
	{ "{'schema_version':1,'processes':[{'pid':9,'exe_deleted':'no'}]}",
	  "processes[0].exe_deleted: expected true, false or null" },
	{ "{'schema_version':1,'sockets':[{'protocol':'tcp'}]}",
	  "sockets[0].family: expected inet or inet6" },
	{ "{'schema_version':1,'sockets':[{'protocol':'tcp','family':'inet','state':'OPEN'}]}",
	  "sockets[0].state: expected LISTEN, ESTAB, SYN-SENT, SYN-RECV, FIN-WAIT-1, FIN-WAIT-2, "
	  "TIME-WAIT, CLOSE-WAIT, LAST-ACK, CLOSING or BOUND" },
	{ "{'schema_version':1,'sockets':[{'protocol':'tcp','family':'inet','state':'LISTEN'}]}",
	  "sockets[0].local: expected an object with address and port" },
	{ "{'schema_version':1,'sockets':[{'protocol':'tcp','family':'inet','state':'LISTEN',"
	  "'local':{'address':'::','port':1}}]}",
	  "sockets[0].local.address: expected an IPv4 address" },
	{ "{'schema_version':1,'sockets':[{'protocol':'tcp','family':'inet6','state':'LISTEN',"
	  "'local':{'address':'1.2.3.4','port':1}}]}",
	  "sockets[0].local.address: expected an IPv6 address" },
	{ "{'schema_version':1,'sockets':[{'protocol':'tcp','family':'inet6','state':'LISTEN',"
	  "'local':{'address':'::','port':65536}}]}",
	  "sockets[0].local.port: expected a number from 0 to 65535" },
	{ WITH_SOCKET("'peer':{'port':1}"), "sockets[0].peer.address: expected an IPv4 address" },
	{ WITH_SOCKET("'v6only':1"), "sockets[0].v6only: expected true, false or null" },
	{ WITH_SOCKET("'uid':4294967296"),
	  "sockets[0].uid: expected a number from 0 to 4294967295" },
	{ WITH_SOCKET("'uid':1.5"), "sockets[0].uid: expected a number from 0 to 4294967295" },
	{ WITH_SOCKET("'uid':'0'"), "sockets[0].uid: expected a number from 0 to 4294967295" },
	{ WITH_SOCKET("'reuse':{'evidence':'ebpf'}"),
	  "sockets[0].reuse.evidence: expected bpf, getsockopt, inferred or unknown" },
	{ WITH_SOCKET("'timer':{'kind':'on'}"),
	  "sockets[0].timer.kind: expected none, retransmit, keepalive, time-wait, probe or unknown" },
	{ WITH_SOCKET("'owner_status':'nobody'"),
	  "sockets[0].owner_status: expected owned, kernel, none, hidden, orphan, in-flight or unknown" },
	{ WITH_SOCKET("'owner_status':'owned\\u0000'"),
	  "sockets[0].owner_status: expected owned, kernel, none, hidden, orphan, in-flight or unknown" },
	{ WITH_SOCKET("'options':['freebind','x']"),
	  "sockets[0].options[1]: expected recverr, freebind, transparent, multicast_loop, "
	  "multicast_all, bind_address_no_port or defer_connect" },
	{ WITH_SOCKET("'old_peer':'127.0.0.1'"), "sockets[0].old_peer: expected an IPv6 address" },
	{ WITH_SOCKET("'lookup_order':65536"),
	  "sockets[0].lookup_order: expected a number from 0 to 65535" },
	{ WITH_SOCKET("'multicast':['x']"), "sockets[0].multicast[0]: expected an IP address" },
	{ WITH_SOCKET("'owners':[{}]"),
	  "sockets[0].owners[0].pid: expected a number from 0 to 2147483647" },
	{ WITH_SOCKET("'owners':[{'pid':1,'fds':[1,-1]}]"),
	  "sockets[0].owners[0].fds[1]: expected a number from 0 to 2147483647" },
};

static void test_errors(void)
{
	struct snapshot_json_error error;
	struct snapshot *snapshot;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snapshot = NULL;
		is_int(load_text(wrong[i].text, &snapshot, &error), -EINVAL, "%s", wrong[i].text);
		is_str(error.text, wrong[i].wanted, "its error");
		ok(!snapshot, "and no snapshot");
	}
	is_int(load_text("{'schema_version':1,'host':'a\\x','host':1}", &snapshot, &error), -EINVAL,
	       "an escape that JSON does not have");
	ok(!strncmp(error.text, "line 1, column ", 15) && strstr(error.text, "this is not JSON: "),
	   "the place and the reason: %s", error.text);
	is_int(load_text("{'schema_version':1,'limits':[{'what':'a','what':'b'}]}", &snapshot,
			 &error),
	       -EINVAL, "a member that is there twice");
	ok(strstr(error.text, "duplicate"), "is told: %s", error.text);
}

/* Every beginning of a document, and every byte of it changed: an error or a snapshot. */
static void test_damage(void)
{
	struct snapshot *snapshot = full_snapshot(), *loaded;
	struct snapshot_json_error error;
	struct out out = save(snapshot);
	size_t i, silent = 0, step = out.used > 20000 ? 7 : 1;
	char saved;

	for (i = 0; i < out.used - 2; i += step) {
		loaded = NULL;
		silent += load_bytes(out.buffer, i, &loaded, &error) != -EINVAL || !*error.text;
		snapshot_free(loaded);
	}
	is_int(silent, 0, "every truncation is told");
	for (i = 0; i < out.used; i += step) {
		saved = out.buffer[i];
		out.buffer[i] = "\"{[:,0x\xff"[i % 8];
		loaded = NULL;
		silent += load_bytes(out.buffer, out.used, &loaded, &error) && !*error.text;
		snapshot_free(loaded);
		out.buffer[i] = saved;
	}
	is_int(silent, 0, "a changed byte never fails without a reason");
	out_done(&out);
	snapshot_free(snapshot);
}

/* Much nesting, and one value that is too large for the memory that it may take. */
static void test_large(void)
{
	static const char head[] = "{\"schema_version\":1,\"limits\":[";
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;
	size_t size = 8000000, i;
	char *text = malloc(size);

	memset(text, '[', size);
	memcpy(text, head, sizeof(head) - 1);
	is_int(load_bytes(text, size, &snapshot, &error), -EINVAL, "millions of brackets");
	ok(*error.text, "is told: %s", error.text);
	text[sizeof(head) - 1] = '[';
	for (i = sizeof(head); i + 3 < size; i += 3)
		memcpy(text + i, "[],", 3);
	is_int(load_bytes(text, size, &snapshot, &error), -EINVAL, "millions of lists in one");
	is_str(error.text, "line 1, column 31: too large to be read", "is told");
	free(text);
}

/* json_object(), which the linker puts in its place (ld(1), --wrap), and jansson's own. */
json_t *__wrap_json_object(void);
json_t *__real_json_object(void);

static bool refuse_objects;

/* None can be made, as where the memory that jansson may take is used up. */
json_t *__wrap_json_object(void)
{
	return refuse_objects ? NULL : __real_json_object();
}

static size_t bytes_in_use(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

/* AddressSanitizer, which has no mallinfo(), looks for what is lost by itself. */
static void test_no_memory(void)
{
	size_t size = 4000000, before;
	char *text = malloc(size + 64);
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;

	strcpy(text, "{'schema_version':1,'host':'");
	memset(text + strlen(text), 'x', size);
	strcpy(text + size, "'}");
	before = bytes_in_use();
	refuse_objects = true;
	is_int(load_text(text, &snapshot, &error), -EINVAL, "no memory is left for an object");
	refuse_objects = false;
	is_str(error.text, "too large to be read", "its error");
	ok(bytes_in_use() < before + size / 2, "what was to be in it is freed");
	free(text);
}

/* A document of n namespaces in their list, and of sockets that name others, from first on. */
static char *many_namespaces(uint32_t n, uint32_t first, uint32_t last)
{
	size_t size = 128 + (size_t)n * 16 + (size_t)(last - first) * 128, used;
	char *text = malloc(size);
	uint32_t i;

	used = (size_t)snprintf(text, size, "{'schema_version':1,'netns':[");
	for (i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, size - used, "%s{'id':%u}", i ? "," : "",
					 i + 1);
	used += (size_t)snprintf(text + used, size - used, "],'sockets':[");
	for (i = first; i < last; i++)
		used += (size_t)snprintf(text + used, size - used, "%s{" SOCKET ",'netns':%u}",
					 i > first ? "," : "", i);
	snprintf(text + used, size - used, "]}");
	return text;
}

/* Whoever works on a snapshot keeps some KiB for each. */
static void test_namespaces(void)
{
	struct snapshot_json_error error;
	struct snapshot *snapshot = NULL;
	char *text = many_namespaces(SNAPSHOT_JSON_MAX_NETNS, 1, 3);

	is_int(load_text(text, &snapshot, &error), 0, "as many namespaces as there may be");
	is_int(snapshot ? snapshot->n_netns : 0, SNAPSHOT_JSON_MAX_NETNS, "are read");
	snapshot_free(snapshot);
	free(text);
	snapshot = NULL;
	text = many_namespaces(SNAPSHOT_JSON_MAX_NETNS + 1, 1, 1);
	is_int(load_text(text, &snapshot, &error), -EINVAL, "one more is refused");
	is_str(error.text, "netns[65536]: more than 65536 network namespaces", "its error");
	snapshot_free(snapshot);
	free(text);
	snapshot = NULL;
	text = many_namespaces(SNAPSHOT_JSON_MAX_NETNS - 1, SNAPSHOT_JSON_MAX_NETNS,
			       SNAPSHOT_JSON_MAX_NETNS + 2);
	is_int(load_text(text, &snapshot, &error), -EINVAL, "also where only a socket names it");
	is_str(error.text, "sockets[1].netns: more than 65536 network namespaces", "its error");
	snapshot_free(snapshot);
	free(text);
}

static void test_lines(void)
{
	static const char first[] =
		"{\"netns\": 4026531833, \"protocol\": \"mptcp\", \"family\": \"inet6\", "
		"\"state\": \"FIN-WAIT-2\", \"local\": {\"address\": \"fe80::1\", \"port\": 65535, ";
	struct snapshot *snapshot = full_snapshot();
	struct out out;
	size_t i, lines = 0;

	out_init(&out, -1);
	snapshot_json_save_lines(snapshot, &out);
	for (i = 0; i < out.used; i++)
		lines += out.buffer[i] == '\n';
	is_int(lines, snapshot->n_sockets, "a line a socket");
	out_char(&out, '\0');
	ok(!strncmp(out.buffer, first, sizeof(first) - 1), "the first line");
	ok(strstr(out.buffer, "\"owners\": [{\"pid\": 900, \"comm\": \"ev\\u001bil"),
	   "owners have their names");
	out_done(&out);
	snapshot_free(snapshot);
}

int main(void)
{
	test_round_trips();
	test_words();
	test_minimal();
	test_out_of_place();
	test_owner_status();
	test_repeated();
	test_unnamed_netns();
	test_bind_memory();
	test_times();
	test_errors();
	test_damage();
	test_large();
	test_no_memory();
	test_namespaces();
	test_lines();
	return done_testing();
}

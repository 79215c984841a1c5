/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written of findings, in each format, from a list made by hand: held against
 * tests/golden/finding-*.txt. GENERATE=1 writes these anew.
 */
#include <locale.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"
#include "model/snapshot-json.h"
#include "output/finding-text.h"
#include "output/plugin.h"
#include "output/prometheus.h"
#include "util/xalloc.h"

/* All that means something to a terminal or a format: a bar, quotes, line ends, colours, no UTF-8. */
#define HOSTILE "a|b\n\"c\\d'\033[31m\xff\xe2\x80\xae="

static struct snapshot *make(void)
{
	struct snapshot *snapshot = snapshot_new();
	struct inet_socket *socket;
	uint32_t sipd, other, i;

	snapshot_add_netns(snapshot)->id = 7;
	sipd = make_process(snapshot, 900, "sipd");
	other = make_process(snapshot, 901, HOSTILE);
	snapshot->processes[sipd].unit = snapshot_string(snapshot, "sip.service");
	snapshot->processes[other].unit = snapshot_string(snapshot, HOSTILE ".service");
	socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 5060);
	make_reuse(socket, TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	make_owner(snapshot, socket, sipd, 3);
	socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, "0.0.0.0", 5060);
	make_reuse(socket, TRISTATE_YES, TRISTATE_YES, EVIDENCE_INFERRED);
	make_owner(snapshot, socket, other, 4);
	socket = make_socket(snapshot, PROTOCOL_TCP, STATE_LISTEN, "::", 80);
	socket->owner_status = OWNER_HIDDEN;
	for (i = 0; i < 9; i++) {
		socket = make_connection(snapshot, STATE_TIME_WAIT, 8080, "192.0.2.1",
					 (uint16_t)(4000 + i));
		make_reuse(socket, TRISTATE_NO, TRISTATE_NO, EVIDENCE_BPF);
	}
	for (i = 0; i < 7; i++)
		make_connection(snapshot, STATE_ESTAB, (uint16_t)(40000 + i), "192.0.2.1", 443);
	return snapshot;
}

static struct finding *add(struct finding_list *list, enum finding_id id, enum severity severity,
			   uint32_t first, uint32_t n, const char *title)
{
	const uint32_t sockets[] = { 0,	 1,  2,	 3,  4,	 5,  6,	 7,  8, 9,
				     10, 11, 12, 13, 14, 15, 16, 17, 18 };
	struct finding *finding = finding_list_add(list, id, severity, sockets + first, n);

	finding->title = xstrdup(title);
	finding->evidence = xstrdup("The sockets were seen.");
	finding->text = xstrdup("One of them gets all datagrams and the other gets none, which is "
				"more than one line holds.");
	finding->remedy = xstrdup("Stop one.");
	return finding;
}

static void place(struct finding *finding, enum protocol protocol, uint16_t port)
{
	finding->protocol = (uint8_t)protocol;
	finding->port = port;
}

static void fill(struct finding_list *list)
{
	struct finding *finding;

	place(add(list, FINDING_EPHEMERAL_EXHAUSTION, SEVERITY_NOTE, 12, 7, "few ports"),
	      PROTOCOL_TCP, 0);
	place(add(list, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING, 0, 2,
		  "udp 0.0.0.0:5060 is shared by sipd and " HOSTILE),
	      PROTOCOL_UDP, 5060);
	/* The same place a second time: one line for Prometheus. */
	place(add(list, FINDING_UDP_ACCIDENTAL_SHARE, SEVERITY_WARNING, 0, 1, "again"),
	      PROTOCOL_UDP, 5060);
	place(add(list, FINDING_UDP_HIJACKABLE, SEVERITY_NOTE, 1, 1, HOSTILE), PROTOCOL_UDP, 5060);
	add(list, FINDING_TIME_WAIT_OVERFLOW, SEVERITY_CRITICAL, 0, 0, "too many");
	finding = add(list, FINDING_TIME_WAIT_BLOCKS_BIND, SEVERITY_WARNING, 3, 9, "blocked");
	place(finding, PROTOCOL_TCP, 8080);
	free(finding->remedy);
	/* A command is not broken, that it can be pasted; what no line holds is. */
	finding->remedy = xstrdup(
		"Now: wait; as root, \"ss -K -t 'sport = :8080'\" ends them; so might \"this "
		"with \033 and very many words that need far more than one line "
		"has\", and \"this without an end");
	finding = add(list, FINDING_INHERITED_LISTENER, SEVERITY_WARNING, 2, 1,
		      "tcp [::]:80 may be held by a child");
	place(finding, PROTOCOL_TCP, 80);
	finding->undecided = true;
	finding->text[0] = '\0';
	finding_list_sort(list);
}

static void compare(const char *name, const struct out *got)
{
	const char *top = getenv("top_srcdir"), *generate = getenv("GENERATE");
	char path[4096], *wanted = xcalloc(1, 1 << 16);
	FILE *file;
	size_t length = 0;

	snprintf(path, sizeof(path), "%s/tests/golden/finding-%s.txt", top ? top : ".", name);
	if (generate && *generate && (file = fopen(path, "w"))) {
		fwrite(got->buffer, 1, got->used, file);
		fclose(file);
	}
	file = fopen(path, "r");
	if (file) {
		length = fread(wanted, 1, 1 << 16, file);
		fclose(file);
	}
	if (!ok(length && length == got->used && !memcmp(wanted, got->buffer, length), "%s", name))
		diag("%.*s", (int)got->used, got->buffer);
	free(wanted);
}

static void text(const char *name, const struct snapshot *snapshot, const struct finding_list *list,
		 uint32_t width, bool color)
{
	const struct finding_text_options options = { .width = width, .color = color };
	struct out out;

	out_init(&out, -1);
	finding_text_write(snapshot, list, &options, &out);
	compare(name, &out);
	out_done(&out);
}

static void plugin(const char *name, const struct snapshot *snapshot,
		   const struct finding_list *list, enum plugin_status status)
{
	struct out out;
	size_t i, bars = 0, controls = 0;

	out_init(&out, -1);
	plugin_write(snapshot, list, status, NULL, &out);
	compare(name, &out);
	for (i = 0; i < out.used; i++) {
		bars += out.buffer[i] == '|';
		controls += out.buffer[i] != '\n' && (unsigned char)out.buffer[i] < ' ';
	}
	ok(bars == 1 && !controls, "%s: one bar, no control character", name);
	out_done(&out);
}

static void prometheus(const char *name, const struct snapshot *snapshot,
		       const struct finding_list *list, enum plugin_status status)
{
	struct out out;

	out_init(&out, -1);
	prometheus_write(snapshot, list, status, &out);
	compare(name, &out);
	out_done(&out);
}

static void json(const char *name, const struct snapshot *snapshot, const struct finding_list *list)
{
	struct json_writer writer;
	struct snapshot_json_error error;
	struct snapshot *again = NULL;
	struct out out, members;
	FILE *stream;
	char *start;

	out_init(&out, -1);
	json_writer_init(&writer, &out, true);
	snapshot_json_save(snapshot, list, &writer);
	stream = fmemopen(out.buffer, out.used, "r");
	is_int(snapshot_json_load(stream, &again, &error), 0, "%s: is read", name);
	fclose(stream);
	is_int(again ? again->n_sockets : 0, snapshot->n_sockets, "%s: with its sockets", name);
	snapshot_free(again);
	out_char(&out, '\0');
	start = strstr(out.buffer, "\n  \"findings\"");
	out_init(&members, -1);
	if (ok(start != NULL, "%s: has findings", name))
		out_string(&members, start + 1);
	compare(name, &members);
	out_done(&members);
	out_done(&out);
}

static void failure(void)
{
	struct out out;

	out_init(&out, -1);
	plugin_write_failure("no|thing\nwas read", &out);
	out_char(&out, '\0');
	is_str(out.buffer, "PORTSHARE UNKNOWN - no/thing was read\n", "plugin: a failure");
	out_done(&out);
}

int main(void)
{
	struct snapshot *snapshot = make(), *empty = snapshot_new();
	struct finding_list list = { .items = NULL }, none = { .items = NULL };

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip_all("there is no locale C.UTF-8");
	fill(&list);
	text("text", snapshot, &list, 60, false);
	text("text-color", snapshot, &list, 100, true);
	text("text-none", empty, &none, 80, false);
	plugin("plugin-critical", snapshot, &list, PLUGIN_CRITICAL);
	plugin("plugin-unknown", snapshot, &list, PLUGIN_UNKNOWN);
	plugin("plugin-below", snapshot, &list, PLUGIN_OK);
	prometheus("prometheus", snapshot, &list, PLUGIN_CRITICAL);
	json("json", snapshot, &list);
	json("json-null", snapshot, NULL);
	snapshot_add_limit(snapshot, "owners", "EACCES", 3,
			   "the owners of 3 | sockets are\nhidden");
	snapshot_add_limit(snapshot, "reuse", "EACCES", 3, "flags \033[2J are hidden");
	snapshot_add_limit(snapshot, "processes", "ESRCH", 4, "a process ended meanwhile");
	text("text-limits", snapshot, &none, 60, false);
	plugin("plugin-ok", snapshot, &none, PLUGIN_OK);
	prometheus("prometheus-none", snapshot, &none, PLUGIN_UNKNOWN);
	failure();
	finding_list_done(&list);
	snapshot_free(snapshot);
	snapshot_free(empty);
	return done_testing();
}

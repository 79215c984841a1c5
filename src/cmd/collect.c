/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/collect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/infer.h"
#include "analysis/words.h"
#include "model/snapshot-json.h"
#include "output/finding-text.h"
#include "output/limit-text.h"
#include "source/source.h"
#include "util/escape.h"
#include "util/xalloc.h"

/* "portshare: KIND WHAT: WHY", with what comes from outside made safe. */
static void complain(const char *kind, const char *what, const char *why)
{
	struct out out;

	out_init(&out, STDERR_FILENO);
	out_printf(&out, "portshare: %s ", kind);
	escape_append(&out, ESCAPE_TERMINAL, what, strlen(what));
	out_string(&out, ": ");
	escape_append(&out, ESCAPE_TERMINAL, why, strlen(why));
	out_char(&out, '\n');
	out_flush(&out);
	out_done(&out);
}

static struct snapshot *load(const char *path)
{
	struct snapshot_json_error error = { .text = "" };
	struct snapshot *snapshot = NULL;
	FILE *stream = strcmp(path, "-") ? fopen(path, "re") : stdin;
	int status;

	if (!stream) {
		complain("cannot open", path, strerror(errno));
		return NULL;
	}
	status = snapshot_json_load(stream, &snapshot, &error);
	if (stream != stdin)
		fclose(stream);
	if (status)
		complain("cannot read", strcmp(path, "-") ? path : "standard input",
			 *error.text ? error.text : strerror(-status));
	return snapshot;
}

/*
 * What decides about others is read too: for who shares a port everything on it, and for the reuse
 * flags that are inferred all that is bound, which is little.
 */
static void widen(const struct filter *filter, struct collect_request *request)
{
	const uint32_t bound = 1U << STATE_LISTEN | 1U << STATE_BOUND;
	const uint32_t one_bucket = 1U << PROTOCOL_TCP | 1U << PROTOCOL_MPTCP;

	if (filter->listening && !filter->shared)
		request->states &= bound;
	if (filter->shared)
		request->states = (1U << N_STATES) - 1;
	if (request->states & bound) {
		request->states |= bound;
		request->inet = true;
		request->inet6 = true;
	}
	if (request->protocols & one_bucket)
		request->protocols |= one_bucket;
}

/* Why there is no such namespace: the names of errors say nothing of it. */
static const char *why_no_netns(const char *name, int error)
{
	if (error == EINVAL)
		return "this is no network namespace";
	if (error != ENOENT || strchr(name, '/'))
		return strerror(error);
	if (!name[strspn(name, "0123456789")])
		return "there is no such process, nor such a name in /run/netns";
	return "there is no such name in /run/netns";
}

static struct snapshot *collect(const struct options *options, uint32_t want)
{
	const struct filter *filter = &options->filter;
	struct port_range *ports = xcalloc(filter->n_selectors, sizeof(*ports));
	struct collect_request request = {
		.want = want,
		.protocols = filter->protocols,
		.states = filter->states,
		.inet = filter->inet,
		.inet6 = filter->inet6,
		.no_bpf = options->no_bpf,
		.all_netns = options->all_netns,
		.netns = options->netns,
		.ports = ports,
		.n_ports = filter->n_selectors,
	};
	struct snapshot *snapshot = NULL;
	const char *failed = "sockets";
	uint32_t i, selected = 0;
	int status;

	for (i = 0; i < filter->n_selectors; i++) {
		ports[i].first = filter->selectors[i].first_port;
		ports[i].last = filter->selectors[i].last_port;
		selected |= filter->selectors[i].protocols;
	}
	if (filter->n_selectors)
		request.protocols &= selected;
	widen(filter, &request);
	status = snapshot_collect(&request, &snapshot, &failed);
	if (status && options->netns)
		complain("network namespace", failed, why_no_netns(failed, -status));
	else if (status)
		complain("cannot list", failed, strerror(-status));
	free(ports);
	return snapshot;
}

struct snapshot *collect_snapshot(const struct options *options, uint32_t want)
{
	struct snapshot *snapshot;

	snapshot = options->from ? load(options->from) : collect(options, want);
	if (snapshot)
		infer_reuse(snapshot);
	return snapshot;
}

void collect_limits_text(const struct snapshot *snapshot, struct out *out)
{
	char *text = limit_texts(snapshot);

	escape_append(out, ESCAPE_TERMINAL, text, strlen(text));
	free(text);
}

void collect_report_limits(const struct snapshot *snapshot)
{
	struct out out;

	if (!snapshot->n_limits)
		return;
	out_init(&out, STDERR_FILENO);
	out_string(&out, "portshare: ");
	collect_limits_text(snapshot, &out);
	out_char(&out, '\n');
	out_flush(&out);
	out_done(&out);
}

void collect_write_origin(const struct options *options, const struct snapshot *snapshot,
			  uint32_t width, struct out *out)
{
	const char *host = snapshot_text(snapshot, snapshot->host);
	int64_t taken = snapshot->end_ns ? snapshot->end_ns : snapshot->start_ns;
	char *moment, *words;

	if (!options->from || (!host && !taken))
		return;
	moment = taken ? words_moment(taken) : xstrdup("");
	words = xasprintf("%snapshot%s%s%s%s%s", width ? "S" : "s", host ? " of " : "",
			  host ? host : "", taken ? " taken " : "", moment,
			  !width ? "" :
			  taken	 ? ". Times left are counted from then." :
				   ".");
	if (width) {
		finding_text_fill("", words, width, out);
	} else {
		out_string(out, "portshare: ");
		escape_append(out, ESCAPE_TERMINAL, words, strlen(words));
	}
	out_char(out, '\n');
	free(moment);
	free(words);
}

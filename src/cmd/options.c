/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/command.h"
#include "output/columns.h"
#include "util/escape.h"
#include "util/xalloc.h"

/* Options without a letter. */
enum long_option {
	OPTION_PID = 256,
	OPTION_PROCESS,
	OPTION_USER,
	OPTION_UNIT,
	OPTION_SHARED,
	OPTION_NETNS,
	OPTION_JSON_LINES,
	OPTION_RAW,
	OPTION_COLOR,
	OPTION_FROM,
	OPTION_NO_BPF,
};

struct option_text {
	int code; /* a letter, or enum long_option */
	const char *name; /* NULL: has a letter only */
	const char *argument; /* NULL: takes none */
	const char *help;
	const char *heading; /* printed above, where a group begins */
};

static const struct option_text option_texts[] = {
	{ 't', "tcp", NULL, "TCP (and MPTCP) only", "What to show:" },
	{ 'u', "udp", NULL, "UDP (and UDP-Lite) only; with -t both", NULL },
	{ '4', "ipv4", NULL, "IPv4 sockets only", NULL },
	{ '6', "ipv6", NULL, "IPv6 sockets only", NULL },
	{ 'l', "listening", NULL, "listening TCP and unconnected UDP sockets only", NULL },
	{ 's', "state", "LIST", "these states only, e.g. listen,time-wait", NULL },
	{ OPTION_SHARED, "shared", NULL, "ports that several sockets or processes serve", NULL },
	{ OPTION_PID, "pid", "PID", "sockets that this process holds", NULL },
	{ OPTION_PROCESS, "process", "NAME", "sockets of processes of this name (a pattern)", NULL },
	{ OPTION_USER, "user", "USER", "sockets of this user (name or number)", NULL },
	{ OPTION_UNIT, "unit", "NAME", "sockets of this systemd unit (a pattern)", NULL },
	{ 'a', "all", NULL, "a row for every socket, nothing folded", NULL },
	{ OPTION_NETNS, "netns", "NAME", "another network namespace: NAME, PID or PATH",
	  "Where to look:" },
	{ 'A', "all-netns", NULL, "every network namespace that can be found", NULL },
	{ OPTION_FROM, "from", "FILE", "a snapshot written by --json, - for stdin", NULL },
	{ OPTION_NO_BPF, "no-bpf", NULL, "load no BPF programs, read /proc instead", NULL },
	{ 'o', "output", "COLUMNS", "these columns; +COLUMN adds one; help lists them",
	  "How to show it:" },
	{ 'J', "json", NULL, "the whole snapshot as JSON", NULL },
	{ OPTION_JSON_LINES, "json-lines", NULL, "one JSON object a line for each socket", NULL },
	{ OPTION_RAW, "raw", NULL, "a row for each socket, fields separated by one blank", NULL },
	{ 'H', "no-header", NULL, "no line of column names", NULL },
	{ 'n', "numeric", NULL, "numbers instead of user names", NULL },
	{ OPTION_COLOR, "color", "WHEN", "auto, always or never", NULL },
	{ 'p', NULL, NULL, "accepted for the habit's sake: owners are always shown", NULL },
	{ 'h', "help", NULL, "this text", NULL },
	{ 'V', "version", NULL, "the version", NULL },
};

#define N_OPTIONS ARRAY_SIZE(option_texts)

/* One sentence on stderr. What comes from the user is escaped before it reaches the terminal. */
static bool usage_error(const char *what, const char *quoted, const char *expected)
{
	struct out out;

	out_init(&out, 2);
	out_printf(&out, "portshare: %s", what);
	if (quoted) {
		out_string(&out, " \"");
		escape_append(&out, ESCAPE_TERMINAL, quoted, strlen(quoted));
		out_string(&out, "\"");
	}
	out_printf(&out, "%s%s\n", expected ? ": " : "", expected ? expected : "");
	out_flush(&out);
	out_done(&out);
	return false;
}

static void print_help(void)
{
	char name[64];
	size_t i;

	fputs("Usage: portshare [list] [OPTION]... [SELECTOR]...\n"
	      "\n"
	      "Sockets per port, with the processes that hold them, their SO_REUSEADDR and\n"
	      "SO_REUSEPORT and how these are known. A SELECTOR is\n"
	      "[tcp:|udp:][ADDRESS:]PORT[-PORT]: 8080, udp:5060, [::1]:443, https, 8000-8100.\n",
	      stdout);
	for (i = 0; i < N_OPTIONS; i++) {
		const struct option_text *text = &option_texts[i];

		if (text->heading)
			printf("\n%s\n", text->heading);
		snprintf(name, sizeof(name), "%s%s%s%s%s", text->name ? "--" : "",
			 text->name ? text->name : "", text->argument ? "=" : "",
			 text->argument ? text->argument : "", "");
		if (text->code < 256)
			printf("  -%c%s ", text->code, text->name ? "," : " ");
		else
			printf("      ");
		printf("%-20s %s\n", name, text->help);
	}
	fputs("\nExit status: 0; 1 if a selector, --pid, --process, --user or --unit matches\n"
	      "nothing; 2 on a usage error or if sockets cannot be read. Manual: portshare-list(1).\n",
	      stdout);
}

static int find_service(const char *name, uint32_t protocols)
{
	const char *protocol = protocols & 1U << PROTOCOL_TCP ? "tcp" : "udp";
	const struct servent *service = getservbyname(name, protocol);

	if (!service && protocols & 1U << PROTOCOL_UDP)
		service = getservbyname(name, "udp");
	return service ? ntohs((uint16_t)service->s_port) : -ENOENT;
}

static bool add_selector(struct options *options, const char *text)
{
	struct selector selector;
	const char *expected;

	if (selector_parse(text, find_service, &selector, &expected))
		return usage_error("cannot read the selector", text, expected);
	ARRAY_RESERVE(options->selectors, options->filter.n_selectors,
		      options->selectors_capacity);
	options->selectors[options->filter.n_selectors++] = selector;
	options->filter.selectors = options->selectors;
	return true;
}

static bool add_pid(struct options *options, const char *text)
{
	unsigned long pid;
	char *end;

	errno = 0;
	pid = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || !pid || pid > INT32_MAX)
		return usage_error("cannot read the process id", text, "expected a number from 1");
	ARRAY_RESERVE(options->pids, options->filter.n_pids, options->pids_capacity);
	options->pids[options->filter.n_pids++] = (uint32_t)pid;
	options->filter.pids = options->pids;
	return true;
}

static bool set_states(struct options *options, const char *list)
{
	char *copy = xstrdup(list), *rest = copy, *word;
	uint32_t states = 0;
	int state = 0;

	while (state >= 0 && (word = strsep(&rest, ","))) {
		state = socket_state_parse(word);
		if (state >= 0)
			states |= 1U << state;
	}
	free(copy);
	if (state < 0)
		return usage_error("cannot read the list of states", list,
				   "expected names from LISTEN, BOUND, ESTAB, SYN-SENT, SYN-RECV, "
				   "FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, LAST-ACK, CLOSING, TIME-WAIT, "
				   "separated by commas");
	options->filter.states = states;
	options->states_named = true;
	return true;
}

static bool set_color(struct options *options, const char *when)
{
	if (!strcmp(when, "auto"))
		options->color = COLOR_AUTO;
	else if (!strcmp(when, "always"))
		options->color = COLOR_ALWAYS;
	else if (!strcmp(when, "never"))
		options->color = COLOR_NEVER;
	else
		return usage_error("cannot read the colour mode", when,
				   "expected auto, always or never");
	return true;
}

static bool apply(struct options *options, int code, const char *argument)
{
	struct filter *filter = &options->filter;

	switch (code) {
	case 'l':
		filter->listening = true;
		break;
	case 's':
		return set_states(options, argument);
	case OPTION_SHARED:
		filter->shared = true;
		break;
	case OPTION_PID:
		return add_pid(options, argument);
	case OPTION_PROCESS:
		filter->process = argument;
		break;
	case OPTION_USER:
		filter->user = argument;
		break;
	case OPTION_UNIT:
		filter->unit = argument;
		break;
	case 'a':
		options->all = true;
		break;
	case OPTION_NETNS:
		options->netns = argument;
		break;
	case 'A':
		options->all_netns = true;
		break;
	case OPTION_FROM:
		options->from = argument;
		break;
	case OPTION_NO_BPF:
		options->no_bpf = true;
		break;
	case 'o':
		options->columns = argument;
		break;
	case 'J':
		options->json = true;
		break;
	case OPTION_JSON_LINES:
		options->json_lines = true;
		break;
	case OPTION_RAW:
		options->raw = true;
		break;
	case 'H':
		options->no_header = true;
		break;
	case 'n':
		options->numeric = true;
		break;
	case OPTION_COLOR:
		return set_color(options, argument);
	}
	return true;
}

/* What getopt_long(3) wants, made from the one table. */
static void make_getopt(struct option longs[N_OPTIONS + 1], char shorts[2 * N_OPTIONS + 2])
{
	struct option *option = longs;
	char *letter = shorts;
	size_t i;

	*letter++ = ':';
	for (i = 0; i < N_OPTIONS; i++) {
		const struct option_text *text = &option_texts[i];

		if (text->code < 256) {
			*letter++ = (char)text->code;
			if (text->argument)
				*letter++ = ':';
		}
		if (text->name)
			*option++ = (struct option){
				.name = text->name,
				.has_arg = text->argument ? required_argument : no_argument,
				.val = text->code,
			};
	}
	*letter = '\0';
	*option = (struct option){ 0 };
}

static bool check(const struct options *options)
{
	if (options->json + options->json_lines + options->raw > 1)
		return usage_error("--json, --json-lines and --raw exclude each other", NULL, NULL);
	if (options->columns && (options->json || options->json_lines))
		return usage_error("--output chooses columns of text; JSON always has every member",
				   NULL, NULL);
	if (options->netns && options->all_netns)
		return usage_error("--netns and --all-netns exclude each other", NULL, NULL);
	if (options->from && (options->netns || options->all_netns))
		return usage_error("--from reads a file, it cannot look into a namespace", NULL,
				   NULL);
	return true;
}

bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status)
{
	struct options *options = ret_options;
	struct option longs[N_OPTIONS + 1];
	char shorts[2 * N_OPTIONS + 2];
	uint32_t protocols = 0;
	bool inet = false, inet6 = false;
	int code;

	*options = (struct options){ 0 };
	filter_init(&options->filter);
	make_getopt(longs, shorts);
	*ret_status = EXIT_TROUBLE;
	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		switch (code) {
		case 't':
			protocols |= 1U << PROTOCOL_TCP | 1U << PROTOCOL_MPTCP;
			break;
		case 'u':
			protocols |= 1U << PROTOCOL_UDP | 1U << PROTOCOL_UDPLITE;
			break;
		case '4':
			inet = true;
			break;
		case '6':
			inet6 = true;
			break;
		case 'h':
			print_help();
			*ret_status = fflush(stdout) ? EXIT_TROUBLE : EXIT_OK;
			return false;
		case 'V':
			puts("portshare " PACKAGE_VERSION);
			*ret_status = fflush(stdout) ? EXIT_TROUBLE : EXIT_OK;
			return false;
		case '?':
			return usage_error("unknown option", argv[optind - 1],
					   "see portshare --help");
		case ':':
			return usage_error("an argument is missing after", argv[optind - 1],
					   "see portshare --help");
		default:
			if (!apply(options, code, optarg))
				return false;
		}
	}
	for (; optind < argc; optind++) {
		if (!add_selector(options, argv[optind]))
			return false;
	}
	if (options->columns && !strcmp(options->columns, "help")) {
		columns_print_help();
		*ret_status = fflush(stdout) ? EXIT_TROUBLE : EXIT_OK;
		return false;
	}
	if (protocols)
		options->filter.protocols = protocols;
	if (inet || inet6) {
		options->filter.inet = inet;
		options->filter.inet6 = inet6;
	}
	return check(options);
}

void options_done(struct options *options)
{
	free(options->selectors);
	free(options->pids);
}

bool options_name_something(const struct options *options)
{
	const struct filter *filter = &options->filter;

	return filter->n_selectors || filter->n_pids || filter->process || filter->user ||
	       filter->unit;
}

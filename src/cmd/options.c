/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <netdb.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "source/netns.h"
#include "util/escape.h"
#include "util/xalloc.h"

/* Common options without a letter. */
enum long_option {
	OPTION_PID = 256,
	OPTION_PROCESS,
	OPTION_USER,
	OPTION_UNIT,
	OPTION_SHARED,
	OPTION_NETNS,
	OPTION_COLOR,
	OPTION_FROM,
	OPTION_NO_BPF,
	OPTION_ADDRESS,
	OPTION_DEVICE,
	OPTION_AS,
	OPTION_REUSEADDR,
	OPTION_REUSEPORT,
	OPTION_V6ONLY,
};

/* What sockets to look at. */
static const struct option_text common_filters[] = {
	{ 't', "tcp", NULL, "TCP (and MPTCP) only", "What to show:" },
	{ 'u', "udp", NULL, "UDP (and UDP-Lite) only; with -t both", NULL },
	{ '4', "ipv4", NULL, "IPv4 sockets only", NULL },
	{ '6', "ipv6", NULL, "IPv6 sockets only", NULL },
	{ 'l', "listening", NULL, "listening TCP and unconnected UDP sockets only", NULL },
	{ 's', "state", "LIST", "these states only, e.g. listen,time-wait", NULL },
	{ OPTION_SHARED, "shared", NULL, "ports that several sockets or processes serve", NULL },
	{ OPTION_PID, "pid", "PID", "sockets that this process holds", NULL },
	{ OPTION_PROCESS, "process", "NAME", "sockets of this process name or script (a pattern)",
	  NULL },
	{ OPTION_USER, "user", "USER", "sockets of this user (name or number)", NULL },
	{ OPTION_UNIT, "unit", "NAME", "sockets of this systemd unit (a pattern)", NULL },
	{ 'p', NULL, NULL, "accepted for the habit's sake: owners are always shown", NULL },
	{ 'A', "all-netns", NULL, "every network namespace that can be found", "Where to look:" },
};

/* What bind is wanted: in place of the filters. */
static const struct option_text common_bind[] = {
	{ 't', "tcp", NULL, "TCP, which is what a port without a prefix means", "The bind:" },
	{ 'u', "udp", NULL, "UDP", NULL },
	{ '4', "ipv4", NULL, "IPv4: 0.0.0.0 where no address is given", NULL },
	{ '6', "ipv6", NULL, "IPv6: :: where no address is given", NULL },
	{ OPTION_REUSEADDR, "reuseaddr", NULL, "with SO_REUSEADDR", NULL },
	{ OPTION_REUSEPORT, "reuseport", NULL, "with SO_REUSEPORT", NULL },
	{ OPTION_V6ONLY, "v6only", NULL, "with IPV6_V6ONLY", NULL },
	{ OPTION_ADDRESS, "address", "ADDRESS", "to this address", NULL },
	{ OPTION_DEVICE, "device", "NAME", "bound to this interface (SO_BINDTODEVICE)", NULL },
	{ OPTION_AS, "as", "USER", "by this user (name or number)", NULL },
};

/* Behind either. */
static const struct option_text common_where[] = {
	{ OPTION_NETNS, "netns", "NAME", "another network namespace: NAME, PID or PATH", NULL },
	{ OPTION_FROM, "from", "FILE", "a snapshot written by --json, - for stdin", NULL },
	{ OPTION_NO_BPF, "no-bpf", NULL, "load no BPF programs, read /proc instead", NULL },
};

static const struct option_text common_last[] = {
	{ 'J', "json", NULL, "the whole snapshot as JSON", NULL },
	{ OPTION_COLOR, "color", "WHEN", "auto, always or never", NULL },
	{ 'h', "help", NULL, "this text", NULL },
	{ 'V', "version", NULL, "the version", NULL },
};

struct option_list {
	const struct option_text *texts;
	size_t count;
};

#define N_LISTS 4

/* The tables of a command, in the order of --help. */
static void option_lists(const struct command_line *line, struct option_list lists[N_LISTS])
{
	lists[0] = line->takes_bind ?
			   (struct option_list){ common_bind, ARRAY_SIZE(common_bind) } :
			   (struct option_list){ common_filters, ARRAY_SIZE(common_filters) };
	lists[1] = (struct option_list){ common_where, ARRAY_SIZE(common_where) };
	lists[2] = (struct option_list){ line->own, line->n_own };
	lists[3] = (struct option_list){ common_last, ARRAY_SIZE(common_last) };
}

static size_t n_options(const struct command_line *line)
{
	struct option_list lists[N_LISTS];
	size_t i, n = 0;

	option_lists(line, lists);
	for (i = 0; i < N_LISTS; i++)
		n += lists[i].count;
	return n;
}

static const struct option_text *nth_option(const struct command_line *line, size_t n)
{
	struct option_list lists[N_LISTS], *list = lists;

	for (option_lists(line, lists); n >= list->count; list++)
		n -= list->count;
	return &list->texts[n];
}

bool options_error(const char *what, const char *quoted, const char *expected)
{
	struct out out;

	out_init(&out, STDERR_FILENO);
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

/* What a command says of a common option in words of its own. */
static const char *help_of(const struct command_line *line, const struct option_text *text)
{
	if (text->code == 'J' && line->json_help)
		return line->json_help;
	if (text->code == OPTION_FROM && line->from_help)
		return line->from_help;
	return text->help;
}

static void print_help(const struct command_line *line)
{
	char name[64];
	size_t i;

	fputs(line->usage, stdout);
	for (i = 0; line->lists_commands && commands[i].name; i++)
		printf("  %-9s %s\n", commands[i].name, commands[i].summary);
	for (i = 0; i < n_options(line); i++) {
		const struct option_text *text = nth_option(line, i);

		if (text->heading)
			printf("\n%s\n", text->heading);
		snprintf(name, sizeof(name), "%s%s%s%s", text->name ? "--" : "",
			 text->name ? text->name : "", text->argument ? "=" : "",
			 text->argument ? text->argument : "");
		if (text->code < 256)
			printf("  -%c%s ", text->code, text->name ? "," : " ");
		else
			printf("      ");
		printf("%-20s %s\n", name, help_of(line, text));
	}
	printf("\n%s", line->status);
}

int options_service(const char *name, uint32_t protocols)
{
	const char *protocol = protocols & 1U << PROTOCOL_TCP ? "tcp" : "udp";
	const struct servent *service = getservbyname(name, protocol);

	if (!service && protocols & 1U << PROTOCOL_UDP)
		service = getservbyname(name, "udp");
	return service ? ntohs((uint16_t)service->s_port) : -ENOENT;
}

bool options_selector(const char *text, struct selector *ret_selector)
{
	const char *expected;

	if (selector_parse(text, options_service, ret_selector, &expected))
		return options_error("cannot read the selector", text, expected);
	return true;
}

/* Without a command a word is a selector, though it may have been meant as a command. */
static bool refuse_selector(const struct command_line *line, const char *text, const char *expected)
{
	struct out hint;
	size_t i;

	out_init(&hint, -1);
	out_string(&hint, expected);
	if (line->lists_commands && isalpha((unsigned char)*text) && !strchr(text, ':')) {
		out_string(&hint, "; or one of the commands");
		for (i = 0; commands[i].name; i++)
			out_printf(&hint, "%s %s", i ? "," : "", commands[i].name);
	}
	out_char(&hint, '\0');
	options_error("cannot read the selector", text, hint.buffer);
	out_done(&hint);
	return false;
}

static bool add_selector(const struct command_line *line, struct options *options, const char *text)
{
	struct selector selector;
	const char *expected;

	if (line->takes_bind) {
		if (options->filter.n_selectors)
			return options_error("one bind is asked for at a time, this is a second",
					     text, line->more);
		if (selector_parse_bind(text, options_service, &selector, &expected))
			return options_error("cannot read the bind", text, expected);
	} else if (selector_parse(text, options_service, &selector, &expected)) {
		return refuse_selector(line, text, expected);
	}
	ARRAY_RESERVE(options->selectors, options->filter.n_selectors, options->selectors_capacity);
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
		return options_error("cannot read the process id", text,
				     "expected a number from 1 to 2147483647");
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
		return options_error(
			"cannot read the list of states", list,
			"expected names from LISTEN, BOUND, ESTAB, SYN-SENT, SYN-RECV, "
			"FIN-WAIT-1, FIN-WAIT-2, CLOSE-WAIT, LAST-ACK, CLOSING, TIME-WAIT, "
			"separated by commas");
	options->filter.states = states;
	options->states_named = true;
	return true;
}

bool options_color(const char *when, enum color_when *ret_color)
{
	if (!strcmp(when, "auto"))
		*ret_color = COLOR_AUTO;
	else if (!strcmp(when, "always"))
		*ret_color = COLOR_ALWAYS;
	else if (!strcmp(when, "never"))
		*ret_color = COLOR_NEVER;
	else
		return options_error("cannot read the colour mode", when,
				     "expected auto, always or never");
	return true;
}

bool options_uid(const char *user, uint32_t *ret_uid)
{
	const struct passwd *entry;
	unsigned long uid;
	char *end;

	if (user[strspn(user, "0123456789")]) {
		entry = getpwnam(user);
		if (!entry)
			return options_error("there is no user", user, NULL);
		*ret_uid = entry->pw_uid;
		return true;
	}
	errno = 0;
	uid = strtoul(user, &end, 10);
	/* The last one is the kernel's word for none. */
	if (end == user || errno || uid >= UINT32_MAX)
		return options_error("cannot read the user", user,
				     "expected a name, or a number up to 4294967294");
	*ret_uid = (uint32_t)uid;
	return true;
}

static bool set_once(const char **value, const char *argument, const char *option)
{
	if (*value)
		return options_error("this option can be given once only", option, NULL);
	*value = argument;
	return true;
}

static bool choose_netns(struct options *options, const char *argument)
{
	const char *wanted = options->netns ? options->netns->wanted : NULL;

	if (!*argument)
		return options_error("the name of a network namespace is missing", NULL,
				     "expected NAME, PID or PATH");
	if (!set_once(&wanted, argument, "--netns"))
		return false;
	options->netns = xmalloc(sizeof(*options->netns));
	netns_choice_init(options->netns, wanted);
	return true;
}

/* Of common_bind. Returns false after options_error(). */
static bool apply_bind(struct bind_options *bind, int code, const char *argument)
{
	switch (code) {
	case OPTION_ADDRESS:
		return set_once(&bind->address, argument, "--address");
	case OPTION_DEVICE:
		if (!*argument || strlen(argument) >= IFNAMSIZ)
			return options_error("no interface can be called", argument, NULL);
		return set_once(&bind->device, argument, "--device");
	case OPTION_AS:
		return set_once(&bind->user, argument, "--as");
	case OPTION_REUSEADDR:
		bind->reuse_addr = true;
		break;
	case OPTION_REUSEPORT:
		bind->reuse_port = true;
		break;
	case OPTION_V6ONLY:
		bind->v6only = true;
		break;
	}
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
		return set_once(&filter->process, argument, "--process");
	case OPTION_USER:
		return set_once(&filter->user, argument, "--user");
	case OPTION_UNIT:
		return set_once(&filter->unit, argument, "--unit");
	case OPTION_NETNS:
		return choose_netns(options, argument);
	case 'A':
		options->all_netns = true;
		break;
	case OPTION_FROM:
		return set_once(&options->from, argument, "--from");
	case OPTION_NO_BPF:
		options->no_bpf = true;
		break;
	case 'J':
		options->json = true;
		break;
	case OPTION_COLOR:
		return options_color(argument, &options->color);
	default:
		return apply_bind(&options->bind, code, argument);
	}
	return true;
}

/* What getopt_long(3) wants, made from the tables. Both are freed by the caller. */
static void make_getopt(const struct command_line *line, struct option **ret_longs,
			char **ret_shorts)
{
	struct option *option = xcalloc(n_options(line) + 1, sizeof(*option));
	char *letter = xcalloc(n_options(line) + 1, 2);
	size_t i;

	*ret_longs = option;
	*ret_shorts = letter;
	*letter++ = ':';
	for (i = 0; i < n_options(line); i++) {
		const struct option_text *text = nth_option(line, i);

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
}

static bool is_own(const struct command_line *line, int code)
{
	size_t i;

	for (i = 0; i < line->n_own; i++)
		if (line->own[i].code == code)
			return true;
	return false;
}

/* In a snapshot of another machine there may be users that are unknown here. */
static bool is_user(const struct options *options)
{
	const char *user = options->filter.user;
	uint32_t uid;

	if (user && !user[strspn(user, "0123456789")])
		return options_uid(user, &uid);
	if (!user || options->from || getpwnam(user))
		return true;
	return options_error("there is no user", user, NULL);
}

static bool check(const struct options *options)
{
	if (!is_user(options))
		return false;
	if (options->netns && options->all_netns)
		return options_error("--netns and --all-netns exclude each other", NULL, NULL);
	if (options->from && (options->netns || options->all_netns))
		return options_error("--from reads a file, it cannot look into a namespace", NULL,
				     NULL);
	return true;
}

/* Whose options there are is said by its own --help; list's is that without a command. */
static bool refer_to_help(const struct command_line *line, const char *name, const char *what,
			  const char *quoted)
{
	char *see = line->lists_commands ?
			    xstrdup("see portshare --help") :
			    xasprintf("%s%ssee portshare %s --help", line->more ? line->more : "",
				      line->more ? "; " : "", name);

	options_error(what, quoted, see);
	free(see);
	return false;
}

/* What a beginning of a name may mean, if that is several: "--reuseaddr or --reuseport". */
static char *meanings(const struct command_line *line, const char *argument)
{
	size_t length = strcspn(argument, "="), i, n = 0;
	char *text = NULL, *longer;

	for (i = 0; i < n_options(line); i++) {
		const char *name = nth_option(line, i)->name;

		if (length <= 2 || !name || strncmp(argument, "--", 2) != 0 ||
		    strncmp(name, argument + 2, length - 2) != 0)
			continue;
		longer = xasprintf("%s%s--%s", text ? text : "", text ? " or " : "", name);
		free(text);
		text = longer;
		n++;
	}
	if (n > 1)
		return text;
	free(text);
	return NULL;
}

/* Within a cluster of letters getopt_long(3) has not moved on: the letter itself tells. */
static bool unknown_option(const struct command_line *line, const char *name, const char *argument)
{
	char letter[] = { '-', (char)optopt, '\0' };
	char *several = optopt ? NULL : meanings(line, argument);

	if (several) {
		options_error("this option is ambiguous", argument, several);
		free(several);
		return false;
	}
	if (optopt >= 256 || (optopt && strchr(argument, '=')))
		return options_error("this option takes no argument", argument, NULL);
	return refer_to_help(line, name, "unknown option", optopt ? letter : argument);
}

int options_answered(int trouble)
{
	if (!fflush(stdout))
		return EXIT_OK;
	options_error("cannot write to standard output", NULL, strerror(errno));
	return trouble;
}

/* Returns false when the command line has been answered or is wrong. */
static bool read_options(int argc, char **argv, const struct command_line *line,
			 struct options *options, int *ret_status)
{
	uint32_t protocols = 0;
	bool inet = false, inet6 = false, good = true;
	struct option *longs;
	char *shorts;
	int code;

	make_getopt(line, &longs, &shorts);
	opterr = 0;
	optind = 1;
	while (good && (code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (is_own(line, code)) {
			good = line->take(line->user, code, optarg);
			continue;
		}
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
			print_help(line);
			*ret_status = options_answered(line->trouble);
			good = false;
			break;
		case 'V':
			puts("portshare " PACKAGE_VERSION);
			*ret_status = options_answered(line->trouble);
			good = false;
			break;
		case '?':
			good = unknown_option(line, argv[0], argv[optind - 1]);
			break;
		case ':':
			good = refer_to_help(line, argv[0], "an argument is missing after",
					     argv[optind - 1]);
			break;
		default:
			good = apply(options, code, optarg);
		}
	}
	free(longs);
	free(shorts);
	for (; good && optind < argc; optind++)
		good = add_selector(line, options, argv[optind]);
	if (good && line->takes_bind && (protocols & 1U << PROTOCOL_TCP) &&
	    (protocols & 1U << PROTOCOL_UDP))
		good = options_error("a bind has one protocol: -t or -u, not both", NULL, NULL);
	if (good && line->takes_bind && inet && inet6)
		good = options_error("a bind has one family: -4 or -6, not both", NULL, NULL);
	if (protocols)
		options->filter.protocols = protocols;
	if (inet || inet6) {
		options->filter.inet = inet;
		options->filter.inet6 = inet6;
	}
	return good;
}

bool options_parse(int argc, char **argv, const struct command_line *line,
		   struct options *ret_options, int *ret_status)
{
	*ret_options = (struct options){ 0 };
	filter_init(&ret_options->filter);
	*ret_status = line->trouble;
	return read_options(argc, argv, line, ret_options, ret_status) && check(ret_options);
}

void options_done(struct options *options)
{
	if (options->netns)
		netns_choice_done(options->netns);
	free(options->netns);
	free(options->selectors);
	free(options->pids);
}

bool options_name_something(const struct options *options)
{
	const struct filter *filter = &options->filter;

	return filter->n_selectors || filter->n_pids || filter->process || filter->user ||
	       filter->unit;
}

static void add_word(char **text, const char *option, const char *word)
{
	char *longer = xasprintf("%s%s%s%s", *text ? *text : "", *text ? ", " : "", option, word);

	free(*text);
	*text = longer;
}

void options_add_port(char **text, const struct selector *selector)
{
	char *word = selector_format(selector);

	add_word(text, "", word);
	free(word);
}

void options_add_owners(char **text, const struct options *options)
{
	const struct filter *filter = &options->filter;
	char pid[16];
	uint32_t i;

	for (i = 0; i < filter->n_pids; i++) {
		snprintf(pid, sizeof(pid), "%u", filter->pids[i]);
		add_word(text, "--pid ", pid);
	}
	if (filter->process)
		add_word(text, "--process ", filter->process);
	if (filter->user)
		add_word(text, "--user ", filter->user);
	if (filter->unit)
		add_word(text, "--unit ", filter->unit);
}

enum snapshot_part options_part(const struct options *options)
{
	const struct filter *filter = &options->filter;
	struct filter all;
	uint32_t i;

	filter_init(&all);
	if (!options_narrow(options))
		return PART_WHOLE;
	for (i = 0; i < filter->n_selectors; i++)
		if (filter->selectors[i].has_address)
			return PART_SOCKETS;
	return filter->listening || filter->n_pids || filter->process || filter->user ||
			       filter->unit || filter->states != all.states || !filter->inet ||
			       !filter->inet6 ?
		       PART_SOCKETS :
		       PART_PORTS;
}

bool options_narrow(const struct options *options)
{
	struct filter all;

	filter_init(&all);
	return options_name_something(options) || options->filter.listening ||
	       options->filter.shared || options->filter.protocols != all.protocols ||
	       options->filter.states != all.states || !options->filter.inet ||
	       !options->filter.inet6;
}

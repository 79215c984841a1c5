/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "output/color.h"

struct netns_choice; /* source/netns.h */

/* The bind that probe and wait ask for, besides its one selector. */
struct bind_options {
	const char *address; /* --address; NULL: that of the selector, or the wildcard */
	const char *device; /* NULL: none */
	const char *user; /* --as: name or number; NULL: the caller */
	bool reuse_addr, reuse_port;
	bool v6only; /* asked for; else as the namespace has it */
};

/* The options that every command takes, and the selectors. */
struct options {
	struct filter filter; /* points into the arrays below */
	struct selector *selectors;
	uint32_t selectors_capacity;
	uint32_t *pids;
	uint32_t pids_capacity;
	struct netns_choice *netns; /* NULL: the caller's own */
	const char *from; /* snapshot file, "-" = stdin; NULL: the kernel */
	enum color_when color;
	bool states_named; /* -s was given */
	bool all_netns;
	bool json;
	bool no_bpf;
	struct bind_options bind;
};

/* An option as --help, getopt_long(3) and its command see it. */
struct option_text {
	int code; /* a letter, or from OPTION_OWN on */
	const char *name; /* NULL: has a letter only */
	const char *argument; /* NULL: takes none */
	const char *help;
	const char *heading; /* printed above, where a group begins */
};

/* Codes of options without a letter: those of commands begin here. */
#define OPTION_OWN 512

/* What a command adds to the common options. */
struct command_line {
	const char *usage; /* the paragraphs that begin --help */
	bool lists_commands; /* and after them all commands */
	/* One selector and struct bind_options, instead of selectors and filters. */
	bool takes_bind;
	const char *more; /* how to write what may be meant by more than it takes; NULL: nothing */
	const char *status; /* those that end it */
	const char *json_help; /* of --json; NULL: as of list and check */
	const char *from_help; /* of --from; NULL: as of most */
	const struct option_text *own;
	size_t n_own;
	int trouble; /* exit status of a usage error */
	/* Take one of its own options. Returns false after options_error(). */
	bool (*take)(void *user, int code, const char *argument);
	void *user;
};

/*
 * Read a command line, argv[0] being the command's name. Returns true if the command shall go on;
 * else *ret_status is the exit status, and --help or --version was answered on stdout, or what is
 * wrong said on stderr. Strings point into argv. Free with options_done() in both cases.
 */
bool options_parse(int argc, char **argv, const struct command_line *line,
		   struct options *ret_options, int *ret_status);
void options_done(struct options *options);

/*
 * Say on stderr, in one sentence, what is wrong with what the user gave (quoted, escaped; may be
 * NULL) and what was expected (may be NULL). Returns false.
 */
bool options_error(const char *what, const char *quoted, const char *expected);

/*
 * Flush stdout after --help and the like. Returns the exit status: 0, or trouble after
 * options_error().
 */
int options_answered(int trouble);

/* auto, always or never. Returns false after options_error(). */
bool options_color(const char *when, enum color_when *ret_color);

/*
 * The port of a service by its name, of TCP if the protocols (1U << enum protocol) have that and it
 * has one there, else of UDP; or -ENOENT. A selector_service.
 */
int options_service(const char *name, uint32_t protocols);

/* Read a selector, with names of services. Returns false after options_error(). */
bool options_selector(const char *text, struct selector *ret_selector);

/* The uid of a user, by name or number. Returns false after options_error(). */
bool options_uid(const char *user, uint32_t *ret_uid);

/* Whether something was named that may be missing: a port, process, user or unit. */
bool options_name_something(const struct options *options);

/*
 * What was named, as words of a list: one port, and all that holders were asked for by, as
 * "--pid 12, --process nginx". Appended to *text, which is malloc'ed, or NULL as long as it is
 * empty.
 */
void options_add_port(char **text, const struct selector *selector);
void options_add_owners(char **text, const struct options *options);

/* What is left of a snapshot by the filter: whole ports, or some sockets of a port. */
enum snapshot_part options_part(const struct options *options);

/* Whether the filter leaves anything out. */
bool options_narrow(const struct options *options);

#endif

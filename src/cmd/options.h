/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_OPTIONS_H
#define CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/filter.h"
#include "output/color.h"

/* The options that every command takes, and the selectors. */

struct options {
	struct filter filter; /* points into the arrays below */
	struct selector *selectors;
	uint32_t selectors_capacity;
	uint32_t *pids;
	uint32_t pids_capacity;
	const char *netns; /* NULL: the caller's own */
	const char *from; /* snapshot file, "-" = stdin; NULL: the kernel */
	const char *columns; /* as given with -o; NULL: the default */
	enum color_when color;
	bool states_named; /* -s was given */
	bool all_netns;
	bool all; /* a row for each socket */
	bool numeric;
	bool json;
	bool json_lines;
	bool raw;
	bool no_header;
	bool no_bpf;
};

/*
 * Read a command line, argv[0] being the command's name. Returns true if the command shall go on;
 * else *ret_status is the exit status, and --help or --version was answered on stdout, or what is
 * wrong said on stderr. Strings point into argv. Free with options_done() in both cases.
 */
bool options_parse(int argc, char **argv, struct options *ret_options, int *ret_status);
void options_done(struct options *options);

/* Whether something was named that may be missing: a port, process, user or unit. */
bool options_name_something(const struct options *options);

#endif

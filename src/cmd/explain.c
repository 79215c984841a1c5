/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/options.h"
#include "cmd/stdout-width.h"
#include "output/explain-text.h"

static void print_help(void)
{
	fputs("Usage: portshare explain [OPTION]... [ID]...\n"
	      "\n"
	      "What a finding of portshare check means, how it arises, what the kernel does, and\n"
	      "what to do in code and by operation. Without an ID: a list of all.\n"
	      "\n"
	      "      --markdown           all of them as Markdown\n"
	      "      --color=WHEN         auto, always or never\n"
	      "  -h, --help               this text\n"
	      "  -V, --version            the version\n"
	      "\n"
	      "Exit status: 0; 2 on a usage error or if it cannot be written. Manual:\n"
	      "portshare-explain(1).\n",
	      stdout);
}

static void write_all(int count, char **ids, const struct finding_text_options *options,
		      struct out *out)
{
	int i;

	if (!count)
		explain_write_list(out);
	for (i = 0; i < count; i++) {
		if (i)
			out_char(out, '\n');
		explain_write((enum finding_id)finding_parse(ids[i]), options, out);
	}
}

static int explain(int count, char **ids, bool markdown, enum color_when color)
{
	const struct finding_text_options options = {
		.width = stdout_text_width(),
		.color = color_wanted(color, STDOUT_FILENO),
	};
	struct out out;
	int i, error;

	for (i = 0; i < count; i++)
		if (finding_parse(ids[i]) < 0) {
			options_error("no finding is called", ids[i],
				      "portshare explain lists them");
			return EXIT_TROUBLE;
		}
	out_init(&out, STDOUT_FILENO);
	if (markdown)
		explain_write_markdown(&out);
	else
		write_all(count, ids, &options, &out);
	error = out_flush(&out);
	out_done(&out);
	if (!error || error == -EPIPE)
		return EXIT_OK;
	options_error("cannot write to standard output", NULL, strerror(-error));
	return EXIT_TROUBLE;
}

int command_explain(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "markdown", no_argument, NULL, 'm' },
		{ "color", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	enum color_when color = COLOR_AUTO;
	bool markdown = false;
	int code;

	opterr = 0;
	optind = 1;
	while ((code = getopt_long(argc, argv, ":hV", longs, NULL)) != -1) {
		switch (code) {
		case 'm':
			markdown = true;
			break;
		case 'c':
			if (!options_color(optarg, &color))
				return EXIT_TROUBLE;
			break;
		case 'h':
			print_help();
			return options_answered(EXIT_TROUBLE);
		case 'V':
			puts("portshare " PACKAGE_VERSION);
			return options_answered(EXIT_TROUBLE);
		case ':':
			options_error("an argument is missing after", argv[optind - 1],
				      "see portshare explain --help");
			return EXIT_TROUBLE;
		default:
			options_error("unknown option", argv[optind - 1],
				      "see portshare explain --help");
			return EXIT_TROUBLE;
		}
	}
	if (markdown && optind < argc) {
		options_error("--markdown writes all findings, it takes no", argv[optind], NULL);
		return EXIT_TROUBLE;
	}
	return explain(argc - optind, argv + optind, markdown, color);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_COMMAND_H
#define CMD_COMMAND_H

/* Exit statuses of every command that has no others of its own. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_NOTHING = 1, /* what was asked for is not there */
	EXIT_TROUBLE = 2, /* usage error, or it could not be done */
	EXIT_CANNOT_TELL = 3, /* a question that what is seen does not answer */
};

struct command {
	const char *name;
	const char *summary; /* for --help */
	/* argv[0] is the command's name. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

int command_check(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_list(int argc, char **argv);
int command_probe(int argc, char **argv);
int command_wait(int argc, char **argv);
int command_watch(int argc, char **argv);

/* All of them; ends with a name that is NULL. */
extern const struct command commands[];

#endif

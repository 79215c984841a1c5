/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <locale.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"
#include "cmd/inherited.h"

const struct command commands[] = {
	{ "list", "sockets per port; done if no command is named", command_list },
	{ "check", "ports shared by accident, stuck, or blocked for the next start",
	  command_check },
	{ "explain", "what a finding means, and what to do about it", command_explain },
	{ "probe", "could a port be bound, and if not: why, and until when", command_probe },
	{ "wait", "until a port can be bound, then run a command", command_wait },
	{ "watch", "a live view of ports, sockets and findings", command_watch },
	{ NULL, NULL, NULL },
};

int main(int argc, char **argv)
{
	static char default_name[] = "list";
	size_t i;
	int fd;

	/*
	 * A file that is opened must not become what is meant for messages. A standard stream that
	 * is closed stays one to which nothing can be written.
	 */
	do {
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
	inherited_put_aside();
	setlocale(LC_CTYPE, "");
	for (i = 0; argc > 1 && commands[i].name; i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	/* Without a command everything is for list: portshare -tulpn, portshare 8080. */
	if (argc > 0)
		argv[0] = default_name;
	return command_list(argc, argv);
}

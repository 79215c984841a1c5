/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/inherited.h"

#include <signal.h>

static struct sigaction of_children;

void inherited_put_aside(void)
{
	const struct sigaction own = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &own, &of_children);
}

void inherited_restore(void)
{
	sigaction(SIGCHLD, &of_children, NULL);
}

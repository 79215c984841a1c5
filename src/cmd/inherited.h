/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_INHERITED_H
#define CMD_INHERITED_H

/*
 * Of what the program was started with, that which it does otherwise. SIGCHLD that is ignored stays
 * so in the next program (execve(2)), and leaves no child to wait for (waitpid(2), ECHILD).
 */
void inherited_put_aside(void);

/* Put it back, for a program that is to run in place of this one. */
void inherited_restore(void);

#endif

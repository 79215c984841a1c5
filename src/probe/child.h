/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PROBE_CHILD_H
#define PROBE_CHILD_H

#include <stddef.h>
#include <stdint.h>

/*
 * What acts on the world does so in a child process: its namespaces, uid and sockets are its own,
 * and all are gone when it is, however it ends. It is killed when the thread that made it ends
 * (PR_SET_PDEATHSIG follows that, not the process): child_run() waits in it, so it can only end
 * with its process.
 */

/* Memory that a child writes and its parent reads; zeroed. NULL if there is none. */
void *child_share(size_t size);
void child_unshare(void *memory, size_t size);

/*
 * Run work() in a child and wait for it, timeout_ms at most. Of signals the child has what is
 * ignored; it catches and blocks none, whatever the caller does. The calling thread must not be
 * cancelled meanwhile. Returns 0 when work() has returned; -ETIMEDOUT, when the child was killed;
 * -ECHILD if it ended otherwise; or another -errno.
 */
int child_run(void (*work)(void *user), void *user, int timeout_ms);

/* To be called in the child after its uid has changed, which makes the kernel forget it. */
void child_die_with_parent(void);

/*
 * In the child: what is made from now on is this user's (setfsuid(2)); without the right nothing
 * happens. It still dies with its parent, which the kernel forgets at that (commit_creds()).
 */
void child_act_as(uint32_t uid);

#endif

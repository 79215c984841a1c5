/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "helpers/tap.h"
#include "probe/child.h"

#define TIMEOUT_MS 5000

static const int caught[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTERM, SIGINT };

/* What the child has, in memory that it shares. */
struct seen {
	int handled; /* how many handlers ran */
	int inherited; /* how many of the caught signals still have one */
	int blocked; /* how many of them are blocked */
	int ignores_hup;
};

static struct seen *seen;

static void handle(int number)
{
	(void)number;
	seen->handled++;
}

static void look(void *user)
{
	struct sigaction action;
	sigset_t blocked;
	size_t i;

	(void)user;
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], NULL, &action);
		seen->inherited += action.sa_handler != SIG_DFL;
		seen->blocked += sigismember(&blocked, caught[i]);
	}
	sigaction(SIGHUP, NULL, &action);
	seen->ignores_hup = action.sa_handler == SIG_IGN;
}

static void crash(void *user)
{
	(void)user;
	raise(SIGSEGV);
}

static void wait_long(void *user)
{
	(void)user;
	/* As somebody who ends it from outside. */
	kill(getpid(), SIGTERM);
	pause();
}

/* As the thread of watch that collects: every signal is another's. */
static void *run_blocked(void *user)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	*(int *)user = child_run(look, NULL, TIMEOUT_MS);
	return NULL;
}

static void test_signals(void)
{
	struct sigaction action = { .sa_handler = handle }, after;
	sigset_t before, mask;
	pthread_t thread;
	size_t i;
	int result = 1;

	seen = child_share(sizeof(*seen));
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		sigaction(caught[i], &action, NULL);
	signal(SIGHUP, SIG_IGN);
	pthread_create(&thread, NULL, run_blocked, &result);
	pthread_join(thread, NULL);
	is_int(result, 0, "a child of a thread that blocks all signals");
	is_int(seen->inherited, 0, "no handler of its parent is the child's");
	is_int(seen->blocked, 0, "no signal is blocked");
	is_int(seen->ignores_hup, 1, "what is ignored stays ignored");
	is_int(child_run(crash, NULL, TIMEOUT_MS), -ECHILD, "a child that crashes");
	is_int(child_run(wait_long, NULL, TIMEOUT_MS), -ECHILD, "a child that is ended");
	is_int(seen->handled, 0, "no handler of its parent ran in it");
	sigprocmask(SIG_SETMASK, NULL, &before);
	child_run(look, NULL, TIMEOUT_MS);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	is_int(sigismember(&mask, SIGTERM), sigismember(&before, SIGTERM),
	       "what the parent blocks is as before");
	sigaction(SIGSEGV, NULL, &after);
	ok(after.sa_handler == handle, "and so are its handlers");
	for (i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signal(caught[i], SIG_DFL);
	child_unshare(seen, sizeof(*seen));
}

int main(void)
{
	test_signals();
	return done_testing();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many sockets at one port that are bound to all addresses, each to a device of its own. */
#include "analysis/check.h"

#include <stdio.h>

#include "helpers/make-snapshot.h"
#include "helpers/tap.h"

#define N_DEVICES 40

/* Has a program of its own, and was started by none of the others. */
static void make_stranger(struct snapshot *snapshot, uint32_t pid, const char *comm)
{
	uint32_t row = make_process(snapshot, pid, comm);
	struct process *process = &snapshot->processes[row];

	process->known = PROCESS_HAS_PPID | PROCESS_HAS_EXE_FILE | PROCESS_HAS_CMDLINE;
	process->ppid = 1;
	process->exe_inode = pid;
}

static void make_on_device(struct snapshot *snapshot, const char *address, int device,
			   uint32_t owner)
{
	struct inet_socket *socket = make_socket(snapshot, PROTOCOL_UDP, STATE_BOUND, address, 67);
	char name[16];

	snprintf(name, sizeof(name), "vlan%02d", device);
	socket->device = snapshot_string(snapshot, name);
	socket->known |= SOCKET_HAS_DEVICE;
	socket->v6only = TRISTATE_NO;
	make_reuse(socket, TRISTATE_YES, TRISTATE_NO, EVIDENCE_BPF);
	make_owner(snapshot, socket, owner, device);
}

/* A relay at each device, and a stranger at one address of some of the devices. */
static void find(int first_taken, struct finding_list *list, struct snapshot **ret_snapshot)
{
	const struct check_options options = { .selectors = NULL };
	struct snapshot *snapshot = snapshot_new();
	int i;

	snapshot_add_netns(snapshot);
	make_stranger(snapshot, 900, "relay");
	make_stranger(snapshot, 901, "stranger");
	for (i = 0; i < N_DEVICES; i++)
		make_on_device(snapshot, "0.0.0.0", i, 0);
	for (i = first_taken; i < N_DEVICES; i++)
		make_on_device(snapshot, "10.0.0.1", i, 1);
	check_snapshot(snapshot, &options, list);
	*ret_snapshot = snapshot;
}

/* How many it finds of who takes, and whether one of them says that there may be more. */
static void count(const struct finding_list *list, int *ret_found, int *ret_undecided)
{
	uint32_t i;

	*ret_found = *ret_undecided = 0;
	for (i = 0; i < list->count; i++) {
		if (list->items[i].id != FINDING_UDP_SHADOWED)
			continue;
		if (list->items[i].undecided)
			(*ret_undecided)++;
		else
			(*ret_found)++;
	}
}

static void test_found(int first_taken, int found, int undecided, const char *what)
{
	struct finding_list list;
	struct snapshot *snapshot;
	int n_found, n_undecided;

	find(first_taken, &list, &snapshot);
	count(&list, &n_found, &n_undecided);
	is_int(n_found, found, "%s", what);
	is_int(n_undecided, undecided, "and so many are open");
	finding_list_done(&list);
	snapshot_free(snapshot);
}

int main(void)
{
	test_found(N_DEVICES, 0, 0, "nobody takes");
	test_found(N_DEVICES - 1, 1, 0, "the last of many");
	test_found(0, 32, 1, "more than are told");
	return done_testing();
}

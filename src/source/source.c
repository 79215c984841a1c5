/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/source.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "source/netns.h"
#include "source/owners.h"
#include "source/process.h"
#include "source/sock-diag.h"
#include "source/sysctl.h"
#include "util/errno-name.h"

static int64_t now_ns(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now))
		return 0;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void describe_host(struct snapshot *snapshot)
{
	struct utsname host;

	snapshot->version = snapshot_string(snapshot, PACKAGE_VERSION);
	if (uname(&host))
		return;
	snapshot->host = snapshot_string(snapshot, host.nodename);
	snapshot->kernel = snapshot_string(snapshot, host.release);
}

/* The sockets of one namespace, and of the namespace what is asked. Returns 0 or -errno. */
static int collect_namespace(const struct collect_request *request,
			     const struct netns_handle *handle, struct snapshot *snapshot)
{
	uint32_t index = snapshot->n_netns;
	struct netns *netns;
	int home, error;

	netns = snapshot_add_netns(snapshot);
	netns->id = handle->id;
	netns->name = snapshot_string(snapshot, handle->name);
	netns->path = snapshot_string(snapshot, handle->path);
	netns->own = tristate_of(handle->fd < 0 && !handle->error);
	error = netns_enter(handle, &home);
	if (error)
		return error;
	error = sock_diag_collect(request, index, snapshot);
	if (request->want & WANT_SYSCTLS)
		sysctl_collect(snapshot, netns);
	netns_leave(home);
	return error;
}

static int collect_namespaces(const struct collect_request *request,
			      const struct netns_list *namespaces, struct snapshot *snapshot)
{
	int error;
	uint32_t i;

	if (namespaces->proc_error)
		snapshot_add_limit(snapshot, "netns", errno_name(namespaces->proc_error), 0,
				   "the network namespaces of processes cannot be found, /proc "
				   "cannot be read: %s",
				   strerror(-namespaces->proc_error));
	if (namespaces->not_visible)
		snapshot_add_limit(snapshot, "netns", "EACCES", namespaces->not_visible,
				   "the network namespace%s of %u process%s hidden",
				   namespaces->not_visible == 1 ? "" : "s", namespaces->not_visible,
				   namespaces->not_visible == 1 ? " is" : "es are");
	for (i = 0; i < namespaces->count; i++) {
		error = collect_namespace(request, &namespaces->items[i], snapshot);
		if (!error)
			continue;
		if (namespaces->count == 1)
			return error;
		snapshot_add_limit(snapshot, "netns", errno_name(error), 1,
				   "a network namespace cannot be read: %s", strerror(-error));
	}
	return 0;
}

int snapshot_collect(const struct collect_request *request, struct snapshot **ret_snapshot,
		     const char **ret_failed_what)
{
	struct netns_list namespaces;
	struct snapshot *snapshot;
	int error;

	error = netns_list_open(request, &namespaces);
	if (error) {
		*ret_failed_what = request->netns ? request->netns->wanted : "network namespaces";
		return error;
	}
	snapshot = snapshot_new();
	describe_host(snapshot);
	snapshot->start_ns = now_ns();
	error = collect_namespaces(request, &namespaces, snapshot);
	if (error) {
		*ret_failed_what = request->netns ? request->netns->wanted : "sockets";
		netns_list_done(&namespaces);
		snapshot_free(snapshot);
		return error;
	}
	if (request->want & WANT_OWNERS)
		snapshot->owners_ns = now_ns();
	owners_collect(request, &namespaces, snapshot);
	process_enrich(request->want, snapshot);
	snapshot->end_ns = now_ns();
	netns_list_done(&namespaces);
	*ret_snapshot = snapshot;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "util/xalloc.h"

/* ip_local_reserved_ports can be a list of thousands; /proc/net/netstat is some kilobytes. */
#define BUFFER_SIZE 65536

static const char *const paths[N_SYSCTLS] = {
	[SYSCTL_TCP_TW_REUSE] = "ipv4/tcp_tw_reuse",
	[SYSCTL_TCP_FIN_TIMEOUT] = "ipv4/tcp_fin_timeout",
	[SYSCTL_TCP_MAX_TW_BUCKETS] = "ipv4/tcp_max_tw_buckets",
	[SYSCTL_TCP_MIGRATE_REQ] = "ipv4/tcp_migrate_req",
	[SYSCTL_TCP_ABORT_ON_OVERFLOW] = "ipv4/tcp_abort_on_overflow",
	[SYSCTL_SOMAXCONN] = "core/somaxconn",
	[SYSCTL_IP_UNPRIVILEGED_PORT_START] = "ipv4/ip_unprivileged_port_start",
	[SYSCTL_IP_NONLOCAL_BIND] = "ipv4/ip_nonlocal_bind",
	[SYSCTL_IPV6_NONLOCAL_BIND] = "ipv6/ip_nonlocal_bind",
	[SYSCTL_IP_AUTOBIND_REUSE] = "ipv4/ip_autobind_reuse",
	[SYSCTL_BINDV6ONLY] = "ipv6/bindv6only",
};

/* Where a counter stands: the group's name at the start of two lines, and its column. */
static const struct {
	const char *group, *name;
} columns[N_COUNTERS] = {
	[COUNTER_TIME_WAIT_OVERFLOW] = { "TcpExt:", "TCPTimeWaitOverflow" },
	[COUNTER_LISTEN_OVERFLOWS] = { "TcpExt:", "ListenOverflows" },
	[COUNTER_LISTEN_DROPS] = { "TcpExt:", "ListenDrops" },
	[COUNTER_UDP_IN_ERRORS] = { "Udp:", "InErrors" },
	[COUNTER_UDP_RCVBUF_ERRORS] = { "Udp:", "RcvbufErrors" },
};

/* The whole file, ended by NUL; false when it cannot be read or is larger than the buffer. */
static bool read_whole(int directory, const char *path, char *buffer)
{
	int fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t got;

	if (fd < 0)
		return false;
	do {
		got = read(fd, buffer + used, BUFFER_SIZE - 1 - used);
		if (got > 0)
			used += (size_t)got;
	} while ((got > 0 && used < BUFFER_SIZE - 1) || (got < 0 && errno == EINTR));
	close(fd);
	buffer[used] = '\0';
	return got == 0 && used < BUFFER_SIZE - 1;
}

static void read_values(int directory, char *buffer, struct netns *netns)
{
	uint32_t id;

	for (id = 0; id < N_SYSCTLS; id++) {
		long long value;
		char *end;

		if (!read_whole(directory, paths[id], buffer))
			continue;
		errno = 0;
		value = strtoll(buffer, &end, 10);
		if (end == buffer || errno || (*end != '\n' && *end))
			continue;
		netns->sysctls[id] = value;
		netns->sysctls_known |= 1U << id;
	}
}

static void read_ports(int directory, char *buffer, struct snapshot *snapshot, struct netns *netns)
{
	unsigned int first, last;

	if (read_whole(directory, "ipv4/ip_local_port_range", buffer) &&
	    sscanf(buffer, "%u %u", &first, &last) == 2 && first && first <= last &&
	    last <= UINT16_MAX) {
		netns->port_range_first = (uint16_t)first;
		netns->port_range_last = (uint16_t)last;
	}
	if (read_whole(directory, "ipv4/ip_local_reserved_ports", buffer)) {
		buffer[strcspn(buffer, "\n")] = '\0';
		netns->reserved_ports = snapshot_string(snapshot, buffer);
	}
}

/* Two lines "Group: name name …" and "Group: 1 2 …". Cuts them up. */
static void read_group(char *names, char *values, struct netns *netns)
{
	char *save_name, *save_value;
	char *name = strtok_r(names, " ", &save_name);
	char *value = strtok_r(values, " ", &save_value);
	const char *group = name;
	uint32_t id;

	if (!name || !value || strcmp(name, value) != 0)
		return;
	while ((name = strtok_r(NULL, " ", &save_name)) &&
	       (value = strtok_r(NULL, " ", &save_value))) {
		for (id = 0; id < N_COUNTERS; id++) {
			char *end;
			unsigned long long number;

			if (strcmp(columns[id].group, group) != 0 ||
			    strcmp(columns[id].name, name) != 0)
				continue;
			errno = 0;
			number = strtoull(value, &end, 10);
			if (errno || end == value || *end)
				continue;
			netns->counters[id] = number;
			netns->counters_known |= 1U << id;
		}
	}
}

static void read_counters(const char *path, char *buffer, struct netns *netns)
{
	char *names, *values, *save;

	if (!read_whole(AT_FDCWD, path, buffer))
		return;
	names = strtok_r(buffer, "\n", &save);
	while (names && (values = strtok_r(NULL, "\n", &save))) {
		read_group(names, values, netns);
		names = strtok_r(NULL, "\n", &save);
	}
}

void sysctl_collect(struct snapshot *snapshot, struct netns *netns)
{
	char *buffer = xmalloc(BUFFER_SIZE);
	int directory = open("/proc/sys/net", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory >= 0) {
		read_values(directory, buffer, netns);
		read_ports(directory, buffer, snapshot, netns);
		close(directory);
	}
	read_counters("/proc/thread-self/net/netstat", buffer, netns);
	read_counters("/proc/thread-self/net/snmp", buffer, netns);
	free(buffer);
}

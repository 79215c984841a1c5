/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/identity.h"

#include <string.h>

#include "model/bind-bucket.h"

enum identity {
	KEY_SOCKET = 1,
	KEY_PORT,
	KEY_FINDING,
};

/* The finalizer of SplitMix64. */
uint64_t identity_mix(uint64_t sum, uint64_t value)
{
	sum = sum * 0x9e3779b97f4a7c15 + value;
	sum = (sum ^ sum >> 30) * 0xbf58476d1ce4e5b9;
	sum = (sum ^ sum >> 27) * 0x94d049bb133111eb;
	return sum ^ sum >> 31;
}

uint64_t identity_mix_text(uint64_t sum, const char *text)
{
	for (; text && *text; text++)
		sum = identity_mix(sum, (unsigned char)*text);
	return identity_mix(sum, 0);
}

uint64_t identity_mix_address(uint64_t sum, const struct address *address)
{
	uint64_t words[2];

	memcpy(words, address->bytes, sizeof(words));
	return identity_mix(identity_mix(sum, words[0]), words[1]);
}

/* Which index a namespace has changes from frame to frame. Without an id it has a name at most. */
uint64_t identity_mix_netns(uint64_t sum, const struct snapshot *snapshot, uint32_t index)
{
	const struct netns *netns = index < snapshot->n_netns ? &snapshot->netns[index] : NULL;

	if (!netns)
		return identity_mix(sum, 0);
	return netns->id ? identity_mix(sum, netns->id) :
			   identity_mix_text(sum, snapshot_text(snapshot, netns->name));
}

uint64_t identity_of_socket(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	uint64_t key = identity_mix_netns(KEY_SOCKET, snapshot, socket->netns);

	if (socket->known & SOCKET_HAS_COOKIE)
		return identity_mix(key, socket->cookie);
	/* Without cookies, as in a snapshot that somebody wrote, by what it is. */
	key = identity_mix(key, (uint64_t)socket->protocol << 40 | (uint64_t)socket->family << 32 |
					(uint64_t)socket->local_port << 16 | socket->peer_port);
	key = identity_mix_address(identity_mix_address(key, &socket->local), &socket->peer);
	key = identity_mix_text(key, snapshot_text(snapshot, socket->device));
	return identity_mix(key, socket->inode);
}

uint64_t identity_of_port(const struct snapshot *snapshot, const struct inet_socket *socket)
{
	return identity_mix(identity_mix_netns(KEY_PORT, snapshot, socket->netns),
			    (uint64_t)socket->local_port << 8 |
				    bind_bucket_protocol((enum protocol)socket->protocol));
}

/* The pid of the one process that holds all sockets of a finding first; 0: there is none. */
static uint32_t sole_holder(const struct snapshot *snapshot, const struct finding_list *findings,
			    const struct finding *finding)
{
	uint32_t i, pid, sole = 0;

	for (i = 0; i < finding->n_sockets; i++) {
		const struct inet_socket *socket =
			&snapshot->sockets[findings->sockets[finding->first_socket + i]];

		if (!socket->n_owners)
			return 0;
		pid = snapshot->processes[snapshot->owners[socket->first_owner].process].pid;
		if (i && pid != sole)
			return 0;
		sole = pid;
	}
	return sole;
}

/*
 * Its port, and the address, of which there may be more; or where it has none the destination whose
 * ports run out, or the process whose ports it is about. Others of no port are one of a kind, and
 * their sockets come and go.
 */
uint64_t identity_of_finding(const struct snapshot *snapshot, const struct finding_list *findings,
			     const struct finding *finding)
{
	uint64_t key = identity_mix_netns(identity_mix(KEY_FINDING, finding->id), snapshot,
					  finding->netns);
	const struct inet_socket *socket;

	key = identity_mix(key, (uint64_t)finding->protocol << 16 | finding->port);
	if (!finding->n_sockets)
		return key;
	if (!finding->port && finding->id == FINDING_TIME_WAIT_BLOCKS_BIND)
		return key;
	socket = &snapshot->sockets[findings->sockets[finding->first_socket]];
	key = identity_mix_text(key, snapshot_text(snapshot, socket->device));
	if (finding->port)
		return identity_mix(identity_mix_address(key, &socket->local), socket->family);
	key = identity_mix(identity_mix_address(key, &socket->peer), socket->peer_port);
	return socket->peer_port ? key :
				   identity_mix(key, sole_holder(snapshot, findings, finding));
}

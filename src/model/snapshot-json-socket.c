/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/snapshot-json-socket.h"

#include <string.h>
#include <sys/socket.h>

#include "model/snapshot-json.h"

/*
 * There may be 100,000 sockets, and each has forty members: a function call and a look at the
 * buffer's end for each of them would cost more than reading the socket from the kernel. So a row
 * is composed at a pointer. Everything of a row whose size is bounded fits in ROW_MAX; before
 * anything else, room() is asked again.
 */
#define ROW_MAX 4096
#define STRING_MAX 256
#define WORD_MAX 16

/* A word with its quotes, copied at its full size and counted by its length. */
struct word {
	char text[WORD_MAX];
	size_t length;
};

struct socket_saver {
	const struct snapshot *snapshot;
	struct out *out;
	bool with_comm;
	struct word protocols[N_PROTOCOLS];
	struct word states[N_STATES];
	struct word evidences[N_EVIDENCES];
	struct word owner_statuses[N_OWNER_STATUSES];
	struct word timers[N_TIMERS];
	/* The user asked for last: neighbours mostly have the same. */
	bool has_user;
	uint32_t uid;
	string_id user;
};

/* ---- pieces ---- */

static char *put(char *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

/* What stands before at is in the buffer; behind it are ROW_MAX bytes of room. */
static char *room(struct socket_saver *saver, char *at)
{
	struct out *out = saver->out;

	out->used = (size_t)(at - out->buffer);
	if (out->capacity - out->used < ROW_MAX)
		out_make_room(out, ROW_MAX);
	return out->buffer + out->used;
}

static char *put_word(char *at, const struct word *word)
{
	memcpy(at, word->text, WORD_MAX);
	return at + word->length;
}

static char *put_unsigned(char *at, uint64_t value)
{
	char digits[20];
	size_t i = sizeof(digits);

	if (value < 10) {
		*at = (char)('0' + value);
		return at + 1;
	}
	for (; value > UINT32_MAX; value /= 10)
		digits[--i] = (char)('0' + value % 10);
	for (uint32_t rest = (uint32_t)value; rest; rest /= 10)
		digits[--i] = (char)('0' + rest % 10);
	return put(at, digits + i, sizeof(digits) - i);
}

static char *put_known(char *at, bool known, uint64_t value)
{
	return known ? put_unsigned(at, value) : PUT(at, "null");
}

static char *put_tristate(char *at, enum tristate value)
{
	if (value == TRISTATE_UNKNOWN)
		return PUT(at, "null");
	return value == TRISTATE_YES ? PUT(at, "true") : PUT(at, "false");
}

static char *put_id(struct socket_saver *saver, char *at, string_id id)
{
	size_t length, i;
	const char *text;

	if (!id)
		return PUT(at, "null");
	text = string_pool_get(&saver->snapshot->strings, id, &length);
	for (i = 0; i < length && length <= STRING_MAX; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte < 0x20 || byte >= 0x7f || byte == '"' || byte == '\\')
			break;
		at[i + 1] = text[i];
	}
	if (i == length) {
		*at = '"';
		at[length + 1] = '"';
		return at + length + 2;
	}
	room(saver, at);
	json_append_string(saver->out, text, length);
	return room(saver, saver->out->buffer + saver->out->used);
}

static char *put_address(char *at, int family, const struct address *address)
{
	at = PUT(at, "\"");
	address_format(family, address, at);
	at += strlen(at);
	return PUT(at, "\"");
}

/* ---- members ---- */

static char *put_endpoints(struct socket_saver *saver, char *at, const struct inet_socket *socket)
{
	at = PUT(at, ", \"local\": {\"address\": ");
	at = put_address(at, socket->family, &socket->local);
	at = PUT(at, ", \"port\": ");
	at = put_unsigned(at, socket->local_port);
	if (socket->known & SOCKET_HAS_DEVICE) {
		at = PUT(at, ", \"device\": ");
		at = put_id(saver, at, socket->device);
	}
	if (!(socket->known & SOCKET_HAS_PEER)) {
		at = PUT(at, "}, \"peer\": null");
		if (!(socket->known & SOCKET_HAS_OLD_PEER))
			return at;
		at = PUT(at, ", \"old_peer\": ");
		return put_address(at, socket->family, &socket->peer);
	}
	at = PUT(at, "}, \"peer\": {\"address\": ");
	at = put_address(at, socket->family, &socket->peer);
	at = PUT(at, ", \"port\": ");
	at = put_unsigned(at, socket->peer_port);
	return PUT(at, "}");
}

static char *put_reuse(struct socket_saver *saver, char *at, const struct inet_socket *socket)
{
	at = PUT(at, ", \"v6only\": ");
	at = put_tristate(at, socket->v6only);
	at = PUT(at, ", \"reuse\": {\"addr\": ");
	at = put_tristate(at, socket->reuse_addr);
	at = PUT(at, ", \"port\": ");
	at = put_tristate(at, socket->reuse_port);
	at = PUT(at, ", \"evidence\": ");
	at = put_word(at, &saver->evidences[socket->reuse_evidence]);
	if (socket->reuse_port == TRISTATE_YES) {
		at = PUT(at, ", \"program\": ");
		at = put_tristate(at, socket->reuse_program);
		if (socket->reuse_group != TRISTATE_UNKNOWN) {
			at = PUT(at, ", \"group\": ");
			at = put_tristate(at, socket->reuse_group);
		}
	}
	at = PUT(at, "}");
	if (!socket->lookup_order)
		return at;
	at = PUT(at, ", \"lookup_order\": ");
	return put_unsigned(at, socket->lookup_order);
}

static char *put_numbers(struct socket_saver *saver, char *at, const struct inet_socket *socket)
{
	bool has_uid = socket->known & SOCKET_HAS_UID;

	if (has_uid && (!saver->has_user || saver->uid != socket->uid)) {
		saver->user = 0;
		snapshot_find_user(saver->snapshot, socket->uid, &saver->user);
		saver->uid = socket->uid;
		saver->has_user = true;
	}
	at = PUT(at, ", \"uid\": ");
	at = put_known(at, has_uid, socket->uid);
	at = PUT(at, ", \"user\": ");
	at = put_id(saver, at, has_uid ? saver->user : 0);
	at = PUT(at, ", \"inode\": ");
	at = put_known(at, socket->known & SOCKET_HAS_INODE, socket->inode);
	at = PUT(at, ", \"cookie\": ");
	at = put_known(at, socket->known & SOCKET_HAS_COOKIE, socket->cookie);
	at = PUT(at, ", \"mark\": ");
	return put_known(at, socket->known & SOCKET_HAS_MARK, socket->mark);
}

static char *put_options(char *at, const struct inet_socket *socket)
{
	const char *name, *comma = "";
	unsigned int bit;

	if (!(socket->known & SOCKET_HAS_OPTIONS))
		return PUT(at, ", \"options\": null");
	at = PUT(at, ", \"options\": [");
	for (bit = 0; bit < N_SOCKET_OPTIONS; bit++) {
		if (!(socket->options & 1U << bit))
			continue;
		name = socket_option_name(bit);
		at = put(at, comma, strlen(comma));
		at = PUT(at, "\"");
		at = put(at, name, strlen(name));
		at = PUT(at, "\"");
		comma = ", ";
	}
	return PUT(at, "]");
}

static char *put_timer(struct socket_saver *saver, char *at, const struct inet_socket *socket)
{
	if (socket->timer == TIMER_UNKNOWN && !(socket->known & SOCKET_HAS_EXPIRES))
		return PUT(at, ", \"timer\": null");
	at = PUT(at, ", \"timer\": {\"kind\": ");
	at = put_word(at, &saver->timers[socket->timer]);
	at = PUT(at, ", \"expires_ms\": ");
	at = put_known(at, socket->known & SOCKET_HAS_EXPIRES, socket->timer_expires_ms);
	return PUT(at, "}");
}

static char *put_queue(char *at, const struct inet_socket *socket)
{
	at = PUT(at, ", \"queue\": {\"recv\": ");
	at = put_known(at, socket->known & SOCKET_HAS_QUEUE, socket->queue_recv);
	at = PUT(at, ", \"send\": ");
	at = put_known(at, socket->known & SOCKET_HAS_QUEUE, socket->queue_send);
	at = PUT(at, ", \"limit\": ");
	at = put_known(at, socket->known & SOCKET_HAS_LIMIT, socket->queue_limit);
	at = PUT(at, ", \"drops\": ");
	at = put_known(at, socket->known & SOCKET_HAS_DROPS, socket->drops);
	return PUT(at, "}");
}

static char *put_groups(struct socket_saver *saver, char *at, const struct inet_socket *socket)
{
	const struct multicast_group *group;
	uint32_t i;

	if (!(socket->known & SOCKET_HAS_MULTICAST))
		return PUT(at, ", \"multicast\": null");
	at = PUT(at, ", \"multicast\": [");
	for (i = 0; i < socket->n_groups; i++) {
		at = room(saver, at);
		if (i)
			at = PUT(at, ", ");
		group = &saver->snapshot->groups[socket->first_group + i];
		at = put_address(at, group->family, &group->address);
	}
	return PUT(at, "]");
}

/* The descriptors of one process. */
static char *put_fds(struct socket_saver *saver, char *at, const struct owner *owner,
		     const struct owner *end)
{
	bool fixed_file = false, first = true;

	/* The negative ones come first. */
	if (owner->fd == OWNER_FD_UNKNOWN) {
		at = PUT(at, "null");
		fixed_file = owner + 1 < end && owner[1].fd == OWNER_FD_NONE;
	} else {
		at = PUT(at, "[");
		for (; owner < end; owner++) {
			if (owner->fd == OWNER_FD_NONE) {
				fixed_file = true;
				continue;
			}
			at = room(saver, at);
			if (!first)
				at = PUT(at, ", ");
			first = false;
			at = put_unsigned(at, (uint32_t)owner->fd);
		}
		at = PUT(at, "]");
	}
	return fixed_file ? PUT(at, ", \"fixed_file\": true") : at;
}

static char *put_owners(struct socket_saver *saver, char *at, const struct inet_socket *socket)
{
	const struct owner *owner = NULL, *end = NULL, *next;
	const struct process *process;

	/* Without owners there need not be a table. */
	if (socket->n_owners) {
		owner = &saver->snapshot->owners[socket->first_owner];
		end = owner + socket->n_owners;
	}
	at = PUT(at, ", \"owners\": [");
	for (; owner < end; owner = next) {
		for (next = owner + 1; next < end && next->process == owner->process;)
			next++;
		process = &saver->snapshot->processes[owner->process];
		at = room(saver, at);
		at = PUT(at, "{\"pid\": ");
		at = put_unsigned(at, process->pid);
		if (saver->with_comm) {
			at = PUT(at, ", \"comm\": ");
			at = put_id(saver, at, process->comm);
		}
		at = PUT(at, ", \"fds\": ");
		at = put_fds(saver, at, owner, next);
		at = next < end ? PUT(at, "}, ") : PUT(at, "}");
	}
	at = PUT(at, "], \"owner_status\": ");
	return put_word(at, &saver->owner_statuses[socket->owner_status]);
}

static void save_socket(struct socket_saver *saver, const struct inet_socket *socket)
{
	uint64_t netns = saver->snapshot->netns[socket->netns].id;
	char *at = room(saver, saver->out->buffer + saver->out->used);

	at = PUT(at, "{\"netns\": ");
	at = put_known(at, netns, netns);
	at = PUT(at, ", \"protocol\": ");
	at = put_word(at, &saver->protocols[socket->protocol]);
	at = socket->family == AF_INET ? PUT(at, ", \"family\": \"inet\", \"state\": ") :
					 PUT(at, ", \"family\": \"inet6\", \"state\": ");
	at = put_word(at, &saver->states[socket->state]);
	at = put_endpoints(saver, at, socket);
	at = put_reuse(saver, at, socket);
	at = put_numbers(saver, at, socket);
	at = put_options(at, socket);
	at = put_timer(saver, at, socket);
	at = put_queue(at, socket);
	at = PUT(at, ", \"cgroup_id\": ");
	at = put_known(at, socket->known & SOCKET_HAS_CGROUP, socket->cgroup_id);
	at = PUT(at, ", \"unit\": ");
	at = put_id(saver, at, socket->unit);
	at = PUT(at, ", \"container\": ");
	at = put_id(saver, at, socket->container);
	at = put_groups(saver, at, socket);
	at = put_owners(saver, at, socket);
	at = PUT(at, "}");
	saver->out->used = (size_t)(at - saver->out->buffer);
}

static struct word quoted(const char *name)
{
	struct word word = { .text = "\"" };

	word.length = strlen(name) + 2;
	memcpy(word.text + 1, name, word.length - 2);
	word.text[word.length - 1] = '"';
	return word;
}

static void saver_init(struct socket_saver *saver, const struct snapshot *snapshot, struct out *out,
		       bool with_comm)
{
	int i;

	saver->snapshot = snapshot;
	saver->out = out;
	saver->with_comm = with_comm;
	saver->has_user = false;
	for (i = 0; i < N_PROTOCOLS; i++)
		saver->protocols[i] = quoted(protocol_name(i));
	for (i = 0; i < N_STATES; i++)
		saver->states[i] = quoted(socket_state_name(i));
	for (i = 0; i < N_EVIDENCES; i++)
		saver->evidences[i] = quoted(evidence_name(i));
	for (i = 0; i < N_OWNER_STATUSES; i++)
		saver->owner_statuses[i] = quoted(owner_status_name(i));
	for (i = 0; i < N_TIMERS; i++)
		saver->timers[i] = quoted(timer_kind_name(i));
}

void snapshot_json_save_lines(const struct snapshot *snapshot, struct out *out)
{
	struct socket_saver saver;
	uint32_t i;

	saver_init(&saver, snapshot, out, true);
	for (i = 0; i < snapshot->n_sockets; i++) {
		save_socket(&saver, &snapshot->sockets[i]);
		out_char(out, '\n');
	}
}

void json_save_sockets(const struct snapshot *snapshot, struct json_writer *writer)
{
	struct socket_saver saver;
	uint32_t i;

	saver_init(&saver, snapshot, writer->out, false);
	for (i = 0; i < snapshot->n_sockets; i++) {
		json_separate(writer);
		save_socket(&saver, &snapshot->sockets[i]);
	}
}

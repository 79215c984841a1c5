/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "output/columns.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "output/column-note.h"
#include "output/column-owner.h"
#include "output/column-queue.h"
#include "output/column-row.h"
#include "output/column-socket.h"

struct column {
	struct column_info info;
	column_getter *get;
	/* For several sockets; NULL: the first one's value, unless they differ in any of these. */
	column_row_getter *get_row;
	uint32_t differs; /* enum port_differs */
	column_holders_getter *get_holders; /* in place of both: alike for one and for several */
};

static const struct column columns[N_COLUMNS] = {
	[COLUMN_NETNS] = { { "netns", "network namespace: its name, else its number", COLUMN_TEXT,
			     0, 0 },
			   .get = column_get_netns },
	[COLUMN_PROTO] = { { "proto", "tcp, udp, udplite, mptcp, sctp", COLUMN_TEXT, 0, 0 },
			   column_get_proto,
			   .differs = DIFFERS_PROTOCOL },
	[COLUMN_PORT] = { { "port", "local port", COLUMN_NUMBER, 0, 0 },
			  column_get_port,
			  .differs = DIFFERS_PORT },
	[COLUMN_LOCAL] = { { "local",
			     "local address; %DEVICE if bound to one; v6only if [::] "
			     "takes no IPv4",
			     COLUMN_TEXT, 15, 0 },
			   column_get_local,
			   .differs = DIFFERS_LOCAL | DIFFERS_DEVICE | DIFFERS_V6ONLY },
	[COLUMN_DEVICE] = { { "device", "interface the socket is bound to", COLUMN_TEXT, 0, 0 },
			    column_get_device,
			    .differs = DIFFERS_DEVICE },
	[COLUMN_V6ONLY] = { { "v6only", "IPV6_V6ONLY: yes, no, - for IPv4", COLUMN_TEXT, 0, 0 },
			    column_get_v6only,
			    .differs = DIFFERS_V6ONLY },
	[COLUMN_STATE] = { { "state", "state, as ss(8) names it; BOUND: UDP, or TCP before listen",
			     COLUMN_TEXT, 0, 0 },
			   column_get_state,
			   .get_row = column_row_state },
	[COLUMN_REUSE] = { { "reuse",
			     "SO_REUSEADDR, SO_REUSEPORT: addr, port, both, - none; ~ "
			     "inferred",
			     COLUMN_TEXT, 0, 0 },
			   column_get_reuse,
			   .differs = DIFFERS_REUSE },
	[COLUMN_EVIDENCE] = { { "evidence", "how reuse is known: bpf, getsockopt, inferred",
				COLUMN_TEXT, 0, 0 },
			      column_get_evidence,
			      .differs = DIFFERS_EVIDENCE },
	[COLUMN_QUEUE] = { { "queue",
			     "LISTEN: connections waiting/limit; else bytes, datagrams "
			     "lost",
			     COLUMN_TEXT, 16, 0 },
			   column_get_queue,
			   .get_row = column_row_queue },
	[COLUMN_RECV] = { { "recv", "receive queue: bytes; LISTEN: connections waiting",
			    COLUMN_NUMBER, 0, 0 },
			  column_get_recv,
			  .get_row = column_row_recv },
	[COLUMN_SEND] = { { "send", "send queue: bytes", COLUMN_NUMBER, 0, 0 },
			  column_get_send,
			  .get_row = column_row_send },
	[COLUMN_LIMIT] = { { "limit", "limit of the receive queue: bytes; LISTEN: connections",
			     COLUMN_NUMBER, 0, 0 },
			   column_get_limit,
			   .differs = DIFFERS_LIMIT },
	[COLUMN_DROPS] = { { "drops", "packets dropped for want of room or validity", COLUMN_NUMBER,
			     0, 0 },
			   column_get_drops,
			   .get_row = column_row_drops },
	[COLUMN_PEER] = { { "peer", "address and port of the other end", COLUMN_TEXT, 15, 0 },
			  column_get_peer,
			  .differs = DIFFERS_PEER },
	[COLUMN_TIMER] = { { "timer", "timer that runs, and when it expires (--raw: milliseconds)",
			     COLUMN_TEXT, 0, 0 },
			   column_get_timer,
			   .get_row = column_row_timer,
			   .differs = DIFFERS_TIMER },
	[COLUMN_OWNER] = { { "owner", "processes that hold it: name[pid]:descriptors; or why none",
			     COLUMN_TEXT, 24, 0 },
			   column_get_owner,
			   .get_row = column_row_owner },
	[COLUMN_PROCESS] = { { "process", "names of these processes", COLUMN_TEXT, 8, 0 },
			     .get_holders = column_get_process },
	[COLUMN_PID] = { { "pid", "their process ids", COLUMN_TEXT, 8, 0 },
			 .get_holders = column_get_pid },
	[COLUMN_USER] = { { "user", "user of the socket", COLUMN_TEXT, 8,
			    NEED_USERS | NEED_PROCESS_UID },
			  column_get_user,
			  .differs = DIFFERS_UID },
	[COLUMN_UID] = { { "uid", "user of the socket, as a number", COLUMN_NUMBER, 0,
			   NEED_PROCESS_UID },
			 column_get_uid,
			 .differs = DIFFERS_UID },
	[COLUMN_UNIT] = { { "unit", "systemd unit, or container:ID", COLUMN_TEXT, 8, NEED_CGROUP },
			  .get_holders = column_get_unit },
	[COLUMN_CONTAINER] = { { "container", "container id", COLUMN_TEXT, 8, NEED_CGROUP },
			       .get_holders = column_get_container },
	[COLUMN_CGROUP] = { { "cgroup", "cgroup of the processes", COLUMN_TEXT, 8, NEED_CGROUP },
			    .get_holders = column_get_cgroup },
	[COLUMN_CMDLINE] = { { "cmdline", "their command lines", COLUMN_TEXT, 16, NEED_CMDLINE },
			     .get_holders = column_get_cmdline },
	[COLUMN_EXE] = { { "exe", "their program files", COLUMN_TEXT, 8, NEED_EXE },
			 .get_holders = column_get_exe },
	[COLUMN_START] = { { "start", "when they were started (UTC)", COLUMN_TEXT, 8,
			     NEED_START_TIME },
			   .get_holders = column_get_start },
	[COLUMN_INODE] = { { "inode", "inode of the socket; - where it has no file", COLUMN_NUMBER,
			     0, 0 },
			   column_get_inode,
			   .differs = DIFFERS_IDENTITY },
	[COLUMN_COOKIE] = { { "cookie", "the kernel's id of the socket", COLUMN_NUMBER, 0, 0 },
			    column_get_cookie,
			    .differs = DIFFERS_IDENTITY },
	[COLUMN_MARK] = { { "mark", "SO_MARK", COLUMN_NUMBER, 0, 0 },
			  column_get_mark,
			  .differs = DIFFERS_MARK },
	[COLUMN_OPTIONS] = { { "options", "further socket options that are set", COLUMN_TEXT, 8,
			       0 },
			     column_get_options,
			     .differs = DIFFERS_OPTIONS },
	[COLUMN_MULTICAST] = { { "multicast", "multicast groups joined", COLUMN_TEXT, 9,
				 NEED_MULTICAST },
			       column_get_multicast,
			       .differs = DIFFERS_IDENTITY },
	[COLUMN_NOTE] = { { "note", "the finding that concerns it, see portshare-explain(1)",
			    COLUMN_TEXT, 22, NEED_FINDINGS },
			  column_get_note,
			  .get_row = column_row_note },
};

static const struct {
	const char *columns;
	const char *help;
} defaults[N_LIST_MODES] = {
	[LIST_GROUPED] = { "port,local,state,reuse,queue,owner,user,unit", "default" },
	[LIST_ALL] = { "proto,port,local,state,reuse,queue,peer,owner,user,unit", "with --all" },
	[LIST_RAW] = { "proto,port,local,state,reuse,evidence,recv,send,limit,drops,peer,timer,"
		       "owner,user",
		       "with --raw" },
};

const struct column_info *column_info(enum column_id id)
{
	return &columns[id].info;
}

void column_write(struct column_writer *writer, enum column_id id, const struct inet_socket *socket,
		  struct out *out)
{
	const struct column *column = &columns[id];
	struct column_holders holders;

	if (!column->get_holders) {
		column->get(writer, socket, out);
		return;
	}
	holders = column_holders_of(writer, socket);
	column->get_holders(writer, &holders, out);
}

void column_write_row(struct column_writer *writer, enum column_id id,
		      const struct port_summary *summary, struct out *out)
{
	const struct column *column = &columns[id];
	struct column_holders holders;

	if (summary->row->count == 1) {
		column_write(writer, id, summary->socket, out);
	} else if (summary->differs & column->differs) {
		out_string(out, "mixed");
	} else if (column->get_holders) {
		holders = column_holders_of_row(summary);
		column->get_holders(writer, &holders, out);
	} else if (column->get_row) {
		column->get_row(writer, summary, out);
	} else {
		column->get(writer, summary->socket, out);
	}
	if (id == COLUMN_LOCAL)
		column_write_destination(writer, summary, out);
}

static enum color_role state_role(const struct inet_socket *socket)
{
	switch ((enum socket_state)socket->state) {
	case STATE_LISTEN:
		return COLOR_LISTEN;
	case STATE_TIME_WAIT:
		return COLOR_TIME_WAIT;
	case STATE_FIN_WAIT_1:
	case STATE_FIN_WAIT_2:
	case STATE_CLOSE_WAIT:
	case STATE_LAST_ACK:
	case STATE_CLOSING:
		return COLOR_CLOSING;
	default:
		return COLOR_PLAIN;
	}
}

static enum color_role reuse_role(const struct inet_socket *socket)
{
	if (socket->reuse_addr == TRISTATE_YES || socket->reuse_port == TRISTATE_YES)
		return COLOR_REUSE;
	return COLOR_DIM;
}

enum color_role column_role(enum column_id id, const struct inet_socket *socket)
{
	switch (id) {
	case COLUMN_STATE:
		return state_role(socket);
	case COLUMN_REUSE:
		return reuse_role(socket);
	case COLUMN_OWNER:
	case COLUMN_PROCESS:
		return socket->n_owners ? COLOR_PLAIN : COLOR_DIM;
	case COLUMN_QUEUE:
		return column_queue_is_full(socket) || socket->drops ? COLOR_ALARM : COLOR_PLAIN;
	default:
		return COLOR_PLAIN;
	}
}

enum color_role column_row_role(enum column_id id, const struct port_summary *summary)
{
	switch (id) {
	case COLUMN_REUSE:
		return summary->differs & DIFFERS_REUSE ? COLOR_PLAIN : reuse_role(summary->socket);
	case COLUMN_OWNER:
	case COLUMN_PROCESS:
		return summary->n_processes ? COLOR_PLAIN : COLOR_DIM;
	case COLUMN_QUEUE:
		return summary->drops ? COLOR_ALARM : column_role(id, summary->socket);
	default:
		return column_role(id, summary->socket);
	}
}

/* ---- -o ---- */

static int find_column(const char *name, size_t length)
{
	int id;

	for (id = 0; id < N_COLUMNS; id++) {
		if (strlen(columns[id].info.name) == length &&
		    !strncasecmp(columns[id].info.name, name, length))
			return id;
	}
	return -EINVAL;
}

void columns_add(struct column_list *list, enum column_id id)
{
	uint32_t i;

	for (i = 0; i < list->count; i++) {
		if (list->ids[i] == id)
			return;
	}
	list->ids[list->count++] = (uint8_t)id;
}

static char *unknown_column(const char *name, size_t length)
{
	struct out out;
	int id;

	out_init(&out, -1);
	if (length) {
		out_string(&out, "no column is called \"");
		escape_append(&out, ESCAPE_TERMINAL, name, length);
		out_string(&out, "\"");
	} else {
		out_string(&out, "the name of a column is missing");
	}
	out_string(&out, "; there are ");
	for (id = 0; id < N_COLUMNS; id++) {
		out_string(&out, id ? ", " : "");
		out_string(&out, columns[id].info.name);
	}
	out_char(&out, '\0');
	return out.buffer;
}

static int add_columns(struct column_list *list, const char *text, char **ret_error)
{
	size_t length;
	int id;

	for (;;) {
		length = strcspn(text, ",");
		id = find_column(text, length);
		if (id < 0) {
			*ret_error = unknown_column(text, length);
			return -EINVAL;
		}
		columns_add(list, id);
		list->named[id] = true;
		if (!text[length])
			return 0;
		text += length + 1;
	}
}

int columns_parse(const char *text, enum list_mode mode, struct column_list *ret_list,
		  char **ret_error)
{
	struct column_list list = { .has_default = !text || *text == '+' };
	int r = 0;

	if (list.has_default)
		add_columns(&list, defaults[mode].columns, NULL);
	memset(list.named, 0, sizeof(list.named));
	if (text)
		r = add_columns(&list, text + (*text == '+'), ret_error);
	if (r < 0)
		return r;
	*ret_list = list;
	return 0;
}

uint32_t columns_needs(const struct column_list *list)
{
	uint32_t i, needs = 0;

	for (i = 0; i < list->count; i++)
		needs |= columns[list->ids[i]].info.needs;
	return needs;
}

void columns_print_help(void)
{
	int i;

	puts("Columns for --output; +NAME,... adds to the default. \"-\" is none, \"?\" "
	     "unknown.\n");
	for (i = 0; i < N_COLUMNS; i++)
		printf("  %-10s %s\n", columns[i].info.name, columns[i].info.help);
	putchar('\n');
	for (i = 0; i < N_LIST_MODES; i++)
		printf("  %-10s %s\n", defaults[i].help, defaults[i].columns);
}

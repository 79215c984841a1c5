/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "source/proc-parse.h"

#include <errno.h>
#include <string.h>

/* Of include/linux/sched.h. */
#define PF_EXITING 0x4

/* What is left of the bytes. */
struct span {
	const char *at;
	const char *end;
};

static bool take_char(struct span *span, char wanted)
{
	if (span->at == span->end || *span->at != wanted)
		return false;
	span->at++;
	return true;
}

static bool take_text(struct span *span, const char *wanted)
{
	size_t length = strlen(wanted);

	if ((size_t)(span->end - span->at) < length || memcmp(span->at, wanted, length))
		return false;
	span->at += length;
	return true;
}

static void skip_blanks(struct span *span)
{
	while (span->at < span->end && (*span->at == ' ' || *span->at == '\t'))
		span->at++;
}

static bool take_number(struct span *span, uint64_t *ret_value)
{
	const char *start = span->at;
	uint64_t value = 0;

	while (span->at < span->end && *span->at >= '0' && *span->at <= '9') {
		uint64_t digit = (uint64_t)(*span->at - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
		span->at++;
	}
	if (span->at == start)
		return false;
	*ret_value = value;
	return true;
}

/* The next line without its newline; the last one need not have one. */
static bool take_line(struct span *span, struct span *ret_line)
{
	const char *newline;

	if (span->at == span->end)
		return false;
	newline = memchr(span->at, '\n', (size_t)(span->end - span->at));
	ret_line->at = span->at;
	ret_line->end = newline ? newline : span->end;
	span->at = newline ? newline + 1 : span->end;
	return true;
}

/* Go on to behind the next blank. */
static bool skip_field(struct span *span)
{
	const char *blank = memchr(span->at, ' ', (size_t)(span->end - span->at));

	if (!blank)
		return false;
	span->at = blank + 1;
	return true;
}

int proc_parse_stat(const char *bytes, size_t length, struct proc_stat *ret_stat)
{
	struct span span = { bytes, bytes + length };
	struct proc_stat stat = { .state = 0 };
	const char *close;
	uint64_t number;
	int i;

	if (!take_number(&span, &number) || !take_text(&span, " ("))
		return -EBADMSG;
	/* The name is the only field that can hold a parenthesis. */
	close = memrchr(span.at, ')', (size_t)(span.end - span.at));
	if (!close)
		return -EBADMSG;
	stat.comm = span.at;
	stat.comm_length = (size_t)(close - span.at);
	span.at = close + 1;
	if (!take_char(&span, ' ') || span.at == span.end)
		return -EBADMSG;
	stat.state = *span.at++;
	if (!take_char(&span, ' ') || !take_number(&span, &number) || number > UINT32_MAX)
		return -EBADMSG;
	stat.ppid = (uint32_t)number;
	/* ppid is the fourth field, flags the ninth, starttime the 22nd. */
	for (i = 4; i < 9; i++)
		if (!skip_field(&span))
			return -EBADMSG;
	if (!take_number(&span, &number))
		return -EBADMSG;
	stat.exiting = number & PF_EXITING;
	for (i = 9; i < 22; i++)
		if (!skip_field(&span))
			return -EBADMSG;
	if (!take_number(&span, &stat.start_ticks))
		return -EBADMSG;
	*ret_stat = stat;
	return 0;
}

int proc_parse_status_uid(const char *bytes, size_t length, uint32_t *ret_uid)
{
	struct span span = { bytes, bytes + length }, line;
	uint64_t real, effective;

	while (take_line(&span, &line)) {
		if (!take_text(&line, "Uid:"))
			continue;
		skip_blanks(&line);
		if (!take_number(&line, &real))
			return -EBADMSG;
		skip_blanks(&line);
		if (!take_number(&line, &effective) || effective > UINT32_MAX)
			return -EBADMSG;
		*ret_uid = (uint32_t)effective;
		return 0;
	}
	return -EBADMSG;
}

int proc_parse_cgroup(const char *bytes, size_t length, const char **ret_path, size_t *ret_length)
{
	struct span span = { bytes, bytes + length }, line;
	struct span unified = { NULL, NULL }, named = { NULL, NULL }, best;

	while (take_line(&span, &line)) {
		bool is_unified = take_text(&line, "0::");
		uint64_t hierarchy;

		if (!is_unified &&
		    (!take_number(&line, &hierarchy) || !take_text(&line, ":name=systemd:")))
			continue;
		if (line.at == line.end || *line.at != '/')
			continue;
		if (is_unified)
			unified = line;
		else
			named = line;
	}
	/* With both kinds mounted the unified one may be unused, everybody in its root. */
	best = unified;
	if (!unified.at || (unified.end - unified.at == 1 && named.at))
		best = named;
	if (!best.at)
		return -EBADMSG;
	*ret_path = best.at;
	*ret_length = (size_t)(best.end - best.at);
	return 0;
}

static bool take_socket(struct span *span, uint64_t *ret_inode)
{
	uint64_t inode;

	if (!take_text(span, "socket:[") || !take_number(span, &inode) || !take_char(span, ']') ||
	    span->at != span->end)
		return false;
	*ret_inode = inode;
	return true;
}

int proc_parse_socket_link(const char *text, size_t length, uint64_t *ret_inode)
{
	struct span span = { text, text + length };

	return take_socket(&span, ret_inode) ? 0 : -EBADMSG;
}

void proc_parse_uring_fdinfo(const char *bytes, size_t length,
			     void (*add)(void *context, uint64_t inode), void *context)
{
	struct span span = { bytes, bytes + length }, line;
	bool in_files = false;
	uint64_t number;

	while (take_line(&span, &line)) {
		if (take_text(&line, "UserFiles:")) {
			in_files = true;
			continue;
		}
		if (!in_files)
			continue;
		skip_blanks(&line);
		if (!take_number(&line, &number) || !take_char(&line, ':'))
			return;
		skip_blanks(&line);
		if (take_socket(&line, &number))
			add(context, number);
	}
}

uint64_t proc_parse_scm_fds(const char *bytes, size_t length)
{
	struct span span = { bytes, bytes + length }, line;
	uint64_t number;

	while (take_line(&span, &line)) {
		if (!take_text(&line, "scm_fds:"))
			continue;
		skip_blanks(&line);
		return take_number(&line, &number) ? number : 0;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_CATALOGUE_H
#define ANALYSIS_CATALOGUE_H

#include "model/finding.h"

/*
 * The long texts about findings: portshare explain prints them, docs/FINDINGS.md and portshare(7)
 * are checked against them. Plain text in paragraphs separated by an empty line; a line that
 * begins with a blank is code or a command and is not to be filled.
 */
struct catalogue_entry {
	const char *title; /* one line without a full stop: "Two programs share a UDP port" */
	const char *meaning; /* what it says, and what it does not */
	const char *arises; /* how people get there */
	const char *kernel; /* what the kernel does, and since when */
	const char *in_code; /* how to mend it in C, Python, Go, systemd socket units */
	const char *by_operation; /* what can be done without changing a program */
};

const struct catalogue_entry *catalogue_entry(enum finding_id id);

#endif

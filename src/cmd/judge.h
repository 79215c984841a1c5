/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_JUDGE_H
#define CMD_JUDGE_H

#include "cmd/options.h"
#include "model/finding.h"
#include "model/snapshot.h"

/*
 * Whether a snapshot taken with these options has all that decides about what it shows, for
 * findings of a severity or worse: a filter of states hides who is in the way. Of what listens a
 * note alone needs more than what is bound.
 */
bool judge_can(const struct options *options, enum severity least);

/*
 * Run the detectors over the whole snapshot, before it is filtered, for findings of a severity or
 * worse. Reads what they need of the processes in question first, unless the snapshot is from a
 * file. Free the list with finding_list_done().
 */
void judge_snapshot(const struct options *options, struct snapshot *snapshot, enum severity least,
		    struct finding_list *ret_list);

#endif

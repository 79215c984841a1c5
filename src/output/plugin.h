/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OUTPUT_PLUGIN_H
#define OUTPUT_PLUGIN_H

#include "model/finding.h"
#include "util/out.h"

/* Statuses of monitoring plugins, which are exit statuses too. */
enum plugin_status {
	PLUGIN_OK,
	PLUGIN_WARNING,
	PLUGIN_CRITICAL,
	PLUGIN_UNKNOWN,
};

/*
 * What Nagios, Icinga and the like read: "PORTSHARE WARNING - summary | performance data", then a
 * line for each finding and for what could not be seen. The summary is the finding that makes the
 * status. remark (NULL: none) says that nothing is what was asked for. Follows the Monitoring
 * Plugins Development Guidelines; no text holds a "|" or a line break.
 */
void plugin_write(const struct snapshot *snapshot, const struct finding_list *findings,
		  enum plugin_status status, const char *remark, struct out *out);

/* The one line where nothing could be looked at. */
void plugin_write_failure(const char *what, struct out *out);

#endif

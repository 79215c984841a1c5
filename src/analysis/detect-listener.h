/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ANALYSIS_DETECT_LISTENER_H
#define ANALYSIS_DETECT_LISTENER_H

#include "model/snapshot.h"

/*
 * The processes that have inherited a listener and should not have it, whether its server is there
 * as well or not: those that the finding names. ret_heirs has room for as many as the socket has
 * owners; returns how many they are.
 */
uint32_t detect_heirs(const struct snapshot *snapshot, const struct inet_socket *socket,
		      uint32_t *ret_heirs);

#endif

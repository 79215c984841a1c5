/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef UTIL_ERRNO_NAME_H
#define UTIL_ERRNO_NAME_H

/*
 * The symbol of an error number ("EPERM"), negative or positive; a static string. What the program
 * does not meet is "EUNKNOWN". Not strerrorname_np(3), which musl does not have.
 */
const char *errno_name(int error);

#endif

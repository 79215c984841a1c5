/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * guard.h - bytes that end where memory ends: a reader that goes one byte too far is killed.
 */
#ifndef PORTSHARE_TESTS_GUARD_H
#define PORTSHARE_TESTS_GUARD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A copy of length bytes (at most a page) directly in front of a page that cannot be read. It is
 * the same memory every time.
 */
static inline void *guard_copy(const void *bytes, size_t length)
{
	static char *pages;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!pages) {
		pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
		if (pages == MAP_FAILED || mprotect(pages + page, page, PROT_NONE)) {
			perror("guard_copy");
			exit(99);
		}
	}
	if (length > page)
		abort();
	return memcpy(pages + page - length, bytes, length);
}

#endif

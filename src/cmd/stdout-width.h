/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_STDOUT_WIDTH_H
#define CMD_STDOUT_WIDTH_H

#include <stdint.h>

/* Columns of the terminal that stdout is, or 0 if it is none: then nothing is cut. */
uint32_t stdout_width(void);

/* To what running text is filled: 40 to 100 columns, 80 where stdout is no terminal. */
uint32_t stdout_text_width(void);

#endif

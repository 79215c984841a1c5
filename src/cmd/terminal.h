/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

#include <stdint.h>

/* Columns of the terminal that stdout is, or 0 if it is none: then nothing is cut. */
uint32_t terminal_width(void);

/* To what running text is filled: 40 to 100 columns, 80 where stdout is no terminal. */
uint32_t terminal_text_width(void);

#endif

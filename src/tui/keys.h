/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TUI_KEYS_H
#define TUI_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* A key: a Unicode character, or one of these beyond all of them. */
enum tui_key {
	TUI_KEY_NONE = 0,
	TUI_KEY_TAB = '\t',
	TUI_KEY_ENTER = '\n',
	TUI_KEY_ESCAPE = 0x1b,
	TUI_KEY_ERASE = 0x7f,
	TUI_KEY_UP = 0x110000,
	TUI_KEY_DOWN,
	TUI_KEY_LEFT,
	TUI_KEY_RIGHT,
	TUI_KEY_PAGE_UP,
	TUI_KEY_PAGE_DOWN,
	TUI_KEY_HOME,
	TUI_KEY_END,
	TUI_KEY_BACKTAB,
	TUI_KEY_RESIZE,
	TUI_KEY_MOUSE,
};

enum tui_action {
	ACTION_NONE,
	ACTION_UP,
	ACTION_DOWN,
	ACTION_PAGE_UP,
	ACTION_PAGE_DOWN,
	ACTION_FIRST,
	ACTION_LAST,
	ACTION_OPEN,
	ACTION_NEXT_VIEW,
	ACTION_PREVIOUS_VIEW,
	ACTION_SEARCH,
	ACTION_SEARCH_AGAIN,
	ACTION_FILTER,
	ACTION_SORT,
	ACTION_REVERSE,
	ACTION_TCP,
	ACTION_UDP,
	ACTION_LISTENING,
	ACTION_PROBE,
	ACTION_DETAILS,
	ACTION_EXPLAIN,
	ACTION_WRITE,
	ACTION_PAUSE,
	ACTION_SLOWER,
	ACTION_FASTER,
	ACTION_HELP,
	ACTION_BACK,
	ACTION_QUIT,
};

struct key_binding {
	uint32_t key;
	enum tui_action action;
	const char *name; /* as help shows it; NULL: another key for the one before */
	const char *help;
};

/* All of them, in the order of the help. */
extern const struct key_binding key_bindings[];
extern const size_t n_key_bindings;

enum tui_action key_action(uint32_t key);

#endif

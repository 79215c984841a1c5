/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/keys.h"

#include "util/xalloc.h"

#define CONTROL(letter) ((letter)&0x1f)

const struct key_binding key_bindings[] = {
	{ TUI_KEY_UP, ACTION_UP, "Up k", "to the row above" },
	{ 'k', ACTION_UP, NULL, NULL },
	{ TUI_KEY_DOWN, ACTION_DOWN, "Down j", "to the row below" },
	{ 'j', ACTION_DOWN, NULL, NULL },
	{ TUI_KEY_PAGE_UP, ACTION_PAGE_UP, "PgUp ^B", "a page up" },
	{ CONTROL('B'), ACTION_PAGE_UP, NULL, NULL },
	{ TUI_KEY_PAGE_DOWN, ACTION_PAGE_DOWN, "PgDn ^F", "a page down" },
	{ CONTROL('F'), ACTION_PAGE_DOWN, NULL, NULL },
	{ 'g', ACTION_FIRST, "g Home", "to the first row" },
	{ TUI_KEY_HOME, ACTION_FIRST, NULL, NULL },
	{ 'G', ACTION_LAST, "G End", "to the last row" },
	{ TUI_KEY_END, ACTION_LAST, NULL, NULL },
	{ TUI_KEY_ENTER, ACTION_OPEN, "Enter", "open or fold the row; go to a finding's port" },
	{ TUI_KEY_TAB, ACTION_NEXT_VIEW, "Tab", "ports, sockets, findings" },
	{ TUI_KEY_RIGHT, ACTION_NEXT_VIEW, NULL, NULL },
	{ TUI_KEY_BACKTAB, ACTION_PREVIOUS_VIEW, NULL, NULL },
	{ TUI_KEY_LEFT, ACTION_PREVIOUS_VIEW, NULL, NULL },
	{ '/', ACTION_SEARCH, "/", "search for a text" },
	{ 'n', ACTION_SEARCH_AGAIN, "n", "search again" },
	{ 'f', ACTION_FILTER, "f \\", "filter: selectors and words as of list" },
	{ '\\', ACTION_FILTER, NULL, NULL },
	{ 's', ACTION_SORT, "s", "sort by the next column" },
	{ 'S', ACTION_REVERSE, "S", "reverse the order" },
	{ 't', ACTION_TCP, "t", "TCP only, or all" },
	{ 'u', ACTION_UDP, "u", "UDP only, or all" },
	{ 'l', ACTION_LISTENING, "l", "listening and bound only, or all" },
	{ 'p', ACTION_PROBE, "p", "probe: could this port be bound, and why not" },
	{ 'd', ACTION_DETAILS, "d", "all details of the row" },
	{ 'e', ACTION_EXPLAIN, "e", "explain the finding" },
	{ 'w', ACTION_WRITE, "w", "write a snapshot, for --from" },
	{ ' ', ACTION_PAUSE, "Space", "hold the picture, or go on" },
	{ '+', ACTION_SLOWER, "+", "a longer interval" },
	{ '-', ACTION_FASTER, "-", "a shorter interval" },
	{ '?', ACTION_HELP, "?", "this help" },
	{ 'h', ACTION_HELP, NULL, NULL },
	{ TUI_KEY_ESCAPE, ACTION_BACK, "Esc", "back one level" },
	{ 'q', ACTION_QUIT, "q", "quit" },
};

const size_t n_key_bindings = ARRAY_SIZE(key_bindings);

enum tui_action key_action(uint32_t key)
{
	size_t i;

	if (key == '\r')
		key = TUI_KEY_ENTER;
	for (i = 0; i < n_key_bindings; i++)
		if (key_bindings[i].key == key)
			return key_bindings[i].action;
	return ACTION_NONE;
}

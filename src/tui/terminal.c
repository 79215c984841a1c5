/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/terminal.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/color.h"
#include "tui/keys.h"
#include "util/xalloc.h"

#define ESCAPE_MS 25 /* what follows a lone Esc later is no sequence */

static SCREEN *terminal;
static bool has_color;
static volatile sig_atomic_t asked_to_end;

static void end_later(int number)
{
	asked_to_end = number;
}

/* The terminal first: then what the signal does by itself. */
static void crash(int number)
{
	endwin();
	signal(number, SIG_DFL);
	raise(number);
}

static void catch_signals(void)
{
	static const int ends[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
	struct sigaction action = { .sa_handler = end_later };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &action, NULL);
	action.sa_handler = crash;
	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}

static void init_colors(bool color)
{
	static const short colors[N_COLOR_ROLES] = {
		[COLOR_LISTEN] = COLOR_GREEN,	 [COLOR_TIME_WAIT] = COLOR_YELLOW,
		[COLOR_CLOSING] = COLOR_MAGENTA, [COLOR_REUSE] = COLOR_CYAN,
		[COLOR_ALARM] = COLOR_RED,	 [COLOR_SECTION] = COLOR_CYAN,
	};
	short role;

	has_color = color && has_colors() && start_color() == OK;
	if (!has_color)
		return;
	/* On the background that the user has. */
	use_default_colors();
	for (role = 0; role < N_COLOR_ROLES; role++)
		if (colors[role])
			init_pair((short)(role + 1), colors[role], -1);
}

static void leave(void)
{
	if (terminal && !isendwin())
		endwin();
}

int terminal_open(bool color)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENOENT;
	atexit(leave);
	catch_signals();
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON1_DOUBLE_CLICKED | BUTTON4_PRESSED |
			  BUTTON5_PRESSED,
		  NULL);
	mouseinterval(150);
	init_colors(color);
	return 0;
}

void terminal_close(void)
{
	if (!terminal)
		return;
	leave();
	delscreen(terminal);
	terminal = NULL;
}

void terminal_size(uint32_t *ret_rows, uint32_t *ret_columns)
{
	*ret_rows = LINES > 0 ? (uint32_t)LINES : 1;
	*ret_columns = COLS > 0 ? (uint32_t)COLS : 1;
}

static attr_t attributes_of(uint8_t style, short *ret_pair)
{
	uint8_t role = style & SCREEN_ROLE;
	attr_t attributes = A_NORMAL;

	*ret_pair = 0;
	if (style & SCREEN_REVERSE)
		attributes |= A_REVERSE;
	if ((style & SCREEN_BOLD) || role == COLOR_HEADING || role == COLOR_ALARM)
		attributes |= A_BOLD;
	/* What is both dim and reverse cannot be read everywhere. */
	if (role == COLOR_DIM && !(style & SCREEN_REVERSE))
		attributes |= A_DIM;
	if (has_color && role < N_COLOR_ROLES && role != COLOR_PLAIN && role != COLOR_HEADING &&
	    role != COLOR_DIM)
		*ret_pair = (short)(role + 1);
	return attributes;
}

void terminal_show(const struct screen *screen)
{
	uint32_t row, column;

	for (row = 0; row < screen->rows; row++) {
		const struct screen_cell *cells = screen->cells + (size_t)row * screen->columns;

		for (column = 0; column < screen->columns; column++) {
			attr_t attributes;
			short pair;

			if (!cells[column].width)
				continue;
			attributes = attributes_of(cells[column].style, &pair);
			attr_set(attributes, pair, NULL);
			mvaddnstr((int)row, (int)column, cells[column].text, cells[column].length);
		}
	}
	refresh();
}

static uint32_t key_of(wint_t code)
{
	switch (code) {
	case KEY_UP:
		return TUI_KEY_UP;
	case KEY_DOWN:
		return TUI_KEY_DOWN;
	case KEY_LEFT:
		return TUI_KEY_LEFT;
	case KEY_RIGHT:
		return TUI_KEY_RIGHT;
	case KEY_PPAGE:
		return TUI_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TUI_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TUI_KEY_HOME;
	case KEY_END:
		return TUI_KEY_END;
	case KEY_BTAB:
		return TUI_KEY_BACKTAB;
	case KEY_ENTER:
		return TUI_KEY_ENTER;
	case KEY_BACKSPACE:
	case KEY_DC:
		return TUI_KEY_ERASE;
	case KEY_RESIZE:
		return TUI_KEY_RESIZE;
	case KEY_MOUSE:
		return TUI_KEY_MOUSE;
	default:
		/* No key of ours: as if the terminal had changed, which changes nothing. */
		return TUI_KEY_RESIZE;
	}
}

static void read_mouse(struct terminal_event *event)
{
	MEVENT mouse;

	if (getmouse(&mouse) != OK) {
		event->key = TUI_KEY_RESIZE;
		return;
	}
	event->row = mouse.y > 0 ? (uint32_t)mouse.y : 0;
	event->column = mouse.x > 0 ? (uint32_t)mouse.x : 0;
	event->twice = mouse.bstate & BUTTON1_DOUBLE_CLICKED;
	if (mouse.bstate & BUTTON4_PRESSED)
		event->wheel = -1;
	else if (mouse.bstate & BUTTON5_PRESSED)
		event->wheel = 1;
}

bool terminal_read(struct terminal_event *ret_event)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	wint_t code;
	int kind;

	*ret_event = (struct terminal_event){ .key = TUI_KEY_NONE };
	kind = get_wch(&code);
	if (kind == ERR)
		return poll(&input, 1, 0) <= 0 || !(input.revents & (POLLHUP | POLLERR | POLLNVAL));
	if (kind == KEY_CODE_YES)
		ret_event->key = key_of(code);
	else
		ret_event->key = code ? (uint32_t)code : TUI_KEY_RESIZE;
	if (ret_event->key == TUI_KEY_MOUSE)
		read_mouse(ret_event);
	return true;
}

int terminal_signal(void)
{
	return asked_to_end;
}

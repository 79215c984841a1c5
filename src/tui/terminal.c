/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tui/terminal.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "output/color.h"
#include "tui/keys.h"
#include "util/xalloc.h"

#undef columns /* a capability, to term.h */

#define ESCAPE_MS 25 /* what follows a lone Esc later is no sequence */

static SCREEN *terminal;
static bool has_color;
static pid_t opener;
static pthread_t opening_thread;

/* ---- giving it back without curses, which neither signals nor other threads may call ---- */

static struct termios modes_before;
static char leaving[256]; /* what brings the screen back */
static size_t leaving_used;

/* A capability, without the delays that it may have (terminfo(5), $<10/>). */
static void add_to_leaving(const char *capability)
{
	const char *text = tigetstr(capability), *end;

	if (!text || text == (char *)-1)
		return;
	while (*text && leaving_used < sizeof(leaving)) {
		end = !strncmp(text, "$<", 2) ? strchr(text, '>') : NULL;
		if (end)
			text = end + 1;
		else
			leaving[leaving_used++] = *text++;
	}
}

static void prepare_leaving(void)
{
	static const char no_mouse[] = "\033[?1006;1000l";
	const char *mouse = tigetstr("kmous");

	if (mouse && mouse != (char *)-1) {
		memcpy(leaving, no_mouse, sizeof(no_mouse) - 1);
		leaving_used = sizeof(no_mouse) - 1;
	}
	add_to_leaving("rmkx");
	add_to_leaving("sgr0");
	add_to_leaving("cnorm");
	add_to_leaving("rmcup");
}

static void leave_at_once(void)
{
	ssize_t ignored = write(STDOUT_FILENO, leaving, leaving_used);

	(void)ignored;
	tcsetattr(STDIN_FILENO, TCSANOW, &modes_before);
}

/* ---- signals ---- */

static const int ends[] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };
static struct sigaction ends_before[ARRAY_SIZE(ends)], crashes_before[ARRAY_SIZE(crashes)];
static volatile sig_atomic_t asked_to_end;
static int signal_pipe[2];

static void end_later(int number)
{
	int error = errno;
	ssize_t ignored = write(signal_pipe[1], "", 1);

	(void)ignored;
	asked_to_end = number;
	errno = error;
}

/*
 * The terminal first: then what the signal does by itself. In whatever thread it happened; but a
 * child that crashes has not taken the terminal.
 */
static void crash(int number)
{
	if (getpid() == opener)
		leave_at_once();
	signal(number, SIG_DFL);
	raise(number);
}

/* To be called before newterm(), which catches some of them too. */
static void remember_signals(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], NULL, &ends_before[i]);
	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], NULL, &crashes_before[i]);
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = end_later };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &action, NULL);
	action.sa_handler = crash;
	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &action, NULL);
}

static void release_signals(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++)
		sigaction(ends[i], &ends_before[i], NULL);
	for (i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &crashes_before[i], NULL);
}

/* ---- messages ---- */

static int messages = -1, stderr_before = -1;

static void keep_messages(void)
{
	messages = memfd_create("messages", MFD_CLOEXEC);
	if (messages < 0)
		return;
	stderr_before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (stderr_before >= 0)
		dup2(messages, STDERR_FILENO);
}

/* All that was said, NUL-terminated; malloc'ed. */
static char *read_messages(void)
{
	off_t size = lseek(messages, 0, SEEK_END);
	char *text = xmalloc((size_t)(size > 0 ? size : 0) + 1);
	ssize_t n = size > 0 ? pread(messages, text, (size_t)size, 0) : 0;

	text[n > 0 ? n : 0] = '\0';
	return text;
}

char *terminal_last_message(void)
{
	char *text = messages >= 0 ? read_messages() : xstrdup(""), *line, *last;
	size_t length = strlen(text);

	if (length && text[length - 1] == '\n')
		text[length - 1] = '\0';
	line = strrchr(text, '\n');
	last = xstrdup(line ? line + 1 : text);
	free(text);
	return last;
}

/* What was said again and again is given once. */
static void give_messages(void)
{
	char *text, *line, *end, *said = NULL;

	if (stderr_before >= 0) {
		dup2(stderr_before, STDERR_FILENO);
		close(stderr_before);
		text = read_messages();
		for (line = text; *line; line = end) {
			end = strchrnul(line, '\n');
			end += *end == '\n';
			if (said && !strncmp(said, line, (size_t)(end - line)))
				continue;
			said = line;
			if (write(STDERR_FILENO, line, (size_t)(end - line)) != end - line)
				break;
		}
		free(text);
	}
	if (messages >= 0)
		close(messages);
	messages = stderr_before = -1;
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

/* However the program ends; a child that ends has not taken the terminal. */
static void leave(void)
{
	if (!terminal || getpid() != opener)
		return;
	if (!pthread_equal(pthread_self(), opening_thread))
		leave_at_once();
	else if (!isendwin())
		endwin();
	give_messages();
}

/* A slow line may need more, and ESCDELAY (ncurses(3)) says so; curses has read it already. */
static void set_escape_delay(void)
{
	const char *wanted = getenv("ESCDELAY");
	char *end;

	if (!wanted || strtol(wanted, &end, 10) <= 0 || *end)
		set_escdelay(ESCAPE_MS);
}

/* newterm() loses memory where it fails. */
static bool is_known(void)
{
	int result;

	if (setupterm(NULL, STDOUT_FILENO, &result) != OK)
		return false;
	del_curterm(cur_term);
	return true;
}

int terminal_open(bool color)
{
	const char *move;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return -ENOTTY;
	if (tcgetattr(STDIN_FILENO, &modes_before) || pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	if (!is_known())
		return -ENOENT;
	/* The size is the terminal's, not what it was when somebody exported it. */
	unsetenv("LINES");
	unsetenv("COLUMNS");
	remember_signals();
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return -ENOENT;
	opener = getpid();
	opening_thread = pthread_self();
	move = tigetstr("cup");
	if (!move || move == (char *)-1) {
		terminal_close();
		return -ENOTSUP;
	}
	prepare_leaving();
	atexit(leave);
	catch_signals();
	keep_messages();
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escape_delay();
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
	release_signals();
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

int terminal_signal_fd(void)
{
	return signal_pipe[0];
}

int terminal_signal(void)
{
	return asked_to_end;
}

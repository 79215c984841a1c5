/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The top of the screen: host, time, sockets by state, what runs out, findings by severity. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tui/bar.h"
#include "tui/view.h"
#include "util/escape.h"

#define PROGRAM "portshare"
#define FINDINGS_WIDTH 34
#define METER_WIDTH 10
#define NETNS_WIDTH 12
#define TREND_COLUMNS (FRAME_TREND + 3)
#define TREND_SHORT 6
#define LOCAL_PORTS_WIDTH (28 + NETNS_WIDTH) /* "local ports 28232/28232 in NAME" */

/* Writes on in a row. */
struct pen {
	struct screen *screen;
	uint32_t row, column;
};

static void write_text(struct pen *pen, uint8_t style, const char *text)
{
	pen->column += screen_text(pen->screen, pen->row, pen->column, UINT32_MAX, style, text);
}

static void write_count(struct pen *pen, const char *name, uint64_t count, uint8_t style)
{
	if (pen->column)
		pen->column += 2;
	pen->column += screen_printf(pen->screen, pen->row, pen->column, UINT32_MAX, COLOR_DIM,
				     "%s ", name);
	pen->column += screen_printf(pen->screen, pen->row, pen->column, UINT32_MAX, style, "%llu",
				     (unsigned long long)count);
}

static void write_clock(const struct view *view, char text[32])
{
	time_t seconds = (time_t)(view->frame->snapshot->end_ns / 1000000000);
	struct tm utc;

	if (!view->frame->snapshot->end_ns || !gmtime_r(&seconds, &utc) ||
	    !strftime(text, 32, "%H:%M:%S UTC", &utc))
		text[0] = '\0';
}

/* What is wrong stands at the right end of the first line, where also a low screen has it. */
static uint32_t findings_column(const struct screen *screen)
{
	return screen->columns > FINDINGS_WIDTH ? screen->columns - FINDINGS_WIDTH : 0;
}

/* Whether time stands still, or how fast it goes. Returns its style. */
static uint8_t write_pace(const struct view *view, char text[32])
{
	if (view->from_file)
		snprintf(text, 32, "  from a file");
	else if (view->paused)
		snprintf(text, 32, "  held");
	else
		snprintf(text, 32, "  every %g s", (double)view->interval_ms / 1000);
	return view->paused ? COLOR_TIME_WAIT : COLOR_DIM;
}

/*
 * A host may have a long name. Before it hides what the time is, and that it is held, the program's
 * name goes, then an interval, then the rest of the host's name.
 */
static void draw_title(const struct view *view, struct screen *screen)
{
	const char *host = snapshot_text(view->frame->snapshot, view->frame->snapshot->host);
	uint32_t room = findings_column(screen), fixed, wanted;
	struct pen pen = { .screen = screen };
	char clock[32], pace[32];
	uint8_t pace_style = write_pace(view, pace);
	struct out safe;

	out_init(&safe, -1);
	if (host)
		escape_append(&safe, ESCAPE_TERMINAL, host, strlen(host));
	write_clock(view, clock);
	wanted = (uint32_t)escape_width(safe.buffer, safe.used);
	fixed = (uint32_t)(strlen(clock) + strlen(pace)) + 2;
	if (sizeof(PROGRAM) + wanted + fixed <= room) {
		write_text(&pen, SCREEN_BOLD, PROGRAM);
		pen.column++;
	}
	if (!pen.column && wanted + fixed > room && !view->paused) {
		fixed -= (uint32_t)strlen(pace);
		pace[0] = '\0';
	}
	if (!pen.column && wanted + fixed > room)
		wanted = room > fixed ? room - fixed : 0;
	pen.column += screen_put(screen, 0, pen.column, wanted, 0, safe.buffer, safe.used);
	out_done(&safe);
	pen.column += 2;
	write_text(&pen, 0, clock);
	write_text(&pen, pace_style, pace);
}

static void draw_findings(const struct view *view, struct screen *screen)
{
	const struct frame_totals *totals = &view->frame->totals;
	uint32_t column = findings_column(screen), i;

	for (i = N_SEVERITIES; i-- > 0;) {
		uint32_t count = totals->findings[i];
		uint8_t style = (uint8_t)color_severity((enum severity)i);

		if (i > SEVERITY_NOTE)
			style |= SCREEN_BOLD;
		column += screen_printf(screen, 0, column, UINT32_MAX, count ? style : COLOR_DIM,
					"%4u %s", count, severity_name((enum severity)i));
	}
}

/* No finding does not mean that there is nothing. */
static void draw_unclear(const struct frame *frame, struct pen *pen)
{
	bool part = snapshot_part(frame->snapshot) != PART_WHOLE;
	uint32_t undecided = frame->totals.undecided, columns = pen->screen->columns;
	char text[64], doubts[32] = "";

	if (!part && !undecided)
		return;
	if (undecided)
		snprintf(doubts, sizeof(doubts), "cannot tell: %u", undecided);
	snprintf(text, sizeof(text), "%s%s%s", part ? "only a part" : "",
		 part && undecided ? ", " : "", doubts);
	pen->column += 2;
	if (pen->column + strlen(text) < columns)
		pen->column = columns - (uint32_t)strlen(text);
	write_text(pen, COLOR_TIME_WAIT, text);
}

static void draw_tcp(const struct view *view, struct screen *screen)
{
	const struct frame_totals *totals = &view->frame->totals;
	struct pen pen = { .screen = screen, .row = 1 };

	write_text(&pen, COLOR_HEADING, "TCP");
	write_count(&pen, "LISTEN", totals->tcp[STATE_LISTEN], COLOR_LISTEN);
	write_count(&pen, "BOUND", totals->tcp[STATE_BOUND], 0);
	write_count(&pen, "ESTAB", totals->tcp[STATE_ESTAB], 0);
	write_count(&pen, "SYN", totals->tcp[STATE_SYN_SENT] + totals->tcp[STATE_SYN_RECV], 0);
	write_count(&pen, "closing", totals->closing, totals->closing ? COLOR_CLOSING : 0);
	pen.column += 2;
	write_text(&pen, COLOR_HEADING, "UDP");
	pen.column +=
		1 + screen_printf(screen, 1, pen.column + 1, UINT32_MAX, 0, "%u", totals->udp);
	draw_unclear(view->frame, &pen);
}

/* " in blue": of several namespaces, of which a limit is. */
static void append_netns(const struct snapshot *snapshot, uint32_t index, struct out *out)
{
	const struct netns *netns = &snapshot->netns[index];
	const char *name = snapshot_text(snapshot, netns->name);
	struct out safe;

	if (snapshot->n_netns < 2)
		return;
	out_init(&safe, -1);
	if (name)
		escape_append(&safe, ESCAPE_TERMINAL, name, strlen(name));
	else
		out_unsigned(&safe, netns->id);
	out_string(out, " in ");
	out_bytes(out, safe.buffer, escape_fit(safe.buffer, safe.used, NETNS_WIDTH, NULL));
	out_done(&safe);
}

/* "/65536"; " (12/65536 in blue)" where that is not the limit of all. */
static void append_time_wait_limit(const struct frame *frame, struct out *out)
{
	const struct frame_netns *most = frame->netns + frame->most_time_wait;
	bool one = frame->snapshot->n_netns == 1;

	if (!frame->snapshot->n_netns || !most->time_wait_limit)
		return;
	if (one)
		out_printf(out, "/%lld", (long long)most->time_wait_limit);
	else if (most->time_wait)
		out_printf(out, " (%u/%lld", most->time_wait, (long long)most->time_wait_limit);
	else
		return;
	append_netns(frame->snapshot, frame->most_time_wait, out);
	out_string(out, one ? "" : ")");
}

static void draw_local_ports(const struct view *view, struct screen *screen, uint32_t column)
{
	const struct frame *frame = view->frame;
	const struct frame_netns *most = frame->netns + frame->most_ports;
	struct out out;

	column += screen_printf(screen, 2, column, UINT32_MAX, COLOR_DIM, "local ports ");
	out_init(&out, -1);
	out_printf(&out, "%u/%u", most->local_ports_used, most->local_ports);
	append_netns(frame->snapshot, frame->most_ports, &out);
	column += screen_put(screen, 2, column, UINT32_MAX, 0, out.buffer, out.used);
	out_done(&out);
	bar_draw(screen, 2, column + 1, METER_WIDTH, most->local_ports_used, most->local_ports,
		 most->local_ports_used * 10ULL > most->local_ports * 8ULL ? COLOR_ALARM :
									     COLOR_LISTEN,
		 view->ascii);
}

static void draw_limits(const struct view *view, struct screen *screen)
{
	const struct frame *frame = view->frame;
	uint32_t column, several = frame->snapshot->n_netns > 1, trend = FRAME_TREND;
	struct out out;

	column = screen_printf(screen, 2, 0, UINT32_MAX, COLOR_TIME_WAIT, "TIME-WAIT %u",
			       frame->totals.time_wait);
	out_init(&out, -1);
	append_time_wait_limit(frame, &out);
	column += screen_put(screen, 2, column, UINT32_MAX, COLOR_DIM, out.buffer, out.used);
	out_done(&out);
	/* Names need room, which the oldest values and the bar give where there is little. */
	if (several && screen->columns < column + TREND_COLUMNS + LOCAL_PORTS_WIDTH)
		trend = TREND_SHORT;
	bar_sparkline(screen, 2, column + 1, trend, frame->trend, frame->n_trend, COLOR_TIME_WAIT,
		      view->ascii);
	/* At a fixed place, while the line grows. */
	if (frame->snapshot->n_netns && frame->netns[frame->most_ports].local_ports)
		draw_local_ports(view, screen, column + trend + 3);
}

void view_draw_header(struct view *view, struct screen *screen, uint32_t rows)
{
	if (!view->frame) {
		screen_text(screen, 0, 0, UINT32_MAX, SCREEN_BOLD,
			    "portshare: reading the sockets ...");
		return;
	}
	draw_title(view, screen);
	draw_findings(view, screen);
	if (rows < 3)
		return;
	draw_tcp(view, screen);
	draw_limits(view, screen);
}

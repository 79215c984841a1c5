#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The live view on real terminals, which tmux plays: golden screens of every view, overlay, size and
# colour mode, then live sockets, signals and terminals that go. GENERATE=1 makes the screens anew:
# look at each before it is committed.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need tmux
netns_need jq
source_dir=$(cd "${top_srcdir:-.}" && pwd)
golden=$source_dir/tests/tui/golden
cd "$netns_tmp" || exit 99
LC_ALL=C.UTF-8
TMUX_TMPDIR=$netns_tmp
SHELL=/bin/sh
export LC_ALL TMUX_TMPDIR SHELL
unset TMUX NO_COLOR
cp "$source_dir/tests/golden/web.json" "$source_dir/tests/golden/hostile.json" \
	"$source_dir/tests/golden/namespaces.json" .
cp "$source_dir/tests/findings/udp-share-two-programs.json" shared.json

# Each terminal has a server of its own: one that ends would take the next one's clients with it.
terminal=0
t()
{
	tmux -u -L "watch$terminal" -f /dev/null "$@"
}
# shellcheck disable=SC2317 # called by netns_exit
netns_exit_hook()
{
	t kill-server 2>/dev/null
}
# open COLUMNS ROWS COMMAND...: in a new terminal, which stays when the command has ended.
open()
{
	t kill-server 2>/dev/null
	terminal=$((terminal + 1))
	columns=$1
	rows=$2
	shift 2
	t new-session -d -x "$columns" -y "$rows" "env $* 2>stderr; echo status \$? >>status; stty -a >stty; sleep 60" 9>&- ||
		exit 99
	t set-option -g status off
	t resize-window -x "$columns" -y "$rows"
}
keys()
{
	for key; do
		t send-keys "$key"
	done
}
text()
{
	t send-keys -l "$1"
}
# until PATTERN: the screen has it.
until_seen()
{
	n=0
	while [ "$n" -lt 100 ]; do
		t capture-pane -p | grep -q -e "$1" && return 0
		sleep 0.1
		n=$((n + 1))
	done
	t capture-pane -p
	return 1
}
# until_file FILE: something has been written into it.
until_file()
{
	n=0
	while [ ! -s "$1" ] && [ "$n" -lt 100 ]; do
		sleep 0.1
		n=$((n + 1))
	done
}
# screen NAME [-e]: the screen is as it was when somebody looked at it; with its colours.
screen()
{
	if [ -n "${GENERATE-}" ]; then
		sleep 1
		# shellcheck disable=SC2086 # may be none
		t capture-pane -p ${2-} | sed 's/ *$//' >"$golden/$1.txt"
	fi
	n=0
	while [ "$n" -lt 100 ]; do
		# shellcheck disable=SC2086
		t capture-pane -p ${2-} | sed 's/ *$//' >seen
		cmp -s seen "$golden/$1.txt" && break
		sleep 0.1
		n=$((n + 1))
	done
	ok "$1" diff "$golden/$1.txt" seen
}
watch_file()
{
	file=$1
	shift
	open "$@" "$PORTSHARE" watch --from "$file"
}

# Every view and overlay, key by key.
watch_file web.json 100 30
screen ports
keys Enter
screen ports-open
keys Down Down Down Down Enter
screen ports-open-sockets
keys Escape g d
screen details
keys Down q G
screen ports-last
keys g Tab
screen sockets
keys s s S
screen sockets-sorted
keys Tab
screen findings
keys Down e
screen explain
keys PageDown
screen explain-scrolled
keys Escape Enter
screen finding-port
keys '?'
screen help
keys G
screen help-end
keys q '/'
text redis
screen search
keys Enter
screen searched
keys Escape f
text 'state=time-wait,estab tcp'
keys Enter
screen filter
keys Escape f
text 'no:such:thing'
keys Enter
screen filter-wrong
keys Escape p
screen probe-file
keys Escape t
screen only-tcp
keys u l
screen only-udp-listening
keys Space
screen hold-file
keys Escape w C-u
text "$netns_tmp/written.json"
keys Enter
ok "a snapshot is written" until_seen 'Written: portshare --from'
is "which --from opens, and which is the same" "$("$PORTSHARE" list --from written.json)" "$("$PORTSHARE" list --from web.json)"
keys w C-u
text "$netns_tmp/written.json"
keys Enter
ok "never over another" until_seen 'Cannot write .*File exists'
keys w C-u
text "$netns_tmp/of web's 1.json"
keys Enter
ok "a name as a shell takes it" until_seen "Written: portshare --from '.*/of web'\\\\''s 1.json'"
keys w C-u
text -
keys Enter
ok "nor the standard input" until_seen 'Written: portshare --from \./-$'
keys q
ok "q ends it" until_seen '^$'
sleep 0.3
is "with 0, and without a word" "$(cat status) $(cat stderr)" "status 0 "

# Sizes, and resizing from one to the other.
watch_file web.json 200 60
screen size-200x60
t resize-window -x 120 -y 40
screen size-120x40
t resize-window -x 80 -y 24
screen size-80x24
t resize-window -x 60 -y 10
screen size-60x10
keys e
screen size-60x10-explain
keys Escape
t resize-window -x 59 -y 9
screen size-too-small
t resize-window -x 200 -y 60
screen size-200x60

# Characters and colours.
open 80 24 LC_ALL=C "$PORTSHARE" watch --from web.json
screen ascii
open 80 24 TERM=tmux-256color "$PORTSHARE" watch --from web.json
screen color-256 -e
open 80 24 TERM=screen "$PORTSHARE" watch --from web.json
screen color-8 -e
open 80 24 TERM=vt100 "$PORTSHARE" watch --from web.json
screen color-none -e
open 80 24 NO_COLOR=1 TERM=tmux-256color "$PORTSHARE" watch --from web.json
screen no-color -e
open 100 24 "$PORTSHARE" watch --from hostile.json
screen hostile
keys Tab
screen hostile-sockets
open 80 24 "$PORTSHARE" watch --from shared.json udp:5060
screen selected
open 100 24 "$PORTSHARE" watch --from namespaces.json
screen namespaces


# What cannot be seen is said once.
jq '.limits = [{ what: "owners", reason: "EACCES", count: 12, text: "the owners of 12 sockets are hidden" }]' \
	web.json >limits.json
open 80 24 "$PORTSHARE" watch --from limits.json
ok "what cannot be seen is said" until_seen '^the owners of 12 sockets are hidden$'
keys Down
ok "until a key is pressed" until_seen '^?help '

# The mouse.
open 80 24 TERM=xterm-256color "$PORTSHARE" watch --from web.json
until_seen 'by alarm' >/dev/null
text "$(printf '\033[<0;10;8M\033[<0;10;8m')"
screen mouse
text "$(printf '\033[<65;10;8M')"
screen mouse-wheel

# Live sockets.
mksock_start listening,addr=127.0.0.1,port=7001,comm=first udp,addr=127.0.0.1,port=7002,reuseaddr || exit 99
first=$mksock_pid
open 100 24 "$PORTSHARE" watch -n 250ms
ok "live: what listens" until_seen 'tcp:7001 .*LISTEN.*first'
mksock_start listening,addr=127.0.0.1,port=7003 || exit 99
ok "live: a new port is marked" until_seen '^+ .*tcp:7003'
keys '/'
text tcp:7001
keys Enter p
ok "live: probe" until_seen 'No: tcp 127.0.0.1:7001 cannot be bound'
ok "live: by model and replica" until_seen '> no reuse flag   EADDRINUSE     EADDRINUSE     -'
keys Escape
mksock_stop_pid "$first"
ok "live: a port that has gone" until_seen '^- .*tcp:7001 .*gone'
mksock_start udp,addr=127.0.0.1,port=7004,reuseaddr || exit 99
first=$mksock_pid
keys Tab
ok "live: a socket" until_seen '^+ udp  *7004 .*BOUND'
keys Tab
ok "live: a new finding" until_seen '^+ .*udp:7004 .*udp-hijackable'
mksock_stop_pid "$first"
ok "live: a finding that has gone" until_seen '^- gone .*udp:7004 .*udp-hijackable'
keys BTab
ok "live: a socket that has gone" until_seen '^- udp  *7004 .*gone'
keys BTab
mksock_start listening,addr=127.0.0.1,port=7003,count=1,reuseport 2>/dev/null
keys Space
ok "live: held" until_seen ' held'
keys Space +
ok "live: slower" until_seen 'every 0.5 s'
# Before the next one looks for these files.
rm -f stty
keys q
until_file stty
for signal in TERM HUP INT; do
	rm -f status stty
	open 100 24 "$PORTSHARE" watch
	until_seen 'by alarm' >/dev/null
	pid=$(pgrep -P "$(t list-panes -F '#{pane_pid}')" portshare)
	kill -"$signal" "$pid"
	until_file stty
	like "SIG$signal: the terminal is sane" "$(cat stty)" '[^-]echo .*'
	like "SIG$signal: it ends by it" "$(cat status)" '^status 1[0-9]+$'
done
rm -f status stty
open 100 24 "$PORTSHARE" watch
until_seen 'by alarm' >/dev/null
pid=$(pgrep -P "$(t list-panes -F '#{pane_pid}')" portshare)
kill -SEGV "$pid"
until_file stty
like "a crash: the terminal is sane" "$(cat stty)" '[^-]echo .*'
open 100 24 "$PORTSHARE" watch
until_seen 'by alarm' >/dev/null
pid=$(pgrep -P "$(t list-panes -F '#{pane_pid}')" portshare)
t kill-server
n=0
while kill -0 "$pid" 2>/dev/null && [ "$n" -lt 100 ]; do
	sleep 0.1
	n=$((n + 1))
done
not_ok "a terminal that goes: it ends" kill -0 "$pid"

# Ctrl-Z and back, under a shell with job control.
terminal=$((terminal + 1))
t new-session -d -x 90 -y 24 "bash --norc --noprofile" 9>&- 2>/dev/null
t set-option -g status off
text "'$PORTSHARE' watch --from web.json"
keys Enter
ok "under a shell" until_seen 'by alarm'
keys C-z
ok "Ctrl-Z: the shell is back" until_seen 'Stopped'
text fg
keys Enter
ok "and so is the picture" until_seen 'by alarm'
keys Down q
ok "with keys" until_seen '[$#] *$'

# Where there is no terminal.
"$PORTSHARE" watch </dev/null >out 2>err
is "no terminal" "$? $(cat out) $(cat err)" "2  portshare: watch needs a terminal; --batch prints frames without one"
open 80 24 TERM=nosuchterminal "$PORTSHARE" watch
until_file stderr
is "an unknown terminal" "$(cat stderr)" \
	'portshare: nothing is known of a terminal of the kind "nosuchterminal": set TERM, or use --batch, which needs none'
"$PORTSHARE" watch --batch --from web.json >frame
is "--batch of a file: one frame" "$? $(grep -c 'by alarm' frame) $(wc -l <frame)" "0 1 40"
"$PORTSHARE" watch --batch --from limits.json >frame 2>err
is "what cannot be seen, on stderr" "$(cat err)" "portshare: the owners of 12 sockets are hidden"
COLUMNS=80 LINES=24 "$PORTSHARE" watch --batch --from web.json >frame
[ -z "${GENERATE-}" ] || cp frame "$golden/batch-80x24.txt"
ok "of any size, without keys" diff "$golden/batch-80x24.txt" frame
"$PORTSHARE" watch --batch -c 3 -n 50ms >frame
is "three frames" "$(grep -c 'by alarm' frame)" 3
"$PORTSHARE" watch --batch --json-lines -c 3 -n 50ms >lines
is "three summaries" "$(jq -c '[.sockets >= 1, .tcp.LISTEN >= 1, .findings.critical]' lines | sort -u)" "[true,true,0]"
"$PORTSHARE" --from web.json --json -l >part.json
"$PORTSHARE" watch --batch --from part.json >frame 2>err
like "--batch of a part: is said in the frame too" "$(cat frame)" 'only a part'
is "--json-lines of a part, and of a whole" \
	"$("$PORTSHARE" watch --batch --json-lines --from part.json 2>err | jq -c .part) $("$PORTSHARE" watch --batch --json-lines --from web.json | jq -c .part)" \
	'"sockets" null'
"$PORTSHARE" watch --batch --json-lines --from namespaces.json >summary
is "limits of each namespace" "$(jq -c '.time_wait, (.netns[] | [.id, .name, .time_wait, .time_wait_limit, .local_ports, .local_ports_used])' summary | tr '\n' ' ')" \
	'0 [4026531833,null,0,null,28232,0] [4026532001,"blue",0,null,28232,0] [4026532002,null,0,null,977,1] '
is "a line each" "$(wc -l <lines)" 3
"$PORTSHARE" watch --batch -c 2 -n 50ms >/dev/full 2>err
is "a full disk" "$? $(cat err)" "2 portshare: cannot write to standard output: No space left on device"

# Ten thousand readings take no memory: that after the first thousand is all.
"$PORTSHARE" watch --batch --json-lines -c 10000 -n 0 >lines 2>/dev/null &
pid=$!
rss()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$pid/status" 2>/dev/null
}
early=
while kill -0 "$pid" 2>/dev/null; do
	n=$(wc -l <lines)
	now=$(rss)
	[ -z "$early" ] && [ "$n" -ge 1000 ] && early=$now
	[ -n "$now" ] && late=$now
	sleep 0.1
done
wait "$pid"
is "10,000 readings" "$? $(wc -l <lines)" "0 10000"
ok "memory does not grow: $early kB, then $late kB" test "$late" -le $((early + early / 10 + 512))

# Mistakes.
wrong()
{
	name=$1
	shift
	"$PORTSHARE" watch "$@" >out 2>err </dev/null
	is "$name: exit status" $? 2
	is "$name: one sentence" "$(wc -l <err)" 1
}
wrong "JSON" --json
wrong "a count without --batch" -c 1
wrong "lines without --batch" --json-lines
wrong "no count" --batch -c 0
wrong "no interval" -n soon
wrong "too short an interval" -n 1ms
wrong "no such file" --from nosuchfile
wrong "no selector" --batch foo:bar:baz
done_testing

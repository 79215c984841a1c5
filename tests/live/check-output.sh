#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# check --output: whole, or not at all; and what selectors leave out is still judged by.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter -m "$0" "$@"
netns_need jq
netns_need python3
LC_ALL=C.UTF-8
export LC_ALL
fixture=$(cd "${top_srcdir:-.}/tests/findings" && pwd)/udp-share-two-programs.json
cd "$netns_tmp" || exit 99

# More than one buffer of output.
jq '.processes[0].cmdline += [range(20000) | "an argument"]' "$fixture" >large.json
ok "there is much to write" test "$(wc -c <large.json)" -gt 200000

mkdir reports
# left WHAT STATUS: status 3, one sentence that names the file, the old report, and nothing beside it.
left()
{
	is "$1: exit status" "$2" 3
	is "$1: one sentence" "$(wc -l <err)" 1
	like "$1: which names the file" "$(cat err)" "^portshare: cannot write to \"reports/report\": $3\$"
	is "$1: the old report is there, and nothing else" "$(ls reports) $(cat reports/report)" "report old"
}

# In blocks of 512 bytes, of which the message on stderr takes one.
limited()
{
	echo old >reports/report
	(ulimit -f "$1" && exec "$PORTSHARE" check --from "$2" --json --output reports/report) 2>err
}
limited 1 "$fixture"
left "a file that may not grow" $? "File too large"
limited 200 large.json
left "a file that may not grow further" $? "File too large"
limited 200 "$fixture"
is "a limit that is not reached" "$? $(jq '.findings | length' reports/report)" "1 2"

if mount -t tmpfs -o size=128k,nr_inodes=64 none reports 2>err; then
	echo old >reports/report
	"$PORTSHARE" check --from large.json --json --output reports/report 2>err
	left "a disk that fills" $? "No space left on device"
	mount -o remount,bind,ro reports
	"$PORTSHARE" check --from "$fixture" --output reports/report 2>err
	left "a directory that cannot be written" $? "Read-only file system"
	mount -o remount,bind,rw reports
	"$PORTSHARE" check --from "$fixture" --json --output reports/report 2>err
	is "then it works" "$? $(ls reports) $(jq '.findings | length' reports/report)" "1 report 2"
	umount reports
else
	skip "a disk that fills" "no tmpfs can be mounted here: $(cat err)"
fi

mkdir reports/directory
"$PORTSHARE" check --from "$fixture" --output reports/directory 2>err
is "a directory in its place" "$? $(wc -l <err) $(find . -name 'directory*' | wc -l)" "3 1 1"
"$PORTSHARE" check --from "$fixture" --output "$(printf 'no\033[2J/x')" 2>err
is "a hostile file name is escaped" "$? $(tr -d '\n' <err | tr -cd '\000-\037' | wc -c)" "3 0"
(umask 027 && "$PORTSHARE" check --from "$fixture" --output reports/mode)
is "a new one has the mode that the umask leaves" "$(stat -c %a reports/mode)" 640
echo old >reports/mode
chmod 604 reports/mode
"$PORTSHARE" check --from "$fixture" --output reports/mode
is "one that was there keeps its mode" "$? $(stat -c %a reports/mode) $(sed -n 3p reports/mode | head -c 7)" "1 604 WARNING"
# Who reads it as a member of its group is to read the next one, too.
echo old >reports/group
chmod 640 reports/group
if [ "$(id -u)" = 0 ] && chgrp 1234 reports/group 2>/dev/null; then
	"$PORTSHARE" check --from "$fixture" --output reports/group 2>err
	is "and its group" "$? $(stat -c '%a %g' reports/group) $(cat err)" "1 640 1234 "
	program=$(user_program "$PORTSHARE")
	cp "$fixture" "$netns_tmp/fixture.json"
	chmod 644 "$netns_tmp/fixture.json"
	mkdir others
	mv reports/group others
	chown 65534 others others/group
	as_user "$program" check --from "$netns_tmp/fixture.json" --output "$PWD/others/group" 2>err
	is "a group that it cannot be given gets no rights, nor does another" "$? $(stat -c '%a %g' others/group)" "1 600 65534"
	like "which is said" "$(cat err)" '^portshare: cannot keep the group of "[^"]*/others/group": .*; so the new file is for no group'
	chmod 604 others/group
	chgrp 1234 others/group
	as_user "$program" check --from "$netns_tmp/fixture.json" --output "$PWD/others/group" 2>err
	is "if it had none, nothing is lost" "$? $(stat -c '%a' others/group) $(cat err)" "1 604 "
else
	skip "its group" "files cannot be given to groups here"
fi
echo old >target
ln -s ../target reports/link
"$PORTSHARE" check --from "$fixture" --output reports/link
is "a link is replaced, and not what somebody else may have made it lead to" \
	"$? $(test -L reports/link || sed -n 3p reports/link | head -c 7) $(cat target)" "1 WARNING old"
# As /dev/stdout is; root could replace that.
ln -s /proc/self/fd/1 reports/stdout
echo old >log
"$PORTSHARE" check --from "$fixture" --output reports/stdout >>log
is "standard output by its name, into a file" "$? $(readlink reports/stdout) $(sed -n '1p;4p' log | head -c 11 | paste -sd' ')" \
	"1 /proc/self/fd/1 old WARNING"
ln -s /dev/null reports/device
"$PORTSHARE" check --from "$fixture" --output reports/device
is "a device is written to, not replaced" "$? $(readlink reports/device)" "1 /dev/null"

# 17 of 20 local ports towards one destination: with a selector, too, all sockets count.

echo "40000 40019" >/proc/sys/net/ipv4/ip_local_port_range
cat >clients.py <<'PY'
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 7000)); s.listen(64)
keep = [socket.create_connection(("127.0.0.1", 7000)) for _ in range(17)]
print("ready", flush=True); time.sleep(600)
PY
mkfifo ready.fifo
python3 clients.py >ready.fifo 2>clients.err 9>&- &
clients_pid=$!
# shellcheck disable=SC2317 # called by netns.sh
netns_exit_hook() { kill "$clients_pid" 2>/dev/null; wait "$clients_pid" 2>/dev/null; }
read -r _ <ready.fifo
port=$("$PORTSHARE" --raw -H -o port -s estab 2>/dev/null | grep '^400' | head -n 1)
"$PORTSHARE" --json >all.json 2>/dev/null
for selected in "tcp:$port" "tcp:$port -4" "tcp:$port -s estab" -l "-u" "tcp:7000"; do
	# shellcheck disable=SC2086
	is "$selected: the same as of a snapshot of all" \
		"$("$PORTSHARE" check --json $selected 2>/dev/null | jq -r '.findings[].id' | sort | paste -sd' ')" \
		"$("$PORTSHARE" check --json --from all.json $selected 2>/dev/null | jq -r '.findings[].id' | sort | paste -sd' ')"
done
like "and what is found by one port" "$("$PORTSHARE" check --json "tcp:$port" 2>/dev/null | jq -r '.findings[].id')" ephemeral-exhaustion

# Of a hundred the first are named in it; those of a process are, wherever they stand.
jq -c --argjson first 40000 '.netns[0].sysctl.ip_local_port_range = [40000, 40099] | .netns = .netns[:1] |
	(.sockets[] | select(.state == "ESTAB" and .peer.port == 7000)) as $held | .netns[0].id as $netns |
	.sockets = [range(99) | . as $i | $held + {netns: $netns, local: {address: "127.0.0.1", port: ($first + $i), device: null}, cookie: (1000 + $i)} |
		if $i < 98 then . + {state: "TIME-WAIT", inode: 0, owners: [], owner_status: "none", timer: {kind: "time-wait", expires_ms: 1000}} else . end]' \
	all.json 2>/dev/null | head -n 1 >many.json
is "of many connections, by the holder of the last" "$("$PORTSHARE" check --from many.json --json --pid "$clients_pid" 2>err | jq -r '.findings[].id')" \
	ephemeral-exhaustion

# A snapshot of a part says so, and nobody takes it for the whole.

kill "$clients_pid"
wait "$clients_pid" 2>/dev/null
mksock_start listening,port=6001,reuseaddr || exit 99
mksock_start listening,port=6002,reuseaddr || exit 99
"$PORTSHARE" --json >all.json 2>/dev/null
"$PORTSHARE" check --from all.json tcp:6001-6002 >out
is "all sockets: nothing is wrong" $? 0
is "and nothing was left out" "$(jq -c '.limits | map(select(.what == "sockets"))' all.json)" "[]"
# part REASON LIMITS ARGUMENT...: a snapshot taken with these arguments has that limit, and is not judged as whole.
part()
{
	reason=$1
	shift
	"$PORTSHARE" --json "$@" >part.json 2>err
	is "$*: the snapshot says that it is a part" "$(jq -r '.limits[] | select(.what == "sockets").reason' part.json)" "$reason"
	is "$*: which is not worth a line on stderr" "$(grep -c 'holds only' err)" 0
	"$PORTSHARE" check --from part.json >out
	is "$*: it is not judged as the whole" "$? $(grep -v '^Snapshot ' out | sed -n 2p | cut -d';' -f1)" "3 Nothing found in what could be seen"
	like "$*: and why" "$(tail -n 2 out | paste -sd' ')" "the snapshot holds only the (ports|sockets) that were asked for"
	"$PORTSHARE" check --from part.json --format=plugin >out
	like "$*: in a plugin" "$? $(head -n 1 out)" "^3 PORTSHARE UNKNOWN - cannot tell: not all that is asked about could be seen"
	"$PORTSHARE" list --from part.json --json 2>/dev/null | jq -r '.limits[] | select(.what == "sockets").reason' >out
	is "$*: and it stays so" "$(cat out)" "$reason"
}
part sockets-left-out -l
part sockets-left-out 127.0.0.1:6001
part sockets-left-out --user 0
part ports-left-out tcp:6001
part ports-left-out -t
"$PORTSHARE" --json tcp:6001 >part.json 2>/dev/null
"$PORTSHARE" check --from part.json tcp:6001 >out
is "of a port that is all there it can be told" $? 0
"$PORTSHARE" check --from part.json tcp:6002 >out
is "of one that is not it cannot" $? 3
"$PORTSHARE" check --from part.json tcp:6001-6002 >out
is "nor of a range" $? 3
"$PORTSHARE" check --from part.json 6001 >out
is "nor of UDP" $? 3
jq '.limits = [{"what": "sockets", "reason": "sockets-left-out", "count": null, "text": "a part"}]' \
	"${fixture%/*}/time-wait-blocks.json" >part.json
"$PORTSHARE" check --from part.json >out
is "that nobody listens cannot be told" "$? $(sed -n 3p out)" "3 CANNOT TELL  time-wait-blocks-bind"
is "note column: as little" "$("$PORTSHARE" list --from part.json --raw -H -o note 2>/dev/null | sort -u)" "?"
done_testing

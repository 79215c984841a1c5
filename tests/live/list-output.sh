#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What list does with a stdout, a name or a user that is not as usual.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq
LC_ALL=C.UTF-8
export LC_ALL

# run ARGUMENT...: stdout in out, stderr in err, the exit status in $status.
run()
{
	"$PORTSHARE" "$@" >"$netns_tmp/out" 2>"$netns_tmp/err"
	status=$?
}

run
is "no sockets: exit status 0" "$status" 0
is "no sockets: nothing is printed" "$(cat "$netns_tmp/out" "$netns_tmp/err")" ""

# shellcheck disable=SC1003 # mksock's escapes
mksock_start listening,reuseaddr,comm='a\e]0;x\x07\xff b\x2c"\n\\' udp,reuseport time-wait || exit 99
port=$(sed -n 's/.*role=listener.* local=127.0.0.1:\([0-9]*\).*/\1/p' "$mksock_out" | head -n 1)

# Nothing matched

run tcp:1-9 --process 'a b'
is "nothing matched: exit status" "$status $(wc -c <"$netns_tmp/out")" "1 0"
is "nothing matched: it is said what was asked for" "$(cat "$netns_tmp/err")" 'portshare: no socket matched "tcp:1-9, --process a b"'
for format in --raw --json --json-lines; do
	run $format tcp:1-9
	is "nothing matched: not said to programs: $format" "$status $(grep -c matched "$netns_tmp/err")" "1 0"
done
run -s last-ack
is "nothing was named: nothing is said" "$status $(cat "$netns_tmp/out" "$netns_tmp/err")" "0 "

# Writing

for format in "" -a --raw --json --json-lines --help --version "-o help"; do
	# shellcheck disable=SC2086 # options
	"$PORTSHARE" $format >/dev/full 2>"$netns_tmp/err"
	is "a full disk is a failure: $format" $? 2
done
"$PORTSHARE" >/dev/full 2>"$netns_tmp/err"
like "and said in a sentence" "$(cat "$netns_tmp/err")" '^portshare: cannot write to standard output: No space left on device$'
"$PORTSHARE" >&- 2>"$netns_tmp/err"
is "a closed stdout is a failure" $? 2
is "a closed pipe is quiet" "$("$PORTSHARE" --json 2>&1 | true)" ""
is "also where SIGPIPE is ignored" "$( (trap '' PIPE; "$PORTSHARE" --json 2>&1 >&3 | cat) 3>&1 | true)" ""

# Hostile names

for format in "" -a --raw --json --json-lines "--raw -o owner,cmdline,exe" --color=never; do
	# shellcheck disable=SC2086
	run $format
	is "no control byte of a name: $format" "$(tr -d '[:print:]\n\200-\377' <"$netns_tmp/out" | wc -c)" 0
done
run --json
ok "JSON is valid" jq -e . "$netns_tmp/out"
ok "and has the name" jq -e 'any(.processes[]; .comm | startswith("a\u001b]0;x\u0007\\xff b,"))' "$netns_tmp/out"
run --raw -o +cmdline,exe,start,unit
is "--raw: as many fields in each line" "$(awk '{ print NF }' "$netns_tmp/out" | sort -u | wc -l)" 1
LC_ALL=C run
is "no UTF-8 in a locale without it" "$(tr -d '[:print:]\n' <"$netns_tmp/out" | wc -c)" 0

# Colours

run --color=always
like "--color=always" "$(tr '\033' E <"$netns_tmp/out")" 'E\['
run --color=auto
unlike "no colour where stdout is no terminal" "$(tr '\033' E <"$netns_tmp/out")" 'E\['

# Exit status, usage

run "$port"
is "a port with something on it" "$status" 0
like "its row" "$(cat "$netns_tmp/out")" "^tcp:$port +127.0.0.1 +LISTEN +addr "
run "tcp:1-$((port > 40000 ? 9 : 8))"
is "ports with nothing on them" "$status $(cat "$netns_tmp/out")" "1 "
run --process nosuchprocess
is "a process that is not there" "$status" 1
run -tulpn
is "-tulpn" "$status" 0
for wrong in "no-such-service" "--no-such-option" "-s nostate" "--color=blue" "--pid=0" "--pid=1x" "-o nocolumn" "--json --raw" \
	"-zt" "-lzz" "--all=3" "--user nosuchuser" "--process a --process b" "-J -o port" "--netns nosuchnamespace" "--from /nonexistent" "--from . --netns 1" "1:2:3" \
	"--from a --from b" "--netns 1 --netns 2" "--netns=" "--user 4294967295" "--user 4294967296" "--user=" "--netns /etc/passwd" "--netns 2147483647" "--no" "70000" "--output"; do
	# shellcheck disable=SC2086
	run $wrong
	is "usage: $wrong: exit status" "$status" 2
	is "usage: $wrong: one sentence, nothing else" "$(wc -l <"$netns_tmp/err") $(wc -c <"$netns_tmp/out")" "1 0"
	like "usage: $wrong: names the program" "$(cat "$netns_tmp/err")" '^portshare: '
done

said() { run "$@"; cat "$netns_tmp/err"; }
is "usage: no such process" "$(said --netns 2147483647)" \
	"portshare: network namespace 2147483647: there is no such process, nor such a name in /run/netns"
is "usage: a file that is no namespace" "$(said --netns /etc/passwd)" \
	"portshare: network namespace /etc/passwd: this is no network namespace"
is "usage: an option that may be two" "$(said probe --reuse 80)" \
	'portshare: this option is ambiguous "--reuse": --reuseaddr or --reuseport'
like "usage: a uid that there cannot be, in a snapshot too" "$(said --from /dev/null --user 4294967295)" 'cannot read the user "4294967295"'
run lst
like "usage: a mistyped command" "$(cat "$netns_tmp/err")" 'the selector "lst": .*commands list, check, '
run -o +
like "usage: no name of a column" "$(cat "$netns_tmp/err")" 'the name of a column is missing; there are '
run check -o x
like "usage: whose help there is" "$(cat "$netns_tmp/err")" ': see portshare check --help$'

# Damaged snapshots: one sentence that names the place, exit status 2

"$PORTSHARE" --json >"$netns_tmp/good"
damaged()
{
	run --from "$netns_tmp/bad"
	is "damaged: $1: exit status" "$status" 2
	like "damaged: $1: a sentence" "$(cat "$netns_tmp/err")" "$2"
	is "damaged: $1: one line" "$(wc -l <"$netns_tmp/err") $(wc -c <"$netns_tmp/out")" "1 0"
}
head -c 500 "$netns_tmp/good" >"$netns_tmp/bad"
damaged "cut off" 'line [0-9]+'
: >"$netns_tmp/bad"
damaged "empty" 'portshare: cannot read .*bad: '
echo '[]' >"$netns_tmp/bad"
damaged "a list" 'expected an object'
echo '{"sockets": []}' >"$netns_tmp/bad"
damaged "no version" 'schema_version'
echo '{"schema_version": 2}' >"$netns_tmp/bad"
damaged "another version" 'schema_version'
echo '{"schema_version": 1}' >"$netns_tmp/bad"
damaged "no sockets" 'sockets is missing$'
"$PORTSHARE" probe --json udp:5060 >"$netns_tmp/bad" 2>/dev/null
damaged "an answer of probe" ': this is an answer of probe; the snapshot behind it is its member "snapshot"$'
jq .snapshot "$netns_tmp/bad" >"$netns_tmp/inner"
run --raw --from "$netns_tmp/inner"
is "which is a snapshot, of the port that was asked for" "$status $(cat "$netns_tmp/err")" \
	"0 portshare: the snapshot holds only the ports that were asked for when it was written"

# Of which host and moment a snapshot is, for people.

echo '{"schema_version": 1, "host": "w\u001b[2Jeb1", "taken": {"start": "2026-11-20T19:20:26Z"}, "sockets": []}' >"$netns_tmp/old"
run --from "$netns_tmp/old"
is "whose snapshot it is, beside what list prints" "$(cat "$netns_tmp/err" "$netns_tmp/out")" \
	'portshare: snapshot of w\x1b[2Jeb1 taken 2026-11-20 19:20:26 UTC'
for format in --raw --json --json-lines; do
	run --from "$netns_tmp/old" $format
	is "not beside $format" "$(cat "$netns_tmp/err")" ""
done
run check --from "$netns_tmp/old"
is "whose snapshot it is, before what check finds" "$(head -n 2 "$netns_tmp/out")" \
	'Snapshot of w\x1b[2Jeb1 taken 2026-11-20 19:20:26 UTC. Times left are counted
from then.'
run check --from "$netns_tmp/old" --format=plugin
is "not in other formats" "$(grep -c Snapshot "$netns_tmp/out" "$netns_tmp/err" | tr '\n' ' ' | sed 's/[^ ]*://g')" "0 0 "
run probe --from "$netns_tmp/old" tcp:80 --as 0
like "and before what probe answers" "$(head -n 1 "$netns_tmp/out")" '^Snapshot of w'
echo '{"schema_version": 1, "taken": {"end": "2026-11-20T19:20:26Z"}, "sockets": []}' >"$netns_tmp/old"
run --from "$netns_tmp/old"
is "without a host" "$(cat "$netns_tmp/err")" "portshare: snapshot taken 2026-11-20 19:20:26 UTC"
echo '{"schema_version": 1, "host": "web1", "sockets": []}' >"$netns_tmp/old"
run check --from "$netns_tmp/old"
is "without a moment" "$(head -n 1 "$netns_tmp/out")" "Snapshot of web1."
echo '{"schema_version": 1, "sockets": []}' >"$netns_tmp/old"
run --from "$netns_tmp/old"
is "without either" "$(cat "$netns_tmp/err")" ""
jq '.sockets[1].local.port = 70000' "$netns_tmp/good" >"$netns_tmp/bad"
damaged "a port out of range" 'sockets\[1\]\.local\.port'
jq '.sockets[0].state = "LISTEN-ING"' "$netns_tmp/good" >"$netns_tmp/bad"
damaged "no such state" 'sockets\[0\]\.state'
jq '.sockets[0].local.address = "::1"' "$netns_tmp/good" >"$netns_tmp/bad"
damaged "an address of the other family" 'sockets\[0\]\.local'
head -c 100000 /dev/urandom >"$netns_tmp/bad"
damaged "noise" 'portshare: cannot read '
head -c 200000 /dev/zero | tr '\0' '[' >"$netns_tmp/bad"
damaged "very deep" 'portshare: cannot read '

# An ordinary user

if [ "$(awk '{ n += $3 } END { print (n > 65534) }' /proc/self/uid_map)" = 1 ]; then
	program=$(user_program "$PORTSHARE")
	as_user "$program" --json >"$netns_tmp/out" 2>"$netns_tmp/err"
	is "an ordinary user: exit status" $? 0
	is "an ordinary user: one line says what is hidden" "$(wc -l <"$netns_tmp/err")" 1
	is "sees every socket" "$(jq '.sockets | length' "$netns_tmp/out")" "$(jq '.sockets | length' "$netns_tmp/good")"
	ok "others' owners are hidden, not absent" jq -e \
		'all(.sockets[] | select(.state == "LISTEN" or .state == "BOUND"); .owner_status == "hidden")' "$netns_tmp/out"
	ok "flags are unknown, not false" jq -e 'all(.sockets[]; .reuse == {addr: null, port: null, evidence: "unknown"})' "$netns_tmp/out"
	ok "limits say it too" jq -e '[.limits[].what] | contains(["owners", "reuse"])' "$netns_tmp/out"
	mksock_stop
	mksock_start udp,reuseaddr,uid=65534 || exit 99
	as_user "$program" -u --raw -H -o reuse,evidence,owner >"$netns_tmp/out" 2>"$netns_tmp/err"
	like "of its own sockets it sees flags and owner" "$(cat "$netns_tmp/out")" '^addr getsockopt mksock\[[0-9]+\]:[0-9]+$'
	is "and nothing is missing" "$(cat "$netns_tmp/err")" ""
	mksock_start listening,port=8090,reuseport listening,port=8090,reuseport || exit 99
	is "of a pool of others one flag is inferred, one unknown, as portshare-list(1) has it" \
		"$(as_user "$program" --raw -H -o reuse tcp:8090 2>/dev/null | sort -u) $(grep -c '^\.Li ~addr?,port$' "${top_srcdir:-.}/man/portshare-list.1")" \
		"~addr?,port 1"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -p -f --mount-proc sh -c '"$@"; exit $?' sh setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$program" -l tcp:8090 >/dev/null 2>"$netns_tmp/err"
	like "in a pid namespace others may be hidden, too" "$(cat "$netns_tmp/err")" \
		'the owners of 2 sockets are hidden, or outside this pid namespace'
	unshare -p -f --mount-proc setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$program" -l tcp:8090 >"$netns_tmp/out" 2>"$netns_tmp/err"
	like "the column says so" "$(cat "$netns_tmp/out")" 'hidden \(other pid namespace\?\)'
	like "and check does not send to root" "$(unshare -p -f --mount-proc setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$program" check tcp:8090 2>/dev/null)" 'Run it outside of this pid namespace, as'
	setpriv --reuid=65534 --regid=65534 --clear-groups "$program" --json >"$netns_tmp/saved" 2>/dev/null
	like "of a snapshot it is the snapshot that must be another" "$("$PORTSHARE" check --from "$netns_tmp/saved" tcp:8090 | tr -s ' \n' ' ')" \
		'Write the snapshot as root on its machine, or with the capabilities'
	like "and where none is, they are outside" "$(cat "$netns_tmp/err")" \
		'the owners of 2 sockets are outside this pid namespace'
	mksock_stop
else
	skip "an ordinary user" "only one uid is mapped here"
fi
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# mkload makes exactly the sockets that it says, and ends with its input.

mkload=${builddir:-.}/tests/bench/mkload

private='unshare -n'
$private true 2>/dev/null || private='unshare -Urn'
if ! $private true 2>/dev/null; then
	echo '1..0 # SKIP no private network namespace can be made here'
	exit 0
fi

number=0
report() {
	number=$((number + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		echo "# expected: $2"
		echo "# got:      $3"
	fi
}

# mkload compares with the counters of the kernel before it says ready.
echo '1..7'
report 'idle' 'ready 10000 0' "$($private "$mkload" idle </dev/null 2>&1)"
report 'tcp, an even number a process' 'ready 10001 40' \
	"$($private "$mkload" tcp 40 2 </dev/null 2>&1)"
report 'tcp, an odd number a process' 'ready 10001 21' \
	"$($private "$mkload" tcp 21 3 </dev/null 2>&1)"
report 'udp' 'ready 10001 101' "$($private "$mkload" udp 101 3 </dev/null 2>&1)"
report 'busy' 'ready 10002 16' "$($private "$mkload" busy 4 10 </dev/null 2>&1)"
report 'time-wait' 'ready 10001 203' "$($private "$mkload" time-wait 203 2 </dev/null 2>&1)"
"$mkload" tcp nonsense </dev/null >/dev/null 2>&1
report 'a wrong number is a usage error' 2 $?

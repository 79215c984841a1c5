#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# mkload makes exactly the sockets that it says, and ends with its input.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

mkload=${builddir:-.}/tests/bench/mkload

private='unshare -n'
$private true 2>/dev/null || private='unshare -Urn'
$private true 2>/dev/null || skip_all 'no private network namespace can be made here'

# It compares with the counters of the kernel before it says ready.
load()
{
	$private "$mkload" "$@" </dev/null 2>&1
}

is 'idle' "$(load idle)" 'ready 10000 0'
is 'tcp, an even number a process' "$(load tcp 40 2)" 'ready 10001 40'
is 'tcp, an odd number a process' "$(load tcp 21 3)" 'ready 10001 21'
is 'udp' "$(load udp 101 3)" 'ready 10001 101'
is 'busy' "$(load busy 4 10)" 'ready 10002 16'
is 'time-wait' "$(load time-wait 203 2)" 'ready 10001 203'
not_ok 'a wrong number is a usage error' "$mkload" tcp nonsense
done_testing

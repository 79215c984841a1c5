#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# On a terminal: the table fits its width, colours come and go as asked.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need script
LC_ALL=C.UTF-8
export LC_ALL
unset NO_COLOR

# on_terminal WIDTH COMMAND: what the command writes to a terminal of so many columns.
on_terminal()
{
	script -qec "stty cols $1 rows 24; $2" /dev/null </dev/null | tr -d '\r'
}

longest()
{
	sed 's/\x1b\[[0-9;]*m//g' | wc -L
}

for file in web hostile namespaces; do
	fixture=${top_srcdir:-.}/tests/golden/$file.json
	wide=$("$PORTSHARE" --from "$fixture" | longest)
	for width in 60 80 100; do
		got=$(on_terminal $width "'$PORTSHARE' --from '$fixture' 2>/dev/null" | longest)
		[ "$wide" -lt "$width" ] && fits=$wide || fits=$width
		ok "$file: $width columns are enough ($got)" test "$got" -le "$width"
		ok "$file: and are used ($got of $fits)" test "$got" -ge $((fits * 2 / 3))
	done
	is "$file: no socket is lost for want of width" \
		"$(on_terminal 60 "'$PORTSHARE' -H --from '$fixture' 2>/dev/null" | wc -l)" "$("$PORTSHARE" -H --from "$fixture" | wc -l)"
done
# In 80 columns the rest gives way before process ids and findings do.
readme=${top_srcdir:-.}/tests/doc/readme.json
kept() { sed 's/\x1b\[[0-9;]*m//g' | grep -oE '(udp-accidental-share|time-wait-blocks-bind|\[[0-9]+\])' | sort | uniq -c; }
is "80 columns: process ids and findings are whole" "$(on_terminal 80 "'$PORTSHARE' --from '$readme' 2>/dev/null" | kept)" \
	"$("$PORTSHARE" --from "$readme" 2>/dev/null | sed 's/\(tcp:5432.*\), dbd-backup\[905\]/\1/' | kept)"
ok "80 columns: so are they of five digits" test "$(sed 's/"pid": 90/"pid": 1690/; s/"ppid": 90/"ppid": 1690/' "$readme" >"$netns_tmp/long.json"
	on_terminal 80 "'$PORTSHARE' --from '$netns_tmp/long.json' 2>/dev/null" | grep -cE '\[1690[0-9]\].*(udp-accidental-share|-)$')" -ge 7
web=${top_srcdir:-.}/tests/golden/web.json
is "no terminal: not cut" "$("$PORTSHARE" --from "$web" | longest)" "$(COLUMNS=40 "$PORTSHARE" --from "$web" | longest)"
escapes() { grep -c "$(printf '\033')" || true; }
ok "colours on a terminal" test "$(TERM=xterm on_terminal 80 "'$PORTSHARE' --from '$web'" | escapes)" -gt 0
is "NO_COLOR" "$(TERM=xterm NO_COLOR=1 on_terminal 80 "'$PORTSHARE' --from '$web'" | escapes)" 0
is "TERM=dumb" "$(TERM=dumb on_terminal 80 "'$PORTSHARE' --from '$web'" | escapes)" 0
done_testing

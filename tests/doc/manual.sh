#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages: well formed, and true about columns and states.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

portshare=${PORTSHARE:-./portshare}
man=${top_srcdir:-.}/man

for page in "$man"/*.1 "$man"/*.7; do
	name=$(basename "$page")
	if command -v mandoc >/dev/null 2>&1; then
		# Which other manuals are installed is no matter of ours.
		is "$name: mandoc -T lint is silent" \
			"$(mandoc -T lint "$page" 2>/dev/null | grep -v 'STYLE: referenced manual not found')" ''
	else
		skip "$name: mandoc -T lint is silent" 'no mandoc'
	fi
	is "$name: no line is longer than 100 columns" "$(awk 'length > 100' "$page")" ''
done

# The items of the list under .Sh COLUMNS are the columns of -o help, in that order.
is 'the columns of the manual are those of the program' \
	"$(sed -n '/^\.Sh COLUMNS/,/^\.El/p' "$man/portshare-list.1" | sed -n 's/^\.It Cm //p')" \
	"$("$portshare" -o help | awk '/^ / { seen = 1; print $1 } !NF && seen { exit }')"

# And so are the columns without -o.
for defaults in $("$portshare" -o help | sed -nE 's/^ .* ([a-z,]+,[a-z,]+)$/\1/p'); do
	like "the manual has the default $defaults" "$(cat "$man/portshare-list.1")" \
		"^\.Li $defaults \.\$"
done

# Every state that the manual names is one for -s, and the program's own list is the same.
states=$(sed -n '/^\.It Fl s ,/,/^\.Li BOUND$/p' "$man/portshare.1" |
	sed -n 's/^\.Li \([A-Z0-9-]*\) [,.]$/\1/p' | paste -s -d , -)
like 'the manual names states' "$states" '^LISTEN,.*,TIME-WAIT$'
is 'the program names the same states' \
	"$("$portshare" -s nonsense 2>&1 | sed -n 's/.*expected names from \(.*\), separated.*/\1/p' |
		sed 's/, /,/g')" "$states"
"$portshare" -H -s "$states" --from /dev/null >/dev/null 2>"${TMPDIR:-/tmp}/states.$$"
unlike 'and takes them all' "$(cat "${TMPDIR:-/tmp}/states.$$")" 'list of states'
rm -f "${TMPDIR:-/tmp}/states.$$"

is '--version is the version of the build' "$("$portshare" --version)" \
	"portshare $(sed -n 's/^AC_INIT(\[portshare\], \[\([^]]*\)\].*/\1/p' "${top_srcdir:-.}/configure.ac")"

done_testing

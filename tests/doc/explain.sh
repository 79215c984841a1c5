#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The catalogue of findings: whole, in FINDINGS.md as the program has it, and fit for a terminal.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

portshare=${PORTSHARE:-./portshare}
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
LC_ALL=C.UTF-8
export LC_ALL

"$portshare" explain --markdown >"$scratch/markdown"
ok 'docs/FINDINGS.md is what explain --markdown writes' diff -u "${top_srcdir:-.}/docs/FINDINGS.md" "$scratch/markdown"
"$portshare" explain >"$scratch/list"
is 'a line for each finding' "$(wc -l <"$scratch/list")" 14
while read -r id title; do
	"$portshare" explain "$id" >"$scratch/text"
	is "$id: exit status" $? 0
	is "$id: its title" "$(sed -n 2p "$scratch/text")" "  $title"
	is "$id: five parts, none empty" "$(awk '/^[A-Z]/ { n++; getline; if ($0 ~ /^  /) m++ } END { print n, m }' "$scratch/text")" '5 5'
	for language in C Python Go systemd; do
		like "$id: $language" "$(cat "$scratch/text")" "^  ([A-Za-z]+ and )?$language( |:|\$)"
	done
	is "$id: no line is longer than 80 columns" "$(awk 'length > 80' "$scratch/text" | wc -l)" 0
	# systemd.syntax(7): a comment is a line of its own; behind a value it is a part of it.
	is "$id: no comment behind a value of a unit" "$(grep -c '^ *[A-Z][A-Za-z]*=[^ ]* *#' "$scratch/text")" 0
done <"$scratch/list"
is 'the version' "$("$portshare" explain -V)" "$("$portshare" --version)"
is 'two at once' "$("$portshare" explain udp-shadowed udp-hijackable | grep -c '^Meaning$')" 2
for wrong in nonsense --nonsense '--markdown udp-shadowed' --color=blue; do
	# shellcheck disable=SC2086
	"$portshare" explain $wrong >"$scratch/out" 2>"$scratch/err"
	is "usage: $wrong" "$? $(wc -l <"$scratch/err") $(wc -c <"$scratch/out")" '2 1 0'
done
"$portshare" explain "$(printf 'a\033[2Jb')" 2>"$scratch/err"
is 'what is quoted is escaped' "$(tr -d '\n' <"$scratch/err" | tr -cd '\000-\037' | wc -c)" 0
like 'and the list is named' "$(cat "$scratch/err")" 'portshare explain lists them'
for what in '' udp-shadowed --markdown --help; do
	# shellcheck disable=SC2086
	"$portshare" explain $what >/dev/full 2>"$scratch/err"
	is "a full disk: explain $what" "$? $(wc -l <"$scratch/err")" '2 1'
done
is 'the manual has the options of --help' \
	"$(sed -n 's/^\.It Fl //p' "${top_srcdir:-.}/man/portshare-explain.1" | tr ' ' '\n' | grep -x -e '-[a-z]*' -e h -e V |
		sed 's/^/-/' | sort)" \
	"$("$portshare" explain --help | grep -oE '^ +(-[hV], +)?--[a-z]+' | tr -d ', ' | sed -E 's/^-([hV])--/-\1\n--/' | sort)"
done_testing

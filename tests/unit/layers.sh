#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include whom: util <- model <- analysis <- {output, probe}, output <- tui, {util, model} <- source.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
cd "${top_srcdir:-.}/src" || exit 1

# may LAYER LAYER...: the first includes nothing of the project but the others.
may() {
	layer=$1
	allowed=$(echo "$*" | tr ' ' '|')
	if [ ! -d "$layer" ]; then
		fail "$layer" "src/$layer is missing"
		return
	fi
	wrong=$(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$layer" |
		grep -vE "\"($allowed)/[^\"]*\"" | grep -vE '"config\.h"')
	is "$layer includes only: $*" "$wrong" ''
}

may util
may model util
may analysis model util
may output analysis model util
may source model util bpf
may probe analysis model util
may tui output analysis model util
may bpf

wrong=$(grep -rnE --include='*.[ch]' '#[[:space:]]*include[[:space:]]*"\.' .)
is 'includes are relative to src/, none climbs' "$wrong" ''

wrong=$(grep -rlE --include='*.[ch]' \
	'#[[:space:]]*include[[:space:]]*<(libmnl/|linux/(inet_diag|sock_diag|netlink)|linux/bpf)' . |
	grep -vE '^\./(source|bpf)/|^\./probe/(replica-net|route)\.c$')
is 'netlink and BPF headers are for source alone, for what makes a namespace, and for its routes' "$wrong" ''

# A header stands for a .c; these have none to stand for.
lonely=
for header in */*.h; do
	case $header in
	bpf/* | model/bind-memory.h | model/tristate.h | model/snapshot-json.h | util/clock.h | cmd/command.h) continue ;;
	esac
	[ -f "${header%.h}.c" ] || lonely="$lonely $header"
done
is 'each header has its .c' "$lonely" ''

wrong=$(find . -name '*.[ch]' ! -name '*.skel.h' -exec sh -c '
	for file; do
		head -n 1 "$file" | grep -q "^/\* SPDX-License-Identifier: " || echo "$file"
	done' sh {} +)
is 'each file begins with its licence' "$wrong" ''

done_testing

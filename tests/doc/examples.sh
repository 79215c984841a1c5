#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of README.md and of the manual run, and README's screen is what the program prints.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

source_dir=$(cd "${top_srcdir:-.}" && pwd)
PATH=$(cd "$(dirname "${PORTSHARE:-./portshare}")" && pwd):$PATH
export PATH
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1

# In a namespace of its own, so that it matters little what the machine has open.
private='unshare -n'
$private true 2>/dev/null || private='unshare -Urn'
$private true 2>/dev/null || private=

{
	sed -nE 's/^(\$ |    )?(sudo )?(portshare( .*)?)$/\3/p' "$source_dir/README.md"
	sed -nE 's/^\.Dl \$ (portshare.*)$/\1/p' "$source_dir/man/portshare.1" \
		"$source_dir/man/portshare-list.1" "$source_dir/man/portshare-check.1" \
		"$source_dir/man/portshare-probe.1" "$source_dir/man/portshare-wait.1" "$source_dir/man/portshare-watch.1"
} | sed -E 's/ +#.*//; s/--timeout 30s/--timeout 1s/
	# Without a terminal, and once.
	/ watch/s/( --batch.*)?$/ --batch -c 1/' >commands
# What wait is to start.
printf '#!/bin/sh\n' >server
chmod +x server
ok 'there are examples' test "$(wc -l <commands)" -ge 10

while read -r command; do
	# A filter that matches nothing here is 1, and what needs more privilege is no mistake.
	$private sh -c "$command" >output 2>error </dev/null
	status=$?
	if [ $status -le 1 ]; then
		pass "$command"
	elif [ "$(id -u)" != 0 ] && grep -q -i 'permitted\|permission' error; then
		skip "$command" 'needs privilege'
	elif grep -q 'there is no such' error && echo "$command" | grep -q -e --netns; then
		skip "$command" 'there is no such namespace here'
	else
		fail "$command" "exit status $status
$(cat error)"
	fi
done <commands

# README's screen, from the snapshot that was taken with it.
sed -n '/<!-- screen -->/,/<!-- end -->/p' "$source_dir/README.md" | sed '/^<!--/d; /^```/d' |
	sed '/^\$ portshare/d' >screen
portshare --from "$source_dir/tests/doc/readme.json" >printed 2>error
ok "README's screen is what the program prints" diff -u screen printed

done_testing

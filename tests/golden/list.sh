#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What list prints for snapshots that stand beside this file. GENERATE=1 writes the expected outputs
# anew, to be looked at before they are committed.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

golden="${top_srcdir:-.}/tests/golden"
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
escape=$(printf '\033')
unset NO_COLOR
TERM=xterm
LC_ALL=C.UTF-8
export TERM LC_ALL

# golden NAME SNAPSHOT ARGUMENT...: stdout is tests/golden/NAME.txt, exit status 0.
golden()
{
	expected=$golden/$1.txt
	snapshot=$golden/$2.json
	name=$1
	shift 2
	"${PORTSHARE:-./portshare}" list --from "$snapshot" "$@" >"$scratch/printed" 2>"$scratch/error"
	status=$?
	# Whether a colour covers the blanks behind the text depends on the version of libsmartcols.
	sed "s/\\( *\\)${escape}\\[0m/${escape}[0m\\1/g; s/ *\$//" <"$scratch/printed" >"$scratch/output"
	if [ $status != 0 ]; then
		fail "$name" "exit status $status
$(cat "$scratch/error")"
		return
	fi
	if [ -n "${GENERATE:-}" ]; then
		cp "$scratch/output" "$expected"
	fi
	if diff -u "$expected" "$scratch/output" >"$scratch/diff"; then
		pass "$name"
	else
		fail "$name" "$(cat "$scratch/diff")"
	fi
}

golden list-web web
golden list-web-all web --all
golden list-web-raw web --raw
golden list-web-raw-all-columns web --raw -o +unit,container,cgroup,cmdline,exe,start,inode,cookie,mark,options,multicast,device,v6only,netns,queue,process,pid,uid tcp:8080 5060 5353 6379
golden list-web-columns web -o port,state,process,pid,exe,start
golden list-web-cmdline web -H -n -o +cmdline tcp:8080 5060
golden list-web-color web --color=always
golden list-web-clients web tcp:41000-45000
golden list-web-time-wait web -s time-wait
golden list-web-listening web -tul
golden list-hostile hostile
golden list-hostile-all hostile --all -o +unit,cmdline
golden list-hostile-raw hostile --raw -o +unit,cmdline,process
golden list-namespaces namespaces
golden list-exhausted exhausted
golden list-exhausted-note exhausted -o port,state,owner,note
golden list-namespaces-raw namespaces --raw -o netns,port,owner

LC_ALL=C
golden list-web-ascii web
golden list-hostile-ascii hostile

done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What cannot be seen is said, with its true reason: few descriptors, no /proc, a /proc of others.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter -m "$0" "$@"
netns_need jq
LC_ALL=C.UTF-8
export LC_ALL

out=$netns_tmp/out
err=$netns_tmp/err

statuses() { jq -r '[.sockets[].owner_status] | unique | join(" ")' "$out"; }

mksock_start listening,port=8080,reuseaddr || exit 99
pid=$mksock_pid

# Few descriptors

# Without those that make(1) and the helpers have open.
# shellcheck disable=SC3045 # of dash and bash
few() { (exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- && ulimit -n 4 && exec "$PORTSHARE" --json --no-bpf); }
few >"$out" 2>"$err"
is "no descriptor left for /proc/PID/fd: exit status" $? 0
# To whom some processes are hidden anyway.
like "no descriptor left: nobody is found" "$(statuses)" '^(unknown|hidden)$'
like "no descriptor left: that is said" "$(cat "$err")" 'the descriptors of [0-9]+ processes could not be read: Too many open files'
ok "no descriptor left: and a limit" jq -se 'any(.[].limits[]; .what == "owners" and .reason == "EMFILE" and .count > 0)' "$out"

# No /proc

program=$(user_program "$PORTSHARE")
without_proc() { unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$program" "$@"; }
if without_proc --json --no-bpf >"$out" 2>"$err"; then
	is "without /proc nobody is found" "$(statuses)" unknown
	like "without /proc: that is the reason" "$(cat "$err")" 'no process can be seen, /proc cannot be read: No such file or directory'
	unlike "without /proc: nobody is said to be elsewhere" "$(cat "$err")" 'pid namespace'
	if [ "$("$PORTSHARE" --json | jq -r '[.sockets[].reuse.evidence] | any(. == "bpf")')" = true ]; then
		without_proc --json >"$out" 2>"$err"
		is "without /proc BPF still tells who, and the flags" \
			"$(jq -r '.sockets[] | "\(.owners[0].pid) \(.reuse.addr) \(.reuse.evidence)"' "$out")" "$pid true bpf"
		like "without /proc BPF does not tell all" "$(cat "$err")" 'what processes run cannot be seen, /proc cannot be read'
	else
		skip "without /proc BPF still tells who" "needs BPF"
		skip "without /proc BPF does not tell all" "needs BPF"
	fi
	refuser=$(user_program "${MKSOCK%/*}/nosockdiag")
	unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$refuser" "$program" --json >"$out" 2>"$err"
	status=$?
	if [ "$status" = 77 ]; then
		skip "neither sock_diag nor /proc" "no seccomp filter can be set"
	else
		is "neither sock_diag nor /proc: what sock_diag said" "$status $(cat "$err")" \
			'2 portshare: cannot list sockets: Protocol not supported'
	fi
else
	skip "without /proc" "no file system can be mounted here"
fi

# /proc of other processes

elsewhere() { unshare -pf "$program" "$@"; }
if elsewhere --json >"$out" 2>"$err" && [ "$("$PORTSHARE" --json | jq -r '[.sockets[].reuse.evidence] | any(. == "bpf")')" = true ]; then
	like "a /proc of another pid namespace: why BPF is not used" "$(cat "$err")" \
		'that takes BPF, which is not used with the /proc of another pid namespace'
else
	skip "a /proc of another pid namespace" "needs BPF and a pid namespace"
fi
mksock_stop

done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every state that mksock makes, as list sees it, against what was really set: with BPF where it
# may be used, and without.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq

# agrees NAME OPTION...: nothing differs.
agrees()
{
	agrees_name=$1
	shift
	"$PORTSHARE" list --json "$@" >"$netns_tmp/snapshot" 2>"$netns_tmp/error"
	agrees_status=$?
	differences=$(jq -rRn --slurpfile snapshot "$netns_tmp/snapshot" --argjson bpf "$bpf" \
		-f "${top_srcdir:-.}/tests/live/list-states.jq" "$mksock_out" 2>&1)
	if [ $agrees_status = 0 ] && [ -z "$differences" ]; then
		pass "$agrees_name"
	else
		fail "$agrees_name" "exit status $agrees_status
$(cat "$netns_tmp/error")
$differences
$(cat "$mksock_out")"
	fi
}

# Whether BPF gives flags here: asked of the one socket that needs it.
mksock_start time-wait || exit 99
bpf=false
[ "$("$PORTSHARE" --json -s time-wait 2>/dev/null | jq -r '.sockets[0].reuse.evidence')" != bpf ] || bpf=true
mksock_stop
if [ $bpf = false ] && [ "$(id -u)" = 0 ] && "$PORTSHARE" --json 2>/dev/null | jq -e 'any(.limits[]; .what == "bpf")' >/dev/null; then
	diag "BPF does not work here"
fi
with_bpf=$bpf

for spec in \
	listening listening,reuseaddr listening,reuseport listening,reuseaddr,reuseport listening,addr=::,v6only \
	listening,addr=:: listening,addr=::1 listening,addr=0.0.0.0 listening,device=lo listening,queue=3,backlog=5 \
	bound bound,reuseaddr bound,addr=::1,reuseport connected connected,reuseaddr connected,addr=::,v6only \
	connected,addr=::,via=127.0.0.1 connected,addr=::,reuseport,listener close-wait fin-wait-1 fin-wait-1,orphan \
	fin-wait-2 fin-wait-2,orphan,reuseaddr last-ack,orphan closing,orphan syn-sent syn-recv \
	time-wait time-wait,reuseaddr time-wait,reuseport time-wait,reuseaddr,child-reuseaddr=0 time-wait,child-reuseaddr=1 \
	time-wait,addr=::1,reuseaddr time-wait,side=client,client-reuseaddr accept-queue,reuseaddr \
	udp udp,reuseaddr udp,reuseport,addr=::1 udp,addr=::,reuseaddr,reuseport udp,device=lo,reuseaddr udp,queue=3 \
	udp-connected udp-connected,addr=::1,reuseaddr udp-lite,reuseaddr mptcp,reuseaddr multicast,reuseaddr \
	listening,reuseaddr,owner=inherited listening,reuseaddr,owner=inherited,parent-exits bound,reuseaddr,owner=inherited \
	udp,reuseaddr,owner=child \
	listening,reuseaddr,owner=scm udp,owner=io_uring listening,reuseaddr,owner=thread \
	listening,reuseport,owner=exited-leader listening,reuseaddr,owner=pidns deleted-exe,reuseaddr stopped,reuseaddr \
	listening,uid=1000,reuseaddr udp,uid=1000,reuseport listening,count=5 kernel-socket
do
	mksock_start "$spec"
	case $? in
	0) ;;
	77)
		skip "$spec" "$mksock_error"
		continue
		;;
	*)
		fail "$spec" "mksock: $mksock_error"
		continue
		;;
	esac
	bpf=$with_bpf
	agrees "$spec"
	bpf=false
	agrees "$spec, without BPF" --no-bpf
	mksock_stop
done

done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The socket factory makes what it says: each state is looked at by other ways than its own, /proc and ss.

top_srcdir=${top_srcdir:-$(dirname "$0")/../..}
# shellcheck source=tests/helpers/tap.sh
. "$top_srcdir/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "$top_srcdir/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need ss

# "STATE UID INODE", in words, of the socket in /proc/net with the local and the remote port (0: none).
proc_net()
{
	awk -v local="$(printf ':%04X' "$2")" -v remote="$(printf ':%04X' "$3")" '
		BEGIN {
			split("ESTAB SYN-SENT SYN-RECV FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT BOUND CLOSE-WAIT LAST-ACK LISTEN CLOSING", names, " ")
			digits = "0123456789ABCDEF"
		}
		substr($2, length($2) - 4) == local && substr($3, length($3) - 4) == remote {
			print names[index(digits, substr($4, 2, 1)) - 1], $8, $10
			exit
		}' "/proc/net/$1"
}

port_of()
{
	echo "${1##*:}"
}

# start NAME SPEC...: true when it runs; one check, or a skip, either way.
start()
{
	start_name=$1
	shift
	mksock_start "$@"
	start_status=$?
	case $start_status in
	0)
		pass "$start_name: made"
		;;
	77)
		skip "$start_name" "$mksock_error"
		;;
	*)
		fail "$start_name: made" "$mksock_error"
		;;
	esac
	return "$start_status"
}

# The file that /proc/net has for a line of mksock.
table_of()
{
	table=$(mksock_get proto "$@")
	[ "$(mksock_get family "$@")" = inet ] || table=${table}6
	echo "$table"
}

# in_table NAME WORD...: the kernel's table says the same as the line with the words: state, uid, inode.
in_table()
{
	in_name=$1
	shift
	remote=$(mksock_get peer "$@")
	[ "$remote" != - ] || remote=:0
	is "$in_name: state, uid and inode in /proc/net" \
		"$(proc_net "$(table_of "$@")" "$(port_of "$(mksock_get local "$@")")" "$(port_of "$remote")")" \
		"$(mksock_get state "$@") $(mksock_get uid "$@") $(mksock_get inode "$@")"
}

# has_fd NAME WORD...: the process of that line has the socket under that descriptor.
has_fd()
{
	has_name=$1
	shift
	is "$has_name: descriptor" "$(readlink "/proc/$(mksock_get pid "$@")/fd/$(mksock_get fd "$@")")" \
		"socket:[$(mksock_get inode "$@")]"
}

# Prints every process and thread that has the inode among its descriptors.
holders_of()
{
	find /proc/[0-9]*/task/[0-9]*/fd -maxdepth 1 -lname "socket:\\[$1\\]" 2>/dev/null | cut -d/ -f3,5 | sort -u
}

# ---- one subject each: SPEC, ROLE, STATE, who has it ----

states='
listening:listener:LISTEN:fd
listening,addr=::,v6only=1:listener:LISTEN:fd
listening,addr=0.0.0.0,device=lo:listener:LISTEN:fd
connected:server:ESTAB:fd
connected,addr=@1:server:ESTAB:fd
connected,side=client,other=child:client:ESTAB:fd
close-wait:server:CLOSE-WAIT:fd
close-wait,other=close:server:CLOSE-WAIT:fd
fin-wait-1:server:FIN-WAIT-1:fd
fin-wait-1,orphan:server:FIN-WAIT-1:none
fin-wait-2:server:FIN-WAIT-2:fd
fin-wait-2,orphan:server:FIN-WAIT-2:none
closing:server:CLOSING:fd
closing,orphan:server:CLOSING:none
last-ack:server:LAST-ACK:fd
last-ack,orphan,addr=@1:server:LAST-ACK:none
time-wait:server:TIME-WAIT:none
time-wait,side=client:client:TIME-WAIT:none
time-wait,addr=@1,listener:server:TIME-WAIT:none
syn-sent:client:SYN-SENT:fd
syn-recv:request:SYN-RECV:none
accept-queue:queued:ESTAB:none
udp:socket:BOUND:fd
udp,addr=::,v6only=0:socket:BOUND:fd
udp-connected:socket:ESTAB:fd
udp-lite:socket:BOUND:fd
'
for row in $states; do
	# @1 stands for ::1, which has the separator in it.
	spec=$(echo "${row%:*:*:*}" | sed 's/@1/::1/')
	row=${row#"${row%:*:*:*}":}
	role=role=${row%%:*}
	holder=${row##*:}
	state=${row#*:}
	state=${state%:*}
	start "$spec" "$spec" || continue
	is "$spec: what it says" "$(mksock_get state "$role")" "$state"
	in_table "$spec" "$role"
	case $holder in
	fd)
		has_fd "$spec" "$role"
		;;
	none)
		is "$spec: nobody has it" "$(mksock_get pid "$role") $(mksock_get inode "$role")" '- 0'
		;;
	esac
	case $spec in
	udp* | syn-recv)
		;;
	*)
		like "$spec: ss agrees" "$(ss -Htan "sport = :$(port_of "$(mksock_get local "$role")")" |
			grep -F -- "$(mksock_get peer "$role" | sed 's/^-$/:*/')")" "^$state "
		;;
	esac
	mksock_stop
done

# ---- what neither /proc/net nor this ss shows: bound and not listening ----

if start bound bound,port=4301; then
	has_fd bound role=bound
	is 'bound: reads as bound' "$(mksock_get state)" BOUND
	is 'bound: not in /proc/net/tcp' "$(proc_net tcp 4301 0)" ''
	not_ok 'bound: the port is taken' "$MKSOCK" bound,port=4301 </dev/null
	mksock_stop
	ok 'bound: the port is free afterwards' "$MKSOCK" bound,port=4301 </dev/null
fi
if start dead-bound dead-bound,port=4302; then
	has_fd dead-bound role=dead
	not_ok 'dead-bound: the port is taken' "$MKSOCK" listening,port=4302 </dev/null
	mksock_stop
fi
if start mptcp mptcp; then
	has_fd mptcp role=listener
	is 'mptcp: listens for TCP' "$(proc_net tcp "$(port_of "$(mksock_get local)")" 0 | cut -d' ' -f1)" LISTEN
	mksock_stop
fi

# ---- flags, by what the kernel then lets another socket do ----

# A dead connection stays in this network for a minute: each case has a port of its own.
port=4400
for flag in reuseaddr reuseport; do
	for setter in "$flag" "child-$flag"; do
		port=$((port + 1))
		if start "time-wait, $setter" "time-wait,port=$port,$setter"; then
			is "time-wait, $setter: remembered" "$(mksock_get "$flag")" 1
			ok "time-wait, $setter: gives way to $flag" "$MKSOCK" "listening,port=$port,$flag" </dev/null
			not_ok "time-wait, $setter: blocks a plain bind" "$MKSOCK" "listening,port=$port" </dev/null
			mksock_stop
		fi
	done
	for setter in none "$flag,child-$flag=0"; do
		# The bind bucket goes on believing in SO_REUSEPORT when its last socket has lost it.
		[ "$setter" != reuseport,child-reuseport=0 ] || continue
		port=$((port + 1))
		if start "time-wait, $setter" "time-wait,port=$port,${setter#none}"; then
			is "time-wait, $setter: none remembered" "$(mksock_get "$flag")" 0
			not_ok "time-wait, $setter: blocks $flag" "$MKSOCK" "listening,port=$port,$flag" </dev/null
			mksock_stop
		fi
	done
done
if start reuseport listening,port=4314,reuseport listening,port=4314,reuseport; then
	is 'reuseport: two on one port' "$(ss -Htln 'sport = :4314' | wc -l | tr -d ' ')" 2
	mksock_stop
fi
if start v6only listening,addr=::,v6only,port=4315 listening,addr=0.0.0.0,port=4315; then
	pass 'v6only: leaves the port to IPv4'
	mksock_stop
fi
if start device listening,addr=0.0.0.0,device=lo; then
	like 'device: ss agrees' "$(ss -Htln)" '0\.0\.0\.0%lo:'
	mksock_stop
fi

# ---- queues and numbers ----

if start queue listening,port=4320,queue=3,backlog=5 udp,port=4320,queue=2; then
	like 'queue: three to be accepted' "$(ss -Htln 'sport = :4320')" '^LISTEN +3 +5 '
	is 'queue: reported' "$(mksock_get recvq role=listener)/$(mksock_get backlog role=listener)" 3/5
	is 'queue: datagrams unread' "$(ss -Huan 'sport = :4320' | awk '{ print $2 }')" "$(mksock_get recvq role=socket)"
	mksock_stop
fi
if start many listening,port=4330,count=20 udp,port=4330,count=20,step=0,reuseport; then
	is 'many: consecutive ports' "$(ss -Htln 'sport >= :4330 and sport <= :4349' | wc -l | tr -d ' ')" 20
	is 'many: one port' "$(ss -Huan 'sport = :4330' | wc -l | tr -d ' ')" 20
	mksock_stop
fi
if start conns time-wait,port=4350,conns=10 connected,port=4351,conns=4,listener; then
	is 'conns: TIME-WAIT on one port' "$(ss -Htan state time-wait 'sport = :4350' | wc -l | tr -d ' ')" 10
	is 'conns: connections of one listener' "$(ss -Htan state established 'sport = :4351' | wc -l | tr -d ' ')" 4
	mksock_stop
fi
if start multicast multicast,port=5353,addr=0.0.0.0; then
	ok 'multicast: the group is joined' grep -q FB0000E0 /proc/net/igmp
	is 'multicast: reported' "$(mksock_get join)" 224.0.0.251
	mksock_stop
fi
if start 'kernel-socket' kernel-socket,port=4789; then
	in_table kernel-socket role=kernel
	is 'kernel-socket: nobody has it' "$(holders_of "$(mksock_get inode)")" ''
	mksock_stop
	not_ok 'kernel-socket: the device is gone' ip link show mksock4789
fi

# ---- owners ----

if start inherited inherited; then
	inode=$(mksock_get inode)
	is 'inherited: two processes' "$(holders_of "$inode" | wc -l | tr -d ' ')" 2
	mksock_stop
fi
if start 'inherited, parent gone' inherited,parent-exits; then
	pid=$(mksock_get pid)
	is 'inherited, parent gone: one process' "$(holders_of "$(mksock_get inode)")" "$pid/$pid"
	is 'inherited, parent gone: reparented' "$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")" "$mksock_pid"
	mksock_stop
	not_ok 'inherited, parent gone: ended with mksock' test -d "/proc/$pid"
fi
if start 'inherited by a copy' inherited,exe=copy; then
	has_fd 'inherited by a copy' comm=mksock-copy
	mksock_stop
fi
if start scm-in-flight scm-in-flight; then
	is 'scm-in-flight: nobody has it' "$(holders_of "$(mksock_get inode)")" ''
	in_table scm-in-flight role=listener
	ok 'scm-in-flight: it is in a unix socket' grep -qs 'scm_fds: *1' /proc/"$(mksock_get pid)"/fdinfo/*
	mksock_stop
fi
if start io_uring-fixed io_uring-fixed; then
	is 'io_uring-fixed: nobody has it' "$(holders_of "$(mksock_get inode)")" ''
	in_table io_uring-fixed role=listener
	ok 'io_uring-fixed: it is in the ring' \
		grep -qs "socket:\\[$(mksock_get inode)\\]" /proc/"$(mksock_get pid)"/fdinfo/*
	mksock_stop
fi
if start thread-private-table thread-private-table; then
	is 'thread-private-table: only that thread' "$(holders_of "$(mksock_get inode)")" "$(mksock_get pid)/$(mksock_get tid)"
	mksock_stop
fi
if start exited-leader exited-leader; then
	is 'exited-leader: only the live thread' "$(holders_of "$(mksock_get inode)")" "$(mksock_get pid)/$(mksock_get tid)"
	like 'exited-leader: the leader is a zombie' "$(cat "/proc/$(mksock_get pid)/status")" '^State:.Z'
	mksock_stop
fi
if start child-pidns child-pidns; then
	like 'child-pidns: process 1 of it' "$(cat "/proc/$(mksock_get pid)/status")" '^NSpid:.*[^0-9]1$'
	has_fd child-pidns role=listener
	mksock_stop
fi
if start deleted-exe deleted-exe; then
	like 'deleted-exe: the name is gone' "$(readlink "/proc/$(mksock_get pid)/exe")" ' \(deleted\)$'
	has_fd deleted-exe role=listener
	mksock_stop
fi
if start stopped stopped; then
	pid=$(mksock_get pid)
	like 'stopped: it is' "$(cat "/proc/$pid/status")" '^State:.T'
	mksock_stop
	not_ok 'stopped: ended with mksock' test -d "/proc/$pid"
fi
# shellcheck disable=SC1003 # the backslash is meant
if start hostile 'listening,comm=a\nb\e[31m\xff\",argv=x\x00y z\n\x9b\x2c\\'; then
	pid=$(mksock_get pid)
	is 'hostile: comm' "$(od -An -tx1 "/proc/$pid/comm" | tr -d ' \n')" 610a621b5b33316dff220a
	is 'hostile: command line' "$(od -An -tx1 "/proc/$pid/cmdline" | tr -d ' \n')" 780079207a0a9b2c5c00
	is 'hostile: the report stays one line of words' "$(mksock_get comm)" 'a\x0ab\x1b[31m\xff"'
	mksock_stop
fi
if start uid listening,uid=65534 connected,uid=65534,side=client; then
	in_table uid role=listener
	has_fd uid role=listener
	is 'uid: of the process' "$(awk '/^Uid:/ { print $2 }' "/proc/$(mksock_get pid role=listener)/status")" 65534
	mksock_stop
fi

# ---- life and death ----

if start 'many specs' inherited child-pidns connected,other=child exited-leader deleted-exe; then
	pids=$(sed -n 's/.* pid=\([0-9][0-9]*\) .*/\1/p' "$mksock_out" | sort -u)
	is 'many specs: six holders and mksock' "$(echo "$pids" | wc -l | tr -d ' ')" 7
	kill -KILL "$mksock_pid"
	wait "$mksock_pid" 2>/dev/null
	# They are killed by the kernel with their parent, in turn.
	left=$pids
	for try in 1 2 3 4 5 6 7 8 9 10; do
		left=
		for pid in $pids; do
			case $(sed -n 's/^State:.\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in
			'' | Z) ;;
			*) left="$left $pid" ;;
			esac
		done
		[ -n "$left" ] || break
		sleep 0.1
	done
	is "killed: no helper is left (after $try looks)" "$left" ''
fi
ok 'the end of stdin ends it' "$MKSOCK" listening inherited </dev/null
not_ok 'an unknown state' "$MKSOCK" nonsense </dev/null
not_ok 'an unknown key' "$MKSOCK" listening,nonsense=1 </dev/null
not_ok 'a number out of range' "$MKSOCK" listening,port=65536 </dev/null
like 'a failure says what and where' "$("$MKSOCK" listening,addr=192.0.2.1 </dev/null 2>&1)" \
	'^mksock: listening,addr=192\.0\.2\.1: bind 192\.0\.2\.1:0: '
# Without CAP_NET_ADMIN: should it try after all, nothing comes of it.
if nsenter -t 1 -n true 2>/dev/null; then
	like 'the kernel socket only in a private network' \
		"$(nsenter -t 1 -n setpriv --bounding-set=-net_admin --inh-caps=-all "$MKSOCK" kernel-socket \
			</dev/null 2>&1)" 'only in a private network namespace'
else
	skip 'the kernel socket only in a private network' 'the first network cannot be entered'
fi

done_testing

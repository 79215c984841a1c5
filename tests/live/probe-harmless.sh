#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# probe harms nobody: servers under load lose nothing to a thousand probes, restarts do not fail,
# and nothing is left behind, however a probe ends. PORTSHARE_PROBES changes how many there are.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq
cd "$netns_tmp" || exit 99
probes=${PORTSHARE_PROBES:-1000}
mksock_start listening,port=4000,reuseaddr || exit 99
has_bpf=$("$PORTSHARE" --json 2>/dev/null | jq -r ".sockets[0].reuse.evidence == \"bpf\"")
mksock_stop
steady=${builddir:?}/tests/helpers/steady

steady_pids=
# shellcheck disable=SC2317 # called by netns_exit
netns_exit_hook()
{
	for each in $steady_pids; do
		kill "$each" 2>/dev/null
	done
}
# load KIND PORT [ADDRESS]: starts it; its process is $load_pid, its output $load_out.
load()
{
	load_out=$netns_tmp/$1.out
	rm -f "$load_out"
	"$steady" "$@" >"$load_out" 2>"$1.err" 9>&- &
	load_pid=$!
	steady_pids="$steady_pids $load_pid"
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -qs ready "$load_out" && return
		sleep 0.1
	done
	echo "Bail out! $1: $(cat "$1.err")"
	exit 99
}
# end_load: ends it; what it did and lost is $result.
end_load()
{
	kill "$load_pid"
	wait "$load_pid"
	result=$(sed -n 's/^done //p' "$load_out")
}
counters()
{
	cat /proc/net/snmp /proc/net/netstat | awk '
		/^(Udp|TcpExt):/ {
			if ($1 in names) {
				n = split(names[$1], name, " ")
				for (i = 2; i <= n; i++)
					if (name[i] ~ /^(InErrors|RcvbufErrors|InCsumErrors|ListenOverflows|ListenDrops|TCPReqQFullDrop|TCPMigrateReqFailure)$/)
						print $1 name[i], $i
			} else
				names[$1] = $0
		}'
}
# probe_often N ARGUMENT...: one after the other; counts what they answered.
probe_often()
{
	n=$1
	shift
	while [ "$n" -gt 0 ]; do
		"$PORTSHARE" probe "$@" >out 2>&1
		echo "$?"
		n=$((n - 1))
	done | sort | uniq -c | tr -s ' \n' ' '
}

# probe_restarts KIND WHERE PORT: probes while a server restarts all the time; what it failed is $result.
probe_restarts()
{
	load "$1" "$3"
	n=0
	while [ "$n" -lt $((probes / 5 + 100)) ]; do
		"$PORTSHARE" probe "$2:$3" >out 2>&1
		n=$((n + 1))
	done
	end_load
}

# UDP with SO_REUSEADDR, whose datagrams a careless probe takes.
load udp 5060
before=$(counters)
is "$probes probes of a UDP server: all answer" "$(probe_often "$probes" udp:127.0.0.1:5060 --reuseaddr)" " $probes 0 "
is "probes over both families beside it: all answer" "$(probe_often $((probes / 10)) -6 udp:5060 --reuseaddr)" " $((probes / 10)) 0 "
"$PORTSHARE" --json udp:5060 >list.json 2>/dev/null
is "$probes probes of a UDP server: it dropped nothing" "$(jq -c '[.sockets[].queue.drops]' list.json)" "[0]"
is "$probes probes of a UDP server: no counter has moved" "$(counters)" "$before"
end_load
like "$probes probes of a UDP server: no datagram is lost" "$result" '^[0-9]{4,} lost 0$'
# An address that was given without a broadcast address of its network, which getifaddrs(3) takes for one then.
if ip link add plain0 type veth peer name plain1 2>/dev/null && ip address add 10.77.0.1/24 dev plain0 &&
	ip link set plain0 up; then
	load udp 5061 10.77.0.1
	probe_often $((probes / 5)) udp:10.77.0.1:5061 --reuseaddr >/dev/null
	end_load
	like "nor at an address without a broadcast address beside it" "$result" '^[0-9]{4,} lost 0$'
	ip link del plain0
else
	skip "an address without a broadcast address beside it" "no device can be made here"
fi
# The test itself would see a loss: this one takes a datagram.
load udp 5062
python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 5062))
s.settimeout(30)
s.recv(64)
'
end_load
like "a bind that does take datagrams is noticed here" "$result" '^[0-9]+ lost [1-9]'

# A pool with SO_REUSEPORT, from which listen() or a close would take connections.
load pool 8080
before=$(counters)
answers=$(probe_often "$probes" tcp:127.0.0.1:8080 --reuseport)
if [ "$has_bpf" = true ]; then
	is "$probes probes of a pool: all answer" "$answers" " $probes 0 "
else
	# Connections come and go that nobody holds, and whose flags are not to be had.
	like "$probes probes of a pool: all answer, or cannot tell" "$answers" '^( [0-9]+ [03])+ $'
fi
is "$probes probes of a pool: no counter has moved" "$(counters)" "$before"
end_load
like "$probes probes of a pool: no connection is lost" "$result" '^[0-9]{4,} lost 0$'

# Tight restarts; the probes go on until there were enough of them.
probe_restarts restart tcp:127.0.0.1 8090
if [ "$has_bpf" = true ]; then
	like "restarts with SO_REUSEADDR while probes run: none fails" "$result" '^[0-9]+ lost 0$'
else
	# Whoever looks through /proc/PID/fd, as ss -p does, has the socket for an instant: then close() frees nothing.
	ok "restarts with SO_REUSEADDR while probes run: at most one in 100,000 fails" \
		test "${result##* }" -le $((${result%% *} / 100000 + 1))
fi
ok "restarts with SO_REUSEADDR while probes run: 3,000 at least" test "${result%% *}" -ge 3000

probe_restarts restart-udp udp:127.0.0.1 8091
like "restarts of UDP with SO_REUSEADDR while probes run: none fails, or next to none without BPF" "$result" \
	"$(if [ "$has_bpf" = true ]; then echo '^[0-9]{4,} lost 0$'; else echo '^[0-9]{4,} lost [0-9]$'; fi)"

# Killed at any moment.
mksock_start listening,addr=0.0.0.0,port=7000,reuseport,count=3,step=0 udp,addr=0.0.0.0,port=7001,reuseaddr || exit 99
PROBE_MARK=$netns_tmp
export PROBE_MARK
sockets()
{
	"$PORTSHARE" --raw -H -o proto,local,port,state,pid tcp:7000 udp:7001 2>/dev/null | sort
}
mkdir left
before=$(sockets)
n=0
killed=0
while [ "$n" -lt 60 ]; do
	for each in "tcp:7000 --reuseport" "udp:7001 --reuseaddr" "udp:7001 --live"; do
		# shellcheck disable=SC2086 # words
		TMPDIR=$netns_tmp/left "$PORTSHARE" probe $each >out 2>&1 &
		pid=$!
		sleep "$(printf '0.%03d' $((n % 30)))"
		kill -9 "$pid" 2>/dev/null
		wait "$pid" 2>/dev/null
		[ $? = 137 ] && killed=$((killed + 1))
	done
	n=$((n + 1))
done
ok "$killed probes were killed in the middle" test "$killed" -gt 20
left_processes()
{
	for each in /proc/[0-9]*/environ; do
		# shellcheck disable=SC2002 # a process that has gone is no message
		cat "$each" 2>/dev/null | tr '\0' '\n' | grep -qx "PROBE_MARK=$netns_tmp" || continue
		each=${each#/proc/}
		each=${each%/environ}
		# Not this shell's own helpers.
		if [ "$(cat "/proc/$each/comm" 2>/dev/null)" = portshare ]; then echo "$each"; fi
	done
}
# The children die with their parent, at once but not in the same instant.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	[ -z "$(left_processes)" ] && break
	sleep 0.1
done
is "no process is left, and so no namespace" "$(left_processes)" ""
is "no socket is left" "$(sockets)" "$before"
is "no file is left" "$(ls left)" ""
# Also while it plays another user, at which the kernel forgets that it is to die with its parent.
if [ "$(id -u)" = 0 ] && mksock_start udp,port=7002,reuseaddr,uid=1001,count=100,step=0; then
	cat >orphan.py <<'PY'
import glob, os, signal, subprocess, sys, time
home = os.readlink("/proc/self/ns/net")
def replica_of(pid):
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            if int(open(stat).read().rsplit(")", 1)[1].split()[1]) != pid: continue
            if os.readlink(os.path.dirname(stat) + "/ns/net") != home: return int(stat.split("/")[2])
        except (OSError, ValueError): pass
def is_there(pid):
    try: return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError: return False
for _ in range(50):
    probe = subprocess.Popen([sys.argv[1], "probe", "udp:7002", "--reuseaddr"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    child = None
    while child is None and probe.poll() is None: child = replica_of(probe.pid)
    time.sleep(0.002)
    if child:
        try: os.kill(child, signal.SIGSTOP)
        except OSError: child = None
    caught = child and is_there(child)
    probe.kill(); probe.wait(); time.sleep(0.1)
    if not caught: continue
    left = is_there(child)
    if left: os.kill(child, signal.SIGKILL)
    print("left" if left else "gone")
    sys.exit()
print("not caught")
PY
	is "its replica does not outlive it" "$(python3 orphan.py "$PORTSHARE")" gone
	mksock_stop
else
	skip "its replica does not outlive it" "only root can play other users"
fi
done_testing

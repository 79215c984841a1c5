#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# wait: until a port can be bound, then at once; and what it says meanwhile.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need python3
netns_need ss
LC_ALL=C.UTF-8
export LC_ALL
cd "$netns_tmp" || exit 99

# A server without SO_REUSEADDR is killed while clients are connected; its remains are ended by sock_diag, as if their
# minute were over. A second program tries to bind all the time and notes the first moment at which it can.
cat >server.py <<'PY'
import socket, sys, time
s = socket.socket()
s.bind(("127.0.0.1", 8080))
s.listen()
print("started %.6f" % time.clock_gettime(time.CLOCK_MONOTONIC), flush=True)
if len(sys.argv) > 1:
    clients = [socket.create_connection(("127.0.0.1", 8080)) for _ in range(4)]
    served = [s.accept()[0] for _ in clients]
    for each in served: each.close()
    for each in clients: each.close()
PY
cat >watcher.py <<'PY'
import socket, time
while True:
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", 8080))
        break
    except OSError:
        s.close()
        time.sleep(0.002)
s.close()
open("first", "w").write("%.6f" % time.clock_gettime(time.CLOCK_MONOTONIC))
PY
python3 server.py dies >old
is "the server has left TIME-WAIT" "$("$PORTSHARE" --raw -H -o state tcp:8080 2>/dev/null | sort -u)" TIME-WAIT
if ss -K -t state time-wait 'sport = :1' >out 2>&1 && ! grep -q 'not supported\|denied' out; then
	"$PORTSHARE" wait tcp:127.0.0.1:8080 --timeout 50s -- python3 server.py >new 2>said &
	waiter=$!
	sleep 1
	is "it waits" "$(cat new)" ""
	# Not beside wait, whose bind it might catch: just before the end.
	python3 watcher.py 9>&- &
	watcher=$!
	ss -K -t state time-wait 'sport = :8080' >out 2>&1
	wait "$waiter"
	is "the server has been started in its place" "$?" 0
	wait "$watcher"
	ok "within 1 s of the first moment at which it can bind" python3 -c '
import sys
first, started = float(open("first").read()), float(open("new").read().split()[1])
print(first, started)
sys.exit(not started - first < 1)'
	like "what was in the way is said" "$(cat said)" '^portshare: tcp 127\.0\.0\.1:8080: waiting for tcp 127\.0\.0\.1:8080, TIME-WAIT, .* and 3 more, [0-9.]+ s$'
	is "in one line, for nothing has changed" "$(wc -l <said)" 1
else
	skip "a server is started within 1 s" "this kernel cannot destroy sockets: $(cat out)"
fi

# Events: a listener that goes.
mksock_start listening,addr=0.0.0.0,port=8081 || exit 99
"$PORTSHARE" wait tcp:8081 -q 2>said &
waiter=$!
sleep 0.5
ok "a listener: it waits" kill -0 "$waiter"
mksock_stop
wait "$waiter"
is "a listener has gone" "$? $(cat said)" "0 "
mksock_start udp,addr=0.0.0.0,port=8082 || exit 99
"$PORTSHARE" wait udp:8082 2>said &
waiter=$!
sleep 0.5
mksock_stop
wait "$waiter"
is "a UDP socket has gone" "$?" 0
like "which was named" "$(cat said)" 'waiting for udp 0.0.0.0:8082, BOUND, .*mksock'

# What is there already.
ok "a free port" "$PORTSHARE" wait tcp:8083
is "a command's exit status is its own" "$("$PORTSHARE" wait tcp:8083 -- sh -c 'exit 7'; echo $?)" 7
is "and so are its arguments" "$("$PORTSHARE" wait -q tcp:8083 -- printf '%s|' --timeout x -- '')" '--timeout|x|--||'
mksock_start bound,port=8084,reuseaddr || exit 99
ok "with SO_REUSEADDR on both sides" "$PORTSHARE" wait tcp:127.0.0.1:8084 --reuseaddr --timeout 5
"$PORTSHARE" wait tcp:127.0.0.1:8084 --timeout 300ms 2>said
is "not in time" "$?" 1
like "and what still blocks is said" "$(tail -n 1 said)" '^portshare: given up: .*BOUND, .*mksock'
"$PORTSHARE" wait tcp:127.0.0.1:8084 --timeout 300ms -q 2>said
is "with -q too, but nothing else" "$? $(wc -l <said)" "1 1"
mksock_stop

# Until somebody listens.
"$PORTSHARE" wait tcp:8085 --until listening --timeout 300ms 2>said
is "nobody listens" "$?" 1
like "which is said" "$(tail -n 1 said)" '^portshare: given up: .*nobody listens yet$'
"$PORTSHARE" wait tcp:8085 --until listening -q --timeout 20s &
waiter=$!
sleep 0.3
mksock_start bound,port=8085 || exit 99
sleep 0.6
ok "bound is not listening" kill -0 "$waiter"
mksock_stop
mksock_start listening,port=8085 || exit 99
wait "$waiter"
is "now it listens" "$?" 0
ok "on the address asked for" "$PORTSHARE" wait tcp:127.0.0.1:8085 --until listening
"$PORTSHARE" wait tcp:127.0.0.2:8085 --until listening --timeout 100ms -q 2>/dev/null
is "not on another" "$?" 1
ok "with -4, on any of IPv4" "$PORTSHARE" wait -4 tcp:8085 --until listening --timeout 0
"$PORTSHARE" wait -6 tcp:8085 --until listening --timeout 0 -q 2>/dev/null
is "with -6, not one of IPv4" $? 1
"$PORTSHARE" wait "tcp:[::]:8085" --until listening --timeout 0 -q 2>/dev/null
is "with the address ::, not one of IPv4" $? 1
"$PORTSHARE" wait tcp:8085 --device nope --until listening --timeout 0 -q 2>/dev/null
is "with a device, one that is bound to none is on it" $? 0
mksock_stop
mksock_start listening,port=8086,device=lo || exit 99
"$PORTSHARE" wait tcp:8086 --device nope --until listening --timeout 0 -q 2>/dev/null
is "one that is bound to another is not" $? 1
ok "on its own it is" "$PORTSHARE" wait tcp:8086 --device lo --until listening --timeout 0
mksock_stop

mksock_start listening,addr=::1,port=8086 || exit 99
ok "without address and family, one of IPv6 too" "$PORTSHARE" wait tcp:8086 --until listening --timeout 0
"$PORTSHARE" wait tcp:0.0.0.0:8086 --until listening --timeout 0 -q 2>/dev/null
is "with the address 0.0.0.0, not one of IPv6" $? 1
"$PORTSHARE" wait tcp:8086 --address 0.0.0.0 --until listening --timeout 0 2>said
is "nor with --address" "$? $(cat said)" "1 portshare: given up: tcp 0.0.0.0:8086: nobody listens yet"
mksock_stop
mksock_start listening,addr=::,port=8086 || exit 99
ok "but one of IPv6 that takes IPv4" "$PORTSHARE" wait tcp:0.0.0.0:8086 --until listening --timeout 0
mksock_stop
"$PORTSHARE" wait tcp:8086 --until listening --timeout 0 2>said
is "any address is said as such" "$? $(cat said)" "1 portshare: given up: tcp *:8086: nobody listens yet"

# Port 0, the kernel's choice, waits for the range.
range=$(cat /proc/sys/net/ipv4/ip_local_port_range)
if echo "40000 40000" 2>/dev/null >/proc/sys/net/ipv4/ip_local_port_range; then
	mksock_start listening,addr=0.0.0.0,port=40000 || exit 99
	"$PORTSHARE" wait tcp:0 --timeout 100ms -q 2>said
	is "a range that is used up" "$? $(cat said)" \
		"1 portshare: given up: tcp 0.0.0.0:0: waiting for a port, none of net.ipv4.ip_local_port_range is free"
	mksock_stop
	echo "$range" >/proc/sys/net/ipv4/ip_local_port_range
else
	skip "a range that is used up" "the range cannot be set here"
fi

# A command without -- before it.
"$PORTSHARE" wait tcp:8088 ./server 2>said
is "a command without --" "$? $(cat said)" \
	'2 portshare: one bind is asked for at a time, this is a second "./server": a command to run goes behind --'
"$PORTSHARE" wait tcp:8088 sh -c true 2>said
is "a command with options without --" "$? $(cat said)" \
	'2 portshare: unknown option "-c": a command to run goes behind --; see portshare wait --help'

# Nothing to wait for.
# Of what is in the way the one that stays is named.
mksock_start connected,port=8124,reuseaddr || exit 99
connected_pid=$mksock_pid
mksock_start time-wait,port=8124,reuseaddr || exit 99
"$PORTSHARE" wait tcp:8124 --timeout 300ms >out 2>err
like "beside TIME-WAIT who has no end is named" "$(head -1 err)" 'waiting for tcp 127\.0\.0\.1:8124, ESTAB, .* and [0-9]+ more'
mksock_stop
mksock_stop_pid "$connected_pid"

if [ "$(id -u)" = 0 ] && setpriv --reuid=1001 --clear-groups true 2>/dev/null; then
	"$PORTSHARE" wait tcp:80 --as 1001 --timeout 20 2>said
	is "a bind that is never allowed" "$?" 2
	like "is not waited for" "$(cat said)" '^portshare: No: uid 1001 may not bind'
fi
if ip link add dummy8 type dummy 2>/dev/null; then
	"$PORTSHARE" wait tcp:10.9.8.7:80 --timeout 20 2>/dev/null &
	waiter=$!
	sleep 0.3
	ip link set dummy8 up
	ip address add 10.9.8.7/32 dev dummy8
	wait "$waiter"
	is "an address that comes" "$?" 0
	ip link del dummy8
fi

"$PORTSHARE" wait tcp:8080 --device nothere --timeout 300ms -q 2>said
is "a device that may come: not in time" "$?" 1
like "a device that may come: is said" "$(cat said)" '^portshare: given up: .*waiting for the interface nothere'
"$PORTSHARE" wait tcp:10.9.8.6:80 --timeout 300ms 2>said
is "an address that may come: not in time" "$?" 1
is "an address that may come: what is waited for, and that it was in vain" "$(cat said)" \
	"portshare: tcp 10.9.8.6:80: waiting for the address, which is not there yet
portshare: given up: tcp 10.9.8.6:80: waiting for the address, which is not there yet"
"$PORTSHARE" wait tcp:8080 --device pair0 --timeout 20 2>said &
waiter=$!
sleep 0.3
if ip link add pair0 type veth peer name pair1 2>/dev/null || ip link add pair0 type dummy 2>/dev/null; then
	wait "$waiter"
	is "a device that comes" "$?" 0
	ip link del pair0
else
	kill "$waiter"
	wait "$waiter"
	skip "a device that comes" "no device can be made here"
fi

# It sleeps. Switches that it asked for itself, in two seconds of waiting for a listener.
mksock_start listening,addr=0.0.0.0,port=8086 || exit 99
"$PORTSHARE" wait tcp:8086 -q &
waiter=$!
sleep 2
switches=$(awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$waiter/status")
ok "no busy loop: $switches switches" test "$switches" -lt 400
kill "$waiter"
wait "$waiter"
is "SIGTERM ends it as it ends others" "$?" 143
mksock_stop

# On a busy port each connection is an event. A look begins a child, whose page faults show that there was one.
cat >busy.py <<'PY'
import signal, socket, sys, time
port, reuse = int(sys.argv[1]), int(sys.argv[2])
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
s.bind(("127.0.0.1", port))
s.listen()
print("ready", flush=True)
signal.alarm(60)
while True:
    client = socket.create_connection(("127.0.0.1", port))
    served = s.accept()[0]
    time.sleep(0.002)
    # A reset, which leaves no TIME-WAIT.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    time.sleep(0.002)
    served.close()
PY
# busy PORT REUSE ARGUMENT...: runs wait beside the busy server; $looked: whether it bound the port again, $switches in 2 s.
busy()
{
	python3 busy.py "$1" "$2" >busy.out 9>&- &
	server=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		grep -q ready busy.out && break
		sleep 0.1
	done
	shift 2
	"$PORTSHARE" wait -q "$@" &
	waiter=$!
	sleep 0.5
	first=$(cut -d ' ' -f 11 "/proc/$waiter/stat")
	before=$(awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$waiter/status")
	sleep 2
	looked=no
	[ "$(cut -d ' ' -f 11 "/proc/$waiter/stat")" = "$first" ] || looked=yes
	switches=$(($(awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$waiter/status") - before))
}
busy 8090 1 tcp:127.0.0.1:8090 --reuseaddr --timeout 30
is "a busy port: no look while what is in the way is there" "$looked" no
ok "a busy port: no glance for each event: $switches switches" test "$switches" -lt 300
kill "$server"
started=$(date +%s%N)
wait "$waiter"
is "a busy port: it can be bound in the end" "$?" 0
taken=$((($(date +%s%N) - started) / 1000000))
ok "a busy port: within 1 s: $taken ms" test "$taken" -lt 1000
wait "$server"
busy 8091 0 tcp:127.0.0.2:8091 --until listening
ok "until somebody listens: no glance for each event either: $switches switches" test "$switches" -lt 300
kill "$waiter" "$server"
wait "$waiter" "$server"
# With SO_REUSEPORT who was in the way does not tell enough: it looks, but binds nothing while the model says no.
busy 8092 0 tcp:127.0.0.1:8092 --reuseport
is "a busy port: no live bind while the model says no" "$looked" no
kill "$waiter" "$server"
wait "$waiter" "$server"

# On a terminal: a bar that moves, a line that goes away; signals and descriptors are the command's.
cat >terminal.py <<'PY'
import os, pty, signal, subprocess, sys, time, select, fcntl, termios, struct
program, mode = sys.argv[1:3]
width = int(os.environ.get("WIDTH", 60))
arguments = sys.argv[3:]
pid, master = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.execv(program, [program] + arguments)
fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
seen, start = b"", time.time()
sent = False
while True:
    ready = select.select([master], [], [], 0.1)[0]
    if ready:
        try:
            data = os.read(master, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
    if not sent and time.time() - start > 1.2 and mode != "run":
        os.kill(pid, {"int": signal.SIGINT, "term": signal.SIGTERM}[mode])
        sent = True
status = os.waitpid(pid, 0)[1]
last = seen.decode(errors="replace").split("\r\x1b[K")
print("status", -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
print("frames", len(set(last)) > 2)
print("bar", any("█" in each or "░" in each for each in last))
print("wide", max([len(each) for each in last[:-1]], default=0) < width)
if "SHOW" in os.environ:
    print("line", last[-2])
print("end", repr(last[-1]))
PY
mksock_start time-wait,port=8087 || exit 99
is "a terminal: SIGINT, and the line is gone" \
	"$(python3 terminal.py "$PORTSHARE" int wait tcp:127.0.0.1:8087 | tr '\n' ' ')" "status -2 frames True bar True wide True end '' "
is "a terminal: SIGTERM" \
	"$(python3 terminal.py "$PORTSHARE" term wait tcp:127.0.0.1:8087 | tr '\n' ' ')" "status -15 frames True bar True wide True end '' "
# The countdown moves: what stands before it.
shown() { WIDTH=$1 SHOW=1 python3 terminal.py "$PORTSHARE" int wait "$2" | sed -n 's/^line \(.*\)  [█░]* [0-9]* s$/\1/p'; }
# Only BPF reads the flags of TIME-WAIT.
flags=$("$PORTSHARE" --json -s time-wait tcp:8087 2>/dev/null |
	jq -r 'if .sockets[0].reuse.evidence == "bpf" then "no reuse flag" else "unknown flags" end')
is "a terminal: what is waited for, once" "$(shown 100 tcp:127.0.0.1:8087)" \
	"tcp 127.0.0.1:8087: TIME-WAIT, no process, $flags"
is "a terminal: in 60 columns" "$(shown 60 tcp:127.0.0.1:8087)" "tcp 127.0.0.1:8087: TIME-WAIT, no process…"
is "a terminal: in 60 columns, at another address" "$(shown 60 tcp:8087)" "tcp 0.0.0.0:8087: TIME-WAIT at 127.0.0.1,…"
mksock_stop
# The other end of one has not closed: its TIME-WAIT is still to come.
mksock_start fin-wait-2,port=8126,orphan || exit 99
like "a terminal: FIN-WAIT-2 may take longer" \
	"$(WIDTH=100 SHOW=1 python3 terminal.py "$PORTSHARE" int wait tcp:8126 | grep '^line')" ' at least [0-9]+ s$'
"$PORTSHARE" wait tcp:8126 --timeout 300ms 2>said
like "FIN-WAIT-2 may take longer" "$(head -n 1 said)" 'waiting for .*FIN-WAIT-2.*, at least [0-9.]+ s$'
like "FIN-WAIT-2 may have taken longer" "$(tail -n 1 said)" 'given up: .*FIN-WAIT-2.*, at least [0-9.]+ s$'
mksock_stop
cat >asked.py <<'PY'
import os, signal, sys
names = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGPIPE", "SIGCHLD"]
handlers = [signal.getsignal(getattr(signal, each)) in (signal.SIG_DFL, signal.default_int_handler) for each in names]
print(handlers.count(True), sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), sys.stdin.isatty(),
      sorted(int(each) for each in os.listdir("/proc/self/fd")))
PY
asked=$(python3 terminal.py "$PORTSHARE" run wait tcp:8088 -- /usr/bin/python3 asked.py | grep ^end)
like "a terminal: the command gets it" "$asked" ' True \['
is "with all signals, and no descriptor more than without" "$asked" "$(python3 terminal.py /usr/bin/python3 run asked.py | grep ^end)"
trap '' HUP
like "what was ignored stays ignored" "$("$PORTSHARE" wait -q tcp:8088 -- sh -c 'grep SigIgn /proc/self/status')" '[13579bdf]$'
trap 'exit 129' HUP

# Of SIGCHLD that is ignored a child is not to be waited for; the port is looked at all the same.
cat >ignoring.py <<'PY'
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
PY
# Without BPF the model cannot tell; the port itself does.
mksock_start time-wait,port=8095,reuseaddr || exit 99
python3 ignoring.py "$PORTSHARE" wait --no-bpf tcp:127.0.0.1:8095 --reuseaddr --timeout 300ms -q 2>said
is "SIGCHLD ignored: the port itself is asked" "$? $(cat said)" "0 "
mksock_stop
like "SIGCHLD ignored: the command has it as it was" \
	"$(python3 ignoring.py "$PORTSHARE" wait -q tcp:8088 -- grep SigIgn /proc/self/status)" '[13579bdf].{4}$'
like "SIGCHLD not ignored: nor has the command" \
	"$("$PORTSHARE" wait -q tcp:8088 -- grep SigIgn /proc/self/status)" '[02468ace].{4}$'

# --netns names the server that is waited for; when it ends, another process keeps the namespace.
cat >elsewhere.py <<'PY'
import signal, socket
s = socket.socket()
s.bind(("127.0.0.1", 8080))
s.listen()
print("ready", flush=True)
signal.pause()
PY
mkfifo elsewhere
unshare -n sh -c 'ip link set lo up; sleep 100 >keeps & echo "$!"; exec python3 elsewhere.py' 9>&- >elsewhere &
server=$!
{
	read -r keeper
	read -r _
} <elsewhere
# shellcheck disable=SC2016 # expanded by the command
"$PORTSHARE" wait tcp:127.0.0.1:8080 --netns "$server" --timeout 30s -- \
	sh -c 'for each in /proc/self/fd/*; do readlink "$each"; done' >left 2>said &
waiter=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	grep -q "pid $server" said && break
	sleep 0.2
done
like "the server in its namespace is in the way" "$(cat said)" "waiting for tcp 127.0.0.1:8080, LISTEN, .*pid $server"
kill "$server"
wait "$server" 2>/dev/null
wait "$waiter"
is "the process that --netns names ends: exit status" "$? $(grep -c . said)" "0 1"
is "and the command gets no descriptor of the namespace" "$(grep -c 'net:' left)" 0
kill "$keeper"

# Mistakes.
wrong()
{
	name=$1
	expected=$2
	shift 2
	"$PORTSHARE" wait "$@" >out 2>err
	is "$name: exit status" $? "$expected"
	is "$name: one sentence" "$(wc -l <err)" 1
	is "$name: no output" "$(cat out)" ""
}
wrong "no port" 2
wrong "no port before the command" 2 -- true
wrong "both protocols" 2 -tu 1
wrong "both families" 2 -46 1
wrong "no time" 2 --timeout soon tcp:1
wrong "a negative time" 2 --timeout=-1 tcp:1
wrong "no unit" 2 --timeout 1w tcp:1
wrong "until what" 2 --until doomsday tcp:1
wrong "until somebody listens on any port" 2 --until listening --timeout 0 0
wrong "of UDP too" 2 --until listening --timeout 0 udp:127.0.0.1:0
wrong "no command behind the dashes" 2 tcp:8089 --
wrong "a snapshot" 2 --from saved.json tcp:1
wrong "JSON" 2 --json tcp:1
wrong "a command as another user" 2 --as 12345 tcp:8089 -- true
ok "a command as oneself" "$PORTSHARE" wait --as "$(id -u)" tcp:8089 -- true
ok "another user without a command" "$PORTSHARE" wait --as 12345 tcp:8089
wrong "no such namespace" 2 --netns nosuchnamespace tcp:1
wrong "a command that is not there" 127 tcp:8089 -- ./nosuchcommand
wrong "a command that is no program" 126 tcp:8089 -- ./asked.py
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Findings about real sockets: what the detectors say of them, and what datagrams really do.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq
netns_need python3
LC_ALL=C.UTF-8
export LC_ALL
cd "$netns_tmp" || exit 99
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3)
mksock_start listening,port=4000,reuseaddr || exit 99
has_bpf=$("$PORTSHARE" --json 2>/dev/null | jq -r '.sockets[0].reuse.evidence == "bpf"')
mksock_stop
program=$(user_program "$PORTSHARE")

# A program that does what its arguments say and waits: udp|tcp ADDRESS PORT FLAGS [join|fork|exec|stop]
cat >server.py <<'PY'
import ctypes, os, signal, socket, subprocess, struct, sys, time
kind, address, port, flags, *rest = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
if "a" in flags: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if "p" in flags: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int("6" in flags))
if "lo" in rest: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
s.bind((address, int(port)))
if "join" in rest:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                 socket.inet_aton("224.0.0.251") + socket.inet_aton("127.0.0.1"))
if "join6" in rest:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                 socket.inet_pton(socket.AF_INET6, "ff02::fb") + struct.pack("i", 1))
if "steer" in rest:
    program = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))  # return 0: the first member
    s.setsockopt(socket.SOL_SOCKET, 51, struct.pack("HxxxxxxP", 1, ctypes.addressof(program)))
if "clear" in rest: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
if kind == "tcp" and "bound" not in rest: s.listen(8)
if "fork" in rest and os.fork(): pass
if "exec" in rest:
    s.set_inheritable(True)
    if os.fork() == 0: os.execvp("sleep", ["sleep", "600"])
    time.sleep(0.3)
if "orphan" in rest:
    s.set_inheritable(True)
    if os.fork() == 0: os.execvp("sleep", ["sleep", "600"])
    time.sleep(0.3); print("ready", flush=True); os._exit(0)
print("ready", flush=True)
if kind == "udp":
    s.settimeout(0.2)
    n = 0
    while True:
        try:
            s.recv(100); n += 1
            open(sys.argv[0] + ".got", "w").write(str(n))
        except TimeoutError: pass
        except socket.timeout: pass
time.sleep(600)
PY
for name in sipd softphone worker; do cp server.py "$name.py"; done

pids=
# start NAME ARGUMENT...: run NAME.py and wait until it is ready; its process is $pid.
start()
{
	name=$1
	shift
	rm -f ready.fifo
	mkfifo ready.fifo
	"$python" "$netns_tmp/$name.py" "$@" >ready.fifo 2>"$name.err" 9>&- &
	pid=$!
	pids="$pids $pid"
	read -r _ <ready.fifo
}
# A pool of three workers: ADDRESS PORT FLAGS; what each has got it writes to pool.PID.got.
cat >pool-udp.py <<'PY'
import os, socket, sys, time
address, port, flags = sys.argv[1:]
family = socket.AF_INET6 if ":" in address else socket.AF_INET
for worker in range(3):
    ready, w = os.pipe()
    if os.fork() == 0: break
    os.read(ready, 1)
else:
    print("ready", flush=True); time.sleep(600)
s = socket.socket(family, socket.SOCK_DGRAM)
if "a" in flags: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind((address, int(port)))
os.write(w, b"x")
n = 0
while True:
    s.recv(100); n += 1
    open("pool.%d.got" % os.getpid(), "w").write(str(n))
PY

# got FILE...: how many datagrams arrived there
got()
{
	sum=0
	for each; do
		n=$(cat "$each" 2>/dev/null)
		sum=$((sum + ${n:-0}))
	done
	echo "$sum"
}
# send ADDRESS PORT: 100 datagrams, each from a port of its own; until they have been counted
send()
{
	rm -f ./*.got
	"$python" -c 'import socket, sys
for i in range(100):
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x", (sys.argv[1], int(sys.argv[2]))); s.close()' "$@"
	for _ in $(seq 50); do
		[ "$(got ./*.got)" -lt 100 ] || break
		sleep 0.1
	done
}
# send_group PORT: the same to 224.0.0.251
send_group()
{
	rm -f ./*.got
	"$python" -c 'import socket, sys
for i in range(100):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    s.sendto(b"x", ("224.0.0.251", int(sys.argv[1]))); s.close()' "$@"
	sleep 0.5
}
# title_of ID [SELECTOR...]
title_of()
{
	id=$1
	shift
	"$PORTSHARE" check --json "$@" 2>/dev/null | jq -r --arg id "$id" '.findings[] | select(.id == $id).title'
}

stop_all()
{
	for each in $pids; do
		kill -CONT "$each" 2>/dev/null
		kill -9 "$each" 2>/dev/null
		wait "$each" 2>/dev/null
	done
	pids=
	# What a server has left behind in this namespace: it is ours alone.
	for each in $("$PORTSHARE" --raw -H -o pid 2>/dev/null | tr ',' '\n' | grep -x '[0-9]*'); do
		kill -9 "$each" 2>/dev/null
	done
}
# shellcheck disable=SC2317 # called by netns.sh
netns_exit_hook() { stop_all; }

# found [SELECTOR...]: "SEVERITY ID" of what is found, sorted, without mere notes
found() { "$PORTSHARE" check --json "$@" 2>/dev/null | jq -r '.findings[] | select(.severity != "note") | "\(.severity) \(.id)"' | sort -u | paste -sd' '; }
notes() { "$PORTSHARE" check --json "$@" 2>/dev/null | jq -r '.findings[].id' | sort -u | paste -sd' '; }

# Two programs on one UDP port

start sipd udp 0.0.0.0 5060 a
start softphone udp 0.0.0.0 5060 a
second=$pid
if [ "$has_bpf" = true ]; then
	is "two Python programs on one port" "$(found)" "warning udp-accidental-share"
	"$PORTSHARE" check --json >found.json 2>/dev/null
	like "the one that receives is named" "$(jq -r '.findings[0].title' found.json)" \
		"\"softphone.py\" \(pid $second\) gets the datagrams"
	like "who belongs together is told by the rule, not by the shell that started both" "$(jq -r '.findings[0].evidence' found.json)" \
		"child of .*child of .*none of them descends from another \\(that one shell, .* does not make them one process tree\\)"
	like "and that a stranger could do the same" "$(jq -r '.findings[0].text' found.json)" "whatever the uid"
	"$python" -c 'import socket
for i in range(100):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("127.0.0.1", 5060)); s.close()'
	sleep 0.5
	is "it really gets all of 100 datagrams" "$(cat softphone.py.got 2>/dev/null)/$(cat sipd.py.got 2>/dev/null)" 100/
	"$PORTSHARE" check >/dev/null 2>&1
	is "exit status" $? 1
	"$PORTSHARE" check --critical warning >/dev/null 2>&1
	is "--critical warning" $? 2
	"$PORTSHARE" check --warning never --critical never >/dev/null 2>&1
	is "--warning never" $? 0
	"$PORTSHARE" check --ignore udp-accidental-share:5060 --ignore udp-hijackable >out 2>/dev/null
	is "--ignore" "$? $(cut -c1-13 out)" "0 Nothing found"
	"$PORTSHARE" check --ignore udp-accidental-share:5061 >/dev/null 2>&1
	is "--ignore elsewhere" $? 1
	"$PORTSHARE" check tcp:5060 >/dev/null 2>&1
	is "a selector that it does not concern" $? 0
	is "list notes it" "$("$PORTSHARE" --raw -H -o note 2>/dev/null | sort -u)" udp-accidental-share
else
	skip "two Python programs on one port" "flags of another's sockets need BPF"
fi
stop_all
rm -f ./*.got

# One at the mapped address, as Java binds, is at the same place, and loses, whichever came last.

if [ "$has_bpf" = true ]; then
	start sipd udp 127.0.0.1 5060 a
	first=$pid
	start softphone udp ::ffff:127.0.0.1 5060 a
	like "a mapped address" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "udp-accidental-share").title')" \
		"\"sipd.py\" \(pid $first\) gets the datagrams, \"softphone.py\" \(pid $pid\) none"
	"$python" -c 'import socket
for i in range(10):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b"x", ("127.0.0.1", 5060)); s.close()'
	sleep 0.5
	is "it really gets none" "$(cat sipd.py.got 2>/dev/null)/$(cat softphone.py.got 2>/dev/null)" 10/
	stop_all
	rm -f ./*.got
	start softphone udp ::1 5060 a
	start sipd udp ::1 5060 ap
	like "IPv6, with SO_REUSEADDR alone: who came first" "$("$PORTSHARE" check udp:5060 2>/dev/null | tr -s ' \n' ' ')" \
		"\"softphone.py\" \(pid [0-9]+\) gets the datagrams.* for IPv6 prefers one with SO_REUSEADDR alone"
	stop_all
	start softphone udp :: 5060 a
	start sipd udp :: 5060 a6
	like "a v6only socket beside one that is not" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "udp-accidental-share").title')" \
		"\"sipd.py\" \(pid $pid\) gets the datagrams of IPv6, "
	stop_all
else
	skip "a mapped address" "flags of another's sockets need BPF"
fi

# Flags count as they are now: who has cleared one after the bind keeps everybody out.

if [ "$has_bpf" = true ]; then
	start sipd udp 0.0.0.0 5060 a
	start softphone udp 0.0.0.0 5060 a clear
	is "a flag that was cleared: the two are there" "$(found)" "warning udp-accidental-share"
	unlike "and nobody else can come" "$("$PORTSHARE" check 2>/dev/null | tr -s ' \n' ' ')" "local user"
	is "and so it is" "$("$python" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try: s.bind(("0.0.0.0", 5060)); print("ok")
except OSError as e: print(e.errno)')" 98
	stop_all
else
	skip "a flag that was cleared" "flags of another's sockets need BPF"
fi

# A group with SO_REUSEPORT that wins is balanced, and starves who is not in it.

if [ "$has_bpf" = true ]; then
	start sipd udp 127.0.0.1 5060 a
	start pool-udp 127.0.0.1 5060 ap
	like "a pool that was bound last gets all" "$(title_of udp-accidental-share)" \
		'"pool-udp.py" \(pids [0-9, ]+\) gets the datagrams, spread over 3 sockets, "sipd.py" \(pid [0-9]+\) none$'
	send 127.0.0.1 5060
	is "and so it is" "$(find . -name 'pool.*.got' | wc -l): $(got pool.*.got)/$(got sipd.py.got)" "3: 100/0"
	stop_all
	start pool-udp 127.0.0.1 5060 ap
	start sipd udp 127.0.0.1 5060 a
	like "a pool that was bound before another gets nothing" "$(title_of udp-accidental-share)" \
		"\"sipd.py\" \(pid $pid\) gets the datagrams, \"pool-udp.py\" .* none\$"
	send 127.0.0.1 5060
	is "and so it is" "$(got pool.*.got)/$(got sipd.py.got)" 0/100
	stop_all
	start sipd udp 127.0.0.1 5060 a
	start worker udp 127.0.0.1 5060 ap
	first=$pid
	start worker udp 127.0.0.1 5060 ap
	like "two starts in a group" "$(title_of udp-accidental-share)" \
		"\"worker.py\" \(pids $pid, $first\) get the datagrams, spread over 2 sockets, \"sipd.py\" .* none\$"
	start softphone udp 127.0.0.1 5060 a
	like "the group is told that it gets nothing" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "reuseport-strangers").text')" \
		"^Other sockets get what is sent there now"
	send 127.0.0.1 5060
	is "and so it is" "$(got worker.py.got)/$(got softphone.py.got)" 0/100
	stop_all
	start pool-udp 127.0.0.1 5060 p
	start sipd udp ::ffff:127.0.0.1 5060 p
	like "a pool of IPv4 beside the mapped address" "$(title_of udp-accidental-share)" \
		'"pool-udp.py" .* gets the datagrams, spread over 3 sockets, "sipd.py" .* none$'
	send 127.0.0.1 5060
	is "and so it is" "$(got pool.*.got)/$(got sipd.py.got)" 100/0
	stop_all
	rm -f ./*.got
else
	skip "a group that wins" "flags of another's sockets need BPF"
fi

start sipd udp 0.0.0.0 5060 p
start sipd udp 0.0.0.0 5060 p
is "two starts of one program in a reuseport group" "$(found)" ""
like "are worth a note" "$(notes udp:5060)" "reuseport-strangers"
start softphone udp 0.0.0.0 5060 p
is "a stranger in the group" "$(found)" "warning reuseport-strangers"
stop_all

# Where a BPF program chooses there is no hash.

if [ "$has_bpf" = true ]; then
	start sipd udp 127.0.0.1 6443 p
	start softphone udp 127.0.0.1 6443 p steer
	like "strangers in a group that a BPF program divides" \
		"$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | "\(.id) \(.severity) \(.text)"')" \
		"^reuseport-strangers warning Which of the 2 members .* is chosen by a BPF program .*, not by a hash"
	send 127.0.0.1 6443
	is "and so it is" "$(got sipd.py.got)/$(got softphone.py.got)" 100/0
	stop_all
	start softphone udp 127.0.0.1 6443 a
	start sipd udp 127.0.0.1 6443 ap
	start sipd udp 127.0.0.1 6443 ap steer
	like "beside another" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "udp-accidental-share").text')" \
		"A BPF program that is attached to a group with SO_REUSEPORT chooses which of that group it is, not a hash"
	send 127.0.0.1 6443
	is "which gets nothing" "$(got sipd.py.got)/$(got softphone.py.got)" 100/0
	stop_all
else
	skip "a BPF program that chooses" "needs BPF"
fi

# One name in two directories is not known to be one program.

mkdir d1 d2
cp server.py d1/app.py
{ cat server.py && echo "# another"; } >d2/app.py
# start_in DIRECTORY ARGUMENT...
start_in()
{
	directory=$1
	shift
	rm -f ready.fifo
	mkfifo ready.fifo
	(cd "$directory" && exec "$python" app.py "$@") >ready.fifo 2>app.err 9>&- &
	pid=$!
	pids="$pids $pid"
	read -r _ <ready.fifo
}
start_in d1 tcp 127.0.0.1 8080 p
start_in d1 tcp 127.0.0.1 8080 p
is "two starts of one script without its path" "$(notes tcp:8080)" "reuseport-strangers"
"$PORTSHARE" check tcp:8080 >/dev/null 2>&1
is "are a note" $? 0
stop_all
start_in d1 tcp 127.0.0.1 8080 p
start_in d2 tcp 127.0.0.1 8080 p
"$PORTSHARE" check tcp:8080 >out 2>/dev/null
is "two scripts of one name" "$? $(head -n 1 out)" "3 CANNOT TELL  reuseport-strangers"
like "by what they differ" "$(tr -s ' \n' ' ' <out)" "\"app.py\" \(pid [0-9]+\) in [^ ]*/d2, \"app.py\" \(pid [0-9]+\) in [^ ]*/d1"
unlike "who sees them all is not sent for more rights" "$(tr -s ' \n' ' ' <out)" "Run it as root"
"$PORTSHARE" --json tcp:8080 2>/dev/null >directories.json
is "and in a snapshot" "$("$PORTSHARE" check --from directories.json --json | jq -r '.undecided[].id')" reuseport-strangers
"$PORTSHARE" check --process app.py >out 2>/dev/null
is "--process takes the name that it prints" "$? $(head -n 1 out)" "3 CANNOT TELL  reuseport-strangers"
is "and so does that of list, of the kernel" "$("$PORTSHARE" --raw -H -o port --process 'app.*' 2>/dev/null | paste -sd' ')" "8080 8080"
is "and of a snapshot" "$("$PORTSHARE" --raw -H -o port --from directories.json --process app.py 2>/dev/null | paste -sd' ')" "8080 8080"
stop_all

# What was named is not there.

start sipd tcp 127.0.0.1 8080 a
for nobody in "--process zz" "--pid 4194304" "--unit zz.service"; do
	# shellcheck disable=SC2086
	"$PORTSHARE" check $nobody >out 2>/dev/null
	is "$nobody: nothing matched, which is not fine" "$? $(cut -d';' -f1 out)" "3 No socket matched $nobody"
done
"$PORTSHARE" check --process zz --format=plugin >out 2>/dev/null
like "in a plugin" "$? $(cat out)" '^3 PORTSHARE UNKNOWN - cannot tell: No socket matched --process zz \|'
"$PORTSHARE" check --process zz --json >out 2>err
is "in JSON, on stderr" "$? $(tail -n 1 err)" "3 portshare: No socket matched --process zz"
"$PORTSHARE" check --process zz --format=prometheus --output zz.prom 2>err
is "in Prometheus' file, too" "$? $(tail -n 1 err) $(grep '^portshare_status' zz.prom)" \
	"3 portshare: No socket matched --process zz portshare_status 3"
"$PORTSHARE" check --process zz tcp:8080 >out 2>/dev/null
is "with a port" "$? $(cut -d';' -f1 out)" "3 No socket on these ports matched --process zz"
"$PORTSHARE" check tcp:12345 '[::1]:53' >out 2>/dev/null
is "a port without sockets is nothing bad" "$? $(cut -d';' -f1 out)" "0 No socket is on tcp:12345, [::1]:53"
"$PORTSHARE" check --format=plugin tcp:12345 >out 2>/dev/null
like "in a plugin, too" "$? $(cat out)" '^0 PORTSHARE OK - No socket is on tcp:12345 \|'
"$PORTSHARE" check tcp:8080 tcp:12345 >out 2>/dev/null
is "one of two" "$? $(cut -d';' -f1 out | paste -sd' ')" "0 No socket is on tcp:12345. Nothing found"
"$PORTSHARE" check -u >out 2>/dev/null
is "nothing of a kind" "$? $(cut -d';' -f1 out)" "0 No socket is of the kind that was asked for"
"$PORTSHARE" check --user "$(id -u)" tcp:8080 >out 2>/dev/null
is "what is there" "$? $(cut -d';' -f1 out)" "0 Nothing found"
stop_all

# A note that unknown flags hide is no alarm, but it is said.

start sipd udp 127.0.0.1 5070 a
as_user "$program" check >out 2>/dev/null
is "a note that may be there" "$? $(head -n 1 out)" "0 Nothing found in what could be seen; looked at 1 socket on 1 port."
like "and what was not seen" "$(sed 1d out | paste -sd' ')" "^Not everything could be seen: .*reuse flags of 1 socket"
is "note column: it may be there" "$(as_user "$program" --raw -H -o note 2>/dev/null)" "?"
stop_all
start sipd tcp 127.0.0.1 8080 -
is "note column: states are left out" "$("$PORTSHARE" list -l --raw -H -o note 2>/dev/null)" "?"
is "and read" "$("$PORTSHARE" list --raw -H -o note 2>/dev/null)" "-"
is "JSON: states are left out" "$("$PORTSHARE" list -l --json 2>/dev/null | jq -c .findings)" null
stop_all

# Multicast

if [ "$has_bpf" = true ]; then
	start sipd udp 0.0.0.0 5353 a join
	start softphone udp 0.0.0.0 5353 a join
	is "members of a multicast group" "$(found)" ""
	stop_all
	start sipd udp 0.0.0.0 5353 a
	start softphone udp 0.0.0.0 5353 a
	is "the same programs without membership" "$(found)" "warning udp-accidental-share"
	stop_all
	start sipd udp 0.0.0.0 9999 a join
	start softphone udp 0.0.0.0 9999 a join
	is "on a port that is not known for it" "$(found)" ""
	like "what is taken for a server by its port alone is said to be" \
		"$("$PORTSHARE" check --no-bpf --json 2>/dev/null | jq -r '.findings[] | select(.id == "udp-accidental-share") | .title, .evidence' | paste -sd' ')" \
		"\"softphone.py\" .* gets the unicast datagrams, .*What multicast groups they have joined could not be read"
	stop_all
	start sipd udp 0.0.0.0 5353 ap join
	start softphone udp 0.0.0.0 5353 ap join
	start sipd udp :: 5353 ap6 join6
	start softphone udp :: 5353 ap6 join6
	is "members with SO_REUSEPORT and one uid" "$("$PORTSHARE" check >/dev/null 2>&1; echo $?) $(notes)" "0 "
	is "by the port alone" "$("$PORTSHARE" check --no-bpf >/dev/null 2>&1; echo $?) $(notes --no-bpf)" "0 "
	stop_all
	start sipd udp 0.0.0.0 5353 ap join
	start softphone udp 0.0.0.0 5353 ap join
	send_group 5353
	is "each really has its own copies" "$(got sipd.py.got)/$(got softphone.py.got)" 100/100
	kill -STOP "$pid"
	"$python" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
for i in range(2000): s.sendto(b"x" * 300, ("224.0.0.251", 5353))'
	for _ in $(seq 50); do
		"$PORTSHARE" check --json udp:5353 >stuck.json 2>/dev/null
		[ "$(jq '.findings | length' stuck.json)" = 0 ] || break
		sleep 0.1
	done
	like "one that does not read harms itself" "$(jq -r '.findings[] | "\(.id) \(.severity) \(.title)"' stuck.json)" \
		"^reuseport-stuck-member note \"softphone.py\" \(pid $pid\) does not keep up with what it gets of .* full\$"
	stop_all
	start sipd udp 0.0.0.0 5353 ap
	start softphone udp 0.0.0.0 5353 ap
	is "the same two without membership" "$(found)" "warning reuseport-strangers"
	stop_all
	start sipd udp 0.0.0.0 9999 ap join
	start softphone udp 0.0.0.0 9999 ap join
	is "on a port that is not known for it" "$(notes)" ""
	like "without BPF nobody knows, which is said" \
		"$("$PORTSHARE" check --no-bpf --json 2>/dev/null | jq -r '.findings[] | select(.id == "reuseport-strangers") | .severity, .text, .evidence' | paste -sd' ')" \
		"^warning The kernel spreads the unicast datagrams .*What multicast groups they have joined could not be read"
	stop_all
	start sipd udp 0.0.0.0 9999 ap join
	first=$pid
	start softphone udp 0.0.0.0 9999 ap
	like "where one alone has not joined" \
		"$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "reuseport-strangers") | .severity, .text' | paste -sd' ')" \
		"^note .* each member of a group gets its own copy, here \"sipd.py\" \(pid $first\)\. Only one program here"
	stop_all
	start sipd udp 0.0.0.0 9999 a join
	first=$pid
	start softphone udp 0.0.0.0 9999 a
	like "where one alone has not joined, it is a note, and says why" \
		"$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "udp-accidental-share") | .severity, .text' | paste -sd' ')" \
		"^note .* each member of a group gets its own copy, here \"sipd.py\" \(pid $first\)\. Only one program here"
	send_group 9999
	is "and it has its own copies" "$(got sipd.py.got)" 100
	stop_all
	start sipd udp 127.0.0.1 9999 a join
	start softphone udp 127.0.0.1 9999 a join
	is "who is bound to one address gets nothing of a group" "$(found)" "warning udp-accidental-share"
	"$python" -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
for i in range(10): s.sendto(b"x", ("224.0.0.251", 9999))'
	send 127.0.0.1 9999
	is "and so it is" "$(got softphone.py.got)/$(got sipd.py.got)" 100/0
	stop_all
else
	skip "multicast" "needs BPF"
fi

# Like a name server beside a local resolver

start sipd udp 0.0.0.0 5300 a
start softphone udp 127.0.0.53 5300 a
is "a specific address beside a wildcard" "$(found)" "warning udp-shadowed"
like "and the address for which it matters" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[0].title')" "127.0.0.53"
"$python" -c 'import socket
for i in range(20):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x", ("127.0.0.53", 5300)); s.sendto(b"x", ("127.0.0.1", 5300)); s.sendto(b"x", ("127.0.0.1", 5300)); s.close()'
sleep 0.5
is "each really gets its own" "$(cat softphone.py.got)/$(cat sipd.py.got)" 20/40
stop_all

# One that is bound to the device, whichever came first; but not past a newer group

if [ "$has_bpf" = true ]; then
	start softphone udp 0.0.0.0 6800 a lo
	first=$pid
	start sipd udp 0.0.0.0 6800 a
	is "a device beside none" "$(found)" "warning udp-shadowed"
	like "and what it takes" "$(title_of udp-shadowed)" \
		"^\"softphone.py\" \(pid $first\) gets what arrives on lo, port 6800, past \"sipd.py\" \(pid $pid\) on udp 0.0.0.0:6800\$"
	send 127.0.0.1 6800
	is "which it does" "$(got softphone.py.got)/$(got sipd.py.got)" 100/0
	stop_all
	start softphone udp 0.0.0.0 6800 ap lo
	first=$pid
	start pool-udp 0.0.0.0 6800 ap
	like "a newer group keeps it from the device" "$(title_of udp-accidental-share)" \
		"^udp 0.0.0.0:6800 on lo is .*: \"pool-udp.py\" .* gets the datagrams, spread over 3 sockets, \"softphone.py\" \(pid $first\) none\$"
	is "and nothing else is said" "$(found)" "warning udp-accidental-share"
	send 127.0.0.1 6800
	is "which it does" "$(got softphone.py.got)/$(got pool.*.got)" 0/100
	stop_all
	start softphone udp 0.0.0.0 6800 a lo
	start sipd udp 127.0.0.1 6800 a
	like "an address goes before a device" "$(title_of udp-shadowed)" \
		"^\"sipd.py\" \(pid $pid\) gets what is sent to 127.0.0.1, port 6800, past \"softphone.py\" .* on udp 0.0.0.0:6800 on lo\$"
	send 127.0.0.1 6800
	is "which it does" "$(got softphone.py.got)/$(got sipd.py.got)" 0/100
	stop_all
	start softphone udp :: 6800 a lo
	start sipd udp 0.0.0.0 6800 a
	like "a dual-stack socket of the device has IPv4 there" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "dual-stack-overlap").text')" \
		"^What arrives on lo goes to the socket that is bound to it, over IPv4 too: \"softphone.py\""
	send 127.0.0.1 6800
	is "which it does" "$(got softphone.py.got)/$(got sipd.py.got)" 100/0
	stop_all
	# Of two that are bound to all addresses one gets nothing that could be taken.
	start worker udp 0.0.0.0 6800 a
	start sipd udp 0.0.0.0 6800 a
	start softphone udp 127.0.0.53 6800 a
	unlike "who gets nothing loses nothing" "$(title_of udp-shadowed)" worker
	send 127.0.0.1 6800
	is "and it does get nothing" "$(got worker.py.got)/$(got sipd.py.got)/$(got softphone.py.got)" 0/100/0
	stop_all
else
	skip "devices" "flags of another's sockets need BPF"
fi

# Listeners

start sipd tcp 127.0.0.1 8080 a
is "a server alone" "$(found)" ""
start worker tcp :: 8081 6
is "v6only beside nobody" "$(found)" ""
stop_all
start sipd tcp 127.0.0.1 8080 a exec
is "a child that kept the listener" "$(found)" "warning inherited-listener"
like "each holder by its own name" "$("$PORTSHARE" check 2>/dev/null | tr -s ' \n' ' ')" \
	"Sockets: tcp 127.0.0.1:8080, LISTEN, \"sipd.py\" \(pid $pid\) and \"sleep\" \(pid [0-9]+\), "
stop_all
start sipd tcp 127.0.0.1 8080 a orphan
is "and after its parent died" "$(found)" "warning inherited-listener"
# What an ordinary user cannot see is not taken for fine.
as_user "$program" check >out 2>/dev/null
is "as another user it cannot be told" "$? $(head -n 1 out)" "3 CANNOT TELL  inherited-listener"
as_user "$program" check --format=plugin >out 2>/dev/null
like "in a plugin" "$? $(head -n 1 out)" '^3 PORTSHARE UNKNOWN - cannot tell: who holds these listeners cannot be seen'
is "in JSON" "$(as_user "$program" check --json 2>/dev/null | jq -c '.undecided[] | [.id, .port, .sockets]')" '["inherited-listener",null,[0]]'
is "in metrics" "$(as_user "$program" check --format=prometheus 2>/dev/null | sed -n 's/^portshare_undecided //p')" 1
is "in the note column" "$(as_user "$program" --raw -H -o note 2>/dev/null)" "?"
mksock_start listening,port=8090 || exit 99
mksock_start listening,port=8091 || exit 99
is "many are one doubt" "$(as_user "$program" check --json 2>/dev/null | jq -c '[.undecided[] | [.id, (.sockets | length)]]')" '[["inherited-listener",3]]'
is "of which a selector takes its part" \
	"$(as_user "$program" check --json tcp:8090 2>/dev/null | jq -r '.sockets[.undecided[].sockets[]].local.port')" 8090
is "and --ignore" \
	"$(as_user "$program" check --json --ignore inherited-listener:8080-8090 2>/dev/null | jq -r '.sockets[.undecided[].sockets[]].local.port')" 8091
as_user "$program" check --ignore inherited-listener >out 2>/dev/null
is "without it nothing is left" "$? $(head -n 1 out | cut -d';' -f1)" "0 Nothing found in what could be seen"
mksock_stop_pid "${mksock_pids##* }"
mksock_stop_pid "${mksock_pids##* }"
stop_all
# A program that is upgraded while it runs: the old master hands its listener to the new one.
cat >upgrade.py <<'PY'
import os, shutil, socket, subprocess, sys, time
if len(sys.argv) > 2:
    s = socket.socket(fileno=int(sys.argv[2])); print("ready", flush=True)
    while True:
        with s.accept()[0] as c: c.send(b"new"); c.recv(1) # the client closes first, and has TIME-WAIT
directory = os.path.dirname(sys.argv[0])
old = new = directory + "/nginx"
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080)); s.listen(8); s.set_inheritable(True)
if sys.argv[1] == "replaced":
    shutil.copy(old, old + ".tmp"); os.rename(old + ".tmp", old)
elif sys.argv[1] == "renamed":
    os.rename(old, old + ".old"); shutil.copy(old + ".old", old)
else:
    os.mkdir(directory + "/r2"); new = directory + "/r2/nginx"; shutil.copy(old, new)
subprocess.Popen([new, sys.argv[0], sys.argv[1], str(s.fileno())], close_fds=False)
if sys.argv[1] == "helped": subprocess.Popen(["sleep", "600"], close_fds=False)
time.sleep(600)
PY
mkdir upgrade
mv upgrade.py upgrade/
as_is=$python
for how in replaced renamed released helped; do
	rm -rf upgrade/nginx* upgrade/r2
	cp "$(readlink -f "$(command -v "$as_is")")" upgrade/nginx
	python=$netns_tmp/upgrade/nginx
	start upgrade/upgrade "$how"
	python=$as_is
	is "a server that was $how: the new one serves" \
		"$("$python" -c 'import socket; print(socket.create_connection(("127.0.0.1", 8080)).recv(3).decode())')" new
	if [ "$how" = helped ]; then
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			[ "$("$PORTSHARE" -Hr -o owner tcp:8080 2>/dev/null | grep -c sleep)" = 0 ] || break
			sleep 0.1
		done
		like "beside a helper the new one is not told to stop" \
			"$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.id == "inherited-listener").remedy')" \
			'^Now: stop "sleep" \(pid [0-9]+\)\. '
	else
		is "nobody is told to stop it" \
			"$("$PORTSHARE" check --json 2>/dev/null | jq -c '[(.findings[], .undecided[]) | select(.severity != "note") | .id]')" "[]"
		unlike "nor that it should not have the socket" "$("$PORTSHARE" probe tcp:8080 --reuseaddr 2>/dev/null)" "SOCK_CLOEXEC|inherited"
	fi
	stop_all
done
# A shell with a command that runs: neither is the server, which has gone.
cat >leaving.py <<'PY'
import socket, subprocess, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080)); s.listen(8); s.set_inheritable(True)
subprocess.Popen(sys.argv[1:], close_fds=False)
time.sleep(0.3); print("ready", flush=True)
PY
for script in "tail -f /dev/null; true" "while sleep 60; do :; done"; do
	start leaving sh -c "$script"
	wait "$pid"
	"$PORTSHARE" check --json >left.json 2>/dev/null
	like "a shell and its command have a listener: $script" "$(jq -r '.findings[].title' left.json)" \
		'^"sh" \(pid [0-9]+\) and "(tail|sleep)" \(pid [0-9]+\), which open no ports themselves, hold a listener on'
	like "both are to be stopped" "$(jq -r '.findings[].remedy' left.json)" 'Now: stop "sh" \(pid [0-9]+\) and "(tail|sleep)" \(pid'
	stop_all
done
start sipd tcp 127.0.0.1 8080 a fork
is "a preforked server" "$(found)" ""
stop_all
cat >title.py <<'PY'
import ctypes, os, socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080)); s.listen(8)
ready, w = os.pipe()
if os.fork() == 0:
    numbers = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
    first, last = int(numbers[45]), int(numbers[46])
    ctypes.memset(first, 0, last - first)
    ctypes.memmove(first, b"web: worker", 11)
    os.write(w, b"x"); time.sleep(600)
os.read(ready, 1); print("ready", flush=True); time.sleep(600)
PY
start title with some arguments
is "a worker that has overwritten its arguments" "$(timeout 20 "$PORTSHARE" check --json 2>/dev/null | jq -c '[.findings[] | select(.severity != "note").id]')" "[]"
stop_all
start sipd tcp 127.0.0.1 8080 a bound
is "bound, not listening" "$(found)" "warning bound-not-listening"
stop_all
start sipd tcp :: 8080 p
start softphone tcp 0.0.0.0 8080 p
is "two families, two programs" "$(found)" "warning dual-stack-overlap"
stop_all
start sipd tcp :: 8080 p6
start softphone tcp 0.0.0.0 8080 p
is "with v6only" "$(found)" ""
stop_all

# A stopped worker

cat >load.py <<'PY'
import socket, time
keep = []
for i in range(40):
    s = socket.socket(); s.setblocking(False)
    try: s.connect(("127.0.0.1", 8080))
    except BlockingIOError: pass
    keep.append(s)
time.sleep(600)
PY
cat >accepting.py <<'PY'
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("127.0.0.1", 8080)); s.listen(8); print("ready", flush=True)
keep = []
while True: keep.append(s.accept())
PY
start accepting
start accepting
is "a pool at rest" "$(found)" ""
kill -STOP "$pid"
"$python" load.py 9>&- &
pids="$pids $!"
sleep 1
like "a stopped worker of a pool under load" "$(found)" "(warning|critical) reuseport-stuck-member"
like "and which one it is" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[0].title')" "pid $pid"
stop_all

# TIME-WAIT

for flags in - a; do
	rm -f tw.py
	cat >tw.py <<'PY'
import socket, sys
s = socket.socket()
if sys.argv[1] == "a": s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
port = 8090 if sys.argv[1] == "a" else 8091
s.bind(("127.0.0.1", port)); s.listen(8)
c = socket.create_connection(("127.0.0.1", port)); a, _ = s.accept()
a.close(); c.recv(1); c.close(); s.close()
PY
	"$python" tw.py $flags
done
if [ "$has_bpf" = true ]; then
	is "a dead server without SO_REUSEADDR" "$(found tcp:8090-8099)" "warning time-wait-blocks-bind"
	is "its port, not that of the one with it" \
		"$("$PORTSHARE" check --json tcp:8090-8099 2>/dev/null | jq '[.findings[] | select(.id == "time-wait-blocks-bind") | .port] | unique')" \
		"$(echo '[8091]' | jq .)"
	like "and when it ends" "$("$PORTSHARE" check --json tcp:8091 2>/dev/null | jq -r '.findings[].title')" \
		"UTC, for [0-9]+ more seconds"
else
	"$PORTSHARE" check >/dev/null 2>&1
	is "without BPF it cannot be told" $? 3
fi
"$PORTSHARE" check --no-bpf tcp:8091 >out 2>/dev/null
is "without BPF it cannot be told, and says so" "$? $(cut -c1-11 out | head -1)" "3 CANNOT TELL"

# A pool of workers under one parent of the same program

cat >pool.py <<'PY'
import os, socket, time
for worker in range(3):
    if os.fork() == 0: break
else:
    time.sleep(0.5); print("ready", flush=True); time.sleep(600)
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind(("127.0.0.1", 8098)); s.listen(8); time.sleep(600)
PY
start pool
is "a pool under one parent: it is there" "$("$PORTSHARE" --raw -H -o port tcp:8098 2>/dev/null | wc -l)" 3
is "and nothing to say of it" "$(notes tcp:8098)" ""
stop_all

# A server that is killed while it has connections, without SO_REUSEADDR, then with it

cat >killed.py <<'PY'
import os, signal, socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[1]))
port = 8100 + int(sys.argv[1])
s.bind(("127.0.0.1", port)); s.listen(8)
r, w = os.pipe()
if os.fork() == 0:
    s.close(); c = socket.create_connection(("127.0.0.1", port)); os.write(w, b"x")
    c.recv(1); c.close(); os._exit(0)
a, _ = s.accept(); os.read(r, 1)
os.kill(os.getpid(), signal.SIGKILL)
PY
"$python" killed.py 0 9>&-
"$python" killed.py 1 9>&-
sleep 0.3
if [ "$has_bpf" = true ]; then
	is "a server that was killed with a connection" "$(found tcp:8100)" "warning time-wait-blocks-bind"
	is "one that had set SO_REUSEADDR" "$(found tcp:8101)" ""
	is "and so it is" "$("$python" -c 'import socket
for port in (8100, 8101):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try: s.bind(("127.0.0.1", port)); print("ok")
    except OSError as e: print(e.errno)' | paste -sd' ')" "98 ok"
else
	skip "a server that was killed with a connection" "flags of TIME-WAIT need BPF"
fi

# A server that is killed before its client closes: FIN-WAIT-2, which becomes TIME-WAIT later

cat >open.py <<'PY'
import os, socket, time
s = socket.socket(); s.bind(("127.0.0.1", 8102)); s.listen(8)
r, w = os.pipe()
if os.fork() == 0:
    s.close(); c = socket.create_connection(("127.0.0.1", 8102)); os.write(w, b"x")
    time.sleep(600); os._exit(0)
a, _ = s.accept(); os.read(r, 1)
print("ready", flush=True); os._exit(0)
PY
start open
wait "$pid"
sleep 0.2
if [ "$has_bpf" = true ]; then
	"$PORTSHARE" check --json tcp:8102 >open.json 2>/dev/null
	field() { jq -r ".findings[] | select(.id == \"time-wait-blocks-bind\") | $1" open.json; }
	like "a client that is still there: the moment is the earliest" "$(field .title)" "cannot be bound until .* at the earliest"
	like "and what comes after" "$(field .text)" " The other end has not closed yet \\(FIN-WAIT-2\\): when it does, the 60 seconds of TIME-WAIT begin"
	command=$(field .remedy | sed -n "s/.*as root, \"\(ss -K .*'\)\" ends it at once.*/\1/p")
	like "a command that ends it" "$command" "^ss -K -t state fin-wait-2 'sport = :8102'\$"
	eval "$command" >/dev/null 2>&1
	if ss -tan state fin-wait-2 'sport = :8102' | grep -q 8102; then
		skip "which does" "needs CONFIG_INET_DIAG_DESTROY"
	else
		is "which does" "$(notes tcp:8102)" ""
	fi
else
	skip "a client that is still there" "flags of TIME-WAIT need BPF"
fi
stop_all

# One that has sent more than its client reads: no clock ends that.

cat >unread.py <<'PY'
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 8104)); s.listen(8)
c = socket.create_connection(("127.0.0.1", 8104)); a, _ = s.accept(); a.setblocking(False)
try:
    while True: a.send(b"x" * 100000)
except BlockingIOError: pass
a.close(); s.close(); print("ready", flush=True); time.sleep(600)
PY
start unread
if [ "$has_bpf" = true ]; then
	"$PORTSHARE" check --json tcp:8104 >unread.json 2>/dev/null
	is "a client that does not read" "$("$PORTSHARE" --raw -H -o state -s fin-wait-1 tcp:8104 2>/dev/null) $(jq -r '.findings[].id' unread.json)" \
		"FIN-WAIT-1 time-wait-blocks-bind"
	like "no end is named" "$(jq -r '.findings[].title' unread.json)" "cannot be bound for a time that cannot be told: 1 closed connection of a server"
	unlike "nowhere" "$(jq -r '.findings[] | .title, .text, .remedy' unread.json)" "about a minute|wait (for|until)|UTC"
else
	skip "a client that does not read" "flags of connections that nobody holds need BPF"
fi
stop_all

# A dead server in the range of outgoing connections: by its clients, and by its name

cat >ranged.py <<'PY'
import socket, sys, time
port = int(sys.argv[1])
s = socket.socket(); s.bind(("127.0.0.1", port)); s.listen(8); pairs = []
for i in range(2):
    c = socket.create_connection(("127.0.0.1", port)); pairs.append((c, s.accept()[0]))
s.close()
for c, a in pairs: a.close()
if sys.argv[2] == "close":
    time.sleep(0.1)
    for c, a in pairs: c.close()
print("ready", flush=True); time.sleep(600)
PY
start ranged 50051 stay
start ranged 50052 close
if [ "$has_bpf" = true ]; then
	is "a dead server in the range whose clients are there" "$(found)" "warning time-wait-blocks-bind"
	is "it is that port" "$("$PORTSHARE" check --json 2>/dev/null | jq -c '[.findings[] | select(.id == "time-wait-blocks-bind" and .severity == "warning") | .port]' | grep -o 5005.)" 50051
	like "as that of a server" "$("$PORTSHARE" check tcp:50051 2>/dev/null | tr -s ' \n' ' ')" ": 2 closed connections of a server that is gone"
	is "one whose clients are gone, named" "$(found tcp:50052)" "warning time-wait-blocks-bind"
	like "whose end it was is not made up" "$("$PORTSHARE" check --json tcp:50052 2>/dev/null | jq -r '.findings[].title, .findings[].evidence')" \
		": 2 closed connections$"
	is "neither can be bound" "$("$python" -c 'import socket
for port in (50051, 50052):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try: s.bind(("127.0.0.1", port)); print("ok")
    except OSError as e: print(e.errno)' | paste -sd' ')" "98 98"
else
	skip "a dead server in the range" "flags of TIME-WAIT need BPF"
fi
stop_all

# A client that had bound its port, and closed first

cat >bound.py <<'PY'
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8106)); s.listen(8)
c = socket.socket(); c.bind(("127.0.0.1", 8105)); c.connect(("127.0.0.1", 8106)); a, _ = s.accept()
c.close(); time.sleep(0.1); a.close(); print("ready", flush=True); time.sleep(600)
PY
start bound
if [ "$has_bpf" = true ]; then
	is "what a client has left, named" "$(found tcp:8105)" "warning time-wait-blocks-bind"
	"$PORTSHARE" check --json tcp:8105 >bound.json 2>/dev/null
	like "is a client's" "$(jq -r '.findings[].title' bound.json)" ": 1 closed outgoing connection$"
	like "and advice is for it" "$(jq -r '.findings[].remedy' bound.json)" "let the client take another source port"
	is "unnamed it is a note" "$("$PORTSHARE" check --json 2>/dev/null | jq -r '.findings[] | select(.port == 8105).severity')" note
else
	skip "what a client has left" "flags of TIME-WAIT need BPF"
fi
stop_all

# A server whose clients have ports that may be anything, as behind NAT. Who binds a port to call from it has it once.

cat >nat.py <<'PY'
import socket
def call(to, port): c = socket.socket(); c.bind(("127.0.0.1", port)); c.connect(("127.0.0.1", to)); return c
s = socket.socket(); s.bind(("127.0.0.1", 8181)); s.listen(8)
for port in (12345, 12346):
    c = call(8181, port); a, _ = s.accept(); a.close(); c.recv(1); c.close()
s.close()
t = socket.socket(); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); t.bind(("127.0.0.1", 8182)); t.listen(8)
c = call(8182, 8183); a, _ = t.accept(); c.close(); a.recv(1); a.close(); t.close()
try: call(8182, 8183)
except OSError as e: print(e.errno)
PY
twice=$("$python" nat.py)
is "a port without flags is bound once" "$twice" 98
if [ "$has_bpf" = true ]; then
	"$PORTSHARE" check --json >nat.json 2>/dev/null
	nat() { jq -r --argjson port "$1" '.findings[] | select(.port == $port) | "\(.severity) \(.title)"' nat.json; }
	like "a dead server of clients whose ports tell nothing" "$(nat 8181)" "^warning .*: 2 closed connections of a server that is gone$"
	like "of one such connection nothing is made up" "$(nat 8183)" "^note .*: 1 closed connection$"
else
	skip "a dead server of clients whose ports tell nothing" "flags of TIME-WAIT need BPF"
fi

# A dead server beside one that lives at another address, or has IPv6 alone, and beside one at its own

cat >beside.py <<'PY'
import socket, sys, time
port, address = int(sys.argv[1]), sys.argv[2]
s = socket.socket(); s.bind(("127.0.0.1", port)); s.listen(8)
c = socket.create_connection(("127.0.0.1", port)); a, _ = s.accept(); a.close(); c.recv(1); c.close()
if address != "127.0.0.1": s.close()
else: print("ready", flush=True); time.sleep(600)
v6 = ":" in address
t = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET); t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if v6: t.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
t.bind((address, port)); t.listen(8); print("ready", flush=True); time.sleep(600)
PY
start beside 8184 127.0.0.9
start beside 8185 127.0.0.1
set -- 8184 8185
if start beside 8186 :: && [ -n "$("$PORTSHARE" --raw -H -o state -s listening tcp:8186 2>/dev/null)" ]; then
	set -- "$@" 8186
fi
if [ "$has_bpf" = true ]; then
	for port; do
		case $port in
		8184) what="beside a server at another address" expected="warning time-wait-blocks-bind" ;;
		8185) what="beside the server itself" expected="" ;;
		8186) what="beside a server of IPv6 alone" expected="warning time-wait-blocks-bind" ;;
		esac
		is "what is left $what" "$(found "tcp:$port")" "$expected"
		note=$("$PORTSHARE" -a --raw -H -o state,note "tcp:$port" 2>/dev/null | sed -n 's/^TIME-WAIT //p')
		is "what is left $what: its note" "$note" "$(echo "${expected:--}" | cut -d' ' -f2)"
	done
	is "and it can be bound by nobody" "$("$python" -c 'import socket
for port in (8184, 8186):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try: s.bind(("127.0.0.1", port)); print("ok")
    except OSError as e: print(e.errno)' | paste -sd' ')" "98 98"
else
	skip "what is left beside a living server" "flags of TIME-WAIT need BPF"
fi
stop_all

# A server without SO_REUSEADDR that has connections; one with it

cat >serving.py <<'PY'
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[1]))
port = 8095 + int(sys.argv[1]); s.bind(("127.0.0.1", port)); s.listen(8)
c = socket.create_connection(("127.0.0.1", port)); a, _ = s.accept()
print("ready", flush=True); time.sleep(600)
PY
start serving 0
is "a server whose restart will fail" "$(notes tcp:8095)" restart-blocked-later
stop_all
start serving 1
is "one whose restart will not" "$(notes tcp:8096)" ""
stop_all

# What counts is the flag of a connection, which may be another than that of its listener.

cat >flags.py <<'PY'
import os, socket, sys, time
s = socket.socket(); port = int(sys.argv[1])
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[2])); s.bind(("127.0.0.1", port)); s.listen(8)
if os.fork() == 0:
    s.close(); c = socket.create_connection(("127.0.0.1", port)); c.recv(1); c.close(); os._exit(0)
a, _ = s.accept(); a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[3]))
print("ready", flush=True); time.sleep(600)
PY
if [ "$has_bpf" = true ]; then
	rebind() { "$python" -c 'import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[2]))
try: s.bind(("127.0.0.1", int(sys.argv[1]))); print("ok")
except OSError as e: print(e.errno)' "$@"; }
	start flags 8107 0 1
	like "a connection that was given the flag" "$("$PORTSHARE" check --json tcp:8107 2>/dev/null | jq -r '.findings[].title')" \
		"could be bound again only with SO_REUSEADDR"
	kill -9 "$pid"
	sleep 0.3
	is "and so it is" "$(rebind 8107 0) $(rebind 8107 1)" "98 ok"
	start flags 8108 1 0
	like "one from which it was taken" "$("$PORTSHARE" check --json tcp:8108 2>/dev/null | jq -r '.findings[].evidence')" \
		"1 connection of it has neither .* what counts is the flag of the connection"
	kill -9 "$pid"
	sleep 0.3
	is "which keeps the port" "$(rebind 8108 0) $(rebind 8108 1)" "98 98"
else
	skip "a connection with a flag of its own" "flags of connections need BPF"
fi
stop_all

# A server that listens no more, and still has connections: none of them is an outgoing one.

cat >draining.py <<'PY'
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8103)); s.listen(8)
c = socket.create_connection(("127.0.0.1", 8103)); a, _ = s.accept(); s.close()
print("ready", flush=True); time.sleep(600)
PY
start draining
is "a server that only finishes its connections" "$(notes tcp:8103)" ""
stop_all
cat >draining2.py <<'PY'
import socket, sys, time
keep = []
for port, n in ((50053, 1), (50054, 2)):
    s = socket.socket(); s.bind(("127.0.0.1", port)); s.listen(8)
    for _ in range(n): keep += [socket.create_connection(("127.0.0.1", port)), s.accept()]
    s.close()
print("ready", flush=True); time.sleep(600)
PY
start draining2
is "in the range, one with two clients" "$(notes tcp:50054)" ""
like "with one it is not said that it has connected" "$("$PORTSHARE" check --json tcp:50053 2>/dev/null | jq -r '.findings[].title')" \
	"is the local port of a connection of"
stop_all

# An executable that has been replaced under a member of a pool

cp "$MKSOCK" web
MKSOCK=$netns_tmp/web
mksock_start listening,port=8097,reuseport || exit 99
cp "$MKSOCK" web.new
mv web.new web
mksock_start listening,port=8097,reuseport || exit 99
is "an old and a new generation side by side" "$(found tcp:8097)" ""
"$PORTSHARE" --json tcp:8097 2>/dev/null | jq '.taken.end |= (.[0:19] + "Z" | fromdate + 300 | todate | .[0:19] + ".000000Z")' >later.json
is "and five minutes later" "$("$PORTSHARE" check --from later.json --json | jq -r '.findings[] | select(.severity != "note").id')" \
	reuseport-stale-member
mksock_stop
mksock_stop_pid "${mksock_pids##* }"
# Forward, and back to the file that was there: the one that began later is the wrong one.
mksock_start listening,port=8097,reuseport || exit 99
mv web web.old
cp web.old web
mksock_start listening,port=8097,reuseport || exit 99
mv web.old web
"$PORTSHARE" --json tcp:8097 2>/dev/null | jq '.taken.end |= (.[0:19] + "Z" | fromdate + 300 | todate | .[0:19] + ".000000Z")' >later.json
like "after a step back it is the newer one" "$("$PORTSHARE" check --from later.json --json | jq -r '.findings[] | select(.id == "reuseport-stale-member").title')" \
	"^\"web\" \(pid $mksock_pid\), of another generation,"
mksock_stop

# UDP that anybody may take

start sipd udp 127.0.0.1 5070 a
if [ "$has_bpf" = true ]; then
	is "SO_REUSEADDR on UDP" "$(notes udp:5070)" udp-hijackable
else
	skip "SO_REUSEADDR on UDP" "flags of another's sockets need BPF"
fi
stop_all
start sipd udp 127.0.0.1 5070 -
is "and without it" "$(notes udp:5070)" ""
stop_all

# TIME-WAIT buckets

is "TIME-WAIT far from its limit" "$("$PORTSHARE" check --json 2>/dev/null | jq '[.findings[] | select(.id == "time-wait-overflow")] | length')" 0
n=$("$PORTSHARE" --raw -H -s time-wait -o port 2>/dev/null | wc -l)
if echo "$n" >/proc/sys/net/ipv4/tcp_max_tw_buckets 2>/dev/null; then
	like "TIME-WAIT at its limit" "$(found)" "warning time-wait-overflow"
	echo 131072 >/proc/sys/net/ipv4/tcp_max_tw_buckets
else
	skip "TIME-WAIT at its limit" "the limit cannot be set here"
fi

# Local ports

sysctl -q -w net.ipv4.ip_local_port_range="40000 40019" 2>/dev/null || echo "40000 40019" >/proc/sys/net/ipv4/ip_local_port_range
cat >clients.py <<'PY'
import socket, sys, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 7000)); s.listen(64)
keep = [socket.create_connection(("127.0.0.1", 7000)) for _ in range(int(sys.argv[1]))]
print("ready", flush=True); time.sleep(600)
PY
start clients 12
unlike "local ports towards one destination, many left" "$(found)" "ephemeral"
stop_all
start clients 17
like "few left" "$(found)" "warning ephemeral-exhaustion"
port=$("$PORTSHARE" --raw -H -o port -s estab 2>/dev/null | grep '^400' | head -1)
like "an outgoing connection on the port that was named" "$(found "tcp:$port")" "port-taken-by-client"
like "which is why it counts" "$("$PORTSHARE" check "tcp:$port" 2>/dev/null | tr -s ' \n' ' ')" \
	"Evidence: The port was named on the command line, and nothing listens there"
stop_all
# More sockets than are shown: the rest is counted, and JSON has them all.
sysctl -q -w net.ipv4.ip_local_port_range="41000 41099" 2>/dev/null || echo "41000 41099" >/proc/sys/net/ipv4/ip_local_port_range
cat >many.py <<'PY'
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 7001)); s.listen(128)
keep = [socket.create_connection(("127.0.0.1", 7001)) for _ in range(97)]
print("ready", flush=True); time.sleep(600)
PY
start many
is "list has it beside the connections" "$("$PORTSHARE" list 2>/dev/null | sed -n 's/ *$//; s/^tcp .*7001 .* //p; s/^OUTGOING.* //p' | paste -sd' ')" \
	"NOTE ephemeral-exhaustion"
is "and where notes are asked for" "$("$PORTSHARE" list -o +note 2>/dev/null | sed -n 's/ *$//; s/^tcp .*7001 .* //p; s/^OUTGOING.* //p' | paste -sd' ')" \
	"NOTE ephemeral-exhaustion"
is "97 connections: all are in JSON" "$("$PORTSHARE" check --json 2>/dev/null | jq '.findings[] | select(.id == "ephemeral-exhaustion").sockets | length')" 97
like "and counted" "$("$PORTSHARE" check 2>/dev/null | sed -n '/ephemeral-exhaustion/,/^$/p' | tr -s ' \n' ' ')" "97 of 100 local ports .* and 92 more"
stop_all
# Sockets that are bound keep their ports from every connection. Ports without TIME-WAIT:
sysctl -q -w net.ipv4.ip_local_port_range="40100 40119" 2>/dev/null || echo "40100 40119" >/proc/sys/net/ipv4/ip_local_port_range
cat >holders.py <<'PY'
import errno, socket, sys, time
held = [socket.create_server(("127.0.0.1", 40100 + i)) for i in range(int(sys.argv[1]))]
with open("connect", "w") as result:
    result.write(errno.errorcode.get(socket.socket().connect_ex(("127.0.0.1", 40100)), "ok"))
print("ready", flush=True); time.sleep(600)
PY
start holders 20
is "every local port is bound: nobody can connect" "$(cat connect)" EADDRNOTAVAIL
like "which is found" "$("$PORTSHARE" check 2>/dev/null)" "20 of 20 local ports for TCP connections are taken by bound"
stop_all
start holders 5
start clients 12
like "few left, beside bound sockets" "$("$PORTSHARE" check 2>/dev/null | tr '\n' ' ')" "12 of 15 local ports from 127.0.0.1 to 127.0.0.1 +port 7000"
stop_all

# Formats, files

start sipd udp 0.0.0.0 5060 p
start softphone udp 0.0.0.0 5060 p
"$PORTSHARE" check --output report.txt udp:5060
is "--output" "$? $(head -1 report.txt)" "1 WARNING  reuseport-strangers"
is "nothing beside it" "$(find . -name 'report.txt*' | wc -l)" 1
is "readable for all" "$(stat -c %a report.txt)" 644
"$PORTSHARE" check --output /nosuchdirectory/report 2>err
is "a directory that is not there" "$? $(wc -l <err)" "3 1"
"$PORTSHARE" check --output /dev/full 2>err
is "a full disk" "$? $(wc -l <err)" "3 1"
"$PORTSHARE" check >/dev/full 2>err
is "a full disk on stdout" $? 3
like "a full disk on stdout: is said" "$(cat err)" '^portshare: cannot write to standard output: No space left'
like "one plugin line" "$("$PORTSHARE" check --format=plugin udp:5060 2>/dev/null | head -1)" \
	'^PORTSHARE WARNING - [^|]+ \| critical=0;;;0 warning=1;;;0 note=[0-9]+;;;0 undecided=0;;;0 sockets=[0-9]+;;;0$'
for wrong in --format=xml --warning=high --critical=1 --ignore=nothing --ignore=udp-shadowed:x "--json --format=text" --nosuchoption 99999; do
	# shellcheck disable=SC2086
	"$PORTSHARE" check $wrong >out 2>err
	is "usage: $wrong" "$? $(wc -l <err) $(wc -c <out)" "3 1 0"
done
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# probe: every cause for which a bind fails is told apart, and the three ways agree on it.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq
LC_ALL=C.UTF-8
export LC_ALL
cd "$netns_tmp" || exit 99
mksock_start listening,port=4000,reuseaddr || exit 99
has_bpf=$("$PORTSHARE" --json 2>/dev/null | jq -r '.sockets[0].reuse.evidence == "bpf"')
mksock_stop

# probe ARGUMENT...: the JSON in probe.json, the text in probe.txt, the exit status in $status.
probe()
{
	"$PORTSHARE" probe "$@" >probe.txt 2>err
	status=$?
	"$PORTSHARE" probe "$@" --json >probe.json 2>>err
	json_status=$?
}
field()
{
	jq -c -r "$1" probe.json
}
# What model and replica say to bind() with each set, and whether all three ways agree.
binds='[.attempts[].model.bind] | join(" ")'
agree='[.attempts[] | (.replica == .model) and (.live == null or .live.bind == .model.bind)] | all'

# With SO_REUSEPORT what the bucket remembers may decide, which is unknown without BPF: then not to know
# is as good as EADDRINUSE.
if [ "$has_bpf" != true ]; then
	agree='[.attempts[] | (.replica.bind == "unknown" and .model.bind == "unknown") or
		((.replica == .model) and (.live == null or .live.bind == .model.bind))] | all'
fi
# as_read GOT WANTED: what was got, or what was wanted where it differs in that alone.
as_read()
{
	# shellcheck disable=SC2086 # words
	set -- "$1" $1 $2
	if [ "$has_bpf" != true ] && [ "$2 $3" = "$6 $7" ] &&
		{ [ "$4" = "$8" ] || [ "$4 $8" = "unknown EADDRINUSE" ]; } &&
		{ [ "$5" = "$9" ] || [ "$5 $9" = "unknown EADDRINUSE" ]; }; then
		echo "$6 $7 $8 $9"
	else
		echo "$1"
	fi
}

# expect NAME STATUS BINDS: the last probe, both forms of it.
expect()
{
	is "$1: exit status" "$status $json_status" "$2 $2"
	is "$1: binds" "$(as_read "$(field "$binds")" "$3")" "$3"
	is "$1: model, replica and live agree" "$(field "$agree")" true
	is "$1: nothing on stderr" "$(cat err)" ""
}
cause()
{
	is "$1: cause" "$(field '[.blockers[].cause] | unique | join(" ")')" "$2"
}

no='EADDRINUSE EADDRINUSE EADDRINUSE EADDRINUSE'

probe tcp:8080
expect "a free port" 0 "ok ok ok ok"
is "a free port: listen() passes too" "$(field '[.attempts[].replica.listen] | unique | join(" ")')" ok
is "a free port: nothing in the way" "$(field '.blockers | length')" 0
is "a free port: bound live with SO_REUSEADDR only" \
	"$(field '[.attempts[].live != null] | join(" ")')" "false true false true"
like "a free port: one sentence" "$(head -n 1 probe.txt)" '^Yes: tcp 0.0.0.0:8080 can be bound with no reuse flag'

# A live listener.
mksock_start listening,addr=0.0.0.0,port=8080,reuseaddr || exit 99
probe tcp:8080 --reuseaddr
expect "a listener" 1 "$no"
cause "a listener" listener
like "a listener: who and why" "$(tr -s ' \n' '  ' <probe.txt)" 'mksock.*SO_REUSEADDR never lets anybody in beside a listener'
# shellcheck disable=SC2016 # of jq
is "a listener: its holder is in the snapshot" "$(field '.blockers[0].socket as $s | .snapshot.sockets[$s].owners[0].pid')" \
	"$(mksock_get pid role=listener)"
probe tcp:127.0.0.1:8080
expect "a listener on the wildcard, a bind to an address" 1 "$no"
probe tcp:8081
expect "another port" 0 "ok ok ok ok"
mksock_stop

# TIME-WAIT, made with the flag and without; each on a port of its own, for it stays.
if [ "$has_bpf" = true ]; then
	mksock_start time-wait,port=8101 || exit 99
	probe tcp:8101 --reuseaddr
	expect "TIME-WAIT without SO_REUSEADDR" 1 "$no"
	cause "TIME-WAIT without SO_REUSEADDR" time-wait
	is "TIME-WAIT without SO_REUSEADDR: until when" \
		"$(field '.verdict.frees_in_ms > 30000 and .verdict.frees_in_ms <= 60000 and .blockers[0].frees_in_ms == .verdict.frees_in_ms')" true
	like "TIME-WAIT without SO_REUSEADDR: which side" "$(field '.blockers[0].why')" 'made without SO_REUSEADDR, and both sides need it'
	like "TIME-WAIT without SO_REUSEADDR: waiting is what is left" "$(field '.verdict.remedy | join(" ")')" '^Wait: nothing that the new socket sets helps'
	for each in tcp_tw_reuse tcp_fin_timeout SO_LINGER; do
		like "TIME-WAIT: $each does not help" "$(field '.verdict.notes | join(" ")')" "does not help: .*$each"
	done
	mksock_stop
	mksock_start time-wait,port=8102,reuseaddr || exit 99
	probe tcp:8102
	like "TIME-WAIT with SO_REUSEADDR: why not live" "$(field '.attempts[3].live_left_out')" 'what the kernel remembers of SO_REUSEPORT on the port'
	expect "TIME-WAIT with SO_REUSEADDR" 1 "EADDRINUSE ok EADDRINUSE ok"
	cause "TIME-WAIT with SO_REUSEADDR" time-wait
	like "TIME-WAIT with SO_REUSEADDR: it can be bound with it" "$(field .verdict.text)" 'with SO_REUSEADDR it can\.$'
	probe tcp:8102 --reuseaddr
	expect "TIME-WAIT with SO_REUSEADDR on both sides" 0 "EADDRINUSE ok EADDRINUSE ok"
	is "TIME-WAIT with SO_REUSEADDR on both sides: bound live" "$(field '.attempts[1].live.bind')" ok
	mksock_stop
	mksock_start time-wait,port=8103,reuseport,conns=40 || exit 99
	probe tcp:8103 --reuseport
	expect "many TIME-WAIT with SO_REUSEPORT" 0 "EADDRINUSE EADDRINUSE ok ok"
	mksock_stop
	# A listener of root whose workers accept as another user, as many servers do it.
	if [ "$(id -u)" = 0 ] && setpriv --reuid=1001 --clear-groups true 2>/dev/null; then
		mksock_start time-wait,port=8105,reuseaddr,uid=1001 || exit 99
		probe tcp:8105 --reuseaddr --as 1002
		expect "TIME-WAIT asks for no uid" 0 "EADDRINUSE ok EADDRINUSE ok"
		mksock_stop
	else
		skip "TIME-WAIT asks for no uid" "other users cannot be played here"
	fi
else
	skip "TIME-WAIT" "its flags take BPF"
	mksock_start time-wait,port=8106,reuseaddr || exit 99
	probe tcp:8106 --reuseaddr
	is "flags that cannot be read: the model cannot tell" "$(field '.attempts[1].model.bind')" unknown
	is "flags that cannot be read: nor can the replica" "$(field '.attempts[1].replica.bind')" unknown
	is "flags that cannot be read: but the port itself can" "$status $(field '.attempts[1].live.bind')" "0 ok"
	probe tcp:8106 --reuseport
	is "flags that cannot be read: nobody can" "$status $(field .verdict.answer)" "3 unknown"
	mksock_stop
fi

# A listener that a child has inherited.
mksock_start inherited,port=8080,reuseaddr,parent-exits || exit 99
probe tcp:8080 --reuseaddr
expect "an inherited listener" 1 "$no"
like "an inherited listener: cause" "$(field '.blockers[0].cause')" '^(inherited-)?listener$'
mksock_stop
cat >server.py <<'PY'
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8080))
s.listen()
s.set_inheritable(True)
if os.fork() == 0:
    os.execvp("sleep", ["sleep", "60"])
print("ready", flush=True)
os._exit(0)
PY
python3 server.py >ready 9>&-
probe tcp:8080 --reuseaddr
holder=$(field '.snapshot.processes[] | select(.comm == "sleep") | .pid')
expect "a listener that a helper kept" 1 "$no"
cause "a listener that a helper kept" inherited-listener
like "a listener that a helper kept: what to do" "$(field '.verdict.remedy[0]')" "^End \"sleep\" \(pid $holder\)"
kill "$holder"
# While its server is there the helper is no server, and the server no helper.
cat >both.py <<'PY'
import os, socket, subprocess, sys
def bind():
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", 8089))
            return "ok"
        except OSError:
            return "in use"
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 8089))
s.listen()
s.set_inheritable(True)
helper = subprocess.Popen(["sleep", "60"], close_fds=False)
out = subprocess.run([os.environ["PORTSHARE"], "probe", "tcp:8089", "--reuseaddr", "--json"], capture_output=True).stdout
open("probe.json", "wb").write(out)
s.close()
alone = bind()
helper.kill()
helper.wait()
print(os.getpid(), helper.pid, alone, bind(), sep=",")
PY
python3 both.py >ready 9>&-
IFS=, read -r server helper alone together <ready
cause "a server and its helper" inherited-listener
like "a server and its helper: who is which" "$(field '.blockers[0].why')" \
	"^\"both.py\" \(pid $server\) listens there, and \"sleep\" \(pid $helper\) has inherited the socket\."
like "a server and its helper: what to do" "$(field '.verdict.remedy | join(" ")')" \
	"^Stop \"both.py\" \(pid $server\) and \"sleep\" \(pid $helper\), or .* To stop \"both.py\" \(pid $server\) alone is not enough: \"sleep\" \(pid $helper\) has inherited the socket"
is "a server and its helper: so it is" "$alone, $together" "in use, ok"

# An outgoing connection that has the port, in whatever state.
mksock_start connected,side=client,port=9,client-port=40080 || exit 99
probe tcp:127.0.0.1:40080 --reuseaddr
expect "an outgoing connection" 1 "$no"
cause "an outgoing connection" outgoing-connection
like "an outgoing connection: what to do" "$(field '.verdict.remedy | join(" ")')" 'ip_local_reserved_ports'
unlike "an outgoing connection: no server had it" "$(field '.verdict.remedy | join(" ")')" 'listening socket'
mksock_stop
mksock_start close-wait,side=client,port=10,client-port=40081 || exit 99
probe tcp:127.0.0.1:40081 --reuseaddr
expect "an outgoing connection in CLOSE-WAIT" 1 "$no"
cause "an outgoing connection in CLOSE-WAIT" outgoing-connection
like "an outgoing connection in CLOSE-WAIT: what to do" "$(field '.verdict.remedy | join(" ")')" \
	"^End the connection of \"mksock\" \\(pid $(mksock_get pid)\\), or wait for its end\\. .*ip_local_reserved_ports"
mksock_stop
probe tcp:127.0.0.1:40081 --reuseaddr
is "an outgoing connection in CLOSE-WAIT: it has been ended" "$status $(field '.attempts[1].live.bind')" "0 ok"
mksock_start time-wait,side=client,port=11,client-port=40082 || exit 99
probe tcp:127.0.0.1:40082 --reuseaddr
is "TIME-WAIT of an outgoing connection: exit status" "$status $json_status" "1 1"
cause "TIME-WAIT of an outgoing connection" time-wait
like "TIME-WAIT of an outgoing connection: what it is" "$(field '.blockers[0].why')" 'of a closed outgoing connection to 127\.0\.0\.1 port 11,'
like "TIME-WAIT of an outgoing connection: what to do" "$(field '.verdict.remedy | join(" ")')" 'put the port into net\.ipv4\.ip_local_reserved_ports'
unlike "TIME-WAIT of an outgoing connection: no server had it" "$(field '.verdict.remedy | join(" ")')" 'listening socket'
mksock_stop

# Where the ports do not tell which end has connected.
mksock_start connected,side=client,port=13,client-port=8200 || exit 99
probe tcp:127.0.0.1:8200
cause "a port that the client chose" connection
like "a port that the client chose: what to do" "$(field '.verdict.remedy | join(" ")')" 'if this end has connected: .* bound it by its number'
unlike "a port that the client chose: what is of no use" "$(field '.verdict.remedy | join(" ")')" 'put the port into'
mksock_stop
range=$(cat /proc/sys/net/ipv4/ip_local_port_range)
echo 20000 20500 >/proc/sys/net/ipv4/ip_local_port_range
mksock_start connected,port=20110,conns=3 || exit 99
probe tcp:127.0.0.1:20110 --reuseaddr
expect "a server in the range" 1 "$no"
cause "a server in the range" connection
unlike "a server in the range: nobody says that it is a client's" "$(field '.blockers[].why')" outgoing
like "a server in the range: what to do" "$(field '.verdict.remedy | join(" ")')" \
	'if a server has accepted here, which the ports do not tell: let the server set SO_REUSEADDR .* if this end has connected: put the port into'
"$PORTSHARE" --json >saved.json
"$PORTSHARE" probe tcp:127.0.0.1:20110 --from saved.json --json >probe.json
unlike "a server in the range: where the other ends are seen they tell" "$(field '.verdict.remedy | join(" ")')" 'do not tell'
mksock_stop
echo 21000 21500 >/proc/sys/net/ipv4/ip_local_port_range
mksock_start connected,port=21110,conns=3,listener || exit 99
probe tcp:127.0.0.1:21110
unlike "a server in the range: its listener tells" "$(field '.verdict.remedy | join(" ")')" 'do not tell'
mksock_stop
echo "$range" >/proc/sys/net/ipv4/ip_local_port_range

# A connection of a server that is gone.
mksock_start connected,port=8107 || exit 99
probe tcp:127.0.0.1:8107 --reuseaddr
expect "a connection" 1 "$no"
mksock_stop
mksock_start close-wait,port=8108,reuseaddr || exit 99
probe tcp:127.0.0.1:8108 --reuseaddr
expect "a closing connection with SO_REUSEADDR" 0 "EADDRINUSE ok EADDRINUSE ok"
probe tcp:127.0.0.1:8108
cause "a closing connection" connection
mksock_stop

# A server at work: it listens, and has connections. Each on a port of its own, since these leave TIME-WAIT.
port=8200
for flags in "" ,reuseaddr ,reuseport ,reuseaddr,reuseport; do
	for addr in 127.0.0.1 0.0.0.0 ::; do
		port=$((port + 1))
		at=tcp:127.0.0.1:$port
		[ $addr = 127.0.0.1 ] || at=tcp:$port
		mksock_start "connected,addr=$addr,v6only=0,port=$port,listener,conns=2$flags" || exit 99
		case $flags in
		*reuseport)
			probe "$at" --reuseaddr
			expect "a server with connections, $addr$flags" 1 "EADDRINUSE EADDRINUSE ok ok"
			;;
		*)
			probe "$at" --reuseaddr
			expect "a server with connections, $addr$flags" 1 "$no"
			;;
		esac
		is "a server with connections, $addr$flags: the replica has all of it" \
			"$(field '[.limits[].text | select(test("replica"))] | join(" ")')" ""
		mksock_stop
	done
done

# Bound and not listening.
mksock_start bound,port=8080,reuseaddr || exit 99
probe tcp:127.0.0.1:8080
expect "bound, not listening" 1 "EADDRINUSE ok EADDRINUSE ok"
cause "bound, not listening" bound-not-listening
like "bound, not listening: one side is enough" "$(field '.verdict.remedy[0]')" '^Let the new socket set SO_REUSEADDR before bind\(\)'
mksock_stop
# What is advised holds: the flags are those of the moment.
cat >bound.py <<'PY'
import json, os, socket, subprocess, sys
ADDR, PORT = socket.SO_REUSEADDR, socket.SO_REUSEPORT
def bind(*flags):
    with socket.socket() as s:
        for flag in flags:
            s.setsockopt(socket.SOL_SOCKET, flag, 1)
        try:
            s.bind(("127.0.0.1", 8088))
            return "ok"
        except OSError:
            return "in use"
def advice(*options):
    out = subprocess.run([os.environ["PORTSHARE"], "probe", "tcp:127.0.0.1:8088", "--json", *options],
                         capture_output=True).stdout
    return " ".join(json.loads(out)["verdict"]["remedy"])
s = socket.socket()
s.bind(("127.0.0.1", 8088))
for flag, options, flags in ((ADDR, ["--reuseaddr"], [ADDR]), (PORT, ["--reuseport"], [PORT]), (ADDR, [], [])):
    print(advice(*options))
    before = bind(*flags)
    s.setsockopt(socket.SOL_SOCKET, flag, 1)
    print(before, bind(*flags), bind(flag), sep=",")
    s.setsockopt(socket.SOL_SOCKET, flag, 0)
s.close()
print(bind())
PY
python3 bound.py >bound.txt 9>&-
like "bound: the other side has to set SO_REUSEADDR" "$(sed -n 1p bound.txt)" \
	'^Stop "bound.py" \(pid [0-9]+\), or have its socket closed\. Or let "bound.py" \(pid [0-9]+\) set SO_REUSEADDR, which the new socket has: .* the bind passes at once\. Only one of them can listen then\.'
like "bound: or both SO_REUSEPORT" "$(sed -n 1p bound.txt)" 'Or let both sides set SO_REUSEPORT'
unlike "bound: listening is no way out" "$(sed -n 1p bound.txt)" 'or listen on it'
is "bound: SO_REUSEADDR lets it in" "$(sed -n 2p bound.txt)" "in use,ok,ok"
like "bound: the other side has to set SO_REUSEPORT" "$(sed -n 3p bound.txt)" 'Or let "bound.py" \(pid [0-9]+\) set SO_REUSEPORT, which the new socket has'
is "bound: SO_REUSEPORT lets it in" "$(sed -n 4p bound.txt)" "in use,ok,ok"
like "bound: both sides have to" "$(sed -n 5p bound.txt)" 'Or let both sides set SO_REUSEADDR, the new socket before bind\(\), .* Or let both sides set SO_REUSEPORT'
is "bound: one side alone does not do" "$(sed -n 6p bound.txt)" "in use,in use,ok"
is "bound: closed" "$(sed -n 7p bound.txt)" "ok"

# IPv4 and IPv6.
mksock_start listening,addr=::,port=8080,v6only=0 || exit 99
probe tcp:0.0.0.0:8080
expect "[::] is in the way of IPv4" 1 "$no"
like "[::] is in the way of IPv4: why" "$(field '.blockers[0].why')" 'IPV6_V6ONLY covers IPv4 too'
mksock_stop
mksock_start listening,addr=::,port=8080,v6only=1 || exit 99
probe tcp:0.0.0.0:8080
expect "[::] with IPV6_V6ONLY is not" 0 "ok ok ok ok"
probe -6 tcp:8080 --v6only
expect "nor the other way round" 1 "$no"
mksock_stop
mksock_start listening,addr=0.0.0.0,port=8080 || exit 99
probe -6 tcp:8080
expect "IPv4 is in the way of [::]" 1 "$no"
probe -6 tcp:8080 --v6only
expect "not with IPV6_V6ONLY" 0 "ok ok ok ok"
mksock_stop
probe 'tcp:[::ffff:127.0.0.1]:8080' --v6only
is "an address that is mapped and v6only" "$status $(field "$binds")" "1 EINVAL EINVAL EINVAL EINVAL"

# A pool, and another user's.
mksock_start listening,addr=0.0.0.0,port=8080,reuseport,count=3,step=0 || exit 99
probe tcp:8080 --reuseport
expect "a pool" 0 "EADDRINUSE EADDRINUSE ok ok"
is "a pool: nothing is bound live that would pass" "$(field '[.attempts[].live.bind] | join(" ")')" " EADDRINUSE  "
is "a pool: who receives, before and after" \
	"$(field '.delivery | .method, (.before | length), (.after | length), ([.after[] | .share > 0.1 and .share < 0.45] | all), ([.after[].socket] | index(null) != null)' | tr '\n' ' ')" \
	"replica 3 4 true true "
if [ "$(id -u)" = 0 ]; then
	probe tcp:8080 --reuseport --as 1001
	expect "another user's pool" 1 "$no"
	like "another user's pool: why" "$(field '.blockers[0].why')" 'this is of uid 0, the bind by uid 1001'
else
	skip "another user's pool" "needs root"
fi
mksock_stop

# Large ones: no member is missed by chance.
for each in "listening 150 tcp replica" "udp 200 udp replica" "udp 300 udp model"; do
	# shellcheck disable=SC2086 # words
	set -- $each
	mksock_start "$1,addr=0.0.0.0,port=8170,reuseport,count=$2,step=0" || exit 99
	probe "$3:8170" --reuseport
	is "a pool of $2, $3: each receives, and would beside the new one" \
		"$(field '.delivery | .method, (.before | length), (.after | length), ([.after[].socket] | unique | length), ([.after[].socket] | index(null) != null)' | tr '\n' ' ')" \
		"$4 $2 $(($2 + 1)) $(($2 + 1)) true "
	is "a pool of $2, $3: nobody would lose all" "$(field '[.verdict.notes[] | select(test("would take"))] | length')" 0
	like "a pool of $2, $3: in words" "$(tr -s ' \n' '  ' <probe.txt)" "Receives now: .*: 100 % \"mksock\" .*\\($2 sockets\\) .*Would then: .*: (over )?99 % \"mksock\" .*\\($2 sockets\\), (under )?1 % the new socket \\(.*$4\\)"
	mksock_stop
done
# Of 300 the model's shares are told, which do not vary.
like "a pool: a share is never called all or nothing that is not" "$(tr -s ' \n' '  ' <probe.txt)" 'over 99 % .*, under 1 % the new socket'

# UDP.
mksock_start udp,addr=0.0.0.0,port=5060,reuseaddr,count=2,step=0 || exit 99
# Made one after the other.
newest=$(awk '/spec=1 / { for (i = 1; i <= NF; i++) if (index($i, "inode=") == 1) last = substr($i, 7) } END { print last }' "$mksock_out")
probe udp:5060 --reuseaddr
expect "UDP with SO_REUSEADDR" 0 "EADDRINUSE ok EADDRINUSE ok"
is "UDP with SO_REUSEADDR: bound live with that, which harms nobody" "$(field '[.attempts[].live != null] | join(" ")')" "false true false true"
is "UDP with SO_REUSEADDR: the last one bound receives" \
	"$(field '.snapshot.sockets[.delivery.before[0].socket].inode, .delivery.before[0].share' | tr '\n' ' ')" "$newest 1 "
is "UDP with SO_REUSEADDR: a new one would take all" "$(field '.delivery.after')" '[{"socket":null,"share":1}]'
like "UDP with SO_REUSEADDR: and that is said" "$(field '.verdict.notes | join(" ")')" 'take all the unicast datagrams that .* gets now, without'
# Who cannot read their flags is told too: that the bind passes says that they have SO_REUSEADDR.
program=$(user_program "$PORTSHARE")
as_user "$program" probe udp:5060 --reuseaddr --json >probe.json 2>/dev/null
is "UDP, flags hidden: the port itself tells" "$(field '.attempts[1] | .model.bind, .live.bind' | tr '\n' ' ')" "unknown ok "
is "UDP, flags hidden: a new one would take all" "$(field '.delivery.after')" '[{"socket":null,"share":1}]'
like "UDP, flags hidden: and that is said" "$(field '.verdict.notes | join(" ")')" \
	'take all the unicast datagrams that a process of user .* may get now, without an error'
# With SO_REUSEPORT it may join their group, if they have that too and are of one user.
as_user "$program" probe udp:5060 --reuseaddr --reuseport --json >probe.json 2>/dev/null
if [ "$(field '[.snapshot.sockets[].uid] | unique | length == 1 and .[0] == '"$(as_user id -u)")" = true ]; then
	like "UDP, flags hidden, both flags: who loses cannot be told" "$(field '.delivery.after, .verdict.notes[]' | tr '\n' ' ')" \
		'^null Whether it would take datagrams from others on the port cannot be told'
else
	like "UDP, flags hidden, both flags: of another user it takes all" "$(field '.verdict.notes | join(" ")')" 'may get now, without an error'
fi
probe udp:127.0.0.1:5060 --reuseaddr
like "UDP, more specific: what it would take" "$(field '.verdict.notes | join(" ")')" 'take all the unicast datagrams that .* gets now to 127\.0\.0\.1, .*; the rest it keeps'
expect "UDP, more specific" 0 "EADDRINUSE ok EADDRINUSE ok"
is "UDP, more specific: not bound live, it would steal" "$(field '.attempts[1].live')" null
like "UDP, more specific: --live is named" "$(field '[.limits[].text] | join(" ")')" 'receives, and loses, datagrams .*--live'
mksock_stop
mksock_start udp,addr=0.0.0.0,port=5060,reuseaddr || exit 99
for each in "" --v6only; do
	probe -6 udp:5060 --reuseaddr $each
	is "IPv6 beside UDP over IPv4, $each: not bound live, a server of IPv6 may come" "$status $(field '[.attempts[].live != null] | join(" ")')" "0 false false false false"
	is "IPv6 beside UDP over IPv4, $each: model, replica and live agree" "$(field "$agree")" true
done
mksock_stop
mksock_start udp,addr=::,port=5060,reuseaddr,v6only=1 || exit 99
probe -6 udp:5060 --reuseaddr --v6only
expect "UDP over IPv6" 0 "EADDRINUSE ok EADDRINUSE ok"
is "UDP over IPv6: nothing is tried live" "$(field '[.attempts[].live != null] | join(" ")')" "false false false false"
probe -6 udp:5060 --reuseaddr --v6only --live
expect "UDP over IPv6 with --live" 0 "EADDRINUSE ok EADDRINUSE ok"
is "UDP over IPv6 with --live: all are" "$(field '[.attempts[].live != null] | all')" true
is "UDP over IPv6 with --live: and how long it had the port" "$(field '.attempts[1].live.held_us > 0')" true
like "UDP over IPv6 with --live: in the text too" "$(cat probe.txt)" 'ok, held for [0-9]+ us'
mksock_stop

# Who loses, beside one that does not.
mksock_start udp,addr=0.0.0.0,port=5300,reuseaddr || exit 99
loser=$(mksock_get pid)
loser_pid=$mksock_pid
mksock_start udp,addr=127.0.0.1,port=5300,reuseaddr || exit 99
probe udp:5300 --reuseaddr
expect "a wildcard beside an address" 0 "EADDRINUSE ok EADDRINUSE ok"
like "a wildcard beside an address: who loses" "$(field '.verdict.notes | join(" ")')" "take all the unicast datagrams that \"mksock\" \\(pid $loser\\) gets now, without"
is "a wildcard beside an address: counted where it receives" "$(field '.delivery | .to, .method, .after[0].socket' | tr '\n' ' ')" \
	"127.0.0.2 replica null "
mksock_stop
mksock_stop_pid "$loser_pid"
mksock_start udp,addr=::,port=5801,reuseaddr,v6only=0 || exit 99
probe udp:5801 --reuseaddr
like "IPv4 beside both families: what it would take" "$(field '.verdict.notes | join(" ")')" 'gets now over IPv4, without .*; the rest it keeps'
mksock_stop

# A client that is connected, which is no server of the port.
mksock_start udp-connected,addr=127.0.0.1,port=40123,peer=127.0.0.1:53 || exit 99
probe udp:40123
expect "a client of UDP" 1 "$no"
cause "a client of UDP" outgoing-connection
like "a client of UDP: how to keep the port" "$(field '.verdict.remedy | join(" ")')" 'End the connection of .*, or wait for its end\. .*ip_local_reserved_ports'
mksock_stop

if "$MKSOCK" mptcp,port=8151 </dev/null >/dev/null 2>&1; then
	mksock_start mptcp,addr=0.0.0.0,port=8151 || exit 99
	probe tcp:8151
	expect "a listener of MPTCP" 1 "$no"
	mksock_stop
else
	skip "a listener of MPTCP" "this kernel has none"
fi

# A program of the group names who receives, and nobody sees whom.
mksock_start udp,addr=127.0.0.1,port=8153,reuseport,program udp,addr=127.0.0.1,port=8153,reuseport || exit 99
probe udp:127.0.0.1:8153 --reuseport
expect "a group with a program" 0 "EADDRINUSE EADDRINUSE ok ok"
if [ "$has_bpf" = true ]; then
	is "a group with a program: nobody knows who receives" "$(field '.delivery | .before, .after' | tr '\n' ' ')" "null null "
	like "a group with a program: why" "$(field '[.limits[].text] | join(" ")')" 'a BPF program chooses who .* it cannot be told who will'
	mksock_stop
	mksock_start udp,addr=127.0.0.1,port=8153,reuseport,count=2,step=0 || exit 99
	probe udp:127.0.0.1:8153 --reuseport
	is "a group without: no limit of the replica" "$(field '[.limits[] | select(.what == "replica")] | length')" 0
else
	like "whether there is a program is not known" "$(field '[.limits[].text] | join(" ")')" 'whether a BPF program chooses .* is not known'
fi
mksock_stop

# On a device: what comes in on others is not what it would take.
mksock_start udp,addr=0.0.0.0,port=8152,reuseaddr || exit 99
probe udp:8152 --reuseaddr --device lo
is "to a device: deliveries are of it" "$(field '.delivery | .to, .device, .after' | tr '\n' ' ')" 'null lo [{"socket":null,"share":1}] '
like "to a device: in words" "$(tr -s ' \n' '  ' <probe.txt)" 'Would then: datagrams that arrive on lo: 100 % the new socket'
like "to a device: that they are not counted" "$(field '[.limits[].text] | join(" ")')" 'who receives is not counted in the replica'
mksock_stop

# A BPF program of the cgroup, which sees binds of IPv4 only: an IPv6 socket at the mapped address is none.
in_cgroup=${builddir:?}/tests/helpers/cgroupbind
if "$in_cgroup" true 2>/dev/null; then
	root_portshare=$PORTSHARE
	cat >in_cgroup.sh <<-END
		#!/bin/sh
		exec "$in_cgroup" "$PORTSHARE" "\$@"
	END
	chmod +x in_cgroup.sh
	PORTSHARE=$netns_tmp/in_cgroup.sh
	probe udp:8081 --reuseaddr
	is "a bind that the cgroup forbids: no" "$status $json_status $(field '.verdict | .answer, .error' | tr '\n' ' ')" "1 1 no EPERM "
	like "a bind that the cgroup forbids: by whom" "$(field .verdict.text)" 'denied \(EPERM\), most likely by a BPF program'
	is "a bind that the cgroup forbids: no more is made of it" "$(field '.verdict.differences | length')" 0
	probe udp:8080 --reuseaddr
	is "a port that the cgroup rewrites: no" "$status $json_status" "1 1"
	like "a port that the cgroup rewrites: to what" "$(field .verdict.text)" 'the kernel gave 0\.0\.0\.0:9999: a BPF program of the cgroup rewrites it'
	probe tcp:127.0.0.2:8083 --reuseaddr --live
	like "an address that the cgroup rewrites" "$status $(field .verdict.text)" '^1 No: asked for tcp 127\.0\.0\.2:8083 the kernel gave 127\.0\.0\.1:8083'
	is "an address that the cgroup rewrites: in JSON" "$(field '.attempts[1].live | .port, .address' | tr '\n' ' ')" "8083 127.0.0.1 "
	probe udp:8082 --reuseaddr
	is "what it lets through: yes" "$status $json_status" "0 0"
	"$PORTSHARE" wait udp:8081 --reuseaddr --timeout 1s -- touch started >out 2>&1
	is "wait starts nothing that the cgroup forbids" "$(ls started 2>/dev/null)" ""
	PORTSHARE=$root_portshare
else
	skip "a BPF program of the cgroup" "it takes root, and cgroup2"
fi

# Why there is no live bind.
probe udp:0
like "UDP, any port: why no replica" "$(field '[.limits[].text] | join(" ")')" 'the replica is left out: it does not rebuild all ports of a range'
like "UDP, any port: why not live" "$(tr -s ' \n' '  ' <probe.txt)" 'Not live: SO_REUSEADDR, both flags: the kernel might choose the port of another'
is "UDP, any port: in JSON too" "$(field '[.attempts[].live_left_out != null] | join(" ")')" "true true true true"
probe udp:224.0.0.5:7000 --reuseport
like "UDP, multicast: why not live" "$(tr -s ' \n' '  ' <probe.txt)" 'Not live: SO_REUSEADDR, both flags: that it harms nobody is known for unicast'
probe tcp:8080 --reuseaddr
like "TCP: why not live" "$(tr -s ' \n' '  ' <probe.txt)" 'Not live: no reuse flag, SO_REUSEPORT: a server that starts in that instant'
probe tcp:8080 --live
mksock_start udp,addr=0.0.0.0,port=8154,reuseaddr || exit 99
probe udp:8154 --reuseaddr --live
like "with --live: what it may have done" "$(tr -s ' \n' '  ' <probe.txt)" 'But live: SO_REUSEADDR, both flags: where it passes it receives, and loses, datagrams'
is "with --live: in JSON too" "$(field '[.attempts[].live_harm != null] | join(" ")')" "false true false true"
mksock_stop
probe tcp:8080 --live
is "with --live nothing is left out" "$(grep -c '^Not live' probe.txt) $(field '[.attempts[].live_left_out] | unique')" "0 [null]"
mksock_start listening,addr=0.0.0.0,port=8080,reuseport || exit 99
probe tcp:8080 --reuseport
is "a pool: what a bind with SO_REUSEPORT would change" "$(field '[.attempts[] | (.live_left_out // "-") | split(" ")[:3] | join(" ")] | join(", ")')" \
	"a server that, -, it would change, it would change"
mksock_stop

# What the bucket remembers of its last bind with SO_REUSEPORT lets in more than the sockets would: that is read though
# nothing listens, and no bind on the port itself makes it forget.
if [ "$has_bpf" = true ]; then
	mksock_start bound,addr=::,port=8131,reuseaddr bound,addr=127.0.0.1,port=8131,reuseaddr,reuseport || exit 99
	probe tcp:127.0.0.1:8131 --reuseport
	expect "remembered SO_REUSEPORT" 0 "EADDRINUSE ok ok ok"
	is "remembered SO_REUSEPORT: left alone" "$(field '[.attempts[].live != null] | join(" ")')" "false false false false"
	ok "remembered SO_REUSEPORT: the kernel says so too" "$MKSOCK" bound,addr=127.0.0.1,port=8131,reuseport </dev/null
	mksock_stop
else
	skip "remembered SO_REUSEPORT" "it takes BPF"
fi

# Traffic to loopback arrives on lo, whose sockets are preferred.
mksock_start udp,addr=127.0.0.1,port=8135,reuseaddr,device=lo udp,addr=127.0.0.1,port=8135,reuseaddr || exit 99
probe udp:127.0.0.1:8135
if [ "$has_bpf" = true ]; then
	# shellcheck disable=SC2016 # of jq
	is "bound to lo: receives" "$(field '[.delivery.before[].socket as $s | .snapshot.sockets[$s].local.device] | join(" ")')" lo
else
	skip "bound to lo: receives" "flags may be unknown"
fi
mksock_stop

await_route()
{
	tries=100
	until ip -6 route get "$1" 2>/dev/null | grep -q '^local' || [ "$tries" = 0 ]; do
		tries=$((tries - 1))
		sleep 0.01
	done
}
# Addresses that the replica makes first: their route comes later, or a device must be named.
ip -6 address add 2001:db8::8/128 dev lo nodad
ip -6 address add fe80::8/64 dev lo nodad
await_route 2001:db8::8
mksock_start connected,addr=2001:db8::8,port=8141,listener || exit 99
for each in 1 2 3 4 5 6 7 8; do
	probe tcp:8141 -6
	is "a connection of IPv6: rebuilt, $each" "$(as_read "$(field '[.attempts[].replica.bind] | join(" ")')" "$no")/$(field '[.limits[] | select(.what == "replica")] | length')" "$no/0"
done
mksock_stop
mksock_start listening,addr=fe80::8%lo,port=8142,reuseport || exit 99
probe tcp:8142 -6
expect "a link-local listener" 1 "$(if [ "$(field '.attempts[3].model.bind')" = ok ]; then echo EADDRINUSE EADDRINUSE ok ok; else echo "$no"; fi)"
mksock_stop
mksock_start udp,addr=ff02::fb%lo,port=8143 || exit 99
probe udp:8143 -6
expect "bound to a link-local group" 1 "$no"
mksock_stop
mksock_start udp-connected,addr=127.255.255.255,port=8144,peer=127.0.0.1:9 || exit 99
probe udp:8144
expect "bound to a broadcast address, and connected" 1 "$no"
mksock_stop
# What is broadcast the routes say, not what an address was given with.
if ip link add plain0 type veth peer name plain1 2>/dev/null && ip address add 10.77.0.1/24 dev plain0 &&
	ip address add 10.78.0.1/24 brd 10.78.0.1 dev plain0 && ip link set plain0 up; then
	for address in 10.77.0.1 10.78.0.1; do
		mksock_start udp,addr=$address,port=8145,reuseaddr || exit 99
		probe udp:$address:8145 --reuseaddr
		is "$address is one host's: the new socket takes all" "$status $(field '.delivery | "\(.copies) \(.method) \([.before[], .after[] | .socket != null])"')" \
			"0 false replica [true,false]"
		mksock_stop
	done
	# Another name of a device is the device.
	if ip link property add dev plain0 altname uplink-of-old 2>/dev/null; then
		mksock_start udp,addr=10.77.0.1%plain0,port=8146,reuseaddr || exit 99
		probe udp:10.77.0.1:8146 --device uplink-of-old
		expect "bound to a device, asked by its other name" 1 "EADDRINUSE ok EADDRINUSE ok"
		mksock_stop
	else
		skip "a device with two names" "devices have one name here"
	fi
	mksock_start udp,addr=10.77.0.255,port=8145,reuseaddr || exit 99
	probe udp:10.77.0.255:8145 --reuseaddr
	is "the last of its network is broadcast: copied" "$status $(field '.delivery | "\(.copies) \(.after | length)"')" "0 true 2"
	mksock_stop
	ip link del plain0
else
	skip "broadcast by routes" "no device can be made here"
fi

# Whose flags cannot be read: what the port itself says is what is advised.
mksock_start time-wait,port=8111 || exit 99
mksock_start time-wait,port=8112,reuseaddr || exit 99
program=$(user_program "$PORTSHARE")
advised()
{
	for each in "$PORTSHARE" "as_user $program"; do
		# shellcheck disable=SC2086 # words
		$each probe --no-bpf "$@" --json >probe.json 2>/dev/null
		field '.attempts[1].live.bind + ": " + (.verdict.remedy[0] | split(" the bind ")[0])'
	done | sort -u
}
is "flags hidden, and none: to wait is advised" "$(advised tcp:8111)" \
	"EADDRINUSE: Wait: with SO_REUSEADDR"
is "flags hidden, and none, asked with the flag" "$(advised tcp:8111 --reuseaddr)" \
	"EADDRINUSE: Wait: with SO_REUSEADDR"
like "flags hidden, and none, asked with the flag: why" "$(field '.blockers[0].why')" \
	'reuse flags are unknown; the bind has just failed on the port itself with SO_REUSEADDR$'
is "flags hidden, and SO_REUSEADDR: it is advised" "$(advised tcp:8112)" \
	"ok: Let the new socket set SO_REUSEADDR before bind(): with it"
mksock_stop
mksock_stop

# Not allowed, not there.
before=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
if [ "$(id -u)" = 0 ] && setpriv --reuid=1001 --clear-groups true 2>/dev/null; then
	probe tcp:80 --as 1001
	expect "a privileged port" 1 "EACCES EACCES EACCES EACCES"
	like "a privileged port: the sysctl is named" "$(field .verdict.text)" 'ip_unprivileged_port_start'
	is "a privileged port: no other reason for what was not bound live" \
		"$(grep -c '^Not live' probe.txt) $(field '[.attempts[].live_left_out] | unique')" "0 [null]"
	echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start
	probe tcp:80 --as 1001
	expect "a port that is not privileged here" 0 "ok ok ok ok"
	echo "$before" >/proc/sys/net/ipv4/ip_unprivileged_port_start
else
	skip "a privileged port" "other users cannot be played here"
fi
# In a container without root of its own, with the network of the host: its root is none of that.
if unshare -Ur true 2>/dev/null; then
	unshare -Ur "$PORTSHARE" probe --model tcp:80 --json >probe.json 2>err
	is "a privileged port, by root of another user namespace" "$? $(field "$binds")" "1 EACCES EACCES EACCES EACCES"
	unshare -Ur "$PORTSHARE" probe tcp:80 --json >probe.json 2>err
	is "a privileged port, by root of another user namespace: the ways agree" "$? $(field "$agree")" "1 true"
	unshare -Ur "$PORTSHARE" probe --model tcp:80 --as 0 --json >probe.json 2>err
	is "a privileged port, as root of another user namespace" "$? $(field "$binds")" "1 EACCES EACCES EACCES EACCES"
	unshare -Urn "$PORTSHARE" probe --model tcp:80 --json >probe.json 2>err
	is "a privileged port, by root of the network's own user namespace" "$? $(field "$binds")" "0 ok ok ok ok"
	setpriv --bounding-set=-net_bind_service --inh-caps=-net_bind_service \
		"$PORTSHARE" probe --model tcp:80 --json >probe.json 2>err
	is "a privileged port, by root without the capability" "$? $(field "$binds")" "1 EACCES EACCES EACCES EACCES"
	# shellcheck disable=SC2016 # expanded inside
	without_proc='mount -t tmpfs none /proc && exec "$@"'
	# Sanitizers do not run without it.
	if unshare -m sh -c "$without_proc" sh "$PORTSHARE" --version >out 2>&1; then
		unshare -m sh -c "$without_proc" sh "$PORTSHARE" probe --model tcp:80 --json >probe.json 2>err
		is "a privileged port, without /proc: it cannot be told" "$? $(field "$binds")" "3 unknown unknown unknown unknown"
	else
		skip "a privileged port, without /proc" "the program does not run without it here"
	fi
else
	skip "a privileged port in another user namespace" "there can be none"
fi
probe tcp:10.9.8.7:8080
expect "an address that is not there" 1 "EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL"
like "an address that is not there: in words" "$(field .verdict.text)" 'no interface of this network namespace has it'
# Who is bound to it stays so. The connections leave orphans, so each has a port of its own.
for each in "10.1.2.3 32 10.1.2.3 8147" "2001:db8::23 128 [2001:db8::23] 8148"; do
	# shellcheck disable=SC2086 # words
	set -- $each
	case $1 in
	*:*) ip -6 address add "$1/$2" dev lo nodad && await_route "$1" ;;
	*) ip address add "$1/$2" dev lo ;;
	esac
	mksock_start "listening,addr=$1,port=8146" "udp,addr=$1,port=8146,reuseaddr" "connected,addr=$1,port=$4,reuseaddr" || exit 99
	ip address del "$1/$2" dev lo
	for port in "tcp:$3:8146" "udp:$3:8146" "tcp:$3:$4"; do
		probe "$port"
		expect "an address that has gone, $port" 1 "EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL"
		is "an address that has gone, $port: no difference" \
			"$(field '.verdict.differences | length') $(field '[.limits[] | select(.what == "replica")] | length')" "0 0"
	done
	mksock_stop
done
# Most hosts have these.
cat >without.sh <<'END'
ip link set lo up
case $1 in
v4) ip address del 127.0.0.1/8 dev lo ;;
v6) echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 ;;
down) ip link set lo down ;;
esac
shift
exec "$@"
END
for each in "v4 tcp:127.0.0.1:9100" "v4 udp:127.9.8.7:9100" "down tcp:[::1]:9100" "v6 tcp:[::1]:9100" "v6 udp:[::1]:9100"; do
	unshare -n sh without.sh "${each%% *}" "$PORTSHARE" probe "${each#* }" --json >probe.json 2>err
	is "loopback that is not there, $each" "$? $(field "$binds") $(field "$agree") $(field '.verdict.differences | length')" \
		"1 EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL true 0"
done
if ip link add dummy7 type dummy 2>/dev/null; then
	ip link set dummy7 up
	probe tcp:8080 --device dummy7
	expect "on a device" 0 "ok ok ok ok"
	mksock_start listening,addr=0.0.0.0,port=8080,device=dummy7 || exit 99
	probe tcp:8080 --device lo
	expect "on two devices" 0 "ok ok ok ok"
	probe tcp:8080
	expect "on any device" 1 "$no"
	mksock_stop
	ip -6 address add 2001:db8::7/64 dev dummy7
	probe 'tcp:[2001:db8::7]:8080'
	like "a tentative address" "$status $(field "$binds")" '^(1 EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL EADDRNOTAVAIL|0 ok ok ok ok)$'
	ip link del dummy7
else
	skip "devices" "this kernel has no dummy device"
fi
for each in tcp:8080 udp:8080 'tcp:[::]:8080'; do
	probe "$each" --device nothere
	expect "a device that is not there, $each" 1 "ENODEV ENODEV ENODEV ENODEV"
	like "a device that is not there, $each: in words" "$(head -n 1 probe.txt)" '^No: there is no interface nothere'
	is "a device that is not there, $each: no limit" "$(field '.limits | length')" 0
done

# What an ordinary user sees of a pool of others.
if [ "$(id -u)" = 0 ] && [ "$(awk '{ n += $3 } END { print (n > 65534) }' /proc/self/uid_map)" = 1 ]; then
	mksock_start listening,port=8081,reuseport listening,port=8081,reuseport listening,port=8081,reuseport || exit 99
	program=$(user_program "$PORTSHARE")
	as_user "$program" probe tcp:8081 2>/dev/null | tr -s ' \n' ' ' >"$netns_tmp/said"
	like "a hidden pool: its members are told once" "$(cat "$netns_tmp/said")" \
		'Receives now: connections to 127\.0\.0\.1: (99|100) % a process of user [^,]* that cannot be seen on tcp 127\.0\.0\.1:8081 \(3 sockets\) \('
	like "a hidden pool: what to do" "$(cat "$netns_tmp/said")" \
		'It is held by a process of user [^ ]* that cannot be seen: ask again as root to learn which, and stop it, or take another port or address\.'
	as_user "$program" --json 2>/dev/null >"$netns_tmp/saved"
	like "a hidden pool: and in a snapshot" "$("$PORTSHARE" probe --from "$netns_tmp/saved" tcp:8081 | tr -s ' \n' ' ')" \
		'cannot be seen: write the snapshot as root on its machine to learn which, and stop it, or take'
	mksock_stop
else
	skip "a hidden pool" "other users cannot be played here"
fi

# Reserved ports, and none left.
echo 41000-41010 >/proc/sys/net/ipv4/ip_local_reserved_ports
probe tcp:41005
expect "a reserved port" 0 "ok ok ok ok"
like "a reserved port: is no obstacle" "$(field '.verdict.notes | join(" ")')" 'never stands in the way of a bind'
echo 41000 41019 >/proc/sys/net/ipv4/ip_local_port_range
probe tcp:0
is "any port" "$status $(field "$binds")" "0 ok ok ok ok"
mksock_start listening,addr=0.0.0.0,port=41011,count=9 || exit 99
probe tcp:0
is "any port, and none is left" "$status $(field "$binds")" "1 $no"
is "any port, and none is left: nor live" "$(field '[.attempts[].live.bind] | join(" ")')" " EADDRINUSE  EADDRINUSE"
like "any port, and none is left: in words" "$(field .verdict.text)" 'no free port left .* 41000-41019, 9 are taken, and the other 11 are in net\.ipv4\.ip_local_reserved_ports'
mksock_stop
echo 41000-41019 >/proc/sys/net/ipv4/ip_local_reserved_ports
for each in tcp udp; do
	probe $each:0
	is "any port, and all are reserved, $each" "$status $(field "$binds")" "1 $no"
	unlike "any port, and all are reserved, $each: none is taken" "$(field '.verdict | .text, .remedy[]' | tr '\n' ' ')" '(are|is) taken|end what holds'
	like "any port, and all are reserved, $each: what to do" "$(field '.verdict.remedy[0]')" '^Widen net\.ipv4\.ip_local_port_range, or take ports out of net\.ipv4\.ip_local_reserved_ports\.'
done
mksock_start listening,addr=0.0.0.0,port=41011,count=9 || exit 99
echo "" >/proc/sys/net/ipv4/ip_local_reserved_ports
probe tcp:0
is "any port, and the reserved ones are" "$status $(field "$binds")" "0 ok ok ok ok"
mksock_stop
echo 32768 60999 >/proc/sys/net/ipv4/ip_local_port_range

# Another namespace.
mkfifo hold
# shellcheck disable=SC2016 # expanded inside
unshare -n sh -c 'ip link set lo up; exec "$MKSOCK" listening,addr=0.0.0.0,port=8080' <hold >other.out 2>/dev/null 9>&- &
other=$!
exec 8>hold
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	grep -q ready other.out && break
	sleep 0.1
done
probe tcp:8080
expect "a listener in another namespace" 0 "ok ok ok ok"
if [ "$(id -u)" = 0 ]; then
	probe tcp:8080 --netns "$other"
	expect "asked about in there" 1 "$no"
	cause "asked about in there" listener
fi
exec 8>&-
wait "$other"

# Who starts it may ignore SIGCHLD, which passes on: then no child was to be waited for.
cat >ignoring.py <<'PY'
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])
PY
python3 ignoring.py "$PORTSHARE" probe tcp:8080 --reuseaddr --json >probe.json 2>err
is "SIGCHLD ignored: the kernel is asked" \
	"$? $(field '.attempts[1] | "\(.replica.bind) \(.live.bind)"') $(field '.limits | length')" "0 ok ok 0"

# Snapshots of others.
mksock_start listening,addr=0.0.0.0,port=8080 || exit 99
"$PORTSHARE" --json >saved.json
mksock_stop
probe tcp:8080 --from saved.json
is "a snapshot: by the model alone" "$status $(field "$binds") $(field '[.attempts[] | .replica, .live] | unique')" "1 $no [null]"
is "a snapshot: its sockets keep their numbers" "$(field '.snapshot.sockets[.blockers[0].socket].local.port')" 8080
"$PORTSHARE" probe tcp:8080 --from - --json <saved.json | jq 'del(.snapshot)' >from.json
is "from stdin" "$(jq 'del(.snapshot)' probe.json)" "$(cat from.json)"
mksock_start listening,addr=0.0.0.0,port=8080 udp,addr=0.0.0.0,port=5060 || exit 99
"$PORTSHARE" --json tcp:8080 >ports.json
"$PORTSHARE" --json -l tcp:8080 >sockets.json
"$PORTSHARE" probe --json tcp:8080 | jq .snapshot >probed.json
mksock_stop
for each in ports sockets probed; do
	probe --from $each.json udp:5060
	is "a part of a snapshot, $each: another port is not free" "$status $json_status $(field .verdict.answer)" "3 3 unknown"
	like "a part of a snapshot, $each: why" "$(tr -s ' \n' '  ' <probe.txt)" 'the snapshot was written without some of the sockets'
	probe --from $each.json tcp:8080
	is "a part of a snapshot, $each: what is in it is in the way" "$status $(field "$binds")" "1 $no"
done
"$PORTSHARE" --json --pid 1 >nobody.json
probe --from nobody.json tcp:8080
is "a part of a snapshot: --pid leaves out whom it is about" "$status" 3
probe tcp:8080 --model
is "--model asks the kernel nothing" "$status $(field '[.attempts[] | .replica, .live] | unique')" "0 [null]"

# shellcheck disable=SC2016 # expanded inside
not_ok "nothing is left on the port" sh -c '"$PORTSHARE" list tcp:8080 udp:5060'

# Mistakes.
wrong()
{
	name=$1
	shift
	"$PORTSHARE" probe "$@" >out 2>err
	is "$name: exit status" $? 2
	is "$name: one sentence" "$(wc -l <err)" 1
	is "$name: no output" "$(cat out)" ""
}
wrong "no port"
wrong "two ports" tcp:1 tcp:2
wrong "a range" tcp:1-2
like "a range: is said" "$(cat err)" ': a bind is to one port$'
wrong "too high a port" 99999
like "too high a port: is said" "$(cat err)" ': expected a port from 0 to 65535$'
wrong "an option of list" -l 80
like "an option of list: whose help there is" "$(cat err)" ': see portshare probe --help$'
wrong "no such protocol" foo:80
wrong "two protocols" -u tcp:80
wrong "both protocols" -tu 80
like "both protocols: is said" "$(cat err)" 'a bind has one protocol: -t or -u'
wrong "both families" -46 80
like "both families: is said" "$(cat err)" 'a bind has one family: -4 or -6'
wrong "SCTP" sctp:80
wrong "an address and another" tcp:127.0.0.1:80 --address 127.0.0.2
wrong "no address" --address nowhere tcp:80
wrong "IPv4 with -6" -6 tcp:127.0.0.1:80
wrong "IPv6 with -4" -4 'tcp:[::1]:80'
wrong "v6only and IPv4" --v6only tcp:80
like "v6only and IPv4: is said" "$(cat err)" '^portshare: --v6only is for IPv6 sockets: expected '
wrong "no such user" --as nosuchuser tcp:80
wrong "a filter" --state listen tcp:80
wrong "live in a file" --live --from saved.json tcp:80
wrong "live by the model" --live --model tcp:80
wrong "no such file" --from nosuchfile tcp:80
wrong "no such namespace" --netns nosuchnamespace tcp:80
wrong "a long device" --device abcdefghijklmnop tcp:80
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Sockets of several network namespaces: the same port in two of them is two ports.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter -m "$0" "$@"
netns_need jq
netns_need python3
LC_ALL=C.UTF-8
export LC_ALL

# --all-netns sees other tests' namespaces too: a port that none of them is likely to use.
port=$((20000 + $$ % 10000))
mksock_start listening,port=$port,reuseaddr udp,port=5060 || exit 99
here=$mksock_pid
here_id=$(stat -Lc %i /proc/self/ns/net)
MKSOCK_REAL=$MKSOCK
export MKSOCK_REAL
cat >"$netns_tmp/elsewhere" <<'SH'
#!/bin/sh
exec unshare -n sh -c 'ip link set lo up && exec "$@"' sh "$MKSOCK_REAL" "$@"
SH
chmod 755 "$netns_tmp/elsewhere"
MKSOCK=$netns_tmp/elsewhere
mksock_start listening,port=$port,reuseport time-wait,port=9092 || exit 99
there=$mksock_pid
there_id=$(stat -Lc %i "/proc/$there/ns/net")
ok "there are two namespaces" test "$here_id" != "$there_id"

bpf_modes=--no-bpf
[ "$("$PORTSHARE" --json | jq -r '[.sockets[].reuse.evidence] | any(. == "bpf")')" = true ] && bpf_modes="$bpf_modes --"
for mode in $bpf_modes; do
	raw() { if [ "$mode" = -- ]; then "$PORTSHARE" --raw -H "$@"; else "$PORTSHARE" --raw -H "$mode" "$@"; fi 2>/dev/null; }
	is "$mode: here" "$(raw -o port,pid,reuse "$port")" "$port $here addr"
	is "$mode: --netns PID" "$(raw -o port,pid,reuse --netns "$there" "$port")" "$port $there port"
	is "$mode: --netns PATH" "$(raw -o port,pid --netns "/proc/$there/ns/net" "$port")" "$port $there"
	is "$mode: --all-netns" "$(raw -o port,pid,reuse -A "$port" | sort)" \
		"$(printf '%s %s addr\n%s %s port\n' "$port" "$here" "$port" "$there" | sort)"
	is "$mode: each under its own" "$(raw -o port,netns -A "$port" | sort)" "$(printf '%s %s\n%s %s\n' "$port" "$here_id" "$port" "$there_id" | sort)"
	is "$mode: a port in two namespaces is not shared" "$(raw -o port -A --shared | grep -cx "$port")" 0
	is "$mode: TIME-WAIT there alone" "$(raw -o port -s time-wait)/$(raw -o port -s time-wait --netns "$there")" /9092
done
# Flags of a bucket that nobody holds come from a table that is read inside its namespace.
case $bpf_modes in
*" --") is "flags of TIME-WAIT there" "$("$PORTSHARE" --raw -H -o reuse -s time-wait --netns "$there")" - ;;
*) skip "flags of TIME-WAIT there" "needs BPF" ;;
esac

"$PORTSHARE" -A --json >"$netns_tmp/all" 2>/dev/null
is "JSON has both" "$(jq -r --argjson port "$port" '[.sockets[] | select(.local.port == $port) | .netns] | unique | length' "$netns_tmp/all")" 2
is "and --from reads both" "$("$PORTSHARE" --from "$netns_tmp/all" --raw -H -o netns "$port" | sort -u | wc -l)" 2

# Where one thread alone is, as of programs in Go; and where nobody is any more, which a socket keeps.

cat >"$netns_tmp/apart.py" <<'PY'
import ctypes, os, signal, socket, sys, threading
libc, CLONE_NEWNET = ctypes.CDLL(None, use_errno=True), 0x40000000
def bound(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", port))
    return s
def apart():
    libc.unshare(CLONE_NEWNET)
    sockets.append(bound(int(sys.argv[1])))
    print(os.stat("/proc/thread-self/ns/net").st_ino, flush=True)
    signal.pause()
sockets, home = [], os.open("/proc/self/ns/net", os.O_RDONLY)
libc.unshare(CLONE_NEWNET)
sockets.append(bound(int(sys.argv[2])))
libc.setns(home, CLONE_NEWNET)
threading.Thread(target=apart, daemon=True).start()
sys.stdin.read()
PY
mkfifo "$netns_tmp/of-thread"
python3 "$netns_tmp/apart.py" "$port" "$((port + 1))" <"$netns_tmp/alive" >"$netns_tmp/of-thread" 9>&- &
apart=$!
read -r thread_id <"$netns_tmp/of-thread"
for mode in $bpf_modes; do
	is "$mode: the namespace of a thread" "$(raw -o port,pid,netns -A "udp:$port")" "$port $apart $thread_id"
done
"$PORTSHARE" -A --json "$((port + 1))" >"$netns_tmp/all" 2>"$netns_tmp/err"
is "a namespace that only a socket keeps is not shown" "$? $(jq '.sockets | length' "$netns_tmp/all")" "1 0"
case $bpf_modes in
*" --")
	is "and is a limit" "$(jq -c '[.limits[] | select(.what == "netns" and .reason == "ENOENT") | .count]' "$netns_tmp/all")" '[1]'
	like "and is told" "$(cat "$netns_tmp/err")" 'the sockets of 1 network namespace are not listed, no process or name was found that leads there'
	"$PORTSHARE" -A --json "$port" >"$netns_tmp/all" 2>/dev/null
	is "but where it has none of what is asked for" "$(jq -c '[.limits[] | select(.reason == "ENOENT") | .count]' "$netns_tmp/all")" '[]'
	"$PORTSHARE" -A -t --json "$((port + 1))" >"$netns_tmp/all" 2>/dev/null
	is "nor of that protocol" "$(jq -c '[.limits[] | select(.reason == "ENOENT") | .count]' "$netns_tmp/all")" '[]'
	;;
*)
	skip "and is a limit" "needs BPF"
	skip "and is told" "needs BPF"
	skip "but where it has none of what is asked for" "needs BPF"
	skip "nor of that protocol" "needs BPF"
	;;
esac
kill "$apart"

if mkdir -p /run/netns 2>/dev/null && mount -t tmpfs none /run/netns 2>/dev/null && ip netns attach there "$there" 2>/dev/null; then
	is "--netns NAME" "$("$PORTSHARE" --raw -H -o port,netns --netns there "$port")" "$port there"
	is "a name found by --all-netns" "$("$PORTSHARE" -A --raw -H -o netns "$port" 2>/dev/null | grep -cx there)" 1
else
	skip "--netns NAME" "no name can be given to a namespace here"
	skip "a name found by --all-netns" "no name can be given to a namespace here"
fi

# What is advised of another namespace acts in that one.

remedy() { jq -r '.verdict.remedy[], (.snapshot.netns[] | .own)' "$netns_tmp/probe" | sed -n 's/^As root, "\(.*\)" ends it at once.$/\1/p; /^[a-z]*$/p' | paste -sd,; }
"$PORTSHARE" probe --json --netns "/proc/$there/ns/net" 9092 >"$netns_tmp/probe" 2>/dev/null
if [ "$(stat -fc %T /run/netns 2>/dev/null)" = tmpfs ] && [ -e /run/netns/there ]; then
	is "the way into a namespace with a name" "$(remedy)" "ip netns exec there ss -K -t state time-wait 'sport = :9092',false"
	ip netns delete there
else
	skip "the way into a namespace with a name" "no name can be given to a namespace here"
fi
"$PORTSHARE" probe --json --netns "$there" 9092 >"$netns_tmp/probe" 2>/dev/null
is "the way into one of a process" "$(remedy)" "nsenter --net=/proc/$there/ns/net ss -K -t state time-wait 'sport = :9092',false"
"$PORTSHARE" -A --json >"$netns_tmp/all" 2>/dev/null
is "the own one is told from it" "$(jq -c --argjson own "$here_id" --argjson other "$there_id" \
	'[.netns[] | select(.id == $own or .id == $other) | .own] | sort' "$netns_tmp/all")" '[false,true]'
case $bpf_modes in
*" --")
	"$PORTSHARE" check -A --json 9092 >"$netns_tmp/all" 2>/dev/null
	like "check --all-netns names the way" "$(jq -r '.findings[] | select(.id == "time-wait-blocks-bind") | .remedy' "$netns_tmp/all")" \
		"as root, \"nsenter --net=/proc/[0-9]*/ns/net ss -K -t state time-wait 'sport = :9092'\" ends it at once"
	"$PORTSHARE" check --json --from "$netns_tmp/all" 9092 >"$netns_tmp/again" 2>/dev/null
	like "a snapshot knows none that would still lead there" "$(jq -r '.findings[] | select(.id == "time-wait-blocks-bind") | .remedy' "$netns_tmp/again")" \
		"as root, \"ss -K -t state time-wait 'sport = :9092'\" in that network namespace ends it at once"
	;;
*)
	skip "check --all-netns names the way" "needs BPF"
	skip "a snapshot knows none that would still lead there" "needs BPF"
	;;
esac
if nsenter --net="/proc/$there/ns/net" ss -K -t state time-wait 'sport = :1' >"$netns_tmp/out" 2>&1 && ! grep -q 'not supported\|denied' "$netns_tmp/out"; then
	sh -c "$(remedy | sed 's/,[a-z]*$//')" >"$netns_tmp/out" 2>&1
	is "and the command ends it" "$("$PORTSHARE" --raw -H -o port -s time-wait --netns "$there" 2>/dev/null)" ""
else
	skip "and the command ends it" "this kernel ends no socket on request"
fi

# More namespaces than descriptors

if [ "$(stat -fc %T /run/netns 2>/dev/null)" = tmpfs ] && ip netns add many-0 2>/dev/null; then
	made=1
	while [ "$made" -lt 16 ] && ip netns add "many-$made"; do
		made=$((made + 1))
	done
	# shellcheck disable=SC3045 # of dash and bash
	(exec 3>&- 4>&- 9>&- && ulimit -S -n 12 && exec "$PORTSHARE" -A --json --no-bpf "$port") >"$netns_tmp/all" 2>"$netns_tmp/err"
	is "a soft limit of descriptors is none for --all-netns" "$? $(grep -c 'Too many open files' "$netns_tmp/err")" "0 0"
	# shellcheck disable=SC3045 # of dash and bash
	(exec 3>&- 4>&- 9>&- && ulimit -n 12 && exec "$PORTSHARE" -A --json --no-bpf "$port") >"$netns_tmp/all" 2>"$netns_tmp/err"
	is "fewer descriptors than namespaces: exit status" $? 0
	# shellcheck disable=SC2016 # expanded by jq
	ok "fewer descriptors: what can be read is read" jq -se --argjson pid "$here" 'any(.[].sockets[].owners[]; .pid == $pid)' "$netns_tmp/all"
	ok "fewer descriptors: and the rest is counted" jq -se \
		'any(.[].limits[]; .what == "netns" and .reason == "EMFILE" and .count > 4)' "$netns_tmp/all"
	while [ "$made" -gt 0 ]; do
		made=$((made - 1))
		ip netns delete "many-$made"
	done
else
	skip "more namespaces than descriptors" "no name can be given to a namespace here"
fi

# A namespace that may be entered, while the own one, of another user namespace, may not: there is no way back.

if unshare -Ur true 2>/dev/null; then
	# shellcheck disable=SC2016 # expanded inside
	unshare -Ur sh -c '
		unshare -n sh -c "readlink /proc/self/ns/net; exec sleep 60" >"$1/inner" &
		until [ -s "$1/inner" ]; do sleep 0.05; done
		"$PORTSHARE" -A --json --no-bpf "$2" >"$1/all" 2>"$1/err"
		echo "$?" >"$1/status"
		"$PORTSHARE" --no-bpf --netns "$!" >/dev/null 2>"$1/err-one"
		echo "$?" >>"$1/status"
		kill "$!"' sh "$netns_tmp" "$port"
	is "no way back from a namespace: exit statuses" "$(paste -sd' ' "$netns_tmp/status")" "0 2"
	# shellcheck disable=SC2016 # expanded by jq
	ok "no way back: the own one is read" jq -se --argjson port "$port" 'any(.[].sockets[]; .local.port == $port)' "$netns_tmp/all"
	ok "no way back: the other is a limit" jq -se 'any(.[].limits[]; .what == "netns" and .reason == "EPERM")' "$netns_tmp/all"
	like "no way back: of one it is told" "$(cat "$netns_tmp/err-one")" '[0-9]: Operation not permitted'
else
	skip "no way back from a namespace" "no user namespace can be made here"
fi

if unshare -m mount -t tmpfs none /proc 2>/dev/null; then
	unshare -m sh -c 'mount -t tmpfs none /proc && exec "$@"' sh "$PORTSHARE" -A --json >"$netns_tmp/all" 2>"$netns_tmp/err"
	like "without /proc others are not silently left out" "$(cat "$netns_tmp/err")" \
		'the network namespaces of processes cannot be found, /proc cannot be read: No such file or directory'
else
	skip "without /proc others are not silently left out" "no file system can be mounted here"
fi
done_testing

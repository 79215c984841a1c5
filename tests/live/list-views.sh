#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The same sockets by other ways: as ss sees them, from a saved snapshot, by selectors and filters,
# from another namespace, and where sock_diag is refused.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter -m "$0" "$@"
netns_need jq
netns_need ss
LC_ALL=C.UTF-8
export LC_ALL

mksock_start listening,port=8080,reuseaddr listening,addr=::,port=8443 connected,listener,addr=0.0.0.0,via=127.0.0.1,port=9090 \
	connected,addr=::1,listener,port=9091 time-wait,port=9092,reuseaddr close-wait,port=9093 \
	listening,port=9094,owner=inherited udp,port=5060,reuseaddr udp,port=5060,reuseaddr,comm=sipd udp,addr=::1,port=5061 \
	udp-connected,port=5062,peer=127.0.0.1:53 bound,port=9095 udp,port=5063,device=lo || exit 99
raw() { "$PORTSHARE" --raw -H -o "$@"; }

# As ss

# ss prints [::] as * where the socket takes IPv4 too, and UDP's state BOUND as UNCONN.
ss -Htuan | awk '{ sub(/UNCONN/, "BOUND", $2); sub(/%lo/, "", $5); sub(/^\*:/, "[::]:", $5); sub(/^\*:/, "[::]:", $6)
	if ($6 ~ /:\*$/) $6 = "-"
	print $1, $2, $5, $6 }' | sort >"$netns_tmp/ss"
"$PORTSHARE" --json | jq -r 'def at: if .address | contains(":") then "[\(.address)]:\(.port)" else "\(.address):\(.port)" end;
	.sockets[] | select(.state != "BOUND" or .protocol == "udp")
	| "\(.protocol) \(.state) \(.local | at) \(if .peer then .peer | at else "-" end)"' | sort >"$netns_tmp/list"
ok "the sockets that ss sees" diff -u "$netns_tmp/ss" "$netns_tmp/list"
is "and the bound TCP socket, which ss of 6.1 does not" "$(raw port -t -s bound)" 9095

# From a saved snapshot

"$PORTSHARE" --json >"$netns_tmp/a"
"$PORTSHARE" --from "$netns_tmp/a" --json >"$netns_tmp/b"
# Who asks for more must do so where it was written.
sed 's/"Run it as root, /"Write the snapshot as root on its machine, /' <"$netns_tmp/a" >"$netns_tmp/a.from"
ok "--from and --json give the same document, but for that advice" cmp "$netns_tmp/a.from" "$netns_tmp/b"
everything=$("$PORTSHARE" -o help | sed -n 's/^  \([a-z0-9]*\)  .*/\1/p' | grep -v -e default -e with | paste -sd, -)
# Timers run on; everything else stands still here.
for arguments in "" -a --raw "--raw -o ${everything}" "-a -o ${everything}" "-n 8080" "--shared"; do
	# shellcheck disable=SC2086
	"$PORTSHARE" -s listen,bound,estab,close-wait,fin-wait-2 -t -u $arguments >"$netns_tmp/live" 2>/dev/null
	# shellcheck disable=SC2086
	"$PORTSHARE" -s listen,bound,estab,close-wait,fin-wait-2 -t -u $arguments --from "$netns_tmp/a" >"$netns_tmp/saved" 2>/dev/null
	sed 's/time-wait:[0-9]*/time-wait:N/g; s/[0-9.]* s\b/N s/g' <"$netns_tmp/live" >"$netns_tmp/live.n"
	sed 's/time-wait:[0-9]*/time-wait:N/g; s/[0-9.]* s\b/N s/g' <"$netns_tmp/saved" >"$netns_tmp/saved.n"
	ok "live and saved are the same: $(printf %.30s "$arguments")" diff -u "$netns_tmp/live.n" "$netns_tmp/saved.n"
done
is "from stdin" "$("$PORTSHARE" --from - --raw -H -o port 8080 <"$netns_tmp/a")" 8080

# What decides about others is read, whatever is asked for

for arguments in "--shared" "--shared -4" "--shared -6" "-l -4" "-s listen -6"; do
	# shellcheck disable=SC2086
	is "live and saved agree: $arguments" "$(raw local,port,reuse $arguments 2>/dev/null | sort)" \
		"$("$PORTSHARE" --from "$netns_tmp/a" --raw -H -o local,port,reuse $arguments | sort)"
done

# Selectors and filters

is "a port" "$(raw port,proto 8080)" "8080 tcp"
is "two ports" "$(raw port 8080 udp:5061 | sort | paste -sd' ')" "5061 8080"
is "a protocol" "$(raw proto tcp:5060)" ""
is "a range" "$(raw port udp:5060-5062 | sort | paste -sd' ')" "5060 5060 5061 5062"
is "an address, and the wildcard that covers it" "$(raw local 127.0.0.1:8443)" "[::]"
is "an address that is not covered" "$(raw local '[::1]:8080')" ""
is "a state" "$(raw port -s time-wait)" 9092
is "a state of a port" "$(raw state -s time-wait,listen 9090)" "LISTEN"
is "listening" "$(raw state -l | sort -u | paste -sd' ')" "BOUND LISTEN"
is "listening TCP" "$(raw port -lt | sort | paste -sd' ')" "8080 8443 9090 9091 9094"
is "IPv6" "$(raw port -6l | sort | paste -sd' ')" "5061 8443 9091"
is "a process name" "$(raw proto,port --process sipd)" "udp 5060"
is "shared: several sockets, and several processes of one" "$(raw port --shared -l | sort -u | paste -sd' ')" "5060 9094"
heir=$("$PORTSHARE" --json 9094 | jq '.sockets[0].owners | map(.pid) | max')
is "a process id" "$(raw port --pid "$heir")" 9094
is "a user" "$(raw port --user "$(id -un)" 8080) $(raw port --user 4294967294 8080)" "8080 "
"$PORTSHARE" -t 9090 | grep -c . >"$netns_tmp/rows"
is "connections are folded to a row by state" "$(cat "$netns_tmp/rows")" 3

# Newest first, as the kernel looks for the receiver

is "UDP in the kernel's order" "$(raw process udp:5060 | paste -sd' ')" "sipd mksock"

# Another namespace

"$PORTSHARE" --netns $$ --raw -H -o port 8080 >"$netns_tmp/out" 2>"$netns_tmp/err"
is "--netns by the process id of one that is in this" "$(cat "$netns_tmp/out")" 8080
if [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null; then
	is "--netns from another namespace" "$(unshare -n "$PORTSHARE" --netns $$ --raw -H -o port,process 8080 2>/dev/null)" "8080 mksock"
	is "--netns by path" "$(unshare -n "$PORTSHARE" --netns /proc/$$/ns/net --raw -H -o port 8080 2>/dev/null)" 8080
	is "--all-netns" "$(unshare -n "$PORTSHARE" -A --json 2>/dev/null | jq --argjson id "$(stat -Lc %i /proc/$$/ns/net)" \
		'[.sockets[] | select(.netns == $id and .local.port == 8080)] | length')" 1
else
	skip "--netns from another namespace" "no privilege to make one more"
fi

# Without sock_diag

nosockdiag=${MKSOCK%/*}/nosockdiag
"$nosockdiag" "$PORTSHARE" --json >"$netns_tmp/out" 2>"$netns_tmp/err"
is "without sock_diag: exit status" $? 0
is "without sock_diag: the same but for bound TCP" \
	"$(jq -r '.sockets[] | "\(.protocol) \(.state) \(.local.address) \(.local.port)"' "$netns_tmp/out" | sort)" \
	"$(jq -r '.sockets[] | select(.state != "BOUND" or .protocol != "tcp") | "\(.protocol) \(.state) \(.local.address) \(.local.port)"' \
		"$netns_tmp/a" | sort)"
ok "without sock_diag: said in limits" jq -e 'any(.limits[]; .what == "sockets")' "$netns_tmp/out"
is "without sock_diag: said in one line" "$(wc -l <"$netns_tmp/err")" 1
for port in mptcp:7001 sctp:7001; do
	"$nosockdiag" "$PORTSHARE" "$port" >"$netns_tmp/none" 2>"$netns_tmp/err"
	is "without sock_diag: nothing is known of $port, and it is said" "$(grep -cv "no socket matched" "$netns_tmp/err")" 1
done
ok "without sock_diag: owners are found" jq -e 'any(.sockets[]; .local.port == 8080 and (.owners | length) == 1)' "$netns_tmp/out"

# A process that is found by its thread, and again by its ring

mkfifo "$netns_tmp/late"
"${MKSOCK%/*}/latethread" 7100 <"$netns_tmp/alive" >"$netns_tmp/late" 9>&- &
late=$!
if read -r _ <"$netns_tmp/late"; then
	for mode in "" --no-bpf; do
		# shellcheck disable=SC2086
		"$PORTSHARE" --json $mode tcp:7100-7102 >"$netns_tmp/out" 2>/dev/null
		is "each process is there once: ${mode:-with BPF}" "$(jq '[.processes[].pid] | length - (unique | length)' "$netns_tmp/out")" 0
		is "and the snapshot can be read back: ${mode:-with BPF}" "$("$PORTSHARE" --from "$netns_tmp/out" --raw -H -o port | sort | paste -sd' ')" \
			"7100 7101 7102"
		is "two listeners of one process: ${mode:-with BPF}" \
			"$(jq -r --argjson pid "$late" '[.sockets[] | select(any(.owners[]; .pid == $pid)) | .local.port] | sort | join(" ")' "$netns_tmp/out")" \
			"7100 7102"
	done
	kill "$late"
	wait "$late"
else
	wait "$late"
	is "io_uring cannot be used here" $? 77
	skip "a process found twice" "io_uring cannot be used here"
fi
done_testing

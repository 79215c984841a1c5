# SPDX-License-Identifier: GPL-2.0-or-later
# What differs between the sockets that mksock made and the snapshot ($snapshot, an array of one).
# Input: mksock's lines (-R -n). bpf: whether everything can be known.

def flag: if . == "1" then true elif . == "0" then false else null end;
def endpoint: if . == null then "-" elif .address | contains(":") then "[\(.address)]:\(.port)" else "\(.address):\(.port)" end;
def differ($what; $got; $want): if $got == $want then empty else "\($what): got \($got|tojson), want \($want|tojson)" end;

# Flags: with BPF all but a request's are known; else those of sockets with a descriptor that can be copied.
def flags($made; $bpf):
	if $made.state == "SYN-RECV" then differ("reuse"; .reuse; {addr: null, port: null, evidence: "unknown"})
	elif $made.reuseaddr == "?" then empty
	elif $bpf and ($made.held == null or .reuse.evidence != "unknown") then
		differ("reuse"; (.reuse | del(.program, .group)); {addr: ($made.reuseaddr | flag), port: ($made.reuseport | flag), evidence: "bpf"}),
		(if $made.reuseport == "1" and ($made.state == "LISTEN" or ($made.proto != "tcp" and $made.state == "BOUND"))
		 then differ("group"; .reuse.group; true) else empty end)
	elif .reuse.evidence == "unknown" then
		differ("reuse"; .reuse; {addr: null, port: null, evidence: "unknown"}),
		(if ($made.state | IN("LISTEN", "BOUND")) and $made.fd != "-" and $made.tid == null then "reuse: not read" else empty end)
	else
		differ("reuse"; (.reuse | del(.program)); {addr: ($made.reuseaddr | flag), port: ($made.reuseport | flag), evidence: "getsockopt"})
	end;

def holder($made):
	if $made.fd != "-" then
		(if any(.owners[]; .pid == ($made.pid | tonumber) and (.fds | index($made.fd | tonumber) != null)) then empty
		 else "owners: \(.owners|tojson), want \($made.pid):\($made.fd)" end),
		differ("owner_status"; .owner_status; "owned")
	elif $made.held == "io_uring" then
		differ("owners"; .owners; [{pid: ($made.pid | tonumber), fds: [], fixed_file: true}])
	elif $made.held == "scm" then
		(if .owner_status | IN("in-flight", "hidden", "unknown") then empty else "owner_status: \(.owner_status)" end)
	elif $made.role == "kernel" then
		(if .owner_status | IN("kernel", "hidden", "unknown") then empty else "owner_status: \(.owner_status)" end)
	elif $made.state | IN("TIME-WAIT", "SYN-RECV", "ESTAB", "CLOSE-WAIT") then differ("owner_status"; .owner_status; "none")
	elif $made.timer == "3" then differ("owner_status"; .owner_status; "none")
	elif $made.inode == "0" then differ("owner_status"; .owner_status; "orphan")
	else empty end;

def numbers($made):
	differ("inode"; .inode; ($made.inode | tonumber)),
	(if $made.state | IN("TIME-WAIT", "SYN-RECV") or ($made.timer == "3") then differ("uid"; .uid; null)
	 else differ("uid"; .uid; ($made.uid | tonumber)) end),
	(if $made.state == "LISTEN" then
		differ("queue.recv"; .queue.recv; ($made.recvq | tonumber)), differ("queue.limit"; .queue.limit; ($made.backlog | tonumber))
	 else empty end),
	(if $made.device == "-" then
		(if .local | has("device") then differ("device"; .local.device; null) else empty end)
	 else differ("device"; .local.device; $made.device) end),
	(if $made.v6only == "-" or .v6only == null then empty else differ("v6only"; .v6only; ($made.v6only | flag)) end),
	(if ($made.state | IN("LISTEN", "BOUND")) and ($made.v6only | IN("0", "1")) and .v6only == null then "v6only: not known" else empty end);

[inputs | select(startswith("spec=")) | split(" ") | map(split("=") | {(.[0]): (.[1:] | join("="))}) | add] as $made
| $made[] as $m
| [$snapshot[0].sockets[] | select(.cookie == ($m.cookie | tonumber))] as $found
| "\($m.role) \($m.state) \($m.local)" as $name
| if ($found | length) != 1 then "\($name): found \($found | length) times"
  else $found[0] | "\($name): " + (
	differ("protocol"; .protocol; $m.proto), differ("family"; .family; $m.family), differ("state"; .state; $m.state),
	differ("local"; (.local | endpoint); $m.local), differ("peer"; (.peer | endpoint); $m.peer),
	flags($m; $bpf), holder($m), numbers($m))
  end

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analysis/catalogue.h"

static const struct catalogue_entry entries[N_FINDINGS] = {
	[FINDING_UDP_ACCIDENTAL_SHARE] = {
		.title = "Programs that do not belong together share a UDP port",
		.meaning =
"Two or more sockets are bound to the same UDP address and port, and the processes behind them are "
"not one tree, one unit or one container (one shell that started both does not make them a tree). "
"One of them, or one group with SO_REUSEPORT, receives every unicast datagram, the others receive "
"none. Nobody has been told: both starts succeeded.\n\n"
"Members of multicast groups are left out, for each member gets its own copy of what is sent to "
"the group. Where one program alone has not joined, it is a note. Without BPF it cannot be read "
"who has joined; then the ports of mDNS, SSDP and their like are left out, and on others the "
"finding says it.",
		.arises =
"A program is started twice, or two programs are configured for one port, and both set "
"SO_REUSEADDR on UDP sockets. Many libraries set it because TCP servers need it; Python's asyncio "
"did so by default before 3.8.1.",
		.kernel =
"For UDP, SO_REUSEADDR on both sockets is all that bind() asks. There is no check of uids. A "
"unicast datagram goes to the socket that fits best; of equals the one that was bound last gets "
"everything. If that has SO_REUSEPORT its group does, and is balanced; else the kernel balances "
"nothing between such sockets. When the last one closes, the one before it takes over. For IPv6, "
"a socket with SO_REUSEADDR alone goes before all that have SO_REUSEPORT. A socket at all addresses "
"that was connected for a while and is no longer goes before those that were bound later, and one "
"with SO_REUSEPORT has left its group by that. Both are seen with BPF only, the first with Linux "
"6.5 or later; else the order of bind() is taken.",
		.in_code =
"Leave SO_REUSEADDR out of UDP servers. UDP has no TIME-WAIT, so a restart does not need it, and a "
"second start then fails with EADDRINUSE.\n\n"
"C: no setsockopt(), or\n"
"    int off = 0;\n"
"    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);\n\n"
"Python:\n"
"    # 3.8.1 or later\n"
"    loop.create_datagram_endpoint(Handler, local_addr=(\"0.0.0.0\", 5060))\n"
"    socketserver.UDPServer.allow_reuse_address = False\n\n"
"Go: net.ListenPacket does not set it for unicast; net.ListenMulticastUDP does.\n\n"
"systemd: ReusePort= in a .socket unit sets SO_REUSEPORT; SO_REUSEADDR is set by systemd itself "
"for socket units, so let a port have one .socket unit and no second program.",
		.by_operation =
"Move one of the programs to another port or address, or stop the one that is not wanted. To see "
"which one receives: portshare check udp:PORT names it.",
	},
	[FINDING_UDP_SHADOWED] = {
		.title = "A specific address, or a device, takes datagrams from another program's "
			 "socket",
		.meaning =
"One program is bound to all addresses of a UDP port, another to a single one. What is sent to "
"that address goes to the second program, everything else to the first. Or, at one address, one "
"program is bound to a device (SO_BINDTODEVICE) and another to none: what arrives on that device "
"goes to the first, everything else to the second.",
		.arises =
"A name server on 0.0.0.0:53 beside a local resolver on 127.0.0.53:53; a DHCP or TFTP server for "
"one network beside one for all. Both had to set SO_REUSEADDR, or SO_REUSEPORT with one uid: "
"otherwise the second bind fails.",
		.kernel =
"The look-up first searches the sockets bound to the destination address of the datagram, and only "
"if there is none those bound to the wildcard. The order in which they were bound does not matter. "
"At one address a socket bound to the device on which the datagram arrives goes before one that is "
"bound to none, but not before a newer group with SO_REUSEPORT (of IPv6: before an older one); "
"then udp-accidental-share is reported.",
		.in_code =
"Bind to the addresses that are to be served, not to the wildcard, and set no reuse flag: the "
"kernel then refuses what overlaps.\n\n"
"C:\n"
"    addr.sin_addr.s_addr = inet_addr(\"192.0.2.1\");\n"
"    bind(fd, (struct sockaddr *)&addr, sizeof addr);\n\n"
"Python:\n"
"    sock.bind((\"192.0.2.1\", 53))\n\n"
"Go:\n"
"    net.ListenPacket(\"udp\", \"192.0.2.1:53\")\n\n"
"systemd:\n"
"    [Socket]\n"
"    ListenDatagram=192.0.2.1:53\n\n"
"(systemd sets SO_REUSEADDR for it, so a second such socket would not be refused.)",
		.by_operation =
"If it is meant, tell portshare to be quiet about it: --ignore udp-shadowed:53. Otherwise "
"configure the listen addresses of the first program, or move one of the two.",
	},
	[FINDING_UDP_HIJACKABLE] = {
		.title = "Any local user may take over this UDP port",
		.meaning =
"A UDP socket has SO_REUSEADDR. Whoever binds the same address and port with SO_REUSEADDR receives "
"its datagrams from then on. Nothing has happened yet.",
		.arises = "The flag was set out of habit from TCP, or by a library.",
		.kernel =
"bind() of UDP lets a socket with SO_REUSEADDR pass any other that has it, whatever the uids. Only "
"SO_REUSEPORT is checked against the uid. Ports below net.ipv4.ip_unprivileged_port_start (1024) "
"need CAP_NET_BIND_SERVICE as always, which keeps ordinary users out; there it is not reported.",
		.in_code =
"Do not set SO_REUSEADDR on UDP sockets that receive unicast. For several workers of one service "
"use SO_REUSEPORT alone.\n\n"
"C:\n"
"    int on = 1;\n"
"    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);\n\n"
"Python:\n"
"    loop.create_datagram_endpoint(Handler, local_addr=addr, reuse_port=True)\n\n"
"Go: in net.ListenConfig.Control\n"
"    unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)\n\n"
"systemd: a .socket unit has SO_REUSEADDR set, with ReusePort=yes too. Flags count as they are "
"now, not as they were at bind(), so the service can clear it on the descriptor that it is given:\n"
"    int off = 0;\n"
"    setsockopt(3, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off);",
		.by_operation =
"Let nobody log in who is not trusted, or run other users' programs in network namespaces of their "
"own. Or move the service below net.ipv4.ip_unprivileged_port_start.",
	},
	[FINDING_REUSEPORT_STRANGERS] = {
		.title = "A SO_REUSEPORT group holds programs that do not belong together",
		.meaning =
"Several sockets share a port through SO_REUSEPORT, and the kernel spreads connections or "
"datagrams over all of them. Some belong to a different program (a warning), or to another start "
"of the same one outside of its tree and unit (a note).\n\n"
"A group of which all are members of multicast groups is left out, for each of them gets its own "
"copy. Where one program alone has joined none, it is a note. Without BPF the ports have to tell, "
"as for udp-accidental-share.",
		.arises =
"A developer starts a server beside the one that runs; two services of one user are configured for "
"one port; a pool is started by hand worker by worker.",
		.kernel =
"bind() lets a socket with SO_REUSEPORT pass others that have it and the same uid (sk_uid). "
"Sockets with the same family, address, device, v6only and uid form a group; each connection or "
"datagram is given to a member by a hash of both addresses and both ports. A client that keeps its "
"port reaches the same member while the group does not change; with each new connection, from a "
"new port, any of them. Programs are not compared. TCP listeners join the group in listen().\n\n"
"A BPF program that one member attaches (SO_ATTACH_REUSEPORT_CBPF, SO_ATTACH_REUSEPORT_EBPF) "
"chooses for the whole group in place of the hash. Whom it chooses cannot be seen from outside; "
"where there is one, these findings say so and name no shares.",
		.in_code =
"Set SO_REUSEPORT only in servers that are pools, and only when asked to.\n\n"
"C: one listening socket before fork() serves all workers without any flag.\n\n"
"Python:\n"
"    socket.create_server((\"\", 8080))                   # no reuse_port=True\n\n"
"Go: net.Listen does not set it.\n\n"
"systemd: one .socket unit, and the service takes the descriptor\n"
"    [Socket]\n"
"    ListenStream=8080\n"
"    ReusePort=no",
		.by_operation =
"Stop what does not belong there, or give it another port. Run services under users of their own: "
"then they cannot join each other's groups.",
	},
	[FINDING_REUSEPORT_STALE_MEMBER] = {
		.title = "An older generation still takes its share",
		.meaning =
"A member of a SO_REUSEPORT group runs an executable that has been deleted or replaced since, or "
"belongs to an older instance of its unit, while a newer member has been there for two minutes or "
"more. A part of the clients is served by the old program.\n\n"
"Of files only the executable is looked at: that a script (of Python, Ruby or Node), or a program of Java, "
"was replaced is not recognised, for the interpreter that runs it is the same. The times at which "
"the processes were started tell (portshare list -o +start).\n\n"
"It is a note for units; where a BPF program chooses who of the group receives, which may give "
"the old program nothing new; and of members of multicast groups, which have copies of their own.",
		.arises =
"A rolling restart that did not finish: the old process did not see its signal, waits for a "
"connection that never ends, or lost its parent.",
		.kernel =
"The hash does not know of generations: each member of the group gets its share until its socket "
"is closed or shut down. Connections that wait in the queue of a socket that is closed are reset, "
"unless net.ipv4.tcp_migrate_req is 1 (Linux 5.14): then they move to another member.",
		.in_code =
"On the signal to stop, take the connections that wait in the queue, close the listening socket, "
"finish what has been accepted, then exit; and set a limit of time to it.\n\n"
"C:\n"
"    /* the listener is non-blocking */\n"
"    while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)\n"
"            add_connection(fd);\n"
"    close(listener);\n"
"    alarm(30);\n\n"
"Python:\n"
"    server.close(); await asyncio.wait_for(server.wait_closed(), 30)\n\n"
"Go:\n"
"    ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)\n"
"    defer cancel()\n"
"    server.Shutdown(ctx)\n\n"
"systemd:\n"
"    [Service]\n"
"    TimeoutStopSec=30",
		.by_operation =
"Stop the old process by its pid, which the finding names. sysctl net.ipv4.tcp_migrate_req=1 saves "
"the connections in its queue.",
	},
	[FINDING_REUSEPORT_STUCK_MEMBER] = {
		.title = "One member of a SO_REUSEPORT group does not take its share",
		.meaning =
"The queue of one socket grows while those of the other members are short. Its share of the "
"clients waits; once the queue is full they are dropped.\n\n"
"It is a note of a member of a multicast group, for what fills its queue may be its own copies, "
"which the others have too; and, while the queue is not full, where a BPF program chooses who of "
"the group receives, which may give one member more.",
		.arises =
"The worker is stopped, in a debugger, in an endless loop, in a lock, or waits for a slow disk or "
"database; or it holds a listening socket that it never accepts from.",
		.kernel =
"A group member is chosen by the hash, or by a BPF program, alone. A full queue is no reason to "
"choose another: for TCP the client's request to connect is dropped (ListenOverflows in "
"/proc/net/netstat counts it), and when the client repeats it the hash leads to the same member "
"again, until it times out. "
"net.ipv4.tcp_abort_on_overflow does not change that. A listener's queue holds one connection more "
"than its backlog. For UDP the datagram is lost; a queue is full when the next one does not fit, "
"so somewhat below its limit (SO_RCVBUF). When a socket is closed what waits in it is reset, for "
"UDP lost; net.ipv4.tcp_migrate_req=1 moves connections to another member, never datagrams.",
		.in_code =
"Accept in a thread or loop that never blocks, and let a supervisor watch each worker.\n\n"
"C: non-blocking accept4() driven by epoll.\n\n"
"Python: asyncio with the blocking parts in run_in_executor().\n\n"
"Go: a goroutine for each connection; accept in its own loop.\n\n"
"systemd:\n"
"    [Service]\n"
"    # The main process calls sd_notify(0, \"WATCHDOG=1\");\n"
"    # others may with NotifyAccess=all.\n"
"    WatchdogSec=10",
		.by_operation =
"Continue (kill -CONT), restart or stop the worker, whose pid the finding names. One shared "
"listening socket instead of one for each worker has no stuck member: whoever is free accepts.",
	},
	[FINDING_INHERITED_LISTENER] = {
		.title = "A process of another program holds a listening socket",
		.meaning =
"A listening socket is open in a process that is not the server: a child that was started by it, "
"and got the descriptor with its birth. While it lives the port stays taken, and when the server "
"is gone clients still connect, to nobody.",
		.arises =
"A server runs a helper, a shell or a daemon with fork() and exec() and the socket lacks the "
"close-on-exec flag. Handing a socket over on purpose, as systemd's socket units, inetd, Postfix, "
"Dovecot and Python's multiprocessing do, is not reported; such a program is known by the file that "
"it runs, and by its name only where that file cannot be seen. Nor is a child made by fork() alone "
"reported that outlives its parent and keeps the port: it runs the same program, as the workers of "
"a server do.\n\n"
"Nor is an upgrade of a server that goes on serving: nginx after SIGUSR2, HAProxy with -x, a Go "
"program that starts its own new version. The old process and the new one have one listener, and the "
"new one is there to serve. It is known by the base name of the program, or of its script: whether "
"the old file was deleted, renamed to nginx.old, or is in the directory of another release, and "
"whatever version is in the name. A new version that is called otherwise looks like any other program "
"that kept the listener.\n\n"
"Where the server is gone and no process but the child has the socket, it is known by the child's "
"program: a shell, sleep, tail, sudo and others of that kind open no ports. Another one, such as a "
"script, may have opened the socket itself: the kernel keeps no record of who did, and nothing is "
"reported.",
		.kernel =
"A socket lives until the last descriptor that refers to it is closed, in whichever process. The "
"state of the port is that of the socket: LISTEN. No flag of a new socket helps against a "
"listener, but SO_REUSEPORT on both with one uid.",
		.in_code =
"C:\n"
"    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);\n"
"    int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);\n\n"
"That works at exec(). A child that goes on without exec() has to close the listener itself.\n\n"
"Python: a program that subprocess starts gets no socket, unless pass_fds or set_inheritable(True) "
"asks for it. os.fork() and multiprocessing with the method \"fork\" copy every descriptor: close "
"the listener in the child, or\n"
"    multiprocessing.set_start_method(\"spawn\")\n\n"
"Go: sockets are close-on-exec; only what is put into exec.Cmd.ExtraFiles is passed.\n\n"
"systemd: a .socket unit keeps the socket open over a restart of the service, which is meant.",
		.by_operation =
"Stop the process that the finding names. With KillMode=control-group (the default of systemd) "
"children end with their service.",
	},
	[FINDING_TIME_WAIT_BLOCKS_BIND] = {
		.title = "Closed connections keep a port from everyone",
		.meaning =
"Closed connections, mostly of a server that is gone, are in TIME-WAIT, or still closing, at an "
"address of the port where no socket lives, and have neither SO_REUSEADDR nor SO_REUSEPORT. Every "
"bind to their local address, or to all addresses, fails with EADDRINUSE until the last of them "
"has ended: at the moment that is named, where a clock ends it. Who listens at other addresses of "
"the port is not concerned.\n\n"
"It is a note where no server had the port, as far as the other ends and the ports tell, by the "
"rule that portshare-probe(1) has, and nobody wants it for one: it was not named alone, and is not reserved. Of clients behind NAT, whose "
"ports may be any, one tells nothing, unless the server's port is below 512; two tell, for without "
"the flags a client cannot bind one address and port for two connections. Of more than 16 such "
"ports one note sums up the others of a network namespace. In "
"net.ipv4.ip_local_port_range what is left is looked at if the port was named alone, or if two "
"clients of the server are still in the snapshot.",
		.arises =
"A server without either flag was stopped while it had connections, or closed them itself: the "
"side that closes first keeps TIME-WAIT. Or a client had bound the port by its number, and closed "
"first.",
		.kernel =
"A TIME-WAIT bucket remembers SO_REUSEADDR and SO_REUSEPORT of its connection, which had them from "
"the listener. A new socket passes if both have SO_REUSEADDR, or both SO_REUSEPORT; uids and "
"programs do not matter. One side alone is not enough. TIME-WAIT lasts 60 seconds and cannot be "
"shortened: net.ipv4.tcp_tw_reuse is about connect() only.\n\n"
"While the client of a server that is gone has not closed, its connection is in FIN-WAIT-2, and "
"keeps the port as well. That lasts as long as net.ipv4.tcp_fin_timeout said when the server "
"closed (60 seconds unless changed); when the client closes before that, TIME-WAIT follows, and "
"its 60 seconds begin then. So the moment that is named is the earliest.\n\n"
"While the other end has not taken all that was sent to it, or has not acknowledged the end, the "
"connection is in FIN-WAIT-1, CLOSING or LAST-ACK, and keeps the port, too. A client that reads "
"slowly holds it there as long as it likes; one that takes nothing at all is given up after some "
"minutes, five or more. Of these, and of FIN-WAIT-2 where tcp_fin_timeout was above 60, no end is "
"named.",
		.in_code =
"Set SO_REUSEADDR on the listening socket before bind(); its connections inherit it.\n\n"
"C:\n"
"    int on = 1;\n"
"    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\n"
"    bind(fd, addr, size);\n\n"
"Python:\n"
"    socketserver.TCPServer.allow_reuse_address = True\n\n"
"asyncio sets it by itself.\n\n"
"Go: net.Listen sets it.\n\n"
"systemd: a .socket unit sets it, and keeps the port over restarts.\n\n"
"Closing with SO_LINGER and a time of 0 avoids TIME-WAIT, but resets the connection and loses what "
"has not been read by the peer.",
		.by_operation =
"Wait until the moment named. Or, as root, in a kernel with CONFIG_INET_DIAG_DESTROY:\n\n"
"    ss -K -t state time-wait state fin-wait-2 'sport = :8080'\n\n"
"The port is free at once. Keep the states in the command: without them ss ends connections that "
"are alive, and those that other programs have made from this port. In FIN-WAIT-2 may also be a "
"connection that a living process has shut down on its side only; ss -tp names that process. "
"Clients that close end FIN-WAIT-2 too, but into TIME-WAIT. FIN-WAIT-1, CLOSING and LAST-ACK of "
"connections that no process holds end by state fin-wait-1 state closing state last-ack, in Linux "
"6.18; older kernels may leave them.\n\n"
"From a client that has bound the port by its number only its own configuration keeps it; from "
"one to which the kernel gave it net.ipv4.ip_local_reserved_ports does, see port-taken-by-client.",
	},
	[FINDING_RESTART_BLOCKED_LATER] = {
		.title = "After a crash this port would stay closed for a minute or more",
		.meaning =
"A listener, or connections of it, have neither SO_REUSEADDR nor SO_REUSEPORT. Nothing is wrong "
"now. When the server ends, what is left of these connections will keep the port. Where the "
"listener alone lacks the flag, its connections will keep it from a server that lacks it again.",
		.arises =
"The server does not set SO_REUSEADDR. Most do. Or it clears it on connections that it has "
"accepted.",
		.kernel =
"When a process ends, the kernel closes its connections; they pass through FIN-WAIT or LAST-ACK "
"and mostly end in TIME-WAIT, with the flags that they had. What counts is the flag of the "
"connection at its end, not that of the listener by then. A connection that its client has closed "
"first leaves no TIME-WAIT, and one that was not accepted is reset: these are not counted.",
		.in_code =
"C:\n"
"    int on = 1;\n"
"    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);\n"
"    bind(fd, addr, size);\n\n"
"Python:\n"
"    socket.create_server((\"\", 8080))       # sets it\n\n"
"Go: net.Listen sets it.\n\n"
"systemd: let a .socket unit hold the port; then a restart needs no bind at all.",
		.by_operation =
"Stop the server while it has no connections, or plan for a minute without it.",
	},
	[FINDING_PORT_TAKEN_BY_CLIENT] = {
		.title = "A connection holds a port that a server wants, or may take it",
		.meaning =
"An outgoing connection has, as its local port, one that is meant for a server: it was named on "
"the command line, or is reserved (a warning), or is one of TCP below 1024 (a note). Where the "
"ports do not tell which end has connected, as portshare-probe(1) says it, it is called a "
"connection only, and it is said so. Or, as a "
"note: a TCP server listens on a port out of which the kernel serves connections, and may find it "
"taken after a restart. If the kernel chose the port (bind to port 0) that does no harm; the kernel "
"keeps no record of it, so it cannot be told. More than three such ports of one process are one "
"note, and after sixteen notes all others of a network namespace are one; a port that was named has "
"its own.",
		.arises =
"The port lies in net.ipv4.ip_local_port_range (32768 to 60999 unless changed) and the kernel gave "
"it to somebody's connection while the server was down; or a client, such as NFS, binds low ports.",
		.kernel =
"connect() takes a free local port of the range, without asking whether a server will want it. A "
"bind to it then conflicts with the connection: both would need SO_REUSEADDR, which clients do not "
"set. If the client closes first, TIME-WAIT keeps the port for another 60 seconds (then it is "
"time-wait-blocks-bind). UDP clients take ports in the same way, but leave nothing behind.",
		.in_code =
"Let servers listen on ports outside of the range. A client that binds a fixed address before "
"connect() should set IP_BIND_ADDRESS_NO_PORT, so that it does not hold a port for itself "
"alone.\n\n"
"C:\n"
"    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);\n\n"
"Python:\n"
"    sock.setsockopt(socket.IPPROTO_IP, 24, 1)      # IP_BIND_ADDRESS_NO_PORT\n\n"
"Go: in net.Dialer.Control, the same option.\n\n"
"systemd: a .socket unit binds early at boot and never lets go.",
		.by_operation =
"Reserve the port; what is reserved can still be bound by its number:\n\n"
"    sysctl net.ipv4.ip_local_reserved_ports=8080,40000-40010\n\n"
"This replaces the list that was there, so name what is in it already; a file in /etc/sysctl.d "
"keeps it over a boot. Then end the connection, or wait for it.\n\n"
"A port outside of net.ipv4.ip_local_port_range the client has bound by its number, from which no "
"sysctl keeps it: configure its source port.",
	},
	[FINDING_BOUND_NOT_LISTENING] = {
		.title = "A TCP socket is bound and does not listen",
		.meaning =
"A socket holds a port but neither listens nor is connected. Others cannot bind the port, and "
"clients are refused, unless another socket listens there. Tools that read /proc/net/tcp do not "
"show it at all.",
		.arises =
"listen() was not called or failed: of two servers with SO_REUSEADDR both may bind, but only one "
"may listen. Or a client bound a port by hand, and its connection was reset. Or a server is just "
"starting.",
		.kernel =
"The bind alone counts for conflicts. listen() asks again, and fails with EADDRINUSE if another "
"socket has begun to listen since; the socket stays bound, and may try once more later. Since 6.8 "
"sock_diag lists such sockets.",
		.in_code =
"Check the result of listen(), and close the socket when it fails.\n\n"
"C:\n"
"    if (listen(fd, SOMAXCONN)) { close(fd); return -1; }\n\n"
"Python: sock.listen() raises OSError; close the socket, or use a with statement.\n\n"
"Go: net.Listen does both steps or none.\n\n"
"systemd: a .socket unit always listens.",
		.by_operation = "Restart or stop the process that holds it.",
	},
	[FINDING_DUAL_STACK_OVERLAP] = {
		.title = "A dual-stack socket overlaps another program's IPv4 socket",
		.meaning =
"One program is bound to [::] and takes IPv4 too, another to an IPv4 address of the same port. "
"IPv4 goes to the second, IPv6 to the first. Which program a client meets depends on the address "
"that it tries first.",
		.arises =
"Servers bind [::] by default and expect IPv4 through it; both set SO_REUSEPORT (one uid), or for "
"UDP SO_REUSEADDR.",
		.kernel =
"Without IPV6_V6ONLY a socket on [::] overlaps 0.0.0.0 and each IPv4 address, in bind() too. For "
"an IPv4 packet an AF_INET socket is preferred to an AF_INET6 one of the same kind of address, "
"whichever came first; of UDP, one that is bound to the device on which the datagram arrives to "
"one that is bound to none. An IPv6 connection of a dual-stack server makes a bind to 0.0.0.0 "
"fail, one to 127.0.0.1 not.",
		.in_code =
"Open a socket for each family, and set IPV6_V6ONLY on the one of IPv6.\n\n"
"C:\n"
"    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);\n\n"
"Python:\n"
"    socket.create_server((\"::\", 8080), family=socket.AF_INET6,\n"
"                         dualstack_ipv6=False)\n\n"
"Go:\n"
"    net.Listen(\"tcp6\", \"[::]:8080\")\n\n"
"systemd:\n"
"    [Socket]\n"
"    BindIPv6Only=ipv6-only",
		.by_operation =
"Give one of the two another port, or configure the first to listen on its IPv6 address. "
"net.ipv6.bindv6only=1 changes the default for all programs.",
	},
	[FINDING_EPHEMERAL_EXHAUSTION] = {
		.title = "The local ports for connections are nearly used up",
		.meaning =
"From one local address to one address and port of a peer, eight of ten local ports or more are in "
"use. When none is left, new connections there fail; others are not concerned. Ports that bound "
"sockets have are not counted, for no connection is given one. Where these are eight of ten, or "
"UDP sockets have as many, it is told without a destination: then all new connections fail.",
		.arises =
"A client that opens a connection for each request, a proxy in front of a single backend, a load "
"test.",
		.kernel =
"A connection is known by both addresses and both ports, so the number of local ports is the limit "
"towards one destination. connect() passes by each port that a socket was bound to by bind(), and "
"an unbound UDP socket takes one that no other has, wherever it sends to. When none is left "
"connect() fails with EADDRNOTAVAIL, bind() to port 0 with EADDRINUSE, an unbound UDP socket with "
"EAGAIN. Connections in TIME-WAIT count; with net.ipv4.tcp_tw_reuse=1 connect() may take their "
"ports after one second, if both ends use TCP timestamps. 2, the default, does so on loopback "
"only.",
		.in_code =
"Keep connections and use them again.\n\n"
"C: a pool of connections; IP_BIND_ADDRESS_NO_PORT where an address is bound before connect().\n\n"
"Python:\n"
"    session = requests.Session()          # keeps connections alive\n\n"
"Go: read the body to its end and close it, or the transport cannot use the connection again\n"
"    io.Copy(io.Discard, resp.Body); resp.Body.Close()\n\n"
"systemd has no part in it.",
		.by_operation =
"    sysctl net.ipv4.ip_local_port_range=\"10000 65000\"\n"
"    sysctl net.ipv4.tcp_tw_reuse=1\n\n"
"A wider range can take ports that servers want: reserve those, see port-taken-by-client. More "
"local addresses, or more addresses or ports of the destination, multiply what there is.",
	},
	[FINDING_TIME_WAIT_OVERFLOW] = {
		.title = "TIME-WAIT sockets reach their limit, or have been cut short",
		.meaning =
"The number of TIME-WAIT sockets is near net.ipv4.tcp_max_tw_buckets (a warning), or connections "
"have been closed without TIME-WAIT because it was reached (a note: the counter counts since the "
"network namespace was made).",
		.arises = "Very many short connections that are closed by this side first.",
		.kernel =
"Above the limit a connection ends without TIME-WAIT, and TCPTimeWaitOverflow in /proc/net/netstat "
"counts it. Its port is free at once, but a segment that comes late may meet the next connection "
"of the same ports, and a peer that missed the last acknowledgement is answered with a reset.",
		.in_code =
"Let the client close first, and keep connections open.\n\n"
"C: after the answer wait for the end of file of the peer before close().\n\n"
"Python and Go: HTTP keep-alive is on by default; do not turn it off.\n\n"
"systemd has no part in it.",
		.by_operation =
"See what the limit is and double it; a TIME-WAIT socket takes 256 bytes or so.\n\n"
"    sysctl net.ipv4.tcp_max_tw_buckets\n"
"    sysctl net.ipv4.tcp_max_tw_buckets=524288",
	},
};

const struct catalogue_entry *catalogue_entry(enum finding_id id)
{
	return &entries[id];
}

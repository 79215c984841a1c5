#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the live view does to terminals, signals and other namespaces; python plays the terminal.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq
netns_need python3
web=$(cd "${top_srcdir:-.}" && pwd)/tests/golden/web.json
cd "$netns_tmp" || exit 99

# play ARGUMENT... <SCRIPT: portshare watch on a terminal, steered by lines of Python with
#	see(TEXT)	until the terminal has been sent this
#	send(KEYS)
#	signal_thread(NUMBER), signal_process(NUMBER)
#	end()		waits for the end; status, echoes (whether the terminal does again), left (its screen is back)
# Prints what the script prints; a text that never comes ends it.
cat >play.py <<'PYTHON'
import ctypes, fcntl, os, pty, select, struct, sys, termios, time

# The terminal stays open here, so that its modes can be asked for after the end.
fd, terminal = pty.openpty()
pid = os.fork()
if pid == 0:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for each in 0, 1, 2:
        os.dup2(terminal, each)
    os.environ["TERM"] = os.environ.get("PLAY_TERM", "xterm-256color")
    os.environ["LC_ALL"] = "C.UTF-8"
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
    os.execv(os.environ["PORTSHARE"], ["portshare", "watch"] + sys.argv[2:])
seen, status, echoes, left = b"", None, None, None

def drain(seconds):
    global seen
    if select.select([fd], [], [], seconds)[0]:
        seen += os.read(fd, 65536)
        return True
    return False

def see(text, forget=True):
    global seen
    until = time.monotonic() + 20
    while text.encode() not in seen:
        drain(0.2)
        if time.monotonic() > until:
            print("never seen:", text, seen[-300:])
            os.kill(pid, 9)
            sys.exit(0)
    if forget:
        seen = seen[seen.index(text.encode()) + len(text):]

def send(keys):
    os.write(fd, keys.encode())

def signal_thread(number):
    thread = max(int(each) for each in os.listdir(f"/proc/{pid}/task"))
    tgkill = {"x86_64": 234}.get(os.uname().machine, 131)
    ctypes.CDLL(None).syscall(tgkill, pid, thread, number)

def signal_process(number):
    os.kill(pid, number)

def end(seconds=20):
    global status, echoes, left
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        drain(0.05)
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            status = os.waitstatus_to_exitcode(code)
            while drain(0.05):
                pass
            break
    else:
        os.kill(pid, 9)
    echoes = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    left = b"\x1b[?1049l" in seen

exec(compile(open(sys.argv[1]).read(), "script", "exec"))
PYTHON
play()
{
	cat >script.py
	python3 play.py script.py "$@" 2>&1
}

play --from "$web" >said <<'PYTHON'
see("tcp:8080")
send("q")
end()
print(status, left, echoes)
PYTHON
is "q: the terminal is given back" "$(cat said)" "0 True True"
# What follows a lone Esc within this time belongs to it: the user's, if there is one.
for delay in '' 1500 soon; do
	cat >script.py <<'PYTHON'
see("tcp:8080")
send("?")
see("this help")
before = time.monotonic()
send("\x1b")
see("tcp:8080")
print(time.monotonic() - before > 1)
send("q")
end()
PYTHON
	ESCDELAY=$delay python3 play.py script.py --from "$web" >said 2>&1
	is "ESCDELAY=$delay" "$(cat said)" "$([ "$delay" = 1500 ] && echo True || echo False)"
done
for number in 15 1 2; do
	play --from "$web" >said <<PYTHON
see("quit")
signal_process($number)
end(5)
print(status, left, echoes)
PYTHON
	is "signal $number, even as soon as there is a picture" "$(cat said)" "-$number True True"
done
play >said <<'PYTHON'
see("quit")
signal_thread(11)
end()
print(status, left, echoes)
PYTHON
is "a crash of the thread that reads" "$(cat said)" "-11 True True"
# What is told of a file is of its moment.
play --from "$web" >said <<'PYTHON'
see("tcp:8080")
send("p")
see("Times left are counted")
send("\x1b")
time.sleep(1)
send("w")
see("portshare-20261120-192026.json")
send("\x1b")
time.sleep(1)
send("q")
end()
print(status)
PYTHON
is "a file: of when it is" "$(cat said)" 0
# A service that only UDP has, as of list.
if getent services tftp/udp >said && ! getent services tftp/tcp >said; then
	play --from "$web" >said <<'PYTHON'
see("tcp:8080")
send("ftftp\r")
see("0 rows")
send("q")
end()
print(status)
PYTHON
	is "a service that only UDP has is a filter" "$(cat said)" 0
else
	skip "a service that only UDP has" "tftp is not known here"
fi
# Shells export what the size was when they began.
LINES=10 COLUMNS=60 play --from "$web" >said <<'PYTHON'
see("sort")
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 9, 59, 0, 0))
see("60x10 is needed")
send("q")
end()
print(status)
PYTHON
is "the size is the terminal's, whatever LINES and COLUMNS say" "$(cat said)" 0
# What other threads and libraries say would tear the picture.
play --netns /nowhere >said <<'PYTHON'
end()
print(status, left, seen.rindex(b"portshare: ") > seen.index(b"\x1b[?1049l"))
PYTHON
is "messages wait until the terminal is free" "$(cat said)" "2 True True"
PLAY_TERM=dumb play --from "$web" >said <<'PYTHON'
end()
print(status, b'cannot be moved on a terminal of the kind "dumb": set TERM' in seen)
PYTHON
is "a terminal whose cursor cannot be moved" "$(cat said)" "2 True"

# Another namespace: its counters, its sockets, its binds. In a thread /proc/net is not the own one.
mkfifo hold ready
cat >other.py <<'PYTHON'
import socket, sys
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("127.0.0.1", 0))
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
for i in range(500):
    receiver.sendto(bytes(1000), receiver.getsockname())
server = socket.socket()
server.bind(("127.0.0.1", 18379))
server.listen()
print("ready", flush=True)
sys.stdin.read()
PYTHON
unshare -n sh -c 'ip link set lo up; exec python3 other.py' <hold >ready &
other=$!
exec 8>hold
read -r _ <ready
of_list=$("$PORTSHARE" list --netns "$other" --json 2>/dev/null | jq '.netns[0].counters.UdpRcvbufErrors')
play --netns "$other" >said <<'PYTHON'
see("tcp:18379")
send("w\x15written.json\r")
see("Written")
send("q")
end()
PYTHON
ok "of another namespace: counters that have moved" test "$of_list" -gt 100
is "and are read in the thread too" "$(jq '.netns[0].counters.UdpRcvbufErrors' written.json)" "$of_list"
is "a snapshot is for its owner alone" "$(stat -c %a written.json)" 600
play --all-netns tcp:18379 >said <<'PYTHON'
see("held by")
send("p")
see("EADDRINUSE")
send("q")
send("q")
end()
print(status)
PYTHON
is "p asks in the namespace of the socket" "$(cat said)" 0
exec 8>&-
wait "$other"

# p binds nothing: not even what harms nobody.
mksock_start listening,addr=127.0.0.1,port=7001,reuseaddr || exit 99
play tcp:7001 >said <<'PYTHON'
see("tcp 127.0.0.1:7001, LISTEN")
send("p")
see("Could this be bound")
see("Esc back", forget=False)
print(b"held for" in seen)
send("q")
send("q")
end()
PYTHON
is "p has no live answer" "$(cat said)" False

# The socket stays, and one of its holders ends: of a port that was named that is seen at once.
cat >handover.py <<'PYTHON'
import os, signal, socket
server = socket.socket()
server.bind(("127.0.0.1", 7002))
server.listen()
child = os.fork()
if child:
    print(os.getpid(), child, flush=True)
signal.pause()
PYTHON
mkfifo pids
python3 handover.py >pids 8>&- &
read -r old new <pids
OLD=$old play tcp:7002 -n 200ms >said <<'PYTHON'
see("tcp 127.0.0.1:7002, LISTEN")
old = os.environ["OLD"]
see(old)
time.sleep(1)
before = time.monotonic()
os.kill(int(old), 9)
see("Served by these since")
print(time.monotonic() - before < 5)
send("q")
end()
PYTHON
kill "$new"
wait "$old" 2>/dev/null
is "a holder that ends is seen at once" "$(cat said)" True

# Ten thousand keys with other sizes among them, while sockets come and go. Not w, which would write files anywhere.
cat >churn.py <<'PYTHON'
import socket, time
while True:
    kept = []
    for port in range(7100, 7120):
        s = socket.socket()
        s.bind(("127.0.0.1", port))
        s.listen()
        kept.append(s)
        time.sleep(0.02)
PYTHON
python3 churn.py 8>&- &
churn=$!
seed=${PORTSHARE_SEED:-20261129}
diag "PORTSHARE_SEED=$seed"
PORTSHARE_SEED=$seed play -n 100ms >said <<'PYTHON'
import random
random.seed(int(os.environ["PORTSHARE_SEED"]))
special = ["\x1b[A", "\x1b[B", "\x1bOA", "\x1bOB", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[Z", "\x1b", "\t", "\r", "\x7f",
           "\x15", "\x0c", "\x1b[<0;5;7M", "\x1b[<64;5;7M", "\x1b[<65;5;7M", "日", "\u0301", "\u202e", "\U0001f600"]
printable = [chr(each) for each in range(32, 127) if chr(each) not in "qw"]
see("quit")
sizes = [(60, 200), (10, 60), (24, 80), (5, 20), (1, 1), (40, 120)]
for i in range(500):
    send("".join(random.choice(special if random.random() < 0.3 else printable) for _ in range(20)))
    if i % 10 == 0:
        rows, columns = random.choice(sizes)
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    while drain(0.005):
        seen = b""
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
for _ in range(6):
    send("\x1b")
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        drain(0.05)
send("?")
see("this help")
send("q")
send("q")
end()
print(status, left, echoes)
PYTHON
kill "$churn"
wait "$churn" 2>/dev/null
is "10,000 keys: it still answers, and ends as told" "$(cat said)" "0 True True"

# The process that --netns names ends: its namespace is watched on.
cat >keeper.py <<'PYTHON'
import signal, socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 18380))
server.listen()
print("ready", flush=True)
signal.pause()
PYTHON
mkfifo keeps
unshare -n sh -c 'ip link set lo up; python3 keeper.py & echo "$!"; exec sleep 100 >slept' 8>&- >keeps &
named=$!
{
	read -r keeper
	read -r _
} <keeps
"$PORTSHARE" watch --batch --netns "$named" -n 100ms -c 40 >frames 2>err &
watcher=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	grep -q 'tcp:18380' frames && break
	sleep 0.1
done
kill "$named"
wait "$named" 2>/dev/null
wait "$watcher"
is "the process that --netns names ends: frames of its namespace" "$? $(cat err) $(grep -c 'tcp:18380' frames)" "0  40"
kill "$keeper"

# Readings that fail from some moment on: they are tried again some times, and why they fail is said once.
# (A search for leaks would need descriptors, too.)
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 play -n 100ms >said <<'PYTHON'
import resource
see("quit")
resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3))
end()
print(status, left, echoes)
print(seen.decode(errors="replace"))
PYTHON
is "readings that fail: it ends" "$(head -1 said)" "2 True True"
is "readings that fail: why is said once" "$(grep -c 'portshare: .*Too many open files' said)" 1
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes README's example anew, as root: sockets in namespaces of its own, the snapshot readme.json
# beside this file, and on stdout the screen for README.md. Not a test.

set -eu
here=$(cd "$(dirname "$0")" && pwd)
portshare=$(cd "$(dirname "${PORTSHARE:-./portshare}")" && pwd)/portshare

PORTSHARE=$portshare
export PORTSHARE
cd /
unshare --net --pid --uts --mount --fork --kill-child --mount-proc \
	sh -c 'mount -t tmpfs none /srv && cat >/srv/web1.py && exec /usr/bin/python3 /srv/web1.py' \
	>"$here/readme.json" <<"END"
import ctypes, json, os, signal, socket, subprocess, sys, time

WWW, NOBODY = 33, 65534
socket.sethostname("web1")
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
with open("/proc/sys/kernel/ns_last_pid", "w") as f:
    f.write("899")

def tcp(port, addr=False, shared=False, host="0.0.0.0", family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, addr)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
    s.bind((host, port))
    s.listen(511)
    return s

def udp(port, addr=False, host="0.0.0.0"):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, addr)
    s.bind((host, port))
    return s

def connect(port, count):
    return [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]

def rename(name):
    # By prctl(PR_SET_NAME): /proc/self/comm belongs to root once the uid has changed.
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)

def run(name, uid, work):
    """A process of this name; returns when its work is done and it sleeps."""
    ready, done = os.pipe()
    if os.fork() == 0:
        os.close(ready)
        rename(name)
        os.setgid(uid)
        os.setuid(uid)
        kept = work()
        os.write(done, b"x")
        signal.pause()
    os.close(done)
    os.read(ready, 1)
    os.close(ready)

def accept_all(listener, count):
    return [listener.accept()[0] for _ in range(count)]

# A server that is gone: it closed its connections first, so that their TIME-WAIT is on its port.
gone = tcp(9000)
clients = connect(9000, 3)
for s in accept_all(gone, 3):
    s.close()
for s in clients:
    s.close()
gone.close()

# Four workers in one reuseport group.
for _ in range(4):
    run("api", WWW, lambda: tcp(8080, addr=True, shared=True))

# A listener and its connections, the listener inherited by a helper.
def dbd():
    listener = tcp(5432, addr=True, host="127.0.0.1")
    if os.fork() == 0:
        rename("dbd-backup")
        signal.pause()
    return listener, clients_of(listener)

def clients_of(listener):
    ready, done = os.pipe()
    if os.fork() == 0:
        listener.close()
        rename("api")
        kept = connect(5432, 6)
        os.write(done, b"x")
        signal.pause()
    os.read(ready, 1)
    return accept_all(listener, 6)
run("dbd", NOBODY, dbd)

# Two unrelated programs on one UDP port.
run("sipd", 0, lambda: udp(5060, addr=True))
run("softphone", NOBODY, lambda: udp(5060, addr=True))

time.sleep(0.2)
json_text = subprocess.run([os.environ["PORTSHARE"], "--json"], check=True, stdout=subprocess.PIPE).stdout
snapshot = json.loads(json_text)
print(json_text.decode().replace(snapshot["kernel"], snapshot["kernel"].split("-")[0]), end="")
sys.stdout.flush()
os.kill(-1, signal.SIGKILL)
END

"$portshare" --from "$here/readme.json"

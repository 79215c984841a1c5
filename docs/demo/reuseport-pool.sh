#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A pool of workers shares a port by SO_REUSEPORT. One of them hangs, and its share of the
# connections hangs with it; and somebody else would like to join.

# shellcheck source=docs/demo/private.sh
. "$(dirname "$0")/private.sh"
private "$0" "$@"

cat >pool.py <<'END'
import os, signal, socket, threading, time

def worker(hangs):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", 8080))
    s.listen(16)
    os.write(done, b"x")
    while hangs:
        signal.pause()
    kept = []
    while True:
        kept.append(s.accept()[0])

ready, done = os.pipe()
for number in range(3):
    if os.fork() == 0:
        worker(number == 2)
    os.read(ready, 1)
clients = []
for _ in range(30):
    c = socket.socket()
    c.setblocking(False)
    c.connect_ex(("127.0.0.1", 8080))
    clients.append(c)
time.sleep(0.3)
print("ready", flush=True)
signal.pause()
END
start pool.py

show list -l tcp:8080
show check tcp:8080
show probe tcp:127.0.0.1:8080 --reuseport

# SPDX-License-Identifier: GPL-2.0-or-later
# Three workers that share port 8080 by SO_REUSEPORT, and clients of theirs. The last worker hangs.
import os, signal, socket, threading, time

def worker(hangs):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", 8080))
    s.listen(128)
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
for _ in range(120):
    c = socket.socket()
    c.setblocking(False)
    c.connect_ex(("127.0.0.1", 8080))
    clients.append(c)
time.sleep(0.5)
print("ready", flush=True)
signal.pause()

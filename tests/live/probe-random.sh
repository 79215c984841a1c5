#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What probe says of UDP ports that many hold is held against the kernel, on random ports: that all of those in the way have
# to go and no other, and who loses what to the new socket. PORTSHARE_CASES changes how many, PORTSHARE_SEED which.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need python3
cd "$netns_tmp" || exit 99
mksock_start udp,port=4000,reuseaddr || exit 99
"$PORTSHARE" --json >saved.json 2>/dev/null
mksock_stop
grep -q '"evidence": *"\(bpf\|getsockopt\)"' saved.json || skip_all "the reuse flags cannot be read here"
ip -6 addr add fd00::1/128 dev lo nodad || skip_all "there is no IPv6 here"
seed=${PORTSHARE_SEED:-1}
cases=${PORTSHARE_CASES:-60}

cat >ports.py <<'PY'
import json
import os
import random
import socket
import subprocess
import sys

PORT = 5060
seed, cases = int(sys.argv[1]), int(sys.argv[2])
random.seed(seed)


def bind(address, reuseaddr, reuseport, v6only):
    six = ":" in address
    s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
    if six:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if reuseaddr:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuseport:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.setblocking(False)
    s.bind((address, PORT))
    return s


def try_bind(*what):
    try:
        return bind(*what)
    except OSError:
        return None


def random_port(most, often):
    sockets = {}
    for _ in range(random.randint(1, most)):
        s = try_bind(random.choice(["0.0.0.0", "127.0.0.1", "::", "::", "::1"]), random.random() < often,
                     random.random() < 0.5, random.random() < 0.4)
        if s:
            sockets[os.fstat(s.fileno()).st_ino] = s
    return sockets


def random_candidate(often):
    address = random.choice(["0.0.0.0", "127.0.0.1", "::", "::1"])
    return (address, random.random() < often, random.random() < often / 1.5, address == "::" and random.random() < 0.5)


def probe(address, reuseaddr, reuseport, v6only):
    command = [os.environ["PORTSHARE"], "probe", "--model", "--json", "-6" if ":" in address else "-4",
               "--address", address, "udp:%d" % PORT]
    command += ["--reuseaddr"] * reuseaddr + ["--reuseport"] * reuseport + ["--v6only"] * v6only
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout)


def wrong(what, *details):
    print("seed %d: %s: %r" % (seed, what, details))


def close(sockets):
    for s in sockets.values():
        s.close()
PY

cat >in-the-way.py <<'PY'
from ports import *

several = 0
while cases:
    sockets = random_port(random.choice([5, 16]), 0.6)
    candidate = random_candidate(0.3)
    said = probe(*candidate)
    if said["verdict"]["answer"] == "no":
        cases -= 1
        at = [said["snapshot"]["sockets"][each["socket"]]["inode"] for each in said["blockers"]]
        several += len(at) > 1
        for inode in at:
            if try_bind(*candidate):
                wrong("passes while one is in the way", candidate, at)
                break
            sockets.pop(inode).close()
        else:
            s = try_bind(*candidate)
            if not s:
                wrong("fails when all have gone", candidate, at)
            else:
                s.close()
    close(sockets)
if not several:
    wrong("no port had several in the way")
PY

cat >takeover.py <<'PY'
from ports import *

PLACES = ["127.0.0.1", "127.0.0.9", "::1", "fd00::1"]


def received(sockets):
    """By socket, where it received something of what many senders sent."""
    got = {inode: set() for inode in sockets}
    for place in PLACES:
        family = socket.AF_INET6 if ":" in place else socket.AF_INET
        for _ in range(120):
            with socket.socket(family, socket.SOCK_DGRAM) as sender:
                try:
                    sender.sendto(b"x", (place, PORT))
                except OSError:
                    pass
        for inode, s in sockets.items():
            try:
                while True:
                    s.recv(8)
                    got[inode].add(place)
            except OSError:
                pass
    return got


def kind_of_loss(address, lost, kept):
    if not kept:
        return "all"
    if address not in ("0.0.0.0", "::"):
        return "to " + address
    families = {":" in place for place in lost}
    return "both" if len(families) > 1 else "over IPv6" if True in families else "over IPv4"


def kind_of_note(address, note):
    for kind in ("to " + address, "over IPv4", "over IPv6"):
        if " now " + kind in note:
            return kind
    return "all"


losers = 0
while cases:
    sockets = random_port(4, 0.8)
    candidate = random_candidate(0.8)
    before = received(sockets)
    said = probe(*candidate)
    new = try_bind(*candidate)
    if bool(new) != (said["verdict"]["answer"] == "yes"):
        wrong("it can be bound, or not", candidate)
    if new:
        cases -= 1
        after = received(dict(sockets, new=new))
        new.close()
        real = {kind_of_loss(candidate[0], before[each] - after[each], after[each])
                for each in sockets if before[each] - after[each]}
        told = {kind_of_note(candidate[0], note) for note in said["verdict"]["notes"] if "unicast" in note}
        losers += len(real)
        if real != told:
            wrong("who loses", candidate, real, said["verdict"]["notes"])
    close(sockets)
if not losers:
    wrong("nobody lost anything")
PY

is "UDP: all that is in the way has to go, and nothing else" "$(python3 in-the-way.py "$seed" "$cases" 2>&1)" ""
is "UDP: who loses what to the new socket" "$(python3 takeover.py "$seed" "$cases" 2>&1)" ""
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What probe says of UDP ports that many hold is held against the kernel, on random ports: that all of those in the way have
# to go and no other, and who loses what to the new socket; and of UDP and TCP, who receives where some are bound to devices.
# PORTSHARE_CASES changes how many, PORTSHARE_SEED which.

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
ip address add 10.8.0.1/32 dev lo
has_other=no
if ip link add other type dummy 2>/dev/null || ip link add other type veth peer name other-end 2>/dev/null; then
	ip link set other up
	ip address add 10.9.0.1/24 dev other && has_other=yes
fi
seed=${PORTSHARE_SEED:-1}
cases=${PORTSHARE_CASES:-60}

cat >ports.py <<'PY'
import json
import os
import random
import socket
import struct
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

cat >devices.py <<'PY'
from ports import *

HERE = {"10.8.0.1": "lo", "fd00::1": "lo", "127.0.0.1": "lo"}
if sys.argv[3] == "yes":
    HERE["10.9.0.1"] = "other"
DEVICES = [None, "lo"] + ["other"] * (sys.argv[3] == "yes")


def bind_on(kind, address, device, reuseaddr, reuseport):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuseaddr)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuseport)
    if device:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    s.setblocking(False)
    try:
        s.bind((address, PORT))
        if kind == socket.SOCK_STREAM:
            s.listen(256)
        return s
    except OSError:
        s.close()
        return None


def take(s):
    """One datagram or connection, if there is one."""
    try:
        if s.type == socket.SOCK_STREAM:
            s.accept()[0].close()
        else:
            s.recv(8)
        return True
    except OSError:
        return False


def received(sockets, kind, place):
    """Who receives what this host sends."""
    for _ in range(100):
        with socket.socket(socket.AF_INET6 if ":" in place else socket.AF_INET, kind) as sender:
            sender.settimeout(0.2)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            try:
                sender.connect((place, PORT))
                if kind == socket.SOCK_DGRAM:
                    sender.send(b"x")
            except OSError:
                pass
    got = set()
    for inode, s in sockets.items():
        while take(s):
            got.add(inode)
    return got


known = unknown = at_lo = 0
while cases:
    kind = random.choice([socket.SOCK_DGRAM, socket.SOCK_STREAM])
    place = random.choice(sorted(HERE))
    flags = random.choice([(1, 0), (0, 1), (1, 1)]) if kind == socket.SOCK_DGRAM else (0, 1)
    sockets = {}
    for _ in range(random.randint(1, 4)):
        s = bind_on(kind, random.choice([place, place, "::" if ":" in place else "0.0.0.0"]), random.choice(DEVICES), *flags)
        if s:
            sockets[os.fstat(s.fileno()).st_ino] = s
    # Of no device, or of the one that has the address.
    device = random.choice([None, HERE[place]])
    command = [os.environ["PORTSHARE"], "probe", "--model", "--json", "--reuseaddr", "--reuseport",
               "%s:%s:%d" % ("udp" if kind == socket.SOCK_DGRAM else "tcp", "[%s]" % place if ":" in place else place, PORT)]
    command += ["--device", device] if device else []
    said = json.loads(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    before = said["delivery"]["before"]
    limited = any("depends on the device" in limit["text"] for limit in said["limits"])
    real = received(sockets, kind, place)
    cases -= 1
    if before is None:
        unknown += 1
        if not limited or device or place == "127.0.0.1":
            wrong("not known, and it is not the device", command, said["limits"])
    else:
        known += 1
        told = {said["snapshot"]["sockets"][each["socket"]]["inode"] for each in before}
        at_lo += any(b"lo" in sockets[each].getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16) for each in told)
        if told != real:
            wrong("who receives", command, told, real)
    close(sockets)
if not known or not unknown or not at_lo:
    wrong("too few cases", known, unknown, at_lo)
PY

is "UDP: all that is in the way has to go, and nothing else" "$(python3 in-the-way.py "$seed" "$cases" 2>&1)" ""
is "UDP: who loses what to the new socket" "$(python3 takeover.py "$seed" "$cases" 2>&1)" ""
is "who receives, by sockets that are bound to devices" "$(python3 devices.py "$seed" "$cases" "$has_other" 2>&1)" ""
done_testing

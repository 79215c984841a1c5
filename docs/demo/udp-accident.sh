#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two SIP programs are set to one port. Both set SO_REUSEADDR, as asyncio once did for every UDP
# server, so neither gets an error at start, and one of them gets no datagram any more.

# shellcheck source=docs/demo/private.sh
. "$(dirname "$0")/private.sh"
private "$0" "$@"

cat >sipd.py <<'END'
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 5060))
print("ready", flush=True)
time.sleep(600)
END
cp sipd.py softphone.py
start sipd.py
start softphone.py

show check udp:5060 --ignore udp-hijackable
show probe udp:5060 --reuseaddr

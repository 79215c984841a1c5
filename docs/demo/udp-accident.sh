#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Two SIP programs are set to one port. Both set SO_REUSEADDR, as asyncio once did for every UDP
# server, so neither gets an error at start, and one of them gets no datagram any more.

# shellcheck source=docs/demo/private.sh
. "$(dirname "$0")/private.sh"
private "$0" "$@"

cp "$demo/sipd.py" sipd.py
cp "$demo/sipd.py" softphone.py
start sipd.py
start softphone.py

show check udp:5060 --ignore udp-hijackable
show probe udp:5060 --reuseaddr

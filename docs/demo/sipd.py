# SPDX-License-Identifier: GPL-2.0-or-later
# A SIP program that sets SO_REUSEADDR, and is set to port 5060.
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 5060))
print("ready", flush=True)
time.sleep(600)

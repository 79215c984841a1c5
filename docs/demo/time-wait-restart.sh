#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A server without SO_REUSEADDR dies while clients are connected, and cannot be started again.
# Nothing listens, nothing holds the port, and yet bind() says EADDRINUSE. Then the same with a
# server that sets the flag.

# shellcheck source=docs/demo/private.sh
. "$(dirname "$0")/private.sh"
private "$0" "$@"

cat >server.py <<'END'
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, "reuse" in sys.argv)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
clients = [socket.create_connection(s.getsockname()) for _ in range(3)]
served = [s.accept()[0] for _ in clients]
for each in served + clients:
    each.close()
print("dead", flush=True)
END
start server.py 8080
start server.py 8081 reuse

show probe tcp:127.0.0.1:8080 --reuseaddr
show probe tcp:127.0.0.1:8081 --reuseaddr
show wait tcp:127.0.0.1:8081 --reuseaddr -- echo the server starts here

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes docs/watch.png: the live view of a host with three troubles, photographed in a terminal that
# tmux plays. Needs tmux, python3-pil and fonts-dejavu-core. Usage: watch-picture.sh FILE.png

# shellcheck source=docs/demo/private.sh
. "$(dirname "$0")/private.sh"
file=$(realpath "${1:-watch.png}")
private "$0" "$file"

cp "$demo/sipd.py" sipd.py
cp "$demo/sipd.py" softphone.py
cp "$demo/pool.py" .
cat >dead.py <<'END'
# A server without SO_REUSEADDR that has been killed, and its connections that it had closed.
import signal, socket
s = socket.socket()
s.bind(("127.0.0.1", 8443))
s.listen()
for _ in range(5):
    c = socket.create_connection(("127.0.0.1", 8443))
    s.accept()[0].close()
    c.close()
s.close()
print("ready", flush=True)
signal.pause()
END
cat >web.py <<'END'
import signal, socket
kept = []
for port in 22, 5432, 6379:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", port))
    s.listen()
    kept.append(s)
    for _ in range(port % 7):
        kept += [socket.create_connection(("127.0.0.1", port)), s.accept()[0]]
print("ready", flush=True)
signal.pause()
END
start web.py
start sipd.py
start softphone.py
start pool.py
start dead.py

TMUX_TMPDIR=$PWD
export TMUX_TMPDIR
terminal() {
	tmux -u -L picture -f /dev/null "$@"
}
terminal new-session -d -x 112 -y 32 "env TERM=xterm-256color LC_ALL=C.UTF-8 '$PORTSHARE' watch"
terminal set-option -g status off
terminal resize-window -x 112 -y 32
sleep 8
terminal capture-pane -p -e >screen
terminal kill-server
/usr/bin/python3 "$demo/paint.py" screen "$1"

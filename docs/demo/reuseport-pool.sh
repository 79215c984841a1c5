#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A pool of workers shares a port by SO_REUSEPORT. One of them hangs, and its share of the
# connections hangs with it; and somebody else would like to join.

# shellcheck source=docs/demo/private.sh
. "$(dirname "$0")/private.sh"
private "$0" "$@"

cp "$demo/pool.py" .
start pool.py

show list -l tcp:8080
show check tcp:8080
show probe tcp:127.0.0.1:8080 --reuseport

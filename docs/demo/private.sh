# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# private.sh - a network, and processes, that the demonstrations have to themselves; to be sourced.
#
#	private "$0" "$@"	starts the script again in namespaces of its own
#	start FILE ARGUMENT...	runs a Python program and returns when it prints a line
#	show ARGUMENT...	prints a command of portshare as at a prompt, and runs it
#
# PORTSHARE is the program to show; by default the one of this tree. $demo is the directory of the demonstrations.

private() {
	demo=$(cd "$(dirname "$1")" && pwd)
	PORTSHARE=${PORTSHARE:-$demo/../../portshare}
	export PORTSHARE
	if [ -z "${DEMO_PRIVATE-}" ]; then
		flags='--net --pid --mount --fork --kill-child --mount-proc'
		[ "$(id -u)" = 0 ] || flags="--user --map-root-user $flags"
		DEMO_PRIVATE=$(mktemp -d)
		export DEMO_PRIVATE
		trap 'rm -rf "$DEMO_PRIVATE"' EXIT
		# shellcheck disable=SC2086 # words
		unshare $flags sh "$@"
		exit
	fi
	ip link set lo up
	cd "$DEMO_PRIVATE" || exit 1
	# Numbers of processes as on a host, where that may be set.
	echo 899 2>/dev/null >/proc/sys/kernel/ns_last_pid || :
}

start() {
	rm -f ready
	mkfifo ready
	/usr/bin/python3 "$@" >ready &
	read -r _ <ready
}

show() {
	echo "\$ portshare $*"
	"$PORTSHARE" "$@" 2>&1 || :
	echo
}

# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# netns.sh - tests in a network of their own; to be sourced after tap.sh.
#
#	netns_enter [-m] "$0" "$@"
#		First call of a test: starts the script again in a new network namespace (with -m in a new mount namespace too) in which
#		lo is up, as root directly, as an ordinary user in a new user namespace. Skips when the kernel refuses.
#	mksock_start SPEC...
#		Starts mksock in the background and returns when it is ready: mksock_pid is its process, mksock_out the file with
#		its lines. Otherwise returns its status (77: cannot be made here) with the message in mksock_error.
#	mksock_get KEY [WORD...]
#		The value of KEY in the first line of the last mksock that has all the WORDs (role=listener, spec=2).
#	mksock_stop; mksock_stop_pid PID
#		Ends the last one, or that one, and waits until it and all its helpers are gone. What is left at the end is ended then.
#	as_user COMMAND...
#		Runs a command without privilege: as uid 65534 under real root, without any capability in a user namespace.
#	user_program FILE
#		Prints the path of a copy of a program that as_user can reach wherever the build directory is.
#
# netns_tmp is a directory for the test, and its TMPDIR; removed at the end. netns_exit_hook, if a test defines it, is called before.

netns_tmp=
mksock_pids=
mksock_n=0
mksock_pid=
mksock_out=
mksock_error=

# A missing tool is a broken test environment, never a reason to skip.
netns_need()
{
	command -v "$1" >/dev/null 2>&1 && return 0
	echo "Bail out! $1 is not installed"
	exit 99
}

netns_enter()
{
	netns_flags=-n
	if [ "$1" = -m ]; then
		netns_flags=-mn
		shift
	fi
	netns_need unshare
	netns_need ip
	netns_need setpriv
	if [ "${NETNS_INSIDE-}" != "$(readlink /proc/self/ns/net)" ]; then
		[ "$(id -u)" = 0 ] || netns_flags=-Ur${netns_flags#-}
		netns_refusal=$(unshare "$netns_flags" true 2>&1) ||
			skip_all "the kernel refuses a private network: $netns_refusal"
		# shellcheck disable=SC2016 # expanded inside
		exec unshare "$netns_flags" sh -c \
			'NETNS_INSIDE=$(readlink /proc/self/ns/net); export NETNS_INSIDE; exec "${NETNS_SHELL:-sh}" "$@"' sh "$@"
	fi
	# A second test that this one starts is to get a network of its own.
	unset NETNS_INSIDE
	netns_tmp=$(mktemp -d "${TMPDIR:-/tmp}/netns-XXXXXX") || exit 99
	chmod 755 "$netns_tmp"
	# What a killed program leaves behind goes with the directory.
	TMPDIR=$netns_tmp
	export TMPDIR
	trap netns_exit EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# Otherwise a reader that is gone, as of a broken pipeline, would leave the directory behind.
	trap 'exit 141' PIPE
	mkfifo "$netns_tmp/alive"
	# mksock lives as long as somebody could write: until this shell ends, however it does.
	exec 9<>"$netns_tmp/alive"
	ip link set lo up || exit 99
}

netns_exit()
{
	netns_status=$?
	trap - EXIT
	if command -v netns_exit_hook >/dev/null 2>&1; then
		netns_exit_hook
	fi
	for mksock_each in $mksock_pids; do
		kill "$mksock_each" 2>/dev/null
		wait "$mksock_each" 2>/dev/null
	done
	exec 9>&-
	rm -rf "$netns_tmp"
	exit "$netns_status"
}

mksock_start()
{
	mksock_n=$((mksock_n + 1))
	mksock_out=$netns_tmp/mksock.$mksock_n
	mkfifo "$mksock_out.fifo"
	"${MKSOCK:?}" "$@" <"$netns_tmp/alive" >"$mksock_out.fifo" 2>"$mksock_out.err" 9>&- &
	mksock_pid=$!
	# Ends at "ready", or at the end of the output: then it has failed.
	if sed '/^ready$/q' <"$mksock_out.fifo" >"$mksock_out" && [ "$(tail -n 1 "$mksock_out")" = ready ]; then
		rm -f "$mksock_out.fifo"
		mksock_pids="$mksock_pids $mksock_pid"
		mksock_error=
		return 0
	fi
	rm -f "$mksock_out.fifo"
	wait "$mksock_pid"
	mksock_status=$?
	# shellcheck disable=SC2034 # for the test
	mksock_error=$(cat "$mksock_out.err")
	mksock_pid=
	[ "$mksock_status" -ne 0 ] || mksock_status=1
	return "$mksock_status"
}

mksock_get()
{
	mksock_key=$1
	shift
	mksock_words="$*" awk -v key="$mksock_key" '
		BEGIN { n = split(ENVIRON["mksock_words"], words, " ") }
		{
			for (i = 1; i <= n; i++)
				if (index(" " $0 " ", " " words[i] " ") == 0)
					next
			for (i = 1; i <= NF; i++)
				if (index($i, key "=") == 1) {
					print substr($i, length(key) + 2)
					exit
				}
		}' "$mksock_out"
}

mksock_stop_pid()
{
	mksock_left=
	for mksock_each in $mksock_pids; do
		if [ "$mksock_each" = "$1" ]; then
			kill "$mksock_each"
			wait "$mksock_each"
		else
			mksock_left="$mksock_left $mksock_each"
		fi
	done
	mksock_pids=$mksock_left
}

mksock_stop()
{
	mksock_stop_pid "$mksock_pid"
}

as_user()
{
	# Only one uid is mapped in a user namespace made by an ordinary user.
	if [ "$(awk '{ n += $3 } END { print (n > 65534) }' /proc/self/uid_map)" = 1 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all "$@"
	else
		setpriv --bounding-set=-all --inh-caps=-all "$@"
	fi
}

user_program()
{
	cp "$1" "$netns_tmp/${1##*/}" && chmod 755 "$netns_tmp/${1##*/}" && echo "$netns_tmp/${1##*/}"
}

# shellcheck shell=sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tap.sh - the Test Anything Protocol for tests in POSIX sh; to be sourced.
#
#	ok NAME COMMAND [ARGUMENT...]	holds when COMMAND succeeds; its output becomes the diagnostic when it fails
#	not_ok NAME COMMAND [ARGUMENT...]	holds when COMMAND fails
#	is NAME GOT EXPECTED		two strings
#	like NAME STRING ERE		STRING, as a whole or one of its lines, matches the extended regular expression
#	unlike NAME STRING ERE
#	pass NAME; fail NAME [TEXT]
#	skip NAME REASON		one check that could not be made
#	skip_all REASON			ends the script
#	plan N				optional; done_testing writes it otherwise
#	done_testing			last line of the script: ends it with 0 when every check held

tap_run=0
tap_failed=0
tap_planned=

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}

plan()
{
	tap_planned=$1
	echo "1..$1"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

# A description must not look like a directive.
tap_line()
{
	tap_run=$((tap_run + 1))
	printf '%s %d - %s\n' "$1" "$tap_run" "$(printf %s "$2" | tr '#\n' '= ')"
}

pass()
{
	tap_line ok "$1"
}

fail()
{
	tap_failed=$((tap_failed + 1))
	tap_line 'not ok' "$1"
	if [ -n "${2-}" ]; then
		diag "$2"
	fi
	return 0
}

skip()
{
	tap_run=$((tap_run + 1))
	echo "ok $tap_run - $1 # SKIP $2"
}

ok()
{
	tap_name=$1
	shift
	if tap_output=$("$@" 2>&1); then
		pass "$tap_name"
	else
		fail "$tap_name" "exit status $? of: $*
$tap_output"
	fi
}

not_ok()
{
	tap_name=$1
	shift
	if tap_output=$("$@" 2>&1); then
		fail "$tap_name" "succeeded, but should not: $*
$tap_output"
	else
		pass "$tap_name"
	fi
}

is()
{
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "     got: $2
expected: $3"
	fi
}

like()
{
	if printf '%s\n' "$2" | grep -E -q -e "$3"; then
		pass "$1"
	else
		fail "$1" "     got: $2
expected to match: $3"
	fi
}

unlike()
{
	if printf '%s\n' "$2" | grep -E -q -e "$3"; then
		fail "$1" "     got: $2
expected not to match: $3"
	else
		pass "$1"
	fi
}

done_testing()
{
	[ -n "$tap_planned" ] || plan "$tap_run"
	if [ "$tap_failed" -gt 0 ]; then
		diag "$tap_failed of $tap_run checks failed"
		exit 1
	fi
	if [ "$tap_planned" -ne "$tap_run" ] || [ "$tap_run" -eq 0 ]; then
		diag "planned $tap_planned checks, ran $tap_run"
		exit 1
	fi
	exit 0
}

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the archives ask of the world: libcore.a links alone, and only source and probe have sockets.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
cd "${builddir:-.}" || exit 1

[ -f libcore.a ] || skip_all 'libcore.a has not been built here'
${NM:-nm} -V >/dev/null 2>&1 || skip_all 'no nm'

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# "object symbol" for each symbol that a file or the objects of an archive leave undefined.
undefined() {
	"${NM:-nm}" -A -u "$@" | sed -E 's/^(.*:)? *[Uw] ([^@]*).*$/\1 \2/; s/^.*[:\/]([^:\/]*\.o): /\1 /'
}

# In an archive, what no object of it defines: the archive's own needs.
needs() {
	"${NM:-nm}" -g --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u >"$scratch/defined"
	undefined "$1" | sort -u >"$scratch/undefined"
	awk 'NR == FNR { defined[$1]; next } !($2 in defined)' "$scratch/defined" "$scratch/undefined"
}

# Lines whose symbol is one of the words of the extended regular expression.
among() {
	grep -E " ($1)\$"
}

socket_calls='socket|socketpair|bind|listen|accept4?|connect|shutdown|getsockopt|setsockopt'
socket_calls="$socket_calls|getsockname|getpeername|send|sendto|sendmsg|sendmmsg|recv|recvfrom|recvmsg|recvmmsg"
socket_calls="$socket_calls|setns|unshare|pidfd_open|pidfd_getfd|bpf|syscall"
opening='open|openat|open64|openat64|creat|opendir|fdopendir|readdir|fopen|fopen64|freopen|popen|readlink'
opening="$opening|readlinkat|stat|fstatat|lstat|mmap|ioctl"
clock='time|clock_gettime|gettimeofday|clock|nanosleep|timerfd_create'
names='getpwuid|getpwuid_r|getpwnam|getpwnam_r|getservbyname|getservbyport|getaddrinfo|if_indextoname'

needs libcore.a >"$scratch/core"
needs liboutput.a >"$scratch/output"
needs libsource.a >"$scratch/source"

is 'libcore.a has no socket calls' "$(among "$socket_calls" <"$scratch/core")" ''
is 'libcore.a opens no file' "$(among "$opening" <"$scratch/core")" ''
is 'libcore.a reads no clock' "$(among "$clock" <"$scratch/core")" ''
is 'libcore.a looks up no names' "$(among "$names" <"$scratch/core")" ''
is 'libcore.a knows no netlink, curses or table library' \
	"$(grep -E ' (mnl_|scols_|initscr|newterm|waddn?str|wrefresh)' <"$scratch/core")" ''
is 'libcore.a never asks who or where it is' \
	"$(among 'getenv|secure_getenv|getuid|geteuid|getpid|gethostname|uname' <"$scratch/core")" ''

# Reading a stream and writing a descriptor are the work of one file each.
is 'of libcore.a only snapshot-json-load reads a stream' \
	"$(among 'fread|fgetc|getc|fgets|getline|read|json_loadf|json_load_callback' <"$scratch/core" |
		grep -v 'snapshot-json-load')" ''
is 'of libcore.a only out writes a descriptor' \
	"$(among 'write|writev|fwrite|fputs|fputc|puts|putchar|printf' <"$scratch/core" |
		grep -vE '^[^ ]*-(out|xalloc)\.o ')" ''
is 'analysis does no I/O at all' \
	"$({ among 'f?printf|v?dprintf|perror|f?puts|exit|abort|write|read' <"$scratch/core"
		among '__(f|v|vf)printf_chk|stdout|stderr' <"$scratch/core"; } |
		grep -E '^[^ ]*-(filter|infer|port-view|selector)\.o ')" ''

is 'liboutput.a has no socket calls' "$(among "$socket_calls" <"$scratch/output")" ''
is 'liboutput.a reads no file and no clock' "$(among "$opening|$clock" <"$scratch/output" | grep -v ' ioctl$')" ''
is 'liboutput.a knows no netlink' "$(grep ' mnl_' <"$scratch/output")" ''
is 'liboutput.a needs nothing of libsource.a' "$(
	"${NM:-nm}" -g --defined-only libsource.a | awk 'NF == 3 { print $3 }' >"$scratch/defined"
	awk 'NR == FNR { defined[$1]; next } $2 in defined' "$scratch/defined" "$scratch/output"
)" ''
# netns says what ends the program: when there is no way back into the namespace it came from.
is 'libsource.a prints nothing' \
	"$(among 'printf|puts|putchar|perror|stdout|stderr|__printf_chk|__fprintf_chk' <"$scratch/source" |
		grep -v -e '-netns\.o perror')" ''
like 'and is the one with socket calls' "$(among "$socket_calls" <"$scratch/source")" ' setsockopt$'

needs libprobe.a >"$scratch/probe"
is 'libprobe.a prints nothing' \
	"$(among 'printf|puts|putchar|perror|stdout|stderr|__printf_chk|__fprintf_chk' <"$scratch/probe")" ''
is 'libprobe.a needs nothing of libsource.a and liboutput.a' "$(
	"${NM:-nm}" -g --defined-only libsource.a liboutput.a | awk 'NF == 3 { print $3 }' >"$scratch/defined"
	awk 'NR == FNR { defined[$1]; next } $2 in defined' "$scratch/defined" "$scratch/probe"
)" ''

needs libtui.a >"$scratch/tui"
is 'libtui.a has no socket calls' "$(among "$socket_calls" <"$scratch/tui")" ''
is 'libtui.a opens no file and reads no clock' "$(among "$opening|$clock" <"$scratch/tui")" ''
is 'of libtui.a only terminal knows curses' \
	"$(grep -E ' (initscr|newterm|waddn?str|wrefresh|wget_wch|endwin|stdscr)$' <"$scratch/tui" | grep -v -e '-terminal\.o ')" ''

commands=$(find src/cmd src -maxdepth 1 -name '*.o' | sort -u)
# shellcheck disable=SC2086
is 'the commands have no socket calls' "$(undefined $commands | among "$socket_calls")" ''

# The proof: every object of libcore.a in one program, with the C library and jansson alone.
echo 'int main(void) { return 0; }' >"$scratch/alone.c"
# shellcheck disable=SC2086
ok 'libcore.a links alone' ${CC:-cc} ${LINK_FLAGS-} -o "$scratch/alone" "$scratch/alone.c" \
	-Wl,--whole-archive libcore.a -Wl,--no-whole-archive ${JANSSON_LIBS--ljansson}

done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The demonstrations run, show what they are about, and README has their screens.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"

source_dir=$(cd "${top_srcdir:-.}" && pwd)
PORTSHARE=$(cd "$(dirname "${PORTSHARE:-./portshare}")" && pwd)/portshare
export PORTSHARE
LC_ALL=C.UTF-8
export LC_ALL
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
unshare -n true 2>/dev/null || unshare -Urn true 2>/dev/null || skip_all 'the kernel refuses a private network'

# One line, in which numbers (processes, times, shares) are all the same.
plain()
{
	tr -s ' \n' '  ' | sed -E 's/[0-9]+/N/g'
}
for name in udp-accident time-wait-restart reuseport-pool; do
	sh "$source_dir/docs/demo/$name.sh" >"$scratch/$name" 2>"$scratch/$name.err"
	is "$name runs" "$? $(cat "$scratch/$name.err")" "0 "
done
has_bpf=$(grep -c '(bpf)' "$scratch/reuseport-pool")

like "udp-accident: who gets what" "$(plain <"$scratch/udp-accident")" \
	'"softphone.py" \(pid N\) gets the (unicast )?datagrams, "sipd.py" \(pid N\) none'
like "udp-accident: a third would take them" "$(plain <"$scratch/udp-accident")" \
	'would take all the unicast datagrams that "softphone.py" \(pid N\) gets now'
like "reuseport-pool: who hangs" "$(plain <"$scratch/reuseport-pool")" 'reuseport-stuck-member "pool.py" \(pid N\) does not take its share'
like "time-wait-restart: the server starts" "$(cat "$scratch/time-wait-restart")" '^the server starts here$'

# What README shows of each, as root, who sees the flags of TIME-WAIT.
for name in udp-accident time-wait-restart reuseport-pool; do
	sed -n "/<!-- demo $name -->/,/<!-- end -->/p" "$source_dir/README.md" | sed '/^<!--/d; /^```/d' >"$scratch/screen"
	ok "README has a screen of $name" test "$(wc -l <"$scratch/screen")" -gt 5
	if [ "$has_bpf" -gt 0 ]; then
		plain <"$scratch/screen" | sed 's/ *$//' >"$scratch/wanted"
		ok "README's screen of $name is what it prints" grep -qF -f "$scratch/wanted" <<-END
			$(plain <"$scratch/$name")
		END
	else
		skip "README's screen of $name is what it prints" "some flags take BPF"
	fi
done
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What monitoring reads: Prometheus' own judgement of the metrics, a node exporter that hands them
# out, and plugin lines, with names that try to break them.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq
netns_need python3
netns_need promtool
exporter=$(command -v prometheus-node-exporter || command -v node_exporter)
netns_need "${exporter:-prometheus-node-exporter}"
fixtures=${top_srcdir:-.}/tests/findings
cd "$netns_tmp" || exit 99
case $PORTSHARE in
/*) ;;
*) PORTSHARE=$OLDPWD/$PORTSHARE ;;
esac
case $fixtures in
/*) ;;
*) fixtures=$OLDPWD/$fixtures ;;
esac

# A unit and a program whose names hold everything that means something to a format.
jq '.processes[0].unit = "a\"b\\c\nd|e}.service" | .processes[0].cmdline = ["python3", "x|y\n\u001b[2Jz\".py"]' \
	"$fixtures/udp-share-two-programs.json" >hostile.json
"$PORTSHARE" --from hostile.json --raw -H -o port >/dev/null
is "the hostile snapshot is read" $? 0

for file in "$fixtures"/*.json hostile.json; do
	name=$(basename "$file" .json)
	"$PORTSHARE" check --from "$file" --format=prometheus >metrics.txt 2>err
	is "$name: the status is told" "portshare_status $?" "$(grep '^portshare_status' metrics.txt)"
	said=$(promtool check metrics <metrics.txt 2>&1)
	is "$name: promtool has nothing to say" "$? $said" "0 "
	"$PORTSHARE" check --from "$file" --format=plugin >plugin 2>err
	status=$?
	like "$name: a plugin's first line" "$(head -n 1 plugin)" \
		"^PORTSHARE (OK|WARNING|CRITICAL|UNKNOWN) - [^|]+ \\|( [a-z]+=[0-9]+;;;0)+\$"
	is "$name: its status is the word's" "$(head -n 1 plugin | cut -d' ' -f2)" \
		"$(printf 'OK\nWARNING\nCRITICAL\nUNKNOWN\n' | sed -n "$((status + 1))p")"
	is "$name: no bar and no control byte in the lines below" \
		"$(sed 1d plugin | tr -d '\n' | tr -cd '|\000-\037' | wc -c)" 0
done
# The same in two namespaces: each has its line. A third, of which only the number is known.
jq '.netns = [{"id": 7, "name": null, "own": true}, {"id": 8, "name": "blue\"}", "own": false}, {"id": 9, "name": null, "own": false}] |
	.sockets = [.netns[].id as $id | .sockets[] | .netns = $id]' "$fixtures/udp-share-two-programs.json" >namespaces.json
"$PORTSHARE" check --from namespaces.json --format=prometheus >metrics.txt
is "namespaces: promtool has nothing to say" "$(promtool check metrics <metrics.txt 2>&1)" ""
is "namespaces: a finding in each is a line each" "$(sed -n 's/^portshare_finding_info{finding="udp-accidental-share".*netns="\(.*\)"} 1$/\1/p' metrics.txt | paste -sd' ')" \
	' 9 blue\"}'
"$PORTSHARE" check --from namespaces.json --format=plugin >plugin
is "namespaces: the lines of a plugin tell them apart" \
	"$(sed -n 's/^warning udp-accidental-share: \(in namespace [^:]*: \)*.*/\1/p' plugin | sort | paste -sd,)" \
	',in namespace 9: ,in namespace blue"}: '
is "namespaces: so do those for people" "$("$PORTSHARE" check --from namespaces.json | grep -c '^  in namespace')" \
	"$(grep -c ': in namespace' plugin)"
jq 'del(.netns[0, 2]) | .sockets |= map(select(.netns == 8))' namespaces.json >namespace.json
is "namespaces: another one alone has the label" "$("$PORTSHARE" check --from namespace.json --format=prometheus | grep -c '^portshare_finding_info.*netns="blue')" \
	"$("$PORTSHARE" check --from namespace.json --format=prometheus | grep -c '^portshare_finding_info')"
is "namespaces: and is no news to who asked for it" "$("$PORTSHARE" check --from namespace.json --format=plugin | grep -c 'in namespace')" 0

"$PORTSHARE" check --from hostile.json >text 2>err
is "text: no control byte" "$(tr -d '\n' <text | tr -cd '\000-\037' | wc -c)" 0
is "JSON is valid" "$("$PORTSHARE" check --from hostile.json --json | jq '.findings | length')" 2

# What monitoring shows where nothing could be looked at, and of what could not be seen.
"$PORTSHARE" check --from /nonexistent --format=plugin >plugin 2>err
is "plugin: no snapshot" "$? $(cat plugin)" "3 PORTSHARE UNKNOWN - the sockets could not be read"
is "plugin: and why, on stderr" "$(wc -l <err)" 1
"$PORTSHARE" check --format=plugin --nosuchoption >plugin 2>err
is "plugin: usage" "$? $(cat plugin)" "3 PORTSHARE UNKNOWN - the command line could not be read"
jq '.limits = [{"what": "owners", "reason": "EACCES", "count": 1, "text": "the owners of 1 socket | are\nhidden"}]' \
	"$fixtures/udp-plain.json" >limits.json
"$PORTSHARE" check --from limits.json --format=plugin >plugin
is "plugin: what could not be seen" "$(sed 1d plugin)" "not seen: the owners of 1 socket / are hidden"
is "text: what could not be seen" "$("$PORTSHARE" check --from limits.json | sed 1,3d)" \
	"Not everything could be seen: the owners of 1 socket | are hidden"
# Written by hand: the flags of two listeners are left out, and whose TIME-WAIT is.
cat >hand.json <<'JSON'
{"schema_version": 1, "sockets": [
 {"protocol": "tcp", "family": "inet", "state": "LISTEN", "local": {"address": "127.0.0.1", "port": 80}, "owner_status": "kernel"},
 {"protocol": "tcp", "family": "inet", "state": "LISTEN", "local": {"address": "127.0.0.1", "port": 81}, "owners": [{"pid": 9}]},
 {"protocol": "tcp", "family": "inet", "state": "LISTEN", "local": {"address": "127.0.0.1", "port": 82}, "owners": [{"pid": 9}]},
 {"protocol": "tcp", "family": "inet", "state": "TIME-WAIT", "local": {"address": "127.0.0.1", "port": 8080},
  "peer": {"address": "127.0.0.1", "port": 40000}, "reuse": {"addr": false, "port": false}}]}
JSON
"$PORTSHARE" check --from hand.json 2>/dev/null | tr -s ' \n' ' ' >text
like "only what is not known is said" "$(cat text)" "Not everything could be seen: the reuse flags of 2 bound sockets are not known"
like "nobody holds TIME-WAIT" "$(cat text)" "tcp 127.0.0.1:8080, TIME-WAIT, no process"
"$PORTSHARE" check --from "$fixtures/udp-share-hidden.json" --format=plugin >plugin
like "plugin: unknown for the reason that it names" "$(cat plugin)" '^PORTSHARE UNKNOWN - cannot tell: .* is shared, perhaps'
"$PORTSHARE" check --from hostile.json --format=plugin --warning never >plugin
like "plugin: what does not count is no headline" "$(cat plugin)" '^PORTSHARE OK - nothing that counts, 2 below \|'
"$PORTSHARE" check --from hostile.json --format=prometheus >metrics.txt
is "metrics: no control byte" "$(tr -d '\n' <metrics.txt | tr -cd '\000-\037' | wc -c)" 0

mkdir metrics.d
"$PORTSHARE" check --from hostile.json --format=prometheus --output metrics.d/portshare.prom
is "--output of metrics" "$? $(ls metrics.d)" "1 portshare.prom"
"$exporter" --collector.disable-defaults --collector.textfile --collector.textfile.directory="$netns_tmp/metrics.d" \
	--web.listen-address=127.0.0.1:9100 >exporter.log 2>&1 9>&- &
exporter_pid=$!
# shellcheck disable=SC2317 # called by netns.sh
netns_exit_hook() { kill "$exporter_pid" 2>/dev/null; wait "$exporter_pid" 2>/dev/null; }
cat >scrape.py <<'PY'
import sys, time, urllib.request
for attempt in range(100):
    try:
        sys.stdout.write(urllib.request.urlopen("http://127.0.0.1:9100/metrics", timeout=5).read().decode())
        break
    except OSError:
        time.sleep(0.1)
PY
python3 scrape.py >scraped
is "the node exporter takes the file" "$(sed -n 's/^node_textfile_scrape_error //p' scraped)" 0
# It adds quotes as it likes and sorts the labels.
is "and hands out the finding" \
	"$(grep -c '^portshare_finding_info{finding="udp-accidental-share",netns="",port="5060",protocol="udp",severity="warning"' scraped)" 1
is "each kind of finding is there, found or not" "$(grep -c '^portshare_findings{' scraped)" 42
done_testing

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Real output holds to docs/snapshot.schema.json, and so do the snapshots that the tests keep.

# shellcheck source=tests/helpers/tap.sh
. "${top_srcdir:-.}/tests/helpers/tap.sh"
# shellcheck source=tests/helpers/netns.sh
. "${top_srcdir:-.}/tests/helpers/netns.sh"
netns_enter "$0" "$@"
netns_need jq

cat >"$netns_tmp/validate.py" <<'PYTHON'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
if sys.argv[2] == "--line":
    schema["$ref"] = "#/definitions/socket"
    schema.pop("required"), schema.pop("type")
    documents = [json.loads(line) for line in sys.stdin]
elif sys.argv[2] == "--documents":
    documents = [json.loads(line) for line in sys.stdin]
else:
    documents = [json.load(sys.stdin)]
validator = jsonschema.Draft7Validator(schema)
for document in documents:
    for error in validator.iter_errors(document):
        sys.exit("/".join(map(str, error.absolute_path)) + ": " + error.message)
print(len(documents))
PYTHON
validate()
{
	/usr/bin/python3 "$netns_tmp/validate.py" "${top_srcdir:-.}/docs/snapshot.schema.json" "$@"
}

validate_probe()
{
	/usr/bin/python3 "$netns_tmp/validate.py" "${top_srcdir:-.}/docs/probe.schema.json" --document
}

mksock_start listening,reuseaddr listening,addr=:: time-wait,reuseaddr connected udp,reuseport multicast udp-connected,addr=::1 \
	bound listening,owner=io_uring listening,comm='a"\e[31m\xff\n' || exit 99
"$PORTSHARE" --json >"$netns_tmp/snapshot"
is "--json" "$(validate --document <"$netns_tmp/snapshot" 2>&1)" 1
"$PORTSHARE" --json --no-bpf >"$netns_tmp/plain" 2>/dev/null
is "--json without BPF" "$(validate --document <"$netns_tmp/plain" 2>&1)" 1
lines=$("$PORTSHARE" --json-lines | tee "$netns_tmp/lines" | wc -l)
is "--json-lines" "$(validate --line <"$netns_tmp/lines" 2>&1)" "$lines"
is "as many lines as sockets" "$lines" "$(jq '.sockets | length' "$netns_tmp/snapshot")"
for bind in tcp:8080 'tcp:127.0.0.1:0' '-6 udp:53' 'tcp:10.9.8.7:80 --reuseport' 'tcp:80 --as 1000' 'tcp:8080 --model'; do
	# shellcheck disable=SC2086 # words
	"$PORTSHARE" probe --json $bind >"$netns_tmp/probe" 2>/dev/null
	is "probe --json $bind" "$(validate_probe <"$netns_tmp/probe" 2>&1)" 1
	is "probe --json $bind: its snapshot" "$(jq .snapshot "$netns_tmp/probe" | validate --document 2>&1)" 1
done
"$PORTSHARE" list -H --raw -o proto,local,port,state 2>/dev/null | while read -r proto address port state; do
	[ "$proto" = udplite ] && continue
	"$PORTSHARE" probe --json "$proto:$address:$port" --reuseaddr >"$netns_tmp/probe" 2>"$netns_tmp/err"
	echo "$proto:$address:$port $state $(cat "$netns_tmp/err") $(validate_probe <"$netns_tmp/probe" 2>&1)"
done >"$netns_tmp/probed"
is "probe --json of what is there" "$(grep -v ' 1$' "$netns_tmp/probed")" ""
ok "which was much" test "$(wc -l <"$netns_tmp/probed")" -ge 8
for kept in web hostile namespaces; do
	is "$kept.json" "$(validate --document <"${top_srcdir:-.}/tests/golden/$kept.json" 2>&1)" 1
done
# One line each: what is found in the snapshots of the detectors' tests.
for fixture in "${top_srcdir:-.}"/tests/findings/*.json; do
	"$PORTSHARE" check --json --from "$fixture" 2>/dev/null | jq -c .
done >"$netns_tmp/checked"
fixtures=$(find "${top_srcdir:-.}/tests/findings" -name '*.json' | wc -l)
is "check --json" "$(validate --documents <"$netns_tmp/checked" 2>&1)" "$fixtures"
is "findings name sockets that are there" \
	"$(jq -c '(.sockets | length) as $n | (.findings + .undecided)[] | select(any(.sockets[]; . >= $n))' "$netns_tmp/checked")" ""
is "list --json has the same findings" \
	"$(for fixture in "${top_srcdir:-.}"/tests/findings/*.json; do
		"$PORTSHARE" list --json --from "$fixture" 2>/dev/null | jq -c '[.findings, .undecided]'
	done)" "$(jq -c '[.findings, .undecided]' "$netns_tmp/checked")"
"$PORTSHARE" check --json --from "${top_srcdir:-.}/tests/findings/udp-share-two-programs.json" >"$netns_tmp/once"
"$PORTSHARE" check --json --from "$netns_tmp/once" >"$netns_tmp/twice"
ok "findings in a document are passed over, and made anew" cmp "$netns_tmp/once" "$netns_tmp/twice"
sed 's/"severity": "warning"/"severity": "bad"/' "$netns_tmp/once" >"$netns_tmp/wrong"
not_ok "the schema refuses a severity that does not exist" validate --document <"$netns_tmp/wrong"
sed 's/"LISTEN"/"LISTENING"/' "$netns_tmp/snapshot" >"$netns_tmp/wrong"
not_ok "the schema refuses a state that does not exist" validate --document <"$netns_tmp/wrong"
done_testing

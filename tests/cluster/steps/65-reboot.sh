#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The node's power is cut and it boots (an imitation: node.sh). Pods come back by themselves, each behind its gate; licenses, what
# was seen of their numbers and the clock's mark are those of before; nobody gets in meanwhile.
# shellcheck source=tests/cluster/node.sh
. tests/cluster/node.sh

another_host
web boot shop 4 | K apply -f - > "$T/out"
web canary elsewhere | K apply -f - >> "$T/out"
KW rollout status deploy/boot --timeout=120s >> "$T/out" 2>&1
K -n elsewhere rollout status deploy/canary --timeout=120s >> "$T/out" 2>&1 || not_ok "pods to restart" "$(cat "$T/out")"
canary() { field elsewhere "$(K -n elsewhere get pod -l app=canary -o name)" .status.podIP; }
started_again() { # what the API server says of them is of before the cut, at first
	local each='{range .items[*]}{.status.containerStatuses[0].restartCount}:{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}'
	! { KW get pod -o jsonpath="$each" && K -n elsewhere get pod -l app=canary -o jsonpath="$each"; } | grep -qvE '^[1-9][0-9]*:True$'
}
uids() { KW get pod -l 'app in (boot, shop)' -o jsonpath='{.items[*].metadata.uid}'; }
spaces() { gates | json "'\n'.join(sorted(g['netns'] for g in d if g['name'].startswith('shop.')))"; }
seen() { agent license list -o json | json "sorted((l['lid'], l['seq'], l['state'], l['source']) for l in d)"; }
effective() { agent status -o json | json '__import__("datetime").datetime.fromisoformat(d["clock"]["effective"].replace("Z","+00:00")).timestamp()'; }
# A license of this node's own, whose seq is past one that is tried afterwards.
sign '"lid":"own"' '"seq":7' '"ports":[{"port":7777}]' > "$T/own.lic"
sign '"lid":"own"' '"seq":6' '"ports":[{"port":9090}]' > "$T/older.lic"
check "a license that this node alone has" agent license load "$T/own.lic"
were=$(uids) licenses=$(seen) mark=$(effective) spaces=$(spaces) first=$(canary)

nsenter --net="/run/netns/$HOST" tests/cluster/scan.py "$T/scanned" 10.89.78 9090 &
POLLER=$!
PIDS+=("$POLLER")
sleep 1
cut_at=$(now)
node_ends
check "the power is cut: no pin and no socket are left" test ! -e /sys/fs/bpf/portlic -a ! -e /run/portlic
node_boots
check "it boots: the node is Ready" eventually 120 node_ready
check "... the agent is" eventually 120 is_agent_up
check "... all pods, started again" eventually 240 started_again
took=$(since "$cut_at")
is "they are the same pods" "$(uids)" "$were"
is "... in namespaces of their own that are others, ${took} s after the cut" "$(comm -12 <(echo "$spaces") <(spaces))" ""
is "... each gate attached and enforcing" "$(gates | json "sorted({(g['state'], g['mode']) for g in d if g['name'].startswith('shop.')})")" "[('attached', 'enforce')]"
is "... and not one was unprotected for a moment" "$(unprotected shop.)" 0.0
second=$(canary)
eventually 10 eval '[ "$(in_host "$LIB/net.py" tcp "$second" 9090 1)" = ok ]'
sleep 1
poll_end
is "nobody got into an internal port but the canary's, before and after ($(json 'd["tries"]' < "$T/scanned") tries, $(json 'd["refused"]' < "$T/scanned") refused)" \
	"$(json '" ".join(d["ok"])' < "$T/scanned")" "$(printf '%s\n' "$first" "$second" | sort | xargs)"
is "the licensed port is open" "$(in_host "$LIB/net.py" tcp "$(address shop)" 8080 1)" ok
is "the licenses are those of before" "$(seen)" "$licenses"
between "effective time went on, s past the mark" "$(awk -v a="$(effective)" -v b="$mark" 'BEGIN { print a - b }')" 1 600
is "... without a suspicion" "$(agent status -o json | json 'd["clock"]["suspect"]')" False
agent license load "$T/older.lic" > "$T/out" 2>&1
is "an older license of a line isn't taken: its number was remembered" "$(in_host "$LIB/net.py" tcp "$(address shop)" 9090 1) $(agent license list -o json | json 'max(l["seq"] for l in d if l["lid"] == "own" and l["state"] == "active")')" "refused 7"

agent license unload own > "$T/out"
K -n elsewhere delete deploy canary > "$T/out"
K -n elsewhere delete pod client --force --grace-period=0 > "$T/out" 2>&1
K -n elsewhere run client --image=localhost/bb:1 --image-pull-policy=Never --restart=Never -- sleep 100000 > "$T/out"
eventually 60 K -n elsewhere wait --for=condition=Ready pod/client --timeout=20s || not_ok "the client" "$(K -n elsewhere describe pod client)"
client
KW delete deploy boot > "$T/out"

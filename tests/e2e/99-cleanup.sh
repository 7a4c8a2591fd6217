#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# `portlic cleanup`: not while an agent runs; then gates, pins, entitlements, socket and state are gone, and the ports open.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need nginx

setup
gate_up2() { portlic gate add other --netns "$OUT" > "$T/out" 2>&1; }
check "a second gate" gate_up2
start_nginx pod 8080 9090
is "a shut port" "$(out "$LIB/net.py" tcp $POD4 9090 1)" refused
drop a.lic
eventually 10 test -s "$T/entitlements/pod/entitlements.json" || not_ok "entitlements"

programs() { bpftool -j link show | json "sum(l.get('netns_ino') == $(stat -Lc %i "/run/netns/$POD") for l in d)"; }
is "a program hangs in the namespace" "$(programs)" 1

refused=$(portlic cleanup --config "$T/portlicd.json" 2>&1)
is "while the agent runs it is refused" $? 1
has "... with the remedy" "$refused" "stop it"
is "... and the gates stand" "$(out "$LIB/net.py" tcp $POD4 9090 1)" refused

agent_end KILL
is "the agent killed: the gates stand" "$(out "$LIB/net.py" tcp $POD4 9090 1)" refused
said=$(portlic cleanup --config "$T/portlicd.json" -o json)
is "without an agent it is done" $? 0
is "it names the gates" "$(json 'sorted(d["gates"])' <<< "$said")" "['other', 'pod']"
between "it counts the pins" "$(json 'd["pins"]' <<< "$said")" 10 500
is "the port is open" "$(out "$LIB/net.py" tcp $POD4 9090 1)" ok
check "no pin is left" test ! -e "$T/bpf/portlic"
is "no program of it hangs in the namespace" "$(programs)" 0
is "no entitlements, no socket" "$(find "$T/entitlements" "$T/portlicd.sock" 2> /dev/null)" ""
check "the state stays" test -s "$T/state/state.json"
check "once more changes nothing" portlic cleanup --config "$T/portlicd.json"

agent_start
is "an agent that starts again has its gates from the state" "$(portlic gate list -o json | json 'sorted(g["name"] for g in d)')" "['other', 'pod']"
agent_end TERM
said=$(portlic cleanup --state --config "$T/portlicd.json")
is "--state" $? 0
has "for people" "$said" "gate pod: removed"
check "nothing is left of it" test ! -e "$T/state" -a ! -e "$T/bpf/portlic"

mkdir "$T/state" 2> /dev/null
echo precious > "$T/state/file"
refused=$(portlic cleanup --state --config "$T/portlicd.json" 2>&1)
is "a directory that is no agent's stays" "$?, $(cat "$T/state/file")" "1, precious"
has "... with the remedy" "$refused" "by hand"
refused=$(portlic cleanup --config "$T/none.json" -o json)
is "an error is JSON, too" "$?, $(json 'list(d)' <<< "$refused")" "2, ['error']"
mkdir -p "$T/cni" "$T/cnibin"
echo '{"cniVersion":"0.4.0","name":"n","plugins":[{"type":"bridge"}]}' > "$T/cni/10-n.conflist"
portlic-cni install --bin "$T/cnibin" --conf "$T/cni" 2> /dev/null
is "the plugin is in the chain" "$(grep -c portlic-cni "$T/cni/10-n.conflist"; ls "$T/cnibin")" "1
portlic-cni"
portlic cleanup --config "$T/portlicd.json" --cni-bin "$T/cnibin" --cni-conf "$T/cni" > "$T/out" 2>&1
is "--cni-bin, --cni-conf take it out" "$(grep -c portlic-cni "$T/cni/10-n.conflist"; ls "$T/cnibin")" 0
# the uninstall overlay runs it again and again, on nodes without anything, too
agent_spawn
eventually 10 portlic status
check "--force goes on while an agent runs" portlic cleanup --force --config "$T/portlicd.json"

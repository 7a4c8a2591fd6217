#!/bin/bash
# SPDX-License-Identifier: MIT
# portlic-cni under podman: containers whose name a policy has are gated before they start, others aren't asked
# for; the gate goes with the container; what becomes of both without the agent.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cni.sh"

need podman runc conmon busybox iptables gcc
configure
vendor
agent_start
bed_up podman.sh
policy web '{"name":"web","match":{"gates":["web-*"]}}'
drop a.lic
run() { bed run -d --name "$1" localhost/bb:1 /bin/sh -c 'httpd -p 8080; exec httpd -f -p 9090'; }
address() { bed inspect -f '{{.NetworkSettings.Networks}}' "$1" > /dev/null; bed inspect "$1" | json 'next(iter(d[0]["NetworkSettings"]["Networks"].values()))["IPAddress"]'; }

check "a container that a policy names starts" run web-1
is "... and has a gate of its name, which is up when podman returns" "$(gates)" "web-1:attached"
A=$(address web-1)
check "... its licensed port is open" eventually 10 tcp_is "$A" 8080 ok
is "... and the other shut" "$(tcp "$A" 9090)" refused
check "a container that no policy names starts" run other-1
check "... without a gate: all its ports are open" eventually 10 tcp_is "$(address other-1)" 9090 ok
is "... and there is none" "$(gates)" "web-1:attached"
check "two more at the same time" eval 'run web-2 & p=$!; run web-3 && wait $p'
is "... are gated both" "$(gates)" "web-1:attached web-2:attached web-3:attached"
check "the container ends" bed rm -f -t 0 web-2
check "... its gate goes" eventually 10 gates_are "web-1:attached web-3:attached"

agent_end KILL
out=$(run web-4 2>&1) && not_ok "the agent is dead: what may have to be gated is refused" "$out" ||
	has "the agent is dead: what may have to be gated is refused" "$out" "may have to be gated"
has "... and podman says why" "$out" "$PORTLIC_SOCKET"
is "... running ones go on, gated" "$(tcp "$A" 8080) $(tcp "$A" 9090)" "ok refused"
check "... and can end" bed rm -f -t 0 web-3
chain --fail open 2> /dev/null
check "\"fail\": \"open\": it starts, ungated" run web-5
check "... all its ports are open" eventually 10 tcp_is "$(address web-5)" 9090 ok
chain --fail closed 2> /dev/null
agent_start
check "the agent starts: the gate of what ended meanwhile is gone" eventually 10 gates_are "web-1:attached"
check "... and a container starts again" run web-6
is "... gated" "$(gates)" "web-1:attached web-6:attached"

portlic policy del web.json > /dev/null
check "no policy names gates any more: the plugin may know by itself" eventually 10 grep -q '"gates":false' "$T/state/cni-selection.json"
agent_end TERM
check "... so containers start without an agent" run web-7
out=$(portlic-cni uninstall --bin "$BED_DIR/cnibin" --conf "$BED_DIR/cni" 2>&1)
is "uninstalled: the configuration has no trace of it" "$(grep -c portlic-cni "$BED_DIR"/cni/*.conflist)" 0
has "... the program stays for those that run, which podman ends by the chain of their start" "$out" "--force"
out=$(bed rm -f -t 0 web-1 2>&1)
is "... and they end without a complaint" "$(grep -c level=error <<< "$out")" 0

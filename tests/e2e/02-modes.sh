#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# The operator's side: deny drop, audit, off, opens, and what a policy can't do.
. "$(dirname "$0")/lib.sh"
need nginx
policy() { printf '%s' "$1" > "$T/p" && mv "$T/p" "$T/policies.d/pod.json"; } # one rename: in force at once or not
state() { out "$LIB/net.py" tcp $POD4 "$1" 0.7; }
becomes() { eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 $1 0.7)\" = $2 ]"; }

setup
start_nginx pod 8080 9090 6379
start_echo udp 5354
drop app.lic
check "the license opens 8080" becomes 8080 ok
is "9090 is refused" "$(state 9090)" refused

policy '{"name":"p","match":{"gates":["pod"]},"deny":"drop"}'
check "deny drop: 9090 times out" becomes 9090 timeout
is "deny drop: UDP times out" "$(out "$LIB/net.py" udp $POD4 5354 0.7)" timeout
is "deny drop: over lo too" "$(pod "$LIB/net.py" tcp 127.0.0.1 9090 0.7)" timeout
is "deny drop: 8080 is open" "$(state 8080)" ok

policy '{"name":"p","match":{"gates":["pod"]},"open":[{"port":6379,"protocol":"TCP"}]}'
check "an open of the operator needs no license" becomes 6379 ok
is "it is shown as open" "$(port 6379 'p["state"]')" open
is "9090 is refused again" "$(state 9090)" refused

policy '{"name":"p","match":{"gates":["pod"]},"ports":[{"port":9090,"mode":"audit"}]}'
check "audit of one port lets it through" becomes 9090 ok
is "6379 lost its open" "$(state 6379)" refused

policy '{"name":"p","match":{"gates":["pod"]},"mode":"audit"}'
check "audit lets everything through" becomes 6379 ok
before=$(port 6379 'p["connections"]["audit"]')
for _ in 1 2 3; do state 6379 > "$T/out"; done
check "audit counts what it would have denied" eventually 10 sh -c \
	"[ \"\$(portlic port list pod -o json | python3 -c 'import json,sys; print(next(p[\"connections\"][\"audit\"] for p in json.load(sys.stdin) if p[\"port\"]==6379))')\" = $((before + 3)) ]"
is "gate list names the mode" "$(portlic gate list -o json | json 'd[0]["mode"]')" audit

policy '{"name":"p","match":{"gates":["another"]},"mode":"audit"}'
check "a policy for another gate: this one enforces" becomes 6379 refused

check "gate set --mode audit" portlic gate set pod --mode audit
check "... lets 9090 through" becomes 9090 ok
check "gate set --mode off" portlic gate set pod --mode off
check "... lets 9090 through" becomes 9090 ok
check "gate set --mode enforce" portlic gate set pod --mode enforce
check "... shuts 9090" becomes 9090 refused
is "gate list names the mode" "$(portlic gate list -o json | json 'd[0]["mode"]')" enforce

# what says nothing is refused, and the last good policy stays
policy '{"name":"p","match":{"gates":["pod"]},"open":[{"port":6379}]}'
check "a good policy" becomes 6379 ok
policy '{"name":"p","match":{"gates":["pod"]},"open":[{"port":6379}],"ports":[{"port":8080,"seats":0}]}'
check "a policy with wrong seats is refused by name" eventually 10 grep -q 'pod.json.*seats\|seats.*pod.json' "$T/agent.log"
is "... and the last good one stays" "$(state 6379)" ok
policy '{"name":"p","match":{},"mode":"off"}'
check "an empty match is refused" eventually 10 sh -c "[ \$(grep -c pod.json $T/agent.log) -ge 2 ]"
is "... and 9090 stays shut" "$(state 9090)" refused

sed -i 's/{"iss"/{"reserve":{"ports":"9443"},"iss"/' "$T/trust.d/vendor.jwks"
check "a reserve in the trust store" grep -q reserve "$T/trust.d/vendor.jwks"
sleep 1
policy '{"name":"p","match":{"gates":["pod"]},"open":[{"port":9443}]}'
check "an open of a reserved port is refused" eventually 10 grep -q '9443' "$T/agent.log"

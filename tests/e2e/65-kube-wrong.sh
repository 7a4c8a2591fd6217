#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# What is wrong with token, CA, rights and the node's name is told once, and says what to do.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
need openssl

warnings() { portlic status -o json | json "sum('$1' in w for w in d['warnings'])"; }
warned() { [ "$(warnings "$1")" = 1 ]; }
partly() { portlic status | grep -q "PARTLY CONNECTED.*the networks of the nodes: [0-9]* (FAILS)"; }
unwarned() { [ "$(warnings "$1")" = 0 ]; }
connected() { [ "$(portlic status -o json | json 'd["kubernetes"]["connected"]')" = "$1" ]; }
kube_start
kube_namespace shop | kube_put - > /dev/null
configure
kube_configure n1 portlic
vendor
agent_start
check "connected" eventually 10 connected True
kube refuse 403 1 /api/v1/nodes
kube cut
check "one right is missing: the line says partly" eventually 10 partly
kube refuse 0
check "... until it is given" eventually 30 connected True
is "a node of a cluster that has none: no warning" "$(warnings 'this cluster has no node')" 0
echo '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n2"}}' | kube_put - > /dev/null
check "nodes have other names than this one: a warning" eventually 10 warned 'this cluster has no node "n1"'
is "... and one event" "$(grep -c node_unknown "$T/agent.log")" 1
echo '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1"}}' | kube_put - > /dev/null
check "... none once it is there" eventually 10 unwarned 'this cluster has no node'
agent_end TERM

# what fails for all watches alike is one event; what is of one path, one for each
once() { # once TEXT WORDS: the agent's start
	: > "$T/agent.log"
	agent_start
	check "$1" eventually 10 grep -q "kube_failed.*$2" "$T/agent.log"
	is "... by one event" "$(sleep 1; grep -c 'warning kube_failed' "$T/agent.log")" 1
	is "... of that name alone" "$(grep -c taint_stays "$T/agent.log")" 0
	agent_end TERM
}
printf 'token-2' > "$KUBE/token"
once "a token that isn't valid" 'unauthorized.*401'
rm "$KUBE/token"
once "no token" "$KUBE/token"
printf 'token-1' > "$KUBE/token"
mv "$KUBE/ca.pem" "$KUBE/ca.away"
once "no CA" "$KUBE/ca.pem; it must be there and hold certificates in PEM"
mv "$KUBE/ca.away" "$KUBE/ca.pem"

# a number that is out of range
for bad in 29 86401 '"60"'; do
	sed "s|\"api\"|\"seats_hold\":$bad,&|" "$T/portlicd.json" > "$T/bad.json"
	timeout 5 "$BUILD/portlicd" --config "$T/bad.json" > "$T/out" 2>&1
	is "seats_hold $bad is refused" $? 2
	has "... by name" "$(cat "$T/out")" '"seats_hold" must be an integer from 30 to 86400'
done

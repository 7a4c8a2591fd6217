#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The startup taint goes when the agent knows which pods are to be gated, not before.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
need openssl

configure
kube_start
kube_configure n1 portlic
printf '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n1"},"spec":{"taints":[{"key":"node.portlic.dev/agent-not-ready","effect":"NoSchedule"}]}}' |
	kube_put - > /dev/null
asked() { kube log | grep -c "$1 /api/v1/nodes/n1"; }
synced() { portlic status -o json | json 'all(w["synced"] for w in d["kubernetes"]["watches"] if "'"$1"'" in w["what"])' | grep -q True; }
for what in /apis/portlic.dev /api/v1/namespaces; do
	kube refuse 503 600 "$what" > /dev/null
	agent_start
	check "without $what: all else is known" eventually 10 synced "pods of this node"
	check "... and the agent is ready" eventually 10 grep -q ' ready ' "$T/agent.log"
	sleep 2
	is "... the taint is left alone" "$(asked GET) $(asked PATCH)" "0 0"
	kube refuse 0 > /dev/null
	agent_end TERM
	: > "$T/agent.log"
done
agent_start
check "when both are known, it goes" eventually 10 eval '[ "$(asked GET)" -ge 1 ]'

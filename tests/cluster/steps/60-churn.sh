#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Pods come and go, $CHURN of them: none is open for a moment, and none leaves anything behind.

CHURN=${CHURN:-200} at_once=20
alone() { [ "$(KW get pod -o name | wc -l)" = 1 ] && [ -z "$(K -n elsewhere get pod bystander -o name 2> /dev/null)" ] && [ "$(pins)" = 2 ]; }
eventually 60 alone || not_ok "the pods of before are gone" "$(pins) pins: $(KW get pod)"
before=$(pins) rounds=$(((CHURN + at_once - 1) / at_once)) made=0 bare=0 ungated=0
agent_was=$(agent_pid)
web churn shop 0 | K apply -f - > "$T/out"
nsenter --net="$CLIENT" tests/cluster/scan.py "$T/scanned" 10.89.78 9090 &
POLLER=$!
PIDS+=("$POLLER")
start=$(now)
for ((round = 0; round < rounds; round++)); do
	KW scale deploy/churn --replicas=$at_once > "$T/out"
	KW rollout status deploy/churn --timeout=180s > "$T/out" 2>&1 || not_ok "round $round: all pods are Ready" "$(KW get pod)"
	said=$(gates)
	made=$((made + $(json 'len([g for g in d if g["name"].startswith("shop.churn-")])' <<< "$said")))
	ungated=$((ungated + $(json 'len([g for g in d if g["name"].startswith("shop.churn-") and (g["state"] != "attached" or g["mode"] != "enforce")])' <<< "$said")))
	bare=$(awk -v a="$bare" -v b="$(unprotected shop.churn-)" 'BEGIN { print a + b }')
	KW scale deploy/churn --replicas=0 > "$T/out"
	no_churn() { [ -z "$(KW get pod -l app=churn -o name)" ]; }
	eventually 120 no_churn || not_ok "round $round: all pods end" "$(KW get pod)"
done
took=$(since "$start")
poll_end
is "$CHURN pods in $took s: each had a gate" "$made" $((rounds * at_once))
is "... attached and enforcing" "$ungated" 0
is "... and not one unprotected second" "$bare" 0
is "nobody got into an internal port ($(json 'd["tries"]' < "$T/scanned") tries, $(json 'd["refused"]' < "$T/scanned") refused)" \
	"$(json 'd["ok"]' < "$T/scanned")" "[]"
as_before() { [ "$(pins)" = "$before" ]; }
eventually 30 as_before
is "no pin is left of them" "$(pins)" "$before"
is "no gate" "$(gates | json '[g["name"] for g in d if "churn" in g["name"]]')" "[]"
is "the agent is the same process" "$(agent_pid)" "$agent_was"
KW delete deploy churn > "$T/out"

#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The agent is killed, the API server goes, kubelet and containerd go: the gates hold, and nothing is restarted.

ip=$(address shop) was=$(field shop "pod/$(pod_of shop)" .metadata.uid)
poll "$ip:8080" "$ip:9090"
old=$(agent_pid)
kill -KILL "$old"
renewed() { [ -n "$(agent_pid)" ] && [ "$(agent_pid)" != "$old" ] && is_agent_up; }
check "the agent, killed, comes back" eventually 60 renewed
poll_end
is "the agent killed: the internal port stayed shut (of $(tries "$ip:9090"))" "$(words "$ip:9090")" refused
is "... the licensed one open" "$(words "$ip:8080")" ok

poll "$ip:8080" "$ip:9090"
C stop apiserver
old=$(agent_pid)
kill -KILL "$old"
check "without the API server the agent comes back, too" eventually 120 renewed
away() { [ "$(agent status -o json | json 'd["kubernetes"]["connected"]')" = False ]; }
check "... and says that it is away" eventually 20 away
is "it has all its gates" "$(gate_modes shop)" enforce
is "and its licenses" "$(agent license list -o json | json '[l["state"] for l in d if l["state"] == "active"]')" "['active']"
C start apiserver
eventually 60 K get --raw /readyz
back() { [ "$(agent status -o json | json 'd["kubernetes"]["connected"]')" = True ]; }
check "the API server back: the agent is, too" eventually 90 back
sleep 2
poll_end
is "the API server away: the internal port stayed shut (of $(tries "$ip:9090"))" "$(words "$ip:9090")" refused
is "... the licensed one open" "$(words "$ip:8080")" ok

poll "$ip:8080" "$ip:9090"
C stop kubelet
C stop containerd
sleep 2
C start containerd
start_kubelet
check "kubelet and containerd stopped and started: the node is Ready" eventually 60 node_ready
eventually 60 is_ready shop
check "the pod is Ready" is_ready shop
poll_end
is "it is the same pod" "$(field shop "pod/$(pod_of shop)" .metadata.uid)" "$was"
is "the internal port stayed shut (of $(tries "$ip:9090"))" "$(words "$ip:9090")" refused
is "... the licensed one open" "$(words "$ip:8080")" ok

#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Install in audit: every overlay is good for the API server, running pods are watched, nothing is broken.

K create namespace shop > "$T/out"
K create namespace elsewhere >> "$T/out"
eventually 20 K -n shop get serviceaccount default
eventually 20 K -n elsewhere get serviceaccount default
K -n elsewhere run client --image=localhost/bb:1 --image-pull-policy=Never --restart=Never -- sleep 100000 >> "$T/out"
web shop | K apply -f - >> "$T/out"
check "a Deployment runs before portlic comes" KW rollout status deploy/shop --timeout=60s
eventually 20 K -n elsewhere wait --for=condition=Ready pod/client --timeout=20s || bail "the client" "$(K -n elsewhere describe pod client)"
client
ip=$(address shop)
is "its internal port is open to a pod elsewhere" "$(knock "$ip" 9090)" ok
is "... and by kubectl port-forward" "$(forward "$(pod_of shop)" 9090)" ok
poll "$ip:8080" "$ip:9090"

check "kubectl apply -k, audit: the agent is rolled out" apply audit
for overlay in audit enforce audit-cni enforce-cni; do
	check "overlay $overlay is good for the API server" K apply --dry-run=server -k "deploy/kubernetes/overlays/$overlay"
done
check "startup-taint is, too" K apply --dry-run=server -k deploy/kubernetes/startup-taint
check "uninstall is, too" K apply --dry-run=server -k deploy/kubernetes/uninstall
check "kubectl exec: portlic status" KS exec ds/portlicd -c portlicd -- portlic status
is "the API server answers the agent" "$(agent status -o json | json 'd["kubernetes"]["connected"]')" True
eventually 10 test "$(gate_modes shop)" = audit
is "the pod that ran before has a gate, in audit" "$(gate_modes shop)" audit
is "kube-system and the agent's own namespace have none" "$(gates | json '[g["name"] for g in d if g["name"].startswith(("kube-system.", "portlic-system."))]')" "[]"
is "the internal port is open as before" "$(knock "$ip" 9090)" ok
poll_end
is "no connection failed while it came: 8080" "$(words "$ip:8080")" ok
is "... 9090 (of $(tries "$ip:9090"))" "$(words "$ip:9090")" ok
eventually 5 in_node_metric portlic_port_connections_total
seen() { agent observe --since 5m --port 9090 -o json | json 'len([e for e in d if e["verdict"] == "audit"])'; }
between "who came to the internal port is seen" "$(seen)" 1 100000
is "the kubelet goes on" "$(restarts shop)" 0

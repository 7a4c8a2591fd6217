#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# The CNI plugin: a pod's gate is there before its first packet; without an agent it waits, and says why.

check "kubectl apply -k, enforce-cni" apply enforce-cni
conflist=$BED_DIR/containerd/cni/20-portlic.conflist
chained() { grep -q '"portlic-cni"' "$conflist"; }
check "the plugin is in the node's chain" eventually 20 chained
check "... and the node Ready" eventually 20 node_ready
is "the plugin runs on the node by itself" "$("$BED_DIR/containerd/cnibin/portlic-cni" --version | cut -d' ' -f1)" portlic-cni

web first | K apply -f - > "$T/out"
KW rollout status deploy/first --timeout=60s > "$T/out" 2>&1
eventually 30 is_ready first
check "a new pod is Ready" is_ready first
is "it was never unprotected" "$(unprotected shop.first-)" 0.0
is "its internal port is refused" "$(knock "$(address first)" 9090)" refused


# No agent on the node: nothing matches the DaemonSet's selector of nodes.
KS patch ds portlicd -p '{"spec":{"template":{"spec":{"nodeSelector":{"none":"here"}}}}}' > "$T/out"
agent_gone() { [ -z "$(agent_pid)" ]; }
eventually 60 agent_gone || not_ok "the agent goes"
KW scale deploy/first --replicas=2 > "$T/out"
K -n elsewhere run bystander --image=localhost/bb:1 --image-pull-policy=Never --restart=Never -- sleep 100000 > "$T/out" 2>&1
check "no agent: a pod that nothing selects for enforcement starts" eventually 30 K -n elsewhere wait --for=condition=Ready pod/bystander --timeout=1s
says_why() { KW get events --field-selector reason=FailedCreatePodSandBox -o jsonpath='{.items[*].message}' | grep -q portlic; }
check "... one of the gated namespace waits, and kubectl describe says why" eventually 30 says_why
KW get events --field-selector reason=FailedCreatePodSandBox -o jsonpath='{.items[0].message}' | fold -w 150 | sed 's/^/# /'
echo
is "the pods that run are as they were" "$(knock "$(address shop)" 8080), $(knock "$(address shop)" 9090)" "ok, refused"
KS patch ds portlicd --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector"}]' > "$T/out"
check "the agent comes again" apply enforce-cni
check "... and the pod that waited starts" KW rollout status deploy/first --timeout=90s
K -n elsewhere delete pod bystander --wait=false > "$T/out"
K -n shop delete deploy first > "$T/out"

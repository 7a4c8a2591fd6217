#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Uninstall as docs/kubernetes.md has it: the node is as it was, and the pods go on.

ip=$(address shop) restarts=$(restarts shop)
dir=$SITE/uninstall
mkdir -p "$dir"
printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nbases: [../../../deploy/kubernetes/uninstall]\n' > "$dir/kustomization.yaml"
patch_cni "$dir" portlic-uninstall
KS delete daemonset portlicd > "$T/out"
is "the agent deleted: the gates stay" "$(knock "$ip" 9090)" refused
check "kubectl apply -k, uninstall" K apply -k "$dir"
check "every node is clean" KS rollout status ds/portlic-uninstall --timeout=120s
KS logs ds/portlic-uninstall -c cleanup | sed 's/^/# /'
eventually 5 becomes ok "$ip" 9090
is "the internal port is open again" "$(knock "$ip" 9090)" ok
check "kubectl delete -k, uninstall" K delete -k "$dir"
K delete -k deploy/kubernetes/startup-taint --ignore-not-found > "$T/out"
check "kubectl delete -k, the rest" K delete -k "$SITE/enforce-cni" --ignore-not-found
for path in /sys/fs/bpf/portlic /var/lib/portlic /run/portlic "$BED_DIR/containerd/cnibin/portlic-cni"; do
	check "${path#"$BED_DIR"/} is gone" test ! -e "$path"
done
is "the CNI chain is without it" "$(grep -c portlic-cni "$BED_DIR"/containerd/cni/*)" 0
inode=$(readlink "/proc/$(pid_of shop)/ns/net" | tr -dc 0-9)
is "no program hangs in the pod's namespace" "$(bpftool -j link show | json "[l['id'] for l in d if l.get('netns_ino') == $inode]")" "[]"
left() { K get crd,clusterrole,clusterrolebinding,namespace -o name | grep -i portlic; }
nothing_left() { ! left; }
check "the API server has nothing of it" eventually 30 nothing_left
check "the node is Ready" node_ready
check "the pod goes on" is_ready shop
is "... it wasn't restarted" "$(restarts shop)" "$restarts"
web after | K apply -f - > "$T/out"
check "and new pods start" KW rollout status deploy/after --timeout=60s

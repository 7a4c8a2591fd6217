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
KS logs ds/portlic-uninstall -c cleanup > "$T/cleanup"
sed 's/^/# /' "$T/cleanup"
eventually 5 becomes ok "$ip" 9090
is "the internal port is open again" "$(knock "$ip" 9090)" ok
check "kubectl delete -k, uninstall" K delete -k "$dir"
K delete -k deploy/kubernetes/startup-taint --ignore-not-found > "$T/out"
site enforce-cni # also without 50-cni
check "kubectl delete -k, the rest" K delete -k "$SITE/enforce-cni" --ignore-not-found
for path in /sys/fs/bpf/portlic /var/lib/portlic /run/portlic; do check "$path is gone" test ! -e "$path"; done
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

# The program stays while pods run that were started with it, for runtimes that call it when those end.
plugin=$BED_DIR/containerd/cnibin/portlic-cni
if grep -q 'the program stays' "$T/cleanup"; then
	check "the plugin's program stays for the pods that were started with it" test -e "$plugin"
	KW delete deploy --all > "$T/out"
	K -n elsewhere delete pod --all --grace-period=1 > "$T/out" 2>&1
	uninstalled() { portlic-cni uninstall --bin "${plugin%/*}" --conf "$BED_DIR/containerd/cni" && [ ! -e "$plugin" ]; }
	check "... they end, and another uninstall removes it" eventually 90 uninstalled
else
	check "the plugin's program is gone" test ! -e "$plugin"
fi

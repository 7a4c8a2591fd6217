# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# node.sh - the node's power is cut, and it boots: an imitation, for this machine's kernel goes on. Sourced behind lib.sh.
#
#   node_ends     every process of the node is killed; then what a boot doesn't find is emptied: network namespaces of
#                 pods, their bridge, cgroups, mounts, pins in bpffs, /run/portlic, containerd's /run. Disks stay.
#   node_boots    control plane, containerd, kubelet, as a machine starts them
#   another_host  a host on the node's network that outlives both: HOST is its namespace
#
# What stays the kernel's: its boot clock and boot id. state.json is given another boot id, which is what the agent goes by.

NODE_PARTS="kubelet containerd kcm scheduler apiserver etcd"
in_host() { nsenter --net="/run/netns/$HOST" "$@"; }
another_host() {
	HOST=plx$$-host
	ip netns add "$HOST"
	ip -n $NODE_NS link del host0 2> /dev/null
	ip link add host0 netns $NODE_NS type veth peer name eth0 netns "$HOST"
	ip -n $NODE_NS addr add 10.99.0.1/24 dev host0 && ip -n $NODE_NS link set host0 up
	ip -n "$HOST" addr add 10.99.0.2/24 dev eth0 && ip -n "$HOST" link set eth0 up && ip -n "$HOST" link set lo up
	ip -n "$HOST" route add default via 10.99.0.1
}
node_groups() { find /sys/fs/cgroup/ -depth -type d -path "*/$NODE_NS*" 2> /dev/null; }
node_processes() { # pods, shims, and the parts of the node
	local group part pid
	for group in $(node_groups); do cat "$group/cgroup.procs" 2> /dev/null; done
	for part in $NODE_PARTS; do
		for pid in "$BED_DIR/$part.pid" "$BED_DIR/containerd/$part.pid"; do
			[ ! -e "$pid" ] || cut -d' ' -f1 "$pid"
		done
	done
	pgrep -f "^/usr/bin/containerd-shim-runc-v2 .*$BED_DIR/containerd/containerd.sock"
}
pod_namespaces() { # the files of those that processes of pods are in
	local inodes file
	inodes=" $(for pid in $(node_processes); do stat -Lc %i "/proc/$pid/ns/net" 2> /dev/null; done | sort -u | xargs) "
	for file in /run/netns/cni-*; do
		[ ! -e "$file" ] || [[ $inodes != *" $(stat -c %i "$file") "* ]] || echo "$file"
	done
}
none_left() { [ -z "$(for pid in $(node_processes); do grep -v '^State:.*Z' "/proc/$pid/status" 2> /dev/null | head -n 1; done)" ]; }
emptied() { # cgroups go when their last process is reaped
	local group
	for group in $(node_groups); do rmdir "$group" 2> /dev/null; done
	[ -z "$(node_groups)" ]
}
node_ends() {
	local spaces space kubelet
	spaces=$(pod_namespaces)
	read -r kubelet _ < "$BED_DIR/kubelet.pid"
	kill -KILL "$kubelet"
	# shellcheck disable=SC2046
	until none_left; do kill -KILL $(node_processes) 2> /dev/null; done
	for space in $spaces; do ip netns del "${space##*/}"; done
	ip -n $NODE_NS link del cni0
	awk -v d="$BED_DIR/" 'index($2, d) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
	rm -rf /sys/fs/bpf/portlic /run/portlic "$BED_DIR/containerd/state"
	eventually 30 emptied || not_ok "the node's cgroups go" "$(node_groups)"
	sed -i 's/"boot":"[^"]*"/"boot":"another"/' /var/lib/portlic/state.json
}
node_boots() {
	local dir part
	for dir in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
		[ ! -e "$dir" ] || mkdir -p "${dir%/*}/$NODE_NS"
	done
	for part in etcd apiserver containerd; do start_part $part; done
	start_kubelet
	eventually 120 K get --raw /readyz # these two end without it, and here nobody starts them again
	for part in kcm scheduler; do start_part $part; done
}
start_part() { C start "$1" > "$T/started" 2>&1 || not_ok "$1 starts" "$(cat "$T/started")"; }

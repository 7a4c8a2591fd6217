#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Ways by which a node, or root in the pod, brings frames to an interface of the pod (docs/evasion.md).
#
#   client ($NEST) 10.77.0.9 ---veth cn0--- outside ---veth--- pod
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
start_echo tcp 9090
start_echo udp 5354
NEST=plx$$-nest
ip netns add "$NEST"
nest() { nsenter --net="/run/netns/$NEST" "$@"; }
ip link add cn0 netns "$OUT" type veth peer name eth0 netns "$NEST"
nest ip addr add 10.77.0.9/24 dev eth0
nest ip link set eth0 up && nest ip link set lo up && out ip link set cn0 up
nest ip neigh add $POD4 lladdr "$(pod ip -br link show dev eth0 | awk '{ print $3 }')" dev eth0
pod ip neigh add 10.77.0.9 lladdr "$(nest ip -br link show dev eth0 | awk '{ print $3 }')" dev eth0

# Programs come and go with a process each; the way back is always a plain redirect.
programs() { # programs KIND COMMAND...
	local there back
	nsenter --net="/run/netns/$OUT" "$LIB/bpf.py" "$1" cn0 "$VETH" > "$T/there" & there=$!
	nsenter --net="/run/netns/$OUT" "$LIB/bpf.py" redirect "$VETH" cn0 > "$T/back" & back=$!
	eventually 10 grep -q . "$T/there" && eventually 10 grep -q . "$T/back"
	if grep -h skip "$T/there" "$T/back"; then
		:
	else
		tried "$("${@:2}")"
	fi
	kill $there $back 2> "$T/err"
	wait $there $back 2> "$T/err"
	rm "$T/there" "$T/back"
}
mirrors() { # mirrors COMMAND...: the same by filters
	filter cn0 "$VETH" && filter "$VETH" cn0 || {
		echo "skip this kernel's tc has no mirred or u32"
		return
	}
	tried "$("$@")"
	out tc qdisc del dev cn0 clsact && out tc qdisc del dev "$VETH" clsact
}
filter() {
	out tc qdisc add dev "$1" clsact &&
		out tc filter add dev "$1" ingress protocol all u32 match u32 0 0 action mirred egress redirect dev "$2" 2> "$T/err"
}
tcp() { nest "$LIB/net.py" tcp $POD4 9090 0.5; }
udp() { nest "$LIB/net.py" udp $POD4 5354 0.5; }
for kind in tcp udp; do
	attempt "bpf_redirect, $kind" programs redirect $kind
	attempt "bpf_redirect_peer, $kind" programs redirect_peer $kind
	attempt "tc mirred redirect, $kind" mirrors $kind
done

# root in the pod: what comes in on eth0 goes by way of another device
detour() { # detour DEVICE KIND PORT
	jail tc qdisc add dev eth0 clsact
	jail tc filter add dev eth0 ingress protocol ip u32 match u32 0 0 action mirred "$2" redirect dev "$1" 2> "$T/err" || {
		echo "skip this kernel's tc has no mirred or u32"
		return
	}
	tried "$(out "$LIB/net.py" tcp $POD4 9090 0.5)"
	jail tc qdisc del dev eth0 clsact
}
by_ifb() {
	jail ip link add ifb0 type ifb 2> "$T/err" || {
		echo "skip this kernel has no ifb"
		return
	}
	jail ip link set ifb0 up
	detour ifb0 egress
	jail ip link del ifb0
}
attempt "a detour by lo" detour lo ingress
attempt "a detour by ifb" by_ifb
evasion_run

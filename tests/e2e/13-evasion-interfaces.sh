#!/bin/bash
# SPDX-License-Identifier: MIT
# Root in the pod works on its interfaces: filters, names, new ones (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

pulse
evasion_pod
start_echo tcp 9090
NEST=plx$$-nest
reach() { # reach ADDRESS
	out ip neigh flush dev "$VETH"
	tried "$(out "$LIB/net.py" tcp "$1" 9090 0.5)"
}
tc_jail() { jail tc "$@" 2>> "$T/err"; }

no_qdisc() {
	tc_jail qdisc del dev eth0 clsact
	tc_jail qdisc del dev lo clsact
	jail ip link set eth0 xdp off 2>> "$T/err"
	reach $POD4
}
in_front() { # a filter that passes everything, of the highest priority
	tc_jail qdisc add dev eth0 clsact && tc_jail filter add dev eth0 ingress protocol all prio 1 u32 match u32 0 0 classid 1:1
	reach $POD4
	tc_jail qdisc del dev eth0 clsact
}
renamed() {
	jail ip link set eth0 name eth9
	reach $POD4
	jail ip link set eth9 name eth0
}
addresses() { # addresses IP-PREFIX... DEVICE: the pod's own, again
	"$@" ip addr add $POD4/24 dev "$DEVICE" 2>> "$T/err"
	"$@" ip addr add $POD6/64 dev "$DEVICE" nodad 2>> "$T/err"
}
down_up() {
	jail ip link set eth0 down && jail ip link set eth0 up
	DEVICE=eth0 addresses jail
	reach $POD4
}
user_namespace() {
	jail unshare -Ur tc qdisc del dev eth0 clsact 2>> "$T/err"
	jail unshare -Ur ip link set eth0 name eth9 2>> "$T/err"
	reach $POD4
}
new_veth() {
	ip link add "$NEST" netns "$OUT" type veth peer name eth1 netns "$POD"
	out ip addr add 10.78.0.1/24 dev "$NEST" && out ip link set "$NEST" up
	jail ip addr add 10.78.0.2/24 dev eth1 && jail ip link set eth1 up
	"$@"
	reach 10.78.0.2
	jail ip link del eth1
}
attempt "the qdisc deleted, XDP off" no_qdisc
attempt "a filter in front" in_front
attempt "renamed" renamed
attempt "down and up" down_up
attempt "a user namespace" user_namespace
attempt "a new veth, first packets" fresh new_veth
attempt "a new veth" new_veth covered eth1
evasion_run

# An interface that comes after the gate: `wire` follows within a second, and the gap is counted.
stopped_on_wire() {
	evade mark > "$T/out"
	out "$LIB/net.py" tcp 10.78.0.2 9090 0.5 > "$T/out"
	evade hooks | grep -q '^wire'
}
gap=$(metric portlic_unprotected_seconds_total)
ip link add "$NEST" netns "$OUT" type veth peer name eth1 netns "$POD"
start=$(now)
out ip addr add 10.78.0.1/24 dev "$NEST" && out ip link set "$NEST" up
jail ip addr add 10.78.0.2/24 dev eth1 && jail ip link set eth1 up
eventually 10 stopped_on_wire
promptly "wire stands on a new interface within a second" "$(since "$start")" 1
between "... and the gap is counted" "$(awk -v a="$gap" -v b="$(metric portlic_unprotected_seconds_total)" 'BEGIN { print b - a }')" 0.0001 3

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Root in the pod builds other devices on its interface, and moves it into another namespace (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
start_echo tcp 9090
NEST=plx$$-nest
ip netns add "$NEST" && nsenter --net="/run/netns/$NEST" sysctl -qw net.ipv6.conf.all.accept_dad=0
nest() { nsenter --net="/run/netns/$NEST" "$@"; }
nest ip link set lo up
background nsenter --net="/run/netns/$NEST" "$LIB/net.py" echo-tcp 9090
eventually 10 sh -c "nsenter --net=/run/netns/$NEST ss -Hltn 'sport = :9090' | grep -q ." || bail "the inner server"
reach() { # reach ADDRESS
	out ip neigh flush dev "$VETH"
	tried "$(out "$LIB/net.py" tcp "$1" 9090 0.5)"
}
addresses() { # addresses IP-PREFIX... DEVICE: the pod's own, again
	"$@" ip addr add $POD4/24 dev "$DEVICE" 2>> "$T/err"
	"$@" ip addr add $POD6/64 dev "$DEVICE" nodad 2>> "$T/err"
}
macvlan() {
	jail ip link add mv0 link eth0 type macvlan mode bridge 2> "$T/err" || {
		echo "skip this kernel has no macvlan"
		return
	}
	jail ip addr add 10.77.0.3/24 dev mv0 && jail ip link set mv0 up
	# eth0 answers for that address too: ask for the other MAC, whatever is heard
	out ip neigh add 10.77.0.3 lladdr "$(pod ip -br link show dev mv0 | awk '{ print $3 }')" dev "$VETH" nud permanent
	"$@"
	reach 10.77.0.3
	out ip neigh del 10.77.0.3 dev "$VETH"
	jail ip link del mv0
}
macvlan_inside() { # the same in a namespace of its own, where no gate stands
	pod ip link add mv0 link eth0 type macvlan mode bridge 2> "$T/err" || {
		echo "skip this kernel has no macvlan"
		return
	}
	pod ip link set mv0 netns "$NEST"
	nest ip addr add 10.77.0.4/24 dev mv0 && nest ip link set mv0 up
	reach 10.77.0.4
	nest ip link del mv0
}
bridge() {
	jail ip link add br0 type bridge && jail ip link set br0 up && jail ip link set eth0 master br0
	pod ip addr flush dev eth0 && DEVICE=br0 addresses jail
	"$@"
	reach $POD4
	jail ip link del br0 && DEVICE=eth0 addresses jail
}
moved() { # eth0 in another namespace, with a server of its own
	pod ip link set eth0 netns "$NEST" && nest ip link set eth0 up && DEVICE=eth0 addresses nest
	"$@"
	reach $POD4
	nest ip link set eth0 netns "$POD" && jail ip link set eth0 up && DEVICE=eth0 addresses jail
}
attempt "macvlan, first packets" fresh macvlan
attempt "macvlan" macvlan covered mv0
attempt "macvlan in a namespace inside" macvlan_inside
attempt "a bridge, first packets" fresh bridge
attempt "a bridge" bridge covered br0
attempt "eth0 in a namespace inside" moved
attempt "eth0 in a namespace inside, later" moved sleep 1
evasion_run

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Tunnels into the pod: as a protocol, inside a licensed UDP port, by a program of its own (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
start_echo tcp 9090
start_echo udp 5354

# A device in the pod and one outside: an inner network 10.90.0.0/24.
tunnel() { # tunnel KIND ARGS
	modprobe -q "$1" 2> /dev/null
	# shellcheck disable=SC2086
	jail ip link add tun0 type "$1" local $POD4 remote $OUT4 $2 2> "$T/err" || return 1
	# shellcheck disable=SC2086
	out ip link add tun0 type "$1" local $OUT4 remote $POD4 $2
	jail ip addr add 10.90.0.2/24 dev tun0 && jail ip link set tun0 up
	out ip addr add 10.90.0.1/24 dev tun0 && out ip link set tun0 up
}
no_tunnel() { jail ip link del tun0 && out ip link del tun0; }
through_tunnel() { # through_tunnel KIND COMMAND...
	tunnel "$1" "${ARGS[$1]:-}" || {
		echo "skip this kernel has no such device"
		return
	}
	tried "$("${@:2}")"
	no_tunnel
}
later() { covered tun0 && "$@"; }
declare -A ARGS=([vxlan]="id 7 dstport 4789")
inner_tcp() { out "$LIB/net.py" tcp 10.90.0.2 9090 0.5; }
inner_udp() { out "$LIB/net.py" udp 10.90.0.2 5354 0.5; }
inner_group() { # does a socket hear a datagram to a group?
	local heard=$T/heard listener
	nsenter --net="/run/netns/$POD" python3 "$T/group.py" > "$heard" & listener=$!
	eventually 10 grep -q ready "$heard"
	out python3 "$T/group.py" send
	eventually 1 grep ok "$heard" && echo ok
	kill $listener && wait $listener 2> "$T/err"
	rm "$heard"
}
cat > "$T/group.py" << 'P'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1:]:
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.90.0.1"))
    s.sendto(b"x", ("224.0.0.1", 5355))
else:
    s.bind(("", 5355))
    print("ready", flush=True)
    s.recv(1)
    print("ok", flush=True)
    s.recv(1)
P
for kind in ipip gre sit; do attempt "$kind device" through_tunnel $kind inner_tcp; done
attempt "VXLAN in a licensed port, first packets" fresh through_tunnel vxlan inner_tcp
attempt "VXLAN in a licensed port, first packets, UDP" fresh through_tunnel vxlan inner_udp
attempt "VXLAN in a licensed port, first packets, multicast" fresh through_tunnel vxlan inner_group
attempt "VXLAN in a licensed port" through_tunnel vxlan later inner_tcp
attempt "VXLAN in a licensed port, UDP" through_tunnel vxlan later inner_udp
attempt "VXLAN in a licensed port, multicast" through_tunnel vxlan later inner_group
own_tunnel() { # own_tunnel tun|tap ADDRESS: by a program in the pod
	[ "$(evade tun "$1")" = ok ] || {
		echo "skip no /dev/net/tun"
		return
	}
	jail ip addr add 10.91.0.1/24 dev tun0 && jail ip link set tun0 up
	"${@:3}"
	evade inject 5354 "$2"
	evade untun > "$T/out"
}
for kind in tun tap; do
	attempt "a $kind device, first packets" fresh own_tunnel $kind 10.91.0.1
	attempt "a $kind device, first packets, multicast" fresh own_tunnel $kind 224.0.0.1
	attempt "a $kind device" own_tunnel $kind 10.91.0.1 covered tun0
	attempt "a $kind device, multicast" own_tunnel $kind 224.0.0.1 covered tun0
done
evasion_run
inner_open() { covered tun0 && out "$LIB/net.py" tcp 10.90.0.2 8080; }
start_echo tcp 8080
is "VXLAN in a licensed port: the inner licensed port is open" "$(through_tunnel vxlan inner_open)" delivered

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# A pod that routes for a namespace behind it (nested containers, a gateway): what passes through isn't its own.
. "$(dirname "$0")/lib.sh"
setup
NEST=plx$$-nest
ip netns add "$NEST"
nest() { nsenter --net="/run/netns/$NEST" "$@"; }
pod ip link add in0 type veth peer name eth0 netns "$NEST"
pod ip addr add 10.78.0.1/24 dev in0
pod ip addr add fd78::1/64 dev in0 nodad
pod ip link set in0 up
nest ip link set lo up && nest ip link set eth0 up
nest ip addr add 10.78.0.2/24 dev eth0
nest ip addr add fd78::2/64 dev eth0 nodad
nest ip route add default via 10.78.0.1
nest ip -6 route add default via fd78::1
out ip route add 10.78.0.0/24 via $POD4
out ip -6 route add fd78::/64 via $POD6
start_echo tcp 7777 9090
in_out "$LIB/net.py" echo-tcp 7777
in_out "$LIB/net.py" echo-udp 7778
eventually 10 listens out 7777
covered() { [ "$(portlic gate list -o json | json 'sum(a["interface"] == "in0" for a in d[0]["attachments"])')" = 2 ]; }
check "the inner interface is covered" eventually 10 covered

is "not forwarding: what is for others is denied" "$(nest "$LIB/net.py" tcp $OUT4 7777 0.5 | sed 's/timeout/refused/')" refused
pod sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
check "forwarding IPv6 settles" eventually 10 sh -c "nsenter --net=/run/netns/$NEST $LIB/net.py tcp $OUT6 7777 0.5 | grep -q ok"
is "through the pod: TCP" "$(nest "$LIB/net.py" tcp $OUT4 7777)" ok
is "through the pod: TCP over IPv6" "$(nest "$LIB/net.py" tcp $OUT6 7777)" ok
is "through the pod: UDP" "$(nest "$LIB/net.py" udp $OUT4 7778)" ok
for address in 10.78.0.1 fd78::1 $POD4 $POD6; do
	is "the pod's own 7777 at $address is shut" "$(nest "$LIB/net.py" tcp $address 7777)" refused
done
is "... from outside too" "$(out "$LIB/net.py" tcp $POD4 7777)" refused
if command -v nft > /dev/null; then
	pod nft -f - << N || not_ok "the redirect"
table ip t {
	chain p {
		type nat hook prerouting priority -100;
		ip daddr $OUT4 tcp dport 7000 redirect to :9090
	}
}
N
	is "NAT of what passes through to a shut port" "$(nest "$LIB/net.py" tcp $OUT4 7000)" refused
else
	skip "NAT of what passes through to a shut port" "nft is not installed"
fi

# what goes to a group or to all is delivered here too, whatever the routes say
cat > "$T/group.py" << 'P'
import socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1] == "listen":
    s.bind(("", 5555))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack("4s4s", socket.inet_aton("239.1.2.3"), socket.inet_aton(sys.argv[2])))
    s.settimeout(2)
    try:
        print("got", s.recv(64))
    except socket.timeout:
        print("nothing")
else:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[2]))
    for to in ("239.1.2.3", "255.255.255.255", "10.77.0.255"):
        for _ in range(3):
            s.sendto(b"hello", (to, 5555))
P
hear() {
	pod python3 "$T/group.py" listen $POD4 > "$T/heard" &
	local listener=$!
	eventually 10 echo_listens udp 5555
	out python3 "$T/group.py" send $OUT4
	wait $listener
	cat "$T/heard"
}
out ip route add default via $POD4
is "multicast and broadcast to a shut port" "$(hear)" nothing
portlic gate set pod --mode off > "$T/out"
has "... which arrive without the gate" "$(hear)" hello

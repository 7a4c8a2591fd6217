#!/bin/bash
# SPDX-License-Identifier: MIT
# What an attacker outside, and root in the pod, can try: disguised frames, tunnels, proxies, removal.
. "$(dirname "$0")/lib.sh"
need nft

make_pod
nsenter --net="/run/netns/$POD" "$LIB/frames.py" sink 5353 5354 < /dev/null >> "$T/sink" 2> "$T/sink.err" &
PIDS+=($!)
disown
eventually 5 echo_listens udp 5354 || bail "the sink" "$(cat "$T/sink.err")"
mac=$(pod ip -br link show dev eth0 | awk '{ print $3 }')
frames() { # frames PORT: sends all disguises, prints those that were delivered
	: > "$T/sink"
	out "$LIB/frames.py" "$VETH" "$mac" "$1"
	sleep 0.3
	grep "^$1 " "$T/sink" | cut -d' ' -f2 | sort | xargs
}
ungated=$(frames 5354)
between "without a gate the stack delivers most disguises" "$(wc -w <<< "$ungated")" 12 30

configure
vendor
agent_start
gate_up
drop app.lic '"ports":[{"port":5353,"protocol":"UDP"},{"port":4789,"protocol":"UDP"},{"port":8080}]'
start_echo tcp 8080 9090
[ "$(out "$LIB/net.py" wait ok $POD4 8080 3)" != never ] || bail "8080 opens"
is "unlicensed: none of them is delivered ($(wc -w <<< "$ungated") were)" "$(frames 5354)" ""
licensed=$(frames 5353)
for d in plain4 plain6 router-alert options40 hop broadcast multicast; do
	has "licensed: $d is delivered" " $licensed " " $d "
done
between "what can't be read is counted" "$(portlic port list pod -o json |
	json 'sum(n for p in d for r, n in p["denied"].items() if r in ("malformed", "fragment", "unlicensed", "protocol"))')" 10 1000

# tunnels into the pod
tunnel() { # tunnel NAME KIND POD-ARGS OUT-ARGS ADDR: an inner network 10.90.N.0/24
	pod ip link add "$1" type $3 2> "$T/err" && out ip link add "$1" type $4 2> "$T/err" || return 1
	pod ip addr add "$5.2/24" dev "$1" && pod ip link set "$1" up
	out ip addr add "$5.1/24" dev "$1" && out ip link set "$1" up
}
if tunnel vx0 vxlan "vxlan id 7 dstport 4789 remote $OUT4 local $POD4" "vxlan id 7 dstport 4789 remote $POD4 local $OUT4" 10.90.1; then
	is "VXLAN inside a licensed UDP port: the inner 8080" "$(out "$LIB/net.py" tcp 10.90.1.2 8080 2)" ok
	is "VXLAN inside a licensed UDP port: the inner 9090 is refused" "$(out "$LIB/net.py" tcp 10.90.1.2 9090 2)" refused
else
	skip "VXLAN" "this kernel has none"
fi
if tunnel ti0 ipip "ipip local $POD4 remote $OUT4" "ipip local $OUT4 remote $POD4" 10.90.2; then
	is "IPIP: no protocol that a policy has not opened" "$(out "$LIB/net.py" tcp 10.90.2.2 8080 0.7)" timeout
else
	skip "IPIP" "this kernel has none"
fi

# root in the pod's network namespace
cat > "$T/proxy.py" << 'P'
import socket
s = socket.socket()
s.setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT
s.bind(("", 9091)); s.listen()
while True:
    c = s.accept()[0]; c.sendall(b"proxied"); c.close()
P
cat > "$T/client.py" << 'P'
import socket, sys
s = socket.create_connection((sys.argv[1], 8080), timeout=1)
s.settimeout(1); s.sendall(b"real")
try: print(s.recv(16).decode())
except OSError: print("cut")
P
in_pod python3 "$T/proxy.py"
pod nft -f - << 'N' 2> "$T/err"
table inet proxy {
	chain pre { type filter hook prerouting priority mangle; meta nfproto ipv4 tcp dport 8080 tproxy ip to :9091 meta mark set 1 accept; }
}
N
if [ -s "$T/err" ]; then
	skip "TPROXY" "this kernel has none"
else
	portlic gate set pod --mode off > "$T/out"
	is "TPROXY from 8080 to 9091 in the pod works without the gate" "$(out python3 "$T/client.py" $POD4)" proxied
	portlic gate set pod --mode enforce > "$T/out"
	is "... and does not lead past it" "$(out python3 "$T/client.py" $POD4 2> /dev/null | grep -c proxied)" 0
	pod nft delete table inet proxy
fi
pod tc qdisc add dev lo clsact
pod tc filter add dev lo ingress protocol all prio 1 u32 match u32 0 0 classid 1:1 2> "$T/err"
pod tc qdisc del dev eth0 clsact 2> "$T/err"
pod ip link set lo xdp off 2> "$T/err"
is "pass filters, qdisc del, xdp off in the pod: 9090 is refused" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
is "... over lo" "$(pod "$LIB/net.py" tcp 127.0.0.1 9090)" refused
pod ip link set eth0 name eth9
is "a renamed interface is still gated" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
pod ip link add br0 type bridge 2> "$T/err" && {
	pod ip link set br0 up
	pod ip link set eth9 master br0
	pod ip addr flush dev eth9
	pod ip addr add $POD4/24 dev br0
	is "a bridge over the interface: 9090 is refused" "$(out "$LIB/net.py" wait refused $POD4 9090 5 | grep -c never)" 0
	is "... and never was open" "$(out "$LIB/net.py" loop $POD4 9090 0.5 | awk '{ print $1 - $2 }')" 0
}

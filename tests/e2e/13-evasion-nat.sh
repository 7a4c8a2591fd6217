#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Root in the pod leads a licensed port to another: netfilter between `wire` and the socket (docs/evasion.md).
. "$(dirname "$0")/lib.sh"
. "$LIB/evasion.sh"

evasion_pod
start_echo tcp 9090
start_echo udp 5354
cat > "$T/proxy.py" << 'P'
import selectors, socket, sys
selector = selectors.DefaultSelector()
for family, level, transparent in (socket.AF_INET, socket.SOL_IP, 19), (socket.AF_INET6, socket.IPPROTO_IPV6, 75):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        s = socket.socket(family, kind)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.setsockopt(level, transparent, 1)
        s.bind(("", 9091))
        if kind == socket.SOCK_STREAM:
            s.listen()
        selector.register(s, selectors.EVENT_READ, kind)
while True:
    for key, _ in selector.select():
        if key.data == socket.SOCK_STREAM:
            key.fileobj.accept()[0].close()
        else:
            open(sys.argv[1], "a").write(key.fileobj.recv(64).decode() + "\n")
P
in_pod python3 "$T/proxy.py" "$T/proxied"
eventually 10 listens pod 9091 || bail "the proxy" "$(cat "$T/background.log")"

nat() { # nat COMMAND...: with the rules of $T/rules
	jail nft -f "$T/rules-$1" 2> "$T/err" || {
		echo "skip this kernel has no such rule ($(tail -n 3 "$T/err" | xargs))"
		return
	}
	tried "$("${@:2}")"
	jail nft delete table ${TABLES[$1]:-inet cheat}
}
declare -A TABLES
rules() { # rules NAME [TABLE]
	cat > "$T/rules-$1"
	[ -z "${2:-}" ] || TABLES[$1]=$2
}
client() { out "$LIB/net.py" "$@" 0.5; }
inner() { pod "$LIB/net.py" "$@" 0.5; }
proxied() { # proxied ADDRESS PORT: does the transparent proxy get a datagram to there?
	: > "$T/proxied"
	client udp "$1" "$2" > "$T/out"
	grep -q ping "$T/proxied" && echo ok
}
group() { [ "$(evade led 4789 5355 "$@")" = delivered ] && echo ok; }

rules redirect << 'N'
table inet cheat {
	chain in { type nat hook prerouting priority dstnat; tcp dport 8080 redirect to :9090; udp dport 4789 redirect to :5354; }
	chain out { type nat hook output priority -100; tcp dport 8080 redirect to :9090; udp dport 4789 redirect to :5354; }
}
N
rules dnat << N
table inet cheat {
	chain in { type nat hook prerouting priority dstnat; tcp dport 8080 dnat ip to $POD4:9090; udp dport 4789 dnat ip to $POD4:5354; }
}
N
rules dnat-lo << 'N'
table inet cheat {
	chain in { type nat hook prerouting priority dstnat; tcp dport 8080 dnat ip to 127.0.0.1:9090; }
}
N
# Behind `wire`, in front of connection tracking: the port is simply written over, and back on the way out.
rules rewrite "netdev cheat" << 'N'
table netdev cheat {
	chain in { type filter hook ingress device eth0 priority 0; tcp dport 8080 tcp dport set 9090; udp dport 4789 udp dport set 5354; }
	chain out { type filter hook egress device eth0 priority 0; tcp sport 9090 tcp sport set 8080; udp sport 5354 udp sport set 4789; }
}
N
rules group "netdev cheat" << 'N'
table netdev cheat {
	chain in { type filter hook ingress device eth0 priority 0; udp dport 4789 udp dport set 5355; }
}
N
rules group-dnat << 'N'
table ip cheat {
	chain in { type nat hook prerouting priority dstnat; ip daddr 224.0.0.1 udp dport 4789 dnat to 224.0.0.1:5355; }
}
N
TABLES[group-dnat]="ip cheat"
rules tproxy << 'N'
table inet cheat {
	chain in {
		type filter hook prerouting priority mangle;
		meta nfproto ipv4 tcp dport 8080 tproxy ip to :9091 meta mark set 1 accept
		meta nfproto ipv6 tcp dport 8080 tproxy ip6 to :9091 meta mark set 1 accept
		meta nfproto ipv4 udp dport 4789 tproxy ip to :9091 meta mark set 1 accept
	}
}
N
rules forward "netdev cheat" << 'N'
table netdev cheat {
	chain in { type filter hook ingress device eth0 priority 0; tcp dport 9090 fwd to "lo"; }
}
N
for a in $POD4 $POD6; do
	attempt "REDIRECT, TCP to $a" nat redirect client tcp $a 8080
	attempt "REDIRECT, UDP to $a" nat redirect client udp $a 4789
	attempt "the port rewritten, TCP to $a" nat rewrite client tcp $a 8080
	attempt "the port rewritten, UDP to $a" nat rewrite client udp $a 4789
	attempt "TPROXY, TCP to $a" nat tproxy client tcp $a 8080
done
for a in 127.0.0.1 ::1; do
	attempt "REDIRECT, TCP to $a" nat redirect inner tcp $a 8080
	attempt "REDIRECT, UDP to $a" nat redirect inner udp $a 4789
done
attempt "DNAT, TCP" nat dnat client tcp $POD4 8080
attempt "DNAT, UDP" nat dnat client udp $POD4 4789
attempt "DNAT to loopback" nat dnat-lo client tcp $POD4 8080
attempt "TPROXY, UDP" nat tproxy proxied $POD4 4789
attempt "forwarded to lo" nat forward client tcp $POD4 9090
attempt "the port rewritten, multicast" nat group group multicast
attempt "the port rewritten, broadcast" nat group group subnet broadcast
attempt "DNAT, multicast" nat group-dnat group multicast
# To an address that the pod would route on, if netfilter didn't mark it and a rule bring it in. Where `wire` asks, it is for others.
routed() { # routed COMMAND...
	out ip route add 192.0.2.0/24 via $POD4
	jail sysctl -qw net.ipv4.ip_forward=1
	jail ip rule add fwmark 1 table 100 && jail ip route add local default dev lo table 100
	nat mark "$@"
	jail ip route del local default dev lo table 100 && jail ip rule del fwmark 1
	jail sysctl -qw net.ipv4.ip_forward=0
	out ip route del 192.0.2.0/24
}
rules mark << 'N'
table inet cheat {
	chain in { type filter hook prerouting priority mangle; ip daddr 192.0.2.0/24 meta mark set 1; }
}
N
sctp() { [ "$(evade raw 132 4 192.0.2.9)" = delivered ] && echo ok; }
attempt "local by a mark, TCP" routed client tcp 192.0.2.9 9091
attempt "local by a mark, UDP" routed proxied 192.0.2.9 9091
attempt "local by a mark, SCTP" routed sctp
evasion_run

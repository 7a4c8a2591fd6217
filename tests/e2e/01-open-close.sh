#!/bin/bash
# SPDX-License-Identifier: MIT
# A signed license opens its port within a second, and nothing else gets in: not from outside, not over
# lo, not over a new interface, not through an nft redirect; TCP and UDP, IPv4 and IPv6.
. "$(dirname "$0")/lib.sh"
need nginx nft

pulse
setup
start_nginx pod 8080 9090
start_echo udp 5353 5354

for a in $POD4 $POD6; do
	is "nothing is open at first: outside to $a:8080" "$(out "$LIB/net.py" tcp $a 8080)" refused
	is "nothing is open at first: outside to $a:5353/udp" "$(out "$LIB/net.py" udp $a 5353)" refused
done
is "nothing is open at first: 127.0.0.1:8080" "$(pod "$LIB/net.py" tcp 127.0.0.1 8080)" refused

start=$(now)
drop app.lic '"ports":[{"port":8080},{"port":5353,"protocol":"UDP"}]'
opened=$(out "$LIB/net.py" wait ok $POD4 8080 10)
promptly "a file dropped into the license directory is in force within 1 s" "$(since "$start" "$opened")" 1

for a in $POD4 $POD6; do
	is "licensed: outside to $a:8080" "$(out curl -s -m 3 "http://$([ $a = $POD4 ] && echo $a || echo "[$a]"):8080/port")" "port 8080"
	is "licensed: outside to $a:5353/udp" "$(out "$LIB/net.py" udp $a 5353)" ok
done
for a in 127.0.0.1 ::1 $POD4 $POD6; do
	is "licensed: inside, over lo, $a:8080" "$(pod "$LIB/net.py" tcp $a 8080)" ok
	is "licensed: inside, over lo, $a:5353/udp" "$(pod "$LIB/net.py" udp $a 5353)" ok
done

# refused at once: the kernel's answer, not a time-out
refused_at_once() { # refused_at_once WHERE PROTO ADDR PORT
	local start got
	start=$(now)
	got=$("$1" "$LIB/net.py" "$2" "$3" "$4" 3)
	is "unlicensed, refused: $1 to $3:$4/$2" "$got" refused
	[ "$got" = refused ] || return
	promptly "... and at once (s, with the start of Python)" "$(since "$start")" 1
}
for a in $POD4 $POD6; do
	refused_at_once out tcp $a 9090
	refused_at_once out udp $a 5354
done
for a in 127.0.0.1 127.9.9.9 ::1 $POD4 $POD6; do
	refused_at_once pod tcp $a 9090
	refused_at_once pod udp $a 5354
done
is "unlicensed: UDP from a socket without a remote end gets no answer" "$(out "$LIB/net.py" udp-unbound $POD4 5354 0.5)" timeout

# an interface that comes after the gate
ip link add plx$$ netns "$OUT" type veth peer name eth1 netns "$POD"
out ip addr add 10.78.0.1/24 dev plx$$
out ip link set plx$$ up
pod ip addr add 10.78.0.2/24 dev eth1
pod ip link set eth1 up
is "new interface, first packets: 9090 is refused" "$(out "$LIB/net.py" tcp 10.78.0.2 9090)" refused
is "new interface, first packets: 8080 is open" "$(out "$LIB/net.py" tcp 10.78.0.2 8080)" ok
check "new interface: wire covers it soon" eventually 10 sh -c \
	"portlic gate list -o json | grep -q wire && curl -s --unix-socket $PORTLIC_SOCKET http://portlic/v1/gates | tr ',{' '\n\n' | grep -q '\"interface\": *\"eth1\"'"
refused_at_once out tcp 10.78.0.2 9090
refused_at_once out udp 10.78.0.2 5354

# what the socket really is: NAT inside the pod
pod nft -f - << 'N'
table inet cheat {
	chain in { type nat hook prerouting priority dstnat; tcp dport 8080 redirect to :9090; udp dport 5353 redirect to :5354; }
	chain out { type nat hook output priority -100; tcp dport 8080 redirect to :9090; }
}
N
is "nft redirect 8080 -> 9090 in the pod: refused from outside" "$(out "$LIB/net.py" tcp $POD4 8080)" refused
is "nft redirect, IPv6: refused from outside" "$(out "$LIB/net.py" tcp $POD6 8080)" refused
is "nft redirect over lo, IPv6: refused" "$(pod "$LIB/net.py" tcp ::1 8080)" refused
is "nft redirect over lo, IPv4: refused" "$(pod "$LIB/net.py" tcp 127.0.0.1 8080)" refused
is "nft redirect of UDP 5353 -> 5354: no echo" "$(out "$LIB/net.py" udp $POD4 5353 0.5 | sed 's/timeout/refused/')" refused
pod nft delete table inet cheat
is "without the redirect 8080 is open again" "$(out "$LIB/net.py" tcp $POD4 8080)" ok

start=$(now)
rm "$T/licenses.d/app.lic"
sleep 1
is "a deleted file is held: a Secret may be in the middle of a swap" "$(out "$LIB/net.py" tcp $POD4 8080)" ok

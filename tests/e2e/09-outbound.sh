#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# The pod's own traffic is untouched: a long download, DNS with connected and unconnected sockets, ping,
# clients whose own port happens to have a rule; a real redis behind its license.
. "$(dirname "$0")/lib.sh"
need nginx

setup
start_nginx out 80 8080
truncate -s 300M "$T/nginx-out/www/big"
check "download of 300 MB into the pod, IPv4" pod curl -sf -m 60 -o "$T/got" "http://$OUT4/big"
is "... all of it" "$(stat -c %s "$T/got")" 314572800
rm -f "$T/got"
check "download over IPv6" pod curl -sf -m 30 -o "$T/got" "http://[$OUT6]/port"
is "a thousand short connections, all answered" "$(pod curl -s -m 60 -H 'Connection: close' "http://$OUT4/small?[1-1000]" | grep -c small)" 1000
check "ping, IPv4" pod ping -c 2 -i 0.2 -W 1 $OUT4
check "ping, IPv6" pod ping -c 2 -i 0.2 -W 1 $OUT6
check "ping from outside" out ping -c 2 -i 0.2 -W 1 $POD4
check "neighbours are found again after a flush" sh -c "nsenter --net=/run/netns/$POD ip neigh flush dev eth0 && nsenter --net=/run/netns/$POD ping -6 -c 1 -W 2 $OUT6"
check "path MTU messages pass: a refusal of the peer reaches a UDP client" sh -c "[ \$(nsenter --net=/run/netns/$POD $LIB/net.py udp $OUT4 9) = refused ]"

# UDP clients
in_out "$LIB/net.py" echo-udp 5300
eventually 10 sh -c "nsenter --net=/run/netns/$OUT ss -Hlnu 'sport = :5300' | grep -q ." || bail "echo server"
for a in $OUT4 $OUT6; do
	is "UDP client, connected, $a" "$(pod "$LIB/net.py" udp $a 5300)" ok
	is "UDP client, unconnected, $a" "$(pod "$LIB/net.py" udp-unbound $a 5300)" ok
done
if command -v dnsmasq > /dev/null && command -v dig > /dev/null; then
	in_out dnsmasq --no-daemon --conf-file=/dev/null --no-resolv --no-hosts --port=53 --user=root --pid-file="$T/dnsmasq.pid" --address=/shop.example/192.0.2.7
	eventually 10 sh -c "nsenter --net=/run/netns/$OUT ss -Hlnu 'sport = :53' | grep -q ." || bail "dnsmasq" "$(cat "$T/background.log")"
	is "DNS with dig" "$(pod dig +short +tries=1 +time=2 @$OUT4 shop.example)" 192.0.2.7
	is "DNS with dig, IPv6" "$(pod dig +short +tries=1 +time=2 @$OUT6 shop.example)" 192.0.2.7
	is "DNS with dig over TCP" "$(pod dig +short +tcp +tries=1 +time=2 @$OUT4 shop.example)" 192.0.2.7
	is "100 queries in one batch" "$(for _ in $(seq 100); do echo shop.example; done > "$T/names"; pod dig +short +tries=1 +time=2 @$OUT4 -f "$T/names" | grep -c 192.0.2.7)" 100
else
	skip "DNS with dig and dnsmasq" "dnsmasq or dig is not installed"
fi

# a client whose own port has a rule: not cut when the license of that port ends
start_echo tcp 8080
end=$(in_s 3)
drop app.lic '"lid":"short"' "\"exp\":$end" '"lapse":"block"' '"ports":[{"port":8080},{"port":40000,"endPort":40100}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
cat > "$T/client.py" << 'P'
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), source_address=("", 40007), timeout=2)
end = time.time() + 5
while time.time() < end:
    s.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(65536)
    time.sleep(0.1)
print("alive")
P
is "a client from a port in a range that lapses lives on" "$(pod python3 "$T/client.py" $OUT4 2>&1 | tail -n 1)" alive
is "the lapsed port itself is shut" "$(out "$LIB/net.py" tcp $POD4 8080)" refused

if command -v redis-server > /dev/null; then
	drop redis.lic '"lid":"redis"' '"jti":"r"' '"ports":[{"port":6379}]'
	in_pod redis-server --port 6379 --bind '* -::*' --protected-mode no --save '' --dir "$T" --daemonize no
	eventually 10 listens pod 6379 || bail "redis" "$(cat "$T/background.log")"
	check "the license of redis is in force" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT redis-cli -h $POD4 ping) = PONG ]"
	is "redis over IPv6" "$(out redis-cli -h $POD6 set k v)" OK
	out redis-benchmark -h $POD4 -q -n 20000 -c 20 -P 4 -t set,get > "$T/out" 2>&1
	is "redis-benchmark runs through" "$?" 0
	portlic license unload redis > "$T/out" 2>&1
	is "unload: redis is shut to new clients" "$(out "$LIB/net.py" tcp $POD4 6379)" refused
else
	skip "redis" "redis-server is not installed"
fi

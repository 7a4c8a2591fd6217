#!/bin/bash
# SPDX-License-Identifier: MIT
# Counters against independent counts: connections exactly, packets and bytes as nftables in the pod saw them.
. "$(dirname "$0")/lib.sh"
need nginx nft

setup
start_nginx pod 8080 9090
start_echo udp 5353
start_echo tcp 7000
drop app.lic '"ports":[{"port":8080},{"port":7000},{"port":5353,"protocol":"UDP"}]'
[ "$(out "$LIB/net.py" wait ok $POD4 7000 10)" != never ] || bail "the ports open"
# wire stands before nftables: what it let through, nftables counts
pod nft -f - << 'N'
table inet seen {
	counter http {}
	counter dns {}
	chain pre { type filter hook prerouting priority raw; iifname eth0 tcp dport 8080 counter name http; iifname eth0 udp dport 5353 counter name dns; }
}
N
seen() { pod nft -j list counter inet seen "$1" | json "next(o['counter']['$2'] for o in d['nftables'] if 'counter' in o)"; }
settle() { sleep 0.3; }

settle
c0=$(port 8080 'p["connections"]["allowed"]') p0=$(port 8080 'p["packets"]["allowed"]') b0=$(port 8080 'p["bytes"]["allowed"]')
for i in 1 2 3 4; do
	out curl -s -m 20 -H 'Connection: close' "http://$POD4:8080/small?[1-50]" > "$T/out"
	is "50 requests answered ($i)" "$(grep -c small "$T/out")" 50
done
settle
is "200 requests on 200 connections, counted as 200" "$(($(port 8080 'p["connections"]["allowed"]') - c0))" 200
is "packets as nftables counted them" "$(($(port 8080 'p["packets"]["allowed"]') - p0))" "$(seen http packets)"
is "bytes as nftables counted them" "$(($(port 8080 'p["bytes"]["allowed"]') - b0))" "$(seen http bytes)"

c0=$(port 8080 'p["connections"]["allowed"]')
out curl -s -m 20 "http://$POD4:8080/small?[1-100]" > "$T/out"
settle
is "100 requests on one connection, counted as 1" "$(($(port 8080 'p["connections"]["allowed"]') - c0))" 1
c0=$(port 8080 'p["connections"]["allowed"]')
pod curl -s -m 20 -H 'Connection: close' "http://127.0.0.1:8080/small?[1-30]" > "$T/out"
settle
is "30 over lo, counted as 30" "$(($(port 8080 'p["connections"]["allowed"]') - c0))" 30

p0=$(port 5353/udp 'p["packets"]["allowed"]')
for _ in 1 2 3 4 5; do out "$LIB/net.py" udp $POD4 5353 > "$T/out"; done
settle
is "5 datagrams of 5 clients: packets" "$(($(port 5353/udp 'p["packets"]["allowed"]') - p0))" 5
is "... connections" "$(port 5353/udp 'p["connections"]["allowed"]')" 5
is "... as nftables saw" "$(seen dns packets)" 5

# a bulk upload: merged frames count as their segments
b0=$(port 7000 'p["bytes"]["allowed"]')
out python3 - $POD4 << 'P'
import socket, sys, threading
s = socket.create_connection((sys.argv[1], 7000))
n = 32 << 20
def drain():
    left = n
    while left:
        left -= len(s.recv(1 << 20))
t = threading.Thread(target=drain); t.start()
s.sendall(bytes(n)); t.join()
P
settle
between "32 MiB uploaded: bytes, with headers" "$(($(port 7000 'p["bytes"]["allowed"]') - b0))" 33554432 36909875

# denials
d0=$(port 9090 'p["connections"]["denied"]')
for _ in 1 2 3 4 5 6 7; do out "$LIB/net.py" tcp $POD4 9090 > "$T/out"; done
for _ in 1 2 3; do pod "$LIB/net.py" tcp ::1 9090 > "$T/out"; done
settle
[ "$d0" = None ] && d0=0
is "10 refused connections, counted as 10" "$(($(port 9090 'p["connections"]["denied"]') - d0))" 10
is "none of them as allowed" "$(port 9090 'p["connections"]["allowed"]')" 0
is "state of a port that was knocked on" "$(port 9090 'p["state"]')" unlicensed
accessed=$(date +%s)
out "$LIB/net.py" tcp $POD4 8080 > "$T/out"
accessed_by=$(date +%s)
settle
last=$(date -d "$(port 8080 'p["last_access"]')" +%s)
between "last access: when it was" "$last" $((accessed - 1)) $((accessed_by + 1))

# a scan of 2,000 ports
denied() { portlic port list pod -o json | json 'sum(p["connections"]["denied"] for p in d)'; }
rows() { portlic port list pod -o json | json 'len(d)'; }
d0=$(denied)
out python3 - $POD4 << 'P'
import socket, sys
for port in range(20000, 22000):
    s = socket.socket(); s.settimeout(1)
    s.connect_ex((sys.argv[1], port)); s.close()
P
settle
between "a scan of 2,000 ports: every SYN is counted (some again, after a refusal that the limit swallowed)" "$(($(denied) - d0))" 2000 2100
between "... in a bounded table" "$(rows)" 4 200
check "... with the rest as other" sh -c "portlic port list pod | grep -q other"
is "... and 8080 still answers" "$(out "$LIB/net.py" tcp $POD4 8080)" ok

#!/bin/bash
# SPDX-License-Identifier: MIT
# Many flows: ten thousand at once, and a flood of a million in a pod next door.
. "$(dirname "$0")/lib.sh"
[ -x "$BUILD/tests/e2e/flood" ] || skip_all 'no flood: run "make test-e2e"'

setup
NEXT=plx$$-next
ip netns add "$NEXT"
next() { nsenter --net="/run/netns/$NEXT" "$@"; }
ip link add "$NEXT" netns "$OUT" type veth peer name eth0 netns "$NEXT"
out ip addr add 10.79.0.1/24 dev "$NEXT" && out ip link set "$NEXT" up
next ip addr add 10.79.0.2/24 dev eth0
next ip link set lo up && next ip link set eth0 up
next ip route add default via 10.79.0.1
check "a gate next door" portlic gate add next --netns "$NEXT"
out ip route add local 10.98.0.0/18 dev lo
out ip route add blackhole 10.99.0.0/16
out sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 # a router on the way, for traceroute
out ip route add 192.0.2.0/24 via 10.77.0.66
is "10,000 questions at once: all answers come" "$("$LIB/many.py" "$POD" "$OUT" 10000)" 10000
is "... and no flow was lost" "$(metric portlic_flow_evictions_total 'gate="pod"')" 0

"$LIB/outbound.py" "$POD" "$OUT" "$T/stop" > "$T/traffic" 2>> "$T/background.log" &
PIDS+=($!)
eventually 10 grep -q running "$T/traffic" || bail "the traffic" "$(cat "$T/background.log")"
in_out "$LIB/net.py" echo-udp 5310
cat > "$T/connected.py" << 'P'
import os, socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.79.0.1", 5310))
s.settimeout(2)
asked = lost = 0
while not os.path.exists(sys.argv[1]):
    asked += 1
    s.send(b"%d" % asked)
    try:
        while s.recv(64) != b"%d" % asked:
            pass
    except OSError:
        lost += 1
    time.sleep(0.001)
    if asked == 1:
        print("asked", flush=True)
print(asked > 1, lost)
P
nsenter --net="/run/netns/$NEXT" python3 "$T/connected.py" "$T/stop" > "$T/connected" 2>&1 &
client=$!
PIDS+=($!)
eventually 10 grep -q asked "$T/connected"
start=$(now)
check "a million flows next door" next "$BUILD/tests/e2e/flood" 10.99.0.1 1000000
echo "# in $(since "$start") s"
: > "$T/stop"
wait $client
eventually 10 grep -q traceroute-end "$T/traffic"
is "no answer is lost here" "$(awk '$3 > 0' "$T/traffic")" ""
is "... nor a flow" "$(metric portlic_flow_evictions_total 'gate="pod"')" 0
is "there, a connected socket loses none" "$(tail -n 1 "$T/connected")" "True 0"
between "... and what the table lost is counted" "$(metric portlic_flow_evictions_total 'gate="next"')" 980000 1001000

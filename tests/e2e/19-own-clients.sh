#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# A connection that the pod opened from a port before any license named that port isn't cut with it.
. "$(dirname "$0")/lib.sh"
need nginx

setup
start_nginx out 80
start_echo tcp 8080
cat > "$T/client.py" << 'P'
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), source_address=("", 40007), timeout=2)
print("open", flush=True)
end = time.time() + float(sys.argv[2])
while time.time() < end:
    s.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
    assert s.recv(65536)
    time.sleep(0.1)
print("alive")
P
pod python3 "$T/client.py" $OUT4 7 > "$T/client" 2>&1 & client=$!
PIDS+=("$client")
eventually 5 grep -q open "$T/client" || bail "the client" "$(cat "$T/client")"
drop app.lic '"lid":"short"' "\"exp\":$(in_s 3)" '"lapse":"block"' '"ports":[{"port":8080},{"port":40000,"endPort":40100}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 3)" != never ] || bail "8080 opens"
check "the license lapses" eventually 5 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8080) = refused ]"
sleep 0.5
is "its port 40007 is shut, to others" "$(out "$LIB/net.py" tcp $POD4 40007)" refused
wait $client
is "the pod's own connection from there lives on" "$(tail -n 1 "$T/client")" alive

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# A connection that the pod opened from a port before any license named that port isn't cut with it.
. "$(dirname "$0")/lib.sh"
need nginx

setup
start_nginx out 80
start_echo tcp 8080
SOURCE_PORT=40007 pod "$LIB/net.py" hold $OUT4 80 10 > "$T/client" 2>&1 & client=$!
PIDS+=("$client")
eventually 10 has_clients 40007 || bail "the client" "$(cat "$T/client")"
drop app.lic '"lid":"short"' "\"exp\":$(in_s 5)" '"lapse":"block"' '"ports":[{"port":8080},{"port":40000,"endPort":40100}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
check "the license lapses" eventually 15 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8080) = refused ]"
sleep 0.5
is "its port 40007 is shut, to others" "$(out "$LIB/net.py" tcp $POD4 40007)" refused
wait $client
is "the pod's own connection from there lives on" "$(cut -d' ' -f1 "$T/client")" open

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Brown-out: in the grace of a license a falling share of the clients gets in, always the same ones; off unless
# a policy says so.
. "$(dirname "$0")/lib.sh"

CLIENTS=64
policy() { printf '%s' "$1" > "$T/p" && mv "$T/p" "$T/policies.d/pod.json"; }
# admitted PORT > FILE: which of 64 clients get a connection, an address each; how many
admitted() {
	out /usr/bin/python3 - "$POD4" "$1" $CLIENTS > "$T/$2" << 'P'
import socket, sys
for i in range(int(sys.argv[3])):
    s = socket.socket()
    s.settimeout(2)
    s.bind(("10.77.1.%d" % (i + 1), 0))
    try:
        s.connect((sys.argv[1], int(sys.argv[2])))
        print(i)
    except ConnectionRefusedError:
        pass
    s.close()
P
	wc -l < "$T/$2"
}
grace() { # grace LEFT SEQ: 400 s of it, of which LEFT are to come
	drop app.lic "\"seq\":$2" "\"jti\":\"j$2\"" '"nbf":1000000000' "\"iat\":$(($(date +%s) - 10))" '"grace":400' \
		"\"exp\":$(in_s $(($1 - 400)))" '"ports":[{"port":8080}]'
	eventually 10 sh -c "portlic license list -o json | grep -q '\"seq\":$2,' && portlic port list pod -o json | grep -q '\"grace\"'" || bail "grace"
}

setup
for i in $(seq $CLIENTS); do out ip addr add "10.77.1.$i/32" dev "$VETH"; done
pod ip route add 10.77.1.0/24 via $OUT4
start_echo tcp 8080
grace 90 1
is "no policy says so: in the last quarter of the grace all clients get in" "$(admitted 8080 off)" $CLIENTS
policy '{"name":"p","match":{"gates":["pod"]},"brownout":true}'
eventually 10 sh -c "portlic policy list -o json | grep -q '\"in_force\":[^]]*\"pod\"'" || bail "the policy"
between "with \"brownout\": a quarter of the clients" "$(admitted 8080 quarter)" 6 28
is "... the same ones when they come again" "$(admitted 8080 again; cat "$T/quarter")" "$(cat "$T/again" | wc -l; cat "$T/again")"
has "the others are counted with their reason" "$(portlic port show pod 8080)" brownout
between "... in the metric too" "$(metric portlic_port_denied_total 'reason="brownout"')" 60 200
grace 190 2
between "half of the clients a step earlier" "$(admitted 8080 half)" 20 44
is "... those of the last quarter among them" "$(comm -23 <(sort "$T/quarter") <(sort "$T/half"))" ""
grace 290 3
between "three quarters" "$(admitted 8080 three)" 36 60
is "... those of the half among them" "$(comm -23 <(sort "$T/half") <(sort "$T/three"))" ""
grace 390 4
is "all in the first quarter" "$(admitted 8080 all)" $CLIENTS
drop app.lic '"seq":5' '"jti":"j5"'
eventually 10 sh -c "portlic port list pod -o json | grep -q '\"licensed\"'"
is "a renewal ends it" "$(admitted 8080 renewed)" $CLIENTS
policy '{"name":"p","match":{"gates":["pod"]},"brownout":"yes"}'
check "anything but true and false is refused by name" eventually 10 grep -q 'policy_refused.*brownout' "$T/agent.log"

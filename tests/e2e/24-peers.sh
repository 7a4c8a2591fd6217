#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# Who connected to a port in the last day, and who is connected now: over a restart too, and not beyond the gate.
. "$(dirname "$0")/lib.sh"
need nginx curl

setup
out ip addr add 10.77.0.9/24 dev "$VETH"
start_nginx pod 8080 9003
start_echo udp 5353
drop app.lic '"ports":[{"port":8080},{"port":9000,"endPort":9010},{"port":5353,"protocol":"UDP"}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
api() { curl -s --unix-socket "$PORTLIC_SOCKET" "http://portlic/v1/peers?$1"; }
# clients PORT[/PROTO]: address, sockets connected, whether the last time is known; a line each, sorted
clients() {
	api "gate=pod&port=$1" | json '"\n".join(sorted("%s %d %s" % (p["remote"], p["connected"], p["last"] is not None) for p in d["peers"]))'
}
from() { out python3 -c 'import socket, sys; socket.create_connection((sys.argv[2], int(sys.argv[3])), 2, (sys.argv[1], 0)).close()' "$@"; } # from SOURCE ADDR PORT

in_out "$LIB/net.py" idle $POD4 8080 60
in_out "$LIB/net.py" idle $POD6 8080 60
from 10.77.0.9 $POD4 8080
connected() { [ "$(pod ss -Htn state established 'sport = :8080' | wc -l)" = 2 ]; }
eventually 10 connected || bail "two are connected"
is "clients of 8080, live and past" "$(clients 8080)" "10.77.0.1 1 True
10.77.0.9 0 True
fd77::1 1 True"
is "... three in all" "$(api 'gate=pod&port=8080' | json 'd["clients"]')" 3
is "... the live ones come first" "$(api 'gate=pod&port=8080/TCP' | json '[p["connected"] for p in d["peers"]]')" "[1, 1, 0]"
is "the wait and the idle one make two connections" "$(api 'gate=pod&port=8080' | json 'next(p["connections"] >= 2 for p in d["peers"] if p["remote"] == "10.77.0.1")')" True
from 10.77.0.9 $POD4 9003
is "a port of a range has the range's" "$(clients 9007)" "10.77.0.9 0 True"
is "... told by its first port" "$(api 'gate=pod&port=9003' | json 'd["peers"][0]["port"]')" 9000
out "$LIB/net.py" udp $POD4 5353 > "$T/out"
is "UDP" "$(clients 5353/udp)" "10.77.0.1 0 True"
is "... not under TCP" "$(clients 5353)" ""
is "without a port: all" "$(api gate=pod | json 'sorted(set((p["port"], p["protocol"]) for p in d["peers"]))')" "[(5353, 'UDP'), (8080, 'TCP'), (9000, 'TCP')]"

text=$(portlic port show pod 8080)
has "port show tells how many" "$text" "clients      3 in the last day"
has "... who is connected" "$text" "fd77::1: 1 connected, 1 connection, last"
has "... and who was" "$text" "10.77.0.9: 1 connection, last"
is "... in JSON" "$(portlic port show pod 8080 -o json | json '(d["clients"], len(d["peers"]), d["port"])')" "(3, 3, 8080)"
has "a port nobody came to" "$(portlic port show pod 9000; out "$LIB/net.py" tcp $POD4 9999 > /dev/null; portlic port show pod 9999)" "clients      0 in the last day"

code() { curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" "http://portlic/v1/peers?$1"; }
is "no gate: 400" "$(code port=8080)" 400
is "an unknown gate: 404" "$(code gate=nobody)" 404
for port in x 0 65536 80/icmp 80x ''; do is "port \"$port\": 400" "$(code "gate=pod&port=$port")" 400; done
has "... and says what would do" "$(cat "$T/answer")" 8080

agent_end KILL
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "a restart forgets nobody" "$(clients 8080)" "10.77.0.1 1 True
10.77.0.9 0 True
fd77::1 1 True"
portlic gate del pod > "$T/out"
gate_up
is "a new gate knows who is connected, and nobody of before" "$(clients 8080)" "10.77.0.1 1 False
fd77::1 1 False"

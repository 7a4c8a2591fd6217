#!/bin/bash
# SPDX-License-Identifier: MIT
# The end of a license for what is connected: block resets it at once, block-new when it is drained, report
# never; idle or busy, and none of the pod's own connections. With the agent dead the kernel drops it.
. "$(dirname "$0")/lib.sh"
need nginx

pulse
setup
start_nginx pod 8080 8081 8082 8083
start_nginx out 80
sockets() { pod ss -Htn state established "sport = :$1" | wc -l; } # sockets PORT: the servers' own
start() { # start FILE VERB ADDR PORT SECONDS: a client outside
	out "$LIB/net.py" "${@:2}" > "$T/$1" 2> /dev/null &
	PIDS+=($!)
	clients+=($!)
}
ended() { read -r how when < "$T/$1"; } # ended FILE: $how and $when
clients=()

end=$(in_s 8)
drop block.lic '"lid":"block"' '"jti":"a"' "\"exp\":$end" '"lapse":"block"' '"ports":[{"port":8080},{"port":40000,"endPort":40100}]'
drop report.lic '"lid":"report"' '"jti":"b"' "\"exp\":$end" '"lapse":"report"' '"ports":[{"port":8082}]'
drop new.lic '"lid":"new"' '"jti":"c"' '"ports":[{"port":8081}]'
for port in 8080 8081 8082; do
	[ "$(out "$LIB/net.py" wait ok $POD4 $port 10)" != never ] || bail "$port opens" "$(cat "$T/agent.log")"
done
start idle4 idle $POD4 8080 12
start idle6 idle $POD6 8080 12
start busy hold $POD4 8080 12
start drain hold $POD4 8081 12
start drain-idle idle $POD4 8081 12
start report hold $POD4 8082 12
SOURCE_PORT=40007 pod "$LIB/net.py" hold $OUT4 80 14 > "$T/own" 2>&1 & own=$!
PIDS+=("$own")
connected() { has_clients 8080 3 && has_clients 8081 2 && has_clients 8082; }
check "clients are connected" eventually 10 connected

# Revoked a drain ago, but for some seconds: block-new.
cut=$(in_s 5)
echo "{\"iss\":\"https://vendor.example\",\"iat\":$(in_s -10),\"exp\":$(in_s 600),\"seq\":1,\"revoked\":[{\"jti\":\"c\",\"at\":$((cut - 300))}]}" > "$T/list.json"
portlic license sign --key "$T/vendor.jwk" --revocation-list "$T/list.json" > "$T/list" || bail "a revocation list"
mv "$T/list" "$T/licenses.d/list.rl"
[ "$(out "$LIB/net.py" wait refused $POD4 8081 10)" != never ] || bail "8081 is refused" "$(cat "$T/agent.log")"
ok "block-new: new connections are refused"
is "... and the established are not yet" "$(sockets 8081)" 2

wait "${clients[@]}"
for client in idle4 idle6 busy; do
	ended $client
	is "block: reset, $client" "$how" reset
	promptly "... within 1 s of the deadline" "$(since "$end" "$when")" 1
done
for client in drain drain-idle; do
	ended $client
	is "block-new: reset, $client" "$how" reset
	promptly "... within 1 s of the end of the drain" "$(since "$cut" "$when")" 1
done
ended report
is "report: goes on" "$how" open
is "... and lets new ones in" "$(out "$LIB/net.py" tcp $POD4 8082)" ok
between "... that are counted" "$(port 8082 'p["connections"]["audit"]')" 1 10
is "no socket is left behind" "$(sockets 8080) $(sockets 8081)" "0 0"
wait $own
is "the pod's own connection from a licensed range goes on" "$(cut -d' ' -f1 "$T/own")" open
is "the metric counts them" "$(metric portlic_connections_cut_total 'gate="pod"')" 5
is "events tell them" "$(sed -n 's/.*connections_cut gate="pod" number="\([0-9]*\)".*/\1/p' "$T/agent.log" | awk '{ n += $1 } END { print n }')" 5

# Unloaded; and what an audit let in, when it is over.
clients=()
drop gone.lic '"lid":"gone"' '"jti":"e"' '"lapse":"block"' '"ports":[{"port":8083}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8083 10)" != never ] || bail "8083 opens"
start gone idle $POD4 8083 12
check "one is connected" eventually 10 has_clients 8083
when=$(now)
check "its license is unloaded" portlic license unload gone
wait "${clients[0]}"
unloaded=$when
ended gone
is "unloaded: reset" "$how" reset
promptly "... within 1 s" "$(since "$unloaded" "$when")" 1
clients=()
portlic gate set pod --mode audit > "$T/out"
start audit idle $POD4 8080 14
check "audit lets one in to a lapsed port" eventually 10 has_clients 8080
sleep 1.5
is "... and cuts nothing" "$(sockets 8080)" 1
portlic gate set pod --mode enforce > "$T/out"
wait "${clients[0]}"
ended audit
is "enforced again: reset" "$how" reset

# With the agent dead.
clients=()
end=$(in_s 6)
drop dead.lic '"lid":"dead"' '"jti":"d"' "\"exp\":$end" '"lapse":"block"' '"ports":[{"port":8083}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8083 10)" != never ] || bail "8083 opens"
start dead-busy hold $POD4 8083 11
start dead-idle idle $POD4 8083 20
check "two are connected" eventually 10 has_clients 8083 2
agent_end KILL
wait "${clients[0]}"
ended dead-busy
is "the agent is dead: the kernel cuts" "$how" reset
promptly "... within 1 s of the deadline" "$(since "$end" "$when")" 1
is "... the pod's sockets stand" "$(sockets 8083)" 2
agent_start
wait "${clients[1]}"
ended dead-idle
is "until the agent is back: reset" "$how" reset
is "no socket is left behind" "$(sockets 8083)" 0

#!/bin/bash
# SPDX-License-Identifier: MIT
# Each denial tells who, where, why, by which hook; followed, filtered, rate-limited, over a restart of the agent.
. "$(dirname "$0")/lib.sh"
need nft

setup
start_echo tcp 8080 9090 9091 9092
start_echo udp 5353
drop app.lic '"ports":[{"port":8080},{"port":9091}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
seen() { portlic observe -o json "$@" | json "$EXPR"; }
events() { EXPR='"\n".join(sorted(set("%s %s %s %s %s %s" % (e["verdict"], e["hook"], e["port"], e["protocol"], e["reason"], e["remote"]) for e in d)))' seen "$@"; }
has_event() { events "${@:2}" | grep -qxF "$1"; }

out "$LIB/net.py" tcp $POD4 9090 1 > "$T/out"
out "$LIB/net.py" tcp $POD6 9090 1 > "$T/out"
pod "$LIB/net.py" tcp 127.0.0.1 9090 1 > "$T/out"
out "$LIB/net.py" udp $POD4 5353 > "$T/out"
check "a denied SYN" eventually 10 has_event "denied wire 9090 TCP unlicensed $OUT4"
check "... over IPv6" has_event "denied wire 9090 TCP unlicensed $OUT6"
check "... on lo" has_event "denied wire 9090 TCP unlicensed 127.0.0.1"
check "a denied datagram" has_event "denied wire 5353 UDP unlicensed $OUT4"
is "filtered by port" "$(events --port 5353)" "denied wire 5353 UDP unlicensed $OUT4"
is "... by verdict" "$(events --verdict audit)" ""
is "... by gate: an unknown one is an error" "$(portlic observe --gate none > "$T/out" 2>&1; echo $?)" 2
is "... by time" "$(events --since 2100-01-01T00:00:00Z)" ""
has "for people" "$(portlic observe --port 5353)" " denied pod $OUT4:"
is "each knows its generation" "$(portlic observe -o json | json 'all(e["generation"] > 0 for e in d)')" True

# the port that the client named, and the one that the socket has
pod nft -f - << 'N'
table ip t {
	chain pre {
		type nat hook prerouting priority dstnat;
		tcp dport 9091 redirect to :9090
	}
}
N
out "$LIB/net.py" tcp $POD4 9091 1 > "$T/out"
check "behind NAT: the socket's hook tells" eventually 10 has_event "denied socket 9091 TCP unlicensed $OUT4"
is "... both ports" "$(EXPR='[e["real_port"] for e in d][-1]' seen --port 9091)" 9090
between "... and the mismatch is counted" "$(metric portlic_port_remap_total 'gate="pod"')" 1 5
pod nft delete table ip t

# a license behind it
drop app.lic '"exp":'$(($(date +%s) + 2))',"seq":2,"ports":[{"port":8080}]'
eventually 20 has_event "denied wire 8080 TCP lapsed $OUT4" --port 8080 &
wait_pid=$!
for ((i = 0; i < 40; i++)); do
	out "$LIB/net.py" tcp $POD4 8080 1 > "$T/out"
	kill -0 $wait_pid 2> /dev/null || break
	sleep 0.1
done
check "a lapsed port" wait $wait_pid
is "... names its license" "$(EXPR='[e["lid"] for e in d if e["reason"] == "lapsed"][0]' seen --port 8080)" line-1

# followed
in_out portlic observe -f --port 9090 -o json
follower=${PIDS[-1]}
: > "$T/background.log"
followed() { # it may begin behind a knock
	out "$LIB/net.py" tcp $POD4 9090 1 > "$T/out"
	grep -q '"port":9090' "$T/background.log"
}
check "followed: a line comes" eventually 10 followed
kill "$follower"

# let through: a connection is one line, with all its segments
printf '%s' '{"name":"p","match":{"gates":["pod"]},"ports":[{"port":9092,"mode":"audit"}]}' > "$T/p.json"
portlic policy apply "$T/p.json" > "$T/out"
is "a port in audit is reached" "$(out "$LIB/net.py" tcp $POD4 9092 1)" ok
check "... and told" eventually 10 has_event "audit wire 9092 TCP unlicensed $OUT4"
sleep 0.3
is "... once" "$(EXPR='len(d)' seen --port 9092)" 1

# a flood is not a flood of events
is "nothing is lost so far" "$(metric portlic_events_lost_total)" 0
out python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3000): s.sendto(b"x", (sys.argv[1], 5353))' $POD4
between "3000 datagrams, few events" "$(EXPR='len(d)' seen --port 5353)" 10 200
between "... the rest is counted" "$(metric portlic_events_lost_total)" 2000 3000

# while nobody reads, they wait
agent_end KILL
out "$LIB/net.py" tcp $POD4 9090 1 > "$T/out"
agent_start
check "what came while the agent was away is there" eventually 10 has_event "denied wire 9090 TCP unlicensed $OUT4"
api() { curl -s --unix-socket "$PORTLIC_SOCKET" "http://x$1" "${@:2}"; }
is "who asks for more than that agent had told begins anew" \
	"$(api "/v1/events?after=18446744073709551615" | json 'd["events"][0]["seq"]')" 1
has "a gate on a namespace and a cgroup is refused" "$(api /v1/gates -d '{"name":"two","netns":"/run/netns/x","cgroup":"y"}')" \
	'one of \"netns\" and \"cgroup\"'

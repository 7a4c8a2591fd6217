#!/bin/bash
# SPDX-License-Identifier: MIT
# Seats: distinct clients at a time, held at twice the load; freed at once, by nobody's hand when the agent is
# dead; two licenses on one port; a limit over two gates; who stands when the limit comes; UDP; audit.
. "${0%/*}/lib.sh"
. "$LIB/crowd.sh"

SEATS=5
setup
start_echo tcp 8080 8081 8082
start_echo udp 9000
seats() { port "$1" '"%s/%s" % (p["seats"]["used"], p["seats"]["limit"]) if p["seats"] else None'; }
seats_are() { [ "$(seats "$1")" = "$2" ]; }
# distinct clients that the server has on a port, the handshake done
served() { pod ss -Htn state established "sport = :$1" | awk '{ sub(/:[0-9]+$/, "", $4); print $4 }' | sort -u | wc -l; }
most() { # the largest of these over two seconds
	local end=$((${EPOCHREALTIME/[.,]/} + 2000000)) n most=0
	while [ "${EPOCHREALTIME/[.,]/}" -lt $end ]; do
		n=$(served "$1")
		((n <= most)) || most=$n
	done
	echo "$most"
}
# entries MAP: the values of a map of the node, as numbers
entries() {
	bpftool -j map dump pinned "$T/bpf/portlic/maps/$1" |
		json '[sum(int(b, 16) << 8 * i for i, b in enumerate(e["value"][:8])) for e in d]'
}
nobody_sits() { [ "$(entries plic_seated)" = "[]" ]; }
denied() { port "$1" 'p["denied"].get("seats", 0)'; }

drop a.lic '"seats":'$SEATS
check "a license with seats" eventually 10 seats_are 8080 0/$SEATS

# ---- twice the load

crowd rush 8080
most 8080 > "$T/most" &
sampler=$!
tell rush open "$(addresses 11 20)"
wait $sampler
check "ten clients at once: five are served" eventually 10 count_is rush open $SEATS
between "... never more, but for handshakes in flight" "$(cat "$T/most")" 1 $((SEATS + 1))
is "... the rest is refused or reset" "$(($(count rush refused) + $(count rush reset)))" 5
is "... used of limit" "$(seats 8080)" "$SEATS/$SEATS"
between "... counted as denied for want of a seat" "$(denied 8080)" 5 100
is "... as a metric" "$(metric portlic_port_seats 'port="8080"') of $(metric portlic_port_seats_limit 'port="8080"')" "$SEATS of $SEATS"
has "... in the table" "$(portlic port list pod)" " $SEATS/$SEATS "
sleep 1.2
is "... and nobody loses a seat" "$(count rush open) $(seats 8080)" "$SEATS $SEATS/$SEATS"

sitting=$(awk '$2 == "open" { print $1; exit }' "$T/rush")
is "one who sits may connect once more" "$(out python3 -c '
import socket, sys
s = socket.create_connection(("'$POD4'", 8080), 2, ("'"$sitting"'", 0)); s.send(b"x"); print(s.recv(1).decode())' 2>&1)" x
is "... that takes no second seat" "$(seats 8080)" "$SEATS/$SEATS"
tell rush close "$sitting"
eventually 10 state_is rush "${sitting##*.}" closed
tell rush open 10.77.0.21
eventually 10 state_is rush 21 open
is "a seat that is freed is taken at once" "$(state rush 21) $(seats 8080)" "open $SEATS/$SEATS"

# ---- what is forged fills nothing

tell rush close "$(addresses 11 21)"
check "all seats are free" eventually 10 seats_are 8080 0/$SEATS
mac=$(pod cat /sys/class/net/eth0/address)
check "a thousand forged SYNs and ACKs" out "$LIB/crowd.py" flood "$VETH" "$mac" 8080 1000
is "... take no seat" "$(seats 8080)" "0/$SEATS"
tell rush open 10.77.0.11
check "... and keep nobody out" eventually 10 state_is rush 11 open
tell rush close 10.77.0.11

# ---- the agent is dead

tell rush open "$(addresses 11 15)"
check "five sit" eventually 10 count_is rush open 5
agent_end KILL
tell rush open 10.77.0.16
check "the agent is killed: the limit holds" eventually 10 state_is rush 16 refused
tell rush close 10.77.0.12
tell rush open 10.77.0.17
sleep 0.2
state_is rush 17 open || tell rush open 10.77.0.17
check "... and a freed seat can be taken" eventually 10 state_is rush 17 open
# churn: thirty clients come and go for a while, with nobody to mend anything
tell rush close "$(addresses 11 40)"
for _ in $(seq 25); do
	tell rush open "$(addresses 11 40)"
	sleep 0.08
	tell rush close "$(addresses 11 40)"
done
check "... thirty clients come and go: no seat is left behind" eventually 10 nobody_sits
is "... in no count" "$(entries plic_seats)" "[0]"
tell rush open "$(addresses 11 15)"
check "... five sit again" eventually 10 count_is rush open 5
agent_start
check "... all of which the next agent knows" eventually 10 seats_are 8080 5/$SEATS
sleep 1.5
is "... and leaves as it is" "$(count rush open) $(seats 8080)" "5 5/$SEATS"

# ---- renewal, up- and downgrade of the same line

drop a.lic '"seats":8' '"seq":2'
check "an upgrade of the line: more seats, the same clients" eventually 10 seats_are 8080 5/8
tell rush open 10.77.0.18
check "... room for another" eventually 10 state_is rush 18 open
drop a.lic '"seats":2' '"seq":3'
check "a downgrade: the overdraft is visible" eventually 10 seats_are 8080 6/2
sleep 1.2
is "... and nobody is thrown out" "$(count rush open)" 6
tell rush open 10.77.0.19
check "... but nobody gets in" eventually 10 state_is rush 19 refused
tell rush close "$(addresses 11 19)"
check "... and it ends with those who leave" eventually 10 seats_are 8080 0/2
rm "$T/licenses.d/a.lic"
portlic license unload line-1 > /dev/null 2>&1

# ---- the limit comes to those who stand

drop free.lic '"lid":"free"' '"ports":[{"port":8081}]'
eventually 10 seats_are 8081 None
crowd stand 8081
tell stand open "$(addresses 11 17)"
check "seven clients without a limit" eventually 10 count_is stand open 7
drop free.lic '"lid":"free"' '"seq":2' '"ports":[{"port":8081,"seats":4}]'
check "a limit of four comes: seven sit" eventually 10 seats_are 8081 7/4
sleep 1.2
is "... and stay" "$(count stand open)" 7
tell stand open 10.77.0.18
check "... an eighth doesn't get in" eventually 10 state_is stand 18 refused
tell stand close "$(addresses 11 14)"
check "... until there is room" eventually 10 seats_are 8081 3/4
tell stand open 10.77.0.18
check "... again" eventually 10 state_is stand 18 open

# ---- two licenses on one port

tell stand close "$(addresses 11 18)"
drop short.lic '"lid":"short"' '"exp":'"$(in_s 100)" '"lapse":"block"' '"ports":[{"port":8081,"seats":2}]'
check "a second license adds its seats" eventually 10 seats_are 8081 0/6
tell stand open "$(addresses 11 18)"
check "... which are used" eventually 10 count_is stand open 6
is "... all of them" "$(seats 8081)" 6/6
portlic license unload short > /dev/null
check "a license goes, and its seats with it" eventually 10 count_is stand open 4
check "... those of the other stay" eventually 10 seats_are 8081 4/4
tell stand close "$(addresses 11 18)"
portlic license unload free > /dev/null

# ---- one license over two gates

second=plx$$-b
ip netns add "$second" || bail "a second pod"
ip link add "w$VETH" netns "$OUT" type veth peer name eth0 netns "$second" || bail "veth"
out ip addr add 10.79.0.1/24 dev "w$VETH" && out ip link set "w$VETH" up
ip -n "$second" addr add 10.79.0.2/24 dev eth0 && ip -n "$second" link set eth0 up && ip -n "$second" link set lo up
ip -n "$second" route add default via 10.79.0.1
background nsenter --net="/run/netns/$second" "$LIB/net.py" echo-tcp 8080
eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp 10.79.0.2 8080 0.5)\" = ok ]" || bail "the second pod"
check "a second gate" portlic gate add second --netns "$second"
drop node.lic '"lid":"node"' '"seats":{"limit":3,"scope":"node"}'
check "seats of the whole node" eventually 10 seats_are 8080 0/3
crowd away 8080 10.79.0.2
tell rush open "$(addresses 11 12)"
check "... two on one gate" eventually 10 count_is rush open 2
tell away open "$(addresses 12 15)"
check "... leave one on the other, for who has none yet" eventually 10 count_is away open 2
is "... used of limit, seen from both" "$(seats 8080) $(portlic port list second -o json | json '[p["seats"] for p in d if p["port"] == 8080]')" \
	"3/3 [{'used': 3, 'limit': 3}]"
tell rush close "$(addresses 11 12)"
sleep 1.2
is "... who leaves one gate sits on the other" "$(count away open) $(seats 8080)" "2 2/3"
check "... until that gate goes" portlic gate del second
check "... and its clients with it" eventually 10 seats_are 8080 0/3
portlic license unload node > /dev/null

# ---- UDP

drop udp.lic '"lid":"udp"' '"ports":[{"port":9000,"protocol":"UDP","seats":4}]'
check "UDP with seats" eventually 10 seats_are 9000/udp 0/4
# shellcheck disable=SC2046 # one word each
is "... eight clients: four are answered" "$(out "$LIB/crowd.py" udp $POD4 9000 $(addresses 11 18))" 4
is "... used of limit" "$(seats 9000/udp)" 4/4
# shellcheck disable=SC2046
is "... the same four once more" "$(out "$LIB/crowd.py" udp $POD4 9000 $(addresses 11 18))" 4

# ---- audit: let through, and counted

policy='{"name":"p","match":{"gates":["pod"]},"mode":"audit","open":[{"port":8082}],"ports":[{"port":8082,"seats":2}]}'
echo "$policy" > "$T/p" && mv "$T/p" "$T/policies.d/p.json"
check "a policy's own seats, in audit" eventually 10 seats_are 8082 0/2
crowd audit 8082
for i in 11 12 13 14; do
	tell audit open 10.77.0.$i
	eventually 10 state_is audit $i open
done
is "... four clients pass" "$(count audit open)" 4
check "... all of them sit" eventually 10 seats_are 8082 4/2
is "... two were counted as they would have been denied" "$(port 8082 'p["connections"]["audit"], p["connections"]["allowed"]')" "(2, 2)"
echo "${policy/audit/enforce}" > "$T/p" && mv "$T/p" "$T/policies.d/p.json"
check "enforced" eventually 10 sh -c "portlic gate list -o json | grep -q enforce"
sleep 1.2
is "... nobody is thrown out" "$(count audit open)" 4
tell audit open 10.77.0.15
check "... nobody gets in" eventually 10 state_is audit 15 refused

# ---- who gets through though there is no seat, and says nothing

tell audit close "$(addresses 11 15)"
check "all leave" eventually 10 seats_are 8082 0/2
tell audit hush "$(addresses 11 20)"
eventually 10 seats_are 8082 2/2
sleep 1.2
is "ten that say nothing: two are served" "$(served 8082)" 2

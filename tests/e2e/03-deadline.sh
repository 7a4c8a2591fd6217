#!/bin/bash
# SPDX-License-Identifier: MIT
# The end of a license with the agent dead: the kernel keeps the deadline. lapse block cuts, block-new
# leaves what stands, a lapsed UDP port is shut to its old clients.
. "$(dirname "$0")/lib.sh"
need nginx

pulse
setup
start_nginx pod 8080 8081
start_echo udp 5353
end=$(in_s 8)
drop block.lic '"lid":"a"' '"jti":"a"' "\"exp\":$end" '"lapse":"block"' '"ports":[{"port":8080}]'
drop new.lic '"lid":"b"' '"jti":"b"' "\"exp\":$end" '"ports":[{"port":8081},{"port":5353,"protocol":"UDP"}]'
drop later.lic '"lid":"c"' '"jti":"c"' "\"nbf\":$((end + 330))" "\"exp\":$((end + 900))" '"ports":[{"port":9090}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8081 10)" != never ] && [ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] ||
	bail "both ports open" "$(cat "$T/agent.log")"
ok "both ports open"
is "the state is licensed" "$(port 8080 'p["state"]')" licensed
is "the deadline is told" "$(port 8080 'p["deadline"]')" "$(date -u -d "@$end" +%Y-%m-%dT%H:%M:%SZ)"
agent_end KILL
ok "the agent is killed"

out "$LIB/net.py" hold $POD4 8080 12 > "$T/hold-block" & PIDS+=($!) && a=$!
out "$LIB/net.py" hold $POD4 8081 12 > "$T/hold-new" & PIDS+=($!) && b=$!
pod "$LIB/net.py" hold 127.0.0.1 8080 12 > "$T/hold-lo" & PIDS+=($!) && c=$!
out "$LIB/net.py" wait-udp ok $POD4 5353 10 > "$T/udp-ok"
out "$LIB/net.py" wait-udp refused $POD4 5353 15 > "$T/udp" & PIDS+=($!) && d=$!
out "$LIB/net.py" wait refused $POD4 8080 15 > "$T/tcp" & PIDS+=($!) && e=$!
out "$LIB/net.py" wait refused $POD6 8081 15 > "$T/tcp6" & PIDS+=($!) && f=$!
pod "$LIB/net.py" wait refused 127.0.0.1 8080 15 > "$T/lo" & PIDS+=($!) && g=$!
wait $a $b $c $d $e $f $g
promptly "8080 closes within 1 s of its deadline, IPv4" "$(since "$end" "$(cat "$T/tcp")")" 1
promptly "8081 closes within 1 s of its deadline, IPv6" "$(since "$end" "$(cat "$T/tcp6")")" 1
promptly "8080 closes within 1 s of its deadline, lo" "$(since "$end" "$(cat "$T/lo")")" 1
has "UDP was open before" "$(cat "$T/udp-ok")" .
promptly "UDP closes to its old client within 1 s" "$(since "$end" "$(cat "$T/udp")")" 1.4
read -r how when < "$T/hold-block"
is "lapse block: the established connection ends" "$([ "$how" = open ] && echo open || echo ended)" ended
promptly "... within 1 s, or as soon as a time-out shows it (2 s)" "$(since "$end" "$when")" 3.2
read -r how when < "$T/hold-lo"
is "lapse block: over lo too" "$([ "$how" = open ] && echo open || echo ended)" ended
read -r how when < "$T/hold-new"
is "lapse block-new: the established connection goes on" "$how" open

# the agent comes back after the end
agent_start
is "after the restart 8080 stays shut" "$(out "$LIB/net.py" tcp $POD4 8080)" refused
is "after the restart 8081 stays shut" "$(out "$LIB/net.py" tcp $POD4 8081)" refused
is "its state is lapsed" "$(port 8080 'p["state"]')" lapsed
is "the reason is counted" "$(port 8080 '"lapsed" in p.get("denied_reasons", p["denied"] if "denied" in p else {})')" True
is "a license whose time has not come is pending" "$(portlic license list -o json | json 'next(l["state"] for l in d if l["lid"] == "c")')" pending
is "9090 is shut until then" "$(out "$LIB/net.py" tcp $POD4 9090)" refused

# grace: nothing happens at exp
end=$(in_s 2)
drop block.lic '"lid":"a"' '"jti":"a2"' '"seq":2' "\"exp\":$end" '"grace":3' '"lapse":"block"'
has "a renewal opens it again" "$(out "$LIB/net.py" wait ok $POD4 8080 10)" .
promptly "with 3 s of grace it closes 3 s later" "$(since "$end" "$(out "$LIB/net.py" wait refused $POD4 8080 9)")" 4 2.9

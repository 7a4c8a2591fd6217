#!/bin/bash
# SPDX-License-Identifier: MIT
# rehearse --enforce: one gate is judged as if it were later, or without a license, and goes back by itself.
. "$(dirname "$0")/lib.sh"
need curl

state() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
when() { out "$LIB/net.py" wait "$1" $POD4 "$2" "$3"; }
gate() { portlic gate list -o json | json "next(g for g in d if g['name'] == '$1')$2"; }
pulse
setup
ip netns add "plx$$-b" && ip -n "plx$$-b" link set lo up || bail "another namespace"
start_echo tcp 8080 8081 9443
background nsenter --net="/run/netns/plx$$-b" "$LIB/net.py" echo-tcp 8080
portlic gate add other --netns "plx$$-b" > "$T/out" 2>&1 || bail "another gate"
other() { nsenter --net="/run/netns/plx$$-b" "$LIB/net.py" tcp 127.0.0.1 "$1" 0.5; }
drop soon.lic '"lid":"soon"' '"jti":"s"' "\"exp\":$(in_s 86400)" '"ports":[{"port":8080},{"port":8081}]'
drop long.lic '"lid":"long"' '"jti":"l"' "\"exp\":$(in_s 864000)" '"ports":[{"port":8081},{"port":9443},{"port":9500}]'
eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 9443)\" = ok ]"
is "both licenses hold" "$(state 8080) $(state 8081) $(state 9443) $(other 8080)" "ok ok ok ok"

portlic rehearse --at +2d --enforce --for 5s > "$T/out" 2>&1
is "without a gate it is a mistake" "$?" 2
portlic rehearse --at +2d --gate pod --enforce > "$T/out" 2>&1
is "without an end it is a mistake" "$?" 2
portlic rehearse --at +2d --gate pod --for 5s > "$T/out" 2>&1
is "--for alone is a mistake" "$?" 2
is "nothing happened" "$(state 8080) $(gate pod '["rehearsal"]')" "ok None"

# the clock ahead
coproc STAND { exec "$LIB/stand.py" "$POD" "$OUT" 2>> "$T/background.log"; }
PIDS+=("$STAND_PID")
exec 3>&"${STAND[1]}" 4<&"${STAND[0]}"
stand() { echo "$@" >&3 && read -r -t 10 REPLY <&4 && echo "$REPLY"; }
start=$(now)
portlic rehearse --at +2d --gate pod --enforce --for 6s > "$T/out" 2>&1
is "rehearse --enforce is done" "$?" 0
has "it says what closes" "$(cat "$T/out")" "8080/tcp would refuse"
has "... and until when" "$(cat "$T/out")" "enforced until"
is "in two days 8080 is shut, the others aren't" "$(state 8080) $(state 8081) $(state 9443)" "refused ok ok"
is "another gate isn't touched" "$(other 8080)" ok
has "status warns of it" "$(portlic status)" 'REHEARSAL: gate "pod" is judged as at'
between "... and a metric has its end" "$(metric portlic_gate_rehearsal_until_timestamp_seconds 'gate="pod"')" "$(in_s 0)" "$(in_s 7)"
is "port list shows it: as after a clock that jumps, what stands drains" "$(port 8080 'p["state"]')" draining
is "the license itself goes on" "$(portlic license list -o json | json 'sorted((l["lid"], l["state"]) for l in d)')" "[('long', 'active'), ('soon', 'active')]"
promptly "it is undone by itself, on time" "$(since "$start" "$(when ok 8080 12)")" 7.5 5.5
check "... which is told" eventually 10 grep -q 'rehearsal_ended.*pod' "$T/agent.log"
is "... and over" "$(gate pod '["rehearsal"]') $(metric portlic_gate_rehearsal_until_timestamp_seconds)" "None absent"

# without a license; ended by hand
is "a connection" "$(stand tcp old 9500)" ok
check "rehearse --without, for an hour" portlic rehearse --without long --gate pod --enforce --for 1h
is "9443 is shut, 8081 is the other license's" "$(state 9443) $(state 8081)" "refused ok"
is "... what stands drains" "$(stand say old)" ok
check "policy rollback ends it" portlic policy rollback
is "9443 is open again" "$(state 9443) $(stand say old)" "ok ok"

# with a license that isn't loaded, and no agent in the end
sign '"lid":"new"' '"jti":"n"' '"ports":[{"port":7000}]' > "$T/new.lic"
start_echo tcp 7000
start=$(now)
portlic rehearse --with "$T/new.lic" --gate pod --enforce --for 5s > "$T/out" 2>&1
is "--with opens what it would open" "$(state 7000)" ok
agent_end KILL
promptly "no agent: it is undone on time" "$(since "$start" "$(when refused 7000 12)")" 6.5 4.9
is "... and the rest holds" "$(state 8080) $(state 8081) $(state 9443)" "ok ok ok"
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "the next agent knows of none" "$(gate pod '["rehearsal"]')" None

# beside a broken glass: what is let through by it, is
portlic gate set pod --mode audit --for 1h --why both > "$T/out" 2>&1
portlic rehearse --at +2d --gate pod --enforce --for 1h > "$T/out" 2>&1
is "a broken glass lets through what the rehearsal shuts" "$(state 8080) $(port 8080 'p["state"]')" "ok audit"
portlic policy rollback > "$T/out" 2>&1
is "rollback leaves the glass broken" "$(gate pod '["mode"]') $(state 6000)" "audit refused"
portlic gate set pod --mode enforce > "$T/out" 2>&1
is "and all is as it was" "$(state 8080) $(state 9443) $(gate pod '["mode"]')" "ok ok enforce"

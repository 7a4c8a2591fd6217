#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Several things that hold for a while, on one gate: each ends on its own, and what goes on has no gap. What a
# restart takes back drains as if it had been taken back then.
. "$(dirname "$0")/lib.sh"

state() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
effect() { # effect PORT: what a rehearsal says of it, in six minutes
	portlic rehearse --at +6m -o json | json "next((r['to'] for r in d['results'] if r['port'] == $1), None)"
}
nothing_on_trial() { [ "$(portlic status -o json | json 'd["trial"]')" = None ]; }
setup
coproc STAND { exec "$LIB/stand.py" "$POD" "$OUT" 2>> "$T/background.log"; }
PIDS+=("$STAND_PID")
exec 3>&"${STAND[1]}" 4<&"${STAND[0]}"
stand() { echo "$@" >&3 && read -r -t 10 REPLY <&4 && echo "$REPLY"; }
start_echo tcp 7000 9090
printf '{"name":"more","match":{"gates":["pod"]},"open":[{"port":7000},{"port":7001}]}' > "$T/more.json"
drop ended.lic '"lapse":"block"' "\"exp\":$(in_s 2)" '"ports":[{"port":7100}]'
eventually 10 sh -c "portlic license list | grep -q lapsed" || bail "a license that has ended"

# a trial and a rehearsal end while the glass is broken
check "the glass is broken" portlic gate set pod --mode audit --for 1h --why handover
is "a connection to a port whose right is over" "$(stand tcp lapsed 7100)" ok
out "$LIB/net.py" loop $POD4 9090 11 > "$T/loop" & loop=$!
PIDS+=("$loop")
check "a trial of 6 s beside it" portlic policy apply --confirm 6s "$T/more.json"
is "... holds" "$(port 7000 'p["state"]')" open
check "... and is over" eventually 15 nothing_on_trial
is "... with what it opened" "$(port 7000 'p["state"]')" audit
check "a rehearsal of 3 s beside it" portlic rehearse --at +1d --gate pod --enforce --for 3s
wait $loop
read -r tries failures < "$T/loop"
between "a connect loop ran across both ends" "$tries" 100 100000
is "... without one failure: the glass is broken all along" "$failures" 0
is "... and the connection lives" "$(stand say lapsed)" ok
check "an end of the glass by hand" portlic gate set pod --mode enforce
is "... shuts" "$(state 9090)" refused

# the glass ends while a trial goes on
portlic policy apply --confirm 60s "$T/more.json" > "$T/out" 2>&1
out "$LIB/net.py" loop $POD4 7000 5 > "$T/loop" & loop=$!
PIDS+=("$loop")
check "a glass of 3 s beside a trial" portlic gate set pod --mode audit --for 3s --why short
wait $loop
read -r tries failures < "$T/loop"
is "what the trial opens is open all along" "$failures" 0
is "... and the glass is whole" "$(state 9090) $(portlic gate list -o json | json 'd[0]["break_glass"]')" "refused None"
check "rollback" portlic policy rollback

# a restart within a long trial
portlic policy apply --confirm 1h "$T/more.json" > "$T/out" 2>&1
is "a connection to what a trial opens" "$(stand tcp new 7001)" ok
agent_end KILL
agent_start
check "a restart takes it back" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 7000)\" = refused ]"
is "... it drains" "$(stand say new) $(port 7001 'p["state"]')" "ok draining"
is "... for 300 s, not until the trial would have ended" "$(effect 7001)" unlicensed

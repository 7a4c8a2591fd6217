#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Commit-confirm: a policy or license that nobody confirms is taken back, by the kernel on time even without
# an agent; a confirmed one stays. Counters survive both.
. "$(dirname "$0")/lib.sh"
need curl

state() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
when() { out "$LIB/net.py" wait "$1" $POD4 "$2" "$3"; } # when STATE PORT SECONDS
status() { portlic status -o json | json "$1"; }
connections() { port 8080 'p["connections"]["allowed"]'; }

pulse
setup
start_echo tcp 7000 8080 8081
drop app.lic '"jti":"a"' '"ports":[{"port":8080}]'
eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8080)\" = ok ]"
for _ in 1 2 3 4 5; do state 8080 > /dev/null; done
before=$(connections)
printf '{"name":"more","match":{"gates":["pod"]},"open":[{"port":7000}]}' > "$T/more.json"
sign '"jti":"b"' '"seq":2' '"ports":[{"port":8080},{"port":8081}]' > "$T/app.lic"
sign '"jti":"c"' '"seq":3' '"ports":[{"port":8081}]' > "$T/less.lic"

# a policy: diff shows it, the trial is taken back by itself
has "policy diff shows first what would change" "$(portlic policy diff "$T/more.json")" opens
is "... and changes nothing" "$(state 7000)" refused
out "$LIB/net.py" loop $POD4 8080 12 > "$T/loop" & loop=$!
PIDS+=("$loop")
start=$(now)
portlic policy apply --confirm 6s "$T/more.json" > "$T/out" 2>&1
is "policy apply --confirm is done" "$?" 0
has "... says until when, and how to keep it" "$(cat "$T/out")" "portlic policy confirm"
is "it is in force" "$(state 7000)" ok
has "status warns of it" "$(portlic status)" 'TRIAL: policy "more.json" holds until'
is "... with its kind" "$(status 'd["trial"]["kind"]')" policy
between "... and a metric has its end" "$(metric portlic_trial_until_timestamp_seconds)" "$(in_s 0)" "$(in_s 7)"
is "it isn't written down" "$(ls "$T/policies.d")" ""
portlic license load --confirm 60s "$T/app.lic" > "$T/out" 2>&1
is "a second trial is refused" "$?" 2
has "... with what waits" "$(cat "$T/out")" 'policy "more.json" is on trial'
promptly "nobody confirms: it is taken back on time" "$(since "$start" "$(when refused 7000 12)")" 7.5 5.9
check "... which is told" eventually 10 grep -q 'trial_rolled_back.*more.json' "$T/agent.log"
is "... and over" "$(status 'd["trial"]') $(metric portlic_trial_until_timestamp_seconds)" "None absent"
portlic policy confirm > "$T/out" 2>&1
is "too late to confirm" "$?" 2

# a license, confirmed
check "license load --confirm" portlic license load --confirm 60s "$T/app.lic"
is "the renewal opens 8081" "$(state 8080) $(state 8081)" "ok ok"
is "... from the trial, not from its file" "$(portlic license list -o json | json '[l["seq"] for l in d]')" "[1]"
is "port list shows the port" "$(port 8081 'p["state"], p["lid"]')" "('licensed', 'line-1')"
check "policy confirm keeps it" portlic policy confirm
is "it is written down" "$(portlic license list -o json | json '[l["seq"] for l in d]')" "[2]"
is "and both ports are open" "$(state 8080) $(state 8081)" "ok ok"
wait $loop
read -r tries failures < "$T/loop"
between "a connect loop ran across it all" "$tries" 100 100000
is "... without one failure" "$failures" 0
between "the counters went on" "$(connections)" "$((before + tries))" $((before + tries + 50))

# a downgrade, rolled back by hand: what it shut drained meanwhile, and lives on
coproc STAND { exec "$LIB/stand.py" "$POD" "$OUT" 2>> "$T/background.log"; }
PIDS+=("$STAND_PID")
exec 3>&"${STAND[1]}" 4<&"${STAND[0]}"
stand() { echo "$@" >&3 && read -r -t 10 REPLY <&4 && echo "$REPLY"; }
sign '"jti":"d"' '"seq":4' '"ports":[{"port":8080},{"port":8081},{"port":6100}]' > "$T/app.lic"
portlic license load "$T/app.lic" > "$T/out" 2>&1
is "a connection" "$(stand tcp old 6100)" ok
sign '"jti":"e"' '"seq":5' '"ports":[{"port":8081}]' > "$T/app.lic"
check "a downgrade on trial" portlic license load --confirm 60s "$T/app.lic"
is "shuts 8080" "$(state 8080) $(state 8081)" "refused ok"
is "... what stands drains" "$(stand say old) $(port 6100 'p["state"]')" "ok draining"
check "policy rollback takes it back at once" portlic policy rollback
is "8080 is open again" "$(state 8080) $(port 6100 'p["state"]')" "ok licensed"
is "... and the connection lives" "$(stand say old)" ok
is "the old license isn't superseded by what was only tried" "$(portlic license list -o json | json '[(l["seq"], l["state"]) for l in d]')" "[(4, 'active')]"
portlic policy rollback > "$T/out" 2>&1
is "nothing is left to take back" "$?" 2

# with no agent: what the trial opened is shut on time and drains
sign '"jti":"f"' '"seq":6' '"ports":[{"port":8080},{"port":8081},{"port":6100},{"port":6200}]' > "$T/app.lic"
start=$(now)
portlic license load --confirm 6s "$T/app.lic" > "$T/out" 2>&1
is "a connection to what the trial opens" "$(stand tcp new 6200)" ok
agent_end KILL
promptly "no agent: it is taken back on time" "$(since "$start" "$(when refused 6200 12)")" 7.5 5.9
is "... what came in meanwhile drains" "$(stand say new)" ok
is "... and the rest is as before" "$(state 8080) $(stand say old)" "ok ok"
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "after a restart it still drains" "$(stand say new) $(port 6200 'p["state"]')" "ok draining"

# an agent that starts anew doesn't go on with it
portlic policy apply --confirm 60s "$T/more.json" > "$T/out" 2>&1
is "one more trial" "$(state 7000)" ok
agent_end KILL
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
check "a restart takes it back" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 7000)\" = refused ]"
check "... and tells" grep -q "trial_rolled_back.*doesn't outlive" "$T/agent.log"

# what happens to its file meanwhile goes first: a renewal is never shut off by what it replaces
serials() { portlic license list -o json | json '[(l["seq"], l["state"]) for l in d]'; }
sign '"jti":"g"' '"seq":7' '"ports":[{"port":8080},{"port":7000}]' > "$T/app.lic"
portlic license load --confirm 60s "$T/app.lic" > "$T/out" 2>&1 || bail "a trial"
drop app.lic '"jti":"h"' '"seq":8' '"ports":[{"port":8080},{"port":8081}]'
check "a newer file than the one on trial holds" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 7000)\" = refused ]"
is "... with all its ports" "$(state 8080) $(state 8081) $(status 'd["trial"]')" "ok ok None"
check "... which is told" grep -q 'trial_rolled_back.*its file changed' "$T/agent.log"
portlic policy confirm > "$T/out" 2>&1
is "... and isn't overwritten" "$? $(serials)" "2 [(8, 'active')]"
portlic policy apply --confirm 60s "$T/more.json" > "$T/out" 2>&1 || bail "a trial"
printf '{"name":"more","match":{"gates":["pod"]},"open":[{"port":7001}]}' > "$T/more2.json"
cp "$T/more.json" "$T/more1.json" && cp "$T/more2.json" "$T/more.json"
start_echo tcp 7001
check "the same file is applied for good" portlic policy apply "$T/more.json"
is "... and holds" "$(state 7001) $(state 7000)" "ok refused"
check "policy del" portlic policy del more.json
mv "$T/more1.json" "$T/more.json"

curl -s -o "$T/out" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" --data-binary @"$T/more.json" 'http://p/v1/policies?file=more.json&confirm=0' > "$T/code"
is "confirm=0 is a mistake" "$(cat "$T/code")" 400
printf '{"name":"more","nonsense":1}' > "$T/bad.json"
portlic policy apply --confirm 60s "$T/bad.json" > "$T/out" 2>&1
is "a bad policy isn't tried" "$? $(status 'd["trial"]')" "1 None"
portlic license load --confirm 60s "$T/app.lic" "$T/less.lic" > "$T/out" 2>&1
is "one file at a time" "$?" 2

# a vendor that reserves a port meanwhile
portlic policy apply --confirm 60s "$T/more.json" > "$T/out" 2>&1 || bail "a trial"
portlic license keygen --iss https://other.example --kid other-1 --out "$T/other" > "$T/out" || bail "keygen"
python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); d["reserve"]={"ports":"7000"}; print(json.dumps(d))' "$T/other.jwks" > "$T/other.tmp"
mv "$T/other.tmp" "$T/trust.d/other.jwks"
check "what a vendor reserves meanwhile shuts" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 7000)\" = refused ]"
is "... and the trial is over" "$(status 'd["trial"]')" None

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Break-glass: a gate lets everything through for a while, with a reason; the kernel ends it, the agent
# alive or dead; what came in meanwhile is drained.
. "$(dirname "$0")/lib.sh"
need curl

state() { out "$LIB/net.py" tcp $POD4 "$1" 0.5; }
shuts() { out "$LIB/net.py" wait refused $POD4 "$1" "$2"; } # shuts PORT SECONDS: when
row() { portlic gate list -o json | json "d[0]$1"; }
pulse
setup
printf '{"name":"narrow","match":{"gates":["pod"]},"ports":[{"port":9192,"deny":"drop"}]}' > "$T/policies.d/narrow.json"
start_echo tcp 8080 9090
drop app.lic
eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8080)\" = ok ]"
is "9090 is refused" "$(state 9090)" refused

out=$(portlic gate set pod --mode audit --for 1h 2>&1)
is "--for without --why is refused" "$? $(state 9090)" "2 refused"
has "... and says what lacks" "$out" "--why"
out=$(curl -s --unix-socket "$PORTLIC_SOCKET" -X PATCH -d '{"mode":"audit","why":"x"}' http://p/v1/gates/pod)
has "the API says so too" "$out" '\"for\" and \"why\" go together'
portlic gate set pod --mode audit --for 8d --why x > "$T/out" 2>&1
is "more than a week is refused" "$?" 2

# ended by the agent's own hand, before its time
check "the glass is broken for an hour" portlic gate set pod --mode audit --for 1h --why "INC-42: pager"
is "9090 is let through" "$(state 9090)" ok
is "gate list: mode and reason" "$(row '["mode"]'), $(row '["break_glass"]["why"]')" "audit, INC-42: pager"
has "status says it loudly" "$(portlic status)" "BREAK-GLASS: gate \"pod\" is in mode audit until"
has "... with the reason" "$(portlic status)" "INC-42: pager"
check "the log has it as an error, with the reason" grep -q 'error.*break_glass.*INC-42' "$T/agent.log"
between "the metric is its end" "$(metric portlic_gate_break_glass_until_timestamp_seconds)" "$(in_s 3500)" "$(in_s 3700)"
is "port list: audit" "$(port 9090 'p["state"]')" audit
out "$LIB/net.py" tcp $POD4 9090 > /dev/null
between "... and counts it" "$(port 9090 'p["connections"]["audit"]')" 1 100
agent_end KILL
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "a restart doesn't end it" "$(state 9090) $(row '["break_glass"]["why"]')" "ok INC-42: pager"
check "gate set --mode enforce ends it" portlic gate set pod --mode enforce
is "9090 is refused again" "$(state 9090)" refused
is "no metric any more" "$(metric portlic_gate_break_glass_until_timestamp_seconds)" absent

# ... without setting a mode of the gate's own
printf '{"name":"lax","match":{"gates":["pod"]},"mode":"audit"}' > "$T/lax.json"
portlic policy apply "$T/lax.json" > "$T/out" 2>&1
is "a mode that was set stands above the policy's" "$(row '["mode"]') $(state 9090)" "enforce refused"
portlic gate set pod --mode enforce --for 1h --why tight > "$T/out" 2>&1
check "gate set --mode policy ends it and gives the word back to the policy" portlic gate set pod --mode policy
is "the policy's mode" "$(row '["mode"]') $(state 9090) $(row '["break_glass"]')" "audit ok None"
portlic gate set pod --mode policy --for 1h --why x > "$T/out" 2>&1
is "that isn't for a while" "$?" 2
check "the policy goes" portlic policy del lax.json
is "enforced again" "$(row '["mode"]') $(state 9090)" "enforce refused"

# ended by the kernel, agent alive: what came in meanwhile is drained, new ones are refused
start=$(now)
portlic gate set pod --mode audit --for 4s --why short > "$T/out" || bail "gate set"
in_out "$LIB/net.py" loop $POD4 8080 6
coproc STAND { exec "$LIB/stand.py" "$POD" "$OUT" 2>> "$T/background.log"; }
PIDS+=("$STAND_PID")
exec 3>&"${STAND[1]}" 4<&"${STAND[0]}"
stand() { echo "$@" >&3 && read -r -t 10 REPLY <&4 && echo "$REPLY"; }
is "a connection to an unlicensed port" "$(stand tcp lax 9191)" ok
is "... to one that a policy names" "$(stand tcp named 9192)" ok
is "one of the pod's own clients, UDP" "$(stand own client 0 4444)" ok
promptly "9090 shuts at its end" "$(since "$start" "$(shuts 9090 9)")" 5.5 3.9
check "... which is told" eventually 10 grep -q 'break_glass_ended' "$T/agent.log"
check "the connection of meanwhile drains" eventually 10 sh -c \
	"portlic port list pod -o json | python3 -c 'import json,sys; sys.exit(not any(p[\"port\"] == 9191 and p[\"state\"] == \"draining\" for p in json.load(sys.stdin)))'"
is "... and passes until then" "$(stand say lax)" ok
is "... so does the one to a port that a policy names" "$(stand say named) $(port 9192 'p["state"]')" "ok draining"
is "the pod's own client goes on" "$(stand say client)" ok
is "the mode of before" "$(row '["mode"]') $(row '["break_glass"]')" "enforce None"

# ended by the kernel, agent dead
start=$(now)
portlic gate set pod --mode off --for 5s --why "no agent" > "$T/out" || bail "gate set"
agent_end KILL
is "no agent: 9090 is let through" "$(state 9090)" ok
promptly "no agent: 9090 shuts at its end" "$(since "$start" "$(shuts 9090 10)")" 6.5 4.9
is "8080 is open all along" "$(state 8080)" ok
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
check "the next agent tells that it is over" eventually 10 sh -c "[ \$(grep -c break_glass_ended $T/agent.log) -ge 3 ]"
is "... and enforces" "$(state 9090) $(row '["mode"]') $(row '["break_glass"]')" "refused enforce None"

# a clock that was put back between two agents doesn't make it longer
portlic gate set pod --mode audit --for 6s --why "clock" > "$T/out" || bail "gate set"
agent_end KILL
python3 - "$T/state/gates.json" << 'P' || bail "gates.json"
import json, sys
d = json.load(open(sys.argv[1]))
for k in ("since", "until"):
    d["gates"][0]["break_glass"][k] += 86400
json.dump(d, open(sys.argv[1], "w"))
P
start=$(now)
agent_start
is "after a clock that was put back it goes on" "$(state 9090)" ok
promptly "... as long as it was broken for, at most" "$(since "$start" "$(shuts 9090 12)")" 8 2

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The clock: steps of a year back and ahead, synchronised or not, while the agent runs and over a restart
# and a boot; `clock reset`. Only the agent's own wall clock is stepped (fakeclock.c).
. "$(dirname "$0")/lib.sh"
need curl

YEAR=31536000
fake_clock 0 1
setup
start_echo tcp 8080 8081 8082
# 8080 ends in an hour; 8081 ended an hour ago; 8082 begins in half a year
drop now.lic '"lid":"now"' '"grace":60'
drop ended.lic '"lid":"ended"' "\"iat\":$(in_s -90000)" "\"exp\":$(in_s -3600)" '"ports":[{"port":8081}]'
drop later.lic '"lid":"later"' "\"nbf\":$(in_s $((YEAR / 2)))" "\"exp\":$(in_s $((3 * YEAR)))" '"ports":[{"port":8082}]'
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
status() { portlic status -o json | json "$1"; }
off() { status '__import__("datetime").datetime.fromisoformat(d["clock"]["effective"].replace("Z","+00:00")).timestamp()' | awk -v now="$(date +%s)" '{ printf "%d", $1 - now }'; }
states() { portlic license list -o json | json '" ".join(sorted(l["lid"] + ":" + l["state"] for l in d))'; }
ports() { for p in 8080 8081 8082; do printf '%s ' "$(out "$LIB/net.py" tcp $POD4 $p 0.5)"; done; }
becomes() { eventually 10 sh -c "portlic license list -o json | grep -q '\"lid\":[ ]*\"$1\"' && [ \"\$(portlic license list -o json | python3 -c 'import json,sys; print(next(l[\"state\"] for l in json.load(sys.stdin) if l[\"lid\"] == \"$1\"))')\" = $2 ]"; }
suspect() { status 'd["clock"]["suspect"]'; }
is_suspect() { eventually 10 sh -c "portlic status -o json | tr -d ' \t\n' | grep -q '\"suspect\":$1'"; }
restart() { agent_end "${1:-TERM}" && agent_start && eventually 10 portlic gate list; }
GOOD="ended:lapsed later:pending now:active" OPEN="ok refused refused "
as_before() { # as_before TEXT
	between "$1: effective time goes on" "$(off)" -3 3
	is "... states" "$(states)" "$GOOD"
	is "... ports" "$(ports)" "$OPEN"
}
as_before "a good clock"
is "no suspicion" "$(suspect) $(metric portlic_clock_suspect)" "False 0"

# a step back by a year extends nothing
fake_clock -$YEAR 1
check "a year back, synchronised: suspect" is_suspect true
as_before "a year back, synchronised"
is "... the metric" "$(metric portlic_clock_suspect)" 1
is "... one event" "$(grep -c ' clock_suspect' "$T/agent.log")" 1
has "... license list counts by effective time" "$(at_clock -$YEAR portlic license list | grep '^next:')" "ends in 59m"
has "... status says what to do" "$(status '"\n".join(d["warnings"])')" "portlic clock reset"
restart
as_before "... over a restart"
is "... still suspect" "$(suspect)" True
is "... which isn't told again" "$(grep -c ' clock_suspect' "$T/agent.log") $(grep -c ' clock_resumed' "$T/agent.log")" "1 1"
fake_clock -$YEAR 0
restart KILL
as_before "... no more synchronised, the agent killed"

# a license that was signed now is taken all the same
drop fresh.lic '"lid":"fresh"' '"ports":[{"port":8081}]'
check "a newly signed license is taken" becomes fresh active
check "... and opens its port" eventually 10 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8081)\" = ok ]"
portlic license unload fresh > "$T/out"
# so is one that comes from ahead of where the node believes to be
at_clock 4000 drop ahead.lic '"lid":"ahead"' '"ports":[{"port":8081}]'
rm "$T/iat"
check "... and one from 4000 s ahead moves effective time" becomes ahead active
between "... there" "$(off)" 3985 4000
is "... where now.lic has ended" "$(portlic license list -o json | json 'next(l["state"] for l in d if l["lid"] == "now")')" lapsed
portlic license unload ahead > "$T/out"

# the way out
fake_clock 0 1
check "the clock is right, but behind what that one proved: suspect" is_suspect true
is "clock reset" "$(portlic clock reset | cut -d' ' -f1-3)" "clock: reset from"
as_before "after the reset"
is "... trusted" "$(suspect)" False
is "... counted" "$(status 'd["clock"]["resets"]')" 1
check "... in the log" grep -q ' clock_reset before="20.*after="20' "$T/agent.log"
restart
is "... over a restart" "$(status 'd["clock"]["resets"], d["clock"]["last_reset"]["before"] > d["clock"]["last_reset"]["after"]')" "1 True"
as_before "... and a restart"

# a step ahead that nobody vouches for cuts nothing
fake_clock $YEAR 0
eventually 10 sh -c "portlic status | grep -q 'clock reset'"
as_before "a year ahead, not synchronised"
has "... status warns" "$(status '"\n".join(d["warnings"])')" "isn't synchronised"
is "... no suspicion" "$(suspect)" False
restart KILL
as_before "... over a kill and a restart"
# one that is synchronised is followed
fake_clock $YEAR 1
check "synchronised: followed" becomes now lapsed
is "... states" "$(states)" "ended:lapsed later:active now:lapsed"
fake_clock 0 1
check "back again: suspect" is_suspect true
is "... nothing is extended" "$(states)" "ended:lapsed later:active now:lapsed"

# another boot: the boot id in state.json is another one
agent_end TERM
sed -i 's/"boot":"[^"]*"/"boot":"another"/' "$T/state/state.json"
agent_start && eventually 10 portlic gate list
is "another boot, a clock behind the mark: suspect" "$(suspect)" True
between "... goes on from the mark" "$(off)" $((YEAR - 5)) $((YEAR + 30))
portlic clock reset -o json > "$T/out"
is "clock reset -o json" "$(json 'd["suspect"], d["resets"]' < "$T/out")" "False 2"
as_before "clock reset"
drop r1.lic '"lid":"renew"' '"seq":1' '"jti":"r1"' '"ports":[]' "\"exp\":$(in_s 5000)"
drop r2.lic '"lid":"renew"' '"seq":2' '"jti":"r2"' '"ports":[]' "\"nbf\":$(in_s 3900)" "\"exp\":$(in_s 9000)"
eventually 10 grep -q 'license_state file="r2.lic"' "$T/agent.log"
agent_end TERM
sed -i 's/"boot":"[^"]*"/"boot":"another"/' "$T/state/state.json"
fake_clock 4000 0
agent_start && eventually 10 portlic gate list
between "another boot, not synchronised, ahead of the mark: by the wall clock" "$(off)" 3997 4003
is "... now.lic has ended" "$(states)" "ended:lapsed later:pending now:lapsed renew:active renew:superseded"
fake_clock 0 1
check "... and is back when the clock is good: a bad RTC poisons nothing" becomes now active
is "... nor does a renewal that had begun by it shut out what is in force" "$(states)" "$GOOD renew:active renew:pending"

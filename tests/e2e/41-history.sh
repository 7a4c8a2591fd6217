#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# state.json: nothing is announced twice; torn, lost and unwritable it is an alarm and blocks nothing.
. "$(dirname "$0")/lib.sh"

fake_clock 0 1
setup
start_echo tcp 8080
json_of() { python3 -c "import json,sys; d=json.load(open('$T/state/state.json')); print($1)"; }
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
said() { grep -c " $1 " "$T/agent.log"; }
restart() { agent_end "${1:-TERM}" && : > "$T/agent.log" && agent_start && eventually 10 portlic gate list; }
open() { [ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ]; }

drop a.lic '"seq":2' '"jti":"two"'
drop soon.lic '"lid":"soon"' "\"exp\":$(in_s 7000)" "\"nbf\":$(in_s -20000)"
echo rubbish > "$T/licenses.d/bad.lic"
drop twin.lic '"lid":"soon"' "\"exp\":$(in_s 7000)" "\"nbf\":$(in_s -20000)" '"jti":"twin"'
open || bail "8080 opens"
check "what was told is on disk soon" eventually 10 grep -q '"reason":"bad_framing".*' "$T/state/state.json"
eventually 10 grep -q '"equivocation":true' "$T/state/state.json"
is "... mode 0600" "$(stat -c %a "$T/state/state.json")" 600
is "... with the lines" "$(json_of 'sorted((l["lid"], l["seq"], l["jti"]) for l in d["lines"])[0]')" "('line-1', 2, 'two')"
for event in license_state license_ends license_rejected license_equivocation; do
	between "it was told: $event" "$(said $event)" 1 9
done
for signal in TERM KILL; do
	restart $signal
	is "after $signal nothing of it is told again" \
		"$(said license_state)$(said license_ends)$(said license_rejected)$(said license_equivocation)" 0000
	is "... but as no news" "$(said license_resumed)" 4
done
agent_end TERM
drop a.lic '"seq":3' '"jti":"three"' "\"exp\":$(in_s -5)" "\"nbf\":$(in_s -100)" "\"iat\":$(in_s -200)" '"lapse":"report"'
echo "other rubbish" > "$T/licenses.d/bad.lic"
restart
is "what changed meanwhile is told" "$(said license_state) $(said license_rejected)" "1 1"

# torn
agent_end TERM
drop a.lic '"seq":4'
head -c -20 "$T/state/state.json" > "$T/torn" && cp "$T/torn" "$T/state/state.json"
restart
check "a torn state.json: an event" grep -q ' error state_lost .*state.json.*strict JSON.*moved to' "$T/agent.log"
has "... status says so" "$(warned)" 'state.json'
is "... it is kept aside" "$(cmp "$T/torn" "$T/state/state.json.bad" && echo same)" same
check "... and blocks nothing" open
eventually 10 test -s "$T/state/state.json"
is "... it is rebuilt from the files" "$(json_of '("line-1", 4) in [(l["lid"], l["seq"]) for l in d["lines"]]')" True
restart
is "... and in order after the next restart" "$(said state_lost)" 0

# lost, with a wall clock that went back: the kept licenses say how late it is at least
agent_end TERM
rm "$T/state/state.json"
fake_clock -31536000 0
restart
check "a lost one: an event" grep -q ' error state_lost .*state.json.*is missing' "$T/agent.log"
is "... a clock a year behind the licenses is suspect" "$(portlic status -o json | json 'd["clock"]["suspect"]')" True
check "... and blocks nothing" open
fake_clock 0 1
portlic clock reset > "$T/out"

# unwritable: a directory in its place
: > "$T/agent.log"
rm "$T/state/state.json" && mkdir -p "$T/state/state.json/in-use"
drop b.lic '"lid":"b"' '"ports":[{"port":8081}]'
check "an unwritable one: an event" eventually 10 grep -q ' error state_unwritable .*state.json' "$T/agent.log"
has "... status says so" "$(warned)" "can't write"
check "... and blocks nothing" open
sleep 6
is "... it is told once" "$(said state_unwritable)" 1
rm -r "$T/state/state.json"
check "... and is written again when it can be" eventually 20 grep -q '"lid":"b"' "$T/state/state.json"
warned > "$T/out"
is "... and no warning is left of it" "$(grep -c "can't write" "$T/out")" 0

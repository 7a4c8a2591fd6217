#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The state directory torn by a power cut, lost, on a full disk: no connection fails, an alarm says what
# was done, and what couldn't be written is written when it can be.
. "$(dirname "$0")/lib.sh"

setup
start_echo tcp 8080 8081 9090
drop app.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
warned() { portlic status -o json | json '"\n".join(d["warnings"])'; }
tcp() { out "$LIB/net.py" tcp $POD4 "$1"; }
kept_whole() { cmp "$T/state/licenses/app.lic" "$T/licenses.d/app.lic"; }
up() { eventually 10 curl -sf "http://$METRICS/readyz" || bail "the agent is ready"; }
check "a good license is kept in the state directory" kept_whole
gates=$(stat -c %s "$T/state/gates.json")

out "$LIB/net.py" loop $POD4 8080 6 > "$T/loop" & loop=$!
PIDS+=("$loop")
sleep 0.3
# as a power cut in the middle of writing may leave it, were it not for fsync and rename
agent_end KILL
truncate -s 40 "$T/state/licenses/app.lic"
head -c 100 "$T/licenses.d/app.lic" > "$T/state/licenses/.app.lic.new"
truncate -s $((gates / 2)) "$T/state/gates.json"
printf '{"gates' > "$T/state/.gates.json.new"
agent_start
up
check "torn state: an alarm in the log" grep -q 'state_lost.*gates.json.*moved to' "$T/agent.log"
has "torn state: ... and in status" "$(warned)" 'moved to'
is "torn state: the license is in force" "$(portlic license list -o json | json '[(l["file"], l["state"]) for l in d]')" "[('app.lic', 'active')]"
check "torn state: the kept copy is whole again" kept_whole
is "torn state: 9090 stays shut" "$(tcp 9090)" refused

agent_end KILL
rm -rf "$T/state"
agent_start
up
check "lost state: the gates are found by their pins, with an alarm" grep -q 'gate_found.*gate="pod"' "$T/agent.log"
is "lost state: the license is in force" "$(portlic license list -o json | json '[(l["file"], l["state"]) for l in d]')" "[('app.lic', 'active')]"
check "lost state: the kept copy is there again" kept_whole
is "lost state: 9090 stays shut" "$(tcp 9090)" refused
wait $loop
read -r tries failures < "$T/loop"
between "a connect loop ran through both restarts" "$tries" 100 100000
is "... without one failure" "$failures" 0

# a disk that is full
agent_end TERM
mount -t tmpfs -o size=128k none "$T/state" || bail "a tmpfs"
agent_start
up
check "a small state directory" kept_whole
dd if=/dev/zero of="$T/state/fill" bs=4k 2> "$T/out"
cp "$T/state/gates.json" "$T/gates.before"
drop more.lic '"lid":"two"' '"ports":[{"port":8081}]'
check "disk full: a new license is in force" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 8081) = ok ]"
check "disk full: an alarm in the log" grep -q 'state_unwritable.*more.lic.*No space' "$T/agent.log"
has "disk full: ... and in status" "$(warned)" "can't be kept and a restart won't find them"
check "disk full: gate set works" portlic gate set pod --mode audit
is "disk full: ... it holds" "$(tcp 9090)" ok
has "disk full: ... with a warning that a restart won't know" "$(warned)" "gates.json"
check "disk full: the file before is whole" cmp "$T/state/gates.json" "$T/gates.before"
sleep 2.2 # each file is tried again every second, state.json more seldom
is "disk full: the alarm isn't repeated each second" "$(grep -o 'state_unwritable file="[^"]*"' "$T/agent.log" | sort | uniq -d)" ""
rm "$T/state/fill"
no_warning() { ! portlic status -o json | grep -q "kept and a restart\|gates.json"; }
check "room again: the warnings go" eventually 10 no_warning
check "room again: what was missing is written" cmp "$T/state/licenses/more.lic" "$T/licenses.d/more.lic"
agent_end KILL
printf 'torn' > "$T/licenses.d/more.lic"
agent_start
up
is "... so that a restart finds it" "$(portlic license list -o json | json 'next((l["state"], l["held"]) for l in d if l["file"] == "more.lic")')" "('active', 'file_bad')"
is "... and the gate's mode" "$(portlic gate list -o json | json 'd[0]["mode"]')" audit
agent_end TERM

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# A restart adopts what stands: no connect fails meanwhile, counters go on, what is denied stays denied while
# no agent runs.
. "$(dirname "$0")/lib.sh"
need nginx

setup
start_nginx pod 8080 9090
drop app.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
for _ in 1 2 3 4 5; do out "$LIB/net.py" tcp $POD4 9090 > "$T/out"; done
eventually 10 sh -c "portlic port list pod | grep -q 9090"
before=$(port 8080 'p["connections"]["allowed"]')
links() { find "$T/bpf/portlic" | sort; }
pins=$(links)

out "$LIB/net.py" loop $POD4 8080 6 > "$T/loop" & loop=$!
PIDS+=("$loop")
sleep 0.7
agent_end KILL
is "killed: 9090 stays denied" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
is "killed: denied over lo" "$(pod "$LIB/net.py" tcp ::1 9090)" refused
is "killed: 8080 stays open" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
is "killed: the CLI says that no agent answers, exit status 4" "$(portlic status > "$T/out" 2>&1; echo $?)" 4
agent_start
sleep 0.7
agent_end TERM
is "stopped: the pins stay" "$(links)" "$pins"
is "stopped: 9090 stays denied" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
agent_start
agent_end KILL
agent_start
wait $loop
read -r tries failures < "$T/loop"
between "a connect loop ran through three restarts" "$tries" 100 100000
is "... without one failure" "$failures" 0
is "the gate is there" "$(portlic gate list -o json | json '[g["name"] for g in d]')" "['pod']"
after=$(port 8080 'p["connections"]["allowed"]')
is "connections were counted on, each once" "$after" "$((before + tries + 1))"
between "denials were counted on" "$(port 9090 'p["connections"]["denied"]')" 8 8
is "the same pins, none left over" "$(links)" "$pins"

# a license that came while no agent ran
agent_end KILL
drop second.lic '"lid":"two"' '"jti":"two"' '"ports":[{"port":9090}]'
agent_start
check "a license that came meanwhile is in force" eventually 10 sh -c "[ \$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD4 9090) = ok ]"
is "8080 never lost its license" "$(out "$LIB/net.py" tcp $POD4 8080)" ok

# a namespace that died while no agent ran
agent_end KILL
for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2> /dev/null; done
ip netns del "$POD"
agent_start
check "a namespace that died meanwhile: its pins are collected" eventually 10 sh -c "! find $T/bpf/portlic/gates -mindepth 1 | grep -q ."

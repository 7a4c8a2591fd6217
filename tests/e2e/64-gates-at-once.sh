#!/bin/bash
# SPDX-License-Identifier: MIT
# Many gates come up at once: who looks meanwhile isn't kept waiting for all of them and sees what was done before;
# each has its own rules; they go while others come, and nothing is left.
. "$(dirname "$0")/lib.sh"

N=24
make_pod
configure
vendor
drop l.lic '"ports":[{"port":8080}]'
agent_start
gate_up
for i in $(seq $N); do ip netns add "plx$$-$i" && ip -n "plx$$-$i" link set lo up; done

add() { portlic gate add "g$1" --netns "plx$$-$1" >> "$T/added" 2>&1; }
attached() { portlic gate list -o json | json 'sum(g["state"] == "attached" for g in d)'; }
some_stand() { [ "$(grep -c 'gate_attached gate="g' "$T/agent.log")" -ge 1 ]; }
start_echo tcp 7001
ADDS=()
for i in $(seq $N); do
	add "$i" &
	ADDS+=($!)
done
check "the first of many gates is up" eventually 30 some_stand
in_pod "$LIB/net.py" echo-tcp 7002
eventually 10 echo_listens tcp 7002
portlic gate list -o json > "$T/list"
between "a look doesn't wait for all of them" "$(json 'sum(g["state"] == "attached" for g in d)' < "$T/list")" 2 $((N - 2))
is "... and sees who began to listen just before" \
	"$(json 'next([l["port"] for l in g["unlicensed_listeners"]] for g in d if g["name"] == "pod")' < "$T/list")" "[7001, 7002]"
check "... metrics neither" eval '[ "$(metric portlic_gates)" != absent ]'
wait "${ADDS[@]}"
is "all of them come up" "$(attached)" $((N + 1))
ids() { bpftool -j map dump pinned "$T/bpf/portlic/maps/plic_sets" | json 'len(d)'; }
is "... each with rules of its own" "$(ids)" $((N + 1))
reach() { nsenter --net="/run/netns/plx$$-$1" "$LIB/net.py" tcp 127.0.0.1 "$2" 1; }
background nsenter --net="/run/netns/plx$$-$N" "$LIB/net.py" echo-tcp 9090
listening() { nsenter --net="/run/netns/plx$$-$N" ss -Hltn "sport = :9090" | grep -q .; }
eventually 10 listening
is "... which hold" "$(reach $N 9090)" refused

# up and down at the same time, with rules that change
JOBS=()
for i in $(seq $N); do
	if [ $((i % 2)) = 0 ]; then
		portlic gate del "g$i" > "$T/del.$i" 2>&1 &
	else
		{ portlic gate del "g$i" && add "$i"; } > "$T/del.$i" 2>&1 &
	fi
	JOBS+=($!)
done
drop l.lic '"seq":2,"ports":[{"port":8080},{"port":8081}]'
portlic gate list > "$T/out"
wait "${JOBS[@]}"
is "half of them go, half come anew" "$(attached)" $((N / 2 + 1))
newer() { [ "$(portlic port list -o json | json 'sum(p["port"] == 8081 and p["state"] == "licensed" for p in d)')" = $((N / 2 + 1)) ]; }
check "... all with the newer license" eventually 30 newer
agent_end KILL
agent_start
all_stand() { [ "$(attached)" = $((N / 2 + 1)) ]; }
check "another agent takes all over" eventually 60 all_stand
is "... none lost its gate for a moment" "$(grep -c gate_adopted "$T/agent.log")" $((N / 2 + 1))
JOBS=()
for i in $(seq 1 2 $N); do
	portlic gate del "g$i" > "$T/del.$i" 2>&1 &
	JOBS+=($!)
done
wait "${JOBS[@]}"
is "nothing is left of those that went" "$(find "$T/bpf/portlic/gates" -mindepth 1 -maxdepth 1 | wc -l) $(ids)" "1 1"

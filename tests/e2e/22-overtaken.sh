#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs that somebody puts ahead of the gate's own, or in their place: found within a second, overtaken
# where that goes, counted, and told loudly where it doesn't.
. "$(dirname "$0")/lib.sh"
need nginx

pulse
setup
start_nginx pod 8080 9090
drop app.lic
licensed() { [ "$(port 8080 'p["state"]')" = licensed ]; }
eventually 15 licensed
log_has() { grep -q "$1" "$T/agent.log"; }
said() { grep -q "$1" "$T/background.log"; }
intrude() { # intrude WORD ARGUMENT...: in the pod, until it says WORD
	local word=$1
	shift
	: > "$T/background.log"
	in_pod "$LIB/intruder.py" "$@"
	eventually 15 grep -q . "$T/background.log"
	! said "^can't" || skip_all "$(cat "$T/background.log")"
	eventually 20 said "^$word" || bail "$word" "$(cat "$T/background.log")"
}
overridden() { metric portlic_gate_overridden "hook=\"$1\""; }
is_overridden() { [ "$(overridden "$1")" = "$2" ]; }
lost() { metric portlic_attachment_lost_total "hook=\"$1\""; }
rivals() { portlic gate list -o json | json '[(a["hook"], a["interface"], a["rival"]["name"]) for a in d[0]["attachments"] if a["overtaken"]]'; }

check "check passes" portlic check
is "nothing is overridden" "$(overridden wire)$(overridden egress)$(overridden socket)" 000

for direction in ingress egress; do
	hook=$([ $direction = ingress ] && echo wire || echo egress)
	intrude outranked ahead $direction eth0
	promptly "a program ahead of $hook: overtaken within a second" "$(sed -n 's/^outranked //p' "$T/background.log")" 1
	check "... counted" eventually 10 sh -c "curl -s http://$METRICS/metrics | grep -q '^portlic_attachment_lost_total{hook=\"$hook\"} 1$'"
	check "... and logged, with its name and interface" log_has "attachment_outranked.*hook=\"$hook\" interface=\"eth0\" program=\"intruder\" program_id=\"[0-9]"
	is "... $hook is ahead of the foreign program" "$(rivals)" "[]"
	check "... check passes" portlic check
	is "... 9090 stays shut" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
	kill "${PIDS[-1]}"
done

before=$(lost wire)
intrude fought fight eth0 6
fought=$(sed -n 's/^fought //p' "$T/background.log")
between "one that gets ahead again and again is overtaken ever more seldom" "$fought" 2 4
check "... meanwhile wire is overridden" eventually 10 log_has 'gate_overridden.*hook="wire"'
between "... what was put back is counted" "$(($(lost wire) - before))" "$fought" $((fought + 1))
kill "${PIDS[-1]}"
check "it gives up: nothing is overridden" eventually 10 is_overridden wire 0

intrude stealing steal 7000
began=$(now)
eventually 10 log_has 'gate_overridden.*hook="socket".*program="intruder"'
promptly "a foreign sk_lookup program: told within a second" "$(since "$began")" 1
check "... by the metric too" eventually 10 is_overridden socket 1
is "... it can give what comes for 8080 to another socket, in any order of programs" "$(out curl -s --http0.9 http://$POD4:8080)" stolen
is "... but wire shuts the ports still" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
is "... check: exit status 1" "$(portlic check > "$T/out" 2>&1; echo $?)" 1
has "... naming the program" "$(cat "$T/out")" 'a foreign sk_lookup program, "intruder"'
has "... status says so" "$(portlic status)" 'OVERRIDDEN: gate "pod": socket: a foreign sk_lookup program, "intruder"'
is "... and gates show it" "$(rivals)" "[('socket', None, 'intruder')]"
kill "${PIDS[-1]}"
check "it is gone: check passes" eventually 10 portlic check
check "... and the metric is 0" eventually 10 is_overridden socket 0

# Both together get past the gate. It can't prevent that, but it doesn't hide it either.
intrude stealing steal 7000
thief=${PIDS[-1]}
in_pod "$LIB/intruder.py" fight eth0 20 PASS
bad() { json '" ".join(sorted({r["check"] + (" " + r["path"] if r["path"] else "") for r in d["results"] if r["ok"] is False}))'; }
let_in() { [ "$(portlic check -o json | tee "$T/out" | bad)" = "7000/tcp eth0 9090/tcp eth0 socket wire" ]; }
check "a probe that gets in is told, with port and way, and so are wire and socket" eventually 15 let_in
has "... with the remedy" "$(json '[r["text"] for r in d["results"] if r["check"] == "9090/tcp"]' < "$T/out")" "the probe was let in: see \`portlic gate list -o json\`"
is "... by lo it is denied still" "$(json '[r["ok"] for r in d["results"] if r["check"] == "9090/tcp" and r["path"] == "lo"]' < "$T/out")" "[True]"
has "... status says overridden" "$(portlic status)" "socket(OVERRIDDEN)"
kill "${PIDS[-1]}" "$thief"
check "they are gone: check passes" eventually 10 portlic check

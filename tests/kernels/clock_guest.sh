#!/bin/sh
# SPDX-License-Identifier: MIT
# clock_guest.sh PORTLICD PORTLIC CLOCKBOX  inside the virtual machine: the real clock is stepped by a
# year under the real agent with a gate. (Asleep, QEMU wakes this kernel neither from freeze nor from mem.)
portlic=$2 box=$3 failed=0 agent=''
T=/tmp/clock YEAR=31536000
mkdir -p $T/trust.d $T/licenses.d $T/policies.d $T/state
# shellcheck source=tests/kernels/guest_lib.sh
. "${0%/*}/guest_lib.sh"

step() { # step SECONDS SYNCHRONISED: a synchronised clock is stepped by who says that it is one
	date -s "@$(($(date +%s) + $1))" > /dev/null
	"$box" sync "$2"
}

start=$(date +%s)
"$box" sync 1 || exit 1
configure
license long $((start + 86400)) 8080 > $T/licenses.d/long.lic
ip netns add pod && ip netns exec pod ip link set lo up
ip netns exec pod "$box" listen 8080 8081 &
agent
"$portlic" gate add pod --netns pod > $T/out 2>&1 || bail "gate add: $(cat $T/out)"
eventually 50 sh -c "[ \"\$(ip netns exec pod $box try 8080)\" = ok ]"
ends=$(($(uptime) + 25))
license short $(($(date +%s) + 25)) 8081 > $T/short && mv $T/short $T/licenses.d/short.lic
eventually 50 sh -c "[ \"\$(ip netns exec pod $box try 8081)\" = ok ]"
is "before: states and ports" "$(states)$(try 8080) $(try 8081)" "long:active short:active ok ok"

step -$YEAR 1
eventually 3 grep -q ' clock_stepped' /tmp/log && ok "a step wakes the agent at once" || not_ok "a step wakes the agent at once" "$(tail -n 3 /tmp/log)"
eventually 20 suspect true && ok "a year back: suspect" || not_ok "a year back: suspect" "$(status)"
is "... nothing changes" "$(states)$(try 8080)" "long:active short:active ok"
kill -9 $agent
agent
is "... over a kill and a restart" "$(suspect true && echo suspect) $(try 8080)" "suspect ok"
while [ "$(uptime)" -le $((ends + 1)) ]; do sleep 0.5; done
is "... a license ends when it would have" "$(states)$(try 8080) $(try 8081)" "long:active short:lapsed ok refused"
step $YEAR 1
eventually 20 suspect false && ok "set right: trusted" || not_ok "set right: trusted" "$(status)"

step $YEAR 0
sleep 1.5
is "a year ahead, not synchronised: nothing is cut" "$(states)$(try 8080)" "long:active short:lapsed ok"
kill -9 $agent
agent
is "... over a kill and a restart" "$(states)$(try 8080)" "long:active short:lapsed ok"
status | grep -q 'clock reset' && ok "... status warns" || not_ok "... status warns" "$(status)"
"$box" sync 1
eventually 30 sh -c "[ \"\$(ip netns exec pod $box try 8080)\" = refused ]"
is "synchronised: it is followed" "$(states)$(try 8080)" "long:lapsed short:lapsed refused"
step -$YEAR 1
eventually 20 suspect true
is "back again: nothing is extended" "$(states)$(try 8080)" "long:lapsed short:lapsed refused"
"$portlic" clock reset > $T/out
eventually 30 sh -c "[ \"\$(ip netns exec pod $box try 8080)\" = ok ]"
is "clock reset" "$(states)$(try 8080)" "long:active short:lapsed ok"
kill $agent
exit $failed

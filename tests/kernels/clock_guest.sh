#!/bin/sh
# SPDX-License-Identifier: MIT
# clock_guest.sh PORTLICD PORTLIC CLOCKBOX  inside the virtual machine: the real clock is stepped by a
# year under the real agent with a gate. (Asleep, QEMU wakes this kernel neither from freeze nor from mem.)
portlicd=$1 portlic=$2 box=$3
T=/tmp/clock n=0 failed=0 YEAR=31536000
export PORTLIC_SOCKET=$T/portlicd.sock
mkdir -p $T/trust.d $T/licenses.d $T/policies.d $T/state

ok() { n=$((n + 1)) && echo "ok $n - $1"; }
not_ok() { n=$((n + 1)) failed=1 && echo "not ok $n - $1" && echo "# $2"; }
is() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got \"$2\", want \"$3\""; fi; }
bail() { not_ok "$1" "$(tail -n 5 $T/log)"; exit 1; }
eventually() { # eventually TENTHS COMMAND...
	left=$1
	shift
	until "$@" > /dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.1
	done
}
try() { ip netns exec pod "$box" try "$1"; }
uptime() { read -r up _ < /proc/uptime && echo "${up%.*}"; }
status() { "$portlic" status -o json; }
suspect() { status | tr -d ' \t\n' | grep -q '"suspect":'"$1"; }
states() { "$portlic" license list -o json | tr -d ' \t\n' | grep -o '"file":"[a-z]*.lic",[^{}]*"state":"[a-z]*"' | sed 's/"file":"\([a-z]*\).lic".*"state":"\([a-z]*\)"/\1:\2/' | sort | tr '\n' ' '; }
agent() {
	"$portlicd" --config $T/portlicd.json >> $T/log 2>&1 &
	agent=$!
	eventually 200 "$portlic" status || bail "the agent starts"
	eventually 100 "$portlic" gate list
}
license() { # license LID EXP PORT, signed before the clock is touched
	printf '{"iss":"https://vendor.example","sub":"c","aud":"vm","jti":"%s","iat":%d,"exp":%d,"ver":1,"lid":"%s","seq":1,"lapse":"block","ports":[{"port":%d}]}' \
		"$1" $((start - 1000)) "$2" "$1" "$3" | "$portlic" license sign --key $T/v.jwk - > $T/licenses.d/"$1".lic
}
step() { # step SECONDS SYNCHRONISED: a synchronised clock is stepped by who says that it is one
	date -s "@$(($(date +%s) + $1))" > /dev/null
	"$box" sync "$2"
}

start=$(date +%s)
"$box" sync 1 || exit 1
"$portlic" license keygen --iss https://vendor.example --kid k --out $T/v > /dev/null
cp $T/v.jwks $T/trust.d/
license long $((start + 86400)) 8080
cat > $T/portlicd.json << J
{"audience":"vm","trust_dir":"$T/trust.d","license_dir":"$T/licenses.d","policy_dir":"$T/policies.d","state_dir":"$T/state",
 "socket":"$PORTLIC_SOCKET","bpffs":"/sys/fs/bpf/portlic","metrics":null}
J
ip netns add pod && ip netns exec pod ip link set lo up
ip netns exec pod "$box" listen 8080 8081 &
agent
"$portlic" gate add pod --netns pod > $T/out 2>&1 || bail "gate add: $(cat $T/out)"
eventually 50 sh -c "[ \"\$(ip netns exec pod $box try 8080)\" = ok ]"
ends=$(($(uptime) + 25))
license short $(($(date +%s) + 25)) 8081
eventually 50 sh -c "[ \"\$(ip netns exec pod $box try 8081)\" = ok ]"
is "before: states and ports" "$(states)$(try 8080) $(try 8081)" "long:active short:active ok ok"

step -$YEAR 1
eventually 3 grep -q ' clock_stepped' $T/log && ok "a step wakes the agent at once" || not_ok "a step wakes the agent at once" "$(tail -n 3 $T/log)"
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

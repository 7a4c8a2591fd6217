#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: nothing here is measured in time
# What a gate would say to a connection: the real programs at any time, and nothing is changed by the question.
. "$(dirname "$0")/lib.sh"

setup
now=$(date +%s)
drop app.lic '"exp":'$((now + 3600))',"grace":600,"ports":[{"port":8080,"name":"web"},{"port":9000,"endPort":9010},{"port":5353,"protocol":"UDP"}]'
drop late.lic '"lid":"line-2","nbf":'$((now + 1800))',"exp":'$((now + 7200))',"ports":[{"port":7000}]'
start_echo tcp 8080
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
# said EXPRESSION ARGUMENT...: of the answer d
said() { portlic explain pod "${@:2}" -o json | json "$1"; }
all='d["verdict"], d["reason"], d["rule"], d["lid"]'
frozen > "$T/before"
is "a licensed port" "$(said "$all" 8080)" "allowed None 8080/TCP (web) line-1"
is "... exit status 0" "$(portlic explain pod 8080 > "$T/out"; echo $?)" 0
is "an unlicensed one" "$(said "$all" 9090)" "denied unlicensed default None"
is "... exit status 3" "$(portlic explain pod 9090 > "$T/out"; echo $?)" 3
has "... with a remedy" "$(cat "$T/out")" "load a license that names 9090/TCP"
is "in a range, over IPv6" "$(said "$all" 9005 --from 2001:db8::9)" "allowed None 9000-9010/TCP line-1"
is "UDP" "$(said "$all" 5353/udp)" "allowed None 5353/UDP line-1"
is "... not over TCP" "$(said "$all" 5353)" "denied unlicensed default None"
is "SCTP" "$(said "$all" 8080/sctp)" "denied unlicensed default None"
is "on lo" "$(said "$all" 8080 --from 127.0.0.1)" "allowed None 8080/TCP (web) line-1"
is "in its grace" "$(said 'd["verdict"]' 8080 --at +65m)" allowed
is "after the end" "$(said "$all" 8080 --at +75m)" "denied lapsed 8080/TCP (web) line-1"
has "... the remedy names the license" "$(portlic explain pod 8080 --at +75m)" "load a renewal of license line-1"
is "not yet" "$(said "$all" 7000)" "denied not_yet_valid 7000/TCP line-2"
is "... then" "$(said 'd["verdict"]' 7000 --at +45m)" allowed
is "the deadline is that of the license" "$(said 'd["deadline"]' 8080)" "$(date -u -d @$((now + 4200)) +%FT%TZ)"
is "nothing was counted or changed" "$(frozen | diff "$T/before" - | head -n 5)" ""
is "... nor told" "$(portlic observe -o json | json 'len([e for e in d if e["remote_port"] == 9])')" 0

# what is counted is real
portlic gate set pod --mode audit > "$T/out"
is "audit" "$(said 'd["verdict"], d["reason"]' 9090)" "audit unlicensed"
is "... exit status 0" "$(portlic explain pod 9090 > "$T/out"; echo $?)" 0
portlic gate set pod --mode policy > "$T/out"
pod sysctl -qw net.ipv4.ip_forward=1
is "a pod that routes" "$(said 'd["verdict"]' 9090)" denied

# who it is judged as: what the address tells, or lo for the pod's own
printf '%s' '{"name":"p","match":{"gates":["pod"]},"ports":[{"port":8080,"from":[{"origin":["sibling"]}]}]}' > "$T/p.json"
portlic policy apply "$T/p.json" > "$T/out"
is "an address from outside" "$(said 'd["origin"]' 8080 --from $OUT4)" external
has "... the remedy names its origin" "$(portlic explain pod 8080 --from $OUT4)" 'add the origin "external"'
is "the pod's own address comes over lo" "$(said 'd["origin"]' 8080 --from $POD4)" unknown
is "... over IPv6" "$(said 'd["origin"]' 8080 --from $POD6)" unknown
is "as a sibling" "$(said 'd["verdict"], d["origin"]' 8080 --origin sibling)" "allowed sibling"

# questions wait for one another, and rules don't wait for all of them
asked=()
for ((i = 0; i < 20; i++)); do
	portlic explain pod 9090 -o json > "$T/asked.$i" 2>&1 &
	asked+=($!)
done
eventually 10 sh -c "cat $T/asked.* | grep -q verdict"
check "many ask: a gate is set at once" portlic gate set pod --mode audit
between "... before they all have their answer" "$(cat "$T"/asked.* | grep -c verdict)" 1 18
wait "${asked[@]}"
is "... which all get" "$(cat "$T"/asked.* | grep -c verdict)" 20
portlic gate set pod --mode policy > "$T/out"

# mistakes
for args in "none 8080" "pod 0" "pod x" "pod 8080 --from 1.2.3" "pod 8080 --at yesterday" "pod 8080 --at 1700000000" "pod 8080 --origin moon"; do
	# shellcheck disable=SC2086
	is "mistake: $args" "$(portlic explain $args > "$T/out" 2>&1; echo $?)" 2
done

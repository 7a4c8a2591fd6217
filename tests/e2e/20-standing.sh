#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Flows that stand on a port nothing opens any more, or never did, don't come to life.
. "$(dirname "$0")/lib.sh"
need curl

setup
coproc STAND { exec "$LIB/stand.py" "$POD" "$OUT" 2>> "$T/background.log"; }
PIDS+=("$STAND_PID")
exec 3>&"${STAND[1]}" 4<&"${STAND[0]}"
stand() { # stand COMMAND...: its answer
	echo "$@" >&3 && read -r -t 10 REPLY <&4 && echo "$REPLY"
}
state() { [ "$(port "$1" 'p["state"]')" = "$2" ]; } # state PORT[/udp] WORD
shut() { [ "$(out "$LIB/net.py" tcp $POD4 "$1" 0.3)" = refused ]; }

# A license past its cut is unloaded: the port stays shut to its old clients.
drop line.lic '"lid":"line-6","jti":"a"' '"lapse":"block"' "\"exp\":$(in_s 6)" \
	'"ports":[{"port":6100},{"port":6100,"protocol":"UDP"},{"port":6101}]'
drop keep.lic '"ports":[{"port":8080}]'
eventually 10 state 6101 licensed
is "a TCP connection to a licensed port" "$(stand tcp idle 6100)" ok
is "one that stays idle" "$(stand tcp later 6101)" ok
is "a UDP client whose server has connected to it" "$(stand udp client 6100)" ok
is "TCP passes" "$(stand say idle)" ok
is "UDP passes" "$(stand say client)" ok
check "the license ends" eventually 15 shut 6100
is "UDP is shut" "$(stand say client)" shut
check "it is unloaded" portlic license unload line-6
is "then the idle TCP connection is cut" "$(stand say idle)" shut
is "the pod can't use it either" "$(stand push idle)" shut
is "the old UDP client stays shut out" "$(stand say client)" shut
check "new connections too" shut 6100
is "the port list still names it" "$(port 6100 'p["state"]')" lapsed
agent_end TERM
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "after a restart it does, too" "$(port 6101 'p["state"]')" lapsed
is "and an idle connection is cut as well" "$(stand say later)" shut
is "and the UDP client shut out" "$(stand say client)" shut

# Without an agent in between: the file goes while nobody looks.
drop line.lic '"lid":"line-7","jti":"b"' '"lapse":"block"' "\"exp\":$(in_s 6)" '"ports":[{"port":6200}]'
eventually 10 state 6200 licensed
is "another one" "$(stand tcp gone 6200)" ok
check "its license ends" eventually 15 shut 6200
agent_end TERM
rm "$T/licenses.d/line.lic"
rm -f "$T"/state/licenses/line.lic*
agent_start
eventually 10 curl -sf "http://$METRICS/readyz" # before, the rules of the last agent hold
is "the license is gone over a restart: the connection is cut" "$(stand say gone)" shut

# A server that listens no more doesn't make its connections the pod's own, over a restart neither.
drop line.lic '"lid":"line-8","jti":"c"' '"lapse":"block"' "\"exp\":$(in_s 12)" '"ports":[{"port":6300}]'
eventually 10 state 6300 licensed
is "a connection" "$(stand tcp orphan 6300)" ok
is "its listener is closed" "$(stand unlisten)" ok
agent_end TERM
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "after a restart it passes" "$(stand say orphan)" ok
check "until its license ends" eventually 25 state 6300 lapsed
is "then it is cut" "$(stand say orphan)" shut

# Inbound flows that stood when the gate came.
check "the gate is taken down" portlic gate del pod
is "TCP on a port without a license" "$(stand tcp stood 9096)" ok
is "UDP, the server's socket alone" "$(stand udp alone 9095 alone)" ok
is "UDP, beside the server's other socket" "$(stand udp beside 9097)" ok
is "UDP on an ephemeral port" "$(stand udp high 40444)" ok
is "the pod's own UDP client" "$(stand own client 0 4444)" ok
is "its NTP client" "$(stand own ntp 123 123)" ok
is "its client from a privileged port" "$(stand own low 700 53)" ok
gate_up
eventually 10 state 9095/udp unlicensed
is "TCP is drained" "$(stand say stood) $(port 9096 'p["state"]')" "ok draining"
for flow in alone beside high; do
	is "UDP is shut: $flow" "$(stand say $flow)" shut
	stand push $flow > /dev/null
	is "and not opened by what the server sends" "$(stand say $flow)" shut
done
for flow in client ntp low; do is "the pod's own flow goes on: $flow" "$(stand say $flow)" ok; done
agent_end KILL
agent_start
eventually 10 curl -sf "http://$METRICS/readyz"
is "after a restart: shut" "$(stand say alone)" shut
is "own: open" "$(stand say ntp)" ok

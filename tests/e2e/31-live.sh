#!/bin/bash
# SPDX-License-Identifier: MIT
# A gate comes to a pod that is in the middle of its own traffic, and changes: no answer is lost that isn't lost without it.
. "$(dirname "$0")/lib.sh"

make_pod
out sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0 # a router on the way, for traceroute
out ip route add 192.0.2.0/24 via 10.77.0.66
traffic() { # traffic COMMAND...: meanwhile; then "KIND ASKED LOST" in $T/traffic
	local pid
	rm -f "$T/stop"
	"$LIB/outbound.py" "$POD" "$OUT" "$T/stop" > "$T/traffic" 2>> "$T/background.log" & pid=$!
	PIDS+=("$pid")
	eventually 10 grep -q running "$T/traffic" || bail "the traffic" "$(cat "$T/background.log")"
	sleep 0.3
	"$@"
	sleep 1
	: > "$T/stop"
	wait $pid
}
lost() { awk '$3 > 0 { printf "%s%s", sep, $1; sep = " " } END { if (NR < 20) print NR " kinds" }' "$T/traffic"; }
asked() { awk '$3 != "" && $2 < 2 { print }' "$T/traffic"; }

traffic true
is "without a gate nothing is lost" "$(lost)" ""
is "... of any kind" "$(asked)" ""
configure
vendor
agent_start
traffic gate_up
is "a gate comes: nothing is lost" "$(lost)" ""
sed 's/^/# /' "$T/traffic"
changes() {
	drop app.lic '"lid":"app"' '"ports":[{"port":8080},{"port":700},{"port":701,"protocol":"UDP"},{"port":5353,"protocol":"UDP"}]'
	sleep 0.5
	agent_end KILL
	agent_start
	portlic gate set pod --mode audit > "$T/out"
	portlic gate set pod --mode enforce > "$T/out"
	ip link add plx$$ netns "$OUT" type veth peer name eth1 netns "$POD"
	sleep 1
}
traffic changes
is "a license, a restart, modes, an interface: nothing is lost" "$(lost)" ""

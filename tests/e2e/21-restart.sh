#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# What a restart must not show: counters at zero, a lock of the agent that was killed.
. "$(dirname "$0")/lib.sh"
need curl

setup
drop a.lic
start_echo tcp 8080
eventually 10 test "$(out "$LIB/net.py" tcp $POD4 8080)" = ok
for _ in 1 2 3; do out "$LIB/net.py" tcp $POD4 8080 > /dev/null; done
packets=$(port 8080 'p["packets"]["allowed"]')
between "packets were counted" "$packets" 4 1000

agent_end KILL
agent_spawn
seen=''
for _ in $(seq 200); do
	value=$(metric portlic_port_packets_total 'port="8080"' 'verdict="allowed"' 2> /dev/null)
	case $value in '' | absent) ;; *) seen+="$value " ;; esac
	case $value in "$packets") break ;; esac
	sleep 0.005
done
is "the first value after a restart is the last one before" "$seen" "$packets "

for i in 1 2 3; do
	agent_end KILL
	agent_spawn
	eventually 10 test -S "$PORTLIC_SOCKET"
	eventually 10 portlic port list pod
	is "the first port list too ($i)" "$(port 8080 'p["packets"]["allowed"]')" "$packets"
done

agent_end TERM
flock "$T/state/lock" sleep 1 &
sleep 0.2
agent_start
ok "an agent waits for the lock of one that is dying"
"$BUILD/portlicd" --config "$T/portlicd.json" < /dev/null > "$T/out" 2>&1
is "a second agent is refused" $? 1
has "and told why" "$(cat "$T/out")" "another agent uses state_dir"

# UDP ports that the pod's own clients may get.
read -r first last < /proc/sys/net/ipv4/ip_local_port_range
[ "$first" -le 40000 ] && [ "$last" -ge 40100 ] || skip_all "the range of client ports is $first-$last here"
sign '"lid":"u"' '"jti":"u"' '"ports":[{"port":40000,"endPort":40100,"protocol":"UDP"}]' > "$T/u.lic"
has "load warns of UDP ports of clients" "$(portlic license load "$T/u.lic" 2>&1)" \
	"net.ipv4.ip_local_reserved_ports=40000-40100"
has "status too" "$(portlic status 2>&1)" "net.ipv4.ip_local_reserved_ports=40000-40100"
has "and the log" "$(cat "$T/agent.log")" license_overlap
sign '"lid":"t"' '"jti":"t"' '"ports":[{"port":40200},{"port":5353,"protocol":"UDP"}]' > "$T/t.lic"
loaded=$(portlic license load "$T/t.lic" 2>&1)
is "but not of others" "${loaded/ip_local_reserved_ports/warned}" "$loaded"

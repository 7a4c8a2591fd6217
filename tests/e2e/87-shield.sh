#!/bin/bash
# SPDX-License-Identifier: MIT
# The shield: native XDP that comes for a flood of denied packets and goes with it. Every packet is counted, none
# twice; licensed ports and the pod's own traffic go on; and bulk traffic gets its merged frames back.
. "$(dirname "$0")/lib.sh"
need nginx

native() { pod ip -d link show eth0 | grep -q ' xdp'; }
attached() { [ "$(metric portlic_shield_attached 'gate="pod"')" = "$1" ]; }
hooks() { portlic gate list -o json | json '" ".join(d[0]["hooks"])'; }
shield() { portlic gate list -o json | json "d[0]['shield']['$1']"; }
logged() { grep -c "$1" "$T/agent.log"; }
denied() { port "9090$1" 'p["packets"]["denied"]'; }
frame_size() { # bytes of a frame, on average, while the pod downloads
	local before after
	before=$(pod ip -s -j link show eth0)
	pod curl -sf -m 60 -o /dev/null "http://$OUT4/big" || return
	after=$(pod ip -s -j link show eth0)
	python3 -c 'import json, sys
a, b = (json.loads(t)[0]["stats64"]["rx"] for t in sys.argv[1:])
print((b["bytes"] - a["bytes"]) // (b["packets"] - a["packets"]))' "$before" "$after"
}
flood_begin() {
	rm -f "$T/stop"
	in_out sh -c "exec $LIB/flood.py $T/stop $VETH $(pod ip -j link show eth0 | json 'd[0]["address"]') 9090 > $T/sent 2>&1"
}
flood_end() { # SENT: TCP and UDP frames, UNTAKEN: what the interface was too busy for
	touch "$T/stop"
	eventually 10 grep -q . "$T/sent" || bail "the flood ends"
	read -r SENT_TCP SENT_UDP UNTAKEN < "$T/sent"
	echo "# $SENT_TCP SYNs and $SENT_UDP datagrams went out, $UNTAKEN did not"
}

setup
start_nginx pod 8080
start_nginx out 80
truncate -s 100M "$T/nginx-out/www/big"
in_out "$LIB/net.py" echo-udp 5300
drop a.lic
eventually 5 out curl -sf -m 1 "http://$POD4:8080/small" || bail "8080 opens"
is "by default there is none" "$(shield setting) $(hooks)" "off wire socket egress ledger"
between "bulk traffic comes in merged frames" "$(frame_size)" 4000 70000

# on
check "--shield on" portlic gate set pod --shield on
check "... it stands" native
is "... and is shown" "$(hooks)" "wire socket egress ledger shield"
check "... and the metric" attached 1
check "check passes" portlic check
is "a denied port is still refused at once" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
between "bulk traffic comes frame by frame" "$(frame_size)" 100 1600
agent_end KILL
check "the agent is dead: it stands" native
agent_start
check "a new agent takes it over" eventually 5 attached 1
check "... as it stood" native
is "... without having put it on anew" "$(logged shield_attached)" 1
check "gate list says so" grep -q shield <(portlic gate list)
check "--shield off" portlic gate set pod --shield off
check "... it is gone" eventually 5 sh -c "! nsenter --net=/run/netns/$POD ip -d link show eth0 | grep -q ' xdp'"
check "... and the metric" attached 0

# auto
check "--shield auto" portlic gate set pod --shield auto
sleep 3
is "no flood, no shield" "$(shield attached) $(hooks)" "False wire socket egress ledger"
tcp=$(denied '') udp=$(denied /udp)
flood_begin
began=$(now)
check "a flood: it is put on" eventually 60 attached 1
echo "# after $(since "$began") s"
check "... on the interface" native
before=$(denied /udp)
check "the licensed port goes on, IPv4" out curl -sf -m 10 --retry 2 "http://$POD4:8080/small"
check "the licensed port goes on, IPv6" out curl -sf -m 10 --retry 2 "http://[$POD6]:8080/small"
is "the pod's own UDP is answered" "$(pod "$LIB/net.py" udp $OUT4 5300 5)" ok
is "... on an unconnected socket, too" "$(pod "$LIB/net.py" udp-unbound $OUT6 5300 5)" ok
sleep 2
between "it drops, and it counts" "$(($(denied /udp) - before))" 1000 100000000
flood_end
dropped=$(bpftool -j map dump pinned "$T/bpf/portlic/gates/pod/plic_spared" | json 'sum(int(b, 16) << 8 * i for v in d[0]["values"] for i, b in enumerate(v["value"]))')
between "most of it got no further than the shield" "$dropped" $(((SENT_TCP + SENT_UDP) / 4)) $((SENT_TCP + SENT_UDP))
is "each SYN is counted, and once" "$(($(denied '') - ${tcp/None/0}))" "$SENT_TCP"
is "each datagram is counted, and once" "$(($(denied /udp) - ${udp/None/0}))" "$SENT_UDP"
is "... by every count of them" "$(port 9090/udp 'p["connections"]["denied"]')" "$(denied /udp)"
ended=$(now)
check "a while after the flood it comes off" eventually 30 attached 0
between "... not at once" "$(since "$ended")" 5 30
check "... off the interface" sh -c "! nsenter --net=/run/netns/$POD ip -d link show eth0 | grep -q ' xdp'"
between "bulk traffic comes in merged frames again" "$(frame_size)" 4000 70000
is "both are events" "$(grep -o 'shield_[a-z]* gate="pod" setting="auto".*' "$T/agent.log" | cut -d' ' -f1 | xargs)" "shield_attached shield_detached"
agent_end TERM
agent_start
is "the setting outlives the agent" "$(shield setting)" auto

# what can't have it
pod ip link add br0 type bridge
portlic gate set pod --shield on > "$T/out" 2>&1
has "an interface without native XDP is told" "$(cat "$T/out")" '"br0" of gate "pod" can'"'"'t have a shield: its driver has no native XDP'
has "... in the list of gates" "$(portlic gate list)" "no native XDP"
is "... and once in the log" "$(logged shield_impossible)" 1
check "... the others have it" native
check "deletion takes it along" portlic gate del pod
check "... off the interface" sh -c "! nsenter --net=/run/netns/$POD ip -d link show eth0 | grep -q ' xdp'"

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
flood_begin() { # flood_begin INTERFACE: of the outside
	rm -f "$T/stop"
	TCP=$(denied '') UDP=$(denied /udp)
	TCP=${TCP/None/0} UDP=${UDP/None/0}
	in_out sh -c "exec $LIB/flood.py $T/stop $1 $(pod ip -j link show eth0 | json 'd[0]["address"]') 9090 > $T/sent 2>&1"
}
flood_end() { # SENT: TCP and UDP frames, UNTAKEN: what the interface was too busy for
	touch "$T/stop"
	eventually 10 grep -q . "$T/sent" || bail "the flood ends"
	read -r SENT_TCP SENT_UDP UNTAKEN < "$T/sent"
	echo "# $SENT_TCP SYNs and $SENT_UDP datagrams went out, $UNTAKEN did not"
	is "each SYN is counted, and once" "$(($(denied '') - TCP))" "$SENT_TCP"
	is "each datagram is counted, and once" "$(($(denied /udp) - UDP))" "$SENT_UDP"
}
dropped() { # by the shield
	bpftool -j map dump pinned "$T/bpf/portlic/gates/pod/plic_spared" 2> /dev/null |
		json 'sum(int(b, 16) << 8 * i for v in d[0]["values"] for i, b in enumerate(v["value"]))'
}
gro() { # gro 0|1: whether eth0 of the pod polls, and so takes XDP frames
	pod python3 -c 'import array, fcntl, socket, struct, sys
value = array.array("B", struct.pack("II", 0x2c, int(sys.argv[1])))
fcntl.ioctl(socket.socket(), 0x8946, struct.pack("16sP", b"eth0", value.buffer_info()[0]))' "$1"
}
off_eth0() { ! native; }

setup
start_nginx pod 8080
start_nginx out 80
truncate -s 100M "$T/nginx-out/www/big"
in_out "$LIB/net.py" echo-udp 5300
drop a.lic
eventually 10 out curl -sf -m 1 "http://$POD4:8080/small" || bail "8080 opens"
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
before=$(dropped)
flood_begin "$VETH"
sleep 2
flood_end
between "a flood: most of it gets no further than the shield" "$(($(dropped) - before))" $(((SENT_TCP + SENT_UDP) / 4)) $((SENT_TCP + SENT_UDP))
agent_end KILL
check "the agent is dead: it stands" native
agent_start
check "a new agent takes it over" eventually 10 attached 1
check "... as it stood" native
is "... without having put it on anew" "$(logged shield_attached) $(logged attachment_lost)" "1 0"
check "gate list says so" grep -q shield <(portlic gate list)
check "--shield off" portlic gate set pod --shield off
check "... it is gone" off_eth0
check "... and the metric" attached 0

# auto, where the stack of the other end sends: a shield would only cost
check "--shield auto" portlic gate set pod --shield auto
gro 0
flood_begin "$VETH"
check "a flood of the stack's packets: no shield" eventually 60 logged "shield_impossible.*gets no XDP frames"
flood_end
is "... none at all" "$(shield attached) $(hooks)" "False wire socket egress ledger"
has "... and the list of gates says why" "$(portlic gate list)" "gets no XDP frames"

# auto, where XDP frames come in
gro 1
out ip link add frames0 type veth peer name frames1
out ip link set frames0 up
out ip link set frames1 up
in_out "$LIB/frames_in.py" frames1 "$VETH"
eventually 10 grep -q ready "$T/background.log" || bail "XDP_REDIRECT" "$(cat "$T/background.log")"
portlic gate set pod --shield auto > /dev/null
sleep 3
is "no flood, no shield" "$(shield attached) $(hooks)" "False wire socket egress ledger"
before=$(dropped)
flood_begin frames0
began=$(now)
check "a flood of XDP frames: it is put on" eventually 60 attached 1
echo "# after $(since "$began") s"
check "... on the interface" native
check "the licensed port goes on, IPv4" out curl -sf -m 10 --retry 2 "http://$POD4:8080/small"
check "the licensed port goes on, IPv6" out curl -sf -m 10 --retry 2 "http://[$POD6]:8080/small"
is "the pod's own UDP is answered" "$(pod "$LIB/net.py" udp $OUT4 5300 5)" ok
is "... on an unconnected socket, too" "$(pod "$LIB/net.py" udp-unbound $OUT6 5300 5)" ok
has "... and status warns" "$(portlic status)" "a flood of denied packets"
sleep 2
flood_end
between "a good part got no further than the shield" "$(($(dropped) - before))" $(((SENT_TCP + SENT_UDP) / 8)) $((SENT_TCP + SENT_UDP))
ended=$(now)
check "a while after the flood it comes off" eventually 40 attached 0
between "... not at once" "$(since "$ended")" 5 40
check "... off the interface" off_eth0
between "bulk traffic comes in merged frames again" "$(frame_size)" 4000 70000
is "both are events" "$(grep -o 'shield_[a-z]* gate="pod" setting="auto".*' "$T/agent.log" | cut -d' ' -f1 | xargs)" "shield_attached shield_detached"
agent_end TERM
agent_start
is "the setting outlives the agent" "$(shield setting)" auto

# what can't have it
pod ip link add br0 type bridge
swept() { portlic gate list -o json | json 'any(a["interface"] == "br0" for a in d[0]["attachments"])' | grep -q True; }
eventually 10 swept || bail "a sweep finds br0"
portlic gate set pod --shield on > "$T/out" 2>&1
has "an interface without native XDP is told" "$(cat "$T/out")" '"br0" of gate "pod" can'"'"'t have a shield: its driver has no native XDP'
has "... in the list of gates" "$(portlic gate list)" "no native XDP"
is "... and once in the log" "$(logged "shield_impossible.*br0") $(logged attachment_lost)" "1 0"
check "... the others have it" native
check "deletion takes it along" portlic gate del pod
check "... off the interface" off_eth0

#!/bin/bash
# SPDX-License-Identifier: MIT
# Gates come and go: what stands before the gate, gate del, the end of a namespace, two agents side by side.
. "$(dirname "$0")/lib.sh"
need nginx bpftool

pulse
make_pod
configure
vendor
start_nginx pod 8080 9090
out "$LIB/net.py" hold $POD4 9090 5 > "$T/hold" & hold=$!
PIDS+=("$hold")
eventually 10 has_clients 9090 || bail "a connection to 9090"
agent_start
start=$(now)
gate_up
promptly "a gate is up within 1 s" "$(since "$start")" 1
is "a second gate of that name: exit status 2" "$(portlic gate add pod --netns "$POD" > "$T/out" 2>&1; echo $?)" 2
is "9090 is refused from then on" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
wait $hold
read -r how _ < "$T/hold"
is "a connection that stood when the gate came is not cut" "$how" open

drop app.lic
[ "$(out "$LIB/net.py" wait ok $POD4 8080 10)" != never ] || bail "8080 opens"
# numbers of the links that are pinned here, wherever else on this machine there are more
own_links() { find "$T/bpf" -type f -exec bpftool link show pinned {} \; 2> /dev/null | sed -n 's/^\([0-9]*\):.*/\1/p'; }
links=$(own_links)
between "the gate stands on pinned links" "$(wc -w <<< "$links")" 6 20
no_link() { ! bpftool link show | sed -n 's/^\([0-9]*\):.*/\1/p' | grep -qxF "$links"; }
gates=$(curl -s --unix-socket "$PORTLIC_SOCKET" http://portlic/v1/gates)
is "hooks" "$(echo "$gates" | json '",".join(sorted(d[0]["hooks"]))')" egress,ledger,socket,wire
is "wire is a tcx link on lo and eth0" "$(echo "$gates" | json 'sorted((a["interface"], a["kind"], a["removable"], a["present"]) for a in d[0]["attachments"] if a["hook"] == "wire")')" \
	"[('eth0', 'tcx', False, True), ('lo', 'tcx', False, True)]"
pod tc qdisc add dev eth0 clsact
pod tc qdisc del dev eth0 clsact
is "a clsact that comes and goes in the pod changes nothing" "$(out "$LIB/net.py" tcp $POD4 9090)" refused
check "portlic check passes" portlic check

# off and on again
pod ip link set eth0 down
pod ip link set eth0 up
eventually 10 out ping -c 1 -W 1 $POD4
is "an interface that went down and up is still gated" "$(out "$LIB/net.py" tcp $POD4 9090)" refused

check "gate del" portlic gate del pod
is "gate del leaves no pin of the gate" "$(find "$T/bpf/portlic/gates" -mindepth 1 2> /dev/null | wc -l)" 0
is "... and no tcx program" "$(pod bpftool net show 2> /dev/null | grep -c plic_)" 0
is "... 9090 is open" "$(out "$LIB/net.py" tcp $POD4 9090)" ok
is "... gate list is empty" "$(portlic gate list -o json)" "[]"
is "gate del of nobody: exit status 2" "$(portlic gate del nobody > "$T/out" 2>&1; echo $?)" 2

# two agents side by side, a pod of each
mkdir "$T/b"
configure "$T/b"
cp "$T/vendor.jwks" "$T/b/trust.d/"
"$BUILD/portlicd" --config "$T/b/portlicd.json" < /dev/null >> "$T/agent.log" 2>&1 &
PIDS+=($!) && other=$!
eventually 15 portlic --socket "$T/b/portlicd.sock" status || bail "a second agent" "$(tail "$T/agent.log")"
gate_up
ip netns add "plx$$-b"
nsenter --net="/run/netns/plx$$-b" ip link set lo up
background nsenter --net="/run/netns/plx$$-b" "$LIB/net.py" echo-tcp 8080 9090
check "the second agent's gate" portlic --socket "$T/b/portlicd.sock" gate add b --netns "plx$$-b"
sign > "$T/b/licenses.d/app.lic"
in_b() { nsenter --net="/run/netns/plx$$-b" "$LIB/net.py" "$@"; }
has "the second agent's license opens the second pod" "$(in_b wait ok 127.0.0.1 8080 10)" .
is "... and nothing else there" "$(in_b tcp 127.0.0.1 9090)" refused
kill -KILL $other
wait $other 2> /dev/null
is "the second agent dies: its gate stands" "$(in_b tcp 127.0.0.1 9090)" refused
is "... and the first is as it was" "$(out "$LIB/net.py" tcp $POD4 8080)" ok
is "... with one gate" "$(portlic gate list -o json | json 'len(d)')" 1

# the namespace dies
for pid in "${PIDS[@]}"; do kill -KILL "$pid" 2> /dev/null; done
ip netns del "$POD"
check "a namespace that ends is collected within 10 s" eventually 10 sh -c "! find $T/bpf/portlic/gates -mindepth 1 | grep -q ."
check "... the agent holds no descriptor in it: the veth is gone" eventually 10 sh -c "! nsenter --net=/run/netns/$OUT ip link show $VETH"
ip netns del "plx$$-b"
agent_end TERM
umount "$T/bpf" "$T/b/bpf"
check "no link is left when the bpffs is gone" eventually 10 no_link

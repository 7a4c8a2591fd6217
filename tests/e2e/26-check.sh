#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# portlic check: knocks at what nothing opens, through lo and the veth; the counters are the proof, and don't
# count it.
. "$(dirname "$0")/lib.sh"
need nginx

pulse
setup
start_nginx pod 8080 9090 9091
start_echo udp 6000
drop app.lic
opens() { [ "$(port 8080 'p["state"]')" = licensed ]; }
eventually 10 opens || bail "8080 opens"
# lines [GATE]: check|path|ok of each probe
lines() { portlic check --gate "${1:-pod}" -o json | json '"\n".join("%s|%s|%s" % (r["check"], r["path"], r["ok"]) for r in d["results"] if "/" in r["check"])'; }
line() { portlic check --gate "${3:-pod}" -o json | json 'next((r["text"] for r in d["results"] if r["check"] == "'"$1"'" and r["path"] == "'"$2"'"), "")'; }
denied() { port "$1" 'sum(p["connections"].values())'; }
probes() { metric portlic_check_probes_total 'gate="pod"'; }
total() { metric portlic_port_denied_total 'gate="pod"'; }
raw() { # raw PROTO PORT: connections that the kernel counted as denied or audit, probes too
	bpftool -j map dump pinned "$T/bpf/portlic/gates/pod/plic_denials" | json 'sum(int.from_bytes(bytes(int(b, 16) for b in e["value"][16:24]), "little")
		for e in d if int(e["key"][4], 16) == '"$1"' and int(e["key"][2], 16) | int(e["key"][3], 16) << 8 == '"$2"' and int(e["key"][7], 16) == 0)'
}

is "TCP and UDP, by lo and by the veth: all denied" "$(lines | sort | tr '\n' ' ')" \
	"6000/udp|eth0|True 6000/udp|lo|True 9090/tcp|eth0|True 9090/tcp|lo|True 9091/tcp|eth0|True 9091/tcp|lo|True "
is "... each counted once in the kernel" "$(raw 6 9090) $(raw 6 9091) $(raw 17 6000)" "2 2 2"
is "... and left out of what is told" "$(denied 9090) $(denied 9091) $(denied 6000/udp)" "None None None"
is "... of metrics too" "$(total)" absent
is "... but told as probes" "$(probes)" 6
is "exit status 0" "$(portlic check > "$T/out" 2>&1; echo $?)" 0
has "the table says by which way" "$(cat "$T/out")" "9090/tcp by eth0"
for _ in 1 2 3; do out "$LIB/net.py" tcp $POD4 9090 > "$T/out"; done
is "others' knocks are counted as before" "$(denied 9090) $(total)" "3 3"
portlic check > "$T/out"
is "... and after another check" "$(denied 9090) $(total) $(probes)" "3 3 18"
agent_end TERM
agent_start
is "... and by the next agent" "$(denied 9090) $(total) $(probes)" "3 3 18"

check "an unknown gate is refused by name" sh -c "portlic check --gate nobody 2>&1 | grep -q '\"nobody\"'"
is "... exit status 2" "$(portlic check --gate nobody > "$T/out" 2>&1; echo $?)" 2

cat > "$T/policies.d/p.json" << J
{"name": "p", "match": {"gates": ["pod"]}, "deny": "drop"}
J
dropping() { [ "$(out "$LIB/net.py" tcp $POD4 9091 0.3)" = timeout ]; }
eventually 10 dropping || bail "the gate drops"
began=$(now)
is "a gate that drops: all denied" "$(lines | grep -c True)" 6
promptly "... in no time" "$(since "$began")" 1.5

rm "$T/policies.d/p.json"

out nft "add table netdev x; add chain netdev x c { type filter hook egress device $VETH priority 0; }; add rule netdev x c tcp dport 9090 drop" ||
	bail "nft"
is "a probe that the gate didn't count fails" "$(lines | grep '^9090' | tr '\n' ' ')" "9090/tcp|lo|True 9090/tcp|eth0|False "
is "... exit status 1" "$(portlic check > "$T/out" 2>&1; echo $?)" 1
has "... with a reason" "$(cat "$T/out")" "the gate counted no denial of the probe: it was let in, or something ahead of the gate took it"
out nft delete table netdev x

before="$(denied 9090) $(probes)"
portlic gate set pod --mode audit > "$T/out"
is "audit: what is let through is counted, by both ways" "$(lines | grep -c True)" 6
is "... and left out again" "$(denied 9090) $(probes)" "${before% *} $((${before#* } + 6))"
has "... the text says so" "$(line 6000/udp eth0)" "let through, as the mode is audit, and counted"
portlic gate set pod --mode off > "$T/out"
is "off: nothing is probed" "$(lines | grep -c None) $(probes)" "6 $((${before#* } + 12))"
portlic gate set pod --mode enforce > "$T/out"

# The other end of the second veth is in a namespace that nobody is in and no path leads to.
ip netns add "plx$$-far"
ip link add "plw$$" netns "plx$$-far" type veth peer name eth5 netns "$POD"
pod ip addr add 10.78.0.2/24 dev eth5
pod ip link set eth5 up
exec 7< "/run/netns/plx$$-far"
ip netns del "plx$$-far"
is "a veth whose other end can't be entered is skipped" "$(line veth eth5)" "not reachable from here"
is "... and doesn't fail" "$(portlic check > "$T/out" 2>&1; echo $?)" 0
exec 7<&-

ip netns add "plx$$-lo"
portlic gate add alone --netns "plx$$-lo" > "$T/out"
background nsenter --net="/run/netns/plx$$-lo" "$LIB/net.py" echo-tcp 7000
listens_there() { nsenter --net="/run/netns/plx$$-lo" ss -Hltn | grep -q 7000; }
nsenter --net="/run/netns/plx$$-lo" ip link set lo up
eventually 10 listens_there
is "without a veth lo is probed" "$(lines alone)" "7000/tcp|lo|True"
has "... and that is told" "$(portlic check --gate alone)" "lo alone was probed"

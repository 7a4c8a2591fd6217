#!/bin/bash
# SPDX-License-Identifier: MIT
# portlic-cni under containerd, as a kubelet drives it (CRI): pods of selected namespaces are gated before their
# first process, others start without a question; DEL comes more than once; what becomes of both without the
# agent; the network plugin that writes its configuration anew.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/cni.sh"

need containerd ctr runc busybox iptables gcc /usr/bin/python3
/usr/bin/python3 -c 'import grpc' 2> /dev/null || skip_all "python3-grpcio is not installed"
configure
vendor
agent_start
bed_up containerd.sh
CRI=$T/bed/containerd.sock
cri() { "$BEDS/cri.py" "$CRI" "$@"; }
policy shop '{"name":"shop","match":{"namespaces":["shop"]}}'
drop a.lic
N=0
uid() { printf '%08x-0000-4000-8000-%012x' $((0x10000000 + $1)) $$; }
# up NAME NAMESPACE: P is its sandbox and container, A its address
up() {
	N=$((N + 1))
	P=$(cri up "$1" "$2" "$(uid $N)" localhost/bb:1 /bin/sh -c 'httpd -p 8080; exec httpd -f -p 9090' 2>&1) || return
	A=$(cri exec "${P#* }" ip -4 -o addr show eth0 | awk '{ sub("/.*", "", $4); print $4 }')
}
ups() { # ups TEXT NAME NAMESPACE
	if up "$2" "$3"; then ok "$1"; else not_ok "$1" "$P"; fi
}
name() { printf '%s.%s.%s' "$2" "$1" "$(uid $N | cut -c1-8)"; }
# How many DELs of a sandbox came without a namespace.
bare_dels() { python3 -c 'import json, sys
calls = map(json.loads, open(sys.argv[1]))
print(sum(c["command"] == "DEL" and not c["env"].get("CNI_NETNS") and c["env"]["CNI_CONTAINERID"] == sys.argv[2] for c in calls))' "$BED_DIR/cni.log" "$1"; }

ups "a pod of a selected namespace starts" web-1 shop
W=$P WA=$A G=$(name web-1 shop)
is "... and has a gate of its name and UID" "$(gates)" "$G:attached"
check "... its licensed port is open" eventually 10 tcp_is "$A" 8080 ok
is "... and the other shut" "$(tcp "$A" 9090)" refused
is "... and no second of it was unprotected" "$(portlic gate list -o json | json 'd[0]["unprotected_seconds"]')" 0
ups "a pod of another namespace starts" web-1 dev
D=$P
check "... without a gate: all its ports are open" eventually 10 tcp_is "$A" 9090 ok
is "... and there is none" "$(gates)" "$G:attached"
ups "a second pod of one name, with another UID" web-1 shop
G2=$(name web-1 shop)
check "... has a gate of its own" eventually 10 gates_are "$G:attached $G2:attached"

check "it ends" cri down "${P% *}"
between "... by more than one DEL, the last without a namespace" "$(bare_dels "${P% *}")" 1 9
check "... and its gate goes" eventually 10 gates_are "$G:attached"
check "a pod that isn't selected ends" cri down "${D% *}"

agent_end KILL
up web-2 shop && not_ok "the agent is dead: a pod that may be selected is refused" || has "the agent is dead: a pod that may be selected is refused" "$P" "may have to be gated"
has "... in the words that kubectl describe pod shows" "$P" "pod \"web-2\" of namespace \"shop\""
ups "... others start" web-2 dev
check "... without a gate" eventually 10 tcp_is "$A" 9090 ok
is "... running ones go on, gated" "$(tcp "$WA" 8080) $(tcp "$WA" 9090)" "ok refused"
check "... and can end" cri down "${W% *}"
agent_start
check "the agent starts: the gate of the pod that ended meanwhile is collected" eventually 10 gates_are ""
ups "... and the refused pod starts at the next try" web-2 shop
G=$(name web-2 shop)
is "... gated" "$(gates)" "$G:attached"

background portlic-cni install --bin "$BED_DIR/cnibin" --conf "$BED_DIR/cni" --socket "$PORTLIC_SOCKET" \
	--selection "$T/state/cni-selection.json" --watch
python3 - "$BED_DIR/cni/20-portlic.conflist" << 'P'
import json, os, sys
conf = json.load(open(sys.argv[1]))
conf["plugins"] = [p for p in conf["plugins"] if p["type"] != "portlic-cni"]
json.dump(conf, open(sys.argv[1] + ".tmp", "w"))
os.rename(sys.argv[1] + ".tmp", sys.argv[1])
P
check "the network plugin writes its configuration anew: the chain is put back" eventually 10 grep -q portlic-cni "$BED_DIR/cni/20-portlic.conflist"
sleep 1 # containerd reads it
ups "... a new pod" web-3 shop
has "... is gated" "$(gates)" "$(name web-3 shop):attached"

if "$PWD/deploy/cni-bundle" "$BUILD" "$T/bundle" > "$T/out" 2>&1 && chain --lib "$T/bundle" 2>> "$T/out"; then
	ups "with libraries of its own, behind the launcher: a pod" web-4 shop
	has "... is gated" "$(gates)" "$(name web-4 shop):attached"
else
	not_ok "with libraries of its own" "$(cat "$T/out")"
fi

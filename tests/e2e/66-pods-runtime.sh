#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# A runtime tells of its sandboxes (POST /v1/cni): the gate stands before the first process, or the pod doesn't start.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl bpftool

# cni COMMAND CONTAINER [NETNS-KEY [NAMESPACE NAME UID]]: the status, and the answer in $T/answer
cni() {
	local body
	body=$(python3 -c 'import json, sys
keys = ["command", "container", "netns", "namespace", "name", "uid"]
print(json.dumps({k: v for k, v in zip(keys, sys.argv[1:]) if v}))' "$1" "$2" "${3:+/run/netns/plx$$-$3}" "${@:4}")
	curl -s -o "$T/answer" -w '%{http_code}' --unix-socket "$PORTLIC_SOCKET" -d "$body" http://portlic/v1/cni
}
result() { json 'd.get("result"), d.get("gate")' < "$T/answer"; }
space() { ip netns add "plx$$-$1" && ip -n "plx$$-$1" link set lo up; }
inside() { nsenter --net="/run/netns/plx$$-$1" "${@:2}"; }
serve() { background nsenter --net="/run/netns/plx$$-$1" "$LIB/net.py" echo-tcp "$2" && eventually 10 eval "inside $1 ss -Hltn 'sport = :$2' | grep -q ."; }
away() { portlic status -o json | json 'd["kubernetes"]["connected"]' | grep -q False; }
id() { printf '%064d' "$1"; }

configure
kube_start
kube_configure n1 portlic
vendor
policy_for shop.json '{"namespaces":["shop"],"podSelector":{"matchLabels":{"app":"web"}}}'
policy_for whole.json '{"namespaces":["whole"]}' '"mode":"audit"'
policy_for front.json '{"namespaceSelector":{"matchLabels":{"tier":"front"}}}'
policy_for boxes.json '{"gates":["box-*"]}'
pods_namespaces shop whole plain
agent_start
eventually 10 eval '[ "$(portlic status -o json | json "all(w[\"synced\"] for w in d[\"kubernetes\"][\"watches\"])")" = True ]' || bail "watches"

A=$(uid)
space a
put_pod shop a "$A" '{"app":"web"}'
is "ADD: gated" "$(cni ADD "$(id 1)" a shop a "$A") $(result)" "200 gated shop.a.${A:0:8}"
serve a 9090
is "... before its first process: 9090 is refused" "$(inside a "$LIB/net.py" tcp 127.0.0.1 9090)" refused
is "... so nothing was unprotected" "$(pod_says "$A" 'p["state"], p["unprotected_seconds"]')" "('gated', 0)"
between "... how long the call took" "$(pod_says "$A" 'p["attach_delay_seconds"]')" 0.0001 5
is "ADD again: the same" "$(cni ADD "$(id 1)" a shop a "$A") $(result)" "200 gated shop.a.${A:0:8}"
is "CHECK: whole" "$(cni CHECK "$(id 1)" a shop a "$A") $(result)" "200 gated shop.a.${A:0:8}"
is "a pod whose labels no policy matches" "$(space b; B=$(uid); put_pod shop b "$B" '{"app":"db"}'; cni ADD "$(id 2)" b shop b "$B") $(result)" \
	"200 unselected None"
is "one of another namespace" "$(cni ADD "$(id 2)" b plain b "$(uid)") $(result)" "200 unselected None"

# runtimes of before 2021 give no UID
U=$(uid)
space u
put_pod shop u "$U" '{"app":"web"}'
is "no UID: the API server says whose it is" "$(cni ADD "$(id 41)" u shop u) $(result)" "200 gated shop.u.${U:0:8}"
is "... CHECK" "$(cni CHECK "$(id 41)" u shop u) $(result)" "200 gated shop.u.${U:0:8}"
is "... a pod that it doesn't know is refused" "$(cni ADD "$(id 42)" b shop nobody)" 422
is "... where no policy can mean it, it isn't" "$(cni ADD "$(id 42)" b plain nobody) $(result)" "200 unselected None"
is "a namespace without a pod is refused" "$(cni ADD "$(id 42)" b shop)" 422
is "DEL without a UID" "$(cni DEL "$(id 41)" u shop u) $(gate_of "$U")" "200 None"
space u2
is "... and another ADD, with it" "$(cni ADD "$(id 43)" u2 shop u "$U") $(result)" "200 gated shop.u.${U:0:8}"

# what the watch hasn't shown
kube hold
kube close
H=$(uid)
space h
put_pod shop h "$H" '{"app":"web"}'
is "the watch hasn't shown it: the API server is asked" "$(cni ADD "$(id 3)" h shop h "$H") $(result)" "200 gated shop.h.${H:0:8}"
kube_namespace late '{"tier":"front"}' | kube_put - > /dev/null
N=$(uid)
space n
put_pod late n "$N"
is "... for its namespace, too" "$(cni ADD "$(id 4)" n late n "$N") $(result)" "200 gated late.n.${N:0:8}"
space o
is "the API server has another pod of that name: refused" "$(cni ADD "$(id 5)" o shop h "$(uid)")" 422
has "... and why" "$(cat "$T/answer")" "another pod of that name by now"
kube release

# the same pod in another sandbox
space a2
is "a second sandbox of a pod whose first is there has a gate of its own" "$(cni ADD "$(id 6)" a2 shop a "$A") $(result)" "200 gated shop.a.${A:0:8}.2"
is "DEL of the first" "$(cni DEL "$(id 1)" a shop a "$A")" 200
is "... its gate goes" "$(portlic gate list -o json | json '[g["name"] for g in d if g["name"].startswith("shop.a.")]')" "['shop.a.${A:0:8}.2']"
is "... again, without a namespace: the second's stays" "$(cni DEL "$(id 1)" '' shop a "$A") $(gate_of "$A")" "200 shop.a.${A:0:8}.2"
is "DEL of what never was" "$(cni DEL "$(id 99)" '' shop gone "$(uid)") $(result)" "200 unselected None"

# without the API server
kube away
check "the API server is away" eventually 20 away
W=$(uid)
space w
is "a policy of the whole namespace needs no label: gated" "$(cni ADD "$(id 7)" w whole w "$W") $(result)" "200 gated whole.w.${W:0:8}"
is "... in its mode" "$(gate_says "$W" 'g["mode"]')" audit
space x
is "labels that nobody knows: refused" "$(cni ADD "$(id 8)" x shop x "$(uid)")" 422
has "... in a sentence for kubectl describe pod" "$(cat "$T/answer")" 'whether pod \"shop/x\" is to be gated depends on labels that nobody knows now'
is "... a namespace that no policy can mean: started" "$(cni ADD "$(id 9)" x plain x "$(uid)") $(result)" "200 unselected None"
is "... one that isn't known" "$(cni ADD "$(id 10)" x unknown x "$(uid)")" 422
is "... a pod that is known comes back" "$(cni DEL "$(id 6)" a2 shop a "$A"; space a3; cni ADD "$(id 11)" a3 shop a "$A") $(result)" "200200 gated shop.a.${A:0:8}"
agent_end TERM
agent_start
is "... over a restart, too" "$(eventually 10 gated "$W"; gate_says "$W" 'g["mode"], g["pod"]["name"]')" "('audit', 'w')"
kube back

# no pod: a container by its name
space box
is "a container that isn't Kubernetes'" "$(cni ADD "$(id 12)" box '' plain-1) $(result)" "200 unselected None"
is "... whose name a policy matches" "$(cni ADD "$(id 12)" box '' box-1) $(result)" "200 gated box-1"
is "... it is a plain gate" "$(portlic gate list -o json | json 'next(g["pod"] for g in d if g["name"] == "box-1")')" None
space box2
is "another container of that name: refused" "$(cni ADD "$(id 13)" box2 '' box-1)" 422
is "... its DEL takes nothing from the first" "$(cni DEL "$(id 13)" box2 '' box-1) $(portlic gate list -o json | json '[g["state"] for g in d if g["name"] == "box-1"]')" "200 ['attached']"
is "DEL" "$(cni DEL "$(id 12)" '' '' box-1) $(portlic gate list -o json | json '[g["name"] for g in d if g["name"] == "box-1"]')" "200 []"

# it can't come up
is "no such namespace: refused" "$(cni ADD "$(id 14)" nowhere shop a "$A")" 422
has "... and which" "$(cat "$T/answer")" "nowhere"
Z=$(uid)
put_pod shop z "$Z" '{"app":"web"}'
eventually 10 pod_is "$Z" waiting
is "CHECK: a pod that is selected and has no gate" "$(cni CHECK "$(id 15)" box shop z "$Z")" 422
has "... is told" "$(cat "$T/answer")" 'shop/z\" is selected and has no gate'
# The sweep puts it back within half a second.
ask='{"command":"CHECK","container":"'$(id 11)'","netns":"/run/netns/plx'$$'-a3","namespace":"shop","name":"a","uid":"'$A'"}'
for _ in 1 2 3 4 5 6 7 8; do
	bpftool link detach pinned "$T/bpf/portlic/gates/shop+a+${A:0:8}/socket" 2> "$T/out" || continue
	curl -s -o "$T/answer" --unix-socket "$PORTLIC_SOCKET" -d "$ask" http://portlic/v1/cni
	! grep -q "is gone" "$T/answer" || break
	sleep 0.1
done
has "CHECK: a hook is gone" "$(cat "$T/answer")" "hook socket is gone"

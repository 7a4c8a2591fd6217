#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Who may create, label and annotate pods tries to do without the gate, or to take another pod's.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl

pods_node
policy_for shop.json '{"namespaces":["shop"]}'
policy_for lab.json '{"namespaces":["lab"]}' '"open":[{"port":9090}]'
pods_namespaces shop lab plain asks
annotate asks portlic.dev/mode enforce
agent_start

# what the API server lets anybody write
odd() { # odd NAME UID PYTHON: o is the pod
	kube_pod shop "$1" n1 "$2" '{}' "$STATUS" | python3 -c 'import json,sys
o = json.load(sys.stdin); exec(sys.argv[1]); print(json.dumps(o))' "$3" | kube_put - > /dev/null
}
N=0
while read -r what how; do
	N=$((N + 1)) UID_=$(uid)
	sandbox "odd$N" "$UID_"
	odd "odd-$N" "$UID_" "$how"
	check "a pod with $what is gated" eventually 15 gated "$UID_"
done << 'ODD'
a-long-owner o["metadata"]["ownerReferences"] = [{"apiVersion": "x/v1", "kind": "K", "name": "n" * 300, "uid": "u", "controller": True}]
an-owner-in-lines o["metadata"]["ownerReferences"] = [{"apiVersion": "x/v1", "kind": "a\nb", "name": "n", "uid": "u", "controller": True}]
a-long-probe-host o["spec"]["containers"][0]["livenessProbe"] = {"httpGet": {"port": 9, "host": "h" * 300, "path": "/"}}
a-probe-host-in-lines o["spec"]["containers"][0]["lifecycle"] = {"preStop": {"httpGet": {"port": 9, "host": "h\u0000\n", "path": "/"}}}
odd-annotations o["metadata"]["annotations"] = {"portlic.dev/mode": "off\u0000", "portlic.dev/policy": "\n" * 1000, "a": "\u001b"}
another-node's-labels o["metadata"]["labels"] = {"a/b": "", "kubernetes.io/hostname": "n2"}
ODD

# The API server stores 1.5 MiB, and spells each of these bytes in six.
odd "large" "$(uid)" 'o["spec"]["containers"][0]["args"] = ["\u0001" * 1500000]'
LATE=$(uid)
sandbox late "$LATE"
put_pod shop late "$LATE"
check "behind a pod of nine megabytes others are seen" eventually 15 gated "$LATE"
is "... and the watch goes on" "$(portlic status -o json | json '[w["error"] for w in d["kubernetes"]["watches"] if w.get("error")]' 2>&1)" "[]"
kube_delete /api/v1/namespaces/shop/pods/large > /dev/null

# a mirror of another's UID
STATIC=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
mirror() { # mirror NAMESPACE NAME
	kube_pod "$1" "$2" n1 "$(uid)" '{}' "$STATUS" | python3 -c 'import json,sys
o = json.load(sys.stdin)
o["metadata"]["annotations"] = {"kubernetes.io/config.mirror": sys.argv[1], "portlic.dev/mode": "off"}
print(json.dumps(o))' "$STATIC" | kube_put - > /dev/null
}
sandbox static "$STATIC" && run_in static 9090
mirror shop static
check "a static pod is gated" eventually 15 gated "$STATIC"
is "... 9090 is refused" "$(reach static 9090)" refused
GATE=$(gate_of "$STATIC")
mirror plain thief
mirror lab thief
check "a pod that takes its UID is told" eventually 15 grep -q 'pod_refused.*thief' "$T/agent.log"
sleep 0.5
is "... and the static one is as it was" "$(pod_says "$STATIC" 'p["namespace"], p["name"], p["state"], p["policy"]')" "('shop', 'static', 'gated', 'shop')"
kube_delete /api/v1/namespaces/plain/pods/thief > /dev/null
kube_delete /api/v1/namespaces/lab/pods/thief > /dev/null
sleep 0.5
is "... when the thief goes, too" "$(pod_says "$STATIC" 'p["in_api"], p["gate"]')" "(True, '$GATE')"
mirror lab thief
agent_end TERM
agent_start
check "... and when the agent starts with both" eventually 15 gated "$STATIC"
sleep 0.5
is "... as before" "$(pod_says "$STATIC" 'p["namespace"], p["name"], p["policy"]') $(reach static 9090)" "('shop', 'static', 'shop') refused"

# another's policy, in a namespace that gates all its pods
ASKS=$(uid)
sandbox asks "$ASKS" && run_in asks 9090
put_pod asks web "$ASKS" && annotate asks/web portlic.dev/policy lab
check "a pod of a namespace that asks is gated" eventually 15 gated "$ASKS"
sleep 0.5
is "... and opens nothing by a policy that it names" "$(pod_says "$ASKS" 'p["policy"]') $(reach asks 9090)" "None refused"
annotate asks portlic.dev/policy lab
check "... its namespace may" eventually 15 eval '[ "$(reach asks 9090)" = ok ]'

# a megabyte of labels, which gates.json had to hold for each of them
for i in 1 2; do
	BULKY[i]=$(uid)
	sandbox "bulky$i" "${BULKY[i]}"
	odd "bulky-$i" "${BULKY[i]}" 'o["metadata"]["labels"] = {"l%d" % i: "v" * 60 for i in range(14000)}'
	check "a pod with a megabyte of labels is gated" eventually 15 gated "${BULKY[i]}"
done
eventually 15 grep -q pod_partial "$T/state/gates.json"
between "... and gates.json stays small" "$(stat -c %s "$T/state/gates.json")" 1000 200000
agent_end TERM
kube away > /dev/null
agent_start
check "... its gate is there again without the API server" eventually 15 gated "${BULKY[2]}"
is "... judged by what its namespace selects" "$(gate_says "${BULKY[1]}" 'g["mode"], g["policy"]')" "('enforce', 'shop')"

# the forged one is first
kube back > /dev/null
STATIC=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
mirror plain forged
check "a mirror that is seen before the real one has the UID" eventually 15 eval '[ "$(pod_says "$STATIC" "p[\"name\"]")" = forged ]'
sandbox real "$STATIC"
mirror shop real
check "... the real one is refused" eventually 15 grep -q 'pod_refused.*pod="real"' "$T/agent.log"
mirror lab other
check "... and another one" eventually 15 grep -q 'pod_refused.*pod="other"' "$T/agent.log"
kube_delete /api/v1/namespaces/plain/pods/forged > /dev/null
check "... until the kubelet deletes the forged one: it is gated, and needs no event of its own" eventually 15 gated "$STATIC"
is "... as what it is" "$(pod_says "$STATIC" 'p["namespace"], p["name"], p["policy"]')" "('shop', 'real', 'shop')"

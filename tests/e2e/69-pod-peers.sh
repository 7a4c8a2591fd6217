#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# `from` by labels: pods of the cluster get in with the addresses that they have, as the API server tells them, and
# with the last known ones while it is away. The pods are addresses of the outside here.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
need openssl

make_pod
for n in 11 12 13 14; do out ip addr add 10.77.0.$n/24 dev "$VETH"; done
out ip addr add fd77::11/64 dev "$VETH" nodad
configure
kube_start
kube_configure n1
cat > "$T/policies.d/shop.json" << 'J'
{"name": "shop", "match": {"gates": ["pod"]},
 "open": [{"port": 7001, "from": [{"podSelector": {"matchLabels": {"app": "web"}}, "namespaceSelector": {"matchLabels": {"team": "x"}}}]},
          {"port": 7002, "from": [{"podSelector": {}, "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}]},
          {"port": 7003, "from": [{"podSelector": {"matchLabels": {"app": "web"}}}]},
          {"port": 7004, "from": [{"origin": ["pod"]}]},
          {"port": 7005, "from": [{"origin": ["node"]}]}],
 "ports": [{"port": 8080, "from": [{"cidr": "10.77.0.0/24", "except": ["10.77.0.11/32", "10.77.0.12/32", "10.77.0.14/32"]},
                                   {"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "ui"]}]}, "namespaceSelector": {}}]}]}
J
start_echo tcp 7001 7002 7003 7004 7005 8080

from() { SOURCE=10.77.0.$1 out "$LIB/net.py" tcp $POD4 "$2"; } # from LAST-BYTE PORT
says() { [ "$(from "$1" "$2")" = "$3" ]; }                      # says LAST-BYTE PORT ok|refused
soon() { # soon TEXT LAST-BYTE PORT ok|refused: within 15 s
	local began
	began=$(now)
	if eventually 15 says "$2" "$3" "$4"; then ok "$1 ($(since "$began") s)"; else not_ok "$1" "port $3 from .$2: $(from "$2" "$3")"; fi
}
stays() { # stays TEXT LAST-BYTE PORT ok|refused: for 2 s
	local end=$((SECONDS + 2))
	while [ $SECONDS -lt $end ]; do
		says "$2" "$3" "$4" || { not_ok "$1" "port $3 from .$2: $(from "$2" "$3")" && return; }
		sleep 0.1
	done
	ok "$1"
}
status() { printf '{"phase":"%s","podIPs":[{"ip":"10.77.0.%s"}%s]}' "${2:-Running}" "$1" "${3:+,{\"ip\":\"$3\"\}}"; }
cluster_pod() { # cluster_pod NAMESPACE NAME APP LAST-BYTE [PHASE [IPV6]]; its UID is uid-NAME
	kube_pod "$1" "$2" n2 "uid-$2" "{\"app\":\"$3\"}" "$(status "$4" "${5:-Running}" "${6:-}")" | kube_put -
}
warned() { portlic status -o json | grep -q "$1"; }

{
	kube_namespace shop '{"team":"x"}'
	kube_namespace bank '{"team":"y"}'
	echo '{"kind":"Node","apiVersion":"v1","metadata":{"name":"n2"},"spec":{"podCIDR":"10.77.0.12/30","podCIDRs":["10.77.0.12/30"]},
		"status":{"addresses":[{"type":"Hostname","address":"n2"},{"type":"InternalIP","address":"10.77.0.11"}]}}'
} | kube_put -
cluster_pod shop web-1 web 11 Running fd77::11
cluster_pod shop db-1 db 12
cluster_pod bank web-2 web 13
kube away

# nobody has told yet
vendor
drop app.lic '"ports":[{"port":8080}]'
agent_start
gate_up
is "the API server was never reached: pods that it doesn't know get in nowhere" "$(from 11 7001) $(from 12 7002)" "refused refused"
check "... status says so" eventually 10 warned "are not known yet: they admit nobody"
is "... what networks say holds" "$(from 13 8080) $(from 14 8080)" "ok refused"

# then it tells
kube back
soon "it comes: the selected pod gets in" 11 7001 ok
is "... by IPv6 too" "$(SOURCE=fd77::11 out "$LIB/net.py" tcp $POD6 7001)" ok
is "... one with other labels doesn't, nor one of another namespace" "$(from 12 7001) $(from 13 7001)" "refused refused"
soon "... all pods of a namespace by its name" 11 7002 ok
is "... and none of another" "$(from 12 7002) $(from 13 7002)" "ok refused"
kube_pod shop static-n2 n2 "uid-mirror" '{}' "$(status 14)" |
	sed 's|"name":"static-n2"|&,"annotations":{"kubernetes.io/config.mirror":"0123456789abcdef0123456789abcdef"}|' | kube_put -
soon "a static pod, by its mirror" 14 7002 ok
kube_delete /api/v1/namespaces/shop/pods/static-n2 > /dev/null
soon "... whose address is nobody's when it is gone" 14 7002 refused
is "... pods of the gate's own namespace: a gate that isn't a pod's has none" "$(from 11 7003)" refused
is "... a pod whose address is an exception of another entry, and one that is not" "$(from 11 8080) $(from 12 8080)" "ok refused"
has "a denial has its reason" "$(port 7001 'p["denied"]')" "'source'"
explained() { portlic explain pod 7001 --from "$1" -o json | json 'd["verdict"], d["reason"]'; }
is "explain says as much" "$(explained 10.77.0.12)" "denied source"
has "... and of who is admitted" "$(explained 10.77.0.11)" "allowed"
is "metrics count them, once for each set" "$(metric portlic_pod_sources 'state="admitted"')" 8
between "... and how full the map is" "$(metric portlic_bpf_map_pressure 'map="plic_sources"')" 0.0001 0.01

# nodes of the cluster
soon "an address of a node's range of pods is of origin pod" 12 7004 ok
is "... a node's is of origin node, others are external" "$(from 11 7005) $(from 12 7005) $(from 11 7004)" "ok refused refused"

# labels come and go
cluster_pod shop db-1 web 12
soon "a pod gets the label" 12 7001 ok
cluster_pod shop db-1 db 12
soon "... and loses it" 12 7001 refused
kube_namespace bank '{"team":"x"}' | kube_put -
soon "a namespace gets the label" 13 7001 ok
kube_namespace bank '{"team":"y"}' | kube_put -
soon "... and loses it" 13 7001 refused

# addresses come and go
cluster_pod shop web-3 web 14
soon "a new pod" 14 7001 ok
cluster_pod shop web-3 web 14 Succeeded
soon "it has ended: its address is nobody's" 14 7001 refused
is "... and an exception again" "$(from 14 8080)" refused
kube_delete /api/v1/namespaces/shop/pods/web-3
cluster_pod shop web-4 web 14
soon "the next one" 14 7001 ok
ending() { # ending STATE: web-4 is being deleted, its container is in that state
	kube_get /api/v1/namespaces/shop/pods/web-4 | python3 -c '
import json, sys
pod = json.load(sys.stdin)
pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
pod["status"]["containerStatuses"] = [{"name": "c", "state": {sys.argv[1]: {}}}]
print(json.dumps(pod))' "$1" | kube_put -
}
ending running
stays "it is being deleted, and still runs" 14 7001 ok
ending terminated
soon "its containers have ended: so has its address" 14 7001 refused
kube_delete /api/v1/namespaces/shop/pods/web-4
kube_pod shop host n2 uid-host '{"app":"web"}' "$(status 14)" | sed 's/"spec":{/&"hostNetwork":true,/' | kube_put -
cluster_pod shop web-1 web 11
stays "a pod of the node's network is admitted by nothing" 14 7001 refused
SOURCE=10.77.0.11 out "$LIB/net.py" loop $POD4 7001 3 > "$T/loop" &
LOOP=$!
sed -i 's/"deny": "refuse", //; s/"name": "shop",/"name": "shop", "deny": "refuse",/' "$T/policies.d/shop.json"
portlic policy apply "$T/policies.d/shop.json" > "$T/out" 2>&1 || not_ok "the policy is applied once more" "$(cat "$T/out")"
sed 's/"port": 7005/"port": 7006/' "$T/policies.d/shop.json" > "$T/other.json" && mv "$T/other.json" "$T/policies.d/shop.json"
wait "$LOOP"
is "rules change meanwhile: an admitted pod notices nothing" "$(awk '{ print ($1 > 50), $2 }' "$T/loop")" "1 0"

# reuse: web-1 still stands there, and another pod has its address
cluster_pod shop db-2 db 11
soon "another pod has the address: it is no longer the first one's" 11 7001 refused
is "... but the other's" "$(from 11 7002)" ok
kube_delete /api/v1/namespaces/shop/pods/db-2
kube_delete /api/v1/namespaces/shop/pods/web-1
soon "both are gone" 11 7002 refused
cluster_pod shop web-1 web 11
soon "one comes again" 11 7001 ok

# the API server away
check "what is known is written down" eventually 10 grep -q 'uid-web-1' "$T/state/k8s-peers.json"
check "... nodes too" eventually 12 grep -q '10.77.0.12/30' "$T/state/k8s-nodes.json"
kube away
kube_delete /api/v1/namespaces/shop/pods/web-1
cluster_pod shop db-1 web 12
stays "the API server is away: the last known addresses hold" 11 7001 ok
is "... no others" "$(from 12 7001)" refused
agent_end KILL
is "the agent is killed as well" "$(from 11 7001) $(from 12 7001) $(from 11 8080)" "ok refused ok"
agent_start
stays "it starts again without the API server: they hold" 11 7001 ok
is "... no others" "$(from 12 7001) $(from 12 7002) $(from 14 8080)" "refused ok refused"
is "... nodes' networks too" "$(from 12 7004)" ok
agent_end TERM
umount "$T/bpf" && mount -t bpf bpf "$T/bpf" || bail "another bpffs"
agent_start
check "nothing is left in the kernel, as after a reboot: the gate comes again" eventually 10 says 14 7001 refused
soon "... with the last known pods" 11 7001 ok
is "... no others" "$(from 12 7001)" refused
agent_end TERM
echo '{"version":1,"feeds":[{"selector":"x","pods":[7]}]}' > "$T/state/k8s-peers.json"
agent_start
check "a file that can't be read is an alarm" eventually 10 warned 'k8s-peers.json.* couldn.t be read'
stays "... and what the kernel has holds" 11 7001 ok
kube back
soon "it is back: who came meanwhile gets in" 12 7001 ok
soon "... who went doesn't" 11 7001 refused

# a policy that names nobody any more
portlic status -o json > "$T/watches"
python3 - "$T/policies.d/shop.json" << 'P'
import json, sys
policy = json.load(open(sys.argv[1]))
policy["open"] = [{"port": 7001, "from": [{"cidr": "10.77.0.13/32"}]}]
policy["ports"] = []
json.dump(policy, open(sys.argv[1] + ".new", "w"))
P
mv "$T/policies.d/shop.json.new" "$T/policies.d/shop.json"
soon "a policy without pods" 13 7001 ok
is "... admits none" "$(from 12 7001)" refused
unwatched() { ! portlic status -o json | grep -q 'with labels' && [ "$(metric portlic_pod_sources 'state="admitted"')" = 0 ]; }
check "... watches were there" grep -q 'with labels' "$T/watches"
check "... their addresses leave the kernel, and nobody watches them any more" eventually 15 unwatched

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# `from` by a podSelector alone: pods of the namespace that the gate's own pod is in. One policy, gates in two
# namespaces.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl

pods_begin
make_pod
configure
kube_start
kube_configure n1 portlic
vendor
policy_for app.json '{"podSelector":{"matchLabels":{"app":"app"}}}' \
	'"open":[{"port":7001,"from":[{"podSelector":{"matchLabels":{"app":"web"}}}]},{"port":7002,"from":[{"podSelector":{}}]}]'
drop l.lic '"ports":[{"port":8080}]'

# pod_at KEY NETWORK: a gated pod at 10.78.NETWORK.2, clients of the outside are .11 and .12
pod_at() {
	sandbox "$1" "$3"
	ip link add "plw$$-$2" netns "$OUT" type veth peer name eth0 netns "plx$$-$1" || bail "veth"
	for n in 1 11 12; do out ip addr add "10.78.$2.$n/24" dev "plw$$-$2"; done
	out ip link set "plw$$-$2" up
	ip -n "plx$$-$1" addr add "10.78.$2.2/24" dev eth0 && ip -n "plx$$-$1" link set eth0 up
	run_in "$1" 7001 7002
}
from() { SOURCE=10.78.$1.$2 out "$LIB/net.py" tcp "10.78.$1.2" "$3"; } # from NETWORK LAST-BYTE PORT
says() { [ "$(from "$1" "$2" "$3")" = "$4" ]; }
soon() { # soon TEXT NETWORK LAST-BYTE PORT ok|refused
	if eventually 15 says "$2" "$3" "$4" "$5"; then ok "$1"; else not_ok "$1" "port $4 from 10.78.$2.$3: $(from "$2" "$3" "$4")"; fi
}
client() { # client NAMESPACE NAME APP ADDRESS [NODE [CREATED]]
	kube_pod "$1" "$2" "${5:-n2}" "uid-$2" "{\"app\":\"$3\"}" "{\"phase\":\"Running\",\"podIP\":\"$4\"}" |
		sed "s/\"metadata\":{/&\"creationTimestamp\":\"${6:-2026-01-01T00:00:00Z}\",/" | kube_put -
}

SHOP=$(uid) BANK=$(uid)
for namespace in shop bank; do kube_namespace $namespace | kube_put - > /dev/null; done
pod_at shop 1 "$SHOP"
pod_at bank 2 "$BANK"
put_pod shop app-0 "$SHOP" '{"app":"app"}'
put_pod bank app-0 "$BANK" '{"app":"app"}'
client shop web-1 web 10.78.1.11
client shop ui-1 ui 10.78.1.12
client bank web-2 web 10.78.2.11
agent_start
check "two pods in two namespaces are gated" eventually 15 gated "$SHOP"
check "... by one policy" eventually 15 gated "$BANK"
soon "a pod of the gate's namespace with the label gets in" 1 11 7001 ok
soon "... of the other gate's there" 2 11 7001 ok
is "... one without the label only where all pods get in" "$(from 1 12 7001) $(from 1 12 7002)" "refused ok"
is "... who is no pod nowhere" "$(from 2 12 7001) $(from 2 12 7002)" "refused refused"
kube_delete /api/v1/namespaces/shop/pods/web-1
client bank web-3 web 10.78.1.11
soon "the address is a pod's of the other namespace now: out" 1 11 7001 refused
is "... of all pods too" "$(from 1 11 7002)" refused
kube_delete /api/v1/namespaces/bank/pods/web-3
client shop web-1 web 10.78.1.11
soon "the first one comes again" 1 11 7001 ok
kube_namespace other | kube_put - > /dev/null
client other db-1 db 10.78.1.11 n1 2025-12-31T00:00:00Z
sleep 1
is "an older pod of this node says it has the address, which is not believed" "$(from 1 11 7001)" ok
client other db-2 db 10.78.1.11 n1 2026-01-02T00:00:00Z
soon "a younger one that no policy names has it: it isn't the first one's any more" 1 11 7001 refused
check "each namespace is watched by itself" test "$(kube log | grep -c 'GET /api/v1/namespaces/\(shop\|bank\)/pods?.*watch')" -ge 4
is "... and nobody asked for the pods of all" "$(kube log | grep 'GET /api/v1/pods?' | grep -vc 'spec.nodeName%3Dn1')" 0

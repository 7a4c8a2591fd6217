#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The gates of pods through what happens to pods and agents: recreated ones, restarts without the API server, churn.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl

pods_node
policy_for shop.json '{"namespaces":["shop"],"podSelector":{"matchLabels":{"app":"web"}}}'
drop l.lic '"ports":[{"port":8080}]'
pods_namespaces shop
WEB=$(uid)
sandbox web "$WEB" && run_in web 8080 9090
put_pod shop web-0 "$WEB" '{"app":"web"}'
agent_start
eventually 10 gated "$WEB" || bail "a pod is gated" "$(pods_get)"

# another sandbox of the same pod, as after a restart of the runtime
end_sandbox web
lost() { [ "$(gate_says "$WEB" 'g["state"]')" = waiting ]; }
check "a pod's namespace goes, and the pod is there still: its gate waits" eventually 10 lost
sandbox web "$WEB" && run_in web 8080 9090
check "... it comes up in the next one" eventually 10 gated "$WEB"
is "... by the same name" "$(gate_of "$WEB") $(reach web 9090)" "shop.web-0.${WEB:0:8} refused"

# a pod of the same name
WEB2=$(uid)
kube_delete /api/v1/namespaces/shop/pods/web-0 > /dev/null
put_pod shop web-0 "$WEB2" '{"app":"web"}'
sandbox web2 "$WEB2" && run_in web2 8080 9090
check "a pod of the same name comes: it has a gate of its own" eventually 10 gated "$WEB2"
check "... that of the old one stands while its processes run" gated "$WEB"
is "... 9090 of both is refused" "$(reach web 9090) $(reach web2 9090)" "refused refused"
end_sandbox web
check "its namespace goes, and so does the gate" eventually 20 ungated "$WEB"
check "... the new one's entitlements stay" eventually 10 test -f "$T/entitlements/shop/web-0/entitlements.json"

# without the API server
kube away
agent_end TERM
agent_start
is "a restart without the API server: the gate stands" "$(eventually 10 gated "$WEB2"; gate_says "$WEB2" 'g["mode"], g["policy"], g["pod"]["name"]')" \
	"('enforce', 'shop', 'web-0')"
is "... 9090 is refused" "$(reach web2 9090)" refused
is "... it was adopted" "$(grep -c "gate_adopted.*${WEB2:0:8}" "$T/agent.log")" 1
is "... and the pod is shown, as what is known" "$(pod_says "$WEB2" 'p["state"], p["in_api"]')" "('gated', False)"
policy_for shop.json '{"namespaces":["shop"],"podSelector":{"matchLabels":{"app":"web"}}}' '"mode":"audit"'
check "... policies go on matching by its labels" eventually 10 mode_is "$WEB2" audit
agent_end KILL
end_sandbox web2
agent_start
unpinned() { [ "$(find "$T/bpf/portlic/gates" -name "*$1*" | wc -l)" = 0 ]; }
check "its namespace went while the agent was away: no pin is left of it" eventually 15 unpinned "${WEB2:0:8}"
kube back
kube_delete /api/v1/namespaces/shop/pods/web-0 > /dev/null
check "the API server is back: what has gone is forgotten" eventually 20 ungated "$WEB2"

# churn
for i in $(seq 30); do
	u=$(uid) key=churn$i
	put_pod shop "churn-$i" "$u" '{"app":"web"}' && sandbox "$key" "$u"
	case $((i % 3)) in
	0) eventually 10 gated "$u" || not_ok "churn: pod $i is gated" ;;
	1) ;; # ends at once
	2) kube_delete "/api/v1/namespaces/shop/pods/churn-$i" > /dev/null ;; # before its processes
	esac
	end_sandbox "$key"
	[ $((i % 3)) = 2 ] || kube_delete "/api/v1/namespaces/shop/pods/churn-$i" > /dev/null
done
none_left() { [ "$(portlic gate list -o json | json 'len([g for g in d if "churn" in g["name"]])')" = 0 ]; }
check "30 pods come and go: no gate is left" eventually 10 none_left
is "... nor a pin" "$(find "$T/bpf/portlic/gates" -name '*churn*' | wc -l)" 0
is "... nor a file" "$(find "$T/entitlements" -name 'churn*' | wc -l)" 0

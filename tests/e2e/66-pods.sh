#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The pods of a node: which are selected, where their gates stand, and what becomes of those.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/pods.sh"
need openssl

pods_node
policy_for shop.json '{"namespaces":["shop"],"podSelector":{"matchLabels":{"app":"web"}}}'
policy_for front.json '{"namespaceSelector":{"matchLabels":{"tier":"front"}}}' '"mode":"audit"'
drop l.lic '"ports":[{"port":8080}]'
WEB=$(uid) DB=$(uid) FRONT=$(uid) SYS=$(uid)
pods_namespaces shop plain kube-system
kube_namespace edge '{"tier":"front"}' | kube_put - > /dev/null

# pods that run when the agent starts
sandbox web "$WEB" && run_in web 8080 9090
sandbox db "$DB" && run_in db 9090
put_pod shop web-0 "$WEB" '{"app":"web"}'
put_pod shop db-0 "$DB" '{"app":"db"}'
enter web && background "${JOIN[@]}" "$LIB/net.py" idle 127.0.0.1 9090 30
STOOD=${PIDS[-1]}
stands() { nsenter --net="/run/netns/plx$$-web" ss -Htn state established 'dport = :9090' | grep -q .; }
eventually 10 stands || bail "a connection to 9090"
is "before its gate 9090 is open" "$(reach web 9090)" ok
agent_start
check "a pod that ran before is gated" eventually 10 gated "$WEB"
is "... by the name of its namespace, its own and its UID" "$(gate_of "$WEB")" "shop.web-0.${WEB:0:8}"
is "... its licensed port is open" "$(reach web 8080)" ok
is "... another one isn't" "$(reach web 9090)" refused
check "... what it had open stands" stands
kill -0 "$STOOD" 2> /dev/null || not_ok "the connection of before lives"
is "a pod whose labels no policy matches isn't" "$(reach db 9090) $(pod_says "$DB" 'p["state"], p["gate"]')" "ok ('unselected', None)"
is "gate list -o json: whose it is" "$(gate_says "$WEB" 'g["pod"]["namespace"], g["pod"]["name"], g["netns"]')" \
	"('shop', 'web-0', '/run/netns/plx$$-web')"
is "status counts them" "$(portlic status -o json | json 'd["pods"]')" "$(pods_get | json '{s: sum(p["state"] == s for p in d) for s in ("gated", "waiting", "excluded", "unselected")}')"
has "... in a line" "$(portlic status)" "pods         1 gated, 0 waiting, 0 excluded, "
is "GET /v1/pods" "$(pod_says "$WEB" 'p["state"], p["gate"] == "'"$(gate_of "$WEB")"'", p["mode"], p["policy"], p["reason"], p["in_api"]')" \
	"('gated', True, 'enforce', 'shop', None, True)"
is "a verb takes NAMESPACE/POD for the gate" "$(portlic explain shop/web-0 9090 -o json | json 'd["verdict"], d["gate"]')" "denied $(gate_of "$WEB")"
is "... another" "$(portlic port list shop/web-0 -o json | json 'sorted(p["port"] for p in d if p["port"] == 8080)')" "[8080]"
is "... and one that changes" "$(portlic gate set shop/web-0 --mode enforce -o json | json 'd["name"]')" "$(gate_of "$WEB")"
portlic gate set shop/web-0 --mode policy > "$T/out"
is "a selected pod's gate can't be deleted by hand" "$(portlic gate del shop/web-0 > "$T/out" 2>&1; echo $?)" 2
has "... and it says what to do" "$(cat "$T/out")" "which is selected: change the policy or annotation"
is "entitlements.json by namespace and name" "$(stat -c '%a %n' "$T/entitlements/shop/web-0/entitlements.json" "$T/entitlements/shop" | xargs)" \
	"444 $T/entitlements/shop/web-0/entitlements.json 755 $T/entitlements/shop"
is "metrics: whose gate it is" "$(metric portlic_gate_info 'namespace="shop"' 'pod="web-0"')" 1
is "... pods by state" "$(metric portlic_pods 'state="gated"') $(metric portlic_pods 'state="unselected"')" "1 1"

# a pod that comes
start=$(now)
put_pod edge late "$FRONT"
sleep 0.3
sandbox front "$FRONT" bare && run_in front 9090
check "a new pod is gated, its namespace selected by label" eventually 10 gated "$FRONT"
is "... in its policy's mode" "$(gate_says "$FRONT" 'g["mode"]')" audit
has "... by its process, for its namespace is bound nowhere" "$(gate_says "$FRONT" 'g["netns"]')" "/proc/"
between "... how long it ran without" "$(pod_says "$FRONT" 'p["unprotected_seconds"]')" 0.001 9
between "... from its first process to its gate" "$(pod_says "$FRONT" 'p["attach_delay_seconds"]')" 0.001 9
between "... which portlic_unprotected_seconds_total has" "$(metric portlic_unprotected_seconds_total)" 0.001 "$(since "$start")"
has "... and the log" "$(grep 'pod_gated.*late' "$T/agent.log")" attach_delay_seconds

# annotations
annotate edge/late portlic.dev/mode enforce
check "a pod's annotation makes its gate stricter" eventually 10 mode_is "$FRONT" enforce
is "... 9090 is refused" "$(reach front 9090)" refused
annotate edge/late portlic.dev/mode off
check "... not laxer" eventually 10 mode_is "$FRONT" audit
annotate shop/web-0 portlic.dev/mode off
annotate shop/web-0 portlic.dev/policy front
sleep 0.5
is "... nor does it choose another policy" "$(gate_says "$WEB" 'g["mode"], g["policy"]')" "('enforce', 'shop')"
annotate shop portlic.dev/mode audit
check "its namespace's stands in the place of the policy's mode" eventually 10 mode_is "$WEB" audit
check "... and selects all its pods" eventually 10 gated "$DB"
annotate shop portlic.dev/mode enforced
check "a bad value counts as the strictest" eventually 10 mode_is "$WEB" enforce
has "... and is told" "$(warns)" 'namespace "shop": the annotation portlic.dev/mode is "enforced"'
annotate shop portlic.dev/mode off
check "nothing selects it any more: its gate goes" eventually 10 ungated "$DB"
is "... and 9090 is open" "$(reach db 9090)" ok
check "... where a policy matches, its mode is off" mode_is "$WEB" off
kube_namespace shop | kube_put - > /dev/null
check "the annotation is gone" eventually 10 mode_is "$WEB" enforce
annotate shop/db-0 portlic.dev/policy nowhere
check "a pod asks for a policy that isn't there: gated" eventually 10 gated "$DB"
has "... by licenses alone, and told" "$(warns)" 'names the policy "nowhere", which isn'\''t there'
put_pod kube-system dns "$SYS" && annotate kube-system/dns portlic.dev/mode enforce && annotate kube-system portlic.dev/mode enforce
sandbox dns "$SYS" && sleep 0.5
check "kube-system isn't gated by annotation" eventually 10 pod_is "$SYS" unselected
policy_for system.json '{"namespaces":["kube-system"]}'
check "... but by a policy that spells it out" eventually 10 gated "$SYS"
rm "$T/policies.d/system.json" "$T/policies.d/front.json"

# cgroups of v1 alone, and the host's network
if [ -n "$V1" ]; then
	OLD=$(uid)
	put_pod shop old "$OLD" '{"app":"web"}' && sandbox old "$OLD" v1
	check "a pod whose cgroup is of v1 is found" eventually 10 gated "$OLD"
else
	skip "a pod whose cgroup is of v1 is found" "no v1 hierarchy to write to"
fi
host_pod() { # host_pod NAME UID
	kube_pod shop "$1" n1 "$2" '{"app":"web"}' "$STATUS" | sed 's/"nodeName"/"hostNetwork":true,&/' | kube_put - > /dev/null
}
HOST=$(uid) PORT=$((26000 + $$ % 4000))
host_pod host "$HOST" && sandbox host "$HOST" host && run_in host $PORT
check "a pod on the host's network is gated by its cgroup" eventually 10 gated "$HOST"
is "... that of the whole pod" "$(gate_says "$HOST" 'g["cgroup"]')" "${POD_GROUP[host]%/*}"
is "... its port is shut" "$("$LIB/net.py" tcp 127.0.0.1 $PORT 0.5)" timeout
if [ -n "$V1" ]; then
	LOST=$(uid)
	host_pod lost "$LOST"
	group "$V1" "$LOST"
	background "$T/join" "$GROUP" sleep 1000
	# shellcheck disable=SC2034,SC2154 # an associative array of pods.sh
	POD_PIDS[lost]=${PIDS[-1]} POD_GROUP[lost]=$GROUP
	check "... where its cgroup is of v1, it is excluded" eventually 10 pod_is "$LOST" excluded
	has "... with the reason" "$(pod_says "$LOST" 'p["reason"]')" "in no cgroup of version 2 of their own"
	has "... in the status" "$(warns)" 'EXCLUDED: pod "shop/lost" is selected and has no gate'
	is "... the metric" "$(metric portlic_pods 'state="excluded"')" 1
	has "... and the log" "$(grep pod_excluded "$T/agent.log")" 'pod="lost"'
	kube_delete /api/v1/namespaces/shop/pods/lost > /dev/null && end_sandbox lost
else
	skip "... where its cgroup is of v1, it is excluded" "no v1 hierarchy to write to"
fi
end_sandbox host
kube_delete /api/v1/namespaces/shop/pods/host > /dev/null
check "its cgroup goes, and so does the gate" eventually 10 ungated "$HOST"

# many of them
policy_for ghosts.json '{"namespaces":["shop"]}' '"mode":"audit"'
GHOSTS=()
for i in 1 2 3 4 5; do
	GHOSTS+=("$(uid)")
	put_pod shop "ghost-$i" "${GHOSTS[-1]}"
done
all_excluded() { [ "$(pods_get | json 'sum(p["state"] == "excluded" and p["name"].startswith("ghost") for p in d)')" = 5 ]; }
check "pods that run and aren't seen are excluded" eventually 40 all_excluded
is "... in one warning, with their number and the first names" "$(warns | grep '^EXCLUDED' | sed 's/: it runs.*//')" \
	'EXCLUDED: 5 pods are selected and have no gate: "shop/ghost-1", "shop/ghost-2", "shop/ghost-3" and others'

#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The agent and its API server: configuration, status, metrics, sockets.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/kubewatch.sh"
need openssl

refuses() { # refuses TEXT MEMBER WORDS [VARIABLE=VALUE...]: a configuration
	configure
	{ printf '{%s, ' "$2" && tail -c +2 "$T/portlicd.json"; } > "$T/kube.json" && mv "$T/kube.json" "$T/portlicd.json"
	out=$(env -u KUBERNETES_SERVICE_HOST -u NODE_NAME "${@:4}" timeout 5 "$BUILD/portlicd" --config "$T/portlicd.json" 2>&1)
	is "$1" "$?" 2
	has "... and says why" "$out" "$3"
}
refuses "config: not in a pod, and no api" '"kubernetes":{}' 'give "api"'
refuses "config: no node" '"kubernetes":{"api":"https://10.96.0.1:443"}' 'NODE_NAME (fieldRef spec.nodeName)'
refuses "config: a node that is none" '"kubernetes":{"node":"n 1"}' 'is no name of Kubernetes' KUBERNETES_SERVICE_HOST=10.96.0.1
refuses "config: plain http" '"kubernetes":{"api":"http://10.96.0.1","node":"n1"}' 'must begin with https://'
refuses "config: a path" '"kubernetes":{"api":"https://10.96.0.1/api","node":"n1"}' 'without a path'
refuses "config: an address of the environment that is none" '"kubernetes":{"node":"n1"}' 'of KUBERNETES_SERVICE_HOST and _PORT' \
	KUBERNETES_SERVICE_HOST=10.96.0.1 KUBERNETES_SERVICE_PORT=tcp://10.96.0.1:443
refuses "config: an unknown key" '"kubernetes":{"kubeconfig":"/root/.kube/config"}' '"kubeconfig"' KUBERNETES_SERVICE_HOST=10.96.0.1
refuses "config: not an object" '"kubernetes":true' 'must be an object'

kube_start
kube_namespace shop | kube_put -
kube_pod shop web n1 | kube_put -
configure
kube_configure n1 portlic
vendor
agent_start
warnings() { portlic status -o json | json "sum('$1' in w for w in d['warnings'])"; }
status() { portlic status -o json | json "[($1) for k in [d['kubernetes']]][0]"; }
is "status has the API server" "$(status 'k["api"], k["node"], {"connected", "error", "since", "watches"} <= set(k)')" \
	"('https://127.0.0.1:$KUBE_PORT', 'n1', True)"
has "... and a line of it" "$(portlic status)" "https://127.0.0.1:$KUBE_PORT as n1 since"
if [ "$(status 'len(k["watches"])')" = 0 ]; then
	skip "what the agent watches" "this build watches nothing"
else
	connected() { [ "$(status 'k["connected"] and all(w["synced"] or w["absent"] for w in k["watches"])')" = "$1" ]; }
	check "connected, and all is listed" eventually 10 connected True
	is "a metric says so" "$(metric portlic_kubernetes_connected)" 1
	is "... and no errors, though its Leases aren't there yet" "$(metric portlic_kubernetes_errors_total)" 0
	is "... a series of restarts for each kind of watch" "$(curl -sf "http://$METRICS/metrics" | grep -c '^portlic_kubernetes_watch_restarts_total{')" 11
	kube away
	check "the API server is away: status says so" eventually 10 connected False
	is "... one event in the log" "$(grep -c kube_failed "$T/agent.log")" 1
	names_it() { [[ $(status 'k["error"]') = *127.0.0.1* ]]; } # a watch that broke off says so first
	check "... with the reason" eventually 10 names_it
	is "... no warning within a minute" "$(portlic status -o json | json '[w for w in d["warnings"] if "Kubernetes" in w]')" "[]"
	has "... a metric" "$(metric portlic_kubernetes_connected)" 0
	kube back
	check "back: connected" eventually 15 connected True
fi
agent_end TERM

# in a pod: all from the environment
configure
{ printf '{"kubernetes":{"token_file":"%s","ca_file":"%s"}, ' "$KUBE/token" "$KUBE/ca.pem" && tail -c +2 "$T/portlicd.json"; } > "$T/kube.json" &&
	mv "$T/kube.json" "$T/portlicd.json"
export KUBERNETES_SERVICE_HOST=127.0.0.1 KUBERNETES_SERVICE_PORT=$KUBE_PORT NODE_NAME=n7
agent_start
is "in a pod: address and node come from its environment" "$(status 'k["api"], k["node"]')" "('https://127.0.0.1:$KUBE_PORT', 'n7')"
is "... no namespace: a warning" "$(warnings 'POD_NAMESPACE')" 1
agent_end TERM
configure
agent_start
is "without \"kubernetes\": null" "$(portlic status -o json | json 'd["kubernetes"]')" None
is "... and no series" "$(metric portlic_kubernetes_connected)" absent
agent_end TERM

# a connection that nothing comes by
echo "{$(kube_config n1)}" > "$T/client.json"
client "pods=$PODS"
says "a watch" '^pods end'
eventually 10 watches 1
has "a peer that is silent is asked whether it lives" "$(ss -Htnop state established "dport = :$KUBE_PORT" | grep "pid=$CLIENT,")" "timer:(keepalive,"

# a server that accepts and says nothing: no answer isn't a watch that worked for a while
SERVER=${PIDS[0]}
settle
for _ in 1 2 3; do # the client may be back before the server stops
	kube cut
	kill -STOP "$SERVER"
	eventually 25 said 'kube_failed.*reason="unreachable"' && break
	kill -CONT "$SERVER"
done
says "a server that hangs: told when the connection takes too long" 'kube_failed.*reason="unreachable"'
kill -CONT "$SERVER"
says "... it goes on" kube_connected 25
client_end

# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# cluster.sh - a cluster of two nodes on one machine: an API server (kube.sh), and two agents with a pod and a gate
# each. Sourced behind lib.sh, kube.sh and crowd.sh.
#
#   n1: the agent of lib.sh, gate "pod" on $POD (10.77.0.2); n2: all of it below $T/node2, gate "pod" on 10.79.0.2
#   cluster_up HOLD          both, with "seats_hold"; the crowds "one" and "two" are their clients on port 8080
#   on n1|n2 COMMAND...      with that node's agent; node_start n1|n2, node_end n1|n2 SIGNAL
#   cut_off n1|n2, let_in n1|n2     the API server takes its token no more, takes it again
#   give FIELD...            a license for both
#   borrowed, used n1|n2     seats of 8080 there; lent: by the pool, in all

. "$LIB/crowd.sh"
POD2=plx$$-b POD2_4=10.79.0.2
LEASES=/apis/coordination.k8s.io/v1/namespaces/portlic/leases
declare -A NODE_DIR=([n1]=$T [n2]=$T/node2) NODE_PID=()

on() { PORTLIC_SOCKET=${NODE_DIR[$1]}/portlicd.sock "${@:2}"; }
node_log() { cat "${NODE_DIR[$1]}/agent.log"; }
node_start() {
	"$BUILD/portlicd" --config "${NODE_DIR[$1]}/portlicd.json" < /dev/null >> "${NODE_DIR[$1]}/agent.log" 2>&1 &
	NODE_PID[$1]=$!
	PIDS+=($!)
	disown
	eventually 60 on "$1" portlic status || bail "the agent of $1 starts" "$(node_log "$1" | tail -n 20)"
}
node_end() {
	kill -"$2" "${NODE_PID[$1]}"
	eventually 10 not_alive "${NODE_PID[$1]}"
}
not_alive() { ! kill -0 "$1" 2> /dev/null; }

second_pod() {
	ip netns add "$POD2" || bail "a second pod"
	ip link add "w$VETH" netns "$OUT" type veth peer name eth0 netns "$POD2" || bail "veth"
	out ip addr add 10.79.0.1/24 dev "w$VETH" && out ip link set "w$VETH" up
	ip -n "$POD2" addr add $POD2_4/24 dev eth0 && ip -n "$POD2" link set eth0 up && ip -n "$POD2" link set lo up
	ip -n "$POD2" route add default via 10.79.0.1
	background nsenter --net="/run/netns/$POD2" "$LIB/net.py" echo-tcp 8080
	eventually 20 sh -c "[ \"\$(nsenter --net=/run/netns/$OUT $LIB/net.py tcp $POD2_4 8080 0.5)\" = ok ]" || bail "the second pod"
}
node_configure() { # node_configure NODE HOLD: with a token of its own
	local file=${NODE_DIR[$1]}/portlicd.json
	printf 'token-%s' "$1" > "$KUBE/token-$1"
	{ printf '{%s, ' "$(kube_config "$1" | sed "s|$KUBE/token\"|$KUBE/token-$1\"|; s|\"api\"|\"seats_hold\":$2,&|")" && tail -c +2 "$file"; } > "$file.new" &&
		mv "$file.new" "$file"
	let_in "$1"
}
let_in() { echo "token-$1" >> "$KUBE/tokens"; }
cut_off() { sed -i "/^token-$1\$/d" "$KUBE/tokens"; }
give() {
	sign "$@" > "$T/token" || bail "sign"
	for d in "$T" "$T/node2"; do cp "$T/token" "$d/token.new" && mv "$d/token.new" "$d/licenses.d/cluster.lic"; done
}
cluster_up() {
	make_pod
	second_pod
	start_echo tcp 8080
	configure
	configure "$T/node2"
	vendor
	cp "$T"/trust.d/* "$T/node2/trust.d/"
	kube_start
	node_configure n1 "$1"
	node_configure n2 "$1"
	node_start n1
	node_start n2
	on n1 portlic gate add pod --netns "$POD" > /dev/null || bail "a gate"
	on n2 portlic gate add pod --netns "$POD2" > /dev/null || bail "a second gate"
	crowd one 8080
	crowd two 8080 $POD2_4
}

seats_json() { # seats_json NODE EXPRESSION: of p, the port 8080 in `status`
	on "$1" portlic status -o json |
		json "next((($2) for l in (d['cluster_seats'] or {}).get('lines', []) for p in l['ports'] if p['port'] == 8080), None)"
}
borrowed() { seats_json "$1" 'p["borrowed"]'; }
used() { seats_json "$1" 'p["used"]'; }
becomes() { [ "$("${@:1:$#-1}")" = "${*: -1}" ]; }
pools() { kube list $LEASES | json '" ".join(l["metadata"]["name"] for l in d if l["metadata"].get("labels", {}).get("portlic.dev/lease") == "pool")'; }
lent() { # by the pool of the only line
	kube get "$LEASES/$(pools)" |
		json 'sum(sum(n) for n in __import__("json").loads(d["metadata"]["annotations"]["portlic.dev/seats"])["nodes"].values())'
}

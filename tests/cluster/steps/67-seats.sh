#!/bin/bash
# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# Seats that the whole cluster counts: the node borrows them by Leases, the client beyond them is refused, a seat that is
# freed is taken, who sits stays over the agent's end; with another
# scope in the license all that was borrowed is given back as clients leave.
# shellcheck source=tests/cluster/node.sh
. tests/cluster/node.sh
# shellcheck source=tests/e2e/crowd.sh
. "$LIB/crowd.sh"

leases() { KS get leases -l "portlic.dev/lease=$1" -o json | json "[$2 for l in d['items']]"; } # leases WHAT EXPRESSION
holders() { leases "$1" 'l["spec"].get("holderIdentity")'; }
lent() { leases pool '(lambda p: (p["lid"], sum(map(sum, p["nodes"].values()))))(__import__("json").loads(l["metadata"]["annotations"]["portlic.dev/seats"]))'; }
seats() { agent status -o json | json "[(p['total'], p['borrowed'], p['used']) for l in d['cluster_seats']['lines'] if l['lid'] == 'fleet' for p in l['ports']]"; }
seats_are() { [ "$(seats)" = "$1" ]; }
lent_is() { [ "$(lent)" = "$1" ]; }
tells() { agent status | grep -q "$1"; }

K apply -f - > "$T/out" << 'Y'
apiVersion: apps/v1
kind: Deployment
metadata: {name: fleet, namespace: shop}
spec:
  selector: {matchLabels: {app: fleet}}
  template:
    metadata: {labels: {app: fleet}}
    spec:
      terminationGracePeriodSeconds: 1
      automountServiceAccountToken: false
      containers:
      - name: echo
        image: localhost/bb:1
        imagePullPolicy: Never
        command: [nc, -ll, -p, "7000", -e, cat]
Y
KW rollout status deploy/fleet --timeout=120s >> "$T/out" 2>&1 || not_ok "the server" "$(cat "$T/out")"
[ -n "${HOST:-}" ] || another_host
ip -n $NODE_NS route add 10.77.0.0/24 dev host0
# shellcheck disable=SC2034 # crowd.sh's
OUT=$HOST VETH=eth0
crowd fleet 7000 "$(address fleet)"
check "without a license a client is turned away" turned_away fleet 11
seq=$(date +%s)
license fleet '"lid":"fleet"' "\"seq\":$seq" '"seats":{"limit":2,"scope":"cluster"}' '"ports":[{"port":7000}]'
check "two seats of the cluster: a client sits" gets_in 60 fleet 11
check "... a second" gets_in 60 fleet 12
check "... by seats that the node has borrowed, as status tells" eventually 20 seats_are "[(2, 2, 2)]"
is "kubectl get leases: the pool has lent them" "$(lent)" "[('fleet', 2)]"
is "... to the node, which says that it is there" "$(holders borrower)" "['n1']"
KS get leases -L portlic.dev/lease | sed 's/^/# /'
check "a third is turned away" turned_away fleet 13
check "... status tells of it" eventually 20 tells 'fleet: 7000/TCP 2 used, 2 of 2 borrowed, 0 elsewhere, SHORT; held until in '
check "... and warns" tells 'all 2 seats of the cluster on 7000/TCP are lent'
agent status | grep seats | sed 's/^/# /'
tell fleet close 10.77.0.11
check "one leaves: another gets in" gets_in 60 fleet 14
check "... and no more" turned_away fleet 13

old=$(agent_pid)
kill -KILL "$old"
renewed() { [ -n "$(agent_pid)" ] && [ "$(agent_pid)" != "$old" ] && is_agent_up; }
check "the agent, killed, comes back" eventually 60 renewed
check "... and knows what the node has" eventually 30 seats_are "[(2, 2, 2)]"
is "... who sat sits" "$(state fleet 12) $(state fleet 14)" "open open"
check "... nobody else gets in" turned_away fleet 13

license fleet '"lid":"fleet"' "\"seq\":$((seq + 1))" '"seats":{"limit":2,"scope":"node"}' '"ports":[{"port":7000}]'
check "seats of each node instead: who sits keeps what was borrowed" eventually 60 seats_are "[(0, 2, 2)]"
is "... and sits" "$(state fleet 12) $(state fleet 14)" "open open"
check "... nobody else gets in" turned_away fleet 13
tell fleet close 10.77.0.12 10.77.0.14
check "they leave: it is given back to the pool" eventually 60 lent_is "[('fleet', 0)]"
check "... status tells of none" eventually 60 seats_are "[]"
ends() { bpftool -j map dump pinned "$(find /sys/fs/bpf/portlic -name '*shares')" | json 'max([0] + [e["formatted"]["value"]["until_ns"] for e in d])'; }
ended() { [ "$(ends)" = 0 ]; }
check "... and the kernel has ended it" eventually 20 ended
check "a client sits by the node's own seats" gets_in 60 fleet 13
is "... the pool has lent none" "$(lent)" "[('fleet', 0)]"

KS delete secret fleet > "$T/out"
KW delete deploy fleet > "$T/out"

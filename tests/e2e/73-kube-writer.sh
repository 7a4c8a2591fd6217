#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# Of two agents one writes status and Events, and it alone; the other one takes over when it dies.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"

POLICIES=/apis/portlic.dev/v1alpha1/portpolicies LIC=/apis/portlic.dev/v1alpha1/namespaces/portlic/portlicenses
LEASES=/apis/coordination.k8s.io/v1/namespaces/portlic/leases
portpolicy() { # portpolicy NAME SPEC
	printf '{"kind":"PortPolicy","apiVersion":"portlic.dev/v1alpha1","metadata":{"name":"%s"},"spec":%s}' "$1" "$2" | kube_put -
}
accepted() { kube_get "$POLICIES/$1" | json "next(([c['status'], c['reason'], c['observedGeneration']] for c in d.get('status', {}).get('conditions', [])), None)"; }
becomes() { [ "$("${@:1:$#-1}")" = "${*: -1}" ]; }
holder() { kube_get $LEASES/portlic-writer | json 'd["spec"]["holderIdentity"]'; }
nodes() { kube_get $LIC/one | json '(d.get("status") or {}).get("nodes", {}).get("summary")'; }
writes() { kube log | grep -c 'PATCH.*/status'; } # of all agents
leads() { PORTLIC_SOCKET=$1/portlicd.sock portlic status -o json | json 'd["kubernetes"]["writer"]["leading"]'; }

configure
vendor
kube_start
kube_configure n1
agent_start
eventually 10 becomes holder n1

# two agents
printf '{"kind":"PortLicense","apiVersion":"portlic.dev/v1alpha1","metadata":{"name":"one","namespace":"portlic"},"spec":{"token":"%s"}}' \
	"$(sign '"exp":'"$(in_s 9000000)")" | kube_put -
configure "$T/two"
cp "$T"/trust.d/* "$T/two/trust.d/"
{ printf '{%s, ' "$(kube_config n2)" && tail -c +2 "$T/two/portlicd.json"; } > "$T/two.json" && mv "$T/two.json" "$T/two/portlicd.json"
background "$BUILD/portlicd" --config "$T/two/portlicd.json"
SECOND=${PIDS[-1]}
check "two agents: two nodes" eventually 15 becomes nodes 2/2
is "one of them leads" "$(leads "$T") $(leads "$T/two") $(holder)" "True False n1"
is "... and knows who" "$(PORTLIC_SOCKET=$T/two/portlicd.sock portlic status -o json | json 'd["kubernetes"]["writer"]["holder"]')" n1
is "each has a Lease of its own" "$(kube list $LEASES | json 'sorted(l["metadata"]["name"] for l in d)')" "['portlic-node-n1', 'portlic-node-n2', 'portlic-writer']"

# the other one doesn't write, even when the first one can't
kill -STOP "$AGENT"
before=$(writes)
portpolicy e-late '{"match":{"gates":["y"]}}'
sleep 5
is "the holder hangs: nobody writes while its Lease lasts" "$(writes)" "$before"
kill -KILL "$AGENT"
wait "$AGENT" 2> /dev/null
AGENT=''
start=$(now)
check "the holder is dead: the other one takes the Lease" eventually 30 becomes holder n2
between "... when it has run out" "$(since "$start")" 3 28
check "... and writes" eventually 10 becomes accepted e-late "['True', 'Accepted', 1]"
is "... the Lease was handed over once" "$(kube_get $LEASES/portlic-writer | json 'd["spec"]["leaseTransitions"]')" 1
agent_start
eventually 20 eval '[ "$(portlic status -o json | json "d[\"kubernetes\"][\"writer\"][\"holder\"]")" = n2 ]'
is "the first one, back again, leaves it there" "$(leads "$T") $(leads "$T/two") $(holder)" "False True n2"

# cut off from the API server the holder stops
kube away
check "cut off, the holder stops writing by itself" eventually 16 becomes leads "$T/two" False
kill "$SECOND"

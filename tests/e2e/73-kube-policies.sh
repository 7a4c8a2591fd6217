#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# PortPolicies: which holds, what is told of those that are refused, and what becomes of deleted ones.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"

POLICIES=/apis/portlic.dev/v1alpha1/portpolicies
portpolicy() { # portpolicy NAME SPEC
	printf '{"kind":"PortPolicy","apiVersion":"portlic.dev/v1alpha1","metadata":{"name":"%s"},"spec":%s}' "$1" "$2" | kube_put -
}
accepted() { kube_get "$POLICIES/$1" | json "next(([c['status'], c['reason'], c['observedGeneration']] for c in d.get('status', {}).get('conditions', [])), None)"; }
why() { kube_get "$POLICIES/$1" | json "[c['message'] for c in d['status']['conditions']][0]"; }
policy_of() { portlic gate list -o json | json "next(([g['mode'], g['policy']] for g in d if g['name'] == 'pod'), None)"; }
of() { portlic policy list -o json | json "next((($2) for p in d if p['file'] == '$1'), None)"; }
becomes() { [ "$("${@:1:$#-1}")" = "${*: -1}" ]; }

make_pod
configure
vendor
kube_start
kube_configure n1
kube page 1
portpolicy b-audit '{"match":{"gates":["pod"]},"mode":"audit"}'
agent_start
gate_up
check "a PortPolicy holds for its gate" eventually 10 becomes policy_of "['audit', 'b-audit']"
check "... its status says so" eventually 10 becomes accepted b-audit "['True', 'Accepted', 1]"
portpolicy a-off '{"match":{"gates":["p*"]},"mode":"off"}'
check "the first in order of names holds" eventually 10 becomes policy_of "['off', 'a-off']"
echo '{"name":"0-file","match":{"gates":["pod"]},"mode":"enforce"}' > "$T/policies.d/0-file.json"
check "it goes before files of the directory" eventually 10 becomes of 0-file.json 'p["in_force"]' "[]"
is "... whatever these are called" "$(policy_of)" "['off', 'a-off']"
is "the list has them in that order" "$(portlic policy list -o json | json '[p["file"] for p in d]')" "['portpolicy:a-off', 'portpolicy:b-audit', '0-file.json']"
rm "$T/policies.d/0-file.json" && portlic policy del 0-file.json > "$T/out" 2>&1
has "policy del says where one comes from" "$(portlic policy del portpolicy:a-off 2>&1)" 'kubectl delete portpolicy a-off'

# refused ones
portpolicy a-off '{"match":{"gates":["p*"]},"mode":"closed"}'
check "a bad one is refused" eventually 20 becomes accepted a-off "['False', 'LastGoodCopy', 2]"
echo '{"match":{"gates":["p*"]},"mode":"closed","name":"a-off"}' > "$T/portpolicy:a-off"
is "... in the words of policy check" "$(why a-off)" "$(cd "$T" && portlic policy check portpolicy:a-off 2>&1 | sed -n 's/^.*\(policy "\)/\1/p')"
is "... and its last good copy holds" "$(policy_of) $(of portpolicy:a-off 'p["state"]')" "['off', 'a-off'] refused"
portpolicy c-typo '{"match":{"gates":["x"]},"prots":[{"port":9443,"from":[{"cidr":"10.0.0.0/8"}]}]}'
check "an unknown member is refused, not dropped" eventually 20 becomes accepted c-typo "['False', 'Refused', 1]"
has "... and named" "$(why c-typo)" 'unknown member "prots"'
portpolicy d-name '{"name":"other"}'
check "a name of its own is refused" eventually 20 becomes accepted d-name "['False', 'Refused', 1]"
portpolicy a-off '{"match":{"gates":["p*"]},"mode":"audit"}'
check "mended: accepted" eventually 20 becomes accepted a-off "['True', 'Accepted', 3]"
kube_delete $POLICIES/a-off
check "a deleted one is held" eventually 10 becomes of portpolicy:a-off 'p["state"]' held

#!/bin/bash
# SPDX-License-Identifier: MIT
# The client of the API server: lists that are watched, through all that a server and a network do to them, and
# single requests.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
need openssl
[ -x "$BUILD/tests/e2e/kubewatch" ] || skip_all "no kubewatch: run \"make test-e2e\""

PODS='/api/v1/pods?fieldSelector=spec.nodeName%3Dn1'
client() { # client WHAT=PATH...: kubewatch in the background, what it says in $T/said, what it is told by `tell`
	: > "$T/said"
	rm -f "$T/orders" && mkfifo "$T/orders"
	background sh -c 'exec "$0" "$@" < "$ORDERS" >> "$SAID" 2>&1' "$BUILD/tests/e2e/kubewatch" "$T/c.json" "$@"
	CLIENT=${PIDS[-1]}
	exec 7> "$T/orders"
}
tell() { echo "$*" >&7; }
said() { grep -qE "$1" "$T/said"; }
says() { # says TEXT PATTERN [SECONDS]: a line that matches comes, counted from the last `forget`
	if eventually "${3:-5}" said "$2"; then ok "$1"; else not_ok "$1" "no line like \"$2\" in: $(tail -n 8 "$T/said")"; fi
}
forget() { : > "$T/said"; }
end_client() {
	exec 7>&-
	eventually 5 dead "$CLIENT" || not_ok "the client ends" "$(tail -n 5 "$T/said")"
}
dead() { ! kill -0 "$1"; }
objects() { grep -E ' (present|gone|end|begin)' "$T/said" | cut -d' ' -f2,3 | tr '\n' ',' | tr -d ' '; }
answer() { # answer METHOD PATH [BODY]: status and body
	forget
	tell "$*"
	eventually 10 said '^answer' && sed -n 's/^answer //p' "$T/said"
}

export ORDERS=$T/orders SAID=$T/said
kube_start
echo "{$(kube_config n1)}" > "$T/c.json"
{
	kube_namespace shop '{"tier":"front"}'
	kube_pod shop web n1
	kube_pod shop elsewhere n2
	kube_pod shop db n1
} | kube_put -

# a list, then its changes
client "pods=$PODS" "ns=/api/v1/namespaces"
says "the pods of this node are listed" '^pods end'
is "... those alone" "$(grep '^pods' "$T/said" | cut -d' ' -f2,3 | tr '\n' ',' | tr -d ' ')" "begin,presentdb,presentweb,end,"
says "another kind beside it" '^ns end'
forget
kube_pod shop late n1 | kube_put -
says "a new pod comes by the watch" '^pods present late '
kube_delete /api/v1/namespaces/shop/pods/web
says "one that is deleted goes" '^pods gone web$'

# single requests
has "a request is answered" "$(answer GET /api/v1/namespaces/shop)" '200 {"kind":"Namespace"'
has "... a merge patch" "$(answer PATCH /api/v1/namespaces/shop '{"metadata":{"labels":{"tier":"back"}}}')" '"tier":"back"'
has "... what isn't there" "$(answer GET /api/v1/namespaces/none)" '404 {"kind":"Status"'
lease=/apis/coordination.k8s.io/v1/namespaces/portlic/leases
has "... POST" "$(answer POST $lease '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l"},"spec":{}}')" '201 {"kind":"Lease"'
has "... POST again" "$(answer POST $lease '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l"},"spec":{}}')" '409 '
has "... PUT of an old version" "$(answer PUT $lease/l '{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l","resourceVersion":"1"}}')" '409 '
has "... DELETE" "$(answer DELETE $lease/l)" '"status":"Success"'

# a watch ends, cleanly: it goes on where it was
forget
kube count > /dev/null
kube close
eventually 5 eval '[ "$(kube watches)" = 2 ]'
kube_pod shop after n1 | kube_put -
says "a watch that ended is begun again" '^pods present after '
is "... without a list" "$(kube count | grep -c list)" 0

# too old
forget
kube_pod shop unseen n2 | kube_put -
kube compact
says "410: listed anew" '^pods end'
is "... all of it, in one list" "$(grep '^pods' "$T/said" | cut -d' ' -f2,3 | tr '\n' ',' | tr -d ' ')" "begin,presentafter,presentdb,presentlate,end,"
end_client
says "the client ends at once, with all watches open" '^stopped'

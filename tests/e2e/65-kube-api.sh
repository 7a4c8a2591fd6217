#!/bin/bash
# SPDX-License-Identifier: MIT
# beside: its waits leave room for others
# The client of the API server: lists that are watched, through all that a server and a network do to them, and
# single requests.
. "$(dirname "$0")/lib.sh"
. "$LIB/kube.sh"
. "$LIB/kubewatch.sh"
need openssl

kube_start
echo "{$(kube_config n1)}" > "$T/client.json"
{
	kube_namespace shop '{"tier":"front"}'
	kube_pod shop web n1
	kube_pod shop elsewhere n2
	kube_pod shop db n1
} | kube_put -

# a list, then its changes
client "pods=$PODS" "ns=/api/v1/namespaces"
says "the pods of this node are listed" '^pods end'
is "... those alone" "$(heard pods)" "begin,presentdb,presentweb,end,"
says "another kind beside it" '^ns end'
is "it is connected, and counts" "$(kube_state 's["connected"], s["error"], s["node"], [(w["what"], w["objects"], w["synced"]) for w in s["watches"]]')" \
	"(True, None, 'n1', [('ns', 1, True), ('pods', 2, True)])"
has "the first list may come from the server's cache" "$(kube log)" ' GET /api/v1/pods?limit=500&resourceVersion=0&fieldSelector=spec.nodeName%3Dn1 200'
forget
kube_pod shop late n1 | kube_put -
says "a new pod comes by the watch" '^pods present late '
kube_delete /api/v1/namespaces/shop/pods/web
says "one that is deleted goes" '^pods gone web$'
is "... and is counted" "$(kube_state '[w["objects"] for w in s["watches"]]')" "[1, 2]"

# single requests
lease=/apis/coordination.k8s.io/v1/namespaces/portlic/leases
one='{"kind":"Lease","apiVersion":"coordination.k8s.io/v1","metadata":{"name":"l"},"spec":{}}'
has "a request is answered" "$(answer GET /api/v1/namespaces/shop)" '200 {"kind":"Namespace"'
has "... a merge patch" "$(answer PATCH /api/v1/namespaces/shop '{"metadata":{"labels":{"tier":"back"}}}')" '"tier":"back"'
has "... what isn't there" "$(answer GET /api/v1/namespaces/none)" '404 {"kind":"Status"'
has "... POST" "$(answer POST $lease "$one")" '201 {"kind":"Lease"'
has "... POST again" "$(answer POST $lease "$one")" '409 '
has "... PUT of an old version" "$(answer PUT $lease/l "${one/\"name\"/\"resourceVersion\":\"1\",\"name\"}")" '409 '
has "... DELETE" "$(answer DELETE $lease/l)" '"status":"Success"'

# a watch ends, cleanly: it goes on where it was
forget
kube count > /dev/null
kube close
eventually 10 watches 2
kube_pod shop after n1 | kube_put -
says "a watch that ended is begun again" '^pods present after '
is "... without a list" "$(kube count | grep -c list)" 0

# it breaks off: what came meanwhile isn't lost
settle
kube hold
kube_pod shop meanwhile n1 | kube_put -
kube cut
kube release
says "a watch that broke off: what came meanwhile comes" '^pods present meanwhile '
is "... without a list" "$(kube count | grep -c list)" 0
is "... and is no news" "$(grep -c 'kube_failed watch="pods"' "$SAID")" 0

# too old
kube_delete /api/v1/namespaces/shop/pods/tick
says "(the test's own pod goes)" '^pods gone tick'
forget
kube_pod shop unseen n2 | kube_put -
kube compact
says "the changes are gone (410): listed anew" '^pods end'
is "... all of it, in one list" "$(heard pods)" "begin,presentafter,presentdb,presentlate,presentmeanwhile,end,"
between "... and counted" "$(errors expired)" 1 2
connected() { [ "$(kube_state 's["connected"]')" = True ]; }
check "... it is connected" eventually 12 connected

# pieces of any size
forget
kube chunk 3
kube compact
says "a list in pieces of 3 bytes" '^pods end'
kube_delete /api/v1/namespaces/shop/pods/meanwhile
says "... and events" '^pods gone meanwhile'
kube chunk 0

# pages
client_end
says "the client ends at once, with all watches open" '^stopped'
for i in 1 2 3 4; do kube_pod many "p$i" n1; done | kube_put -
kube page 3
kube count > /dev/null
client "pods=$PODS"
says "a list in pages" '^pods end'
is "... is one list" "$(heard pods)" "begin,presentp1,presentp2,presentp3,presentp4,presentafter,presentdb,presentlate,end,"
is "... in three pages" "$(kube count pods | grep list)" "3 GET list"
kube page 0

# what a server shouldn't send
forget
python3 -c 'import json; print(json.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "nul", "namespace": "shop", "annotations": {"a": "x\0y"}}, "spec": {"nodeName": "n1"}}))' | kube_put -
says "a NUL in an annotation hides nothing" '^pods present nul '
python3 -c 'import json; print(json.dumps({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "large", "namespace": "shop", "annotations": {"a": "<" * 2000000}}, "spec": {"nodeName": "n1"}}))' | kube_put -
says "an object of 2 MB comes" '^pods present large '
kube_delete /api/v1/namespaces/shop/pods/large
forget
eventually 20 watches 1
kube event '<html>no such thing</html>'
says "no JSON: it is told" 'kube_failed.*malformed.*no JSON objects'
says "... and a list mends it" '^pods end'
forget
eventually 20 watches 1
kube event '{"type":"ADDED","object":{"metadata":{"name":"x"},"metadata":{}}}'
says "a name that stands twice: told" 'kube_failed.*stands twice'
says "... and a list mends it" '^pods end'
forget
eventually 20 watches 1
kube event '{"type":"ERROR","object":{"kind":"Status","message":"etcdserver: leader changed","code":500}}'
says "an error inside a watch: told" 'kube_failed.*reason="server".*leader changed'
eventually 20 watches 1
kube_delete /api/v1/namespaces/shop/pods/nul
says "... and the watch goes on" '^pods gone nul'
forget
kube_pod shop unwatch-me n1 | kube_put -
says "a consumer may end its watch in its own call" '^unwatched'
eventually 10 watches 0 && ok "... and it is closed" || not_ok "... and it is closed"
client_end
says "... without harm" '^stopped'
